-- Texts that name a tenant in another form than its key has: a UUID in upper case, in braces or without hyphens. They are compared
-- as texts, so that such rows belong to nothing. References to a parent are found in any form.

-- One form of a key, of a text as SQL: UUIDs as 32 digits, other texts in lower case, numbers without leading zeros.
CREATE FUNCTION clone_internal.one_form(value text, family text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $2 = 'int' THEN format('pg_catalog.regexp_replace(pg_catalog.btrim(%s), ''^[+]?0+(?=[0-9])'', '''')', $1)
                ELSE format('CASE WHEN %1$s OPERATOR(pg_catalog.~*) ''^[[:space:]]*([a-z]+:)*[{]?%2$s[}]?[[:space:]]*$''
                THEN pg_catalog.right(pg_catalog.translate(pg_catalog.lower(pg_catalog.btrim(%1$s)), ''{}-'', ''''), 32) ELSE pg_catalog.lower(pg_catalog.btrim(%1$s)) END', $1, clone_internal.uuid_pattern('-?')) END
$$;
COMMENT ON FUNCTION clone_internal.one_form(text, text) IS 'The form by which keys of a kind are compared without regard to letters and hyphens, as SQL';

CREATE FUNCTION clone_internal.ask_about_other_forms(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    rows bigint;
    example text;
BEGIN
    FOR c IN
        WITH ways AS (
            SELECT r.relation, r.project_column AS name, p.relation AS target, p.id_column AS key FROM clone.store_relation r
            JOIN clone.store_relation p ON p.store = $1 AND p.role = 'project' WHERE r.store = $1 AND r.role <> 'project'
        )
        SELECT w.*, clone_internal.family(k.atttypid) AS family, clone_internal.column_text('t', w.relation, w.name) AS value, clone_internal.column_text('k', w.target, w.key) AS keys
        FROM ways w JOIN pg_class r ON r.oid = w.relation AND r.relkind IN ('r', 'p') JOIN pg_class p ON p.oid = w.target AND p.relkind IN ('r', 'p')
        JOIN pg_attribute a ON a.attrelid = w.relation AND a.attname = w.name AND NOT a.attisdropped AND clone_internal.base_type(a.atttypid) IN (25, 1043)
        JOIN pg_attribute k ON k.attrelid = w.target AND k.attname = w.key AND NOT k.attisdropped
        WHERE clone_internal.family(k.atttypid) IN ('uuid', 'text', 'int')
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.convalidated AND f.conrelid = w.relation AND f.conkey = ARRAY[a.attnum])
          AND NOT clone_internal.answered($1, w.relation, w.name, '$forms')
        ORDER BY w.relation::oid, w.name, w.target::oid
    LOOP
        EXECUTE format('SELECT count(*), min(s.x) FROM (SELECT s.x FROM (SELECT %1$s AS x FROM %2$s AS t WHERE t.%3$I IS NOT NULL) s WHERE NOT EXISTS (SELECT FROM %5$s AS k WHERE %4$s = s.x) LIMIT 100000) s
            WHERE %7$s IN (SELECT %8$s FROM %5$s AS k WHERE k.%6$I IS NOT NULL)', c.value, c.relation, c.name, c.keys, c.target, c.key,
            clone_internal.one_form('s.x', c.family), clone_internal.one_form(c.keys, c.family)) INTO rows, example;
        CONTINUE WHEN rows = 0;
        PERFORM clone_internal.ask($1, c.relation, c.name, '$forms', 'error',
            format('%s rows of %s name in %s a row of %s in another form than its %I has, such as %s: they are not cloned. Store one form: UPDATE %2$s SET %3$s = …, with the text of %5$I, and check again', rows, c.relation, quote_ident(c.name), c.target,
                c.key, clone_internal.quoted(left(example, 60))),
            NULL, format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, c.relation, c.name, '$forms'));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_other_forms(text) IS 'Records questions about texts that name a tenant in another form than its key has';
