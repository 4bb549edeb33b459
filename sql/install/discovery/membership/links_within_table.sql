-- Tables that link rows of one table under names that say no table: category_rel (source, target), without foreign keys.

-- A pair of columns of an undescribed table whose values are keys of a described one.
CREATE FUNCTION clone_internal.ask_about_links_within_table(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    -- Columns whose values in the sample all are keys of a table: place is the number of the column, value the table's oid.
    hits clone_internal.key_like[] := '{}';
    k record;
    c record;
    found record;
    tenants bigint := 0;
    -- Another table, whose key has the column that both are named after: from_doc_id and to_doc_id of documents (doc_id, version).
    other record;
    -- Tables that are asked about.
    asked regclass[] := '{}';
BEGIN
    IF NOT EXISTS (SELECT FROM unnest($2) p WHERE p.path = '' GROUP BY p.relation HAVING count(*) > 1) THEN
        RETURN;
    END IF;
    FOR k IN SELECT n.* FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.role <> 'project' LOOP
        hits := hits || ARRAY(
            SELECT ROW(p.number, k.relation::oid, k.name)::clone_internal.key_like
            FROM unnest($2) WITH ORDINALITY AS p (relation, "column", path, word, says_id, kind, family, total, vals, separators, number)
            CROSS JOIN LATERAL (SELECT array_agg(DISTINCT f.value) AS keys FROM clone_internal.keys_among(k.relation, k.name, k.family, p.vals) f) f
            WHERE p.path = '' AND p.family = k.family AND cardinality(f.keys) = cardinality(p.vals));
    END LOOP;
    FOR c IN
        SELECT x.relation, x."column" AS first, y."column" AS second, h.value::oid::regclass AS target, h.token AS key, w.named, tenant.sql AS tenant
        FROM unnest(hits) AS h JOIN unnest(hits) AS o ON o.value = h.value
        JOIN unnest($2) WITH ORDINALITY AS x (relation, "column", path, word, says_id, kind, family, total, vals, separators, number) ON x.number = h.place
        JOIN unnest($2) WITH ORDINALITY AS y (relation, "column", path, word, says_id, kind, family, total, vals, separators, number) ON y.number = o.place AND y.relation = x.relation
        JOIN pg_attribute a ON a.attrelid = x.relation AND a.attname = x."column" JOIN pg_attribute b ON b.attrelid = y.relation AND b.attname = y."column" AND b.attnum > a.attnum
        JOIN pg_class t ON t.oid = h.value::oid JOIN pg_class l ON l.oid = x.relation
        CROSS JOIN LATERAL (SELECT clone_internal.snake(l.relname) ~ ('(^|_)' || clone_internal.table_word(t.relname)) OR starts_with(lower(l.relname), replace(clone_internal.table_word(t.relname), '_', '')) AS named) w
        CROSS JOIN LATERAL (SELECT clone_internal.tenant_sql($1, t.oid, 'k') AS sql) tenant
        -- The rows stand for themselves: nothing says their tenants.
        WHERE tenant.sql NOT LIKE '%.ctid::text'
          -- An order, a size or a state, and what names another table.
          AND NOT EXISTS (SELECT FROM unnest(ARRAY[x."column", y."column"]) n WHERE clone_internal.snake(n) ~ '(^|_)(line|page|level|rank|order|position|place|sort|step|version|priority|status|state|type|kind|count|size|width|height|depth|day|month|year|week|hour|row|index|seq|sequence|stage|phase|round|floor|flag|flags|amount|total)s?$')
          -- A type beside one may say another table: source_id and source_type.
          AND NOT EXISTS (SELECT FROM unnest(ARRAY[x."column", y."column"]) n JOIN pg_attribute s ON s.attrelid = x.relation AND s.attnum > 0 AND NOT s.attisdropped AND s.attname <> n AND clone_internal.family(s.atttypid) IN ('text', '')
                          WHERE clone_internal.pair_word(n, false) <> '' AND clone_internal.pair_word(s.attname, true) = clone_internal.pair_word(n, false))
          AND NOT EXISTS (SELECT FROM clone_internal.discoverable(clone_internal.schemas_of($1)) o WHERE (clone_internal.ends_with_word(o.word, x.word) OR clone_internal.ends_with_word(o.word, y.word) OR (clone_internal.abbreviates(x.word, o.word) OR clone_internal.abbreviates(y.word, o.word)) AND x.says_id AND y.says_id) AND o.oid <> t.oid)
          -- Who wrote a row is no row of another kind.
          AND NOT ((clone_internal.names_person(x."column") AND x.says_id OR clone_internal.names_person(y."column") AND y.says_id) AND clone_internal.has_persons(clone_internal.table_word(t.relname)) = 0)
        ORDER BY x.relation::oid, w.named DESC, pg_relation_size(t.oid), t.oid, a.attnum, b.attnum
    LOOP
        CONTINUE WHEN c.relation = ANY (asked);
        EXECUTE format('SELECT count(*) AS rows, count(*) FILTER (WHERE x.tenant IS NULL OR x.tenant IS DISTINCT FROM y.tenant) AS wrong, count(DISTINCT x.tenant) AS tenants, count(*) FILTER (WHERE t.a <> t.b) AS links
            FROM (SELECT %1$s AS a, %2$s AS b FROM %3$s AS t WHERE t.%7$I IS NOT NULL AND t.%8$I IS NOT NULL) AS t
            LEFT JOIN (SELECT %4$s AS id, %5$s AS tenant FROM %6$s AS k) AS x ON x.id = t.a LEFT JOIN (SELECT %4$s AS id, %5$s AS tenant FROM %6$s AS k) AS y ON y.id = t.b',
            clone_internal.column_text('t', c.relation, c.first), clone_internal.column_text('t', c.relation, c.second), clone_internal.spread(c.relation, format('%I, %I', c.first, c.second), 20000),
            clone_internal.column_text('k', c.target, c.key), c.tenant, c.target, c.first, c.second) INTO found;
        CONTINUE WHEN found.wrong > 0 OR found.links = 0;
        -- Small numbers are keys by chance, but not two of the same tenant in every row.
        IF found.tenants < 2 THEN
            IF tenants = 0 THEN
                EXECUTE format('SELECT count(*) FROM (SELECT FROM %s LIMIT 2) AS t', (SELECT r.relation FROM clone.store_relation r WHERE r.store = $1 AND r.role = 'project')) INTO tenants;
            END IF;
            CONTINUE WHEN tenants > 1 AND found.links < 8 OR NOT (c.named OR found.links >= 8
                AND clone_internal.snake(c.first) ~ '(^|_)(source|src|from|parent|ancestor|above|upper|left|a|first|head|prev|previous|predecessor|origin|before|x|id1)(_|$)'
                AND clone_internal.snake(c.second) ~ '(^|_)(target|to|child|descendant|below|lower|right|b|second|tail|next|successor|destination|dst|after|linked|related|other|y|id2)(_|$)');
        ELSE
            CONTINUE WHEN NOT c.named AND found.links < 8;
        END IF;
        asked := asked || c.relation;
        SELECT r.relation, a.attname AS name INTO other FROM clone.store_relation r JOIN pg_index i ON i.indrelid = r.relation AND i.indisprimary JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum = ANY (i.indkey::int2[])
        WHERE r.store = $1 AND r.relation <> c.target AND NOT c.named AND position('_' IN clone_internal.snake(a.attname)) > 1
          AND clone_internal.snake(c.first) LIKE '%' || replace('_' || clone_internal.snake(a.attname), '_', E'\\_') AND clone_internal.snake(c.second) LIKE '%' || replace('_' || clone_internal.snake(a.attname), '_', E'\\_')
        ORDER BY r.relation::oid LIMIT 1;
        PERFORM clone_internal.ask($1, c.relation, c.first, '', 'error',
            format('%s.%I and %I look like keys of %s: each of %s rows names two rows of one tenant', c.relation, c.first, c.second, c.target, found.rows)
                || CASE WHEN other.relation IS NOT NULL THEN format(', but are named like %I of %s', other.name, other.relation) ELSE '' END || '. Its rows are not cloned',
            CASE WHEN other.relation IS NULL THEN format('SELECT clone.store_reference(%L, %L, %L, %L, belongs => true); SELECT clone.store_reference(%1$L, %2$L, %5$L, %4$L, belongs => true); ', $1, c.relation, c.first, c.target, c.second)
                || clone_internal.table_call($1, c.relation, NULL, NULL, NULL) END,
            format('SELECT clone.store_shared(%L, %L);', $1, c.relation));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_links_within_table(text, clone_internal.place[]) IS 'Records questions about undescribed tables of which two columns hold keys of one table';
