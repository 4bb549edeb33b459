-- Numbers of large objects in columns and documents of other types than oid: Hibernate stores a @Lob in a text column so.

CREATE FUNCTION clone_internal.ask_about_large_objects(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    share float8;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_largeobject_metadata) THEN
        RETURN;
    END IF;
    -- Of the numbers up to the greatest oid, so many are those of objects.
    SELECT count(*)::float8 / max(m.oid::bigint) INTO share FROM pg_largeobject_metadata m;
    FOR c IN
        SELECT p.relation, p."column" AS name, p.path, p.vals[1] AS example
        FROM unnest(places) p
        JOIN clone.store_column s ON s.store = ask_about_large_objects.store AND s.relation = p.relation AND s.name = p."column" AND s.role IN ('keep', 'rewrite', 'map') AND s.reason IS DISTINCT FROM 'set by hand'
        CROSS JOIN LATERAL (
            SELECT count(*) AS objects FROM unnest(p.vals) v JOIN pg_largeobject_metadata m ON m.oid = CASE WHEN v ~ '^[1-9][0-9]{3,8}$' THEN v::oid END) o
        WHERE p.family IN ('int', 'text', 'json') AND p.path !~ '~$' AND cardinality(p.vals) >= 3 AND o.objects = cardinality(p.vals)
          -- Keys of that size are oids of objects by chance, where there are many.
          AND (share ^ o.objects < 0.001 OR clone_internal.snake(p."column" || p.path) ~ '(^|_)(lob|blob|clob|oid|loid|large_object)s?(_|$)')
          AND NOT clone_internal.answered(ask_about_large_objects.store, p.relation, p."column", p.path)
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = ask_about_large_objects.store AND q.relation = p.relation AND q."column" = p."column" AND q.path = p.path)
        ORDER BY p.relation::oid, p."column", p.path
    LOOP
        PERFORM clone_internal.ask(ask_about_large_objects.store, c.relation, c.name, c.path, 'error',
            format('%s.%I%s names large objects, such as %s. A clone shares those of its source, and who deletes one of them takes it from both', c.relation, c.name, CASE WHEN c.path <> '' THEN ' at ' || c.path ELSE '' END, c.example)
                || CASE WHEN c.path <> '' THEN '. No role copies those in documents: give each object a row of its own, with a column of type oid' ELSE '' END,
            CASE WHEN c.path = '' THEN format('SELECT clone.store_column(%L, %L, %L, ''large_object'');', ask_about_large_objects.store, c.relation, c.name) END,
            clone_internal.keep_call(ask_about_large_objects.store, c.relation, c.name, c.path));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_large_objects(text, clone_internal.place[]) IS 'Records questions about numbers of large objects in columns and documents of other types than oid';
