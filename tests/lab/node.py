# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A node: containerd, kubelet and kube-proxy in a machine with its own network."""

from __future__ import annotations

import shutil
import typing as t
from functools import partial
from pathlib import Path

from . import addresses, cgroups, files, kubeconfig, network
from .machine import Machine
from .pki import Pki

if t.TYPE_CHECKING:
    from .addresses import Node
    from .paths import State

CNI_FOLDERS = (Path("/usr/lib/cni"), Path("/opt/cni/bin"))  # Debian's package; most others
MOST_PODS = 200


def machine(
    state: State, node: Node, peers: t.Sequence[Node], programs: t.Mapping[str, Path], pause_image: str
) -> Machine:
    """Write the node's configuration and return the machine that runs with it."""
    folder = state.machine(node.name)
    folder.mkdir(parents=True, exist_ok=True)
    pki = Pki(state.pki)
    kubelet_access = kubeconfig.write(folder / "kubelet.kubeconfig", pki, node.name)
    proxy_access = kubeconfig.write(folder / "kube-proxy.kubeconfig", pki, "kube-proxy")
    (folder / "cni").mkdir(exist_ok=True)
    files.write_json(folder / "cni" / "10-lab.conflist", cni_config(node.pods))
    files.write(folder / "containerd.toml", containerd_config(folder, cni_folder(), pause_image))
    files.write(folder / "resolv.conf", "")  # the lab resolves nothing from outside
    serving = {"tlsCertFile": str(pki.certificate(node.name)), "tlsPrivateKeyFile": str(pki.key(node.name))}
    files.write_json(folder / "kubelet.json", kubelet_config(folder, pki.certificate("ca"), **serving))
    files.write_json(folder / "kube-proxy.json", proxy_config(node, proxy_access))
    return Machine(
        state,
        node.name,
        {
            "containerd": [shutil.which("containerd") or "containerd", f"--config={folder}/containerd.toml"],
            "kubelet": [
                programs["kubelet"],
                f"--config={folder}/kubelet.json",
                f"--kubeconfig={kubelet_access}",
                f"--root-dir={folder}/kubelet",
                f"--hostname-override={node.name}",
                f"--node-ip={node.address}",
            ],
            "kube-proxy": [programs["kube-proxy"], f"--config={folder}/kube-proxy.json"],
        },
        connect=partial(network.connect, node, peers),
    )


def cni_folder() -> Path:
    """Where the CNI plugins are."""
    return next((folder for folder in CNI_FOLDERS if (folder / "bridge").exists()), CNI_FOLDERS[0])


def cni_config(pods: str, *, masquerade: bool = False) -> dict[str, t.Any]:
    """A bridge for the node's pods. Nothing is masqueraded in the lab: all nodes and the host have routes to all pods."""
    ranges = [[{"subnet": pods}]]
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "hairpinMode": True,
        "ipMasq": masquerade,
        "ipam": {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}]},
    }
    return {
        "cniVersion": "0.4.0",
        "name": "lab",
        "plugins": [bridge, {"type": "portmap", "capabilities": {"portMappings": True}}],
    }


def containerd_config(folder: Path, plugins: Path, pause_image: str) -> str:
    """Configuration of containerd 1.6 and 1.7. Its state is in the machine's own /run and goes with the machine."""
    return f"""\
version = 2
root = "{folder}/containerd"
state = "/run/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs",
]
[grpc]
address = "{folder}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "{folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause_image}"
restrict_oom_score_adj = true
disable_apparmor = true
enable_unprivileged_ports = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
SystemdCgroup = false
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{folder}/cni"
"""


def kubelet_config(folder: Path, authority: Path, **more: t.Any) -> dict[str, t.Any]:
    """Many small pods, quick to start, on a machine whose disk and memory are shared with other nodes.

    `folder` is the machine's own, and bears its name; `authority` signs those who may ask this kubelet.
    """
    lenient = {
        "memory.available": "100Mi",
        "nodefs.available": "1%",
        "nodefs.inodesFree": "1%",
        "imagefs.available": "1%",
    }
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": str(authority)},
        },
        "authorization": {"mode": "Webhook"},
        "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": f"/{cgroups.LAB}/{folder.name}",
        "clusterDNS": [addresses.DNS_SERVICE],
        "clusterDomain": addresses.DNS_DOMAIN,
        "resolvConf": str(folder / "resolv.conf"),
        "podLogsDir": str(folder / "pod-logs"),
        "volumePluginDir": str(folder / "volume-plugins"),
        "failSwapOn": False,
        "maxPods": MOST_PODS,
        "serializeImagePulls": False,
        "imageGCHighThresholdPercent": 100,  # 100 turns it off: images cannot be pulled again here
        "evictionHard": lenient,
        "syncFrequency": "10s",  # how old a mounted Secret may be
        **more,
    }


def proxy_config(node: Node, access: Path) -> dict[str, t.Any]:
    """iptables mode; zeros: leave the connection tracking sysctls alone, they belong to the host."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "mode": "iptables",
        "clientConnection": {"kubeconfig": str(access)},
        "clusterCIDR": addresses.POD_NETWORK,
        "hostnameOverride": node.name,
        "conntrack": {"maxPerCore": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
        "iptables": {"minSyncPeriod": "100ms", "syncPeriod": "30s"},
    }
