# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs real kine on a database, is an API server to it, and puts what it did into words that are the same each time."""

from __future__ import annotations

import contextlib
import re
import subprocess
import tempfile
import time
import typing as t
from pathlib import Path

from tests.integration import oracle
from tests.integration.kine_check.server import free_port

START_SECONDS = 5.0
DRIVE_SECONDS = 60.0
# kine keeps 1000 revisions by itself: too many for a look at a compaction. The pool is what kine_check plans with here.
FLAGS = ("--metrics-bind-address=0", "--compact-min-retain=10", "--datastore-max-open-connections=12")
WORKS = "works"
_NO_CONNECTION = "Failed to ping"
_CODE = re.compile(r"SQLSTATE (\w{5})|Error (\d{4})")
_CAUSES = (
    (re.compile(r"cannot parse|parse datastore DSN|missing unit in duration"), "the DSN is refused"),
    (re.compile(r"duplicate key given"), "the id of its first row is taken"),
    (re.compile(r"prepared statement"), "prepared statements are lost"),
    (re.compile(r"x509|certificate"), "the certificate is refused"),
    (re.compile(r"server refused TLS|does not support"), "the server has no TLS"),
    (re.compile(r"read only connection"), "the server is read-only"),
    (re.compile(r"no such host|lookup"), "the name is unknown"),
    (re.compile(r"connection refused"), "nothing listens"),
    (re.compile(r"invalid connection"), "what answers is no MySQL"),
    # What kine's driver for MySQL makes of a server that is read-only, under rejectReadOnly.
    (re.compile(r"bad connection"), "the connection is given up"),
)
JUMP = 1000
"""Revisions skipped between twenty creates by more than this are no steps, but chance."""


def behaviour(url: str, ca_file: str = "") -> str:
    """What kine 0.16 does with the database of a DSN, in one line without times, names and numbers that vary."""
    with running(url, ca_file) as (process, log, address):
        if not _started(process, log):
            return _not_started(process, log)
        return _words(oracle.drive(address, DRIVE_SECONDS))


def starts(url: str) -> dict[str, t.Any]:
    """What API servers never hear of that start while others write, on the kine of a DSN. See tests/oracle/starts.go."""
    with running(url) as (process, log, address):
        assert _started(process, log), log.read_text()
        return oracle.starts(address, DRIVE_SECONDS)


@contextlib.contextmanager
def running(url: str, ca_file: str = "") -> t.Iterator[tuple[subprocess.Popen[bytes], Path, str]]:
    """A kine that was just started on a DSN: its process, its log, and where it is going to listen."""
    with tempfile.NamedTemporaryFile("w") as output:
        address = f"127.0.0.1:{free_port()}"
        command = [str(oracle.program("kine")), f"--endpoint={url}", f"--listen-address={address}", *FLAGS]
        command += [f"--ca-file={ca_file}"] if ca_file else []
        process = subprocess.Popen(command, env=oracle.NO_ENVIRONMENT, stdout=output, stderr=output)
        try:
            yield process, Path(output.name), address
        finally:
            process.kill()  # nothing is lost: the database goes, too
            process.wait()


def _started(process: subprocess.Popen[bytes], log: Path) -> bool:
    """Wait until kine serves, has ended, has failed to connect and begun again, or nothing happened for too long."""
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        text = log.read_text(errors="replace")
        if "Kine available" in text:
            return True
        if text.count(_NO_CONNECTION) > 1:
            break
        time.sleep(0.05)
    return False


def _not_started(process: subprocess.Popen[bytes], log: Path) -> str:
    ended = process.poll() is not None
    lines = [line for line in log.read_text(errors="replace").splitlines() if re.search("ERRO|FATA", line)]
    if not lines:
        return "hangs while it starts"
    return f"{'does not start' if ended else 'tries to start, again and again'}: {_cause(lines[-1])}"


def _cause(line: str) -> str:
    """The database's own code for an error, which no version and no language changes, or a few words."""
    if code := _CODE.search(line):
        return str(next(filter(None, code.groups())))
    return next((words for pattern, words in _CAUSES if pattern.search(line)), "for another reason")


def _words(seen: dict[str, t.Any]) -> str:
    """The driver's observations (Seen in tests/oracle/drive.go) as a line.

    What follows from creates that fail or revisions in disorder is another thing each time, and left out.
    """
    first, creates = seen["first"], seen["creates"]
    if first["failed"] == first["tried"]:
        hangs = "deadline" in first["error"].lower()
        return "starts, but every create hangs" if hangs else f"starts, but every create fails{_code(first['error'])}"
    failed = first["failed"] + creates["failed"]
    if failed:
        after = "after a few, every create fails" if creates["failed"] == creates["tried"] else "some creates fail"
        return f"{after}{_code(creates.get('error') or first.get('error', ''))}"
    if seen["gaps"] > JUMP:
        return "revisions jump to and fro"
    return "; ".join(_findings(seen)) or WORKS


def _findings(seen: dict[str, t.Any]) -> t.Iterator[str]:
    for name, words in (("updates", "updates"), ("compacts", "compactions")):
        if seen[name]["failed"]:
            yield f"{words} fail{_code(seen[name]['error'])}"
    if seen["gaps"]:
        yield "revisions are skipped"
    for name, words in (
        ("duplicates", ""),
        ("case", ""),
        ("reads", "reads: "),
        ("lists", "lists: "),
        ("deletes", "deletes: "),
        ("watches", "watches: "),
        ("big", ""),
    ):
        if text := seen[name]:
            yield f"{words}{_short(text)}"


def _code(error: str) -> str:
    """The database's code for an error in parentheses, or what kine says where there is none."""
    if "converting NULL" in error:
        return " (its record of the compaction is gone)"
    if "prepared statement" in error:
        return " (prepared statements are lost)"
    found = _CODE.search(error)
    return f" ({next(filter(None, found.groups()))})" if found else ""


def _short(text: str) -> str:
    """Without the text of a database's error, of which the code stays."""
    words, _colon, rest = text.partition(": ")
    return f"{words}{_code(rest)}" if rest and not rest.startswith("<nil>") else words
