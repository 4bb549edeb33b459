-- Names of columns, members and tables as frameworks form them, and the kinds of keys that types can hold.

CREATE FUNCTION clone_internal.family(type oid) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Most types are these: no search for the base type.
    CASE WHEN type IN (20, 21, 23) THEN RETURN 'int';
         WHEN type IN (25, 1043, 1042) THEN RETURN 'text';
         WHEN type = 2950 THEN RETURN 'uuid';
         WHEN type IN (114, 3802) THEN RETURN 'json';
         WHEN type IN (16, 17, 700, 701, 1082, 1114, 1184) THEN RETURN '';
         ELSE NULL;
    END CASE;
    RETURN (
    SELECT CASE
        -- NUMBER of Oracle and unsigned integers of MySQL arrive as numeric: keys of one kind can be of both types.
        WHEN b.oid IN (20, 21, 23) OR b.oid = 'numeric'::regtype THEN 'int'
        WHEN b.oid = 'uuid'::regtype THEN 'uuid'
        WHEN b.oid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) THEN 'text'
        -- Another type of this name may not be stored as text.
        WHEN b.typname = 'citext' AND EXISTS (SELECT FROM pg_cast c WHERE c.castsource = b.oid AND c.casttarget = 'text'::regtype AND c.castmethod = 'b') THEN 'text'
        WHEN b.typcategory = 'A' AND b.typelem IN (20, 21, 23) THEN 'int[]'
        WHEN b.typcategory = 'A' AND b.typelem IN ('text'::regtype, 'varchar'::regtype) THEN 'text[]'
        WHEN b.typcategory = 'A' AND b.typelem = 'uuid'::regtype THEN 'uuid[]'
        WHEN b.oid IN ('json'::regtype, 'jsonb'::regtype) THEN 'json'
        ELSE '' END
    FROM pg_type b WHERE b.oid = clone_internal.base_type(type));
END
$$;
COMMENT ON FUNCTION clone_internal.family(oid) IS 'The kind of key that a type can hold: int (numeric too), uuid, text, arrays of them, json; else empty';

CREATE FUNCTION clone_internal.other_key_type(type oid) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT b.oid IN ('double precision'::regtype, 'real'::regtype, 'oid'::regtype, 'name'::regtype) OR b.typtype = 'e' FROM pg_type b WHERE b.oid = clone_internal.base_type($1) $$;
COMMENT ON FUNCTION clone_internal.other_key_type(oid) IS 'Whether values of a type can be keys as texts, though references of this type are not followed';

CREATE FUNCTION clone_internal.named_table(column_name text, plural boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- customer_id, customerId, customer_uuid, customer_fk: customer; customer_ids, customerIds: customer.
    RETURN ((regexp_match(clone_internal.snake(column_name), CASE WHEN plural THEN '^(.+)_(?:ids|uuids)$' ELSE '^(.+)_(?:id|uuid|fk)$' END))[1]);
END
$$;
COMMENT ON FUNCTION clone_internal.named_table(text, boolean) IS 'The word before _id in a column''s name, in snake case; NULL for other names';

CREATE FUNCTION clone_internal.table_word(relname text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- TypeORM's user_entity and tbl_user: user.
    RETURN (regexp_replace(regexp_replace(clone_internal.snake(clone_internal.singular(relname)), '(.)_(entity|tbl|table)$', '\1'), '^(tbl|tb)_(.)', '\2'));
END
$$;
COMMENT ON FUNCTION clone_internal.table_word(text) IS 'The word by which columns name a table: order_item for OrderItems';

CREATE FUNCTION clone_internal.named_word(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN (clone_internal.singular(regexp_replace(clone_internal.snake(name), '_(ids?|uuids?|fks?|pk)$', ''))); END $$;
COMMENT ON FUNCTION clone_internal.named_word(text) IS 'product_id, productIds, products, product: product';

CREATE FUNCTION clone_internal.says_id(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT name ~ '(_id|_ids|_ID|_IDS|_uuid|_uuids|_fk|[a-z0-9](Id|Ids|ID|IDs|Uuid|Uuids|Fk))$|^(ancestor|descendant)$' $$;
COMMENT ON FUNCTION clone_internal.says_id(text) IS 'Whether a name is that of a key: x_id, xIds, x_uuid';

-- Values that applications write in place of NULL. They are no evidence against a reference, and stay as they are.
CREATE FUNCTION clone_internal.in_place_of_null() RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '{"",0,-1,none,"null",nil,nobody,n/a,na,-,--,undefined,unknown,empty,00000000-0000-0000-0000-000000000000}'::text[] $$;
COMMENT ON FUNCTION clone_internal.in_place_of_null() IS 'Values, in lower case, that stand in place of NULL in columns which refer to a row';

-- As TextKeys::is_distinctive of the core; not UUIDs, which are found everywhere.
CREATE FUNCTION clone_internal.distinctive(key text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT length(key) >= 12
       -- Snowflakes: numbers of this length are no chance.
       AND (key ~ '^[1-9][0-9]+$' OR key ~ '(^|[^A-Za-z0-9])(?=[A-Za-z0-9]*[0-9][A-Za-z])[A-Za-z0-9]{8,}'
            OR key ~ '(^|[^A-Za-z0-9])(?=[A-Za-z0-9]*[A-Za-z][0-9])[A-Za-z0-9]{16,}')
       AND key !~* '^[{]?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}[}]?$'
$$;
COMMENT ON FUNCTION clone_internal.distinctive(text) IS 'Whether a text key is from a generator (cuid, ulid, nanoid, hexadecimal, prefix_…, long numbers), so that it cannot occur by chance';

-- Accepts "Workspace", public.Workspace, "public"."Workspace" and Workspace.
CREATE FUNCTION clone_internal.table_named(name text) RETURNS regclass
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    folded text[];
    plain text[] := regexp_split_to_array(name, '[.]');
    found regclass[];
    parts text[];
BEGIN
    BEGIN
        folded := parse_ident(name);
    EXCEPTION WHEN invalid_parameter_value THEN
        folded := plain;
    END;
    -- Folded as in SQL, then as written, then the whole text as the name of a table.
    FOREACH parts SLICE 1 IN ARRAY ARRAY[ARRAY[array_to_string(folded[:cardinality(folded) - 1], '.'), folded[cardinality(folded)]],
        ARRAY[trim(BOTH '"' FROM array_to_string(plain[:cardinality(plain) - 1], '.')), trim(BOTH '"' FROM plain[cardinality(plain)])], ARRAY['', name]] LOOP
        SELECT array_agg(c.oid::regclass ORDER BY c.oid::regclass::text) INTO found
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE c.relname = parts[2] AND parts[1] IN ('', n.nspname) AND c.relkind IN ('r', 'p', 'v', 'f') AND c.relpersistence <> 't'
          AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'clone', 'clone_internal');
        EXIT WHEN found IS NOT NULL;
    END LOOP;
    IF cardinality(found) > 1 THEN
        RAISE EXCEPTION 'table name "%" is ambiguous', name USING ERRCODE = '22023', HINT = format('Specify the schema: %s.', array_to_string(found, ', '));
    END IF;
    IF found IS NULL THEN
        RAISE EXCEPTION 'there is no table "%"', name USING ERRCODE = '22023', HINT = COALESCE((
            SELECT 'Did you mean ' || string_agg(x.name, ' or ') || '?' FROM (
                SELECT format('%I.%I', n.nspname, c.relname) AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE lower(c.relname) = lower(trim(BOTH '"' FROM plain[cardinality(plain)])) AND c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg@_%' ESCAPE '@' LIMIT 3) x),
            'Give its name with its schema.');
    END IF;
    RETURN found[1];
END
$$;
COMMENT ON FUNCTION clone_internal.table_named(text) IS 'The table that a text names; quotes and schema are optional. No match or several are an error (22023)';
