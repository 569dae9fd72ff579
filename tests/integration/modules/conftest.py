# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The cluster of KUBECONFIG with both operators, and a namespace for each test."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import subprocess
import typing as t
from pathlib import Path

import pytest

from tests.integration.modules.innodbcluster import DEFINITIONS
from tests.integration.modules.runner import Modules, kubectl

# Upstream's definitions are no part of this repository, and a skipped test would fail the run.
collect_ignore = [] if DEFINITIONS.is_file() else ["test_datastore_innodbcluster.py"]

ROLES = """
- hosts: localhost
  gather_facts: false
  roles: [k0smotron.ha.postgres_operator, k0smotron.ha.k0smotron]
  vars:
    # A database that is deleted while the operator still makes it keeps one of the operator's workers for so long (else 10
    # minutes each), and with it every other database that falls to that worker; so does the end of a pod that it misses.
    # The operator gives roles back what a test took from them, but only when it looks: so it looks seldom.
    postgres_operator_config:
      resync_period: 30m
      pod_label_wait_timeout: 90s
      pod_deletion_wait_timeout: 60s
      resource_check_timeout: 2m
"""
PERMISSIONS = Path(__file__).parents[3] / "docs" / "examples" / "permissions.yml"
ROLES_NEEDED = {
    "cluster_info": ["look"],
    "replica_repair": ["look", "repair"],
    "failover_drill": ["look", "drill", "stop-operator"],
}
KINDS = ("postgresqls.acid.zalan.do", "clusters.k0smotron.io")


@pytest.fixture(scope="session")
def kubeconfig() -> Path:
    """The lab's kubeconfig; these tests create and delete things, so they never guess a cluster."""
    path = os.environ.get("KUBECONFIG")
    if not path:
        pytest.fail('KUBECONFIG is not set. Start the lab with `make lab`, then: eval "$(python3 -m tests.lab env)"')
    return Path(path)


@pytest.fixture(scope="session")
def lab_variables(kubeconfig: Path) -> dict[str, t.Any]:
    """What the lab says about itself, such as the k0s version of its image; empty for another cluster."""
    path = kubeconfig.parent / "lab-vars.yml"
    return t.cast("dict[str, t.Any]", json.loads(path.read_text())) if path.is_file() else {}


@pytest.fixture(scope="session")
def kinds(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Both operators' kinds are served; in the lab by operators as these tests need them, whatever ran there before."""
    variables = kubeconfig.parent / "lab-vars.yml"
    if not variables.is_file():
        missing = [kind for kind in KINDS if not kubectl("get", "crd", kind, "--ignore-not-found")]
        assert not missing, f"No {missing} here: run the roles postgres_operator and k0smotron"
        return
    playbook = tmp_path_factory.mktemp("operators") / "operators.yml"
    playbook.write_text(ROLES)
    subprocess.run(["ansible-playbook", str(playbook), "-e", f"@{variables}"], check=True, timeout=900)


@pytest.fixture(scope="session")
def cloudnativepg_image(
    kubeconfig: Path, lab_variables: dict[str, t.Any], tmp_path_factory: pytest.TempPathFactory
) -> str:
    """CloudNativePG runs; the image of its instances in the lab."""
    variables = kubeconfig.parent / "lab-vars.yml"
    image = lab_variables.get("lab_cloudnativepg_image")
    if not image:
        pytest.fail("This test needs the lab with CloudNativePG: python -m tests.lab up --with cloudnativepg")
    playbook = tmp_path_factory.mktemp("cloudnativepg") / "operator.yml"
    playbook.write_text("[{hosts: localhost, gather_facts: false, roles: [k0smotron.ha.cloudnativepg_operator]}]")
    subprocess.run(["ansible-playbook", str(playbook), "-e", f"@{variables}"], check=True, timeout=600)
    return str(image)


@contextlib.contextmanager
def _namespace() -> t.Iterator[str]:
    name = f"modules-{secrets.token_hex(3)}"
    kubectl("create", "namespace", name)
    try:
        yield name
    finally:
        kubectl("delete", "namespace", name, "--wait=false")


@pytest.fixture
def namespace(kinds: None) -> t.Iterator[str]:
    """An empty namespace that goes after the test."""
    with _namespace() as name:
        yield name


@pytest.fixture
def bare_namespace(kubeconfig: Path) -> t.Iterator[str]:
    """The same, for what needs no operator."""
    with _namespace() as name:
        yield name


@pytest.fixture(scope="module")
def shared_namespace(kinds: None) -> t.Iterator[str]:
    """A namespace for tests that create nothing."""
    with _namespace() as name:
        yield name


@pytest.fixture(scope="session")
def accounts(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[dict[str, str]]:
    """Kubeconfigs of service accounts that may do no more than docs/permissions.md says, by the module that needs it."""
    kubectl("apply", "-f", str(PERMISSIONS))
    clusters = json.loads(kubectl("config", "view", "--raw", "--minify", "-o", "json"))["clusters"]
    folder, made = tmp_path_factory.mktemp("accounts"), {}
    with _namespace() as namespace:
        bindings = []
        for module, roles in ROLES_NEEDED.items():
            account = f"{namespace}-{module.replace('_', '-')}"
            kubectl("create", "serviceaccount", account, "-n", namespace)
            for role in roles:
                bindings.append(f"{account}-{role}")
                who = f"--serviceaccount={namespace}:{account}"
                kubectl("create", "clusterrolebinding", bindings[-1], f"--clusterrole=k0smotron-ha-{role}", who)
            token = kubectl("create", "token", account, "-n", namespace, "--duration=2h").strip()
            context = {"cluster": clusters[0]["name"], "user": account}
            made[module] = folder / account
            made[module].write_text(
                json.dumps(
                    {
                        "apiVersion": "v1",
                        "kind": "Config",
                        "clusters": clusters,
                        "users": [{"name": account, "user": {"token": token}}],
                        "contexts": [{"name": account, "context": context}],
                        "current-context": account,
                    }
                )
            )
        try:
            yield {module: str(path) for module, path in made.items()}
        finally:
            kubectl("delete", "clusterrolebinding", *bindings)


@pytest.fixture
def modules() -> Modules:
    """The runner; add secrets to it that no result may show."""
    return Modules()
