# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The operator's environment variables become the Patroni configuration that Spilo would make of them."""

from __future__ import annotations

import typing as t

from tests.lab.image_files.postgres import launch

ENV = {
    "SCOPE": "acid-demo",
    "PGROOT": "/home/postgres/pgdata/pgroot",
    "POD_IP": "192.0.2.20",
    "POD_NAMESPACE": "default",
    "PGUSER_SUPERUSER": "postgres",
    "PGPASSWORD_SUPERUSER": "one",
    "PGUSER_STANDBY": "standby",
    "PGPASSWORD_STANDBY": "two",
    "KUBERNETES_SCOPE_LABEL": "cluster-name",
    "KUBERNETES_ROLE_LABEL": "spilo-role",
    "KUBERNETES_LABELS": '{"application": "spilo"}',
    "PGVERSION": "15",
}
HALF_A_GIB = 512 * launch.MEBIBYTE


def _config(**changes: str) -> dict[str, t.Any]:
    return launch.patroni_config({**ENV, **changes}, {"ssl_cert_file": "/c"}, HALF_A_GIB)


def test_leader_lock_is_in_the_service_s_endpoints_by_default() -> None:
    assert _config()["kubernetes"] == {
        "namespace": "default",
        "labels": {"application": "spilo"},
        "scope_label": "cluster-name",
        "role_label": "spilo-role",
        "use_endpoints": True,
        "pod_ip": "192.0.2.20",
        "ports": [{"name": "postgresql", "port": 5432}],
    }


def test_leader_lock_in_config_maps_when_the_operator_says_so() -> None:
    assert "use_endpoints" not in _config(KUBERNETES_USE_CONFIGMAPS="true")["kubernetes"]


def test_shared_parameters_are_never_empty() -> None:
    """The operator panics on an empty map."""
    assert _config()["bootstrap"]["dcs"]["postgresql"]["parameters"]["max_connections"] == 100


def test_plain_connections_are_rejected_before_any_rule_lets_them_in() -> None:
    rules = launch.access_rules(ENV)
    remote = [rule for rule in rules if "127.0.0.1" not in rule and "::1" not in rule and not rule.startswith("local")]
    assert remote == [
        "hostssl replication standby all md5",
        "hostnossl all all all reject",
        "hostssl all all all md5",
    ]


def test_plain_connections_are_allowed_on_request() -> None:
    rules = launch.access_rules({**ENV, "ALLOW_NOSSL": "true"})
    assert rules[-1] == "host all all all md5"
    assert not any("reject" in rule for rule in rules)


def test_certificate_of_the_tls_section_is_used_in_place() -> None:
    env = {
        **ENV,
        "SSL_CERTIFICATE_FILE": "/tls/tls.crt",
        "SSL_PRIVATE_KEY_FILE": "/tls/tls.key",
        "SSL_CA_FILE": "/tls/ca.crt",
    }
    assert launch.server_certificate(env) == {
        "ssl_cert_file": "/tls/tls.crt",
        "ssl_key_file": "/tls/tls.key",
        "ssl_ca_file": "/tls/ca.crt",
    }


def test_the_operator_s_configuration_is_merged_deeply_and_wins() -> None:
    theirs = {
        "bootstrap": {"initdb": ["data-checksums"], "dcs": {"ttl": 20, "postgresql": {"parameters": {"a": "1"}}}},
        "postgresql": {"pg_hba": ["local all all trust"]},
    }
    config = launch.merged(_config(), theirs)
    assert config["bootstrap"]["initdb"] == ["data-checksums"]
    assert (config["bootstrap"]["dcs"]["ttl"], config["bootstrap"]["dcs"]["loop_wait"]) == (20, 10)
    assert config["bootstrap"]["dcs"]["postgresql"]["parameters"]["a"] == "1"
    assert config["bootstrap"]["dcs"]["postgresql"]["use_pg_rewind"] is True
    assert config["postgresql"]["pg_hba"] == ["local all all trust"]
    assert config["postgresql"]["parameters"]["ssl"] == "on"


def test_memory_decides_buffers_and_connections() -> None:
    gigabytes = 30 * 1024 * launch.MEBIBYTE
    assert launch.shared_buffers(HALF_A_GIB) == "102MB"
    assert launch.shared_parameters(gigabytes)["max_connections"] == 1000
