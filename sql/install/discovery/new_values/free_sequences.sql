-- Keys of rows that get no value from the server: Hibernate and others take the next number of a sequence themselves, and no default says which.

-- Sequences that belong to no column, and the number above which their next values are.
CREATE FUNCTION clone_internal.free_sequences(schemas oid[]) RETURNS TABLE (oid oid, name text, next numeric)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT s.oid, lower(s.relname), CASE WHEN has_sequence_privilege(s.oid, 'SELECT, USAGE') THEN pg_sequence_last_value(s.oid) + q.seqincrement END
    FROM pg_class s JOIN pg_sequence q ON q.seqrelid = s.oid AND q.seqincrement > 0
    WHERE s.relkind = 'S' AND s.relnamespace = ANY ($1) AND s.relowner IN (SELECT clone_internal.trusted_owners())
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i', 'e'))
$$;
COMMENT ON FUNCTION clone_internal.free_sequences(oid[]) IS 'Sequences of these schemas that no column owns, with the least value that they can give next';

CREATE FUNCTION clone_internal.ask_about_free_sequences(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    relations regclass[];
    keys name[];
    tops numeric[] := '{}';
    top numeric;
    c record;
BEGIN
    SELECT array_agg(o.relation ORDER BY o.role <> 'project', o.relation::oid), array_agg(o.attname ORDER BY o.role <> 'project', o.relation::oid) INTO relations, keys
    FROM (
        SELECT r.relation, a.attname, r.role FROM clone.store_relation r JOIN pg_class t ON t.oid = r.relation AND t.relkind IN ('r', 'p')
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column AND NOT a.atthasdef AND a.attidentity = '' AND clone_internal.family(a.atttypid) = 'int'
        JOIN clone.store_column s ON s.store = $1 AND s.relation = r.relation AND s.name = a.attname AND s.role IN ('key', 'map') AND s.reason IS DISTINCT FROM 'set by hand'
        WHERE r.store = $1 AND r.role IN ('project', 'resource', 'derived')
          AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.relation AND i.indisunique AND i.indislive AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum AND i.indpred IS NULL)
          -- A key of another table's row follows that.
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
          AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND d."column" = a.attname)
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = r.relation AND q."column" = a.attname)
          AND NOT clone_internal.answered($1, r.relation, a.attname, '$sequence')) o;
    IF relations IS NULL OR NOT EXISTS (SELECT FROM clone_internal.free_sequences(ARRAY(SELECT DISTINCT t.relnamespace FROM pg_class t WHERE t.oid = ANY (relations)))) THEN
        RETURN;
    END IF;
    FOR c IN SELECT * FROM unnest(relations, keys) AS o (relation, key) LOOP
        EXECUTE format('SELECT COALESCE(max(t.%I), 0) FROM %s AS t', c.key, c.relation) INTO top;
        tops := tops || top;
    END LOOP;
    FOR c IN
        WITH free AS MATERIALIZED (
            SELECT f.* FROM clone_internal.free_sequences(ARRAY(SELECT DISTINCT t.relnamespace FROM pg_class t WHERE t.oid = ANY (relations))) f
        ), keyed AS MATERIALIZED (
            SELECT o.relation, o.key, o.top, o.number, lower(t.relname) AS called, clone_internal.table_word(t.relname) AS word
            FROM unnest(relations, keys, tops) WITH ORDINALITY AS o (relation, key, top, number) JOIN pg_class t ON t.oid = o.relation
        ), named AS MATERIALIZED (
            -- person_seq, person_id_seq, seq_person, sq_person, person_sequence
            SELECT DISTINCT ON (k.relation) k.relation, f.oid FROM keyed k JOIN free f
              ON regexp_replace(f.name, '^(seq|sq|s)_|(_(seq|sq|sequence|gen|generator))$', '', 'g') IN (k.called, k.word, k.called || '_' || lower(k.key), k.word || '_' || lower(k.key)) AND f.name ~ '^(seq|sq|s)_|_(seq|sq|sequence|gen|generator)$'
            ORDER BY k.relation, f.oid
        ), general AS MATERIALIZED (
            -- One for all tables: the only one that is named after none, or that of Hibernate.
            SELECT f.* FROM free f WHERE f.oid NOT IN (SELECT n.oid FROM named n)
              AND (f.name = 'hibernate_sequence' OR (SELECT count(*) FROM free o WHERE o.oid NOT IN (SELECT n.oid FROM named n)) = 1)
        ), chosen AS (
            SELECT k.*, COALESCE(n.oid, (SELECT g.oid FROM general g WHERE g.next > k.top))::regclass AS sequence FROM keyed k LEFT JOIN named n ON n.relation = k.relation
        )
        SELECT (array_agg(h.relation ORDER BY h.number))[1] AS relation, (array_agg(h.key ORDER BY h.number))[1] AS key, count(*) AS tables, string_agg(format('%s.%I', h.relation, h.key), ', ' ORDER BY h.number) FILTER (WHERE h.number <= 5) AS places,
               string_agg(DISTINCT h.sequence::text, ', ') AS sequences,
               string_agg(format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT pg_catalog.nextval(%L::pg_catalog.regclass);', h.relation, h.key, h.sequence), ' ' ORDER BY h.number) AS calls,
               string_agg(format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, h.relation, h.key, '$sequence'), ' ' ORDER BY h.number) AS otherwise
        FROM chosen h WHERE h.sequence IS NOT NULL HAVING count(*) > 0
    LOOP
        PERFORM clone_internal.ask($1, c.relation, c.key, '$sequence', 'error',
            format('the keys of %s tables have no default, and a clone needs new ones (%s): do they come from %s? A default changes nothing for an application that gives the keys itself', c.tables, c.places, c.sequences), c.calls, c.otherwise);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_free_sequences(text) IS 'Records the question whether keys without a default come from sequences that no column owns';
