# The real Medplum dump: as it is, and shape 2, its project made larger.

medplum_source=35f1dbf7-3a18-485a-8785-1890ae507703
medplum_dump=$root/../shared/data/medplum/medplum.dump

medplum_restored() { # database
    new_database "$1"
    pg_restore --no-owner --jobs=2 --dbname="$1" "$medplum_dump"
    sql "$1" -f "$here/medplum/floor_function.sql" >/dev/null
}


medplum_contest() { # shape database
    local round
    sql "$2" -c "SELECT bench.prepare_floor('$medplum_source')" -c 'VACUUM (FREEZE, ANALYZE)' >/dev/null
    for round in $(seq "$rounds"); do
        measure_fresh "$1" floor "$2" medplum/floor.sql
        measure_clone_and_verify "$1" "$2" $medplum_source
        # Once is enough for what is so much slower.
        if [ "$round" = 1 ] && [ "$1" = dump ]; then
            measure_fresh "$1" 'copy' "$2" medplum/copy.sql
            measure_fresh "$1" plain "$2" medplum/plain.sql
        fi
    done
}

shape_dump() {
    if [ ! -f "$medplum_dump" ]; then
        echo "skipped: medplum_dump, ../shared/data/medplum is not there" >&2
        return
    fi
    medplum_restored dump
    medplum_contest dump dump
    drop_database dump
    goal_verify dump
    goal medplum_dump_time "$(ratio "$(median dump clone 3)" "$(median dump floor 3)")" 1.5
}

tables_dump() {
    [ -f "$medplum_dump" ] || return 0
    echo '### The Medplum dump as it is (6,264 resources)'
    echo
    table dump floor clone copy plain verify
}

shape_medplum() {
    if [ ! -f "$medplum_dump" ]; then
        echo "skipped: shape 2, ../shared/data/medplum is not there" >&2
        return
    fi
    medplum_restored medplum
    sql medplum -v source=$medplum_source -v doublings="$medplum_doublings" -f "$here/medplum/multiply.sql" >/dev/null
    medplum_contest medplum medplum
    drop_database medplum
    goal_verify medplum
    goal medplum_time "$(ratio "$(median medplum clone 3)" "$(median medplum floor 3)")" 0.8
}

tables_medplum() {
    [ -f "$medplum_dump" ] || return 0
    echo "### Shape 2: that project made $((1 << medplum_doublings)) times as large (about $((6250 << medplum_doublings)) resources)"
    echo
    table medplum floor clone verify
}
