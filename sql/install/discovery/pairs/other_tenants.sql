-- Columns with the name of a table of which the values are keys of rows of other tenants: these are numbers of something else.

-- Why a column is no reference to a table, though its name says so, or NULL. A small part of the rows may be wrong.
CREATE FUNCTION clone_internal.names_other_tenants(store text, relation regclass, "column" name, target regclass) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    own text := clone_internal.tenant_sql(store, relation, 't');
    theirs text := clone_internal.tenant_sql(store, target, 'k');
    key name := (SELECT r.id_column FROM clone.store_relation r WHERE r.store = $1 AND r.relation = $4);
    counted record;
    type_name name;
    kinds text[];
    explained text;
BEGIN
    -- A column that names another tenant is asked about as such.
    IF EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = $4 AND r.role = 'project') OR own LIKE '%.ctid::text' OR theirs LIKE '%.ctid::text' OR (SELECT clone_internal.family(a.atttypid) LIKE '%[]' FROM pg_attribute a WHERE a.attrelid = $2 AND a.attname = $3) THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT count(*) AS keys, count(*) FILTER (WHERE NOT v.same) AS strangers FROM (SELECT bool_or(s.own COLLATE "C" = s.theirs COLLATE "C") AS same FROM (SELECT %s AS own, %s AS theirs, t.%I AS x FROM %s AS t JOIN %s AS k ON %s) s
        WHERE s.own <> ALL (clone_internal.in_place_of_null()) GROUP BY s.own, s.x) v', own, theirs, $3, clone_internal.spread(relation, '*', 2000), target, clone_internal.equality_sql('t', relation, "column", 'k', target, key)) INTO counted;
    IF counted.strangers < 2 OR 5 * counted.strangers < counted.keys THEN
        RETURN NULL;
    END IF;
    -- A column beside it may say which table is meant.
    FOREACH type_name IN ARRAY clone_internal.type_columns(store, relation) LOOP
        EXECUTE format('SELECT array_agg(DISTINCT %s) FROM %s AS t WHERE t.%I IS NOT NULL AND t.%I IS NOT NULL', clone_internal.column_text('t', relation, type_name), clone_internal.spread(relation, '*', 20000), type_name, "column") INTO kinds;
        SELECT string_agg(k.target::text, ', ' ORDER BY k.target::text) INTO explained
        FROM (SELECT DISTINCT x.kind, x.target FROM clone_internal.tables_of_kinds(store, kinds) x) k HAVING 2 * count(DISTINCT k.kind) >= cardinality(kinds);
        EXIT WHEN explained IS NOT NULL;
    END LOOP;
    RETURN format('. But of %s values that are keys there, %s are those of rows of other tenants alone', counted.keys, counted.strangers)
        || CASE WHEN explained IS NULL THEN '' ELSE format('. %I beside it names %s', type_name, explained) END;
END
$$;
COMMENT ON FUNCTION clone_internal.names_other_tenants(text, regclass, name, regclass) IS 'Why a column with the name of a table is no reference to it: its values are keys of rows of other tenants; NULL: it may be one';
