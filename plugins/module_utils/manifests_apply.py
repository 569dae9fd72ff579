# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Installs and removes a set of manifests, and waits until what they install really works."""

from __future__ import annotations

import dataclasses
import datetime
import time
import typing as t
from collections.abc import Set

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.k0smotron.ha.plugins.module_utils import certificates as pem
from ansible_collections.k0smotron.ha.plugins.module_utils import manifests, webhook_certificate
from ansible_collections.k0smotron.ha.plugins.module_utils import manifests_certificates as certificates
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, HaError, NotFound, Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Change, Kube, Propagation, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object, compare
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_errors import ApiError, Request, explain
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

Mode: t.TypeAlias = t.Literal["auto", "cert_manager", "self_signed", "none"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Removal:
    """What may go beyond the objects themselves when manifests are removed."""

    namespaces: bool = False
    crds: bool = False
    crds_with_objects: frozenset[str] = frozenset()


@dataclasses.dataclass(frozen=True, kw_only=True)
class Proofs:
    """What shows that an installation works: an object to try, a Service to ask ({service, namespace, port, path})."""

    probe: Object | None = None
    answers: t.Mapping[str, t.Any] | None = None


# -- certificates ----------------------------------------------------------------------------------------------------


def certificate_mode(kube: Kube, mode: Mode, objects: t.Sequence[Object]) -> Mode:
    """The mode that auto stands for here; also checks that cert-manager is there when it is asked for."""
    has_cert_manager = kube.serves("cert-manager.io/v1", "Certificate")
    if mode == "cert_manager" and not has_cert_manager:
        raise NotFound("cert-manager is not installed in this cluster", "Install it, or use certificates=self_signed")
    if mode != "auto":
        return mode
    if not any(certificates.is_cert_manager(obj) for obj in objects):
        return "none"
    return "cert_manager" if has_cert_manager else "self_signed"


def with_certificates(kube: Kube, mode: Mode, objects: t.Sequence[Object]) -> list[Object]:
    """The objects to apply in a mode; self_signed keeps a certificate that can still be used."""
    if mode != "self_signed":
        return [obj for obj in objects if mode == "cert_manager" or not certificates.is_cert_manager(obj)]
    if pem.IMPORT_ERROR:
        raise HaError(missing_required_lib("cryptography", reason="to make webhook certificates without cert-manager"))
    wanted = certificates.wanted(objects)
    now = datetime.datetime.now(datetime.UTC)
    bundles = {
        one.key: webhook_certificate.renewed(
            certificates.bundle_in(kube.get("v1", "Secret", one.secret, one.namespace)), one.dns_names, now
        )
        for one in wanted
    }
    return certificates.without_cert_manager(objects, bundles, wanted)


def placed(kube: Kube, objects: t.Sequence[Object], namespace: str) -> list[Object]:
    """The objects with a namespace where they need one; the scope of a kind not served yet is in its CRD."""
    scopes = manifests.scopes(objects)

    def is_namespaced(obj: Object) -> bool:
        resource = kube.client.find(obj["apiVersion"], obj["kind"])
        if resource is not None:
            return resource.namespaced
        return scopes.get((obj["apiVersion"].rpartition("/")[0], obj["kind"]), True)

    return manifests.place(objects, namespace, is_namespaced)


# -- present ---------------------------------------------------------------------------------------------------------


def install(kube: Kube, objects: t.Iterable[Object], *, wait_timeout: float) -> list[Change]:
    """Apply in order. Custom resource definitions are awaited (wait_timeout in seconds) before anything uses them.

    A Deployment that selects other pods, as k0smotron's does once it brings its Cluster API providers, is made anew.
    """
    changes: list[Change] = []
    todo = manifests.ordered(objects)
    crds = [obj for obj in todo if manifests.rank(obj) == manifests.CRD_RANK]
    first = [obj for obj in todo if manifests.rank(obj) <= manifests.CRD_RANK]
    changes += kube.apply(first)
    if crds and not kube.check_mode:
        kube.wait(lambda: established(kube, crds), wait_timeout)
    for obj in todo[len(first) :]:
        live = kube.get(*Ref.of(obj)) if obj["kind"] == "Deployment" else None
        is_other = manifests.selects_otherwise(live, obj)
        changes += [_made_anew(kube, live, obj, wait_timeout)] if is_other else kube.apply([obj])
    return changes


def _made_anew(kube: Kube, before: Object | None, obj: Object, wait_timeout: float) -> Change:
    """Delete a Deployment with its pods, and apply it; one change, tried before under another name."""
    name = obj["metadata"]["name"]
    after = kube.patch(_named(obj, f"{name}-anew"), dry_run=True)
    kube.delete([Ref.of(obj)], wait_timeout, propagation="Foreground")
    if not kube.check_mode:
        kube.apply([obj])
    return compare(before, _named(after, name))


def _named(obj: Object, name: str) -> Object:
    return {**obj, "metadata": {**obj["metadata"], "name": name}}


def established(kube: Kube, crds: t.Iterable[Object]) -> Verdict:
    """Whether the API server serves every version of these custom resource definitions."""
    for crd in crds:
        name = crd["metadata"]["name"]
        live = kube.get("apiextensions.k8s.io/v1", "CustomResourceDefinition", name) or {}
        conditions = {one["type"]: one for one in (live.get("status") or {}).get("conditions") or []}
        if conditions.get("Established", {}).get("status") != "True":
            refused = conditions.get("NamesAccepted", {})
            why = f" ({refused['message']})" if refused.get("status") == "False" else ""
            return Verdict(up=False, reason=f"CustomResourceDefinition {name} is not Established{why}")
        kind, group = crd["spec"]["names"]["kind"], crd["spec"]["group"]
        for version in (one["name"] for one in crd["spec"]["versions"] if one.get("served")):
            if not kube.serves(f"{group}/{version}", kind):
                return Verdict(up=False, reason=f"{kind} of {group}/{version} is not served yet")
    return Verdict(up=True, reason="all custom resource definitions are Established")


def wait_until_works(kube: Kube, objects: t.Iterable[Object], proofs: Proofs, timeout: float) -> None:
    """Wait, for at most timeout seconds in all, until every workload is rolled out and the proofs hold."""
    deadline = time.monotonic() + timeout
    for obj in objects:
        if obj["kind"] in manifests.ROLLED_OUT_KINDS:
            _wait_rolled_out(kube, Ref.of(obj), max(0.0, deadline - time.monotonic()))
    if proofs.probe is not None:
        probe = proofs.probe
        kube.wait(lambda: accepted(kube, probe), max(0.0, deadline - time.monotonic()))
    if proofs.answers is not None:
        url = proofs.answers
        kube.wait(lambda: answering(kube, url), max(0.0, deadline - time.monotonic()))


def _wait_rolled_out(kube: Kube, ref: Ref, timeout: float) -> None:
    def selector() -> str:
        labels = (kube.get(*ref) or {}).get("spec", {}).get("selector", {}).get("matchLabels") or {}
        return ",".join(f"{key}={value}" for key, value in labels.items())

    kube.wait(
        lambda: rolled_out(kube.get(*ref), ref), timeout, lambda: kube.diagnose(ref.namespace or "default", selector())
    )


def rolled_out(live: Object | None, ref: Ref) -> Verdict:
    """Whether a workload runs its newest template in every replica, and no older pod is left."""
    if live is None:
        return Verdict(up=False, reason=f"{ref} does not exist")
    status = live.get("status") or {}
    if status.get("observedGeneration", 0) < live["metadata"].get("generation", 0):
        return Verdict(up=False, reason=f"{ref} was not looked at by its controller yet")
    if ref.kind == "DaemonSet":
        wanted = status.get("desiredNumberScheduled", 0)
        new, ready = status.get("updatedNumberScheduled", 0), status.get("numberAvailable", 0)
    else:
        wanted = live["spec"].get("replicas", 1)
        # A StatefulSet has no older pods beside the new ones: it replaces them one by one.
        new, ready = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    left = max(0, status.get("replicas", 0) - wanted) if ref.kind == "Deployment" else 0
    is_up = new >= wanted and ready >= wanted and not left
    older = f", {left} old ones are still there" if left else ""
    return Verdict(up=is_up, reason=f"{ref}: {ready} of {wanted} replicas are available, {new} are new{older}")


def accepted(kube: Kube, probe: Object) -> Verdict:
    """Whether the API server would take an object: it asks the webhooks, so their "no" is as good as their "yes"."""
    try:
        kube.patch(probe, dry_run=True)
    except (Unreachable, NotFound) as error:
        return Verdict(up=False, reason=str(error))
    except HaError as error:
        if "denied the request" not in error.message:
            raise
    return Verdict(up=True, reason="the webhooks answer")


def answering(kube: Kube, url: t.Mapping[str, t.Any]) -> Verdict:
    """Whether a path of a Service answers with success, asked through the API server's proxy."""
    service = f"{url['service']}:{url['port']}"
    try:
        kube.client.send("GET", f"/api/v1/namespaces/{url['namespace']}/services/{service}/proxy{url['path']}")
    except ApiError as failure:
        if failure.status in (401, 403):
            raise explain(failure, Request("get", "services/proxy", "", url["namespace"], url["service"])) from failure
        return Verdict(up=False, reason=f"Service {url['namespace']}/{service}{url['path']} says: {failure.message}")
    return Verdict(up=True, reason=f"Service {url['namespace']}/{service} answers")


# -- absent ----------------------------------------------------------------------------------------------------------


def remove(
    kube: Kube, objects: t.Iterable[Object], allowed: Removal, warn: t.Callable[[str], None], *, wait_timeout: float
) -> list[Change]:
    """Delete in reverse order; what holds data (namespaces, CRDs with all their objects) only as far as allowed.

    In check mode objects that are in the way are a warning: what came before in the same play has not removed them.
    """
    gone = [obj for obj in reversed(manifests.ordered(objects)) if _may_go(obj, allowed)]
    crds = [obj for obj in gone if manifests.rank(obj) == manifests.CRD_RANK]
    for crd in crds:
        try:
            _refuse_used(kube, crd, allowed, {Ref.of(obj) for obj in gone})
        except Conflict as refusal:
            if not kube.check_mode:
                raise
            warn(f"Unless this run removes them first, it will fail: {refusal}")
    deadline = time.monotonic() + wait_timeout
    changes: list[Change] = []
    for obj in gone:
        left = max(1.0, deadline - time.monotonic()) if wait_timeout else 0
        # A workload is gone when its pods are: the next objects may be what these pods still work with.
        propagation: Propagation = "Foreground" if obj["kind"] in manifests.ROLLED_OUT_KINDS else "Background"
        changes += kube.delete([Ref.of(obj)], left, propagation=propagation)
    return changes


def with_secrets(objects: t.Sequence[Object]) -> list[Object]:
    """For removal: the objects and the certificate Secrets, which are in no manifest whoever made them."""
    names = [(one.secret, one.namespace) for one in certificates.wanted(objects)]
    secrets = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}}
        for name, namespace in names
    ]
    return secrets + list(objects)


def _may_go(obj: Object, allowed: Removal) -> bool:
    rank = manifests.rank(obj)
    if rank == manifests.NAMESPACE_RANK:
        return allowed.namespaces
    return allowed.crds if rank == manifests.CRD_RANK else True


def _refuse_used(kube: Kube, crd: Object, allowed: Removal, going: Set[Ref]) -> None:
    """A CRD takes every object of its kind along, in all namespaces: only on demand by its name.

    Not counted are those that are going themselves: Oracle's MySQL operator comes with an object of a kind that it brings.
    """
    name = crd["metadata"]["name"]
    if name in allowed.crds_with_objects:
        return
    served = [one["name"] for one in crd["spec"]["versions"] if one.get("served")]
    api_versions = [f"{crd['spec']['group']}/{version}" for version in served]
    kind = crd["spec"]["names"]["kind"]
    api_version = next((one for one in api_versions if kube.serves(one, kind)), None)
    found = kube.list(api_version, kind) if api_version else []
    used = [obj for obj in found if Ref.of(obj) not in going]
    if used:
        names = ", ".join(str(Ref.of(obj)) for obj in used[:5]) + (", ..." if len(used) > 5 else "")
        raise Conflict(
            f"{len(used)} objects of CustomResourceDefinition {name} exist and would be deleted with it: {names}",
            f"Delete them first, or add {name} to remove_crds_with_objects",
        )
