# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which kubeconfig is written to disk, when one there may stay, and what is never lost."""

from __future__ import annotations

import base64
import datetime
import errno
import os
import pathlib
import types
import typing as t

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, InvalidInput, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kubeconfig_file import harmless, may_stay, refuse_others
from ansible_collections.k0smotron.ha.plugins.modules.kubeconfig_file import act

NOW = datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)

# As in k0smotron's own TestRewriteKubeconfigNames.
OURS = ("team-a-k0s", "team-a-admin", "team-a-admin@team-a-k0s")
OF_ANOTHER = ("team-b-k0s", "team-b-admin", "team-b-admin@team-b-k0s")


def certificate(made: datetime.datetime, end: datetime.datetime) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "admin")])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), made, end)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()


def kubeconfig(
    server: str = "https://a:30443", ca: str = "authority", cert: str = "", names: tuple[str, str, str] = OURS
) -> str:
    def encoded(text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    cert = cert or certificate(NOW - DAY, NOW + 365 * DAY)
    cluster_name, user_name, context_name = names
    cluster = {"server": server, "certificate-authority-data": encoded(ca)}
    user = {"client-certificate-data": encoded(cert), "client-key-data": encoded("key")}
    return yaml.safe_dump(
        {
            "clusters": [{"name": cluster_name, "cluster": cluster}],
            "users": [{"name": user_name, "user": user}],
            "contexts": [{"name": context_name, "context": {"cluster": cluster_name, "user": user_name}}],
            "current-context": context_name,
        }
    )


def merged(one: str, other: str, *kinds: str) -> str:
    """`one` with what `other` has of these kinds."""
    content, more = yaml.safe_load(one), yaml.safe_load(other)
    return yaml.safe_dump({**content, **{kind: content[kind] + more[kind] for kind in kinds}})


def changed(kind: str, part: str, **fields: t.Any) -> str:
    """Ours with these fields in a part of its first entry of a kind; with __ for -."""
    content = yaml.safe_load(kubeconfig())
    content[kind][0][part] |= {name.replace("__", "-"): value for name, value in fields.items()}
    return yaml.safe_dump(content)


EXEC = {"apiVersion": "client.authentication.k8s.io/v1", "command": "/bin/sh", "args": ["-c", "id"]}
HARMFUL = {
    "users.user.exec": changed("users", "user", exec=EXEC),
    "users.user.auth-provider": changed("users", "user", auth__provider={"name": "gcp"}),
    "users.user.tokenFile": changed("users", "user", tokenFile="/home/user/token"),
    "users.user.client-key": changed("users", "user", client__key="/home/user/key.pem"),
    "users.user.client-key-data": changed("users", "user", client__key__data={"exec": EXEC}),
    "users.user.as": changed("users", "user", **{"as": "somebody"}),
    "clusters.cluster.certificate-authority": changed(
        "clusters", "cluster", certificate__authority="/home/user/ca.pem"
    ),
    "clusters.cluster.insecure-skip-tls-verify": changed("clusters", "cluster", insecure__skip__tls__verify=True),
    "clusters.cluster.proxy-url": changed("clusters", "cluster", proxy__url="http://proxy"),
    "clusters.cluster.server": changed("clusters", "cluster", server="http://a:30443"),
    "contexts.context.extensions": changed("contexts", "context", extensions=[]),
    "preferences.colors": yaml.safe_dump({**yaml.safe_load(kubeconfig()), "preferences": {"colors": True}}),
    "users": yaml.safe_dump({**yaml.safe_load(kubeconfig()), "users": {"user": {"exec": EXEC}}}),
    "Users": yaml.safe_dump({**yaml.safe_load(kubeconfig()), "Users": []}),
}

ADMINISTRATORS = kubeconfig(
    server="https://management:6443", names=("kubernetes", "kubernetes-admin", "admin@kubernetes")
)
OF_OTHERS = {
    "another cluster": ADMINISTRATORS,
    "other clusters too": merged(kubeconfig(), ADMINISTRATORS, "clusters", "users", "contexts"),
    "another context": merged(kubeconfig(), ADMINISTRATORS, "contexts"),
    "another user": merged(kubeconfig(), ADMINISTRATORS, "users"),
    "another control plane": kubeconfig(names=OF_ANOTHER),
    "what k0s wrote": kubeconfig(names=("k0s", "admin", "k0s")),
    "broken": "not: [a kubeconfig",
    "a text": "my notes",
    "another YAML": "clusters: [1]",
    "no contexts": yaml.safe_dump({"clusters": None, "users": None, "contexts": None}),
}
others = pytest.mark.parametrize("existing", OF_OTHERS.values(), ids=OF_OTHERS.keys())


class NoCluster(Exception):
    pass


def no_cluster() -> t.NoReturn:
    raise NoCluster


def cluster_with(secret: str) -> t.Callable[[], t.Any]:
    found = {"data": {"value": base64.b64encode(secret.encode()).decode()}}
    return lambda: types.SimpleNamespace(get=lambda *_: found, check_mode=False)


def without_kubeconfig() -> t.Any:
    return types.SimpleNamespace(get=lambda *_: None, check_mode=False)


def run(
    path: pathlib.Path,
    state: str,
    cluster: t.Callable[[], t.Any] = no_cluster,
    check_mode: bool = False,
    required: bool = True,
) -> dict[str, t.Any]:
    params = {"name": "team-a", "namespace": "team-a", "path": str(path), "state": state, "required": required}

    def set_mode(of: str, mode: str, changed: bool) -> bool:
        if not check_mode:
            pathlib.Path(of).chmod(int(mode, 8))
        return changed

    module = types.SimpleNamespace(params=params, check_mode=check_mode, set_mode_if_different=set_mode)
    return act(t.cast(t.Any, module), cluster)


@pytest.mark.parametrize(("place", "text"), HARMFUL.items(), ids=HARMFUL.keys())
@pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
def test_what_kubectl_could_do_harm_by_is_not_written(
    tmp_path: pathlib.Path, place: str, text: str, check_mode: bool
) -> None:
    path = tmp_path / "config"
    with pytest.raises(
        InvalidInput, match=f"Secret team-a-kubeconfig in namespace team-a .* with '{place}', .*take that out"
    ):
        run(path, "present", cluster_with(text), check_mode)
    assert not path.exists()


@pytest.mark.parametrize("text", ["", "- a", "not: [a kubeconfig", "a: 2026-99-99", "[" * 9999, "{}\n---\n{}"])
def test_what_is_no_kubeconfig_is_not_written(text: str) -> None:
    with pytest.raises(InvalidInput, match=r"S holds no kubeconfig\. Wait until k0smotron"):
        harmless(text, "S")


def test_all_that_k0smotron_writes_is_written() -> None:
    """As clientcmd.Write puts it, and with what else only connects."""
    text = f"apiVersion: v1\n{kubeconfig()}".replace("users:", "kind: Config\npreferences: {}\nusers:")
    assert harmless(text, "S") == text
    for more in (
        changed("users", "user", token="abc"),
        changed("clusters", "cluster", tls__server__name="a"),
        changed("contexts", "context", namespace="apps"),
    ):
        assert harmless(more, "S") == more


def test_the_text_is_written_anew() -> None:
    """Another reader of YAML may take the first of two keys, or what stands behind an end."""
    text = kubeconfig()
    assert harmless(f"users: [{{name: a, user: {{exec: {{command: sh}}}}}}]\n# a remark\n{text}...\n", "S") == text


def test_a_file_that_runs_something_is_replaced(tmp_path: pathlib.Path) -> None:
    """Such as one of a version that wrote whatever the Secret held."""
    path, wanted = tmp_path / "config", kubeconfig(cert=lasting())
    content = yaml.safe_load(wanted)
    content["users"][0]["user"]["exec"] = EXEC
    path.write_text(yaml.safe_dump(content))
    assert run(path, "present", cluster_with(wanted))["changed"]
    assert path.read_text() == wanted


def test_a_file_to_which_somebody_added_a_user_of_theirs_may_stay() -> None:
    content = yaml.safe_load(kubeconfig())
    content["users"].append({"name": "me", "user": {"exec": EXEC}})
    assert may_stay(yaml.safe_dump(content), kubeconfig(), NOW)


def test_another_certificate_for_the_same_control_plane_changes_nothing() -> None:
    assert may_stay(kubeconfig(), kubeconfig(), NOW)


@pytest.mark.parametrize(
    "existing",
    [
        "",
        "not: [a kubeconfig",
        "clusters: []",
        kubeconfig(server="https://b:30443"),
        kubeconfig(ca="another authority"),
        kubeconfig(cert="no certificate"),
        kubeconfig(cert=certificate(NOW - 300 * DAY, NOW + 65 * DAY)),
    ],
    ids=["none", "broken", "empty", "other server", "other authority", "no certificate", "near its end"],
)
def test_a_file_that_no_longer_fits_may_not_stay(existing: str) -> None:
    assert not may_stay(existing, kubeconfig(), NOW)


@pytest.mark.parametrize(
    "existing",
    ["", " \n", kubeconfig(server="https://b:30443", ca="another authority")],
    ids=["empty", "blank", "of the control plane before"],
)
def test_what_may_be_lost(existing: str) -> None:
    refuse_others("f", existing, "team-a")


@others
@pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_what_others_wrote_stays_as_it_is(tmp_path: pathlib.Path, existing: str, check_mode: bool, state: str) -> None:
    path = tmp_path / "config"
    path.write_text(existing)
    path.chmod(0o640)
    with pytest.raises(InvalidInput, match=r"config holds something else .*team-a.* Name a file of its own"):
        run(path, state, cluster_with(kubeconfig(ca="made anew")), check_mode)
    assert path.read_text() == existing
    assert path.stat().st_mode & 0o777 == 0o640
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_leads_to_the_control_plane_may_have_more_contexts(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "config"
    path.write_text(merged(kubeconfig(cert=lasting()), ADMINISTRATORS, "contexts"))
    assert not run(path, "present", cluster_with(kubeconfig()))["changed"]


def test_the_file_of_the_one_before_is_replaced(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "config"
    path.write_text(kubeconfig(ca="another authority"))
    wanted = kubeconfig(cert=lasting())
    assert run(path, "present", cluster_with(wanted))["changed"]
    assert path.read_text() == wanted
    assert path.stat().st_mode & 0o777 == 0o600
    assert not run(path, "present", cluster_with(wanted))["changed"]


def lasting() -> str:
    """A certificate that is good whenever the tests run."""
    now = datetime.datetime.now(datetime.UTC)
    return certificate(now - DAY, now + 365 * DAY)


@pytest.mark.parametrize("existing", [kubeconfig(), ""], ids=["ours", "empty"])
def test_the_file_is_deleted_without_a_cluster(tmp_path: pathlib.Path, existing: str) -> None:
    path = tmp_path / "config"
    path.write_text(existing)
    predicted = run(path, "absent", check_mode=True)
    assert path.exists()
    assert run(path, "absent") == predicted
    assert predicted["changed"]
    assert (predicted["diff"]["before"], predicted["diff"]["after"]) == ("a kubeconfig\n", "")
    assert not path.exists()
    again = run(path, "absent")
    assert not again["changed"]
    assert again["diff"]["before"] == again["diff"]["after"]


def test_a_link_goes_and_what_it_leads_to_stays(tmp_path: pathlib.Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text(kubeconfig())
    link.symlink_to(target)
    assert run(link, "absent")["changed"]
    assert (link.is_symlink(), target.exists()) == (False, True)


def test_a_folder_is_neither_read_nor_deleted(tmp_path: pathlib.Path) -> None:
    with pytest.raises(HaError, match="cannot be read"):
        run(tmp_path, "absent")
    assert tmp_path.exists()


@pytest.mark.parametrize("check_mode", [False, True], ids=["run", "check"])
def test_a_folder_that_is_not_there_is_told_before_a_control_plane_is_made(
    tmp_path: pathlib.Path, check_mode: bool
) -> None:
    with pytest.raises(NotFound, match=r"The folder of .*/none/config does not exist. Create it"):
        run(tmp_path / "none" / "config", "present", cluster_with(kubeconfig()), check_mode)


def test_a_folder_that_is_not_ours_is_told_before_a_control_plane_is_made(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: (str(path), mode) != (str(tmp_path), os.W_OK))
    with pytest.raises(HaError, match=r"not ours to write to\. Allow it"):
        run(tmp_path / "config", "present", cluster_with(kubeconfig()), check_mode=True)


@pytest.mark.parametrize("failing", ["write", "replace"])
def test_nothing_of_the_key_stays_behind_where_the_file_cannot_be_written(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, failing: str
) -> None:
    def full(*_what: t.Any, **_how: t.Any) -> t.NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    def opened(*what: t.Any, **how: t.Any) -> t.Any:
        file = open(*what, **how)  # noqa: SIM115 (closed by the product)
        file.write = full
        return file

    monkeypatch.setattr(os, *(("fdopen", opened) if failing == "write" else ("replace", full)))
    with pytest.raises(HaError, match=r"config cannot be written: .*No space left on device"):
        run(tmp_path / "config", "present", cluster_with(kubeconfig()))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("secret", [{}, {"data": None}, {"data": {"other": "eA=="}}, {"data": {"value": "%"}}])
def test_a_secret_without_a_kubeconfig_is_named(tmp_path: pathlib.Path, secret: dict[str, t.Any]) -> None:
    cluster = types.SimpleNamespace(get=lambda *_: secret, check_mode=False)
    with pytest.raises(HaError, match=r"team-a-kubeconfig in namespace team-a holds no kubeconfig.*Wait") as refused:
        run(tmp_path / "config", "present", lambda: cluster)
    assert "delete" not in str(refused.value).lower()


def test_a_control_plane_without_a_kubeconfig_is_an_error_unless_none_is_required(tmp_path: pathlib.Path) -> None:
    path, made = tmp_path / "config", kubeconfig()
    with pytest.raises(NotFound, match="There is no Secret team-a-kubeconfig in namespace team-a"):
        run(path, "present", without_kubeconfig)
    assert run(path, "present", without_kubeconfig, required=False)["changed"] is False
    assert not path.exists()
    assert run(path, "present", cluster_with(made), required=False)["changed"] is True
    assert path.read_text() == made


def test_where_none_is_required_what_others_wrote_is_refused_all_the_same(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "config"
    path.write_text(ADMINISTRATORS)
    with pytest.raises(InvalidInput):
        run(path, "present", without_kubeconfig, required=False)
    assert path.read_text() == ADMINISTRATORS
