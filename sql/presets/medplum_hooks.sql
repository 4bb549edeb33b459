-- The hooks of preset medplum, before and after the rows of a clone. They run with the caller's rights.

-- Before anything is read: checks that the database is as described, and that the owner is a user who can own the project.
CREATE FUNCTION clone_internal.medplum_check(store text, arguments jsonb) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    schema name := arguments->>'schema';
    owner text := arguments->>'owner';
    known boolean;
    added text;
BEGIN
    -- Types of resources that are new since the store was described. New columns are detected for every store.
    SELECT string_agg(DISTINCT c.oid::regclass::text, ', ') INTO added
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE a.attname IN ('projectId', 'resourceId') AND NOT a.attisdropped AND n.nspname = schema AND c.relkind IN ('r', 'p', 'f')
      AND NOT arguments->'tables' @> to_jsonb(c.oid::bigint) AND c.relname !~ '^(shard_sync_outbox|Deleted_)'
      AND NOT COALESCE(arguments#>'{store_options,ignore_tables}', '[]') ? c.relname::text
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');
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
COMMENT ON FUNCTION clone_internal.medplum_check(text, jsonb) IS 'Check hook of medplum stores: raises an error if tables are not described, or the owner is not a user';

-- After the rows: clears data derived from masked parts of documents, makes the owner an administrator,
-- and adds to the to-do list what the database cannot copy.
CREATE FUNCTION clone_internal.medplum_finish(store text, run bigint, arguments jsonb) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    schema name := arguments->>'schema';
    project uuid := (arguments->>'target_project')::uuid;
    owner text := arguments->>'new_owner';
    todo jsonb := '[]';
    bots bigint;
    lambdas bigint;
    any_rows boolean;
    admin boolean;
    person jsonb;
    full_name text;
    project_name text;
    version int;
    practitioner uuid := gen_random_uuid();
    membership uuid := gen_random_uuid();
    resource record;
    masked record;
    meta text;
    version_id uuid;
    document text;
    written jsonb;
    assignments text;
    updated CONSTANT text := to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
BEGIN
    EXECUTE format('SELECT count(*) FILTER (WHERE b.content LIKE $2), count(*) FILTER (WHERE b.content LIKE $3) FROM %I."Bot" b WHERE b."projectId" = $1', schema)
    INTO bots, lambdas USING project, '%"cron%', '%"runtimeVersion":"awslambda"%';
    IF bots > 0 THEN
        todo := todo || to_jsonb(format('%s bots run on a schedule: the server reads it when the bot is saved, or at POST /admin/super/reloadcron', bots));
    END IF;
    IF lambdas > 0 THEN
        todo := todo || to_jsonb(format('%s bots run in AWS Lambda: deploy each of them (Bot/$deploy)', lambdas));
    END IF;
    -- An Enterprise that resource_types selects: its columns get the values of its changed document.
    IF to_regclass(format('%I."Enterprise"', schema)) IS NOT NULL THEN
        EXECUTE format('SELECT EXISTS (SELECT FROM %I."Enterprise" e WHERE e."projectId" = $1)', schema) INTO any_rows USING project;
        IF any_rows THEN
            SELECT string_agg(CASE a.attname WHEN 'productionProject' THEN '"productionProject" = NULL'
                ELSE '"projectCode" = ARRAY(SELECT DISTINCT jsonb_path_query(e.content::jsonb, ''$.project[*].code'')#>>''{}'')' END, ', ') INTO assignments
            FROM pg_attribute a WHERE a.attrelid = to_regclass(format('%I."Enterprise"', schema)) AND a.attname IN ('productionProject', 'projectCode')
              AND NOT a.attisdropped AND a.atttypid = 'text[]'::regtype;
            IF assignments IS NOT NULL THEN
                EXECUTE format('UPDATE %I."Enterprise" e SET %s WHERE e."projectId" = $1', schema, assignments) USING project;
            END IF;
            EXECUTE format('DELETE FROM %1$I."Enterprise_References" r USING %1$I."Enterprise" e WHERE r."resourceId" = e.id AND e."projectId" = $1
                AND r.code = $2', schema) USING project, 'production-project';
        END IF;
    END IF;
    -- User-defined rules also apply to data that the server derived from the part of the document that they change.
    FOR masked IN
        SELECT r.relname AS name, r.oid::regclass AS relation, x.member, COALESCE(jsonb_agg(DISTINCT c.value) FILTER (WHERE c.value IS NOT NULL), '[]') AS ruled
        FROM jsonb_array_elements(COALESCE(arguments#>'{store_options,rules_by_hand}', '[]')) AS h
        CROSS JOIN LATERAL (SELECT COALESCE(substring(h->>'path' FROM '^\$(?:\.|\[[''"])([A-Za-z]+)'), '') AS member) x
        LEFT JOIN LATERAL jsonb_array_elements(h->'columns') c ON true
        JOIN pg_class r ON r.relnamespace = (SELECT n.oid FROM pg_namespace n WHERE n.nspname = schema) AND r.relkind IN ('r', 'p', 'f')
            AND (h->>'resource_type' IS NULL OR r.relname = h->>'resource_type')
        WHERE EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attname = '__sharedTokens' AND NOT a.attisdropped)
        GROUP BY r.relname, r.oid, x.member
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s t WHERE t."projectId" = $1)', masked.relation) INTO any_rows USING project;
        CONTINUE WHEN NOT any_rows;
        -- Every search parameter that reads the member; all of them if the path of the rule can match any member.
        EXECUTE format($sql$
            SELECT string_agg(format('%%I = %%s', a.attname, CASE WHEN a.attname ~ '^__' AND a.atttypid IN ('uuid[]'::regtype, 'text[]'::regtype) THEN '''{}''' WHEN a.attnotnull THEN '''''' ELSE 'NULL' END), ', ')
            FROM pg_attribute a
            WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND NOT $3 ? a.attname::text
              AND a.attname NOT IN ('id', 'content', 'lastUpdated', 'projectId', 'deleted', 'compartments', '__version')
              AND (a.attname IN ('__sharedTokens', '__sharedTokensText') AND ($2 = '' OR NOT $2 = ANY ('{name,telecom,address,birthDate,gender}'))
                   OR EXISTS (
                    SELECT FROM %1$I."SearchParameter" p
                    CROSS JOIN LATERAL (SELECT (SELECT string_agg(CASE WHEN w.n = 1 OR w.word = '' THEN w.word ELSE upper(left(w.word, 1)) || substr(w.word, 2) END, '' ORDER BY w.n)
                        FROM regexp_split_to_table(p.content::jsonb->>'code', '-') WITH ORDINALITY AS w (word, n)) AS name) c
                    WHERE NOT p.deleted AND p.content::jsonb->'base' ?| ARRAY[$4, 'DomainResource', 'Resource']
                      AND ($2 = '' OR p.content::jsonb->>'expression' ~ ('(^|[(| ])' || $4 || '\.' || $2 || '\M'))
                      AND a.attname = ANY (ARRAY[c.name, '__' || c.name, '__' || c.name || 'Text', '__' || c.name || 'Sort', '__' || c.name || 'IdentifierSort'])))
            $sql$, schema) INTO assignments USING masked.relation, masked.member, masked.ruled, masked.name::text;
        IF assignments IS NOT NULL THEN
            EXECUTE format('UPDATE %s t SET %s WHERE t."projectId" = $1', masked.relation, assignments) USING project;
            todo := todo || to_jsonb(format('%s: a rule changed %s; what the server derives from it was taken out: reindex the type (POST /admin/super/reindex)',
                masked.name, COALESCE(NULLIF(masked.member, ''), 'its documents')));
        END IF;
        IF masked.member IN ('name', '') THEN
            EXECUTE format('DELETE FROM %1$I."HumanName" l USING %2$s t WHERE l."resourceId" = t.id AND t."projectId" = $1', schema, masked.relation) USING project;
            IF masked.name IN ('Patient', 'Person', 'Practitioner', 'RelatedPerson') THEN
                EXECUTE format($sql$
                    INSERT INTO %1$I."HumanName" SELECT (jsonb_populate_record(NULL::%1$I."HumanName", jsonb_build_object('projectId', $1, 'resourceId', t.id,
                        'name', NULLIF(concat_ws(' ', g.prefix, g.given, v->>'family', g.suffix, v->>'text'), ''), 'given', g.given, 'family', v->>'family'))).*
                    FROM %2$s t, jsonb_path_query(NULLIF(t.content, '')::jsonb, '$.name[*]') v
                    CROSS JOIN LATERAL (SELECT
                        (SELECT string_agg(e, ' ' ORDER BY o) FROM jsonb_array_elements_text(v->'prefix') WITH ORDINALITY x (e, o)) AS prefix,
                        (SELECT string_agg(e, ' ' ORDER BY o) FROM jsonb_array_elements_text(v->'given') WITH ORDINALITY x (e, o)) AS given,
                        (SELECT string_agg(e, ' ' ORDER BY o) FROM jsonb_array_elements_text(v->'suffix') WITH ORDINALITY x (e, o)) AS suffix) g
                    WHERE t."projectId" = $1 AND NOT t.deleted
                    $sql$, schema, masked.relation) USING project;
            END IF;
        END IF;
        IF masked.member IN ('address', '') THEN
            EXECUTE format('DELETE FROM %1$I."Address" l USING %2$s t WHERE l."resourceId" = t.id AND t."projectId" = $1', schema, masked.relation) USING project;
            IF masked.name IN ('InsurancePlan', 'Location', 'Organization', 'Patient', 'Person', 'Practitioner', 'RelatedPerson') THEN
                EXECUTE format($sql$
                    INSERT INTO %1$I."Address" SELECT (jsonb_populate_record(NULL::%1$I."Address", jsonb_build_object('projectId', $1, 'resourceId', t.id, 'address', NULLIF(concat_ws(', ',
                        (SELECT string_agg(e, ', ' ORDER BY o) FROM jsonb_array_elements_text(v->'line') WITH ORDINALITY x (e, o)), v->>'city', v->>'state', v->>'postalCode'), ''),
                        'city', v->>'city', 'country', v->>'country', 'postalCode', v->>'postalCode', 'state', v->>'state', 'use', v->>'use'))).*
                    FROM %2$s t, jsonb_path_query(NULLIF(t.content, '')::jsonb, '$.address[*]') v WHERE t."projectId" = $1 AND NOT t.deleted
                    $sql$, schema, masked.relation) USING project;
            END IF;
        END IF;
    END LOOP;
    IF owner IS NULL THEN
        RETURN todo;
    END IF;
    EXECUTE format('DELETE FROM %I."Project_References" r WHERE r."resourceId" = $1 AND r.code = $2', schema) USING project, 'owner';
    EXECUTE format('INSERT INTO %1$I."Project_References" SELECT (jsonb_populate_record(NULL::%1$I."Project_References", $1)).*', schema)
    USING jsonb_build_object('resourceId', project, 'targetId', substr(owner, 6), 'code', 'owner', 'projectId', project);
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
    FOR resource IN
        SELECT 'Practitioner' AS type, practitioner AS id,
            CASE WHEN full_name = '' THEN '' ELSE format('"name":[{%s}],', concat_ws(',',
                '"given":[' || to_json(person->>'firstName') || ']', '"family":' || to_json(person->>'lastName'))) END AS members,
            jsonb_strip_nulls(jsonb_build_object('__nameSort', NULLIF(full_name, ''), '__givenSort', person->>'firstName', '__familySort', person->>'lastName',
                'phonetic', CASE WHEN full_name <> '' THEN jsonb_build_array(full_name) END)) AS columns
        UNION ALL
        SELECT 'ProjectMembership', membership,
            format('"project":{"reference":"Project/%s","display":%s},"user":{"reference":%s,"display":%s},"profile":{"reference":"Practitioner/%s","display":%s},"admin":true,',
                project, to_json(project_name), to_json(owner), to_json(COALESCE(person->>'email', full_name)), practitioner, to_json(full_name)),
            jsonb_build_object('project', 'Project/' || project, 'user', owner, 'profile', 'Practitioner/' || practitioner, 'profileType', 'Practitioner', 'admin', true)
    LOOP
        -- In the form of JSON.stringify, with members in the server's order.
        version_id := gen_random_uuid();
        document := format('{"resourceType":"%s",%s"id":"%s","meta":{"versionId":"%s","lastUpdated":"%s","author":{"reference":"system"},"project":"%s","compartment":[{"reference":"Project/%s"}]}}',
            resource.type, resource.members, resource.id, version_id, updated, project, project);
        -- Token columns without a token are empty arrays, not NULL.
        SELECT COALESCE(jsonb_object_agg(a.attname, '[]'::jsonb), '{}') INTO written
        FROM pg_attribute a
        WHERE a.attrelid = format('%I.%I', schema, resource.type)::regclass AND a.attnum > 0 AND NOT a.attisdropped AND a.attname ~ '^__'
          AND a.atttypid IN ('uuid[]'::regtype, 'text[]'::regtype);
        written := written || jsonb_build_object('id', resource.id, 'content', document, 'lastUpdated', updated,
            'deleted', false, 'projectId', project, 'compartments', jsonb_build_array(project), '__version', version) || resource.columns;
        EXECUTE format('INSERT INTO %1$I.%2$I SELECT (jsonb_populate_record(NULL::%1$I.%2$I, $1)).*', schema, resource.type) USING written;
        EXECUTE format('INSERT INTO %1$I.%2$I SELECT (jsonb_populate_record(NULL::%1$I.%2$I, $1)).*', schema, resource.type || '_History')
        USING jsonb_build_object('id', resource.id, 'content', document, 'versionId', version_id, 'lastUpdated', updated, 'projectId', project);
    END LOOP;
    IF full_name <> '' THEN
        EXECUTE format('INSERT INTO %1$I."HumanName" SELECT (jsonb_populate_record(NULL::%1$I."HumanName", $1)).*', schema)
        USING jsonb_build_object('resourceId', practitioner, 'name', full_name, 'given', person->>'firstName', 'family', person->>'lastName', 'projectId', project);
    END IF;
    EXECUTE format('INSERT INTO %1$I."ProjectMembership_References" SELECT (jsonb_populate_record(NULL::%1$I."ProjectMembership_References",
                        jsonb_build_object(''resourceId'', $1, ''targetId'', r.target, ''code'', r.code, ''projectId'', $4))).*
                    FROM unnest($2, $3) AS r (target, code)', schema)
    USING membership, ARRAY[project, substr(owner, 6)::uuid, practitioner], '{project,user,profile}'::text[], project;
    RETURN todo || to_jsonb(format('%s is the owner: an administrator''s membership and a Practitioner (without e-mail) were made', owner));
END
$$;
COMMENT ON FUNCTION clone_internal.medplum_finish(text, bigint, jsonb) IS
    'Finish hook of medplum stores: what was derived from masked parts goes, the owner gets an administrator''s membership';
