#!/usr/bin/env bash
# Writes the install script of the version in Cargo.toml: pg_clone_ext/sql/pg_clone_ext--<version>.sql. Run it before the tag of a
# release; scripts/test/upgrade.sh reports a script whose objects differ from those of the extension.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
use_postgresql
"$root/scripts/install-extension.sh" "${EXTENSION_PROFILE:-dev}"

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
kept=pg_clone_ext/sql/pg_clone_ext--$version.sql
if git rev-parse --quiet --verify "refs/tags/v$version" >/dev/null; then
    fail "$version is released (tag v$version): raise the version in Cargo.toml and write pg_clone_ext/sql/pg_clone_ext--$version--<new>.sql"
fi
mkdir -p "$(dirname "$kept")"
# Without the places in our sources, which change with every line there.
sed -E '/^-- .*\.rs:[0-9]+$/d' "$("$PG_CONFIG" --sharedir)/extension/pg_clone_ext--$version.sql" >"$kept"
say "$kept: $(wc -l <"$kept") lines"
