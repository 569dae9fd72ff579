# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands in for cert-manager in upstream manifests. PURE: which certificates they want, and where their CA belongs."""

from __future__ import annotations

import base64
import copy
import dataclasses
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.certificates import Bundle
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object
from ansible_collections.k0smotron.ha.plugins.module_utils.manifests import WEBHOOK_KINDS

CERT_MANAGER_GROUP = "cert-manager.io/"
# cert-manager's ca-injector reads it: `<namespace>/<Certificate>` whose authority goes into caBundle.
INJECT_ANNOTATION = "cert-manager.io/inject-ca-from"
MANAGED_BY = {"app.kubernetes.io/managed-by": "k0smotron.ha"}
SECRET_KEYS = {"ca": "ca.crt", "certificate": "tls.crt", "key": "tls.key"}


@dataclasses.dataclass(frozen=True)
class Wanted:
    """A certificate that the manifests want: its Certificate object (namespace, name), Secret and names to serve."""

    namespace: str
    name: str
    secret: str
    dns_names: tuple[str, ...]

    @property
    def key(self) -> str:
        """As the inject annotation names it."""
        return f"{self.namespace}/{self.name}"


def is_cert_manager(obj: t.Mapping[str, t.Any]) -> bool:
    """Whether an object is one of cert-manager's own kinds."""
    return str(obj["apiVersion"]).startswith(CERT_MANAGER_GROUP)


def wanted(objects: t.Iterable[Object]) -> list[Wanted]:
    """The certificates that the manifests ask cert-manager for. Raises InvalidInput for one without DNS names."""
    return [_wanted(obj) for obj in objects if is_cert_manager(obj) and obj["kind"] == "Certificate"]


def _wanted(obj: Object) -> Wanted:
    spec, metadata = obj["spec"], obj["metadata"]
    if not spec.get("dnsNames"):
        raise InvalidInput(
            f"Certificate {metadata['name']} names no dnsNames, so it cannot be made here",
            "Use certificates=cert_manager",
        )
    return Wanted(metadata["namespace"], metadata["name"], spec["secretName"], tuple(spec["dnsNames"]))


def without_cert_manager(
    objects: t.Iterable[Object], bundles: t.Mapping[str, Bundle], certificates: t.Sequence[Wanted]
) -> list[Object]:
    """The manifests with Secrets in place of cert-manager's objects, and the CA in every webhook that wants it.

    bundles: by Wanted.key.
    """
    kept = [_with_ca(obj, bundles) for obj in objects if not is_cert_manager(obj)]
    return [secret(one, bundles[one.key]) for one in certificates] + kept


def secret(certificate: Wanted, bundle: Bundle) -> Object:
    """The Secret as cert-manager would make it."""
    texts = {SECRET_KEYS[field]: text for field, text in dataclasses.asdict(bundle).items()}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": certificate.secret, "namespace": certificate.namespace, "labels": dict(MANAGED_BY)},
        "type": "kubernetes.io/tls",
        "data": {key: _base64(text) for key, text in texts.items()},
    }


def bundle_in(live_secret: t.Mapping[str, t.Any] | None) -> Bundle | None:
    """The Bundle that a Secret holds, as far as it holds one; whether it can be used is another question."""
    data = (live_secret or {}).get("data") or {}
    try:
        return Bundle(
            **{field: base64.b64decode(data[key], validate=True).decode() for field, key in SECRET_KEYS.items()}
        )
    except (KeyError, ValueError):
        return None


def _with_ca(obj: Object, bundles: t.Mapping[str, Bundle]) -> Object:
    annotations = obj["metadata"].get("annotations") or {}
    bundle = bundles.get(annotations.get(INJECT_ANNOTATION, ""))
    if bundle is None:
        return obj
    result = copy.deepcopy(obj)
    # Left in place it would invite a cert-manager that is installed later to overwrite our CA.
    del result["metadata"]["annotations"][INJECT_ANNOTATION]
    for client in _client_configs(result):
        client["caBundle"] = _base64(bundle.ca)
    return result


def _client_configs(obj: Object) -> list[Object]:
    """Every place in an object where the API server looks for a webhook's CA."""
    if obj["kind"] in WEBHOOK_KINDS:
        return [webhook["clientConfig"] for webhook in obj.get("webhooks") or []]
    conversion = (obj.get("spec") or {}).get("conversion") or {}
    return [conversion["webhook"]["clientConfig"]] if conversion.get("strategy") == "Webhook" else []


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
