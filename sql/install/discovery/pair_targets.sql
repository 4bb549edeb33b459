-- What the type column of a polymorphic pair names.

-- Which tables of a store the values of a type column name.
CREATE FUNCTION clone_internal.pair_targets(store text, relation oid, type_column name) RETURNS TABLE (target oid, type_values text[])
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    kinds text[];
BEGIN
    IF clone_internal.family((SELECT a.atttypid FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = type_column)) = 'int' THEN
        IF to_regclass(format('%I.django_content_type', (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation))) IS NULL THEN
            RETURN;
        END IF;
        RETURN QUERY EXECUTE format(
            'SELECT r.relation::oid, array_agg(DISTINCT k.id::text) FROM clone.store_relation r JOIN pg_catalog.pg_class c ON c.oid = r.relation
             JOIN %s k ON pg_catalog.concat(k.app_label, ''_'', k.model) = c.relname OR k.model = ANY (clone_internal.type_names(r.relation))
             WHERE r.store = $1 AND k.id IN (SELECT %I FROM %s LIMIT 100000) GROUP BY 1',
            to_regclass(format('%I.django_content_type', (SELECT n.nspname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation))),
            type_column, relation::regclass) USING store;
        RETURN;
    END IF;
    EXECUTE format('SELECT array_agg(DISTINCT v.kind) FROM (SELECT %I::text AS kind FROM %s LIMIT 100000) v', type_column, relation::regclass) INTO kinds;
    RETURN QUERY
        SELECT r.relation::oid, array_agg(DISTINCT k.kind)
        FROM clone.store_relation r JOIN unnest(kinds) AS k (kind) ON k.kind = ANY (clone_internal.type_names(r.relation))
             OR lower(k.kind) = ANY (clone_internal.type_names(r.relation))
             OR clone_internal.snake(regexp_replace(k.kind, E'^.*(::|[.]|\\\\)', '')) = ANY (clone_internal.type_names(r.relation))
        WHERE r.store = pair_targets.store GROUP BY 1;
END
$$;
COMMENT ON FUNCTION clone_internal.pair_targets(text, oid, name) IS 'Which tables of a store the values of a type column name';

CREATE FUNCTION clone_internal.names_no_table(store text, relation regclass, type_column name) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    filled boolean;
BEGIN
    IF EXISTS (SELECT FROM clone_internal.pair_targets(store, relation, type_column)) THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE t.%I IS NOT NULL)', relation, type_column) INTO filled;
    RETURN filled;
END
$$;
COMMENT ON FUNCTION clone_internal.names_no_table(text, regclass, name) IS 'Whether a type column has values, none of which names a table of the store';
