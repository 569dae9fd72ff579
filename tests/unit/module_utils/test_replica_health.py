# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading a kubeconfig and /readyz's words."""

from __future__ import annotations

import base64

import pytest
import yaml

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.replica_health import administrator, failed_checks


def kubeconfig(**user: str) -> str:
    encoded = {key.replace("_", "-"): base64.b64encode(value.encode()).decode() for key, value in user.items()}
    cluster = {"certificate-authority-data": base64.b64encode(b"CA").decode()}
    config = {
        "current-context": "b",
        "contexts": [
            {"name": "a", "context": {"cluster": "none", "user": "none"}},
            {"name": "b", "context": {"cluster": "c", "user": "u"}},
        ],
        "clusters": [{"name": "c", "cluster": cluster}],
        "users": [{"name": "u", "user": encoded}],
    }
    return yaml.safe_dump(config)


def test_administrator_of_the_current_context() -> None:
    who = administrator(kubeconfig(client_certificate_data="CERT", client_key_data="very-secret-key"))
    assert (who.ca, who.cert, who.key) == ("CA", "CERT", "very-secret-key")
    assert "very-secret-key" not in repr(who)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "current-context: x",
        kubeconfig(client_certificate_data="CERT"),
        kubeconfig(client_certificate_data="CERT", client_key_data="K").replace(
            "current-context: b", "current-context: z"
        ),
        "a: 'very-secret",
    ],
)
def test_an_unreadable_kubeconfig_is_not_shown(text: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        administrator(text)
    assert "very-secret" not in str(caught.value)
    assert "delete" not in str(caught.value).lower(), "k0smotron 2.1 may then show the database's URL"
    assert caught.value.__suppress_context__  # the parser quotes what it could not read


def test_only_the_failing_checks_are_told() -> None:
    body = "[+]ping ok\n[-]etcd failed: reason withheld\n[+]poststarthook/x ok\nreadyz check failed\n"
    assert failed_checks(body) == "etcd failed: reason withheld"


def test_any_other_answer_is_told_in_one_short_line() -> None:
    assert failed_checks("Unauthorized\n\n postgres://u:secret@h/d " + "x" * 999).startswith(
        "Unauthorized postgres://u:***"
    )
    assert len(failed_checks("x" * 999)) == 300
