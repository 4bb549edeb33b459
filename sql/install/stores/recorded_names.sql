-- Descriptions of tables that were created again, renamed or changed since.

CREATE FUNCTION clone_internal.remember_names(store text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE clone.store_relation r SET schema_name = n.nspname, table_name = c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE r.store = $1 AND c.oid = r.relation AND (r.schema_name, r.table_name) IS DISTINCT FROM (n.nspname, c.relname)
$$;
COMMENT ON FUNCTION clone_internal.remember_names(text) IS 'Records the schemas and names of a store''s tables; clone.store_refresh() uses them to find the tables';

CREATE FUNCTION clone_internal.bind_tables(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
-- A table that was dropped and created again, or swapped names with another, is found by its name. A table that was only renamed
-- keeps its description.
DECLARE
    r record;
BEGIN
    FOR r IN
        SELECT s.relation AS old, c.oid::regclass AS new, EXISTS (SELECT FROM pg_class o WHERE o.oid = s.relation) AS renamed
        FROM clone.store_relation s
        JOIN pg_namespace n ON n.nspname = s.schema_name
        JOIN pg_class c ON c.relnamespace = n.oid AND c.relname = s.table_name
        WHERE s.store = bind_tables.store AND c.oid <> s.relation
          AND NOT EXISTS (SELECT FROM clone.store_relation o WHERE o.store = s.store AND o.relation = c.oid)
    LOOP
        IF r.renamed THEN
            RAISE NOTICE 'store "%" now describes table %, not %, which had that name before', store, r.new, r.old;
        END IF;
        UPDATE clone.store_relation s SET relation = r.new WHERE s.store = bind_tables.store AND s.relation = r.old;
        UPDATE clone.store_relation s SET parents = array_replace(s.parents, r.old, r.new)
        WHERE s.store = bind_tables.store AND s.parents @> ARRAY[r.old];
        UPDATE clone.store_column s SET target = r.new WHERE s.store = bind_tables.store AND s.target = r.old;
        UPDATE clone.store_reference s SET relation = r.new WHERE s.store = bind_tables.store AND s.relation = r.old;
        UPDATE clone.store_reference s SET target = r.new WHERE s.store = bind_tables.store AND s.target = r.old;
        UPDATE clone.store_membership s SET relation = r.new WHERE s.store = bind_tables.store AND s.relation = r.old;
        UPDATE clone.store_membership s SET parent = r.new WHERE s.store = bind_tables.store AND s.parent = r.old;
        -- The next refresh gives its rows the keys that they have.
        UPDATE clone.run_identity i SET relation = r.new FROM clone.run n WHERE n.id = i.run_id AND n.store = bind_tables.store AND i.relation = r.old;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.bind_tables(text) IS 'Assigns descriptions of a store to the tables that now have the recorded names';

-- A column that was renamed keeps what is declared of it: the same number, a type that is the same, and a name that is new. Settings by hand of
-- a column that is gone are said.
CREATE FUNCTION clone_internal.follow_renamed_columns(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    r record;
BEGIN
    FOR r IN
        SELECT c.relation, c.name AS old, a.attname AS new, c.role, c.reason
        FROM clone.store_column c JOIN pg_class k ON k.oid = c.relation
        LEFT JOIN pg_attribute a ON a.attrelid = c.relation AND a.attnum = c.number AND NOT a.attisdropped AND format_type(a.atttypid, a.atttypmod) = c.type
         AND NOT EXISTS (SELECT FROM clone.store_column o WHERE o.store = c.store AND o.relation = c.relation AND o.name = a.attname)
        WHERE c.store = $1 AND NOT EXISTS (SELECT FROM pg_attribute n WHERE n.attrelid = c.relation AND n.attname = c.name AND NOT n.attisdropped)
    LOOP
        IF r.new IS NULL THEN
            IF r.reason = 'set by hand' THEN
                RAISE WARNING 'column % of % is gone, and with it its role %, set by hand', clone_internal.quoted(r.old::text), r.relation, r.role USING
                    HINT = 'If another column has its values now: clone.store_column(…).';
            END IF;
            CONTINUE;
        END IF;
        RAISE NOTICE 'column % of % is % now', clone_internal.quoted(r.old::text), r.relation, clone_internal.quoted(r.new::text);
        UPDATE clone.store_column c SET name = r.new WHERE c.store = $1 AND c.relation = r.relation AND c.name = r.old;
        UPDATE clone.store_relation t
        SET id_column = CASE WHEN t.id_column = r.old THEN r.new ELSE t.id_column END, project_column = CASE WHEN t.project_column = r.old THEN r.new ELSE t.project_column END,
            join_column = CASE WHEN t.join_column = r.old THEN r.new ELSE t.join_column END, type_column = CASE WHEN t.type_column = r.old THEN r.new ELSE t.type_column END,
            document_column = CASE WHEN t.document_column = r.old THEN r.new ELSE t.document_column END,
            blob_key = replace(t.blob_key, '{' || r.old || '}', '{' || r.new || '}')
        WHERE t.store = $1 AND t.relation = r.relation;
        UPDATE clone.store_reference d SET "column" = CASE WHEN d."column" = r.old THEN r.new ELSE d."column" END, type_column = CASE WHEN d.type_column = r.old THEN r.new ELSE d.type_column END
        WHERE d.store = $1 AND d.relation = r.relation;
        UPDATE clone.store_reference d SET target_column = r.new WHERE d.store = $1 AND d.target = r.relation AND d.target_column = r.old;
        UPDATE clone.store_membership m SET columns = array_replace(m.columns, r.old, r.new) WHERE m.store = $1 AND m.relation = r.relation;
        UPDATE clone.store_membership m SET parent_columns = array_replace(m.parent_columns, r.old, r.new) WHERE m.store = $1 AND m.parent = r.relation;
        UPDATE clone.store_no_reference n SET "column" = r.new WHERE n.store = $1 AND n.relation = r.relation AND n."column" = r.old;
        DELETE FROM clone.store_question q WHERE q.store = $1 AND q.relation = r.relation AND q."column" = r.old;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.follow_renamed_columns(text) IS 'Gives renamed columns what is declared of them, and warns of those that are gone';

-- As clone.store_table() has it, for a table that had no column of type json or jsonb.
CREATE FUNCTION clone_internal.infer_new_documents(store text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    UPDATE clone.store_relation r SET document_column = d.name, document_inferred = true
    FROM (SELECT a.attrelid, min(a.attname::text) AS name FROM pg_attribute a
          WHERE a.attnum > 0 AND NOT a.attisdropped AND a.atttypid IN ('json'::regtype, 'jsonb'::regtype) AND a.attgenerated = ''
          GROUP BY a.attrelid HAVING count(*) = 1) d
    WHERE r.store = $1 AND r.document_column IS NULL AND d.attrelid = r.relation
      AND EXISTS (SELECT FROM clone.store_column c WHERE c.store = r.store AND c.relation = r.relation)
      AND NOT EXISTS (SELECT FROM clone.store_column c WHERE c.store = r.store AND c.relation = r.relation AND c.type IN ('json', 'jsonb'))
$$;
COMMENT ON FUNCTION clone_internal.infer_new_documents(text) IS 'Makes the only JSON column of a table, which is new, its document';
