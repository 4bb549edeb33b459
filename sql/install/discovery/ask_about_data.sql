-- Checks the data: clone_internal.ask_about_data() records questions, and declares the references that are certain. Other files ask one kind
-- of question each.

CREATE FUNCTION clone_internal.ask(store text, relation regclass, "column" name, path text, severity text, question text, answer text, otherwise text, target regclass DEFAULT NULL) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    INSERT INTO clone.store_question AS q (store, relation, "column", path, severity, question, answer, otherwise, target)
    -- Questions from the data alone do not stop stores that were described by hand.
    SELECT $1, $2, $3, $4, CASE WHEN s.preset = 'discover' OR $5 <> 'error' THEN $5 ELSE 'warning' END,
           -- Examples are values: no user and password of an address, also of one that was cut off.
           regexp_replace($6, '://[^/\s@"]*:(?![0-9]{1,5}("|$))[^/\s@"]*(@|"|$)', E'://…\\2', 'g'), $7, $8, $9 FROM clone.store s WHERE s.name = $1
    ON CONFLICT ON CONSTRAINT store_question_pkey DO UPDATE SET severity = EXCLUDED.severity, question = EXCLUDED.question, answer = EXCLUDED.answer, otherwise = EXCLUDED.otherwise, target = EXCLUDED.target
$$;
COMMENT ON FUNCTION clone_internal.ask(text, regclass, name, text, text, text, text, text, regclass) IS 'Records a question about a column or path of a store''s tables';

-- Whether all of these tables have numbers as keys, which are not rewritten everywhere.
CREATE FUNCTION clone_internal.have_numbers(store text, targets regclass[]) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT bool_and(clone_internal.family(a.atttypid) = 'int') FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column
    WHERE r.store = $1 AND r.relation = ANY ($2)
$$;
COMMENT ON FUNCTION clone_internal.have_numbers(text, regclass[]) IS 'Whether the keys of these tables of a store are numbers';

-- If generated text keys of several tables are at many places, one question covers them all.
CREATE FUNCTION clone_internal.many_text_keys(store text, seen clone_internal.seen_place[]) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('keys of %s tables stand in documents and texts at %s places, as %s: are they rewritten wherever they stand?',
                  (SELECT count(DISTINCT k) FROM unnest($2) AS o CROSS JOIN LATERAL unnest(o.targets) AS k WHERE o.what = 'inside' OR o.what IN ('keys', 'part') AND o.path <> ''),
                  count(*), string_agg(format('%s.%I', p.relation, p."column") || CASE WHEN p.path = '' THEN '' ELSE ' at ' || p.path END, ', ') FILTER (WHERE p.number <= 3))
    FROM (SELECT o.*, row_number() OVER () AS number FROM unnest($2) AS o WHERE o.what = 'inside' OR o.what IN ('keys', 'part') AND o.path <> '' AND cardinality(o.targets) > 1) p
    HAVING count(*) > 3
$$;
COMMENT ON FUNCTION clone_internal.many_text_keys(text, clone_internal.seen_place[]) IS 'The question about generated text keys at many places; NULL if they are at few';

-- Values in documents that are rewritten wherever they stand, or will be, once that is answered: no place of them is a question of its own.
CREATE FUNCTION clone_internal.rewritten_everywhere(store text, path text, vals text[]) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $2 = '' THEN false
                WHEN EXISTS (SELECT FROM clone.store s WHERE s.name = $1 AND s.options->>'text_keys' = 'everywhere') OR EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.path = '$text_keys')
                THEN NOT EXISTS (SELECT FROM unnest($3) v WHERE v ~ '^[0-9]+$' OR NOT clone_internal.distinctive(v))
                ELSE false END
$$;
COMMENT ON FUNCTION clone_internal.rewritten_everywhere(text, text, text[]) IS 'Whether all values at a path of documents are generated text keys, which are rewritten wherever they stand';

-- Questions about many columns or documents that the same table answers, or about documents in one column that many tables answer.
CREATE FUNCTION clone_internal.merge_questions(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    g record;
    by_target boolean;
BEGIN
    FOREACH by_target IN ARRAY '{t,f}'::boolean[] LOOP
        FOR g IN
            SELECT CASE WHEN by_target THEN q.target ELSE q.relation END AS about, CASE WHEN NOT by_target THEN q."column" END AS "column", q.path <> '' AS in_documents, count(*) AS questions,
                   string_agg(q.answer, ' ' ORDER BY q.number) AS calls, string_agg(q.otherwise, ' ' ORDER BY q.number) AS others, array_agg(ROW(q.relation::oid, q."column", q.path)::text) AS asked,
                   string_agg(format('%s.%I', q.relation, q."column") || CASE WHEN q.path <> '' THEN ' at ' || q.path ELSE '' END, ', ' ORDER BY q.number) FILTER (WHERE q.path = '' OR q.number <= 3) AS places,
                   string_agg(q.target::text, ', ' ORDER BY q.number) AS targets
            FROM (SELECT q.*, row_number() OVER (PARTITION BY q.path <> '', CASE WHEN by_target THEN q.target END ORDER BY q.relation::oid, q."column", q.path) AS number
                  FROM clone.store_question q WHERE q.store = $1 AND q.severity = 'error' AND q.target IS NOT NULL AND (by_target OR q.path <> '')
                    -- A question of its own is what the values say against a name.
                    AND NOT EXISTS (SELECT FROM clone_internal.named_references($1) n WHERE n.relation = q.relation AND n.name = q."column" AND n.target <> q.target AND q.path = '')) q
            GROUP BY 1, 2, 3 HAVING count(*) > 3 ORDER BY 1::oid, 2, 3
        LOOP
            DELETE FROM clone.store_question q WHERE q.store = $1 AND ROW(q.relation::oid, q."column", q.path)::text = ANY (g.asked);
            PERFORM clone_internal.ask($1, g.about, COALESCE(g."column", (SELECT r.id_column FROM clone.store_relation r WHERE r.store = $1 AND r.relation = g.about)), CASE WHEN g.in_documents THEN '$documents' ELSE '$columns' END, 'error',
                CASE WHEN NOT by_target THEN format('documents in %s.%I name rows of %s: the values beside the names that were looked at are keys there', g.about, g."column", g.targets)
                     WHEN g.in_documents THEN format('documents name rows of %s at %s places, as %s: all values that were looked at are keys there', g.about, g.questions, g.places)
                     ELSE format('%s columns look like references to %s, as all values that were looked at are keys there: %s', g.questions, g.about, g.places) END, g.calls, g.others);
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.merge_questions(text) IS 'Replaces more than three questions that the same table answers, or about documents of one column, by one';

-- The first column that a description names and that does not exist: it was renamed or dropped. declared: by a reference.
CREATE FUNCTION clone_internal.gone_column(store text, OUT relation regclass, OUT name name, OUT declared boolean)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT n.relation, n.name, n.declared
    FROM (SELECT r.relation, u.name, false AS declared FROM clone.store_relation r CROSS JOIN LATERAL unnest(ARRAY[r.id_column, r.project_column, r.join_column, r.type_column, r.document_column]) AS u (name) WHERE r.store = $1
          UNION ALL SELECT m.relation, u.name, false FROM clone.store_membership m CROSS JOIN LATERAL unnest(m.columns) AS u (name) WHERE m.store = $1
          UNION ALL SELECT m.parent, u.name, false FROM clone.store_membership m CROSS JOIN LATERAL unnest(m.parent_columns) AS u (name) WHERE m.store = $1
          UNION ALL SELECT d.relation, u.name, true FROM clone.store_reference d CROSS JOIN LATERAL unnest(ARRAY[d."column", d.type_column]) AS u (name) WHERE d.store = $1
          UNION ALL SELECT d.target, d.target_column, true FROM clone.store_reference d WHERE d.store = $1) n
    JOIN pg_class c ON c.oid = n.relation
    WHERE n.name IS NOT NULL AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = n.relation AND a.attname = n.name AND NOT a.attisdropped)
    ORDER BY n.declared, n.relation::oid, n.name LIMIT 1
$$;
COMMENT ON FUNCTION clone_internal.gone_column(text) IS 'The first column that a description names and that does not exist';

-- What a question says of the negative values of a column whose others are keys: -5 may be row 5 of another table. Empty if there are none.
CREATE FUNCTION clone_internal.negative_values(relation regclass, "column" name, path text, family text) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    negative text;
BEGIN
    IF path <> '' OR family <> 'int' THEN
        RETURN '';
    END IF;
    EXECUTE format('SELECT min(s.x) FROM (SELECT %s AS x FROM %s AS t WHERE t.%I < 0) s WHERE s.x <> ALL (clone_internal.in_place_of_null())',
        clone_internal.column_text('t', relation, "column"), clone_internal.spread(relation, quote_ident("column"), 50000), "column") INTO negative;
    RETURN CASE WHEN negative IS NULL THEN '' ELSE format('. Others are negative, such as %s: if they name rows, no reference gives them new values; if they do not, declare it with condition => %L', negative, format('%I > 0', "column")) END;
END
$$;
COMMENT ON FUNCTION clone_internal.negative_values(regclass, name, text, text) IS 'What a question says of the negative values of a column whose others are keys';

CREATE FUNCTION clone_internal.ask_about_data(store text, declares boolean) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    q record;
    place text;
    calls text;
    names text;
    keep text;
    words text[];
    sampled clone_internal.place[];
    seen clone_internal.seen_place[];
    -- Keys beside types in documents.
    pairs text[];
    many text;
    sure boolean;
    rest text;
    others regclass[];
    same regclass[];
    twice regclass[] := clone_internal.tables_with_namesakes(store);
    strangers numeric;
    -- A fifth or more of the values are no keys.
    few boolean;
    -- The name means another table, and several have all values as their keys.
    unsure boolean;
    places clone_internal.place[];
    typed clone_internal.typed_text[];
    held clone.store_question[];
    -- Columns of keys beside a column that may say their table: asked about at last.
    paired clone_internal.seen_place[] := '{}';
    gone record;
BEGIN
    IF current_setting('transaction_read_only') = 'on' THEN
        RETURN;
    END IF;
    -- Of a store that names a table which is gone, the rows cannot be found: the questions stay as they are until it is described again.
    IF EXISTS (SELECT FROM clone.store_relation r WHERE r.store = ask_about_data.store AND NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = r.relation)) THEN
        RETURN;
    END IF;
    SELECT * INTO gone FROM clone_internal.gone_column(store);
    IF gone.name IS NOT NULL THEN
        RAISE EXCEPTION 'store "%" names column "%" of %, which does not exist any more', store, gone.name, gone.relation USING ERRCODE = '55000',
            HINT = CASE WHEN gone.declared THEN format('Declare the reference again, clone.store_reference(…), and take back the old one: SELECT clone.store_no_reference(%L, %L, %L);', store, gone.relation, gone.name)
                   ELSE format('Describe the table again with the new name of the column: clone.store_table(%L, %L, …).', store, gone.relation) END;
    END IF;
    DELETE FROM clone.store_question o WHERE o.store = ask_about_data.store;
    -- First: the values of a key may be equal to keys of other tables.
    PERFORM clone_internal.ask_about_missing_keys(ask_about_data.store);
    sampled := ARRAY(SELECT o FROM clone_internal.sampled_columns(ask_about_data.store) o);
    pairs := ARRAY(SELECT ROW(d.relation::oid, d."column", d.path)::text FROM clone_internal.ask_about_document_pairs(ask_about_data.store, declares) d);
    seen := ARRAY(SELECT l FROM clone_internal.seen_places(ask_about_data.store, sampled) l WHERE ROW(l.relation::oid, l."column", l.path)::text <> ALL (pairs) ORDER BY l.relation::oid, l."column", l.path, l.what);
    IF NOT EXISTS (SELECT FROM clone.store s WHERE s.name = ask_about_data.store AND s.options ? 'text_keys') THEN
        many := clone_internal.many_text_keys(ask_about_data.store, ARRAY(SELECT s FROM unnest(seen) s WHERE NOT clone_internal.have_numbers(ask_about_data.store, s.targets)));
    END IF;
    FOR q IN SELECT * FROM unnest(seen) LOOP
        IF q.what IN ('named', 'some') AND cardinality(q.targets) = 1 AND q.targets[1] = ANY (twice) AND q.separators IS NULL THEN
            others := clone_internal.meant_tables(ask_about_data.store, q.relation, q."column", q.path, q.targets[1]);
            IF cardinality(others) > 1 THEN
                PERFORM clone_internal.ask_which_namesake(ask_about_data.store, q.relation, q."column", q.path, others);
                CONTINUE;
            ELSIF others <> q.targets THEN
                -- All values are keys there.
                q.targets := others;
                q.what := 'named';
                q.keys := q.seen;
            END IF;
        END IF;
        -- The value in a table of values is that of its own row.
        CONTINUE WHEN q.what IN ('named', 'some') AND q.path = '' AND NOT q.says_id AND q.targets = ARRAY[q.relation];
        IF q.what IN ('named', 'some') AND q.path = '' AND q.family = 'int' AND NOT q.says_id THEN
            -- max_users is a number, whose rows are those of any tenant.
            q.targets := ARRAY(SELECT k.target FROM unnest(q.targets) WITH ORDINALITY AS k (target, place) WHERE clone_internal.of_same_tenant(ask_about_data.store, q.relation, q."column", k.target) IS NOT FALSE ORDER BY k.place);
            CONTINUE WHEN q.targets = '{}';
        END IF;
        IF q.what IN ('named', 'some') AND q.path = '' AND q.family = 'int' AND q.says_id AND cardinality(q.targets) = 1 THEN
            -- product_id in category_product names rows of product_entity: another table has all of them, of the same tenants.
            same := CASE WHEN clone_internal.of_same_tenant(ask_about_data.store, q.relation, q."column", q.targets[1]) IS FALSE THEN clone_internal.fitting_targets(ask_about_data.store, q.relation, q."column", '')
                         WHEN q.what = 'some' THEN ARRAY(SELECT f.target FROM unnest(clone_internal.fitting_targets(ask_about_data.store, q.relation, q."column", '')) AS f (target) JOIN pg_class c ON c.oid = f.target
                                                         WHERE strpos(clone_internal.plain(c.relname), clone_internal.plain(clone_internal.named_word(q."column"))) > 0 ORDER BY f.target) END;
            IF same <> '{}' AND q.targets[1] <> ALL (same) THEN
                q.what := 'unknown';
                q.targets := same;
                q.keys := q.seen;
            END IF;
        END IF;
        strangers := CASE WHEN q.what IN ('named', 'some') AND q.path <> '' AND clone_internal.have_numbers(ask_about_data.store, q.targets) THEN clone_internal.share_of_strangers(ask_about_data.store, q.relation, q."column", q.path, q.targets[1]) END;
        unsure := false;
        few := q.what = 'some' AND 5 * (q.seen - q.keys) >= q.seen;
        IF strangers > 0.2 OR few AND q.path <> '' THEN
            -- Another table may have all of them as its keys, of rows of the same tenants.
            same := clone_internal.fitting_targets(ask_about_data.store, q.relation, q."column", q.path);
            IF same <> '{}' THEN
                q.what := 'unknown';
                q.targets := same;
                unsure := cardinality(same) > 1;
                strangers := NULL;
            END IF;
        END IF;
        IF q.what = 'unknown' AND q.path = '' THEN
            IF q.relation = ANY (q.targets) AND clone_internal.named_word(q."column") = 'parent' AND NOT clone_internal.has_roots(q.relation, q."column", (SELECT r.id_column FROM clone.store_relation r WHERE r.store = ask_about_data.store AND r.relation = q.relation)) THEN
                q.targets := array_remove(q.targets, q.relation);
            END IF;
            -- Small numbers are keys of many tables by chance, but not of rows of the same tenant. Rows of which none has a tenant are not cloned: keys of them stay.
            q.targets := ARRAY(SELECT k.target FROM unnest(q.targets) WITH ORDINALITY AS k (target, place) CROSS JOIN LATERAL (SELECT clone_internal.of_same_tenant(ask_about_data.store, q.relation, q."column", k.target) AS same OFFSET 0) o
                WHERE k.place <= 60 AND (o.same OR o.same IS NULL AND (clone_internal.tenant_sql(ask_about_data.store, q.relation, 't') LIKE '%.ctid::text' OR clone_internal.tenant_sql(ask_about_data.store, k.target, 'k') LIKE '%.ctid::text'
                       -- Rows of the same table are its own parents and templates.
                       OR k.target = q.relation OR clone_internal.always_owned(ask_about_data.store, k.target))) ORDER BY k.place);
            CONTINUE WHEN q.targets = '{}';
            IF clone_internal.pair_partner(ask_about_data.store, q.relation, q."column", q.targets) IS NOT NULL THEN
                paired := paired || ROW(q.relation, q."column", q.path, q.kind, q.family, q.what, q.says_id, q.seen, q.keys, q.targets, q.separators)::clone_internal.seen_place;
                CONTINUE;
            END IF;
            SELECT l.ordered, NOT l.told INTO q.targets, unsure FROM clone_internal.by_likelihood(q.relation, q."column", q.path, q.targets) l;
        ELSIF q.what = 'unknown' THEN
            SELECT l.ordered, unsure OR NOT l.told INTO same, unsure
            FROM clone_internal.by_likelihood(q.relation, q."column", q.path, clone_internal.targets_of_same_tenants(ask_about_data.store, q.relation, q."column", q.path, q.targets)) l;
            q.targets := CASE WHEN same <> '{}' THEN same ELSE q.targets END;
            -- Numbers that are keys of rows of other tenants say nothing about the table.
            strangers := CASE WHEN same = '{}' THEN clone_internal.share_of_strangers(ask_about_data.store, q.relation, q."column", q.path, q.targets[1]) END;
            unsure := unsure OR COALESCE(strangers > 0, false);
        END IF;
        -- One question covers them. A member of which all values are keys of one table is declared.
        CONTINUE WHEN many IS NOT NULL AND (q.what IN ('keys', 'part') AND q.path <> '' AND NOT (declares AND q.what = 'keys' AND cardinality(q.targets) = 1) OR q.what = 'inside') AND NOT clone_internal.have_numbers(ask_about_data.store, q.targets);
        place := format('%s.%I', q.relation, q."column") || CASE WHEN q.path <> '' THEN format(' at %s', q.path) ELSE '' END;
        names := array_to_string(q.targets, ', ');
        keep := clone_internal.keep_call(ask_about_data.store, q.relation, q."column", q.path);
        SELECT string_agg(clone_internal.reference_call(ask_about_data.store, q.relation, q."column", k.target, q.path,
            CASE WHEN q.separators IS NOT NULL THEN q.separators || CASE WHEN q.family = 'text[]' THEN '{},"' ELSE '' END WHEN q.path = '' AND q.family <> 'text[]' AND cardinality(q.targets) > 1 AND q.what IN ('keys', 'part') THEN ' ' END), ' ' ORDER BY k.place)
        INTO calls FROM unnest(q.targets) WITH ORDINALITY AS k (target, place) WHERE q.what IN ('keys', 'part', 'inside') OR k.place = 1;
        -- A number per tenant, such as the ref of a story, is a key of any row by chance.
        CONTINUE WHEN strangers > 0.2 AND q.what = 'named';
        -- What is declared in silence must be true of all values, not only of those that were looked at.
        sure := NULL;
        rest := '';
        IF declares AND q.separators IS NULL AND q.path <> '' AND q.what IN ('keys', 'part') THEN
            -- Generated keys are unmistakable and belong to one table each: such values are references, even among other values.
            others := clone_internal.all_targets(ask_about_data.store, q.relation, q."column", q.family, q.path);
            sure := others IS NOT NULL;
            -- A table with the key of another one adds nothing to that.
            others := ARRAY(SELECT k FROM unnest(others) k JOIN clone.store_relation r ON r.store = ask_about_data.store AND r.relation = k WHERE k = ANY (q.targets) OR NOT clone_internal.has_key_of_another(ask_about_data.store, k, r.id_column) ORDER BY k);
            rest := CASE WHEN sure THEN '' ELSE '. The table is too large to look at all' END;
            IF NOT others <@ q.targets THEN
                q.targets := ARRAY(SELECT DISTINCT k FROM unnest(q.targets || others) k ORDER BY k);
                q.what := 'part';
                names := array_to_string(q.targets, ', ');
            END IF;
        ELSIF declares AND q.separators IS NULL AND cardinality(q.targets) = 1 AND (q.what = 'keys' OR q.what = 'named' AND q.says_id AND q.path <> '') THEN
            sure := (SELECT clone_internal.all_are_keys(q.relation, q."column", q.family, q.path, q.what = 'keys', q.targets[1], r.id_column) FROM clone.store_relation r WHERE r.store = ask_about_data.store AND r.relation = q.targets[1]);
            rest := CASE WHEN sure IS NULL THEN '. The table is too large to look at all' WHEN NOT sure THEN '. Others are no keys there' ELSE '' END;
            IF sure AND strangers > 0 THEN
                sure := false;
                rest := '. Some are keys of rows of another tenant';
            END IF;
        END IF;
        IF sure AND cardinality(q.targets) = 1 AND q.what IN ('keys', 'named') THEN
            PERFORM clone.store_reference(ask_about_data.store, q.relation, q."column", q.targets[1], path => NULLIF(q.path, ''));
            UPDATE clone.store_reference r SET reason = format('%s%s values looked at, which all are keys there', CASE WHEN q.what = 'named' THEN 'by its name; ' ELSE '' END, q.seen)
            WHERE r.store = ask_about_data.store AND r.relation = q.relation AND r."column" = q."column" AND r.target = q.targets[1] AND COALESCE(r.path, '') = q.path;
        ELSIF sure AND q.path <> '' AND q.what IN ('keys', 'part') THEN
            PERFORM clone.store_reference(ask_about_data.store, q.relation, q."column", k.target, path => q.path) FROM unnest(q.targets) AS k (target);
            UPDATE clone.store_reference r SET reason = format('%s of %s values looked at are keys of %s', q.keys, q.seen, names)
            WHERE r.store = ask_about_data.store AND r.relation = q.relation AND r."column" = q."column" AND r.target = ANY (q.targets) AND COALESCE(r.path, '') = q.path;
        ELSIF q.what IN ('keys', 'part') THEN
            PERFORM clone_internal.ask(ask_about_data.store, q.relation, q."column", q.path, 'error',
                format('%s holds keys of %s: %s of %s values that were looked at', place, names, q.keys, q.seen) || rest, calls, keep);
        ELSIF q.what = 'inside' THEN
            PERFORM clone_internal.ask(ask_about_data.store, q.relation, q."column", q.path, 'error',
                format('%s holds keys of %s within longer texts: %s of the values that were looked at', place, names, q.keys), calls, keep);
        ELSIF q.what = 'named' THEN
            SELECT rest || n.text, CASE WHEN n.text = '' THEN calls END INTO rest, calls FROM clone_internal.negative_values(q.relation, q."column", q.path, q.family) n (text);
            PERFORM clone_internal.ask(ask_about_data.store, q.relation, q."column", q.path, 'error',
                format('%s looks like a reference to %s by its name, and the %s values that were looked at are keys there', place, names, q.seen) || rest, calls, keep, CASE WHEN q.path <> '' AND cardinality(q.targets) = 1 THEN q.targets[1] END);
        ELSIF q.what = 'some' THEN
            PERFORM clone_internal.ask(ask_about_data.store, q.relation, q."column", q.path, 'error',
                format('%s looks like a reference to %s by its name, and %s of %s values that were looked at are keys there', place, names, q.keys, q.seen)
                    || CASE WHEN few OR strangers > 0.2 THEN CASE WHEN strangers > 0 THEN format(', %s%% of these of rows of other tenants alone', round(100 * strangers)) ELSE '' END || '. If they are references, declare it with ' || rtrim(replace(calls, 'SELECT ', ''), ';') ELSE '' END,
                -- The data do not say it.
                CASE WHEN few OR strangers > 0.2 THEN NULL ELSE calls END, keep);
        ELSIF q.what = 'unknown' THEN
            SELECT rest || n.text, CASE WHEN n.text = '' THEN calls END INTO rest, calls FROM clone_internal.negative_values(q.relation, q."column", q.path, q.family) n (text);
            PERFORM clone_internal.ask(ask_about_data.store, q.relation, q."column", q.path,
                -- A few small numbers under the name id may be those of parts of the document.
                CASE WHEN q.path = '' OR same <> '{}' OR strangers > 0 AND q.seen >= 8 AND q.path !~ '[[]''(_?id|pk|key|no|number)''[]]$' THEN 'error' ELSE 'warning' END,
                format('%s looks like a key of %s: all %s values that were looked at are', place, array_to_string(q.targets, ' or '), q.seen) || CASE WHEN q.path <> '' AND same <> '{}' THEN ', of rows of the same tenant' WHEN strangers > 0 THEN ', some of rows of other tenants. If they are keys of several tables, declare each with a path or condition' ELSE '' END || rest,
                CASE WHEN NOT unsure THEN calls END, keep, CASE WHEN NOT unsure AND (q.path = '' OR same <> '{}') THEN q.targets[1] END);
        END IF;
    END LOOP;
    PERFORM clone_internal.ask_about_namesakes(ask_about_data.store);
    IF many IS NOT NULL THEN
        PERFORM clone_internal.ask(ask_about_data.store, r.relation, r.id_column, '$text_keys', 'error', many,
            format('SELECT clone.store_alter(%L, %L);', ask_about_data.store, '{"text_keys": "everywhere"}'), format('SELECT clone.store_alter(%L, %L);', ask_about_data.store, '{"text_keys": "declared"}'))
        FROM clone.store_relation r WHERE r.store = ask_about_data.store AND r.role = 'project';
    END IF;
    -- An empty column that is named like a key gives no evidence.
    words := ARRAY(SELECT w.word FROM clone_internal.words_of_tables(ask_about_data.store,
        ARRAY(SELECT clone_internal.named_word(o.name) FROM clone_internal.open_columns(ask_about_data.store) o WHERE clone_internal.says_id(o.name))) w);
    FOR q IN
        SELECT o.relation, o.name FROM clone_internal.open_columns(ask_about_data.store) o
        WHERE o.family IN ('int', 'text', 'int[]', 'text[]') AND clone_internal.says_id(o.name)
          AND NOT EXISTS (SELECT FROM clone.store_question s WHERE s.store = ask_about_data.store AND s.relation = o.relation AND s."column" = o.name)
          AND NOT clone_internal.named_word(o.name) = ANY (words)
          AND NOT EXISTS (SELECT FROM clone_internal.polymorphic_pairs(ask_about_data.store) p WHERE p.relation = o.relation AND p.name = o.name)
    LOOP
        EXECUTE format('SELECT 1 WHERE NOT EXISTS (SELECT FROM %s AS s WHERE s.%I IS NOT NULL)', clone_internal.spread(q.relation, quote_ident(q.name), 100000000), q.name) INTO place;
        CONTINUE WHEN place IS NULL;
        PERFORM clone_internal.ask(ask_about_data.store, q.relation, q.name, '', 'warning',
            format('%s.%I is named like a key, names no table of the store and is empty', q.relation, q.name),
            clone_internal.keep_call(ask_about_data.store, q.relation, q.name, ''), NULL);
    END LOOP;
    PERFORM clone_internal.ask_about_tenants(ask_about_data.store);
    PERFORM clone_internal.ask_about_tenant_copies(ask_about_data.store);
    PERFORM clone_internal.ask_about_history(ask_about_data.store);
    PERFORM clone_internal.ask_about_link_tables(ask_about_data.store);
    places := ARRAY(SELECT o FROM clone_internal.places_outside(ask_about_data.store) o);
    PERFORM clone_internal.ask_about_outside_pairs(ask_about_data.store, places);
    places := ARRAY(SELECT p FROM unnest(places) p WHERE NOT EXISTS (SELECT FROM clone.store_question o WHERE o.store = ask_about_data.store AND o.relation = p.relation));
    PERFORM clone_internal.ask_about_links_within_table(ask_about_data.store, places);
    places := ARRAY(SELECT p FROM unnest(places) p WHERE NOT EXISTS (SELECT FROM clone.store_question o WHERE o.store = ask_about_data.store AND o.relation = p.relation));
    PERFORM clone_internal.ask_about_links(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_outside_values(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_outside_texts(ask_about_data.store, places);
    places := ARRAY(SELECT p FROM unnest(places) p WHERE NOT EXISTS (SELECT FROM clone.store_question o WHERE o.store = ask_about_data.store AND o.relation = p.relation));
    PERFORM clone_internal.ask_about_links_between_tables(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_shared_primary_keys(ask_about_data.store);
    -- Rows that rows of one tenant name are its parts, whatever numbers their texts hold.
    WITH gone AS (
        DELETE FROM clone.store_question o WHERE o.store = ask_about_data.store AND o.otherwise IS NULL AND o.answer = format('SELECT clone.store_shared(%L, %L);', ask_about_data.store, o.relation)
          AND EXISTS (SELECT FROM pg_constraint f JOIN clone.store_relation r ON r.store = ask_about_data.store AND r.relation = f.conrelid WHERE f.contype = 'f' AND f.confrelid = o.relation)
        RETURNING o)
    SELECT COALESCE(array_agg(g.o), '{}') INTO held FROM gone g;
    PERFORM clone_internal.ask_about_owned(ask_about_data.store);
    PERFORM clone_internal.ask_about_owned_by_pairs(ask_about_data.store, sampled);
    PERFORM clone_internal.ask_about_named_by_uuids(ask_about_data.store);
    INSERT INTO clone.store_question SELECT h.* FROM unnest(held) h WHERE NOT EXISTS (SELECT FROM clone.store_question o WHERE o.store = ask_about_data.store AND o.relation = h.relation);
    -- After the questions about undescribed tables: types that name these wait for them.
    PERFORM clone_internal.ask_about_types(ask_about_data.store);
    PERFORM clone_internal.ask_about_left_out_types(ask_about_data.store);
    places := ARRAY(SELECT o FROM clone_internal.open_places(ask_about_data.store, sampled) o);
    PERFORM clone_internal.ask_about_pairs(ask_about_data.store, places, sampled);
    places := ARRAY(SELECT o FROM clone_internal.open_places(ask_about_data.store, places) o);
    PERFORM clone_internal.ask_about_pairs_by_values(ask_about_data.store, places);
    typed := ARRAY(SELECT t FROM clone_internal.typed_texts(ask_about_data.store, places) t);
    PERFORM clone_internal.ask_about_typed_texts(ask_about_data.store, typed);
    PERFORM clone_internal.ask_about_array_pairs(ask_about_data.store);
    PERFORM clone_internal.ask_about_fields(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_settings(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_own_references(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_parties(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_tenants_in_documents(ask_about_data.store, sampled);
    PERFORM clone_internal.ask_about_several_tables(ask_about_data.store, ARRAY(SELECT o FROM clone_internal.open_places(ask_about_data.store, sampled) o WHERE o.path <> '' AND ROW(o.relation::oid, o."column", o.path)::text <> ALL (pairs)));
    PERFORM clone_internal.ask_about_partners(ask_about_data.store, paired);
    PERFORM clone_internal.ask_about_copied_references(ask_about_data.store);
    PERFORM clone_internal.ask_about_other_forms(ask_about_data.store);
    PERFORM clone_internal.ask_about_base64(ask_about_data.store);
    PERFORM clone_internal.ask_about_bytes(ask_about_data.store);
    PERFORM clone_internal.ask_about_keys_of_bytes(ask_about_data.store);
    PERFORM clone_internal.ask_about_own_rows(ask_about_data.store);
    PERFORM clone_internal.ask_about_relatives(ask_about_data.store);
    PERFORM clone_internal.ask_about_ownerless(ask_about_data.store);
    PERFORM clone_internal.ask_about_named_ownerless(ask_about_data.store);
    PERFORM clone_internal.ask_about_listed_ownerless(ask_about_data.store);
    PERFORM clone_internal.ask_about_two_tenants(ask_about_data.store);
    PERFORM clone_internal.ask_about_unique_values(ask_about_data.store, places || ARRAY(SELECT p FROM clone_internal.places_with_parts(ask_about_data.store, sampled) p WHERE p <> ALL (places)));
    PERFORM clone_internal.ask_about_parts_of_keys(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_listed_rows(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_paths_below_root(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_typed_prose(ask_about_data.store, typed);
    PERFORM clone_internal.ask_about_tenant_segments(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_tenant_words(ask_about_data.store, sampled);
    PERFORM clone_internal.ask_about_numbers_within(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_own_numbers(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_numbers_of_base(ask_about_data.store, places);
    PERFORM clone_internal.ask_about_composed_keys(ask_about_data.store);
    PERFORM clone_internal.ask_about_named_texts(ask_about_data.store);
    PERFORM clone_internal.ask_about_called_addresses(ask_about_data.store);
    PERFORM clone_internal.ask_about_member_names(ask_about_data.store);
    PERFORM clone_internal.ask_about_groups(ask_about_data.store, sampled);
    PERFORM clone_internal.ask_about_large_objects(ask_about_data.store, sampled);
    PERFORM clone_internal.ask_about_nested_sets(ask_about_data.store);
    PERFORM clone_internal.ask_about_free_sequences(ask_about_data.store);
    PERFORM clone_internal.let_parts_wait(ask_about_data.store);
    PERFORM clone_internal.let_keys_wait(ask_about_data.store);
    PERFORM clone_internal.let_tables_wait(ask_about_data.store);
    PERFORM clone_internal.let_pairs_wait(ask_about_data.store);
    PERFORM clone_internal.merge_questions(ask_about_data.store);
    IF EXISTS (SELECT FROM clone.store s WHERE s.name = ask_about_data.store AND s.preset = 'discover') THEN
        -- Described by hand, the clone itself says so, where it would have values of its source.
        PERFORM clone_internal.discover_unique(ask_about_data.store, true);
        PERFORM clone_internal.ask_about_unique_texts(ask_about_data.store);
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_data(text, boolean) IS 'Checks the data of a store''s tables: declares certain references, if allowed, and records questions about the others';
