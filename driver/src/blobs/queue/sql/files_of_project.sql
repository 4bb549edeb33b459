-- $1 store: the tables whose rows have files, and how to list them: a query with the project's id as $1 that gives the
-- row's id, the key of its file, the size that the copy had and where it was copied to. Names are quoted by regclass and %I, conditions are the catalog's.
SELECT r.relation::text,
       pg_catalog.format(
           'SELECT k.id, k.key, q.bytes, q.target_location FROM ('
           'SELECT t.%1$I::text AS id, pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(%8$L, ''{id}'', t.%1$I::text),'
           ' ''{version}'', COALESCE(%2$s, '''')), ''{project}'', $1) AS key'
           ' FROM (SELECT * FROM %3$s WHERE (%6$s) AND %7$s) AS t WHERE t.%5$I::text = $1) AS k'
           ' LEFT JOIN LATERAL (SELECT c.bytes, c.target_location FROM clone.blob_copy AS c WHERE c.store = %4$L'
           ' AND c.operation = ''copy'' AND c.state = ''done'' AND c.target_key = k.key ORDER BY c.id DESC LIMIT 1) AS q ON true',
           r.id_column,
           CASE WHEN r.document_column IS NULL OR r.version_path IS NULL THEN 'NULL::text'
                ELSE pg_catalog.format('(t.%I::jsonb #>> %L)', r.document_column, r.version_path::text) END,
           r.relation,
           r.store,
           r.project_column,
           COALESCE(r.live, 'true'),
           CASE WHEN r.blob_type IS NULL OR r.type_column IS NULL THEN 'true'
                ELSE pg_catalog.format('%I::text = %L', r.type_column, r.blob_type) END,
           r.blob_key)
FROM clone.store_relation AS r
WHERE r.store = $1 AND r.blob_key IS NOT NULL AND r.role = 'resource' AND r.project_column IS NOT NULL
  AND (r.blob_type IS NULL OR r.type_column IS NOT NULL OR r.resource_type = r.blob_type)
ORDER BY r.position
