# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our reading of a DSN against kine's own: a DSN that we take says the same to both, and what we refuse has a reason."""

from __future__ import annotations

import collections
import typing as t

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import golang, tls
from ansible_collections.k0smotron.ha.plugins.module_utils.dsn.lint import DRIVER_PARAMS, MYSQL_PARAMS
from tests.integration.dsns import Generator
from tests.integration.kine_check.certificates import Authority
from tests.integration.oracle import read_dsns

COUNT = 15_000
SEED = 20261123
BUILT = 3_000
Reading: t.TypeAlias = "dict[str, t.Any]"
# Parameters that the drivers keep for themselves; all others go to the server.
KEPT = {"postgres": DRIVER_PARAMS, "mysql": MYSQL_PARAMS}


def ours(url: str) -> Reading | str:
    """Our reading in the oracle's words, or the reason why we refuse the DSN."""
    errors = [finding.message for finding in dsns.lint(url) if finding.level == "error"]
    if errors:
        return errors[0]
    return reading_of(dsns.parse(url))


def reading_of(dsn: dsns.Dsn) -> Reading:
    """A DSN in the oracle's words."""
    return {
        "user": dsn.user,
        "password": dsn.password,
        "database": dsn.database,
        "attempts": [
            {"address": f"{host.name} {host.port}", "tls": meaning}
            for host in dsn.hosts
            for meaning in tls.attempts(dsn)
        ],
        "settings": {key: value for key, value in dsn.params.items() if key not in KEPT[dsn.scheme]},
        "session": dsn.params.get("target_session_attrs", "any") if dsn.scheme == "postgres" else "any",
        "seconds": seconds_of(dsn),
    }


def seconds_of(dsn: dsns.Dsn) -> float:
    """How long kine waits for a host, to the nanosecond."""
    if dsn.scheme == "postgres":
        return float(dsn.params.get("connect_timeout", "0"))
    return round(golang.seconds(dsn.params.get("timeout", "0")) or 0.0, 9)


def difference(ours: Reading, theirs: Reading) -> str:
    """In what a DSN that we take is another one to kine, without its values."""
    if "error" in theirs:
        return f"kine refuses it: {theirs['error'].split(': ')[-1][:60]}"
    theirs["settings"] = theirs["settings"] or {}
    for attempt in theirs["attempts"]:
        host, _space, port = attempt["address"].rpartition(" ")
        if host.startswith("[") and host.endswith("]") and not host.startswith("[["):
            host = host[1:-1]
        attempt["address"] = f"{host} {int(port) if port.isascii() and port.isdigit() else port}"
    return ", ".join(key for key in ours if ours[key] != theirs[key])


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Generator:
    """Give the generator and the files that its DSNs name."""
    folder = tmp_path_factory.mktemp("certificates")
    authority = Authority.new("dsn")
    authority.write(folder / "ca.crt")
    authority.issue(folder, ["db"])
    return Generator(SEED, str(folder))


def test_a_dsn_that_we_take_is_the_same_to_kine(generator: Generator) -> None:
    urls = [generator.dsn() for _each in range(COUNT)]
    taken: collections.Counter[str] = collections.Counter()
    wrong: dict[str, str] = {}
    for url, theirs in zip(urls, read_dsns(urls), strict=True):
        reading = ours(url)
        if isinstance(reading, str):
            assert reading, f"refused without a reason: {url}"
            continue
        taken[url.partition(":")[0]] += 1
        if differs := difference(reading, theirs):
            wrong.setdefault(differs, url)
    assert not wrong
    # Whoever refuses everything makes no mistake either.
    assert min(taken["postgres"], taken["mysql"]) > COUNT / 10, taken


@pytest.mark.parametrize("scheme", ["postgres", "mysql"])
def test_what_we_build_is_to_kine_what_it_was_built_from(generator: Generator, scheme: str) -> None:
    built = [generator.values(scheme) for _each in range(BUILT)]
    for dsn, theirs in zip(built, read_dsns([dsns.build(dsn) for dsn in built]), strict=True):
        assert "error" not in theirs, dsns.build(dsn)
        assert (theirs["user"], theirs["password"]) == (dsn.user, dsn.password)
        assert theirs["database"] == dsn.database
        assert difference(reading_of(dsn), theirs) == ""


@pytest.mark.parametrize(
    "url",
    [
        "postgres://u:p@h/kine?host=other",
        "postgres://u:p@h/kine?password=other",
        "postgres://u:p@a,b:2/kine",
        "postgres://u:p@h",
        "postgres://u:p@h/Kine",
        "postgres://u:p@/kine",
        "postgres://u:p@h/a/b",
        "postgres://u:12#x@h/kine",
        "mysql://u:p@tcp([::1])/kine",
        "mysql://u:p@tcp(h)/kine?tls=true&tls=false",
        "mysql://u:p@tcp(h)/kine?rejectReadOnly",
        "mysql://u:p@tcp(h)/",
        "mysql://u:p@tcp()/kine",
        "mysql://u:p@tcp(h:٣٣٠٦)/kine",
        "mysql://u:p@/kine",
        "mysql://u:p@unix(/run/mysqld/mysqld.sock)/kine",
    ],
)
def test_what_kine_takes_for_something_else_is_refused(url: str) -> None:
    [theirs] = read_dsns([url])
    assert isinstance(ours(url), str)
    assert "error" not in theirs, "kine says it itself by now: remove the row"
