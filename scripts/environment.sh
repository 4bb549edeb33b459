# Sourced by the other scripts: the root of the repository, the PostgreSQL to use, messages.
# Sets root, and, by find_postgresql, PG_CONFIG and PG_MAJOR.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

# Defaults of the project, unless the user has set others.
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}
export PGRX_HOME=${PGRX_HOME:-$root/.tools/pgrx}
tools=$root/.tools
supported_majors="15 16 17 18"
pgrx_version=0.18.1

say() { printf '==> %s\n' "$*" >&2; }
fail() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

major_of() { "$1" --version 2>/dev/null | sed -n 's/^PostgreSQL \([0-9][0-9]*\).*/\1/p'; }

is_supported() {
    case " $supported_majors " in
        *" $1 "*) [ -n "$1" ] ;;
        *) return 1 ;;
    esac
}

# The one that PG_CONFIG names; else the one of major PG_MAJOR, of the system or from .tools; else pg_config on the path, else
# the newest where Debian puts it: as `pg_clone` does.
# Returns 1 if there is none; an unusable PG_CONFIG or PG_MAJOR is an error.
find_postgresql() {
    local candidate major wanted=${PG_MAJOR:-}
    [ -z "$wanted" ] || is_supported "$wanted" || fail "PG_MAJOR=$wanted: one of $supported_majors"
    if [ -n "${PG_CONFIG:-}" ]; then
        PG_MAJOR=$(major_of "$PG_CONFIG") || true
        is_supported "$PG_MAJOR" || fail "PG_CONFIG=$PG_CONFIG is no pg_config of PostgreSQL $supported_majors"
        [ "${wanted:-$PG_MAJOR}" = "$PG_MAJOR" ] || fail "PG_CONFIG=$PG_CONFIG is of PostgreSQL $PG_MAJOR, PG_MAJOR says $wanted"
        export PG_CONFIG PG_MAJOR
        return 0
    fi
    if [ -n "$wanted" ]; then
        for candidate in "/usr/lib/postgresql/$wanted/bin/pg_config" "$tools/postgresql/$wanted/bin/pg_config"; do
            [ -x "$candidate" ] && [ -x "$("$candidate" --bindir)/postgres" ] &&
                [ -f "$("$candidate" --includedir-server)/postgres.h" ] || continue
            PG_CONFIG=$candidate
            export PG_CONFIG PG_MAJOR
            return 0
        done
        return 1
    fi
    for major in "" $(printf '%s\n' $supported_majors | sort -rn); do
        candidate=${major:+/usr/lib/postgresql/$major/bin/pg_config}
        candidate=${candidate:-$(command -v pg_config || true)}
        [ -x "$candidate" ] || continue
        PG_MAJOR=$(major_of "$candidate")
        is_supported "$PG_MAJOR" || continue
        [ -x "$("$candidate" --bindir)/postgres" ] || continue
        PG_CONFIG=$candidate
        export PG_CONFIG PG_MAJOR
        return 0
    done
    return 1
}

# If the PostgreSQL found is the system's, copies it to .tools and sets PG_CONFIG to the copy: the system's installation is not changed.
# Works for Debian's layout only; PostgreSQL finds its files relative to its programs. Other installations are used directly.
own_postgresql() {
    local copy=$tools/postgresql/copy-$PG_MAJOR from=/usr/lib/postgresql/$PG_MAJOR version
    case $("$PG_CONFIG" --bindir) in
        "$from/bin") ;;
        *) return 0 ;;
    esac
    version=$("$from/bin/postgres" --version)
    if [ "$(cat "$copy/.version" 2>/dev/null)" != "$version" ]; then
        rm -rf "$copy"
        mkdir -p "$copy/usr/lib/postgresql" "$copy/usr/share/postgresql" "$copy/usr/include"
        cp -a "$from" "$copy/usr/lib/postgresql/"
        cp -a "/usr/share/postgresql/$PG_MAJOR" "$copy/usr/share/postgresql/"
        ln -s /usr/include/postgresql "$copy/usr/include/postgresql"
        rm -f "$copy/usr/lib/postgresql/$PG_MAJOR/lib"/pg_clone_ext* "$copy/usr/share/postgresql/$PG_MAJOR/extension"/pg_clone_ext*
        echo "$version" >"$copy/.version"
    fi
    export PG_CONFIG=$copy$from/bin/pg_config
}

# Environment for building the extension.
use_postgresql() {
    find_postgresql || fail "no PostgreSQL $supported_majors found"
    export PGRX_PG_CONFIG_PATH=$PG_CONFIG
    export PATH=$tools/bin:$PATH
    mkdir -p "$PGRX_HOME"
    # While this file is missing, cargo makes the bindings to the server's headers anew at every build.
    [ -e "$PGRX_HOME/config.toml" ] || printf '[configs]\n' >"$PGRX_HOME/config.toml"
}

# The account that servers run as if the caller is root: as pg_clone chooses it.
server_account() {
    local account
    for account in postgres nobody; do
        ! id -u "$account" >/dev/null 2>&1 || { echo "$account"; return 0; }
    done
    return 1
}

# Whether servers can run this program: for root, whether their account reaches it.
servers_can_run() {
    local account
    [ "$(id -u)" = 0 ] && account=$(server_account) || return 0
    setpriv --reuid "$account" --regid "$(id -g "$account")" --clear-groups test -x "$1"
}

pgrx_is_there() { [ "$(PATH=$tools/bin:$PATH cargo pgrx --version 2>/dev/null)" = "cargo-pgrx $pgrx_version" ]; }

# The command that runs another one as root; empty for root. Returns 1 if there is none.
become_root() {
    if [ "$(id -u)" = 0 ]; then
        echo ""
    elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
        echo "sudo"
    else
        return 1
    fi
}
