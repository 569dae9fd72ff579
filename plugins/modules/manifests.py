#!/usr/bin/python
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ansible module: upstream manifests, applied, awaited, removed."""

from __future__ import annotations

DOCUMENTATION = r"""
module: manifests
short_description: Install upstream manifests and wait until they work
version_added: 0.1.0
description:
  - Reads Kubernetes manifests from URLs, files, folders or kustomizations, and applies them in the order that works.
    Namespaces and custom resource definitions come first, webhook configurations last.
  - Waits until what it installed really works, which is more than that its pods are available.
  - Applying a newer version of the same manifests is an upgrade in place. Objects that the newer version left out stay.
  - A Deployment that selects other pods than before is deleted and made anew, because Kubernetes never changes a selector.
    Before that, the new one is tried as a dry run.
  - Providers for Cluster API are refused when they are made for other versions of it than the one beside them, or else the
    installed one, serves. Of the installed one check mode only warns, because an earlier task may have predicted the upgrade
    that puts it right.
author:
  - k0smotron.ha contributors (@k0smotron-ha)
extends_documentation_fragment:
  - kubernetes.core.k8s_auth_options
  - k0smotron.ha.attributes
requirements:
  - cryptography >= 42, with O(certificates=self_signed)
options:
  source:
    description:
      - Where the manifests come from. Each is an V(http://) or V(https://) URL, a file, a folder of manifests,
        or a folder with a kustomization.
      - Files and folders are on the host that runs the task.
      - Plain V(http://), as a URL or anywhere in its redirects, needs a O(checksum), unless it is loopback. Anybody on the way
        could change what is applied.
    type: list
    elements: str
    required: true
  providers:
    description:
      - Sources that a later task installs, with providers for the Cluster API of O(source). They are only read, and refused
        before anything is applied when they are made for other versions of Cluster API than it will serve.
    type: list
    elements: str
    default: []
    version_added: 0.2.0
  checksum:
    description:
      - The SHA-256 that a source must have, by source. A source that is not listed is not checked.
      - That of a URL or file is over its bytes. That of a folder or kustomization is over its sorted content;
        RV(checksums) tells it.
    type: dict
    default: {}
  variables:
    description:
      - Values for manifests that are written for C(clusterctl), where V(${NAME}), V(${NAME:=default}) and V(${NAME:-default})
        stand for them. Without a value, or with an empty one, the default holds; one without either is an error.
      - Left out, every V($) stays as it is. Give V({}) to take all defaults.
      - The O(checksum) of a folder or kustomization is that of its content with these values.
    type: dict
    version_added: 0.2.0
  namespace:
    description:
      - For objects that need a namespace and name none.
    type: str
    default: default
  images:
    description:
      - Images to use instead of the ones in the manifests, from the upstream image to yours.
      - The key may be the whole image, the image without its tag, or the last part of its name.
      - An image without a tag keeps the upstream tag.
    type: dict
    default: {}
  config_maps:
    description:
      - Keys to set in the data of the manifests' ConfigMaps, by the ConfigMap's name. A null removes a key.
      - The workloads of the manifests restart when these ConfigMaps change, because operators read them only at start.
    type: dict
    default: {}
  certificates:
    description:
      - Who makes the webhook certificates that the manifests ask cert-manager for.
      - V(auto) takes cert-manager where the cluster has it, and V(self_signed) where not.
      - V(self_signed) makes them here, writes them to the Secret that the manifests name, and the authority into every
        webhook that trusts it. They last ten years, and a run in the last third of that time renews them.
      - V(none) leaves cert-manager's objects out and makes nothing.
    type: str
    choices: [auto, cert_manager, self_signed, none]
    default: auto
  probe:
    description:
      - An object that the API server is asked to take, as a dry run, until the webhooks answer. It is never stored.
    type: dict
  answers:
    description:
      - A path of a Service that has to answer before the installation counts as working, asked through the API server.
    type: dict
    suboptions:
      service:
        description: Name of the Service.
        type: str
        required: true
      namespace:
        description: Its namespace.
        type: str
        required: true
      port:
        description: Its port.
        type: int
        required: true
      path:
        description: The path, such as V(/readyz).
        type: str
        default: /
  kubectl:
    description:
      - The program that renders kustomizations, C(kubectl) or C(kustomize). Looked for on E(PATH) by default.
    type: path
  download_timeout:
    description:
      - How many seconds a download may stall.
    type: int
    default: 30
  state:
    description:
      - V(present) installs or upgrades. V(absent) deletes in reverse order.
    type: str
    choices: [present, absent]
    default: present
  wait:
    description:
      - Wait until workloads are rolled out and the O(probe) passes, or with O(state=absent) until each object is gone.
    type: bool
    default: true
  wait_timeout:
    description:
      - Seconds after which waiting fails, with the last event and log line of what is not up.
      - Custom resource definitions are awaited in any case, because what comes after them needs them.
    type: int
    default: 300
  remove_namespaces:
    description:
      - With O(state=absent), also delete the Namespaces of the manifests, and everything else that is in them.
    type: bool
    default: false
  remove_crds:
    description:
      - With O(state=absent), also delete the custom resource definitions. Refused while objects of them exist; in check mode a
        warning, because an earlier task may have predicted that they go.
    type: bool
    default: false
  remove_crds_with_objects:
    description:
      - Names of custom resource definitions that O(remove_crds) may delete together with all their objects.
    type: list
    elements: str
    default: []
seealso:
  - module: k0smotron.ha.cluster
"""

EXAMPLES = r"""
- name: Install k0smotron from a mirror
  k0smotron.ha.manifests:
    source:
      - https://mirror.example.com/k0smotron/v1.10.7/install-standalone.yaml
    images:
      quay.io/k0sproject/k0smotron: registry.example.com/k0smotron
    probe:
      apiVersion: k0smotron.io/v1beta1
      kind: Cluster
      metadata:
        name: probe
        namespace: k0smotron

- name: Install the Postgres operator from files, with safer settings
  k0smotron.ha.manifests:
    source:
      - manifests/postgresql.crd.yaml
      - manifests/configmap.yaml
      - manifests/operator-service-account-rbac.yaml
      - manifests/postgres-operator.yaml
      - manifests/api-service.yaml
    config_maps:
      postgres-operator:
        enable_persistent_volume_claim_deletion: false

- name: Remove k0smotron, keep its custom resource definitions
  k0smotron.ha.manifests:
    source:
      - https://mirror.example.com/k0smotron/v1.10.7/install-standalone.yaml
    state: absent
"""

RETURN = r"""
objects:
  description: Every object of the manifests and what happened to it, in the order of the work.
  returned: success
  type: list
  elements: dict
  contains:
    api_version:
      description: The object's API version.
      type: str
    kind:
      description: The object's kind.
      type: str
    namespace:
      description: The object's namespace; null for one that lives in none.
      type: str
    name:
      description: The object's name.
      type: str
    action:
      description: V(create), V(patch), V(delete) or V(none).
      type: str
checksums:
  description: The SHA-256 of each source, as O(checksum) takes it.
  returned: success
  type: dict
certificates:
  description: Who makes the webhook certificates, V(none) when the manifests ask for none.
  returned: success
  type: str
"""

import typing as t

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.k0smotron.ha.plugins.module_utils import (
    manifests,
    manifests_apply,
    manifests_source,
    provider_contract,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Change, Kube, changes_result
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_module import run

CRD = "CustomResourceDefinition"
OTHER_RELEASE = "Install the releases of both that fit each other"

ARGUMENT_SPEC: dict[str, t.Any] = {
    "source": {"type": "list", "elements": "str", "required": True},
    "providers": {"type": "list", "elements": "str", "default": []},
    "checksum": {"type": "dict", "default": {}},
    "variables": {"type": "dict"},
    "namespace": {"type": "str", "default": "default"},
    "images": {"type": "dict", "default": {}},
    "config_maps": {"type": "dict", "default": {}},
    "certificates": {"type": "str", "choices": ["auto", "cert_manager", "self_signed", "none"], "default": "auto"},
    "probe": {"type": "dict"},
    "answers": {
        "type": "dict",
        "options": {
            "service": {"type": "str", "required": True},
            "namespace": {"type": "str", "required": True},
            "port": {"type": "int", "required": True},
            "path": {"type": "str", "default": "/"},
        },
    },
    "kubectl": {"type": "path"},
    "download_timeout": {"type": "int", "default": 30},
    "remove_namespaces": {"type": "bool", "default": False},
    "remove_crds": {"type": "bool", "default": False},
    "remove_crds_with_objects": {"type": "list", "elements": "str", "default": []},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "wait": {"type": "bool", "default": True},
    "wait_timeout": {"type": "int", "default": 300},
}


def main() -> t.NoReturn:
    """Run the module."""
    run(ARGUMENT_SPEC, act)


def act(module: AnsibleModule, kube: Kube) -> dict[str, t.Any]:
    """Read the sources, then bring the cluster to the wanted state."""
    params = module.params
    loaded, later = load(params, params["source"]), load(params, params["providers"])
    providers = [obj for one in later for obj in one.objects]
    objects = manifests_apply.placed(kube, [obj for one in loaded for obj in one.objects], params["namespace"])
    mode = manifests_apply.certificate_mode(kube, params["certificates"], objects)
    if params["state"] == "present":
        refuse_contract(kube, objects, providers, module.warn)
        changes = present(kube, params, mode, objects)
    else:
        changes = absent(kube, params, objects, module.warn)
    return {
        **changes_result(changes),
        "objects": [record(change) for change in changes if change.before or change.after],
        "checksums": {one.source: one.sha256 for one in loaded},
        "certificates": mode,
    }


def load(params: t.Mapping[str, t.Any], sources: list[str]) -> list[manifests_source.Manifests]:
    """All sources, before anything is changed."""
    return [
        manifests_source.load(
            source,
            expected_sha256=params["checksum"].get(source),
            kubectl=params["kubectl"],
            timeout=params["download_timeout"],
            variables=params["variables"],
        )
        for source in sources
    ]


def refuse_contract(kube: Kube, objects: list[Object], providers: list[Object], warn: t.Callable[[str], None]) -> None:
    """Raise InvalidInput for providers that cannot work with the Cluster API beside them, or else the installed one.

    In check mode the installed one is only a warning: an earlier task may have predicted the upgrade that puts it right.
    """
    wanted = list(filter(provider_contract.is_provider, [*objects, *providers]))
    installed = provider_contract.core_among(objects)
    core = installed or (kube.get("apiextensions.k8s.io/v1", CRD, provider_contract.CORE_CRD) if wanted else None)
    mismatch = (
        provider_contract.mismatch(wanted, core, "to be installed" if installed else "in this cluster")
        if core
        else None
    )
    if mismatch and kube.check_mode and not installed:
        warn(f"{mismatch}. {OTHER_RELEASE}.")
    elif mismatch:
        raise InvalidInput(mismatch, OTHER_RELEASE)


def present(
    kube: Kube, params: t.Mapping[str, t.Any], mode: manifests_apply.Mode, objects: list[Object]
) -> list[Change]:
    """Apply and wait."""
    objects = manifests.replace_images(objects, params["images"])
    objects = manifests.override_config_maps(objects, params["config_maps"])
    objects = manifests.restarted_on_change(objects, params["config_maps"])
    objects = manifests.without_aggregated_rules(objects)
    objects = manifests_apply.with_certificates(kube, mode, objects)
    changes = manifests_apply.install(kube, objects, wait_timeout=params["wait_timeout"])
    if params["wait"] and not kube.check_mode:
        proofs = manifests_apply.Proofs(probe=params["probe"], answers=params["answers"])
        manifests_apply.wait_until_works(kube, objects, proofs, params["wait_timeout"])
    return changes


def absent(
    kube: Kube, params: t.Mapping[str, t.Any], objects: list[Object], warn: t.Callable[[str], None]
) -> list[Change]:
    """Delete what may go."""
    allowed = manifests_apply.Removal(
        namespaces=params["remove_namespaces"],
        crds=params["remove_crds"],
        crds_with_objects=frozenset(params["remove_crds_with_objects"]),
    )
    objects = manifests_apply.with_secrets(objects)
    timeout = params["wait_timeout"] if params["wait"] else 0
    return manifests_apply.remove(kube, objects, allowed, warn, wait_timeout=timeout)


def record(change: Change) -> dict[str, t.Any]:
    """One entry of the result's objects."""
    obj = change.after or change.before
    return {
        "api_version": obj.get("apiVersion"),
        "kind": obj.get("kind"),
        "namespace": obj.get("metadata", {}).get("namespace"),
        "name": obj.get("metadata", {}).get("name"),
        "action": change.action,
    }


if __name__ == "__main__":
    main()
