# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes ConfigMaps through an API server, ten a second, until a file appears; then reads them all back. Prints JSON:

- ``acknowledged``: how many writes were answered with a yes; ``lost``: the names of those that are not there at the end
- ``failed``: the others, each with its time and error. A request that is refused or not answered within ten seconds has
  failed and is not tried again; ``unknown`` counts those of them that are there at the end all the same
- ``retried``: why writes were sent a second time, PAUSE seconds later: their connection failed, or the server says that it did
  nothing and is to be asked again (``Retry-After``, as when it shuts down); none are unless asked for
- ``longest_gap``: the most seconds between two acknowledged writes, the time from the last one to the end included
"""

from __future__ import annotations

import itertools
import json
import sys
import time
import uuid
from pathlib import Path

from kubernetes import client, config
from kubernetes.client.exceptions import ApiException
from urllib3.exceptions import HTTPError

NAMESPACE = "default"
WARM = 20
MOST_SECONDS = 1800
READ_BACK_SECONDS = 60
# What an API server that shuts down asks for. Who is faster may be sent there again: nodes need a moment to learn of it.
PAUSE = 1.0


def main(kubeconfig: str, stop: Path, retry: bool) -> None:
    """Write until ``stop`` exists; ``stop``.warm is made once WARM writes were acknowledged."""
    config.load_kube_config(kubeconfig)
    api = client.CoreV1Api()
    api.api_client.rest_client.pool_manager.connection_pool_kw["retries"] = False
    run = uuid.uuid4().hex[:8]
    acknowledged: list[str] = []
    failed: dict[str, str] = {}
    retried: list[str] = []
    started = last = time.monotonic()
    longest_gap = 0.0
    for number in itertools.count():
        now = time.monotonic()
        if stop.exists():
            break
        if now - started > MOST_SECONDS:
            sys.exit(f"nobody stopped the writing within {MOST_SECONDS} s")
        name = f"writer-{run}-{number}"
        try:
            try:
                write(api, name)
            except (HTTPError, ApiException) as error:
                if not (retry and is_worth_another(error)):
                    raise
                retried.append(f"{now - started:.1f} s: {type(error).__name__} {error}"[:200])
                time.sleep(PAUSE)
                write_again(api, name)
            acknowledged.append(name)
            longest_gap = max(longest_gap, time.monotonic() - last)
            last = time.monotonic()
            if len(acknowledged) == WARM:
                stop.with_name(f"{stop.name}.warm").touch()
        except Exception as error:
            failed[name] = f"{now - started:.1f} s: {type(error).__name__} {error}"[:200]
        time.sleep(0.1)
    longest_gap = max(longest_gap, time.monotonic() - last)
    until = time.monotonic() + READ_BACK_SECONDS
    seen = {
        "acknowledged": len(acknowledged),
        "lost": [name for name in acknowledged if not is_there(api, name, until)],
        "failed": list(failed.values()),
        "unknown": sum(is_there(api, name, until) for name in failed),
        "retried": retried,
        "longest_gap": round(longest_gap, 1),
    }
    print(json.dumps(seen))


def write(api: client.CoreV1Api, name: str) -> None:
    """One write; raises ApiException when it is refused, that or urllib3's HTTPError when the connection fails."""
    api.create_namespaced_config_map(NAMESPACE, {"metadata": {"name": name}}, _request_timeout=10)


def is_worth_another(error: HTTPError | ApiException) -> bool:
    """Whether a client would send the same again: as client-go, also what was refused with Retry-After."""
    # Where TLS breaks off, Kubernetes' client raises an ApiException without an answer.
    return isinstance(error, HTTPError) or error.status == 0 or "Retry-After" in (error.headers or {})


def write_again(api: client.CoreV1Api, name: str) -> None:
    """The same write; that it is there already is what the first attempt was to reach."""
    try:
        write(api, name)
    except ApiException as error:
        if error.status != 409:
            raise


def is_there(api: client.CoreV1Api, name: str, until: float) -> bool:
    """Whether the database has it: an API server answers a list from its memory, but a GET like this one never."""
    while True:
        try:
            api.read_namespaced_config_map(name, NAMESPACE, _request_timeout=10)
            return True
        except Exception as error:
            if isinstance(error, ApiException) and error.status == 404:
                return False
            if time.monotonic() > until:
                raise
        time.sleep(1)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), retry=sys.argv[3:] == ["retry"])
