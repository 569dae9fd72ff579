# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The part of k0s's ClusterConfig that k0smotron writes."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from . import paths


@dataclass(frozen=True)
class Config:
    """spec.api, spec.network and spec.storage with k0s's defaults. `data_source` holds a password."""

    data_source: str = field(repr=False)
    external_address: str
    port: int = 6443
    sans: tuple[str, ...] = ()
    api_arguments: t.Mapping[str, str] = field(default_factory=dict)
    service_cidr: str = "10.96.0.0/12"
    pod_cidr: str = "10.244.0.0/16"

    @property
    def external_url(self) -> str:
        """The API's address for clients elsewhere."""
        host = f"[{self.external_address}]" if self.external_address.count(":") > 1 else self.external_address
        return f"https://{host}:{self.port}"


def parse(text: str) -> Config:
    """Read k0s.yaml; raises StandInError for a storage that the stand-in does not have."""
    spec = yaml.safe_load(text)["spec"]
    api, network, storage = spec.get("api", {}), spec.get("network", {}), spec.get("storage", {})
    source = storage.get("kine", {}).get("dataSource", "")
    if storage.get("type") != "kine" or not source:
        raise paths.StandInError(
            f"the k0s stand-in stores in kine only: spec.storage.type is {storage.get('type')}, or dataSource is empty"
        )
    return Config(
        source,
        api.get("externalAddress") or api.get("address") or "127.0.0.1",
        api.get("port", 6443),
        tuple(api.get("sans", [])),
        api.get("extraArgs", {}),
        network.get("serviceCIDR", "10.96.0.0/12"),
        network.get("podCIDR", "10.244.0.0/16"),
    )


def running() -> Config:
    """The configuration of the controller in this container."""
    if not paths.CONFIG_FILE.exists():
        raise paths.StandInError("k0s is not running in this container")
    return parse(paths.CONFIG_FILE.read_text())


def start(source: Path) -> Config:
    """Take over the file given to the controller."""
    config = parse(source.read_text())
    paths.CONFIG_FILE.touch(mode=0o600)
    paths.CONFIG_FILE.write_text(source.read_text())
    return config
