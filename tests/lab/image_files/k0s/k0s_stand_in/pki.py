# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates below the authorities that k0smotron mounts into the pod."""

from __future__ import annotations

import ipaddress
import subprocess
import typing as t
from dataclasses import dataclass
from pathlib import Path

from . import paths

if t.TYPE_CHECKING:
    from .config import Config

DAYS = "365"
SERVICE_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")


@dataclass(frozen=True)
class Certificate:
    """A certificate of `user` in `groups`; `names` are the DNS names and addresses that it serves."""

    user: str
    groups: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    authority: str = "ca"


def wanted(config: Config) -> dict[str, Certificate]:
    """File name -> certificate of everything that the controller runs, under k0s's file names."""
    first = str(next(ipaddress.ip_network(config.service_cidr).hosts()))
    names = (*config.sans, *SERVICE_NAMES, "localhost", "127.0.0.1", first, config.external_address)
    return {
        "server": Certificate("kubernetes", names=tuple(dict.fromkeys(names))),
        "admin": Certificate("kubernetes-admin", ("system:masters",)),
        "ccm": Certificate("system:kube-controller-manager"),
        "scheduler": Certificate("system:kube-scheduler"),
        "apiserver-kubelet-client": Certificate("apiserver-kubelet-client", ("system:masters",)),
        "front-proxy-client": Certificate("front-proxy-client", authority="front-proxy-ca"),
    }


def issue(certificate: Certificate, stem: Path) -> None:
    """Write `stem`.crt and `stem`.key (mode 0600)."""
    authority = paths.PKI / certificate.authority
    if not authority.with_suffix(".key").exists():
        raise paths.StandInError(f"{authority}.key is missing: k0smotron's init container copies it there")
    subject = "".join(f"/O={group}" for group in certificate.groups) + f"/CN={certificate.user}"
    extensions = ["basicConstraints=critical,CA:FALSE", "keyUsage=critical,digitalSignature,keyEncipherment"]
    extensions.append("extendedKeyUsage=serverAuth,clientAuth")
    if certificate.names:
        extensions.append("subjectAltName=" + ",".join(map(_san, certificate.names)))
    command = ["openssl", "req", "-x509", "-CA", f"{authority}.crt", "-CAkey", f"{authority}.key", "-days", DAYS]
    command += ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", subject]
    command += [word for extension in extensions for word in ("-addext", extension)]
    result = subprocess.run(
        [*command, "-keyout", f"{stem}.key", "-out", f"{stem}.crt"],
        capture_output=True,
        text=True,
        umask=0o077,
        check=False,
    )
    if result.returncode != 0:
        raise paths.StandInError(
            f"openssl could not make the certificate of {certificate.user}: {result.stderr.strip()}"
        )


def _san(name: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(name)}"
    except ValueError:
        return f"DNS:{name}"
