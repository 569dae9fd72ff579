# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How site and teardown choose by site_datastore: the real playbooks and arguments, with roles that only say that they ran."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from tools.check import without_cluster

ROOT = Path(__file__).resolve().parents[2]
ANSIBLE = Path(sys.executable).parent / "ansible-playbook"
SAID = {
    "postgres_cluster": "[postgres_cluster_provider, postgres_cluster_delete_data]",
    "mysql_operator": "[mysql_operator_provider]",
    "mysql_cluster": "[mysql_cluster_provider, mysql_cluster_delete_data]",
    "managed_database": "managed_database_drop",
    "control_plane": "[control_plane_connection or control_plane_datastore.provider]",
}
RETURNED = {
    "managed_database_connection": {"scheme": "mysql", "user": "u", "password": "p", "host": "h", "database": "d"}
}


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The collection with its playbooks and its roles' variables, and with stand-ins for what the roles do."""
    folder = tmp_path_factory.mktemp("collections")
    collection = folder / "ansible_collections" / "k0smotron" / "ha"
    (collection / "roles").mkdir(parents=True)
    for unchanged in ("playbooks", "plugins"):
        (collection / unchanged).symlink_to(ROOT / unchanged)
    for real in (ROOT / "roles").iterdir():
        role = collection / "roles" / real.name
        (role / "tasks").mkdir(parents=True)
        for part in ("defaults", "meta", "vars"):
            if (real / part).is_dir():
                (role / part).symlink_to(real / part)
        said = (
            f"ran <{real.name} {{{{ {real.name}_state | default('') }}}} {{{{ {SAID.get(real.name, [])} | to_json }}}}>"
        )
        tasks: list[dict[str, t.Any]] = [{"ansible.builtin.debug": {"msg": said}}]
        if real.name == "managed_database":
            tasks.append({"ansible.builtin.set_fact": {**RETURNED, "managed_database_max_connections": 50}})
        (role / "tasks" / "main.yml").write_text(yaml.safe_dump(tasks), encoding="utf-8")
        if real.name == "k0smotron":
            noted = [{"ansible.builtin.debug": {"msg": "looked for providers before {{ k0smotron_state }}"}}]
            (role / "tasks" / "refuse_providers.yml").write_text(yaml.safe_dump(noted), encoding="utf-8")
        if real.name == "control_plane":
            for entry in ("rotate.yml", "absent.yml"):
                (role / "tasks" / entry).symlink_to(real / "tasks" / entry)
    return folder


def run(folder: Path, playbook: str, **variables: t.Any) -> tuple[str, int]:
    """A playbook's output and exit code. No cluster may be reached: one of these playbooks drills."""
    hidden = {"ANSIBLE_COLLECTIONS_PATH": str(folder), "ANSIBLE_NOCOLOR": "1", "HOME": str(folder)}
    environment = {**without_cluster(), **hidden}
    command = [str(ANSIBLE), playbook, f"--extra-vars={json.dumps(variables)}"]
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    return done.stdout + done.stderr, done.returncode


def ran(folder: Path, playbook: str, **variables: t.Any) -> list[str]:
    """What the roles said, in their order."""
    output, ended = run(folder, f"k0smotron.ha.{playbook}", **variables)
    assert ended == 0, output
    said = re.findall(r'"msg": "ran <(.*)>"', output)
    return [line.replace('\\"', "'").replace(" []", "") for line in said]


def refused(folder: Path, playbook: str, **variables: t.Any) -> str:
    """What a playbook said that has run none of its roles."""
    output, ended = run(folder, f"k0smotron.ha.{playbook}", **variables)
    assert ended != 0, output
    assert "ran <" not in output
    return re.sub(r"\s+", " ", output)


@pytest.mark.parametrize("playbook", ["site", "teardown"])
@pytest.mark.parametrize(
    ("variables", "says"),
    [
        (
            {"site_datastore": "oracle"},
            "site_datastore is oracle. Use one of zalando, cloudnativepg, mariadb, innodbcluster, managed.",
        ),
        (
            {"control_plane_mode": "cluster-api"},
            "control_plane_mode is cluster-api. Use one of standalone, cluster_api.",
        ),
        (
            {"site_datastore": "cloudnativepg", "postgres_cluster_provider": "zalando"},
            "site_datastore is cloudnativepg, and postgres_cluster_provider is zalando.",
        ),
        (
            {"postgres_cluster_provider": "cloudnativepg", "control_plane_provider": "zalando"},
            "site_datastore is cloudnativepg, and control_plane_provider is zalando.",
        ),
        (
            {"site_datastore": "mariadb", "mysql_operator_provider": "innodbcluster"},
            "site_datastore is mariadb, and mysql_operator_provider is innodbcluster.",
        ),
    ],
)
def test_what_contradicts_itself_is_refused_before_anything_is_done(
    collections: Path, playbook: str, variables: dict[str, str], says: str
) -> None:
    assert says in refused(collections, playbook, teardown_confirm=True, **variables)


def test_a_variable_of_another_kind_of_datastore_is_none_of_its_business(collections: Path) -> None:
    made = ran(collections, "site", site_datastore="mariadb", postgres_cluster_provider="zalando")
    assert made[1] == "mysql_cluster present ['mariadb', false]"


@pytest.mark.parametrize(("playbook", "state"), [("site", "present"), ("teardown", "absent")])
@pytest.mark.parametrize(("mode", "looks"), [("standalone", True), ("cluster_api", False)])
def test_providers_are_looked_for_first(collections: Path, playbook: str, state: str, mode: str, looks: bool) -> None:
    output, _ended = run(collections, f"k0smotron.ha.{playbook}", control_plane_mode=mode, teardown_confirm=True)
    before, _ran, _after = output.partition("ran <")
    assert (f"looked for providers before {state}" in before) is looks


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"postgres_cluster_delete_data": True}, "The data goes with teardown_delete_data=true, and stays without."),
        (
            {"site_datastore": "mariadb", "mysql_cluster_delete_data": "yes"},
            "The data goes with teardown_delete_data=true",
        ),
        ({"control_plane_database_on_removal": "drop"}, "The data goes with teardown_delete_data=true"),
        (
            {"teardown_delete_data": True, "postgres_cluster_delete_data": False},
            "The data goes with teardown_delete_data=true",
        ),
        ({"control_plane_state": "present"}, "control_plane_state is present, and this playbook removes."),
        ({"postgres_cluster_state": "present"}, "postgres_cluster_state is present, and this playbook removes."),
    ],
)
def test_teardown_deletes_what_its_own_variable_says(collections: Path, variables: dict[str, t.Any], says: str) -> None:
    assert says in refused(collections, "teardown", teardown_confirm=True, **variables)


def test_data_that_is_to_go_by_both_goes(collections: Path) -> None:
    both = {"teardown_delete_data": "true", "postgres_cluster_delete_data": True}
    gone = ran(collections, "teardown", teardown_confirm=True, control_plane_database_on_removal="drop", **both)
    assert gone[1] == "postgres_cluster absent ['zalando', true]"


@pytest.mark.parametrize(
    ("variables", "operator", "provider"),
    [
        ({}, "postgres_operator", "zalando"),
        ({"postgres_cluster_provider": "cloudnativepg"}, "cloudnativepg_operator", "cloudnativepg"),
        ({"site_datastore": "cloudnativepg"}, "cloudnativepg_operator", "cloudnativepg"),
    ],
)
def test_the_site_on_a_postgresql(collections: Path, variables: dict[str, str], operator: str, provider: str) -> None:
    assert ran(collections, "site", **variables) == [
        f"{operator} present",
        f"postgres_cluster present ['{provider}', false]",
        "k0smotron present",
        f"control_plane present ['{provider}']",
    ]


@pytest.mark.parametrize("provider", ["mariadb", "innodbcluster"])
def test_the_site_on_a_mysql(collections: Path, provider: str) -> None:
    assert ran(collections, "site", site_datastore=provider) == [
        f"mysql_operator present ['{provider}']",
        f"mysql_cluster present ['{provider}', false]",
        "k0smotron present",
        f"control_plane present ['{provider}']",
    ]


def test_cluster_api_takes_the_place_of_standalone_k0smotron(collections: Path) -> None:
    assert ran(collections, "site", control_plane_mode="cluster_api") == [
        "postgres_operator present",
        "postgres_cluster present ['zalando', false]",
        "cluster_api present",
        "control_plane present ['zalando']",
    ]
    gone = ran(collections, "teardown", control_plane_mode="cluster_api", teardown_confirm=True)
    assert gone[1:] == ["postgres_cluster absent ['zalando', false]", "cluster_api absent", "postgres_operator absent"]


@pytest.mark.parametrize(
    "variables",
    [
        {"control_plane_data_source_url": "postgres://u:s3cret@h:5432/d"},
        {"control_plane_connection": {"password": "s3cret"}},
    ],
)
def test_a_password_that_was_declared_is_not_rotated(collections: Path, variables: dict[str, t.Any]) -> None:
    output, ended = run(collections, "k0smotron.ha.rotate_credentials", **variables)
    assert ended != 0
    assert "would write the old one back. Declare the database with control_plane_datastore" in output
    assert "s3cret" not in output


K8S_INFO = """
from ansible.module_utils.basic import AnsibleModule
module = AnsibleModule({"kind": {}, "name": {}, "namespace": {}})
kept = {"data": {"bridge": "s3cret"}}
module.exit_json(resources=[kept] if list(module.params.values()) == ["Secret", "team-a-data-source-rotation", "team-a"] else [])
"""


@pytest.fixture
def stand_in_k8s_info(collections: Path) -> t.Iterator[None]:
    """Hides all of the real kubernetes.core, so it goes when the test has ended."""
    stand_in = collections / "ansible_collections" / "kubernetes" / "core" / "plugins" / "modules" / "k8s_info.py"
    stand_in.parent.mkdir(parents=True)
    stand_in.write_text(K8S_INFO, encoding="utf-8")
    yield
    shutil.rmtree(collections / "ansible_collections" / "kubernetes")


@pytest.mark.usefixtures("stand_in_k8s_info")
@pytest.mark.parametrize(("name", "refused"), [("team-a", True), ("team-b", False)])
def test_no_control_plane_is_removed_in_the_middle_of_a_rotation(collections: Path, name: str, refused: bool) -> None:
    role = {"name": "k0smotron.ha.control_plane", "tasks_from": "absent.yml"}
    play = {"hosts": "localhost", "gather_facts": False, "tasks": [{"ansible.builtin.include_role": role}]}
    (collections / "remove.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    output, _ended = run(collections, "remove.yml", control_plane_name=name, control_plane_mode="none")
    assert ("Run k0smotron.ha.rotate_credentials to its end first" in output) is refused
    assert (
        "Refuse to leave the logins of a rotation behind] ***\nok: [localhost]" in re.sub(r"\*+", "***", output)
    ) is not refused
    assert "s3cret" not in output


MANAGED = {
    "site_datastore": "managed",
    "managed_database_host": "h",
    "managed_database_admin_user": "u",
    "managed_database_admin_password": "p",
}


def test_the_site_on_a_managed_database(collections: Path) -> None:
    made, k0smotron, control_plane = ran(collections, "site", **MANAGED)
    assert (made, k0smotron) == ("managed_database present", "k0smotron present")
    assert "'host': 'h'" in control_plane


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        (
            {"teardown_delete_data": True},
            ["postgres_cluster absent ['zalando', true]", "k0smotron absent", "postgres_operator absent"],
        ),
        (
            {"site_datastore": "mariadb"},
            ["mysql_cluster absent ['mariadb', false]", "k0smotron absent", "mysql_operator absent ['mariadb']"],
        ),
        (
            {**MANAGED, "teardown_delete_data": True},
            ["managed_database absent ['database', 'owner', 'secret']", "k0smotron absent"],
        ),
    ],
)
def test_teardown_takes_away_what_the_site_made(
    collections: Path, variables: dict[str, t.Any], expected: list[str]
) -> None:
    first, *others = ran(collections, "teardown", teardown_confirm=True, **variables)
    assert first.startswith("control_plane absent")
    assert others == expected


MADE: tuple[tuple[dict[str, t.Any], dict[str, str]], ...] = (
    ({}, {"provider": "zalando", "name": "acid-minimal-cluster", "namespace": "default", "database": "kine"}),
    (
        {"postgres_cluster_provider": "cloudnativepg", "postgres_cluster_name": "one", "mysql_cluster_name": "two"},
        {"provider": "cloudnativepg", "name": "one", "namespace": "default", "database": "kine"},
    ),
    (
        {"control_plane_provider": "mariadb", "mysql_cluster_namespace": "databases"},
        {"provider": "mariadb", "name": "control-planes", "namespace": "databases", "database": "kine"},
    ),
    (
        {"control_plane_provider": "innodbcluster", "mysql_cluster_databases": [{"name": "a", "owner": "b"}]},
        {"provider": "innodbcluster", "name": "control-planes", "namespace": "default", "database": "a"},
    ),
)


def test_a_control_planes_datastore_is_the_one_that_was_made(tmp_path: Path) -> None:
    compare = {"that": "control_plane_datastore == expected", "fail_msg": "{{ control_plane_datastore | to_json }}"}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(ROOT / "roles" / "control_plane" / folder / "main.yml") for folder in ("defaults", "vars")],
        "tasks": [
            {"ansible.builtin.assert": compare, "vars": {**variables, "expected": datastore}}
            for variables, datastore in MADE
        ],
    }
    (tmp_path / "compare.yml").write_text(yaml.safe_dump([play]), encoding="utf-8")
    output, ended = run(tmp_path, "compare.yml")
    assert ended == 0, output


SKIPPED = {"changed": False, "skipped": True}


@pytest.mark.parametrize("created", [True, False])
@pytest.mark.parametrize("mode", ["standalone", "in_cluster_api"])
def test_a_control_plane_is_new_as_the_module_of_its_mode_says(tmp_path: Path, mode: str, created: bool) -> None:
    said = {"__control_plane_standalone": SKIPPED, "__control_plane_in_cluster_api": SKIPPED}
    said[f"__control_plane_{mode}"] = {"changed": False, "created": created}
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars_files": [str(ROOT / "roles" / "control_plane" / "vars" / "main.yml")],
        "tasks": [{"ansible.builtin.debug": {"msg": "new: {{ __control_plane_is_new }}"}}],
    }
    playbook = tmp_path / "play.yml"
    playbook.write_text(yaml.safe_dump([play]), encoding="utf-8")
    output, ended = run(tmp_path, str(playbook), **said)
    assert ended == 0, output
    assert f"new: {created}" in output


@pytest.mark.parametrize("faults", [["command", "switchover"], "command, switchover"])
def test_no_other_fault_is_made_after_a_drill_without_a_certificate(collections: Path, faults: list[str] | str) -> None:
    """Here for want of a cluster; what a killed program has done, or what could not be undone, is to be looked at first."""
    output, ended = run(
        collections,
        "k0smotron.ha.failover_drill",
        failover_drill_confirm=True,
        failover_drill_faults=faults,
        failover_drill_command=["true"],
        failover_drill_folder="~/reports",  # of the HOME that run() gives it
    )
    assert ended != 0
    assert "(item=command)" in output
    assert "item=switchover" not in output
    assert (collections / "reports").is_dir()


@pytest.mark.parametrize("faults", [[], "", " , "])
def test_a_drill_of_no_fault_does_not_pass(collections: Path, faults: list[str] | str) -> None:
    output, ended = run(
        collections, "k0smotron.ha.failover_drill", failover_drill_confirm=True, failover_drill_faults=faults
    )
    assert ended != 0
    assert "failover_drill_faults names no fault." in output
