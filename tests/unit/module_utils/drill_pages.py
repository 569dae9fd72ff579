# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Certificates as a browser test and the unit tests want them: passed and not, long, without writes, with hostile words."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.drill import certificate, faults, oracle
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.measures import measure
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.records import Afterwards, Lag, Log, Moment
from tests.unit.module_utils.drill_logs import calm, changed

SUBJECT = {
    "control_plane": {"name": "team-a", "namespace": "team-a", "replicas": 3, "k0s_version": "v1.34.4-k0s.0"},
    "datastore": {"provider": "zalando", "name": "acid-a", "dsn": "postgres://kine:***@acid-a.dbs:5432/kine"},
    "fingerprint": "9ddd71938e5cd5ac18a6ca806375f6e9ab4e03ba957bd2455c6567ba8d7f60db",
}
HOSTILE = "</td></svg><script>document.title='owned'</script>\"'&<img src=http://192.0.2.1/x onerror=alert(1)>"
UNPRINTABLE = "null \0 bell \a lone \udce4 backwards \u202e end"


def issued(log: Log, afterwards: Afterwards, fault: str = "primary_killed") -> certificate.Certificate:
    """Return the certificate of a drill."""
    return certificate.issue(
        subject=SUBJECT,
        fault=faults.fault(fault),
        actions=[f"run on this host: {HOSTILE}"],
        load={
            "writers": 4,
            "rate": 20,
            "readers": 1,
            "watchers": 2,
            "retries": 0,
            "connect_seconds": 2.0,
            "request_seconds": 10.0,
        },
        findings=oracle.judge(log, afterwards),
        measures=measure(log),
        limits=certificate.Limits(10.0, None),
        log=log,
        when="2026-11-27T23:58:34+00:00",
    )


def passed() -> certificate.Certificate:
    """Return one of 40 seconds with some seconds in which no write was acknowledged."""
    log, afterwards = calm(rounds=150)
    log.fault_at = 10.05
    for number in range(51, 72):
        changed(log, number, outcome="unknown", version=None, error="TimeoutError: timed out")
    changed(log, 60, ended=log.writes[60].began + 3)
    log.lags += [Lag(second + 0.5, {"db-1": 900 * second, "db-2": 0}) for second in (*range(11), *range(15, 40))]
    log.moments += [Moment(10.5, "primary none"), Moment(11.0, "primary none yet"), Moment(14.0, "primary db-1")]
    return issued(log, afterwards)


def never_back() -> certificate.Certificate:
    """Return one in which no write was acknowledged any more after the fault, and some before it are lost."""
    log, afterwards = calm(rounds=150)
    log.fault_at = 10.05
    for number in range(51, len(log.writes)):
        changed(log, number, outcome="failed", version=None, error="ConnectionRefusedError: refused")
    return issued(log, Afterwards({}, [], [], afterwards.authority, afterwards.kine))


def long(seconds: int = 600) -> certificate.Certificate:
    """Return one that took long, with many moments."""
    found = passed()
    beat = found["timeline"][:10]
    found["seconds"] = float(seconds)
    found["timeline"] = [{**beat[second % 10], "second": second} for second in range(seconds)]
    found["moments"] = [{"at": float(at), "what": f"{at % 3} of 3 replicas ready"} for at in range(0, seconds, 7)]
    return found


def empty() -> certificate.Certificate:
    """Return one of clients that never did anything."""
    log = Log(fault_at=0.0, calm_at=0.0)
    return issued(log, Afterwards({}, [], [], ("a", "a"), []), "none")


def own() -> certificate.Certificate:
    """Return one of a fault that the user brought along."""
    return issued(*calm(), fault="command")


def elsewhere() -> certificate.Certificate:
    """Return one of a database that no known operator runs, and of a fault near the end."""
    found = passed()
    found["datastore"] = {"provider": None, "name": None, "dsn": None}
    found["fault"]["at"] = 39.0
    return found


def hostile() -> certificate.Certificate:
    """Return one whose every word wants to break the page."""
    bad = HOSTILE + UNPRINTABLE + "x" * 5000
    return t.cast("certificate.Certificate", _spoilt(never_back(), bad))


def _spoilt(value: t.Any, bad: str) -> t.Any:
    """The same with bad words in the place of all that came from elsewhere; outcomes and the ids of rules are our own."""
    if isinstance(value, dict):
        return {key: each if key in ("id", "outcome") else _spoilt(each, bad) for key, each in value.items()}
    if isinstance(value, list):
        return [_spoilt(each, bad) for each in value]
    return bad if isinstance(value, str) else value


def everything() -> dict[str, certificate.Certificate]:
    """Return all of them."""
    makers = (passed, never_back, long, empty, own, elsewhere, hostile)
    return {maker.__name__: maker() for maker in makers}
