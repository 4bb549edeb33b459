-- Rows that are cloned without the rows about them: attachments of a type that is left out, as those of the variants of Rails' images, which
-- belong through attachments themselves. A variant without its attachment breaks the application; without both, it makes the variant again.

CREATE FUNCTION clone_internal.ask_about_left_out_types(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    p record;
    k record;
    kinds text[];
    named boolean;
BEGIN
    FOR p IN
        SELECT r.relation, r."column", r.type_column, string_agg(format('(%s)', r.condition), ' OR ') AS known
        FROM clone.store_reference r JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p')
        WHERE r.store = $1 AND r.type_column IS NOT NULL AND r.condition IS NOT NULL
          AND EXISTS (SELECT FROM clone.store_no_reference n WHERE n.store = $1 AND n.relation = r.relation AND n."column" = r."column" AND n.path = '$types')
        GROUP BY 1, 2, 3
    LOOP
        EXECUTE format('SELECT ARRAY(SELECT DISTINCT %s FROM %s AS t WHERE t.%I IS NOT NULL AND t.%I IS NOT NULL AND NOT (%s) LIMIT 100)', clone_internal.column_text('t', p.relation, p.type_column),
            clone_internal.spread(p.relation, '*', 50000), p.type_column, p."column", p.known) INTO kinds;
        FOR k IN
            SELECT t.kind, r.*, EXISTS (SELECT FROM pg_constraint f JOIN clone.store_relation o ON o.store = $1 AND o.relation = f.conrelid AND o.cloned WHERE f.contype = 'f' AND f.confrelid = r.relation AND f.conrelid <> r.relation)
                OR EXISTS (SELECT FROM clone.store_reference o WHERE o.store = $1 AND o.target = r.relation AND o.relation <> r.relation) AS needed
            FROM clone_internal.tables_of_kinds($1, kinds) t JOIN clone.store_relation r ON r.store = $1 AND r.relation = t.target
            -- Other types can be declared, which is another question.
            WHERE clone_internal.belongs_through($1, r.relation, p.relation) AND t.rank < 2 AND r.cloned AND r.role IN ('resource', 'derived') AND r.id_column IS NOT NULL AND r.relation <> p.relation
              AND NOT clone_internal.answered($1, r.relation, r.id_column, '$parts')
            ORDER BY r.relation::oid
        LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t JOIN %s AS k ON %s WHERE %s = $1)', clone_internal.spread(p.relation, '*', 50000), k.relation,
                clone_internal.equals_text('k', k.relation, k.id_column, clone_internal.column_text('t', p.relation, p."column")), clone_internal.column_text('t', p.relation, p.type_column)) INTO named USING k.kind;
            CONTINUE WHEN NOT named;
            PERFORM clone_internal.ask($1, k.relation, k.id_column, '$parts', 'error',
                format('rows of %s are cloned, but not the rows of %s that name them, those of the type %s', k.relation, p.relation, k.kind)
                    || CASE WHEN k.needed THEN '' ELSE ': are both left out? An application may make them again' END,
                CASE WHEN NOT k.needed THEN clone_internal.table_call($1, k.relation, k.role, k.id_column, k.project_column, k.parents[1], k.join_column, ', cloned => false') END,
                format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, k.relation, k.id_column, '$parts'));
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_left_out_types(text) IS 'Records questions about rows that are cloned without the rows of a polymorphic pair that name them';
