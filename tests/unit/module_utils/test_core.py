# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors, verdicts, k0s versions and the helpers for plain objects."""

from __future__ import annotations

import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput, NotFound, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.k0s import DEFAULT_K0S, OLDEST_K0S, k0s_version, too_old
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import (
    merged,
    pod_problem,
    pod_ready,
    quantity,
    require_dns_label,
    same,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict


@pytest.mark.parametrize(
    ("message", "remedy", "shown"),
    [
        ("It burns", "Run away", "It burns. Run away."),
        ("It burns.", "Run!", "It burns. Run!"),
        ("It burns", "", "It burns."),
    ],
)
def test_an_error_reads_as_sentences(message: str, remedy: str, shown: str) -> None:
    assert str(WaitTimeout(message, remedy)) == shown
    assert issubclass(NotFound, HaError)


def test_a_verdict_is_true_when_it_is_up() -> None:
    assert Verdict(True, "all well")
    assert not Verdict(False, "not yet", {"ready": 1})


@pytest.mark.parametrize("text", ["v1.36.3-k0s.2", "v1.36.3+k0s.2"])
def test_a_k0s_version_is_written_as_an_image_tag(text: str) -> None:
    assert str(k0s_version(text)) == "v1.36.3-k0s.2"


@pytest.mark.parametrize(
    "text", ["", "1.36.3-k0s.2", "v1.36.3", "v1.36-k0s.0", "v1.36.3-k0s.2 ", "v1.36.3-k0s.x", "latest"]
)
def test_what_is_no_k0s_version(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a k0s version"):
        k0s_version(text)


@pytest.mark.parametrize(
    ("text", "old"),
    [("v1.27.9-k0s.0", True), ("v1.29.15-k0s.9", True), ("v1.30.0-k0s.0", False), ("v1.31.0-k0s.0", False)],
)
def test_the_oldest_k0s(text: str, old: bool) -> None:
    assert bool(too_old(k0s_version(text))) is old


def test_versions_compare_as_numbers() -> None:
    assert k0s_version("v1.30.10-k0s.0") > k0s_version("v1.30.9-k0s.1")
    assert DEFAULT_K0S > OLDEST_K0S


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("10Gi", 10 * 2**30),
        ("1.5Ki", 1536),
        ("500m", 0.5),
        ("1k", 1000),
        ("2e3", 2000),
        ("7", 7),
        (7, 7),
        ("1E", 10**18),
        ("3T", 3 * 10**12),
        ("2M", 2e6),
        ("1Pi", 2**50),
    ],
)
def test_quantities(text: str | int, value: float) -> None:
    assert quantity(text) == value


@pytest.mark.parametrize("text", ["", "Gi", "10 Gi", "10gb", "-1", "ten"])
def test_what_is_no_quantity(text: str) -> None:
    with pytest.raises(InvalidInput, match="is not a quantity"):
        quantity(text)


@pytest.mark.parametrize(
    ("base", "overlay", "result"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}}, {"a": {"b": 3, "c": 2}}),
        ({"a": {"b": 1}}, {"a": None}, {}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": 1}, {"a": {"b": None, "c": 1}}, {"a": {"c": 1}}),
        ({}, {"a": None}, {}),
    ],
)
def test_merging(base: dict[str, t.Any], overlay: dict[str, t.Any], result: dict[str, t.Any]) -> None:
    assert merged(base, overlay) == result


trees = st.recursive(
    st.integers() | st.text(max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3) | st.lists(inner, max_size=2),
    max_leaves=8,
)
maps = st.dictionaries(st.sampled_from("abc"), trees, max_size=3)


@given(maps, maps)
def test_merging_is_stable_and_changes_no_argument(base: dict[str, t.Any], overlay: dict[str, t.Any]) -> None:
    before = repr((base, overlay))
    once = merged(base, overlay)
    assert merged(once, overlay) == once
    assert merged(base, {}) == base
    assert repr((base, overlay)) == before


@pytest.mark.parametrize("name", ["a", "a-b", "0a", "a" * 63])
def test_a_dns_label(name: str) -> None:
    require_dns_label("The name", name)


@pytest.mark.parametrize("name", ["", "A", "a_b", "-a", "a-", "a.b", "a" * 64, "é", "a\n"])
def test_what_is_no_dns_label(name: str) -> None:
    with pytest.raises(InvalidInput, match="The name"):
        require_dns_label("The name", name)


def pod(**status: t.Any) -> dict[str, t.Any]:
    return {"metadata": {"name": "p"}, "status": status}


def test_a_pod_on_its_way_out_is_not_ready() -> None:
    ready = pod(conditions=[{"type": "Ready", "status": "True"}])
    assert pod_ready(ready)
    ready["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not pod_ready(ready)


@pytest.mark.parametrize(
    ("status", "problem"),
    [
        ({"containerStatuses": [{"state": {"waiting": {"reason": "ImagePullBackOff"}}}]}, "ImagePullBackOff"),
        (
            {
                "initContainerStatuses": [{"state": {"waiting": {"reason": "CrashLoopBackOff"}}}],
                "containerStatuses": [{"state": {"waiting": {"reason": "PodInitializing"}}}],
            },
            "CrashLoopBackOff",
        ),
        (
            {"conditions": [{"type": "PodScheduled", "status": "False", "message": "0/3 nodes"}]},
            "not scheduled: 0/3 nodes",
        ),
        ({"phase": "Running", "containerStatuses": [{"state": {"running": {}}}]}, "Running"),
        ({}, "Pending"),
    ],
)
def test_why_a_pod_is_not_ready(status: dict[str, t.Any], problem: str) -> None:
    assert pod_problem(pod(**status)) == problem


@pytest.mark.parametrize(
    ("live", "wanted", "alike"),
    [
        ({"cpu": "1"}, {"cpu": 1}, True),
        ({"memory": "1Gi"}, {"memory": "1024Mi"}, True),
        ({"memory": "1Gi"}, {"memory": "1000Mi"}, False),
        (None, {"readOnly": False, "labels": {}}, True),
        (None, {"readOnly": True}, False),
        ({"a": "b", "more": 1}, {"a": "b"}, True),
        ({"more": 1}, {"a": "b"}, False),
        ([{"path": "/a", "mode": 1}], [{"path": "/a"}], True),
        ([{"path": "/a"}, {"path": "/b"}], [{"path": "/a"}], False),
        (None, [], True),
        (["x"], [], False),
        ("LoadBalancer", "NodePort", False),
        (None, "", True),
    ],
)
def test_what_a_controller_may_have_made_of_it(live: t.Any, wanted: t.Any, alike: bool) -> None:
    assert same(live, wanted) is alike
