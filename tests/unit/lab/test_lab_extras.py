# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the lab has only on request: that it stays, what it is made of, and what it tells the playbooks."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest

from tests.lab import (
    addresses,
    artifacts,
    cloudnativepg,
    cluster_api,
    elsewhere,
    extras,
    images,
    mariadb,
    programs,
    variables,
)
from tests.lab.__main__ import parser
from tests.lab.elsewhere import accounts
from tests.lab.paths import State

MANIFEST = "kind: Deployment\n"
NONE: list[str] = []


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, programs.Source]:
    """Unpacked modules as far as playbook variables and images look at them, all of version v1.2.3."""
    modules = (*programs.MODULES, *(extra.module for extra in extras.EXTRAS.values() if extra.module))
    folder = tmp_path / "module"
    (folder / "releases").mkdir(parents=True)
    (folder / "releases" / "cnpg-1.2.3.yaml").write_text(MANIFEST)
    (folder / "deploy" / "crds").mkdir(parents=True)
    (folder / "deploy" / "crds" / "crds.yaml").write_text("kind: CustomResourceDefinition\n")
    return {name: programs.Source(folder, "v1.2.3") for module in modules for name in module.sources}


@pytest.fixture
def lab(tmp_path: Path, sources: dict[str, programs.Source]) -> t.Callable[..., dict[str, t.Any]]:
    """The playbook variables of a lab with some extras."""
    state = State(tmp_path)
    state.run.mkdir()
    chart = tmp_path / "chart"
    chart.write_text('#!/bin/sh\nprintf -- "---\\n# %s\\n" "$@"\n')
    chart.chmod(0o755)
    made = artifacts.Artifacts({mariadb.CHART: chart}, tmp_path / "images.tar", [], sources)

    def written(*names: str) -> dict[str, t.Any]:
        variables.write(state, made, names)
        found: dict[str, t.Any] = json.loads(state.playbook_variables.read_text())
        return found

    return written


@pytest.mark.parametrize(
    ("has", "asked", "wanted"),
    [
        (NONE, NONE, NONE),
        (NONE, ["cloudnativepg"], ["cloudnativepg"]),
        (["cloudnativepg"], NONE, ["cloudnativepg"]),
        (["cloudnativepg"], ["cloudnativepg"], ["cloudnativepg"]),
        (NONE, [extras.ALL], [*extras.EXTRAS]),
        (["of another version of the lab"], NONE, NONE),
    ],
)
def test_a_lab_keeps_its_extras_and_gets_those_asked_for(has: list[str], asked: list[str], wanted: list[str]) -> None:
    assert extras.wanted(has, asked) == wanted


def test_up_asks_for_none_by_default_and_knows_their_names() -> None:
    assert parser().parse_args(["up"]).extras == []
    assert parser().parse_args(["up", "--with", "all", "--with", "cloudnativepg"]).extras == ["all", "cloudnativepg"]
    with pytest.raises(SystemExit):
        parser().parse_args(["up", "--with", "unknown"])


@pytest.mark.parametrize("extra", extras.EXTRAS.values(), ids=extras.EXTRAS)
def test_images_hold_programs_of_their_own_module_and_files_that_exist(
    extra: extras.Extra, sources: dict[str, programs.Source]
) -> None:
    for recipe in extra.recipes(sources):
        assert extra.module
        assert set(recipe.programs.values()) <= extra.module.programs.keys()
        assert all((images.FILES / file).exists() for file in recipe.files.values())


@pytest.mark.parametrize("extra", extras.EXTRAS.values(), ids=extras.EXTRAS)
def test_images_with_files_of_our_own_are_stand_ins_and_named_so(
    extra: extras.Extra, sources: dict[str, programs.Source]
) -> None:
    for recipe in extra.recipes(sources):
        assert bool(recipe.stands_in_for) is bool(recipe.root)
        assert all(("stand-in" in name) is bool(recipe.root) for name in recipe.names)


def test_cloudnativepg_is_upstream_s_release_but_for_the_pull_policy(lab: t.Callable[..., dict[str, t.Any]]) -> None:
    found = lab("cloudnativepg")
    (folder,) = map(Path, found["cloudnativepg_operator_source"])
    kustomization = json.loads((folder / "kustomization.yaml").read_text())
    assert [(folder / name).read_text() for name in kustomization["resources"]] == [MANIFEST]
    (patch,) = kustomization["patches"]
    assert [change["path"].rpartition("/")[2] for change in json.loads(patch["patch"])] == ["imagePullPolicy"]
    assert found["cloudnativepg_operator_version"] == "v1.2.3"
    assert found["lab_cloudnativepg_image"].partition(":")[2].startswith("15")


def test_cluster_api_is_the_module_s_manifests_with_a_release_s_image(
    lab: t.Callable[..., dict[str, t.Any]], sources: dict[str, programs.Source]
) -> None:
    found = lab("cluster_api")
    (folder,) = map(Path, found["cluster_api_source"])
    kustomization = json.loads((folder / "kustomization.yaml").read_text())
    (base,) = kustomization["resources"]
    assert (folder / base).resolve() == sources["cluster-api"].path / "config" / "default"
    (image,) = kustomization["images"]
    made = [name for recipe in cluster_api.recipes(sources) for name in recipe.names]
    assert made == [f"{image['newName']}:{image['newTag']}"]
    assert found["cluster_api_version"] == found["cluster_api_k0smotron_version"] == "v1.2.3"


def test_mariadb_is_the_definitions_and_upstream_s_chart_with_upstream_s_values(
    lab: t.Callable[..., dict[str, t.Any]], sources: dict[str, programs.Source]
) -> None:
    found = lab("mariadb")
    (manifest,) = map(Path, found["mysql_operator_source"])
    deploy = sources["mariadb-operator"].path / "deploy"
    chart = [deploy / "charts" / "mariadb-operator", deploy / "manifests" / "helm-values.min.yaml"]
    documents = ["kind: CustomResourceDefinition", *(f"# {each}" for each in (*chart, "mariadb-operator", "default"))]
    assert manifest.read_text() == "\n---\n".join(documents) + "\n"
    assert found["mysql_cluster_image"].partition(":")[2].startswith("10.11")


def test_without_extras_the_playbooks_hear_nothing_of_them(
    lab: t.Callable[..., dict[str, t.Any]], sources: dict[str, programs.Source]
) -> None:
    assert lab() == variables.playbook_variables(sources)


def test_the_database_s_user_is_the_one_of_the_operator_s_pods() -> None:
    lines = (images.FILES / "cloudnativepg" / "passwd").read_text().splitlines()
    users = {line.split(":")[0]: line.split(":")[2:4] for line in lines}
    assert users["postgres"] == [cloudnativepg.POSTGRES_USER] * 2


def test_servers_elsewhere_are_told_as_whoever_runs_them_would(lab: t.Callable[..., dict[str, t.Any]]) -> None:
    found, again = (lab(elsewhere.NAME)["lab_elsewhere"] for _each in range(2))
    assert found == again, "the password was made anew"
    assert len(found["postgres"]["password"]) > 20
    assert len(found["postgres"]["hosts"]) == 2
    assert len(found["mariadb"]["hosts"]) == 1, "its driver knows no more"
    for kind, pair in elsewhere.PAIRS.items():
        assert (found[kind]["user"], found[kind]["port"]) == (accounts.ADMINISTRATOR, pair.port)


def test_machines_of_extras_are_on_the_bridge_beside_the_nodes() -> None:
    found = extras.machines([*extras.EXTRAS, "of another version of the lab"])
    assert found == dict(elsewhere.ADDRESSES)
    taken = {addresses.node(number).address for number in range(1, addresses.MOST_NODES + 1)}
    floating = {pair.floating for pair in elsewhere.PAIRS.values() if pair.floating}
    assert len({*found.values(), *floating} - taken) == 5
    links = [server.link for pair in elsewhere.PAIRS.values() for server in pair.servers]
    assert len(set(links)) == len(links)
    assert max(map(len, links)) <= 15, "longer than the kernel's names of links"


def test_packages_of_extras_are_asked_for_with_the_extra() -> None:
    assert extras.packages(["cloudnativepg"]) == {}
    assert "postgresql-15" in extras.packages([elsewhere.NAME]).values()
