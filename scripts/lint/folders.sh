#!/usr/bin/env bash
# A folder has at most fifteen files; the root and docs, whose pages are listed in a table of contents, are left out.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Includes files that are not in git yet, so that the check works before the commit.
full=$({ git ls-files; git ls-files --others --exclude-standard; } | sort -u | grep / | grep -v '^docs/' | while read -r file; do
    [ ! -e "$file" ] || dirname "$file"
done | sort | uniq -c | awk '$1 > 15 { print $2 ": " $1 " files" }')
[ -z "$full" ] || { echo "too many files, make subfolders:"; echo "$full"; exit 1; }
