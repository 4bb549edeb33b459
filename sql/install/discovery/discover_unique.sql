-- Discovery of values that must be unique across projects.

-- Columns of unique indexes in which a clone would conflict with its source get a new value.
CREATE FUNCTION clone_internal.discover_unique(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    u record;
    chosen record;
    words text[] := ARRAY(SELECT clone_internal.table_word(t.relname) FROM clone.store_relation r JOIN pg_class t ON t.oid = r.relation
        WHERE r.store = discover_unique.store AND r.id_column IS NOT NULL);
BEGIN
    FOR u IN
        SELECT i.indexrelid, r.relation, r.role FROM pg_index i JOIN clone.store_relation r ON r.store = discover_unique.store AND r.relation::oid = i.indrelid
        WHERE i.indisunique AND i.indislive AND NOT i.indisprimary
    LOOP
        -- One column that gets a new value anyway is enough.
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_attribute a JOIN pg_index i ON i.indexrelid = u.indexrelid
            JOIN clone.store_relation r ON r.store = discover_unique.store AND r.relation = u.relation
            LEFT JOIN clone.store_column c ON c.store = r.store AND c.relation = r.relation AND c.name = a.attname
            WHERE a.attrelid = u.relation AND a.attnum IN (SELECT clone_internal.unique_columns(u.indexrelid))
              AND (a.attname IN (COALESCE(r.project_column, ''), COALESCE(r.id_column, ''), COALESCE(r.join_column, ''))
                   OR c.role IN ('project', 'key', 'new_uuid', 'random', 'suffix', 'template', 'default', 'null')
                   OR clone_internal.family(a.atttypid) = 'uuid' AND cardinality(i.indkey::int2[]) = 1
                   -- A UUID column whose name means a table of the store is mapped, also without a foreign key.
                   OR clone_internal.family(a.atttypid) = 'uuid' AND COALESCE(c.role = 'map', false) AND clone_internal.named_table(a.attname, false) = ANY (words)
                   OR EXISTS (SELECT FROM pg_constraint f JOIN clone.store_relation t ON t.store = discover_unique.store AND t.relation::oid = f.confrelid
                              WHERE f.contype = 'f' AND f.conrelid = u.relation AND a.attnum = ANY (f.conkey))
                   OR EXISTS (SELECT FROM clone.store_reference d WHERE d.store = discover_unique.store AND d.relation = u.relation AND d."column" = a.attname)));
        -- If another table refers to it, the key gets new values anyway.
        CONTINUE WHEN EXISTS (SELECT FROM pg_constraint f JOIN pg_index i ON i.indexrelid = u.indexrelid WHERE f.contype = 'f' AND f.confrelid = u.relation
            AND f.confkey = (i.indkey::int2[])[0:i.indnkeyatts - 1]);
        SELECT a.attname, a.attnotnull, i.indnkeyatts = 1 AS alone, clone_internal.family(a.atttypid) AS family, a.atttypid = 'bytea'::regtype AS is_bytes,
            CASE WHEN clone_internal.base_type(a.atttypid) IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4 THEN a.atttypmod - 4 END AS length,
            -- A constant is no new value.
            a.attidentity <> '' OR COALESCE(pg_get_expr(e.adbin, e.adrelid) LIKE '%(%', false) AS generated INTO chosen
        FROM pg_attribute a JOIN pg_index i ON i.indexrelid = u.indexrelid
        LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
        WHERE a.attrelid = u.relation AND a.attnum IN (SELECT clone_internal.unique_columns(u.indexrelid))
        ORDER BY clone_internal.family(a.atttypid) = 'text' DESC,
            (a.attidentity <> '' OR COALESCE(pg_get_expr(e.adbin, e.adrelid) LIKE '%(%', false)) DESC, NOT a.attnotnull DESC, a.attnum
        LIMIT 1;
        CONTINUE WHEN chosen.attname IS NULL OR u.role = 'project' AND chosen.attname = 'name';
        -- Nothing is said of a column for which there is no fresh value: the clone is refused where its values meet the source's.
        CONTINUE WHEN chosen.attnotnull AND NOT chosen.generated AND NOT chosen.is_bytes AND chosen.family NOT IN ('text', 'uuid');
        PERFORM clone.store_column(store, u.relation, chosen.attname,
            CASE WHEN chosen.family = 'text' AND chosen.attname ~* 'token|secret|hash|digest|api_?key|password|checksum' THEN 'random'
                 -- Too short for a suffix and something of the value.
                 WHEN chosen.family = 'text' AND chosen.length <= 24 THEN 'random'
                 WHEN chosen.family = 'text' AND chosen.attname ~* 'e?_?mail' THEN 'template'
                 WHEN chosen.family = 'text' THEN 'suffix'
                 WHEN chosen.generated THEN 'default'
                 WHEN chosen.family = 'uuid' THEN 'new_uuid'
                 WHEN chosen.is_bytes THEN 'expression'
                 -- A part of a key, such as a number in a list, says something of the row: only a value of its own may go.
                 WHEN NOT chosen.attnotnull AND chosen.alone THEN 'null'
                 ELSE 'keep' END,
            value => CASE WHEN chosen.is_bytes AND NOT chosen.generated
                     THEN format('pg_catalog.substr(pg_catalog.sha512(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())), 1, pg_catalog.length(%I))', chosen.attname)
                 WHEN chosen.family = 'text' AND chosen.attname ~* 'e?_?mail' AND COALESCE(chosen.length > 24, true) AND NOT chosen.attname ~* 'token|secret|hash|digest' THEN 'clone{n}.{value}' END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.discover_unique(text) IS 'Declares a new value for columns of unique indexes that are unique across all projects';
