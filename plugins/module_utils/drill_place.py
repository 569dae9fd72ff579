# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The drill's own namespace in the hosted cluster: made, looked through afterwards, and removed, also one of a killed drill."""

from __future__ import annotations

import concurrent.futures
import contextlib
import http.client
import secrets
import time
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.drill import script
from ansible_collections.k0smotron.ha.plugins.module_utils.drill_load import NO_ANSWER, Address, Connection, ask
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Conflict, WaitTimeout

PREFIX = "k0smotron-ha-drill-"
NAMESPACES = "/api/v1/namespaces"
ALIVE_SECONDS = 3.0
"""A drill that runs writes several times in this time."""
READ_BACK_SECONDS = 120.0
READERS = 4


def clean(address: Address) -> list[str]:
    """Remove what drills left that were killed. Raises Conflict when one of them still writes; nothing is removed then."""
    left = leftovers(address)
    if not left:
        return []
    before = {name: _keys(address, name) for name in left}
    time.sleep(ALIVE_SECONDS)
    running = [name for name in left if _keys(address, name) != before[name]]
    if running:
        raise Conflict(
            f"Another drill writes to this control plane now, in its namespace {running[0]}", "Wait for its end"
        )
    for name in left:
        remove(address, name)
    return left


def leftovers(address: Address) -> list[str]:
    """The namespaces of drills, but for those that are going already."""
    found = ask(address, "GET", f"{NAMESPACES}?labelSelector={script.LABEL}")["items"]
    return [item["metadata"]["name"] for item in found if "deletionTimestamp" not in item["metadata"]]


def make(address: Address) -> str:
    """A namespace for a drill; its name."""
    name = PREFIX + secrets.token_hex(4)
    metadata = {"name": name, "labels": {script.LABEL: "true"}}
    ask(address, "POST", NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    return name


def remove(address: Address, name: str) -> None:
    """Delete it; the hosted cluster takes its objects away in its own time."""
    ask(address, "DELETE", f"{NAMESPACES}/{name}")


def read_back(address: Address, namespace: str, keys: t.Iterable[str]) -> dict[str, str]:
    """The value of each key that is there, and of each object that nobody asked for, from the database.

    An API server answers a list from its memory, but a GET like these never. Raises WaitTimeout.
    """
    until = time.monotonic() + READ_BACK_SECONDS
    names = sorted({*keys, *_keys(address, namespace)})
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        shares = pool.map(lambda first: _values(address, namespace, names[first::READERS], until), range(READERS))
        return {key: value for share in shares for key, value in share.items()}


def _values(address: Address, namespace: str, names: t.Sequence[str], until: float) -> dict[str, str]:
    with contextlib.closing(Connection(address)) as connection:
        found = {name: _value(connection, f"{NAMESPACES}/{namespace}/configmaps/{name}", until) for name in names}
    return {name: value for name, value in found.items() if value is not None}


def _keys(address: Address, namespace: str) -> set[str]:
    items = ask(address, "GET", f"{NAMESPACES}/{namespace}/configmaps").get("items", [])
    return {item["metadata"]["name"] for item in items if script.is_ours(item["metadata"]["name"])}


def _value(connection: Connection, path: str, until: float) -> str | None:
    while time.monotonic() < until:
        with contextlib.suppress(*NO_ANSWER):
            status, found = connection.ask("GET", path)
            if status in (http.client.OK, http.client.NOT_FOUND):
                return str(found["data"]["value"]) if status == http.client.OK else None
        time.sleep(1)
    raise WaitTimeout(f"{path} could not be read back within {READ_BACK_SECONDS:.0f} s, so nobody knows what was lost")
