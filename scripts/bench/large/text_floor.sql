-- The floor of the text store.
INSERT INTO texts.project SELECT gen_random_uuid(), name FROM texts.project WHERE id = :'source' RETURNING id AS target \gset
INSERT INTO texts.resource SELECT gen_random_uuid(), :'target', content FROM texts.resource WHERE project_id = :'source';
