# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module as Ansible runs it, on a database that is reached directly: no cluster is needed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.checks import CHECKS
from tests.integration.modules.runner import Modules

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.integration.kine_check.server import Server, Site

# How fast a busy machine is says nothing.
PASSED = {check.id: "ok" for check in CHECKS if check.id != "latency"}
PASSWORD = "hunter2/of@the|kine&check"


@pytest.fixture
def site(primary: Server, standby: Server) -> Iterator[Site]:
    """Give a database with a password that no output may show."""
    del standby
    site = primary.site(password=PASSWORD)
    yield site
    assert site.schemas() == []


@pytest.fixture
def modules(site: Site, without_cluster: None) -> Modules:
    """Give the runner, without any cluster."""
    del without_cluster
    return Modules(secrets=[PASSWORD, "hunter2", "%7Ckine", site.url()])


@pytest.mark.parametrize("check", [False, True])
def test_healthy(modules: Modules, site: Site, check: bool) -> None:
    result = modules.ok("kine_check", check=check, url=site.url(), max_open_connections=12, samples=10)
    assert result["changed"] is False
    assert {check["id"]: check["status"] for check in result["checks"]}.items() >= PASSED.items(), result["msg"]
    assert sum(result["counts"].values()) == len(result["checks"]) == len(CHECKS)
    assert result["latency"]["samples"] == 10
    assert result["msg"].count("\n") >= len(CHECKS)


@pytest.mark.parametrize(("fail_on", "failed"), [("fail", False), ("warn", True)])
def test_fail_on_a_warning(modules: Modules, site: Site, fail_on: str, failed: bool) -> None:
    result = modules.run("kine_check", url=site.url("sslmode=disable"), fail_on=fail_on, samples=1)
    assert bool(result.get("failed")) is failed
    warned = {check["id"] for check in result["checks"] if check["status"] == "warn"}
    assert warned - {"latency"} == {"dsn", "tls"}
    assert result["changed"] is False


@pytest.mark.parametrize(("fail_on", "failed"), [("fail", True), ("never", False)])
def test_fail_on_a_failure(modules: Modules, site: Site, fail_on: str, failed: bool) -> None:
    site.admin("ALTER ROLE {role} PASSWORD 'another'")
    result = modules.run("kine_check", url=site.url(), fail_on=fail_on)
    assert bool(result.get("failed")) is failed
    assert result["counts"]["failed"] == 1
    assert "wrong password" in result["msg"]


@pytest.mark.parametrize(("expect", "check"), [("existing", "data"), ("any", None), ("empty", None)])
def test_expected_data(modules: Modules, site: Site, expect: str, check: str | None) -> None:
    result = modules.run("kine_check", url=site.url(), expect=expect, samples=1, fail_on="never")
    failed = {found["id"] for found in result["checks"] if found["status"] == "fail"}
    assert failed - {"latency"} == ({check} if check else set())


@pytest.mark.parametrize(("version", "status"), [("v1.36.3-k0s.2", "ok"), ("v1.27.9-k0s.0", "fail")])
def test_version_of_k0s(modules: Modules, site: Site, version: str, status: str) -> None:
    result = modules.run("kine_check", url=site.url(), k0s_version=version, samples=1, fail_on="never")
    assert result["checks"][0]["status"] == status


@pytest.mark.parametrize("options", [{"kine_version": "new"}, {"k0s_version": "1.36"}])
def test_not_a_version(modules: Modules, site: Site, options: dict[str, t.Any]) -> None:
    result = modules.run("kine_check", url=site.url(), **options)
    assert result["failed"]
    assert "is not a" in result["msg"]


def test_broken_dsn(modules: Modules, site: Site) -> None:
    result = modules.run("kine_check", url=site.url().replace("%7C", "|"))
    assert result["failed"]
    assert "literal |" in result["msg"]


def test_cluster_is_missing_where_one_is_needed(modules: Modules, site: Site) -> None:
    result = modules.run("kine_check", url=site.url(host="db.kine-check.svc"), kubeconfig="/nowhere/kubeconfig")
    assert result["failed"]
    assert "neither directly nor through the API server" in result["msg"]


@pytest.mark.parametrize("options", [{}, {"url": "postgres://x", "secret": {"name": "a", "namespace": "b"}}])
def test_one_source(modules: Modules, options: dict[str, t.Any]) -> None:
    assert "url" in modules.refused("kine_check", **options)


def test_playbook_with_all_verbosity(modules: Modules, site: Site, tmp_path: Path) -> None:
    playbook = tmp_path / "check.yml"
    task = {"k0smotron.ha.kine_check": {"url": "{{ lookup('env', 'DSN') }}", "samples": 5}, "register": "found"}
    show = {"ansible.builtin.debug": {"var": "found"}}
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [task, show]}]))
    command = ["ansible-playbook", "-vvvv", "--diff", "-i", "localhost,", "-c", "local", str(playbook)]
    command += ["-e", f"ansible_python_interpreter={sys.executable}"]
    environment = {**os.environ, "DSN": site.url()}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Connects" in done.stdout
    for secret in modules.secrets:
        assert secret not in done.stdout + done.stderr
