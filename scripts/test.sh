#!/usr/bin/env bash
# All tests: the pure ones, and those on a throw-away cluster with the extension installed.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
use_postgresql

"$root/scripts/install-extension.sh" release
say "tests, on PostgreSQL $PG_MAJOR"
# One call for all packages: cargo then builds their dependencies once, with one set of features.
export PG_CLONE_BIN=$CARGO_TARGET_DIR/debug/pg_clone
cargo test --quiet --no-fail-fast -p pg_clone_core -p throwaway_cluster -p pg_clone -p pg_clone_tests "$@"
