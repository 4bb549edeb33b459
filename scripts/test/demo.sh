#!/usr/bin/env bash
# `make demo` beside a PostgreSQL that somebody runs, which stays as it was: the same process, the same files of the server, the same
# installed packages. A private cluster of the system's PostgreSQL stands for theirs. EXTENSION_PROFILE=dev|release as for the demo.
set -euo pipefail
. "$(dirname "$0")/../environment.sh"

unset PG_CONFIG PG_MAJOR
find_postgresql || fail "no PostgreSQL of this system is there"
bin=$("$PG_CONFIG" --bindir)
case $bin in "$tools"/*) fail "$bin is a copy of ours: this test is about the system's PostgreSQL" ;; esac
files=("$bin" "$("$PG_CONFIG" --pkglibdir)" "$("$PG_CONFIG" --sharedir)")
unset PG_CONFIG PG_MAJOR

scratch=$(mktemp -d /var/tmp/pg-clone-demo-test.XXXXXX)
chmod 755 "$scratch"
[ "$(id -u)" != 0 ] || chown postgres "$scratch"
as_server() {
    if [ "$(id -u)" = 0 ]; then (cd "$scratch" && setpriv --reuid postgres --regid postgres --clear-groups "$@"); else (cd "$scratch" && "$@"); fi
}
finish() {
    as_server "$bin/pg_ctl" -D "$scratch/data" -m immediate stop >/dev/null 2>&1 || true
    rm -rf "$scratch"
}
trap finish EXIT
trap 'exit 130' INT TERM

as_server "$bin/initdb" -D "$scratch/data" -A trust -U postgres --encoding UTF8 --locale C >/dev/null
as_server "$bin/pg_ctl" -D "$scratch/data" -l "$scratch/log" -o "-c listen_addresses='' -c unix_socket_directories='$scratch'" -w start >/dev/null

state() {
    head -1 "$scratch/data/postmaster.pid"
    find "${files[@]}" -type f -printf '%p %s %T@\n' | LC_ALL=C sort | sha256sum
    dpkg-query -W 2>/dev/null | grep -i postgresql | sha256sum
    as_server "$bin/psql" -qXAt -h "$scratch" -U postgres -d postgres -c 'SELECT pg_postmaster_start_time(), version()'
}
before=$(state)
began=$SECONDS
ASSUME_YES=1 make --no-print-directory -C "$root" demo </dev/null >"$scratch/demo" || { tail -20 "$scratch/demo" >&2; fail "the demo ends with an error"; }
after=$(state)
[ "$before" = "$after" ] || fail "the PostgreSQL that ran is not as it was: $(diff <(echo "$before") <(echo "$after") || true)"
grep -q 'checks' "$scratch/demo" || { tail -20 "$scratch/demo" >&2; fail "the demo shows no verification"; }
tail -n 3 "$scratch/demo"
say "the demo took $((SECONDS - began)) s beside a running PostgreSQL, which is as it was"
