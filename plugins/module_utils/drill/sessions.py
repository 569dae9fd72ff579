# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shell scripts for the pod of a PostgreSQL primary: sleeping sessions take all connections that ordinary logins could get.

They are the superuser's, whom PostgreSQL lets in without a password there. As many as find themselves among those that are
reserved for superusers end at once, so what keeps the database alive (Patroni, its operator) can connect as before.

All are one pgbench's: a psql for each took more memory than a primary with the 500 MiB of Zalando's operator has (seen: killed).
"""

from __future__ import annotations

from ansible_collections.k0smotron.ha.plugins.module_utils.datastores.psql import SEARCH_PATH

MOST = 300
"""Each is a process of the server: with more of them, memory would be what is exhausted."""
ROUNDS = 10

_LEFT = (
    "(SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
    # since PostgreSQL 16
    " - coalesce(current_setting('reserved_connections', true), '0')::int"
    " - count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')"
)
"""How many ordinary logins would get a connection; the session that asks has one of its own."""
_EARLIER = (
    "(SELECT count(*) FROM pg_stat_activity WHERE application_name = 'k0smotron.ha-drill' AND pid < pg_backend_pid())"
)
_SESSION = (
    f"PGUSER=postgres PGDATABASE=postgres PGAPPNAME=k0smotron.ha-drill PGOPTIONS='{SEARCH_PATH} -c statement_timeout=0'"
)
_ASK = f'left=$(psql -XAtqc "SELECT 1 + {_LEFT}") || exit 1'

REHEARSAL = (
    f"export {_SESSION}; command -v setsid >/dev/null && command -v pgbench >/dev/null || exit 1; {_ASK}; "
    'if [ "$left" -lt 1 ]; then echo "no connection is left that could be taken" >&2; exit 1; fi; '
    f'if [ "$left" -gt {MOST} ]; then echo "$left connections are left, and a drill takes {MOST} at most" >&2; exit 1; fi'
)


def take_all(seconds: int) -> str:
    """Succeeds when none is left. Each session ends by itself, in the server, after so many seconds."""
    # Asked again, because sessions of others come and go meanwhile.
    sleep = f"SELECT pg_sleep({seconds}) WHERE {_LEFT} + {_EARLIER} >= 0"
    return (
        f"export {_SESSION}; round=0; "
        f"while [ $round -lt {ROUNDS} ]; do {_ASK}; "
        'if [ "$left" -le 0 ]; then exit 0; fi; '
        f'echo "{sleep}" | setsid pgbench -n -c "$left" -j 1 -t 1 -f - >/dev/null 2>&1 & '
        "sleep 1; round=$((round + 1)); done; "
        'echo "connections were left all the time" >&2; exit 1'
    )
