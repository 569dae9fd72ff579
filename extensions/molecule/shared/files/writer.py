# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes ConfigMaps through an API server, ten a second, until a file appears; then reads them all back. Prints JSON:

- ``acknowledged``: how many writes were answered with a yes; ``lost``: the names of those that are not there at the end
- ``failed``: the others, each with its time and error. A request that is refused or not answered within ten seconds has
  failed and is not tried again; ``unknown`` counts those of them that are there at the end all the same
- ``longest_gap``: the most seconds between two acknowledged writes, the time from the last one to the end included
"""

from __future__ import annotations

import itertools
import json
import sys
import time
import typing as t
import uuid
from pathlib import Path

from kubernetes import client, config

KUBECONFIG, STOP = sys.argv[1:]
NAMESPACE = "default"
WARM = 20
MOST_SECONDS = 600
READ_BACK_SECONDS = 60


def main() -> None:
    """Write until STOP exists; STOP.warm is made once WARM writes were acknowledged."""
    config.load_kube_config(KUBECONFIG)
    api = client.CoreV1Api()
    api.api_client.rest_client.pool_manager.connection_pool_kw["retries"] = False
    run = uuid.uuid4().hex[:8]
    acknowledged: list[str] = []
    failed: dict[str, str] = {}
    started = last = time.monotonic()
    longest_gap = 0.0
    for number in itertools.count():
        now = time.monotonic()
        if Path(STOP).exists() or now - started > MOST_SECONDS:
            break
        name = f"writer-{run}-{number}"
        try:
            api.create_namespaced_config_map(NAMESPACE, body(name, run), _request_timeout=10)
            acknowledged.append(name)
            longest_gap = max(longest_gap, time.monotonic() - last)
            last = time.monotonic()
            if len(acknowledged) == WARM:
                Path(f"{STOP}.warm").touch()
        except Exception as error:
            failed[name] = f"{now - started:.1f} s: {type(error).__name__} {error}"[:200]
        time.sleep(0.1)
    longest_gap = max(longest_gap, time.monotonic() - last)
    found = read_back(api, run)
    seen = {
        "acknowledged": len(acknowledged),
        "lost": sorted(set(acknowledged) - found),
        "failed": list(failed.values()),
        "unknown": len(found & failed.keys()),
        "longest_gap": round(longest_gap, 1),
    }
    print(json.dumps(seen))


def body(name: str, run: str) -> dict[str, t.Any]:
    """A ConfigMap that is found again by the run that wrote it."""
    return {"metadata": {"name": name, "labels": {"writer": run}}}


def read_back(api: client.CoreV1Api, run: str) -> set[str]:
    """The names of what is there: from the database, not from the API server's memory."""
    until = time.monotonic() + READ_BACK_SECONDS
    while True:
        try:
            found = api.list_namespaced_config_map(NAMESPACE, label_selector=f"writer={run}", _request_timeout=30)
            return {item.metadata.name for item in found.items}
        except Exception:
            if time.monotonic() > until:
                raise
        time.sleep(1)


if __name__ == "__main__":
    main()
