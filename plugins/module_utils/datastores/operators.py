# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which Deployment is the controller of which operator, whatever it is called. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import zalando_operator
from ansible_collections.k0smotron.ha.plugins.module_utils.objects import Object


def is_operator(provider: str, deployment: Object) -> bool:
    """Whether this Deployment is the operator that runs databases of this provider, with or without a pod that is ready."""
    return _MARKS[provider](deployment)


def is_ready(deployment: Object) -> bool:
    """Whether it has a pod that is ready."""
    return bool((deployment.get("status") or {}).get("readyReplicas"))


def _zalando(deployment: Object) -> bool:
    """Its variables have names that others may use, too."""
    ours = any("postgres-operator" in str(container.get("image")) for container in _containers(deployment))
    return ours and bool(zalando_operator.find_operators([deployment]))


def _cloudnativepg(deployment: Object) -> bool:
    return "OPERATOR_IMAGE_NAME" in _variables(deployment) and "controller" in _words(deployment)


def _mariadb(deployment: Object) -> bool:
    return "MARIADB_OPERATOR_NAME" in _variables(deployment)


def _innodbcluster(deployment: Object) -> bool:
    return {"mysqloperator", "operator"} <= _words(deployment)


_MARKS: t.Mapping[str, t.Callable[[Object], bool]] = {
    "zalando": _zalando,
    "cloudnativepg": _cloudnativepg,
    "mariadb": _mariadb,
    "innodbcluster": _innodbcluster,
}


def _containers(deployment: Object) -> list[Object]:
    return list(deployment["spec"]["template"]["spec"].get("containers") or [])


def _variables(deployment: Object) -> set[str]:
    return {item["name"] for container in _containers(deployment) for item in container.get("env") or []}


def _words(deployment: Object) -> set[str]:
    return {
        word for item in _containers(deployment) for word in (*(item.get("command") or []), *(item.get("args") or []))
    }
