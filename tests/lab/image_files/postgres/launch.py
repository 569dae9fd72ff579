#!/usr/bin/env python3
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts Patroni as the Zalando operator expects of Spilo, whose place this image takes in the lab.

The operator speaks to the pod by environment variables (SCOPE, PGROOT, POD_IP, SPILO_CONFIGURATION, ...); they become
a Patroni configuration. Not here: backups, clones, standby clusters, major upgrades in place, PAM, connection pooler.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import time
import typing as t
from pathlib import Path

USER = "postgres"
HOME = Path("/home/postgres")
CONFIG = HOME / "postgres.yml"  # JSON is YAML
SOCKETS = Path("/var/run/postgresql")
NOT_SUPPORTED = ("CLONE_SCOPE", "CLONE_WITH_WALE", "CLONE_WITH_BASEBACKUP", "STANDBY_HOST", "STANDBY_WITH_WALE")
MEBIBYTE = 1 << 20
RELOAD_SECONDS = 10  # Spilo: five minutes
CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))

Config = dict[str, t.Any]


def main() -> None:
    env = dict(os.environ)
    if asked := [name for name in NOT_SUPPORTED if env.get(name)]:
        sys.exit(f"This stand-in for Spilo cannot do what {', '.join(asked)} asks for.")
    prepare_folders(Path(env["PGROOT"]))
    tls = server_certificate(env)
    config = merged(patroni_config(env, tls, memory_limit()), json.loads(env.get("SPILO_CONFIGURATION", "{}")))
    write_config(config)
    become_postgres()
    if "SSL_CERTIFICATE_FILE" in env:
        start_reloader(Path(env["SSL_CERTIFICATE_FILE"]), Path(config["postgresql"]["data_dir"]))
    os.execvp("patroni", ["patroni", str(CONFIG)])  # noqa: S606 (no shell wanted)


def prepare_folders(root: Path) -> None:
    """Volumes arrive empty and owned by root, and /run is empty in every new container."""
    for folder, mode in ((HOME, 0o755), (root, 0o755), (root / "data", 0o700), (SOCKETS, 0o2775)):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.chown(folder, USER, USER)
        folder.chmod(mode)


def server_certificate(env: t.Mapping[str, str]) -> dict[str, str]:
    """PostgreSQL's ssl_* settings: the files of the resource's `tls` section, or a certificate made here."""
    if "SSL_CERTIFICATE_FILE" in env:
        files = {
            "ssl_cert_file": "SSL_CERTIFICATE_FILE",
            "ssl_key_file": "SSL_PRIVATE_KEY_FILE",
            "ssl_ca_file": "SSL_CA_FILE",
        }
        return {setting: env[name] for setting, name in files.items() if env.get(name)}
    certificate, key = HOME / "server.crt", HOME / "server.key"
    if not certificate.exists():
        request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        request += [
            "-days",
            "3650",
            "-subj",
            f"/CN={socket.gethostname()}",
            "-keyout",
            str(key),
            "-out",
            str(certificate),
        ]
        subprocess.run(request, check=True, capture_output=True)
    for path in (certificate, key):
        shutil.chown(path, USER, USER)
    key.chmod(0o600)
    return {"ssl_cert_file": str(certificate), "ssl_key_file": str(key)}


def start_reloader(certificate: Path, data: Path) -> None:
    """Let PostgreSQL read a renewed certificate, in a process of its own beside Patroni, as Spilo does."""
    if os.fork() != 0:
        return
    seen = certificate.read_bytes()
    while True:
        time.sleep(RELOAD_SECONDS)
        now = certificate.read_bytes()
        if now != seen:
            try:
                os.kill(int((data / "postmaster.pid").read_text().split()[0]), signal.SIGHUP)
            except (OSError, ValueError, IndexError):  # it is not running at this moment, and reads it when it starts
                continue
            seen = now


def patroni_config(env: t.Mapping[str, str], tls: t.Mapping[str, str], memory: int) -> Config:
    """Spilo's defaults as far as the operator and applications can see them; `memory` is the container's, in bytes."""
    root = Path(env["PGROOT"])
    accounts = {
        "superuser": {"username": env["PGUSER_SUPERUSER"], "password": env["PGPASSWORD_SUPERUSER"]},
        "replication": {"username": env["PGUSER_STANDBY"], "password": env["PGPASSWORD_STANDBY"]},
    }
    return {
        "scope": env["SCOPE"],
        "name": socket.gethostname(),
        "restapi": {"listen": ":8008", "connect_address": f"{env['POD_IP']}:8008"},
        "kubernetes": kubernetes_config(env),
        "watchdog": {"mode": "off"},
        "bootstrap": {
            "dcs": {
                "ttl": 30,
                "loop_wait": 10,
                "retry_timeout": 10,
                "maximum_lag_on_failover": 32 * MEBIBYTE,
                "postgresql": {"use_pg_rewind": True, "use_slots": True, "parameters": shared_parameters(memory)},
            },
            "initdb": [{"encoding": "UTF8"}, {"locale": "C.UTF-8"}, "data-checksums"],
            "post_init": "/post_init",
        },
        "postgresql": {
            "listen": "*:5432",
            "connect_address": f"{env['POD_IP']}:5432",
            "use_unix_socket": True,
            "data_dir": str(root / "data"),
            "bin_dir": f"/usr/lib/postgresql/{env.get('PGVERSION', '15')}/bin",
            "pgpass": str(HOME / ".pgpass_patroni"),
            "authentication": accounts,
            "pg_hba": access_rules(env),
            # Else a new replica waits for the primary's next checkpoint, which takes its minutes.
            "basebackup": [{"checkpoint": "fast"}],
            "parameters": {
                "unix_socket_directories": str(SOCKETS),
                "ssl": "on",
                **tls,
                "shared_buffers": shared_buffers(memory),
            },
        },
    }


def kubernetes_config(env: t.Mapping[str, str]) -> Config:
    """Where the leader lock lives: ConfigMaps when the operator says so, else the Endpoints of the leader's Service."""
    config: Config = {
        "namespace": env["POD_NAMESPACE"],
        "labels": json.loads(env["KUBERNETES_LABELS"]),
        "scope_label": env["KUBERNETES_SCOPE_LABEL"],
        "role_label": env["KUBERNETES_ROLE_LABEL"],
    }
    if env.get("KUBERNETES_USE_CONFIGMAPS") != "true":
        ports = [{"name": "postgresql", "port": 5432}]
        config |= {"use_endpoints": True, "pod_ip": env["POD_IP"], "ports": ports}
    return config


def shared_parameters(memory: int) -> Config:
    """Settings that all members must share. The operator cannot cope with none at all."""
    return {
        "max_connections": min(max(100, memory // (30 * MEBIBYTE)), 1000),
        "wal_level": "hot_standby",
        "wal_log_hints": "on",  # for pg_rewind, also on data without checksums
        "max_wal_senders": 10,
        "max_replication_slots": 10,
        "hot_standby": "on",
    }


def shared_buffers(memory: int) -> str:
    return f"{max(memory // 5 // MEBIBYTE, 16)}MB"


def access_rules(env: t.Mapping[str, str]) -> list[str]:
    """pg_hba lines as Spilo has them: whoever comes by network needs TLS, unless ALLOW_NOSSL is set."""
    standby, remote = env["PGUSER_STANDBY"], "host" if env.get("ALLOW_NOSSL") else "hostssl"
    rules = ["local all all trust", "host all all 127.0.0.1/32 md5", "host all all ::1/128 md5"]
    rules += [f"local replication {standby} trust", f"{remote} replication {standby} all md5"]
    if remote == "hostssl":
        rules.append("hostnossl all all all reject")
    return [*rules, f"{remote} all all all md5"]


def memory_limit() -> int:
    """The container's memory limit in bytes; half a gibibyte, the operator's default, where none is set."""
    for path in CGROUP_LIMITS:
        if path.exists() and (text := path.read_text().strip()).isdigit() and int(text) < 1 << 60:
            return int(text)
    return 512 * MEBIBYTE


def merged(ours: t.Any, theirs: t.Any) -> t.Any:
    """`theirs` over `ours`: maps are merged, everything else is replaced."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {**ours, **{key: merged(ours.get(key), value) for key, value in theirs.items()}}
    return theirs


def write_config(config: Config) -> None:
    CONFIG.touch(mode=0o600)
    CONFIG.write_text(json.dumps(config, indent=2))
    shutil.chown(CONFIG, USER, USER)


def become_postgres() -> None:
    if os.geteuid() == 0:
        account = pwd.getpwnam(USER)
        # A volume's fsGroup is among the groups that root has here: keep them, or the `tls` files stay unreadable.
        os.setgroups(sorted({*os.getgroups(), *os.getgrouplist(USER, account.pw_gid)} - {0}))
        os.setgid(account.pw_gid)
        os.setuid(account.pw_uid)
    os.environ["HOME"] = str(HOME)
    os.chdir(HOME)


if __name__ == "__main__":
    main()
