# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the removal of a database cluster needs to know about its operator."""

from __future__ import annotations

import time
import typing as t
from abc import ABC, abstractmethod

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import operators
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import Datastore
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

Kinds: t.TypeAlias = tuple[tuple[str, str], ...]


class Removal(ABC):
    """How the database cluster of one operator goes. All its objects carry the label that selects its pods."""

    provider: t.ClassVar[str]
    data_kinds: t.ClassVar[Kinds] = (("v1", "PersistentVolumeClaim"), ("v1", "Secret"))
    record_kinds: t.ClassVar[Kinds] = ()
    """Notes about the data, which would mislead a later cluster of this name once the data is gone."""
    declared_kinds: t.ClassVar[Kinds] = ()
    """What was declared beside the custom resource, and goes with it."""
    running_kinds: t.ClassVar[Kinds]

    def __init__(self, kube: Kube, store: Datastore, deadline: float | None) -> None:
        """deadline: until when to wait, by time.monotonic(); None where nobody waits."""
        self.kube = kube
        self.store = store
        self.deadline = deadline

    @abstractmethod
    def refuse(self, live: Object, *, keep_data: bool) -> None:
        """Raise HaError unless the pods will be removed and, with keep_data, the data will be left alone."""

    @abstractmethod
    def secure_data(self, live: Object) -> None:
        """See to it that the data outlives the custom resource, and that the newest of it is found later."""

    def obstacle(self, live: Object) -> HaError | None:
        """Why ``live`` cannot go on as it is, such as a removal that was interrupted."""
        return None

    def operator_runs(self) -> bool:
        """Whether the operator, whatever its Deployment is called, has a pod that is ready."""
        deployments = self.kube.list("apps/v1", "Deployment")
        return any(operators.is_operator(self.provider, each) and operators.is_ready(each) for each in deployments)

    def stays(self, item: Object) -> bool:
        """Whether this volume claim or Secret outlives the custom resource when data is kept."""
        return True

    def wait(self, verdict: t.Callable[[], Verdict]) -> None:
        """Until a verdict is up or the deadline has come. Raises WaitTimeout, with what is wrong with the pods."""
        seconds = 0.0 if self.deadline is None else max(0.0, self.deadline - time.monotonic())
        namespace, selector = self.store.options.namespace, self.store.pod_selector()
        self.kube.wait(verdict, seconds, lambda: self.kube.diagnose(namespace, selector))

    def remnants(self) -> list[Object]:
        """What is still to go after the custom resource."""
        return self.list_labeled((*self.running_kinds, *self.declared_kinds))

    def list_labeled(self, kinds: Kinds) -> list[Object]:
        """The objects of these kinds that belong to the database cluster."""
        namespace, selector = self.store.options.namespace, self.store.pod_selector()
        return [item for kind in kinds for item in self.kube.list(*kind, namespace, selector)]
