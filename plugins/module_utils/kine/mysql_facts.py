# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What only MySQL and MariaDB have, beside the facts that every database has."""

from __future__ import annotations

import typing as t
from abc import abstractmethod
from dataclasses import dataclass

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Database


@dataclass(frozen=True)
class Missing:
    """Privileges that the account lacks: in the database to make the table, and on kine's table to use it.

    use is empty, too, where there is no table yet and the account may use every table of the database.
    """

    make: tuple[str, ...]
    use: tuple[str, ...]


class MysqlDatabase(Database):
    """A database whose settings are plain variables; each rule of rules_mysql asks for those it judges."""

    @abstractmethod
    def variables(self, *names: str) -> t.Mapping[str, str]:
        """Return system variables as they apply to this session, by their names in lower case.

        The values are texts such as ``ON`` and ``1``; a variable that this server does not have is left out.
        """

    @abstractmethod
    def status(self, *names: str) -> t.Mapping[str, str]:
        """Return status counters of the server, as ``variables`` returns variables."""

    @abstractmethod
    def missing(self) -> Missing:
        """Compare what the account was granted with what kine needs."""

    @abstractmethod
    def engine(self) -> str:
        """Return the storage engine of kine's table, or, without one, of the table that kine would make."""
