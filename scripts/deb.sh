#!/usr/bin/env bash
# Builds Debian packages into target/deb: deb.sh [major…]. Without a major, that of the PostgreSQL that would be used.
# postgresql-<major>-pg-clone-ext has the extension, pg-clone the command with its man page, completions and systemd units.
# EXTENSION_PROFILE=dev and DRIVER_PROFILE=dev build without optimization, to test the packaging. `scripts/test/deb.sh` installs the
# packages on a bare Debian.
set -euo pipefail
. "$(dirname "$0")/environment.sh"
command -v dpkg-deb >/dev/null || fail "no dpkg-deb: packages are built on Debian and its relatives"

extension_profile=${EXTENSION_PROFILE:-release}
driver_profile=${DRIVER_PROFILE:-$extension_profile}
for profile in "$extension_profile" "$driver_profile"; do
    case $profile in
        release | dev) ;;
        *) fail "EXTENSION_PROFILE or DRIVER_PROFILE=$profile: release or dev" ;;
    esac
done
version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -1)
architecture=$(dpkg --print-architecture)
out=$CARGO_TARGET_DIR/deb
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The newest version of glibc whose symbols a file needs.
needs_libc() { objdump -T "$@" | grep -o 'GLIBC_[0-9.]*' | sed 's/GLIBC_//' | sort -V | tail -1; }

# package <name> <tree> <depends> <recommends> <description> <long description>
package() {
    local name=$1 tree=$2 doc=$2/usr/share/doc/$1
    mkdir -p "$tree/DEBIAN" "$doc"
    cp packaging/debian/copyright "$doc/copyright"
    gzip -9n <CHANGELOG.md >"$doc/changelog.gz"
    {
        printf 'Package: %s\nVersion: %s\nArchitecture: %s\nSection: database\nPriority: optional\n' "$name" "$version" "$architecture"
        printf 'Maintainer: The authors of pg_clone_ext <pg_clone_ext@localhost>\nDepends: %s\n' "$3"
        [ -z "$4" ] || printf 'Recommends: %s\n' "$4"
        printf 'Installed-Size: %s\n' "$(du -sk "$tree" | cut -f1)"
        printf 'Description: %s\n' "$5"
        fold -s -w 78 <<<"$6" | sed 's/[[:space:]]*$//; s/^/ /'
    } >"$tree/DEBIAN/control"
    (cd "$tree" && find . -type f -not -path './DEBIAN/*' -printf '%P\0' | LC_ALL=C sort -z | xargs -0 md5sum >DEBIAN/md5sums)
    find "$tree" -type d -exec chmod 755 {} +
    dpkg-deb --root-owner-group --build "$tree" "$out/${name}_${version}_$architecture.deb" >/dev/null
    say "$out/${name}_${version}_$architecture.deb"
}

extension() { # major
    local tree=$work/extension-$1 staged=$work/staged-$1 name=postgresql-$1-pg-clone-ext
    (
        unset PG_CONFIG PG_MAJOR
        PG_MAJOR=$1
        find_postgresql || PG_CONFIG=$("$root/scripts/postgresql.sh" "$1")
        use_postgresql
        cargo pgrx package --package pg_clone_ext --pg-config "$PG_CONFIG" --no-default-features --features "pg$1" \
            --out-dir "$staged" $([ "$extension_profile" = release ] || echo --debug) >&2
    )
    # Where Debian's server looks, whatever server it was built with.
    mkdir -p "$tree/usr/lib/postgresql/$1/lib" "$tree/usr/share/postgresql/$1/extension"
    find "$staged" -name pg_clone_ext.so -exec install -m 644 {} "$tree/usr/lib/postgresql/$1/lib/" \;
    find "$staged" -path '*extension/pg_clone_ext*' -exec install -m 644 {} "$tree/usr/share/postgresql/$1/extension/" \;
    strip --strip-unneeded "$tree/usr/lib/postgresql/$1/lib/pg_clone_ext.so"
    package "$name" "$tree" "postgresql-$1, libc6 (>= $(needs_libc "$tree/usr/lib/postgresql/$1/lib/pg_clone_ext.so")), libgcc-s1" pg-clone \
        "clones one tenant inside a PostgreSQL $1 database" \
        "The extension pg_clone_ext copies all rows of one project (tenant) of a live database in one transaction: every row gets a new id and every reference to it is rewritten, also inside JSON documents."
}

driver() {
    local tree=$work/driver binary=$CARGO_TARGET_DIR/release/pg_clone options=(-p pg_clone --release)
    if [ "$driver_profile" = dev ]; then
        # With the packages that the tests build, so that what they compiled is used again.
        options=(-p pg_clone_core -p throwaway_cluster -p clone_archive -p pg_clone -p pg_clone_tests --bin pg_clone)
        binary=$CARGO_TARGET_DIR/debug/pg_clone
    fi
    cargo build --quiet --locked "${options[@]}"
    install -D -m 755 "$binary" "$tree/usr/bin/pg_clone"
    strip --strip-unneeded "$tree/usr/bin/pg_clone"
    install -d "$tree/usr/share/man/man1" "$tree/usr/share/bash-completion/completions" "$tree/usr/share/zsh/vendor-completions" \
        "$tree/usr/share/fish/vendor_completions.d"
    "$binary" generate man | gzip -9n >"$tree/usr/share/man/man1/pg_clone.1.gz"
    "$binary" generate bash >"$tree/usr/share/bash-completion/completions/pg_clone"
    "$binary" generate zsh >"$tree/usr/share/zsh/vendor-completions/_pg_clone"
    "$binary" generate fish >"$tree/usr/share/fish/vendor_completions.d/pg_clone.fish"
    install -D -m 644 -t "$tree/usr/lib/systemd/system" packaging/systemd/*.service
    install -D -m 644 -t "$tree/usr/share/doc/pg-clone/examples" packaging/worker.env sql/examples/*.sql
    package pg-clone "$tree" "libc6 (>= $(needs_libc "$binary")), libgcc-s1" ca-certificates \
        "command for the PostgreSQL extension pg_clone_ext" \
        "pg_clone clones projects, copies their files between directories and object stores, shows progress, and runs queued clones as a service. The extension is in postgresql-<major>-pg-clone-ext."
}

if [ $# -eq 0 ]; then
    find_postgresql || fail "no PostgreSQL $supported_majors found: name the majors, deb.sh 15 17"
    set -- "$PG_MAJOR"
fi
for major in "$@"; do extension "$major"; done
driver
