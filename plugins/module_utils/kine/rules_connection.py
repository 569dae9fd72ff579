# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of the way to the database: the DSN, the connection, TLS, and what the connection may do."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Finding as LintFinding
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import lint
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.older import unknown_to_the_driver
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.release import PARAMETERS_SINCE, choose
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Finding

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import WriteState
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Look
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Tls

# A proxy or a Service spreads connections: one that is fine says little about the next.
CONNECTIONS = 5
_LASTING = "a certificate with more than a fifteenth of its life left"
_RENEW = (
    "Renew it: of a database cluster that this collection made, by a run of site or of the cluster's role. Who verifies it"
    " cannot connect any more after that moment."
)
# That way is the same for every database of a server, unless a pooler sends one of them elsewhere.
CONNECTIONS_AGAIN = 2


def dsn_is_sound(look: Look) -> Finding:
    """Judge the text of the DSN before anything is tried with it, as the planned k0s and kine read it."""
    findings = [
        *lint(look.url, k0s_version=look.plan.k0s, ca_file=bool(look.plan.ca_file)),
        *_old_driver(look),
        *_older_driver(look),
    ]
    if not findings:
        return Finding("ok", "nothing to object to")
    status: t.Literal["fail", "warn"] = "fail" if any(finding.level == "error" for finding in findings) else "warn"
    return Finding(
        status,
        "; ".join(finding.message for finding in findings),
        "a DSN that every kine reads in the same way",
        " ".join(dict.fromkeys(finding.remedy for finding in findings)),
    )


def _old_driver(look: Look) -> list[LintFinding]:
    """lib/pq, which kine used before 0.10, takes a list of hosts for one name and does not know this parameter.

    Of a k0s with that driver the DSN's own rules speak.
    """
    if look.plan.kine.driver == "pgx" or look.dsn.scheme != "postgres" or _named_old(look):
        return []
    if len(look.dsn.hosts) == 1 and "target_session_attrs" not in look.dsn.params:
        return []
    message = f"kine {look.plan.kine} reads the DSN with lib/pq, which knows one host and no target_session_attrs"
    return [LintFinding("error", message, "Use a newer k0s, or name the Service of the primary alone.")]


def _older_driver(look: Look) -> list[LintFinding]:
    """What a kine that was named alone does not know yet; of a k0s the DSN's own rules speak."""
    if look.dsn.scheme != "postgres" or look.plan.k0s or look.plan.kine.driver != "pgx":
        return []
    kine = look.plan.kine
    late = {name: since for name, since in PARAMETERS_SINCE.items() if name in look.dsn.params and kine < since}
    return [unknown_to_the_driver(f"kine {kine}", list(late), f"kine {max(late.values())}")] if late else []


def _named_old(look: Look) -> bool:
    return bool(look.plan.k0s) and choose(None, look.plan.k0s).driver != "pgx"


def connects(look: Look) -> Finding:
    """Connect as kine would; the driver's error is the finding when it cannot."""
    way = look.open().way()
    return Finding("ok", f"to database {look.home.database} as role {look.home.role}, {way}")


def is_encrypted(look: Look) -> Finding:
    """Record TLS; plaintext sends the password and every Secret of the hosted cluster in the clear."""
    return judge_tls(
        look.tls,
        f"sslmode={look.dsn.params.get('sslmode', 'prefer, the default')}",
        "Turn ssl on in the server and put sslmode=require, or better verify-full, into the DSN.",
    )


def judge_tls(tls: Tls, asked: str, remedy: str) -> Finding:
    """Judge how a connection is encrypted; asked is what the DSN says of it."""
    if tls.used and tls.ends_soon and tls.verified:
        return Finding("warn", f"{tls}; the server's certificate ends at {tls.certificate_ends}", _LASTING, _RENEW)
    if tls.used:
        return Finding("ok", str(tls))
    return Finding("warn", f"{tls} ({asked})", "TLS", remedy)


def is_writable(look: Look) -> Finding:
    """Ask several connections whether they landed on a primary that accepts writes."""
    return judge_writable(
        look.database.write_states(connections_to_ask(look)),
        "standby",
        "Point the DSN at the Service or address of the primary only, or add target_session_attrs=read-write.",
        "Reset default_transaction_read_only for the server, the database and the role, and see why it was set:"
        " a full disk and a fenced primary are common reasons.",
    )


def connections_to_ask(look: Look) -> int:
    """Return how many connections to ask where they landed."""
    return CONNECTIONS if look.plan.thorough else CONNECTIONS_AGAIN


def judge_writable(states: list[WriteState], copy: str, elsewhere: str, read_only: str) -> Finding:
    """Judge where connections landed. copy is the database's word for a standby; then a remedy for each fault."""
    copies = [state for state in states if state.standby]
    blocked = [state for state in states if state.read_only and not state.standby]
    expected = f"{len(states)} of {len(states)} connections reach a primary that accepts writes"
    if copies:
        observed = f"{len(copies)} of {len(states)} connections reached a {copy} ({_servers(copies)})"
        return Finding("fail", observed, expected, elsewhere)
    if blocked:
        observed = f"{len(blocked)} of {len(states)} connections are read only ({_servers(blocked)})"
        return Finding("fail", observed, expected, read_only)
    return Finding("ok", expected, expected)


def _servers(states: list[WriteState]) -> str:
    return ", ".join(dict.fromkeys(state.server for state in states))


def isolation_is_plain(look: Look) -> Finding:
    """Refuse serializable: between 3% and 67% of kine's plain inserts failed under it when tried."""
    level = look.database.isolation()
    expected = "read committed"
    if level == "serializable":
        remedy = (
            f"ALTER ROLE {look.home.role} SET default_transaction_isolation = 'read committed'; "
            "kine does not repeat inserts that fail with serialization errors."
        )
        return Finding("fail", level, expected, remedy)
    if level != expected:
        return Finding("warn", level, expected, f"Set default_transaction_isolation to {expected} for kine's role.")
    return Finding("ok", level, expected)


def statements_stay_prepared(look: Look) -> Finding:
    """Use a named prepared statement in several transactions: kine's driver prepares every statement once."""
    prepared = look.database.prepared()
    expected = "a prepared statement lives as long as its connection"
    mode = look.dsn.params.get("default_query_exec_mode", "")
    if prepared.error and look.plan.kine.driver == "pgx" and mode in _UNNAMED:
        return Finding(
            "ok", f"lost between transactions, and kine has none under default_query_exec_mode={mode}", expected
        )
    if prepared.error:
        return Finding("fail", f"lost between transactions: {prepared.error}", expected, _POOLER)
    if prepared.backends > 1:
        return Finding("ok", f"kept by a pooler over {prepared.backends} sessions of the server", expected)
    return Finding("ok", expected, expected)


# pgx prepares nothing in these (QueryExecMode in its conn.go), and kine worked with both through PgBouncer. In describe_exec
# it runs in one round trip what it had prepared in another, and creates failed. cache_describe was not tried at length.
_UNNAMED = ("exec", "simple_protocol")
_POOLER = (
    "Point the DSN at the server, not at a pooler in transaction mode; or set pool_mode = session, or with PgBouncer"
    " 1.21 and later max_prepared_statements = 200; or add default_query_exec_mode=exec to the DSN."
)
