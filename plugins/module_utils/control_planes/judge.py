# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a control plane really up? k0smotron's own words (``ready``, Available) hold with one replica of three. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes import names, v1beta1, v1beta2
from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.common import (
    CHECKSUM_ANNOTATION,
    CONFIG_ANNOTATION,
    SPEC_HASH,
    pod_annotations,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import mask_text
from ansible_collections.k0smotron.ha.plugins.module_utils.k0s import image_parts, image_tag
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object, pod_problem, pod_ready, same
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions

Readyz: t.TypeAlias = t.Mapping[str, bool | str]
"""Pod name to True, or to what its /readyz said instead."""


def judge(
    options: ControlPlaneOptions,
    cluster: Object | None,
    statefulset: Object | None,
    pods: t.Sequence[Object],
    readyz: Readyz,
) -> Verdict:
    """Judge a control plane against what was asked for.

    Up means: the StatefulSet runs what was asked for in all replicas, and each replica is well (`replica_health`).
    Details: ``replicas`` {wanted, ready, updated}, ``readyz``, ``nodes`` {pod: node}, ``controller`` (its last word).
    """
    facts = _details(options, cluster, statefulset, pods, readyz)
    problem = next(_problems(options, cluster, statefulset, pods, readyz), None)
    if problem is None:
        count = options.replicas
        return Verdict(True, f"{count} of {count} replicas are ready and answer /readyz", facts)
    word = facts["controller"]
    return Verdict(False, f"{problem}; k0smotron says: {word}" if word else problem, facts)


def controller_word(cluster: Object | None) -> str:
    """k0smotron's last word about a Cluster when it is no success, without secrets."""
    if not cluster:
        return ""
    word = v1beta2.reconciliation_status(cluster) or v1beta1.reconciliation_status(cluster)
    return "" if "success" in word.lower() else mask_text(word)


def _details(
    options: ControlPlaneOptions,
    cluster: Object | None,
    statefulset: Object | None,
    pods: t.Sequence[Object],
    readyz: Readyz,
) -> dict[str, t.Any]:
    status = (statefulset or {}).get("status", {})
    return {
        "replicas": {
            "wanted": options.replicas,
            # Kubernetes leaves counters that are zero out.
            "ready": status.get("readyReplicas", 0),
            "updated": status.get("updatedReplicas", 0),
        },
        "readyz": dict(readyz),
        "nodes": {pod["metadata"]["name"]: pod.get("spec", {}).get("nodeName") for pod in pods},
        "controller": controller_word(cluster),
    }


def _problems(
    options: ControlPlaneOptions,
    cluster: Object | None,
    statefulset: Object | None,
    pods: t.Sequence[Object],
    readyz: Readyz,
) -> Iterator[str]:
    """What is missing, the cause before its consequences."""
    if cluster is None:
        yield "The Cluster does not exist yet"
        return
    if "deletionTimestamp" in cluster["metadata"]:
        yield "The Cluster is being deleted"
    if statefulset is None:
        yield f"k0smotron has not made the StatefulSet {names.statefulset_name(options.name)} yet"
        return
    yield from _not_taken_over(options, statefulset)
    yield from _not_copied(options, cluster, statefulset)
    yield from _not_rolled_out(statefulset, pods)
    yield from _not_answering(options, readyz)


def _not_taken_over(options: ControlPlaneOptions, statefulset: Object) -> Iterator[str]:
    """k0smotron has not copied our wishes yet. Without this look, an old 3/3 would pass for the new one."""
    spec = statefulset["spec"]
    template = spec.get("template", {})
    annotations = template.get("metadata", {}).get("annotations") or {}
    wanted = options.data_source_checksum
    if wanted and annotations.get(CHECKSUM_ANNOTATION) != wanted:
        yield "The pods do not carry the new data source yet"
    tags = [image_parts(item.get("image", ""))[1] for item in template.get("spec", {}).get("containers") or []]
    version = image_tag(options.version)
    # A patched image may have any tag; only another k0s version says that ours is still to come.
    if version and version not in tags and any("-k0s." in tag for tag in tags):
        yield f"k0smotron has not set version {version} yet"
    if spec.get("replicas", 1) != options.replicas:
        yield f"k0smotron has not set {options.replicas} replicas yet"


def _not_copied(options: ControlPlaneOptions, cluster: Object, statefulset: Object) -> Iterator[str]:
    """What else of the Cluster the pods do not show yet; patches may have the last word about it, but ours leaves it alone.

    Whether an annotation has gone nobody can tell: others, such as k0smotron's monitoring, give the pods some, too.
    """
    template = statefulset["spec"].get("template", {})
    shown = template.get("metadata", {}).get("annotations") or {}
    live = pod_annotations(cluster)
    wanted = {**options.annotations, **{key: live[key] for key in (SPEC_HASH, CONFIG_ANNOTATION) if key in live}}
    late = sorted(key for key, value in wanted.items() if shown.get(key) != value)
    if late:
        yield f"k0smotron has not given the pods the annotation {late[0]} yet"
    spec = cluster.get("spec") or {}
    containers = [each for each in template.get("spec", {}).get("containers") or [] if each.get("name") == "controller"]
    if containers and not v1beta2.patched_by_others(spec):
        yield from _pods_behind(options.name, spec, template["spec"], containers[0])


def _pods_behind(name: str, spec: Object, pods: Object, controller: Object) -> Iterator[str]:
    image = f"{spec.get('image')}:{image_tag(spec.get('version') or '')}"
    if spec.get("image") and spec.get("version") and not _runs(controller.get("image", ""), image):
        yield f"k0smotron has not set the image {image} yet"
    if spec.get("resources") and not same(controller.get("resources"), spec["resources"]):
        yield "k0smotron has not given the pods their newest resources yet"
    mounted = {mount.get("mountPath") for mount in controller.get("volumeMounts") or []}
    unmounted = [mount["path"] for mount in spec.get("mounts") or [] if mount["path"] not in mounted]
    if unmounted:
        yield f"k0smotron has not mounted {unmounted[0]} yet"
    asked, shown = spec.get("topologySpreadConstraints") or [], pods.get("topologySpreadConstraints") or []
    absent = [each for each in asked if not any(same(found, each) for found in shown)]
    # Those of others may stay beside ours: policies add some.
    outdated = [each for each in shown if _selects(each, name) and not any(same(each, wanted) for wanted in asked)]
    if absent or outdated:
        yield "k0smotron has not given the pods their newest spread over nodes yet"


def _runs(shown: str, asked: str) -> bool:
    """Whether a template's image is the one that was asked for, as far as policies, which rewrite templates, let it be told.

    They name a mirror as the registry, or a digest beside the tag or in its place.
    """
    repository, tag = image_parts(shown)
    return (repository, tag or image_parts(asked)[1]) == image_parts(asked)


def _selects(constraint: Object, name: str) -> bool:
    """Whether a constraint is about this control plane's replicas, as ours is."""
    return bool((constraint.get("labelSelector") or {}).get("matchLabels") == names.pod_labels(name))


def _not_rolled_out(statefulset: Object, pods: t.Sequence[Object]) -> Iterator[str]:
    status, wanted = statefulset.get("status", {}), statefulset["spec"].get("replicas", 1)
    if status.get("observedGeneration", 0) < statefulset["metadata"].get("generation", 1):
        yield "Kubernetes has not seen the newest StatefulSet yet"
    ready, updated = status.get("readyReplicas", 0), status.get("updatedReplicas", 0)
    if ready < wanted:
        yield f"{ready} of {wanted} replicas are ready{_first_problem(pods)}"
    if updated < wanted or status.get("updateRevision") != status.get("currentRevision"):
        yield f"{updated} of {wanted} replicas run the newest settings"
    if status.get("replicas", wanted) > wanted:
        yield f"{status['replicas']} replicas exist, {wanted} were asked for"


def _first_problem(pods: t.Sequence[Object]) -> str:
    pod = next((pod for pod in pods if not pod_ready(pod)), None)
    return f": {pod['metadata']['name']} is not ready ({pod_problem(pod)})" if pod else ""


def _not_answering(options: ControlPlaneOptions, readyz: Readyz) -> Iterator[str]:
    for pod in names.pod_names(options.name, options.replicas):
        answer = readyz.get(pod, "was not asked yet")
        if answer is not True:
            yield f"{pod} is not well: {mask_text(str(answer)) if answer else '/readyz says no'}"
