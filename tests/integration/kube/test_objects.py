# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Kube on a real API server: reading, server-side apply, prediction, deletion."""

from __future__ import annotations

import base64
import itertools
import time
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, NotFound, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import FIELD_MANAGER, Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Object: t.TypeAlias = dict[str, t.Any]
Maker: t.TypeAlias = t.Callable[..., Object]


def secret(namespace: str, value: str) -> Object:
    data = {"password": base64.b64encode(value.encode()).decode()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": namespace}, "data": data}


def live(kube: Kube, obj: Object) -> Object:
    found = kube.get(*Ref.of(obj))
    assert found is not None
    return found


def test_what_does_not_exist_is_none(kube: Kube, namespace: str) -> None:
    assert kube.get("v1", "ConfigMap", "none", namespace) is None
    assert kube.get("v1", "ConfigMap", "none", "no-such-namespace") is None
    assert kube.get("nobody.example/v1", "Thing", "none", namespace) is None
    assert kube.list("nobody.example/v1", "Thing") == []
    assert not kube.serves("nobody.example/v1", "Thing")
    assert not kube.serves("apps/v1", "Thing")
    assert kube.serves("apps/v1", "Deployment")


def test_lists_are_complete_objects(kube: Kube, config_map: Maker, namespace: str) -> None:
    one, two = config_map("one"), config_map("two")
    two["metadata"]["labels"] = {"pick": "me"}
    kube.apply([one, two])
    found = kube.list("v1", "ConfigMap", namespace, "pick=me")
    assert [(item["apiVersion"], item["kind"], item["metadata"]["name"]) for item in found] == [
        ("v1", "ConfigMap", "two")
    ]


def test_create_nothing_patch(kube: Kube, config_map: Maker) -> None:
    actions = [kube.apply([config_map(a=value)])[0].action for value in ("1", "1", "2")]
    assert actions == ["create", "none", "patch"]


def test_a_second_apply_writes_nothing(kube: Kube, config_map: Maker) -> None:
    kube.apply([config_map(a="1")])
    before = live(kube, config_map())["metadata"]["resourceVersion"]
    kube.apply([config_map(a="1")])
    assert live(kube, config_map())["metadata"]["resourceVersion"] == before


def test_check_mode_changes_nothing_and_predicts_the_same(kube: Kube, check: Kube, config_map: Maker) -> None:
    for data in ({"a": "1"}, {"a": "1", "b": "2"}, {"a": "3"}, {"a": "3"}):
        predicted = check.apply([config_map(**data)])
        before = kube.get(*Ref.of(config_map()))
        assert predicted == kube.apply([config_map(**data)])
        assert (before or {}).get("data") != data or not predicted[0].changed


def test_prediction_where_the_namespace_comes_with_the_run(check: Kube, kube: Kube) -> None:
    name = "comes-with-the-run"
    wanted = [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}, secret(name, "hunter2")]
    predicted = check.apply(wanted)
    assert [change.action for change in predicted] == ["create", "create"]
    assert "hunter2" not in str(predicted)
    assert base64.b64encode(b"hunter2").decode() not in str(predicted)
    assert kube.get("v1", "Namespace", name) is None
    with pytest.raises(NotFound, match=f'Namespace "{name}" does not exist'):
        kube.apply(wanted[1:])


def test_prediction_where_the_kind_comes_with_the_run(check: Kube, kube: Kube, namespace: str) -> None:
    metadata = {"name": "x", "namespace": namespace}
    wanted = {"apiVersion": "nobody.example/v1", "kind": "Thing", "metadata": metadata, "spec": {"a": 1}}
    assert [change.action for change in check.apply([wanted])] == ["create"]
    with pytest.raises(NotFound, match="no CRD"):
        kube.apply([wanted])


def apply_as(kube: Kube, manager: str, obj: Object) -> None:
    """Server-side apply by somebody else."""
    ref = Ref.of(obj)
    resource = kube.client.resource(ref.api_version, ref.kind)
    kube.client.call(
        "PATCH",
        resource.path(ref.name, ref.namespace),
        resource.request("patch", ref.name, ref.namespace),
        query=[("fieldManager", manager), ("force", "true")],
        body=obj,
        content_type="application/apply-patch+yaml",
    )


def test_drift_is_corrected_and_foreign_fields_stay(kube: Kube, config_map: Maker) -> None:
    kube.apply([config_map(ours="1")])
    apply_as(kube, "somebody", config_map(ours="drifted", theirs="stays"))
    (change,) = kube.apply([config_map(ours="1")])
    assert change.before["data"] == {"ours": "drifted", "theirs": "stays"}
    assert change.after["data"] == {"ours": "1", "theirs": "stays"}


def test_what_somebody_else_writes_meanwhile_is_no_change_of_ours(
    kube: Kube, config_map: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    kube.apply([config_map(ours="1")])
    read, writes = kube.get, iter(["theirs"])

    def overtaken(*ref: t.Any) -> Object | None:
        found = read(*ref)
        for value in writes:
            apply_as(kube, "somebody", config_map(ours="1", theirs=value))
        return found

    monkeypatch.setattr(kube, "get", overtaken)
    (change,) = kube.apply([config_map(ours="1")])
    assert (change.action, change.before["data"]) == ("none", {"ours": "1", "theirs": "theirs"})


def test_who_writes_all_the_time_does_not_stop_us(
    kube: Kube, config_map: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    kube.apply([config_map(ours="1")])
    read, count = kube.get, itertools.count()

    def overtaken(*ref: t.Any) -> Object | None:
        found = read(*ref)
        apply_as(kube, "somebody", config_map(theirs=str(next(count))))
        return found

    monkeypatch.setattr(kube, "get", overtaken)
    (change,) = kube.apply([config_map(ours="2")])
    assert (change.action, change.after["data"]["ours"]) == ("patch", "2")


def test_fields_that_we_drop_disappear(kube: Kube, config_map: Maker) -> None:
    kube.apply([config_map(a="1", b="2")])
    assert kube.apply([config_map(a="1")])[0].after["data"] == {"a": "1"}


def test_without_force_the_other_manager_is_named(kube: Kube, config_map: Maker) -> None:
    apply_as(kube, "somebody", config_map(a="theirs"))
    with pytest.raises(Conflict, match=r"\.data\.a.*somebody"):
        kube.apply([config_map(a="ours")], force=False)


def test_no_secret_is_in_a_change(kube: Kube, check: Kube, namespace: str) -> None:
    changes = [
        *check.apply([secret(namespace, "hunter2")]),
        *kube.apply([secret(namespace, "hunter2")]),
        *check.apply([secret(namespace, "hunter3")]),
        *kube.apply([secret(namespace, "hunter3")]),
        *kube.delete([Ref.of(secret(namespace, ""))]),
    ]
    assert [change.action for change in changes] == ["create", "create", "patch", "patch", "delete"]
    for value in (b"hunter2", b"hunter3"):
        assert base64.b64encode(value).decode() not in str(changes)
    assert changes[3].before["data"] != changes[3].after["data"], "that it changed is shown"


def test_delete(kube: Kube, check: Kube, config_map: Maker) -> None:
    ref = Ref.of(config_map())
    assert [change.action for change in kube.delete([ref, Ref("nobody.example/v1", "Thing", "x", "y")])] == ["none"] * 2
    kube.apply([config_map()])
    assert check.delete([ref])[0].action == "delete"
    assert kube.get(*ref) is not None
    assert kube.delete([ref], 10)[0].action == "delete"
    assert kube.get(*ref) is None


def test_a_deletion_that_hangs_names_the_finalizer(kube: Kube, config_map: Maker) -> None:
    held = config_map()
    held["metadata"]["finalizers"] = ["example.com/held"]
    kube.apply([held])
    try:
        with pytest.raises(WaitTimeout, match=r"ConfigMap .*/c still exists, held by the finalizers example\.com/held"):
            kube.delete([Ref.of(held)], 1)
        with pytest.raises(Conflict, match="/c is being deleted"):
            kube.apply([config_map()])
    finally:
        apply_as(kube, FIELD_MANAGER, config_map())
    kube.wait_gone(Ref.of(held), 10)


def test_wait_gives_up_in_time_and_says_why(kube: Kube) -> None:
    started = time.monotonic()
    with pytest.raises(WaitTimeout, match=r"Not up after 1 s: only 1 of 3. because of this"):
        kube.wait(lambda: Verdict(up=False, reason="only 1 of 3"), 1, lambda: "because of this")
    assert 1 <= time.monotonic() - started < 2


def test_wait_returns_the_verdict(kube: Kube) -> None:
    seen = iter([False, False, True])
    assert kube.wait(lambda: Verdict(up=next(seen), reason="x"), 10).up
