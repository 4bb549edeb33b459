#!/usr/bin/env bash
# Builds the extension and installs it into the PostgreSQL of PG_CONFIG: install-extension.sh [release|dev].
# Does nothing if exactly this build is installed.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

profile=${1:-release}
use_postgresql
libraries=$("$PG_CONFIG" --pkglibdir)
extensions=$("$PG_CONFIG" --sharedir)/extension
library=$libraries/pg_clone_ext.so
stamp=$libraries/pg_clone_ext.build

# All inputs of the build.
source_hash() {
    {
        "$PG_CONFIG" --version
        rustc --version
        echo "$profile"
        find Cargo.toml Cargo.lock pg_clone_ext sql -type f \
            \( -name '*.rs' -o -name '*.toml' -o -name '*.sql' -o -name '*.control' -o -name Cargo.lock \) \
            -not -path '*/tests/*' -not -path '*/benches/*' -not -path '*/fuzz/*' -not -path '*/examples/*' -print0 |
            LC_ALL=C sort -z | xargs -0 sha256sum
    } | sha256sum | cut -d' ' -f1
}

# The installed files, by content: another checkout or a user may have installed another build.
installed_hash() {
    cat "$library" "$extensions"/pg_clone_ext.control "$extensions"/pg_clone_ext--*.sql 2>/dev/null | sha256sum | cut -d' ' -f1
}

sources=$(source_hash)
if [ -f "$library" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$sources $(installed_hash)" ]; then
    exit 0
fi

as_root=()
if [ ! -w "$libraries" ] || [ ! -w "$extensions" ]; then
    if ! sudo=$(become_root) || [ -z "$sudo" ]; then
        fail "cannot write to $libraries and $extensions.
Run this as a user who may: sudo env PATH=\"\$PATH\" make install PG_CONFIG=$PG_CONFIG
or choose a PostgreSQL of your own: make install PG_CONFIG=/path/to/pg_config"
    fi
    as_root=(--sudo)
fi

# Builds for two majors put their library into the same file: one after the other.
mkdir -p "$CARGO_TARGET_DIR"
exec 8>"$CARGO_TARGET_DIR/.install-extension.lock"
flock 8

say "building the extension ($profile) for PostgreSQL $PG_MAJOR; the first time takes some minutes"
case $profile in
    release) flags=(--release) ;;
    dev) flags=() ;;
    *) fail "profile $profile: release or dev" ;;
esac
# Scripts of other versions would be used as upgrade paths.
cargo pgrx install --package pg_clone_ext --pg-config "$PG_CONFIG" --no-default-features --features "pg$PG_MAJOR" \
    "${flags[@]}" "${as_root[@]}" >&2

stamp_text="$sources $(installed_hash)"
if [ ${#as_root[@]} -eq 0 ]; then
    echo "$stamp_text" >"$stamp"
else
    echo "$stamp_text" | sudo tee "$stamp" >/dev/null
fi
