-- The tenant of a row, by the columns by which its table belongs.

-- The tenant of a row as SQL, through its parents. A row of which the columns do not say it stands for itself.
CREATE FUNCTION clone_internal.tenant_sql(store text, relation regclass, alias text, depth int DEFAULT 0) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    r record;
    -- That the row names a row of its parent.
    same text;
    above text;
    -- By its parent.
    joined text;
BEGIN
    SELECT o.id_column, o.project_column, o.join_column, o.parents, o.role INTO r FROM clone.store_relation o WHERE o.store = tenant_sql.store AND o.relation = tenant_sql.relation;
    IF r.role = 'project' THEN
        RETURN clone_internal.column_text(alias, relation, r.id_column);
    ELSIF r.project_column IS NOT NULL THEN
        RETURN clone_internal.column_text(alias, relation, r.project_column);
    ELSIF r.join_column IS NOT NULL AND cardinality(r.parents) = 1 AND depth < 5 THEN
        -- A foreign key may refer to another unique column of the parent, or have several columns.
        SELECT clone_internal.names_parent(store, relation, alias, r.parents[1], format('a%s', depth)) INTO same
        FROM clone_internal.parent_key(store, relation, r.parents[1]) k
        WHERE cardinality(k.own) > 1 OR EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = tenant_sql.relation AND f.confrelid = r.parents[1]::oid AND clone_internal.column_names(f.conrelid, f.conkey) = jsonb_build_array(r.join_column))
           -- Keys may stand in texts.
           OR EXISTS (SELECT FROM pg_attribute a JOIN pg_attribute b ON clone_internal.family(a.atttypid) IN (clone_internal.family(b.atttypid), 'text')
                      WHERE a.attrelid = tenant_sql.relation AND a.attname = k.own[1] AND b.attrelid = r.parents[1] AND b.attname = k.others[1]);
        above := CASE WHEN same IS NOT NULL THEN clone_internal.tenant_sql(store, r.parents[1]::regclass, format('a%s', depth), depth + 1) END;
        IF above NOT LIKE '%.ctid::text' THEN
            joined := format('(SELECT %s FROM %s AS a%s WHERE %s LIMIT 1)', above, r.parents[1]::regclass, depth, same);
        END IF;
    END IF;
    -- Rows without a parent, or with one that belongs to nobody, may belong in another way.
    IF depth < 5 AND (r.join_column IS NULL OR joined IS NOT NULL AND depth < 2 AND NOT clone_internal.always_owned(store, relation)) THEN
        -- By the ways that are declared, such as both sides of a link table, or a type and a key.
        SELECT string_agg(format('(SELECT %s FROM %s AS a%s WHERE %s%s LIMIT 1)', w.above, m.parent, depth,
                   (SELECT string_agg(clone_internal.equality_sql(alias, tenant_sql.relation, c.own::text, format('a%s', depth), m.parent, c.theirs::text), ' AND ') FROM unnest(m.columns, m.parent_columns) AS c (own, theirs)),
                   -- Its columns have no alias.
                   CASE WHEN m.condition IS NOT NULL THEN format(' AND (SELECT %s FROM (SELECT %s.*) AS own_row)', m.condition, alias) ELSE '' END), ', ' ORDER BY m.id) INTO above
        FROM clone.store_membership m CROSS JOIN LATERAL (SELECT clone_internal.tenant_sql(tenant_sql.store, m.parent, format('a%s', depth), depth + 1) AS above) w
        WHERE m.store = tenant_sql.store AND m.relation = tenant_sql.relation AND m.parent <> m.relation AND w.above NOT LIKE '%.ctid::text';
        IF above IS NOT NULL THEN
            RETURN format('COALESCE(%s)', concat_ws(', ', joined, above));
        END IF;
    END IF;
    IF joined IS NOT NULL THEN
        RETURN joined;
    END IF;
    RETURN format('%s.ctid::text', alias);
END
$$;
COMMENT ON FUNCTION clone_internal.tenant_sql(text, regclass, text, int) IS 'The tenant of a row of a store''s table, as SQL; where the columns do not say it, the row itself';

-- Whether the rows that a column's values name have the same tenant. NULL: nothing says their tenants, or none is named.
CREATE FUNCTION clone_internal.of_same_tenant(store text, relation regclass, "column" name, target regclass) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    own text := clone_internal.tenant_sql(store, relation, 't');
    theirs text := clone_internal.tenant_sql(store, target, 'k');
    key name := (SELECT r.id_column FROM clone.store_relation r WHERE r.store = of_same_tenant.store AND r.relation = target);
    family text := (SELECT clone_internal.family(a.atttypid) FROM pg_attribute a WHERE a.attrelid = of_same_tenant.relation AND a.attname = of_same_tenant."column");
    same boolean;
BEGIN
    IF own LIKE '%.ctid::text' OR theirs LIKE '%.ctid::text' THEN
        RETURN NULL;
    END IF;
    -- Rows without a tenant may be those of any, and so may a key that rows of several tenants have.
    EXECUTE format('SELECT bool_and(v.same) FROM (SELECT bool_or(s.own COLLATE "C" = s.theirs COLLATE "C") AS same FROM (SELECT %s AS own, %s AS theirs, %s AS x FROM %s AS t %s JOIN %s AS k ON %s) s
        WHERE s.own <> ALL (clone_internal.in_place_of_null()) GROUP BY s.own, s.x) v', own, theirs, CASE WHEN family LIKE '%[]' THEN 'e.x::text' ELSE clone_internal.column_text('t', relation, "column") END,
        clone_internal.spread(relation, '*', 2000), CASE WHEN family LIKE '%[]' THEN format('CROSS JOIN LATERAL unnest(t.%I) AS e (x)', "column") ELSE '' END, target,
        CASE WHEN family LIKE '%[]' THEN clone_internal.equals_text('k', target, key, 'e.x::text') ELSE clone_internal.equality_sql('t', relation, "column", 'k', target, key) END) INTO same;
    RETURN same;
END
$$;
COMMENT ON FUNCTION clone_internal.of_same_tenant(text, regclass, name, regclass) IS 'Whether the rows that a column''s values name have the same tenant as the rows that name them; NULL: that is not known';
