-- Which of several tables values are keys of, where their numbers are keys of each.

-- Whether a table has one row at most for each row of another.
CREATE FUNCTION clone_internal.has_row_for(relation regclass, other regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (SELECT FROM pg_constraint f JOIN pg_index u ON u.indrelid = f.conrelid AND u.indisunique AND u.indnkeyatts = 1 AND u.indkey[0] = f.conkey[1]
                   WHERE f.contype = 'f' AND cardinality(f.conkey) = 1 AND f.confrelid = $2 AND f.conrelid = $1 AND $1 <> $2)
$$;
COMMENT ON FUNCTION clone_internal.has_row_for(regclass, regclass) IS 'Whether a table has one row at most for each row of another, by a unique foreign key';

-- Whether the last word of a name is that of a table, which may have the prefix of the application: previous_stage_id with crm_stage.
CREATE FUNCTION clone_internal.unprefixed_match(name text, target oid) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT bool_or(COALESCE(clone_internal.table_match($1, w.word), 4) < 3)
    FROM (SELECT clone_internal.table_word(c.relname) AS word FROM pg_class c WHERE c.oid = $2) o
    CROSS JOIN LATERAL (VALUES (o.word), (substring(o.word FROM '^[^_]+_(.{3,})$'))) AS w (word)
$$;
COMMENT ON FUNCTION clone_internal.unprefixed_match(text, oid) IS 'Whether a name ends with the word of a table, with or without its first part';

-- Words decide: those of the column, of the path, and of the texts in the same documents, such as an action "assign_team" beside the number
-- of a team. A reply or a former version is a row of the same table. Without a word the order stays.
CREATE FUNCTION clone_internal.likelihood(relation regclass, "column" name, path text, targets regclass[]) RETURNS TABLE (target regclass, place bigint, evidence text)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    named text := clone_internal.snake($2 || ' ' || $3);
    -- The column, or the member of a document.
    called text := COALESCE(substring($3 FROM '''([^'']+)''[]](?:[[][*][]])*$'), $2);
    texts text;
    -- Without separators: what does not hold a word there is not matched against its pattern. 120 tables with each other's numbers took 46 s, now 16.
    plain_named text := translate(named, '_- ', '');
    plain_own text := clone_internal.plain((SELECT o.relname FROM pg_class o WHERE o.oid = $1));
    plain_texts text;
    -- Those of which another has one row at most for each row.
    parents oid[] := ARRAY(SELECT f.confrelid FROM pg_constraint f JOIN pg_index u ON u.indrelid = f.conrelid AND u.indisunique AND u.indnkeyatts = 1 AND u.indkey[0] = f.conkey[1]
                           WHERE f.contype = 'f' AND cardinality(f.conkey) = 1 AND f.confrelid <> f.conrelid AND f.conrelid = ANY ($4::oid[]) AND f.confrelid = ANY ($4::oid[]));
BEGIN
    IF $3 <> '' THEN
        EXECUTE format('SELECT string_agg(left(v.value, 2000), '' '') FROM (SELECT %s AS value FROM %s AS k WHERE k.%I IS NOT NULL LIMIT 50) AS v',
            clone_internal.column_text('k', $1, $2), $1, $2) INTO texts;
        texts := clone_internal.snake(COALESCE(texts, ''));
        plain_texts := translate(texts, '_- ', '');
    END IF;
    RETURN QUERY SELECT t.target, row_number() OVER (ORDER BY n.in_name DESC, n.part_of_name, n.person DESC, n.in_texts > 0 DESC, n.parent DESC, n.in_texts DESC, t.target = $1, t.number),
        concat_ws(' ', n.in_name, n.part_of_name, n.person, n.in_texts > 0, t.target = $1)
    FROM unnest(targets) WITH ORDINALITY AS t (target, number)
    JOIN pg_class c ON c.oid = t.target
    CROSS JOIN LATERAL (SELECT clone_internal.table_word(c.relname) AS word OFFSET 0) o
    CROSS JOIN LATERAL (SELECT o.word, replace(o.word, '_', '') AS plain, format('(^|[^[:alnum:]])%s(e?s)?([^[:alnum:]]|$)', replace(o.word, '_', '[_ -]?')) AS pattern) w
    CROSS JOIN LATERAL (
        SELECT CASE WHEN strpos(plain_named, w.plain) > 0 THEN named ~ w.pattern ELSE false END
               -- A row with the same key: tasks_olap.id of tasks.
               OR CASE WHEN t.target <> $1 AND strpos(plain_own, w.plain) > 0 AND called ~* '^(_?id|uuid|guid|pk|key)$' THEN clone_internal.snake((SELECT o.relname FROM pg_class o WHERE o.oid = $1)) ~ w.pattern ELSE false END
               -- previous_stage is a stage, where one of the tables is that of stages.
               OR t.target = $1 AND named ~ '(^|_|[^a-z])(reply|replies|parent|previous|prev|next|original|root|ancestor|duplicates?|replaces|replaced|supersedes|superseded|copy|copied|forwarded|follows|template|related|similar|siblings?|see_also|depends|dependencies|blocks|blocked|linked)(_|[^a-z]|$)'
                   AND NOT EXISTS (SELECT FROM unnest(targets) o JOIN pg_class k ON k.oid = o WHERE o <> $1 AND clone_internal.unprefixed_match(called, k.oid)) AS in_name, LEAST(COALESCE(clone_internal.table_match(called, w.word), 4), CASE WHEN clone_internal.says_id(called) AND clone_internal.abbreviates(clone_internal.named_word(called), w.word) THEN 3 END) AS part_of_name,
               CASE WHEN clone_internal.names_person(called) OR called ~* '^_?by$' THEN clone_internal.has_persons(w.word) END AS person,
               t.target::oid = ANY (parents) AS parent,
               CASE WHEN texts IS NULL OR strpos(plain_texts, w.plain) = 0 THEN 0 ELSE (SELECT count(*) FROM regexp_matches(texts, w.pattern, 'g')) END AS in_texts
    ) n;
END
$$;
COMMENT ON FUNCTION clone_internal.likelihood(regclass, name, text, regclass[]) IS 'Tables of whose rows values are keys, first those that words at or beside the values name, and what these words say';

-- told: there is one table, or words say which of several is meant. Small numbers are keys of many tables. A table that has one row at most for
-- each row of the first one is no other: its keys are the same then. That says nothing about further tables.
CREATE FUNCTION clone_internal.by_likelihood(relation regclass, "column" name, path text, targets regclass[], OUT ordered regclass[], OUT told boolean)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH likely AS MATERIALIZED (
        SELECT l.target, l.place, l.evidence, CASE WHEN l.place > 1 THEN clone_internal.has_row_for(l.target, first_value(l.target) OVER (ORDER BY l.place)) ELSE false END AS of_first
        FROM clone_internal.likelihood($1, $2, $3, $4) l WHERE cardinality($4) > 1
    )
    SELECT COALESCE(array_agg(l.target ORDER BY l.place), $4),
           cardinality($4) < 2 OR count(*) FILTER (WHERE NOT l.of_first) < 2 OR (array_agg(l.evidence ORDER BY l.place) FILTER (WHERE NOT l.of_first))[1] <> (array_agg(l.evidence ORDER BY l.place) FILTER (WHERE NOT l.of_first))[2]
    FROM likely l
$$;
COMMENT ON FUNCTION clone_internal.by_likelihood(regclass, name, text, regclass[]) IS 'Orders tables of whose rows values are keys: first those that words at or beside the values name; and whether words say which is meant';

-- Those tables of which all values at a path of documents are keys of rows of the same tenant, for several tenants. Small numbers are keys of
-- every table by chance, but not always of rows of the same tenant.
CREATE FUNCTION clone_internal.targets_of_same_tenants(store text, relation regclass, "column" name, path text, targets regclass[]) RETURNS regclass[]
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    sample clone_internal.listed_value[] := clone_internal.values_of_tenants(store, relation, "column", path, 1, true);
    vals text[] := ARRAY(SELECT DISTINCT s.value FROM unnest(sample) s);
BEGIN
    IF sample IS NULL OR cardinality(vals) < 3 AND (SELECT count(DISTINCT s.tenant) FROM unnest(sample) s) < 3 OR (SELECT count(DISTINCT s.tenant) FROM unnest(sample) s) < 2 THEN
        RETURN '{}';
    END IF;
    RETURN ARRAY(
        SELECT t.target FROM unnest(targets) WITH ORDINALITY AS t (target, number)
        JOIN clone.store_relation r ON r.store = $1 AND r.relation = t.target
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column
        WHERE NOT EXISTS (
            SELECT FROM unnest(sample) s
            LEFT JOIN clone_internal.tenants_of_keys($1, r.relation, r.id_column, clone_internal.family(a.atttypid), vals) k ON k.value = s.value AND k.tenant = s.tenant
            WHERE k.value IS NULL)
        ORDER BY t.number);
END
$$;
COMMENT ON FUNCTION clone_internal.targets_of_same_tenants(text, regclass, name, text, regclass[]) IS 'Tables of which all values at a path of documents are keys of rows of the same tenants';

-- Which share of the values at a path are keys of rows of another tenant only: a number per tenant is a key of any row by chance. NULL: nothing
-- says their tenants.
CREATE FUNCTION clone_internal.share_of_strangers(store text, relation regclass, "column" name, path text, target regclass) RETURNS numeric
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    sample clone_internal.listed_value[] := clone_internal.values_of_tenants(store, relation, "column", path, 1, true);
    key name := (SELECT r.id_column FROM clone.store_relation r WHERE r.store = $1 AND r.relation = $5);
    family text := (SELECT clone_internal.family(a.atttypid) FROM pg_attribute a WHERE a.attrelid = $5 AND a.attname = key);
BEGIN
    RETURN (
        WITH owner AS MATERIALIZED (
            SELECT o.value, o.tenant FROM clone_internal.tenants_of_keys($1, $5, key, family, ARRAY(SELECT DISTINCT x.value FROM unnest(sample) x)) o
        )
        SELECT (count(*) FILTER (WHERE NOT k.own))::numeric / NULLIF(count(k.own), 0)
        FROM unnest(sample) s CROSS JOIN LATERAL (SELECT bool_or(o.tenant = s.tenant) AS own FROM owner o WHERE o.value = s.value) k);
END
$$;
COMMENT ON FUNCTION clone_internal.share_of_strangers(text, regclass, name, text, regclass) IS 'Which share of the values at a path of documents are keys of rows of another tenant only';

-- Those tables of which all values at a path are keys of rows of the same tenants, where these are too many for a chance.
CREATE FUNCTION clone_internal.fitting_targets(store text, relation regclass, "column" name, path text) RETURNS regclass[]
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    vals text[] := ARRAY(SELECT DISTINCT s.value FROM unnest(clone_internal.values_of_tenants(store, relation, "column", path, 1, true)) s);
    targets regclass[];
    keys name[];
    families text[];
BEGIN
    IF cardinality(vals) < 8 THEN
        RETURN '{}';
    END IF;
    SELECT array_agg(n.relation), array_agg(n.name), array_agg(n.family) INTO targets, keys, families
    FROM (SELECT n.* FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.role <> 'project' AND n.family IN ('int', 'text', 'uuid') ORDER BY n.relation::oid) n;
    RETURN clone_internal.targets_of_same_tenants(store, relation, "column", path, ARRAY(
        SELECT f.target FROM clone_internal.keys_of_tables(targets, keys, families, vals) f GROUP BY 1 HAVING count(DISTINCT f.value) = cardinality(vals) ORDER BY f.target::oid));
END
$$;
COMMENT ON FUNCTION clone_internal.fitting_targets(text, regclass, name, text) IS 'Tables of which all values at a path of documents are keys of rows of the same tenants, and not by chance';
