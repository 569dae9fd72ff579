# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""``python3 -m tests.lab``: a Kubernetes of several nodes on this machine, to try and to test the collection on."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import typing as t
from pathlib import Path

from . import addresses, elsewhere, extras, lifecycle, lock, nodeimages, outage, settings, status, teardown, worker
from .elsewhere.pair import Pair
from .errors import LabError
from .paths import State, default_root
from .progress import Progress

FAILED = 1


def up(state: State, options: argparse.Namespace) -> int:
    lifecycle.up(state, options.nodes, options.extras, Progress())
    print(f"The lab is running. export KUBECONFIG={state.kubeconfig}")
    return 0


def down(state: State, _options: argparse.Namespace) -> int:
    progress = Progress()
    with lock.locked(progress):
        lifecycle.require_owner(state)
        teardown.down(state, progress)
    return 0


def show_status(state: State, options: argparse.Namespace) -> int:
    report = status.with_memory(status.report(state))
    print(json.dumps(report.as_dict(), indent=1) if options.json else status.text(report))
    return report.code


def load(state: State, options: argparse.Namespace) -> int:
    progress = Progress()
    archives = [Path(archive).resolve() for archive in options.archives]
    found = [name for archive in archives for name in nodeimages.names(archive)]
    with lock.locked(progress), progress.step("load images"):
        nodeimages.load(state, archives)
    print("\n".join(found))
    return 0


def logs(state: State, options: argparse.Namespace) -> int:
    """Print the log files whose name begins with the one asked for, without one their names."""
    files = sorted(state.logs.glob(f"{options.name or ''}*.log"))
    if not files:
        raise LabError(f"There is no log '{options.name or ''}*' in {state.logs}.", "Without a name, logs lists them.")
    for file in files:
        print(f"==> {file} <==" if options.name else file.stem)
        if options.name:
            print("".join(file.read_text(errors="replace").splitlines(keepends=True)[-options.lines :]))
    return 0


ACTIONS: t.Mapping[str, t.Callable[[Pair], None]] = {
    "repair": Pair.ensure,
    "renew": Pair.renew,
    "fail-over": Pair.fail_over,
    "impersonate": Pair.impersonate,
}


def act_elsewhere(state: State, options: argparse.Namespace) -> int:
    """Let something happen to the servers of the extra `elsewhere`."""
    progress = Progress()
    with lock.locked(progress):
        if elsewhere.NAME not in settings.read(state).extras:
            raise LabError("This lab has no database servers elsewhere.", f"Get them: up --with {elsewhere.NAME}")
        with progress.step(f"{options.kind} elsewhere: {options.action}"):
            pair = elsewhere.PAIRS[options.kind](state)
            if options.action in ACTIONS:
                ACTIONS[options.action](pair)
            else:
                print(pair.sql(pair.answering, *options.statements))
    return 0


def act_worker(state: State, options: argparse.Namespace) -> int:
    """Let a worker join a hosted control plane, or take it away."""
    progress = Progress()
    with lock.locked(progress):
        if options.action == "down":
            worker.down(state)
            return 0
        if options.token_file is None:
            raise LabError("A worker needs a token to join.", "Give the file with it: worker up --token-file FILE")
        worker.up(state, options.token_file, progress)
    return 0


def act_outage(state: State, options: argparse.Namespace) -> int:
    """Let a node be gone for a while."""
    if options.action == outage.OVER:
        outage.over(state, options.node, Progress())
    else:
        outage.begin(state, options.action, options.node, options.seconds, Progress())
    return 0


def env(state: State, _options: argparse.Namespace) -> int:
    """Print what to eval in a shell to work with the lab."""
    programs = settings.read(state).programs
    if not programs:
        raise LabError("The lab is not running.", "Start it: up")
    print(f'export KUBECONFIG={shlex.quote(str(state.kubeconfig))} PATH={shlex.quote(programs)}:"$PATH"')
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python3 -m tests.lab", description=__doc__)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument("--state", type=Path, default=default_root(), help="state folder (default: %(default)s)")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    def command(
        function: t.Callable[[State, argparse.Namespace], int], name: str, text: str
    ) -> argparse.ArgumentParser:
        added = commands.add_parser(name, parents=[common], help=text)
        added.set_defaults(function=function)
        return added

    started = command(up, "up", "build what is missing, start the lab, repair it")
    started.add_argument("--nodes", type=_count, help=f"1 to {addresses.MOST_NODES} (default: 3)")
    started.add_argument(
        "--with",
        action="append",
        default=[],
        dest="extras",
        choices=[*extras.EXTRAS, extras.ALL],
        help="more than the usual; may be given several times; the lab keeps it",
    )
    command(down, "down", "stop the lab and remove all but the cache")
    command(show_status, "status", "0: well, 1: with problems, 3: not running").add_argument(
        "--json", action="store_true"
    )
    command(load, "load", "put container images on every node").add_argument(
        "archives", nargs="+", metavar="IMAGE.tar", help="OCI archive"
    )
    shown = command(logs, "logs", "print logs of the lab's own programs")
    shown.add_argument("name", nargs="?", help="such as apiserver or kubelet-n1")
    shown.add_argument("--lines", type=int, default=50, help="from the end (default: %(default)s)")
    acted = command(act_elsewhere, "elsewhere", "let something happen to the database servers beside the cluster")
    acted.add_argument("kind", choices=[*elsewhere.PAIRS])
    acted.add_argument(
        "action",
        choices=[*ACTIONS, "sql"],
        help="renew begins with empty servers; repair ends all others; sql asks whoever answers at the primary's address",
    )
    acted.add_argument("statements", nargs="*", metavar="SQL")
    joined = command(act_worker, "worker", "let a worker join a hosted control plane, or take it away")
    joined.add_argument("action", choices=["up", "down"], help="up with another token begins with an empty worker")
    joined.add_argument(
        "--token-file", type=Path, help="what k0s takes: the key `token` of a JoinTokenRequest's Secret"
    )
    gone = command(act_outage, "outage", "let a node be without power, or without network, for a while")
    gone.add_argument(
        "action", choices=[*outage.KINDS, outage.OVER], help="over: what an outage does by itself at its end"
    )
    gone.add_argument("node", metavar="NODE", help="such as n2")
    gone.add_argument("--seconds", type=_seconds, default=60, help=f"1 to {outage.MOST_SECONDS} (default: %(default)s)")
    command(env, "env", "print KUBECONFIG and PATH for a shell's eval")
    return top


def _count(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= addresses.MOST_NODES:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 to {addresses.MOST_NODES}")


def _seconds(text: str) -> int:
    if text.isdecimal() and 1 <= int(text) <= outage.MOST_SECONDS:
        return int(text)
    raise argparse.ArgumentTypeError(f"'{text}' is no number from 1 to {outage.MOST_SECONDS}")


def main() -> int:
    options = parser().parse_args()
    os.umask(0o022)  # pods' users must be able to read what is put into their volumes
    try:
        return t.cast(int, options.function(State(options.state.resolve()), options))
    except LabError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return FAILED
    except PermissionError as error:
        print(f"ERROR: {error}. The lab belongs to root: run this as root.", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
