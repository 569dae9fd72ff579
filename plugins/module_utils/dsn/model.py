# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A kine DSN as values. Pure."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

DATA_SOURCE_KEY = "K0SMOTRON_KINE_DATASOURCE_URL"
"""The key k0smotron reads from a data source Secret."""
MASK = "***"


ERROR = "error"
WARNING = "warning"


@dataclass(frozen=True)
class Host:
    """A host name or address (IPv6 without brackets) and its port."""

    name: str
    port: int

    @property
    def certified(self) -> str:
        """The name that the server's certificate has to bear: without the dot of a whole name, as in Go (crypto/x509)."""
        return self.name.removesuffix(".")

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


@dataclass(frozen=True, repr=False)
class Dsn:
    """Where kine keeps its data. ``scheme`` is "postgres" or "mysql"; all values are decoded."""

    scheme: str
    user: str
    password: str
    hosts: tuple[Host, ...]
    database: str
    params: t.Mapping[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        hosts = ",".join(str(host) for host in self.hosts)
        return f"Dsn({self.scheme}, user={self.user!r}, password={MASK}, hosts={hosts}, database={self.database!r})"

    __str__ = __repr__


@dataclass(frozen=True)
class Finding:
    """Something to say about a DSN: ``level`` is "error" (it will not work or is not safe) or "warning"."""

    level: str
    message: str
    remedy: str
