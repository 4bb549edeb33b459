-- Foreign tables: their rows are stored by another server, which may be slow or out of reach, so that only their columns' names are read.

CREATE FUNCTION clone_internal.foreign_table_questions(store text) RETURNS TABLE (severity text, subject text, question text, answer text, otherwise text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH stored AS (
        SELECT s.preset, clone_internal.schemas_of(s.name) AS schemas FROM clone.store s WHERE s.name = $1
    ), foreign_table AS MATERIALIZED (
        SELECT c.oid, v.srvname, pg_relation_is_updatable(c.oid, false) & 8 <> 0 AS takes_rows, s.preset
        FROM stored s JOIN pg_class c ON c.relkind = 'f' AND NOT c.relispartition
        JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = ANY (s.schemas)
        JOIN pg_foreign_table f ON f.ftrelid = c.oid JOIN pg_foreign_server v ON v.oid = f.ftserver
        WHERE s.preset IN ('discover', 'custom')
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
          AND c.oid NOT IN (SELECT k.relation::oid FROM clone.store_relation k WHERE k.store = $1)
          AND c.oid NOT IN (SELECT k.relation::oid FROM clone.store_shared k WHERE k.store = $1)
    ), known AS MATERIALIZED (
        SELECT r.relation, r.role, r.project_column, clone_internal.plain(clone_internal.table_word(k.relname)) AS word, clone_internal.family(i.atttypid) AS family
        FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation JOIN pg_attribute i ON i.attrelid = r.relation AND i.attname = r.id_column
        WHERE r.store = $1 AND EXISTS (SELECT FROM foreign_table)
    ), found AS (
        -- The tenant says most, then a column that must have a value.
        SELECT DISTINCT ON (f.oid) f.*, a.attname AS name, p.relation AS parent, p.role
        FROM foreign_table f JOIN pg_attribute a ON a.attrelid = f.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN known p ON p.family = clone_internal.family(a.atttypid)
         AND (p.word = clone_internal.plain(clone_internal.named_table(a.attname, false))
              OR p.role = 'project' AND clone_internal.snake(a.attname) IN (SELECT clone_internal.snake(o.project_column) FROM known o WHERE o.project_column IS NOT NULL))
        ORDER BY f.oid, p.role = 'project' DESC, a.attnotnull DESC, a.attnum, p.relation::oid
    )
    SELECT CASE WHEN f.preset = 'discover' THEN 'error' ELSE 'warning' END, f.oid::regclass::text,
           format('%s is a foreign table on server %s, and its column %I is named after %s: its rows are not cloned. Does a clone need rows of its own there?', f.oid::regclass, clone_internal.quoted(f.srvname), f.name, f.parent),
           format('SELECT clone.store_shared(%L, %L);', $1, f.oid::regclass),
           CASE WHEN f.takes_rows AND f.role = 'project' THEN clone_internal.table_call($1, f.oid::regclass, 'resource', k.name, f.name, NULL, NULL)
                WHEN f.takes_rows THEN clone_internal.table_call($1, f.oid::regclass, 'derived', k.name, NULL, f.parent, f.name) END
    FROM found f LEFT JOIN LATERAL (
        -- A foreign table has no index that could say what its key is.
        SELECT a.attname AS name FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname <> f.name
        WHERE c.oid = f.oid AND clone_internal.is_key_name(c.relname, a.attname) ORDER BY a.attname = 'id' DESC, a.attnum LIMIT 1) k ON true
$$;
COMMENT ON FUNCTION clone_internal.foreign_table_questions(text) IS 'Open questions about foreign tables whose columns are named after tables of the store';
