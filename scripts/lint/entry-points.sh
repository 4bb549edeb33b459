#!/usr/bin/env bash
# Every SQL function written in Rust begins with entry(), which sets the safe search_path: in pg_clone_ext/src/api, nowhere else.
# Those of api/names.rs need none: they use the core only.
set -euo pipefail
cd "$(dirname "$0")/../../pg_clone_ext/src"

elsewhere=$(grep -rnE '#\[(pg_extern|pg_operator|pg_cast|pg_aggregate|pg_trigger)\b' . | grep -v '^\./api/' || true)
[ -z "$elsewhere" ] || { echo "SQL functions outside of api/:"; echo "$elsewhere"; exit 1; }

# From #[pg_extern to the } that ends the function, which is indented as the attribute is.
without=$(awk '
    /^ *#\[pg_extern/ { open = 1; found = 0; place = FILENAME ":" FNR; match($0, /^ */); indent = RLENGTH }
    open && (/[^_a-z]entry\(\|/ || FILENAME == "api/names.rs") { found = 1 }
    open && /^ *}$/ { match($0, /^ */); if (RLENGTH == indent) { if (!found) print place; open = 0 } }
' api/*.rs)
[ -z "$without" ] || { echo "SQL functions that do not call entry():"; echo "$without"; exit 1; }

server=$(grep -nE 'crate::|pg_sys|Spi|^ *use ' api/names.rs | grep -vE ':use pgrx::prelude::\*;|: *use (pgrx::prelude::\*|pg_clone_core::[a-z_:]+);' || true)
[ -z "$server" ] || { echo "api/names.rs uses more than the core:"; echo "$server"; exit 1; }

# The caller's search_path is read once, before it is replaced.
path=$(grep -rn 'CallersPath::current()' . | grep -v '^\./entry.rs' || true)
[ -z "$path" ] || { echo "CallersPath::current() outside of entry.rs:"; echo "$path"; exit 1; }
