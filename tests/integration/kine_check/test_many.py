# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many databases in one task, the report and the role, as Ansible runs them on real databases: no cluster is needed."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest

from tests.integration.kine_check.server import free_port
from tests.integration.kine_check.test_connect import listener
from tests.integration.modules.runner import Modules

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.integration.kine_check.server import Server, Site

PASSWORD = "hunter2/of@the|kine&check<b>"


@pytest.fixture
def sites(primary: Server, standby: Server) -> Iterator[list[Site]]:
    """Give databases with passwords that no output may show, and see that nothing stays in them."""
    del standby
    sites = [primary.site(password=f"{PASSWORD}{number}") for number in range(4)]
    yield sites
    assert [site.schemas() for site in sites] == [[]] * len(sites)


@pytest.fixture
def modules(sites: list[Site], without_cluster: None) -> Modules:
    """Give the runner, without any cluster."""
    del without_cluster
    return Modules(secrets=["hunter2", "%7Ckine", *(site.url() for site in sites)])


def failures(record: dict[str, t.Any]) -> list[str]:
    """Return which checks of one database failed, latency left out: on a busy machine it says nothing."""
    return [check["id"] for check in record["checks"] if check["status"] == "fail" and check["id"] != "latency"]


def entries(sites: list[Site]) -> list[dict[str, t.Any]]:
    """Return the option databases."""
    return [{"name": f"database-{number}", "url": site.url()} for number, site in enumerate(sites)]


def test_each_has_a_record_and_the_task_fails_for_one(modules: Modules, sites: list[Site]) -> None:
    sites[1].admin("ALTER ROLE {role} SET default_transaction_isolation = 'serializable'")
    sites[3].admin("ALTER ROLE {role} PASSWORD 'another'")
    options: dict[str, t.Any] = {"databases": entries(sites), "max_open_connections": 4, "samples": 5}
    result = modules.run("kine_check", **options)
    assert result["failed"]
    assert result["changed"] is False
    assert [each["name"] for each in result["databases"]] == [f"database-{number}" for number in range(4)]
    failed = [failures(each) for each in result["databases"]]
    assert failed == [[], ["isolation"], [], ["connect"]], result["msg"]
    assert result["msg"].startswith("4 databases: 2 with failures")
    assert "\n\ndatabase-1: " in result["msg"]
    for each in result["databases"][:3]:
        assert each["server"]["product"] == "PostgreSQL"
        assert each["latency"]["samples"] == sum(bucket["count"] for bucket in each["latency"]["histogram"]) == 5
        assert each["connections"]["needed"] == 3 * 4
    assert not modules.run("kine_check", **options, fail_on="never").get("failed")


def test_load_is_measured_once_a_server(modules: Modules, sites: list[Site]) -> None:
    result = modules.run("kine_check", databases=[{"url": site.url()} for site in sites], fail_on="never")
    assert [each["latency"]["listed"] > 0 for each in result["databases"]].count(True) == 1


def test_checks_do_not_count_each_other_as_use(modules: Modules, sites: list[Site]) -> None:
    """Each would find the connections of all others in use, and the last ones no slot for kine."""
    result = modules.ok("kine_check", databases=entries(sites) * 2, max_open_connections=31, samples=100)
    assert [each["connections"]["used"] for each in result["databases"]] == [0] * 8


def test_one_that_hangs_costs_no_more_than_itself(modules: Modules, sites: list[Site]) -> None:
    """Three proxies that hang until the deadline: one after the other they would take three times as long."""
    with listener(hang=True) as first, listener(hang=True) as second, listener(hang=True) as third:
        hanging = [{"url": sites[0].url("sslmode=disable", port=port)} for port in (first, second, third)]
        started = time.monotonic()
        result = modules.run(
            "kine_check", databases=[*entries(sites), *hanging], timeout=10, fail_on="never", samples=5
        )
        seconds = time.monotonic() - started
    assert [bool(each["counts"]["failed"]) for each in result["databases"]] == [False] * 4 + [True] * 3, result["msg"]
    assert seconds < 10 * 2


def test_bad_entries_are_refused(modules: Modules, sites: list[Site]) -> None:
    both = {"url": sites[0].url(), "secret": {"name": "a", "namespace": "b"}}
    assert "mutually exclusive" in modules.refused("kine_check", databases=[both])
    assert "one of the following is required" in modules.refused("kine_check", databases=[{"name": "x"}])
    assert "mutually exclusive" in modules.refused("kine_check", databases=[], url=sites[0].url())
    assert modules.ok("kine_check", databases=[])["databases"] == []


def test_entries_that_cannot_be_used_are_findings(modules: Modules, sites: list[Site]) -> None:
    secret = {"name": "nowhere", "namespace": "none"}
    closed = sites[0].url(port=free_port())
    databases = [*entries(sites[:1]), {"url": "hello"}, {"url": closed}, {"secret": secret}]
    result = modules.run("kine_check", databases=databases, kubeconfig="/nowhere/kubeconfig", samples=1)
    assert result["failed"]
    assert [each["counts"]["failed"] for each in result["databases"]] == [0, 1, 1, 1]
    assert "nothing listens" in result["databases"][2]["msg"] or "refused" in result["databases"][2]["msg"]
    assert "kubeconfig" in result["databases"][3]["msg"]
    assert result["databases"][3]["name"] == "none/nowhere"


@pytest.mark.parametrize("many", [False, True])
def test_report(modules: Modules, sites: list[Site], tmp_path: Path, many: bool) -> None:
    path = tmp_path / "report.html"
    path.write_text("the one before")
    path.chmod(0o600)
    sites[0].admin("ALTER ROLE {role} SET default_transaction_isolation = 'serializable'")
    source: dict[str, t.Any] = {"databases": entries(sites)} if many else {"url": sites[0].url()}
    result = modules.run("kine_check", report=str(path), samples=5, **source)
    assert result["failed"], "the page is written all the same"
    assert result["report"] == str(path)
    assert result["changed"] is False
    assert stat.S_IMODE(path.stat().st_mode) == 0o644
    text = path.read_text(encoding="utf-8")
    assert text.count("<section") == (4 if many else 1)
    assert text.count("<svg") == (8 if many else 2)
    assert "serializable" in text
    for secret in [*modules.secrets, PASSWORD, "hunter2"]:
        assert secret not in text
    assert [each.name for each in tmp_path.iterdir()] == ["report.html"]


def test_report_in_check_mode_is_not_written(modules: Modules, sites: list[Site], tmp_path: Path) -> None:
    result = modules.ok("kine_check", check=True, url=sites[0].url(), report=str(tmp_path / "report.html"), samples=1)
    assert "report" not in result
    assert result["counts"]["failed"] == 0
    assert list(tmp_path.iterdir()) == []


def test_report_that_cannot_be_written_is_refused_first(modules: Modules, sites: list[Site], tmp_path: Path) -> None:
    """With a DSN that would fail the checks: the refusal comes before them."""
    url = sites[0].url(port=free_port())
    assert "The folder of" in modules.refused("kine_check", url=url, report=str(tmp_path / "none" / "report.html"))
    assert "is a folder" in modules.refused("kine_check", url=url, report=str(tmp_path))


def play(
    tmp_path: Path, variables: dict[str, t.Any], sites: list[Site], **role: str
) -> subprocess.CompletedProcess[str]:
    """Run the role, or another one, in a playbook, as loudly as can be, and show what it found."""
    run_role = {"ansible.builtin.include_role": {"name": "k0smotron.ha.datastore_check", **role}, "vars": variables}
    show = {"ansible.builtin.debug": {"var": "datastore_check_result"}}
    playbook = tmp_path / "play.yml"
    playbook.write_text(json.dumps([{"hosts": "localhost", "gather_facts": False, "tasks": [run_role, show]}]))
    command = ["ansible-playbook", "-vvv", "--diff", "-i", "localhost,", "-c", "local", str(playbook)]
    command += ["-e", f"ansible_python_interpreter={sys.executable}"]
    environment = {**os.environ, **{f"DSN{number}": site.url() for number, site in enumerate(sites)}}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)


def test_role_on_many(modules: Modules, sites: list[Site], tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    databases = [{"name": f"n{number}", "url": f"{{{{ lookup('env', 'DSN{number}') }}}}"} for number in range(4)]
    variables = {
        "datastore_check_databases": databases,
        "datastore_check_samples": 5,
        "datastore_check_max_open_connections": 4,
        "datastore_check_report": str(report),
    }
    done = play(tmp_path, variables, sites)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 databases: 0 with failures" in done.stdout
    assert "changed=0" in done.stdout
    for secret in modules.secrets:
        assert secret not in done.stdout + done.stderr + report.read_text()


def test_role_fails_with_the_finding(modules: Modules, sites: list[Site], tmp_path: Path) -> None:
    sites[0].admin("ALTER ROLE {role} SET default_transaction_isolation = 'serializable'")
    done = play(tmp_path, {"datastore_check_url": "{{ lookup('env', 'DSN0') }}", "datastore_check_samples": 5}, sites)
    assert done.returncode == 2, done.stdout + done.stderr
    assert "FAIL    Isolation level" in done.stdout
    for secret in modules.secrets:
        assert secret not in done.stdout + done.stderr


def test_role_without_a_database_says_what_it_needs(sites: list[Site], tmp_path: Path) -> None:
    done = play(tmp_path, {}, sites)
    assert done.returncode == 2
    assert "url, secret, databases" in done.stdout


def test_control_plane_checks_its_own_database_through_the_role(
    modules: Modules, sites: list[Site], tmp_path: Path
) -> None:
    report = tmp_path / "report.html"
    variables = {
        "control_plane_data_source": "url",
        "control_plane_data_source_url": "{{ lookup('env', 'DSN0') }}",
        "control_plane_planned": 2,
        "control_plane_replicas": 5,
        "control_plane_kine_check": "never",
        # What somebody set for the role itself is about other databases.
        "datastore_check_databases": [{"url": "postgres://nobody:x@127.0.0.1:1/kine"}],
        "datastore_check_max_open_connections": 3,
        "datastore_check_samples": 5,
        "datastore_check_report": str(report),
    }
    done = play(tmp_path, variables, sites, name="k0smotron.ha.control_plane", tasks_from="kine_check.yml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "5 replicas x 3 connections x 2 control planes = 30 of" in done.stdout
    assert report.read_text().count("<section") == 1
    for secret in modules.secrets:
        assert secret not in done.stdout + done.stderr


def test_control_plane_checks_the_database_of_its_secret(modules: Modules, sites: list[Site], tmp_path: Path) -> None:
    variables = {"control_plane_name": "team-a", "datastore_check_url": "{{ lookup('env', 'DSN0') }}"}
    role = {"name": "k0smotron.ha.control_plane", "tasks_from": "kine_check.yml"}
    done = play(tmp_path, {**variables, "control_plane_data_source": "existing"}, sites, **role)
    assert done.returncode == 2
    assert '"name": "team-a-data-source"' in done.stdout
    assert '"namespace": "team-a"' in done.stdout
    assert '"url": null' in done.stdout
    for secret in modules.secrets:
        assert secret not in done.stdout + done.stderr
