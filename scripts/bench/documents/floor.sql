-- The floor: the same rows by plain INSERT … SELECT, documents as they are.
INSERT INTO docs.project (id, name, content) SELECT gen_random_uuid(), name, content FROM docs.project WHERE id = :'source'
    RETURNING id AS target \gset
INSERT INTO docs.resource (id, project_id, resource_type, content)
SELECT gen_random_uuid(), :'target', resource_type, content FROM docs.resource WHERE project_id = :'source';
