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
    )
    DELETE FROM clone.store_question q USING waiting w
    WHERE q.store = $1 AND q.path = '' AND clone_internal.says_id(q."column") AND clone_internal.ends_with_word(clone_internal.named_word(q."column"), w.word)
      AND q.relation IN (SELECT r.relation FROM clone.store_relation r WHERE r.store = $1)
      -- The name of a described table is longer: merge_request_id, while requests wait.
      AND NOT EXISTS (SELECT FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation WHERE r.store = $1 AND length(clone_internal.table_word(c.relname)) >= length(w.word)
                      AND clone_internal.ends_with_word(clone_internal.named_word(q."column"), clone_internal.table_word(c.relname)))
      AND strpos(COALESCE(q.answer, ''), quote_literal(w.relation::text)) = 0
$$;
COMMENT ON FUNCTION clone_internal.let_keys_wait(text) IS 'Takes back questions about keys that are named after a table about which a question is open';
