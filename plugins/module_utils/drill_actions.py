# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The actions of a fault: told in words, tried without effect, done, and undone."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import typing as t

from ansible_collections.k0smotron.ha.plugins.module_utils import drill_operator, drill_promotion
from ansible_collections.k0smotron.ha.plugins.module_utils.drill.faults import (
    Action,
    Command,
    Delete,
    Pod,
    Promote,
    Run,
    Stop,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import mask_text
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput, NotFound, WaitTimeout
from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube, Ref
from ansible_collections.k0smotron.ha.plugins.module_utils.verdict import Verdict

SHOWN = 400
"""Characters of what a command said, from the end."""
UNDO_SECONDS = 60.0
"""How long a container in which something has to be undone may take to run again."""


def words(action: Action) -> str:
    """What it does, for people."""
    if isinstance(action, Command):
        return f"run on this host: {_shown(action)}"
    if isinstance(action, Stop):
        return f"scale Deployment {action.deployment.namespace}/{action.deployment.name} to 0 until the fault is over"
    if isinstance(action, Promote):
        return f"ask the operator of {action.instance.namespace}/{action.database} to let {action.instance.name} lead"
    if isinstance(action, Delete):
        return f"delete pod {_name(action.pod)} with {action.grace_seconds} s of grace"
    return f"run in pod {_name(action.pod)}: {' '.join(action.command)}"


def rehearse(kube: Kube, action: Action) -> None:
    """Raise HaError for an action that is not allowed or not possible; nothing happens."""
    if isinstance(action, Command):
        if shutil.which(action.argv[0]) is None:
            raise InvalidInput(
                f"fault_command begins with {action.argv[0]}, and there is no such program on this host",
                "No shell looks at it: give each word by itself, the program first",
            )
    elif isinstance(action, Stop):
        drill_operator.rehearse(kube, action.deployment)
    elif isinstance(action, Promote):
        drill_promotion.promote(kube, action, dry_run=True)
    elif isinstance(action, Delete):
        Kube(kube.client, check_mode=True).delete([_reference(action.pod)])
    else:
        kube.exec(action.pod.namespace, action.pod.name, action.rehearsal, action.container)


def act(kube: Kube, action: Action) -> None:
    """Do it. Raises HaError when it was not done: a drill without its fault would prove nothing."""
    if isinstance(action, Command):
        _command(action)
    elif isinstance(action, Stop):
        drill_operator.stop(kube, action.deployment)
    elif isinstance(action, Promote):
        drill_promotion.promote(kube, action)
    elif isinstance(action, Delete):
        changes = kube.delete([_reference(action.pod)], grace_seconds=action.grace_seconds)
        if not any(change.changed for change in changes):
            raise NotFound(f"The pod {_name(action.pod)} went by itself, so the drill has no fault", "Run it again")
    else:
        _run(kube, action)


def undo(kube: Kube, action: Action) -> None:
    """What does not end by itself."""
    if isinstance(action, Stop):
        drill_operator.start(kube, action.deployment)
    elif isinstance(action, Run) and action.undo:
        _undo(kube, action)


def tidy(kube: Kube, leftovers: t.Iterable[Run]) -> None:
    """Take away what a killed drill has left, as far as this one may and the pods run."""
    for each in leftovers:
        with contextlib.suppress(HaError):
            _run(kube, each)


def _undo(kube: Kube, action: Run) -> None:
    """Also in a container that starts again only now."""

    def undone() -> Verdict:
        try:
            kube.exec(action.pod.namespace, action.pod.name, action.undo, action.container)
        except HaError as error:
            return Verdict(False, error.message)
        return Verdict(True, "undone")

    try:
        kube.wait(undone, UNDO_SECONDS)
    except WaitTimeout as error:
        raise HaError(
            f"What the drill did in pod {_name(action.pod)} could not be undone: {error.message}",
            f"Run there, in container {action.container}: {action.undo[-1]}",
        ) from error


def _run(kube: Kube, action: Run) -> None:
    output = kube.exec(action.pod.namespace, action.pod.name, action.command, action.container)
    if action.failure and action.failure in output:
        raise HaError(f"{action.command[0]} in pod {_name(action.pod)} did not do it: {output.strip()}")


def _command(action: Command) -> None:
    """With a group of its own, so that nothing of it outlives its time; it says what it has to say to a file."""
    with tempfile.TemporaryFile() as said:
        try:
            process = subprocess.Popen(
                action.argv, stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True
            )
        except OSError as error:
            raise HaError(f"fault_command could not be run: {error}") from error
        try:
            code = process.wait(action.seconds)
        except subprocess.TimeoutExpired as error:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise WaitTimeout(
                f"fault_command did not end within {action.seconds} s and was killed: {_shown(action)}{_last_words(said)}",
                "Look what it has done, and give it a longer fault_seconds",
            ) from error
        if code != 0:
            raise HaError(
                f"fault_command ended with {code}, so the drill has no fault: {_shown(action)}{_last_words(said)}",
                "Look what it has done before the next drill",
            )


def _shown(action: Command) -> str:
    return mask_text(shlex.join(action.argv))


def _last_words(said: t.IO[bytes]) -> str:
    said.seek(0)
    text = mask_text(said.read().decode(errors="replace").strip())[-SHOWN:]
    return f": {text}" if text else ""


def _reference(pod: Pod) -> Ref:
    return Ref("v1", "Pod", pod.name, pod.namespace)


def _name(pod: Pod) -> str:
    return f"{pod.namespace}/{pod.name}"
