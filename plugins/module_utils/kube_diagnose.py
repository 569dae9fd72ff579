# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the pods of a failed wait have to say, and which pod stands behind a Service."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import mask_text
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_errors import ApiError

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube_client import Client

LONGEST_LINE = 400


def diagnose(kube: Kube, namespace: str, label_selector: str) -> str:
    """One line about the worst pod that the selector finds. Never raises: it explains another error."""
    try:
        pods = kube.list("v1", "Pod", namespace, label_selector or None)
        worst = next((pod for pod in pods if not pod_ready(pod)), None)
        if worst is None:
            events = last_event(kube, namespace, None)
            return f"{len(pods)} pods of {label_selector or 'any label'}, none of them failing{events}"
        return _about_pod(kube, namespace, worst)
    except HaError as error:
        return f"no diagnosis possible: {error}"


def pod_ready(pod: t.Mapping[str, t.Any]) -> bool:
    """The pod's own Ready condition."""
    conditions = (pod.get("status") or {}).get("conditions") or []
    return any(one.get("type") == "Ready" and one.get("status") == "True" for one in conditions)


def _about_pod(kube: Kube, namespace: str, pod: Object) -> str:
    name = pod["metadata"]["name"]
    status = pod.get("status") or {}
    failing = failing_container(status)
    parts = [f"pod {name} is {status.get('phase', 'unknown')}"]
    if failing is None:
        parts += [str(one["message"]) for one in status.get("conditions") or [] if one.get("message")][:1]
    else:
        parts.append(f"container {failing['name']}: {container_state(failing)}")
    text = ", ".join(parts) + last_event(kube, namespace, name)
    if failing is None:
        return text
    line = log_line(kube.client, namespace, name, failing["name"]) or log_line(
        kube.client, namespace, name, failing["name"], previous=True
    )
    return f"{text}; last log line: {line}" if line else text


def failing_container(status: t.Mapping[str, t.Any]) -> Object | None:
    """The status of the first container that is not ready; init containers come first because they block the rest."""
    for entry in status.get("initContainerStatuses") or []:
        if (entry.get("state") or {}).get("terminated", {}).get("exitCode") != 0:
            return t.cast(Object, entry)
    return next((entry for entry in status.get("containerStatuses") or [] if not entry.get("ready")), None)


def container_state(entry: t.Mapping[str, t.Any]) -> str:
    """`waiting (CrashLoopBackOff: ...), 4 restarts`."""
    state = entry.get("state") or {}
    word = next(iter(state), "not started")
    details = state.get(word) or {}
    reasons = ": ".join(mask_text(str(details[key])) for key in ("reason", "message") if details.get(key))
    restarts = f", {entry['restartCount']} restarts" if entry.get("restartCount") else ""
    return f"{word} ({reasons}){restarts}" if reasons else f"{word}, not ready{restarts}"


def last_event(kube: Kube, namespace: str, name: str | None) -> str:
    """`; last event: BackOff: ...` about an object by name, or the namespace's last warning; "" when there is none."""
    events = [
        event
        for event in kube.list("v1", "Event", namespace)
        if (event["involvedObject"].get("name") == name if name else event.get("type") == "Warning")
    ]
    if not events:
        return ""
    latest = max(events, key=_when)
    about = "" if name else f" on {latest['involvedObject'].get('kind')} {latest['involvedObject'].get('name')}"
    return f"; last event{about}: {latest.get('reason')}: {_one_line(latest.get('message') or '')}"


def _when(event: t.Mapping[str, t.Any]) -> str:
    """RFC 3339 text sorts by time; which field is set depends on the API that the reporter used."""
    return str(event.get("lastTimestamp") or event.get("eventTime") or event["metadata"].get("creationTimestamp") or "")


def log_line(client: Client, namespace: str, pod: str, container: str, *, previous: bool = False) -> str:
    """The last line of a container's log, masked; "" when the container has none or its node does not answer."""
    query = [("container", container), ("tailLines", "1"), ("previous", "true" if previous else "false")]
    resource = client.resource("v1", "Pod")
    try:
        text = client.send("GET", resource.path(pod, namespace) + "/log", query=query)
    except (ApiError, HaError):
        return ""
    return _one_line(text.decode("utf-8", "replace"))


def _one_line(text: str) -> str:
    return mask_text(" ".join(text.split()))[:LONGEST_LINE]


def pod_behind(kube: Kube, namespace: str, service: str) -> str:
    """The name of a ready pod behind a Service.

    The Endpoints object comes first: Patroni writes its leader there itself, without a Service selector, and the
    EndpointSlices of such a Service are only a later copy. Raises NotFound.
    """
    addresses = _endpoints(kube, namespace, service) or _slices(kube, namespace, service)
    for address in addresses:
        target = address.get("targetRef") or {}
        if target.get("kind") == "Pod":
            return str(target["name"])
        name = _pod_with_ip(kube, namespace, address.get("ip", ""))
        if name:
            return name
    raise NotFound(
        f'No ready pod is behind Service "{service}" in namespace "{namespace}"',
        "Check the Service's name, and that its pods are Ready",
    )


def _endpoints(kube: Kube, namespace: str, service: str) -> list[Object]:
    endpoints = kube.get("v1", "Endpoints", service, namespace) or {}
    return [address for subset in endpoints.get("subsets") or [] for address in subset.get("addresses") or []]


def _slices(kube: Kube, namespace: str, service: str) -> list[Object]:
    selector = f"kubernetes.io/service-name={service}"
    ready = [
        endpoint
        for piece in kube.list("discovery.k8s.io/v1", "EndpointSlice", namespace, selector)
        for endpoint in piece.get("endpoints") or []
        if (endpoint.get("conditions") or {}).get("ready") is not False
    ]
    return [{"targetRef": endpoint.get("targetRef"), "ip": endpoint["addresses"][0]} for endpoint in ready]


def _pod_with_ip(kube: Kube, namespace: str, ip: str) -> str | None:
    """Patroni's addresses carry only an ip."""
    for pod in kube.list("v1", "Pod", namespace):
        if (pod.get("status") or {}).get("podIP") == ip:
            return str(pod["metadata"]["name"])
    return None
