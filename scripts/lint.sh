#!/usr/bin/env bash
# Format, clippy, rustdoc, the fence around unsafe code, the length of files.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
use_postgresql

say "format"
cargo fmt --all --check

say "clippy"
cargo clippy --quiet -p pg_clone_core -p throwaway_cluster -p clone_archive -p pg_clone -p pg_clone_tests --all-targets -- -D warnings
cargo clippy --quiet -p pg_clone_ext --no-default-features --features "pg$PG_MAJOR" --all-targets -- -D warnings

say "rustdoc"
RUSTDOCFLAGS=-Dwarnings cargo doc --quiet --no-deps -p pg_clone_core -p throwaway_cluster -p clone_archive -p pg_clone -p pg_clone_tests
RUSTDOCFLAGS=-Dwarnings cargo doc --quiet --no-deps -p pg_clone_ext --no-default-features --features "pg$PG_MAJOR"

sources() { find driver pg_clone_ext tests -name '*.rs' -not -path '*/target/*'; }

say "unsafe only in pg_clone_ext/src/pg/"
if sources | grep -v '^pg_clone_ext/src/pg/' | xargs grep -nE '\bunsafe\b' | grep -vE '^[^:]+:[0-9]+:[[:space:]]*//'; then
    fail "unsafe code outside of pg_clone_ext/src/pg/"
fi

# The server's node may be larger than in the headers of the build: pg/node.rs reserves space after it.
say "nodes are allocated with slack"
if grep -rnE 'palloc0?\(size_of::<pg_sys' pg_clone_ext/src --include=*.rs; then
    fail "allocate nodes with pg::node::new_node"
fi

# A function of the server that pgrx does not declare raises its error over our frames unless it is guarded here.
say "calls into the server are guarded"
for file in $(find pg_clone_ext/src/pg -name "*.rs"); do
    awk '/^unsafe extern "C-unwind" \{/ { block = 1 }
        block && match($0, /fn [A-Za-z_0-9]+\(/) { declared[substr($0, RSTART + 3, RLENGTH - 4)] = 1 }
        !block { for (name in declared) if (index($0, name "(") && (before $0) !~ /pg_guard_ffi_boundary/) {
            print FILENAME ":" FNR ": " name " is called without pg_guard_ffi_boundary"; bad = 1 } }
        /^\}/ { block = 0 } { before = $0 } END { exit bad }' "$file" || fail "see above"
done

say "no traces of a merge"
if git grep -nE '^(<<<<<<< |>>>>>>> )'; then
    fail "a conflict was committed"
fi

say "no file over 500 lines"
long=$({ sources; find sql scripts -type f; } | xargs wc -l | awk '$1 > 500 && $2 != "total" { print }')
[ -z "$long" ] || fail "too long:
$long"

say "no folder of more than 15 files"
scripts/lint/folders.sh

say "no circles between folders"
scripts/lint/circles.sh pg_clone_ext/src pg_clone_ext/src/run pg_clone_ext/src/lifecycle pg_clone_ext/src/pg pg_clone_ext/core/src driver/src driver/archive/src driver/throwaway_cluster/src

say "every SQL function sets its search_path"
scripts/lint/entry-points.sh

say "every promise of SECURITY.md names tests that exist"
scripts/lint/promises.sh

say "Containerfile and workflows"
scripts/lint/workflows.sh

say "links between the documents"
scripts/lint/links.sh

say "one owner of each table"
scripts/lint/owners.sh

say "error messages and hints"
scripts/lint/messages.sh

say "every text of an error is shown by a test"
scripts/lint/error-texts.sh

fuzz=pg_clone_ext/core/fuzz/Cargo.toml
if [ -f "$fuzz" ]; then
    say "fuzz targets build"
    cargo check --quiet --manifest-path "$fuzz" --target-dir "$CARGO_TARGET_DIR"
fi
