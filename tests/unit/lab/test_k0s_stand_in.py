# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The k0s stand-in understands what k0smotron writes, and starts the programs as k0s does."""

from __future__ import annotations

import json

import pytest

from tests.lab.image_files.k0s.k0s_stand_in import bootstrap, cli, components, config, kubeconfig, paths, pki, tokens

DSN = "postgres://kine:s3cret@db.example.test:5432/kine?sslmode=require"
K0S_YAML = f"""
apiVersion: k0s.k0sproject.io/v1beta1
kind: ClusterConfig
spec:
  api:
    externalAddress: 192.0.2.10
    port: 30443
    sans: [192.0.2.10, kmc-demo.default.svc]
  konnectivity:
    agentPort: 30132
  storage:
    type: kine
    kine:
      dataSource: {DSN}
"""


def _flags(component: components.Component) -> dict[str, str]:
    return dict(argument.removeprefix("--").split("=", 1) for argument in component.arguments)


def test_config_as_k0smotron_writes_it() -> None:
    parsed = config.parse(K0S_YAML)
    assert parsed.data_source == DSN
    assert parsed.external_url == "https://192.0.2.10:30443"
    assert parsed.sans == ("192.0.2.10", "kmc-demo.default.svc")


def test_config_never_shows_the_password() -> None:
    assert "s3cret" not in repr(config.parse(K0S_YAML))


def test_ipv6_address_gets_brackets() -> None:
    assert config.Config(DSN, "2001:db8::1", 30443).external_url == "https://[2001:db8::1]:30443"


@pytest.mark.parametrize(("old", "new"), [("type: kine", "type: etcd"), (DSN, "''")])
def test_other_storage_is_refused(old: str, new: str) -> None:
    with pytest.raises(paths.StandInError, match="stores in kine only"):
        config.parse(K0S_YAML.replace(old, new))


def test_one_kine_prefix_is_stripped_for_kine_only() -> None:
    environment = {"KINE_KINE_DATASTORE_MAX_OPEN_CONNECTIONS": "7", "KINE_FOO": "1", "PATH": "/bin"}
    stripped = {"KINE_DATASTORE_MAX_OPEN_CONNECTIONS": "7", "FOO": "1", "PATH": "/bin"}
    assert components.storage(config.parse(K0S_YAML), environment).environment == stripped
    assert components.scheduler(environment).environment == environment


def test_kine_gets_the_dsn_and_leaves_compaction_to_the_api_server() -> None:
    component = components.storage(config.parse(K0S_YAML), {})
    flags = _flags(component)
    assert (flags["endpoint"], flags["compact-interval"]) == (DSN, "0")
    assert "s3cret" not in repr(component)


def test_api_server_talks_to_kine_on_the_wanted_port_and_takes_extra_arguments() -> None:
    text = K0S_YAML.replace("port: 30443", "port: 30443\n    extraArgs: {v: '2', profiling: 'true'}")
    flags = _flags(components.api_server(config.parse(text), {}))
    assert flags["etcd-servers"] == _listen_address()
    assert (flags["secure-port"], flags["v"], flags["profiling"]) == ("30443", "2", "true")
    assert "RBAC" in flags["authorization-mode"]


def _listen_address() -> str:
    return _flags(components.storage(config.parse(K0S_YAML), {}))["listen-address"]


def test_server_certificate_serves_services_replicas_and_the_outside() -> None:
    names = pki.wanted(config.parse(K0S_YAML))["server"].names
    assert {"192.0.2.10", "kmc-demo.default.svc", "kubernetes", "localhost", "127.0.0.1", "10.96.0.1"} <= set(names)
    assert len(set(names)) == len(names)


@pytest.mark.parametrize(("text", "seconds"), [("1h30m", 5400), ("45s", 45), ("0s", 0), ("1.5h", 5400)])
def test_expiry_is_a_go_duration(text: str, seconds: float) -> None:
    assert tokens.duration(text) == seconds


@pytest.mark.parametrize("text", ["", "90", "1d", "1h x"])
def test_other_expiry_is_refused(text: str) -> None:
    with pytest.raises(paths.StandInError, match="is no duration"):
        tokens.duration(text)


def test_kubeconfig_names_its_current_context(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kubeconfig, "_encoded", lambda path: path.name)
    content = json.loads(kubeconfig.render("https://192.0.2.10:30443", "admin", {"token": "t"}))
    (context,) = content["contexts"]
    assert content["current-context"] == context["name"]
    assert context["context"] == {"cluster": content["clusters"][0]["name"], "user": "admin"}
    assert content["clusters"][0]["cluster"] == {
        "server": "https://192.0.2.10:30443",
        "certificate-authority-data": "ca.crt",
    }


def test_who_has_a_token_may_ask_for_a_kubelets_certificate_and_no_more() -> None:
    rights = {(each["subjects"][0]["name"], each["roleRef"]["name"]) for each in bootstrap.bindings()}
    assert {role for group, role in rights if group == "system:bootstrappers"} == {
        "system:node-bootstrapper",
        "system:certificates.k8s.io:certificatesigningrequests:nodeclient",
    }
    assert len({each["metadata"]["name"] for each in bootstrap.bindings()}) == len(rights)


def test_arguments_as_k0smotron_gives_them() -> None:
    parse = cli.parser().parse_args
    assert parse(["controller", "--config=/etc/k0s/k0s.yaml", "--enable-dynamic-config"]).config == "/etc/k0s/k0s.yaml"
    assert parse(["kubeconfig", "create", "admin", "--groups", "system:masters"]).groups == "system:masters"
    assert parse(["token", "create", "--role=worker", "--expiry=1h"]).expiry == "1h"
    assert parse(["token", "invalidate", "abc123"]).ids == ["abc123"]
    assert parse(["kubectl", "get", "--raw", "/readyz"]).arguments == ["get", "--raw", "/readyz"]
