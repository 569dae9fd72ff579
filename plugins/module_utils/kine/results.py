# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an examination says: one record a check, their counts, and a table for people."""

from __future__ import annotations

import typing as t
from dataclasses import asdict, dataclass, field

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.histogram import Bucket

Status = t.Literal["ok", "warn", "fail", "skipped"]
FailOn = t.Literal["fail", "warn", "never"]
_WIDTH = 180


@dataclass(frozen=True)
class Finding:
    """What a check function returns."""

    status: Status
    observed: str
    expected: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class CheckResult:
    """A finding together with the row of the table it came from."""

    id: str
    title: str
    status: Status
    observed: str
    expected: str
    remedy: str
    source: str


@dataclass(frozen=True)
class Latency:
    """Times of single-row inserts, in milliseconds: one after the other, then by several writers at once.

    writers and listed are 0 where that was not measured; list_ms is one list of that many keys. histogram tells how the
    times of the inserts that were made one after the other are spread.
    """

    samples: int = 0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    writers: int = 0
    together_p50_ms: float = 0.0
    together_p99_ms: float = 0.0
    listed: int = 0
    list_ms: float = 0.0
    histogram: tuple[Bucket, ...] = ()


@dataclass(frozen=True)
class Connections:
    """The connection budget in slots; role_limit is -1 without one. max_connections is 0 where nobody counted."""

    max_connections: int = 0
    reserved: int = 0
    used: int = 0
    role_limit: int = -1
    needed: int = 0


@dataclass(frozen=True)
class Tls:
    """How the connection is encrypted; version and cipher as the client (MySQL) or the server reports them.

    verified: what kine verifies of the server, ``authority and name``, ``authority`` or nothing.
    certificate_ends: when the server's certificate does, in UTC as ISO 8601; "" where that was not to be had.
    """

    used: bool = False
    version: str = ""
    cipher: str = ""
    verified: str = ""
    certificate_ends: str = ""
    ends_soon: bool = False

    def __str__(self) -> str:
        if not self.used:
            return "plaintext"
        words = f"{self.verified} verified" if self.verified else "not verified"
        return f"{' '.join(filter(None, (self.version or 'TLS', self.cipher)))}, {words}"


@dataclass(frozen=True)
class Server:
    """The product and version of the server, for example ``PostgreSQL`` and ``15.18``."""

    product: str = ""
    version: str = ""


@dataclass
class Report:
    """Everything that an examination found, in the order in which it was looked for."""

    checks: list[CheckResult] = field(default_factory=list)
    server: Server = Server()
    tls: Tls = Tls()
    latency: Latency = Latency()
    connections: Connections = Connections()

    def count(self, status: Status) -> int:
        """Return how many checks ended with this status."""
        return sum(check.status == status for check in self.checks)

    def counts(self) -> dict[str, int]:
        """Return the counts by name, one level down: Ansible owns ``failed`` and ``warnings`` above it."""
        return {
            "passed": self.count("ok"),
            "warnings": self.count("warn"),
            "failed": self.count("fail"),
            "skipped": self.count("skipped"),
        }

    def failed(self, fail_on: FailOn = "fail") -> bool:
        """Say whether this report is a failure for someone who asked to fail on this status."""
        if fail_on == "never":
            return False
        return bool(self.count("fail") or (fail_on == "warn" and self.count("warn")))

    def headline(self) -> str:
        """Return the counts in words."""
        words = {"warnings": "warning"} if self.count("warn") == 1 else {}
        counts = self.counts().items()
        return ", ".join(f"{count} {words.get(name, name)}" for name, count in counts if count or name != "skipped")

    def text(self) -> str:
        """Return a compact table: a line a check, the remedy under each that needs one, skipped ones by reason."""
        tried = [check for check in self.checks if check.status != "skipped"]
        width = max((len(check.title) for check in tried), default=0)
        lines = [self.headline()]
        for check in tried:
            lines.append(f"{check.status.upper():<7} {check.title:<{width}}  {shorten(check.observed)}")
            if check.status != "ok" and check.remedy:
                lines.append(f"{'':<7} {'':<{width}}  -> {check.remedy}")
        return "\n".join(lines + self._skipped())

    def _skipped(self) -> list[str]:
        """Return a line for each reason, with the checks that were skipped for it."""
        reasons: dict[str, list[str]] = {}
        for check in self.checks:
            if check.status == "skipped":
                reasons.setdefault(check.observed, []).append(check.title)
        return [f"{'SKIPPED':<7} {shorten(reason)}: {', '.join(titles)}" for reason, titles in reasons.items()]

    def as_dict(self) -> dict[str, t.Any]:
        """Return the plain values that the module hands to Ansible."""
        return {
            "checks": [asdict(check) for check in self.checks],
            "counts": self.counts(),
            "server": asdict(self.server),
            "tls": asdict(self.tls),
            "latency": asdict(self.latency),
            "connections": asdict(self.connections),
        }


def shorten(text: str, width: int = _WIDTH) -> str:
    """Return the text on one line and no longer than width."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 3] + "..."
