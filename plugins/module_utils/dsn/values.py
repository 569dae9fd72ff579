# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which values the drivers take for their own parameters: with any other one kine does not start. Pure."""

from __future__ import annotations

import re
import typing as t

_BOOLEAN = r"1|0|true|false|TRUE|FALSE|True|False"
# Go's time.Duration.
_DURATION = r"0|[-+]?(?:(?:[0-9]{1,9}(?:\.[0-9]*)?|\.[0-9]+)(?:ns|us|µs|μs|ms|s|m|h))+"
_PROTOCOL = r"|3\.0|3\.2|latest"
_CAPACITY = r"-?[0-9]{1,9}"
_METHOD = r"(?:password|md5|gss|sspi|scram-sha-256|oauth|none)"

POSTGRES: t.Final[t.Mapping[str, str]] = {
    "connect_timeout": r"[0-9]{1,9}",
    "target_session_attrs": r"any|read-write|read-only|primary|standby|prefer-standby",
    "statement_cache_capacity": _CAPACITY,
    "description_cache_capacity": _CAPACITY,
    "default_query_exec_mode": r"cache_statement|cache_describe|describe_exec|exec|simple_protocol",
    "channel_binding": r"|prefer|disable|require",
    "min_protocol_version": _PROTOCOL,
    "max_protocol_version": _PROTOCOL,
    "require_auth": rf"|{_METHOD}(?:,{_METHOD})*|!{_METHOD}(?:,!{_METHOD})*",
}
"""Parameter of pgx -> what it takes, as a regular expression for the whole value."""

MYSQL: t.Final[t.Mapping[str, str]] = {
    **dict.fromkeys(
        [
            "allowAllFiles",
            "allowCleartextPasswords",
            "allowFallbackToPlaintext",
            "allowNativePasswords",
            "allowOldPasswords",
            "checkConnLiveness",
            "clientFoundRows",
            "columnsWithAlias",
            "compress",
            "interpolateParams",
            "multiStatements",
            "parseTime",
            "rejectReadOnly",
        ],
        _BOOLEAN,
    ),
    **dict.fromkeys(["timeTruncate", "readTimeout", "timeout", "writeTimeout"], _DURATION),
    "maxAllowedPacket": r"-?[0-9]{1,9}",
    "serverPubKey": r"",  # kine registers no key that could be named here
}
"""Parameter of go-sql-driver -> what it takes."""

NOT_DECODED: t.Final = frozenset(MYSQL) - {"serverPubKey"} | {"charset", "collation", "tls"}
"""Parameters that go-sql-driver takes as they are written, percent signs included."""


def refused(params: t.Mapping[str, str], takes: t.Mapping[str, str]) -> list[str]:
    """The names of the parameters whose values a driver does not take."""
    return [name for name, value in params.items() if name in takes and not re.fullmatch(takes[name], value)]
