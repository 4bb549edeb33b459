-- Functions that change the options of a store, or drop it.

CREATE FUNCTION clone.store_alter(store text, options jsonb) RETURNS jsonb
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s clone.store;
    changed jsonb;
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.lock_store(store);
    IF options IS NULL OR jsonb_typeof(options) <> 'object' THEN
        RAISE EXCEPTION 'options must be a JSON object, not %', clone_internal.shown(COALESCE(options::text, 'NULL')) USING
            ERRCODE = '22023', HINT = 'Its members are set, a null member is removed, other options are kept: {"blobs": "file:/srv/files"}.';
    END IF;
    SELECT * INTO s FROM clone.store c WHERE c.name = store_alter.store FOR NO KEY UPDATE;
    PERFORM clone_internal.check_options(store, s.preset, options, s.options);
    IF s.preset = 'registry' AND jsonb_typeof(options->'id_generator') = 'string' THEN
        PERFORM clone_internal.registry_generator(options, COALESCE(s.options->>'schema', store)::name);
    END IF;
    IF s.preset = 'registry' THEN
        PERFORM clone_internal.registry_require(store, '{subtype}');
        PERFORM clone_internal.registry_check_subtypes(clone_internal.registry_schema(store));
    END IF;
    changed := s.options || options;
    changed := changed - ARRAY(SELECT e.key FROM jsonb_each(options) e WHERE e.value = 'null');
    UPDATE clone.store c SET options = changed WHERE c.name = store_alter.store;
    IF s.preset = 'registry' AND jsonb_typeof(options->'grant_to') = 'array' THEN
        PERFORM clone.registry_grant(clone_internal.registry_schema(store), r) FROM jsonb_array_elements_text(options->'grant_to') r;
    END IF;
    IF options ? 'text_keys' AND s.preset IN ('discover', 'custom') THEN
        -- It answers questions.
        PERFORM clone_internal.ask_about_data(store, s.preset = 'discover' AND changed->>'text_keys' = 'declared');
    END IF;
    -- The description by a preset may depend on it.
    IF (s.options->'schema_version') IS DISTINCT FROM (changed->'schema_version') THEN
        PERFORM clone.store_refresh(store);
    END IF;
    RETURN (SELECT c.options FROM clone.store c WHERE c.name = store_alter.store);
END
$$;
COMMENT ON FUNCTION clone.store_alter(text, jsonb) IS
    'Sets options of a store and returns all of them; null removes an option. Tables, rules, runs and queued files are not changed';

CREATE FUNCTION clone.store_drop(name text, force boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    left_behind text;
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.check_store(name);
    -- Waits for the runs of the store, whose work is then seen.
    PERFORM FROM clone.store s WHERE s.name = store_drop.name FOR UPDATE;
    SELECT string_agg(w.what, ', ') INTO left_behind FROM (
        SELECT format('%s files to %s', count(*), b.operation) AS what
        FROM clone.blob_copy b WHERE b.store = store_drop.name AND b.state IN ('pending', 'running', 'failed')
        GROUP BY b.operation
        UNION ALL
        SELECT format('%s jobs', count(*)) FROM clone.job_queue j WHERE j.store = store_drop.name AND j.state = 'queued' HAVING count(*) > 0
        UNION ALL
        SELECT format('%s keys of its cache', sum(cardinality(c.keys))) FROM clone.cache_invalidation c WHERE c.store = store_drop.name
        HAVING count(*) > 0
    ) AS w;
    IF left_behind IS NOT NULL AND force IS NOT TRUE THEN
        RAISE EXCEPTION 'store "%" has unfinished work: %', name, left_behind USING
            ERRCODE = '55000',
            DETAIL = 'Without the store, the location of its files is not known.',
            HINT = format('Finish it (pg_clone blobs run, pg_clone worker, pg_clone cache flush), change options with clone.store_alter(%L, …), '
                'or give it up: clone.store_drop(%L, force => true).', name, name);
    END IF;
    DELETE FROM clone.store s WHERE s.name = store_drop.name;
    IF left_behind IS NOT NULL THEN
        RAISE NOTICE 'store "%" is dropped with unfinished work: %', name, left_behind;
    END IF;
END
$$;
COMMENT ON FUNCTION clone.store_drop(text, boolean) IS
    'Drops a store; its tables and their rows are kept. Error 55000 while files, jobs or cache keys of it are pending, unless force is true';
