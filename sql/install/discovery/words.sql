-- Texts that stand in place of NULL or are generated keys, and tables that texts name.

-- On names, written in Rust.
COMMENT ON FUNCTION clone_internal.snake(text) IS 'orderItem, OrderItem: order_item';
COMMENT ON FUNCTION clone_internal.singular(text) IS 'The singular of an English noun, by the rules of frameworks that name tables in the plural';
COMMENT ON FUNCTION clone_internal.plain(text) IS 'A name without separators, in lower case: orderitem for order_item and OrderItem';
COMMENT ON FUNCTION clone_internal.folded_word(text) IS 'The word before id in a name without separators, such as customerid; NULL for other names';
COMMENT ON FUNCTION clone_internal.named_table(text, boolean) IS 'The word before _id or id in a column''s name, in snake case; NULL for other names';
COMMENT ON FUNCTION clone_internal.named_word(text) IS 'product_id, productIds, productid, productRef, products, product: product';
COMMENT ON FUNCTION clone_internal.says_id(text) IS 'Whether a name is that of a key: x_id, xIds, xid, x_uuid';
COMMENT ON FUNCTION clone_internal.table_word(text) IS 'The word by which columns name a table: order_item for OrderItems';
COMMENT ON FUNCTION clone_internal.table_match(text, text) IS 'How a name can mean a table: 1 by its word and an ending, 2 with other words before, 3 by a part of the word';
COMMENT ON FUNCTION clone_internal.ends_with_word(text, text) IS 'Whether a name is a word, or ends with it: v1_task with task';
COMMENT ON FUNCTION clone_internal.kind_forms(text) IS 'The forms in which the names of types and tables are compared: saleorder for sale.order and SaleOrders';
COMMENT ON FUNCTION clone_internal.kind_matches(text[], text[]) IS 'The pairs of names of types and tables that have one of the forms of clone_internal.kind_forms() in common';
COMMENT ON FUNCTION clone_internal.names_person(text) IS 'Whether a name is that of a person in a role: author, created_by, ownerid';
COMMENT ON FUNCTION clone_internal.has_persons(text) IS 'Whether a table of this word has persons as its rows: 2 users and those who work for the tenant, 1 others, 0 none';
COMMENT ON FUNCTION clone_internal.names_quantity(text) IS 'Whether a name is that of an order, a size, an amount or a state, such as position or lock_version';

-- The name of the application, with which the names of most tables begin and which columns and types leave out: app_. Two tables are most if there
-- are no others.
CREATE FUNCTION clone_internal.common_prefixes(names text[]) RETURNS SETOF text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN QUERY SELECT substring(n FROM '^[^_]+_(?=.)') AS prefix FROM unnest(names) n GROUP BY 1
    HAVING substring(min(n) FROM '^[^_]+_(?=.)') IS NOT NULL AND (count(*) > 2 AND 2 * count(*) >= cardinality(names) OR count(*) = 2 AND cardinality(names) = 2);
END
$$;
COMMENT ON FUNCTION clone_internal.common_prefixes(text[]) IS 'What most of these names of tables begin with, up to the first underscore';

-- repo, head_repo: repository. Not the plural.
CREATE FUNCTION clone_internal.abbreviates(word text, table_word text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last text := substring(word FROM '[^_]+$');
BEGIN
    RETURN length(last) >= 3 AND length(table_word) >= length(last) + 2 AND starts_with(table_word, last) AND table_word !~ '_';
END
$$;
COMMENT ON FUNCTION clone_internal.abbreviates(text, text) IS 'Whether the last part of a name is the beginning of the word of a table: repo for repository';

-- Values that applications write in place of NULL. They are no evidence against a reference, and stay as they are.
COMMENT ON FUNCTION clone_internal.in_place_of_null() IS 'Values, in lower case, that stand in place of NULL in columns which refer to a row';

-- As TextKeys::is_distinctive of the core; not UUIDs, which are found everywhere.
CREATE FUNCTION clone_internal.distinctive(key text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT length(key) >= 12
       -- Snowflakes: numbers of this length are no chance.
       AND (key ~ '^[1-9][0-9]+$' OR key ~ '[A-Za-z0-9]{24}' OR key ~ '(^|[^A-Za-z0-9])(?=[A-Za-z0-9]*[0-9][A-Za-z])[A-Za-z0-9]{8,}'
            OR key ~ '(^|[^A-Za-z0-9])(?=[A-Za-z0-9]*[A-Za-z][0-9])[A-Za-z0-9]{16,}')
       AND key !~* ('^[{]?' || clone_internal.uuid_pattern('-?') || '[}]?$')
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
