# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of programs and the go.mod files agree."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.lab import extras, programs
from tests.lab.errors import LabError

OF_EXTRAS = {name: extra.module for name, extra in extras.EXTRAS.items() if extra.module}
MODULES = (*programs.MODULES, *OF_EXTRAS.values())
LAB, ZALANDO = programs.MODULES
# Extra -> the module that it shares compiled packages with, and what only its own packages are built on.
SHARES = {
    "cloudnativepg": (
        LAB,
        {"github.com/grpc-ecosystem/go-grpc-middleware/v2", "github.com/jackc/pgx/v5", "github.com/pmezard/go-difflib"},
    ),
    "cluster_api": (LAB, set()),
    "mariadb": (ZALANDO, {"github.com/emicklei/go-restful/v3", "k8s.io/apiextensions-apiserver"}),
}


@pytest.mark.parametrize(
    ("package", "name"),
    [("k8s.io/kubernetes/cmd/kubectl", "kubectl"), ("go.etcd.io/etcd/server/v3", "server"), ("./coredns", "coredns")],
)
def test_default_name_is_go_s(package: str, name: str) -> None:
    assert programs.default_name(package) == name


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.title)
def test_every_program_of_another_module_is_a_tool_of_go_mod(module: programs.Module) -> None:
    """`go mod tidy` keeps only what a tool line or our own source asks for."""
    text = (module.folder / "go.mod").read_text()
    block = re.search(r"^tool (?:\(\n(.*?)^\)|(\S+))", text, re.MULTILINE | re.DOTALL)
    assert block
    tools = {line.strip() for line in (block[1] or block[2]).splitlines()}
    assert tools == {package for package in module.programs.values() if not package.startswith("./")}


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.title)
def test_programs_of_a_module_do_not_overwrite_each_other(module: programs.Module) -> None:
    names = [programs.default_name(package) for package in module.programs.values()]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.title)
def test_inputs_are_all_that_the_folder_holds(module: programs.Module) -> None:
    other_modules = {other.folder for other in MODULES} - {module.folder}
    assert {path.name for path in module.folder.iterdir() if path not in other_modules} == set(module.inputs)


def test_kubernetes_programs_learn_their_version() -> None:
    linker = programs.flags(programs.MODULES[0])[-1]
    assert re.search(r"-X k8s.io/component-base/version.gitVersion=v1\.\d+\.\d+ ", linker)


def test_build_ignores_the_caller_s_go_flags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOFLAGS", "-mod=vendor")
    assert programs.environment()["GOFLAGS"] == ""
    assert programs.environment()["CGO_ENABLED"] == "0"


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.title)
def test_sources_are_required_by_their_module(module: programs.Module) -> None:
    assert set(module.sources.values()) <= _versions(module).keys()


def test_no_two_modules_use_the_same_name() -> None:
    for names in (
        [name for module in MODULES for name in module.sources],
        [name for module in MODULES for name in module.programs],
        [module.folder.name for module in MODULES],  # in the cache
    ):
        assert len(set(names)) == len(names)


@pytest.mark.parametrize("name", OF_EXTRAS)
def test_an_extra_shares_compiled_packages_with_the_lab(name: str) -> None:
    """A package of another version, or built on one, is compiled again: for client-go that is a minute."""
    module, own_alone = SHARES[name]
    lab, own = _versions(module), _versions(OF_EXTRAS[name])
    assert {path for path in lab.keys() & own.keys() if lab[path] != own[path]} <= own_alone
    assert own["k8s.io/client-go"] == lab["k8s.io/client-go"]


def _versions(module: programs.Module) -> dict[str, tuple[str, str]]:
    """Path -> the version that go.mod requires, and the one that replaces it: the compiler sees both."""
    text = (module.folder / "go.mod").read_text()
    replaced = dict(re.findall(r"^\t(\S+) => \S+ (v\S+)$", text, re.MULTILINE))
    required = re.findall(r"^(?:require )?\s*(\S+) (v\S+)(?: // indirect)?$", text.split("exclude (")[0], re.MULTILINE)
    return {path: (version, replaced.get(path, version)) for path, version in required}


def test_missing_go_is_one_sentence(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(LabError, match="install Go"):
        programs.go_version()
