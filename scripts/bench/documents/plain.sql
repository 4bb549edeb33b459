-- A clone in SQL alone: a mapping table, and a function that replaces the ids that a document holds.
CREATE TEMP TABLE map (old uuid PRIMARY KEY, new uuid NOT NULL DEFAULT gen_random_uuid());
INSERT INTO map (old) SELECT id FROM docs.resource WHERE project_id = :'source' UNION SELECT :'source';
INSERT INTO map (old) SELECT (content#>>'{meta,versionId}')::uuid FROM docs.resource WHERE project_id = :'source';
ANALYZE map;
CREATE FUNCTION pg_temp.rewritten(document text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    pair record;
BEGIN
    FOR pair IN
        SELECT DISTINCT m.old::text, m.new::text
        FROM regexp_matches(document, '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'g') AS ids (id)
        JOIN map m ON m.old = ids.id[1]::uuid
    LOOP
        document := replace(document, pair.old, pair.new);
    END LOOP;
    RETURN document::jsonb;
END
$$;
INSERT INTO docs.project (id, name, content) SELECT m.new, p.name, pg_temp.rewritten(p.content::text) FROM docs.project p JOIN map m ON m.old = p.id WHERE p.id = :'source';
INSERT INTO docs.resource (id, project_id, resource_type, content)
SELECT m.new, (SELECT new FROM map WHERE old = :'source'), r.resource_type, pg_temp.rewritten(r.content::text)
FROM docs.resource r JOIN map m ON m.old = r.id WHERE r.project_id = :'source';
