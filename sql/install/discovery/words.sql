-- Names of columns, members and tables as frameworks form them, and texts that are generated keys or stand in place of NULL.

-- The word before id in a name without separators, as camel case becomes in SQL without quotes: customerid. NULL for other names and words.
CREATE FUNCTION clone_internal.folded_word(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN lower(name) !~ '(paid|valid|void|grid|bid|android|hybrid|solid|fluid|liquid|covid|rapid|acid|plaid|squid|orchid|pyramid|overlaid|_[[:alnum:]]{1,2}id)s?$' THEN (regexp_match(lower(name), '^(?:.*_)?([[:alpha:]][[:alnum:]]{2,}?)(?:ids?|uuids?)$'))[1] END;
END
$$;
COMMENT ON FUNCTION clone_internal.folded_word(text) IS 'The word before id in a name without separators, such as customerid; NULL for other names';

CREATE FUNCTION clone_internal.named_table(column_name text, plural boolean) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- customer_id, customerId, customerid, customer_uuid, customer_fk: customer; customer_ids, customerIds: customer.
    RETURN COALESCE((regexp_match(clone_internal.snake(column_name), CASE WHEN plural THEN '^(.+)_(?:ids|uuids)$' ELSE '^(.+)_(?:id|uuid|fk)$' END))[1],
        CASE WHEN column_name ~* '[a-z](id|uuid)s$' = plural AND column_name !~ '[_a-z](Id|Ids|ID|IDs|Uuid|Uuids)$' THEN clone_internal.folded_word(column_name) END);
END
$$;
COMMENT ON FUNCTION clone_internal.named_table(text, boolean) IS 'The word before _id or id in a column''s name, in snake case; NULL for other names';

CREATE FUNCTION clone_internal.table_word(relname text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- TypeORM's user_entity, tbl_user and tblUser: user.
    RETURN (regexp_replace(regexp_replace(clone_internal.snake(clone_internal.singular(relname)), '(.)_(entity|tbl|table)$', '\1'), '^(tbl_?|tb_)(.)', '\2'));
END
$$;
COMMENT ON FUNCTION clone_internal.table_word(text) IS 'The word by which columns name a table: order_item for OrderItems';

CREATE FUNCTION clone_internal.named_word(name text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN COALESCE(CASE WHEN NOT name ~ '(_|[a-z0-9])(Ids?|IDs?|Uuids?)$' THEN clone_internal.folded_word(name) END, clone_internal.singular(regexp_replace(clone_internal.snake(name), '_(ids?|uuids?|fks?|pk|refs?)$', ''))); END $$;
COMMENT ON FUNCTION clone_internal.named_word(text) IS 'product_id, productIds, productid, productRef, products, product: product';

CREATE FUNCTION clone_internal.says_id(name text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ BEGIN RETURN name ~ '(_id|_ids|_ID|_IDS|_uuid|_uuids|_fk|[a-z0-9](Id|Ids|ID|IDs|Uuid|Uuids|Fk))$|^(ancestor|descendant)$' OR clone_internal.folded_word(name) IS NOT NULL; END $$;
COMMENT ON FUNCTION clone_internal.says_id(text) IS 'Whether a name is that of a key: x_id, xIds, xid, x_uuid';

CREATE FUNCTION clone_internal.plain(name text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT lower(regexp_replace($1, '[^[:alnum:]]+', '', 'g')) $$;
COMMENT ON FUNCTION clone_internal.plain(text) IS 'A name without separators, in lower case: orderitem for order_item and OrderItem';

-- How a name can mean the table of a word. 1: customerid, customer_no; 2: billtocustomerid; 3: cust_id, cust, the last word. NULL: not.
CREATE FUNCTION clone_internal.folded_match(name text, word text) RETURNS int
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    endings text := '(ids?|uuids?|nos?|nrs?|nums?|numbers?|refs?|keys?|codes?|fk|pk)';
    plain_name text := clone_internal.plain(name);
    plain_word text := clone_internal.plain(word);
    stem text;
BEGIN
    IF length(plain_word) < 3 THEN
        RETURN NULL;
    ELSIF plain_name ~ ('^(fk|id)?' || plain_word || 's?' || endings || '?$') THEN
        RETURN 1;
    -- Without an ending, a table's name within a word is chance: image_storage is no age.
    ELSIF plain_name ~ (plain_word || endings || '$') OR clone_internal.snake(name) ~ ('_' || plain_word || '$') THEN
        RETURN 2;
    END IF;
    stem := COALESCE((regexp_match(plain_name, '^(.{3,}?)' || endings || '$'))[1], CASE WHEN length(plain_name) >= 3 THEN plain_name END);
    RETURN CASE WHEN length(stem) < length(plain_word) AND starts_with(plain_word, stem) THEN 3
                -- current_version: page_versions.
                WHEN length(substring(word FROM '[^_]+$')) > 2 AND clone_internal.named_word(name) LIKE E'%\\_' || substring(word FROM '[^_]+$') THEN 3
                -- groupid: app_groups.
                WHEN length(clone_internal.named_word(name)) > 3 AND word LIKE E'%\\_' || clone_internal.named_word(name) THEN 3 END;
END
$$;
COMMENT ON FUNCTION clone_internal.folded_match(text, text) IS 'How a name can mean a table: 1 by its word and an ending, 2 with other words before, 3 by a part of the word';

-- Short words end others by chance.
CREATE FUNCTION clone_internal.ends_with_word(name text, word text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT $1 = $2 OR length($2) > 2 AND right($1, length($2) + 1) = '_' || $2 $$;
COMMENT ON FUNCTION clone_internal.ends_with_word(text, text) IS 'Whether a name is a word, or ends with it: v1_task with task';

CREATE FUNCTION clone_internal.names_person(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clone_internal.plain($1) ~ ('(owner|author|assignee|assignedto|creator|editor|sender|recipient|receiver|reviewer|approver|manager|supervisor|boss|responsible|requester|requestor|reporter|reportsto|actor|agent|inviter'
        || '|holder|watcher|follower|subscriber|moderator|member|person|employee|operator|contact|attendee|participant|signer|seller|buyer|lead|user|bearbeiter|ersteller|besitzer|autor|verantwortlicher?|zuständig|vorgesetzter?|kunde|mitarbeiter|friend|who|whom'
        || '|(created|updated|modified|changed|deleted|closed|resolved|locked|uploaded|approved|archived|invited|assigned|signed|sent|posted|entered|edited|handled|owned|checked|requested|reviewed|placed)by)(s?ids?|no|nr|ref|key|fk|s)?$')
$$;
COMMENT ON FUNCTION clone_internal.names_person(text) IS 'Whether a name is that of a person in a role: author, created_by, ownerid';

-- 2: users and those who work for the tenant, who create and edit; 1: other persons; 0: no persons.
CREATE FUNCTION clone_internal.has_persons(table_word text) RETURNS int
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN $1 ~ '(^|_)(user|usr|member|person|people|profile|employee|staff|agent|mitarbeiter|benutzer|crew|operator|worker|doctor|nurse|teacher|driver)$' THEN 2
                WHEN $1 ~ '(^|_)(contact|customer|client|kunde|account|partner|student|player|patient|guest)$' THEN 1 ELSE 0 END
$$;
COMMENT ON FUNCTION clone_internal.has_persons(text) IS 'Whether a table of this word has persons as its rows: 2 users and those who work for the tenant, 1 others, 0 none';

-- Whether a name is that of an order, a size, an amount or a state, whose numbers are keys by chance.
CREATE FUNCTION clone_internal.names_quantity(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clone_internal.snake($1) ~ ('(^|_)(line|page|level|rank|order|order_no|ordinal|position|pos|place|sort|sorting|step|version|revision|rev|priority|status|state|type|kind|mode|flags?|count|counter|size|width|height|depth|length|day|month'
        || '|year|week|hour|minute|second|millis|ms|duration|time|timestamp|at|epoch|row|column|col|idx|index|seq|sequence|sequential|serial|friendly|display|stage|phase|round|part|floor|amount|total|sum|qty|quantity|price|cost|fee|tax|rate|percent|pct'
        || '|discount|balance|budget|salary|points?|score|rating|weight|value|val|age|zip|postcode|port|retry|retries|attempts?|limit|min|max|avg|capacity|stock|storage|memory|bytes|views|visits|clicks|hits|likes|progress|lft|rgt|left|right|lat|lng|lon'
        || '|x|y|z|n|i|no|nr|num|number|digits?|code|lock_version|year_of_birth|cents|pages|units?|steps)s?$')
$$;
COMMENT ON FUNCTION clone_internal.names_quantity(text) IS 'Whether a name is that of an order, a size, an amount or a state, such as position or lock_version';

-- Values that applications write in place of NULL. They are no evidence against a reference, and stay as they are.
CREATE FUNCTION clone_internal.in_place_of_null() RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
-- The last ones are hashes and keys of generators: the first of a chain names none before it.
AS $$ SELECT '{"",0,-1,none,"null",nil,nobody,n/a,na,-,--,undefined,unknown,empty,00000000-0000-0000-0000-000000000000}'::text[]
    || '{00000000,000000000000,0000000000000000,00000000000000000000,000000000000000000000000,00000000000000000000000000,00000000000000000000000000000000,0000000000000000000000000000000000000000,00000000000000000000000000000000000000000000000000000000,0000000000000000000000000000000000000000000000000000000000000000}'::text[] $$;
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
