-- Preset medplum: the tables of a Medplum server (a FHIR server), read from the live catalog. Column order and the set
-- of search columns differ between installations and versions, so nothing here depends on the number of columns or on a
-- version number: the kind of a table follows from its name, its columns and its related tables, the kind of a column from its
-- name and type. A table or column of no known kind is refused (55000).
-- Facts: Medplum 5.0 to 5.1, schema migrations 100 to 123.

CREATE FUNCTION clone_internal.medplum_families(schema name, ignored jsonb DEFAULT '[]')
RETURNS TABLE (relation regclass, name name, family text, resource_type text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH tables AS (
        SELECT c.oid, c.relname,
            ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = schema AND c.relkind IN ('r', 'p', 'f') AND NOT ignored ? c.relname::text
          -- Tables of extensions do not belong to Medplum.
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    ), resources AS (
        -- A type has documents of projects, or at least a table of their history or references.
        SELECT t.relname FROM tables t
        WHERE t.columns @> '{content,projectId}'
           OR (t.relname !~ '_(History|References)$' AND EXISTS (
                SELECT FROM tables o WHERE o.relname IN (t.relname || '_History', t.relname || '_References')))
    )
    SELECT t.oid::regclass, t.relname,
        CASE
            -- Tables without rows of a clone: all projects share the rows of CodingSystem; the outbox and the
            -- tombstones record changes of the source.
            WHEN t.relname IN ('CodingSystem', 'DatabaseMigration') OR t.relname ~ '^(shard_sync_outbox|Deleted_)' THEN 'none'
            WHEN r.relname IS NOT NULL THEN 'resource'
            WHEN h.relname IS NOT NULL THEN 'history'
            WHEN f.relname IS NOT NULL THEN 'references'
            WHEN t.relname IN ('Coding', 'CodeSystem_Property', 'Coding_Property', 'ConceptMapping', 'ConceptMapping_Attribute') THEN 'terminology'
            WHEN t.relname IN ('HumanName', 'Address', 'ContactPoint', 'Identifier') OR t.columns @> '{resourceId}' THEN 'lookup'
        END,
        COALESCE(r.relname, h.relname, f.relname)::text
    FROM tables t
    LEFT JOIN resources r ON r.relname = t.relname
    LEFT JOIN resources h ON t.relname = h.relname || '_History'
    LEFT JOIN resources f ON t.relname = f.relname || '_References'
$$;
COMMENT ON FUNCTION clone_internal.medplum_families(name, jsonb) IS
    'The tables of a Medplum server and the kind of each; family is NULL if it is not known';

CREATE FUNCTION clone_internal.medplum_check_shape(schema name, options jsonb) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    different text;
    version int;
    -- Older versions store tokens in separate tables; newer ones are not tested.
    oldest CONSTANT int := 98;
    newest CONSTANT int := 123;
BEGIN
    IF to_regclass(format('%I."Project"', schema)) IS NULL OR to_regclass(format('%I."DatabaseMigration"', schema)) IS NULL THEN
        RAISE EXCEPTION 'schema "%" holds no Medplum database: there is no table "Project" or "DatabaseMigration"', schema USING
            ERRCODE = '55000', HINT = 'Specify the schema of its tables: clone.store_create(''…'', ''medplum'', ''{"schema": "…"}'').';
    END IF;
    EXECUTE format('SELECT version FROM %I."DatabaseMigration" WHERE id = 1', schema) INTO version;
    IF version IS NULL OR version < oldest THEN
        RAISE EXCEPTION 'this Medplum database has schema version %, which is older than %', COALESCE(version::text, '(none)'), oldest USING
            ERRCODE = '55000', HINT = 'Upgrade the server to 5.0 or newer and let it migrate its database.';
    END IF;
    WITH families AS MATERIALIZED (
        SELECT * FROM clone_internal.medplum_families(schema, COALESCE(options->'ignore_tables', '[]'))
    ), needed (family, name, column_name, type) AS (VALUES
        ('resource', NULL, 'id', 'uuid'), ('resource', NULL, 'content', 'text'), ('resource', NULL, 'projectId', 'uuid'),
        ('resource', NULL, 'lastUpdated', 'timestamp with time zone'), ('resource', NULL, 'deleted', 'boolean'), ('resource', NULL, '__version', 'integer'),
        ('history', NULL, 'id', 'uuid'), ('history', NULL, 'content', 'text'), ('history', NULL, 'versionId', 'uuid'),
        ('history', NULL, 'lastUpdated', 'timestamp with time zone'),
        ('references', NULL, 'resourceId', 'uuid'), ('references', NULL, 'targetId', 'uuid'), ('references', NULL, 'code', 'text'),
        ('lookup', NULL, 'resourceId', 'uuid'),
        ('terminology', 'Coding', 'id', 'bigint'), ('terminology', 'Coding', 'system', 'uuid'), ('terminology', 'Coding', 'synonymOf', 'bigint'),
        ('terminology', 'CodeSystem_Property', 'id', 'bigint'), ('terminology', 'CodeSystem_Property', 'system', 'uuid'),
        ('terminology', 'Coding_Property', 'coding', 'bigint'), ('terminology', 'Coding_Property', 'property', 'bigint'),
        ('terminology', 'Coding_Property', 'target', 'bigint'),
        ('terminology', 'ConceptMapping', 'id', 'bigint'), ('terminology', 'ConceptMapping', 'conceptMap', 'uuid'),
        ('terminology', 'ConceptMapping_Attribute', 'mapping', 'bigint')
    ), columns AS (
        SELECT f.family, f.name, f.relation, a.attname, format_type(a.atttypid, a.atttypmod) AS type
        FROM families f JOIN pg_attribute a ON a.attrelid = f.relation AND a.attnum > 0 AND NOT a.attisdropped
    ), differences AS (
        SELECT format('table %s is of no known kind', f.relation) AS what FROM families f WHERE f.family IS NULL
        UNION ALL
        SELECT format('table "%s" is missing', m.name)
        FROM (VALUES ('Project'), ('ProjectMembership'), ('User'), ('Binary'), ('HumanName'), ('Address'), ('Coding'), ('CodeSystem_Property'),
                     ('Coding_Property'), ('ConceptMapping'), ('ConceptMapping_Attribute'), ('CodingSystem')) AS m (name)
        WHERE NOT EXISTS (SELECT FROM families f WHERE f.name = m.name)
        UNION ALL
        SELECT format('table "%s_%s" is missing', f.name, s.suffix)
        FROM families f CROSS JOIN (VALUES ('History'), ('References')) AS s (suffix)
        WHERE f.family = 'resource' AND NOT EXISTS (SELECT FROM families o WHERE o.name = f.name || '_' || s.suffix)
        UNION ALL
        SELECT format('%s has no column "%s" of type %s', f.relation, n.column_name, n.type)
        FROM families f JOIN needed n ON n.family = f.family AND (n.name IS NULL OR n.name = f.name)
        WHERE NOT EXISTS (SELECT FROM columns c WHERE c.relation = f.relation AND c.attname = n.column_name AND c.type = n.type)
        UNION ALL
        SELECT format('column "%s" of %s has the unexpected type %s', c.attname, c.relation, c.type)
        FROM columns c
        -- The types that the server's schema generator uses, including ranges and arrays.
        WHERE (c.family IN ('resource', 'lookup', 'terminology') AND c.type !~ ('^(uuid|text|boolean|smallint|integer|bigint|numeric(\(\d+(,\d+)?\))?|real|double precision'
                   '|date|timestamp with(out)? time zone|(tstz|ts|date|num|int4|int8)(multi)?range)(\[\])?$'))
           -- An unexpected id may refer to anything. The names of hashes begin with two underscores.
           OR (c.family = 'resource' AND c.type IN ('uuid', 'uuid[]') AND c.attname NOT IN ('id', 'projectId', 'compartments') AND c.attname !~ '^__')
           OR (c.family = 'lookup' AND c.type IN ('uuid', 'uuid[]') AND c.attname NOT IN ('resourceId', 'projectId'))
           OR (c.attname = 'projectId' AND c.type <> 'uuid')
           OR (c.family = 'history' AND c.attname NOT IN ('id', 'content', 'versionId', 'lastUpdated', 'projectId'))
           OR (c.family = 'references' AND c.attname NOT IN ('resourceId', 'targetId', 'code', 'projectId'))
    )
    SELECT string_agg(d.what, '; ') INTO different FROM (SELECT what FROM differences ORDER BY what LIMIT 20) d;
    IF different IS NOT NULL THEN
        RAISE EXCEPTION 'this Medplum database has a shape that the preset does not know' USING
            ERRCODE = '55000', DETAIL = different,
            HINT = 'Nothing was changed. A table that is not the product''s can be left out: options {"ignore_tables": ["…"]}; '
                'else drop what is not the product''s, or install a pg_clone_ext that knows this version.';
    END IF;
    IF version > newest THEN
        RAISE NOTICE 'this Medplum database has schema version %, newer than any that was tested (%)', version, newest USING
            DETAIL = 'Its tables and columns are of known kinds, so it is described.',
            HINT = 'Clone a project and check the clone with pg_clone verify --columns.';
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.medplum_check_shape(name, jsonb) IS
    'A database that is no Medplum server''s, too old, or has a table or column of no known kind is refused (55000) by name';

CREATE FUNCTION clone_internal.preset_medplum(store text, options jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema name := COALESCE(options->>'schema', 'public');
BEGIN
    PERFORM clone_internal.medplum_check_shape(schema, options);
    DELETE FROM clone.store_column c WHERE c.store = preset_medplum.store AND c.reason IS DISTINCT FROM 'set by hand';
    DELETE FROM clone.store_rule r WHERE r.store = preset_medplum.store AND r.position < 100;

    CREATE TEMP TABLE pg_temp.medplum_family ON COMMIT DROP AS
    SELECT * FROM clone_internal.medplum_families(schema, COALESCE(options->'ignore_tables', '[]')) WHERE family <> 'none';
    -- Removes described tables that have no rows of projects any more or are to be ignored. Tables described by hand are kept.
    DELETE FROM clone.store_relation r USING clone_internal.medplum_families(schema) f
    WHERE r.store = preset_medplum.store AND f.relation = r.relation
      AND (f.family = 'none' OR COALESCE(options->'ignore_tables', '[]') ? f.name::text);
    INSERT INTO clone.store_relation (store, relation, role, position, resource_type, id_column, project_column, parents, join_column,
        document_column, version_path, live, cloned, blob_key)
    SELECT preset_medplum.store, f.relation,
        CASE WHEN f.name = 'Project' THEN 'project' WHEN f.family IN ('resource', 'history') THEN f.family ELSE 'derived' END,
        CASE f.name WHEN 'Coding' THEN 1 WHEN 'CodeSystem_Property' THEN 1 WHEN 'ConceptMapping' THEN 1
                    WHEN 'Coding_Property' THEN 2 WHEN 'ConceptMapping_Attribute' THEN 2 ELSE 0 END,
        CASE WHEN f.family IN ('resource', 'history') THEN f.resource_type END,
        CASE WHEN f.family = 'resource' OR f.name IN ('Coding', 'CodeSystem_Property', 'ConceptMapping') THEN 'id' END,
        CASE WHEN f.family = 'resource' THEN 'projectId' END,
        CASE
            WHEN f.family = 'resource' THEN '{}'
            WHEN f.family IN ('history', 'references') THEN (SELECT array_agg(p.relation) FROM pg_temp.medplum_family p
                WHERE p.family = 'resource' AND p.name = f.resource_type)
            ELSE (SELECT array_agg(p.relation ORDER BY p.name) FROM pg_temp.medplum_family p WHERE CASE f.name
                WHEN 'HumanName' THEN p.name = ANY ('{Patient,Person,Practitioner,RelatedPerson}')
                WHEN 'Address' THEN p.name = ANY ('{InsurancePlan,Location,Organization,Patient,Person,Practitioner,RelatedPerson}')
                WHEN 'Coding' THEN p.name = 'CodeSystem'
                WHEN 'CodeSystem_Property' THEN p.name = 'CodeSystem'
                WHEN 'Coding_Property' THEN p.name = 'Coding'
                WHEN 'ConceptMapping' THEN p.name = 'ConceptMap'
                WHEN 'ConceptMapping_Attribute' THEN p.name = 'ConceptMapping'
                ELSE p.family = 'resource' END)
        END,
        CASE
            WHEN f.family = 'history' THEN 'id'
            WHEN f.family IN ('references', 'lookup') THEN 'resourceId'
            WHEN f.name IN ('Coding', 'CodeSystem_Property') THEN 'system'
            WHEN f.name = 'Coding_Property' THEN 'coding'
            WHEN f.name = 'ConceptMapping' THEN 'conceptMap'
            WHEN f.name = 'ConceptMapping_Attribute' THEN 'mapping'
        END,
        CASE WHEN f.family IN ('resource', 'history') THEN 'content' END,
        CASE WHEN f.family = 'resource' THEN '{meta,versionId}'::text[] END,
        CASE WHEN f.family = 'resource' THEN 'NOT deleted' END,
        -- Records of events in the source, resources for one person (a public link to her data), groups of projects.
        f.name NOT IN ('Login', 'AuditEvent', 'AsyncJob', 'BulkDataExport', 'UserSecurityRequest', 'SmartAppLaunch', 'SmartHealthLink', 'Enterprise'),
        CASE WHEN f.name = 'Binary' AND f.family = 'resource' THEN 'binary/{id}/{version}' END
    FROM pg_temp.medplum_family f
    -- Whether a type is cloned may have been set by hand; the rest is derived from the tables.
    ON CONFLICT ON CONSTRAINT store_relation_pkey DO UPDATE SET role = EXCLUDED.role, position = EXCLUDED.position,
        resource_type = EXCLUDED.resource_type, id_column = EXCLUDED.id_column, project_column = EXCLUDED.project_column,
        parents = EXCLUDED.parents, join_column = EXCLUDED.join_column, document_column = EXCLUDED.document_column,
        version_path = EXCLUDED.version_path, live = EXCLUDED.live, blob_key = EXCLUDED.blob_key;

    INSERT INTO clone.store_column (store, relation, name, type, role, target, reason)
    SELECT preset_medplum.store, f.relation, a.attname, format_type(a.atttypid, a.atttypmod), i.role, i.target, i.reason
    FROM pg_temp.medplum_family f
    JOIN pg_attribute a ON a.attrelid = f.relation AND a.attnum > 0 AND NOT a.attisdropped
    CROSS JOIN LATERAL (
        SELECT w.role, w.target, w.reason FROM (VALUES
            (1, a.attname = 'projectId', 'project', NULL::regclass, 'the project'),
            (2, f.family IN ('resource', 'history') AND a.attname = 'id', 'map', NULL, 'id'),
            (3, f.family = 'resource' AND a.attname = 'compartments', 'map', NULL, 'agrees with meta.compartment'),
            (4, f.family IN ('resource', 'history') AND a.attname = 'content', 'rewrite', NULL, 'the document'),
            (5, f.family = 'history' AND a.attname = 'versionId', 'version', NULL, 'agrees with meta.versionId'),
            (6, f.family = 'resource' AND a.attname ~ '^__', 'keep', NULL, 'token hashes, texts to sort by, ranges'),
            (7, f.family = 'resource' AND EXISTS (SELECT FROM clone_internal.medplum_kept_columns k WHERE k.resource_type = f.name AND k.name = a.attname),
                'keep', NULL, 'made of strings that stay'),
            (8, f.family = 'resource' AND a.atttypid IN ('text'::regtype, 'text[]'::regtype), 'rewrite', NULL, 'follows the document'),
            (9, f.family = 'references' AND a.attname IN ('resourceId', 'targetId'), 'map', NULL, 'id'),
            (10, f.family = 'lookup' AND a.attname = 'resourceId', 'map', NULL, 'id'),
            (11, f.family = 'terminology' AND a.attname = 'id', 'key', NULL, 'integer key'),
            (12, f.family = 'terminology' AND a.atttypid = 'uuid'::regtype, 'map', NULL, 'id'),
            (13, f.family = 'terminology' AND a.attname IN ('synonymOf', 'coding', 'target'), 'map',
                 to_regclass(format('%I."Coding"', schema)), 'key of a coding'),
            (14, f.family = 'terminology' AND a.attname = 'property', 'map', to_regclass(format('%I."CodeSystem_Property"', schema)),
                 'key of a property'),
            (15, f.family = 'terminology' AND a.attname = 'mapping', 'map', to_regclass(format('%I."ConceptMapping"', schema)), 'key of a mapping'),
            (16, true, 'keep', NULL, 'plain value')
        ) AS w (rank, applies, role, target, reason)
        WHERE w.applies ORDER BY w.rank LIMIT 1
    ) i
    ON CONFLICT ON CONSTRAINT store_column_pkey DO NOTHING;

    INSERT INTO clone.store_dependency (store, resource_type, includes_type, via_column) VALUES
        (store, '*', 'Binary', ''),
        (store, 'Bot', 'ProjectMembership', 'profile'),
        (store, 'ClientApplication', 'ProjectMembership', 'profile'),
        (store, 'Cron', 'Bot', ''),
        (store, 'Cron', 'ProjectMembership', ''),
        (store, 'ProjectMembership', 'AccessPolicy', ''),
        (store, 'ProjectMembership', 'UserConfiguration', '')
    ON CONFLICT DO NOTHING;
    -- A refreshed clone keeps the ids that external logins and configurations use, and access that was granted to it.
    INSERT INTO clone.store_preserved (store, resource_type, keep_added, needs) VALUES
        (store, 'ClientApplication', true, NULL),
        (store, 'ProjectMembership', true, '{user,reference}'),
        (store, 'User', false, NULL),
        (store, 'AccessPolicy', false, NULL),
        (store, 'UserConfiguration', false, NULL),
        (store, 'Bot', false, NULL),
        (store, 'Practitioner', false, NULL)
    ON CONFLICT DO NOTHING;
    INSERT INTO clone.store_hook (store, event, function) VALUES
        (store, 'check', 'clone_internal.medplum_check(text, jsonb)'),
        (store, 'finish', 'clone_internal.medplum_finish(text, bigint, jsonb)'),
        (store, 'verify', 'clone_internal.medplum_verify_columns(text, jsonb)')
    ON CONFLICT ON CONSTRAINT store_hook_pkey DO UPDATE SET function = EXCLUDED.function;
    UPDATE clone.store s
    SET options = jsonb_build_object(
            'id_paths', (SELECT jsonb_object_agg(p.kind, p.list) FROM (
                SELECT d.kind, jsonb_agg(d.path ORDER BY d.path) AS list FROM clone_internal.medplum_derived_paths d GROUP BY d.kind) p)
                || jsonb_build_object('kept_prefixes', '["identifier:"]'::jsonb),
            'result', 'document',
            'dangling_null', 'remove',
            -- A removed reference is replaced by a text: FHIR requires many references, and a server refuses a resource without them.
            'dangling_display', 'not cloned',
            -- These references restrict access: without them more users could read the clone than its source.
            'keep_dangling', '["AccessPolicy", "Binary"]'::jsonb,
            'blob_prefix_in_bucket', 'binary/',
            -- The server keeps resources in Redis for 24 hours.
            'cache_key', '{type}/{id}')
        || (s.options - '{id_paths,dangling_display,schema_version}'::text[])
    WHERE s.name = preset_medplum.store;

    -- Columns and types that this version of the server does not have are skipped.
    INSERT INTO clone.store_rule (store, position, resource_type, path, action, value, "when", unless_cloned, if_given, columns, todo)
    SELECT preset_medplum.store, r.position, r.resource_type, r.path, r.action, r.value, r."when", r.unless_cloned, r.if_given,
        ARRAY(SELECT c FROM unnest(r.columns) c JOIN pg_attribute a ON a.attrelid = f.relation AND a.attname = c AND NOT a.attisdropped), r.todo
    FROM clone_internal.medplum_rules r
    JOIN pg_temp.medplum_family f ON f.name = r.resource_type AND f.family = 'resource';
    DROP TABLE pg_temp.medplum_family;
END
$$;
COMMENT ON FUNCTION clone_internal.preset_medplum(text, jsonb) IS
    'Preset medplum: describes the tables of a Medplum server in schema options.schema (default public) from the live catalog';

INSERT INTO clone.preset VALUES ('medplum', 'clone_internal.preset_medplum(text, jsonb)', 'the tables of a Medplum server');
