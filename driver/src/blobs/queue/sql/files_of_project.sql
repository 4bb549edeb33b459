-- $1 store: the tables whose rows have files, and how to list them: a query with the project's id as $1 that gives the
-- row's id, its version and the size that the copy had. Names are quoted by regclass and %I, conditions are the catalog's.
SELECT r.relation::text,
       r.blob_key,
       pg_catalog.format(
           'SELECT t.%1$I::text, %2$s, q.bytes FROM (SELECT * FROM %3$s WHERE (%6$s) AND %7$s) AS t LEFT JOIN clone.blob_copy AS q'
           ' ON q.store = %4$L AND q.operation = ''copy'' AND q.state = ''done'' AND q.target_id = t.%1$I::text'
           ' WHERE t.%5$I::text = $1',
           r.id_column,
           CASE WHEN r.document_column IS NULL OR r.version_path IS NULL THEN 'NULL::text'
                ELSE pg_catalog.format('(t.%I::jsonb #>> %L)', r.document_column, r.version_path::text) END,
           r.relation,
           r.store,
           r.project_column,
           COALESCE(r.live, 'true'),
           CASE WHEN r.blob_type IS NULL OR r.type_column IS NULL THEN 'true'
                ELSE pg_catalog.format('%I::text = %L', r.type_column, r.blob_type) END)
FROM clone.store_relation AS r
WHERE r.store = $1 AND r.blob_key IS NOT NULL AND r.role = 'resource' AND r.project_column IS NOT NULL
  AND (r.blob_type IS NULL OR r.type_column IS NOT NULL OR r.resource_type = r.blob_type)
ORDER BY r.position
