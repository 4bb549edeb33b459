-- Rows that belong to nobody though they name rows of a tenant: a note without a team on a post of a team.

-- Whether constraints say that each row of a table belongs to a tenant: through keys that may not be empty, up to the tenant.
CREATE FUNCTION clone_internal.always_owned(store text, relation regclass, depth int DEFAULT 0) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    r clone.store_relation;
BEGIN
    SELECT * INTO r FROM clone.store_relation o WHERE o.store = $1 AND o.relation = $2;
    IF r.role = 'project' THEN
        RETURN true;
    ELSIF depth > 12 OR NOT EXISTS (SELECT FROM pg_attribute a JOIN pg_constraint f ON f.contype = 'f' AND f.conrelid = $2 AND a.attnum = ANY (f.conkey)
                                    WHERE a.attrelid = $2 AND a.attname IN (r.project_column, r.join_column)
                                      AND NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = $2 AND o.attnum = ANY (f.conkey) AND NOT o.attnotnull)) THEN
        RETURN false;
    END IF;
    RETURN r.project_column IS NOT NULL OR (SELECT bool_and(clone_internal.always_owned($1, p, depth + 1)) FROM unnest(r.parents) p WHERE p <> $2);
END
$$;
COMMENT ON FUNCTION clone_internal.always_owned(text, regclass, int) IS 'Whether constraints say that each row of a table belongs to a tenant';

-- The condition that a row belongs to no tenant, as SQL: it names no row, or only rows that belong to none themselves.
CREATE FUNCTION clone_internal.unowned_sql(store text, relation regclass, alias text, depth int DEFAULT 0) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    r clone.store_relation;
    above text := alias || '_';
    ways text;
BEGIN
    SELECT * INTO r FROM clone.store_relation o WHERE o.store = $1 AND o.relation = $2;
    IF r.role = 'project' THEN
        RETURN 'false';
    ELSIF r.project_column IS NOT NULL OR r.join_column IS NULL OR depth > 4 OR (SELECT bool_and(clone_internal.always_owned($1, p)) FROM unnest(r.parents) p) THEN
        RETURN clone_internal.without_owner($1, $2, $3, '[]');
    END IF;
    SELECT string_agg(format('NOT EXISTS (SELECT FROM %s AS %s WHERE %s AND (%s) IS NOT TRUE)', w.parent, above, w.same, COALESCE(clone_internal.unowned_sql($1, w.parent, above, depth + 1), 'false')), ' AND ') INTO ways
    FROM (SELECT p AS parent, clone_internal.names_parent($1, $2, alias, p, above) AS same
          FROM unnest(r.parents) p
          WHERE p <> $2
          UNION ALL
          SELECT m.parent, (SELECT string_agg(clone_internal.equality_sql(alias, $2, u.own, above, m.parent, u.other), ' AND ' ORDER BY u.n) FROM unnest(m.columns, m.parent_columns) WITH ORDINALITY AS u (own, other, n))
              || CASE WHEN m.condition IS NOT NULL THEN format(E' AND (SELECT %s\n FROM (SELECT %s.*) AS o)', m.condition, alias) ELSE '' END
          FROM clone.store_membership m WHERE m.store = $1 AND m.relation = $2 AND m.parent <> $2
            AND NOT EXISTS (SELECT FROM unnest(m.parent_columns) n JOIN pg_attribute a ON a.attrelid = m.parent AND a.attname = n AND clone_internal.family(a.atttypid) LIKE '%[]')) w
    WHERE w.same IS NOT NULL;
    RETURN COALESCE(ways, clone_internal.without_owner($1, $2, $3, '[]'));
END
$$;
COMMENT ON FUNCTION clone_internal.unowned_sql(text, regclass, text, int) IS 'The condition that a row of a store''s table belongs to no tenant, as SQL';

-- The condition that a row of a store's table belongs to a tenant, as SQL.
CREATE FUNCTION clone_internal.owned_sql(store text, relation regclass, alias text) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant text := clone_internal.tenant_sql(store, relation, alias);
BEGIN
    IF EXISTS (SELECT FROM clone.store_relation r WHERE r.store = owned_sql.store AND r.relation = owned_sql.relation AND r.role = 'project') THEN
        RETURN 'true';
    ELSIF tenant NOT LIKE '%.ctid::text' AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = owned_sql.store AND m.relation = owned_sql.relation) THEN
        -- An empty text is no tenant: channels of no team.
        RETURN format($s$COALESCE(lower((%s)::text), '') <> ALL (clone_internal.in_place_of_null())$s$, tenant);
    END IF;
    RETURN COALESCE('(' || clone_internal.unowned_sql(store, relation, alias) || ') IS NOT TRUE', 'true');
END
$$;
COMMENT ON FUNCTION clone_internal.owned_sql(text, regclass, text) IS 'The condition that a row of a store''s table belongs to a tenant, as SQL';

CREATE TYPE clone_internal.naming_way AS (relation regclass, columns text[], parent regclass, others text[], condition text, person boolean, place bigint);

-- Columns by which rows of a store's tables name rows of its other tables: foreign keys, declared references, UUIDs that are named after a
-- table. Those that may not be empty come first; who wrote a row comes last.
CREATE FUNCTION clone_internal.naming_ways(store text) RETURNS SETOF clone_internal.naming_way
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH keys AS MATERIALIZED (
        SELECT r.relation, r.id_column, clone_internal.table_word(c.relname) AS word
        FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation JOIN pg_attribute k ON k.attrelid = r.relation AND k.attname = r.id_column AND k.atttypid NOT IN (20, 21, 23, 25, 1043)
        WHERE r.store = $1 AND clone_internal.family(k.atttypid) = 'uuid'
    ), uuids AS MATERIALIZED (
        SELECT r.relation, a.attname, clone_internal.named_table(a.attname, false) AS word
        FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.attname IS DISTINCT FROM r.id_column
         AND (a.atttypid = 2950 OR a.atttypid >= 16384)
        WHERE r.store = $1 AND clone_internal.family(a.atttypid) = 'uuid'
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
    ), ways AS MATERIALIZED (
        SELECT r.relation, ARRAY(SELECT jsonb_array_elements_text(clone_internal.column_names(f.conrelid, f.conkey))) AS columns, f.confrelid::regclass AS parent,
               ARRAY(SELECT jsonb_array_elements_text(clone_internal.column_names(f.confrelid, f.confkey))) AS others, NULL::text AS condition
        FROM clone.store_relation r JOIN pg_constraint f ON f.contype = 'f' AND f.conrelid = r.relation AND f.confrelid <> f.conrelid AND f.conparentid = 0
        WHERE r.store = $1
        UNION
        SELECT d.relation, ARRAY[d."column"::text], d.target, ARRAY[d.target_column::text], d.condition FROM clone.store_reference d
        WHERE d.store = $1 AND d.form = 'column' AND d.target <> d.relation
        UNION
        SELECT u.relation, ARRAY[u.attname::text], k.relation, ARRAY[k.id_column::text], NULL FROM uuids u JOIN keys k ON k.word = u.word AND k.relation <> u.relation
    )
    SELECT w.*, o.person, row_number() OVER (PARTITION BY w.relation ORDER BY o.person, NOT o.filled, o.place, w.parent::oid, w.condition)
    FROM ways w
    JOIN clone.store_relation p ON p.store = $1 AND p.relation = w.parent
    JOIN pg_class c ON c.oid = w.parent AND c.relkind IN ('r', 'p')
    CROSS JOIN LATERAL (
        SELECT bool_and(a.attnotnull) AS filled, min(a.attnum) AS place,
               COALESCE(bool_or(clone_internal.snake(a.attname) ~ '(^|_)(created|updated|modified|deleted|closed|resolved|locked|uploaded|approved|archived|invited|assigned|changed|edited|entered|reviewed)_by(_|$)|(^|_)(creator|editor|updater|modifier|last_editor)(_|$)'), false) AS person
        FROM pg_attribute a WHERE a.attrelid = w.relation AND a.attname = ANY (w.columns)) o;
END
$$;
COMMENT ON FUNCTION clone_internal.naming_ways(text) IS 'Columns by which rows of a store''s tables name rows of its other tables';

-- The condition that a row names no tenant and no parent by the columns by which its table belongs, as SQL on the columns of the table.
CREATE FUNCTION clone_internal.empty_owner(store text, relation regclass) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(CASE
        WHEN a.attname = r.project_column OR EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = $2 AND a.attnum = ANY (f.conkey)) OR k.rows IS NULL THEN clone_internal.empty_key($1, $2, a.attname, NULL)
        ELSE format('(%s OPERATOR(pg_catalog.=) ANY (%s)) IS NOT TRUE', clone_internal.column_text(NULL, $2, a.attname), k.rows) END, ' AND ' ORDER BY a.attnum)
    FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname IN (r.project_column, r.join_column)
    CROSS JOIN LATERAL (
        SELECT string_agg(format('SELECT %s FROM %s AS k', clone_internal.column_text('k', p.relation, p.id_column), p.relation), ' UNION ALL ' ORDER BY p.relation::oid) AS rows
        FROM clone.store_relation p WHERE p.store = $1 AND p.id_column IS NOT NULL AND p.relation = ANY (r.parents)) k
    WHERE r.store = $1 AND r.relation = $2
      -- A row of the parent is there; whether it belongs to a tenant is another question.
      AND NOT (a.attnotnull AND EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = $2 AND a.attnum = ANY (f.conkey)
                                        AND NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = $2 AND o.attnum = ANY (f.conkey) AND NOT o.attnotnull)))
$$;
COMMENT ON FUNCTION clone_internal.empty_owner(text, regclass) IS 'The condition that a row names no tenant and no parent by the columns by which its table belongs, as SQL';

CREATE FUNCTION clone_internal.ask_about_ownerless(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    r record;
    w record;
    unowned text;
    empty text;
    rest text;
    named text;
    condition text;
    rows bigint;
    -- Those that hold a value that is no tenant, which is another project for a clone.
    placed bigint;
    total bigint;
    first_column text;
    names text;
    calls text;
    keep text;
    certain boolean;
    -- Further ways that are proposed: together they must not form a circle.
    proposed jsonb := '[]';
    ways clone_internal.naming_way[];
BEGIN
    FOR r IN
        SELECT o.relation, o.project_column, concat_ws(', ', quote_ident(o.project_column), quote_ident(o.join_column)) AS owner
        FROM clone.store_relation o JOIN pg_class c ON c.oid = o.relation AND c.relkind IN ('r', 'p')
        WHERE o.store = $1 AND o.role IN ('resource', 'derived')
          AND clone_internal.always_owned($1, o.relation) IS NOT TRUE
        ORDER BY o.relation::oid
    LOOP
        unowned := clone_internal.unowned_sql($1, r.relation, 't');
        CONTINUE WHEN unowned IS NULL;
        empty := clone_internal.empty_owner($1, r.relation);
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE %s)', clone_internal.spread(r.relation, '*', 100000), unowned) INTO certain;
        CONTINUE WHEN NOT certain;
        rest := unowned;
        total := 0;
        first_column := NULL;
        names := NULL;
        calls := '';
        certain := false;
        ways := COALESCE(ways, ARRAY(SELECT n FROM clone_internal.naming_ways($1) n));
        FOR w IN
            SELECT n.* FROM unnest(ways) n WHERE n.relation = r.relation
              -- Their rows are parts of these.
              AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = n.parent AND m.parent = r.relation)
              AND NOT EXISTS (SELECT FROM clone.store_relation p WHERE p.store = $1 AND p.relation = n.parent AND r.relation = ANY (p.parents))
            ORDER BY n.place
        LOOP
            named := format('EXISTS (SELECT FROM %s AS p WHERE %s AND %s%s)', w.parent,
                (SELECT string_agg(clone_internal.equality_sql('t', w.relation, u.own, 'p', w.parent, u.other), ' AND ' ORDER BY u.n) FROM unnest(w.columns, w.others) WITH ORDINALITY AS u (own, other, n)),
                clone_internal.owned_sql($1, w.parent, 'p'),
                CASE WHEN w.condition IS NOT NULL THEN format(E' AND (SELECT %s\n FROM (SELECT t.*) AS o)', w.condition) ELSE '' END);
            EXECUTE format('SELECT count(*), count(%s) FROM %s AS t WHERE %s AND %s', COALESCE('t.' || quote_ident(r.project_column), 'NULL'), clone_internal.spread(r.relation, '*', 100000), rest, named) INTO rows, placed;
            CONTINUE WHEN rows = 0;
            total := total + rows;
            first_column := COALESCE(first_column, w.columns[1]);
            names := concat_ws(', ', names, (SELECT string_agg(quote_ident(n), ', ') FROM unnest(w.columns) n));
            certain := certain OR NOT w.person;
            rest := concat_ws(' AND ', rest, 'NOT ' || named);
            IF placed > 0 OR clone_internal.belongs_through($1, w.parent, r.relation, proposed) THEN
                calls := NULL;
            ELSE
                proposed := proposed || jsonb_build_array(jsonb_build_array(r.relation::oid::bigint, w.parent::oid::bigint));
                -- A row that names a tenant stays with that.
                condition := concat_ws(' AND ', CASE WHEN w.condition IS NOT NULL THEN format('(%s)', w.condition) END, empty);
                calls := calls || format('SELECT clone.store_belongs(%L, %L, %L, %L, %L', $1, r.relation, w.columns, w.parent, w.others)
                    || CASE WHEN condition <> '' THEN format(', condition => %L', condition) ELSE '' END || '); ';
            END IF;
        END LOOP;
        CONTINUE WHEN total = 0 OR clone_internal.answered($1, r.relation, first_column::name, '$unowned');
        keep := format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, r.relation, first_column, '$unowned');
        PERFORM clone_internal.ask($1, r.relation, first_column::name, '$unowned', CASE WHEN certain THEN 'error' ELSE 'warning' END,
            format('%s rows of %s belong to no tenant%s and name rows of tenants by %s: they are not cloned', total, r.relation, CASE WHEN r.owner <> '' THEN format(', as %s names none,', r.owner) ELSE '' END, names)
                || CASE WHEN calls IS NOT NULL THEN '' WHEN r.owner <> '' THEN format('. Set %s in them', r.owner) ELSE '. They cannot, because those rows belong through rows of this table' END,
            CASE WHEN calls IS NULL AND r.owner = '' THEN keep ELSE rtrim(calls) END, CASE WHEN calls IS NOT NULL OR r.owner <> '' THEN keep END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_ownerless(text) IS 'Records questions about rows that belong to nobody though they name rows of tenants';

-- Tables that may hold rows which belong to nobody, and about which nothing is asked: unowned is the condition on a row p, as SQL.
CREATE FUNCTION clone_internal.tables_with_unowned_rows(store text) RETURNS TABLE (relation regclass, id_column name, unowned text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT o.relation, o.id_column, u.unowned
    FROM clone.store_relation o JOIN pg_class c ON c.oid = o.relation AND c.relkind IN ('r', 'p')
    CROSS JOIN LATERAL (SELECT clone_internal.unowned_sql($1, o.relation, 'p') AS unowned) u
    WHERE o.store = $1 AND o.role IN ('resource', 'derived') AND o.id_column IS NOT NULL AND u.unowned IS NOT NULL
      AND clone_internal.always_owned($1, o.relation) IS NOT TRUE AND NOT clone_internal.answered($1, o.relation, o.id_column, '$unowned')
      AND clone_internal.has_persons(clone_internal.table_word(c.relname)) < 2
      AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = o.relation AND q.path IN ('$unowned', '$owned', '$rows', '$no_owner'))
$$;
COMMENT ON FUNCTION clone_internal.tables_with_unowned_rows(text) IS 'Tables that may hold rows which belong to nobody';

-- How many rows of a table that belong to nobody are named, and whether rows of one tenant only name each of them, which is no chance. uses:
-- a query for the key x and the tenant of a row that names it; same: that x is the key of a row p.
CREATE FUNCTION clone_internal.named_by_one_tenant(relation regclass, unowned text, uses text, same text, OUT rows bigint, OUT by_one boolean)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Rows that several tenants name are those of all. So may few be that each a row names.
    EXECUTE format('WITH u AS MATERIALIZED (SELECT u.x, u.tenant FROM (%1$s) u JOIN %2$s AS p ON %3$s WHERE u.tenant IS NOT NULL AND %4$s), n AS (
            SELECT count(*) AS rows, sum(n.times) AS named, max(n.tenants) AS most, count(DISTINCT n.tenant) AS tenants, count(*) FILTER (WHERE n.times > 1) AS repeated,
                   (SELECT sum(s.uses ^ 2) / sum(s.uses) ^ 2 FROM (SELECT count(*) AS uses FROM u GROUP BY u.tenant) s) AS same_by_chance
            FROM (SELECT u.x, count(*) AS times, count(DISTINCT u.tenant) AS tenants, min(u.tenant) AS tenant FROM u GROUP BY u.x) n)
        SELECT n.rows, COALESCE(n.most = 1 AND n.tenants > 1 AND (n.named = n.rows OR n.repeated >= 8 AND n.same_by_chance ^ LEAST(n.repeated, 40) < 0.01), false) FROM n',
        uses, relation, same, unowned) INTO rows, by_one;
END
$$;
COMMENT ON FUNCTION clone_internal.named_by_one_tenant(regclass, text, text, text) IS 'Whether rows of one tenant only name each of those rows of a table that belong to nobody';

-- Rows that belong to nobody and that rows of tenants name, each those of one tenant only: the addresses of orders beside those of users.
-- Whether all of these rows hold a value in a column about which a question is open: its answer may say whose they are.
CREATE FUNCTION clone_internal.has_open_owner(store text, relation regclass, unowned text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    q record;
    empty boolean;
BEGIN
    FOR q IN SELECT o."column" FROM clone.store_question o WHERE o.store = $1 AND o.relation = $2 AND o.path = '' AND o.severity = 'error' AND clone_internal.says_id(o."column") ORDER BY 1 LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS p WHERE %s AND p.%I IS NULL)', clone_internal.spread(relation, '*', 50000), unowned, q."column") INTO empty;
        IF NOT empty THEN
            RETURN true;
        END IF;
    END LOOP;
    RETURN false;
END
$$;
COMMENT ON FUNCTION clone_internal.has_open_owner(text, regclass, text) IS 'Whether rows without an owner all have a key about which a question is open';

CREATE FUNCTION clone_internal.ask_about_named_ownerless(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    r record;
    empty text;
    found record;
    project regclass := (SELECT r.relation FROM clone.store_relation r WHERE r.store = $1 AND r.role = 'project');
    tenants bigint;
    ways clone_internal.naming_way[] := ARRAY(SELECT n FROM clone_internal.naming_ways($1) n);
    -- Ways that other questions propose: together they must not form a circle.
    proposed jsonb := (SELECT COALESCE(jsonb_agg(jsonb_build_array(w.relation::oid::bigint, w.parent::oid::bigint)), '[]') FROM unnest(ways) w JOIN clone.store_question q ON q.store = $1 AND q.relation = w.relation AND q.path = '$unowned'
        WHERE strpos(q.answer, format('clone.store_belongs(%L, %L, %L, %L,', $1, w.relation, w.columns, w.parent)) > 0);
BEGIN
    -- The row that a tenant names, such as the address or the partner that the tenant is: if no other tenant names the same, it is a part of it.
    FOR r IN
        SELECT o.relation, o.id_column, o.unowned, n.* FROM clone_internal.tables_with_unowned_rows($1) o JOIN pg_class k ON k.oid = o.relation
        CROSS JOIN LATERAL (
            SELECT 'SELECT DISTINCT * FROM (' || string_agg(format('SELECT %s AS x, %s AS tenant FROM %s AS t WHERE t.%I IS NOT NULL', clone_internal.column_text('t', w.relation, w.columns[1]), clone_internal.column_text('t', w.relation, p.id_column),
                       clone_internal.spread(w.relation, '*', 50000), w.columns[1]), ' UNION ALL ' ORDER BY w.columns) || ') u' AS uses,
                   string_agg(format('SELECT clone.store_belongs(%L, %L, %L, %L, %L', $1, o.relation, w.others, w.relation, w.columns), '|' ORDER BY w.columns) AS calls,
                   string_agg(format('%s.%I', w.relation, w.columns[1]), ', ' ORDER BY w.columns) AS names
            FROM unnest(ways) w JOIN clone.store_relation p ON p.store = $1 AND p.relation = w.relation AND p.role = 'project'
            WHERE w.parent = o.relation AND cardinality(w.columns) = 1 AND w.others = ARRAY[o.id_column::text] AND w.condition IS NULL AND NOT w.person) n
        -- Few tenants' tables name rows of others.
        WHERE EXISTS (SELECT FROM unnest(ways) w WHERE w.relation = project) AND n.uses IS NOT NULL AND NOT clone_internal.names_lookup(clone_internal.table_word(k.relname)) AND NOT clone_internal.has_open_owner($1, o.relation, o.unowned)
        ORDER BY o.relation::oid
    LOOP
        found := clone_internal.named_by_one_tenant(r.relation, r.unowned, r.uses, clone_internal.equals_text('p', r.relation, r.id_column, 'u.x'));
        IF found.by_one IS NOT TRUE AND found.rows > 0 THEN
            -- Where there is one tenant, nothing says that others would not name the same.
            EXECUTE format('SELECT count(*) FROM (SELECT FROM %s LIMIT 2) AS t', project) INTO tenants;
        END IF;
        CONTINUE WHEN found.by_one IS NOT TRUE AND (found.rows = 0 OR tenants > 1);
        empty := clone_internal.empty_owner($1, r.relation);
        PERFORM clone_internal.ask($1, r.relation, r.id_column, '$unowned', CASE WHEN found.by_one THEN 'error' ELSE 'warning' END,
            format('%s rows of %s belong to no tenant, and one tenant only names each of them by %s, as if it were a part of that: they are not cloned, and the clone names the source''s', found.rows, r.relation, r.names),
            (SELECT string_agg(x || CASE WHEN empty <> '' THEN format(', condition => %L', empty) ELSE '' END || ');', ' ') FROM unnest(string_to_array(r.calls, '|')) x),
            format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, r.relation, r.id_column, '$unowned'));
    END LOOP;
    FOR r IN
        SELECT o.relation, o.id_column, o.unowned, n.uses, n.calls, n.names FROM clone_internal.tables_with_unowned_rows($1) o
        CROSS JOIN LATERAL (
            SELECT string_agg(format('SELECT %s AS x, %s AS tenant FROM %s AS t WHERE t.%I IS NOT NULL', clone_internal.column_text('t', w.relation, w.columns[1]), clone_internal.tenant_sql($1, w.relation, 't'),
                       clone_internal.spread(w.relation, CASE WHEN clone_internal.tenant_sql($1, w.relation, 't') LIKE '%.ctid::text' THEN '*, ctid' ELSE '*' END, 50000), w.columns[1]), ' UNION ALL ' ORDER BY w.relation::oid, w.columns) AS uses,
                   string_agg(format('SELECT clone.store_belongs(%L, %L, %L, %L, %L', $1, o.relation, w.others, w.relation, w.columns), '|' ORDER BY w.relation::oid, w.columns) AS calls,
                   string_agg(format('%s.%I', w.relation, w.columns[1]), ', ' ORDER BY w.relation::oid, w.columns) AS names
            FROM unnest(ways) w
            WHERE w.parent = o.relation AND w.relation <> o.relation AND cardinality(w.columns) = 1 AND w.others = ARRAY[o.id_column::text] AND w.condition IS NULL AND NOT w.person
              AND NOT clone_internal.belongs_through($1, w.relation, o.relation, proposed)
              AND EXISTS (SELECT FROM clone.store_relation p WHERE p.store = $1 AND p.relation = w.relation AND p.role <> 'project')) n
        WHERE n.uses IS NOT NULL AND NOT clone_internal.has_open_owner($1, o.relation, o.unowned)
        ORDER BY o.relation::oid
    LOOP
        found := clone_internal.named_by_one_tenant(r.relation, r.unowned, r.uses, clone_internal.equals_text('p', r.relation, r.id_column, 'u.x'));
        CONTINUE WHEN found.rows < 8 OR NOT found.by_one;
        empty := clone_internal.empty_owner($1, r.relation);
        PERFORM clone_internal.ask($1, r.relation, r.id_column, '$unowned', 'error',
            format('%s rows of %s belong to no tenant, and rows of one tenant only name each of them by %s: they are not cloned', found.rows, r.relation, r.names),
            (SELECT string_agg(x || CASE WHEN empty <> '' THEN format(', condition => %L', empty) ELSE '' END || ');', ' ') FROM unnest(string_to_array(r.calls, '|')) x),
            format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, r.relation, r.id_column, '$unowned'));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_named_ownerless(text) IS 'Records questions about rows that belong to nobody and that rows of one tenant name';
