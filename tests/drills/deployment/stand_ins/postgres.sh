#!/bin/sh
set -eu
as_postgres="setpriv --reuid postgres --regid postgres --clear-groups"
install -d -o postgres -m 0700 "$PGDATA"
install -d -o postgres /var/run/postgresql
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  install -m 0400 -o postgres "$POSTGRES_PASSWORD_FILE" /tmp/password
  $as_postgres initdb --encoding=UTF8 --locale=C.UTF-8 --username="$POSTGRES_USER" \
    --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  echo "CREATE DATABASE $POSTGRES_DB" | $as_postgres postgres --single template1
fi
exec $as_postgres postgres -c listen_addresses='*'
