-- Numbers that are keys by chance: what other columns and documents of the same rows say.

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
    FOR n IN SELECT o."column", o.family, o.path, o.target::oid::regclass AS target, o.key FROM jsonb_to_recordset(named) AS o ("column" name, family text, path text, target bigint, key name) LOOP
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
            CASE WHEN n.path <> '' THEN format('jsonb_path_query(clone_internal.json_of(k.%I::text), unnest(%L::jsonpath[]), silent => true) #>> ''{}''', n."column",
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
