# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module join_token does: ask k0smotron for a token, renew it in time, and revoke it where it is valid."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import control_planes, hosted_api
from ansible_collections.k0smotron.ha.plugins.module_utils.cluster_run import served_version
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import join_token
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.join_token import Seen, TokenOptions
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import mask_text
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Forbidden,
    HaError,
    NotFound,
    Unreachable,
    WaitTimeout,
    sentence,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import FIELD_MANAGER, Change, Kube, Ref, changes_result
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import compare
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import texts
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.k0smotron.ha.plugins.module_utils.hosted_api import HostedApi

Object: t.TypeAlias = dict[str, t.Any]
Params: t.TypeAlias = t.Mapping[str, t.Any]
Warn: t.TypeAlias = t.Callable[[str], None]

ANSWER_SECONDS = 10.0
LOOK_AT_K0SMOTRON = (
    "Look at the log of k0smotron's controller manager: it asks k0s in the control plane's pod for the token"
)

CHECK_CLOCKS = (
    "Run it again. If that does not help, compare the clock of this machine with those of the control plane's nodes, and give"
    " a longer expiry"
)


def ensure(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """The whole module: its parameters in, its result out. Raises HaError."""
    act = absent if module.params["state"] == "absent" else present
    return act(kube, module.params, module.warn)


# -- present -----------------------------------------------------------------------------------------------------------


def present(kube: Kube, params: Params, warn: Warn) -> dict[str, t.Any]:
    """A token that is good for longer than `renew_before`. Nothing is created or deleted when anything is refused."""
    options = TokenOptions(**{field.name: params[field.name] for field in dataclasses.fields(TokenOptions)})
    join_token.validate(options)
    api_version = served_version(kube)
    wanted = join_token.request(options, api_version)
    _refuse_others(kube, Ref.of(wanted))
    cluster = kube.get(api_version, "Cluster", options.cluster, options.namespace)
    if cluster is None:
        _refuse_missing(kube, options, warn)
        return {**changes_result([compare(None, wanted)]), **_described(options)}
    hosted = hosted_api.reach(kube, cluster)
    seen = _look(kube, Ref.of(wanted), hosted)
    flaw = join_token.flaw(options, cluster, seen, _now()) if seen else ""
    changes = [] if seen and not flaw else _make(kube, wanted, seen, params, warn)
    if kube.check_mode and changes:
        return {**changes_result(changes), **_described(options)}
    if params["wait"] and not kube.check_mode:
        _await_token(kube, Ref.of(wanted), params["wait_timeout"])
    return {**changes_result(changes), **_proven(options, cluster, _look(kube, Ref.of(wanted), hosted))}


def _refuse_others(kube: Kube, ref: Ref) -> None:
    """A request or a Secret of this name that is somebody else's."""
    join_token.refuse_taken_secret(ref.name, kube.get("v1", "Secret", ref.name, ref.namespace))
    live = kube.get(*ref)
    if live is not None:
        join_token.refuse_foreign(live, FIELD_MANAGER)


def _refuse_missing(kube: Kube, options: TokenOptions, warn: Warn) -> None:
    """A control plane that is not there; in check mode an earlier task may be going to make it."""
    missing = NotFound(
        f"There is no control plane {options.cluster} in namespace {options.namespace}",
        "Create it first, with k0smotron.ha.cluster; the join token has to be in its namespace",
    )
    if not kube.check_mode:
        raise missing
    warn(str(missing))


def _make(kube: Kube, wanted: Object, old: Seen | None, params: Params, warn: Warn) -> list[Change]:
    """Ask for a token; the request whose token will not do any more goes first, and its token with it."""
    if old is None:
        return kube.apply([wanted])
    # What is refused leaves the old token alone. Under another name, because what may be made need not be allowed as a change.
    digest = hashlib.sha256(wanted["metadata"]["name"].encode()).hexdigest()[:8]
    metadata = {**wanted["metadata"], "name": f"rehearsal-{digest}"}
    kube.rehearse({**wanted, "metadata": metadata})
    gone = _revoke(kube, old, params, warn)
    # In the foreground: its Secret, of the same name as the next one, is gone then.
    gone += kube.delete([Ref.of(wanted)], params["wait_timeout"], propagation="Foreground")
    return gone + ([compare(None, wanted)] if kube.check_mode else kube.apply([wanted]))


def _await_token(kube: Kube, ref: Ref, timeout: float) -> None:
    def probe() -> Verdict:
        live = kube.get(*ref)
        word = mask_text(join_token.controller_word(live)) or "nothing yet"
        return Verdict(join_token.token_id(live) is not None, f"{ref} has no token; k0smotron says: {word}")

    kube.wait(probe, timeout, lambda: LOOK_AT_K0SMOTRON)


def _proven(options: TokenOptions, cluster: Object, seen: Seen | None) -> dict[str, t.Any]:
    """What is known of the token, without `wait` nothing perhaps. Raises HaError for one that is of no use."""
    if seen is None or join_token.token_id(seen.live) is None:
        return _described(options)
    flaw = join_token.flaw(dataclasses.replace(options, renew_before="0s"), cluster, seen, _now())
    if flaw:
        raise HaError(f"The join token cannot be used: {flaw}", CHECK_CLOCKS)
    return _described(options, seen)


def _described(options: TokenOptions, seen: Seen | None = None) -> dict[str, t.Any]:
    end = join_token.expiration(seen.hosted or {}) if seen else None
    identifier = join_token.token_id(seen.live) if seen else None
    return {"token_id": identifier, "secret": options.name, "expires": join_token.iso(end)}


# -- absent ------------------------------------------------------------------------------------------------------------


def absent(kube: Kube, params: Params, warn: Warn) -> dict[str, t.Any]:
    """Revoke the token in the hosted cluster, then delete the request and with it the Secret."""
    served = [version for version in control_planes.API_VERSIONS if kube.serves(version, join_token.KIND)]
    ref = Ref((served or control_planes.API_VERSIONS)[0], join_token.KIND, params["name"], params["namespace"])
    if _look(kube, ref) is None:
        return {**changes_result([]), "revoked": []}
    if params["wait"] and not kube.check_mode:
        _await_answer(kube, ref)
    seen = _look(kube, ref)
    if seen is None:
        return {**changes_result([]), "revoked": []}
    changes = _revoke(kube, seen, params, warn)
    changes += kube.delete([ref], params["wait_timeout"] if params["wait"] else 0, propagation="Foreground")
    return {**changes_result(changes), "revoked": seen.token_ids if params["revoke"] else []}


def _await_answer(kube: Kube, ref: Ref) -> None:
    """Give k0smotron a moment to say what became of a new request: a token that comes after its end is never revoked."""

    def probe() -> Verdict:
        live = kube.get(*ref)
        return Verdict(live is None or bool(join_token.controller_word(live) or join_token.token_id(live)), "no answer")

    with contextlib.suppress(WaitTimeout):
        kube.wait(probe, ANSWER_SECONDS)


# -- both --------------------------------------------------------------------------------------------------------------


def _look(kube: Kube, ref: Ref, hosted: HostedApi | None = None) -> Seen | None:
    """The request with what its Secret and, if asked, the hosted cluster hold. Raises InvalidInput for somebody else's."""
    live = kube.get(*ref)
    if live is None:
        return None
    join_token.refuse_foreign(live, FIELD_MANAGER)
    secret, identifier = kube.get("v1", "Secret", ref.name, ref.namespace), join_token.token_id(live)
    held = join_token.token_id_in(texts(secret or {}).get(join_token.TOKEN_KEY, ""))
    stored = hosted.get(join_token.bootstrap_secret_path(identifier)) if hosted and identifier else None
    return Seen(live=live, held=held, hosted=texts(stored) if stored else None)


def _revoke(kube: Kube, seen: Seen, params: Params, warn: Warn) -> list[Change]:
    """Make the tokens of a request invalid. Raises HaError when that cannot be done; nothing was deleted then."""
    if not seen.token_ids:
        return []
    if not params["revoke"]:
        warn(f"The token {', '.join(seen.token_ids)} stays valid in the hosted cluster until it expires")
        return []
    try:
        return _revoke_hosted(kube, seen)
    except (Forbidden, NotFound, Unreachable) as error:
        remedy = error.remedy or "Look at the control plane with k0smotron.ha.cluster_info"
        raise type(error)(
            f"The token {', '.join(seen.token_ids)} cannot be revoked, so nothing was deleted: {error.message}",
            f"{sentence(remedy)} Or set revoke to false: the token then stays valid until it expires",
        ) from error


def _revoke_hosted(kube: Kube, seen: Seen) -> list[Change]:
    cluster = join_token.cluster_of(seen.live)
    hosted = hosted_api.reach(kube, _cluster(kube, seen.live["apiVersion"], *cluster))
    paths = {identifier: join_token.bootstrap_secret_path(identifier) for identifier in seen.token_ids}
    valid = [identifier for identifier, path in paths.items() if hosted.get(path) is not None]
    for identifier in valid if not kube.check_mode else []:
        hosted.delete(paths[identifier])
    return [compare(join_token.bootstrap_secret(identifier, cluster), None) for identifier in valid]


def _cluster(kube: Kube, api_version: str, namespace: str, name: str) -> Object:
    found = kube.get(api_version, "Cluster", name, namespace)
    if found is None:
        raise NotFound(f"the control plane {namespace}/{name} is gone")
    return found


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
