# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What both pairs of servers have in common: a primary, a standby that its commits wait for, and what may happen to them."""

from __future__ import annotations

import shutil
import typing as t
from abc import ABC, abstractmethod
from pathlib import Path

from .. import addresses, files, machine, network, shell, waiting
from ..errors import LabError
from ..machine import Machine
from ..pki import Certificate, Pki
from .accounts import password

if t.TYPE_CHECKING:
    from ..paths import State

SECONDS = 60
AUTHORITY = "databases elsewhere"  # an impostor's has the same name
# Whatever nodes the lab is going to have: their pods are answered without a detour.
NODES = [addresses.node(number) for number in range(1, addresses.MOST_NODES + 1)]


class Server(t.NamedTuple):
    """A machine with one server; `link` is the host's end of its cable."""

    name: str
    address: str
    link: str
    number: int


def authority(folder: Path) -> Path:
    """The certificate that clients verify the servers by."""
    return folder / "pki" / "ca.crt"


class Pair(ABC):
    """The servers of one kind. Which of them is the primary stands in a file, and the other one follows it.

    A server that starts as the standby and was none before is made anew from the primary: see the programs beside this file.
    """

    kind: t.ClassVar[str]
    port: t.ClassVar[int]
    servers: t.ClassVar[tuple[Server, Server]]
    floating: t.ClassVar[str] = ""
    """An address that is always the primary's."""
    endpoint: t.ClassVar[tuple[str, ...]]
    """Where clients find the primary."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.folder = state.run / "elsewhere"

    # -- what may happen to them ---------------------------------------------------------------------------------------

    def ensure(self) -> None:
        """Both run, the standby follows, and commits wait for it. No data is lost but a lost primary's."""
        self._end_impostor()
        if not self._primary_file.exists():
            self._appoint(self.servers[0])
        for server in self.servers:
            self._switch_on(server, self._primary_file)
        waiting.until(lambda: self.writable(self.primary), f"{self.primary.name} to take writes", SECONDS)
        self.make_accounts()
        waiting.until(self.follows, f"{self.standby.name} to follow", SECONDS, remedy="See: lab logs server-.")

    def renew(self) -> None:
        """Begin with empty servers."""
        self._end_impostor()
        for server in self.servers:
            machine.switch_off(self.state, server.name)
            shutil.rmtree(self.data_of(server), ignore_errors=True)
        self._appoint(self.servers[0])
        self.ensure()

    def fail_over(self) -> None:
        """Cut the primary's power, promote the standby, and give it the floating address."""
        if not self.follows():
            raise LabError(f"{self.standby.name} does not follow.", f"Repair it first: elsewhere {self.kind} repair")
        lost, promoted = self.primary, self.standby
        machine.switch_off(self.state, lost.name)
        self.promote(promoted)
        self._appoint(promoted)
        if self.floating:
            network.take_address(self.floating, promoted.link, self._pid(promoted))

    def impersonate(self) -> None:
        """Another server answers at the primary's addresses, with a certificate of another authority for the same names.

        It knows the primary's databases and accounts, and lets in everybody: what keeps a client out is the client.
        """
        names, impostor = self.accounts(), self._impostor()
        machine.switch_off(self.state, self.primary.name)
        files.write(self._impostor_file, impostor.name)
        self._switch_on(impostor, self._impostor_file)
        waiting.until(lambda: self.writable(impostor), f"{impostor.name} to take writes", SECONDS)
        self.welcome(impostor, names)

    # -- what each kind does in its own words --------------------------------------------------------------------------

    @abstractmethod
    def configure(self, server: Server, peer: Server, *, honest: bool) -> None:
        """Write the server's configuration below `data_of`; one that is not honest needs no password of anybody."""

    @abstractmethod
    def client(self, server: Server) -> t.Sequence[object]:
        """The command line of a client that is the server's superuser and reads statements."""

    @abstractmethod
    def writable(self, server: Server) -> bool:
        """Whether it takes writes."""

    @abstractmethod
    def make_accounts(self) -> None:
        """Make the administrator and the standby's account on the primary where they are missing."""

    @abstractmethod
    def follows(self) -> bool:
        """Whether the primary's commits wait for the standby; brings that about as far as it can be done."""

    @abstractmethod
    def promote(self, server: Server) -> None:
        """Make the standby a primary, with all that it received."""

    @abstractmethod
    def accounts(self) -> list[str]:
        """Names of the databases that were made for control planes; their owners' are the same."""

    @abstractmethod
    def welcome(self, server: Server, names: t.Sequence[str]) -> None:
        """Give an impostor these databases and accounts."""

    def sql(self, server: Server, *statements: str, options: t.Sequence[str] = ()) -> str:
        """What the client answers to statements, a row a line. Raises LabError, without the accounts' password."""
        try:
            return shell.run(*self.client(server), *options, stdin=";\n".join([*statements, ""])).strip()
        except LabError as error:
            raise LabError(str(error).replace(password(self.folder), "***")) from None

    # -- how ------------------------------------------------------------------------------------------------------------

    @property
    def primary(self) -> Server:
        """The one that takes writes, or would if it were on."""
        name = self._primary_file.read_text()
        return next(server for server in self.servers if server.name == name)

    @property
    def answering(self) -> Server:
        """The one that clients find, be it an impostor."""
        return self._impostor() if self._impostor_file.exists() else self.primary

    @property
    def standby(self) -> Server:
        """The other one."""
        return next(server for server in self.servers if server != self.primary)

    def data_of(self, server: Server) -> Path:
        """The server's own folder."""
        return self.state.machine(server.name) / "server"

    @property
    def authority(self) -> Path:
        """The certificate of the one that signs the servers'."""
        return authority(self.folder)

    @property
    def _primary_file(self) -> Path:
        return self.folder / f"{self.kind}.primary"

    @property
    def _impostor_file(self) -> Path:
        return self.folder / f"{self.kind}.impostor"

    def _appoint(self, server: Server) -> None:
        self.folder.mkdir(exist_ok=True)
        files.write(self._primary_file, server.name)

    def _impostor(self) -> Server:
        return self.primary._replace(
            name=f"{self.kind}-impostor", link=f"{self.primary.link[:-1]}x", number=len(self.servers) + 1
        )

    def _end_impostor(self) -> None:
        if self._impostor_file.exists():
            impostor = self._impostor()
            machine.switch_off(self.state, impostor.name)
            shutil.rmtree(self.state.machine(impostor.name), ignore_errors=True)
            self._impostor_file.unlink()

    def _switch_on(self, server: Server, primary_file: Path) -> None:
        honest = primary_file == self._primary_file
        pki = Pki(self.folder / ("pki" if honest else "pki-of-another"), AUTHORITY)
        names = (f"IP:{address}" for address in dict.fromkeys((server.address, *self.endpoint)))
        pki.issue([Certificate(server.name, server.name, names=tuple(names))])
        self.data_of(server).mkdir(parents=True, exist_ok=True)
        peer = next(each for each in self.servers if each != server)
        self.configure(server, peer, honest=honest)
        program = Path(__file__).with_name(f"{self.kind}.sh")
        # From a copy: the checkout may go.
        copy = files.write(self.folder / program.name, program.read_text(), mode=0o755)
        environment = {
            "NAME": server.name,
            "FOLDER": str(self.data_of(server)),
            "PRIMARY": str(primary_file),
            "PEER": peer.address,
            "CERTIFICATE": str(pki.certificate(server.name)),
            "KEY": str(pki.key(server.name)),
        }

        def connect(pid: int) -> None:
            network.join(server.link, server.address, NODES, pid)
            held = self.floating if primary_file.read_text() == server.name else ""
            network.take_address(held or server.address, server.link, pid)

        Machine(self.state, server.name, {"server": [copy]}, connect, environment).ensure()

    def _pid(self, server: Server) -> int:
        pid = machine.running(self.state, server.name)
        if pid is None:
            raise LabError(f"{server.name} is off.", f"Repair it: elsewhere {self.kind} repair")
        return pid
