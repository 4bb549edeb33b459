#!/usr/bin/env bash
# Builds the documentation as a site into target/book. mdbook is built into .tools once.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

mdbook_version=0.5.4
if ! "$tools/bin/mdbook" --version 2>/dev/null | grep -qF "$mdbook_version"; then
    say "building mdbook $mdbook_version into .tools (once)"
    cargo install mdbook --version "=$mdbook_version" --locked --no-default-features --debug \
        --root "$tools" --target-dir "$CARGO_TARGET_DIR/mdbook" >&2
    rm -rf "$CARGO_TARGET_DIR/mdbook"
fi
"$tools/bin/mdbook" build docs
say "the site is in $CARGO_TARGET_DIR/book"
