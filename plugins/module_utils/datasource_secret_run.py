# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module datasource_secret does: find or build the DSN, refuse what would not work, apply the Secret."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import database_ca, database_move, datastore_lookup
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    DatabaseSpec,
    Datastore,
    datastore,
    options_for,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.postgres import CONNECT_PARAMS
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import (
    Dsn,
    Host,
    accept,
    build,
    checksum,
    lint,
    mask,
    parse,
    secret_data,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref, changes_result
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import (
    Object,
    require_dns_label,
    require_dns_subdomain,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.plan import PoolLimits, pool_limits
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import encoded, texts
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

Params: t.TypeAlias = t.Mapping[str, t.Any]
Warn: t.TypeAlias = t.Callable[[str], None]

LABELS = {"app.kubernetes.io/managed-by": "k0smotron.ha"}
# Stands for what check mode cannot know before the operator has made it. It is never applied.
NOT_MADE_YET = "not-made-yet"
TLS_PARAMETER = {"postgres": "sslmode", "mysql": "tls"}
# In the words of each driver; go-sql-driver has none that checks the authority but not the name.
TLS_WORDS = {
    "postgres": {"disable": "disable", "require": "require", "verify_ca": "verify-ca", "verify_full": "verify-full"},
    "mysql": {"disable": "false", "require": "skip-verify", "verify_full": "true"},
}


@dataclasses.dataclass(frozen=True)
class Source:
    """A DSN as a URL, and whether its database refuses plaintext (None: nobody knows).

    predicted: user and password are not known yet, the URL holds placeholders. certificates: of the authorities that
    kine verifies the database by, "" where it uses none of ours.
    """

    url: str = dataclasses.field(repr=False)
    requires_tls: bool | None
    predicted: bool = False
    certificates: str = ""


def ensure(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Raises HaError."""
    params = module.params
    require_dns_subdomain("The Secret's name", params["name"])
    require_dns_label("The namespace", params["namespace"])
    ref = Ref("v1", "Secret", params["name"], params["namespace"])
    if params["state"] == "absent":
        return _absent(kube, ref, module.warn, params["wait_timeout"])
    pool = limits(params)
    source = find_source(kube, params, module.warn)
    data = secret_data(source.url, pool)
    if source.certificates:
        data |= database_ca.secret_data(parse(source.url).scheme, source.certificates)
    findings = lint(
        source.url,
        k0s_version=params["k0s_version"],
        require_tls=source.requires_tls,
        ca_file=database_ca.KINE_FLAG in data,
    )
    for warning in accept(findings):
        module.warn(warning)
    if not params["allow_other_database"]:
        database_move.refuse_by_secret(kube, ref, source.url)
    return apply(kube, ref, source, data)


def is_ours(live: Object) -> bool:
    """Whether this module made an object: by its label, as nobody else's has it."""
    return LABELS.items() <= (live["metadata"].get("labels") or {}).items()


def _absent(kube: Kube, ref: Ref, warn: t.Callable[[str], None], timeout: float) -> dict[str, t.Any]:
    """Delete the Secret and the ConfigMap with the certificates; what somebody else made of these names stays."""
    certificates = Ref("v1", "ConfigMap", database_ca.config_map_name(ref.name), ref.namespace)
    found = [live for live in (kube.get(*ref), kube.get(*certificates)) if live]
    ours = [live for live in found if is_ours(live)]
    for live in found:
        if live not in ours:
            warn(f"{Ref.of(live)} stays: it has not the label that this module gives to what it makes")
    return changes_result(kube.delete(map(Ref.of, ours), timeout))


def apply(kube: Kube, ref: Ref, source: Source, data: t.Mapping[str, str]) -> dict[str, t.Any]:
    """Apply the Secret, and before it the certificates that its DSN names; the module's result."""
    wanted = [secret(ref, data)]
    if source.certificates:
        wanted.insert(0, database_ca.config_map(ref.name, ref.namespace or "", source.certificates, LABELS))
    changes = kube.apply(wanted)
    result: dict[str, t.Any] = {
        **changes_result(changes),
        "replaces": any(change.changed and change.before for change in changes),
        "dsn": mask(source.url),
        "checksum": None,
        "mounts": [database_ca.mount(ref.name)] if source.certificates else [],
    }
    if source.predicted:
        return {**result, "msg": "The password is not made yet, so the checksum is not known before the real run."}
    # k0smotron hands every key of the Secret to the pods, so keys that others added count as well.
    return {**result, "checksum": checksum(_stored(kube, wanted[-1]), f"{ref.namespace}/{ref.name}")}


def _stored(kube: Kube, wanted: Object) -> dict[str, str]:
    """What the Secret says after the apply; only the server knows which keys stay because somebody else has them."""
    if not kube.check_mode:
        return texts(kube.get(*Ref.of(wanted)) or {})
    try:
        return texts(kube.patch(wanted, dry_run=True))
    except NotFound:  # the namespace comes into being only in the real run
        return texts(wanted)


def secret(ref: Ref, data: t.Mapping[str, str]) -> Object:
    """The Secret object. Not stringData: it is written, never read back, so a dropped key would stay in data."""
    return {
        "apiVersion": ref.api_version,
        "kind": ref.kind,
        "metadata": {"name": ref.name, "namespace": ref.namespace, "labels": dict(LABELS)},
        "type": "Opaque",
        "data": encoded(data),
    }


def limits(params: Params) -> PoolLimits:
    """The pool limits by the connection budget, with what the user set over them. Raises InvalidInput."""
    given = {key: value for key, value in (params["pool"] or {}).items() if value is not None}
    too_small = [f"pool.{key} is {value}" for key, value in given.items() if value < 1]
    if too_small:
        raise InvalidInput(f"{', '.join(too_small)}, and kine takes that as no limit at all", "Use at least 1")
    budget = {key: params[key] for key in ("max_connections", "control_planes", "replicas")}
    # All three given: the budget has no say, and no reason to refuse.
    base = PoolLimits(1, 1, 1) if len(given) == len(dataclasses.fields(PoolLimits)) else pool_limits(**budget)
    return dataclasses.replace(base, **given)


def find_source(kube: Kube, params: Params, warn: Warn) -> Source:
    """The DSN from whichever of url, connection and datastore was given."""
    certificates = database_ca.read(params["ca_file"]) if params["ca_file"] else ""
    if params.get("datastore_domain") and not params["datastore"]:
        raise InvalidInput(
            "datastore_domain is for a datastore only",
            "Write the host's whole name, with a dot at its end, where the host is given",
        )
    if params["datastore"]:
        source = _from_datastore(kube, params, certificates, warn)
    elif params["connection"]:
        url = build(dsn_of(params["connection"], params["tls"], verifies=bool(certificates)))
        source = _known(kube, params, url, certificates)
    elif params["tls"]:
        raise InvalidInput("tls has no effect on a url", "Write it into the url")
    else:
        source = _known(kube, params, params["url"], certificates)
    if certificates and not source.certificates:
        raise InvalidInput(
            "The data source does not use the authorities of ca_file",
            f"Leave out tls, sslmode and sslrootcert; a PostgreSQL url takes ?{_VERIFIED}, a MySQL url nothing",
        )
    return source


_VERIFIED = f"sslmode=verify-full&sslrootcert={database_ca.PATH}"


def _known(kube: Kube, params: Params, url: str, certificates: str) -> Source:
    """A DSN that the user gave; its database may still be one of ours."""
    dsn = parse(url)
    live = datastore_lookup.datastore_behind(kube, dsn, params["namespace"])
    return Source(url, datastore_lookup.requires_tls(live), certificates=certificates if _uses_ours(dsn) else "")


def _uses_ours(dsn: Dsn) -> bool:
    """Whether kine is to verify by our file: a MySQL DSN names none and leaves it to kine's flag by saying nothing of TLS.

    With tls=false kine would verify by it all the same, but whoever writes that asks for plaintext.
    """
    flag = database_ca.PATH if dsn.scheme == "mysql" and "tls" not in dsn.params else ""
    return database_ca.named_by(dsn, flag) == database_ca.PATH


def dsn_of(connection: Params, tls: str | None, *, verifies: bool = False) -> Dsn:
    """The DSN of separate parts. Raises InvalidInput for a way to use TLS that MySQL does not have."""
    scheme = connection["scheme"]
    port = connection["port"] or {"postgres": 5432, "mysql": 3306}[scheme]
    hosts = tuple(Host(name.strip(), port) for name in connection["host"].split(","))
    ours = CONNECT_PARAMS if scheme == "postgres" else {}
    return Dsn(
        scheme=scheme,
        user=connection["user"],
        password=connection["password"],
        hosts=hosts,
        database=connection["database"],
        params=_params(scheme, {**ours, **(connection["params"] or {})}, tls, verifies=verifies),
    )


def _params(scheme: str, given: t.Mapping[str, t.Any] | None, tls: str | None, *, verifies: bool) -> dict[str, str]:
    """The DSN's parameters. Unless tls or the parameters say otherwise, TLS is required.

    verifies: the authorities are known, so the server's certificate and name are verified, too.
    """
    params = {key: _as_text(value) for key, value in (given or {}).items()}
    if "sslpassword" in params:
        raise InvalidInput(
            "params may not hold sslpassword: Ansible shows and logs them",
            "Change that password, and give the whole data source name as url, which stays hidden",
        )
    name, words = TLS_PARAMETER[scheme], TLS_WORDS[scheme]
    if tls is None and name in params:
        return params
    mode = tls or ("verify_full" if verifies else "require")
    if mode not in words:
        raise InvalidInput(f"kine's driver for MySQL has no way to do tls={mode}", f"Use one of {', '.join(words)}")
    if scheme == "postgres":
        trusted = {"sslrootcert": database_ca.PATH} if verifies and mode.startswith("verify_") else {}
        return {**trusted, **params, name: words[mode]}
    # The parameter would make kine ignore its own --ca-file, which verifies authority and name.
    return params if verifies and mode == "verify_full" else {**params, name: words[mode]}


def _as_text(value: t.Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


# -- from a datastore ------------------------------------------------------------------------------------------------


def _from_datastore(kube: Kube, params: Params, certificates: str, warn: Warn) -> Source:
    given = params["datastore"]
    place = options_for(given["provider"], name=given["name"], namespace=given["namespace"] or params["namespace"])
    store = datastore(given["provider"], place)
    store.validate()
    live = kube.get(*Ref.of(store.desired()[0]))
    if live is None and not kube.check_mode:
        raise NotFound(
            f"There is no {given['provider']} datastore {place.namespace}/{place.name}",
            "Create it with k0smotron.ha.datastore, or correct its name and namespace",
        )
    known = datastore_lookup.known(kube, live) if live else None
    owner = given["owner"] or _owner(kube, known, given["database"], warn)
    store = datastore(
        given["provider"], dataclasses.replace(place, databases=(DatabaseSpec(given["database"], owner),))
    )
    store.validate()
    user, password = _credentials(kube, store, owner, params)
    there = known or store
    certificates = certificates or _authorities(kube, there, params)
    dsn = Dsn(
        scheme=store.scheme,
        user=user,
        password=password or NOT_MADE_YET,
        hosts=(_host(there, params.get("datastore_domain")),),
        database=given["database"],
        params=_params(
            store.scheme,
            {**store.dsn_params(), **(given["params"] or {})},
            params["tls"],
            verifies=bool(certificates),
        ),
    )
    requires_tls = datastore_lookup.requires_tls(live) if live else None
    used = certificates if _uses_ours(dsn) else ""
    return Source(build(dsn), requires_tls, predicted=NOT_MADE_YET in (dsn.password, used), certificates=used)


def _host(store: Datastore, domain: str | None) -> Host:
    """Where its primary answers. A dot at the end keeps resolvers from trying the names of a search list (resolv.conf(5))."""
    host = store.endpoint()
    if not domain:
        return host
    require_dns_subdomain("datastore_domain", domain.removesuffix("."))
    return Host(f"{host.name}.svc.{domain.removesuffix('.')}.", host.port)


def _owner(kube: Kube, store: Datastore | None, database: str, warn: Warn) -> str:
    if store is None:  # only in check mode: the datastore comes into being in the same run
        return NOT_MADE_YET
    if kube.check_mode and database not in [item.name for item in store.options.databases]:
        warn(
            f"The datastore {store.options.name} has no database {database}: the real run must add it before this Secret"
        )
        return NOT_MADE_YET
    return store.owner_of(database)


def _authorities(kube: Kube, store: Datastore, params: Params) -> str:
    """The certificates by which this datastore's servers are verified, "" where each signs for itself."""
    place = store.ca()
    if place is None:
        return ""
    name, key = place
    ref = Ref("v1", "Secret", name, store.options.namespace)
    found = _made_by_operator(kube, ref, key, params)
    return database_ca.require_certificates(found[key], f"{key} of {ref}") if found else NOT_MADE_YET


def _made_by_operator(kube: Kube, ref: Ref, key: str, params: Params) -> dict[str, str]:
    """The texts of a Secret that an operator makes, once it has the key; {} in check mode while it has not."""

    def made() -> Verdict:
        return Verdict(up=bool(texts(kube.get(*ref) or {}).get(key)), reason=f"{ref} with the key {key} does not exist")

    if not made().up:
        if kube.check_mode:
            return {}
        if not params["wait"]:
            raise NotFound(made().reason, "Wait until the operator has made it, or check the names")
        kube.wait(made, params["wait_timeout"], lambda: "The operator makes it: check that it runs")
    return texts(kube.get(*ref) or {})


def _credentials(kube: Kube, store: Datastore, owner: str, params: Params) -> tuple[str, str]:
    """(user, password) from the Secret that the operator made for a role; in check mode the password may be ""."""
    ref = Ref("v1", "Secret", store.credential_secret(owner), store.options.namespace)
    data = _made_by_operator(kube, ref, "password", params)
    return data.get("username") or owner, data.get("password") or ""
