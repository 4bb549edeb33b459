-- What a clone in SQL alone does with a document: every id that the table `map` knows becomes its new one.
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
