# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The files that the lab writes."""

from __future__ import annotations

import json
import stat
import subprocess
import tomllib
import typing as t
from pathlib import Path

import pytest

from tests.lab import addresses, coredns, kubeconfig, metallb, node, nodeimages, oci, settings
from tests.lab.errors import LabError
from tests.lab.paths import State
from tests.lab.pki import Pki


@pytest.fixture(scope="module", name="pki")
def _pki(tmp_path_factory: pytest.TempPathFactory) -> Pki:
    made = Pki(tmp_path_factory.mktemp("pki") / "pki")
    made.ensure([addresses.node(1)])
    return made


def test_certificates_verify_for_their_names(pki: Pki) -> None:
    def verify(name: str, *arguments: str) -> None:
        authority, certificate = str(pki.certificate("ca")), str(pki.certificate(name))
        command = ["openssl", "verify", "-CAfile", authority, *arguments, certificate]
        subprocess.run(command, check=True, capture_output=True)

    verify("apiserver", "-purpose", "sslserver", "-verify_ip", addresses.BRIDGE_ADDRESS)
    verify("apiserver", "-purpose", "sslserver", "-verify_hostname", "kubernetes.default.svc")
    verify("n1", "-purpose", "sslserver", "-verify_ip", addresses.node(1).address)
    verify("admin", "-purpose", "sslclient")
    with pytest.raises(subprocess.CalledProcessError):
        verify("apiserver", "-purpose", "sslserver", "-verify_hostname", "elsewhere.example")


def test_certificates_stay_when_nodes_are_added(pki: Pki) -> None:
    before = pki.certificate("apiserver").read_bytes()
    pki.ensure([addresses.node(1), addresses.node(2)])
    assert pki.certificate("apiserver").read_bytes() == before
    assert pki.certificate("n2").exists()


def test_keys_and_kubeconfig_are_the_owners_alone(pki: Pki, tmp_path: Path) -> None:
    path = kubeconfig.write(tmp_path / "kubeconfig", pki, "admin")
    kubeconfig.write(path, pki, "admin")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(pki.folder.stat().st_mode) == 0o700
    assert json.loads(path.read_text())["clusters"][0]["cluster"]["server"] == addresses.API_URL


def test_kubelet_keeps_pods_in_the_machines_own_group(pki: Pki) -> None:
    config = node.kubelet_config(Path("/state/run/machines/n1"), pki.certificate("ca"))
    assert config["cgroupRoot"] == "/k0smotron-ha-lab/n1"
    assert config["authentication"]["anonymous"] == {"enabled": False}


def test_containerd_config_is_toml_with_all_in_the_machines_folder() -> None:
    config = tomllib.loads(node.containerd_config(Path("/m/n1"), Path("/cni"), "pause:1"))
    assert config["root"] == "/m/n1/containerd"
    cri = config["plugins"]["io.containerd.grpc.v1.cri"]
    assert cri["sandbox_image"] == "pause:1"
    assert cri["cni"] == {"bin_dir": "/cni", "conf_dir": "/m/n1/cni"}
    assert tomllib.loads(nodeimages.BUILDER_CONFIG.format(root="/r", socket="/s"))["grpc"] == {"address": "/s"}


def test_settings_keep_what_is_not_changed(tmp_path: Path) -> None:
    state = State(tmp_path)
    assert settings.read(state).nodes == 0
    state.run.mkdir()
    settings.change(state, nodes=4)
    settings.change(state, loaded=["a.tar"])
    assert settings.read(state) == settings.Settings(nodes=4, loaded=["a.tar"])


def test_names_of_images(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\n")
    layer = oci.write_layer(tmp_path / "layer.tar", {"program": program})
    archive = tmp_path / "image.tar"
    oci.write_archive(archive, [oci.Image(("example.org/one:1", "example.org/two:2"), (layer,))])
    assert nodeimages.names(archive) == ["example.org/one:1", "example.org/two:2"]
    for broken in (layer.path, program, tmp_path / "absent"):
        with pytest.raises(LabError, match="no OCI image archive"):
            nodeimages.names(broken)


def test_dns_answers_at_the_address_that_kubelet_hands_out() -> None:
    objects: list[dict[str, t.Any]] = coredns.objects("image:1", 2)
    service = next(each for each in objects if each["kind"] == "Service")
    deployment = next(each for each in objects if each["kind"] == "Deployment")
    assert service["spec"]["clusterIP"] == addresses.DNS_SERVICE
    assert service["spec"]["selector"].items() <= deployment["spec"]["template"]["metadata"]["labels"].items()


def test_metallb_gives_away_the_labs_addresses_only() -> None:
    pool = next(each for each in metallb.pool() if each["kind"] == "IPAddressPool")
    assert pool["spec"]["addresses"] == [addresses.LOAD_BALANCERS]
    patched = [json.loads(each["patch"])["metadata"]["name"] for each in metallb.kustomization(Path("/m"))["patches"]]
    assert patched == ["controller", "speaker"]
