# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the module kine_check does: finds the DSNs, examines their databases side by side, and says what came of it."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
import threading
import typing as t
from concurrent.futures import ThreadPoolExecutor

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils import kine_check_file
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import postgres
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.deadline import Deadline
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examine import examine, unreadable
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.examined import Examined, counts_of, text_of
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.release import choose
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Report, shorten
from ansible_collections.k0smotron.ha.plugins.module_utils.kine_check_sources import Found, Source, once, sources

if t.TYPE_CHECKING:
    from ansible.module_utils.basic import AnsibleModule

    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.facts import Database
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

    Options: t.TypeAlias = t.Mapping[str, t.Any]
    Cluster: t.TypeAlias = t.Callable[[], Kube]

AT_ONCE = 100
# Each examination takes at most a quarter of the free slots, for a moment: three leave some to the control planes.
AT_ONCE_PER_SERVER = 3


def check(module: AnsibleModule, cluster: Cluster) -> dict[str, t.Any]:
    """Examine every database and return the module's result; the module fails when the findings ask for it."""
    params = module.params
    if params["report"]:
        kine_check_file.refuse(params["report"])
    examined = examine_all(params, once(cluster), module.check_mode)
    result = {"changed": False, **_result(examined, params["databases"] is not None)}
    if params["report"] and not module.check_mode:
        kine_check_file.write(module, params["report"], examined)
        result["report"] = params["report"]
    if any(each.report.failed(params["fail_on"]) for each in examined):
        module.fail_json(**result)
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
    turns = Turns()
    tasks = [
        functools.partial(_examined, options, source, number, cluster, turns)
        for number, (options, source) in enumerate(zip(wanted, found, strict=True), 1)
    ]
    if len(tasks) == 1:
        return [tasks[0]()]
    with ThreadPoolExecutor(min(len(tasks), AT_ONCE) or 1) as pool:
        return list(pool.map(lambda task: task(), tasks))


def options_of(params: Options) -> list[Options]:
    """Return the options of each database: its own, and the module's where it has none."""
    if params["databases"] is None:
        return [params]
    return [{**params, **{k: v for k, v in own.items() if v is not None}} for own in params["databases"]]


def _examined(options: Options, found: Found, number: int, cluster: Cluster, turns: Turns) -> Examined:
    target = shorten(dsns.mask(found.url)) if isinstance(found, Source) else ""
    name = options.get("name") or _name(options, found, number)
    if found is None:
        secret = options["secret"]
        words = f"The Secret {secret['namespace']}/{secret['name']} does not exist yet, so there is nothing to check."
        return Examined(name, target, Report(), words)
    if isinstance(found, HaError):
        return Examined(name, target, unreadable(found))
    with turns.of(found.url) as first, written(found.files) as files:
        files |= options["tls_files"]
        return Examined(name, target, _examine(found, {**options, "tls_files": files}, cluster, load=first))


@contextlib.contextmanager
def written(files: t.Mapping[str, str]) -> t.Iterator[dict[str, str]]:
    """Write what the pods' files hold, by their paths there, to files of this machine; their paths there and here."""
    with tempfile.TemporaryDirectory(prefix="kine-check-") as folder:
        here = {path: os.path.join(folder, f"{number}.pem") for number, path in enumerate(files)}
        for path, text in files.items():
            with open(here[path], "w", encoding="ascii") as file:
                file.write(text)
        yield here


def _name(options: Options, found: Found, number: int) -> str:
    if options["secret"]:
        return f"{options['secret']['namespace']}/{options['secret']['name']}"
    with contextlib.suppress(HaError, ValueError):
        if isinstance(found, Source):
            dsn = dsns.parse(found.url)
            return shorten(f"{','.join(map(str, dsn.hosts))}/{dsn.database}")
    return f"database {number}"


def _examine(source: Source, options: Options, cluster: Cluster, *, load: bool) -> Report:
    deadline = Deadline(options["timeout"])
    reacher = Reacher(options["reach"], cluster, source.namespace)
    limit = options["max_open_connections"]
    plan = Plan(
        control_planes=options["control_planes"],
        replicas=options["replicas"],
        max_open=source.max_open if limit is None else limit,
        samples=options["samples"],
        load=load,
        kine=choose(options["kine_version"], options["k0s_version"]),
        k0s=options["k0s_version"],
        expect=options["expect"],
        cluster_uid=options["cluster_uid"],
        ca_file=options["ca_file"] or source.ca_file,
    )

    def connect(dsn: dsns.Dsn) -> t.ContextManager[Database]:
        if dsn.scheme == "mysql":
            # Only here: its library is megabytes that most examinations do without.
            from ansible_collections.k0smotron.ha.plugins.module_utils.kine import mysql

            return mysql.connect(dsn, deadline, reacher, options["tls_files"], plan.ca_file)
        return postgres.connect(dsn, deadline, reacher, options["tls_files"])

    return examine(source.url, connect, plan)


class Turns:
    """Lets only so many examinations of one server's databases run at a time.

    What a server does under load is measured for the first of its databases, not for each.
    """

    def __init__(self, at_once: int = AT_ONCE_PER_SERVER) -> None:
        self._at_once = at_once
        self._lock = threading.Lock()
        self._servers: dict[str, threading.Semaphore] = {}

    @contextlib.contextmanager
    def of(self, url: str) -> t.Iterator[bool]:
        """Wait for the turn of the server that a DSN names; true for the first that asks."""
        server = _server(url)
        with self._lock:
            first = server not in self._servers
            turn = self._servers.setdefault(server, threading.Semaphore(self._at_once))
        with turn:
            yield first


def _server(url: str) -> str:
    with contextlib.suppress(HaError, ValueError):
        return ",".join(sorted(map(str, dsns.parse(url).hosts)))
    return ""  # it is going to be refused
