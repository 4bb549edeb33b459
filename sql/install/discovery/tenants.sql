-- Finds columns that hold the tenant in undescribed tables, and tenants of tenants.

-- Columns whose values name a row of the store or a tenant: keys of the described tables, and unique columns of the tenants' table, such as a slug.
CREATE FUNCTION clone_internal.naming_columns(store text) RETURNS TABLE (relation regclass, name name, family text, role text, word text, is_id boolean)
-- Called a hundred times by a check: as SQL it would be planned each time.
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT r.relation, a.attname, f.family, r.role, clone_internal.table_word(k.relname), a.attname = r.id_column
    FROM clone.store_relation r
    JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p')
    JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped
    -- Most columns are none of these: for them the function is not called.
    CROSS JOIN LATERAL (SELECT CASE WHEN a.attname = r.id_column OR r.role = 'project' OR a.atttypid IN (20, 21, 23) AND (clone_internal.has_sequence(r.relation, a.attnum)
            -- Of a sequence that no column owns.
            OR a.atthasdef AND EXISTS (SELECT FROM pg_attrdef e WHERE e.adrelid = a.attrelid AND e.adnum = a.attnum AND pg_get_expr(e.adbin, e.adrelid) LIKE '%nextval(%'))
        THEN clone_internal.family(a.atttypid) END AS family) f
    WHERE r.store = $1 AND f.family IN ('int', 'text', 'uuid')
      -- A part of a key names no row, if it is a number per tenant.
      AND (a.attname = r.id_column AND r.role <> 'project' AND clone_internal.gets_new_values($1, r.relation, r.id_column) OR EXISTS (SELECT FROM pg_index u WHERE u.indrelid = r.relation AND u.indisunique AND u.indislive AND u.indnkeyatts = 1 AND u.indkey[0] = a.attnum AND u.indpred IS NULL));
END
$$;
COMMENT ON FUNCTION clone_internal.naming_columns(text) IS 'Columns whose values name a row of a store''s tables, or a tenant';

-- The columns by which rows of a table name their row of a parent: those of the foreign key with the join column, or this column alone. own is
-- NULL if nothing says it.
CREATE FUNCTION clone_internal.parent_key(store text, relation regclass, parent regclass, OUT own text[], OUT others text[])
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    joined name := (SELECT r.join_column FROM clone.store_relation r WHERE r.store = parent_key.store AND r.relation = parent_key.relation);
BEGIN
    SELECT ARRAY(SELECT jsonb_array_elements_text(c.own)), ARRAY(SELECT jsonb_array_elements_text(c.others)) INTO own, others
    FROM pg_constraint f CROSS JOIN LATERAL (SELECT clone_internal.column_names(f.conrelid, f.conkey) AS own, clone_internal.column_names(f.confrelid, f.confkey) AS others) c
    WHERE f.contype = 'f' AND f.conrelid = parent_key.relation AND f.confrelid = parent_key.parent AND c.own ? joined::text
      -- A period names no row.
      AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = f.conindid AND i.indisexclusion)
    ORDER BY cardinality(f.conkey), f.oid LIMIT 1;
    IF own IS NULL THEN
        SELECT ARRAY[joined::text], ARRAY[p.id_column::text] INTO own, others FROM clone.store_relation p
        WHERE p.store = parent_key.store AND p.relation = parent_key.parent AND p.id_column IS NOT NULL AND joined IS NOT NULL;
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.parent_key(text, regclass, regclass) IS 'The columns by which rows of a table name their row of a parent, and those of the parent';

-- The condition that a row names a row of a parent, as SQL. NULL: no columns say it.
CREATE FUNCTION clone_internal.names_parent(store text, relation regclass, alias text, parent regclass, above text) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (SELECT string_agg(clone_internal.equality_sql($3, $2, u.own, $5, $4, u.other), ' AND ' ORDER BY u.n)
    FROM clone_internal.parent_key($1, $2, $4) k CROSS JOIN LATERAL unnest(k.own, k.others) WITH ORDINALITY AS u (own, other, n));
END
$$;
COMMENT ON FUNCTION clone_internal.names_parent(text, regclass, text, regclass, text) IS 'The condition that a row names a row of a parent, as SQL';

-- The condition that a column by which rows belong is empty, as SQL: a foreign key of several columns names no row if one of them is NULL.
CREATE FUNCTION clone_internal.empty_key(store text, relation regclass, "column" name, alias text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN count(*) > 1 THEN format('(%s)', string_agg(n.condition, ' OR ' ORDER BY n.number)) ELSE min(n.condition) END
    FROM (SELECT format('%s%I IS NULL', $4 || '.', u.own) AS condition, u.number
          FROM (SELECT COALESCE((SELECT k.own FROM clone.store_relation r CROSS JOIN LATERAL unnest(r.parents) p CROSS JOIN LATERAL clone_internal.parent_key($1, $2, p) k
                                 WHERE r.store = $1 AND r.relation = $2 AND r.join_column = $3 AND $3 IS DISTINCT FROM r.project_column LIMIT 1), ARRAY[$3::text]) AS columns) c
          CROSS JOIN LATERAL unnest(c.columns) WITH ORDINALITY AS u (own, number)) n
$$;
COMMENT ON FUNCTION clone_internal.empty_key(text, regclass, name, text) IS 'The condition that a column by which rows belong, or another one of its foreign key, is NULL, as SQL';

-- What a question says about a key that is a generated column; empty for other columns.
CREATE FUNCTION clone_internal.computed_key(relation regclass, key name) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN a.attgenerated = '' THEN '' ELSE format('. The server computes %I when the row is written, and references to it are not followed: refer to another key of %s instead, and check again', $2, $1) END
    FROM pg_attribute a WHERE a.attrelid = $1 AND a.attname = $2
$$;
COMMENT ON FUNCTION clone_internal.computed_key(regclass, name) IS 'What a question says about a key that the server computes; empty for other columns';

-- The calls that describe a table whose column holds the tenant's key or another unique value of the tenant.
CREATE FUNCTION clone_internal.tenant_call(store text, relation regclass, "column" name, tenants regclass, key name, is_id boolean) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN clone_internal.computed_key($4, $5) <> '' THEN NULL WHEN $6 THEN clone_internal.table_call($1, $2, $3, NULL, NULL)
           ELSE format('SELECT clone.store_reference(%L, %L, %L, %L, target_column => %L, belongs => true); ', $1, $2, $3, $4, $5) || clone_internal.table_call($1, $2, NULL, NULL, $3) END
$$;
COMMENT ON FUNCTION clone_internal.tenant_call(text, regclass, name, regclass, name, boolean) IS 'The calls that describe a table whose column names the tenant, as SQL';

-- If no value of a column is a key of the tenants, but some are another unique value of theirs: that column of the tenants' table.
CREATE FUNCTION clone_internal.other_tenant_key(store text, relation regclass, "column" name) RETURNS name
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    k record;
    own_family text := (SELECT clone_internal.family(a.atttypid) FROM pg_attribute a WHERE a.attrelid = other_tenant_key.relation AND a.attname = other_tenant_key."column");
    found boolean;
BEGIN
    FOR k IN SELECT n.* FROM clone_internal.naming_columns(store) n WHERE n.role = 'project' AND (n.family = own_family OR own_family = 'text' OR n.is_id) ORDER BY n.is_id DESC, n.name LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT DISTINCT t.%I::text AS x FROM %s AS t WHERE t.%1$I IS NOT NULL) s JOIN %3$s AS k ON %4$s)',
            "column", clone_internal.spread(relation, quote_ident("column"), 50000), k.relation, clone_internal.equals_text('k', k.relation, k.name, 's.x')) INTO found;
        IF found THEN
            RETURN CASE WHEN NOT k.is_id THEN k.name END;
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clone_internal.other_tenant_key(text, regclass, name) IS 'The unique column of the tenants whose values a column holds in place of their keys; NULL: it holds keys, or neither';

-- Columns and paths of tables that nothing leads to by a name or a key, with a sample of their values.
CREATE FUNCTION clone_internal.places_outside(store text) RETURNS SETOF clone_internal.place
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH outside AS MATERIALIZED (
        -- First: the planner would call the function for the columns of all tables.
        SELECT d.oid FROM clone_internal.discoverable(clone_internal.schemas_of($1)) d
        WHERE NOT EXISTS (SELECT FROM clone.store_relation o WHERE o.store = $1 AND o.relation = d.oid)
          AND NOT EXISTS (SELECT FROM clone.store_shared o WHERE o.store = $1 AND o.relation = d.oid)
          AND NOT EXISTS (SELECT FROM clone_internal.reaching($1) o WHERE o.relation = d.oid)
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = d.oid)
    ), col AS MATERIALIZED (
        SELECT d.oid, a.attname, a.attnum, a.atttypid, a.atthasdef, a.attidentity FROM outside d JOIN pg_attribute a ON a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    )
    SELECT p.* FROM (
        SELECT a.oid, array_agg(a.attname ORDER BY a.attnum) AS names, array_agg(f.family ORDER BY a.attnum) AS families
        FROM col a CROSS JOIN LATERAL (SELECT clone_internal.family(a.atttypid) AS family) f
        WHERE f.family IN ('int', 'text', 'uuid', 'int[]', 'text[]', 'uuid[]', 'json')
          -- Its own number, or a number that a foreign key explains.
          AND NOT (f.family = 'int' AND EXISTS (SELECT FROM pg_constraint k WHERE k.contype IN ('f', 'p') AND k.conrelid = a.oid AND k.conkey = ARRAY[a.attnum]
                   AND (k.contype = 'f' OR a.atthasdef OR a.attidentity <> '' OR a.attname ~* '^(id|key|code|number)$')))
        GROUP BY a.oid) t
    CROSS JOIN LATERAL clone_internal.sampled_places(t.oid::regclass, t.names, t.families) AS p
$$;
COMMENT ON FUNCTION clone_internal.places_outside(text) IS 'Columns and paths of tables that a store does not describe, with a sample of their values';

-- Whether numbers which all are keys of tenants mean these: an error, a warning or NULL. Small numbers are keys of any table by chance. The
-- name must be that of a key or an owner, or numbers of which few are keys are too rare to be met by chance.
CREATE FUNCTION clone_internal.number_of_tenant(tenants regclass, key name, "column" name, says_id boolean, vals text[]) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys bigint;
    span numeric;
BEGIN
    -- An order, a size or a state.
    IF NOT says_id AND clone_internal.snake("column") ~ '(^|_)(id|line|page|level|rank|order|position|place|sort|step|version|priority|status|state|count|size|width|height|day|month|year|week|hour|row|column|index|seq|sequence|serial|stage|phase|round|part|floor)s?(_|$)' THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT count(*), max(k.%1$I)::numeric - min(k.%1$I) + 1 FROM %2$s AS k', key, tenants) INTO keys, span;
    -- badge_type_id: of a list that is no table.
    IF says_id AND clone_internal.snake("column") !~ '_(type|kind|status|state|level|priority|severity|mode|unit|currency|country|language|locale|gender|reason|format)_?(id|fk|key)s?$' OR clone_internal.snake("column") ~ '(^|_)(owner|holder|tenant|whose|belongs|belongs_to|mandant|mandate|subscriber|licensee|firm|party|shop|store|merchant|vendor|seller|for|of|by)(_|$)'
       OR clone_internal.snake("column") ~ '_(no|nr|num|number|key|ref|code|fk)$' AND cardinality(vals) >= least(keys, 3) OR span >= 10 * keys THEN
        RETURN 'error';
    END IF;
    RETURN CASE WHEN cardinality(vals) >= keys AND NOT clone_internal.names_quantity("column") THEN 'warning' END;
END
$$;
COMMENT ON FUNCTION clone_internal.number_of_tenant(regclass, name, name, boolean, text[]) IS 'Whether numbers that are keys of tenants mean these: error, warning, or NULL where it is chance';

-- Of the numbers up to the greatest key, how many are keys.
CREATE FUNCTION clone_internal.share_of_numbers(relation regclass, key name) RETURNS float8
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    e record;
    share float8;
BEGIN
    SELECT x.blocks, x.density INTO e FROM clone_internal.extent(relation) x;
    EXECUTE format('SELECT %s / greatest(max(k.%I), 1)::float8 FROM %s AS k', CASE WHEN e.blocks > 1000 THEN (e.blocks * e.density)::text ELSE 'count(*)' END, key, relation) INTO share;
    RETURN least(greatest(COALESCE(share, 1), 0.000001), 1);
END
$$;
COMMENT ON FUNCTION clone_internal.share_of_numbers(regclass, name) IS 'Of the numbers up to the greatest key of a table, which share are keys';

-- Of these tables of a store, in this order, those that have keys among the values which none before has.
CREATE FUNCTION clone_internal.tables_of_keys(store text, vals text[], targets regclass[]) RETURNS regclass[]
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    k record;
    other text[] := vals;
    left_over text[];
    found regclass[] := '{}';
BEGIN
    FOR k IN SELECT n.relation, n.name, n.family FROM unnest(targets) WITH ORDINALITY AS t (relation, number) JOIN clone_internal.naming_columns(store) n ON n.relation = t.relation AND n.is_id ORDER BY t.number LOOP
        left_over := ARRAY(SELECT v FROM unnest(other) v WHERE v NOT IN (SELECT f.value FROM clone_internal.keys_among(k.relation, k.name, k.family, other) f));
        IF cardinality(left_over) < cardinality(other) THEN
            found := found || k.relation;
            other := left_over;
        END IF;
    END LOOP;
    RETURN found;
END
$$;
COMMENT ON FUNCTION clone_internal.tables_of_keys(text, text[], regclass[]) IS 'The tables of a store that have keys among these values which no table before has';

-- Tables that nothing leads to by a name or a key, though their values do: link tables of trees (ancestor_id, descendant_id), logs.
CREATE FUNCTION clone_internal.ask_about_links(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    k record;
    c record;
    hits jsonb := '[]';
    rare float8;
    -- Tables that are asked about.
    asked regclass[] := '{}';
    agrees boolean;
    targets regclass[];
    -- The column that says which table its numbers are keys of.
    partner name;
    uuid text := '^' || clone_internal.uuid_pattern('-') || '$';
    texts jsonb := (SELECT COALESCE(jsonb_agg(jsonb_build_object('relation', o.relation::oid::bigint, 'column', o.name, 'family', 'text', 'path', '', 'target', o.target::oid::bigint, 'key', o.key, 'kinds', o.kinds, 'keys', o.keys)), '[]')
                    FROM clone_internal.outside_typed_texts(ask_about_links.store, places) o);
BEGIN
    FOR k IN SELECT * FROM clone_internal.naming_columns(ask_about_links.store) LOOP
        IF k.family = 'int' THEN
            rare := clone_internal.share_of_numbers(k.relation, k.name);
        END IF;
        hits := hits || COALESCE((
            SELECT jsonb_agg(jsonb_build_object('place', f.number, 'target', k.relation::oid::bigint, 'key', k.name, 'keys', f.keys, 'sure', f.sure, 'rare', rare))
            FROM (
                SELECT p.number, count(DISTINCT v) AS keys, bool_or(k.family = 'uuid' OR k.family IN ('text', 'int') AND clone_internal.distinctive(v) OR k.family = 'text' AND length(v) = 36 AND v ~* uuid) AS sure
                FROM unnest(places) WITH ORDINALITY AS p (relation, "column", path, word, says_id, kind, family, total, vals, separators, number)
                CROSS JOIN LATERAL unnest(p.vals) v
                JOIN (SELECT DISTINCT h.value FROM clone_internal.keys_among(k.relation, k.name, k.family, ARRAY(
                          SELECT DISTINCT v FROM unnest(places) p CROSS JOIN LATERAL unnest(p.vals) v WHERE length(v) < 200)) h) h ON h.value = v
                GROUP BY 1) f), '[]');
    END LOOP;
    FOR c IN
        SELECT p.relation, p."column" AS name, p.path, p.family, n.relation AS target, n.name AS key, n.role, n.is_id, cardinality(p.vals) AS seen, h.keys, s.severity, h.sure OR COALESCE(d.named, false) AS certain,
               CASE WHEN h.sure AND p.path = '' AND p.family NOT LIKE '%[]' AND n.is_id AND h.keys < cardinality(p.vals) THEN p.vals END AS vals,
               array_agg(n.relation) FILTER (WHERE h.sure AND n.is_id) OVER (PARTITION BY h.place ORDER BY h.keys DESC, n.relation::oid ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS others,
               bool_or(s.severity = 'error') OVER (PARTITION BY p.relation) AS better,
               jsonb_agg(jsonb_build_object('column', p."column", 'family', p.family, 'path', p.path, 'target', n.relation::oid::bigint, 'key', n.name)) FILTER (WHERE h.sure OR d.named) OVER (PARTITION BY p.relation) AS named
        FROM jsonb_to_recordset(hits) AS h (place bigint, target bigint, key name, keys bigint, sure boolean, rare float8)
        JOIN unnest(places) WITH ORDINALITY AS p (relation, "column", path, word, says_id, kind, family, total, vals, separators, number) ON p.number = h.place
        JOIN pg_class t ON t.oid = p.relation
        JOIN clone_internal.naming_columns(ask_about_links.store) n ON n.relation::oid::bigint = h.target AND n.name = h.key
        CROSS JOIN LATERAL (SELECT clone_internal.table_word(t.relname) AS table_word) w
        -- A version is mostly a number.
        CROSS JOIN LATERAL (SELECT (p.says_id OR h.keys >= 3 OR NOT clone_internal.names_quantity(p."column"))
                -- A number under a word in the plural is a count.
                AND (p.says_id OR p.family <> 'int' OR p.path <> '' OR clone_internal.singular(p."column") = p."column") AND (p.word = n.word OR p.word = n.word || '_' || n.name OR p.path <> '' AND n.word = substring(n.word FROM '^[^_]+_') || p.word OR p."column" ~* '^(ancestor|descendant)' OR p.path = '' AND clone_internal.table_match(p."column", n.word) < 3
                OR p.path = '' AND n.is_id AND p."column" = n.name AND n.name !~* '^(id|uuid|key|code|no|nr|num|number|name|slug)$'
                OR p.says_id AND NOT (clone_internal.names_person(p."column") AND clone_internal.has_persons(n.word) = 0) AND (w.table_word LIKE n.word || E'\\_%' OR w.table_word LIKE E'%\\_' || n.word || E'\\_%')) AS named) d
        CROSS JOIN LATERAL (SELECT CASE
            WHEN h.sure THEN 'error'
            WHEN h.keys < cardinality(p.vals) THEN NULL
            -- Small numbers are keys of every table and short texts may be the same by chance: the name must say which.
            WHEN d.named THEN 'error'
            -- A part of the table's word (dev: device), or a person in a role.
            WHEN n.role <> 'project' AND p.path = '' AND h.keys >= 3 AND NOT clone_internal.names_quantity(p."column") AND (p.says_id OR p.family <> 'int' OR clone_internal.singular(p."column") = p."column")
                 AND (clone_internal.table_match(p."column", n.word) = 3 OR clone_internal.names_person(p."column") AND clone_internal.has_persons(n.word) > 0
                      -- Numbers of which so few are keys that these are not met by chance.
                      OR n.family = 'int' AND p.family = 'int' AND h.rare ^ h.keys < 0.001 AND (SELECT max(v::numeric) FROM unnest(p.vals) v WHERE v ~ '^[0-9]{1,18}$') > 2 * cardinality(p.vals)) THEN 'error'
            WHEN n.role = 'project' AND n.is_id AND n.family = 'int' AND p.path = '' AND h.keys > 1 THEN clone_internal.number_of_tenant(n.relation, n.name, p."column", p.says_id, p.vals)
            -- Events and jobs that name the tenant under another word.
            WHEN n.role = 'project' AND n.is_id AND n.family = 'int' AND p.path <> '' AND h.keys > 1 AND (p.word IN ('tenant', 'org', 'organisation', 'organization', 'workspace') AND p.says_id OR p.word = 'tid') THEN 'error'
            WHEN n.role = 'project' AND n.is_id AND n.family = 'int' AND p.path <> '' AND h.keys > 1 AND p.word IN ('account', 'company', 'team', 'realm', 'site') AND p.says_id THEN 'warning'
            WHEN n.family = 'text' AND n.role = 'project' AND p.path = '' AND (h.keys > 1 OR length(p.vals[1]) >= 4) THEN 'error'
            -- Not a word that happens to be the same.
            WHEN n.family = 'text' AND n.is_id AND p.says_id AND p.path = '' AND h.keys >= 8 AND p.vals[1] !~ '^[0-9]+$' THEN 'error'
            WHEN h.keys >= 10 AND p.path = '' AND (n.family = 'text' OR p.says_id) THEN 'warning' END AS severity) s
        -- Keys of rows that were deleted stay in documents.
        WHERE (s.severity IS NOT NULL OR d.named AND 2 * h.keys >= cardinality(p.vals))
          -- What names another table is a key of that.
          AND (h.sure OR NOT p.says_id OR NOT EXISTS (SELECT FROM clone_internal.discoverable(clone_internal.schemas_of(ask_about_links.store)) o WHERE (o.word = p.word OR o.word = substring(o.word FROM '^[^_]+_') || p.word AND n.word <> p.word OR n.word <> p.word AND clone_internal.abbreviates(p.word, o.word) AND NOT clone_internal.abbreviates(p.word, n.word)) AND o.oid <> n.relation::oid AND NOT (o.word = n.word AND n.word = p.word)
              -- But a text is no key of users whose keys are numbers, and a number none of "Event" whose keys are UUIDs or other texts.
              AND NOT EXISTS (SELECT FROM clone_internal.naming_columns(ask_about_links.store) x WHERE x.relation::oid = o.oid AND x.is_id
                              AND (x.family = 'int' AND p.family = 'text' AND p.vals[1] !~ '^[0-9]+$' OR x.family <> p.family AND x.family IN ('uuid', 'int', 'text') AND p.family IN ('uuid', 'int')
                                   AND NOT EXISTS (SELECT FROM jsonb_to_recordset(hits) AS y (place bigint, target bigint) WHERE y.place = p.number AND y.target = o.oid::bigint)))))
          -- The type beside it may name another table: owner_type is User.
          AND (h.sure OR NOT EXISTS (
              SELECT FROM unnest(places) y WHERE y.relation = p.relation AND y.path = '' AND y.family = 'text' AND p.path = '' AND clone_internal.pair_word(y."column", true) = clone_internal.pair_word(p."column", false)
                AND NOT EXISTS (SELECT FROM unnest(y.vals) v WHERE lower(v) = ANY (SELECT lower(x) FROM unnest(clone_internal.type_names(n.relation)) x))
                AND EXISTS (SELECT FROM unnest(y.vals) v JOIN clone_internal.discoverable(clone_internal.schemas_of(ask_about_links.store)) o ON lower(v) = ANY (SELECT lower(x) FROM unnest(clone_internal.type_names(o.oid::regclass)) x))))
        ORDER BY p.relation, p.path <> '' OR p.family LIKE '%[]', NOT h.sure, NOT d.named, p.word = n.word || '_' || n.name DESC, CASE WHEN p.word = n.word THEN clone_internal.nearness(p.relation, n.relation) END, s.severity, clone_internal.table_match(p."column", n.word), h.sure AND n.role <> 'project', h.sure AND h.keys < cardinality(p.vals), n.role = 'project' AND n.is_id, pg_relation_size(n.relation), n.relation, p."column"
    LOOP
        CONTINUE WHEN c.severity IS NULL OR c.relation = ANY (asked);
        agrees := NULL;
        IF NOT c.certain THEN
            agrees := clone_internal.agrees_with_names(ask_about_links.store, c.relation, c.name, c.target, c.key,
                COALESCE(c.named, '[]') || (SELECT COALESCE(jsonb_agg(x), '[]') FROM jsonb_array_elements(texts) x WHERE (x->>'relation')::oid = c.relation));
            CONTINUE WHEN NOT agrees OR agrees IS NULL AND c.severity = 'warning' AND c.better;
        END IF;
        asked := asked || c.relation;
        targets := clone_internal.tables_of_keys(ask_about_links.store, c.vals, c.target || c.others);
        IF cardinality(targets) > 1 THEN
            PERFORM clone_internal.ask(ask_about_links.store, c.relation, c.name, '', 'error',
                format('%s.%I holds keys of %s. Its rows are not cloned', c.relation, c.name, regexp_replace(array_to_string(targets, ', '), ', ([^,]*)$', ' and \1')),
                -- A text is rewritten by one reference: the rows of each are told apart.
                (SELECT string_agg(format('SELECT clone.store_reference(%L, %L, %L, %L, %sbelongs => true);', ask_about_links.store, c.relation, c.name, n.relation,
                            CASE WHEN c.family = 'text' THEN format('condition => %L, ', format('%s OPERATOR(pg_catalog.=) ANY (SELECT %s FROM %s AS k)',
                                clone_internal.column_text(NULL, c.relation, c.name), clone_internal.column_text('k', n.relation, n.name), n.relation)) ELSE '' END), ' ' ORDER BY t.number)
                 FROM unnest(targets) WITH ORDINALITY AS t (target, number) JOIN clone_internal.naming_columns(ask_about_links.store) n ON n.relation = t.target AND n.is_id)
                    -- A part of the key that holds keys of other rows is no key of its own.
                    || ' ' || clone_internal.table_call(ask_about_links.store, c.relation, 'derived', NULLIF(clone_internal.own_key(c.relation, NULL), c.name), NULL, NULL, NULL),
                format('SELECT clone.store_shared(%L, %L);', ask_about_links.store, c.relation));
            CONTINUE;
        END IF;
        partner := CASE WHEN NOT c.certain AND c.path = '' AND c.family = 'int' AND c.role <> 'project' AND c.is_id THEN clone_internal.pair_partner(ask_about_links.store, c.relation, c.name, ARRAY[c.target]) END;
        IF partner IS NOT NULL THEN
            PERFORM clone_internal.ask(ask_about_links.store, c.relation, c.name, '', 'error',
                format('%s.%I is unique only together with %I, as if that said of which table it is a key: the values that were looked at are keys of %s, perhaps by chance. Its rows are not cloned. Say which table each value of %I means with clone.store_reference(%L, %L, %L, <table>, type_column => %L, type_values => <type>, belongs => true), then %s',
                    c.relation, c.name, partner, c.target, partner, ask_about_links.store, c.relation, c.name, partner, substring(clone_internal.table_call(ask_about_links.store, c.relation, NULL, NULL, NULL) FROM 'SELECT (.*);')),
                NULL, format('SELECT clone.store_shared(%L, %L);', ask_about_links.store, c.relation));
            CONTINUE;
        END IF;
        PERFORM clone_internal.ask(ask_about_links.store, c.relation, c.name, c.path, CASE WHEN NOT c.certain AND agrees THEN 'error' ELSE c.severity END,
            CASE WHEN c.path <> '' OR c.family LIKE '%[]'
                 THEN format('%s.%I%s holds keys of %s: %s of %s values that were looked at. Its rows are not cloned, and no column says to which project they belong', c.relation, c.name,
                             CASE WHEN c.path <> '' THEN ' at ' || c.path ELSE '' END, c.target, c.keys, c.seen)
                 WHEN c.is_id THEN format('%s.%I looks like a key of %s: %s of %s values that were looked at are. Its rows are not cloned', c.relation, c.name, c.target, c.keys, c.seen)
                 ELSE format('%s.%I looks like %I of %s: %s of %s values that were looked at are. Its rows are not cloned', c.relation, c.name, c.key, c.target, c.keys, c.seen) || clone_internal.computed_key(c.target, c.key) END,
            CASE WHEN c.path <> '' OR c.family LIKE '%[]' THEN format('SELECT clone.store_shared(%L, %L);', ask_about_links.store, c.relation)
                 -- Small numbers: a position in a list may be any tenant's.
                 WHEN c.role = 'project' AND c.severity = 'warning' AND agrees IS NOT TRUE THEN format('SELECT clone.store_shared(%L, %L);', ask_about_links.store, c.relation)
                 WHEN c.role = 'project' OR NOT c.is_id THEN clone_internal.tenant_call(ask_about_links.store, c.relation, c.name, c.target, c.key, c.is_id)
                 ELSE clone_internal.table_call(ask_about_links.store, c.relation, NULL, c.target, c.name) END,
            CASE WHEN c.role = 'project' AND c.severity = 'warning' AND agrees IS NOT TRUE THEN clone_internal.tenant_call(ask_about_links.store, c.relation, c.name, c.target, c.key, c.is_id)
                 WHEN c.path = '' AND c.family NOT LIKE '%[]' THEN format('SELECT clone.store_shared(%L, %L);', ask_about_links.store, c.relation) END);
    END LOOP;
    FOR c IN SELECT o.relation::oid::regclass AS relation, o."column" AS name, o.target::oid::regclass AS target, o.keys FROM jsonb_to_recordset(texts) AS o (relation bigint, "column" name, target bigint, keys bigint) WHERE o.relation::oid::regclass <> ALL (asked) LOOP
        PERFORM clone_internal.ask(ask_about_links.store, c.relation, c.name, '', 'error',
            format('%s.%I holds keys of %s within longer texts: %s of the values that were looked at. Its rows are not cloned, and no column says to which project they belong', c.relation, c.name, c.target, c.keys),
            format('SELECT clone.store_shared(%L, %L);', ask_about_links.store, c.relation), NULL);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_links(text, clone_internal.place[]) IS 'Records questions about tables that are not described and whose values are keys of the store';

CREATE FUNCTION clone_internal.ask_about_tenants(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    tenant record;
    c record;
    k record;
    seen bigint;
    found bigint;
    key name;
    key_is_id boolean;
    key_found bigint;
    several record;
BEGIN
    SELECT r.relation, r.id_column, clone_internal.table_word(k.relname) AS word, clone_internal.snake(clone_internal.singular(k.relname)) AS name, clone_internal.family(a.atttypid) AS family, a.attnum, k.relkind INTO tenant
    FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column
    WHERE r.store = ask_about_tenants.store AND r.role = 'project';
    IF tenant.relation IS NULL OR tenant.family = '' OR tenant.relkind NOT IN ('r', 'p') THEN
        RETURN;
    END IF;
    FOR c IN
        SELECT DISTINCT ON (d.oid, a.attnum) d.oid::regclass AS relation, a.attname AS name, clone_internal.family(a.atttypid) AS family, w.word IN (tenant.word, 'tenant') OR clone_internal.plain(w.word) = clone_internal.plain(tenant.word) AS exact,
            clone_internal.family(a.atttypid) <> '' AS as_key, tenant.family = 'int' AND clone_internal.base_type(a.atttypid) = 'double precision'::regtype AS holds_id, NOT d.elsewhere AS looked_at
        FROM (
            SELECT o.oid, false AS elsewhere FROM clone_internal.discoverable(clone_internal.schemas_of(ask_about_tenants.store)) o
            UNION ALL
            -- A schema for each part of the application: nobody has said in which ones tables are looked for.
            SELECT o.oid, true FROM clone_internal.discoverable(NULL) o JOIN pg_class k ON k.oid = o.oid JOIN pg_namespace n ON n.oid = k.relnamespace
            WHERE n.nspname <> ALL (clone_internal.schemas_of(ask_about_tenants.store))
              -- What another store describes is another application.
              AND NOT EXISTS (SELECT FROM clone.store_relation x WHERE x.relation = o.oid)
              AND EXISTS (SELECT FROM clone.store s WHERE s.name = ask_about_tenants.store AND s.preset = 'discover' AND jsonb_typeof(s.options->'schemas') IS DISTINCT FROM 'array')) d
        -- The planner would call the functions for the columns of all tables.
        CROSS JOIN LATERAL (SELECT a.attname, a.attnum, a.atttypid FROM pg_attribute a WHERE a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped
                            AND (clone_internal.family(a.atttypid) IN (tenant.family, 'text') OR clone_internal.other_key_type(a.atttypid)) OFFSET 0) a
        CROSS JOIN LATERAL (SELECT regexp_replace(clone_internal.named_word(a.attname), '_(key|code|slug|ref|no|number|name)$', '') AS word, clone_internal.snake(a.attname) AS whole) w
        WHERE (NOT d.elsewhere OR clone_internal.family(a.atttypid) = tenant.family AND clone_internal.plain(clone_internal.named_table(a.attname, false)) = clone_internal.plain(tenant.word))
          AND NOT EXISTS (SELECT FROM clone.store_relation k WHERE k.store = ask_about_tenants.store AND k.relation = d.oid)
          AND NOT EXISTS (SELECT FROM clone.store_shared k WHERE k.store = ask_about_tenants.store AND k.relation = d.oid)
          AND NOT EXISTS (SELECT FROM clone_internal.reaching(ask_about_tenants.store) k WHERE k.relation = d.oid)
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = d.oid AND f.conkey = ARRAY[a.attnum])
          AND (w.word IN (tenant.word, 'tenant', 'org', 'organisation', 'organization', 'account', 'company', 'workspace', 'team', 'customer', 'client', 'site', 'realm', 'owner', 'belongs_to')
               OR w.word LIKE E'%\\_' || tenant.word OR tenant.word LIKE E'%\\_' || w.word OR tenant.name LIKE E'%\\_' || w.word
               -- tid, oid; org for organisation.
               OR w.whole = left(tenant.word, 1) || 'id' OR w.whole IN ('tid', 'tenantid') OR clone_internal.table_match(a.attname, tenant.word) < 3 OR length(w.word) >= 2 AND tenant.word LIKE w.word || '%' AND w.word NOT IN ('id'))
        ORDER BY d.oid, a.attnum
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM clone.store_question q WHERE q.store = ask_about_tenants.store AND q.relation = c.relation);
        -- The tenant's id, or another unique value of it, such as a slug.
        key_found := -1;
        FOR k IN SELECT n.name, n.is_id FROM clone_internal.naming_columns(ask_about_tenants.store) n
                 WHERE n.role = 'project' AND (n.family = c.family OR c.family IN ('text', '')) ORDER BY n.is_id DESC, n.name LOOP
            EXECUTE format('SELECT count(*), count(*) FILTER (WHERE EXISTS (SELECT FROM %s AS k WHERE %s))
                FROM (SELECT %s AS x FROM %s AS t WHERE t.%I IS NOT NULL AND lower(%3$s) <> ALL (clone_internal.in_place_of_null()) ORDER BY hashint8(row_number() OVER ()) LIMIT 500) s',
                tenant.relation, clone_internal.equals_text('k', tenant.relation, k.name, 's.x'), clone_internal.column_text('t', c.relation, c.name),
                clone_internal.spread(c.relation, quote_ident(c.name), 50000), c.name) INTO seen, found;
            IF found > key_found THEN
                key := k.name;
                key_is_id := k.is_id;
                key_found := found;
            END IF;
        END LOOP;
        CONTINUE WHEN key_found < 0 OR seen = 0 AND NOT c.exact OR seen > key_found AND NOT (c.exact AND c.looked_at AND key_found > 0);
        -- Users of several tenants, one of which is in use: current_team_id.
        IF key_is_id AND clone_internal.one_of_several(c.relation, c.name) THEN
            SELECT * INTO several FROM clone_internal.other_tenants(tenant.relation, tenant.id_column, c.relation, c.name);
            IF several.rows > 0 THEN
                PERFORM clone_internal.ask(ask_about_tenants.store, c.relation, c.name, '', 'error',
                    format('%s.%I looks like the tenant that a row uses now: %s names another one for %s of the rows. Do all projects share them? Otherwise those of the tenant in the column are cloned', c.relation, c.name, several.link, several.rows),
                    format('SELECT clone.store_shared(%L, %L);', ask_about_tenants.store, c.relation),
                    clone_internal.tenant_call(ask_about_tenants.store, c.relation, c.name, tenant.relation, key, true));
                CONTINUE;
            END IF;
        END IF;
        PERFORM clone_internal.ask(ask_about_tenants.store, c.relation, c.name, '', CASE WHEN seen = 0 THEN 'warning' ELSE 'error' END,
            CASE WHEN seen = 0 THEN format('%s.%I looks like the tenant by its name, and the table is empty', c.relation, c.name)
                 WHEN key_is_id THEN format('%s.%I looks like the tenant: %s of %s values that were looked at are keys of %s. Its rows are not cloned', c.relation, c.name, key_found, seen, tenant.relation)
                 ELSE format('%s.%I looks like the tenant: %s of %s values that were looked at are in %I of %s. Its rows are not cloned', c.relation, c.name, key_found, seen, key, tenant.relation) END || clone_internal.computed_key(tenant.relation, key)
                || CASE WHEN c.as_key OR key_is_id AND c.holds_id THEN '' ELSE format('. Its type is not that of a key: give it the type of %I, and check again', key) END,
            CASE WHEN c.as_key OR key_is_id AND c.holds_id THEN clone_internal.tenant_call(ask_about_tenants.store, c.relation, c.name, tenant.relation, key, key_is_id) END,
            format('SELECT clone.store_shared(%L, %L);', ask_about_tenants.store, c.relation));
    END LOOP;
    -- A described tenant column that holds something else than the tenant's key.
    FOR c IN
        SELECT o.relation, o.project_column AS name, clone_internal.other_tenant_key(ask_about_tenants.store, o.relation, o.project_column) AS key
        FROM clone.store_relation o JOIN pg_class d ON d.oid = o.relation AND d.relkind IN ('r', 'p')
        WHERE o.store = ask_about_tenants.store AND o.project_column IS NOT NULL AND o.role <> 'project'
          AND NOT EXISTS (SELECT FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attname = o.project_column
              WHERE f.contype = 'f' AND f.conrelid = o.relation AND a.attnum = ANY (f.conkey))
    LOOP
        CONTINUE WHEN c.key IS NULL;
        PERFORM clone_internal.ask(ask_about_tenants.store, c.relation, c.name, '', 'error',
            format('%s.%I is described as the tenant''s key and holds %I of %s: its rows are not cloned', c.relation, c.name, c.key, tenant.relation),
            format('SELECT clone.store_remove_table(%L, %L); ', ask_about_tenants.store, c.relation) || clone_internal.tenant_call(ask_about_tenants.store, c.relation, c.name, tenant.relation, c.key, false), NULL);
    END LOOP;
    -- Tenants below tenants.
    FOR c IN
        SELECT a.attname AS name FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
        WHERE f.contype = 'f' AND f.conrelid = tenant.relation AND f.confrelid = tenant.relation AND cardinality(f.conkey) = 1 AND f.conkey[1] <> tenant.attnum
          AND NOT clone_internal.answered(ask_about_tenants.store, tenant.relation, a.attname, '')
    LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %s AS t WHERE t.%I IS NOT NULL AND t.%2$I IS DISTINCT FROM t.%I LIMIT 100000) s', tenant.relation, c.name, tenant.id_column) INTO seen;
        PERFORM clone_internal.ask(ask_about_tenants.store, tenant.relation, c.name, '', CASE WHEN seen > 0 THEN 'error' ELSE 'warning' END,
            format('%s.%I names another tenant (%s rows): a clone stands beside its source, and the tenants below it are not cloned', tenant.relation, c.name, seen),
            format('SELECT clone.store_column(%L, %L, %L, ''keep'');', ask_about_tenants.store, tenant.relation, c.name),
            format('SELECT clone.store_column(%L, %L, %L, ''null'');', ask_about_tenants.store, tenant.relation, c.name));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_tenants(text) IS 'Records questions about columns that hold the tenant in undescribed tables, and about tenants of tenants';
