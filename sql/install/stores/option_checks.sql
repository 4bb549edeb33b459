-- Checks of a store's options: their names, values and what cannot be changed. Every function that sets options calls check_options().

CREATE FUNCTION clone_internal.check_store_options(preset text, options jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known text[] := '{blobs,blob_prefix_in_bucket,cache,cache_key,ignore_tables,settings,schema,result,dangling_null,dangling_display,keep_dangling,id_paths,id_generator,schema_version,grant_to,handle_prefix,dataset_path,bucket,person_link,email,text_keys}';
    k text;
BEGIN
    -- The function of a preset that a user has added may read options of its own.
    IF preset NOT IN ('custom', 'discover', 'documents', 'medplum', 'registry') THEN
        RETURN;
    END IF;
    IF preset = 'discover' THEN
        known := '{tenant,schemas,shared}' || known;
    END IF;
    FOR k IN SELECT o.key FROM jsonb_object_keys(options) AS o (key) WHERE o.key <> ALL (known) ORDER BY o.key LOOP
        RAISE EXCEPTION 'unknown store option %', clone_internal.quoted(k::text) USING
            ERRCODE = '22023',
            HINT = COALESCE('Did you mean "' || clone_internal.nearest_word(k, known) || '"? ', '') || 'Options: ' || array_to_string(known, ', ') || '.';
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.check_store_options(text, jsonb) IS 'Raises error 22023 for an unknown option of a store, with the most similar known one';

CREATE FUNCTION clone_internal.check_no_password(store text, options jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    k text;
BEGIN
    FOREACH k IN ARRAY '{blobs,cache}'::text[] LOOP
        CONTINUE WHEN COALESCE(options->>k, '') !~ '[a-z0-9]://[^/@ ]*:[^/@ ]+@';
        RAISE EXCEPTION 'option "%" of store "%" contains a password', k, store USING
            ERRCODE = '22023',
            HINT = CASE k
                WHEN 'cache' THEN 'Configure such a cache where pg_clone runs: environment variables PG_CLONE_CACHE and REDISCLI_AUTH.'
                ELSE 'Give pg_clone its credentials where it runs: environment variables, or a profile.'
                END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.check_no_password(text, jsonb) IS 'Raises error 22023 for a password in a store''s options: all roles that may read clone.store see them';

CREATE FUNCTION clone_internal.check_option_values(options jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bad text;
    placeholder text;
    path_lists text[] := '{plain,kept,whole,embedded,kept_prefixes}';
BEGIN
    SELECT e.key INTO bad FROM jsonb_each(options) e
    WHERE e.key IN ('blobs', 'cache', 'cache_key', 'id_generator', 'blob_prefix_in_bucket', 'schema', 'tenant', 'handle_prefix', 'dataset_path', 'bucket')
      AND jsonb_typeof(e.value) NOT IN ('string', 'null')
    ORDER BY e.key LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'invalid value % for option "%"', clone_internal.shown((options->bad)::text), bad USING
            ERRCODE = '22023', HINT = 'Give a text, or null to remove the option.';
    END IF;
    SELECT e.key INTO bad FROM jsonb_each(options) e
    WHERE e.key IN ('schemas', 'shared', 'ignore_tables', 'grant_to')
      AND (jsonb_typeof(e.value) NOT IN ('array', 'null') OR jsonb_path_exists(e.value, 'strict $[*] ? (@.type() != "string")', silent => true))
    ORDER BY e.key LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'invalid value % for option "%"', clone_internal.shown((options->bad)::text), bad USING
            ERRCODE = '22023', HINT = 'Give a list of names, or null to remove the option.';
    END IF;
    IF options->>'blobs' !~ '^(file:/|s3:|azblob:|azure:|gs:|gcs:)' THEN
        RAISE EXCEPTION '% is no location of files', clone_internal.quoted((options->>'blobs')::text) USING
            ERRCODE = '22023', HINT = 'Locations: file:/<absolute path>, s3://<bucket>/<prefix>, azblob://<container>/<prefix>, gs://<bucket>/<prefix>.';
    END IF;
    IF options->>'cache' !~ '^rediss?://.' THEN
        RAISE EXCEPTION '% is no address of a cache', clone_internal.quoted((options->>'cache')::text) USING
            ERRCODE = '22023', HINT = 'Give redis://<host>:6379, or rediss:// with TLS.';
    END IF;
    SELECT m.found[1] INTO placeholder FROM regexp_matches(options->>'cache_key', '[{][^{}]*[}]?|[}]', 'g') AS m (found)
    WHERE m.found[1] NOT IN ('{type}', '{id}', '{project}') LIMIT 1;
    IF placeholder IS NOT NULL THEN
        RAISE EXCEPTION 'the cache key % has the unknown placeholder %', clone_internal.quoted((options->>'cache_key')::text), clone_internal.quoted(placeholder::text) USING
            ERRCODE = '22023', HINT = 'Placeholders: {type}, {id}, {project}.';
    END IF;
    IF options->'text_keys' NOT IN ('"everywhere"', '"declared"', 'null') THEN
        RAISE EXCEPTION 'invalid value % for option "text_keys"', clone_internal.shown((options->'text_keys')::text) USING
            ERRCODE = '22023', HINT = 'Specify "everywhere" (generated keys are rewritten everywhere) or "declared" (keys are rewritten at declared references only).';
    END IF;
    SELECT e.key INTO bad FROM jsonb_each(options) e
    WHERE e.key IN ('person_link', 'email') AND e.value NOT IN ('"require"', '"ignore"', 'null') ORDER BY e.key LIMIT 1;
    IF bad IS NOT NULL THEN
        RAISE EXCEPTION 'invalid value % for store option "%"', clone_internal.shown((options->bad)::text), bad USING ERRCODE = '22023', HINT = 'It takes require or ignore.';
    END IF;
    IF jsonb_typeof(options->'id_paths') NOT IN ('object', 'null') THEN
        RAISE EXCEPTION 'invalid value % for option "id_paths"', clone_internal.shown((options->'id_paths')::text) USING
            ERRCODE = '22023', HINT = 'Give an object of lists of paths: {"kept": ["**.externalUrl"]}.';
    END IF;
    SELECT e.key INTO bad FROM jsonb_each(CASE jsonb_typeof(options->'id_paths') WHEN 'object' THEN options->'id_paths' ELSE '{}' END) e
    WHERE e.key <> ALL (path_lists) OR jsonb_typeof(e.value) <> 'array' OR jsonb_path_exists(e.value, 'strict $[*] ? (@.type() != "string")', silent => true)
    ORDER BY e.key LIMIT 1;
    IF bad <> ALL (path_lists) THEN
        RAISE EXCEPTION 'unknown member % of option "id_paths"', clone_internal.quoted(bad::text) USING
            ERRCODE = '22023', HINT = COALESCE('Did you mean "' || clone_internal.nearest_word(bad, path_lists) || '"? ', '') || 'Members: ' || array_to_string(path_lists, ', ') || '.';
    ELSIF bad IS NOT NULL THEN
        RAISE EXCEPTION 'invalid value % for member "%" of option "id_paths"', clone_internal.shown((options->'id_paths'->bad)::text), bad USING
            ERRCODE = '22023', HINT = format('Give a list of texts: {"%s": ["**.externalUrl"]}.', bad);
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.check_option_values(jsonb) IS 'Checks the values of a store''s options; an invalid one is an error (22023)';


CREATE FUNCTION clone_internal.check_options(store text, preset text, options jsonb, former jsonb DEFAULT NULL) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    fixed text;
BEGIN
    IF jsonb_typeof(options) IS DISTINCT FROM 'object' THEN
        RAISE EXCEPTION 'options must be a JSON object, not %', clone_internal.shown(COALESCE(options::text, 'NULL')) USING
            ERRCODE = '22023', HINT = 'Options are members of an object: {"blobs": "file:/srv/files"}; null removes one.';
    END IF;
    PERFORM clone_internal.check_store_options(preset, options);
    PERFORM clone_internal.check_no_password(store, options);
    PERFORM clone_internal.check_option_values(options);
    IF former IS NULL THEN
        RETURN;
    END IF;
    -- The tables of a store with runs and clones do not change. Handles that were made have their prefix.
    FOREACH fixed IN ARRAY '{schema,handle_prefix,tenant,schemas,shared}'::text[] LOOP
        CONTINUE WHEN NOT options ? fixed OR options->fixed IS NOT DISTINCT FROM COALESCE(former->fixed, 'null')
            OR fixed = 'handle_prefix' AND preset <> 'registry' OR fixed IN ('tenant', 'schemas', 'shared') AND preset <> 'discover';
        RAISE EXCEPTION 'option "%" of store "%" cannot be changed', fixed, store USING
            ERRCODE = '22023', HINT = CASE fixed
                WHEN 'schema' THEN 'Create another store for the tables of another schema: clone.store_create(…).'
                WHEN 'handle_prefix' THEN 'Create another registry with that prefix: clone.store_create(…).'
                ELSE 'Discovery has used it. Describe further tables with clone.store_table(…) or clone.store_shared(…), or create another store: clone.store_create(…).'
                END;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.check_options(text, text, jsonb, jsonb) IS
    'Raises error 22023 for a wrong option of a store: an unknown name, an invalid value, a password, or one that differs from the former options and cannot be changed';
