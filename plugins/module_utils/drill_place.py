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
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError

PREFIX = "k0smotron-ha-drill-"
NAMESPACES = "/api/v1/namespaces"
READ_BACK_SECONDS = 120.0
READ_BACK_SECONDS_A_KEY = 0.05
READERS = 4


def clean(address: Address) -> None:
    """Remove what drills left that were killed; whoever calls this knows that no other one runs."""
    found = ask(address, "GET", f"{NAMESPACES}?labelSelector={script.LABEL}%3Dtrue")["items"]
    for metadata in (item["metadata"] for item in found):
        if metadata["name"].startswith(PREFIX) and "deletionTimestamp" not in metadata:
            remove(address, metadata["name"])


def make(address: Address) -> str:
    """A namespace for a drill; its name."""
    name = PREFIX + secrets.token_hex(4)
    metadata = {"name": name, "labels": {script.LABEL: "true"}}
    ask(address, "POST", NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})
    return name


def remove(address: Address, name: str) -> None:
    """Delete it; the hosted cluster takes its objects away in its own time."""
    ask(address, "DELETE", f"{NAMESPACES}/{name}")


def read_back(address: Address, namespace: str, keys: t.Iterable[str]) -> tuple[dict[str, str], list[str]]:
    """The value of each key that is there, and of each object that nobody asked for; and what could not be read in time.

    An API server answers a list from its memory, but a GET like these never.
    """
    listed = _keys(address, namespace, time.monotonic() + READ_BACK_SECONDS)
    names = sorted({*keys, *(listed or ())})
    until = time.monotonic() + READ_BACK_SECONDS + READ_BACK_SECONDS_A_KEY * len(names)
    with concurrent.futures.ThreadPoolExecutor(READERS) as pool:
        shares = pool.map(lambda first: _values(address, namespace, names[first::READERS], until), range(READERS))
        found = {key: value for share in shares for key, value in share.items()}
    unread = [] if listed is not None else ["the list of all objects"]
    unread += [name for name in names if name not in found]
    return {key: value for key, value in found.items() if value is not None}, unread


def _keys(address: Address, namespace: str, until: float) -> set[str] | None:
    """What is there by the API server's list; None when it does not answer in time."""
    while time.monotonic() < until:
        with contextlib.suppress(HaError):
            items = ask(address, "GET", f"{NAMESPACES}/{namespace}/configmaps").get("items", [])
            return {item["metadata"]["name"] for item in items if script.is_ours(item["metadata"]["name"])}
        time.sleep(1)
    return None


def _values(address: Address, namespace: str, names: t.Sequence[str], until: float) -> dict[str, str | None]:
    """The value of each name, None where there is nothing; those that could not be read are left out."""
    found: dict[str, str | None] = {}
    with contextlib.closing(Connection(address)) as connection:
        for name in names:
            while time.monotonic() < until:
                with contextlib.suppress(*NO_ANSWER):
                    status, answer = connection.ask("GET", f"{NAMESPACES}/{namespace}/configmaps/{name}")
                    if status in (http.client.OK, http.client.NOT_FOUND):
                        found[name] = str(answer["data"]["value"]) if status == http.client.OK else None
                        break
                time.sleep(1)
    return found
