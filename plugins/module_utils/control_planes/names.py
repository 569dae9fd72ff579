# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names that k0smotron gives to a control plane's parts. Pure.

The same in k0smotron 1.10 and 2.1 (its Cluster type's Get...Name functions).
"""

from __future__ import annotations

import hashlib
import typing as t

NAME_LIMIT = 63
_SERVICE_SUFFIX: t.Mapping[str, str] = {"ClusterIP": "", "NodePort": "-nodeport", "LoadBalancer": "-lb"}


def short_name(name: str) -> str:
    """Names over 63 characters are cut to 57 and get five digits of the MD5 of the whole name."""
    if len(name) <= NAME_LIMIT:
        return name
    digest = hashlib.md5(name.encode(), usedforsecurity=False).hexdigest()
    return f"{name[: NAME_LIMIT - 6]}-{digest[:5]}"


def statefulset_name(name: str) -> str:
    """The StatefulSet that runs the replicas of control plane ``name``."""
    return short_name(f"kmc-{name}")


def pod_names(name: str, replicas: int) -> list[str]:
    """The pods of a control plane, in order."""
    return [f"{statefulset_name(name)}-{index}" for index in range(replicas)]


def service_name(name: str, service_type: str) -> str:
    """The Service of a control plane; the name depends on its type."""
    return short_name(f"kmc-{name}{_SERVICE_SUFFIX[service_type]}")


def kubeconfig_secret(name: str) -> str:
    """The Secret with the administrator's kubeconfig, under the key ``value``."""
    return f"{name}-kubeconfig"


def endpoint_config_map(name: str) -> str:
    """The ConfigMap that k0smotron adds to spec.manifests of a control plane with an outside address."""
    return short_name(f"kmc-{name}-endpoint")


def pod_labels(name: str) -> dict[str, str]:
    """Labels that every replica has."""
    return {"app": "k0smotron", "cluster": name, "component": "cluster"}


def pod_selector(name: str) -> str:
    """Label selector of the replicas."""
    return ",".join(f"{key}={value}" for key, value in pod_labels(name).items())
