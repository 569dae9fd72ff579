# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks every replica of a hosted control plane for /readyz, and whether what it tells its clients is so.

Nothing upstream says this: `k0s status`, and with it the pods' Ready condition, does not look at the database, and
k0smotron's own conditions follow the Service, not each replica (seen with k0smotron 2.1.0 and its database cut off).
"""

from __future__ import annotations

import base64
import binascii
import concurrent.futures
import contextlib
import dataclasses
import typing as t

with contextlib.suppress(ImportError):  # kube_module.run() reports it: the kubernetes library needs PyYAML as well
    import yaml

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import mask_text
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.replica_memory import Get, deaf, inconsistent
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import texts

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

Readyz: t.TypeAlias = dict[str, bool | str]
Question: t.TypeAlias = t.Callable[[Get, str], bool | str]
"""What one replica is asked, by its way to answer and its pod's name: True, or what is wrong in a sentence. May raise HaError."""

# A replica whose database hangs holds the request; the API server's own limit for one health check is longer.
ANSWER_SECONDS = 10.0
MOST_AT_ONCE = 8
LONGEST_ANSWER = 300
WRITTEN_AGAIN = (
    "Wait until k0smotron has written it again; a changed annotation of the control plane makes it look at once"
)
"""What to do about a kubeconfig Secret. Not to delete it: k0smotron 2.1 then fails where the DSN stands in the clear."""


@dataclasses.dataclass(frozen=True)
class Administrator:
    """Who may ask, and whom to believe: PEM texts out of a kubeconfig."""

    ca: str
    cert: str
    key: str = dataclasses.field(repr=False)


def administrator(kubeconfig: str) -> Administrator:
    """The certificates of the current context of a kubeconfig. Raises InvalidInput, without a word of its content."""
    try:
        config = yaml.safe_load(kubeconfig)
        context = named(config["contexts"], config["current-context"])["context"]
        cluster = named(config["clusters"], context["cluster"])["cluster"]
        user = named(config["users"], context["user"])["user"]
        return Administrator(
            ca=_pem(cluster["certificate-authority-data"]),
            cert=_pem(user["client-certificate-data"]),
            key=_pem(user["client-key-data"]),
        )
    except (yaml.YAMLError, KeyError, TypeError, StopIteration, binascii.Error, UnicodeDecodeError):
        raise InvalidInput(
            "The control plane's kubeconfig holds no client certificate that can be read",
            WRITTEN_AGAIN,
        ) from None


def named(entries: list[dict[str, t.Any]], name: str) -> dict[str, t.Any]:
    """The one of a kubeconfig's clusters, contexts or users that has this name. Raises StopIteration where none has."""
    return next(entry for entry in entries if entry["name"] == name)


def _pem(data: str) -> str:
    return base64.b64decode(data, validate=True).decode()


def well(get: Get, pod: str) -> bool | str:
    """Its /readyz says ok and its watches are fed."""
    status, body = get("/readyz?verbose")
    if status != 200:
        return f"/readyz says {status}: {failed_checks(body)}"
    return deaf(get, pod) or True


def faithful(get: Get, pod: str) -> bool | str:
    """Its memory is what the database holds, as far as it has found out itself. Takes a megabyte or two of metrics."""
    return inconsistent(get, pod) or True


def ask_each(
    kube: Kube,
    namespace: str,
    pods: t.Sequence[str],
    port: int,
    kubeconfig_secret: str,
    server_name: str,
    question: Question = well,
) -> Readyz:
    """What each pod answers to a question.

    Never raises: a sick replica is an answer. server_name is a name that the replicas' certificate carries. All pods are
    asked side by side.
    """
    try:
        who = administrator_in(kube, namespace, kubeconfig_secret)
    except HaError as error:
        return dict.fromkeys(pods, str(error))
    if not pods:
        return {}

    def answer(pod: str) -> bool | str:
        try:
            return question(way_to(kube, namespace, pod, port, who, server_name), pod)
        except HaError as error:
            return error.message

    with concurrent.futures.ThreadPoolExecutor(min(MOST_AT_ONCE, len(pods))) as pool:
        return dict(zip(pods, pool.map(answer, pods), strict=True))


def administrator_in(kube: Kube, namespace: str, name: str) -> Administrator:
    """Of the kubeconfig that k0smotron keeps in a Secret. Raises InvalidInput while there is none."""
    secret = kube.get("v1", "Secret", name, namespace)
    if secret is None:
        raise InvalidInput(f"k0smotron has not written the Secret {name} yet, which it does once a replica is ready")
    return administrator(texts(secret).get("value", ""))


def way_to(
    kube: Kube, namespace: str, pod: str, port: int, who: Administrator, server_name: str, accept: str = "*/*"
) -> Get:
    """How to ask one replica itself, past the Service. Raises HaError when it does not answer in time."""

    def get(path: str) -> tuple[int, str]:
        return kube.https(
            "GET",
            namespace,
            pod,
            port,
            path,
            ca=who.ca,
            cert=who.cert,
            key=who.key,
            server_name=server_name,
            timeout=ANSWER_SECONDS,
            accept=accept,
        )

    return get


def failed_checks(body: str) -> str:
    """The failing lines of a verbose /readyz answer, such as `etcd failed: reason withheld`, in one line."""
    failing = [line.removeprefix("[-]") for line in body.splitlines() if line.startswith("[-]")]
    return mask_text("; ".join(failing) or " ".join(body.split()))[:LONGEST_ANSWER]
