-- Tables that belong only through a polymorphic pair whose names do not say so: subject and subject_id, kind and subject_id.

-- The word of a column's name that both columns of a pair may share: subject of subject_id, subject_type, subject_ct_id and subject_model. Empty
-- for kind, type and object_id. NULL: the name is not that of such a column.
CREATE FUNCTION clone_internal.pair_word(name text, of_types boolean) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $2 AND n.word ~ '(^|_)(type|typ|kind|class|model|table|entity|ct|ctype|contenttype|discriminator)(_(id|name|code|nr|no|pk))?$'
                     THEN regexp_replace(regexp_replace(n.word, '(^|_)(content_)?(type|typ|kind|class|model|table|entity|ct|ctype|contenttype|discriminator)(_(id|name|code|nr|no|pk))?$', ''), '^(object|record|row|item|entity)$', '')
                WHEN NOT $2 AND n.word ~ '(_|^)(id|uuid|pk|key|ref|nr|no|fk|identity|identifier)$' THEN regexp_replace(regexp_replace(n.word, '_?(id|uuid|pk|key|ref|nr|no|fk|identity|identifier)$', ''), '(^|_)(object|record|row|item|entity|instance)$', '')
                -- instanceid
                WHEN NOT $2 THEN regexp_replace(clone_internal.folded_word($1), '^(object|record|row|item|entity|instance)$', '') END
    FROM (SELECT clone_internal.snake($1) AS word) n
$$;
COMMENT ON FUNCTION clone_internal.pair_word(text, boolean) IS 'The word that the columns of a polymorphic pair share, such as subject of subject_id and subject_kind; NULL: the name is not that of such a column';

-- Columns that may be polymorphic pairs of undescribed tables. rank 1: the names belong together; 2: one of the names is general; 3: the names
-- say nothing.
CREATE FUNCTION clone_internal.outside_pairs(tables oid[]) RETURNS TABLE (relation oid, type_column name, name name, rank int)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH own AS MATERIALIZED (
        SELECT a.attrelid, a.attname, a.attnum, a.atttypid, clone_internal.family(a.atttypid) AS family, clone_internal.snake(a.attname) AS word,
               EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'p' AND k.conrelid = a.attrelid AND k.conkey = ARRAY[a.attnum]) AS own_key,
               EXISTS (SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = a.attrelid AND a.attnum = ANY (k.conkey)) AS references_others
        FROM pg_attribute a WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    )
    SELECT DISTINCT ON (i.attrelid, i.attnum, t.attnum) i.attrelid, t.attname, i.attname, r.rank
    FROM own i JOIN own t ON t.attrelid = i.attrelid AND t.attnum <> i.attnum
    CROSS JOIN LATERAL (SELECT clone_internal.pair_word(i.attname, false) AS id_word, clone_internal.pair_word(t.attname, true) AS type_word) w
    CROSS JOIN LATERAL (SELECT CASE WHEN w.id_word = COALESCE(w.type_word, t.word) OR i.word = w.type_word
                                   -- provider_name and provider_key
                                   OR w.id_word <> '' AND t.word = w.id_word || substring(t.word FROM '_(?:name|code|scope|level|role|source|target)$') THEN 1 WHEN w.id_word = '' OR w.type_word = '' THEN 2 ELSE 3 END AS rank) r
    WHERE i.family IN ('int', 'text', 'uuid') AND NOT i.own_key AND NOT i.references_others AND NOT (clone_internal.names_quantity(i.attname) AND w.id_word IS NULL)
      AND NOT t.own_key AND (t.family IN ('int', 'text') AND NOT (t.family = 'int' AND w.type_word IS NULL AND r.rank > 1 AND w.id_word <> '')
                             OR t.atttypid = '"char"'::regtype OR clone_internal.other_key_type(t.atttypid) AND t.family = '')
      AND (w.id_word IS NOT NULL OR r.rank <> 2)
$$;
COMMENT ON FUNCTION clone_internal.outside_pairs(oid[]) IS 'Columns that may be polymorphic pairs of tables by their names and types';

-- The tables whose keys the ids of a pair are, by the names that the types have, as SQL calls. NULL: the types name no table, or ids of a type
-- are no keys of the table that it names.
CREATE FUNCTION clone_internal.named_pair_calls(store text, relation regclass, type_column name, "column" name) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    t record;
    counted record;
    calls text;
BEGIN
    FOR t IN SELECT x.target::regclass AS target, x.type_values, r.id_column FROM clone_internal.pair_targets(store, relation, type_column, "column") x
             JOIN clone.store_relation r ON r.store = named_pair_calls.store AND r.relation::oid = x.target WHERE r.id_column IS NOT NULL ORDER BY x.target LOOP
        EXECUTE format('SELECT count(DISTINCT t.id) AS seen, count(DISTINCT t.id) FILTER (WHERE k.id IS NOT NULL) AS keys
            FROM (SELECT %1$s AS id FROM %2$s AS t WHERE %3$s = ANY ($1) AND t.%4$I IS NOT NULL) AS t LEFT JOIN LATERAL (SELECT %5$s AS id FROM %6$s AS k WHERE %7$s) AS k ON true
            WHERE lower(t.id) <> ALL (clone_internal.in_place_of_null())',
            clone_internal.column_text('t', relation, "column"), clone_internal.spread(relation, format('%I, %I', type_column, "column"), 20000), clone_internal.column_text('t', relation, type_column), "column",
            clone_internal.column_text('k', t.target, t.id_column), t.target, clone_internal.equals_text('k', t.target, t.id_column, 't.id')) INTO counted USING t.type_values;
        CONTINUE WHEN counted.seen = 0;
        -- Keys of rows that were deleted may stay.
        IF 5 * (counted.seen - counted.keys) > counted.seen THEN
            RETURN NULL;
        END IF;
        calls := concat_ws(' ', calls, format('SELECT clone.store_reference(%L, %L, %L, %L, type_column => %L, type_values => %L, belongs => true);',
            store, relation, "column", t.target, type_column, t.type_values::text));
    END LOOP;
    RETURN calls;
END
$$;
COMMENT ON FUNCTION clone_internal.named_pair_calls(text, regclass, name, name) IS 'The calls that declare a polymorphic pair whose types name tables of the store; NULL: its types or ids do not';

-- For a pair whose types name no table: whether the ids of each type (split), or of most (partly), are keys of different tables, and whether all
-- ids are keys of one table (whole). Then the types, and the calls if the data say which table each of these types means.
CREATE FUNCTION clone_internal.coded_pair(store text, relation regclass, type_column name, "column" name, OUT ids bigint, OUT split boolean, OUT partly boolean, OUT whole boolean, OUT codes text, OUT calls text)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    k record;
    c record;
    -- For each type and table of which all its ids are keys.
    fits jsonb := '[]';
    total int;
    fewest bigint;
    own text := (SELECT clone_internal.family(a.atttypid) FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = "column");
    sample text := format('(SELECT DISTINCT %s AS code, %s AS id FROM %s AS t WHERE t.%I IS NOT NULL AND t.%I IS NOT NULL) AS t', clone_internal.column_text('t', relation, type_column),
        clone_internal.column_text('t', relation, "column"), clone_internal.spread(relation, format('%I, %I', type_column, "column"), 20000), type_column, "column");
BEGIN
    split := false;
    partly := false;
    whole := false;
    EXECUTE format('SELECT count(DISTINCT s.code), min(s.ids), count(DISTINCT s.id), string_agg(DISTINCT s.code, '', '' ORDER BY s.code)
        FROM (SELECT t.code, t.id, count(*) OVER (PARTITION BY t.code) AS ids FROM %s WHERE lower(t.id) <> ALL (clone_internal.in_place_of_null())) AS s', sample) INTO total, fewest, ids, codes;
    IF total NOT BETWEEN 1 AND 20 THEN
        RETURN;
    END IF;
    FOR k IN SELECT n.relation, n.name, n.family, n.role FROM clone_internal.naming_columns(store) n WHERE n.is_id AND (n.family = own OR own = 'text') ORDER BY n.relation::oid LOOP
        EXECUTE format('SELECT COALESCE(jsonb_agg(jsonb_build_object(''code'', s.code, ''target'', $1::bigint, ''ids'', s.ids, ''all_rows'', ($2 OR s.ids >= 8) AND s.ids = (SELECT count(*) FROM (SELECT FROM %s LIMIT 20001) AS k))) FILTER (WHERE s.fits), ''[]'') AS fits, COALESCE(bool_and(s.fits), false) AS whole
            FROM (SELECT t.code, count(*) AS ids, bool_and(k.id IS NOT NULL) AS fits FROM %s LEFT JOIN LATERAL (SELECT %s AS id FROM %s AS k WHERE %s) AS k ON true
                  WHERE lower(t.id) <> ALL (clone_internal.in_place_of_null()) GROUP BY 1) AS s', k.relation, sample, clone_internal.column_text('k', k.relation, k.name), k.relation,
            clone_internal.equals_text('k', k.relation, k.name, 't.id')) INTO c USING k.relation::oid, k.role = 'project';
        fits := fits || c.fits;
        whole := whole OR c.whole;
    END LOOP;
    SELECT count(DISTINCT f.code) = total AND total > 1 AND fewest >= 3 INTO split FROM jsonb_to_recordset(fits) AS f (code text, target bigint);
    -- One table may have the ids of all types by chance, but hardly each type those of all rows of a table.
    SELECT whole AND NOT (count(DISTINCT f.code) = total AND count(DISTINCT f.target) = total) INTO whole FROM jsonb_to_recordset(fits) AS f (code text, target bigint, all_rows boolean) WHERE f.all_rows;
    -- Other types may be of tables that the store does not describe.
    SELECT count(*) > 1 AND 2 * sum(f.ids) >= coded_pair.ids AND NOT EXISTS (SELECT FROM jsonb_to_recordset(fits) AS o (code text, target bigint, ids bigint) WHERE o.ids >= 3 GROUP BY o.target HAVING count(*) = count(f.code)) INTO partly
    FROM (SELECT DISTINCT o.code, o.ids FROM jsonb_to_recordset(fits) AS o (code text, target bigint, ids bigint) WHERE o.ids >= 3) f;
    SELECT CASE WHEN (sum(f.types) = total OR partly) AND max(f.targets) = 1 THEN string_agg(format('SELECT clone.store_reference(%L, %L, %L, %L, type_column => %L, type_values => %L, belongs => true);',
        store, relation, "column", f.target::oid::regclass, type_column, f.codes::text), ' ' ORDER BY f.target) END INTO calls
    FROM (SELECT g.target, array_agg(g.code ORDER BY g.code) AS codes, count(*) AS types, max(g.targets) AS targets
          FROM (-- Small numbers are keys of several tables. The keys of all rows of a table are hardly others.
                SELECT o.code, COALESCE(min(o.target) FILTER (WHERE o.all_rows), min(o.target)) AS target, CASE WHEN bool_or(o.all_rows) THEN count(*) FILTER (WHERE o.all_rows) ELSE count(*) END AS targets
                FROM jsonb_to_recordset(fits) AS o (code text, target bigint, all_rows boolean) GROUP BY 1) g GROUP BY 1) f;
    -- They may be the keys of all rows of a table that is not described yet.
    IF calls IS NOT NULL THEN
        FOR k IN SELECT d.oid::regclass AS relation, a.attname AS name FROM clone_internal.discoverable(clone_internal.schemas_of(store)) d JOIN pg_attribute a ON a.attrelid = d.oid AND a.attname = clone_internal.key_of(d.oid::regclass)
                 WHERE d.oid <> coded_pair.relation AND clone_internal.family(a.atttypid) = own AND NOT EXISTS (SELECT FROM clone.store_relation o WHERE o.store = coded_pair.store AND o.relation = d.oid)
                   AND NOT EXISTS (SELECT FROM clone.store_shared h WHERE h.store = coded_pair.store AND h.relation = d.oid) ORDER BY d.oid LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT t.code, count(*) AS ids, bool_and(k.id IS NOT NULL) AS fits FROM %s LEFT JOIN LATERAL (SELECT %s AS id FROM %s AS k WHERE %s) AS k ON true
                WHERE t.code = ANY ($1) AND lower(t.id) <> ALL (clone_internal.in_place_of_null()) GROUP BY 1) AS s WHERE s.fits AND s.ids >= 8 AND s.ids = (SELECT count(*) FROM (SELECT FROM %3$s LIMIT 20001) AS k)) AS rival',
                sample, clone_internal.column_text('k', k.relation, k.name), k.relation, clone_internal.equals_text('k', k.relation, k.name, 't.id')) INTO c
                USING ARRAY(SELECT f.code FROM jsonb_to_recordset(fits) AS f (code text));
            IF c.rival THEN
                calls := NULL;
                EXIT;
            END IF;
        END LOOP;
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.coded_pair(text, regclass, name, name) IS 'What the ids of each type of a pair are keys of, where the types name no table';

-- Records questions about the tables of these places, which the store does not describe.
CREATE FUNCTION clone_internal.ask_about_outside_pairs(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    -- The types that name tables of the store, and the words of all tables.
    known text[] := clone_internal.known_kinds($1, ARRAY(SELECT DISTINCT v FROM unnest($2) o CROSS JOIN LATERAL unnest(o.vals) v WHERE o.path = '' AND cardinality(o.vals) <= 30), 4);
    words text[] := ARRAY(SELECT d.word FROM clone_internal.discoverable(clone_internal.schemas_of($1)) d);
    described text[] := ARRAY(SELECT n.word FROM clone_internal.naming_columns($1) n WHERE n.is_id);
    t record;
    p record;
    c record;
    calls text;
    codes text;
    -- What the question about a table consists of.
    texts text[];
    answers text[];
    used name[];
    types name[];
    first name;
    -- A column of the table that is named after a table of the store.
    parent name;
BEGIN
    FOR t IN SELECT DISTINCT o.relation FROM unnest($2) o ORDER BY o.relation LOOP
        texts := '{}';
        answers := '{}';
        used := '{}';
        types := '{}';
        SELECT a.attname INTO parent FROM pg_attribute a JOIN clone_internal.naming_columns($1) n ON n.is_id AND n.role <> 'project' AND n.family = clone_internal.family(a.atttypid) AND n.word = clone_internal.named_table(a.attname, false)
        WHERE a.attrelid = t.relation AND a.attnum > 0 AND NOT a.attisdropped AND clone_internal.says_id(a.attname) AND NOT clone_internal.has_persons(n.word) > 0 ORDER BY a.attnum LIMIT 1;
        FOR p IN
            SELECT o.type_column, o.name, o.rank, clone_internal.pair_word(o.type_column, true) IS NOT NULL AS says_type, clone_internal.pair_word(o.name, false) AS id_word, f.family, k.vals AS kinds,
                   n.names AS named_kinds,
                   -- Django: numbers of other types mean something else.
                   clone_internal.snake(o.type_column) ~ '(^|_)(ct|ctype|contenttype|content_type)(_id)?$' OR EXISTS (SELECT FROM pg_constraint x JOIN pg_class d ON d.oid = x.confrelid AND d.relname = 'django_content_type'
                       WHERE x.contype = 'f' AND x.conrelid = t.relation AND x.conkey = ARRAY[a.attnum]) AS content_types
            FROM clone_internal.outside_pairs(ARRAY[t.relation::oid]) o
            JOIN unnest($2) i ON i.relation = t.relation AND i."column" = o.name AND i.path = ''
            JOIN pg_attribute a ON a.attrelid = t.relation AND a.attname = o.type_column JOIN pg_attribute b ON b.attrelid = t.relation AND b.attname = o.name
            CROSS JOIN LATERAL (SELECT clone_internal.family(a.atttypid) AS family) f
            LEFT JOIN unnest($2) k ON k.relation = t.relation AND k."column" = o.type_column AND k.path = ''
            CROSS JOIN LATERAL (SELECT count(*) AS names FROM unnest(k.vals) v WHERE v = ANY (known)) n
            -- A type has few values. Without names that say so, texts must be names of tables.
            WHERE CASE WHEN k.vals IS NULL THEN o.rank < 3 ELSE cardinality(k.vals) BETWEEN 1 AND 30 AND (o.rank < 3 OR 2 * n.names >= cardinality(k.vals) OR clone_internal.says_id(o.name) AND cardinality(k.vals) BETWEEN 2 AND 20) END
              AND NOT EXISTS (SELECT FROM unnest(i.vals) v WHERE v ~ '[[:space:]]')
              -- Beside provider, the few numbers of a state are keys by chance.
              AND (o.rank < 3 OR i.family <> 'int' OR clone_internal.says_id(o.name) OR NOT clone_internal.names_quantity(o.name))
            -- Beside item, user is who did it.
            ORDER BY o.rank, clone_internal.snake(o.name) ~ '^(object|item|record|row|entity|target|subject|resource|instance|document|ref|reference)(_(id|pk|key|no|nr|uuid))?$' DESC, clone_internal.names_person(o.name), b.attnum, a.attnum
        LOOP
            -- Of a column that is named after a table of the store, the rows are its parts: issue_id, beside poster_id and type.
            CONTINUE WHEN p.rank > 1 AND p.id_word <> '' AND parent IS NOT NULL AND parent NOT IN (p.name, p.type_column);
            -- promotion_id beside type, with spree_promotions.
            CONTINUE WHEN p.rank > 1 AND p.id_word <> '' AND EXISTS (SELECT FROM unnest(words || described) w WHERE w = p.id_word OR w LIKE E'%\\_' || p.id_word);
            CONTINUE WHEN p.name = ANY (used || types) OR p.type_column = ANY (used) OR (p.rank > 1 OR p.id_word = '') AND p.type_column = ANY (types);
            calls := CASE WHEN p.family = 'int' AND p.content_types OR p.family <> 'int' AND (p.kinds IS NULL OR p.named_kinds > 0) THEN clone_internal.named_pair_calls($1, t.relation, p.type_column, p.name) END;
            IF calls IS NULL THEN
                -- What names a table, in the column's name or as a type, is a key of that.
                CONTINUE WHEN p.named_kinds > 0 OR p.id_word = ANY (words) OR EXISTS (SELECT FROM unnest(p.kinds) v WHERE p.family = 'text' AND clone_internal.table_word(regexp_replace(v, E'^.*(::|[.]|/|\\\\)', '')) = ANY (words))
                    OR p.rank > 1 AND (clone_internal.names_person(p.name) OR EXISTS (SELECT FROM unnest(described) w WHERE clone_internal.table_match(p.name, w) IS NOT NULL));
                c := clone_internal.coded_pair($1, t.relation, p.type_column, p.name);
                -- Small numbers are keys of any table by chance.
                CONTINUE WHEN c.ids IS NULL OR c.ids < 10 OR NOT (c.split AND NOT c.whole OR c.partly AND p.rank < 3 AND (p.id_word = '' OR p.says_type) OR (c.split OR c.whole) AND p.says_type AND (p.rank = 1 OR p.rank = 2 AND p.family <> 'text') OR c.split AND p.rank = 1);
                calls := c.calls;
                codes := c.codes;
                IF calls IS NULL THEN
                    -- The types are keys of a small table that says what they are.
                    SELECT CASE WHEN count(DISTINCT k.code) = cardinality(string_to_array(codes, ', ')) AND count(DISTINCT k.code) = count(*) THEN string_agg(k.call, ' ' ORDER BY k.target) END INTO calls
                    FROM (SELECT e.code, e.target::oid AS target, format('SELECT clone.store_reference(%L, %L, %L, %L, type_column => %L, type_values => %L, belongs => true);', $1, t.relation, p.name, e.target, p.type_column, ARRAY[e.code]::text) AS call
                          FROM clone_internal.explained_types($1, t.relation, p.type_column, string_to_array(codes, ', ')) e) k;
                END IF;
            END IF;
            IF used = '{}' THEN
                first := p.name;
            END IF;
            used := used || p.name;
            types := types || p.type_column;
            answers := answers || calls;
            texts := texts || (format('%s.%I with %I looks like a reference to rows of several tables', t.relation, p.name, p.type_column) || CASE WHEN calls IS NULL THEN
                format('. The types are %s; say which table each means with clone.store_reference(%L, %L, %L, <table>, type_column => %L, type_values => <type>, belongs => true)', codes, $1, t.relation, p.name, p.type_column) ELSE '' END);
        END LOOP;
        CONTINUE WHEN texts = '{}';
        PERFORM clone_internal.ask($1, t.relation, first, '', 'error', array_to_string(texts, '; ') || CASE WHEN array_position(answers, NULL) IS NOT NULL THEN format(', then %s', substring(clone_internal.table_call($1, t.relation, NULL, NULL, NULL) FROM 'SELECT (.*);')) ELSE '' END || '. Its rows are not cloned',
            CASE WHEN array_position(answers, NULL) IS NULL THEN array_to_string(answers || clone_internal.table_call($1, t.relation, NULL, NULL, NULL), ' ') END,
            format('SELECT clone.store_shared(%L, %L);', $1, t.relation));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_outside_pairs(text, clone_internal.place[]) IS 'Records questions about undescribed tables that belong through a polymorphic pair of columns';
