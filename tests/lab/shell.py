# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a program to its end."""

from __future__ import annotations

import subprocess
import typing as t

from .errors import LabError


def run(*argv: object, stdin: str | None = None, timeout: float = 60, env: t.Mapping[str, str] | None = None) -> str:
    """Run ``argv`` and return its standard output.

    Raises LabError with the program's last words when it fails or takes longer than ``timeout`` seconds.
    """
    words = [str(word) for word in argv]
    try:
        done = subprocess.run(
            words,
            input=stdin,
            stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
            env=None if env is None else dict(env),
        )
    except subprocess.TimeoutExpired as error:
        raise LabError(f"'{' '.join(words)}' did not end within {timeout:g} s.") from error
    except FileNotFoundError as error:
        raise LabError(f"The program '{words[0]}' is missing.") from error
    if done.returncode:
        last_words = (done.stderr.strip() or done.stdout.strip())[-2000:]
        raise LabError(f"'{' '.join(words)}' failed with status {done.returncode}: {last_words}")
    return done.stdout


def succeeds(*argv: object, timeout: float = 60) -> bool:
    """Whether ``argv`` ends with status 0; its output is dropped."""
    try:
        run(*argv, timeout=timeout)
    except LabError:
        return False
    return True
