# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection's door to Kubernetes: Kube, for everything that modules do to a cluster.

Only this file and its kube_* neighbors know the libraries `kubernetes` and `kubernetes.core`.
"""

from __future__ import annotations

import contextlib
import dataclasses
import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import kube_diagnose, kube_forward
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import (
    Conflict,
    HaError,
    NotFound,
    Stale,
    Unreachable,
    WaitTimeout,
    WebhookSilent,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import (
    Change,
    Object,
    changes_result,
    compare,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube_client import Client, Query

__all__ = ["FIELD_MANAGER", "Change", "Kube", "Propagation", "Ref", "changes_result"]

# Inside Kube the name `list` is a method.
Objects: t.TypeAlias = list[Object]
Changes: t.TypeAlias = list[Change]
Propagation: t.TypeAlias = t.Literal["Background", "Foreground"]

FIELD_MANAGER = "k0smotron.ha"
APPLY_PATCH = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"
POLL_FIRST_SECONDS = 0.5
POLL_MAX_SECONDS = 2.0
# How often an apply makes room for another writer of the same object; one that writes all the time does not stop it.
UNDISTURBED_ATTEMPTS = 4
# A controller of one replica, such as k0smotron's, answers again this soon after its pod was moved.
WEBHOOK_SECONDS = 30.0


class Ref(t.NamedTuple):
    """Which object: enough to get or delete it."""

    api_version: str
    kind: str
    name: str
    namespace: str | None = None

    @classmethod
    def of(cls, obj: t.Mapping[str, t.Any]) -> Ref:
        """The Ref of a whole object."""
        metadata = obj["metadata"]
        return cls(obj["apiVersion"], obj["kind"], metadata["name"], metadata.get("namespace"))

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"


class Kube:
    """A cluster as the modules see it. Every method raises HaError with a sentence; no Change holds a secret."""

    def __init__(self, client: Client, *, check_mode: bool = False) -> None:
        self.client = client
        self.check_mode = check_mode

    # -- reading -------------------------------------------------------------------------------------------------

    def serves(self, api_version: str, kind: str) -> bool:
        """Whether the API server knows this kind in this version now."""
        return self.client.find(api_version, kind) is not None

    def get(self, api_version: str, kind: str, name: str, namespace: str | None = None) -> Object | None:
        """One object; None when it, its namespace or its kind does not exist."""
        resource = self.client.find(api_version, kind)
        if resource is None:
            return None
        path = resource.object_path(name, namespace)
        with contextlib.suppress(NotFound):
            return self.client.call("GET", path, resource.request("get", name, namespace))
        return None

    def list(
        self, api_version: str, kind: str, namespace: str | None = None, label_selector: str | None = None
    ) -> Objects:
        """All objects of a kind, with apiVersion and kind filled in; [] when the kind is not served."""
        resource = self.client.find(api_version, kind)
        if resource is None:
            return []
        query: Query = [("labelSelector", label_selector)] if label_selector else []
        request = resource.request("list", None, namespace)
        answer = self.client.call("GET", resource.path(None, namespace), request, query=query)
        # The server leaves both out of the items of a list.
        return [{"apiVersion": api_version, "kind": kind, **item} for item in answer.get("items") or []]

    # -- writing -------------------------------------------------------------------------------------------------

    def apply(self, objects: t.Iterable[Object], *, force: bool = True) -> Changes:
        """Server-side apply of each object in the given order.

        force takes over fields of these objects that another manager owns: drift in what we set is corrected, and
        fields that we do not set stay whoever's they are. In check mode the server answers a dry run; what it cannot
        try because the namespace or the kind comes into being only in the real run is predicted as "create".
        """
        return [self._apply_one(obj, force) for obj in objects]

    def _apply_one(self, obj: Object, force: bool) -> Change:
        """One apply over exactly the version that the change is told from: a write of somebody else in between, such as
        a controller's that fills in its fields, is read again and does not count as ours.
        """
        for _attempt in range(UNDISTURBED_ATTEMPTS):
            with contextlib.suppress(Stale):
                return self._apply_over(self._applicable(obj), obj, force, undisturbed=True)
        return self._apply_over(self._applicable(obj), obj, force)

    def _applicable(self, obj: Object) -> Object | None:
        ref = Ref.of(obj)
        live = self.get(*ref)
        if live and live["metadata"].get("deletionTimestamp"):
            # The server would take the change, and then finish the deletion.
            raise Conflict(f"{ref} is being deleted", "Wait until it is gone, then run again")
        return live

    def _apply_over(self, before: Object | None, obj: Object, force: bool, *, undisturbed: bool = False) -> Change:
        wanted = obj
        if before and undisturbed:  # the server refuses an apply that names another version than it holds
            version = {"resourceVersion": before["metadata"]["resourceVersion"]}
            wanted = {**obj, "metadata": {**version, **obj["metadata"]}}
        try:
            after = self._admitted(wanted, force=force, dry_run=self.check_mode)
        except NotFound:
            if not self.check_mode or before is not None:
                raise
            after = obj
        return compare(before, after)

    def rehearse(self, obj: Object) -> None:
        """Raise what an apply of this object would raise, and change nothing."""
        self._admitted(obj, force=True, dry_run=True)

    def _admitted(self, obj: Object, *, force: bool, dry_run: bool) -> Object:
        """One server-side apply, again and again for some seconds while what admits it restarts."""
        deadline = time.monotonic() + WEBHOOK_SECONDS
        while True:
            try:
                return self.patch(obj, force=force, dry_run=dry_run)
            except WebhookSilent:
                if time.monotonic() > deadline:
                    raise
                time.sleep(POLL_FIRST_SECONDS)

    def patch(self, obj: Object, *, force: bool = True, dry_run: bool = False) -> Object:
        """One server-side apply; what the server stores (dry_run: would store). For apply() and for webhook probes."""
        ref = Ref.of(obj)
        resource = self.client.resource(ref.api_version, ref.kind)
        query = [("fieldManager", FIELD_MANAGER), ("force", "true" if force else "false")]
        if dry_run:
            query.append(("dryRun", "All"))
        return self.client.call(
            "PATCH",
            resource.object_path(ref.name, ref.namespace),
            resource.request("patch", ref.name, ref.namespace),
            query=query,
            body=dict(obj),
            content_type=APPLY_PATCH,
        )

    def merge(self, ref: Ref, part: Object, *, subresource: str = "", dry_run: bool = False) -> Object:
        """One JSON merge patch: for what an apply cannot do, such as taking away what another manager owns."""
        resource = self.client.resource(ref.api_version, ref.kind)
        path, request = (
            resource.object_path(ref.name, ref.namespace),
            resource.request("patch", ref.name, ref.namespace),
        )
        if subresource:
            path = f"{path}/{subresource}"
            request = dataclasses.replace(request, resource=f"{request.resource}/{subresource}")
        return self.client.call(
            "PATCH",
            path,
            request,
            query=[("fieldManager", FIELD_MANAGER)] + ([("dryRun", "All")] if dry_run else []),
            body=part,
            content_type=MERGE_PATCH,
        )

    def delete(
        self,
        refs: t.Iterable[Ref],
        wait_timeout: float = 0,
        *,
        propagation: Propagation = "Background",
        grace_seconds: int | None = None,
    ) -> Changes:
        """Delete each object in the given order; one that is not there is unchanged.

        grace_seconds: how long a pod may take to end; its own setting counts when not given, and with 0 it is killed.

        wait_timeout > 0: seconds in which ALL of them must be gone, finalizers included; each is awaited before the
        next is deleted, because a controller that is deleted too early leaves finalizers behind.
        """
        deadline = time.monotonic() + wait_timeout
        changes = []
        for ref in refs:
            before = self.get(*ref)
            if before is not None:
                self._delete_one(ref, propagation, grace_seconds)
                if wait_timeout and not self.check_mode:
                    self.wait_gone(ref, deadline - time.monotonic())
            changes.append(compare(before, None))
        return changes

    def _delete_one(self, ref: Ref, propagation: Propagation, grace_seconds: int | None = None) -> None:
        resource = self.client.resource(ref.api_version, ref.kind)
        query = [("propagationPolicy", propagation)] + ([("dryRun", "All")] if self.check_mode else [])
        query += [] if grace_seconds is None else [("gracePeriodSeconds", str(grace_seconds))]
        request = resource.request("delete", ref.name, ref.namespace)
        with contextlib.suppress(NotFound):  # somebody else was faster
            self.client.call("DELETE", resource.object_path(ref.name, ref.namespace), request, query=query)

    # -- waiting -------------------------------------------------------------------------------------------------

    def wait(self, probe: t.Callable[[], Verdict], timeout: float, diagnose: t.Callable[[], str] = str) -> Verdict:
        """Call probe until its verdict is up, for at most timeout seconds.

        A server that does not answer for a moment (it restarts, it is busy) only costs time. On time-out diagnose is
        called once for the words that explain the failure. Raises WaitTimeout. Not for check mode: nothing moves there.
        """
        deadline = time.monotonic() + timeout
        pause = POLL_FIRST_SECONDS
        while True:
            try:
                verdict = probe()
            except Unreachable as error:
                verdict = Verdict(up=False, reason=error.message, details={})
            if verdict.up:
                return verdict
            left = deadline - time.monotonic()
            if left <= 0:
                raise WaitTimeout(f"Not up after {timeout:.0f} s: {verdict.reason}", _explained(diagnose))
            time.sleep(min(pause, left))
            pause = min(pause * 1.5, POLL_MAX_SECONDS)

    def wait_gone(self, ref: Ref, timeout: float) -> None:
        """Wait until an object is really gone; the time-out names the finalizers that hold it."""

        def probe() -> Verdict:
            left = self.get(*ref)
            finalizers = ((left or {}).get("metadata") or {}).get("finalizers") or []
            held = f", held by the finalizers {', '.join(finalizers)}" if finalizers else ""
            return Verdict(up=left is None, reason=f"{ref} still exists{held}", details={})

        self.wait(probe, timeout, lambda: "Check the controller that handles this kind: only it can release the object")

    def diagnose(self, namespace: str, label_selector: str = "") -> str:
        """Why pods are not up, in one line: container state, last event, last log line. Never raises."""
        return kube_diagnose.diagnose(self, namespace, label_selector)

    def log_line(self, namespace: str, pod: str, container: str, *, previous: bool = False) -> str:
        """The last line of a container's log, masked; "" when there is none."""
        return kube_diagnose.log_line(self.client, namespace, pod, container, previous=previous)

    # -- reaching pods -------------------------------------------------------------------------------------------

    def pod_behind(self, namespace: str, service: str) -> str:
        """The name of a ready pod behind a Service, also behind one without selector (Patroni's leader)."""
        return kube_diagnose.pod_behind(self, namespace, service)

    def forward(self, namespace: str, pod: str, port: int) -> contextlib.AbstractContextManager[tuple[str, int]]:
        """A listener on loopback; each connection to it becomes a port-forward to the pod. Gives (host, port)."""
        return kube_forward.forward(self.client, namespace, pod, port)

    def exec(self, namespace: str, pod: str, command: t.Sequence[str], container: str | None = None) -> str:
        """Run a command in a pod; its standard output. Raises HaError with standard error when it fails."""
        return kube_forward.execute(self.client, namespace, pod, command, container)

    def https(
        self,
        method: str,
        namespace: str,
        pod: str,
        port: int,
        path: str,
        *,
        ca: str,
        cert: str,
        key: str,
        server_name: str,
        timeout: float = 10.0,
        accept: str = "*/*",
    ) -> tuple[int, str]:
        """(status, body) of a request to a pod with a client certificate; ca, cert and key are PEM texts."""
        with self.forward(namespace, pod, port) as address:
            identity_files = kube_forward.ClientIdentity(ca=ca, cert=cert, key=key, server_name=server_name)
            return kube_forward.https(address, method, path, identity_files, timeout, accept)


def _explained(diagnose: t.Callable[[], str]) -> str:
    """diagnose's words; a diagnosis that fails must not hide what it should explain."""
    try:
        return diagnose()
    except HaError as error:
        return f"No diagnosis: {error}"
