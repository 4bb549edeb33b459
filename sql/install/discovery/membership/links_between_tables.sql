-- Tables that link rows of two tables under names that say neither: enrolment (stud, crs), without foreign keys.

-- Undescribed tables in which two columns name rows of the same tenant in each row, of any tables of the store. Small numbers are keys of
-- any table by chance, but not of rows whose tenants are the same in row after row.
CREATE FUNCTION clone_internal.ask_about_links_between_tables(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    t record;
    c record;
    targets regclass[];
    names name[];
    families text[];
    -- The values of a few rows: place is the column, tenant the number of the row.
    sampled clone_internal.listed_value[] := '{}';
    sample clone_internal.listed_value[];
    -- Rows with such keys: place is the number of the target, value their tenant.
    hits clone_internal.key_like[];
BEGIN
    SELECT array_agg(n.relation), array_agg(n.name), array_agg(n.family) INTO targets, names, families
    FROM (SELECT n.* FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.role <> 'project' AND n.family IN ('int', 'text') AND clone_internal.tenant_sql($1, n.relation, 't') NOT LIKE '%.ctid::text' ORDER BY n.relation::oid) n;
    IF targets IS NULL THEN
        RETURN;
    END IF;
    FOR t IN
        SELECT p.relation, string_agg(format('(%s, %s)', p.number, clone_internal.column_text('t', p.relation, p."column")), ', ') AS cells
        FROM unnest($2) WITH ORDINALITY AS p (relation, "column", path, word, says_id, kind, family, total, vals, separators, number)
        WHERE p.path = '' AND p.family IN ('int', 'text') AND cardinality(p.vals) > 1 AND NOT clone_internal.names_quantity(p."column")
          AND NOT EXISTS (SELECT FROM unnest(p.vals) v WHERE v ~ '[[:space:]]')
        GROUP BY p.relation HAVING count(*) > 1 ORDER BY p.relation::oid
    LOOP
        EXECUTE format('SELECT ARRAY(SELECT ROW(v.place, v.value, t.n, 1)::clone_internal.listed_value FROM (SELECT row_number() OVER () AS n, r.* FROM (SELECT * FROM %s AS r ORDER BY hashint8(row_number() OVER ()) LIMIT 60) AS r) AS t
            CROSS JOIN LATERAL (VALUES %s) AS v (place, value))', clone_internal.spread(t.relation, '*', 2000), t.cells) INTO sample;
        sampled := sampled || sample;
    END LOOP;
    hits := ARRAY(SELECT ROW(k.number, o.tenant, o.value)::clone_internal.key_like
        FROM (SELECT f.target, array_agg(f.value) AS vals FROM clone_internal.keys_of_tables(targets, names, families, ARRAY(SELECT DISTINCT s.value FROM unnest(sampled) s WHERE s.value IS NOT NULL)) f GROUP BY 1) f
        JOIN unnest(targets, names, families) WITH ORDINALITY AS k (relation, key, family, number) ON k.relation = f.target
        CROSS JOIN LATERAL clone_internal.tenants_of_keys($1, k.relation, k.key, k.family, f.vals) o);
    FOR c IN
        WITH hit AS MATERIALIZED (
            SELECT DISTINCT h.place AS target, h.token COLLATE "C" AS value, h.value COLLATE "C" AS tenant FROM unnest(hits) AS h
        ), used AS MATERIALIZED (
            SELECT s.place, count(*) AS rows, md5(string_agg(s.value, ',' ORDER BY s.tenant::int)) AS vals FROM unnest(sampled) s GROUP BY 1 HAVING count(*) = count(s.value)
        ), whole AS MATERIALIZED (
            SELECT s.place, h.target, md5(string_agg(h.tenant, ',' ORDER BY s.tenant::int)) AS tenants FROM unnest(sampled) s JOIN hit h ON h.value = s.value COLLATE "C"
            GROUP BY 1, 2 HAVING count(*) = (SELECT u.rows FROM used u WHERE u.place = s.place) AND count(DISTINCT h.tenant) > 1
        ), candidate AS MATERIALIZED (
            SELECT p.relation, p."column" AS name, a.attnum, k.relation AS target, w.tenants, u.rows, u.vals, clone_internal.table_match(p."column", clone_internal.table_word(d.relname)) AS rank,
                   -- What names another table.
                   EXISTS (SELECT FROM clone_internal.discoverable(clone_internal.schemas_of($1)) o WHERE (clone_internal.ends_with_word(o.word, p.word) OR p.says_id AND clone_internal.abbreviates(p.word, o.word) AND NOT clone_internal.abbreviates(p.word, clone_internal.table_word(d.relname))) AND o.oid <> k.relation) AS other
            FROM whole w JOIN used u ON u.place = w.place JOIN unnest($2) WITH ORDINALITY AS p (relation, "column", path, word, says_id, kind, family, total, vals, separators, number) ON p.number = w.place
            JOIN unnest(targets) WITH ORDINALITY AS k (relation, number) ON k.number = w.target JOIN pg_class d ON d.oid = k.relation
            JOIN pg_attribute a ON a.attrelid = p.relation AND a.attname = p."column"
        )
        SELECT DISTINCT ON (x.relation) x.relation, x.name AS first, y.name AS second, x.target, y.target AS other_target, x.rows
        FROM candidate x JOIN candidate y ON y.relation = x.relation AND y.tenants = x.tenants AND y.attnum > x.attnum AND y.vals <> x.vals
        WHERE NOT x.other AND NOT y.other AND x.rows >= CASE WHEN x.rank < 4 OR y.rank < 4 THEN 3 ELSE 6 END
        ORDER BY x.relation, COALESCE(x.rank, 9) + COALESCE(y.rank, 9), x.target = y.target, pg_relation_size(x.target) + pg_relation_size(y.target), x.attnum, y.attnum, x.target, y.target
    LOOP
        PERFORM clone_internal.ask($1, c.relation, c.first, '', 'error',
            format('%s.%I and %I look like keys of %s and %s: each of %s rows that were looked at names rows of one tenant. Its rows are not cloned', c.relation, c.first, c.second, c.target, c.other_target, c.rows),
            format('SELECT clone.store_reference(%L, %L, %L, %L, belongs => true); SELECT clone.store_reference(%1$L, %2$L, %5$L, %6$L, belongs => true); ', $1, c.relation, c.first, c.target, c.second, c.other_target)
                || clone_internal.table_call($1, c.relation, NULL, NULL, NULL),
            format('SELECT clone.store_shared(%L, %L);', $1, c.relation));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_links_between_tables(text, clone_internal.place[]) IS 'Records questions about undescribed tables of which two columns name rows of one tenant in each row';
