# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is said about a DSN, the Secret that carries it, and its checksum."""

from __future__ import annotations

import dataclasses

import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import (
    DATA_SOURCE_KEY,
    Finding,
    accept,
    checksum,
    lint,
    secret_data,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import InvalidInput
from ansible_collections.k0smotron.ha.plugins.module_utils.plan import PoolLimits

GOOD = "postgres://u:S3cRet@h:5432/kine?sslmode=require&connect_timeout=3"
SEVERAL = GOOD.replace("h:5432", "a:5432,b:5432")
GOOD_MYSQL = "mysql://u:S3cRet@tcp(h:3306)/kine?tls=true&rejectReadOnly=true"


@pytest.mark.parametrize(
    "url",
    [
        GOOD,
        GOOD.replace("/kine", "/" + "k" * 63),
        GOOD.replace("require", "verify-full&sslrootcert=/ca.crt"),
        GOOD.replace("require", "prefer&sslnegotiation=direct"),
        GOOD.replace("require", "disable&sslrootcert=system"),
        GOOD + "&target_session_attrs=read-write&require_auth=md5,none&sslcert=/c&sslkey=/k",
        GOOD_MYSQL,
        GOOD_MYSQL.replace("tls=true", "tls=skip-verify"),
        GOOD_MYSQL.replace("tls=true", "tls=Skip-Verify"),
        GOOD_MYSQL.replace("=true", "=1") + "&timeout=1s&readTimeout=1m30s&writeTimeout=500ms",
        GOOD_MYSQL + "&readTimeout=15s",
        GOOD_MYSQL + "&readTimeout=0",
        GOOD_MYSQL.replace("tls=true", "tls=SKIP-VERIFY") + "&timeout=1m30.5s&maxAllowedPacket=-1&parseTime=TRUE",
    ],
)
def test_nothing_to_say_about_a_good_dsn(url: str) -> None:
    assert lint(url, k0s_version="v1.36.3-k0s.2", require_tls=True) == []


@pytest.mark.parametrize(
    ("url", "level", "says"),
    [
        ("postgres://u:S3cRet|@h/kine", "error", "literal |"),
        ("postgres://u:S3cRet@h:5432/kine?connect_timeout=3", "warning", "sets no sslmode"),
        (GOOD.replace("require", "disable"), "warning", "in the clear"),
        (GOOD.replace("require", "allow"), "warning", "allows plaintext"),
        (GOOD.replace("require", "prefer"), "warning", "allows plaintext"),
        (GOOD.replace("require", "on"), "error", "sslmode is unknown"),
        (GOOD.replace("require", "verify-full"), "warning", "without sslrootcert"),
        (GOOD.replace("require", "verify-ca"), "warning", "without sslrootcert"),
        (GOOD.replace("/kine", "/Kine"), "error", "kine looks for kine"),
        (GOOD.replace("/kine", "/" + "k" * 64), "error", "longer than 63 bytes"),
        (SEVERAL, "warning", "several hosts without target_session_attrs=read-write"),
        (SEVERAL + "&target_session_attrs=any", "warning", "several hosts without target_"),
        (
            SEVERAL + "&target_session_attrs=prefer-standby",
            "warning",
            "several hosts without target_",
        ),
        (GOOD.replace("&connect_timeout=3", ""), "warning", "no connect_timeout"),
        (GOOD.replace("connect_timeout=3", "connect_timeout=0"), "warning", "no connect_timeout"),
        (SEVERAL + "&target_session_attrs=standby", "error", "take no writes"),
        (GOOD + "&target_session_attrs=read-only", "error", "take no writes"),
        (GOOD_MYSQL.replace("h:3306", "a:3306,b:3306"), "error", "host"),
        (GOOD + "&wrok_mem=1", "warning", "wrok_mem"),
        (GOOD + "&default_transaction_isolation=serializable", "error", "inserts fail"),
        (GOOD_MYSQL.replace("tls=true&", ""), "warning", "allows plaintext"),
        (GOOD_MYSQL.replace("tls=true", "tls=preferred"), "warning", "allows plaintext"),
        (GOOD_MYSQL.replace("&rejectReadOnly=true", ""), "warning", "demoted primary"),
        (GOOD_MYSQL + "&readTimeout=5s", "warning", "readTimeout=5s gives up commits"),
        (GOOD_MYSQL + "&readTimeout=14999ms", "warning", "readTimeout=14999ms gives up commits"),
        (GOOD_MYSQL.replace("rejectReadOnly=true", "rejectReadOnly=false"), "warning", "demoted primary"),
        (GOOD_MYSQL.replace("tls=true", "tls=require"), "error", "refuses this value of tls"),
        (GOOD_MYSQL.replace("tls=true", "tls=kine"), "error", "refuses this value of tls"),
        (GOOD_MYSQL + "&sql_mode=x", "warning", "sql_mode"),
        (GOOD + "s", "error", "connect_timeout"),
        (GOOD + "&target_session_attrs=writable", "error", "target_session_attrs"),
        (GOOD + "&require_auth=md5,!none", "error", "require_auth"),
        (GOOD + "&service=x", "error", "service file"),
        (GOOD + "&sslkey=/k", "error", "sslcert and sslkey"),
        (GOOD + "&min_protocol_version=3.2&max_protocol_version=3.0", "error", "min_protocol_version"),
        (GOOD.replace("require", "prefer&sslnegotiation=postgres"), "warning", "allows plaintext"),
        (GOOD_MYSQL.replace("tls=true", "tls=custom"), "error", "value of tls"),
        (GOOD_MYSQL.replace("tls=true", "tls=Preferred"), "warning", "allows plaintext"),
        (GOOD_MYSQL + "&allowFallbackToPlaintext=1", "warning", "allows plaintext"),
        (GOOD_MYSQL + "&timeout=5", "error", "timeout"),
        (GOOD_MYSQL + "&parseTime=yes", "error", "parseTime"),
        (GOOD_MYSQL + "&strict=true", "error", "strict"),
        (GOOD_MYSQL + "&interpolateParams=true&collation=gbk_bin", "error", "interpolateParams"),
    ],
)
def test_one_finding(url: str, level: str, says: str) -> None:
    findings = lint(url)
    assert [finding.level for finding in findings] == [level]
    assert says in findings[0].message
    assert findings[0].remedy
    assert "S3cRet" not in str(findings)


@pytest.mark.parametrize(
    ("require_tls", "level", "says"),
    [
        (True, "error", "require_tls: false"),
        (False, "warning", "sslmode=require"),
        (None, "warning", "require_tls: false"),
    ],
)
def test_the_guides_plaintext_depends_on_what_the_database_accepts(
    require_tls: bool | None, level: str, says: str
) -> None:
    (finding,) = lint(GOOD.replace("require", "disable"), require_tls=require_tls)
    assert finding.level == level
    assert says in finding.remedy


def test_plaintext_to_a_mysql_that_wants_tls() -> None:
    (finding,) = lint(GOOD_MYSQL.replace("tls=true&", ""), require_tls=True)
    assert finding.level == "error"


@pytest.mark.parametrize(
    ("tls", "says"),
    [
        ("", []),
        ("tls=false&", []),
        ("tls=true&", ["ignore its --ca-file"]),
        ("tls=preferred&", ["ignore its --ca-file"]),
        ("allowFallbackToPlaintext=true&", ["allows plaintext"]),
    ],
)
def test_tls_in_a_mysql_dsn_wins_over_kines_ca_file(tls: str, says: list[str]) -> None:
    found = lint(GOOD_MYSQL.replace("tls=true&", tls), ca_file=True)
    assert [finding.level for finding in found] == ["warning"] * len(says)
    assert all(words in finding.message for words, finding in zip(says, found, strict=True))


@pytest.mark.parametrize("sslmode", ["", "sslmode=require&", "sslmode=verify-full&"])
def test_kines_ca_file_verifies_a_postgresql(sslmode: str) -> None:
    assert lint(GOOD.replace("sslmode=require&", sslmode), k0s_version="v1.34.1-k0s.0", ca_file=True) == []


def test_kines_ca_file_changes_no_mode_that_verifies_nothing() -> None:
    (finding,) = lint(GOOD.replace("require", "prefer"), ca_file=True)
    assert "allows plaintext" in finding.message


@pytest.mark.parametrize("url", [GOOD.replace("sslmode=require&", ""), GOOD_MYSQL.replace("tls=true&", "")])
def test_a_k0s_whose_kine_hears_of_no_ca_file(url: str) -> None:
    said = [finding.message for finding in lint(url, k0s_version="v1.33.13-k0s.1", ca_file=True)]
    assert (
        said[0] == "The kine of k0s v1.33.13-k0s.1 takes no --ca-file from its environment, so the file has no effect"
    )
    assert said[1:] == [finding.message for finding in lint(url)]


@pytest.mark.parametrize("param", ["target_session_attrs=read-write", "target_session_attrs=primary"])
def test_several_hosts_with_an_aim(param: str) -> None:
    assert lint(f"{SEVERAL}&{param}", k0s_version="v1.30.0-k0s.0") == []


@pytest.mark.parametrize("url", [SEVERAL, GOOD + "&target_session_attrs=primary"])
def test_a_k0s_whose_driver_knows_one_host(url: str) -> None:
    said = [finding.message for finding in lint(url, k0s_version="v1.27.9-k0s.0") if finding.level == "error"]
    assert any("k0s v1.27.9-k0s.0 reads the DSN with lib/pq, which knows one host" in message for message in said)
    said = [finding.message for finding in lint(url, k0s_version="v1.28.0-k0s.0") if finding.level == "error"]
    assert not any("lib/pq" in message for message in said)


@pytest.mark.parametrize(
    ("param", "before", "first"),
    [
        ("channel_binding=require", "v1.35.7-k0s.0", "v1.36.1-k0s.0"),
        ("min_protocol_version=3.2", "v1.30.0-k0s.0", "v1.36.1-k0s.0"),
        ("max_protocol_version=latest", "v1.34.10-k0s.0", "v1.36.1-k0s.0"),
        ("require_auth=scram-sha-256", "v1.36.1-k0s.0", "v1.36.2-k0s.0"),
        ("sslnegotiation=direct", "v1.31.10-k0s.0", "v1.31.11-k0s.0"),
        ("sslrootcert=system", "v1.31.1-k0s.0", "v1.31.1-k0s.1"),
    ],
)
def test_a_k0s_whose_driver_does_not_know_a_parameter(param: str, before: str, first: str) -> None:
    (finding,) = lint(f"{GOOD}&{param}", k0s_version=before)
    assert (finding.level, param.partition("=")[0] in finding.message) == ("error", True)
    assert before in finding.message
    assert lint(f"{GOOD}&{param}", k0s_version=first) == lint(f"{GOOD}&{param}") == []


@pytest.mark.parametrize(
    ("url", "version", "says"),
    [
        (GOOD, "v1.27.9-k0s.0", "older than v1.30.0-k0s.0"),
        (GOOD, "v1.29.1+k0s.0", "older than v1.30.0-k0s.0"),
        (GOOD, "latest", "not a k0s version"),
        (GOOD_MYSQL, "v1.30.5-k0s.0", "k0s#4867"),
    ],
)
def test_a_k0s_that_cannot_read_the_dsn(url: str, version: str, says: str) -> None:
    (finding,) = lint(url, k0s_version=version)
    assert (finding.level, says in finding.message) == ("error", True)


def test_errors_come_first() -> None:
    findings = lint("postgres://u:p@a:1,b:2/Kine")
    assert [finding.level for finding in findings] == ["error", "warning", "warning", "warning"]


def test_accepting_returns_the_warnings_as_sentences() -> None:
    assert accept([Finding("warning", "It rains", "Take an umbrella.")]) == ["It rains. Take an umbrella."]


def test_accepting_raises_every_error() -> None:
    findings = [
        Finding("error", "It burns", "Run"),
        Finding("warning", "It rains", ""),
        Finding("error", "Stuck", "Wait"),
    ]
    with pytest.raises(InvalidInput, match=r"^It burns\. Run\. Stuck\. Wait\.$"):
        accept(findings)
    with pytest.raises(InvalidInput, match=r"^It burns\. Run\.$") as caught:
        accept(findings[:2])
    assert caught.value.remedy == "Run"


def test_the_secret_carries_the_dsn_and_the_pool_limits() -> None:
    assert secret_data(GOOD, PoolLimits(max_open=12, max_idle=6, max_lifetime=300)) == {
        DATA_SOURCE_KEY: GOOD,
        "KINE_KINE_DATASTORE_MAX_OPEN_CONNECTIONS": "12",
        "KINE_KINE_DATASTORE_MAX_IDLE_CONNECTIONS": "6",
        "KINE_KINE_DATASTORE_CONNECTION_MAX_LIFETIME": "300s",
    }


def test_the_checksum_depends_on_all_the_data_and_on_the_place_only() -> None:
    pool = PoolLimits(max_open=12, max_idle=6, max_lifetime=300)
    data = secret_data(GOOD, pool)
    same = checksum(data, "ns/name")
    assert same == checksum(dict(reversed(data.items())), "ns/name")
    others = [
        checksum(data, "ns/other"),
        checksum(secret_data(GOOD + "x", pool), "ns/name"),
        checksum(secret_data(GOOD, dataclasses.replace(pool, max_open=13)), "ns/name"),
        checksum({}, "ns/name"),
    ]
    assert len({same, *others}) == 5
    assert len(same) == 32
    assert int(same, 16) > 0
