#!/usr/bin/env bash
# Each table of schema clone that the extension writes from Rust is written by one file (ARCHITECTURE.md lists them).
set -euo pipefail
cd "$(dirname "$0")/../.."

several=$({ grep -rnoE '(INSERT INTO|UPDATE|DELETE FROM) clone\.[a-z_]+' pg_clone_ext/src --include='*.rs' || true; } |
    sed -E 's/^([^:]+):[0-9]+:.* clone\.([a-z_]+)$/\2 \1/' | sort -u | awk '{ files[$1] = files[$1] " " $2; n[$1]++ }
        END { for (table in n) if (n[table] > 1) print "clone." table ":" files[table] }')
[ -z "$several" ] || { echo "tables that several files write:"; echo "$several"; exit 1; }
