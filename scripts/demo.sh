#!/usr/bin/env bash
# Runs `pg_clone demo`: a private cluster, a sample project, its clone: demo.sh [arguments of pg_clone demo]. Installed packages of the
# extension and the command are used unchanged. Otherwise both are built for a copy of the system's PostgreSQL, or for a downloaded one:
# an existing PostgreSQL is never written to, upgraded or restarted.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

# Packages are installed: nothing has to be built.
if command -v pg_clone >/dev/null && find_postgresql && [ -f "$("$PG_CONFIG" --sharedir)/extension/pg_clone_ext.control" ] &&
    [ "$(dpkg-query -W -f '${db:Status-Status}' pg-clone 2>/dev/null)" = installed ]; then
    exec pg_clone demo "$@"
fi
"$root/scripts/prepare.sh" demo
if ! find_postgresql || [ ! -f "$("$PG_CONFIG" --includedir-server)/postgres.h" ]; then
    # prepare.sh has installed one.
    PG_CONFIG=$tools/postgresql/18/bin/pg_config
    unset PG_MAJOR
    find_postgresql || fail "no PostgreSQL $supported_majors found"
fi
own_postgresql
"$root/scripts/install-extension.sh" "${EXTENSION_PROFILE:-release}"
use_postgresql
cargo build --quiet -p pg_clone
demo=("$CARGO_TARGET_DIR/debug/pg_clone" demo "$@")
servers_can_run "$PG_CONFIG" || {
    # The repository is in a directory that only root may enter, such as root's home.
    installation=${PG_CONFIG#"$tools/postgresql/"}
    [ "$installation" != "$PG_CONFIG" ] || fail "$(server_account), which runs the server, cannot run $PG_CONFIG: a directory above it is closed to that account"
    copy=$(mktemp -d /var/tmp/pg-clone-demo.XXXXXX)
    chmod 755 "$copy"
    kept=
    case " $* " in *" --keep "*) kept=yes ;; esac
    [ -n "$kept" ] || trap 'rm -rf "$copy"' EXIT
    cp -a "$tools/postgresql/${installation%%/*}" "$copy/"
    export PG_CONFIG=$copy/$installation
    "${demo[@]}"
    [ -z "$kept" ] || say "its PostgreSQL is in $copy: remove that when the server is stopped"
    exit 0
}
exec "${demo[@]}"
