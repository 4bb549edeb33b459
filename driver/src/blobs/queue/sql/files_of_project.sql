-- $1 store, $2 whether all versions are meant: the tables whose rows have files, and how to list them: a query with the project's id as $1
-- that gives the row's id, the key of its file, the size that the copy had and where it was copied to. Of all versions each has a file of its
-- own where there is a history. Names are quoted by regclass and %I, conditions are the catalog's.
SELECT r.relation::text,
       pg_catalog.format(
           'SELECT k.id, k.key, q.bytes, q.target_location FROM ('
           'SELECT DISTINCT v.id, %1$s AS key FROM (%2$s) AS v) AS k'
           ' LEFT JOIN LATERAL (SELECT c.bytes, c.target_location FROM clone.blob_copy AS c WHERE c.store = %3$L'
           ' AND c.operation = ''copy'' AND c.state = ''done'' AND c.target_key = k.key ORDER BY c.id DESC LIMIT 1) AS q ON true WHERE k.key IS NOT NULL',
           p.key,
           CASE WHEN h.relation IS NULL
                THEN pg_catalog.format('SELECT t.%I::text AS id, %s AS version, %s AS says FROM (%s) AS t', r.id_column, r.version, p.says, r.rows)
                ELSE pg_catalog.format('SELECT t.%1$I::text AS id, %2$s AS version, NULL::jsonb AS says FROM %3$s AS t WHERE t.%1$I IN (SELECT o.%4$I FROM (%5$s) AS o)',
                                       h.join_column, h.version, h.relation, r.id_column, r.rows) END,
           r.store)
FROM (SELECT t.*,
             CASE WHEN t.document_column IS NULL OR t.version_path IS NULL THEN 'NULL::text'
                  ELSE pg_catalog.format('(t.%I::jsonb #>> %L)', t.document_column, t.version_path::text) END AS version,
             pg_catalog.format('SELECT * FROM %s AS t WHERE t.%I::text = $1 AND %s AND %s', t.relation, t.project_column,
                 CASE WHEN t.blob_type IS NULL OR t.type_column IS NULL THEN 'true'
                      ELSE pg_catalog.format('t.%I::text = %L', t.type_column, t.blob_type) END,
                 CASE WHEN $2 THEN 'true' ELSE '(' || COALESCE(t.live, 'true') || ')' END) AS rows
      FROM clone.store_relation AS t
      WHERE t.store = $1 AND t.blob_key IS NOT NULL AND t.role = 'resource' AND t.project_column IS NOT NULL
        AND (t.blob_type IS NULL OR t.type_column IS NOT NULL OR t.resource_type = t.blob_type)) AS r
LEFT JOIN LATERAL (
      SELECT t.relation, t.join_column,
             COALESCE((SELECT pg_catalog.format('t.%I::text', c.name) FROM clone.store_column AS c
                       WHERE c.store = t.store AND c.relation = t.relation AND c.role = 'version' LIMIT 1), r.version) AS version
      FROM clone.store_relation AS t
      WHERE $2 AND t.store = r.store AND t.role = 'history' AND r.relation = ANY (t.parents) AND t.join_column IS NOT NULL
      ORDER BY t.position LIMIT 1) AS h ON true
-- The key in pieces. A row whose column is NULL or empty has no file; the rows of a history do not have the columns of the table.
CROSS JOIN LATERAL (
      SELECT pg_catalog.string_agg(
                 CASE WHEN m.piece[1] = '{id}' THEN 'v.id'
                      WHEN m.piece[1] = '{version}' THEN 'COALESCE(v.version, '''')'
                      WHEN m.piece[1] = '{project}' THEN '$1'
                      WHEN m.piece[1] LIKE '{%}' THEN pg_catalog.format('NULLIF(v.says ->> %L, '''')', pg_catalog.btrim(m.piece[1], '{}'))
                      ELSE pg_catalog.quote_literal(m.piece[1]) END, ' || ' ORDER BY m.place) AS key,
             COALESCE('pg_catalog.jsonb_build_object(' || pg_catalog.string_agg(DISTINCT pg_catalog.format('%L, t.%I', c.name, c.name), ', ') FILTER (WHERE c.name IS NOT NULL) || ')', 'NULL::jsonb') AS says
      FROM pg_catalog.regexp_matches(r.blob_key, '[{][^{}]+[}]|[^{]+|[{]', 'g') WITH ORDINALITY AS m (piece, place)
      LEFT JOIN LATERAL (SELECT pg_catalog.btrim(m.piece[1], '{}') AS name
                         WHERE m.piece[1] LIKE '{%}' AND m.piece[1] NOT IN ('{id}', '{version}', '{project}')) AS c ON true) AS p
ORDER BY r.position
