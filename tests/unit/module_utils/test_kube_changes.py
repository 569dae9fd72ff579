# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Change detection and masking: what counts as a change, and that no secret is in what is shown."""

from __future__ import annotations

import base64
import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn, Host, build
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object, changes_result, compare, identity


def config_map(**extra: t.Any) -> Object:
    metadata = {"name": "c", "namespace": "n", **extra.pop("metadata", {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}, **extra}


def secret(**values: str) -> Object:
    data = {key: base64.b64encode(value.encode()).decode() for key, value in values.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, "data": data}


@pytest.mark.parametrize(
    "moved",
    [
        {"metadata": {"resourceVersion": "7"}},
        {"metadata": {"generation": 3}},
        {"metadata": {"managedFields": [{"manager": "x"}]}},
        {"metadata": {"uid": "u", "creationTimestamp": "now"}},
        {"metadata": {"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}}},
        {"status": {"ready": True}},
    ],
)
def test_bookkeeping_is_no_change(moved: Object) -> None:
    change = compare(config_map(), config_map(**moved))
    assert (change.changed, change.action) == (False, "none")
    assert change.before == change.after == config_map()


@pytest.mark.parametrize(
    ("before", "after", "action"),
    [
        (None, config_map(), "create"),
        (config_map(), config_map(data={"a": "2"}), "patch"),
        (config_map(), config_map(metadata={"annotations": {"k": "v"}}), "patch"),
        (config_map(), config_map(metadata={"labels": {"k": "v"}}), "patch"),
        (config_map(), None, "delete"),
        (None, None, "none"),
    ],
)
def test_actions(before: Object | None, after: Object | None, action: str) -> None:
    change = compare(before, after)
    assert change.action == action
    assert change.changed == (action != "none")


def test_a_change_does_not_share_state_with_its_input() -> None:
    live = config_map(metadata={"annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}"}})
    compare(live, live)
    assert "annotations" in live["metadata"]


def test_a_secret_shows_that_it_changed_and_nothing_else() -> None:
    change = compare(secret(same="one", other="hunter2"), secret(same="one", other="hunter22-longer", new="x"))
    assert change.before["data"] == {"same": "********", "other": "******** (before)"}
    assert change.after["data"] == {"same": "********", "other": "******** (after)", "new": "********"}


def test_markers_do_not_depend_on_the_value() -> None:
    shown = {json.dumps(compare(secret(a=a), secret(a=b)).after["data"]) for a, b in [("1", "2"), ("x" * 99, "")]}
    assert len(shown) == 1


def test_string_data_is_masked_too() -> None:
    wanted = {**secret(), "stringData": {"url": "hunter2"}}
    assert "hunter2" not in str(compare(None, wanted))


def cluster(url: str) -> Object:
    metadata = {"name": "c", "namespace": "n"}
    spec = {"kineDataSourceURL": url, "list": [{"deep": url}, f"--endpoint={url}"]}
    return {"apiVersion": "k0smotron.io/v1beta1", "kind": "Cluster", "metadata": metadata, "spec": spec}


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"])))
def test_no_password_of_a_url_is_shown(rest: str) -> None:
    # Hypothesis also draws words of the source, such as Cluster, which the object holds outside of the URL.
    dsn = Dsn("postgres", "kine", f"hunter2{rest}", (Host("h", 5432),), "db", {"sslmode": "require"})
    url = build(dsn)
    encoded = url.split(":", 2)[2].rpartition("@")[0]
    for change in (compare(None, cluster(url)), compare(cluster(url), None), compare(cluster("x"), cluster(url))):
        assert encoded not in json.dumps([change.before, change.after]).replace("sslmode=require", "")


@pytest.mark.parametrize("url", ["postgres://u:hunter2/x@h/db", "mysql://u:hun hunter2@tcp(h:1)/db", "x://u:hunter2@h"])
def test_urls_that_cannot_be_read_are_masked_too(url: str) -> None:
    assert "hunter2" not in str(compare(None, cluster(url)))


def test_a_changed_password_shows_as_a_change() -> None:
    change = compare(cluster("postgres://u:one@h:5432/d"), cluster("postgres://u:two@h:5432/d"))
    assert change.changed
    assert change.before["spec"] != change.after["spec"]
    assert "******** (before)" in change.before["spec"]["kineDataSourceURL"]


def test_a_changed_type_is_masked_on_both_sides() -> None:
    before, after = cluster("x"), cluster("y")
    before["spec"] = {"a": "postgres://u:hunter2@h/d", "b": {"c": "postgres://u:hunter2@h/d"}, "d": ["x"]}
    after["spec"] = {"a": {"b": "postgres://u:hunter2@h/d"}, "b": "x", "d": {"e": "postgres://u:hunter2@h/d"}}
    assert "hunter2" not in str(compare(before, after))


def test_the_result_lists_real_changes_only() -> None:
    same, new = compare(config_map(), config_map()), compare(None, config_map())
    assert changes_result([same]) == {"changed": False, "diff": []}
    result = changes_result([same, new])
    assert result["changed"]
    assert [entry["before_header"] for entry in result["diff"]] == ["ConfigMap n/c"]


def test_identity_of_cluster_wide_objects() -> None:
    assert identity({"kind": "Namespace", "metadata": {"name": "x"}}) == "Namespace x"
