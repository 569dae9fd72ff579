# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which a connection to MariaDB fails has its own words and remedy, and none shows the password."""

from __future__ import annotations

import contextlib
import typing as t

import pymysql
import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.mysql import prove_write
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
from tests.integration.kine_check import kine
from tests.integration.kine_check.certificates import DAY, Authority
from tests.integration.kine_check.conftest import findings
from tests.integration.kine_check.mariadb_server import HOST
from tests.integration.kine_check.server import free_port
from tests.integration.kine_check.test_connect import listener, relay

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import CheckResult
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.mariadb_server import MariaServer, MariaSite

PASSWORD = "hunter2-&/@%#'pass"
PLAIN = "rejectReadOnly=true"
Refused = t.Callable[..., "CheckResult"]


@pytest.fixture
def site(maria: MariaServer, replica: MariaServer) -> Iterator[MariaSite]:
    """Give a database whose password is full of what other parsers stumble over, and must never be shown."""
    del replica
    site = maria.site(password=PASSWORD)
    yield site
    assert site.tables() == []


@pytest.fixture
def refused(run_mysql: Examine) -> Refused:
    """Give the way to examine a database that cannot be connected to, and to see only why."""

    def examination(url: str, **options: t.Any) -> CheckResult:
        report = run_mysql(url, **options)
        found = {check.id: check for check in report.checks}
        assert findings(report, "fail") == ["connect"], report.text()
        assert {check.status for check in report.checks[2:]} == {"skipped"}
        assert found["connect"].remedy
        for secret in (PASSWORD, "hunter2"):
            assert secret not in str(report.as_dict()) + report.text()
        return found["connect"]

    return examination


class RelayCluster:
    """A stand-in for a cluster: the only Service's pod is the server, and the port-forward a local relay."""

    def __init__(self, server: MariaServer) -> None:
        self.server = server

    def pod_behind(self, namespace: str, service: str) -> str:
        assert (namespace, service) == ("kine-check", "maria")
        return "maria-0"

    def forward(self, namespace: str, pod: str, port: int) -> contextlib.AbstractContextManager[tuple[str, int]]:
        assert (namespace, pod, port) == ("kine-check", "maria-0", 3306)
        return relay(self.server.port)


class TestRefusals:
    """The server, or what stands in its place, refuses."""

    @pytest.mark.parametrize("query", ["tls=skip-verify&rejectReadOnly=true", PLAIN])
    def test_wrong_password(self, site: MariaSite, refused: Refused, query: str) -> None:
        site.admin("ALTER USER {role}@'%' IDENTIFIED BY 'another'")
        assert "wrong password" in refused(site.url(query)).observed

    def test_unknown_account(self, site: MariaSite, refused: Refused) -> None:
        assert "no such account" in refused(site.url(user="ghost")).observed

    def test_locked_account(self, site: MariaSite, refused: Refused) -> None:
        site.admin("ALTER USER {role}@'%' ACCOUNT LOCK")
        assert "locked" in refused(site.url()).observed

    def test_database_of_others(self, site: MariaSite, refused: Refused) -> None:
        assert "may not use this database" in refused(site.url(database="mysql")).observed

    def test_unknown_database(self, site: MariaSite, refused: Refused) -> None:
        site.admin("GRANT ALL ON ghost.* TO {role}@'%'")
        assert "does not exist" in refused(site.url(database="ghost")).observed

    def test_account_for_another_address(self, site: MariaSite, refused: Refused) -> None:
        site.admin("RENAME USER {role}@'%' TO {role}@'192.0.2.1'")
        found = refused(site.url())
        assert "refuses this address" in found.observed or "no such account" in found.observed

    def test_account_that_must_use_tls(self, site: MariaSite, refused: Refused) -> None:
        site.admin("ALTER USER {role}@'%' REQUIRE SSL")
        assert "must use TLS" in refused(site.url(PLAIN)).observed

    def test_server_that_demands_tls(self, site: MariaSite, refused: Refused) -> None:
        with site.server.settings(require_secure_transport=1):
            assert "must use TLS" in refused(site.url(PLAIN)).observed

    def test_slots_exhausted(self, site: MariaSite, refused: Refused) -> None:
        site.admin("ALTER USER {role}@'%' WITH MAX_USER_CONNECTIONS 1")
        with pymysql.connect(host="127.0.0.1", port=site.server.port, user=site.role, password=PASSWORD):
            assert "no connection slot is free" in refused(site.url()).observed

    def test_parameter_that_is_no_variable(self, site: MariaSite, refused: Refused) -> None:
        found = refused(site.url("tls=skip-verify&rejectReadOnly=true&pool_size=5"))
        assert "refuses a parameter" in found.observed
        assert "pool_size" in found.observed


class TestNetwork:
    """The way to the server is not there."""

    def test_closed_port(self, site: MariaSite, refused: Refused) -> None:
        assert "nothing listens" in refused(site.url(port=free_port())).observed

    def test_unknown_name(self, site: MariaSite, refused: Refused) -> None:
        assert "cannot be resolved" in refused(site.url(host="db.nowhere.invalid")).observed

    @pytest.mark.parametrize("query", [PLAIN, "tls=skip-verify&rejectReadOnly=true"])
    def test_web_server(self, site: MariaSite, refused: Refused, query: str) -> None:
        with listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
            found = refused(site.url(query, port=port))
        assert "not MySQL" in found.observed or "hung up" in found.observed

    def test_hangs_up(self, site: MariaSite, refused: Refused) -> None:
        with listener() as port:
            assert "hung up" in refused(site.url(port=port)).observed

    def test_says_nothing(self, site: MariaSite, refused: Refused) -> None:
        with listener(hang=True) as port:
            report = refused(site.url(port=port), seconds=2)
        assert "no answer" in report.observed or "deadline of 2 s" in report.observed

    def test_socket_of_the_machine(self, site: MariaSite, run_mysql: Examine) -> None:
        report = run_mysql(f"mysql://{site.role}:{PASSWORD}@unix({site.server.folder}/socket)/{site.database}")
        assert findings(report, "fail") == ["dsn"]
        assert "unix socket" in report.text()
        assert "over the network" in report.text()
        assert "hunter2" not in report.text()


class TestTls:
    """Certificates are verified as kine verifies them, also through a port-forward."""

    @pytest.fixture
    def reacher(self, site: MariaSite) -> Reacher:
        """Give a way through the stand-in for a cluster."""
        cluster = RelayCluster(site.server)
        return Reacher("auto", lambda: cluster)

    @pytest.mark.parametrize("host", [HOST, f"{HOST}."])
    def test_full_verification_through_a_port_forward(
        self, site: MariaSite, run_mysql: Examine, reacher: Reacher, host: str
    ) -> None:
        report = run_mysql(site.url(PLAIN, host=host, port=3306), reacher=reacher, ca_file=str(site.server.ca))
        assert findings(report, "warn", "fail", "skipped") == [], report.text()
        assert report.tls.used
        assert "through a port-forward to pod kine-check/maria-0" in report.checks[1].observed

    def test_file_of_the_pods_is_mapped(self, site: MariaSite, run_mysql: Examine) -> None:
        files = {"/etc/kine-ca/ca.crt": str(site.server.ca)}
        report = run_mysql(site.url(PLAIN), ca_file="/etc/kine-ca/ca.crt", files=files)
        assert findings(report, "warn", "fail") == [], report.text()

    def test_file_is_not_here(self, site: MariaSite, refused: Refused) -> None:
        found = refused(site.url(PLAIN), ca_file="/etc/kine-ca/ca.crt")
        assert "/etc/kine-ca/ca.crt, which is not on this machine" in found.observed
        assert "tls_files" in found.remedy

    def test_other_authority(self, site: MariaSite, refused: Refused, tmp_path: Path) -> None:
        other = Authority.new("another").write(tmp_path / "other.crt")
        assert "not signed by a CA" in refused(site.url(PLAIN), ca_file=str(other)).observed

    def test_authority_made_anew(self, site: MariaSite, refused: Refused, tmp_path: Path) -> None:
        anew = Authority.new(site.server.authority.name).write(tmp_path / "anew.crt")
        assert "that CA has not signed it" in refused(site.url(PLAIN), ca_file=str(anew)).observed

    def test_authorities_of_the_system(self, site: MariaSite, refused: Refused) -> None:
        found = refused(site.url("tls=true&rejectReadOnly=true"))
        assert "not signed by a CA" in found.observed
        assert "--ca-file" in found.remedy

    def test_dsn_wins_over_the_file(self, site: MariaSite, run_mysql: Examine) -> None:
        report = run_mysql(site.url("tls=true&rejectReadOnly=true"), ca_file=str(site.server.ca))
        assert findings(report, "warn") == ["dsn"]
        assert findings(report, "fail") == ["connect"]
        assert "ignore its --ca-file" in report.text()

    def test_tls_that_is_false_leaves_it_to_the_file(
        self, site: MariaSite, run_mysql: Examine, refused: Refused, tmp_path: Path
    ) -> None:
        url, other = site.url(f"{PLAIN}&tls=false"), str(Authority.new("another").write(tmp_path / "other.crt"))
        report = run_mysql(url, ca_file=str(site.server.ca))
        assert findings(report, "fail", "skipped") == [], report.text()
        assert (report.tls.used, report.tls.verified) == (True, "authority and name")
        assert "not signed by a CA" in refused(url, ca_file=other).observed
        assert "start" not in kine.behaviour(url, str(site.server.ca)), "kine connects and serves"
        assert "the certificate is refused" in kine.behaviour(url, other)

    def test_other_host_name(self, site: MariaSite, refused: Refused) -> None:
        found = refused(site.url(PLAIN, host="localhost"), ca_file=str(site.server.ca))
        assert "another host name" in found.observed

    def test_expired(self, site: MariaSite, refused: Refused) -> None:
        site.server.certificate(left=-DAY)
        try:
            site.admin("FLUSH SSL")
            assert "expired" in refused(site.url(PLAIN), ca_file=str(site.server.ca)).observed
        finally:
            site.server.certificate()
            site.admin("FLUSH SSL")

    def test_near_its_end(self, site: MariaSite, run_mysql: Examine) -> None:
        url, ca = site.url(PLAIN), str(site.server.ca)
        assert "tls" not in findings(run_mysql(url, ca_file=ca), "warn")
        site.server.certificate(left=DAY / 12)
        try:
            site.admin("FLUSH SSL")
            report, of_nobody = run_mysql(url, ca_file=ca), run_mysql(site.url(f"{PLAIN}&tls=skip-verify"))
        finally:
            site.server.certificate()
            site.admin("FLUSH SSL")
        assert "tls" in findings(report, "warn")
        assert f"the server's certificate ends at {report.tls.certificate_ends}" in report.text()
        assert "tls" not in findings(of_nobody, "warn"), "kine does not look at this certificate"

    def test_plaintext_is_a_warning(self, site: MariaSite, run_mysql: Examine) -> None:
        report = run_mysql(site.url(PLAIN))
        assert findings(report, "warn") == ["dsn", "tls"], report.text()
        assert findings(report, "fail") == []
        assert not report.tls.used

    def test_preferred_takes_what_is_there(self, site: MariaSite, run_mysql: Examine) -> None:
        report = run_mysql(site.url(f"{PLAIN}&tls=preferred"))
        assert report.tls.used
        assert findings(report, "warn", "fail") == ["dsn"]

    def test_server_without_tls(self, site: MariaSite, refused: Refused, run_mysql: Examine) -> None:
        with site.server.restarted(skip_ssl="1"):
            found = refused(site.url())
            preferred = run_mysql(site.url(f"{PLAIN}&tls=preferred"))
        site.server.await_replica()
        assert "has no TLS" in found.observed
        assert findings(preferred, "warn")[:2] == ["dsn", "tls"]


class TestProveWrite:
    """The proof that other modules use; the fixture sees that it leaves no table."""

    def test_verified_through_a_port_forward(self, site: MariaSite) -> None:
        dsn = dsns.parse(site.url(PLAIN, host=HOST, port=3306))
        with relay(site.server.port) as address:
            prove_write(dsn, address, ca_file=str(site.server.ca))

    def test_other_authority(self, site: MariaSite, tmp_path: Path) -> None:
        other = Authority.new("other CA").write(tmp_path / "other.crt")
        dsn = dsns.parse(site.url(PLAIN, host=HOST, port=3306))
        with relay(site.server.port) as address, pytest.raises(HaError, match="not signed by a CA"):
            prove_write(dsn, address, ca_file=str(other))

    def test_read_only(self, site: MariaSite) -> None:
        with site.server.settings(read_only=1), pytest.raises(HaError, match="read-only"):
            prove_write(dsns.parse(site.url()))

    def test_commit_that_nobody_acknowledges(self, site: MariaSite, replica: MariaServer) -> None:
        with replica.paused("SLAVE"), pytest.raises(HaError, match="deadline"):
            prove_write(dsns.parse(site.url()), seconds=2)
        site.server.await_replica()
