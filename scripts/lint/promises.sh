#!/usr/bin/env bash
# Every test and file that SECURITY.md names for a promise exists.
set -euo pipefail
cd "$(dirname "$0")/../.."

bad=0
names=$(sed -n '/^| promise | test |/,/^$/p' SECURITY.md | awk -F'|' 'NR > 2 { print $3 }' | grep -oE '`[^`]+`' | tr -d '`')
[ -n "$names" ] || { echo "SECURITY.md has no table of promises"; exit 1; }
while read -r name; do
    case $name in
        scripts/*) [ -x "$name" ] || { echo "SECURITY.md names $name, which is no script"; bad=1; } ;;
        src/*) [ -f "pg_clone_ext/$name" ] || { echo "SECURITY.md names $name, which is no file"; bad=1; } ;;
        *::*)
            # Modules of tests/tests, and a test in the last one.
            path=tests/tests/${name//:://} test=
            if [ ! -f "$path.rs" ] && [ ! -f "$path/mod.rs" ]; then
                test=${path##*/} path=${path%/*}
            fi
            file=$path.rs
            [ -f "$file" ] || file=$path/mod.rs
            if [ ! -f "$file" ]; then
                echo "SECURITY.md names $name, which is no module of tests/tests"; bad=1
            elif [ -n "$test" ] && ! grep -qE "fn $test\(" "$file"; then
                echo "SECURITY.md names $name: $file has no such test"; bad=1
            elif ! grep -rqE '#\[(tokio::)?test' "$(dirname "$file")"; then
                echo "SECURITY.md names $name: there is no test"; bad=1
            fi ;;
        *) echo "SECURITY.md names $name, which is no test"; bad=1 ;;
    esac
done <<<"$names"
exit $bad
