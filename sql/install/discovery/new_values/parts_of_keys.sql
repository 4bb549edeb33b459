-- Keys that people made of several words, which another text has within it, or all but the beginning: /files/ACC-INV-2024-00001.pdf, and
-- block-v1:Org+C+R+type@problem beside the key course-v1:Org+C+R.

-- What all of these texts begin with, up to a sign: course-v1:. Empty if that is nothing.
CREATE FUNCTION clone_internal.common_beginning(vals text[]) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    first text := (SELECT min(v COLLATE "C") FROM unnest(vals) v);
    last text := (SELECT max(v COLLATE "C") FROM unnest(vals) v);
    length int := 0;
BEGIN
    WHILE length < length(first) AND substr(first, length + 1, 1) = substr(last, length + 1, 1) LOOP
        length := length + 1;
    END LOOP;
    RETURN COALESCE(substring(left(first, length) FROM '^.*[^[:alnum:]]'), '');
END
$$;
COMMENT ON FUNCTION clone_internal.common_beginning(text[]) IS 'What all of these texts begin with, up to a sign';

CREATE FUNCTION clone_internal.ask_about_parts_of_keys(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    k record;
    p record;
    vals text[];
    rests text[];
    found record;
BEGIN
    FOR k IN SELECT n.relation, n.name FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.family = 'text' ORDER BY n.relation::oid LOOP
        vals := clone_internal.sampled_texts(k.relation, k.name);
        -- Words with a sign between them. Dates and numbers with signs are anywhere, and generated keys are found by themselves.
        rests := ARRAY(SELECT DISTINCT r.rest FROM (SELECT unnest(ARRAY[substr(v, length(b.beginning) + 1), v]) AS rest FROM unnest(vals) v CROSS JOIN (SELECT clone_internal.common_beginning(vals) AS beginning OFFSET 0) b) r
                       WHERE length(r.rest) >= 6 AND r.rest ~ '[[:alnum:]][^[:alnum:] ][[:alnum:]]' AND r.rest ~ '[[:alpha:]]{2}' AND r.rest !~* ('^[{]?' || clone_internal.uuid_pattern('-') || '[}]?$') LIMIT 1000);
        CONTINUE WHEN 2 * cardinality(rests) < cardinality(vals) OR cardinality(rests) < 2;
        FOR p IN
            SELECT o.relation, o."column" AS name, o.path, o.vals[:60] AS vals FROM unnest($2) o
            WHERE o.family IN ('text', 'json', 'text[]') AND cardinality(o.vals) > 2 AND (o.relation <> k.relation OR o."column" <> k.name)
              AND EXISTS (SELECT FROM unnest(o.vals[:60]) v WHERE length(v) > length(rests[1]) / 2 AND v ~ '[[:alnum:]][^[:alnum:] ][[:alnum:]]')
              AND NOT clone_internal.answered($1, o.relation, o."column", o.path)
              AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = o.relation AND q."column" = o."column" AND q.path IN ('', o.path))
            ORDER BY o.relation::oid, o."column", o.path
        LOOP
            SELECT count(DISTINCT f.v) AS texts, count(DISTINCT f.rest) AS keys, min(f.v) AS example INTO found
            FROM (SELECT v, r.rest, strpos(v, r.rest) AS place FROM unnest(p.vals) v JOIN unnest(rests) AS r (rest) ON strpos(v, r.rest) > 0) f
            WHERE NOT f.v = ANY (vals) AND substr(' ' || f.v, f.place, 1) ~ '[^[:alnum:]]' AND substr(f.v || ' ', f.place + length(f.rest), 1) ~ '[^[:alnum:]]';
            CONTINUE WHEN found.keys < 2 OR 2 * found.texts < cardinality(p.vals);
            PERFORM clone_internal.ask($1, p.relation, p.name, p.path, 'error',
                format('%s.%I%s holds parts of keys of %s, such as %s: %s of %s texts that were looked at. A clone has other keys there and keeps these texts. Give them other texts by an SQL expression over the row, clone.store_column(…, ''expression'', value => …), or none',
                    p.relation, p.name, CASE WHEN p.path <> '' THEN ' at ' || p.path ELSE '' END, k.relation, clone_internal.quoted(left(found.example, 60)), found.texts, cardinality(p.vals)),
                NULL, clone_internal.keep_call($1, p.relation, p.name, p.path));
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_parts_of_keys(text, clone_internal.place[]) IS 'Records questions about texts that hold a key of several words, or all of it but its beginning';

-- Texts with the key of their own row, with zeros before it: INV-000123. They look like numbers that the tenant gives, and lead to the source's row.
CREATE FUNCTION clone_internal.ask_about_own_numbers(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    p record;
    found record;
BEGIN
    FOR p IN
        SELECT o.relation, o."column" AS name, r.id_column FROM unnest($2) o JOIN clone.store_relation r ON r.store = $1 AND r.relation = o.relation AND r.role <> 'project'
        JOIN pg_attribute k ON k.attrelid = r.relation AND k.attname = r.id_column AND clone_internal.family(k.atttypid) = 'int'
        JOIN clone.store_column s ON s.store = $1 AND s.relation = o.relation AND s.name = o."column" AND s.role IN ('keep', 'rewrite')
        WHERE o.path = '' AND o.family = 'text' AND cardinality(o.vals) >= 3 AND NOT EXISTS (SELECT FROM unnest(o.vals[:100]) v WHERE v !~ '^[^0-9 ]*[0-9]+[^0-9 ]*$') AND EXISTS (SELECT FROM unnest(o.vals[:100]) v WHERE v ~ '(^|[^0-9])0+[1-9]')
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = o.relation AND q."column" = o."column") AND NOT clone_internal.answered($1, o.relation, o."column", '')
        ORDER BY o.relation::oid, o."column"
    LOOP
        EXECUTE format('SELECT count(*) AS rows, bool_and(ltrim(substring(s.x FROM ''[0-9]+''), ''0'') = s.key) AS own, min(s.x) AS example, CASE WHEN count(DISTINCT regexp_replace(s.x, ''[0-9]+'', '''')) = 1 THEN min(regexp_replace(s.x, ''[0-9]+'', ''{new_id}'')) END AS template
            FROM (SELECT %s AS x, %s AS key FROM %s AS t WHERE t.%I IS NOT NULL) s WHERE lower(s.x) <> ALL (clone_internal.in_place_of_null())',
            clone_internal.column_text('t', p.relation, p.name), clone_internal.column_text('t', p.relation, p.id_column), clone_internal.spread(p.relation, format('%I, %I', p.name, p.id_column), 2000), p.name) INTO found;
        CONTINUE WHEN found.own IS NOT TRUE OR found.rows < 3;
        PERFORM clone_internal.ask($1, p.relation, p.name, '', 'warning',
            format('%s.%I holds the key of its own row, such as %s: all %s that were looked at. A clone keeps the source''s', p.relation, p.name, clone_internal.quoted(left(found.example, 60)), found.rows),
            clone_internal.keep_call($1, p.relation, p.name, ''),
            CASE WHEN found.template IS NOT NULL AND found.template !~ '{(value|name|n|project)}' THEN format('SELECT clone.store_column(%L, %L, %L, ''template'', value => %L);', $1, p.relation, p.name, found.template) END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_own_numbers(text, clone_internal.place[]) IS 'Records warnings about texts that hold the key of their own row after zeros';
