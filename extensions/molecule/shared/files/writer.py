# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Writes ConfigMaps through an API server, ten a second, until a file appears; prints what came of them as JSON.

A request that is refused or not answered within ten seconds has failed: it is not tried again.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from kubernetes import client, config

KUBECONFIG, STOP = sys.argv[1:]
MOST_SECONDS = 600


def main() -> None:
    """Write until STOP exists."""
    config.load_kube_config(KUBECONFIG)
    api = client.CoreV1Api()
    api.api_client.rest_client.pool_manager.connection_pool_kw["retries"] = False
    acknowledged, failed = 0, []
    started = time.monotonic()
    while not Path(STOP).exists() and time.monotonic() - started < MOST_SECONDS:
        body = {"metadata": {"generateName": "writer-"}}
        try:
            api.create_namespaced_config_map("default", body, _request_timeout=10)
            acknowledged += 1
        except Exception as error:
            failed.append(f"{time.monotonic() - started:.1f} s: {type(error).__name__} {error}"[:200])
        time.sleep(0.1)
    print(json.dumps({"acknowledged": acknowledged, "failed": failed}))


if __name__ == "__main__":
    main()
