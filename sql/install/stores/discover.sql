-- Discovery: from the tenant's table to the description of all tables that hold its rows.

-- Tables that can be described: plain and partitioned ones of these schemas that no extension owns.
CREATE FUNCTION clone_internal.discoverable(schemas text[]) RETURNS TABLE (oid oid, word text, relname name)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT c.oid, clone_internal.snake(clone_internal.singular(c.relname)), c.relname
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (schemas) AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
$$;
COMMENT ON FUNCTION clone_internal.discoverable(text[]) IS 'Tables of these schemas that can be described';

-- How a table names its own rows: by a key column of its own (it is a resource), or not.
CREATE FUNCTION clone_internal.own_key(relation oid, project_column name) RETURNS name
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT k.name FROM (SELECT clone_internal.key_of(relation) AS name) k
    JOIN pg_attribute a ON a.attrelid = relation AND a.attname = k.name
    WHERE k.name IS DISTINCT FROM project_column
      AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary AND i.indnkeyatts > 1
                      AND EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = relation AND f.contype = 'f' AND a.attnum = ANY (f.conkey)))
$$;
COMMENT ON FUNCTION clone_internal.own_key(oid, name) IS 'The column that names a row of the table and is no reference; NULL for link tables';

CREATE FUNCTION clone_internal.discover_table(store text, relation oid, project_column name, parent oid, join_column name, why text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own name := clone_internal.own_key(relation, project_column);
    child oid;
BEGIN
    PERFORM clone.store_table(store, relation::regclass,
        CASE WHEN own IS NOT NULL AND project_column IS NOT NULL THEN 'resource' ELSE 'derived' END,
        id_column => own, project_column => project_column, parent => NULLIF(parent, 0)::regclass, join_column => join_column);
    UPDATE clone.store_relation r SET comment = why WHERE r.store = discover_table.store AND r.relation = discover_table.relation::regclass;
    -- What inherits from it holds rows of the tenant too.
    FOR child IN SELECT i.inhrelid FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhparent AND c.relkind = 'r' WHERE i.inhparent = relation LOOP
        PERFORM clone_internal.discover_table(store, child, project_column, parent, join_column, why || ', by inheritance');
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.discover_table(text, oid, name, oid, name, text) IS 'Describes a table that discovery has found, and says why';

-- One round: tables that belong through a table found before. Returns how many were found.
CREATE FUNCTION clone_internal.discover_hops(store text, schemas text[]) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    r record;
    m record;
    found int := 0;
BEGIN
    -- By foreign keys: a column that cannot be NULL says it alone; else each of the nullable ones may.
    FOR r IN
        SELECT DISTINCT ON (f.conrelid) f.conrelid AS oid, f.confrelid AS parent, a.attname AS name, a.attnotnull, f.conname
        FROM pg_constraint f
        JOIN clone_internal.discoverable(schemas) d ON d.oid = f.conrelid
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
        IF NOT r.attnotnull THEN
            FOR m IN
                SELECT clone_internal.column_names(f.conrelid, f.conkey) AS columns, f.confrelid, clone_internal.column_names(f.confrelid, f.confkey) AS others
                FROM pg_constraint f JOIN clone.store_relation p ON p.store = discover_hops.store AND p.relation::oid = f.confrelid
                WHERE f.conrelid = r.oid AND f.contype = 'f' AND f.confrelid <> r.oid AND f.conname <> r.conname
            LOOP
                PERFORM clone.store_belongs(store, r.oid::regclass, ARRAY(SELECT jsonb_array_elements_text(m.columns))::name[], m.confrelid::regclass,
                    ARRAY(SELECT jsonb_array_elements_text(m.others))::name[]);
            END LOOP;
        END IF;
    END LOOP;
    -- By the name of a column.
    FOR r IN
        WITH open AS MATERIALIZED (
            SELECT d.oid, a.attname, a.attnum, a.attnotnull, clone_internal.named_table(a.attname, false) AS word, clone_internal.family(a.atttypid) AS family
            FROM clone_internal.discoverable(schemas) d
            JOIN pg_attribute a ON a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attname ~ '(_id|_uuid|_fk|Id|Uuid|Fk)$'
            WHERE NOT EXISTS (SELECT FROM clone.store_relation k WHERE k.store = discover_hops.store AND k.relation::oid = d.oid)
              AND NOT EXISTS (SELECT FROM clone.store_shared k WHERE k.store = discover_hops.store AND k.relation::oid = d.oid)
              AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = d.oid AND a.attnum = ANY (f.conkey))
        ), found AS MATERIALIZED (
            SELECT p.relation, p.id_column, clone_internal.snake(clone_internal.singular(c.relname)) AS word, clone_internal.family(i.atttypid) AS family
            FROM clone.store_relation p JOIN pg_class c ON c.oid = p.relation JOIN pg_attribute i ON i.attrelid = p.relation AND i.attname = p.id_column
            WHERE p.store = discover_hops.store
        )
        SELECT DISTINCT ON (o.oid) o.oid, p.relation AS parent, p.id_column, o.attname AS name
        FROM open o JOIN found p ON p.word = o.word AND p.family = o.family AND p.relation::oid <> o.oid
        ORDER BY o.oid, NOT o.attnotnull, o.attnum
    LOOP
        PERFORM clone_internal.discover_table(store, r.oid, NULL, r.parent, r.name, format('column %I by its name', r.name));
        found := found + 1;
    END LOOP;
    -- Owned: a row that exactly one row of the tenant names.
    FOR r IN
        SELECT DISTINCT ON (f.confrelid) f.confrelid AS oid, f.conrelid AS owner, a.attname AS name, b.attname AS key, f.conname
        FROM pg_constraint f
        JOIN clone_internal.discoverable(schemas) d ON d.oid = f.confrelid
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
COMMENT ON FUNCTION clone_internal.discover_hops(text, text[]) IS 'Describes tables that belong through those found before; returns how many';

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
    -- Tables that are not described and whose only tie is a polymorphic pair.
    FOR p IN
        SELECT d.oid, i.attname AS name, t.attname AS type_column
        FROM clone_internal.discoverable(schemas) d
        JOIN pg_attribute i ON i.attrelid = d.oid AND i.attnum > 0 AND NOT i.attisdropped AND i.attname ~ '(_id|Id)$'
        JOIN pg_attribute t ON t.attrelid = d.oid AND t.attnum > 0 AND NOT t.attisdropped AND t.attname ~ '(_type|Type)$|^content_type_id$'
         AND (clone_internal.snake(t.attname) = regexp_replace(clone_internal.snake(i.attname), '_id$', '_type') OR i.attname = 'object_id' AND t.attname = 'content_type_id')
        WHERE NOT EXISTS (SELECT FROM clone.store_relation k WHERE k.store = discover_pairs.store AND k.relation::oid = d.oid)
          AND NOT EXISTS (SELECT FROM clone.store_shared k WHERE k.store = discover_pairs.store AND k.relation::oid = d.oid)
    LOOP
        matched := 0;
        FOR t IN SELECT * FROM clone_internal.pair_targets(store, p.oid, p.type_column) LOOP
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
COMMENT ON FUNCTION clone_internal.discover_pairs(text, text[]) IS 'Describes tables that belong by a polymorphic pair of columns';

-- Which tables of a store the values of a type column name.
CREATE FUNCTION clone_internal.pair_targets(store text, relation oid, type_column name) RETURNS TABLE (target oid, type_values text[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    kinds text[];
BEGIN
    IF clone_internal.family((SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = type_column)) = 'int' THEN
        IF to_regclass(format('%I.django_content_type', (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation))) IS NULL THEN
            RETURN;
        END IF;
        RETURN QUERY EXECUTE format(
            'SELECT r.relation::oid, array_agg(DISTINCT k.id::text) FROM clone.store_relation r JOIN pg_catalog.pg_class c ON c.oid = r.relation
             JOIN %s k ON pg_catalog.concat(k.app_label, ''_'', k.model) = c.relname OR k.model = ANY (clone_internal.type_names(r.relation))
             WHERE r.store = $1 AND k.id IN (SELECT %I FROM %s LIMIT 100000) GROUP BY 1',
            to_regclass(format('%I.django_content_type', (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation))),
            type_column, relation::regclass) USING store;
        RETURN;
    END IF;
    EXECUTE format('SELECT array_agg(DISTINCT v.kind) FROM (SELECT %I::text AS kind FROM %s LIMIT 100000) v', type_column, relation::regclass) INTO kinds;
    RETURN QUERY
        SELECT r.relation::oid, array_agg(DISTINCT k.kind)
        FROM clone.store_relation r JOIN unnest(kinds) AS k (kind) ON k.kind = ANY (clone_internal.type_names(r.relation))
             OR lower(k.kind) = ANY (clone_internal.type_names(r.relation))
             OR clone_internal.snake(regexp_replace(k.kind, E'^.*(::|[.]|\\\\)', '')) = ANY (clone_internal.type_names(r.relation))
        WHERE r.store = pair_targets.store GROUP BY 1;
END
$$;
COMMENT ON FUNCTION clone_internal.pair_targets(text, oid, name) IS 'Which tables of a store the values of a type column name';

CREATE FUNCTION clone_internal.discover_references(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    q record;
    t record;
    missing bigint;
    seen bigint;
    element text;
BEGIN
    FOR q IN SELECT * FROM clone_internal.named_references(store) LOOP
        element := CASE WHEN q.family LIKE '%[]' THEN format('(SELECT unnest(v.%I) AS x FROM %s v WHERE v.%1$I IS NOT NULL LIMIT 1000)', q.name, q.relation)
                   ELSE format('(SELECT v.%I AS x FROM %s v WHERE v.%1$I IS NOT NULL LIMIT 1000)', q.name, q.relation) END;
        EXECUTE format('SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM %s k WHERE k.%I::text = s.x::text)) FROM %s s', q.target, q.target_column, element)
        INTO seen, missing;
        -- The name says it, or all of the data do; else it stays a question.
        IF missing = 0 AND (q.exact OR seen >= 3) THEN
            PERFORM clone.store_reference(store, q.relation, q.name, q.target);
            UPDATE clone.store_reference r SET reason = format('by its name; %s values looked at', seen)
            WHERE r.store = discover_references.store AND r.relation = q.relation AND r."column" = q.name;
        END IF;
    END LOOP;
    -- Users, by the part they play.
    FOR q IN SELECT * FROM clone_internal.person_columns(store) LOOP
        EXECUTE format('SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM %s k WHERE k.%I::text = s.x::text)) FROM (SELECT v.%I AS x FROM %s v WHERE v.%3$I IS NOT NULL LIMIT 1000) s',
            q.target, q.target_column, q.name, q.relation) INTO seen, missing;
        IF missing = 0 AND seen >= 3 THEN
            PERFORM clone.store_reference(store, q.relation, q.name, q.target);
            UPDATE clone.store_reference r SET reason = format('by its name and %s values, which all are keys there', seen)
            WHERE r.store = discover_references.store AND r.relation = q.relation AND r."column" = q.name;
        END IF;
    END LOOP;
    -- Materialised paths.
    FOR q IN
        SELECT r.relation, r.id_column, a.attname AS name, clone_internal.base_type(a.atttypid)::regtype::text ~ 'ltree$' AS is_tree
        FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_attribute i ON i.attrelid = r.relation AND i.attname = r.id_column AND clone_internal.family(i.atttypid) IN ('int', 'text')
        WHERE r.store = discover_references.store AND a.attname ~* '(ancestry|path|lineage|parents|tree)$'
          AND (clone_internal.family(a.atttypid) = 'text' OR clone_internal.base_type(a.atttypid)::regtype::text ~ 'ltree$')
          AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = discover_references.store AND d.relation = r.relation AND d."column" = a.attname)
    LOOP
        EXECUTE format($q$SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM %s k WHERE k.%I::text = s.x))
            FROM (SELECT regexp_split_to_table(trim(BOTH '/.' FROM v.%I::text), '[/.]') AS x FROM %1$s v WHERE v.%3$I IS NOT NULL LIMIT 1000) s WHERE s.x <> ''$q$,
            q.relation, q.id_column, q.name) INTO seen, missing;
        IF missing = 0 AND seen > 0 THEN
            PERFORM clone.store_reference(store, q.relation, q.name, q.relation, separators => CASE WHEN q.is_tree THEN '.' ELSE '/.' END);
        END IF;
    END LOOP;
    FOR q IN SELECT * FROM clone_internal.polymorphic_pairs(store) LOOP
        FOR t IN SELECT * FROM clone_internal.pair_targets(store, q.relation, q.type_column) LOOP
            PERFORM clone.store_reference(store, q.relation, q.name, t.target::regclass, type_column => q.type_column, type_values => t.type_values);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.discover_references(text) IS 'Declares references that names and data tell';

-- Members of documents whose names are those of a table of the store and whose values are its keys.
CREATE FUNCTION clone_internal.discover_documents(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    k record;
BEGIN
    FOR c IN
        SELECT r.relation, a.attname AS name FROM clone.store_relation r
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        WHERE r.store = discover_documents.store AND clone_internal.base_type(a.atttypid) IN ('json'::regtype, 'jsonb'::regtype)
    LOOP
        FOR k IN EXECUTE format(
            $q$WITH keys AS (
                   SELECT DISTINCT e->>'key' AS key, CASE WHEN jsonb_typeof(v) = 'array' THEN true ELSE false END AS list, x #>> '{}' AS value, jsonb_typeof(x) AS kind
                   FROM (SELECT d.%I::jsonb AS doc FROM %s d WHERE d.%1$I IS NOT NULL LIMIT 500) s
                   CROSS JOIN LATERAL jsonb_path_query(s.doc, 'lax $.** ? (@.type() == "object").keyvalue()') AS e
                   CROSS JOIN LATERAL (SELECT e->'value' AS v) w
                   CROSS JOIN LATERAL jsonb_path_query(w.v, 'lax $[*]') AS x
                   WHERE jsonb_typeof(x) IN ('number', 'string') AND e->>'key' ~ '(_id|_ids|[a-z0-9]Id|[a-z0-9]Ids)$')
               SELECT DISTINCT ON (k.key) k.key, k.list, r.relation AS target, r.id_column
               FROM keys k
               JOIN clone.store_relation r ON r.store = $1 AND r.id_column IS NOT NULL
               JOIN pg_class t ON t.oid = r.relation
               JOIN pg_attribute i ON i.attrelid = r.relation AND i.attname = r.id_column
               WHERE clone_internal.snake(clone_internal.singular(t.relname)) = COALESCE(clone_internal.named_table(k.key, false), clone_internal.named_table(k.key, true))
                 AND clone_internal.family(i.atttypid) IN ('int', 'text')
               ORDER BY k.key, k.list DESC$q$, c.name, c.relation) USING store
        LOOP
            PERFORM clone.store_reference(store, c.relation, c.name, k.target, path => format('$..[''%s'']%s', replace(k.key, '''', E'\\'''), CASE WHEN k.list THEN '[*]' ELSE '' END));
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.discover_documents(text) IS 'Declares keys that stand in documents under the name of their table';

-- Columns of unique indexes in which every clone would meet its source get a fresh value.
CREATE FUNCTION clone_internal.discover_unique(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    u record;
    chosen record;
BEGIN
    FOR u IN
        SELECT i.indexrelid, r.relation, r.role FROM pg_index i JOIN clone.store_relation r ON r.store = discover_unique.store AND r.relation::oid = i.indrelid
        WHERE i.indisunique AND i.indislive AND NOT i.indisprimary
    LOOP
        -- One column that changes anyhow is enough.
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_attribute a JOIN pg_index i ON i.indexrelid = u.indexrelid
            JOIN clone.store_relation r ON r.store = discover_unique.store AND r.relation = u.relation
            LEFT JOIN clone.store_column c ON c.store = r.store AND c.relation = r.relation AND c.name = a.attname
            WHERE a.attrelid = u.relation AND (a.attnum = ANY (i.indkey::int2[]) OR i.indexprs IS NOT NULL AND EXISTS (
                      SELECT FROM pg_depend p WHERE p.classid = 'pg_class'::regclass AND p.objid = i.indexrelid AND p.refobjid = u.relation AND p.refobjsubid = a.attnum))
              AND (a.attname IN (COALESCE(r.project_column, ''), COALESCE(r.id_column, ''))
                   OR c.role IN ('project', 'key', 'new_uuid', 'random', 'suffix', 'template', 'default', 'null')
                   OR clone_internal.family(a.atttypid) = 'uuid' AND cardinality(i.indkey::int2[]) = 1
                   OR EXISTS (SELECT FROM pg_constraint f JOIN clone.store_relation t ON t.store = discover_unique.store AND t.relation::oid = f.confrelid
                              WHERE f.contype = 'f' AND f.conrelid = u.relation AND a.attnum = ANY (f.conkey))
                   OR EXISTS (SELECT FROM clone.store_reference d WHERE d.store = discover_unique.store AND d.relation = u.relation AND d."column" = a.attname)));
        -- Another table may refer to it: then its key gets new values by itself.
        CONTINUE WHEN EXISTS (SELECT FROM pg_constraint f JOIN pg_index i ON i.indexrelid = u.indexrelid WHERE f.contype = 'f' AND f.confrelid = u.relation
            AND f.confkey = (i.indkey::int2[])[0:i.indnkeyatts - 1]);
        SELECT a.attname, a.attnotnull, clone_internal.family(a.atttypid) AS family, a.atthasdef OR a.attidentity <> '' AS generated INTO chosen
        FROM pg_attribute a JOIN pg_index i ON i.indexrelid = u.indexrelid
        WHERE a.attrelid = u.relation AND a.attnum > 0 AND (a.attnum = ANY (i.indkey::int2[]) OR i.indexprs IS NOT NULL AND EXISTS (
                SELECT FROM pg_depend p WHERE p.classid = 'pg_class'::regclass AND p.objid = i.indexrelid AND p.refobjid = u.relation AND p.refobjsubid = a.attnum))
        ORDER BY clone_internal.family(a.atttypid) = 'text' DESC, (a.atthasdef OR a.attidentity <> '') DESC, NOT a.attnotnull DESC, a.attnum
        LIMIT 1;
        CONTINUE WHEN chosen.attname IS NULL OR u.role = 'project' AND chosen.attname = 'name';
        PERFORM clone.store_column(store, u.relation, chosen.attname,
            CASE WHEN chosen.family = 'text' AND chosen.attname ~* 'token|secret|hash|digest|api_?key|password|checksum' THEN 'random'
                 WHEN chosen.family = 'text' AND chosen.attname ~* 'e?_?mail' THEN 'template'
                 WHEN chosen.family = 'text' THEN 'suffix'
                 WHEN chosen.generated THEN 'default'
                 WHEN chosen.family = 'uuid' THEN 'new_uuid'
                 WHEN NOT chosen.attnotnull THEN 'null'
                 ELSE 'keep' END,
            value => CASE WHEN chosen.family = 'text' AND chosen.attname ~* 'e?_?mail' AND NOT chosen.attname ~* 'token|secret|hash|digest' THEN 'clone{n}.{value}' END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.discover_unique(text) IS 'Gives columns of unique indexes across all projects a fresh value in clones';

CREATE FUNCTION clone_internal.preset_discover(store text, options jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    tenant regclass;
    schemas text[];
    tenant_word text;
    tenant_family text;
    tenant_key name;
    r record;
    first name;
    found int;
    rounds int := 0;
BEGIN
    IF options->>'tenant' IS NULL THEN
        RAISE EXCEPTION 'which table holds the tenants?' USING
            ERRCODE = '22023', HINT = 'Say it: SELECT clone.store_create(''app'', ''discover'', ''{"tenant": "public.accounts"}'');';
    END IF;
    tenant := to_regclass(options->>'tenant');
    IF tenant IS NULL THEN
        -- Without its schema it is the only one of that name.
        SELECT CASE WHEN count(*) = 1 THEN min(c.oid::bigint)::oid END INTO tenant
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = options->>'tenant' AND c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'clone', 'clone_internal');
    END IF;
    IF tenant IS NULL THEN
        RAISE EXCEPTION 'there is no table "%"', options->>'tenant' USING ERRCODE = '22023', HINT = 'Give its name with its schema.';
    END IF;
    -- Described before: only what is new is looked at.
    IF EXISTS (SELECT FROM clone.store_relation s WHERE s.store = preset_discover.store) THEN
        RETURN;
    END IF;
    SELECT ARRAY[n.nspname::text], clone_internal.snake(clone_internal.singular(c.relname)) INTO schemas, tenant_word
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = tenant;
    IF jsonb_typeof(options->'schemas') = 'array' THEN
        schemas := ARRAY(SELECT jsonb_array_elements_text(options->'schemas'));
    END IF;
    PERFORM clone.store_table(store, tenant, 'project');
    UPDATE clone.store_relation s SET comment = 'the tenants' WHERE s.store = preset_discover.store;
    SELECT s.id_column, clone_internal.family(a.atttypid) INTO tenant_key, tenant_family
    FROM clone.store_relation s JOIN pg_attribute a ON a.attrelid = s.relation AND a.attname = s.id_column WHERE s.store = preset_discover.store;
    FOR r IN SELECT value FROM jsonb_array_elements_text(COALESCE(options->'shared', '[]')) LOOP
        PERFORM clone.store_shared(store, r.value::regclass, 'option shared');
    END LOOP;
    -- A tenant column: by a foreign key, else by its name.
    FOR r IN
        SELECT DISTINCT ON (d.oid) d.oid, a.attname AS name, f.conname, f.confkey <> ARRAY[i.attnum] AS by_another
        FROM clone_internal.discoverable(schemas) d
        JOIN pg_attribute a ON a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN pg_attribute i ON i.attrelid = tenant AND i.attname = tenant_key
        LEFT JOIN pg_constraint f ON f.contype = 'f' AND f.conrelid = d.oid AND f.confrelid = tenant AND f.conkey = ARRAY[a.attnum]
        WHERE d.oid <> tenant
          AND (f.oid IS NOT NULL
               OR (clone_internal.named_table(a.attname, false) = tenant_word OR clone_internal.snake(a.attname) = 'tenant_id') AND clone_internal.family(a.atttypid) = tenant_family
                  AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.contype = 'f' AND o.conrelid = d.oid AND o.conkey = ARRAY[a.attnum]))
          AND NOT EXISTS (SELECT FROM clone.store_shared k WHERE k.store = preset_discover.store AND k.relation::oid = d.oid)
          AND NOT EXISTS (SELECT FROM pg_inherits h WHERE h.inhrelid = d.oid)
        ORDER BY d.oid, (clone_internal.named_table(a.attname, false) = tenant_word) DESC, f.oid IS NULL, a.attnotnull DESC, a.attnum
    LOOP
        IF r.by_another THEN
            PERFORM clone_internal.discover_table(store, r.oid, NULL, tenant, r.name, format('foreign key %s to the tenants', r.conname));
        ELSE
            PERFORM clone_internal.discover_table(store, r.oid, r.name, NULL, NULL,
                CASE WHEN r.conname IS NULL THEN format('column %I by its name', r.name) ELSE format('foreign key %s to the tenants', r.conname) END);
        END IF;
    END LOOP;
    LOOP
        rounds := rounds + 1;
        found := clone_internal.discover_hops(store, schemas) + clone_internal.discover_pairs(store, schemas);
        EXIT WHEN found = 0 OR rounds > 12;
    END LOOP;
    PERFORM clone_internal.discover_references(store);
    PERFORM clone_internal.discover_documents(store);
    PERFORM clone_internal.discover_unique(store);
END
$$;
COMMENT ON FUNCTION clone_internal.preset_discover(text, jsonb) IS
    'Preset discover: describes all tables that hold rows of the tenants in options.tenant, by keys, names and a look at the data';
INSERT INTO clone.preset VALUES ('discover', 'clone_internal.preset_discover(text, jsonb)', 'finds the tables of a tenant by itself; options.tenant names the table of tenants');
