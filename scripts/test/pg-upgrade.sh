#!/usr/bin/env bash
# A database with stores, runs, jobs, a queue of files and hooks goes through pg_upgrade: pg-upgrade.sh [major…] (default 15 17 18).
# After each step it holds the same, and a clone, a refresh, a job and a deletion work. The servers come as for `make test PG_MAJOR=…`.
# EXTENSION_INSTALLED=yes: they are there with the extension, and it is not built again.
set -euo pipefail
. "$(dirname "$0")/../environment.sh"

[ $# -gt 1 ] || set -- 15 17 18
scratch=$(mktemp -d /var/tmp/pg-clone-upgrade.XXXXXX)
chmod 755 "$scratch"
[ "$(id -u)" != 0 ] || chown postgres "$scratch"
running=
finish() {
    [ -z "$running" ] || as_server "$running/pg_ctl" -D "$data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

as_server() {
    if [ "$(id -u)" = 0 ]; then (cd "$scratch" && setpriv --reuid postgres --regid postgres --clear-groups "$@"); else (cd "$scratch" && "$@"); fi
}

# The directory of the programs of a major.
bin_of() { (unset PG_CONFIG && PG_MAJOR=$1 && find_postgresql && "$PG_CONFIG" --bindir); }

for major in "$@"; do
    [ "${EXTENSION_INSTALLED:-}" != yes ] || continue
    (unset PG_CONFIG PG_MAJOR && PG_MAJOR=$major "$root/scripts/prepare.sh" && PG_MAJOR=$major "$root/scripts/install-extension.sh" "${EXTENSION_PROFILE:-dev}")
done

init() { # major
    # 18 has checksums unless told otherwise; both sides must agree.
    local options=(-A trust -U postgres --encoding UTF8 --locale C)
    [ "$1" -lt 18 ] || options+=(--no-data-checksums)
    as_server "$(bin_of "$1")/initdb" -D "$scratch/$1" "${options[@]}" >/dev/null
}

start() { # major
    data=$scratch/$1
    running=$(bin_of "$1")
    as_server "$running/pg_ctl" -D "$data" -l "$scratch/log" -o "-c listen_addresses='' -c unix_socket_directories='$scratch'" -w start >/dev/null ||
        { cat "$scratch/log" >&2; fail "PostgreSQL $1 does not start"; }
}

stop() {
    as_server "$running/pg_ctl" -D "$data" -m fast -w stop >/dev/null
    running=
}

sql() { as_server "$running/psql" -qXAt -v ON_ERROR_STOP=1 -h "$scratch" -U postgres -d app "$@"; }

# Must be equal before and after: catalog and data, without numbers that a new server assigns.
contents() {
    sql <<'SQL'
SET search_path = pg_catalog, pg_temp;
SELECT format('SELECT %L || md5(string_agg(t::text, E''\n'' ORDER BY t::text)) FROM %s t', c.oid::regclass || ' ', c.oid::regclass)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('clone', 'documents', 'shop', 'registry') ORDER BY c.oid::regclass::text \gexec
SQL
}

works() { # what to call the clone
    sql -v name="$1" -f "$root/scripts/test/upgrade_data/works.sql" | tee -a "$scratch/works"
}

first=$1
shift
say "PostgreSQL $first: a database with stores, runs, jobs, files and hooks"
init "$first"
start "$first"
as_server "$running/createdb" -h "$scratch" -U postgres app
sql -f "$root/tests/fixtures/shop.sql" >/dev/null
sql -f "$root/scripts/test/upgrade_data/fill.sql" >/dev/null
works "on $first"
before=$(contents)

# A late minor version of 15 marks every column of every table with an option that 17.10 does not know: then pg_upgrade refuses any
# database with a table, with our extension or without. The test takes the mark away; an installation takes a newer 17.
forget_column_marks() {
    sql -c "SET allow_system_table_mods = on" -c "UPDATE pg_attribute SET attoptions = NULL WHERE attoptions::text LIKE '%pg_attver%'"
}
forget_column_marks
stop

old=$first
for new in "$@"; do
    say "pg_upgrade from $old to $new"
    init "$new"
    as_server "$(bin_of "$new")/pg_upgrade" --old-bindir "$(bin_of "$old")" --new-bindir "$(bin_of "$new")" \
        --old-datadir "$scratch/$old" --new-datadir "$scratch/$new" --username postgres --socketdir "$scratch" >"$scratch/upgrade.log" ||
        { cat "$scratch/upgrade.log" >&2; find "$scratch/$new/pg_upgrade_output.d" \( -name '*.txt' -o -name 'pg_upgrade_dump_*.log' \) -exec grep -h -A3 "error\|ERROR" {} + >&2; fail "pg_upgrade from $old to $new"; }
    start "$new"
    after=$(contents)
    [ "$before" = "$after" ] || fail "contents differ after the upgrade to $new: $(diff <(echo "$before") <(echo "$after") || true)"
    works "on $new"
    before=$(contents)
    stop
    old=$new
done
say "pg_upgrade $first $*: the same contents, and everything goes on"
