#!/usr/bin/env bash
# All tests: the pure ones, and those on a throw-away cluster with the extension installed. `test.sh server` runs those that touch the
# server; T=documents::references runs the tests of target `documents` whose names hold `references`, T=core::… and T=driver::… those
# of the libraries. PG_MAJOR=16 runs them on that PostgreSQL. EXTENSION_PROFILE=dev|release says how the extension is built.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
requested_major=${PG_MAJOR:-}
use_postgresql
servers_can_run "$PG_CONFIG" ||
    fail "$(server_account), which runs the servers of the tests, cannot run $PG_CONFIG: move the repository to a directory that this account may enter, such as /srv"

# The part of T after the target: a part of the tests' names.
name_in() { case $1 in *::*) echo "${1#*::}" ;; esac; }

profile=release
[ -z "${T:-}${requested_major:-}" ] || profile=dev
packages=(-p pg_clone_core -p throwaway_cluster -p clone_archive -p pg_clone -p pg_clone_tests)
# One call for all packages: cargo then builds their dependencies once, with one set of features.
case ${T:-} in
    "") ;;
    core | core::*) set -- --lib "$(name_in "$T")" ;;
    driver | driver::*) packages=(-p pg_clone) && set -- --lib "$(name_in "$T")" ;;
    *) set -- --test "${T%%::*}" -- "$(name_in "$T")" ;;
esac
if [ "${1:-}" = server ]; then
    set --
    # The other tests depend little on the major and take long. `make test PG_MAJOR=16` runs everything.
    # What reads the server's internals runs on the newest major; errors and the user's own tables also on 16, Medplum's rows on 17. Discovery
    # reads the same catalog on each major and takes longest: it runs on 15. With most of this on each major `.ci/run` took 4,792 s; an hour
    # is the limit.
    shared=(documents versions)
    case $PG_MAJOR in
        16) shared+=(errors) more=(--test custom_store -- --skip description:: --skip situations::) ;;
        17) more=(--test medplum -- rows::untouched_source verification::) ;;
        *) shared+=(atomicity registry lifecycle medplum) more=(--test custom_store -- --skip description:: --skip situations::) ;;
    esac
    for target in "${shared[@]}"; do set -- "$@" --test "$target"; done
fi
case ${T:-} in
    core | core::*) packages=(-p pg_clone_core) ;;
    *) "$root/scripts/install-extension.sh" "${EXTENSION_PROFILE:-$profile}" ;;
esac
case ${T:-} in
    # Other tests need no servers of files.
    "" | blobs_*) [ -n "${requested_major:-}" ] || "$root/scripts/test/servers.sh" >/dev/null || say "not all servers of files are installed: their tests are ignored" ;;
esac
say "tests, on PostgreSQL $PG_MAJOR"
export PG_CLONE_BIN=$CARGO_TARGET_DIR/debug/pg_clone
if [ -z "${T:-}" ]; then
    WAITING_TESTS=$(mktemp -d)
    export WAITING_TESTS
    host=$(rustc -vV | sed -n 's/^host: //p')
    export "CARGO_TARGET_$(tr 'a-z-' 'A-Z_' <<<"$host")_RUNNER=$root/scripts/test/runner.sh"
fi
failed=
cargo test --quiet --no-fail-fast "${packages[@]}" "$@" || failed=yes
[ -z "${more:-}" ] || cargo test --quiet --no-fail-fast "${packages[@]}" "${more[@]}" || failed=yes
for code in ${WAITING_TESTS:+"$WAITING_TESTS"/*.code}; do
    [ -e "$code" ] || continue
    while read -r state process <"$code" && [ "$state" = running ] && kill -0 "$process" 2>/dev/null; do sleep 1; done
    say "$(basename "$code" .code)"
    cat "${code%.code}.log"
    [ "$(cat "$code")" = 0 ] || failed=yes
done
[ -z "${WAITING_TESTS:-}" ] || rm -rf "$WAITING_TESTS"
[ -z "$failed" ] || fail "tests failed: see above"
