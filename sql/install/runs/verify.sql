-- The run that made a project, for project_clone_verify.

CREATE FUNCTION clone_internal.run_of_project(store text, project text) RETURNS jsonb
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_build_object(
        'id', r.id,
        'name', r.name,
        'source_project', r.source_project,
        -- Of a clone without filters, from the project's own tables.
        'whole', NOT (jsonb_path_exists(r.arguments, '$.resource_types[*]') OR jsonb_path_exists(r.arguments, '$.include_ids[*]') OR jsonb_path_exists(r.arguments, '$.exclude_ids[*]'))
            AND r.arguments#>'{options,source_tables}' IS NULL AND r.arguments#>>'{options,keep_ids}' IS DISTINCT FROM 'true',
        'age', (SELECT max(age(d.xmin)) FROM clone.run_table d WHERE d.run_id = r.id),
        'replaced', r.arguments#>>'{options,replace}' IS NOT NULL,
        'history', r.arguments#>>'{options,history}',
        'values', COALESCE(r.arguments#>'{options,values}', '{}'),
        'triggers', r.arguments#>>'{options,triggers}',
        'added_rows', r.added_rows,
        'dangling', r.dangling,
        'nulls', COALESCE(r.arguments#>>'{options,dangling}' = 'null', false),
        'rows', (SELECT COALESCE(jsonb_object_agg(t.relation, t.rows), '{}') FROM (
            SELECT d.relation, sum(d.rows) AS rows FROM clone.run_table d WHERE d.run_id = r.id GROUP BY d.relation) t),
        'targets', (SELECT COALESCE(jsonb_agg(d.target), '[]') FROM clone.run_dangling d WHERE d.run_id = r.id),
        'blobs', r.blobs,
        'blobs_done', (SELECT count(*) FROM clone.blob_copy b WHERE b.run_id = r.id AND b.operation = 'copy' AND b.state = 'done'),
        'blobs_failed', (SELECT count(*) FROM clone.blob_copy b WHERE b.run_id = r.id AND b.operation = 'copy' AND b.state = 'failed'))
    FROM clone.run r
    WHERE r.store = $1 AND r.target_project = $2 AND r.deleted_at IS NULL
    ORDER BY r.id DESC
    LIMIT 1
$$;
COMMENT ON FUNCTION clone_internal.run_of_project(text, text) IS 'The latest run that made a project; read by project_clone_verify()';
