-- COPY of the rows of the text store out into a file and in again.
INSERT INTO texts.project SELECT gen_random_uuid(), name FROM texts.project WHERE id = :'source';
COPY (SELECT gen_random_uuid(), '00000000-0000-4000-8000-000000000001'::uuid, content FROM texts.resource
    WHERE project_id = '00000000-0000-4000-8000-000000000001') TO PROGRAM 'cat >copied_rows' (FORMAT binary);
COPY texts.resource (id, project_id, content) FROM PROGRAM 'cat copied_rows; rm copied_rows' (FORMAT binary);
