# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module datastore says before it creates anything: of a certificate that somebody else keeps, of a namesake, and of
passwords that are lost.
"""

from __future__ import annotations

import base64
import copy
import re
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.datastore_run import present
from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import (
    PROVIDERS,
    DatabaseSpec,
    DatastoreOptions,
    datastore,
    options_for,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import AccessDenied, Conflict, InvalidInput, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Change, Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import compare
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import texts
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict
from tests.unit.module_utils.removals import Object, StandInKube, obj


class ApplyingKube(StandInKube):
    """Takes everything, and nothing runs yet."""

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> list[Object]:
        return []

    def rehearse(self, wanted: Object) -> None:
        """Nothing to refuse."""

    def apply(self, objects: t.Iterable[Object]) -> t.Sequence[Change]:
        wanted = list(objects)
        self.steps += [item["kind"] for item in wanted]
        return [compare(item, item) for item in wanted]


def warnings_of(kube: StandInKube) -> list[str]:
    """What is said of a database cluster with the servers' certificate in the Secret mine."""
    said: list[str] = []
    store = datastore("cloudnativepg", DatastoreOptions(name="pg", namespace="ns", tls_secret="mine"))
    present(t.cast(Kube, kube), store, {"wait": False}, said.append)
    return said


def certificate(*keys: str) -> Object:
    return {**obj("Secret", "mine", owned=False), "data": dict.fromkeys(keys, base64.b64encode(b"pem").decode())}


FLAWED = pytest.mark.parametrize(
    ("secrets", "missing"),
    [((), "ca.crt, tls.crt, tls.key"), ((certificate("tls.crt", "tls.key"),), "which has no ca.crt")],
    ids=["none", "no authority"],
)


@FLAWED
def test_check_mode_warns_of_a_certificate_that_is_not_there(secrets: tuple[Object, ...], missing: str) -> None:
    [said] = warnings_of(ApplyingKube(*secrets, check_mode=True))
    assert "it will fail: tls_secret names the Secret ns/mine" in said
    assert missing in said


@FLAWED
def test_nothing_is_created_without_the_certificate(secrets: tuple[Object, ...], missing: str) -> None:
    kube = ApplyingKube(*secrets)
    with pytest.raises(NotFound, match=missing):
        warnings_of(kube)
    assert kube.steps == []


@pytest.mark.parametrize("check_mode", [True, False])
def test_nothing_is_said_of_a_certificate_that_is_there(check_mode: bool) -> None:
    kube = ApplyingKube(certificate("tls.crt", "tls.key", "ca.crt"), check_mode=check_mode)
    assert warnings_of(kube) == []
    assert "Cluster" in kube.steps


def database(provider: str, name: str = "pg", namespace: str = "ns") -> Object:
    kind = PROVIDERS[provider]
    return {**obj(kind.kind, name, owned=False, api_version=kind.api_version, namespace=namespace), "spec": {}}


def create(kube: StandInKube) -> None:
    said: list[str] = []
    store = datastore("cloudnativepg", DatastoreOptions(name="pg", namespace="ns"))
    present(t.cast(Kube, kube), store, {"wait": False}, said.append)


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("provider", sorted(PROVIDERS.keys() - {"cloudnativepg"}))
def test_another_operators_database_of_the_same_name_is_left_alone(provider: str, check_mode: bool) -> None:
    kube = ApplyingKube(database(provider), check_mode=check_mode)
    with pytest.raises(Conflict, match=rf"The namespace ns has a \w+ pg of another operator \({provider}\)"):
        create(kube)
    assert kube.steps == []


@pytest.mark.parametrize("neighbour", [database("mariadb", "other"), database("mariadb", namespace="elsewhere")])
def test_other_databases_are_no_namesakes(neighbour: Object) -> None:
    kube = ApplyingKube(neighbour)
    create(kube)
    assert "Cluster" in kube.steps


def test_who_lives_beside_a_namesake_already_goes_on() -> None:
    kube = ApplyingKube(database("mariadb"), database("cloudnativepg"))
    create(kube)
    assert "Cluster" in kube.steps


def test_who_may_not_see_other_operators_databases_may_make_one() -> None:
    class Discreet(ApplyingKube):
        def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
            if kind in {"MariaDB", "postgresql"}:
                raise AccessDenied("not for you")
            return super().get(api_version, kind, name, namespace)

    kube = Discreet()
    create(kube)
    assert "Cluster" in kube.steps


TAKE_AWAY = (
    r"take the annotation away: kubectl annotate clusters\.postgresql\.cnpg\.io pg -n ns cnpg\.io/reconciliationLoop-"
)
FINISH = "run state: absent again, with data: keep, and then state: present"


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize(
    ("claims", "remedy"),
    [
        ([], f"Once nobody wants that any more, {TAKE_AWAY}"),
        ([("ready", True), ("ready", True)], f"Once nobody wants that any more, {TAKE_AWAY}"),
        ([("ready", True), ("initializing", False)], f"Once nobody wants that any more, {TAKE_AWAY}"),
        ([("ready", True), ("ready", False)], f"has taken volume claims from it already: {FINISH}"),
        (None, f"Where each .* still has it as owner, {TAKE_AWAY}. Where one has no owner any more, {FINISH}"),
    ],
    ids=["no claims", "its own", "one that was never set up", "one released", "not to be seen"],
)
def test_what_to_do_about_a_cluster_that_is_left_alone_is_told_by_its_claims(
    claims: list[tuple[str, bool]] | None, remedy: str, check_mode: bool
) -> None:
    """Its operator was told so by an administrator, or by a removal that was interrupted."""

    class Claims(ApplyingKube):
        def list(
            self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
        ) -> list[Object]:
            if claims is None:
                raise AccessDenied("not for you")
            return [
                obj(kind, f"pg-{number}", owned=owned, annotations={"cnpg.io/pvcStatus": status})
                for number, (status, owned) in enumerate(claims)
            ]

    live = database("cloudnativepg")
    live["metadata"]["annotations"] = {"cnpg.io/reconciliationLoop": "disabled"}
    kube = Claims(live, check_mode=check_mode)
    with pytest.raises(InvalidInput, match="was told to leave this Cluster alone") as refused:
        create(kube)
    assert re.search(f"{remedy}$", refused.value.remedy)
    assert kube.steps == []


class LastingKube(ApplyingKube):
    """Keeps what is applied, and says at once that it is up."""

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> list[Object]:
        return [
            copy.deepcopy(item) for item in self.objects if (item["apiVersion"], item["kind"]) == (api_version, kind)
        ]

    def apply(self, objects: t.Iterable[Object]) -> t.Sequence[Change]:
        changes = []
        for wanted in objects:
            changes.append(compare(self.get(*Ref.of(wanted)), wanted))
            self.objects = [item for item in self.objects if Ref.of(item) != Ref.of(wanted)]
            self.objects.append(copy.deepcopy(wanted))
            self.steps.append(str(Ref.of(wanted)))
        return changes

    def wait(self, probe: t.Callable[[], Verdict], timeout: float, diagnose: t.Callable[[], str] = str) -> Verdict:
        return Verdict(True, "up", {})

    def lose(self, kind: str, name: str = "") -> None:
        """Those of a kind, or the one of this name."""
        self.objects = [
            item for item in self.objects if item["kind"] != kind or name not in ("", item["metadata"]["name"])
        ]

    def passwords(self) -> dict[str, str]:
        """Of each own Secret that has one."""
        found = {item["metadata"]["name"]: texts(item) for item in self.objects if item["kind"] == "Secret"}
        keys = ("password", "rootPassword")
        return {name: words[key] for name, words in found.items() for key in keys if words.get(key)}


def made(kube: ApplyingKube, provider: str, *owners: str) -> None:
    """A run that declares the database cluster pg with a database of each owner."""
    databases = tuple(DatabaseSpec(f"of_{owner}", owner) for owner in owners or ("one",))
    store = datastore(provider, options_for(provider, name="pg", namespace="ns", databases=databases))
    said: list[str] = []
    present(t.cast(Kube, kube), store, {"wait": True, "wait_timeout": 1}, said.append)


OURS = [
    ("cloudnativepg", "one.pg.credentials", "type kubernetes.io/basic-auth, key password"),
    ("mariadb", "one.pg.credentials.mariadb", "type kubernetes.io/basic-auth, key password"),
    ("mariadb", "pg-root", "type Opaque, key password"),
    ("innodbcluster", "one.pg.credentials.innodbcluster", "type Opaque, key password"),
    ("innodbcluster", "pg-root", "type Opaque, key rootPassword"),
]
ROOTS = [("mariadb", {"pvc.k8s.mariadb.com/role": "storage"}), ("innodbcluster", {})]


@pytest.mark.parametrize("check_mode", [True, False])
@pytest.mark.parametrize("emptied", [True, False])
@pytest.mark.parametrize(("provider", "name", "form"), OURS)
def test_no_password_is_made_up_under_a_live_database(
    provider: str, name: str, form: str, emptied: bool, check_mode: bool
) -> None:
    kube = LastingKube()
    made(kube, provider)
    kube.lose("Secret", name)
    if emptied:
        kube.objects.append({**obj("Secret", name, owned=False), "data": {"username": "b25l"}})
    before, kube.steps, kube.check_mode = copy.deepcopy(kube.objects), [], check_mode
    with pytest.raises(Conflict) as refused:
        made(kube, provider)
    assert f"Secret ns/{name} ({form})" in refused.value.message
    source = "root's is in a backup" if name == "pg-root" else "in the URL under K0SMOTRON_KINE_DATASOURCE_URL"
    assert refused.value.remedy.endswith(f"{source}. Nothing was changed")
    assert refused.value.remedy.count(" is in ") == 1
    assert (kube.steps, kube.objects) == ([], before)


@pytest.mark.parametrize("provider", ["cloudnativepg", "mariadb", "innodbcluster"])
def test_passwords_outlive_every_run_and_new_owners_get_theirs(provider: str) -> None:
    kube = LastingKube()
    made(kube, provider)
    before = kube.passwords()
    made(kube, provider, "one", "two")
    after = kube.passwords()
    assert {name: after[name] for name in before} == before
    assert len(after) == len(before) + 1


@pytest.mark.parametrize(("provider", "name", "form"), OURS)
def test_a_run_that_was_killed_before_the_database_existed_is_repeated(provider: str, name: str, form: str) -> None:
    """With some Secrets, or with all of them."""
    kube = LastingKube()
    made(kube, provider)
    kube.objects = [item for item in kube.objects if item["kind"] == "Secret"]
    before = kube.passwords()
    kube.lose("Secret", name)
    made(kube, provider)
    after = kube.passwords()
    assert after.keys() == before.keys()
    assert [changed for changed in before if before[changed] != after[changed]] == [name]


@pytest.mark.parametrize("provider", ["cloudnativepg", "mariadb", "innodbcluster"])
def test_secrets_come_before_what_refers_to_them(provider: str) -> None:
    kube = LastingKube()
    made(kube, provider)
    kinds = [step.partition(" ")[0] for step in kube.steps]
    assert kinds[kinds.index(PROVIDERS[provider].kind) :].count("Secret") == 0


def test_a_database_on_its_way_out_gets_no_other_password() -> None:
    kube = LastingKube()
    made(kube, "mariadb")
    kube.lose("Secret", "pg-root")
    [cluster] = [item for item in kube.objects if item["kind"] == "MariaDB"]
    cluster["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    kube.steps = []
    with pytest.raises(Conflict, match="MariaDB ns/pg is being deleted"):
        made(kube, "mariadb")
    assert kube.steps == []


def gone(provider: str, labels: Object, **metadata: t.Any) -> LastingKube:
    """What a removal leaves of the data, but for root's Secret."""
    kube = LastingKube()
    made(kube, provider)
    kube.objects = [item for item in kube.objects if item["kind"] == "Secret"]
    kube.lose("Secret", "pg-root")
    kube.objects.append(obj("PersistentVolumeClaim", "data-pg-0", owned=False, labels=labels, **metadata))
    kube.steps = []
    return kube


@pytest.mark.parametrize(("provider", "labels"), ROOTS)
def test_root_keeps_its_password_on_volumes_that_were_kept(provider: str, labels: Object) -> None:
    kube = gone(provider, labels)
    with pytest.raises(Conflict, match=r"Secret ns/pg-root \(type Opaque.*run state: absent with data: delete first"):
        made(kube, provider)
    assert kube.steps == []


@pytest.mark.parametrize(("provider", "labels"), ROOTS)
def test_other_owners_on_volumes_that_were_kept_are_new(provider: str, labels: Object) -> None:
    kube = gone(provider, labels)
    kube.lose("PersistentVolumeClaim")
    made(kube, provider)
    kube.objects = [item for item in kube.objects if item["kind"] == "Secret"]
    kube.objects.append(obj("PersistentVolumeClaim", "data-pg-0", owned=False, labels=labels))
    before = kube.passwords()
    made(kube, provider, "two")
    assert kube.passwords().items() > before.items()


@pytest.mark.parametrize(
    ("labels", "metadata"),
    [({}, {}), (dict(ROOTS[0][1]), {"deletionTimestamp": "2026-01-01T00:00:00Z"})],
    ids=["another chart's", "on their way out"],
)
def test_other_volumes_do_not_hold_up_a_new_database(labels: Object, metadata: Object) -> None:
    kube = gone("mariadb", labels, **metadata)
    made(kube, "mariadb")
    assert "pg-root" in kube.passwords()


def test_who_may_not_see_volume_claims_may_make_a_database() -> None:
    class Discreet(LastingKube):
        def list(
            self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
        ) -> list[Object]:
            if kind == "PersistentVolumeClaim":
                raise AccessDenied("not for you")
            return super().list(api_version, kind, namespace, label_selector)

    kube = Discreet()
    made(kube, "mariadb")
    assert "pg-root" in kube.passwords()
