-- COPY of the same rows out into a file and in again.
INSERT INTO docs.project (id, name, content) SELECT gen_random_uuid(), name, content FROM docs.project WHERE id = :'source'
    RETURNING id AS target \gset
COPY (SELECT gen_random_uuid(), '00000000-0000-4000-8000-000000000001'::uuid, resource_type, content FROM docs.resource
    WHERE project_id = '00000000-0000-4000-8000-000000000001') TO PROGRAM 'cat >copied_rows' (FORMAT binary);
COPY docs.resource (id, project_id, resource_type, content) FROM PROGRAM 'cat copied_rows; rm copied_rows' (FORMAT binary);
