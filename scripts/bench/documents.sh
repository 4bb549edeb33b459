# Shape 1: documents of about 1.4 kB in the documents store.

shape_documents() {
    local many=00000000-0000-4000-8000-000000000001 few=00000000-0000-4000-8000-000000000002 round
    new_database documents
    sql documents -v documents="$documents" -v few="$few_documents" -f "$here/documents/fill.sql" >/dev/null
    sql documents -c 'VACUUM (FREEZE, ANALYZE)'
    for round in $(seq "$rounds"); do
        measure_fresh documents floor documents documents/floor.sql -v source=$many
        measure_clone_and_verify documents documents $many
        [ "$round" -gt 1 ] || measure_fresh documents 'copy' documents documents/copy.sql -v source=$many
    done
    fresh_copy documents contest
    for round in 1 2 3 4 5; do
        measure few clone contest clone.sql -v source=$few
        measure few floor contest documents/floor.sql -v source=$few
        [ "$round" -gt 2 ] || measure few plain contest documents/plain.sql -v source=$few
    done
    drop_database contest
    drop_database documents
    goal_verify documents
    goal documents_time "$(ratio "$(median documents clone 3)" "$(median documents floor 3)")" 0.7
    goal documents_wal "$(ratio "$(median documents clone 4)" "$(median documents floor 4)")" 0.9
    goal documents_memory_per_resource "$(ratio "$(median documents clone 5)" "$documents")" 64
    goal documents_time_per_resource_many_to_few \
        "$(awk -v m="$(median documents clone 3)" -v f="$(median few clone 3)" -v nm="$documents" -v nf="$few_documents" 'BEGIN { print (m / nm) / (f / nf) }')" 1.2
    goal times_faster_than_plain_sql "$(ratio "$(median few plain 3)" "$(median few clone 3)")" 10 at-least
}

tables_documents() {
    echo "### Shape 1: $documents documents of 1.4 kB (few: $few_documents)"
    echo
    table documents floor clone copy verify
    table few floor clone plain
}
