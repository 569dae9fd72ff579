# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the DSNs to examine come from: given as they are, or from the Secrets of control planes, in few API calls."""

from __future__ import annotations

import base64
import binascii
import concurrent.futures
import contextlib
import os
import tempfile
import threading
import typing as t
from dataclasses import dataclass, field, replace

from ansible_collections.k0smotron.ha.plugins.module_utils import database_ca
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import DATA_SOURCE_KEY, Dsn, completed, parse
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Forbidden, HaError, InvalidInput, NotFound

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube_changes import Object

T = t.TypeVar("T")

POOL_KEY = "KINE_KINE_DATASTORE_MAX_OPEN_CONNECTIONS"
# The Secrets that k0smotron.ha.datasource_secret writes.
OURS = "app.kubernetes.io/managed-by=k0smotron.ha"


@dataclass(frozen=True, repr=False)
class Source:
    """A DSN, the connection limit that goes with it (0: none), and the namespace of the control plane if known.

    ca_file is kine's own --ca-file as the Secret sets it, "" without one. files: path in the control plane's pods ->
    what it holds there.
    """

    url: str
    max_open: int = 0
    namespace: str = ""
    ca_file: str = ""
    files: t.Mapping[str, str] = field(default_factory=dict)

    def dsn(self) -> Dsn:
        """The DSN as kine completes it. Raises InvalidInput."""
        return completed(parse(self.url), self.ca_file)


class Place(t.NamedTuple):
    """Which Secret."""

    namespace: str
    name: str


Found: t.TypeAlias = "Source | HaError | None"


def sources(wanted: t.Sequence[t.Mapping[str, t.Any]], cluster: t.Callable[[], Kube], check_mode: bool) -> list[Found]:
    """Return for each of the options (url or secret) its source, or the error that there is instead of it.

    None stands for a Secret that a run before this one would have made, in check mode.
    """
    places = [None if each["url"] is not None else _place(each["secret"]) for each in wanted]
    secrets = read_all({place for place in places if place}, cluster)
    return [
        _with_authorities(_source(place, secrets[place], check_mode), place, each, cluster)
        if place
        else Source(each["url"])
        for each, place in zip(wanted, places, strict=True)
    ]


def _with_authorities(
    found: Found, place: Place, options: t.Mapping[str, t.Any], cluster: t.Callable[[], Kube]
) -> Found:
    """The source with the file that it verifies the database by, when k0smotron.ha.datasource_secret wrote that.

    Not where the options say that it is here: whoever may read the Secret need not be allowed to read the ConfigMap.
    """
    if not isinstance(found, Source) or _file_named(found) != database_ca.PATH:
        return found
    if database_ca.PATH in (options.get("tls_files") or {}):
        return found
    name = database_ca.config_map_name(place.name)
    try:
        config_map = cluster().get("v1", "ConfigMap", name, place.namespace)
        if config_map is None:
            return NotFound(
                f"There is no ConfigMap {place.namespace}/{name} with the authorities that the database is verified by",
                "Write it and the Secret again with k0smotron.ha.datasource_secret, or name the file in tls_files.",
            )
        text = (config_map.get("data") or {}).get(database_ca.KEY, "")
        where = f"{database_ca.KEY} of the ConfigMap {place.namespace}/{name}"
        return replace(found, files={database_ca.PATH: database_ca.require_certificates(text, where)})
    except HaError as error:
        return error


def _file_named(source: Source) -> str:
    with contextlib.suppress(HaError):
        return database_ca.named_by(parse(source.url), source.ca_file)
    return ""  # the check of the DSN tells what is wrong with it


def _place(secret: t.Mapping[str, str]) -> Place:
    return Place(secret["namespace"], secret["name"])


def _source(place: Place, secret: Object | HaError | None, check_mode: bool) -> Found:
    if isinstance(secret, HaError) or (secret is None and check_mode):
        return secret
    if secret is None:
        return NotFound(
            f"There is no Secret {place.name} in namespace {place.namespace}",
            "Create it with k0smotron.ha.datasource_secret; it must be in the namespace of the control plane.",
        )
    try:
        return read_secret(secret.get("data") or {}, place.name, place.namespace)
    except HaError as error:
        return error


def read_all(places: t.Collection[Place], cluster: t.Callable[[], Kube]) -> dict[Place, Object | HaError | None]:
    """Read Secrets: one request for all of ours in a namespace that several are wanted of, one for each other."""
    if not places:
        return {}
    try:
        kube = cluster()
    except HaError as error:
        return dict.fromkeys(places, error)
    listed: dict[Place, Object] = {}
    for namespace in sorted({place.namespace for place in places}):
        if sum(place.namespace == namespace for place in places) > 1:
            listed |= _listed(kube, namespace)
    return {place: listed[place] if place in listed else _one(kube, place) for place in sorted(places)}


def _listed(kube: Kube, namespace: str) -> dict[Place, Object]:
    """Nothing where listing is forbidden: reading single Secrets may be allowed all the same."""
    with contextlib.suppress(Forbidden):
        secrets = kube.list("v1", "Secret", namespace, OURS)
        return {Place(namespace, secret["metadata"]["name"]): secret for secret in secrets}
    return {}


def _one(kube: Kube, place: Place) -> Object | HaError | None:
    try:
        return kube.get("v1", "Secret", place.name, place.namespace)
    except HaError as error:
        return error


def read_secret(data: t.Mapping[str, str], name: str, namespace: str) -> Source:
    """Read the DSN and kine's connection limit from the data of a Secret. Raises InvalidInput."""
    texts = {
        key: _decoded(data[key], key, name) for key in (DATA_SOURCE_KEY, POOL_KEY, database_ca.KINE_FLAG) if key in data
    }
    if not texts.get(DATA_SOURCE_KEY):
        raise InvalidInput(
            f"The Secret {namespace}/{name} has no key {DATA_SOURCE_KEY}",
            "k0smotron reads the DSN from this key only.",
        )
    limit = texts.get(POOL_KEY, "0")
    if not limit.isdecimal():
        raise InvalidInput(
            f"{POOL_KEY} in the Secret {namespace}/{name} is not a number", "kine would not start with it."
        )
    return Source(texts[DATA_SOURCE_KEY], int(limit), namespace, texts.get(database_ca.KINE_FLAG, ""))


def _decoded(value: str, key: str, name: str) -> str:
    try:
        return base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        raise InvalidInput(f"{key} in the Secret {name} is not UTF-8 text", "Write it again.") from None


@contextlib.contextmanager
def written(files: t.Mapping[str, str]) -> t.Iterator[dict[str, str]]:
    """Write what the pods' files hold, by their paths there, to files of this machine; their paths there and here."""
    with tempfile.TemporaryDirectory(prefix="kine-check-") as folder:
        here = {path: os.path.join(folder, f"{number}.pem") for number, path in enumerate(files)}
        for path, text in files.items():
            with open(here[path], "w", encoding="ascii") as file:
                file.write(text)
        yield here


def once(make: t.Callable[[], T]) -> t.Callable[[], T]:
    """Return make for several threads: it is called once, and what it returned or raised is the answer to all."""
    lock = threading.Lock()
    future: concurrent.futures.Future[T] = concurrent.futures.Future()

    def made() -> T:
        with lock:
            if not future.done():
                try:
                    future.set_result(make())
                except BaseException as error:  # also the SystemExit of fail_json, which must not be called twice
                    future.set_exception(error)
        return future.result()

    return made
