-- Nested sets: rows of a tree have numbers between those of their parents. Numbered over the rows of all tenants, a copy of the numbers lies
-- between those of the source's rows, and who asks for what is below a row finds rows of both.

-- Pairs of columns with such names. sure: nothing else is called so.
CREATE FUNCTION clone_internal.nested_set_columns(store text) RETURNS TABLE (relation regclass, lower name, upper name, sure boolean)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH bounds AS MATERIALIZED (
        SELECT r.relation, a.attname AS name, m.word
        FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p')
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        JOIN clone.store_column c ON c.store = $1 AND c.relation = r.relation AND c.name = a.attname AND c.role = 'keep' AND c.reason IS DISTINCT FROM 'set by hand'
        CROSS JOIN LATERAL (SELECT regexp_match(ltrim(clone_internal.snake(a.attname), '_'), '^((?:.*_)?(?:n|tree|node|set|path|nested|cat)?)(lft|left|rgt|rght|right|lb|rb|l|r)((?:_(?:value|key|bound|boundary|index|idx|no|nr|number|edge|node|pos|position))?)$') AS word) m
        WHERE r.store = $1 AND r.role IN ('resource', 'derived') AND r.cloned AND m.word IS NOT NULL AND clone_internal.family(a.atttypid) IN ('int', 'numeric')
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
          AND NOT clone_internal.answered($1, r.relation, a.attname, '')
          AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND d."column" = a.attname)
    )
    SELECT l.relation, l.name, u.name, l.word[2] = 'lft'
    FROM bounds l JOIN bounds u ON u.relation = l.relation AND u.word[1] = l.word[1] AND u.word[3] = l.word[3]
     AND u.word[2] = ANY (CASE l.word[2] WHEN 'lft' THEN '{rgt,rght,right}' WHEN 'left' THEN '{right}' WHEN 'lb' THEN '{rb}' WHEN 'l' THEN '{r}' ELSE '{}' END::text[])
    -- Beside the number of the tree, which a clone gets a new one of.
    WHERE NOT EXISTS (SELECT FROM clone.store_column c WHERE c.store = $1 AND c.relation = l.relation AND c.name ~* '^tree_?(id|no|number|key)?$' AND c.role = 'expression')
      AND NOT EXISTS (
        SELECT FROM clone.store_relation r JOIN pg_index i ON i.indrelid = r.relation AND i.indisunique JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.project_column AND a.attnum = ANY (i.indkey::int2[])
        JOIN pg_attribute b ON b.attrelid = r.relation AND b.attname IN (l.name, u.name) AND b.attnum = ANY (i.indkey::int2[])
        WHERE r.store = $1 AND r.relation = l.relation)
$$;
COMMENT ON FUNCTION clone_internal.nested_set_columns(text) IS 'Pairs of columns that by their names and types are the bounds of nested sets, of which a clone would get the source''s';

-- How the bounds are numbered: "tenant" per tenant or per tree, "all" over all tenants, "one" if only one has rows, "within" over all tenants and
-- within rows of others. NULL: they are no bounds.
CREATE FUNCTION clone_internal.nested_set_numbering(store text, relation regclass, lower name, upper name, sure boolean) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant text := clone_internal.tenant_sql(store, relation, 't');
    found record;
    scope name;
    shared boolean;
BEGIN
    IF tenant LIKE '%.ctid::text' THEN
        RETURN NULL;
    END IF;
    EXECUTE format($q$
        WITH row AS MATERIALIZED (SELECT (%1$s) COLLATE "C" AS tenant, t.%3$I AS l, t.%4$I AS u FROM %2$s AS t WHERE t.%3$I IS NOT NULL AND t.%4$I IS NOT NULL),
        first AS MATERIALIZED (SELECT * FROM row r ORDER BY r.tenant, r.l LIMIT 500),
        bound AS MATERIALIZED (SELECT r.tenant, b FROM row r CROSS JOIN LATERAL unnest(ARRAY[r.l, r.u]) b WHERE r.tenant IS NOT NULL)
        SELECT count(*) AS rows, count(DISTINCT r.tenant) AS tenants, bool_and(r.l < r.u) AS rising,
               EXISTS (SELECT FROM first a JOIN first b ON b.tenant IS NOT DISTINCT FROM a.tenant AND a.l < b.l AND b.l < a.u AND a.u < b.u) AS crossing,
               EXISTS (SELECT FROM first a JOIN first b ON b.tenant IS NOT DISTINCT FROM a.tenant AND a.l < b.l AND b.u < a.u) OR bool_and(r.u = r.l + 1) AS nested,
               EXISTS (SELECT FROM bound o GROUP BY o.b HAVING count(*) > 1) AS repeated,
               EXISTS (SELECT FROM first a JOIN row b ON b.tenant IS DISTINCT FROM a.tenant AND a.tenant IS NOT NULL AND b.l < a.l AND a.u < b.u) AS within
        FROM row r$q$, tenant, clone_internal.spread(relation, '*', 20000), lower, upper) INTO found;
    IF found.rows < 2 OR found.tenants = 0 OR found.rising IS NOT TRUE OR NOT sure AND (found.crossing OR NOT found.nested) THEN
        RETURN NULL;
    END IF;
    IF found.tenants = 1 THEN
        RETURN CASE WHEN found.repeated THEN 'tenant' ELSE 'one' END;
    END IF;
    IF NOT found.repeated THEN
        RETURN CASE WHEN found.within THEN 'within' ELSE 'all' END;
    END IF;
    -- Numbered for each value of a column that rows of several tenants have.
    FOR scope IN
        SELECT a.attname FROM pg_attribute a
        WHERE a.attrelid = nested_set_numbering.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN (lower, upper)
          AND (clone_internal.family(a.atttypid) IN ('int', 'text') OR a.atttypid = 'boolean'::regtype OR EXISTS (SELECT FROM pg_type e WHERE e.oid = a.atttypid AND e.typtype = 'e'))
          AND clone_internal.snake(a.attname) ~ '(^|_)(type|kind|scope|tree|root|model|class|category|group|set|menu|taxonomy|entity|lang|language|locale|site)(_id)?$'
    LOOP
        EXECUTE format($q$
            WITH row AS MATERIALIZED (SELECT (%1$s) COLLATE "C" AS tenant, t.%5$I::text COLLATE "C" AS scope, t.%3$I AS l FROM %2$s AS t WHERE t.%3$I IS NOT NULL)
            SELECT NOT EXISTS (SELECT FROM row r WHERE r.tenant IS NOT NULL GROUP BY r.scope, r.l HAVING count(*) > 1) AND EXISTS (SELECT FROM row r GROUP BY r.scope HAVING count(DISTINCT r.tenant) > 1)$q$,
            tenant, clone_internal.spread(relation, '*', 20000), lower, upper, scope) INTO shared;
        IF shared THEN
            RETURN 'all';
        END IF;
    END LOOP;
    RETURN 'tenant';
END
$$;
COMMENT ON FUNCTION clone_internal.nested_set_numbering(text, regclass, name, name, boolean) IS 'How the bounds of nested sets are numbered: over all tenants, within rows of others, per tenant; NULL if they are no bounds';

-- Numbers above all that exist keep what is below what.
CREATE FUNCTION clone_internal.nested_set_call(store text, relation regclass, lower name, upper name) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT string_agg(format('SELECT clone.store_column(%L, %L, %L, ''expression'', value => %L);', $1, $2, c, format('(SELECT pg_catalog.max(m.%I) FROM %s AS m) OPERATOR(pg_catalog.+) %I', $4, $2, c)), ' ' ORDER BY n)
    FROM unnest(ARRAY[$3, $4]) WITH ORDINALITY AS u (c, n)
$$;
COMMENT ON FUNCTION clone_internal.nested_set_call(text, regclass, name, name) IS 'The calls that number the nested sets of a clone above all others';

CREATE FUNCTION clone_internal.ask_about_nested_sets(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    s record;
    numbering text;
    above text;
    keep text;
BEGIN
    FOR s IN SELECT n.* FROM clone_internal.nested_set_columns($1) n ORDER BY n.relation::oid, n.lower LOOP
        numbering := clone_internal.nested_set_numbering($1, s.relation, s.lower, s.upper, s.sure);
        CONTINUE WHEN numbering IS NULL OR numbering = 'tenant';
        above := clone_internal.nested_set_call($1, s.relation, s.lower, s.upper);
        keep := clone_internal.keep_call($1, s.relation, s.lower, '') || ' ' || clone_internal.keep_call($1, s.relation, s.upper, '');
        DELETE FROM clone.store_question q WHERE q.store = $1 AND q.relation = s.relation AND q."column" IN (s.lower, s.upper) AND q.path = '';
        PERFORM clone_internal.ask($1, s.relation, s.lower, '', 'error',
            format('%s.%I and %I number a tree', s.relation, s.lower, s.upper) || CASE numbering
                WHEN 'one' THEN ', of which one tenant has all rows: with the source''s numbers, those of a clone lie between them, unless each tenant has a numbering of its own. Numbers above all others are right in both cases'
                WHEN 'within' THEN ' over the rows of all tenants, and those of a tenant lie within rows that are not cloned: with the source''s numbers, those of a clone lie between the source''s. Number the tree anew after each clone, and give the rows numbers above all others until then, or let new numbers be made by an SQL expression, clone.store_column(…, ''expression'', value => …)'
                ELSE ' over the rows of all tenants: with the source''s numbers, the rows of a clone lie between those of the source' END,
            CASE WHEN numbering <> 'within' THEN above END, CASE WHEN numbering = 'within' THEN above ELSE keep END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_nested_sets(text) IS 'Records questions about trees whose nested sets are numbered over the rows of all tenants';
