# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider innodbcluster before a real API server: what it takes, what is refused, how the wait for nobody ends.

The operator itself has never run here. Nothing below shows that a database comes of it.
"""

from __future__ import annotations

import json
import subprocess
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import DatabaseSpec, datastore, options_for
from tests.integration.modules.innodbcluster import KIND, served
from tests.integration.modules.runner import Modules, get, kubectl, names

NAME = "idc"
OURS = f"mysql.oracle.com/cluster={NAME}"
OWNER = f"k0smotron.{NAME}.credentials.innodbcluster"
SECRETS = {f"{NAME}-authority", f"{NAME}-root", f"{NAME}-tls", OWNER}
FINALIZERS = ["mysql.oracle.com/cluster"]


@pytest.fixture(scope="module", autouse=True)
def kind(kubeconfig: object) -> t.Iterator[None]:
    """The kind is served."""
    with served():
        yield


@pytest.fixture
def database(bare_namespace: str) -> t.Iterator[dict[str, t.Any]]:
    """Parameters of a database that does not exist yet."""
    yield {
        "provider": "innodbcluster",
        "name": NAME,
        "namespace": bare_namespace,
        "databases": [{"name": "kine", "owner": "k0smotron"}],
        "wait_timeout": 3,
    }
    finalizers(bare_namespace, [])
    kubectl("delete", KIND, "--all", "-n", bare_namespace)


def finalizers(namespace: str, wanted: list[str]) -> None:
    """Set them as the operator would."""
    if get(KIND, NAME, namespace):
        patch = json.dumps({"metadata": {"finalizers": wanted}})
        kubectl("patch", KIND, NAME, "-n", namespace, "--type=merge", "-p", patch)


def admitted(namespace: str, **options: t.Any) -> str:
    """What a real API server says of the custom resource, with every field that it does not know as an error."""
    given = {"name": NAME, "namespace": namespace, "databases": (DatabaseSpec("kine", "k0smotron"),), **options}
    [resource] = datastore("innodbcluster", options_for("innodbcluster", **given)).desired()
    command = ["kubectl", "apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-"]
    done = subprocess.run(command, input=json.dumps(resource), capture_output=True, text=True, timeout=60, check=False)
    return done.stderr if done.returncode else ""


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"instances": 1, "tls_secret": "", "require_tls": False},
        {
            "instances": 9,
            "version": "9.1.0",
            "storage_class": "fast",
            "tls_secret": "mine",
            "resources": {"requests": {"cpu": "500m", "memory": "2Gi"}},
            "parameters": {"max_connections": 500},
            "labels": {"team": "a"},
            "spec": {"imageRepository": "mirror.example/mysql"},
        },
    ],
)
def test_the_api_server_takes_it_to_the_letter(bare_namespace: str, options: dict[str, t.Any]) -> None:
    assert admitted(bare_namespace, **options) == ""


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"myCnf": "[mysqld]"}, "field not declared in schema"),
        ({"router": {"replicas": 2}}, "field not declared in schema"),
        ({"instances": 10}, "spec.instances"),
        ({"service": {"defaultPort": "mysql"}}, "spec.service.defaultPort"),
    ],
)
def test_the_api_server_would_say_so_if_it_did_not(bare_namespace: str, spec: dict[str, t.Any], says: str) -> None:
    assert says in admitted(bare_namespace, spec=spec)


def test_the_wait_for_an_operator_that_does_not_run_says_so(modules: Modules, database: dict[str, t.Any]) -> None:
    namespace = database["namespace"]
    assert modules.ok("datastore", check=True, **database)["changed"]
    assert names("secrets", namespace) == []
    said = modules.refused("datastore", **database)
    assert "mysql_operator_provider: innodbcluster" in said
    assert set(names("secrets", namespace, OURS)) == SECRETS
    again = modules.ok("datastore", check=True, **database)
    assert not again["changed"]
    assert again["endpoint"] == {"host": f"{NAME}.{namespace}", "port": 3306}
    assert not again["verdict"]["up"]


def test_databases_that_nobody_would_make_are_refused(modules: Modules, database: dict[str, t.Any]) -> None:
    said = modules.refused("datastore", **{**database, "wait": False})
    assert "makes the databases itself" in said
    assert get(KIND, NAME, database["namespace"]) is None


def test_removal_keeps_the_secrets_until_told_otherwise(modules: Modules, database: dict[str, t.Any]) -> None:
    namespace = database["namespace"]
    modules.ok("datastore", **{**database, "databases": [], "wait": False})
    absent = {**database, "state": "absent"}
    finalizers(namespace, FINALIZERS)
    assert "operator does not run" in modules.refused("datastore", **absent)
    assert get(KIND, NAME, namespace)
    finalizers(namespace, [])
    left = modules.ok("datastore", **absent)["left"]
    assert left == sorted(f"Secret {namespace}/{name}" for name in SECRETS - {OWNER})
    assert get(KIND, NAME, namespace) is None
    modules.ok("datastore", **{**absent, "data": "delete"})
    assert names("secrets", namespace) == []
