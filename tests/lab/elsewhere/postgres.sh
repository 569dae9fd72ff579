#!/bin/sh
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The program of a PostgreSQL server's machine, see pair.py: primary or standby, as the file PRIMARY says.
set -eu
export LC_ALL=C.UTF-8 HOME=/var/lib/server
here=/var/lib/server # the user postgres cannot get to FOLDER
programs=/usr/lib/postgresql/15/bin

# In an IPC namespace of its own: the few bytes of System V memory that each server holds go with it however it ends.
as_postgres() {
  exec unshare --ipc setpriv --reuid=postgres --regid=postgres --init-groups "$@"
}

mkdir -p "$here"
mountpoint -q "$here" || mount --bind "$FOLDER" "$here"
cd "$here"
chown postgres: .
install --owner=postgres --mode=600 "$CERTIFICATE" server.crt
install --owner=postgres --mode=600 "$KEY" server.key

if [ "$(cat "$PRIMARY")" = "$NAME" ]; then
  if [ ! -d data ]; then
    rm -rf unfinished
    (as_postgres "$programs/initdb" --no-sync --data-checksums -D unfinished -U postgres -E UTF8 --locale=C.UTF-8)
    mv unfinished data
  fi
elif [ ! -e data/standby.signal ]; then
  # It has no data, or those of a primary that was lost, which may have what nobody else has.
  rm -rf data unfinished
  (as_postgres "$programs/pg_basebackup" --no-sync -c fast -X stream -D unfinished -d "host=$PEER user=replica sslmode=require")
  touch unfinished/standby.signal
  mv unfinished data
fi
as_postgres "$programs/postgres" -D data -c config_file="$here/postgresql.conf"
