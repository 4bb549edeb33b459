-- References to the own table under names that say nothing: reply_to, quoted.

CREATE FUNCTION clone_internal.look_for_own_references(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    missing boolean;
    found record;
BEGIN
    FOR c IN
        SELECT DISTINCT p.relation, p."column" AS name, r.id_column, COALESCE(r.project_column, r.join_column) AS holder,
               clone_internal.snake(p."column") ~ ('(^|_)(repl(y|ies|ied)|respon(se|ds?)|answer(s|ed)?|quot(e|es|ed)|parent|prev|previous|next|origin|original|link(s|ed)?|thread|root|cop(y|ied)|duplicate|merged|'
                   || 'supersed(es|ed)|replac(es|ed)|fork(s|ed)?|cloned|related|follows?|predecessor|successor|above|below|child|ancestor|head|tail|blocks|blocked)(_|$)|_(to|of|from)$') AS says
        FROM unnest($2) AS p
        JOIN clone.store_relation r ON r.store = $1 AND r.relation = p.relation AND r.role <> 'project'
        JOIN pg_attribute i ON i.attrelid = r.relation AND i.attname = r.id_column
        -- A tree has a root: a row that names no other.
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = p."column" AND NOT a.attnotnull AND NOT a.atthasdef
        WHERE p.path = '' AND p.family = 'int' AND NOT p.says_id AND clone_internal.family(i.atttypid) = 'int'
          AND EXISTS (SELECT FROM pg_index u WHERE u.indrelid = r.relation AND u.indisunique AND u.indnkeyatts = 1 AND u.indkey[0] = i.attnum)
          AND COALESCE(r.project_column, r.join_column) IS NOT NULL
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = p.relation AND q."column" = p."column")
        ORDER BY 1, 2
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT t.%1$I AS x, t.%2$I AS holder FROM (SELECT * FROM %3$s LIMIT 50000) AS t WHERE t.%1$I IS NOT NULL LIMIT 2000) AS t
            WHERE NOT EXISTS (SELECT FROM %3$s AS k WHERE k.%4$I = t.x AND k.%2$I IS NOT DISTINCT FROM t.holder))', c.name, c.holder, c.relation, c.id_column) INTO missing;
        CONTINUE WHEN missing;
        EXECUTE format('SELECT count(t.%1$I) AS rows, count(DISTINCT t.%1$I) AS keys, count(DISTINCT t.%2$I) FILTER (WHERE t.%1$I IS NOT NULL) AS holders, count(*) > count(t.%1$I) AS roots
            FROM (SELECT * FROM %3$s LIMIT 50000) AS t', c.name, c.holder, c.relation) INTO found;
        -- Small numbers are keys of any table by chance, but not of rows of the same tenant for several tenants.
        CONTINUE WHEN found.rows = 0 OR NOT c.says AND NOT (found.roots AND found.keys >= 5 AND found.holders >= 2);
        PERFORM clone_internal.ask($1, c.relation, c.name, '', 'error',
            format('%s.%I looks like a key of its own table: all %s values are keys of rows with the same %I', c.relation, c.name, found.rows, c.holder),
            clone_internal.reference_call($1, c.relation, c.name, c.relation, ''), clone_internal.keep_call($1, c.relation, c.name, ''));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.look_for_own_references(text, clone_internal.place[]) IS 'Records questions about columns whose values are keys of their own table';
