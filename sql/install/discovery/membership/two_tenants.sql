-- Rows that name two tenants: a deal of a seller and a buyer, a photo in the album of another tenant, users of several teams.

-- Tables that tie rows of a table to tenants, as team_user does: their columns that name the tenant and the row.
CREATE FUNCTION clone_internal.links_to(tenants regclass, tenant_key name, relation regclass) RETURNS TABLE (link regclass, tenant_column name, row_column name, key name)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH own AS MATERIALIZED (
        SELECT clone_internal.table_word(c.relname) AS word, c.relnamespace, k.key, clone_internal.family(a.atttypid) AS family
        FROM pg_class c CROSS JOIN LATERAL (SELECT clone_internal.key_of($3) AS key) k JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = k.key WHERE c.oid = $3
    ), tenant AS MATERIALIZED (
        SELECT clone_internal.table_word(c.relname) AS word, c.relnamespace, clone_internal.family(a.atttypid) AS family FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = $2 WHERE c.oid = $1
    ), sides AS MATERIALIZED (
        SELECT f.conrelid AS oid, a.attnum, a.attname, f.confrelid = $1 AS names_tenant FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
        JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[1]
        WHERE f.contype = 'f' AND cardinality(f.conkey) = 1 AND f.conparentid = 0 AND (f.confrelid = $1 AND b.attname = $2 OR f.confrelid = $3 AND b.attname = (SELECT o.key FROM own o))
        UNION
        SELECT c.oid, a.attnum, a.attname, clone_internal.plain(w.word) = clone_internal.plain(t.word)
        FROM tenant t CROSS JOIN own o
        JOIN pg_class c ON c.relnamespace IN (t.relnamespace, o.relnamespace) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND (a.attname ~ '(_id|_uuid|_fk|Id|Uuid|Fk)$' OR clone_internal.folded_word(a.attname) IS NOT NULL)
         -- Quick, before the functions.
         AND (starts_with(lower(replace(a.attname, '_', '')), replace(t.word, '_', '')) OR starts_with(lower(replace(a.attname, '_', '')), replace(o.word, '_', '')))
        CROSS JOIN LATERAL (SELECT clone_internal.named_table(a.attname, false) AS word, clone_internal.family(a.atttypid) AS family) w
        WHERE (clone_internal.plain(w.word) = clone_internal.plain(t.word) AND w.family = t.family OR clone_internal.plain(w.word) = clone_internal.plain(o.word) AND w.family = o.family)
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = c.oid AND a.attnum = ANY (f.conkey))
    )
    SELECT DISTINCT ON (x.oid) x.oid::regclass, x.attname, y.attname, o.key
    FROM sides x JOIN sides y ON y.oid = x.oid AND y.attnum <> x.attnum AND x.names_tenant AND NOT y.names_tenant CROSS JOIN own o CROSS JOIN tenant t JOIN pg_class c ON c.oid = x.oid
    WHERE x.oid NOT IN ($1::oid, $3::oid)
      -- Each row is tied to a tenant once, or the name says so.
      AND (EXISTS (SELECT FROM pg_index u WHERE u.indrelid = x.oid AND u.indisunique AND u.indnkeyatts = 2 AND x.attnum = ANY (u.indkey::int2[]) AND y.attnum = ANY (u.indkey::int2[]))
           OR clone_internal.table_word(c.relname) IN (t.word || '_' || o.word, o.word || '_' || t.word, t.word || 's_' || o.word, o.word || 's_' || t.word)
           OR clone_internal.table_word(c.relname) ~ '(^|_)(member|membership|participant|participation|seat|affiliation)$')
    ORDER BY x.oid, x.attnum, y.attnum;
END
$$;
COMMENT ON FUNCTION clone_internal.links_to(regclass, name, regclass) IS 'Tables that tie rows of a table to tenants, and their columns';

-- The first table that ties rows of a table to other tenants than their column names, with the number of such rows.
CREATE FUNCTION clone_internal.other_tenants(tenants regclass, tenant_key name, relation regclass, "column" name) RETURNS TABLE (link regclass, rows bigint)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    l record;
BEGIN
    FOR l IN SELECT * FROM clone_internal.links_to(tenants, tenant_key, relation) ORDER BY 1 LOOP
        EXECUTE format('SELECT count(DISTINCT t.%1$I) FROM %2$s AS t JOIN %3$s AS l ON %4$s WHERE t.%5$I IS NOT NULL AND %6$s <> %7$s AND EXISTS (SELECT FROM %8$s AS k WHERE %9$s)',
            l.key, relation, clone_internal.spread(l.link, '*', 100000), clone_internal.equality_sql('l', l.link, l.row_column, 't', relation, l.key), "column",
            clone_internal.column_text('t', relation, "column"), clone_internal.column_text('l', l.link, l.tenant_column), tenants, clone_internal.equality_sql('l', l.link, l.tenant_column, 'k', tenants, tenant_key)) INTO rows;
        IF rows > 0 THEN
            link := l.link;
            RETURN NEXT;
            RETURN;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.other_tenants(regclass, name, regclass, name) IS 'The first table that ties rows of a table to other tenants than their column names';

-- Whether a tenant's column says by its name, or by being empty for some, that a row has one of several tenants in use: current_team_id.
CREATE FUNCTION clone_internal.one_of_several(relation regclass, "column" name) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT NOT a.attnotnull OR clone_internal.snake($2) ~ '(^|_)(current|default|active|last|latest|recent|selected|primary|main|preferred|home|favou?rite|initial|first|chosen)_'
    FROM pg_attribute a WHERE a.attrelid = $1 AND a.attname = $2
$$;
COMMENT ON FUNCTION clone_internal.one_of_several(regclass, name) IS 'Whether a tenant''s column may name one of several tenants of a row';

CREATE FUNCTION clone_internal.ask_about_two_tenants(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    tenant record;
    c record;
    found record;
    rows bigint;
    keep text;
    above text;
BEGIN
    SELECT r.relation, r.id_column, clone_internal.table_word(k.relname) AS word, clone_internal.family(a.atttypid) AS family INTO tenant
    FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p') JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column WHERE r.store = $1 AND r.role = 'project';
    IF tenant.relation IS NULL THEN
        RETURN;
    END IF;
    -- Two columns that name tenants.
    FOR c IN
        SELECT r.relation, r.project_column AS own, o.name
        FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p')
        CROSS JOIN LATERAL (
            SELECT a.attname AS name FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1] JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[1]
            WHERE f.contype = 'f' AND f.conrelid = r.relation AND f.confrelid = tenant.relation AND cardinality(f.conkey) = 1 AND f.conparentid = 0 AND b.attname = tenant.id_column
            UNION
            SELECT d."column" FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND d.target = tenant.relation AND d.target_column = tenant.id_column AND d.form = 'column' AND d.condition IS NULL
            UNION
            SELECT a.attname FROM pg_attribute a
            WHERE a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND clone_internal.family(a.atttypid) = tenant.family AND clone_internal.named_table(a.attname, false) ~ ('(^|_)' || tenant.word || '$')
              AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
        ) o
        WHERE r.store = $1 AND r.role IN ('resource', 'derived') AND r.project_column IS NOT NULL AND o.name <> r.project_column
          AND NOT clone_internal.answered($1, r.relation, o.name, '$tenants')
          -- Both ways are declared: a clone of rows of two tenants is refused.
          AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = r.relation AND m.parent = tenant.relation AND m.columns = ARRAY[o.name])
        ORDER BY r.relation::oid, o.name
    LOOP
        EXECUTE format('SELECT count(*) FROM %s AS t WHERE t.%I IS NOT NULL AND %s <> %s AND EXISTS (SELECT FROM %s AS k WHERE %s)', clone_internal.spread(c.relation, '*', 100000), c.own,
            clone_internal.column_text('t', c.relation, c.own), clone_internal.column_text('t', c.relation, c.name), tenant.relation, clone_internal.equality_sql('t', c.relation, c.name, 'k', tenant.relation, tenant.id_column)) INTO rows;
        CONTINUE WHEN rows = 0;
        PERFORM clone_internal.ask($1, c.relation, c.name, '$tenants', 'error',
            format('%s rows of %s name one tenant in %I and another in %I: whose are they? They belong by %3$I; a clone of the other tenant is without them. If both own them, so that clones that would have them are refused: SELECT clone.store_belongs(%5$L, %2$L, %6$L, %7$L, %8$L)',
                rows, c.relation, c.own, c.name, $1, ARRAY[c.name]::text, tenant.relation, ARRAY[tenant.id_column]::text),
            format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, c.relation, c.name, '$tenants'),
            clone_internal.table_call($1, c.relation, c.name, NULL, NULL) || format(' SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, c.relation, c.own, '$tenants'));
    END LOOP;
    -- A column that names a tenant in a role, such as uploader_id, in a row that is a part of a row of another tenant.
    FOR c IN
        SELECT DISTINCT ON (r.relation) r.relation, r.project_column AS own, n.columns[1] AS name, n.parent, n.others[1] AS key
        FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p')
        JOIN clone_internal.naming_ways($1) n ON n.relation = r.relation AND cardinality(n.columns) = 1 AND n.condition IS NULL AND NOT n.person AND n.parent <> tenant.relation
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = n.columns[1] AND a.attnotnull
        WHERE r.store = $1 AND r.role IN ('resource', 'derived') AND r.project_column IS NOT NULL AND n.columns[1] <> r.project_column
          AND COALESCE(clone_internal.named_table(r.project_column, false), r.project_column) NOT IN (tenant.word, 'tenant')
          AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = r.relation)
          AND NOT EXISTS (SELECT FROM clone.store_no_reference x WHERE x.store = $1 AND x.relation = r.relation AND x.path = '$tenants')
          AND NOT clone_internal.belongs_through($1, n.parent, r.relation)
        ORDER BY r.relation, n.place
    LOOP
        above := clone_internal.tenant_sql($1, c.parent, 'p');
        CONTINUE WHEN above LIKE '%.ctid::text';
        EXECUTE format('SELECT count(*) FROM %s AS t JOIN %s AS p ON %s WHERE %s <> %s', clone_internal.spread(c.relation, '*', 100000), c.parent,
            clone_internal.equality_sql('t', c.relation, c.name, 'p', c.parent, c.key), clone_internal.column_text('t', c.relation, c.own), above) INTO rows;
        CONTINUE WHEN rows = 0;
        PERFORM clone_internal.ask($1, c.relation, c.name, '$tenants', 'error',
            format('%s rows of %s name a tenant in %I and in %I a row of %s of another tenant: whose are they? By %3$I, rows of a clone stand among those of other tenants', rows, c.relation, c.own, c.name, c.parent),
            clone_internal.table_call($1, c.relation, NULL, c.parent, c.name) || format(' SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, c.relation, c.own, '$tenants'),
            format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, c.relation, c.name, '$tenants'));
    END LOOP;
    -- Rows that other tables tie to several tenants.
    FOR c IN
        SELECT r.relation, r.project_column AS name, false AS shared FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p')
        -- Other rows, such as documents, may be shared with tenants that do not own them.
        WHERE r.store = $1 AND r.role = 'resource' AND r.project_column IS NOT NULL AND NOT clone_internal.answered($1, r.relation, r.project_column, '$links')
          AND (clone_internal.one_of_several(r.relation, r.project_column)
               OR clone_internal.table_word(k.relname) ~ '(^|_)(user|usr|person|people|profile|employee|staff|identity|login|contact|customer|account|player|student|teacher|doctor|nurse)$')
        UNION ALL
        SELECT s.relation, s.reason::name, true FROM clone.store_shared s JOIN pg_attribute a ON a.attrelid = s.relation AND a.attname = s.reason AND NOT a.attisdropped WHERE s.store = $1
    LOOP
        SELECT * INTO found FROM clone_internal.other_tenants(tenant.relation, tenant.id_column, c.relation, c.name);
        CONTINUE WHEN found.rows IS NULL;
        keep := format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, c.relation, c.name, '$links');
        above := format('SELECT clone.store_shared(%L, %L);', $1, c.relation);
        PERFORM clone_internal.ask($1, c.relation, c.name, '$links', 'error',
            format(CASE WHEN c.shared THEN '%s names another tenant than %s.%I for %s of its rows, as if these had several tenants: are they shared by all tenants, and not cloned?'
                        ELSE '%s names another tenant than %s.%I for %s of its rows, as if these had several tenants: does a row belong to the one in that column, and is cloned with it?' END, found.link, c.relation, c.name, found.rows),
            CASE WHEN c.shared THEN above ELSE keep END,
            CASE WHEN c.shared THEN clone_internal.table_call($1, c.relation, c.name, NULL, NULL) || ' ' || keep
                 ELSE (WITH RECURSIVE below (relation, depth) AS (
                           SELECT c.relation, 0
                           UNION
                           SELECT r.relation, b.depth + 1 FROM below b JOIN clone.store_relation r ON r.store = $1 AND b.relation = ANY (r.parents) AND r.project_column IS NULL WHERE b.depth < 8)
                       SELECT string_agg(format('SELECT clone.store_remove_table(%L, %L);', $1, x.relation), ' ' ORDER BY x.depth DESC, x.relation::oid)
                       FROM (SELECT b.relation, max(b.depth) AS depth FROM below b GROUP BY 1) x) || ' ' || above END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_two_tenants(text) IS 'Records questions about rows that name two tenants';
