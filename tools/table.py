# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table that ``make quickstart`` ends with. Pure: a summary in, text out."""

from __future__ import annotations

import shlex
import shutil
import typing as t

Summary = t.Mapping[str, t.Any]


def table(summary: Summary) -> str:
    """The summary that the playbooks write (roles/control_plane, tasks/summary.yml) as two aligned columns."""
    rows = list(_rows(summary))
    width = max(len(title) for title, _value in rows)
    lines = [f"{title.ljust(width)}  {value}" for title, value in rows]
    rule = "-" * max(map(len, lines))
    return "\n".join([rule, *lines, rule])


def _rows(summary: Summary) -> t.Iterator[tuple[str, str]]:
    database, checks, replicas = summary["database"], summary["checks"], summary["replicas"]
    yield "Control plane", f"{summary['control_plane']} in namespace {summary['namespace']}, {summary['k0s_version']}"
    yield "Replicas", f"{replicas.get('ready', 0)}/{replicas.get('wanted', 0)}, /readyz answered from each"
    yield "API URL", summary["api_url"]
    yield "Kubeconfig", summary["kubeconfig_path"]
    yield "Database", f"{database['name']} on {database['host']}"
    yield "Primary", _member(database["primary"])
    yield "Synchronous standby", _member(database["sync_standby"])
    yield "TLS", _tls(database["tls"])
    yield "Checks", f"{checks['passed']} passed, {checks['warnings']} warnings, {checks['failed']} failed"


def _member(member: t.Mapping[str, str]) -> str:
    """A database pod and the node it runs on."""
    return f"{member['pod']} on {member['node']}" if member else "none"


def _tls(tls: t.Mapping[str, t.Any]) -> str:
    """What kine_check saw on its own connection."""
    if not tls.get("used"):
        return "off"
    return f"{tls['version']}, {tls['cipher']}, {tls['verified'] or 'nothing'} verified"


def next_steps(summary: Summary, management_kubeconfig: str, path: str) -> str:
    """Three commands to copy; `kubectl` is named by its full path where the user's own PATH has none."""
    kubectl = "kubectl" if shutil.which("kubectl") else shlex.quote(shutil.which("kubectl", path=path) or "kubectl")
    kubeconfig = shlex.quote(summary["kubeconfig_path"])
    steps = [
        ("Use it", f"{kubectl} --kubeconfig {kubeconfig} get namespaces"),
        ("Prove it again, changing nothing", "make verify"),
    ]
    if summary["database"]["primary"]:
        namespace = summary["database"]["namespace"]
        managing = f"{kubectl} --kubeconfig {shlex.quote(management_kubeconfig)} --namespace {namespace}"
        kill = f"{managing} delete pod {summary['database']['primary']['pod']} --grace-period=0 --force"
        steps.append(("Kill the database's primary, then prove it again", f"{kill} && make verify"))
    return "\n".join(f"\n{number}. {title}:\n   {command}" for number, (title, command) in enumerate(steps, start=1))
