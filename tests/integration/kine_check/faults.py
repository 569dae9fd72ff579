# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# ruff: noqa: S608 - all statements are constants
"""The faults that a database is given on purpose, as data: how each is made, and the check that has to name it."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from ansible_collections.k0smotron.ha.plugins.module_utils.kine.look import Plan
from ansible_collections.k0smotron.ha.plugins.module_utils.kine.schema import TABLE, postgres_ddl

if t.TYPE_CHECKING:
    from ansible_collections.k0smotron.ha.plugins.module_utils.kine.results import Status

PLAN = Plan(control_planes=1, replicas=3, max_open=12, samples=5)
KINE_TABLE = tuple(postgres_ddl(TABLE))
ALONE = ("expired certificate", "read/write split", "replica gone", "demoted")
"""What goes on around a fault and changes what others on the same servers see."""


@dataclass(frozen=True)
class Fault:
    """One fault.

    ``admin`` and ``owner`` are statements run as superuser and as the role, in that order; ``query`` and ``parts`` change
    the DSN, ``settings`` the whole server; ``around`` names what has to go on meanwhile. ``check`` is the check that
    has to give ``status``; "" for a database that is fit. ``says`` are words that it has to use. ``varies``: all that kine
    was seen to do, where that is not the same each time.
    """

    id: str
    check: str
    status: Status
    admin: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    query: str = "sslmode=require"
    parts: t.Mapping[str, str] = field(default_factory=dict)
    settings: t.Mapping[str, str | int] = field(default_factory=dict)
    around: str = ""
    plan: Plan = PLAN
    varies: tuple[str, ...] = ()
    says: str = ""

    @property
    def alone(self) -> bool:
        """Whether the fault is one of the whole server, so that no other database can be looked at meanwhile."""
        return bool(self.settings) or self.around in ALONE


def on_create(statement: str) -> tuple[str, ...]:
    """Statements after which the server does ``statement`` to every table kine that somebody makes; %1$I is its schema.

    So kine's own table gets the fault, and the check's scratch table the same one.
    """
    body = (
        "DECLARE made record; BEGIN FOR made IN SELECT * FROM pg_event_trigger_ddl_commands()"
        " WHERE object_type = 'table' AND object_identity ~ '\\.kine$' LOOP"
        f" EXECUTE format('{statement}', made.schema_name); END LOOP; END"
    )
    return (
        f"CREATE FUNCTION alter_made() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $${body}$$",
        "CREATE EVENT TRIGGER alter_made ON ddl_command_end WHEN TAG IN ('CREATE TABLE') EXECUTE FUNCTION alter_made()",
    )


def on_row(event: str, body: str) -> tuple[str, ...]:
    """The same for a row trigger with this body (quotes doubled, percent signs doubled)."""
    return on_create(
        f"CREATE FUNCTION %1$I.change() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN {body} END'';"
        f" CREATE TRIGGER change BEFORE {event} ON %1$I.kine FOR EACH ROW EXECUTE FUNCTION %1$I.change()"
    )


def table(*changes: str) -> tuple[str, ...]:
    """Statements that make kine's table and then change it."""
    return (*KINE_TABLE, *changes)


_UNIQUE = "kine_name_prev_revision_uindex"
_SHIFTED = "CREATE COLLATION public.shifted (provider = icu, locale = 'en-u-ka-shifted')"
_ROW = "INSERT INTO kine (id, name, created, deleted, create_revision, prev_revision, lease, value)"

# fmt: off
FAULTS: t.Final = (
    Fault("nothing: an empty database", "", "ok"),
    Fault("nothing: kine's own table is there", "", "ok", owner=KINE_TABLE),
    Fault("nothing: the unique index has another name", "", "ok", owner=table(f"ALTER INDEX {_UNIQUE} RENAME TO other")),

    Fault("DSN with a value that the driver refuses", "dsn", "fail", query="sslmode=require&connect_timeout=5s"),
    Fault("DSN with a host in its parameters", "dsn", "fail", query="sslmode=require&host=db.nowhere.invalid"),
    Fault("DSN without sslmode", "dsn", "warn", query=""),

    Fault("wrong password", "connect", "fail", ("ALTER ROLE {role} PASSWORD 'another'",)),
    Fault("role that may not log in", "connect", "fail", ("ALTER ROLE {role} NOLOGIN",)),
    Fault("unknown role", "connect", "fail", parts={"user": "ghost"}),
    Fault("unknown database", "connect", "fail", parts={"database": "ghost"}),
    Fault("role that may not connect to the database", "connect", "fail",
          ("ALTER DATABASE {database} OWNER TO postgres", "REVOKE CONNECT ON DATABASE {database} FROM PUBLIC")),
    Fault("DSN with a parameter that is no setting", "connect", "fail", query="sslmode=require&pool_max_conns=5"),
    Fault("closed port", "connect", "fail", parts={"port": "1"}),
    Fault("unknown host name", "connect", "fail", parts={"host": "db.nowhere.invalid"}),
    Fault("a web server instead of a database", "connect", "fail", around="web server"),
    Fault("a port that accepts and says nothing", "connect", "fail", around="no answer"),
    Fault("no connection slot is free for the role", "connect", "fail", around="connected",
          admin=("ALTER ROLE {role} CONNECTION LIMIT 1",)),
    Fault("plaintext to a server that wants TLS", "connect", "fail", query="sslmode=disable", around="tls only"),
    Fault("TLS to a server that has none", "connect", "fail", settings={"ssl": "off"}),
    Fault("certificate of another authority", "connect", "fail", query="sslmode=verify-ca&sslrootcert={other_ca}"),
    Fault("certificate for another host name", "connect", "fail", parts={"host": "localhost"},
          query="sslmode=verify-full&sslrootcert={ca}"),
    Fault("expired certificate", "connect", "fail", query="sslmode=verify-ca&sslrootcert={ca}", around="expired certificate"),
    Fault("standby, asked for a primary", "connect", "fail", around="standby",
          query="sslmode=require&target_session_attrs=read-write"),
    Fault("plaintext", "tls", "warn", query="sslmode=disable"),

    Fault("read-only database", "writable", "fail", ("ALTER DATABASE {database} SET default_transaction_read_only = on",)),
    Fault("standby", "writable", "fail", around="standby", says="standby"),
    Fault("serializable by default", "isolation", "fail",
          ("ALTER ROLE {role} SET default_transaction_isolation = 'serializable'",)),
    Fault("repeatable read by default", "isolation", "warn",
          ("ALTER DATABASE {database} SET default_transaction_isolation = 'repeatable read'",)),

    Fault("no CREATE on the schema", "schema", "fail", ("ALTER DATABASE {database} OWNER TO postgres",)),
    Fault("no CREATE on the schema, but the table is there", "schema", "fail",
          ("ALTER DATABASE {database} OWNER TO postgres", *KINE_TABLE, "ALTER TABLE kine OWNER TO {role}")),
    Fault("search path that leads nowhere", "schema", "fail", ("ALTER ROLE {role} SET search_path = 'nowhere'",)),
    Fault("table of another owner", "owner", "fail",
          (*KINE_TABLE, "GRANT ALL ON TABLE kine TO {role}", "GRANT ALL ON SEQUENCE kine_id_seq TO {role}")),

    Fault("integer ids", "columns", "warn", owner=table(
        "ALTER TABLE kine ALTER COLUMN id TYPE integer, ALTER COLUMN prev_revision TYPE integer")),
    Fault("values are text", "columns", "fail", owner=table("ALTER TABLE kine ALTER COLUMN value TYPE text USING ''")),
    Fault("a column is missing", "columns", "fail", owner=table("ALTER TABLE kine DROP COLUMN old_value")),
    Fault("a column that kine does not fill", "columns", "fail", owner=table(
        "ALTER TABLE kine ADD COLUMN tenant text NOT NULL")),
    Fault("ids without a sequence", "columns", "fail", owner=table("ALTER TABLE kine ALTER COLUMN id DROP DEFAULT")),
    Fault("order of keys skips punctuation", "collation", "fail", (_SHIFTED,), table(
        "ALTER TABLE kine ALTER COLUMN name TYPE text COLLATE shifted")),
    Fault("order of keys of a language", "collation", "warn", owner=table(
        'ALTER TABLE kine ALTER COLUMN name TYPE text COLLATE "en-x-icu"')),
    Fault("no unique index", "indexes", "fail", owner=table(f"DROP INDEX {_UNIQUE}")),
    Fault("unique index that is none", "indexes", "fail", owner=table(
        f"DROP INDEX {_UNIQUE}", f"CREATE INDEX {_UNIQUE} ON kine (name, prev_revision)")),
    Fault("unique index over a part of the rows", "indexes", "fail", owner=table(
        f"DROP INDEX {_UNIQUE}", f"CREATE UNIQUE INDEX {_UNIQUE} ON kine (name, prev_revision) WHERE deleted = 1")),
    Fault("no primary key", "indexes", "fail", owner=table("ALTER TABLE kine DROP CONSTRAINT kine_pkey"),
          varies=("works", "watches: events are missing")),
    Fault("an index for lists is missing", "indexes", "warn", owner=table("DROP INDEX kine_list_query_index")),

    Fault("sequence behind the newest id", "sequence", "fail", owner=table(
        f"{_ROW} SELECT n, '/registry/old/' || n, 1, 0, 0, 0, 0, '' FROM generate_series(1, 200) AS n")),
    Fault("integer ids that are used up", "sequence", "fail", owner=table(
        "ALTER TABLE kine ALTER COLUMN id TYPE integer", "ALTER SEQUENCE kine_id_seq AS integer",
        f"{_ROW} VALUES (2147483640, '/registry/old', 1, 0, 0, 0, 0, '')", "SELECT setval('kine_id_seq', 2147483640)")),
    Fault("data of another control plane", "data", "fail", plan=Plan(max_open=12, samples=5, expect="empty"), owner=table(
        f"{_ROW} VALUES (nextval('kine_id_seq'), '/registry/namespaces/default', 1, 0, 0, 0, 0, 'x')")),
    Fault("compaction stalled", "compacted", "warn", owner=table(
        f"{_ROW} SELECT nextval('kine_id_seq'), '/registry/leases/one', 0, 0, 1, n, 0, 'x' FROM generate_series(0, 5999) AS n")),

    Fault("two records of the compaction", "gaps", "fail", owner=table(
        f"{_ROW} SELECT nextval('kine_id_seq'), '/registry/old/' || n, 1, 0, 0, 0, 0, '' FROM generate_series(1, 9) AS n",
        f"{_ROW} SELECT nextval('kine_id_seq'), 'compact_rev_key', 1, 0, 0, n, 0, '' FROM generate_series(0, 1) AS n")),
    Fault("somebody is connected already", "writers", "fail", around="connected",
          plan=Plan(max_open=12, samples=5, expect="empty")),
    Fault("PgBouncer in transaction mode", "prepared", "fail", query="sslmode=disable", around="PgBouncer, transactions"),
    Fault("PgBouncer in session mode, plaintext", "tls", "warn", query="sslmode=disable", around="PgBouncer, sessions"),
    Fault("PostgreSQL 16, without TLS", "tls", "warn", query="sslmode=disable", around="PostgreSQL 16"),
    Fault("PostgreSQL 18, without TLS", "version", "warn", query="sslmode=disable", around="PostgreSQL 18"),
    Fault("statements end after 1 s", "housekeeping", "warn", ("ALTER ROLE {role} SET statement_timeout = '1s'",)),
    Fault("role limited to 35 connections", "connections", "fail", ("ALTER ROLE {role} CONNECTION LIMIT 35",),
          says="may open only 35"),
    Fault("more control planes than slots", "connections", "fail", plan=Plan(3, 3, 12, 5)),
    Fault("fsync off", "durability", "fail", settings={"fsync": "off"}),
    Fault("full_page_writes off", "durability", "warn", settings={"full_page_writes": "off"}),
    Fault("standby is asynchronous", "replication", "warn", settings={"synchronous_standby_names": ""}),
    Fault("commits do not wait for the disk", "durability", "fail", ("ALTER ROLE {role} SET synchronous_commit = 'off'",)),
    Fault("the synchronous standby is gone", "replication", "fail", settings={"synchronous_standby_names": "gone"},
          says="hangs"),

    Fault("ids in steps of 2", "revisions", "fail", on_create("ALTER SEQUENCE %1$I.kine_id_seq INCREMENT BY 2")),
    Fault("ids by chance", "revisions", "fail", on_create(
        "ALTER TABLE %1$I.kine ALTER COLUMN id SET DEFAULT (random() * 1000000)::int")),
    Fault("unique index that is not enforced", "revisions", "fail", on_row(
        "INSERT", "IF NEW.prev_revision = 0 THEN NEW.prev_revision = NULL; END IF; RETURN NEW;")),
    Fault("old values are lost", "revisions", "fail", on_row("INSERT", "NEW.old_value = NULL; RETURN NEW;")),
    Fault("COLLATE is not honored", "ranges", "fail", (_SHIFTED, *on_create(
        "ALTER TABLE %1$I.kine ALTER COLUMN name TYPE text COLLATE public.shifted"))),
    Fault("reads go to a standby that is late", "read_your_writes", "fail", around="read/write split",
          query="sslmode=disable",
          varies=("does not start: 42P01", "some creates fail (its record of the compaction is gone)")),
    Fault("rows are not deleted", "compaction", "fail", on_row("DELETE", "RETURN NULL;")),
    Fault("deletes are given up", "compaction", "fail", on_row(
        "DELETE", "RAISE EXCEPTION ''''could not serialize access'''' USING ERRCODE = ''''40001'''';")),
    Fault("values are cut off at 1 MiB", "big_value", "fail", on_row(
        "INSERT", "NEW.value = substr(NEW.value, 1, 1048576); RETURN NEW;")),
    Fault("values are limited to 1 MiB", "big_value", "fail", on_create(
        "ALTER TABLE %1$I.kine ADD CHECK (octet_length(value) <= 1048576)")),
    Fault("commits take 100 ms", "latency", "warn", (
        "ALTER DATABASE {database} SET commit_delay = 100000", "ALTER DATABASE {database} SET commit_siblings = 0")),
)
# fmt: on
