#!/usr/bin/env bash
# Modules directly below a folder of a crate must not depend on each other in a cycle: prints a cycle and fails.
# Usage: scripts/lint/circles.sh FOLDER…
set -euo pipefail
cd "$(dirname "$0")/../.."

# "a b" for every module a of the folder that names the module b of the same folder.
dependencies() {
    local folder=$1 parent=crate within file module other up
    within=${folder#*src}
    [ -z "$within" ] || parent=crate${within//\//::}
    find "$folder" -name '*.rs' | while read -r file; do
        module=${file#"$folder"/}
        # The meaning of `super::` in this file, if it names a module of the folder.
        case $module in
            */*/*) up= ;;
            */mod.rs) up=super:: ;;
            */*) up=super::super:: ;;
            *) up=super:: ;;
        esac
        module=${module%%/*}
        module=${module%.rs}
        [ "$module" != mod ] && [ "$module" != lib ] || continue
        sed 's#//.*##' "$file" | tr '\n' ' ' | sed -E "s/\b(super::)+/<&/g; ${up:+s/<$up/$parent::/g}" |
            { grep -oE "$parent::(\{[^}]*\}|[a-z_]+)" || true; } | sed "s/^$parent:://; s/[{},]/ /g" | tr ' ' '\n' |
            sed -nE 's/^([a-z_]+).*/\1/p' | sort -u | while read -r other; do
                if [ "$other" != "$module" ] && { [ -e "$folder/$other.rs" ] || [ -d "$folder/$other" ]; }; then
                    echo "$module $other"
                fi
            done
    done | sort -u
}

bad=0
for folder in "$@"; do
    # tsort prints the members of each cycle on standard error.
    if ! circle=$(dependencies "$folder" | tsort 2>&1 >/dev/null); then
        echo "$folder: these depend on each other in a circle:"
        sed -n 's/^tsort: \([a-z_]*\)$/  \1/p' <<<"$circle" | sort -u
        bad=1
    fi
done
exit $bad
