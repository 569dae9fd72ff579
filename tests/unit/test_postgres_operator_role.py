# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the role postgres_operator refuses: its real tasks, on a cluster that is made up."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import operators
from tools.check import without_cluster

ROLE = Path(__file__).resolve().parents[2] / "roles" / "postgres_operator"
ANSIBLE = Path(sys.executable).parent / "ansible-playbook"
Object = dict[str, t.Any]

# Action plugins, because modules would be hundreds of processes. This one answers as kubernetes.core's module does, also about a
# kind that is not there, and to an account that may not list it.
K8S_INFO = """
from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        cluster, asked = task_vars["cluster"], self._task.args
        kind, name, namespace = asked["kind"], asked.get("name"), asked.get("namespace")
        error = cluster["errors"].get(f"{kind} {namespace or 'everywhere'}")
        if error:
            return {"failed": True, "msg": f"Exception '{error}' raised while trying to get resource using (name=None)"}
        if kind == "postgresql" and not cluster["served"]:
            return {"resources": [], "api_found": False, "msg": "Failed to find API for resource"}
        found = [one for one in cluster["objects"] if one["kind"] == kind and name in (None, one["metadata"]["name"])]
        return {"resources": [one for one in found if namespace in (None, one["metadata"]["namespace"])], "api_found": True}
"""
MANIFESTS = """
from ansible.plugins.action import ActionBase
class ActionModule(ActionBase):
    def run(self, tmp=None, task_vars=None):
        return {"changed": True}
"""


def deployment(
    namespace: str = "default", *, name: str = "postgres-operator", image: str = "", mark: bool = False, **env: str
) -> Object:
    """By default what upstream's file makes; with the mark, what the role makes of it."""
    variables: list[Object] = [{"name": key, "value": value} for key, value in env.items()]
    container = {
        "image": image or "ghcr.io/zalando/postgres-operator:v1.15.1",
        "env": [
            *(variables or [{"name": "CONFIG_MAP_NAME", "value": "postgres-operator"}]),
            {"name": "PASSWORD", "value": "s3cret"},
            {"name": "FROM_ELSEWHERE", "valueFrom": {}},
        ],
    }
    template: Object = {"metadata": {"labels": {"name": name}}, "spec": {"containers": [{"image": "side"}, container]}}
    if mark:
        template["metadata"]["annotations"] = {"k0smotron.ha/config-checksum": "1"}
    spec = {"selector": {"matchLabels": {"name": name}}, "template": template}
    return {"kind": "Deployment", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def by_helm(namespace: str, **env: t.Any) -> Object:
    made = deployment(namespace, **env)
    made["metadata"]["labels"] = {"app.kubernetes.io/managed-by": "Helm"}
    return made


def config_map(**data: str) -> Object:
    return {"kind": "ConfigMap", "metadata": {"name": "postgres-operator", "namespace": "default"}, "data": data}


def database(namespace: str = "team") -> Object:
    return {"kind": "postgresql", "metadata": {"name": "db", "namespace": namespace}}


def forbidden(*where: str) -> dict[str, str]:
    return dict.fromkeys(where, "403 Reason: Forbidden")


class Case(t.NamedTuple):
    """What is there, what the user sets, and how it ends: the lock that is applied, or the words of the refusal."""

    expected: str
    objects: tuple[Object, ...] = ()
    config: t.Mapping[str, t.Any] = {}
    served: bool = True
    errors: t.Mapping[str, str] = {}
    namespace: str = "default"


LOCKED, UNLOCKED = config_map(kubernetes_use_configmaps="true"), config_map(enable_teams_api="false")
OWN = deployment(mark=True)
OBJECT: Object = {"POSTGRES_OPERATOR_CONFIGURATION_OBJECT": "postgres-operator"}
OTHERS = (
    deployment("ops", name="by-config-map", CONFIG_MAP_NAME="any"),
    deployment("ops", name="by-object", POSTGRES_OPERATOR_CONFIGURATION_OBJECT="any"),
    deployment("ops", name="mirrored", image="mirror.test:5000/zalando/postgres-operator@sha256:1"),
    deployment("ops", name="crunchy", image="crunchydata/postgres-operator:v5", PGO_NAMESPACE="any"),
    deployment("ops", name="ui", image="ghcr.io/zalando/postgres-operator-ui:v1", OPERATOR_API_URL="any"),
    deployment("ops", name="web", image="web:v1", CONFIG_MAP_NAME="any"),
)
ALL_OTHERS = ", ".join(f"ops/{one['metadata']['name']}" for one in OTHERS if operators.is_operator("zalando", one))
GO_ON = {
    "empty": Case("false", served=False),
    "second-run": Case("true", (OWN, LOCKED, database())),
    "own-with-other-settings": Case("true", (deployment(mark=True, **OBJECT), LOCKED, database())),
    "killed-after-the-config-map": Case("true", (LOCKED,)),
    "killed-after-the-definitions": Case("false"),
    "own-namespace": Case("false", (deployment("pg", mark=True),), namespace="pg"),
    "kubectl-of-upstream": Case("true", (deployment(), LOCKED, database())),
    "kubectl-with-namespace": Case("true", (deployment(CONFIG_MAP_NAME="default/postgres-operator"), LOCKED)),
    "lock-is-named": Case("true", (database(),), {"kubernetes_use_configmaps": True}),
    "lock-is-named-false": Case("false", (OWN, UNLOCKED, database()), {"kubernetes_use_configmaps": "false"}),
    "no-other-operator": Case("false", OTHERS[3:]),
    "may-list-nothing": Case(
        "false",
        (by_helm("ops"), database()),
        errors=forbidden("Deployment everywhere", "Deployment default", "postgresql everywhere", "postgresql default"),
    ),
}
REFUSED = {
    "helm-elsewhere": Case("Deployment ops/postgres-operator.", (by_helm("ops", **OBJECT), database())),
    "own-elsewhere": Case("Deployment pg/postgres-operator.", (deployment("pg", mark=True),)),
    "helm-here": Case("Deployment default/postgres-operator.", (by_helm("default", **OBJECT), database())),
    "helm-here-by-config-map": Case("Deployment default/postgres-operator.", (by_helm("default"), LOCKED)),
    "object-here": Case("Deployment default/postgres-operator.", (deployment(**OBJECT),)),
    "object-wins-here": Case(
        "Deployment default/postgres-operator.", (deployment(CONFIG_MAP_NAME="postgres-operator", **OBJECT), LOCKED)
    ),
    "other-config-map-here": Case("Deployment default/postgres-operator.", (deployment(CONFIG_MAP_NAME="mine"),)),
    "other-name-here": Case("Deployment default/second.", (OWN, deployment(name="second"), LOCKED)),
    "several": Case(f"Deployment {ALL_OTHERS}.", OTHERS),
    "may-list-here": Case(
        "Deployment default/postgres-operator.",
        (by_helm("default"),),
        errors=forbidden("Deployment everywhere", "postgresql everywhere", "postgresql default"),
    ),
    "no-config-map": Case(
        "(team/db), and no kubernetes_use_configmaps in ConfigMap default/postgres-operator says", (database(),)
    ),
    "no-key": Case(
        "(team/db), and no kubernetes_use_configmaps in ConfigMap default/postgres-operator says",
        (OWN, UNLOCKED, database()),
    ),
    "no-lock": Case("variable KUBERNETES_USE_CONFIGMAPS", (database(),), {"kubernetes_use_configmaps": None}),
    "may-list-databases-here": Case(
        "(default/db), and", (database("default"),), errors=forbidden("postgresql everywhere")
    ),
    "flipped": Case(
        "Remove the key from postgres_operator_config", (OWN, LOCKED), {"kubernetes_use_configmaps": "false"}
    ),
    "no-answer": Case("", errors={"Deployment everywhere": "503 Reason: Service Unavailable"}),
}
CASES = GO_ON | REFUSED


class Run(t.NamedTuple):
    output: str
    said: dict[str, str]
    applied: set[str]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A playbook that runs the role in all cases, each a host of its own."""
    made = tmp_path_factory.mktemp("role")
    stand_in(made, "kubernetes/core", "k8s_info", K8S_INFO)
    stand_in(made, "k0smotron/ha", "manifests", MANIFESTS)
    roles = made / "ansible_collections" / "k0smotron" / "ha" / "roles"
    roles.mkdir()
    (roles / "postgres_operator").symlink_to(ROLE)
    (made / "hosts.yml").write_text(json.dumps(inventory()), encoding="utf-8")
    (made / "play.yml").write_text(yaml.safe_dump([play()]), encoding="utf-8")
    return made


def run_in(folder: Path, *options: str) -> Run:
    hidden = {"ANSIBLE_COLLECTIONS_PATH": str(folder), "ANSIBLE_NOCOLOR": "1", "HOME": str(folder)}
    command = [str(ANSIBLE), "-v", "--inventory=hosts.yml", *options, "play.yml"]
    environment = {**without_cluster(), **hidden}
    done = subprocess.run(command, env=environment, cwd=folder, capture_output=True, text=True, check=False)
    said = dict(re.findall(r'"msg": "<(\S+)> (.*)"', done.stdout))
    return Run(done.stdout + done.stderr, said, set(re.findall(r"changed: \[(\S+)\]", done.stdout)))


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return run_in(folder)


def stand_in(folder: Path, collection: str, module: str, text: str) -> None:
    plugins = folder / "ansible_collections" / collection / "plugins" / "action"
    plugins.mkdir(parents=True)
    (plugins / f"{module}.py").write_text(text, encoding="utf-8")


def inventory() -> Object:
    hosts = {
        name: {
            "cluster": {"objects": case.objects, "served": case.served, "errors": case.errors},
            "postgres_operator_config": case.config,
            "postgres_operator_namespace": case.namespace,
        }
        for name, case in CASES.items()
    }
    return {"all": {"hosts": hosts, "vars": {"ansible_connection": "local"}}}


def play() -> Object:
    def say(words: str) -> Object:
        return {"ansible.builtin.debug": {"msg": f"<{{{{ inventory_hostname }}}}> {words}"}}

    role = {"ansible.builtin.include_role": {"name": "k0smotron.ha.postgres_operator", "public": True}}
    block = [role, say("{{ __postgres_operator_config.kubernetes_use_configmaps | string | lower }}")]
    tasks = [{"block": block, "rescue": [say("{{ ansible_failed_result.msg | default('no words') }}")]}]
    return {"hosts": "all", "gather_facts": False, "tasks": tasks}


@pytest.mark.parametrize("name", GO_ON)
def test_the_role_goes_on_where_its_own_operator_is_or_none(run: Run, name: str) -> None:
    assert run.said[name] == GO_ON[name].expected
    assert name in run.applied


@pytest.mark.parametrize("name", REFUSED)
def test_the_role_refuses_before_it_applies_anything(run: Run, name: str) -> None:
    assert REFUSED[name].expected in run.said[name]
    assert name not in run.applied


def test_check_mode_ends_in_the_same_way(folder: Path) -> None:
    run = run_in(folder, "--check", "--limit=empty,second-run,helm-elsewhere,no-config-map")
    assert run.applied == {"empty", "second-run"}
    assert all(CASES[name].expected in run.said[name] for name in ("helm-elsewhere", "no-config-map"))


def test_what_is_in_a_deployment_is_shown_to_nobody(run: Run) -> None:
    assert "s3cret" not in run.output


def test_some_of_the_other_operators_are_zalandos() -> None:
    assert ALL_OTHERS == "ops/by-config-map, ops/by-object, ops/mirrored"
