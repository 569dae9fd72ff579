# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module kine_check does: finds the DSNs, examines their databases side by side, and says what came of it."""

from __future__ import annotations

import contextlib
import datetime
import functools
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils import kine_check_turns, report_file
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examine import examine, unreadable
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examined import Examined, counts_of, text_of
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql_sessions import Sessions
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.page import page
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.release import choose
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Report, shorten
from ansible_collections.k0smotron.ha.plugins.module_utils.kine_check_sources import (
    Found,
    Source,
    once,
    sources,
    written,
)

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Database
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

    Options: t.TypeAlias = t.Mapping[str, t.Any]
    Cluster: t.TypeAlias = t.Callable[[], Kube]


def check(module: AnsibleModule, cluster: Cluster) -> dict[str, t.Any]:
    """Examine every database and return the module's result; the module fails when the findings ask for it."""
    params = module.params
    if params["report"]:
        report_file.refuse(params["report"])
    examined = examine_all(params, once(cluster), module.check_mode)
    result = {"changed": False, **_result(examined, params["databases"] is not None)}
    if params["report"] and not module.check_mode:
        when = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC")
        report_file.write(module, params["report"], page(examined, when))
        result["report"] = params["report"]
    if any(each.report.failed(params["fail_on"]) for each in examined):
        module.fail_json(**result)
    for each in examined:
        for warning in each.warnings():
            module.warn(warning)
    return result


def _result(examined: t.Sequence[Examined], is_list: bool) -> dict[str, t.Any]:
    if not is_list:
        return {"msg": examined[0].text(), **examined[0].report.as_dict()}
    databases = [each.as_dict() for each in examined]
    return {"msg": text_of(examined), "counts": counts_of(examined), "databases": databases}


def examine_all(params: Options, cluster: Cluster, check_mode: bool) -> list[Examined]:
    """Examine the databases that the options name, side by side, and return them in the order of the options.

    A source that cannot be read is a finding about that database where there are several, and an error otherwise.
    """
    wanted = options_of(params)
    for options in wanted:
        choose(options["kine_version"], options["k0s_version"])  # a version that cannot be is refused before all else
    found = sources(wanted, cluster, check_mode)
    if params["databases"] is None and isinstance(found[0], HaError):
        raise found[0]
    sessions = Sessions()
    examined = [
        _Examining(options, source, number, cluster, sessions)
        for number, (options, source) in enumerate(zip(wanted, found, strict=True), 1)
    ]
    servers: dict[str, list[kine_check_turns.Examination]] = {}
    for each in examined:
        if isinstance(each.found, Source):
            servers.setdefault(_server(each.found.url), []).append(functools.partial(each.examine, each.found))
    kine_check_turns.run_all(servers.values())
    return [each.examined() for each in examined]


def options_of(params: Options) -> list[Options]:
    """Return the options of each database: its own, and the module's where it has none."""
    if params["databases"] is None:
        return [params]
    return [{**params, **{k: v for k, v in own.items() if v is not None}} for own in params["databases"]]


class _Examining:
    """One database on its way: found is its source, or why there is none."""

    def __init__(self, options: Options, found: Found, number: int, cluster: Cluster, sessions: Sessions) -> None:
        self.found = found
        self._options = options
        self._number = number
        self._cluster = cluster
        self._sessions = sessions
        self._report = unreadable(found) if isinstance(found, HaError) else Report()

    def examine(self, source: Source, thorough: bool) -> Report:
        """Examine what was found, and keep the report."""
        with written(source.files) as files:
            options = {**self._options, "tls_files": files | self._options["tls_files"]}
            self._report = _examine(source, options, self._cluster, self._sessions, thorough=thorough)
        return self._report

    def examined(self) -> Examined:
        """Return what came of it, with its name."""
        target = shorten(dsns.mask(self.found.url)) if isinstance(self.found, Source) else ""
        name = self._options.get("name") or _name(self._options, self.found, self._number)
        note = _to_come(self._options["secret"]) if self.found is None else ""
        return Examined(name, target, self._report, note)


def _to_come(secret: t.Mapping[str, str]) -> str:
    return f"The Secret {secret['namespace']}/{secret['name']} does not exist yet, so there is nothing to check."


def _name(options: Options, found: Found, number: int) -> str:
    if options["secret"]:
        return f"{options['secret']['namespace']}/{options['secret']['name']}"
    with contextlib.suppress(HaError, ValueError):
        if isinstance(found, Source):
            dsn = dsns.parse(found.url)
            return shorten(f"{','.join(map(str, dsn.hosts))}/{dsn.database}")
    return f"database {number}"


def _examine(source: Source, options: Options, cluster: Cluster, sessions: Sessions, *, thorough: bool) -> Report:
    deadline = Deadline(options["timeout"])
    reacher = Reacher(options["reach"], cluster, source.namespace)
    limit, kine = options["max_open_connections"], choose(options["kine_version"], options["k0s_version"])
    plan = Plan(
        control_planes=options["control_planes"],
        replicas=options["replicas"],
        max_open=source.max_open if limit is None else limit,
        samples=options["samples"],
        thorough=thorough,
        kine=kine,
        k0s=options["k0s_version"],
        expect=options["expect"],
        cluster_uid=options["cluster_uid"],
        ca_file=options["ca_file"] or (source.ca_file if kine.reads_environment else ""),
    )

    def connect(dsn: dsns.Dsn) -> t.ContextManager[Database]:
        return opened(dsn, deadline, reacher, options["tls_files"], plan.ca_file, sessions)

    return examine(source.url, connect, plan)


def opened(
    dsn: dsns.Dsn, deadline: Deadline, reacher: Reacher, files: t.Mapping[str, str], ca_file: str, sessions: Sessions
) -> t.ContextManager[Database]:
    """Open the database that a DSN names, as kine would. Raises HaError."""
    # Only here: each driver is megabytes that examinations of the other database do without.
    if dsn.scheme == "mysql":
        from ansible_collections.k0smotron.ha.plugins.module_utils.kine import mysql

        return mysql.connect(dsn, deadline, reacher, files, ca_file, sessions)
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine import postgres

    return postgres.connect(dsn, deadline, reacher, files)


def _server(url: str) -> str:
    with contextlib.suppress(HaError, ValueError):
        return ",".join(sorted(map(str, dsns.parse(url).hosts)))
    return ""  # it is going to be refused
