#!/usr/bin/env bash
# All tests: the pure ones, then those on a throw-away cluster with the extension installed.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
use_postgresql

say "tests that need no PostgreSQL"
cargo test --quiet
"$root/scripts/install-extension.sh" "${PG_CLONE_TEST_PROFILE:-release}"
say "tests on PostgreSQL $PG_MAJOR"
cargo test --quiet -p pg_clone_tests
