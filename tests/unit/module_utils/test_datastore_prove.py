# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may still come is a verdict of the proof; what Kubernetes forbids ends the wait."""

from __future__ import annotations

import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import datastore_proof, datastore_run
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import DatabaseSpec, datastore, options_for
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import AccessDenied, Forbidden, HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_client import Client
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

STORE = datastore(
    "zalando", options_for("zalando", name="db", namespace="ns", databases=(DatabaseSpec("kine", "kine"),))
)


@pytest.fixture
def proof(monkeypatch: pytest.MonkeyPatch) -> t.Callable[[HaError], Verdict]:
    def proved(error: HaError) -> Verdict:
        def prove_write(*_arguments: object) -> None:
            raise error

        monkeypatch.setattr(datastore_run, "judge", lambda *_: Verdict(True, "up", {"leader": {"pod": "db-0"}}))
        monkeypatch.setattr(datastore_proof, "prove_write", prove_write)
        return datastore_run.prove(Kube(Client(None)), STORE)

    return proved


def test_what_kubernetes_forbids_ends_the_wait(proof: t.Callable[[HaError], Verdict]) -> None:
    with pytest.raises(AccessDenied, match="Grant the verb"):
        proof(AccessDenied("Not allowed to get pods/portforward", "Grant the verb"))


def test_what_the_database_refuses_may_pass(proof: t.Callable[[HaError], Verdict]) -> None:
    verdict = proof(Forbidden("the password is wrong"))
    assert not verdict.up
    assert "the password is wrong" in verdict.reason
