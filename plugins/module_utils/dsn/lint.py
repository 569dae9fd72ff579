# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What to say about a DSN before kine gets it: one small function per rule, listed in RULES. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import golang, older, values
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.model import ERROR, WARNING, Dsn, Finding
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.tls import (
    PLAINTEXT,
    SSL_MODES,
    attempts,
    completed,
    leaves_tls_to_kine,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.url import MYSQL, POSTGRES, parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.k0s import K0sVersion, too_old
from ansible_collections.k0smotron.ha.plugins.module_utils.k0s import k0s_version as read_version

DRIVER_PARAMS = frozenset(
    [
        "connect_timeout",
        "passfile",
        "sslmode",
        "sslkey",
        "sslcert",
        "sslrootcert",
        "sslnegotiation",
        "sslpassword",
        "sslsni",
        "krbspn",
        "krbsrvname",
        "target_session_attrs",
        "service",
        "servicefile",
        "min_protocol_version",
        "max_protocol_version",
        "channel_binding",
        "require_auth",
        "default_query_exec_mode",
        "statement_cache_capacity",
        "description_cache_capacity",
    ]
)
"""What pgx keeps for itself; it sends every other parameter to the server at start-up."""
_STARTUP_PARAMS = frozenset(
    [
        "application_name",
        "options",
        "search_path",
        "client_encoding",
        "timezone",
        "statement_timeout",
        "lock_timeout",
        "idle_in_transaction_session_timeout",
        "default_transaction_isolation",
        "tcp_user_timeout",
        "synchronous_commit",
    ]
)
"""Server settings that make sense in a DSN."""
MYSQL_PARAMS = frozenset(
    [
        "allowAllFiles",
        "allowCleartextPasswords",
        "allowFallbackToPlaintext",
        "allowNativePasswords",
        "allowOldPasswords",
        "checkConnLiveness",
        "clientFoundRows",
        "charset",
        "collation",
        "columnsWithAlias",
        "compress",
        "interpolateParams",
        "loc",
        "multiStatements",
        "parseTime",
        "timeTruncate",
        "readTimeout",
        "rejectReadOnly",
        "serverPubKey",
        "strict",
        "timeout",
        "tls",
        "writeTimeout",
        "maxAllowedPacket",
        "connectionAttributes",
    ]
)
"""What go-sql-driver keeps for itself; it sets every other parameter as a system variable."""
_NAME_BYTES = 63
"""PostgreSQL cuts longer names off."""

_ITS_FILE = "the file of --ca-file"
"""Which one it is makes no difference to any rule."""
_WRITABLE = "target_session_attrs=read-write"
_PGX = K0sVersion(1, 28, 0, 0)
"""The first whose kine (0.10.3) has the driver pgx."""
_ENVIRONMENT = K0sVersion(1, 34, 0, 0)
"""The first whose kine (0.14.4) takes options from the environment; before it, k0s has no way to give kine --ca-file."""
_MYSQL_PORT_FORM = K0sVersion(1, 31, 0, 0)
"""Before it, k0s cannot read tcp(host:port) (k0s#4867)."""

_READ_SECONDS = 15
"""Longer than a semi-synchronous commit waits for its replica by default, which is 10 s."""


class Context(t.NamedTuple):
    """What a rule may look at: the DSN as kine completes it, and what lint() knows beside it."""

    dsn: Dsn
    version: K0sVersion | None
    require_tls: bool | None
    ca_file: bool

    @property
    def takes_ca_file(self) -> bool:
        """Whether kine gets to know of its --ca-file."""
        return self.ca_file and not (self.version and self.version < _ENVIRONMENT)


Rule = t.Callable[[Context], t.Iterator[Finding]]


def lint(
    url: str, *, k0s_version: str | None = None, require_tls: bool | None = None, ca_file: bool = False
) -> list[Finding]:
    """Everything that is wrong with a DSN, errors first. Never raises and never shows the password.

    ``k0s_version`` is the version that will read it. ``require_tls`` says whether the database is known to refuse
    connections without TLS (True: as the module datastore makes it; False: plaintext is allowed; None: nobody knows).
    ``ca_file`` says that kine gets its own --ca-file beside the DSN.
    """
    try:
        given = Context(parse(url), read_version(k0s_version) if k0s_version else None, require_tls, ca_file)
    except InvalidInput as error:
        return [Finding(ERROR, error.message, error.remedy)]
    context = given._replace(dsn=completed(given.dsn, _ITS_FILE if given.takes_ca_file else ""))
    found = [finding for rule in RULES[context.dsn.scheme] for finding in rule(context)]
    return sorted(found, key=lambda finding: finding.level != ERROR)


def accept(findings: t.Iterable[Finding]) -> list[str]:
    """The warnings as sentences; raises InvalidInput for the errors."""
    findings = list(findings)
    errors = [InvalidInput(finding.message, finding.remedy) for finding in findings if finding.level == ERROR]
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise InvalidInput(" ".join(str(error) for error in errors))
    return [str(InvalidInput(finding.message, finding.remedy)) for finding in findings]


def _k0s_version(context: Context) -> t.Iterator[Finding]:
    error = too_old(context.version) if context.version else None
    if error:
        yield Finding(ERROR, error.message, error.remedy)


def _ca_file(context: Context) -> t.Iterator[Finding]:
    if context.ca_file and not context.takes_ca_file:
        yield Finding(
            WARNING,
            f"The kine of k0s {context.version} takes no --ca-file from its environment, so the file has no effect",
            f"Use k0s {_ENVIRONMENT} or newer; or have the DSN say how to verify, for PostgreSQL by sslrootcert.",
        )


def _postgres_tls(context: Context) -> t.Iterator[Finding]:
    mode, tried = context.dsn.params.get("sslmode"), attempts(context.dsn)
    if mode is not None and mode not in SSL_MODES:
        yield Finding(ERROR, "The DSN's sslmode is unknown", f"Use one of {', '.join(SSL_MODES)}.")
    elif tried == (PLAINTEXT,):
        yield _plaintext(context.require_tls)
    elif PLAINTEXT in tried and mode is None:
        yield Finding(
            WARNING,
            "The DSN sets no sslmode, so kine falls back to plaintext without a word when TLS fails",
            "Add sslmode=require, or verify-full with sslrootcert.",
        )
    elif PLAINTEXT in tried:
        yield Finding(WARNING, f"sslmode={mode} allows plaintext", "Use sslmode=require.")
    elif tried[0].startswith("verify") and "sslrootcert" not in context.dsn.params:
        yield Finding(
            WARNING,
            f"sslmode={mode} without sslrootcert trusts only the certificate authorities of the k0s image",
            "Mount the database's CA into the control plane and name it in sslrootcert.",
        )


def _postgres_values(context: Context) -> t.Iterator[Finding]:
    params = context.dsn.params
    yield from _refused_values(params, values.POSTGRES)
    if "service" in params:
        yield Finding(ERROR, "The DSN names a service file's entry, which no pod has", "Write its values into the DSN.")
    if bool(params.get("sslcert")) != bool(params.get("sslkey")):
        yield Finding(ERROR, "The DSN gives one of sslcert and sslkey without the other", "Give both, or neither.")
    if params.get("min_protocol_version") in ("3.2", "latest") and params.get("max_protocol_version") == "3.0":
        yield Finding(ERROR, "The DSN's min_protocol_version is above its max_protocol_version", "Remove both.")


def _refused_values(params: t.Mapping[str, str], takes: t.Mapping[str, str]) -> t.Iterator[Finding]:
    for name in values.refused(params, takes):
        yield Finding(ERROR, f"kine's driver refuses the DSN's value of {name}", f"Correct {name}, or remove it.")


def _plaintext(require_tls: bool | None) -> Finding:
    if require_tls:
        return Finding(
            ERROR,
            "The DSN asks for sslmode=disable, but this database refuses plaintext: its pg_hba rejects it",
            "Use sslmode=require, or create the datastore with require_tls: false.",
        )
    return Finding(
        WARNING,
        "sslmode=disable sends the password and all data of the control plane in the clear",
        "Use sslmode=require; a datastore of this collection refuses plaintext unless it has require_tls: false.",
    )


def _postgres_driver(context: Context) -> t.Iterator[Finding]:
    asks = len(context.dsn.hosts) > 1 or "target_session_attrs" in context.dsn.params
    if asks and context.version and context.version < _PGX:
        yield Finding(
            ERROR,
            f"k0s {context.version} reads the DSN with lib/pq, which knows one host and no target_session_attrs",
            "Use a newer k0s, or name an address that follows the primary alone.",
        )


def _postgres_driver_params(context: Context) -> t.Iterator[Finding]:
    if context.version:
        yield from older.unknown(context.dsn, context.version)


def _postgres_hosts(context: Context) -> t.Iterator[Finding]:
    params, several = context.dsn.params, len(context.dsn.hosts) > 1
    aim = params.get("target_session_attrs", "any")
    if aim in ("read-only", "standby"):
        yield Finding(
            ERROR, f"target_session_attrs={aim} leads kine to servers that take no writes", f"Use {_WRITABLE}."
        )
    elif several and aim in ("any", "prefer-standby"):
        yield Finding(
            WARNING,
            f"The DSN names several hosts without {_WRITABLE}, so kine may write to a read-only standby",
            f"Add {_WRITABLE}.",
        )
    if params.get("connect_timeout", "0") == "0":
        yield Finding(
            WARNING,
            "The DSN has no connect_timeout, so new connections of kine wait for a server that hangs or is cut off, also when"
            " another one is the primary by then",
            "Add connect_timeout=2.",
        )


def _postgres_names(context: Context) -> t.Iterator[Finding]:
    name = context.dsn.database
    if name != name.lower():
        yield Finding(
            ERROR,
            f"The database name {name} has upper-case letters, and kine looks for {name.lower()}",
            f"Create and name the database {name.lower()}.",
        )
    if len(name.encode()) > _NAME_BYTES:
        yield Finding(ERROR, f"The database name is longer than {_NAME_BYTES} bytes", "Choose a shorter name.")


def _postgres_params(context: Context) -> t.Iterator[Finding]:
    params = context.dsn.params
    unknown = [key for key in params if key not in DRIVER_PARAMS and key not in _STARTUP_PARAMS]
    if unknown:
        yield Finding(
            WARNING,
            f"The DSN's parameters {', '.join(unknown)} are unknown to kine's driver and go to the server as settings",
            "Remove them, unless they are server settings you mean.",
        )
    if "serializable" in params.get("default_transaction_isolation", ""):
        yield Finding(
            ERROR,
            "default_transaction_isolation=serializable makes kine's plain inserts fail",
            "Remove it; kine needs read committed.",
        )


def _mysql_form(context: Context) -> t.Iterator[Finding]:
    if context.version and context.version < _MYSQL_PORT_FORM:
        yield Finding(
            ERROR,
            f"k0s {context.version} cannot read a MySQL DSN with tcp(host:port) (k0s#4867)",
            f"Use k0s {_MYSQL_PORT_FORM} or newer.",
        )


def _mysql_tls(context: Context) -> t.Iterator[Finding]:
    tried = attempts(context.dsn, _ITS_FILE if context.takes_ca_file else "")
    given = context.dsn.params.get("tls", "false")
    remedy = "Add tls=true, tls=skip-verify for a certificate of its own, or kine's own --ca-file."
    if not tried:
        yield Finding(ERROR, "kine's driver refuses this value of tls", remedy)
    elif context.takes_ca_file and not leaves_tls_to_kine(context.dsn):
        yield Finding(
            WARNING, f"tls={given} in the DSN makes kine ignore its --ca-file", "Remove tls from the DSN, or the file."
        )
    elif PLAINTEXT in tried:
        level = ERROR if context.require_tls and tried == (PLAINTEXT,) else WARNING
        yield Finding(level, "The DSN allows plaintext", remedy)


def _mysql_values(context: Context) -> t.Iterator[Finding]:
    params = context.dsn.params
    yield from _refused_values(params, values.MYSQL)
    if "strict" in params:
        yield Finding(ERROR, "kine's driver ends itself at the parameter strict, which it no longer has", "Remove it.")
    if golang.boolean(params.get("interpolateParams", "")) and re.match(
        r"(big5|cp932|gb|sjis)", params.get("collation", "")
    ):
        yield Finding(ERROR, "kine's driver refuses interpolateParams with this collation", "Remove interpolateParams.")


def _mysql_failover(context: Context) -> t.Iterator[Finding]:
    if not golang.boolean(context.dsn.params.get("rejectReadOnly", "")):
        yield Finding(
            WARNING,
            "Without rejectReadOnly kine keeps its connections to a demoted primary, where every write fails",
            "Add rejectReadOnly=true.",
        )
    read = context.dsn.params.get("readTimeout", "0")
    if 0 < (golang.seconds(read) or 0) < _READ_SECONDS:
        yield Finding(
            WARNING,
            f"readTimeout={read} gives up commits that wait for a replica, 10 s by default, though they are made in the end",
            f"Use readTimeout={_READ_SECONDS}s or more.",
        )


def _mysql_params(context: Context) -> t.Iterator[Finding]:
    unknown = [key for key in context.dsn.params if key not in MYSQL_PARAMS]
    if unknown:
        yield Finding(
            WARNING,
            f"The DSN's parameters {', '.join(unknown)} are not known to kine's driver and are set as system variables",
            "Remove them, unless they are system variables you mean.",
        )


RULES: t.Mapping[str, t.Sequence[Rule]] = {
    POSTGRES: (
        _k0s_version,
        _ca_file,
        _postgres_driver,
        _postgres_driver_params,
        _postgres_tls,
        _postgres_hosts,
        _postgres_names,
        _postgres_params,
        _postgres_values,
    ),
    MYSQL: (_k0s_version, _ca_file, _mysql_form, _mysql_tls, _mysql_failover, _mysql_params, _mysql_values),
}
