# Shape 5: items of a registry, one by one and in sets, against statements written by hand that insert the same rows.

shape_registry() {
    local round kind
    new_database registry
    sql registry -v bundle="$(cat "$root/tests/golden/registry_items.json")" -v datasets=1000 -f "$here/registry/fill.sql" >/dev/null
    sql registry -c 'VACUUM (FREEZE, ANALYZE)'
    for round in $(seq "$rounds"); do
        for kind in model dataset; do
            measure_fresh "registry_$kind" hand registry "registry/${kind}_hand.sql" -v calls="$registry_calls"
            measure_fresh "registry_$kind" item_clone registry "registry/${kind}_clone.sql" -v calls="$registry_calls"
        done
        measure_fresh registry_set hand registry registry/set_hand.sql
        measure_fresh registry_set items_clone registry registry/set_clone.sql
        measure_fresh registry_set project_clone registry registry/collection_clone.sql
    done
    drop_database registry
    goal registry_item_model "$(ratio "$(median registry_model item_clone 3)" "$(median registry_model hand 3)")" 5.0
    goal registry_item_dataset "$(ratio "$(median registry_dataset item_clone 3)" "$(median registry_dataset hand 3)")" 5.0
    goal registry_set "$(ratio "$(median registry_set items_clone 3)" "$(median registry_set hand 3)")" 3.0
}

tables_registry() {
    echo "### Shape 5: items of a registry; $registry_calls models and $registry_calls data sets one by one, 1000 data sets as a set and as a collection"
    echo
    table registry_model hand item_clone
    table registry_dataset hand item_clone
    table registry_set hand items_clone project_clone
}
