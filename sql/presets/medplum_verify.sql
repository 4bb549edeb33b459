-- Compares the search index with the documents: computes the reference columns, the rows of "_References" and those of the
-- lookup tables from the documents, as a reindex of the server would, and compares. The search parameters are
-- read from the server's definitions ("SearchParameter"), so no running server is needed.

CREATE FUNCTION clone_internal.medplum_verify_columns(store text, arguments jsonb) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on
AS $$
DECLARE
    schema CONSTANT name := arguments->>'schema';
    project CONSTANT uuid := (arguments->>'target_project')::uuid;
    parameters jsonb;
    type record;
    parameter record;
    columns text;
    edges text;
    codes text[];
    said text;
    named text;
    sources text;
    rows bigint;
    missing bigint;
    surplus bigint;
    checks jsonb;
    result jsonb := '[]';
    -- The column value for a reference, a canonical, or a resource inside a resource.
    value CONSTANT text := $q$CASE jsonb_typeof(q) WHEN 'string' THEN q#>>'{}' WHEN 'object' THEN COALESCE(q->>'reference',
        (q->>'resourceType') || '/' || (q->>'id'), q->>'url', 'identifier:' || COALESCE(q#>>'{identifier,system}', '') || '|' || (q#>>'{identifier,value}')) END$q$;
    uuid CONSTANT text := '^[A-Za-z]+/([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?:/.*)?$';
BEGIN
    -- Supported expressions are paths, filters on one member, and choices of a type (`value as Reference`). Others are skipped.
    EXECUTE format($q$
        SELECT jsonb_agg(jsonb_build_object('resource_type', x.relname, 'code', x.code, 'column_name', x.attname, 'is_array', x.is_array,
            'edges', x.type = 'reference', 'target', x.target, 'paths', x.paths) ORDER BY x.relname, x.code)
        FROM (
            SELECT r.relname, p.code, a.attname, a.atttypid = 'text[]'::regtype AS is_array, p.type, min(x.target) AS target, array_agg(DISTINCT y.path || '[*]') AS paths
            FROM (SELECT DISTINCT content::jsonb->>'code' AS code, content::jsonb->>'type' AS type, content::jsonb->>'expression' AS expression, b.base
                  FROM %1$I."SearchParameter", jsonb_array_elements_text(content::jsonb->'base') AS b (base)
                  WHERE NOT deleted AND "projectId" = '161452d9-43b7-5c29-aa7b-c85680fa45c6' AND content::jsonb->>'type' IN ('reference', 'uri')) p
            JOIN pg_class r ON r.relname = p.base AND r.relnamespace = $1
            JOIN pg_attribute a ON a.attrelid = r.oid AND NOT a.attisdropped AND a.atttypid IN ('text'::regtype, 'text[]'::regtype)
                -- general-practitioner corresponds to generalPractitioner.
                AND a.attname = (SELECT string_agg(CASE WHEN w.n = 1 OR w.word = '' THEN w.word ELSE upper(left(w.word, 1)) || substr(w.word, 2) END, '' ORDER BY w.n)
                    FROM regexp_split_to_table(p.code, '-') WITH ORDINALITY AS w (word, n))
            CROSS JOIN LATERAL regexp_split_to_table(p.expression, '\s*\|\s*') AS part
            CROSS JOIN LATERAL (SELECT substring(part FROM 'resolve\(\) is (\w+)') AS target,
                regexp_replace(regexp_replace(regexp_replace(regexp_replace(part,
                    '\.where\(resolve\(\) is \w+\)', '', 'g'), '^\((.*) as (\w+)\)', '\1:\2'), '\.as\((\w+)\)', ':\1', 'g'),
                    '\.where\((\w+) *= *''([^'']*)''\)', '?(@.\1=="\2")', 'g') AS path) x
            CROSS JOIN LATERAL unnest(CASE WHEN x.path ~ ':\w+$'
                THEN ARRAY[split_part(x.path, ':', 1) || upper(left(split_part(x.path, ':', 2), 1)) || substr(split_part(x.path, ':', 2), 2)]
                ELSE ARRAY[x.path, x.path || 'Reference', x.path || 'Canonical', x.path || 'Uri'] END) AS z
            CROSS JOIN LATERAL (SELECT '$' || substr(z, length(p.base) + 1) AS path) y
            WHERE part ~ ('^\(?' || p.base || '\.') AND y.path ~ '^\$([.?][][\w@=". ():/-]+)+$' AND y.path !~ '\w\('
            GROUP BY r.relname, r.oid, p.code, a.attname, a.atttypid, p.type) x
        $q$, schema) INTO parameters USING (SELECT n.oid FROM pg_namespace n WHERE n.nspname = schema);
    IF parameters IS NULL THEN
        RAISE EXCEPTION 'the server''s search parameters are not in this database' USING
            ERRCODE = '55000', HINT = 'POST /admin/super/searchparameters makes the server write them.';
    END IF;
    FOR type IN SELECT DISTINCT m.resource_type, format('%I.%I', schema, m.resource_type) AS relation
                FROM jsonb_to_recordset(parameters) AS m (resource_type name) ORDER BY 1 LOOP
        columns := NULL; edges := NULL; codes := '{}';
        FOR parameter IN SELECT * FROM jsonb_to_recordset(parameters) AS m (resource_type name, code text, column_name name, is_array boolean, edges boolean, target text, paths text[])
                         WHERE m.resource_type = type.resource_type LOOP
            SELECT string_agg(format('SELECT jsonb_path_query(d, %L)', p), ' UNION ALL ') INTO sources FROM unnest(parameter.paths) p;
            -- `resolve() is Patient` is decided by the reference, or by the type next to an identifier.
            named := CASE WHEN parameter.target IS NULL THEN '' ELSE format($q$ AND (q->>'reference' LIKE %L OR (NOT q ? 'reference' AND q->>'type' = %L))$q$,
                parameter.target || '/%', parameter.target) END;
            said := format($q$ARRAY(SELECT DISTINCT left(v, 675) FROM (%s) s (q), LATERAL (SELECT %s AS v) w WHERE v <> ''%s)$q$, sources, value, named);
            columns := concat_ws(', ', columns, format('%L, count(*) FILTER (WHERE NOT %s)', parameter.column_name, format(CASE WHEN parameter.is_array
                THEN '((%1$s) @> ARRAY(SELECT left(e, 675) FROM unnest(t.%2$I) e) AND ARRAY(SELECT left(e, 675) FROM unnest(t.%2$I) e) @> (%1$s))'
                ELSE $q$CASE WHEN COALESCE(t.%2$I, '') = '' THEN cardinality(%1$s) = 0 ELSE left(t.%2$I, 675) = ANY (%1$s) END$q$ END, said, parameter.column_name)));
            IF parameter.edges THEN
                codes := codes || parameter.code;
                edges := concat_ws(' UNION ', edges, format($q$SELECT t.id, m[1]::uuid, %L FROM t, LATERAL (%s) s (q),
                    regexp_match(COALESCE(q->>'reference', (q->>'resourceType') || '/' || (q->>'id')), %L) AS m WHERE m IS NOT NULL%s$q$,
                    parameter.code, sources, uuid, named));
            END IF;
        END LOOP;
        EXECUTE format($q$SELECT count(*), jsonb_build_object(%s) FROM (SELECT t.*, t.content::jsonb AS d FROM %s t
            WHERE t."projectId" = $1 AND NOT t.deleted AND t.content <> '') t$q$, columns, type.relation) INTO rows, checks USING project;
        CONTINUE WHEN rows = 0;
        result := result || (SELECT jsonb_agg(jsonb_build_array('columns say what the documents say', format('%s.%s', type.resource_type, c.key),
            rows::text, (rows - c.value::bigint)::text, c.value = '0') ORDER BY c.key) FROM jsonb_each_text(checks) c);
        CONTINUE WHEN edges IS NULL;
        EXECUTE format($q$WITH t AS MATERIALIZED (SELECT t.id, t.content::jsonb AS d FROM %1$s t WHERE t."projectId" = $1 AND NOT t.deleted AND t.content <> ''),
                expected AS MATERIALIZED (%2$s),
                -- Rows of a parameter without a definition cannot be checked.
                found AS MATERIALIZED (SELECT r."resourceId", r."targetId", r.code FROM %3$I.%4$I r WHERE r."resourceId" IN (SELECT id FROM t) AND r.code = ANY ($2))
            SELECT (SELECT count(*) FROM expected), (SELECT count(*) FROM (TABLE expected EXCEPT TABLE found) x), (SELECT count(*) FROM (TABLE found EXCEPT TABLE expected) x)$q$,
            type.relation, edges, schema, type.resource_type || '_References') INTO rows, missing, surplus USING project, codes;
        result := result || jsonb_build_array(jsonb_build_array('reference rows say what the documents say', type.resource_type || '_References', rows::text,
            CASE WHEN missing + surplus = 0 THEN rows::text ELSE format('%s missing, %s too many', missing, surplus) END, missing + surplus = 0));
    END LOOP;
    -- The parts of names and addresses that have their own columns. The server's concatenations of them are not checked.
    FOR type IN SELECT * FROM (VALUES ('HumanName', '{Patient,Person,Practitioner,RelatedPerson}'::name[], '$.name[*]', 'given, family',
            $q$NULLIF((SELECT string_agg(g, ' ' ORDER BY o) FROM jsonb_array_elements_text(v->'given') WITH ORDINALITY AS x (g, o)), ''), v->>'family'$q$),
        ('Address', '{InsurancePlan,Location,Organization,Patient,Person,Practitioner,RelatedPerson}', '$.address[*]', 'city, country, "postalCode", state, use',
            $q$v->>'city', v->>'country', v->>'postalCode', v->>'state', v->>'use'$q$)) AS l (relation, types, path, names, parts) LOOP
        SELECT string_agg(format('SELECT id, content, deleted FROM %I.%I WHERE "projectId" = $1', schema, t), ' UNION ALL ') INTO sources
        FROM unnest(type.types) t WHERE to_regclass(format('%I.%I', schema, t)) IS NOT NULL;
        EXECUTE format($q$WITH r AS MATERIALIZED (%1$s),
                expected AS MATERIALIZED (SELECT r.id, %4$s FROM r, jsonb_path_query(NULLIF(r.content, '')::jsonb, %2$L) v WHERE NOT r.deleted),
                found AS MATERIALIZED (SELECT l."resourceId", %3$s FROM %5$I.%6$I l WHERE l."resourceId" IN (SELECT id FROM r))
            SELECT (SELECT count(*) FROM expected), (SELECT count(*) FROM (TABLE expected EXCEPT ALL TABLE found) x), (SELECT count(*) FROM (TABLE found EXCEPT ALL TABLE expected) x)$q$,
            sources, type.path, type.names, type.parts, schema, type.relation) INTO rows, missing, surplus USING project;
        result := result || jsonb_build_array(jsonb_build_array('lookup rows say what the documents say', type.relation, rows::text,
            CASE WHEN missing + surplus = 0 THEN rows::text ELSE format('%s missing, %s too many', missing, surplus) END, missing + surplus = 0));
    END LOOP;
    RETURN result;
END
$$;
COMMENT ON FUNCTION clone_internal.medplum_verify_columns(text, jsonb) IS
    'Verify hook of medplum stores: compares columns, reference rows and lookup rows of a project with its documents';
