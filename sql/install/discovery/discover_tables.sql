-- Discovery of tables: those that belong to the tenant through a table found before.

-- What the name of the tenants' table begins with and columns leave out: customer_id for app_customer. general: most tables have it. Otherwise
-- it is that of a part of the database, whose tables name each other so. NULL: there is none.
CREATE FUNCTION clone_internal.prefix_of_application(schemas text[], tenants regclass, OUT prefix text, OUT general boolean)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    names text[] := ARRAY(SELECT d.relname::text FROM clone_internal.discoverable(schemas) d);
    first text := (SELECT substring(c.relname FROM '^[^_]+_(?=.)') FROM pg_class c WHERE c.oid = tenants);
BEGIN
    general := COALESCE(first IN (SELECT p FROM clone_internal.common_prefixes(names) p), false);
    prefix := CASE WHEN general OR (SELECT count(*) > 3 FROM unnest(names) n WHERE starts_with(n, first)) THEN first END;
END
$$;
COMMENT ON FUNCTION clone_internal.prefix_of_application(text[], regclass) IS 'What the names of the tenants'' table and of others begin with and columns leave out, and whether most tables have it';

CREATE FUNCTION clone_internal.discover_table(store text, relation oid, project_column name, parent oid, join_column name, why text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own name := clone_internal.own_key(relation, project_column);
    child oid;
BEGIN
    -- A part of the key that names the parent is no key of its own: drafts (user_id, channel_id, root_id) of a channel.
    IF own = join_column AND EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = own WHERE i.indrelid = relation AND i.indisprimary AND i.indnkeyatts > 1 AND a.attnum = ANY (i.indkey::int2[])) THEN
        own := NULL;
    END IF;
    PERFORM clone.store_table(store, relation::regclass,
        CASE WHEN own IS NOT NULL AND project_column IS NOT NULL THEN 'resource' ELSE 'derived' END,
        id_column => own, project_column => project_column, parent => NULLIF(parent, 0)::regclass, join_column => join_column);
    UPDATE clone.store_relation r SET comment = why WHERE r.store = discover_table.store AND r.relation = discover_table.relation::regclass;
    -- Its inheritance children hold rows of the tenant too.
    FOR child IN SELECT i.inhrelid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent AND c.relkind = 'r' WHERE i.inhparent = relation LOOP
        PERFORM clone_internal.discover_table(store, child, project_column, parent, join_column, why || ', by inheritance');
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.discover_table(text, oid, name, oid, name, text) IS 'Describes a table that discovery has found, with the reason';

-- One round: describes tables that belong through a table found before. Returns their number.
CREATE FUNCTION clone_internal.discover_hops(store text, schemas text[]) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    r record;
    m record;
    found int := 0;
    -- Of several tables of the same name.
    meant regclass[];
    prefix text;
    general boolean;
    certain boolean;
BEGIN
    SELECT a.prefix, a.general INTO prefix, general FROM clone_internal.prefix_of_application(schemas, (SELECT p.relation FROM clone.store_relation p WHERE p.store = $1 AND p.role = 'project')) a;
    -- By foreign keys: one NOT NULL column is enough; otherwise any of the nullable columns counts.
    FOR r IN
        SELECT DISTINCT ON (f.conrelid) f.conrelid AS oid, f.confrelid AS parent, a.attname AS name, a.attnotnull, f.conname
        FROM pg_constraint f
        JOIN clone_internal.discoverable(NULL) d ON d.oid = f.conrelid
        JOIN clone.store_relation p ON p.store = discover_hops.store AND p.relation::oid = f.confrelid
        JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = clone_internal.naming_column(f.conindid, f.conkey)
        WHERE f.contype = 'f' AND f.conrelid <> f.confrelid
          AND NOT EXISTS (SELECT FROM clone.store_relation k WHERE k.store = discover_hops.store AND k.relation::oid = f.conrelid)
          AND NOT EXISTS (SELECT FROM clone.store_shared k WHERE k.store = discover_hops.store AND k.relation::oid = f.conrelid)
        ORDER BY f.conrelid, NOT a.attnotnull, p.role = 'derived', a.attnum
    LOOP
        IF EXISTS (SELECT FROM clone.store_relation k WHERE k.store = discover_hops.store AND k.relation::oid = r.oid) THEN
            CONTINUE;
        END IF;
        PERFORM clone_internal.discover_table(store, r.oid, NULL, r.parent, r.name, format('foreign key %s to %s', r.conname, r.parent::regclass));
        found := found + 1;
    END LOOP;
    -- By the name of a column.
    FOR r IN
        WITH open AS MATERIALIZED (
            SELECT d.oid, d.relname, a.attname, a.attnum, a.attnotnull, clone_internal.named_table(a.attname, false) AS word, clone_internal.family(a.atttypid) AS family
            FROM clone_internal.discoverable(schemas) d
            JOIN pg_attribute a ON a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped AND clone_internal.named_table(a.attname, false) IS NOT NULL
            WHERE NOT EXISTS (SELECT FROM clone.store_relation k WHERE k.store = discover_hops.store AND k.relation::oid = d.oid)
              AND NOT EXISTS (SELECT FROM clone.store_shared k WHERE k.store = discover_hops.store AND k.relation::oid = d.oid)
              AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = d.oid AND a.attnum = ANY (f.conkey))
        ), found AS MATERIALIZED (
            SELECT p.relation, p.id_column, w.word, w.cut, w.kin, w.first, clone_internal.family(i.atttypid) AS family
            FROM clone.store_relation p JOIN pg_class c ON c.oid = p.relation JOIN pg_attribute i ON i.attrelid = p.relation AND i.attname = p.id_column
            CROSS JOIN LATERAL (SELECT clone_internal.table_word(c.relname) AS word, false AS cut, false AS kin, NULL AS first
                                UNION ALL SELECT clone_internal.table_word(substr(c.relname, length(prefix) + 1)), true, false, NULL WHERE starts_with(c.relname, prefix) AND length(c.relname) > length(prefix)
                                -- Tables that begin with the same word: page_id in wiki_contents is a row of wiki_pages.
                                UNION ALL SELECT clone_internal.table_word(substring(c.relname FROM '^[^_]+_(.+)')), true, true, substring(c.relname FROM '^[^_]+_') WHERE c.relname ~ '^[^_]+_.' AND starts_with(c.relname, prefix) IS NOT TRUE) w
            WHERE p.store = discover_hops.store
        )
        SELECT DISTINCT ON (o.oid) o.oid, p.relation AS parent, p.id_column, o.attname AS name, p.kin
        FROM open o JOIN found p ON clone_internal.plain(p.word) = clone_internal.plain(o.word) AND p.family = o.family AND p.relation::oid <> o.oid AND (NOT p.kin OR starts_with(o.relname, p.first))
        -- Not if there is a table of this very name.
        WHERE NOT (p.cut AND (NOT p.kin AND NOT general AND NOT starts_with(o.relname, prefix) OR EXISTS (SELECT FROM clone_internal.discoverable(schemas) d WHERE d.word = o.word)))
        ORDER BY o.oid, p.kin, NOT o.attnotnull, o.attnum, p.cut, clone_internal.nearness(o.oid, p.relation), p.relation::oid
    LOOP
        IF r.kin THEN
            -- The values must say it too.
            EXECUTE format('SELECT NOT EXISTS (SELECT FROM (SELECT t.%1$I AS x FROM %2$s AS t WHERE t.%1$I IS NOT NULL) s WHERE lower(s.x::text) <> ALL (clone_internal.in_place_of_null()) AND NOT EXISTS (SELECT FROM %3$s AS k WHERE %4$s)) AND EXISTS (SELECT FROM %5$s AS t WHERE t.%1$I IS NOT NULL)',
                r.name, clone_internal.spread(r.oid::regclass, quote_ident(r.name), 50000), r.parent, clone_internal.equals_text('k', r.parent, r.id_column, 's.x::text'), r.oid::regclass) INTO certain;
            CONTINUE WHEN NOT certain;
        END IF;
        meant := clone_internal.meant_tables(store, r.oid::regclass, r.name, '', r.parent);
        -- Which of several tables of the same name it is, is asked.
        CONTINUE WHEN cardinality(meant) > 1;
        PERFORM clone_internal.discover_table(store, r.oid, NULL, meant[1], r.name, format('column %I by its name', r.name));
        found := found + 1;
    END LOOP;
    -- Owned rows: exactly one row of the tenant refers to them. Last, because references of the table itself are better evidence.
    IF found > 0 THEN
        RETURN found;
    END IF;
    FOR r IN
        SELECT DISTINCT ON (f.confrelid) f.confrelid AS oid, f.conrelid AS owner, a.attname AS name, b.attname AS key, f.conname
        FROM pg_constraint f
        JOIN clone_internal.discoverable(NULL) d ON d.oid = f.confrelid
        JOIN clone.store_relation p ON p.store = discover_hops.store AND p.relation::oid = f.conrelid
        JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
        JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[1]
        JOIN pg_index u ON u.indrelid = f.conrelid AND u.indisunique AND u.indnkeyatts = 1 AND u.indkey[0] = f.conkey[1]
        WHERE f.contype = 'f' AND cardinality(f.conkey) = 1
          AND NOT EXISTS (SELECT FROM clone.store_relation k WHERE k.store = discover_hops.store AND k.relation::oid = f.confrelid)
          AND NOT EXISTS (SELECT FROM clone.store_shared k WHERE k.store = discover_hops.store AND k.relation::oid = f.confrelid)
        ORDER BY f.confrelid, f.oid
    LOOP
        FOR m IN
            SELECT f.conrelid, a.attname FROM pg_constraint f
            JOIN clone.store_relation p ON p.store = discover_hops.store AND p.relation::oid = f.conrelid
            JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
            JOIN pg_index u ON u.indrelid = f.conrelid AND u.indisunique AND u.indnkeyatts = 1 AND u.indkey[0] = f.conkey[1]
            WHERE f.contype = 'f' AND f.confrelid = r.oid AND cardinality(f.conkey) = 1
        LOOP
            PERFORM clone.store_belongs(store, r.oid::regclass, ARRAY[r.key], m.conrelid::regclass, ARRAY[m.attname]);
        END LOOP;
        PERFORM clone_internal.discover_table(store, r.oid, NULL, NULL, NULL, format('owned by %s: unique foreign key %s', r.owner::regclass, r.conname));
        found := found + 1;
    END LOOP;
    RETURN found;
END
$$;
COMMENT ON FUNCTION clone_internal.discover_hops(text, text[]) IS 'Describes tables that belong through those found before; returns their number';

CREATE FUNCTION clone_internal.discover_pairs(store text, schemas text[]) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    p record;
    t record;
    found int := 0;
    matched int;
BEGIN
    -- Undescribed tables that belong only through a polymorphic pair.
    FOR p IN
        SELECT d.oid, i.attname AS name, t.attname AS type_column
        FROM clone_internal.discoverable(schemas) d
        JOIN pg_attribute i ON i.attrelid = d.oid AND i.attnum > 0 AND NOT i.attisdropped AND i.attname ~ '(_id|Id)$'
        JOIN pg_attribute t ON t.attrelid = d.oid AND t.attnum > 0 AND NOT t.attisdropped AND t.attname ~ '(_type|Type)$|^[Cc]ontent(_type_id|TypeI[dD])$'
         AND (clone_internal.snake(t.attname) = regexp_replace(clone_internal.snake(i.attname), '_id$', '_type')
              OR clone_internal.snake(i.attname) = 'object_id' AND clone_internal.snake(t.attname) = 'content_type_id')
        WHERE NOT EXISTS (SELECT FROM clone.store_relation k WHERE k.store = discover_pairs.store AND k.relation::oid = d.oid)
          AND NOT EXISTS (SELECT FROM clone.store_shared k WHERE k.store = discover_pairs.store AND k.relation::oid = d.oid)
    LOOP
        matched := 0;
        FOR t IN SELECT * FROM clone_internal.pair_targets(store, p.oid, p.type_column, p.name) LOOP
            PERFORM clone.store_reference(store, p.oid::regclass, p.name, t.target::regclass, type_column => p.type_column, type_values => t.type_values, belongs => true);
            matched := matched + 1;
        END LOOP;
        IF matched > 0 THEN
            PERFORM clone_internal.discover_table(store, p.oid, NULL, NULL, NULL, format('polymorphic pair %I, %I', p.type_column, p.name));
            found := found + 1;
        END IF;
    END LOOP;
    RETURN found;
END
$$;
COMMENT ON FUNCTION clone_internal.discover_pairs(text, text[]) IS 'Describes tables that belong through a polymorphic pair of columns';

-- Whether rows of a table belong through rows of another, through any number of tables. more: further ways, as [[relation, parent], …].
CREATE FUNCTION clone_internal.belongs_through(store text, relation regclass, other regclass, more jsonb DEFAULT '[]') RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE through (relation) AS (
        SELECT $2
        UNION
        SELECT v.parent FROM through t JOIN (
            SELECT p.relation, unnest(p.parents) AS parent FROM clone.store_relation p WHERE p.store = $1 AND p.project_column IS NULL
            UNION ALL
            SELECT m.relation, m.parent FROM clone.store_membership m WHERE m.store = $1 AND m.parent <> m.relation
            UNION ALL
            SELECT (w->>0)::oid::regclass, (w->>1)::oid::regclass FROM jsonb_array_elements($4) w) v ON v.relation = t.relation
    )
    SELECT EXISTS (SELECT FROM through t WHERE t.relation = $3)
$$;
COMMENT ON FUNCTION clone_internal.belongs_through(text, regclass, regclass, jsonb) IS 'Whether rows of a table belong through rows of another table';

-- Through a nullable column only some rows belong to the tenant: the others belong through further keys or an owner's row.
CREATE FUNCTION clone_internal.discover_further_ways(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    w record;
BEGIN
    FOR w IN
        WITH loose AS MATERIALIZED (
            SELECT r.relation, r.parents, r.join_column FROM clone.store_relation r
            JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.join_column AND NOT a.attnotnull
            WHERE r.store = discover_further_ways.store AND r.role <> 'project' AND r.project_column IS NULL
        )
        SELECT l.relation, clone_internal.column_names(f.conrelid, f.conkey) AS columns, f.confrelid::regclass AS parent, clone_internal.column_names(f.confrelid, f.confkey) AS others, NULL::text AS condition
        FROM loose l JOIN pg_constraint f ON f.contype = 'f' AND f.conrelid = l.relation AND f.confrelid <> l.relation
        JOIN clone.store_relation p ON p.store = discover_further_ways.store AND p.relation::oid = f.confrelid
        WHERE NOT (f.confrelid = ANY (l.parents::oid[]) AND clone_internal.column_names(f.conrelid, f.conkey) ? l.join_column)
        UNION ALL
        SELECT l.relation, clone_internal.column_names(f.confrelid, f.confkey), f.conrelid::regclass, clone_internal.column_names(f.conrelid, f.conkey), NULL
        FROM loose l JOIN pg_constraint f ON f.contype = 'f' AND f.confrelid = l.relation AND f.conrelid <> l.relation AND cardinality(f.conkey) = 1
        JOIN clone.store_relation p ON p.store = discover_further_ways.store AND p.relation::oid = f.conrelid
        JOIN pg_index u ON u.indrelid = f.conrelid AND u.indisunique AND u.indnkeyatts = 1 AND u.indkey[0] = f.conkey[1]
        WHERE p.project_column IS NOT NULL OR p.role = 'project'
        UNION ALL
        -- References without a foreign key, found by their names: a comment of a guest names no user, but by a pair of columns what it is about.
        SELECT l.relation, jsonb_build_array(d."column"), d.target, jsonb_build_array(d.target_column), d.condition
        FROM loose l JOIN clone.store_reference d ON d.store = discover_further_ways.store AND d.relation = l.relation AND d.target <> l.relation
        JOIN clone.store_relation p ON p.store = discover_further_ways.store AND p.relation = d.target
        WHERE d.form = 'column' AND NOT (d.target = ANY (l.parents) AND d."column" = l.join_column)
    LOOP
        CONTINUE WHEN clone_internal.belongs_through(store, w.parent, w.relation);
        PERFORM clone.store_belongs(store, w.relation, ARRAY(SELECT jsonb_array_elements_text(w.columns))::name[], w.parent,
            ARRAY(SELECT jsonb_array_elements_text(w.others))::name[], w.condition);
    END LOOP;
    -- Rows below other rows of the table, such as folders, where only the topmost names the tenant or a parent.
    FOR w IN SELECT * FROM clone_internal.own_row_ways(store) o WHERE o.loose AND o.form = 'column' LOOP
        PERFORM clone.store_belongs(store, w.relation, ARRAY(SELECT jsonb_array_elements_text(w.columns))::name[], w.relation,
            ARRAY(SELECT jsonb_array_elements_text(w.others))::name[]);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.discover_further_ways(text) IS 'Adds further ways of belonging to tables that were found through a nullable column';
