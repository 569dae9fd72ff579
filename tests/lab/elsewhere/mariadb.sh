#!/bin/sh
# Copyright: (c) 2026, k0smotron.ha contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The program of a MariaDB server's machine, see pair.py: primary or standby, as the file PRIMARY says.
set -eu
export LC_ALL=C.UTF-8
cd "$FOLDER"
install --mode=600 "$CERTIFICATE" server.crt
install --mode=600 "$KEY" server.key

read_only=0
if [ "$(cat "$PRIMARY")" != "$NAME" ]; then
  read_only=1
  # It has no data, or those of a primary that was lost, which may have what nobody else has.
  [ -e data/master.info ] || rm -rf data
fi
# An empty server takes a dozen seconds to make: it is made once, beside the file PRIMARY, and copied from there.
empty=$(dirname "$PRIMARY")/mariadb.empty
if [ ! -d data ]; then
  rm -rf unfinished
  if [ ! -d "$empty" ]; then
    mariadb-install-db --no-defaults --datadir="$FOLDER/unfinished" --user=root --auth-root-authentication-method=normal --skip-test-db
    mv --no-target-directory unfinished "$empty" || [ -d "$empty" ] # the other server may have been faster
  fi
  rm -rf unfinished
  cp --archive "$empty" unfinished
  mv unfinished data
fi
exec mariadbd --defaults-file="$FOLDER/my.cnf" --read-only="$read_only"
