# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The programs of a control plane and their arguments, close to k0s's own."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from . import paths

if t.TYPE_CHECKING:
    from .config import Config

KINE_PREFIX = "KINE_"


@dataclass(frozen=True)
class Component:
    """A program to keep running. The DSN is an argument of kine, as with k0s: so `arguments` stay out of logs."""

    name: str
    arguments: tuple[str, ...] = field(repr=False)
    environment: t.Mapping[str, str] = field(repr=False)


def storage(config: Config, environment: t.Mapping[str, str]) -> Component:
    """kine. The API server compacts: k0s turns kine's own compaction off since kine 0.14."""
    arguments = {
        "endpoint": config.data_source,
        "listen-address": f"unix://{paths.KINE_SOCKET}",
        "metrics-bind-address": ":2380",
        "compact-interval": "0",
    }
    return Component("kine", _flags(arguments), kine_environment(environment))


def kine_environment(environment: t.Mapping[str, str]) -> dict[str, str]:
    """k0s strips one KINE_ from variables for kine, so KINE_KINE_X is how a user sets kine's own KINE_X."""
    stripped = {
        name.removeprefix(KINE_PREFIX): value for name, value in environment.items() if name.startswith(KINE_PREFIX)
    }
    return {name: value for name, value in environment.items() if not name.startswith(KINE_PREFIX)} | stripped


def api_server(config: Config, environment: t.Mapping[str, str]) -> Component:
    arguments = {
        "secure-port": str(config.port),
        "etcd-servers": f"unix://{paths.KINE_SOCKET}",
        "tls-cert-file": _pki("server.crt"),
        "tls-private-key-file": _pki("server.key"),
        "client-ca-file": _pki("ca.crt"),
        "anonymous-auth": "false",
        "authorization-mode": "Node,RBAC",
        "enable-admission-plugins": "NodeRestriction",
        "enable-bootstrap-token-auth": "true",
        "allow-privileged": "true",
        # Each replica would write its own pod address there, which only works inside the management cluster.
        "endpoint-reconciler-type": "none",
        "service-cluster-ip-range": config.service_cidr,
        "service-account-issuer": "https://kubernetes.default.svc",
        "service-account-key-file": _pki("sa.pub"),
        "service-account-signing-key-file": _pki("sa.key"),
        "kubelet-certificate-authority": _pki("ca.crt"),
        "kubelet-client-certificate": _pki("apiserver-kubelet-client.crt"),
        "kubelet-client-key": _pki("apiserver-kubelet-client.key"),
        "requestheader-client-ca-file": _pki("front-proxy-ca.crt"),
        "requestheader-allowed-names": "front-proxy-client",
        "requestheader-extra-headers-prefix": "X-Remote-Extra-",
        "requestheader-group-headers": "X-Remote-Group",
        "requestheader-username-headers": "X-Remote-User",
        "proxy-client-cert-file": _pki("front-proxy-client.crt"),
        "proxy-client-key-file": _pki("front-proxy-client.key"),
        "profiling": "false",
    }
    return Component("kube-apiserver", _flags({**arguments, **config.api_arguments}), environment)


def controller_manager(config: Config, environment: t.Mapping[str, str]) -> Component:
    arguments = {
        **_client("ccm.conf"),
        "controllers": "*,bootstrapsigner,tokencleaner",
        "root-ca-file": _pki("ca.crt"),
        "cluster-signing-cert-file": _pki("ca.crt"),
        "cluster-signing-key-file": _pki("ca.key"),
        "service-account-private-key-file": _pki("sa.key"),
        "use-service-account-credentials": "true",
        "allocate-node-cidrs": "true",
        "cluster-cidr": config.pod_cidr,
        "service-cluster-ip-range": config.service_cidr,
    }
    return Component("kube-controller-manager", _flags(arguments), environment)


def scheduler(environment: t.Mapping[str, str]) -> Component:
    return Component("kube-scheduler", _flags(_client("scheduler.conf")), environment)


def _client(config: str) -> dict[str, str]:
    """What the two clients of the API server share: who they are, and who may ask for their metrics."""
    path = _pki(config)
    client = {"kubeconfig": path, "authentication-kubeconfig": path, "authorization-kubeconfig": path}
    return client | {"client-ca-file": _pki("ca.crt"), "bind-address": "127.0.0.1", "profiling": "false"}


def _pki(name: str) -> str:
    return str(paths.PKI / name)


def _flags(arguments: t.Mapping[str, str]) -> tuple[str, ...]:
    return tuple(f"--{name}={value}" for name, value in arguments.items())
