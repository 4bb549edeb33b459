-- Columns that repeat a reference of their row, such as the number of a document beside the foreign key to it.

CREATE FUNCTION clone_internal.ask_about_copied_references(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    t record;
    c record;
    counts bigint[];
BEGIN
    FOR t IN
        WITH open AS MATERIALIZED (
            SELECT o.relation, o.name FROM clone_internal.open_columns($1) o
            WHERE o.family IN ('int', 'text') AND o.relkind IN ('r', 'p') AND NOT clone_internal.answered($1, o.relation, o.name, '')
              AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = o.relation AND q."column" = o.name AND q.severity = 'error')
        ), named AS MATERIALIZED (
            SELECT r.relation, a.attname AS name, f.confrelid::regclass AS target, NULL::text AS condition
            FROM clone.store_relation r JOIN pg_constraint f ON f.contype = 'f' AND f.conrelid = r.relation AND cardinality(f.conkey) = 1 AND f.conparentid = 0
            JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
            JOIN clone.store_relation p ON p.store = $1 AND p.relation::oid = f.confrelid AND p.role <> 'project'
            JOIN pg_attribute k ON k.attrelid = f.confrelid AND k.attnum = f.confkey[1] AND k.attname = p.id_column
            WHERE r.store = $1 AND clone_internal.family(a.atttypid) IN ('int', 'text')
            UNION
            SELECT d.relation, d."column", d.target, d.condition FROM clone.store_reference d
            JOIN clone.store_relation p ON p.store = $1 AND p.relation = d.target AND p.role <> 'project' AND p.id_column = d.target_column
            JOIN pg_attribute a ON a.attrelid = d.relation AND a.attname = d."column"
            WHERE d.store = $1 AND d.form = 'column' AND clone_internal.family(a.atttypid) IN ('int', 'text')
        ), reference AS MATERIALIZED (
            -- The column may name rows of several tables. The copy takes the place of the E'\x01'.
            SELECT n.relation, n.name, string_agg(DISTINCT n.target::text, ' or ') AS targets,
                   string_agg(format(E'SELECT clone.store_reference(%L, %L, \x01, %L%s);', $1, n.relation, n.target, CASE WHEN n.condition IS NOT NULL THEN format(', condition => %L', n.condition) ELSE '' END), ' ' ORDER BY n.target::oid, n.condition) AS calls
            FROM named n GROUP BY 1, 2
        )
        SELECT o.relation, array_agg(o.name ORDER BY o.name, f.name) AS copies, array_agg(f.name ORDER BY o.name, f.name) AS originals, array_agg(f.targets ORDER BY o.name, f.name) AS targets, array_agg(f.calls ORDER BY o.name, f.name) AS calls,
               -- How many different values are the same, and how many rows have another.
               string_agg(format('count(DISTINCT CASE WHEN %1$s OPERATOR(pg_catalog.=) %2$s THEN %1$s END), count(*) FILTER (WHERE %1$s IS DISTINCT FROM %2$s AND %1$s IS NOT NULL)',
                   clone_internal.column_text('t', o.relation, o.name), clone_internal.column_text('t', o.relation, f.name)), ', ' ORDER BY o.name, f.name) AS counts
        FROM open o JOIN reference f ON f.relation = o.relation AND f.name <> o.name GROUP BY o.relation ORDER BY o.relation::oid
    LOOP
        EXECUTE format('SELECT ARRAY[%s] FROM %s AS t', t.counts, clone_internal.spread(t.relation, '*', 5000)) INTO counts;
        FOR c IN
            SELECT DISTINCT ON (p.copy) p.copy, p.original, p.targets, p.calls, counts[2 * p.number - 1] AS same
            FROM unnest(t.copies, t.originals, t.targets, t.calls) WITH ORDINALITY AS p (copy, original, targets, calls, number)
            -- A few small numbers are the same by chance.
            WHERE counts[2 * p.number - 1] >= 8 AND counts[2 * p.number] = 0 ORDER BY p.copy, p.number
        LOOP
            PERFORM clone_internal.ask($1, t.relation, c.copy, '', 'error',
                format('%s.%I is always the same as %I, which refers to %s: %s values that were looked at', t.relation, c.copy, c.original, c.targets, c.same),
                replace(c.calls, E'\x01', quote_literal(c.copy)), clone_internal.keep_call($1, t.relation, c.copy, ''));
        END LOOP;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_copied_references(text) IS 'Records questions about columns that repeat a reference of their row';
