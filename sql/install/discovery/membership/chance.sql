-- Numbers that are keys by chance: what other columns and documents of the same rows say.

-- Columns of texts that all begin with the name of a table of the store and a key of it: order-5, /docs/7, doc:7#viewer@user:3. kinds: the names
-- as they are written.
CREATE FUNCTION clone_internal.outside_typed_texts(store text, places clone_internal.place[]) RETURNS TABLE (relation regclass, name name, target regclass, key name, kinds text[], keys bigint)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH typed AS MATERIALIZED (
        SELECT p.relation, p."column", m[1] AS kind, m[2] AS value, cardinality(p.vals) AS seen
        FROM unnest($2) p CROSS JOIN LATERAL unnest(p.vals) v CROSS JOIN LATERAL regexp_match(v, '^/?([A-Za-z][A-Za-z_]*)[:;/#|=@.~-]+([0-9]{1,18})(?![A-Za-z0-9_])') m
        WHERE p.path = '' AND p.family = 'text' AND p.vals[1] ~ '[0-9]' AND m IS NOT NULL
        UNION ALL
        -- Arguments of jobs: tenant_id=5&x=1, YAML with tenant_id: 5.
        SELECT p.relation, p."column", m[1], m[2], cardinality(p.vals)
        FROM unnest($2) p CROSS JOIN LATERAL unnest(p.vals) v
        CROSS JOIN LATERAL regexp_matches(left(v, 4000), '(?:^|[^A-Za-z0-9_])([A-Za-z][A-Za-z_]*?)(?:_id|Id|ID)["'']?[[:space:]]*(?:=>|[:=])[[:space:]]*["'']?([0-9]{1,18})(?![A-Za-z0-9_])', 'g') m
        WHERE p.path = '' AND p.family = 'text' AND p.vals[1] ~ '[0-9]' AND p.vals[1] ~ '(_id|Id|ID)'
    ), target AS MATERIALIZED (
        SELECT n.relation, n.name, n.family, clone_internal.type_names(n.relation) AS names FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.family IN ('int', 'text') AND EXISTS (SELECT FROM typed)
    ), kind AS MATERIALIZED (
        SELECT k.kind, t.relation, t.name, t.family FROM (SELECT DISTINCT o.kind FROM typed o) k JOIN target t ON lower(k.kind) = ANY (t.names) OR clone_internal.snake(k.kind) = ANY (t.names) OR lower(clone_internal.singular(k.kind)) = ANY (t.names)
    ), found AS MATERIALIZED (
        SELECT k.relation, f.value FROM (SELECT DISTINCT o.relation, o.name, o.family FROM kind o) k
        CROSS JOIN LATERAL clone_internal.keys_among(k.relation, k.name, k.family, ARRAY(SELECT DISTINCT o.value FROM typed o JOIN kind x ON x.kind = o.kind AND x.relation = k.relation)) f
    ), hit AS (
        SELECT o.relation, o."column", k.relation AS target, k.name AS key, array_agg(DISTINCT o.kind) AS kinds, count(*) AS keys, o.seen
        FROM typed o JOIN kind k ON k.kind = o.kind JOIN found f ON f.relation = k.relation AND f.value = o.value GROUP BY 1, 2, 3, 4, o.seen
    )
    SELECT h.relation, h."column", h.target, h.key, h.kinds, least(h.keys, h.seen) FROM hit h
    -- Keys of rows that were deleted, and of other tables.
    WHERE h.keys >= 3 AND 2 * h.keys >= h.seen
$$;
COMMENT ON FUNCTION clone_internal.outside_typed_texts(text, clone_internal.place[]) IS 'Columns of undescribed tables with texts that are the name of a table of the store and its key';

-- Whether columns and documents that are named after tables (named: their places and tables) give the rows the tenant that a column gives
-- them. false: some row gets another tenant, so the column holds keys by chance; true: rows of several tenants are compared, and all agree.
CREATE FUNCTION clone_internal.agrees_with_names(store text, relation regclass, "column" name, target regclass, key name, named jsonb) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    n record;
    own text := clone_internal.tenant_sql(store, target, 'c');
    theirs text;
    compared record;
    agrees boolean := false;
BEGIN
    IF own LIKE '%.ctid::text' THEN
        RETURN NULL;
    END IF;
    FOR n IN SELECT o."column", o.family, o.path, o.target::oid::regclass AS target, o.key, o.kinds FROM jsonb_to_recordset(named) AS o ("column" name, family text, path text, target bigint, key name, kinds text[]) LIMIT 40 LOOP
        CONTINUE WHEN n."column" = agrees_with_names."column" AND n.path = '';
        theirs := clone_internal.tenant_sql(store, n.target, 'e');
        CONTINUE WHEN theirs LIKE '%.ctid::text';
        -- A row may name several rows, of which one has the tenant.
        EXECUTE format('SELECT count(*) FILTER (WHERE NOT s.same) AS wrong, count(DISTINCT s.tenant) AS tenants FROM (
                SELECT r.tenant, bool_or(e.tenant = r.tenant) AS same
                FROM (SELECT ARRAY(SELECT x.x::text COLLATE "C" FROM (SELECT %6$s AS x) AS x) AS ids, c.tenant, row_number() OVER () AS line
                      FROM %1$s AS k JOIN (SELECT %2$s AS id, (%3$s)::text COLLATE "C" AS tenant FROM %4$s AS c) AS c ON c.id = %5$s) AS r
                CROSS JOIN LATERAL unnest(r.ids) AS x (id)
                JOIN (SELECT %7$s AS id, (%8$s)::text COLLATE "C" AS tenant FROM %9$s AS e) AS e ON e.id = x.id
                GROUP BY r.line, r.tenant) AS s',
            clone_internal.spread(relation, '*', 2000), clone_internal.column_text('c', target, key), own, target, clone_internal.column_text('k', relation, "column"),
            CASE WHEN n.kinds IS NOT NULL THEN format('(CASE WHEN substring(%1$s FROM ''^/?([A-Za-z_]+)'') = ANY (%2$L::text[]) THEN substring(%1$s FROM ''^/?[A-Za-z_]+[^A-Za-z0-9]+([0-9]+)'') END)', clone_internal.column_text('k', relation, n."column"), n.kinds)
                 WHEN n.path <> '' THEN format('jsonb_path_query(clone_internal.json_of(k.%I::text), unnest(%L::jsonpath[]), silent => true) #>> ''{}''', n."column",
                                               ARRAY(SELECT DISTINCT clone_internal.postgres_path(n.path, m) FROM unnest('{false,true}'::boolean[]) m))
                 WHEN n.family LIKE '%[]' THEN format('unnest(k.%I)::text', n."column") ELSE clone_internal.column_text('k', relation, n."column") END,
            clone_internal.column_text('e', n.target, n.key), theirs, n.target) INTO compared;
        IF compared.wrong > 0 THEN
            RETURN false;
        END IF;
        agrees := agrees OR compared.tenants > 1;
    END LOOP;
    RETURN NULLIF(agrees, false);
END
$$;
COMMENT ON FUNCTION clone_internal.agrees_with_names(text, regclass, name, regclass, name, jsonb) IS 'Whether what is named after tables gives the rows of a table the tenant that a column gives them; NULL: that is not known';
