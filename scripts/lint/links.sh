#!/usr/bin/env bash
# Every page of docs/ is in the table of contents, and every link from a page to a file of the repository names one.
set -euo pipefail
cd "$(dirname "$0")/../.."

bad=
for page in docs/*.md; do
    name=${page#docs/}
    [ "$name" = SUMMARY.md ] || grep -qF "($name)" docs/SUMMARY.md || { echo "$page is not in docs/SUMMARY.md" && bad=yes; }
done
for page in *.md docs/*.md; do
    while IFS= read -r link; do
        target=${link%%#*}
        [ -z "$target" ] || [ -e "$(dirname "$page")/$target" ] || { echo "$page links to $link, which does not exist" && bad=yes; }
    done < <(grep -oE '\]\([^)]+\)' "$page" | sed -E 's/^\]\(//; s/\)$//' | grep -vE '^(https?:|mailto:)')
done
[ -z "$bad" ]
