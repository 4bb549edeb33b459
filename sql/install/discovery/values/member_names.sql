-- Names of members that are text keys which people chose: {"alpha-red": 1}. Those that look like keys are found with the values of documents.

CREATE FUNCTION clone_internal.ask_about_member_names(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    tables regclass[];
    keys name[];
    families text[];
    c record;
    h record;
    path text;
    target regclass;
BEGIN
    SELECT array_agg(n.relation), array_agg(n.name), array_agg(n.family) INTO tables, keys, families
    FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.family = 'text' AND n.role <> 'project' AND clone_internal.gets_new_values($1, n.relation, n.name);
    IF tables IS NULL THEN
        RETURN;
    END IF;
    FOR c IN SELECT o.relation, o.name FROM clone_internal.open_columns($1) o WHERE o.family = 'json' AND o.relkind IN ('r', 'p') ORDER BY o.relation::oid, o.name LOOP
        FOR h IN EXECUTE format($q$
            WITH document AS MATERIALIZED (SELECT clone_internal.json_of(t.%1$I::text) AS x FROM %2$s AS t WHERE t.%1$I IS NOT NULL LIMIT 2000)
            SELECT n.holder, (array_agg(DISTINCT n.name))[1:400] AS names
            FROM (SELECT NULL::text AS holder, k.name FROM document d CROSS JOIN LATERAL jsonb_object_keys(CASE WHEN jsonb_typeof(d.x) = 'object' THEN d.x ELSE '{}' END) AS k (name)
                  UNION ALL
                  SELECT e.key, k.name FROM document d CROSS JOIN LATERAL jsonb_each(CASE WHEN jsonb_typeof(d.x) = 'object' THEN d.x ELSE '{}' END) AS e
                  CROSS JOIN LATERAL jsonb_object_keys(CASE WHEN jsonb_typeof(e.value) = 'object' THEN e.value ELSE '{}' END) AS k (name)) n
            GROUP BY 1 HAVING count(DISTINCT n.name) >= 8 ORDER BY 1 NULLS FIRST$q$, c.name, clone_internal.spread(c.relation, quote_ident(c.name), 2000))
        LOOP
            path := CASE WHEN h.holder IS NULL THEN '$[*]~' ELSE format('$..[%s][*]~', clone_internal.path_name(h.holder)) END;
            CONTINUE WHEN clone_internal.answered($1, c.relation, c.name, path)
                OR EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = c.relation AND q."column" = c.name AND (q.path = '' OR q.path LIKE '%~'))
                OR EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = c.relation AND d."column" = c.name AND d.path LIKE '%~');
            -- Some words are names of members anywhere, but not half of many.
            SELECT f.target INTO target FROM clone_internal.keys_of_tables(tables, keys, families, h.names) f GROUP BY 1 HAVING count(DISTINCT f.value) >= 8 AND 2 * count(DISTINCT f.value) >= cardinality(h.names) ORDER BY count(DISTINCT f.value) DESC, f.target::oid LIMIT 1;
            CONTINUE WHEN target IS NULL;
            PERFORM clone_internal.ask($1, c.relation, c.name, path, 'error', format('%s.%I at %s has members with keys of %s as their names, such as %s', c.relation, c.name, path, target, clone_internal.quoted(h.names[1])),
                clone_internal.reference_call($1, c.relation, c.name, target, path), clone_internal.keep_call($1, c.relation, c.name, path));
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_member_names(text) IS 'Records questions about names of members in documents that are text keys';
