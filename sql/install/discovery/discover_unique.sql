-- Discovery of values that must be unique across projects.

-- Columns of unique indexes in which every clone would meet its source get a fresh value.
CREATE FUNCTION clone_internal.discover_unique(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    u record;
    chosen record;
BEGIN
    FOR u IN
        SELECT i.indexrelid, r.relation, r.role FROM pg_index i JOIN clone.store_relation r ON r.store = discover_unique.store AND r.relation::oid = i.indrelid
        WHERE i.indisunique AND i.indislive AND NOT i.indisprimary
    LOOP
        -- One column that changes anyhow is enough.
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_attribute a JOIN pg_index i ON i.indexrelid = u.indexrelid
            JOIN clone.store_relation r ON r.store = discover_unique.store AND r.relation = u.relation
            LEFT JOIN clone.store_column c ON c.store = r.store AND c.relation = r.relation AND c.name = a.attname
            WHERE a.attrelid = u.relation AND (a.attnum = ANY (i.indkey::int2[]) OR i.indexprs IS NOT NULL AND EXISTS (
                      SELECT FROM pg_depend p WHERE p.classid = 'pg_class'::regclass AND p.objid = i.indexrelid AND p.refobjid = u.relation AND p.refobjsubid = a.attnum))
              AND (a.attname IN (COALESCE(r.project_column, ''), COALESCE(r.id_column, ''))
                   OR c.role IN ('project', 'key', 'new_uuid', 'random', 'suffix', 'template', 'default', 'null')
                   OR clone_internal.family(a.atttypid) = 'uuid' AND cardinality(i.indkey::int2[]) = 1
                   OR EXISTS (SELECT FROM pg_constraint f JOIN clone.store_relation t ON t.store = discover_unique.store AND t.relation::oid = f.confrelid
                              WHERE f.contype = 'f' AND f.conrelid = u.relation AND a.attnum = ANY (f.conkey))
                   OR EXISTS (SELECT FROM clone.store_reference d WHERE d.store = discover_unique.store AND d.relation = u.relation AND d."column" = a.attname)));
        -- Another table may refer to it: then its key gets new values by itself.
        CONTINUE WHEN EXISTS (SELECT FROM pg_constraint f JOIN pg_index i ON i.indexrelid = u.indexrelid WHERE f.contype = 'f' AND f.confrelid = u.relation
            AND f.confkey = (i.indkey::int2[])[0:i.indnkeyatts - 1]);
        SELECT a.attname, a.attnotnull, clone_internal.family(a.atttypid) AS family, a.atthasdef OR a.attidentity <> '' AS generated INTO chosen
        FROM pg_attribute a JOIN pg_index i ON i.indexrelid = u.indexrelid
        WHERE a.attrelid = u.relation AND a.attnum > 0 AND (a.attnum = ANY (i.indkey::int2[]) OR i.indexprs IS NOT NULL AND EXISTS (
                SELECT FROM pg_depend p WHERE p.classid = 'pg_class'::regclass AND p.objid = i.indexrelid AND p.refobjid = u.relation AND p.refobjsubid = a.attnum))
        ORDER BY clone_internal.family(a.atttypid) = 'text' DESC, (a.atthasdef OR a.attidentity <> '') DESC, NOT a.attnotnull DESC, a.attnum
        LIMIT 1;
        CONTINUE WHEN chosen.attname IS NULL OR u.role = 'project' AND chosen.attname = 'name';
        PERFORM clone.store_column(store, u.relation, chosen.attname,
            CASE WHEN chosen.family = 'text' AND chosen.attname ~* 'token|secret|hash|digest|api_?key|password|checksum' THEN 'random'
                 WHEN chosen.family = 'text' AND chosen.attname ~* 'e?_?mail' THEN 'template'
                 WHEN chosen.family = 'text' THEN 'suffix'
                 WHEN chosen.generated THEN 'default'
                 WHEN chosen.family = 'uuid' THEN 'new_uuid'
                 WHEN NOT chosen.attnotnull THEN 'null'
                 ELSE 'keep' END,
            value => CASE WHEN chosen.family = 'text' AND chosen.attname ~* 'e?_?mail' AND NOT chosen.attname ~* 'token|secret|hash|digest' THEN 'clone{n}.{value}' END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.discover_unique(text) IS 'Gives columns of unique indexes across all projects a fresh value in clones';
