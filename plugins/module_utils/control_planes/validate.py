# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Refuse options that k0smotron would take and that then fail, or silently mean something else. Pure."""

from __future__ import annotations

import re
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.node_ports import RANGE
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.k0s import k0s_version, too_old
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import STATEFUL_SET_NAME_LIMIT, require_dns_label

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.control_planes.options import ControlPlaneOptions

NAME_LIMIT = STATEFUL_SET_NAME_LIMIT - len("kmc-")
"""k0smotron shortens the names it derives only above 63 characters, but pods need a shorter StatefulSet name."""

_SERVICE_TYPES = ("ClusterIP", "NodePort", "LoadBalancer")
_SPREADS = ("required", "preferred", "off")
_PERSISTENCE = ("emptyDir", "hostPath", "pvc")
_STORAGE_FIELDS = ("storage", "etcd", "kineDataSourceURL", "kineDataSourceSecretName")
_OWN_OPTIONS = ("replicas", "version")
_OWN_SERVICE_OPTIONS = ("type", "apiPort", "konnectivityPort")
_SELECTOR_LABELS = ("app", "cluster", "component")
_PRIVILEGED = 1024
_SECRET_NAME = re.compile(r"[a-z0-9]([-.a-z0-9]{0,251}[a-z0-9])?")


def validate(options: ControlPlaneOptions) -> None:
    """Raise InvalidInput for the first option that will not do; nothing was created then."""
    require_dns_label("The control plane's name", options.name, NAME_LIMIT)
    require_dns_label("The namespace", options.namespace)
    _check_version(options)
    _check_data_source(options)
    _check_ports(options)
    _check_choices(options)
    _check_persistence(options)
    _check_labels(options)
    _check_overlay(options)


def warnings(options: ControlPlaneOptions) -> list[str]:
    """What works but ought to be known."""
    found: list[str] = []
    if options.spec.get("k0sConfig") and options.data_source_secret:
        found.append(
            "spec.k0sConfig beside a data source Secret can make k0smotron 2.1 write the DSN with its password into the"
            " Cluster. Leave k0sConfig out where you can."
        )
    if options.replicas == 1:
        found.append("One replica is not highly available. Ask for 3.")
    if min(options.api_port, options.konnectivity_port) <= _PRIVILEGED:
        found.append("k0smotron downloads a package at every start to open a port below 1025. Use a higher port.")
    return found


def _check_version(options: ControlPlaneOptions) -> None:
    error = too_old(k0s_version(options.version))
    if error:
        raise error
    if options.image and ":" in options.image.rpartition("/")[2]:
        raise InvalidInput(
            f"The image {options.image} has a tag, and k0smotron appends the version as another one",
            "Give the repository alone, and the tag as version.",
        )


def _check_data_source(options: ControlPlaneOptions) -> None:
    if options.replicas < 1:
        raise InvalidInput(f"replicas is {options.replicas}", "Ask for at least 1, and 3 for high availability.")
    if options.data_source_secret and options.data_source_url:
        raise InvalidInput("Both data_source_secret and data_source_url are given", "Keep data_source_secret.")
    if not options.data_source_secret and not options.data_source_url:
        raise InvalidInput(
            "No data source is given, so k0smotron would keep the control plane's state in an etcd of its own",
            "Give data_source_secret.",
        )
    if options.data_source_secret and not _SECRET_NAME.fullmatch(options.data_source_secret):
        raise InvalidInput(
            "data_source_secret is not a valid Secret name",
            "Give the name of the Secret, not the DSN; the DSN goes into the Secret.",
        )


def _check_ports(options: ControlPlaneOptions) -> None:
    ports = {"api_port": options.api_port, "konnectivity_port": options.konnectivity_port}
    for name, port in ports.items():
        if not 0 < port < 65536:
            raise InvalidInput(f"{name} {port} is not a port", "Choose one up to 65535.")
        if options.service_type == "NodePort" and port not in RANGE:
            raise InvalidInput(
                f"{name} {port} cannot be a node port",
                f"Choose one from {RANGE[0]} to {RANGE[-1]}, the range of a Kubernetes cluster as it comes.",
            )
    if options.api_port == options.konnectivity_port:
        raise InvalidInput(f"api_port and konnectivity_port are both {options.api_port}", "Choose two ports.")


def _check_choices(options: ControlPlaneOptions) -> None:
    choices = (
        ("service_type", options.service_type, _SERVICE_TYPES),
        ("spread", options.spread, _SPREADS),
        ("persistence.type", options.persistence.get("type"), _PERSISTENCE),
    )
    for name, value, known in choices:
        if value not in known:
            raise InvalidInput(f"{name} {value!r} is unknown", f"Use one of {', '.join(known)}.")


def _check_persistence(options: ControlPlaneOptions) -> None:
    needs = {"pvc": "persistentVolumeClaim", "hostPath": "hostPath"}.get(options.persistence["type"])
    if needs and not options.persistence.get(needs):
        raise InvalidInput(
            f"persistence of type {options.persistence['type']} lacks {needs}",
            f"Give persistence.{needs}, or use emptyDir: the state is in the database.",
        )


def _check_labels(options: ControlPlaneOptions) -> None:
    taken = [label for label in _SELECTOR_LABELS if label in options.labels]
    if taken:
        raise InvalidInput(
            f"The label {taken[0]} belongs to k0smotron, which selects the pods by it", "Choose another label."
        )


def _check_overlay(options: ControlPlaneOptions) -> None:
    """spec is merged last and unseen by the other checks: what they check must not come in through it."""
    for field in options.spec:
        if field in _STORAGE_FIELDS:
            raise InvalidInput(
                f"spec.{field} would change where the control plane keeps its state",
                "Use data_source_secret, and leave it out of spec.",
            )
    service = options.spec.get("service") or {}
    hidden = [f for f in _OWN_OPTIONS if f in options.spec] + [
        f"service.{f}" for f in _OWN_SERVICE_OPTIONS if f in service
    ]
    if hidden:
        raise InvalidInput(f"spec.{hidden[0]} would not be checked", "Use the option of its own instead.")
