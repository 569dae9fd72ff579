# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that each database of a datastore takes writes: as its owner, over TLS, on the instance that leads."""

from __future__ import annotations

import contextlib
import dataclasses
import tempfile
import typing as t

from ansible.module_utils.basic import missing_required_lib

from ansible_collections.k0smotron.ha.plugins.module_utils.dsn import Dsn
from ansible_collections.k0smotron.ha.plugins.module_utils.errors import HaError, NotFound
from ansible_collections.k0smotron.ha.plugins.module_utils.kine import (
    mysql,
    mysql_connection,
    postgres,
    postgres_connection,
)
from ansible_collections.k0smotron.ha.plugins.module_utils.secret_data import texts

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.datastores import DatabaseSpec, Datastore
    from ansible_collections.k0smotron.ha.plugins.module_utils.kube import Kube

    Address: t.TypeAlias = tuple[str, int]


@dataclasses.dataclass(frozen=True)
class Driver:
    """``write`` takes a DSN without parameters, the address of the leader, and the file to verify by ("" for none)."""

    package: str
    import_error: str | None
    write: t.Callable[[Dsn, Address, str], None]


def _write_postgres(dsn: Dsn, address: Address, ca_file: str) -> None:
    tls = {"sslmode": "verify-full", "sslrootcert": ca_file} if ca_file else {"sslmode": "require"}
    postgres.prove_write(dataclasses.replace(dsn, params=tls), address)


def _write_mysql(dsn: Dsn, address: Address, ca_file: str) -> None:
    tls = {} if ca_file else {"tls": "skip-verify"}
    mysql.prove_write(dataclasses.replace(dsn, params=tls), address, ca_file=ca_file)


DRIVERS: t.Mapping[str, Driver] = {
    "postgres": Driver("psycopg (version 3)", postgres_connection.IMPORT_ERROR, _write_postgres),
    "mysql": Driver("PyMySQL", mysql_connection.IMPORT_ERROR, _write_mysql),
}


def require_driver(store: Datastore, otherwise: str = ", or give wait: false and prove nothing") -> None:
    """Find out that a driver is missing before anything is created, not at the end of a wait. Raises HaError."""
    driver = DRIVERS[store.scheme]
    if store.options.databases and driver.import_error:
        raise HaError(
            missing_required_lib(driver.package, reason="to prove that each database takes writes"),
            f"Install it there{otherwise}",
        )


def prove_write(kube: Kube, store: Datastore, item: DatabaseSpec, leader: str) -> None:
    """Write as kine would: as the owner, over TLS, verified where it can be, to the pod that leads. Raises HaError."""
    credentials = secret(kube, store, store.credential_secret(item.owner), "the credential Secret")
    write_as(kube, store, (credentials["username"], credentials["password"]), item.name, leader)


def write_as(kube: Kube, store: Datastore, login: tuple[str, str], database: str, leader: str) -> None:
    """The same with a login (user, password). Raises Forbidden, not as AccessDenied, where the database refuses it."""
    dsn = Dsn(store.scheme, *login, (store.endpoint(),), database, {})
    with (
        authorities(kube, store) as ca_file,
        kube.forward(store.options.namespace, leader, store.endpoint().port) as address,
    ):
        DRIVERS[store.scheme].write(dsn, address, ca_file)


@contextlib.contextmanager
def authorities(kube: Kube, store: Datastore) -> t.Iterator[str]:
    """A file with the certificates by which the servers are verified, "" where they cannot be."""
    place = store.ca()
    if place is None:
        yield ""
        return
    name, key = place
    with tempfile.NamedTemporaryFile("w", prefix="datastore-ca-") as file:
        file.write(secret(kube, store, name, "the Secret of the servers' authority").get(key, ""))
        file.flush()
        yield file.name


def secret(kube: Kube, store: Datastore, name: str, what: str) -> dict[str, str]:
    """What a Secret of the datastore says; ``what`` it is called where it is missing. Raises HaError."""
    found = kube.get("v1", "Secret", name, store.options.namespace)
    if found is None:
        raise NotFound(f"{what} {name} has gone")
    return texts(found)
