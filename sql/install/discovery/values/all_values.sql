-- All values of a column or of a path in its documents. What a sample shows is asked about; what is declared without a question must be true of
-- all values, unless the table is too large to read it for that.

-- Whether too much would have to be read. documents: what is stored outside of the rows is read too, and each value is searched.
CREATE FUNCTION clone_internal.too_large(relation regclass, documents boolean) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE part (oid) AS (
        SELECT $1::oid UNION SELECT i.inhrelid FROM part p JOIN pg_inherits i ON i.inhparent = p.oid
    )
    SELECT CASE WHEN $2 THEN COALESCE(sum(pg_table_size(p.oid)), 0) > 1073741824 ELSE COALESCE(sum(pg_relation_size(p.oid)), 0) > 8589934592 END FROM part p
$$;
COMMENT ON FUNCTION clone_internal.too_large(regclass, boolean) IS 'Whether a table is too large to look at all values of a column, or of its documents';

-- The values of a column, an array or a list in a text (separators: a regular expression) that do not stand in place of NULL, and how many of
-- them are no keys of the target. The whole table decides; missing is NULL if it is too large for that.
CREATE FUNCTION clone_internal.compared_with_keys(relation regclass, "column" name, target regclass, key name, separators text, OUT seen bigint, OUT missing bigint)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    family text := (SELECT clone_internal.family(a.atttypid) FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = "column");
    value text := format('(%s) COLLATE "C"', clone_internal.column_text('t', relation, "column"));
    source text;
    vals text;
    sample boolean;
BEGIN
    -- Most columns that hold something else show it in a sample.
    FOREACH sample IN ARRAY '{true,false}'::boolean[] LOOP
        IF NOT sample AND clone_internal.too_large(relation, false) THEN
            missing := NULL;
            RETURN;
        END IF;
        source := CASE WHEN sample THEN clone_internal.spread(relation, quote_ident("column"), 2000) ELSE relation::text END;
        vals := format('(SELECT %s AS x FROM %s AS t WHERE t.%I IS NOT NULL) AS s WHERE lower(s.x) <> ALL (clone_internal.in_place_of_null())',
            CASE WHEN separators IS NOT NULL THEN format('regexp_split_to_table(trim(BOTH ''/.'' FROM %s), %L)', value, separators)
                 WHEN family LIKE '%[]' THEN format('unnest(t.%I)::text COLLATE "C"', "column") ELSE value END, source, "column");
        EXECUTE format('SELECT (SELECT count(*) FROM %s), (SELECT count(*) FROM %1$s AND NOT EXISTS (SELECT FROM %s AS k WHERE %s))', vals, target, clone_internal.equals_text('k', target, key, 's.x')) INTO seen, missing;
        EXIT WHEN missing > 0 OR source = format('(SELECT %I FROM %s)', "column", relation);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.compared_with_keys(regclass, name, regclass, name, text) IS 'The number of values in a column, and how many of them are no keys of a table; NULL: the table is too large to look at all';

-- A path as discovery writes it, as a path of PostgreSQL. [*] also means the members of objects whose names are keys: members.
CREATE FUNCTION clone_internal.postgres_path(path text, members boolean) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    -- Only below .** errors are ignored in the strict mode, in which no value is found twice.
    SELECT CASE WHEN $1 LIKE '$..%' THEN 'strict $' ELSE 'lax $' END || COALESCE(string_agg(
        CASE WHEN m[1] = '..' THEN '.**'
             WHEN m[1] = '[*]~' THEN '.keyvalue().key'
             WHEN m[1] = '[*]' THEN CASE WHEN $2 THEN '.*' ELSE '[*]' END
             WHEN m[2] IS NOT NULL THEN format(' ? (@.type == %s || @.kind == %1$s)', n.quoted)
             ELSE '.' || n.quoted END, '' ORDER BY place), '')
    FROM regexp_matches($1, E'([.][.]|[[][*][]]~?|[[](?:[?]@[.]type == \'((?:[^\'\\\\]|\\\\.)*)\' [|][|] @[.]kind == )?\'((?:[^\'\\\\]|\\\\.)*)\'[]])', 'g') WITH ORDINALITY AS r (m, place)
    CROSS JOIN LATERAL (SELECT to_jsonb(regexp_replace(m[3], E'\\\\(.)', E'\\1', 'g'))::text AS quoted) n
$$;
COMMENT ON FUNCTION clone_internal.postgres_path(text, boolean) IS 'A JSONPath (RFC 9535) of the forms that discovery writes, as a path of PostgreSQL';

-- All values at a path of a column's documents, or of the column itself, as SQL for FROM with the column x.
CREATE FUNCTION clone_internal.all_values(relation regclass, "column" name, family text, path text) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $4 = '' AND $3 LIKE '%[]' THEN format('(SELECT unnest(t.%I)::text AS x FROM %s AS t)', $2, $1)
                WHEN $4 = '' THEN format('(SELECT %s AS x FROM %s AS t)', clone_internal.column_text('t', $1, $2), $1)
                ELSE format('(SELECT DISTINCT v.v #>> ''{}'' AS x FROM (SELECT %s AS document FROM %s AS t WHERE t.%I IS NOT NULL) t CROSS JOIN LATERAL (%s) AS v
                        WHERE jsonb_typeof(v.v) = ''string'' OR jsonb_typeof(v.v) = ''number'' AND v.v::text ~ ''^[0-9]{1,38}$'')',
                    CASE WHEN a.atttypid = 'jsonb'::regtype THEN format('t.%I', $2) ELSE format('clone_internal.json_of(t.%I::text)', $2) END, $1, $2,
                    (SELECT string_agg(format('SELECT jsonb_path_query(t.document, %L, silent => true) AS v', p), ' UNION ALL ')
                     FROM (SELECT DISTINCT clone_internal.postgres_path($4, m) AS p FROM unnest('{false,true}'::boolean[]) m) p)) END
    FROM pg_attribute a WHERE a.attrelid = $1 AND a.attname = $2
$$;
COMMENT ON FUNCTION clone_internal.all_values(regclass, name, text, text) IS 'All values of a column or of a path in its documents, as SQL for FROM';

-- Whether all values of a place are keys of a table, or stand in place of NULL; generated: only those that a generator has made count. NULL:
-- the table is too large to look at all.
CREATE FUNCTION clone_internal.all_are_keys(relation regclass, "column" name, family text, path text, generated boolean, target regclass, key name) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing boolean;
    type regtype := (SELECT clone_internal.base_type(a.atttypid)::regtype FROM pg_attribute a WHERE a.attrelid = target AND a.attname = key);
    same text;
BEGIN
    IF clone_internal.too_large(relation, path <> '') THEN
        RETURN NULL;
    END IF;
    same := CASE WHEN type IN ('text'::regtype, 'varchar'::regtype) THEN clone_internal.equals_text('k', target, key, 'v.x')
                 WHEN type IN ('bigint'::regtype, 'integer'::regtype, 'smallint'::regtype, 'uuid'::regtype) THEN clone_internal.equals_text('k', target, key, 'lower(v.x)')
                 -- citext compares without regard to case.
                 ELSE format('lower(%s) = lower(v.x) COLLATE "C"', clone_internal.column_text('k', target, key)) END;
    -- A count, for which all rows are read: the plan for one row would compare every value with every key, if there is no index.
    EXECUTE format('SELECT count(*) > 0 FROM %s AS v WHERE lower(v.x COLLATE "C") <> ALL (clone_internal.in_place_of_null()) AND NOT EXISTS (SELECT FROM %s AS k WHERE %s)%s',
        clone_internal.all_values(relation, "column", family, path), target, same,
        CASE WHEN generated THEN ' AND clone_internal.distinctive(v.x)' ELSE '' END) INTO missing;
    RETURN NOT missing;
END
$$;
COMMENT ON FUNCTION clone_internal.all_are_keys(regclass, name, text, text, boolean, regclass, name) IS 'Whether all values of a column, or of a path in its documents, are keys of a table; NULL: the table is too large to look at all';

-- The tables of a store with texts as keys of which a place holds some. NULL: the table is too large to look at all.
CREATE FUNCTION clone_internal.all_targets(store text, relation regclass, "column" name, family text, path text) RETURNS regclass[]
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys text := (
        SELECT string_agg(format('SELECT %L::regclass AS target, (%s) COLLATE "C" AS x FROM %s AS k', r.relation, clone_internal.column_text('k', r.relation, r.id_column), r.relation), ' UNION ALL ' ORDER BY r.relation::oid)
        FROM clone_internal.searched_keys(all_targets.store) r);
    targets regclass[];
BEGIN
    IF clone_internal.too_large(relation, true) THEN
        RETURN NULL;
    ELSIF keys IS NULL THEN
        RETURN '{}';
    END IF;
    EXECUTE format('SELECT ARRAY(SELECT DISTINCT k.target FROM %s AS v JOIN (%s) k ON k.x = v.x COLLATE "C" WHERE clone_internal.distinctive(v.x))', clone_internal.all_values(relation, "column", family, path), keys) INTO targets;
    RETURN targets;
END
$$;
COMMENT ON FUNCTION clone_internal.all_targets(text, regclass, name, text, text) IS 'The tables of a store with generated texts or long numbers as keys that occur at a place; NULL: the table is too large to look at all';
