-- A clone in SQL alone: the floor, with a function that replaces the ids that a document holds. Less than a clone does:
-- columns, arrays and lookup tables keep the source's references, and versions theirs.
CREATE FUNCTION pg_temp.rewritten(document text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    pair record;
BEGIN
    FOR pair IN
        SELECT DISTINCT m.old::text, m.new::text
        FROM regexp_matches(document, '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}', 'g') AS ids (id)
        JOIN map m ON m.old = ids.id[1]::uuid
    LOOP
        document := replace(document, pair.old, pair.new);
    END LOOP;
    RETURN document;
END
$$;
SELECT replace(statement, 't.content', 'pg_temp.rewritten(t.content)') FROM bench.statement ORDER BY position \gexec
