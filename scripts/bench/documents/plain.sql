-- A clone in SQL alone: a mapping table, and a function that replaces the ids that a document holds.
CREATE TEMP TABLE map (old uuid PRIMARY KEY, new uuid NOT NULL DEFAULT gen_random_uuid());
INSERT INTO map (old) SELECT id FROM docs.resource WHERE project_id = :'source' UNION SELECT :'source';
INSERT INTO map (old) SELECT (content#>>'{meta,versionId}')::uuid FROM docs.resource WHERE project_id = :'source';
ANALYZE map;
\ir ../rewritten.sql
INSERT INTO docs.project (id, name, content) SELECT m.new, p.name, pg_temp.rewritten(p.content::text)::jsonb FROM docs.project p JOIN map m ON m.old = p.id WHERE p.id = :'source';
INSERT INTO docs.resource (id, project_id, resource_type, content)
SELECT m.new, (SELECT new FROM map WHERE old = :'source'), r.resource_type, pg_temp.rewritten(r.content::text)::jsonb
FROM docs.resource r JOIN map m ON m.old = r.id WHERE r.project_id = :'source';
