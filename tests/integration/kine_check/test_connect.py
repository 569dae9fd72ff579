# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every way in which a connection fails has its own words and remedy, and none shows the password."""

from __future__ import annotations

import contextlib
import socket
import threading
import typing as t
from dataclasses import replace

import psycopg
import pytest

from ansible_collections.k0smotron.ha.plugins.module_utils import dsn as dsns
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import Unreachable
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.postgres import prove_write
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.reach import Reacher
from tests.integration.kine_check import kine
from tests.integration.kine_check.certificates import DAY, Authority
from tests.integration.kine_check.conftest import PLAN, findings
from tests.integration.kine_check.server import HOST, NOBODY, TLS_ONLY, free_port

if t.TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import CheckResult
    from tests.integration.kine_check.conftest import Examine
    from tests.integration.kine_check.server import Server, Site

PASSWORD = "hunter2-&/@%|pass"


@pytest.fixture
def site(primary: Server, standby: Server) -> Iterator[Site]:
    """Give a database whose password must be encoded and never shown."""
    del standby
    site = primary.site(password=PASSWORD)
    yield site
    assert site.schemas() == []


@pytest.fixture
def refused(run: Examine) -> t.Callable[..., CheckResult]:
    """Give the way to examine a database that cannot be connected to, and to see only why."""

    def examination(url: str, **options: t.Any) -> CheckResult:
        report = run(url, **options)
        found = {check.id: check for check in report.checks}
        assert findings(report, "fail") == ["connect"], report.text()
        assert {check.status for check in report.checks[2:]} == {"skipped"}
        assert found["connect"].remedy
        for secret in (PASSWORD, "hunter2", "%7Cpass"):
            assert secret not in str(report.as_dict()) + report.text()
        return found["connect"]

    return examination


Refused = t.Callable[..., "CheckResult"]


@contextlib.contextmanager
def listener(answer: bytes = b"", *, hang: bool = False) -> Iterator[int]:
    """Listen on loopback as something that is not PostgreSQL: answer and hang up, or take all and say nothing."""
    kept: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _address = server.accept()
                except OSError:
                    return
                kept.append(connection)
                if not hang:
                    connection.sendall(answer)
                    connection.close()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
    for connection in kept:
        connection.close()


@contextlib.contextmanager
def relay(port: int) -> Iterator[tuple[str, int]]:
    """Pass connections on to a local port, as a port-forward does; a stand-in for the one through an API server."""

    def pump(source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while block := source.recv(65536):
                target.sendall(block)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                near, _address = server.accept()
                far = socket.create_connection(("127.0.0.1", port))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()
        server.shutdown(socket.SHUT_RDWR)


class RelayCluster:
    """A stand-in for a cluster: the only Service's pod is the server, and the port-forward a local relay."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.asked: list[tuple[str, str]] = []

    def pod_behind(self, namespace: str, service: str) -> str:
        self.asked.append((namespace, service))
        return "db-0"

    def forward(self, namespace: str, pod: str, port: int) -> contextlib.AbstractContextManager[tuple[str, int]]:
        assert (namespace, pod, port) == ("kine-check", "db-0", 5432)
        return relay(self.server.port)


class TestRefusals:
    """The server, or what stands in its place, refuses."""

    @pytest.mark.parametrize("query", ["sslmode=require", "sslmode=prefer", "sslmode=disable"])
    def test_wrong_password(self, site: Site, refused: Refused, query: str) -> None:
        site.admin("ALTER ROLE {role} PASSWORD 'another'")
        assert "wrong password" in refused(site.url(query)).observed

    def test_unknown_role(self, site: Site, refused: Refused) -> None:
        assert "no such role" in refused(site.url(user="ghost")).observed

    def test_role_that_may_not_log_in(self, site: Site, refused: Refused) -> None:
        site.admin("ALTER ROLE {role} NOLOGIN")
        assert "may not log in" in refused(site.url()).observed

    def test_unknown_database(self, site: Site, refused: Refused) -> None:
        assert "does not exist" in refused(site.url(database="ghost")).observed

    def test_may_not_connect(self, site: Site, refused: Refused) -> None:
        site.admin("ALTER DATABASE {database} OWNER TO postgres", "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")
        assert "may not connect" in refused(site.url()).observed

    def test_plaintext_refused(self, site: Site, refused: Refused) -> None:
        with site.server.admin() as connection:
            connection.execute(f"CREATE DATABASE {TLS_ONLY}")
        try:
            found = refused(site.url("sslmode=disable", database=TLS_ONLY))
        finally:
            with site.server.admin() as connection:
                connection.execute(f"DROP DATABASE {TLS_ONLY}")
        assert "without TLS" in found.observed
        assert "sslmode=require" in found.remedy

    def test_address_refused(self, site: Site, refused: Refused) -> None:
        assert "refuses this role, database and address" in refused(site.url(database=NOBODY)).observed

    def test_slots_exhausted(self, site: Site, refused: Refused) -> None:
        site.admin("ALTER ROLE {role} CONNECTION LIMIT 1")
        with psycopg.connect(site.url()):
            assert "no connection slot is free" in refused(site.url()).observed

    def test_parameter_that_is_no_setting(self, site: Site, refused: Refused) -> None:
        found = refused(site.url("sslmode=require&pool_max_conns=5"))
        assert "refuses a parameter" in found.observed
        assert "pool_max_conns" in found.observed

    def test_standby_only(self, site: Site, standby: Server, refused: Refused) -> None:
        standby.catch_up(site.server)
        found = refused(site.url("sslmode=require&target_session_attrs=read-write", port=standby.port))
        assert "target_session_attrs" in found.observed

    def test_server_without_tls(self, site: Site, refused: Refused) -> None:
        with site.server.settings(ssl="off"):
            assert "has no TLS" in refused(site.url()).observed


class TestNetwork:
    """The way to the server is not there."""

    def test_closed_port(self, site: Site, refused: Refused) -> None:
        found = refused(site.url(port=free_port()))
        assert "nothing listens" in found.observed
        assert "tried directly" in found.observed

    def test_unknown_name(self, site: Site, refused: Refused) -> None:
        assert "cannot be resolved" in refused(site.url(host="db.nowhere.invalid")).observed

    def test_web_server(self, site: Site, refused: Refused) -> None:
        with listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
            found = refused(site.url("sslmode=disable", port=port))
        assert "not PostgreSQL" in found.observed or "hung up" in found.observed

    def test_web_server_and_tls(self, site: Site, refused: Refused) -> None:
        with listener(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
            found = refused(site.url(port=port))
        assert "not PostgreSQL" in found.observed or "hung up" in found.observed

    def test_hangs_up(self, site: Site, refused: Refused) -> None:
        with listener() as port:
            assert "hung up" in refused(site.url(port=port)).observed

    def test_says_nothing(self, site: Site, refused: Refused) -> None:
        with listener(hang=True) as port:
            assert "no answer" in refused(site.url(port=port), seconds=3).observed

    def test_no_way_through_the_cluster(self, site: Site, refused: Refused) -> None:
        def no_cluster() -> t.NoReturn:
            raise Unreachable("the API server does not answer", "Set KUBECONFIG")

        found = refused(site.url(host="db.nowhere.svc"), reacher=Reacher("auto", no_cluster))
        assert "neither directly nor through the API server" in found.observed
        assert "the API server does not answer" in found.observed
        assert "KUBECONFIG" in found.remedy

    def test_port_forward_needs_a_service(self, site: Site, refused: Refused) -> None:
        cluster = RelayCluster(site.server)
        found = refused(site.url(), reacher=Reacher("port_forward", lambda: cluster))
        assert "not the name of a Service" in found.observed


class TestTls:
    """Certificates are verified as kine verifies them, also through a port-forward."""

    @pytest.fixture
    def reacher(self, site: Site) -> Reacher:
        """Give a way through the stand-in for a cluster."""
        cluster = RelayCluster(site.server)
        return Reacher("auto", lambda: cluster)

    @pytest.mark.parametrize("host", [HOST, f"{HOST}."])
    def test_full_verification_through_a_port_forward(
        self, site: Site, run: Examine, reacher: Reacher, host: str
    ) -> None:
        url = site.url(f"sslmode=verify-full&sslrootcert={site.server.ca}", host=host, port=5432)
        report = run(url, reacher=reacher)
        assert findings(report, "warn", "fail", "skipped") == [], report.text()
        assert report.tls.used
        assert "through a port-forward to pod kine-check/db-0" in report.checks[1].observed

    def test_file_of_the_pods_is_mapped(self, site: Site, run: Examine) -> None:
        report = run(
            site.url("sslmode=verify-full&sslrootcert=/etc/kine-ca/ca.crt"),
            files={"/etc/kine-ca/ca.crt": str(site.server.ca)},
        )
        assert findings(report, "fail") == [], report.text()

    def test_file_is_not_here(self, site: Site, refused: Refused) -> None:
        found = refused(site.url("sslmode=verify-full&sslrootcert=/etc/kine-ca/ca.crt"))
        assert "/etc/kine-ca/ca.crt, which is not on this machine" in found.observed
        assert "tls_files" in found.remedy

    def test_other_authority(self, site: Site, refused: Refused, tmp_path: Path) -> None:
        other = Authority.new("another").write(tmp_path / "other.crt")
        assert "not signed by a CA" in refused(site.url(f"sslmode=verify-ca&sslrootcert={other}")).observed

    def test_authority_made_anew(self, site: Site, refused: Refused, tmp_path: Path) -> None:
        anew = Authority.new(site.server.authority.name).write(tmp_path / "anew.crt")
        assert "that CA has not signed it" in refused(site.url(f"sslmode=verify-full&sslrootcert={anew}")).observed

    @pytest.mark.parametrize("query", ["", "sslmode=require"])
    def test_kines_own_ca_file(self, site: Site, run: Examine, tmp_path: Path, query: str) -> None:
        url, other = site.url(query), str(Authority.new("another").write(tmp_path / "other.crt"))
        report = run(url, replace(PLAN, ca_file=str(site.server.ca)))
        assert findings(report, "warn", "fail", "skipped") == [], report.text()
        assert report.tls.verified == ("authority" if query else "authority and name")
        assert kine.behaviour(url, str(site.server.ca)) == kine.WORKS
        report = run(url, replace(PLAN, ca_file=other))
        assert (findings(report, "fail"), findings(report, "warn")) == (["connect"], []), report.text()
        assert "the certificate is refused" in kine.behaviour(url, other)

    def test_kines_own_ca_file_verifies_nothing_under_prefer(self, site: Site, run: Examine, tmp_path: Path) -> None:
        other = str(Authority.new("another").write(tmp_path / "other.crt"))
        report = run(site.url("sslmode=prefer"), replace(PLAN, ca_file=other))
        assert findings(report, "fail", "skipped") == [], report.text()
        assert (report.tls.used, report.tls.verified) == (True, "")
        assert kine.behaviour(site.url("sslmode=prefer"), other) == kine.WORKS

    @pytest.mark.parametrize("query", ["sslmode=verify-full", "sslmode=require&sslrootcert=system"])
    def test_authorities_of_the_system(
        self, site: Site, run: Examine, refused: Refused, monkeypatch: pytest.MonkeyPatch, query: str
    ) -> None:
        assert "not signed by a CA" in refused(site.url(query)).observed
        assert "the certificate is refused" in kine.behaviour(site.url(query))
        monkeypatch.setenv("SSL_CERT_FILE", str(site.server.ca))
        report = run(site.url(query))
        assert findings(report, "fail", "skipped") == [], report.text()
        assert report.tls.verified == "authority and name"
        assert "another host name" in refused(site.url(query, host="localhost")).observed

    def test_other_host_name(self, site: Site, refused: Refused) -> None:
        found = refused(site.url(f"sslmode=verify-full&sslrootcert={site.server.ca}", host="localhost"))
        assert "another host name" in found.observed

    def test_expired(self, site: Site, refused: Refused) -> None:
        url = site.url(f"sslmode=verify-ca&sslrootcert={site.server.ca}")
        site.server.certificate(left=-DAY)
        try:
            with site.server.settings():
                assert "expired" in refused(url).observed
        finally:
            site.server.certificate()
            with site.server.settings():
                pass

    def test_near_its_end(self, site: Site, run: Examine) -> None:
        verified = site.url(f"sslmode=verify-ca&sslrootcert={site.server.ca}")
        assert "tls" not in findings(run(verified), "warn")
        site.server.certificate(left=DAY / 12)
        try:
            with site.server.settings():
                report, of_nobody = run(verified), run(site.url("sslmode=require"))
        finally:
            site.server.certificate()
            with site.server.settings():
                pass
        assert "tls" in findings(report, "warn")
        assert f"the server's certificate ends at {report.tls.certificate_ends}" in report.text()
        assert "tls" not in findings(of_nobody, "warn"), "kine does not look at this certificate"

    def test_plaintext_is_a_warning(self, site: Site, run: Examine) -> None:
        report = run(site.url("sslmode=disable"))
        found = {check.id: check for check in report.checks}
        assert (found["tls"].status, report.tls.used) == ("warn", False)
        assert "plaintext" in found["tls"].observed
        assert findings(report, "fail") == []

    def test_service_of_the_same_namespace(self, site: Site, run: Examine) -> None:
        cluster = RelayCluster(site.server)
        report = run(site.url(host="db", port=5432), reacher=Reacher("auto", lambda: cluster, "kine-check"))
        assert findings(report, "fail") == [], report.text()
        assert cluster.asked == [("kine-check", "db")]


class TestProveWrite:
    """The proof that other modules use."""

    def test_leaves_no_trace(self, site: Site) -> None:
        prove_write(dsns.parse(site.url()))
        assert site.schemas() == []

    def test_through_a_port_forward(self, site: Site) -> None:
        url = site.url(f"sslmode=verify-full&sslrootcert={site.server.ca}", host=HOST, port=5432)
        with relay(site.server.port) as address:
            prove_write(dsns.parse(url), address)

    def test_read_only(self, site: Site) -> None:
        site.admin("ALTER DATABASE {database} SET default_transaction_read_only = on")
        with pytest.raises(Exception, match="read-only"):
            prove_write(dsns.parse(site.url()))

    def test_commit_that_hangs(self, site: Site) -> None:
        with site.server.settings(synchronous_standby_names="gone"), pytest.raises(Exception, match="deadline"):
            prove_write(dsns.parse(site.url()), seconds=1)
        assert site.schemas() == []
