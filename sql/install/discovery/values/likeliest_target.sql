-- Which of several tables values are keys of, where their numbers are keys of each.

-- Words decide: those of the column, of the path, and of the texts in the same documents, such as an action "assign_team" beside the number
-- of a team. A reply or a former version is a row of the same table. Without a word the order stays.
CREATE FUNCTION clone_internal.by_likelihood(relation regclass, "column" name, path text, targets regclass[]) RETURNS regclass[]
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    named text := clone_internal.snake($2 || ' ' || $3);
    texts text;
    ranked regclass[];
BEGIN
    IF cardinality(targets) < 2 THEN
        RETURN targets;
    END IF;
    IF path <> '' THEN
        EXECUTE format('SELECT string_agg(left(v.value, 2000), '' '') FROM (SELECT %s AS value FROM %s AS k WHERE k.%I IS NOT NULL LIMIT 50) AS v',
            clone_internal.column_text('k', $1, $2), $1, $2) INTO texts;
        texts := clone_internal.snake(COALESCE(texts, ''));
    END IF;
    SELECT array_agg(t.target ORDER BY n.in_name DESC, n.in_texts DESC, t.number) INTO ranked
    FROM unnest(targets) WITH ORDINALITY AS t (target, number)
    JOIN pg_class c ON c.oid = t.target
    CROSS JOIN LATERAL (SELECT format('(^|[^[:alnum:]])%s(e?s)?([^[:alnum:]]|$)', replace(clone_internal.table_word(c.relname), '_', '[_ -]?')) AS pattern) w
    CROSS JOIN LATERAL (
        SELECT named ~ w.pattern OR t.target = $1 AND named ~ '(^|_|[^a-z])(reply|replies|parent|previous|prev|next|original|root|ancestor|duplicates?|replaces|replaced|supersedes|superseded|copy|copied|forwarded|follows)(_|[^a-z]|$)' AS in_name,
               CASE WHEN texts IS NULL THEN 0 ELSE (SELECT count(*) FROM regexp_matches(texts, w.pattern, 'g')) END AS in_texts
    ) n;
    RETURN ranked;
END
$$;
COMMENT ON FUNCTION clone_internal.by_likelihood(regclass, name, text, regclass[]) IS 'Orders tables of whose rows values are keys: first those that words at or beside the values name';
