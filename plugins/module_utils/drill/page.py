# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The certificate of a drill for people: one self-contained page of HTML. Pure."""

from __future__ import annotations

import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils.drill.page_pictures import timeline_picture
from ansible_collections.k0smotron.ha.plugins.module_utils.report_page.frame import (
    LONGEST_NAME,
    document,
    facts,
    safe,
)

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.drill.certificate import Certificate

SHORT_FINGERPRINT = 12
_TIMES = (
    ("write_gap", "Longest gap between acknowledged writes"),
    ("write_back", "Fault to the end of that gap"),
    ("read_gap", "Longest gap between answered reads"),
    ("read_back", "Fault to the end of that gap"),
    ("watch_gap", "Longest gap between events of a watch"),
    ("watch_lag", "Longest time from a write's acknowledgement to its event"),
    ("write_p50", "Half of the acknowledged writes took at most"),
    ("write_p99", "99 of 100 acknowledged writes took at most"),
)
_NEVER = {"write_back", "read_back"}
"""What has no value when there was no success any more."""


def page(certificate: Certificate) -> str:
    """Return the whole page of a certificate."""
    return document(
        f"failover_drill: {_name(certificate, LONGEST_NAME)}",
        _header(certificate),
        "".join(part(certificate) for part in (_facts, _picture, _loss, _times, _rules, _errors)),
    )


def _name(certificate: Certificate, longest: int) -> str:
    found = certificate["control_plane"]
    return safe(f"{found['namespace']}/{found['name']}", longest)


def _header(certificate: Certificate) -> str:
    style, words = ("ok", "✓ passed") if certificate["passed"] else ("fail", "✗ did not pass")
    against = "".join(f"<li>{safe(reason)}</li>" for reason in certificate["why_not"])
    return f"""<h1>{_name(certificate, LONGEST_NAME)}</h1>
<p class="dim">Failover drill of a control plane, {safe(_when(certificate))}, by k0smotron.ha.failover_drill.</p>
<p class="verdict"><span class="status {style}">{words}</span></p>
{f"<ul>{against}</ul>" if against else ""}"""


def _when(certificate: Certificate) -> str:
    return str(certificate["when"]).replace("T", " ").replace("+00:00", " UTC")


def _facts(certificate: Certificate) -> str:
    plane, store, load = certificate["control_plane"], certificate["datastore"], certificate["load"]
    by = f" ({safe(store['provider'], LONGEST_NAME)})" if store["provider"] else ""
    found = facts(
        (
            (
                "Control plane",
                f"{_many(plane['replicas'], 'replica')}, k0s {safe(plane['k0s_version'] or 'unknown', LONGEST_NAME)}",
            ),
            ("Datastore", f"{safe(store['name'] or 'not run by an operator known here', LONGEST_NAME)}{by}"),
            ("DSN", f"<code>{safe(store['dsn'] or '')}</code>" if store["dsn"] else ""),
            (
                "Fault",
                safe(
                    f"{certificate['fault']['title']} ({certificate['fault']['id']}), at {certificate['fault']['at']:.1f} s"
                ),
            ),
            ("Command", f"<code>{safe(_command(certificate))}</code>" if _command(certificate) else ""),
            (
                "Load",
                f"{_many(load['writers'], 'writer')}, {_many(load['rate'], 'write')} a second together, "
                f"{_many(load['readers'], 'reader')}, {_many(load['watchers'], 'watcher')}",
            ),
            ("Clients", _patience(certificate)),
            ("Configuration", f"<code>{safe(certificate['fingerprint'][:SHORT_FINGERPRINT])}</code>"),
        )
    )
    return f"{found}\n"


def _command(certificate: Certificate) -> str:
    """What the user's own fault was; other faults say by their names what they do."""
    fault = certificate["fault"]
    return "; ".join(fault["actions"]) if fault["id"] == "command" else ""


def _patience(certificate: Certificate) -> str:
    load = certificate["load"]
    waits = f"wait {load['connect_seconds']:g} s for a connection and {load['request_seconds']:g} s for an answer; "
    if not load["retries"]:
        return f"{waits}never try a request again"
    seen = certificate["measures"]
    return (
        f"{waits}try a request once more, at once and over a new connection: "
        f"{_many(seen['writes_twice'], 'write')} and {_many(seen['reads_twice'], 'read')} here"
    )


def _many(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _picture(certificate: Certificate) -> str:
    at = certificate["fault"]["at"]
    moments = "".join(
        f"<li>{moment['at']:.1f} s ({_relative(moment['at'] - at)}): {safe(moment['what'])}</li>\n"
        for moment in certificate["moments"]
    )
    return f"""<figure><h2>What clients saw</h2>{timeline_picture(certificate)}
<figcaption>Gray is the longest gap in acknowledged writes; green is its end. The scales of times, events and \
bytes are logarithmic; where the last has no bar, nobody knows. Dashed and numbered is what changed meanwhile:</figcaption>
<ol class="moments">{moments}</ol></figure>
"""


def _relative(seconds: float) -> str:
    return f"{abs(seconds):.1f} s {'before' if seconds < 0 else 'after'} the fault"


def _loss(certificate: Certificate) -> str:
    return f'<section aria-labelledby="loss"><h2 id="loss">Data loss (RPO)</h2><p>{loss(certificate)}</p></section>\n'


def loss(certificate: Certificate) -> str:
    """Return how many acknowledged writes are lost, and what so many writes tell about those to come."""
    count = next((rule["count"] for rule in certificate["rules"] if rule["id"] == "lost"), 0)
    trials, bound = certificate["measures"]["acknowledged"], certificate["measures"]["loss_bound"]
    if not trials or bound is None:
        return "No write was acknowledged, so nothing could be lost, and nothing is shown."
    lost = f"{count} of {trials} acknowledged writes lost"
    if count:
        return f"<strong>{lost} ({_percent(count / trials)}).</strong>"
    return (
        f"<strong>{lost}.</strong> With 95 % confidence fewer than {_percent(bound)} are lost under this fault "
        f"(about 3 in {trials}): more would have shown themselves among so many. Several drills together say more."
    )


def _percent(share: float) -> str:
    value = 100 * share
    return f"{value:.0f} %" if value >= 10 else f"{value:.2g} %"


def _times(certificate: Certificate) -> str:
    rows = "".join(_time(certificate, name, title) for name, title in _TIMES)
    return f"""<table class="times">
<caption>Time to recover (RTO)</caption>
<thead><tr><th scope="col">What</th><th scope="col" class="number">Seen</th>\
<th scope="col" class="number">Allowed</th></tr></thead>
<tbody>{rows}</tbody>
</table>
"""


def _time(certificate: Certificate, name: str, title: str) -> str:
    seen, limit = certificate["measures"][name], certificate["limits"].get(name)
    style = "" if limit is None else f" status {'ok' if seen <= limit else 'fail'}"
    words = (
        ("never" if name in _NEVER else "none") if seen is None else f"{seen:.3g} s" if seen < 10 else f"{seen:.1f} s"
    )
    allowed = "" if name not in certificate["limits"] else "any" if limit is None else f"{limit:g} s"
    return (
        f'<tr><th scope="row">{title}</th><td class="number{style}">{words}</td>'
        f'<td class="number">{allowed}</td></tr>\n'
    )


def _rules(certificate: Certificate) -> str:
    rows = "".join(
        f'<tr><td class="status {"ok" if rule["ok"] else "fail"}">{"✓ ok" if rule["ok"] else "✗ failed"}</td>'
        f'<th scope="row">{safe(rule["title"])}</th><td>{_against(rule)}</td></tr>\n'
        for rule in certificate["rules"]
    )
    return f"""<table class="checks rules">
<caption>What must hold</caption>
<thead><tr><th scope="col" class="first">Status</th><th scope="col" class="second">Rule</th>\
<th scope="col">Observed</th></tr></thead>
<tbody>{rows}</tbody>
</table>
"""


def _against(rule: t.Mapping[str, t.Any]) -> str:
    return "" if rule["ok"] else f"{rule['count']}: {safe(rule['observed'])}"


def _errors(certificate: Certificate) -> str:
    if not certificate["errors"]:
        return ""
    rows = "".join(map(_error, certificate["errors"]))
    return f"""<table class="errors">
<caption>What clients were told, the most frequent first</caption>
<thead><tr><th scope="col" class="number">Times</th><th scope="col" class="outcome">Write</th>\
<th scope="col">Error</th></tr></thead>
<tbody>{rows}</tbody>
</table>
"""


def _error(error: t.Mapping[str, t.Any]) -> str:
    return (
        f'<tr><td class="number">{error["count"]}</td><td class="outcome">{safe(error["outcome"])}</td>'
        f"<td>{safe(error['error'])}</td></tr>\n"
    )
