-- Preset documents: tables for projects of JSON documents, on which an application can be built.

CREATE FUNCTION clone_internal.preset_documents(store text, options jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema name := COALESCE(options->>'schema', store);
    project regclass;
    resource regclass;
BEGIN
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS %I', schema);
    IF to_regclass(format('%I.project', schema)) IS NULL THEN
        EXECUTE format($sql$
            CREATE TABLE %1$I.project (
                id          uuid PRIMARY KEY DEFAULT gen_random_uuid(),
                name        text NOT NULL,
                owner       text,
                content     jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(content) = 'object'),
                created_at  timestamptz NOT NULL DEFAULT now(),
                updated_at  timestamptz NOT NULL DEFAULT now()
            );
            COMMENT ON TABLE %1$I.project IS 'One row per project (tenant)';
            COMMENT ON COLUMN %1$I.project.owner IS 'Reference to the owner of the project, e.g. User/<id>';
            CREATE TABLE %1$I.resource (
                id             uuid PRIMARY KEY DEFAULT gen_random_uuid(),
                project_id     uuid NOT NULL REFERENCES %1$I.project ON DELETE CASCADE,
                resource_type  text NOT NULL,
                content        jsonb NOT NULL CHECK (jsonb_typeof(content) = 'object'),
                created_at     timestamptz NOT NULL DEFAULT now(),
                updated_at     timestamptz NOT NULL DEFAULT now()
            );
            COMMENT ON TABLE %1$I.resource IS 'The documents of all projects, of every type';
            COMMENT ON COLUMN %1$I.resource.content IS 'The document; it references other resources by their id, e.g. {"subject": {"reference": "Patient/<id>"}}';
            CREATE INDEX resource_project_type ON %1$I.resource (project_id, resource_type);
            $sql$, schema);
    END IF;
    project := to_regclass(format('%I.project', schema));
    resource := to_regclass(format('%I.resource', schema));
    DELETE FROM clone.store_rule r WHERE r.store = preset_documents.store AND r.position < 100;
    PERFORM clone.store_table(store, project, 'project', resource_type => 'Project', id_column => 'id', document_column => 'content',
        columns => '{"created_at": "now", "updated_at": "now"}');
    PERFORM clone.store_table(store, resource, 'resource', type_column => 'resource_type', id_column => 'id',
        project_column => 'project_id', document_column => 'content', version_path => '{meta,versionId}', blob_key => '{project}/{id}',
        blob_type => 'Binary',
        columns => '{"resource_type": "keep"}');
    -- If the document contains the name, it gets the value of the column.
    PERFORM clone.rule(store, 'Project', '$.name', 'set', '"{name}"', "when" => '@.name', if_given => 'name', "position" => 1);
    -- The same for the owner, as a reference or as a text.
    PERFORM clone.rule(store, 'Project', '$.owner.reference', 'set', '"{owner}"', "when" => '@.owner.reference', if_given => 'owner', "position" => 1);
    PERFORM clone.rule(store, 'Project', '$.owner', 'set', '"{owner}"', "when" => 'match(@.owner, ''.*'')', if_given => 'owner', "position" => 1);
    INSERT INTO clone.store_dependency VALUES (store, '*', 'Binary', '') ON CONFLICT DO NOTHING;
END
$$;
COMMENT ON FUNCTION clone_internal.preset_documents(text, jsonb) IS 'Preset documents: creates schema options.schema (default: the store''s name) with tables project and resource';
INSERT INTO clone.preset VALUES ('documents', 'clone_internal.preset_documents(text, jsonb)', 'our own tables: project and resource (jsonb)');
