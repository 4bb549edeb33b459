-- Discovery of references: by names and the data.

CREATE FUNCTION clone_internal.discover_references(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    q record;
    t record;
    missing bigint;
    seen bigint;
    -- Of several tables of the same name.
    meant regclass[];
BEGIN
    FOR q IN SELECT * FROM clone_internal.named_references(store) LOOP
        meant := clone_internal.meant_tables(store, q.relation, q.name, '', q.target);
        CONTINUE WHEN cardinality(meant) > 1;
        q.target := meant[1];
        q.target_column := (SELECT r.id_column FROM clone.store_relation r WHERE r.store = discover_references.store AND r.relation = q.target);
        SELECT c.seen, c.missing INTO seen, missing FROM clone_internal.compared_with_keys(q.relation, q.name, q.target, q.target_column, NULL) c;
        -- Declare it if the name is exact or all values are keys; otherwise it stays a question.
        IF missing = 0 AND (q.exact OR seen >= 3) AND clone_internal.of_same_tenant(store, q.relation, q.name, q.target) IS NOT FALSE THEN
            PERFORM clone.store_reference(store, q.relation, q.name, q.target);
            UPDATE clone.store_reference r SET reason = format('by its name; %s values looked at', seen)
            WHERE r.store = discover_references.store AND r.relation = q.relation AND r."column" = q.name;
        END IF;
    END LOOP;
    -- Users, by names of roles such as assignee_id.
    FOR q IN SELECT * FROM clone_internal.person_columns(store) LOOP
        meant := clone_internal.meant_tables(store, q.relation, q.name, '', q.target);
        CONTINUE WHEN cardinality(meant) > 1;
        q.target := meant[1];
        q.target_column := (SELECT r.id_column FROM clone.store_relation r WHERE r.store = discover_references.store AND r.relation = q.target);
        SELECT c.seen, c.missing INTO seen, missing FROM clone_internal.compared_with_keys(q.relation, q.name, q.target, q.target_column, NULL) c;
        IF missing = 0 AND seen >= 3 AND clone_internal.names_other_tenants(store, q.relation, q.name, q.target) IS NULL THEN
            PERFORM clone.store_reference(store, q.relation, q.name, q.target);
            UPDATE clone.store_reference r SET reason = format('by its name and %s values, which all are keys there', seen)
            WHERE r.store = discover_references.store AND r.relation = q.relation AND r."column" = q.name;
        END IF;
    END LOOP;
    -- Materialised paths.
    FOR q IN
        SELECT r.relation, r.id_column, a.attname AS name, clone_internal.base_type(a.atttypid)::regtype::text ~ 'ltree$' AS is_tree
        FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_attribute i ON i.attrelid = r.relation AND i.attname = r.id_column AND clone_internal.family(i.atttypid) IN ('int', 'text')
        WHERE r.store = discover_references.store AND a.attname ~* '(ancestry|path|lineage|parents|tree)$'
          AND (clone_internal.family(a.atttypid) = 'text' OR clone_internal.base_type(a.atttypid)::regtype::text ~ 'ltree$')
          AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = discover_references.store AND d.relation = r.relation AND d."column" = a.attname)
    LOOP
        SELECT c.seen, c.missing INTO seen, missing FROM clone_internal.compared_with_keys(q.relation, q.name, q.relation, q.id_column, '[/.]') c;
        IF missing = 0 AND seen > 0 THEN
            PERFORM clone.store_reference(store, q.relation, q.name, q.relation, separators => CASE WHEN q.is_tree THEN '.' ELSE '/.' END);
        END IF;
    END LOOP;
    -- Nested sets: the number of a tree is no key of a table, and no two trees have the same.
    FOR q IN
        SELECT r.relation, a.attname AS name
        FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped
        WHERE r.store = discover_references.store AND a.attname ~* '^tree_?(id|no|number|key)?$' AND clone_internal.family(a.atttypid) = 'int' AND a.attgenerated = ''
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
          AND (SELECT count(*) FROM pg_attribute b WHERE b.attrelid = r.relation AND NOT b.attisdropped AND b.attname ~* '^(tree_)?(lft|rgt|rght|left|right)(_value)?$') = 2
    LOOP
        PERFORM clone.store_column(store, q.relation, q.name, 'expression',
            value => format('(SELECT pg_catalog.max(m.%I) FROM %s AS m) OPERATOR(pg_catalog.+) %1$I', q.name, q.relation));
    END LOOP;
    -- Names in other forms than x_type and x_id may say something else: they stay a question.
    FOR q IN SELECT p.* FROM clone_internal.polymorphic_pairs(store) p EXCEPT SELECT w.* FROM clone_internal.worded_pairs(store) w ORDER BY 1, 2, 3 LOOP
        FOR t IN SELECT * FROM clone_internal.pair_targets(store, q.relation, q.type_column, q.name) LOOP
            PERFORM clone.store_reference(store, q.relation, q.name, t.target::regclass, type_column => q.type_column, type_values => t.type_values);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.discover_references(text) IS 'Declares references that follow from names and data';
