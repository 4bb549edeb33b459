-- The floor for a Medplum project: the statements of bench.floor, one per table that has rows of the project.
CREATE EXTENSION IF NOT EXISTS pg_clone_ext;
SELECT clone.store_create('medplum', 'medplum');
CREATE SCHEMA bench;
CREATE TABLE bench.statement (position int GENERATED ALWAYS AS IDENTITY, statement text);

-- Columns of a table, those in `given` replaced by its expressions.
CREATE FUNCTION bench.columns(relation regclass, given jsonb, OUT names text, OUT expressions text) LANGUAGE sql STABLE AS $$
    SELECT string_agg(quote_ident(attname), ', ' ORDER BY attnum), string_agg(COALESCE(given->>attname, 't.' || quote_ident(attname)), ', ' ORDER BY attnum)
    FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped AND NOT COALESCE(given->attname = 'null', false)
$$;

-- Writes down plain INSERT … SELECTs of a project's rows: new ids from a mapping table in the id columns, all else as it is.
CREATE FUNCTION bench.prepare_floor(source uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    excluded text[] := '{Login,AuditEvent,AsyncJob,BulkDataExport,UserSecurityRequest,SmartAppLaunch}';
    target uuid := gen_random_uuid();
    f record;
    c record;
    there boolean;
BEGIN
    INSERT INTO bench.statement (statement) VALUES
        ('CREATE TEMP TABLE map (old uuid PRIMARY KEY, new uuid NOT NULL DEFAULT gen_random_uuid())'),
        ('CREATE TEMP TABLE coding_map (old bigint PRIMARY KEY, new bigint NOT NULL DEFAULT nextval(''"Coding_id_seq"''))'),
        ('CREATE TEMP TABLE property_map (old bigint PRIMARY KEY, new bigint NOT NULL DEFAULT nextval(''"CodeSystem_Property_id_seq"''))');
    FOR f IN SELECT * FROM clone_internal.medplum_families('public') WHERE family = 'resource' AND name <> ALL (excluded) ORDER BY name LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE "projectId" = %L AND NOT deleted)', f.relation, source) INTO there;
        CONTINUE WHEN NOT there;
        INSERT INTO bench.statement (statement) VALUES (format('INSERT INTO map (old) SELECT id FROM %s WHERE "projectId" = %L AND NOT deleted', f.relation, source));
    END LOOP;
    INSERT INTO bench.statement (statement) VALUES ('ANALYZE map');
    FOR f IN SELECT * FROM clone_internal.medplum_families('public') WHERE family = 'resource' AND name <> ALL (excluded) ORDER BY name LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s WHERE "projectId" = %L AND NOT deleted)', f.relation, source) INTO there;
        CONTINUE WHEN NOT there;
        c := bench.columns(f.relation, jsonb_build_object('id', 'm.new', 'projectId', quote_literal(target) || '::uuid')
            -- Unique per project.
            || CASE WHEN f.name IN ('ProjectMembership', 'User') THEN jsonb_build_object('project', quote_literal('Project/' || target)) ELSE '{}' END);
        INSERT INTO bench.statement (statement) VALUES
            (format('INSERT INTO %1$s (%2$s) SELECT %3$s FROM %1$s t JOIN map m ON m.old = t.id', f.relation, c.names, c.expressions)),
            (format('INSERT INTO %I (id, content, "versionId", "lastUpdated") SELECT m.new, t.content, gen_random_uuid(), t."lastUpdated" FROM %s t JOIN map m ON m.old = t.id',
                f.name || '_History', f.relation)),
            (format('INSERT INTO %1$I ("resourceId", "targetId", code) SELECT m.new, t."targetId", t.code FROM %1$I t JOIN map m ON m.old = t."resourceId"',
                f.name || '_References'));
    END LOOP;
    FOR f IN SELECT * FROM clone_internal.medplum_families('public') WHERE family = 'lookup' LOOP
        c := bench.columns(f.relation, '{"resourceId": "m.new"}');
        INSERT INTO bench.statement (statement) VALUES (format('INSERT INTO %1$s (%2$s) SELECT %3$s FROM %1$s t JOIN map m ON m.old = t."resourceId"', f.relation, c.names, c.expressions));
    END LOOP;
    INSERT INTO bench.statement (statement) VALUES
        ('INSERT INTO coding_map (old) SELECT t.id FROM "Coding" t JOIN map m ON m.old = t.system'),
        ('INSERT INTO property_map (old) SELECT t.id FROM "CodeSystem_Property" t JOIN map m ON m.old = t.system');
    c := bench.columns('"Coding"', '{"id": "k.new", "system": "m.new"}');
    INSERT INTO bench.statement (statement) VALUES (format('INSERT INTO "Coding" (%s) SELECT %s FROM "Coding" t JOIN map m ON m.old = t.system JOIN coding_map k ON k.old = t.id', c.names, c.expressions));
    c := bench.columns('"CodeSystem_Property"', '{"id": "k.new", "system": "m.new"}');
    INSERT INTO bench.statement (statement) VALUES (format('INSERT INTO "CodeSystem_Property" (%s) SELECT %s FROM "CodeSystem_Property" t JOIN map m ON m.old = t.system JOIN property_map k ON k.old = t.id', c.names, c.expressions));
    c := bench.columns('"Coding_Property"', '{"coding": "k.new", "property": "p.new", "target": "o.new"}');
    INSERT INTO bench.statement (statement) VALUES (format('INSERT INTO "Coding_Property" (%s) SELECT %s FROM "Coding_Property" t JOIN coding_map k ON k.old = t.coding JOIN property_map p ON p.old = t.property LEFT JOIN coding_map o ON o.old = t.target', c.names, c.expressions));
    c := bench.columns('"ConceptMapping"', '{"id": null, "conceptMap": "m.new"}');
    INSERT INTO bench.statement (statement) VALUES (format('INSERT INTO "ConceptMapping" (%s) SELECT %s FROM "ConceptMapping" t JOIN map m ON m.old = t."conceptMap"', c.names, c.expressions));
END
$$;
