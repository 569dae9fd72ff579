# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys and certificates of the lab, made with the openssl program (3.0 or later: ``req -x509 -CA``)."""

from __future__ import annotations

import typing as t
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from . import addresses, shell

DAYS = "3650"
NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc")


class Certificate(t.NamedTuple):
    """Common name and organization are the Kubernetes user and group; names: ``IP:...`` and ``DNS:...``."""

    file: str
    user: str
    group: str = ""
    names: tuple[str, ...] = ()


API_SERVER = Certificate(
    "apiserver",
    "kube-apiserver",
    names=(
        f"IP:{addresses.BRIDGE_ADDRESS}",
        f"IP:{addresses.API_SERVICE}",
        "IP:127.0.0.1",
        "DNS:localhost",
        "DNS:kubernetes",
        "DNS:kubernetes.default",
        "DNS:kubernetes.default.svc",
        f"DNS:kubernetes.default.svc.{addresses.DNS_DOMAIN}",
    ),
)
CLIENTS = (
    Certificate("kubelet-client", "kube-apiserver-kubelet-client", "system:masters"),
    Certificate("admin", "lab-admin", "system:masters"),
    Certificate("volumes", "lab-volumes", "system:masters"),
    Certificate("controller-manager", "system:kube-controller-manager"),
    Certificate("scheduler", "system:kube-scheduler"),
    Certificate("kube-proxy", "system:kube-proxy"),
)


def of_node(node: addresses.Node) -> Certificate:
    """kubelet's certificate, as a client (its user name decides what it may do) and as a server."""
    names = (f"DNS:{node.name}", f"IP:{node.address}")
    return Certificate(node.name, f"system:node:{node.name}", "system:nodes", names)


@dataclass(frozen=True)
class Pki:
    """The folder with ``NAME.crt`` and ``NAME.key``; ``ca`` is the authority, ``accounts`` signs tokens."""

    folder: Path
    authority: str = "k0smotron-ha-lab"

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.crt"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"

    def ensure(self, nodes: t.Iterable[addresses.Node]) -> None:
        """Make what the cluster needs and is missing; what exists stays, since running programs use it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not self.key("accounts").exists():
            rsa = ("-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048")
            shell.run("openssl", "genpkey", *rsa, "-out", self.key("accounts"))
        self.issue([API_SERVER, *CLIENTS, *(of_node(node) for node in nodes)])

    def issue(self, wanted: t.Iterable[Certificate]) -> None:
        """Make the authority and those certificates that are missing."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._ensure_authority()
        missing = [each for each in wanted if not self.certificate(each.file).exists()]
        with ThreadPoolExecutor() as pool:
            list(pool.map(self._sign, missing))

    def _ensure_authority(self) -> None:
        if not self.certificate("ca").exists():
            shell.run(
                "openssl",
                "req",
                "-x509",
                *NEW_KEY,
                "-days",
                DAYS,
                "-subj",
                f"/CN={self.authority}",
                "-addext",
                "keyUsage=critical,keyCertSign,cRLSign",
                "-keyout",
                self.key("ca"),
                "-out",
                self.certificate("ca"),
            )

    def _sign(self, wanted: Certificate) -> None:
        group = f"/O={wanted.group}" if wanted.group else ""
        names = ["-addext", f"subjectAltName={','.join(wanted.names)}"] if wanted.names else []
        finished = self.certificate(wanted.file)
        unfinished = finished.with_suffix(".unfinished")
        shell.run(
            "openssl",
            "req",
            "-x509",
            "-CA",
            self.certificate("ca"),
            "-CAkey",
            self.key("ca"),
            *NEW_KEY,
            "-days",
            DAYS,
            "-subj",
            f"{group}/CN={wanted.user}",
            "-addext",
            "basicConstraints=critical,CA:FALSE",
            "-addext",
            "keyUsage=critical,digitalSignature",
            "-addext",
            "extendedKeyUsage=serverAuth,clientAuth",
            *names,
            "-keyout",
            self.key(wanted.file),
            "-out",
            unfinished,
        )
        unfinished.rename(finished)
