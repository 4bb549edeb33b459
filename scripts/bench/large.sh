# Shape 3: documents of 50 kB, compressed and out of line, as jsonb and as text; with pglz and, where the server has it, lz4.

shape_large() {
    local source=00000000-0000-4000-8000-000000000001 round method
    for method in pglz lz4; do
        if ! sql postgres -c "SET default_toast_compression = $method" 2>/dev/null; then
            echo "  large: no $method in this server" >&2
            continue
        fi
        new_database large
        sql large -v method="$method" -v documents="$large_documents" -f "$here/large/fill.sql" >/dev/null
        sql large -c 'VACUUM (FREEZE, ANALYZE)'
        for round in $(seq "$rounds"); do
            measure_fresh "jsonb_$method" floor large documents/floor.sql -v source=$source
            measure_fresh "jsonb_$method" clone large large/clone.sql -v source=$source -v store=docs
            measure_fresh "text_$method" floor large large/text_floor.sql -v source=$source
            measure_fresh "text_$method" clone large large/clone.sql -v source=$source -v store=texts
            [ "$round" -gt 1 ] || measure_fresh "jsonb_$method" 'copy' large documents/copy.sql -v source=$source
            [ "$round" -gt 1 ] || measure_fresh "text_$method" 'copy' large large/text_copy.sql -v source=$source
            # Several milliseconds a document: once, and with one method.
            [ "$round$method" != 1pglz ] || measure_fresh "jsonb_$method" plain large documents/plain.sql -v source=$source
        done
        drop_database large
        goal "large_jsonb_${method}_time" "$(ratio "$(median "jsonb_$method" clone 3)" "$(median "jsonb_$method" floor 3)")" 1.0
        goal "large_text_${method}_time" "$(ratio "$(median "text_$method" clone 3)" "$(median "text_$method" floor 3)")" 1.0
    done
}

tables_large() {
    local method
    echo "### Shape 3: $large_documents documents of 50 kB"
    echo
    for method in pglz lz4; do
        table "jsonb_$method" floor clone copy plain
        table "text_$method" floor clone copy
    done
}
