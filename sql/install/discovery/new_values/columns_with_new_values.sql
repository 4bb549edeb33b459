-- Columns whose values name rows, so that a clone gives them new ones: keys of one column, and single columns of other keys, such as id of
-- (id, inserted_at) in partitioned tables and of (tenant_id, id).

-- Whether values of a column name rows, so that a clone gives it new ones: it is unique by itself, or a part of a unique key that has a
-- source of new values or stands beside no column that changes. A number per tenant is kept, as are references to it.
CREATE FUNCTION clone_internal.gets_new_values(store text, relation regclass, "column" name) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
    SELECT EXISTS (SELECT FROM pg_index u WHERE u.indrelid = a.attrelid AND u.indisunique AND u.indnkeyatts = 1 AND u.indkey[0] = a.attnum)
        -- A key by declaration.
        OR a.attname = r.id_column AND NOT EXISTS (SELECT FROM pg_index u WHERE u.indrelid = a.attrelid AND u.indisunique AND a.attnum = ANY (u.indkey::int2[]))
        OR a.atttypid = 2950 OR a.attidentity <> '' OR COALESCE(pg_get_expr(e.adbin, e.adrelid) LIKE '%nextval(%', false)
        OR EXISTS (
            SELECT FROM pg_index u
            WHERE u.indrelid = a.attrelid AND u.indisunique AND u.indislive AND u.indexprs IS NULL AND a.attnum = ANY ((u.indkey::int2[])[0:u.indnkeyatts - 1])
              AND NOT EXISTS (
                  SELECT FROM pg_attribute b LEFT JOIN pg_attrdef d ON d.adrelid = b.attrelid AND d.adnum = b.attnum
                  WHERE b.attrelid = a.attrelid AND b.attnum <> a.attnum AND b.attnum = ANY ((u.indkey::int2[])[0:u.indnkeyatts - 1])
                    AND (b.attname IN (r.project_column, r.join_column) OR b.atttypid = 2950 OR b.attidentity <> '' OR pg_get_expr(d.adbin, d.adrelid) LIKE '%nextval(%'
                         OR EXISTS (SELECT FROM pg_constraint f JOIN clone.store_relation t ON t.store = $1 AND t.relation = f.confrelid
                                    WHERE f.contype = 'f' AND f.conrelid = b.attrelid AND b.attnum = ANY (f.conkey))
                         OR EXISTS (SELECT FROM clone.store_reference x WHERE x.store = $1 AND x.relation = b.attrelid AND x."column" = b.attname AND x.form = 'column'))))
    FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = $3 AND a.attnum > 0 AND NOT a.attisdropped
    LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
    WHERE r.store = $1 AND r.relation = $2);
END
$$;
COMMENT ON FUNCTION clone_internal.gets_new_values(text, regclass, name) IS 'Whether values of a key column name rows of a store''s table, so that a clone gives it new ones';
