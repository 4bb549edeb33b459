# Shape 4: rows with integer keys, 8 indexes and 6 references, as Rails makes them.

shape_rails() {
    local round
    new_database rails
    sql rails -v rows=200000 -f "$here/rails/fill.sql" >/dev/null
    sql rails -c 'VACUUM (FREEZE, ANALYZE)'
    for round in $(seq "$rounds"); do
        measure_fresh rails floor rails rails/floor.sql
        measure_clone_and_verify rails rails 2
    done
    drop_database rails
    goal_verify rails
    goal rails_time "$(ratio "$(median rails clone 3)" "$(median rails floor 3)")" 1.0
}

tables_rails() {
    echo "### Shape 4: 200000 rows with integer keys, 8 indexes, 6 references"
    echo
    table rails floor clone verify
}
