-- Discovery of values that must be unique across projects.

-- Whether each value of a text column holds the UUID of a described row, as the paths of files do: these are rewritten, which makes the value new.
CREATE FUNCTION clone_internal.made_new_by_uuids(store text, relation regclass, "column" name) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    keys text := (
        SELECT string_agg(format('SELECT (%s)::uuid AS id FROM %s AS k', clone_internal.column_text('k', r.relation, r.id_column), r.relation), ' UNION ALL ' ORDER BY r.relation::oid)
        FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p') JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column
        WHERE r.store = made_new_by_uuids.store AND clone_internal.base_type(a.atttypid) = 'uuid'::regtype);
    made_new boolean;
BEGIN
    IF keys IS NULL THEN
        RETURN false;
    END IF;
    -- Most texts hold no UUID: to look into all tables for those of 190 columns took 9 s.
    EXECUTE format('SELECT bool_or(s.x !~ %L) FROM (SELECT lower(%s) AS x FROM %s AS t WHERE t.%I IS NOT NULL LIMIT 20) AS s', clone_internal.uuid_pattern('-?'),
        clone_internal.column_text('t', relation, "column"), clone_internal.spread(relation, quote_ident("column"), 2000), "column") INTO made_new;
    IF made_new IS NOT FALSE THEN
        RETURN false;
    END IF;
    EXECUTE format($q$
        WITH v AS MATERIALIZED (SELECT row_number() OVER () AS n, lower(%s) AS x FROM %s AS t WHERE t.%I IS NOT NULL),
        u AS MATERIALIZED (SELECT DISTINCT v.n, m[1]::uuid AS id FROM v CROSS JOIN LATERAL regexp_matches(v.x, %L, 'g') AS m)
        SELECT count(DISTINCT u.n) > 0 AND count(DISTINCT u.n) = (SELECT count(*) FROM v) FROM u JOIN (%s) k ON k.id = u.id$q$,
        clone_internal.column_text('t', relation, "column"), clone_internal.spread(relation, quote_ident("column"), 20000), "column", '(' || clone_internal.uuid_pattern('-?') || ')', keys) INTO made_new;
    RETURN made_new;
END
$$;
COMMENT ON FUNCTION clone_internal.made_new_by_uuids(text, regclass, name) IS 'Whether each value of a text column holds the UUID of a described row, so that rewriting makes it new';

-- Whether each of these texts looks as if a program had made it at random: a token, an API key, a public id.
CREATE FUNCTION clone_internal.made_at_random(vals text[]) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (SELECT COALESCE(bool_and(v.x ~ '^([A-Za-z0-9_.:+=-]{10,200}|[A-Za-z0-9+/]{20,200}=*|[{][0-9A-Fa-f-]{36}[}])$'), false)
       -- By chance a short one may have letters only.
       AND count(*) FILTER (WHERE v.uuid OR v.changes >= 2) >= 0.9 * count(*) AND avg(CASE WHEN v.uuid THEN 1 ELSE v.changes::numeric / NULLIF(length(v.x), 0) END) >= 0.15
       -- Small letters, capitals and digits of one length: few of them have several digits.
       OR COALESCE(bool_and(v.x ~ '^[A-Za-z0-9_-]{8,64}$') AND min(length(v.x)) = max(length(v.x)) AND count(DISTINCT v.x) >= 3 AND min(v.switches) >= 2 AND avg(v.switches::numeric / NULLIF(length(v.x), 0)) >= 0.45, false)
    FROM (SELECT regexp_replace(x, clone_internal.uuid_pattern('-') || '[/|,; ]' || clone_internal.uuid_pattern('-'), '0a0b0c0d0e0f0a0b', 'gi') AS x, x ~* clone_internal.uuid_pattern('-?') AS uuid,
                 -- From a letter to a digit and back: rare in words and numbers.
                 length(regexp_replace(x, '([A-Za-z])(?=[0-9])|([0-9])(?=[A-Za-z])', '\1\2 ', 'g')) - length(x) AS changes,
                 length(regexp_replace(x, '([a-z])(?=[A-Z0-9])|([A-Z])(?=[a-z0-9])|([0-9])(?=[A-Za-z])', '\1\2\3 ', 'g')) - length(x) AS switches
          -- The beginning of a long text says that it is none.
          FROM (SELECT left(o, 400) AS x FROM unnest($1) AS o) o) v);
END
$$;
COMMENT ON FUNCTION clone_internal.made_at_random(text[]) IS 'Whether each of these texts looks as if it had been made at random';

-- The same for the texts of a column, by their name or their form, and long numbers. With a suffix, who knows that of the source knows that of the clone. A text
-- with the key of its row is not random.
CREATE FUNCTION clone_internal.looks_random(relation regclass, "column" name) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key name := clone_internal.key_of(relation);
    found record;
BEGIN
    IF $2 ~* 'token|secret|hash|digest|api_?key|password|checksum' THEN
        RETURN true;
    END IF;
    EXECUTE format('SELECT array_agg(s.x) AS vals, bool_or(length(s.key) >= 8 AND strpos(lower(s.x), lower(s.key)) > 0) AS named FROM (SELECT %s AS x, %s AS key FROM %s AS t WHERE t.%I IS NOT NULL LIMIT 500) s',
        clone_internal.column_text('t', relation, "column"), CASE WHEN key IS NULL THEN 'NULL::text' ELSE clone_internal.column_text('t', relation, key) END,
        clone_internal.spread(relation, '*', 500), "column") INTO found;
    -- Long numbers (snowflakes) stay numbers; of shorter ones, other rows may have most, and telephones are others' numbers.
    RETURN COALESCE(NOT COALESCE(found.named, false) AND (clone_internal.made_at_random(found.vals) OR (SELECT bool_and(v ~ '^[1-9][0-9]{15,37}$') FROM unnest(found.vals) v)), false);
END
$$;
COMMENT ON FUNCTION clone_internal.looks_random(regclass, name) IS 'Whether each text of a column looks as if it had been made at random';

-- Whether the type of a text column and the CHECKs that are about it alone allow these values.
CREATE FUNCTION clone_internal.allows_values(relation regclass, "column" name, vals text[]) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    type text;
    checks text;
    allowed boolean;
BEGIN
    SELECT format_type(a.atttypid, a.atttypmod), (SELECT string_agg(format(E'(%s\n)', pg_get_expr(c.conbin, c.conrelid)), ' AND ') FROM pg_constraint c WHERE c.contype = 'c' AND c.conrelid = $1 AND c.conkey = ARRAY[a.attnum])
    INTO type, checks FROM pg_attribute a WHERE a.attrelid = $1 AND a.attname = $2;
    EXECUTE format('SELECT COALESCE(bool_and((%s) IS NOT FALSE AND t.%I IS NOT NULL), true) FROM unnest($1) AS v (x) CROSS JOIN LATERAL (SELECT v.x::%s AS %2$I) AS t', COALESCE(checks, 'true'), "column", type) INTO allowed USING vals;
    RETURN allowed;
EXCEPTION
    WHEN check_violation OR data_exception THEN
        RETURN false;
END
$$;
COMMENT ON FUNCTION clone_internal.allows_values(regclass, name, text[]) IS 'Whether the type of a text column and the CHECKs that are about it alone allow these values';

-- Other letters and digits in their place, where the role random changes them. It keeps what generated texts begin with, and the forms of
-- UUIDs and of hexadecimal digits.
CREATE FUNCTION clone_internal.other_characters(value text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT o.kept || CASE
        WHEN o.rest ~* ('^[{]?' || clone_internal.uuid_pattern('-') || '[}]?$')
             THEN overlay(overlay(o.other PLACING substr(o.rest, o.start + 14, 1) FROM o.start + 14) PLACING substr(o.rest, o.start + 19, 1) FROM o.start + 19)
        ELSE o.other END
    FROM (SELECT p.kept, r.rest, CASE WHEN r.rest LIKE '{%' THEN 2 ELSE 1 END AS start,
                 CASE WHEN r.rest ~ '^[{]?([0-9a-f:-]{8,}|[0-9A-F:-]{8,})[}]?$' THEN translate(r.rest, '0123456789abcdefABCDEF', '5678901234bcdefaBCDEFA')
                      ELSE translate(r.rest, 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789', 'nopqrstuvwxyzabcdefghijklmNOPQRSTUVWXYZABCDEFGHIJKLM5678901234') END AS other
          FROM (SELECT CASE WHEN $1 ~ '^[A-Za-z]{1,10}[0-9]{9,}$' THEN substring($1 FROM '^[A-Za-z]+')
                            WHEN $1 ~* '^[0-9a-f:-]{8,}$' THEN ''
                            ELSE COALESCE((regexp_match($1, '^([A-Za-z]+([_:-])([a-z]+\2)?)(?=([^A-Za-z0-9]*[A-Za-z0-9]){17})'))[1], '') END AS kept) p
          CROSS JOIN LATERAL (SELECT substr($1, length(p.kept) + 1) AS rest) r) o
$$;
COMMENT ON FUNCTION clone_internal.other_characters(text) IS 'A text such as the role random makes of this one';

-- The role that gives a unique text column of this length new values: random, where its texts are made at random or leave no room for a suffix, or
-- nothing else is allowed; prefix stands for a template. NULL: its CHECKs allow none of these.
CREATE FUNCTION clone_internal.role_of_unique_text(relation regclass, "column" name, length int) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vals text[];
    preferred text;
BEGIN
    vals := clone_internal.sampled_texts(relation, "column");
    preferred := CASE WHEN length <= 24 OR clone_internal.looks_random(relation, "column") THEN 'random' WHEN "column" ~* 'e?_?mail' THEN 'template'
        -- In front of hosts, also of those of mail, and of files.
        WHEN length < 14 + (SELECT max(length(v)) FROM unnest(vals) v) THEN 'suffix'
        ELSE COALESCE((SELECT CASE f.form WHEN 'mail' THEN 'template' WHEN 'host' THEN 'prefix' END FROM clone_internal.form_of_texts(vals) AS f (form)), 'suffix') END;
    IF NOT EXISTS (SELECT FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_constraint c ON c.contype = 'c' AND c.conrelid = a.attrelid AND c.conkey = ARRAY[a.attnum]
                   WHERE a.attrelid = $1 AND a.attname = $2 AND (t.typtype = 'd' OR c.oid IS NOT NULL)) THEN
        RETURN preferred;
    END IF;
    EXECUTE format('SELECT ARRAY(SELECT rtrim(t.%I::text) FROM %s AS t WHERE t.%1$I IS NOT NULL LIMIT 100)', $2, clone_internal.spread($1, quote_ident($2), 2000)) INTO vals;
    IF preferred IN ('template', 'suffix') AND clone_internal.allows_values($1, $2, ARRAY(
        SELECT CASE WHEN preferred = 'template' THEN 'clone1.' || v ELSE left(v, COALESCE(length, 100000) - 2) || '-1' END FROM unnest(vals) v)) THEN
        RETURN preferred;
    END IF;
    -- host.example.com
    IF preferred <> 'random' AND clone_internal.allows_values($1, $2, ARRAY(SELECT 'c1-' || left(v, COALESCE(length, 100000) - 3) FROM unnest(vals) v)) THEN
        RETURN 'prefix';
    END IF;
    IF clone_internal.allows_values($1, $2, ARRAY(SELECT clone_internal.other_characters(v) FROM unnest(vals) v)) THEN
        RETURN 'random';
    END IF;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clone_internal.role_of_unique_text(regclass, name, int) IS 'The role that gives a unique text column new values; NULL: its CHECKs allow none of those';

-- Columns of unique indexes in which a clone would conflict with its source get a new value. asks: numbers, dates and the like, for
-- which none can be made up and of which a NULL would lose what the row says, are asked about; nothing else is done.
CREATE FUNCTION clone_internal.discover_unique(store text, asks boolean DEFAULT false) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    u record;
    chosen record;
    filled boolean;
    best name;
    -- That of a text; NULL: its CHECKs allow no new values.
    role text;
    settled text;
    -- Columns about which a question is open: they may hold keys, and change in every clone. As [table, column].
    pending jsonb := (SELECT COALESCE(jsonb_agg(jsonb_build_array(o.relation::oid::bigint, o.name)), '[]') FROM (
        SELECT p.relation, p.name FROM clone_internal.polymorphic_pairs(store) p
        UNION ALL SELECT n.relation, n.name FROM clone_internal.named_references(store) n WHERE n.exact
        UNION ALL SELECT q.relation, q."column" FROM clone.store_question q WHERE q.store = discover_unique.store AND q.path !~ '^[$]?[.[]' AND q.severity = 'error') o
        WHERE NOT clone_internal.answered(store, o.relation, o.name, ''));
    -- The words of undescribed tables about which a question is open.
    waiting text[] := ARRAY(SELECT DISTINCT clone_internal.table_word(k.relname) FROM clone.store_question q JOIN pg_class k ON k.oid = q.relation
        WHERE q.store = discover_unique.store AND q.severity = 'error' AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = discover_unique.store AND r.relation = q.relation));
BEGIN
    FOR u IN
        SELECT i.indexrelid, r.relation, r.role FROM pg_index i JOIN clone.store_relation r ON r.store = discover_unique.store AND r.relation::oid = i.indrelid
        -- The primary key, too, where another column is the key of the rows.
        WHERE i.indisunique AND i.indislive
    LOOP
        -- One column that gets a new value anyway is enough.
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_attribute a JOIN pg_index i ON i.indexrelid = u.indexrelid
            JOIN clone.store_relation r ON r.store = discover_unique.store AND r.relation = u.relation
            LEFT JOIN clone.store_column c ON c.store = r.store AND c.relation = r.relation AND c.name = a.attname
            WHERE a.attrelid = u.relation AND a.attnum IN (SELECT clone_internal.unique_columns(u.indexrelid))
              AND (a.attname IN (COALESCE(r.project_column, ''), COALESCE(r.id_column, ''), COALESCE(r.join_column, ''))
                   OR c.role IN ('project', 'key', 'new_uuid', 'random', 'suffix', 'template', 'default', 'null')
                   OR clone_internal.family(a.atttypid) = 'uuid' AND cardinality(i.indkey::int2[]) = 1
                   -- A UUID is mapped also without a foreign key, if it is the key of a row. If it is none, the plan says where rows meet. One
                   -- that is made by default names its own row.
                   OR clone_internal.family(a.atttypid) = 'uuid' AND COALESCE(c.role = 'map', false)
                      AND NOT EXISTS (SELECT FROM pg_attrdef e WHERE e.adrelid = a.attrelid AND e.adnum = a.attnum AND pg_get_expr(e.adbin, e.adrelid) LIKE '%(%')
                   OR EXISTS (SELECT FROM pg_constraint f JOIN clone.store_relation t ON t.store = discover_unique.store AND t.relation::oid = f.confrelid
                              WHERE f.contype = 'f' AND f.conrelid = u.relation AND a.attnum = ANY (f.conkey))
                   OR EXISTS (SELECT FROM clone.store_reference d WHERE d.store = discover_unique.store AND d.relation = u.relation AND d."column" = a.attname)
                   -- The answer says whether it is enough; then the next look asks.
                   OR pending @> jsonb_build_array(jsonb_build_array(u.relation::oid::bigint, a.attname))));
        CONTINUE WHEN EXISTS (
            SELECT FROM pg_attribute a JOIN clone.store_column c ON c.store = discover_unique.store AND c.relation = u.relation AND c.name = a.attname AND c.role = 'rewrite'
            WHERE a.attrelid = u.relation AND a.attnum IN (SELECT clone_internal.unique_columns(u.indexrelid)) AND clone_internal.family(a.atttypid) = 'text'
              AND clone_internal.made_new_by_uuids(discover_unique.store, u.relation, a.attname));
        -- A column that is named after a table about which a question is open may refer to it.
        CONTINUE WHEN waiting <> '{}' AND EXISTS (
            SELECT FROM unnest(waiting) AS w (word) JOIN pg_attribute a ON a.attrelid = u.relation AND a.attnum IN (SELECT clone_internal.unique_columns(u.indexrelid))
            WHERE clone_internal.named_table(a.attname, false) = w.word OR w.word LIKE E'%\\_' || clone_internal.named_table(a.attname, false));
        -- If another table refers to it, the key gets new values anyway.
        CONTINUE WHEN EXISTS (SELECT FROM pg_constraint f JOIN pg_index i ON i.indexrelid = u.indexrelid WHERE f.contype = 'f' AND f.confrelid = u.relation
            AND f.confkey = (i.indkey::int2[])[0:i.indnkeyatts - 1]);
        -- Of several texts, that which tells rows apart.
        SELECT clone_internal.most_distinct(u.relation, array_agg(a.attname ORDER BY NOT a.attnotnull DESC, a.attnum)) INTO best FROM pg_attribute a
        WHERE a.attrelid = u.relation AND a.attnum IN (SELECT clone_internal.unique_columns(u.indexrelid)) AND clone_internal.family(a.atttypid) = 'text' HAVING count(*) > 1;
        SELECT a.attname, a.attnotnull, i.indnkeyatts = 1 AS alone, i.indnullsnotdistinct AS one_null, clone_internal.family(a.atttypid) AS family, a.atttypid = 'bytea'::regtype AS is_bytes,
            CASE WHEN clone_internal.base_type(a.atttypid) IN ('varchar'::regtype, 'bpchar'::regtype) AND a.atttypmod > 4 THEN a.atttypmod - 4 END AS length,
            -- A constant is no new value, and the time of the clone is not that of the row.
            a.attidentity <> '' OR COALESCE(pg_get_expr(e.adbin, e.adrelid) LIKE '%(%', false) AND clone_internal.base_type(a.atttypid) NOT IN (1082, 1083, 1114, 1184, 1266) AS generated,
            -- The type of a pair says which table the key beside it is of, and has no other value in a clone.
            w.type_word IS NOT NULL AND EXISTS (SELECT FROM pg_attribute k WHERE k.attrelid = u.relation AND k.attnum > 0 AND NOT k.attisdropped AND k.attnum <> a.attnum AND clone_internal.pair_word(k.attname, false) = w.type_word)
                OR EXISTS (SELECT FROM clone.store_reference d WHERE d.store = discover_unique.store AND d.relation = u.relation AND d.type_column = a.attname) AS is_type INTO chosen
        FROM pg_attribute a JOIN pg_index i ON i.indexrelid = u.indexrelid
        LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
        CROSS JOIN LATERAL (SELECT clone_internal.pair_word(a.attname, true) AS type_word) w
        WHERE a.attrelid = u.relation AND a.attnum IN (SELECT clone_internal.unique_columns(u.indexrelid))
        ORDER BY is_type, clone_internal.family(a.atttypid) = 'uuid' DESC, clone_internal.family(a.atttypid) = 'text' DESC, a.attname IS NOT DISTINCT FROM best DESC,
            (a.attidentity <> '' OR COALESCE(pg_get_expr(e.adbin, e.adrelid) LIKE '%(%', false) AND clone_internal.base_type(a.atttypid) NOT IN (1082, 1083, 1114, 1184, 1266)) DESC, NOT a.attnotnull DESC, a.attnum
        LIMIT 1;
        CONTINUE WHEN chosen.attname IS NULL OR chosen.is_type AND NOT chosen.alone OR u.role = 'project' AND chosen.attname = 'name';
        -- A document is more than its unique member: where one meets another the clone is refused, and says what to do.
        CONTINUE WHEN chosen.family = 'json';
        -- Nothing is said of a column for which there is no fresh value: the clone is refused where its values meet the source's.
        CONTINUE WHEN chosen.attnotnull AND NOT chosen.generated AND NOT chosen.is_bytes AND chosen.family NOT IN ('text', 'uuid');
        IF NOT chosen.attnotnull AND chosen.alone AND NOT chosen.generated AND NOT chosen.is_bytes AND chosen.family NOT IN ('text', 'uuid') THEN
            CONTINUE WHEN NOT asks OR clone_internal.answered(store, u.relation, chosen.attname, '')
                OR EXISTS (SELECT FROM clone.store_question q WHERE q.store = discover_unique.store AND q.relation = u.relation AND q."column" = chosen.attname AND q.path = '');
            -- The index finds such rows.
            EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE t.%I IS NOT NULL)', u.relation, chosen.attname) INTO filled;
            CONTINUE WHEN NOT filled;
            PERFORM clone_internal.ask(store, u.relation, chosen.attname, '', 'error',
                format('%s.%I is unique across all tenants: a clone cannot have its source''s values. ', u.relation, chosen.attname)
                    || CASE WHEN chosen.family = 'int' THEN 'Does it get numbers above all that exist, or NULL?' WHEN chosen.one_null THEN format('One row of all can have NULL: give it an SQL expression over the row, clone.store_column(%L, %L, %L, ''expression'', value => …)', store, u.relation, chosen.attname) ELSE 'Does it get NULL?' END,
                CASE WHEN chosen.family = 'int' THEN format('SELECT clone.store_column(%L, %L, %L, ''expression'', value => %L);', store, u.relation, chosen.attname,
                         -- Above the greatest, in the order of the source's.
                         format('(SELECT pg_catalog.max(m.%1$I) OPERATOR(pg_catalog.-) pg_catalog.min(m.%1$I) OPERATOR(pg_catalog.+) 1 FROM %2$s AS m) OPERATOR(pg_catalog.+) %1$I', chosen.attname, u.relation))
                     WHEN NOT chosen.one_null THEN format('SELECT clone.store_column(%L, %L, %L, ''null'');', store, u.relation, chosen.attname) END,
                CASE WHEN chosen.family = 'int' AND NOT chosen.one_null THEN format('SELECT clone.store_column(%L, %L, %L, ''null'');', store, u.relation, chosen.attname) END);
            CONTINUE;
        END IF;
        role := CASE WHEN chosen.family = 'text' THEN clone_internal.role_of_unique_text(u.relation, chosen.attname, chosen.length) END;
        IF asks AND chosen.family = 'text' AND EXISTS (SELECT FROM clone.store s WHERE s.name = discover_unique.store AND s.looked_at IS NOT NULL) THEN
            -- Of a table that was described later.
            CONTINUE WHEN clone_internal.answered(store, u.relation, chosen.attname, '')
                OR EXISTS (SELECT FROM clone.store_question q WHERE q.store = discover_unique.store AND q.relation = u.relation AND q."column" = chosen.attname AND q.path = '');
            EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t WHERE t.%I IS NOT NULL)', u.relation, chosen.attname) INTO filled;
            CONTINUE WHEN NOT filled;
            IF chosen.alone AND NOT clone_internal.answered(store, u.relation, chosen.attname, '$unique') THEN
                settled := format(' SELECT clone.store_no_reference(%L, %L, %L, %L);', store, u.relation, chosen.attname, '$unique');
                PERFORM clone_internal.ask_about_form(store, u.relation, chosen.attname, clone_internal.sampled_texts(u.relation, chosen.attname), chosen.length,
                    CASE WHEN NOT chosen.attnotnull THEN format('SELECT clone.store_column(%L, %L, %L, ''null'');', store, u.relation, chosen.attname) || settled END, settled);
                CONTINUE WHEN EXISTS (SELECT FROM clone.store_question q WHERE q.store = discover_unique.store AND q.relation = u.relation AND q."column" = chosen.attname AND q.path = '$unique');
            END IF;
            PERFORM clone_internal.ask(store, u.relation, chosen.attname, '', 'error',
                format('%s.%I is unique across all tenants: a clone cannot have its source''s values. ', u.relation, chosen.attname)
                    || CASE WHEN role IS NULL THEN format('Its CHECK allows neither a suffix nor random texts: give it an SQL expression over the row, clone.store_column(%L, %L, %L, ''expression'', value => …)', store, u.relation, chosen.attname) ELSE 'Does it get others?' END,
                CASE WHEN role = 'prefix' THEN format('SELECT clone.store_column(%L, %L, %L, ''template'', value => ''c{n}-{value}'');', store, u.relation, chosen.attname)
                     WHEN role IS NOT NULL THEN format('SELECT clone.store_column(%L, %L, %L, %L);', store, u.relation, chosen.attname, CASE role WHEN 'template' THEN 'suffix' ELSE role END) END,
                CASE WHEN NOT chosen.attnotnull THEN format('SELECT clone.store_column(%L, %L, %L, ''null'');', store, u.relation, chosen.attname) END);
        END IF;
        CONTINUE WHEN asks OR chosen.family = 'text' AND role IS NULL;
        PERFORM clone.store_column(store, u.relation, chosen.attname,
            CASE WHEN role = 'prefix' THEN 'template'
                 WHEN chosen.family = 'text' THEN role
                 WHEN chosen.family = 'uuid' THEN 'new_uuid'
                 WHEN chosen.generated THEN 'default'
                 WHEN chosen.is_bytes THEN 'expression'
                 -- A part of a key, such as a number in a list, says something of the row.
                 ELSE 'keep' END,
            value => CASE WHEN chosen.is_bytes AND NOT chosen.generated
                     THEN clone_internal.random_bytes(chosen.attname)
                 WHEN role = 'template' THEN 'clone{n}.{value}' WHEN role = 'prefix' THEN 'c{n}-{value}' END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.discover_unique(text, boolean) IS 'Declares a new value for columns of unique indexes that are unique across all projects, or asks about those for which there is none';
