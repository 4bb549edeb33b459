#!/usr/bin/env bash
# Format, clippy, rustdoc, the fence around unsafe code, the length of files.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
use_postgresql

say "format"
cargo fmt --all --check

say "clippy"
cargo clippy --quiet -p pg_clone_core -p throwaway_cluster -p pg_clone -p pg_clone_tests --all-targets -- -D warnings
cargo clippy --quiet -p pg_clone_ext --no-default-features --features "pg$PG_MAJOR" --all-targets -- -D warnings

say "rustdoc"
RUSTDOCFLAGS=-Dwarnings cargo doc --quiet --no-deps -p pg_clone_core -p throwaway_cluster -p pg_clone -p pg_clone_tests
RUSTDOCFLAGS=-Dwarnings cargo doc --quiet --no-deps -p pg_clone_ext --no-default-features --features "pg$PG_MAJOR"

sources() { find driver pg_clone_ext tests -name '*.rs' -not -path '*/target/*'; }

say "unsafe only in pg_clone_ext/src/pg/"
if sources | grep -v '^pg_clone_ext/src/pg/' | xargs grep -nE '\bunsafe\b' | grep -vE '^[^:]+:[0-9]+:[[:space:]]*//'; then
    fail "unsafe code outside of pg_clone_ext/src/pg/"
fi

say "no file over 500 lines"
long=$({ sources; find sql scripts -type f; } | xargs wc -l | awk '$1 > 500 && $2 != "total" { print }')
[ -z "$long" ] || fail "too long:
$long"

fuzz=pg_clone_ext/core/fuzz/Cargo.toml
if [ -f "$fuzz" ]; then
    say "fuzz targets build"
    cargo check --quiet --manifest-path "$fuzz" --target-dir "$CARGO_TARGET_DIR/fuzz"
fi
