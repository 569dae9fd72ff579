# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""DSNs by the thousand, the same ones for the same seed: good ones, hostile ones, and good ones with a slip in them."""

from __future__ import annotations

import contextlib
import random
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput

HOSTILE = "%|&@/:?#'\"\\ +;=$!()[]{}<>^`~,.-_*éÉ漢\U0001f600٣İΣ\u2028\u00a0"
PLAIN = "abcXYZ0129"
HOSTS = ("db", "DB.Example", "acid-main.default.svc", "192.0.2.7", "db_1", "2001:db8::1", "::1", "127.0.0.1")
WRITTEN_HOSTS = (*HOSTS, "[::1]", "[2001:db8::1]", "fe80::1%25eth0", "[fe80::1%25eth0]", "", "h h", "a,b", "xn--d", "0")
PORTS = ("", "", ":5432", ":3306", ":1", ":65535", ":0", ":65536", ":05432", ":x", ":", ":٣٣٠٦", ":-1", ":1e3", ":+1")
DATABASES = (
    "kine",
    "Kine",
    "k-1",
    "a/b",
    "",
    "kïne",
    "KÏNE",
    "ki%20ne",
    "%2F",
    "k%3Fx",
    ".",
    "..",
    "k;x",
    "İ",
    "k" * 70,
)
BOOLEANS = ("true", "false", "1", "0", "TRUE", "False", "yes", "", "tRue", "2")
NUMBERS = ("0", "10", "-1", "x", "", "1.5", "99999999999999999999", "+5", "1_0", "٣", " 7")
DURATIONS = ("5s", "1m30s", "500ms", "5", "x", "", "-1s", "1.5h", "1h-1m", "5 s", ".5s", "1d", "5µs", "0", "+3s", "s")
POSTGRES_PARAMS: t.Mapping[str, tuple[str, ...]] = {
    "sslmode": (
        "disable",
        "allow",
        "prefer",
        "require",
        "verify-ca",
        "verify-full",
        "",
        "on",
        "REQUIRE",
        "verify_full",
    ),
    "sslrootcert": ("{folder}/ca.crt", "system", "", "{folder}/ca.crt"),
    "sslnegotiation": ("direct", "postgres", ""),
    "sslcert": ("", "{folder}/server.crt"),
    "sslkey": ("", "{folder}/server.key"),
    "sslsni": ("0", "1", ""),
    "target_session_attrs": (
        "read-write",
        "any",
        "primary",
        "prefer-standby",
        "standby",
        "read-only",
        "",
        "writable",
        "read_write",
    ),
    "connect_timeout": NUMBERS,
    "statement_cache_capacity": NUMBERS,
    "description_cache_capacity": NUMBERS,
    "default_query_exec_mode": ("exec", "simple_protocol", "cache_describe", "", "simple", "Exec"),
    "channel_binding": ("", "prefer", "require", "disable", "on"),
    "require_auth": ("", "scram-sha-256", "!password", "md5,none", "nonsense", "scram-sha-256,!md5"),
    "min_protocol_version": ("", "3.0", "3.2", "latest", "3", "4.0"),
    "max_protocol_version": ("", "3.0", "3.2", "latest", "3"),
    "service": ("x", ""),
    "servicefile": ("/nowhere", ""),
    "passfile": ("/nowhere", ""),
    "application_name": ("kine", "a b", "é", "%C3%A9", "a%26b", "%ff", "a+b"),
    "search_path": ("kine", "a,b"),
    "host": ("other",),
    "dbname": ("other",),
    "database": ("other",),
    "user": ("other",),
    "port": ("1",),
    "krbsrvname": ("x",),
    "krbspn": ("x",),
}
MYSQL_PARAMS: t.Mapping[str, tuple[str, ...]] = {
    "tls": (
        "true",
        "false",
        "skip-verify",
        "preferred",
        "Preferred",
        "SKIP-VERIFY",
        "1",
        "0",
        "True",
        "",
        "custom",
        "yes",
    ),
    "allowFallbackToPlaintext": BOOLEANS,
    "rejectReadOnly": BOOLEANS,
    "parseTime": BOOLEANS,
    "interpolateParams": BOOLEANS,
    "compress": BOOLEANS,
    "allowNativePasswords": BOOLEANS,
    "timeout": DURATIONS,
    "readTimeout": DURATIONS,
    "timeTruncate": DURATIONS,
    "maxAllowedPacket": NUMBERS,
    "strict": BOOLEANS,
    "loc": ("UTC", "Local", ""),  # another one takes the zone files of the machine that kine runs on
    "charset": ("utf8mb4", "utf8mb4,utf8", ""),
    "collation": ("utf8mb4_bin", "big5_chinese_ci", "gbk_chinese_ci", ""),
    "serverPubKey": ("", "key"),
    "connectionAttributes": ("a:b", "", "%ff"),
    "sql_mode": ("ANSI", "%27ANSI%27", "a+b", ""),
    "max_statement_time": ("60",),
}


class Generator:
    """Makes DSNs; ``folder`` holds a ca.crt, server.crt and server.key."""

    def __init__(self, seed: int, folder: str) -> None:
        self._random = random.Random(seed)  # noqa: S311
        self._folder = folder

    def dsn(self) -> str:
        """One DSN, of a kind chosen by chance."""
        make = self._random.choice([self._built, self._written, self._written, self._slipped])
        return make(self._random.choice(["postgres", "mysql"]))

    def _built(self, scheme: str) -> str:
        return dsns.build(self.values(scheme))

    def values(self, scheme: str) -> dsns.Dsn:
        """Hostile values that our own build takes."""
        while True:
            hosts = [dsns.Host(self._pick(HOSTS), self._random.randint(1, 65535)) for _each in range(self._few(scheme))]
            values = dsns.Dsn(
                scheme, self._text(), self._text(), tuple(hosts), self._text().lower(), self._params(scheme)
            )
            with contextlib.suppress(InvalidInput):
                dsns.build(values)
                return values

    def _few(self, scheme: str) -> int:
        return 1 if scheme == "mysql" else self._random.choice([1, 1, 1, 2, 3])

    def _written(self, scheme: str) -> str:
        """What somebody writes by hand: parts that are good, or good for another driver, or neither."""
        user, password = (self._random.choice(["k0smotron", self._text(), self._half_encoded()]) for _each in range(2))
        host = ",".join(self._pick(WRITTEN_HOSTS) + self._pick(PORTS) for _each in range(self._few("postgres")))
        host = self._pick(["db:5432", "db", "[::1]:5432", host])
        if scheme == "mysql":
            host = self._pick([f"tcp({host})", f"tcp({host})", f"tcp({host})", host, f"unix({host})", "tcp()", "tcp"])
        colon = self._pick([":", ":", ":", ":", ""])
        database = self._pick(["kine", "kine", self._pick(DATABASES)])
        name = self._pick([scheme, scheme, scheme, scheme, scheme, "postgresql", "Postgres", "mariadb"])
        return f"{name}://{user}{colon}{password}@{host}/{database}{self._query(scheme)}"

    def _query(self, scheme: str) -> str:
        table = POSTGRES_PARAMS if scheme == "postgres" else MYSQL_PARAMS
        items = [
            f"{key}={self._pick(table[key])}" for key in self._random.choices([*table], k=self._random.randint(0, 3))
        ]
        if self._random.random() < 0.1:
            items.append(
                self._pick(["", "a", "=", "=b", "a=b=c", "a b=c", "x%3D=1", "é=1", "a=;b", "a=%zz", "sslmode"])
            )
        return ("?" + "&".join(items)).replace("{folder}", self._folder) if items else self._pick(["", "", "?"])

    def _slipped(self, scheme: str) -> str:
        """A DSN that was good, with up to three characters added, lost or changed."""
        text = list(self._built(scheme))
        for _each in range(self._random.randint(1, 3)):
            place = self._random.randrange(len(scheme), len(text))
            slip = self._random.choice(["add", "lose", "change"])
            text[place : place + (slip != "add")] = (
                [] if slip == "lose" else [self._random.choice(HOSTILE + "\n\t\x7f")]
            )
        return "".join(text)

    def _params(self, scheme: str) -> dict[str, str]:
        params = {"application_name": self._text(), "sslmode": self._pick(["require", "disable", "prefer"])}
        params |= {"target_session_attrs": self._pick(["any", "read-write", "primary"]), "connect_timeout": "5"}
        if scheme == "mysql":
            params = {"sql_mode": self._text(), "tls": self._pick(["true", "skip-verify", "false"])}
        return dict(self._random.sample([*params.items()], k=self._random.randint(0, len(params))))

    def _text(self) -> str:
        letters = self._random.choice([PLAIN, HOSTILE, PLAIN + HOSTILE])
        return "".join(self._random.choices(letters, k=self._random.randint(1, 12)))

    def _half_encoded(self) -> str:
        return "".join(self._random.choices(["%40", "%2F", "%7C", "%", "a", "%c3%a9", "%FF", "%00", "+", "%25"], k=4))

    def _pick(self, choices: t.Sequence[str]) -> str:
        return self._random.choice(choices)
