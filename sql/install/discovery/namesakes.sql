-- Tables of the same name in several schemas: which of them a column means.

-- Described tables with the same name and the same kind of key as a table, this one too; the nearest ones to relation first.
CREATE FUNCTION clone_internal.namesakes(store text, relation regclass, target regclass) RETURNS regclass[]
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(array_agg(r.relation ORDER BY clone_internal.nearness($2, r.relation), r.relation = $3 DESC, r.relation::oid), ARRAY[$3])
    FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation JOIN pg_attribute i ON i.attrelid = r.relation AND i.attname = r.id_column
    JOIN clone.store_relation o ON o.store = $1 AND o.relation = $3 JOIN pg_class k ON k.oid = $3 JOIN pg_attribute j ON j.attrelid = $3 AND j.attname = o.id_column
    WHERE r.store = $1 AND clone_internal.family(i.atttypid) = clone_internal.family(j.atttypid)
      AND clone_internal.plain(clone_internal.table_word(c.relname)) = clone_internal.plain(clone_internal.table_word(k.relname))
$$;
COMMENT ON FUNCTION clone_internal.namesakes(text, regclass, regclass) IS 'Described tables with the name of a table, in any schema, the nearest to another table first';

-- The tables of a store of which another has the name.
CREATE FUNCTION clone_internal.tables_with_namesakes(store text) RETURNS regclass[]
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT ARRAY(SELECT n.relation FROM (
        SELECT r.relation, count(*) OVER (PARTITION BY clone_internal.plain(clone_internal.table_word(c.relname))) AS tables
        FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p') AND NOT c.relispartition WHERE r.store = $1 AND r.id_column IS NOT NULL) n
        WHERE n.tables > 1)
$$;
COMMENT ON FUNCTION clone_internal.tables_with_namesakes(text) IS 'Tables of a store that have the name of another one of its tables';

-- Those of the tables with the name of target that a column, or a path in its documents, can mean. First the values decide: they are keys of
-- rows of the same tenant; then foreign keys and schemas. Several: nothing says which.
CREATE FUNCTION clone_internal.meant_tables(store text, relation regclass, "column" name, path text, target regclass) RETURNS regclass[]
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    candidates regclass[] := clone_internal.namesakes(store, relation, target);
    t regclass;
    key name;
    kind text := (SELECT clone_internal.family(a.atttypid) FROM pg_attribute a WHERE a.attrelid = meant_tables.relation AND a.attname = meant_tables."column");
    fits regclass[] := '{}';
    fit boolean;
    values_seen bigint := 0;
    counted record;
    best int;
BEGIN
    IF cardinality(candidates) < 2 THEN
        RETURN ARRAY[target];
    END IF;
    FOREACH t IN ARRAY candidates LOOP
        key := (SELECT r.id_column FROM clone.store_relation r WHERE r.store = meant_tables.store AND r.relation = t);
        IF path = '' THEN
            counted := clone_internal.compared_with_keys(relation, "column", t, key, NULL);
            fit := COALESCE(counted.missing, 0) = 0 AND clone_internal.of_same_tenant(store, relation, "column", t) IS NOT FALSE;
            values_seen := greatest(values_seen, counted.seen);
        ELSE
            fit := clone_internal.all_are_keys(relation, "column", kind, path, false, t, key) IS NOT FALSE
                AND COALESCE(clone_internal.share_of_strangers(store, relation, "column", path, t), 0) = 0;
            values_seen := 3;
        END IF;
        IF fit THEN
            fits := fits || t;
        END IF;
    END LOOP;
    -- A few small numbers are keys of a table by chance.
    IF fits = '{}' OR clone_internal.nearness(relation, fits[1]) > clone_internal.nearness(relation, candidates[1]) AND values_seen < 3 THEN
        fits := candidates;
    END IF;
    best := clone_internal.nearness(relation, fits[1]);
    RETURN ARRAY(SELECT f.target FROM unnest(fits) WITH ORDINALITY AS f (target, number) WHERE clone_internal.nearness(relation, f.target) = best ORDER BY f.number);
END
$$;
COMMENT ON FUNCTION clone_internal.meant_tables(text, regclass, name, text, regclass) IS 'Which of several tables of the same name a column, or a path in its documents, means; several if nothing says it';

-- The question which of several tables of the same name is meant. It proposes none.
CREATE FUNCTION clone_internal.ask_which_namesake(store text, relation regclass, "column" name, path text, targets regclass[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM clone_internal.ask(store, relation, "column", path, 'error',
        format('%s.%I%s looks like a reference to %s, which have the same name: nothing says which. Say it: %s', relation, "column", CASE WHEN path <> '' THEN ' at ' || path ELSE '' END,
            array_to_string(targets, ' or '), (SELECT string_agg(clone_internal.reference_call(ask_which_namesake.store, ask_which_namesake.relation, ask_which_namesake."column", t, ask_which_namesake.path), ' or ') FROM unnest(targets) t)),
        NULL, clone_internal.keep_call(store, relation, "column", path));
END
$$;
COMMENT ON FUNCTION clone_internal.ask_which_namesake(text, regclass, name, text, regclass[]) IS 'Records the question which of several tables of the same name a column, or a path in its documents, means';

-- Columns that are named after tables of which several schemas have one, where the nearest is not it for certain.
CREATE FUNCTION clone_internal.ask_about_namesakes(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    targets regclass[];
    twice regclass[] := clone_internal.tables_with_namesakes($1);
BEGIN
    IF twice = '{}' THEN
        RETURN;
    END IF;
    FOR c IN
        SELECT n.relation, n.name, n.target FROM clone_internal.named_references($1) n WHERE n.exact AND n.target = ANY (twice)
        UNION ALL SELECT p.relation, p.name, p.target FROM clone_internal.person_columns($1) p WHERE p.target = ANY (twice)
    LOOP
        CONTINUE WHEN clone_internal.answered($1, c.relation, c.name, '');
        targets := clone_internal.meant_tables($1, c.relation, c.name, '', c.target);
        IF cardinality(targets) > 1 THEN
            PERFORM clone_internal.ask_which_namesake($1, c.relation, c.name, '', targets);
        ELSIF targets[1] <> c.target THEN
            PERFORM clone_internal.ask($1, c.relation, c.name, '', 'error', format('%s.%I looks like a reference to %s by its name, and no foreign key says so', c.relation, c.name, targets[1]),
                clone_internal.reference_call($1, c.relation, c.name, targets[1], ''), clone_internal.keep_call($1, c.relation, c.name, ''), targets[1]);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_namesakes(text) IS 'Records questions about columns that are named after tables of which several schemas have one';
