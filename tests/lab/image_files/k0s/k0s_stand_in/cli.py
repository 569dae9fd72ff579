# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The subcommands that k0smotron and its users call."""

from __future__ import annotations

import argparse
import os
import sys
import typing as t

from . import paths

if t.TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str]) -> None:
    """Run one command. Imports are made where they are used: `k0s status` is a probe with a second to answer."""
    options, ignored = parser().parse_known_args(arguments)
    if ignored:
        print(f"The k0s stand-in ignores {' '.join(ignored)}.", file=sys.stderr)
    try:
        options.run(options)
    except paths.StandInError as error:
        sys.exit(f"Error: {error}")


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="k0s", description="Stand-in for k0s: real kine and Kubernetes, k0s's commands.")
    commands = top.add_subparsers(required=True)
    _command(commands, "version", version)
    _command(commands, "status", status)
    controller_ = _command(commands, "controller", controller)
    controller_.add_argument("--config", default="/etc/k0s/k0s.yaml")
    controller_.add_argument("--enable-dynamic-config", nargs="?", const="true")  # accepted: nothing here changes live
    kubeconfigs = commands.add_parser("kubeconfig").add_subparsers(required=True)
    create = _command(kubeconfigs, "create", kubeconfig_create)
    create.add_argument("user")
    create.add_argument("--groups", default="")
    tokens = commands.add_parser("token").add_subparsers(required=True)
    create = _command(tokens, "create", token_create)
    create.add_argument("--role", default="worker", choices=("worker", "controller"))
    create.add_argument("--expiry", default="0s")
    _command(tokens, "invalidate", token_invalidate).add_argument("ids", nargs="+")
    _command(commands, "kubectl", kubectl).add_argument("arguments", nargs=argparse.REMAINDER)
    return top


def _command(group: t.Any, name: str, run: t.Callable[[argparse.Namespace], None]) -> argparse.ArgumentParser:
    command: argparse.ArgumentParser = group.add_parser(name)
    command.set_defaults(run=run)
    return command


def version(_options: argparse.Namespace) -> None:
    print(os.environ["K0S_VERSION"])


def status(_options: argparse.Namespace) -> None:
    """Exit code 0 once the API has answered, and from then on while k0s runs: it says nothing about the database."""
    if not paths.controller_runs():
        raise paths.StandInError("k0s is not running, or its API server has not answered yet")
    print(f"Version: {os.environ['K0S_VERSION']}\nProcess ID: {paths.PID_FILE.read_text()}\nRole: controller")


def controller(options: argparse.Namespace) -> None:
    from . import controller

    sys.exit(controller.run(options.config))


def kubeconfig_create(options: argparse.Namespace) -> None:
    from . import config, kubeconfig

    print(kubeconfig.for_user(config.running().external_url, options.user, options.groups.split(",")))


def token_create(options: argparse.Namespace) -> None:
    from . import config, tokens

    print(tokens.create(config.running().external_url, options.role, options.expiry))


def token_invalidate(options: argparse.Namespace) -> None:
    from . import tokens

    for token_id in options.ids:
        tokens.invalidate(token_id)


def kubectl(options: argparse.Namespace) -> None:
    os.execvp("kubectl", ["kubectl", f"--kubeconfig={paths.PKI / 'admin.conf'}", *options.arguments])  # noqa: S606 (no shell wanted)
