-- Discovery: describes all tables that hold rows of the tenants in a table.

CREATE FUNCTION clone_internal.preset_discover(store text, options jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    tenant regclass;
    schemas text[];
    -- Without separators, also without the name of the application before it.
    tenant_words text[];
    whole_words text[];
    -- Only tables with that prefix name the tenants so.
    prefix text;
    only_there boolean;
    tenant_family text;
    tenant_key name;
    r record;
    called name;
    missing text;
    found int;
    rounds int := 0;
    sampled clone_internal.place[];
BEGIN
    IF options->>'tenant' IS NULL THEN
        RAISE EXCEPTION 'store option "tenant" is missing' USING
            ERRCODE = '22023', HINT = 'Name the table of tenants: SELECT clone.store_create(''app'', ''discover'', ''{"tenant": "public.accounts"}'');';
    END IF;
    -- The store is described already: clone.store_check() finds new tables.
    IF EXISTS (SELECT FROM clone.store_relation s WHERE s.store = preset_discover.store) THEN
        RETURN;
    END IF;
    tenant := clone_internal.table_named(options->>'tenant');
    SELECT ARRAY[n.nspname::text] INTO schemas
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = tenant;
    IF jsonb_typeof(options->'schemas') = 'array' THEN
        schemas := ARRAY(SELECT jsonb_array_elements_text(options->'schemas'));
        SELECT clone_internal.quoted(s) INTO missing FROM unnest(schemas) s WHERE s IS NULL OR NOT EXISTS (SELECT FROM pg_namespace n WHERE n.nspname = s);
        IF missing IS NOT NULL THEN
            RAISE EXCEPTION 'there is no schema %', missing USING
                ERRCODE = '22023', HINT = 'schemas lists the schemas in which tables are looked for; without it the tenants'' own is.';
        END IF;
    END IF;
    SELECT a.prefix, NOT a.general INTO prefix, only_there FROM clone_internal.prefix_of_application(schemas, tenant) a;
    SELECT array_agg(clone_internal.plain(clone_internal.table_word(n.name))), array_agg(clone_internal.plain(clone_internal.table_word(n.name))) FILTER (WHERE NOT n.cut) INTO tenant_words, whole_words FROM pg_class c
    CROSS JOIN LATERAL (SELECT c.relname::text AS name, false AS cut UNION ALL SELECT substr(c.relname, length(prefix) + 1), true WHERE starts_with(c.relname, prefix)) n WHERE c.oid = tenant;
    PERFORM clone.store_table(store, tenant, 'project');
    UPDATE clone.store_relation s SET comment = 'the tenants' WHERE s.store = preset_discover.store;
    -- Without a column called name, the most likely column gets the name of a clone.
    called := clone_internal.name_column(store, tenant);
    IF called IS NOT NULL AND NOT EXISTS (SELECT FROM clone.store_column c WHERE c.store = preset_discover.store AND c.role = 'name') THEN
        PERFORM clone.store_column(store, tenant, called, 'name');
    END IF;
    SELECT s.id_column, clone_internal.family(a.atttypid) INTO tenant_key, tenant_family
    FROM clone.store_relation s JOIN pg_attribute a ON a.attrelid = s.relation AND a.attname = s.id_column WHERE s.store = preset_discover.store;
    FOR r IN SELECT value FROM jsonb_array_elements_text(COALESCE(NULLIF(options->'shared', 'null'), '[]')) LOOP
        PERFORM clone.store_shared(store, clone_internal.table_named(r.value), 'option shared');
    END LOOP;
    -- Tables with a tenant column: by a foreign key, else by the column's name.
    FOR r IN
        SELECT DISTINCT ON (d.oid) d.oid, a.attname AS name, f.conname, f.confkey <> ARRAY[i.attnum] AS by_another
        FROM clone_internal.discoverable(schemas) d
        JOIN pg_attribute a ON a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_attribute i ON i.attrelid = tenant AND i.attname = tenant_key
        LEFT JOIN pg_constraint f ON f.contype = 'f' AND f.conrelid = d.oid AND f.confrelid = tenant AND f.conkey = ARRAY[a.attnum]
        WHERE d.oid <> tenant
          AND (f.oid IS NOT NULL
               OR (clone_internal.plain(clone_internal.named_table(a.attname, false)) = ANY (CASE WHEN only_there AND NOT starts_with(d.relname, prefix) THEN whole_words ELSE tenant_words END) OR btrim(clone_internal.snake(a.attname), '_') IN ('tenant_id', 'tenantid')) AND clone_internal.family(a.atttypid) = tenant_family
                  AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.contype = 'f' AND o.conrelid = d.oid AND o.conkey = ARRAY[a.attnum]))
          AND NOT EXISTS (SELECT FROM clone.store_shared k WHERE k.store = preset_discover.store AND k.relation::oid = d.oid)
          AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = d.oid)
        ORDER BY d.oid, (clone_internal.plain(clone_internal.named_table(a.attname, false)) = ANY (tenant_words)) DESC, f.oid IS NULL, a.attnotnull DESC, a.attnum
    LOOP
        -- Users of several tenants, with the one they work for at present. ask_about_two_tenants() asks.
        IF r.by_another IS NOT TRUE AND clone_internal.one_of_several(r.oid, r.name) AND EXISTS (SELECT FROM clone_internal.other_tenants(tenant, tenant_key, r.oid, r.name)) THEN
            PERFORM clone.store_shared(store, r.oid::regclass, r.name);
        ELSIF r.by_another THEN
            PERFORM clone_internal.discover_table(store, r.oid, NULL, tenant, r.name, format('foreign key %s to the tenants', r.conname));
        ELSE
            PERFORM clone_internal.discover_table(store, r.oid, r.name, NULL, NULL,
                CASE WHEN r.conname IS NULL THEN format('column %I by its name', r.name) ELSE format('foreign key %s to the tenants', r.conname) END);
        END IF;
    END LOOP;
    LOOP
        rounds := rounds + 1;
        found := clone_internal.discover_hops(store, schemas) + clone_internal.discover_pairs(store, schemas) + clone_internal.discover_links(store, schemas, false);
        EXIT WHEN found = 0 OR rounds > 12;
    END LOOP;
    -- Link tables with a table that all tenants share.
    PERFORM clone_internal.discover_links(store, schemas, true);
    PERFORM clone_internal.discover_references(store);
    PERFORM clone_internal.discover_further_ways(store);
    PERFORM clone_internal.ask_about_data(store, true);
    PERFORM clone_internal.discover_unique(store);
    -- Only now it is known which values change.
    sampled := ARRAY(SELECT c FROM clone_internal.sampled_columns(store) c);
    PERFORM clone_internal.ask_about_unique_values(store, ARRAY(SELECT o FROM clone_internal.open_places(store, sampled) o UNION ALL SELECT p FROM clone_internal.places_with_parts(store, sampled) p));
    UPDATE clone.store s SET looked_at = now() WHERE s.name = preset_discover.store;
END
$$;
COMMENT ON FUNCTION clone_internal.preset_discover(text, jsonb) IS
    'Preset discover: describes all tables that hold rows of the tenants in options.tenant, by keys, names and data';
INSERT INTO clone.preset VALUES ('discover', 'clone_internal.preset_discover(text, jsonb)', 'finds the tables of a tenant by itself; options.tenant names the table of tenants');
