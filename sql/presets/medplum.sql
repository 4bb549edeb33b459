-- Preset medplum: the tables of a Medplum server (a FHIR server), read from the live catalog. Column order and the set
-- of search columns differ between installations, so nothing here counts columns; what is known is how each kind of
-- table and column behaves. A table or column of no known kind is refused (55000), never guessed.
-- Facts: Medplum 5.0, schema migrations up to 100.

CREATE FUNCTION clone_internal.medplum_families(schema name)
RETURNS TABLE (relation regclass, name name, family text, resource_type text)
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    WITH tables AS (
        SELECT c.oid, c.relname, EXISTS (
            SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'projectId' AND NOT a.attisdropped) AS owned
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE n.nspname = schema AND c.relkind IN ('r', 'p', 'f')
          -- An extension's own tables are not the product's.
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
    )
    SELECT t.oid::regclass, t.relname,
        CASE
            WHEN t.owned THEN 'resource'
            WHEN h.relname IS NOT NULL THEN 'history'
            WHEN r.relname IS NOT NULL THEN 'references'
            WHEN t.relname IN ('HumanName', 'Address') THEN 'lookup'
            WHEN t.relname IN ('Coding', 'CodeSystem_Property', 'Coding_Property', 'ConceptMapping', 'ConceptMapping_Attribute') THEN 'terminology'
            -- Global or no longer written: CodingSystem rows are shared by all projects, the two old lookup tables stay empty.
            WHEN t.relname IN ('CodingSystem', 'ContactPoint', 'Identifier', 'DatabaseMigration') THEN 'none'
        END,
        COALESCE(h.relname, r.relname, CASE WHEN t.owned THEN t.relname END)::text
    FROM tables t
    LEFT JOIN tables h ON h.owned AND t.relname = h.relname || '_History'
    LEFT JOIN tables r ON r.owned AND t.relname = r.relname || '_References'
$$;

CREATE FUNCTION clone_internal.medplum_check_shape(schema name, options jsonb) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    different text;
    version int;
    known int := COALESCE((options->>'schema_version')::int, 100);
BEGIN
    IF to_regclass(format('%I."Project"', schema)) IS NULL OR to_regclass(format('%I."DatabaseMigration"', schema)) IS NULL THEN
        RAISE EXCEPTION 'schema "%" holds no Medplum database: there is no table "Project" or "DatabaseMigration"', schema USING
            ERRCODE = '55000', HINT = 'Say where its tables are: clone.store_create(''…'', ''medplum'', ''{"schema": "…"}'').';
    END IF;
    EXECUTE format('SELECT version FROM %I."DatabaseMigration" WHERE id = 1', schema) INTO version;
    IF version IS DISTINCT FROM known THEN
        RAISE EXCEPTION 'this Medplum database has schema version %, known is %', COALESCE(version::text, '(none)'), known USING
            ERRCODE = '55000', HINT = format('After a trial on a copy accept it: clone.store_create(''…'', ''medplum'', ''{"schema_version": %s}'').', version);
    END IF;
    WITH families AS MATERIALIZED (
        SELECT * FROM clone_internal.medplum_families(schema)
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
        WHERE (c.family = 'resource' AND c.type NOT IN ('uuid', 'text', 'text[]', 'uuid[]', 'boolean', 'boolean[]', 'integer', 'date', 'date[]',
                   'timestamp with time zone', 'timestamp with time zone[]', 'double precision', 'double precision[]', 'tstzrange'))
           OR (c.family = 'resource' AND c.type IN ('uuid', 'uuid[]') AND c.attname NOT IN ('id', 'projectId', 'compartments') AND c.attname !~ '^__')
           OR (c.family = 'history' AND c.attname NOT IN ('id', 'content', 'versionId', 'lastUpdated'))
           OR (c.family = 'references' AND c.attname NOT IN ('resourceId', 'targetId', 'code'))
           OR (c.family IN ('lookup', 'terminology') AND c.type NOT IN ('uuid', 'text', 'bigint', 'boolean'))
    )
    SELECT string_agg(d.what, '; ') INTO different FROM (SELECT what FROM differences ORDER BY what LIMIT 20) d;
    IF different IS NOT NULL THEN
        RAISE EXCEPTION 'this Medplum database has a shape that the preset does not know' USING
            ERRCODE = '55000', DETAIL = different,
            HINT = 'Nothing was changed. Drop what is not the product''s from its schema, or wait for a preset of this version.';
    END IF;
END
$$;

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

    CREATE TEMP TABLE pg_temp.medplum_family ON COMMIT DROP AS SELECT * FROM clone_internal.medplum_families(schema) WHERE family <> 'none';
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
            ELSE (SELECT array_agg(p.relation ORDER BY p.name) FROM pg_temp.medplum_family p WHERE p.name = ANY (CASE f.name
                WHEN 'HumanName' THEN '{Patient,Person,Practitioner,RelatedPerson}'::name[]
                WHEN 'Address' THEN '{InsurancePlan,Location,Organization,Patient,Person,Practitioner,RelatedPerson}'
                WHEN 'Coding' THEN '{CodeSystem}'
                WHEN 'CodeSystem_Property' THEN '{CodeSystem}'
                WHEN 'Coding_Property' THEN '{Coding}'
                WHEN 'ConceptMapping' THEN '{ConceptMap}'
                WHEN 'ConceptMapping_Attribute' THEN '{ConceptMapping}' END))
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
        f.name NOT IN ('Login', 'AuditEvent', 'AsyncJob', 'BulkDataExport', 'UserSecurityRequest', 'SmartAppLaunch'),
        CASE WHEN f.name = 'Binary' AND f.family = 'resource' THEN 'binary/{id}/{version}' END
    FROM pg_temp.medplum_family f
    -- Whether a type is cloned may have been set by hand; the rest follows the tables.
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
            (1, f.family = 'resource' AND a.attname = 'projectId', 'project', NULL::regclass, 'the project'),
            (2, f.family IN ('resource', 'history') AND a.attname = 'id', 'map', NULL, 'id'),
            (3, f.family = 'resource' AND a.attname = 'compartments', 'map', NULL, 'agrees with meta.compartment'),
            (4, f.family IN ('resource', 'history') AND a.attname = 'content', 'rewrite', NULL, 'the document'),
            (5, f.family = 'history' AND a.attname = 'versionId', 'version', NULL, 'agrees with meta.versionId'),
            (6, f.family = 'resource' AND a.attname ~ '^__', 'keep', NULL, 'token hashes and their sort texts'),
            (7, f.family = 'resource' AND a.atttypid IN ('text'::regtype, 'text[]'::regtype), 'rewrite', NULL, 'follows the document'),
            (8, f.family = 'references' AND a.attname IN ('resourceId', 'targetId'), 'map', NULL, 'id'),
            (9, f.family = 'lookup' AND a.attname = 'resourceId', 'map', NULL, 'id'),
            (10, f.family = 'terminology' AND a.attname = 'id', 'key', NULL, 'integer key'),
            (11, f.family = 'terminology' AND a.atttypid = 'uuid'::regtype, 'map', NULL, 'id'),
            (12, f.family = 'terminology' AND a.attname IN ('synonymOf', 'coding', 'target'), 'map',
                 to_regclass(format('%I."Coding"', schema)), 'key of a coding'),
            (13, f.family = 'terminology' AND a.attname = 'property', 'map', to_regclass(format('%I."CodeSystem_Property"', schema)),
                 'key of a property'),
            (14, f.family = 'terminology' AND a.attname = 'mapping', 'map', to_regclass(format('%I."ConceptMapping"', schema)), 'key of a mapping'),
            (15, true, 'keep', NULL, 'plain value')
        ) AS w (rank, applies, role, target, reason)
        WHERE w.applies ORDER BY w.rank LIMIT 1
    ) i
    ON CONFLICT ON CONSTRAINT store_column_pkey DO NOTHING;
    DROP TABLE pg_temp.medplum_family;

    INSERT INTO clone.store_dependency (store, resource_type, includes_type, via_column) VALUES
        (store, '*', 'Binary', ''),
        (store, 'Bot', 'ProjectMembership', 'profile'),
        (store, 'ClientApplication', 'ProjectMembership', 'profile'),
        (store, 'ProjectMembership', 'AccessPolicy', ''),
        (store, 'ProjectMembership', 'UserConfiguration', '')
    ON CONFLICT DO NOTHING;
    -- A refreshed clone keeps the ids that logins and configurations outside name, and the accesses given to it by hand.
    INSERT INTO clone.store_stable (store, resource_type, carried, needs) VALUES
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
        (store, 'finish', 'clone_internal.medplum_finish(text, bigint, jsonb)')
    ON CONFLICT ON CONSTRAINT store_hook_pkey DO UPDATE SET function = EXCLUDED.function;
    -- Strings that the product hashes into token columns stay as they are, so that searching for them still works.
    UPDATE clone.store s
    SET options = jsonb_build_object(
            'id_paths', jsonb_build_object('kept', jsonb_build_array(
                '**.identifier.value', '**.identifier[].value', '**.*Identifier.value', '**.*Identifier[].value', '**.telecom[].value',
                '**.coding[].code', '**.coding[].display', '**.*Coding.code', '**.*Coding.display', '**.tag[].code', '**.tag[].display',
                '**.security[].code', '**.security[].display')),
            'result', 'document',
            'dangling_null', 'remove',
            -- Here a reference restricts who may see what: without it the clone would be more open than its source.
            'keep_dangling', '["AccessPolicy", "Binary"]'::jsonb,
            'blob_prefix_in_bucket', 'binary/') || s.options
    WHERE s.name = preset_medplum.store;

    INSERT INTO clone.store_rule (store, position, resource_type, path, action, value, "when", unless_cloned, if_given, columns, todo)
    SELECT preset_medplum.store, r.position, r.resource_type, r.path, r.action, r.value::jsonb, r."when", r.unless_cloned, r.if_given, r.columns, r.todo
    FROM (VALUES
        (1, 'Project', '$.name', 'set', '"{name}"', NULL, NULL, 'name', '{name}'::text[], NULL),
        (2, 'ProjectMembership', '$.project.display', 'set', '"{name}"', NULL, NULL, 'name', '{}', NULL),
        (3, 'User', '$.project.display', 'set', '"{name}"', '@.project.display', NULL, 'name', '{}', NULL),
        -- The description's condition reads the old name, so it comes first.
        (4, 'ClientApplication', '$.description', 'set', '"Default client for {name}"', 'match(@.name, ''.* Default Client'')', NULL, 'name', '{}', NULL),
        (5, 'ClientApplication', '$.name', 'set', '"{name} Default Client"', 'match(@.name, ''.* Default Client'')', NULL, 'name', '{name}', NULL),
        (6, 'Project', '$.owner', 'set', '{"reference": "{owner}"}', NULL, NULL, 'owner', '{}', NULL),
        -- Changes nothing more in the document: the column follows the reference.
        (6, 'Project', '$.owner.reference', 'set', '"{owner}"', NULL, NULL, 'owner', '{owner}', NULL),
        (7, 'Project', '$.secret', 'remove', NULL, NULL, NULL, NULL, '{}',
            'Project/{target_id}: enter the project''s secrets again (Project.secret): bots read them'),
        (8, 'Project', '$.systemSecret', 'remove', NULL, NULL, NULL, NULL, '{}',
            'Project/{target_id}: enter the project''s system secrets again (Project.systemSecret)'),
        (9, 'Project', '$.site', 'remove', NULL, NULL, NULL, NULL, '{googleClientId,recaptchaSiteKey}',
            'Project/{target_id}: describe the clone''s own sign-in sites (Project.site: domain, Google and reCAPTCHA keys)'),
        (10, 'ClientApplication', '$.secret', 'regenerate', '{"hex": 32}', NULL, NULL, NULL, '{}',
            'ClientApplication/{target_id}: has a new secret; give its users the new client id and secret'),
        (11, 'ClientApplication', '$.retiringSecret', 'remove', NULL, NULL, NULL, NULL, '{}', NULL),
        (12, 'ClientApplication', '$.identityProvider.clientSecret', 'remove', NULL, NULL, NULL, NULL, '{}',
            'ClientApplication/{target_id}: enter the secret of its external identity provider again'),
        (13, 'User', '$.passwordHash', 'remove', NULL, NULL, NULL, NULL, '{}', 'User/{target_id}: has no password in the clone; let the user set one'),
        (14, 'User', '$.mfaEnrolled', 'set', 'false', '@.mfaSecret && @.mfaEnrolled == true', NULL, NULL, '{}', NULL),
        (15, 'User', '$.mfaSecret', 'remove', NULL, NULL, NULL, NULL, '{}', 'User/{target_id}: must enrol the second factor again'),
        (16, 'Subscription', '$.extension[?@.url == ''https://www.medplum.com/fhir/StructureDefinition/subscription-secret'']', 'remove', NULL, NULL, NULL, NULL, '{}',
            'Subscription/{target_id}: enter the secret its calls are signed with again'),
        (17, 'Subscription', '$.extension', 'remove', NULL, '@.extension && length(@.extension) == 0', NULL, NULL, '{}', NULL),
        (18, 'Subscription', '$.channel.header', 'remove', NULL, '@.channel.endpoint && !match(@.channel.endpoint, ''Bot/[^?#]*'')', NULL, NULL, '{}',
            'Subscription/{target_id}: enter the headers of its calls again'),
        -- Whatever is not literally a bot calls the outside.
        (19, 'Subscription', '$.status', 'set', '"off"', '@.channel.endpoint && !match(@.channel.endpoint, ''Bot/[^?#]*'')', NULL, NULL, '{status}',
            'Subscription/{target_id}: is off; point it to the clone''s own receiver and switch it on'),
        (20, 'Subscription', '$.status', 'set', '"off"', 'match(@.channel.endpoint, ''Bot/[^?#]*'')', '$.channel.endpoint', NULL, '{status}',
            'Subscription/{target_id}: is off: its bot was not cloned'),
        (21, 'Agent', '$.status', 'set', '"off"', NULL, NULL, NULL, '{status}', 'Agent/{target_id}: is off; install an agent for the clone and switch it on')
    ) AS r (position, resource_type, path, action, value, "when", unless_cloned, if_given, columns, todo);
END
$$;
COMMENT ON FUNCTION clone_internal.preset_medplum(text, jsonb) IS
    'Preset medplum: describes the tables of a Medplum server in schema options.schema (default public) from the live catalog';

-- Before anything is read: the database is still the one described, and an owner is a user who can be one.
CREATE FUNCTION clone_internal.medplum_check(store text, arguments jsonb) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema name := arguments->>'schema';
    owner text := arguments->>'owner';
    migrations text := format('%I."DatabaseMigration"', schema);
    described int := COALESCE((arguments#>>'{store_options,schema_version}')::int, 100);
    version int := described;
    known boolean;
    added text;
BEGIN
    -- A migration of the server since the store was described shows in its version, or in a new type.
    IF has_table_privilege(migrations, 'SELECT') THEN
        EXECUTE format('SELECT m.version FROM %s m WHERE m.id = 1', migrations) INTO version;
    END IF;
    IF version IS DISTINCT FROM described THEN
        RAISE EXCEPTION 'this Medplum database has schema version %, the store was described for %', COALESCE(version::text, '(none)'), described USING
            ERRCODE = '55000',
            HINT = format('After a trial on a copy: UPDATE clone.store SET options = options || ''{"schema_version": %s}'' WHERE name = %L; SELECT clone.store_refresh(%L);',
                version, store, store);
    END IF;
    SELECT string_agg(c.oid::regclass::text, ', ') INTO added
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attname = 'projectId' AND NOT a.attisdropped AND n.nspname = schema AND c.relkind IN ('r', 'p', 'f')
      AND NOT arguments->'tables' @> to_jsonb(c.oid::bigint);
    IF added IS NOT NULL THEN
        RAISE EXCEPTION 'the store "%" does not describe all of the database: % is new', store, added USING
            ERRCODE = '55000', HINT = format('SELECT clone.store_refresh(%L);', store);
    END IF;
    IF owner IS NULL THEN
        RETURN;
    END IF;
    IF owner !~* '^User/[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' THEN
        RAISE EXCEPTION 'malformed owner "%"', owner USING ERRCODE = '22023', HINT = 'An owner is a reference to a user: User/<id>.';
    END IF;
    EXECUTE format($sql$
        SELECT EXISTS (SELECT FROM %I."User" u WHERE u.id = $1 AND NOT u.deleted
                       AND (u."projectId" = $2 OR u."projectId" = '65897e4f-7add-55f3-9b17-035b5a4e6d52'))
        $sql$, schema)
    INTO known USING substr(owner, 6)::uuid, (arguments->>'source_project')::uuid;
    IF NOT known THEN
        RAISE EXCEPTION 'unknown user "%"', owner USING
            ERRCODE = '22023', HINT = 'The owner is a server-wide user, or a user of the project that is cloned.';
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.medplum_check(text, jsonb) IS 'Check hook of medplum stores: the schema is the one described, the owner a user';

-- After the rows: the owner has an administrator's membership, and what the database cannot copy is said.
CREATE FUNCTION clone_internal.medplum_finish(store text, run bigint, arguments jsonb) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema name := arguments->>'schema';
    project uuid := (arguments->>'target_project')::uuid;
    owner text := arguments->>'new_owner';
    todo jsonb := '[]';
    bots bigint;
    admin boolean;
    person jsonb;
    full_name text;
    project_name text;
    version int;
    practitioner uuid := gen_random_uuid();
    membership uuid := gen_random_uuid();
    resource record;
    document jsonb;
    meta jsonb;
    written jsonb;
BEGIN
    EXECUTE format('SELECT count(*) FROM %I."Bot" b WHERE b."projectId" = $1 AND b.content LIKE $2', schema)
    INTO bots USING project, '%"cron%';
    IF bots > 0 THEN
        todo := todo || to_jsonb(format('%s bots run on a schedule: the server reads it when the bot is saved, or at POST /admin/super/reloadcron', bots));
    END IF;
    IF owner IS NULL THEN
        RETURN todo;
    END IF;
    EXECUTE format('DELETE FROM %I."Project_References" r WHERE r."resourceId" = $1 AND r.code = $2', schema) USING project, 'owner';
    EXECUTE format('INSERT INTO %I."Project_References" ("resourceId", "targetId", code) VALUES ($1, $2, $3)', schema)
    USING project, substr(owner, 6)::uuid, 'owner';
    EXECUTE format('SELECT COALESCE((m.content::jsonb->>$3)::boolean, false) FROM %I."ProjectMembership" m
                    WHERE m."projectId" = $1 AND m."user" = $2 AND NOT m.deleted ORDER BY 1 DESC LIMIT 1', schema)
    INTO admin USING project, owner, 'admin';
    IF admin THEN
        RETURN todo;
    ELSIF NOT admin THEN
        RETURN todo || to_jsonb(format('%s is the owner, but the membership is not an administrator''s', owner));
    END IF;

    EXECUTE format('SELECT u.content::jsonb FROM %I."User" u WHERE u.id = $1', schema) INTO person USING substr(owner, 6)::uuid;
    EXECUTE format('SELECT p.name, p.__version FROM %I."Project" p WHERE p.id = $1', schema) INTO project_name, version USING project;
    full_name := concat_ws(' ', person->>'firstName', person->>'lastName');
    meta := jsonb_build_object('project', project, 'lastUpdated', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
        'author', jsonb_build_object('reference', 'system'), 'compartment', jsonb_build_array(jsonb_build_object('reference', 'Project/' || project)));
    FOR resource IN
        SELECT 'Practitioner' AS type, practitioner AS id,
            jsonb_strip_nulls(jsonb_build_object('resourceType', 'Practitioner', 'id', practitioner,
                'name', CASE WHEN full_name <> '' THEN jsonb_build_array(jsonb_strip_nulls(jsonb_build_object(
                    'given', CASE WHEN person ? 'firstName' THEN jsonb_build_array(person->>'firstName') END, 'family', person->>'lastName'))) END)) AS document,
            jsonb_strip_nulls(jsonb_build_object('__nameSort', NULLIF(full_name, ''), '__givenSort', person->>'firstName', '__familySort', person->>'lastName',
                'phonetic', CASE WHEN full_name <> '' THEN jsonb_build_array(full_name) END)) AS columns
        UNION ALL
        SELECT 'ProjectMembership', membership,
            jsonb_build_object('resourceType', 'ProjectMembership', 'id', membership, 'admin', true,
                'project', jsonb_build_object('reference', 'Project/' || project, 'display', project_name),
                'user', jsonb_build_object('reference', owner, 'display', COALESCE(person->>'email', full_name)),
                'profile', jsonb_build_object('reference', 'Practitioner/' || practitioner, 'display', full_name)),
            jsonb_build_object('project', 'Project/' || project, 'user', owner, 'profile', 'Practitioner/' || practitioner, 'profileType', 'Practitioner')
    LOOP
        document := resource.document || jsonb_build_object('meta', meta || jsonb_build_object('versionId', gen_random_uuid()));
        -- As the server writes them: token columns without a token are empty arrays, not NULL.
        SELECT COALESCE(jsonb_object_agg(a.attname, '[]'::jsonb), '{}') INTO written
        FROM pg_attribute a
        WHERE a.attrelid = format('%I.%I', schema, resource.type)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname ~ '^__'
          AND a.atttypid IN ('uuid[]'::regtype, 'text[]'::regtype);
        written := written || jsonb_build_object('id', resource.id, 'content', document::text, 'lastUpdated', meta->'lastUpdated',
            'deleted', false, 'projectId', project, 'compartments', jsonb_build_array(project), '__version', version) || resource.columns;
        EXECUTE format('INSERT INTO %1$I.%2$I SELECT (jsonb_populate_record(NULL::%1$I.%2$I, $1)).*', schema, resource.type) USING written;
        EXECUTE format('INSERT INTO %I.%I (id, content, "versionId", "lastUpdated") VALUES ($1, $2, $3, $4)', schema, resource.type || '_History')
        USING resource.id, document::text, (document#>>'{meta,versionId}')::uuid, (meta->>'lastUpdated')::timestamptz;
    END LOOP;
    IF full_name <> '' THEN
        EXECUTE format('INSERT INTO %I."HumanName" ("resourceId", name, given, family) VALUES ($1, $2, $3, $4)', schema)
        USING practitioner, full_name, person->>'firstName', person->>'lastName';
    END IF;
    EXECUTE format('INSERT INTO %I."ProjectMembership_References" ("resourceId", "targetId", code)
                    SELECT $1, r.target, r.code FROM unnest($2, $3) AS r (target, code)', schema)
    USING membership, ARRAY[project, substr(owner, 6)::uuid, practitioner], '{project,user,profile}'::text[];
    RETURN todo || to_jsonb(format('%s is the owner: an administrator''s membership and a Practitioner (without e-mail) were made', owner));
END
$$;
COMMENT ON FUNCTION clone_internal.medplum_finish(text, bigint, jsonb) IS 'Finish hook of medplum stores: the owner gets an administrator''s membership';

INSERT INTO clone.preset VALUES ('medplum', 'clone_internal.preset_medplum(text, jsonb)', 'the tables of a Medplum server');
