#!/usr/bin/env bash
# Installs the packages of target/deb on a bare Debian (a chroot by debootstrap), runs the demo from them, and removes them without a
# trace. As root; needs the network for Debian's packages. DEBIAN_SUITE: bookworm (PostgreSQL 15) unless set. Ends with 77 where
# no bare Debian can be made: without root, without the right to mount, or without Debian's packages.
set -euo pipefail
. "$(dirname "$0")/../environment.sh"
cannot() {
    printf 'no bare Debian can be made here: %s\n' "$*" >&2
    exit 77
}
[ "$(id -u)" = 0 ] || cannot "a chroot needs root"

suite=${DEBIAN_SUITE:-bookworm}
major=${PG_MAJOR:-15}
packages=("$CARGO_TARGET_DIR"/deb/postgresql-"$major"-pg-clone-ext_*.deb "$CARGO_TARGET_DIR"/deb/pg-clone_*.deb)
for package in "${packages[@]}"; do [ -f "$package" ] || fail "no $package: make deb"; done

debian=$(mktemp -d /var/tmp/pg-clone-debian.XXXXXX)
# It becomes the root directory of accounts that are not root.
chmod 755 "$debian"
finish() {
    umount "$debian/proc" "$debian/dev/shm" 2>/dev/null || true
    rm -rf --one-file-system "$debian" "$tool"
}
tool=$(mktemp -d)
trap finish EXIT
trap 'exit 130' INT TERM

if ! command -v debootstrap >/dev/null; then
    # Unpacked for this test, not installed.
    (cd "$tool" && apt-get -qq download debootstrap && dpkg-deb -x debootstrap_*.deb .) || cannot "debootstrap is not available"
    export DEBOOTSTRAP_DIR=$tool/usr/share/debootstrap PATH=$PATH:$tool/usr/sbin
fi
mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Origin: Debian' 2>/dev/null | grep -v security | head -1)
say "a bare Debian ($suite)"
debootstrap --variant=minbase "$suite" "$debian" "${mirror:-http://deb.debian.org/debian/}" >"$tool/log" || { tail "$tool/log" >&2; cannot "debootstrap"; }
mkdir -p "$debian/dev/shm"
{ mount -t proc proc "$debian/proc" && mount -t tmpfs tmpfs "$debian/dev/shm"; } || cannot "mounting is not allowed"
# The machine's configuration of its mirror.
cp /etc/apt/apt.conf.d/*proxy* "$debian/etc/apt/apt.conf.d/" 2>/dev/null || true
cp /etc/resolv.conf "$debian/etc/resolv.conf"
# No server is started, and none would be upgraded.
printf '#!/bin/sh\nexit 101\n' >"$debian/usr/sbin/policy-rc.d"
chmod 755 "$debian/usr/sbin/policy-rc.d"

within() { chroot "$debian" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
    ${http_proxy:+http_proxy=$http_proxy} ${https_proxy:+https_proxy=$https_proxy} "$@"; }
ours() { within find / -xdev -not -path '/proc/*' \( -name '*pg_clone*' -o -name '*pg-clone*' \) | LC_ALL=C sort; }

say "apt install"
within apt-get -qq update
within apt-get -qq install -y --no-install-recommends "postgresql-$major" adduser >"$tool/log" 2>&1 || { tail "$tool/log" >&2; fail "PostgreSQL $major of $suite"; }
before=$(ours)
[ -z "$before" ] || fail "there before: $before"
cp "${packages[@]}" "$debian/root/"
within sh -c 'apt-get -qq install -y --no-install-recommends /root/*.deb' >"$tool/log" 2>&1 || { tail "$tool/log" >&2; fail "the packages do not install"; }
within pg_clone --version
within sh -c 'test -s /usr/share/man/man1/pg_clone.1.gz && test -s /usr/lib/systemd/system/pg_clone-worker.service' || fail "man page or unit missing"

say "the demo from the packages"
began=$(date +%s)
within setpriv --reuid postgres --regid postgres --clear-groups env HOME=/tmp pg_clone demo | tail -n 3
say "$(($(date +%s) - began)) s"

say "apt purge"
rm "$debian"/root/*.deb
within apt-get -qq purge -y pg-clone "postgresql-$major-pg-clone-ext" >"$tool/log" 2>&1 || { tail "$tool/log" >&2; fail "the packages do not go"; }
# What apt itself keeps of any package: its logs and its cache.
after=$(ours | grep -v '^/var/cache/apt\|^/var/log\|^/var/lib/apt' || true)
[ -z "$after" ] || fail "left behind: $after"
say "installed, used and removed without a trace"
