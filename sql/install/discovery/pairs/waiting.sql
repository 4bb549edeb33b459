-- Questions that wait for the description of a table: a type that names it, and a key that is named after it, mean its rows. Asked before that,
-- they would be proposed to stay, or as keys of tables that have the same numbers by chance.

-- Undescribed tables about which a question is open that stops a clone.
CREATE FUNCTION clone_internal.waiting_tables(store text) RETURNS TABLE (relation regclass, word text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT DISTINCT q.relation, clone_internal.table_word(c.relname) FROM clone.store_question q JOIN pg_class c ON c.oid = q.relation
    WHERE q.store = $1 AND q.severity = 'error' AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = q.relation)
      AND NOT EXISTS (SELECT FROM clone.store_shared s WHERE s.store = $1 AND s.relation = q.relation)
$$;
COMMENT ON FUNCTION clone_internal.waiting_tables(text) IS 'Undescribed tables of which an open question asks whether their rows are cloned';

-- Those of the given types of a polymorphic pair that name no such table.
CREATE FUNCTION clone_internal.types_without_waiting(store text, kinds text[]) RETURNS text[]
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(SELECT k FROM unnest($2) k
        WHERE k NOT IN (SELECT n.kind FROM clone_internal.tables_of_kinds($1, $2) n WHERE n.rank < 3 AND n.target IN (SELECT w.relation FROM clone_internal.waiting_tables($1) w)) ORDER BY k)
$$;
COMMENT ON FUNCTION clone_internal.types_without_waiting(text, text[]) IS 'Those of the given types that name no table about which a question is open';

-- Takes back the questions about columns with the name of such a table, also with words before it (latest_diff_id), if their answer is another.
CREATE FUNCTION clone_internal.let_keys_wait(store text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    WITH waiting AS MATERIALIZED (
        SELECT w.relation, w.word FROM clone_internal.waiting_tables($1) w WHERE length(w.word) > 2
    ), named AS MATERIALIZED (
        -- A column, or a member of documents.
        SELECT q.relation, q."column", q.path, q.answer, n.called, clone_internal.named_word(n.called) AS word
        FROM clone.store_question q CROSS JOIN LATERAL (SELECT CASE WHEN q.path = '' THEN q."column"::text ELSE substring(q.path FROM '^[$].*[[]''([^'']+)''[]]([[][*][]])*$') END AS called) n
        WHERE q.store = $1 AND clone_internal.says_id(n.called) AND q.relation IN (SELECT r.relation FROM clone.store_relation r WHERE r.store = $1)
    ), gone AS MATERIALIZED (
        SELECT n.* FROM named n CROSS JOIN waiting w
        -- author_id, while users wait.
        -- bill_address_id, while spree_addresses wait.
        WHERE (clone_internal.ends_with_word(n.word, w.word) OR clone_internal.ends_with_word(n.word, substring(w.word FROM '^[^_]+_(.{4,})$')) OR n.answer IS NULL AND clone_internal.names_person(n.called) AND clone_internal.has_persons(w.word) = 2
               -- blob_id, while active_storage_blobs wait.
               OR n.answer IS NULL AND length(n.word) > 3 AND clone_internal.ends_with_word(w.word, n.word)
               -- base_repo_id, while repositories wait.
               OR clone_internal.abbreviates(n.word, w.word))
          -- The name of a described table is longer: merge_request_id, while requests wait.
          AND NOT EXISTS (SELECT FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation WHERE r.store = $1 AND length(clone_internal.table_word(c.relname)) >= length(w.word)
                          AND clone_internal.ends_with_word(n.word, clone_internal.table_word(c.relname)))
          AND strpos(COALESCE(n.answer, ''), quote_literal(w.relation::text)) = 0
    )
    DELETE FROM clone.store_question q USING gone g WHERE q.store = $1 AND q.relation = g.relation AND q."column" = g."column" AND q.path = g.path
$$;
COMMENT ON FUNCTION clone_internal.let_keys_wait(text) IS 'Takes back questions about keys that are named after a table about which a question is open';

-- Takes back the questions whether an undescribed table belongs to the tenant by who wrote its rows (comment.poster_id), if another of its columns
-- is named after a table about which a question is open (issue_id): its rows belong through that. And what types of a table mean, if the key is
-- named so.
CREATE FUNCTION clone_internal.let_parts_wait(store text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    WITH waiting AS MATERIALIZED (
        SELECT w.relation, w.word FROM clone_internal.waiting_tables($1) w WHERE length(w.word) > 2
    )
    DELETE FROM clone.store_question q
    WHERE q.store = $1 AND q.path = '' AND q.relation IN (SELECT w.relation FROM waiting w)
      AND (clone_internal.names_person(q."column") AND clone_internal.named_word(q."column") !~ '(^|_)owner$' AND strpos(q.answer, format('project_column => %L', q."column")) > 0
           OR q.answer IS NULL AND q.question LIKE '% looks like a reference to rows of several tables. %')
      AND EXISTS (SELECT FROM pg_attribute a JOIN waiting w ON w.relation <> q.relation AND (clone_internal.named_word(a.attname) = w.word OR clone_internal.abbreviates(clone_internal.named_word(a.attname), w.word))
                   -- Of two that name each other, one is asked about.
                   AND NOT EXISTS (SELECT FROM pg_attribute o JOIN pg_class c ON c.oid = q.relation WHERE o.attrelid = w.relation AND o.attnum > 0 AND NOT o.attisdropped AND clone_internal.named_table(o.attname, false) = clone_internal.table_word(c.relname))
                  WHERE a.attrelid = q.relation AND a.attnum > 0 AND NOT a.attisdropped AND (a.attname <> q."column") = (q.answer IS NOT NULL) AND clone_internal.says_id(a.attname))
$$;
COMMENT ON FUNCTION clone_internal.let_parts_wait(text) IS 'Takes back questions whether rows belong to who wrote them, while a question about the table of which they are parts is open';

-- Takes back the proposals to share a table that refers to one about which a question is open whose answer describes it: its rows belong through that.
CREATE FUNCTION clone_internal.let_tables_wait(store text) RETURNS void
LANGUAGE sql
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE waiting (relation) AS (
        SELECT q.relation::oid FROM clone.store_question q
        WHERE q.store = $1 AND q.severity = 'error' AND strpos(q.answer, format('clone.store_table(%L, %L', $1, q.relation)) > 0
          AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = q.relation)
        UNION
        SELECT f.conrelid FROM waiting w JOIN pg_constraint f ON f.contype = 'f' AND f.confrelid = w.relation AND f.conrelid <> f.confrelid
        WHERE NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = f.conrelid)
    )
    DELETE FROM clone.store_question q USING waiting w
    WHERE q.store = $1 AND q.relation = w.relation AND q.answer = format('SELECT clone.store_shared(%L, %L);', $1, q.relation)
$$;
COMMENT ON FUNCTION clone_internal.let_tables_wait(text) IS 'Takes back proposals to share tables that refer to a table about which a question is open';

-- Takes back what is proposed for the ids of pairs whose types name a table about which a question is open, and that tables with such a pair are shared.
CREATE FUNCTION clone_internal.let_pairs_wait(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    named regclass;
BEGIN
    IF NOT EXISTS (SELECT FROM clone_internal.waiting_tables($1)) THEN
        RETURN;
    END IF;
    FOR c IN
        SELECT q.relation, q."column", q.path, t.attname, q.path = '' AND clone_internal.pair_word(q."column", false) = p.word AS beside
        FROM clone.store_question q
        JOIN pg_attribute t ON t.attrelid = q.relation AND t.attnum > 0 AND NOT t.attisdropped AND t.attname <> q."column" AND clone_internal.family(t.atttypid) = 'text'
        CROSS JOIN LATERAL (SELECT clone_internal.pair_word(t.attname, true) AS word) p
        WHERE q.store = $1 AND p.word IS NOT NULL AND (q.path = '' AND q.target IS NULL AND q.question NOT LIKE '% names rows of the types %' AND q.answer IS DISTINCT FROM clone_internal.keep_call($1, q.relation, q."column", '') AND clone_internal.pair_word(q."column", false) = p.word
                OR q.answer = format('SELECT clone.store_shared(%L, %L);', $1, q.relation)
                   AND EXISTS (SELECT FROM pg_attribute i WHERE i.attrelid = q.relation AND i.attnum > 0 AND NOT i.attisdropped AND clone_internal.pair_word(i.attname, false) = p.word))
        ORDER BY q.relation::oid, q."column", q.path, t.attnum
    LOOP
        named := clone_internal.names_waiting_table($1, c.relation, c.attname);
        CONTINUE WHEN named IS NULL;
        UPDATE clone.store_question q SET severity = CASE WHEN s.preset = 'discover' THEN 'error' ELSE q.severity END, answer = NULL,
            question = q.question || format('. But %I names rows of %s: answer the question about that first, and check again', c.attname, named)
        FROM clone.store s WHERE s.name = $1 AND q.store = $1 AND q.relation = c.relation AND q."column" = c."column" AND q.path = c.path AND q.question NOT LIKE '%: answer the question about that first%';
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.let_pairs_wait(text) IS 'Takes back proposals for pairs whose types name a table about which a question is open';
