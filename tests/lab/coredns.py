# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's DNS: CoreDNS for names of the cluster. It forwards nothing; other names are refused at once."""

from __future__ import annotations

import typing as t

from . import addresses

Json = dict[str, t.Any]
NAMESPACE = "kube-system"
NAME = "coredns"
LABELS = {"k8s-app": "kube-dns"}
SETTINGS = f"""\
.:53 {{
    errors
    health
    ready
    kubernetes {addresses.DNS_DOMAIN} in-addr.arpa ip6.arpa
    cache 30
    loadbalance
}}
"""


def objects(image: str, replicas: int) -> list[Json]:
    """Everything to apply, in order."""
    subject = {"kind": "ServiceAccount", "name": NAME, "namespace": NAMESPACE}
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": f"lab:{NAME}"}
    watch = ["list", "watch"]
    return [
        _object("v1", "ServiceAccount"),
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRole",
            "metadata": {"name": role["name"]},
            "rules": [
                {"apiGroups": [""], "resources": ["endpoints", "services", "pods", "namespaces"], "verbs": watch},
                {"apiGroups": ["discovery.k8s.io"], "resources": ["endpointslices"], "verbs": watch},
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": role["name"]},
            "roleRef": role,
            "subjects": [subject],
        },
        _object("v1", "ConfigMap", data={"Corefile": SETTINGS}),
        _object("apps/v1", "Deployment", spec=_deployment(image, replicas)),
        _service(),
    ]


def _object(api_version: str, kind: str, **content: t.Any) -> Json:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": NAME, "namespace": NAMESPACE}, **content}


def _service() -> Json:
    ports = [
        {"name": f"dns-{protocol.lower()}", "port": 53, "protocol": protocol, "targetPort": 53}
        for protocol in ("UDP", "TCP")
    ]
    metadata = {"name": "kube-dns", "namespace": NAMESPACE, "labels": LABELS}
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": metadata,
        "spec": {"clusterIP": addresses.DNS_SERVICE, "selector": LABELS, "ports": ports},
    }


def _deployment(image: str, replicas: int) -> Json:
    return {
        "replicas": replicas,
        "selector": {"matchLabels": LABELS},
        "template": {
            "metadata": {"labels": LABELS},
            "spec": {
                "serviceAccountName": NAME,
                "priorityClassName": "system-cluster-critical",
                "dnsPolicy": "Default",
                "tolerations": [{"operator": "Exists", "effect": "NoSchedule"}],
                "topologySpreadConstraints": [
                    {
                        "topologyKey": "kubernetes.io/hostname",
                        "maxSkew": 1,
                        "whenUnsatisfiable": "ScheduleAnyway",
                        "labelSelector": {"matchLabels": LABELS},
                    }
                ],
                "containers": [_container(image)],
                "volumes": [{"name": "settings", "configMap": {"name": NAME}}],
            },
        },
    }


def _container(image: str) -> Json:
    return {
        "name": NAME,
        "image": image,
        "args": ["-conf", "/etc/coredns/Corefile"],
        "ports": [{"containerPort": 53, "protocol": protocol} for protocol in ("UDP", "TCP")],
        "readinessProbe": {"httpGet": {"path": "/ready", "port": 8181}, "periodSeconds": 1},
        "livenessProbe": {"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": 10, "timeoutSeconds": 5},
        "volumeMounts": [{"name": "settings", "mountPath": "/etc/coredns", "readOnly": True}],
    }
