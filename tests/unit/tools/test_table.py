# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that closes ``make quickstart``."""

from __future__ import annotations

import typing as t

from tools.table import next_steps, table

SUMMARY: dict[str, t.Any] = {
    "control_plane": "k0smotron-test",
    "namespace": "k0smotron-test",
    "k0s_version": "v1.36.3-k0s.2",
    "replicas": {"wanted": 3, "ready": 3},
    "api_url": "https://192.0.2.1:30443",
    "kubeconfig_path": "/somewhere/with space/kubeconfig",
    "database": {
        "name": "kine",
        "host": "acid-minimal-cluster.default",
        "namespace": "default",
        "tls": {"used": True, "version": "TLSv1.3", "cipher": "TLS_AES_256_GCM_SHA384", "verified": ""},
        "primary": {"pod": "acid-minimal-cluster-0", "node": "n1"},
        "sync_standby": {"pod": "acid-minimal-cluster-1", "node": "n2"},
    },
    "checks": {"passed": 12, "warnings": 1, "failed": 0},
}


def test_shows_every_promise_in_aligned_columns() -> None:
    lines = table(SUMMARY).splitlines()
    assert len({line.index("  ") for line in lines[1:-1] if line.startswith("Synchronous standby")}) == 1
    text = "\n".join(lines)
    for shown in ("3/3", "https://192.0.2.1:30443", "acid-minimal-cluster-1 on n2", "TLSv1.3", "12 passed, 1 warnings"):
        assert shown in text


def test_says_none_and_off_instead_of_leaving_cells_empty() -> None:
    unknown = {
        **SUMMARY,
        "database": {**SUMMARY["database"], "tls": {"used": False}, "primary": {}, "sync_standby": {}},
    }
    text = table(unknown)
    assert "Primary              none" in text
    assert "TLS                  off" in text
    assert "delete pod" not in next_steps(unknown, "/lab/kubeconfig", "")


def test_next_steps_can_be_pasted() -> None:
    text = next_steps(SUMMARY, "/lab/kubeconfig", "")
    assert "--kubeconfig '/somewhere/with space/kubeconfig' get namespaces" in text
    assert "--namespace default delete pod acid-minimal-cluster-0" in text
