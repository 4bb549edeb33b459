-- Many values and many tables: which values are keys of which table.

-- Compared in one query for many tables, so that the values are not read again for each. Large tables are searched by their indexes.
CREATE FUNCTION clone_internal.keys_of_tables(tables regclass[], keys name[], families text[], vals text[]) RETURNS SETOF clone_internal.found_key
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    -- Of type numeric a key can have more digits than a bigint.
    numbers text[] := ARRAY(SELECT DISTINCT v FROM unnest(vals) v WHERE v ~ '^(0|[1-9][0-9]{0,37})$');
    bigints text[] := ARRAY(SELECT v FROM unnest(numbers) v WHERE v::numeric <= 9223372036854775807);
    uuids text[] := ARRAY(SELECT DISTINCT v FROM unnest(vals) v WHERE v ~* ('^' || clone_internal.uuid_pattern('-') || '$'));
    texts text[] := ARRAY(SELECT DISTINCT v FROM unnest(vals) v);
BEGIN
    FOR c IN
        WITH target AS MATERIALIZED (
            SELECT u.relation, u.key, u.family, u.place, u.family = 'int' AND clone_internal.base_type(a.atttypid) <> 'numeric'::regtype OR u.family = 'uuid' OR u.family = 'text' AND clone_internal.base_type(a.atttypid) IN ('text'::regtype, 'varchar'::regtype) AS plain,
                   COALESCE((clone_internal.extent(u.relation)).blocks <= 1000, false) AS small
            FROM unnest(tables, keys, families) WITH ORDINALITY AS u (relation, key, family, place)
            JOIN pg_attribute a ON a.attrelid = u.relation AND a.attname = u.key
        ), batch AS (
            -- Of a hundred tables: a query has limits.
            SELECT t.*, CASE WHEN t.plain AND t.small THEN row_number() OVER (PARTITION BY t.family, t.plain AND t.small ORDER BY t.place) / 100 ELSE -t.place END AS number FROM target t
        )
        SELECT b.family, b.number >= 0 AS together, min(b.relation::oid)::regclass AS relation, min(b.key::text)::name AS key,
               string_agg(format('SELECT %L::regclass AS target, %s AS x FROM %s AS k', b.relation,
                   format(CASE b.family WHEN 'int' THEN 'k.%I::int8' WHEN 'text' THEN '(k.%I::text) COLLATE "C"' ELSE 'k.%I' END, b.key), b.relation), ' UNION ALL ' ORDER BY b.place) AS rows
        FROM batch b GROUP BY 1, 2, b.number ORDER BY 1, b.number
    LOOP
        CONTINUE WHEN c.family = 'int' AND numbers = '{}' OR c.family = 'uuid' AND uuids = '{}';
        IF NOT c.together THEN
            RETURN QUERY SELECT f.* FROM clone_internal.keys_among(c.relation, c.key, c.family, CASE c.family WHEN 'text' THEN texts WHEN 'uuid' THEN uuids ELSE numbers END) f;
        ELSIF c.family = 'int' THEN
            RETURN QUERY EXECUTE format('SELECT k.target, v.value::text FROM unnest($1::int8[]) AS v (value) JOIN (%s) k ON k.x = v.value', c.rows) USING bigints;
        ELSIF c.family = 'uuid' THEN
            RETURN QUERY EXECUTE format('SELECT k.target, v.value FROM unnest($1) AS v (value) JOIN (%s) k ON k.x = v.value::uuid', c.rows) USING uuids;
        ELSE
            RETURN QUERY EXECUTE format('SELECT k.target, v.value FROM unnest($1) AS v (value) JOIN (%s) k ON k.x = v.value COLLATE "C"', c.rows) USING texts;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.keys_of_tables(regclass[], name[], text[], text[]) IS 'Those of the given values that are keys of the given tables, with the table';
