#!/usr/bin/env bash
# Upgrades of the extension in a database with stores, runs, jobs and queued files: from every released version
# (pg_clone_ext/sql/pg_clone_ext--<version>.sql) to this one by the scripts beside it, and, so that the way is tested before there is a
# release to come from, from this version to one that has the change of scripts/test/upgrade_data/example.sql. After each the objects are
# those of a fresh installation, one by one, and everything goes on. A script that is kept for this very version must make the same.
# On the PostgreSQL of PG_CONFIG, the extension installed.
set -euo pipefail
. "$(dirname "$0")/../environment.sh"
use_postgresql

extensions=$("$PG_CONFIG" --sharedir)/extension
bin=$("$PG_CONFIG" --bindir)
current=$(sed -n "s/^default_version = '\(.*\)'/\1/p" "$extensions/pg_clone_ext.control")
[ -f "$extensions/pg_clone_ext--$current.sql" ] || fail "the extension is not installed: scripts/install-extension.sh"
scratch=$(mktemp -d /var/tmp/pg-clone-upgrade.XXXXXX)
chmod 755 "$scratch"
[ "$(id -u)" != 0 ] || chown postgres "$scratch"
added=()
finish() {
    as_server "$bin/pg_ctl" -D "$scratch/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$scratch" "${added[@]}"
}
trap finish EXIT
trap 'exit 130' INT TERM

as_server() {
    if [ "$(id -u)" = 0 ]; then (cd "$scratch" && setpriv --reuid postgres --regid postgres --clear-groups "$@"); else (cd "$scratch" && "$@"); fi
}
sql() { as_server "$bin/psql" -qXAt -v ON_ERROR_STOP=1 -h "$scratch" -U postgres "$@"; }

# add <file name> <source…>: a script where the server finds it, for this test only.
add() {
    local file=$extensions/$1
    shift
    [ ! -e "$file" ] || fail "$file is there already"
    added+=("$file")
    cat "$@" >"$file"
}

as_server "$bin/initdb" -D "$scratch/data" -A trust -U postgres --encoding UTF8 --locale C >/dev/null
as_server "$bin/pg_ctl" -D "$scratch/data" -l "$scratch/log" -o "-c listen_addresses='' -c unix_socket_directories='$scratch'" -w start >/dev/null

# objects <database> <version>: its objects, as an installation of that version makes them.
objects() {
    sql -d postgres -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1 TEMPLATE template0"
    sql -d "$1" -c "CREATE EXTENSION pg_clone_ext VERSION '$2'"
    sql -d "$1" -f "$root/scripts/test/upgrade_data/objects.sql" >"$scratch/$1.txt"
}

kept=pg_clone_ext/sql/pg_clone_ext--$current.sql
if [ -f "$kept" ]; then
    say "the script that is kept for $current"
    add "pg_clone_ext--${current}kept.sql" "$kept"
    objects kept "${current}kept"
    objects built "$current"
    diff "$scratch/kept.txt" "$scratch/built.txt" >&2 ||
        fail "$kept is out of date (<: it makes, >: this build makes): make release-script; if $current has been released, raise the version and write an upgrade script"
fi

upgrade() { # from to
    local name=upgraded
    say "upgrade from $1 to $2"
    sql -d postgres -c "DROP DATABASE IF EXISTS $name" -c "DROP DATABASE IF EXISTS fresh" -c "DROP ROLE IF EXISTS asker" \
        -c "CREATE DATABASE $name TEMPLATE template0" -c "CREATE DATABASE fresh TEMPLATE template0"
    sql -d $name -f "$root/tests/fixtures/shop.sql" >/dev/null
    sed "s/^CREATE EXTENSION pg_clone_ext;/CREATE EXTENSION pg_clone_ext VERSION '$1';/; s#\\\\ir ../../..#\\\\i $root#" "$root/scripts/test/upgrade_data/fill.sql" >"$scratch/fill.sql"
    sql -d $name -f "$scratch/fill.sql" >/dev/null
    sql -d $name -v name="before" -f "$root/scripts/test/upgrade_data/works.sql"
    sql -d $name -c "ALTER EXTENSION pg_clone_ext UPDATE TO '$2'"
    sql -d fresh -c "CREATE EXTENSION pg_clone_ext VERSION '$2'"
    # Privileges of allowed roles belong to the installation, not to the extension.
    sql -d fresh -c "SELECT clone.allow('asker')" >/dev/null
    sql -d $name -f "$root/scripts/test/upgrade_data/objects.sql" >"$scratch/upgraded.txt"
    sql -d fresh -f "$root/scripts/test/upgrade_data/objects.sql" >"$scratch/fresh.txt"
    [ "$(wc -l <"$scratch/fresh.txt")" -gt 100 ] || fail "the list of objects is not one"
    diff "$scratch/upgraded.txt" "$scratch/fresh.txt" >&2 || fail "an upgrade from $1 to $2 does not give what an installation gives (<: upgraded, >: installed)"
    sql -d $name -v name="after" -f "$root/scripts/test/upgrade_data/works.sql"
}

for released in pg_clone_ext/sql/pg_clone_ext--*.sql; do
    version=${released#*--}
    version=${version%.sql}
    case $version in *--* | '*' | "$current") continue ;; esac
    add "pg_clone_ext--$version.sql" "$released"
    upgrade "$version" "$current"
done

add "pg_clone_ext--$current--${current}example.sql" scripts/test/upgrade_data/example.sql
add "pg_clone_ext--${current}example.sql" "$extensions/pg_clone_ext--$current.sql" scripts/test/upgrade_data/example.sql
upgrade "$current" "${current}example"
say "upgrades: as a fresh installation, and everything goes on"
