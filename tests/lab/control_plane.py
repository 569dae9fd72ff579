# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's own control plane: etcd, API server, controller manager, scheduler and the volume provisioner on the host.

Only the bridge address and a socket file are listened on. etcd does not sync to disk: a crash of processes loses
nothing, and after a crash of the whole machine ``up`` builds a new lab anyway.
"""

from __future__ import annotations

import os
import shutil
import sys
import typing as t
from pathlib import Path

from . import addresses, cache, files, kubeconfig
from .api import Api
from .machine import Machine
from .pki import Pki

if t.TYPE_CHECKING:
    from .paths import State

NAME = "control-plane"


def machine(state: State, programs: t.Mapping[str, Path]) -> Machine:
    """The machine that runs the control plane; ``programs`` maps names to the built files."""
    folder, pki = state.machine(NAME), Pki(state.pki)
    folder.mkdir(parents=True, exist_ok=True)
    socket = f"unix://{folder}/etcd.sock"
    configs = {
        user: kubeconfig.write(folder / f"{user}.kubeconfig", pki, user) for user in ("controller-manager", "scheduler")
    }
    return Machine(
        state,
        NAME,
        {
            "etcd": _etcd(programs["etcd"], folder, socket),
            "apiserver": _api_server(programs["kube-apiserver"], pki, socket),
            "controller-manager": _controller_manager(
                programs["kube-controller-manager"], pki, configs["controller-manager"]
            ),
            "scheduler": [programs["kube-scheduler"], f"--kubeconfig={configs['scheduler']}", *QUIET],
            "volumes": [PYTHON, "-m", "tests.lab.volumes", state.root],
        },
        environment={"PYTHONPATH": str(copy_of_code(folder)), "PYTHONDONTWRITEBYTECODE": "1"},
    )


def copy_of_code(folder: Path) -> Path:
    """The provisioner runs from a copy, named after its content: the checkout may go, and other ones may run ``up``."""
    package = Path(__file__).parent
    modules = [package / f"{name}.py" for name in PROVISIONER]
    copy = folder / f"python-{cache.digest(*modules)}"
    (copy / "tests" / "lab").mkdir(parents=True, exist_ok=True)
    for module in modules:
        files.write(copy / "tests" / "lab" / module.name, module.read_text())
    return copy


PROVISIONER = ("volumes", "disks", "addresses", "api", "errors", "paths", "pki", "shell")  # and what it imports
# The system's, whoever runs ``up``: with another interpreter the machine would be started anew.
PYTHON = shutil.which("python3", path=os.defpath) or sys.executable
# One of each runs, so nobody needs to be elected; port 0: nobody asks them anything.
QUIET = ("--leader-elect=false", "--secure-port=0", "--profiling=false")


def _etcd(program: Path, folder: Path, socket: str) -> list[object]:
    # No peers and no second way in: what is advertised is never dialed, and the peers' port is any free one.
    nowhere = "http://localhost:2380"
    return [
        program,
        "--name=lab",
        f"--data-dir={folder}/etcd",
        "--unsafe-no-fsync",
        "--log-level=warn",
        f"--listen-client-urls={socket}",
        f"--advertise-client-urls={nowhere}",
        "--enable-grpc-gateway=false",
        "--listen-peer-urls=http://127.0.0.1:0",
        f"--initial-advertise-peer-urls={nowhere}",
        f"--initial-cluster=lab={nowhere}",
        "--auto-compaction-mode=periodic",
        "--auto-compaction-retention=5m",
    ]


def _api_server(program: Path, pki: Pki, socket: str) -> list[object]:
    return [
        program,
        f"--etcd-servers={socket}",
        f"--bind-address={addresses.BRIDGE_ADDRESS}",
        f"--advertise-address={addresses.BRIDGE_ADDRESS}",
        f"--secure-port={addresses.API_PORT}",
        f"--service-cluster-ip-range={addresses.SERVICE_NETWORK}",
        f"--client-ca-file={pki.certificate('ca')}",
        f"--tls-cert-file={pki.certificate('apiserver')}",
        f"--tls-private-key-file={pki.key('apiserver')}",
        f"--kubelet-certificate-authority={pki.certificate('ca')}",
        f"--kubelet-client-certificate={pki.certificate('kubelet-client')}",
        f"--kubelet-client-key={pki.key('kubelet-client')}",
        # Nodes' names are in no DNS, so exec and logs must use addresses.
        "--kubelet-preferred-address-types=InternalIP,Hostname",
        f"--service-account-issuer=https://kubernetes.default.svc.{addresses.DNS_DOMAIN}",
        f"--service-account-key-file={pki.key('accounts')}",
        f"--service-account-signing-key-file={pki.key('accounts')}",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged=true",
        # Beta in 1.34: how tests that are not about start-up make k0smotron's minutes of probe delays short.
        "--feature-gates=MutatingAdmissionPolicy=true",
        "--runtime-config=admissionregistration.k8s.io/v1beta1=true",
        # Webhooks are called at pod addresses: no kube-proxy runs here, so Service addresses lead nowhere.
        "--enable-aggregator-routing=true",
        "--profiling=false",
    ]


def _controller_manager(program: Path, pki: Pki, config: Path) -> list[object]:
    return [
        program,
        f"--kubeconfig={config}",
        *QUIET,
        "--use-service-account-credentials=true",
        f"--root-ca-file={pki.certificate('ca')}",
        f"--service-account-private-key-file={pki.key('accounts')}",
        f"--cluster-signing-cert-file={pki.certificate('ca')}",
        f"--cluster-signing-key-file={pki.key('ca')}",
    ]


def api(state: State) -> Api:
    """A client of the lab's API server with all rights."""
    pki = Pki(state.pki)
    return Api(
        addresses.BRIDGE_ADDRESS, addresses.API_PORT, pki.certificate("ca"), pki.certificate("admin"), pki.key("admin")
    )
