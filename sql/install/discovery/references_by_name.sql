-- References by the names of columns, without constraint and declaration. Reads the catalog, and of pairs with less plain names the types.

-- How near a table is to another, where tables of several schemas have the same name. 0: a foreign key names it, and it is of the same schema;
-- 1: one of both; 2: nothing says so.
CREATE FUNCTION clone_internal.nearness(relation oid, target oid) RETURNS int
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE WHEN EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = $1 AND f.confrelid = $2) THEN 0 ELSE 1 END
         + CASE WHEN (SELECT c.relnamespace FROM pg_class c WHERE c.oid = $1) = (SELECT c.relnamespace FROM pg_class c WHERE c.oid = $2) THEN 0 ELSE 1 END
$$;
COMMENT ON FUNCTION clone_internal.nearness(oid, oid) IS 'How near a table is to another: 0 by a foreign key and the schema, 1 by one of both, 2 by none';

-- Whether a column can name the parent of each row in its own table: if every row names another one, they would be circles. Of a large table it
-- is supposed.
CREATE FUNCTION clone_internal.has_roots(relation regclass, "column" name, key name) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tree text := format('(SELECT %s AS x, %s AS k FROM %s AS t)', clone_internal.column_text('t', relation, "column"), clone_internal.column_text('t', relation, key), relation);
    roots boolean;
    own int;
BEGIN
    IF pg_relation_size(relation) > 16777216 THEN
        RETURN true;
    END IF;
    EXECUTE format('SELECT count(*) < 4 OR bool_or(t.x IS NULL OR lower(t.x) = ANY (clone_internal.in_place_of_null())), count(*) FILTER (WHERE t.x = t.k) FROM %s t', tree) INTO roots, own;
    -- One may name itself by chance.
    IF roots OR own < 2 THEN
        RETURN roots;
    END IF;
    -- Rows that name themselves are roots, if all others are below them.
    EXECUTE format('WITH RECURSIVE tree AS MATERIALIZED (SELECT * FROM %s t), below (k) AS (SELECT t.k FROM tree t WHERE t.x = t.k UNION SELECT t.k FROM below b JOIN tree t ON t.x = b.k)
        SELECT (SELECT count(*) FROM below) = (SELECT count(DISTINCT t.k) FROM tree t)', tree) INTO roots;
    RETURN roots;
END
$$;
COMMENT ON FUNCTION clone_internal.has_roots(regclass, name, name) IS 'Whether a column can name the parent of each row in its own table, as not every row names another one';

-- Undeclared references of described tables by the names of columns. exact: the whole word names the table.
CREATE FUNCTION clone_internal.named_references(store text)
RETURNS TABLE (relation regclass, name name, family text, target regclass, target_column name, exact boolean)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH others AS MATERIALIZED (
        -- Tables that are not described, such as users that all projects share.
        SELECT d.word FROM clone_internal.discoverable(clone_internal.schemas_of($1)) d WHERE d.oid NOT IN (SELECT r.relation::oid FROM clone.store_relation r WHERE r.store = $1)
    ), described AS MATERIALIZED (
        SELECT r.relation::oid AS oid, r.id_column, r.project_column, r.join_column, r.document_column, r.role,
               clone_internal.table_word(c.relname) AS word, clone_internal.plain(clone_internal.table_word(c.relname)) AS plain, clone_internal.family(i.atttypid) AS family,
               NOT COALESCE(clone_internal.has_sequence(c.oid, i.attnum), false) AND clone_internal.named_table(r.id_column, false) IS DISTINCT FROM clone_internal.table_word(c.relname) AS of_others
        FROM clone.store_relation r
        JOIN pg_class c ON c.oid = r.relation
        LEFT JOIN pg_attribute i ON i.attrelid = c.oid AND i.attname = r.id_column
        WHERE r.store = $1
    ), open AS MATERIALIZED (
        SELECT d.oid, a.attname, a.attnum, a.atttypid
        FROM described d
        JOIN pg_attribute a ON a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        JOIN clone.store_column c ON c.store = $1 AND c.relation::oid = d.oid AND c.name = a.attname AND c.reason IS DISTINCT FROM 'set by hand'
        -- The key of a table that joins others, or that has a row for each of another, is named after them.
        WHERE (a.attname <> COALESCE(d.id_column, '') OR clone_internal.plain(clone_internal.named_table(a.attname, false)) <> d.plain AND NOT clone_internal.has_sequence(d.oid, a.attnum))
          AND a.attname NOT IN (COALESCE(d.project_column, ''), COALESCE(d.join_column, ''), COALESCE(d.document_column, ''))
          AND (clone_internal.named_table(a.attname, false) IS NOT NULL OR clone_internal.named_table(a.attname, true) IS NOT NULL)
          AND (c.role IN ('keep', 'rewrite', 'map') OR c.role = 'key' AND a.attname = d.id_column)
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = d.oid AND a.attnum = ANY (f.conkey))
          AND (d.oid, a.attname) NOT IN (SELECT r.relation::oid, r."column" FROM clone.store_reference r WHERE r.store = $1)
          AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation::oid = d.oid AND a.attname = ANY (m.columns))
    ), words AS MATERIALIZED (
        SELECT o.*, clone_internal.family(o.atttypid) AS family, COALESCE(clone_internal.named_table(o.attname, false), clone_internal.named_table(o.attname, true)) AS word,
               clone_internal.named_table(o.attname, true) IS NOT NULL AS plural, clone_internal.folded_word(o.attname) IS NOT NULL AND o.attname !~ '(_|[a-z0-9])(Ids?|IDs?|Uuids?)$' AS folded
        FROM open o
        -- The id column of a polymorphic pair is not a reference to one table.
        WHERE NOT EXISTS (SELECT FROM pg_attribute p WHERE p.attrelid = o.oid AND NOT p.attisdropped
                AND clone_internal.snake(p.attname) = regexp_replace(clone_internal.snake(o.attname), '_id$', '_type') AND p.attname <> o.attname)
    )
    SELECT DISTINCT ON (w.oid, w.attnum) w.oid::regclass, w.attname, w.family, d.oid::regclass, d.id_column,
        -- item_id: an order_item or an invoice_item.
        m.exact OR x.prefixed AND NOT EXISTS (SELECT FROM described o WHERE o.oid <> d.oid AND o.word LIKE E'%\\_' || w.word AND o.family = d.family AND NOT o.of_others) OR w.word = 'parent' AND d.oid = w.oid
    FROM words w
    JOIN described d ON d.id_column IS NOT NULL
     -- customer_id and billing_customer_id: customer; visit_id: care_visit, a name with the application's prefix.
     AND (d.word = w.word OR w.folded AND d.plain = clone_internal.plain(w.word) OR w.word LIKE E'%\\_' || d.word OR w.folded AND length(d.plain) > 3 AND clone_internal.plain(w.word) LIKE '%' || d.plain OR d.word LIKE E'%\\_' || w.word OR w.word = 'parent' AND d.oid = w.oid)
     AND (w.family = d.family OR w.plural AND w.family = d.family || '[]')
    -- In related_categories, beside category_id, related_category_id is another category.
    CROSS JOIN LATERAL (SELECT d.oid = w.oid AND w.word <> 'parent' AND EXISTS (SELECT FROM described o JOIN pg_attribute s ON s.attrelid = w.oid AND NOT s.attisdropped AND clone_internal.named_table(s.attname, false) = o.word
                                                       WHERE o.oid <> w.oid AND w.word LIKE E'%\\_' || o.word) AS links) l
    -- team_repo (team_id, repo_id) is named after what it links: repo_id is none of its rows.
    CROSS JOIN LATERAL (SELECT d.word LIKE E'%\\_' || w.word AS prefixed, d.word LIKE E'%\\_' || w.word AND 2 = (
        SELECT count(DISTINCT n.word) FROM pg_attribute k CROSS JOIN LATERAL (SELECT clone_internal.named_table(k.attname, false) AS word) n
        WHERE k.attrelid = d.oid AND k.attnum > 0 AND NOT k.attisdropped AND k.attname <> d.id_column AND n.word IN (w.word, left(d.word, -length(w.word) - 1))) AS linked) x
    CROSS JOIN LATERAL (SELECT (d.word = w.word OR w.folded AND d.plain = clone_internal.plain(w.word)) AND NOT l.links AS exact) m
    WHERE w.word IS NOT NULL AND w.family NOT LIKE 'uuid%'
      AND (m.exact OR NOT x.linked)
      -- user_id is users, not account_users.
      AND (m.exact OR NOT EXISTS (SELECT FROM others o WHERE o.word = w.word OR x.prefixed AND o.word = substring(o.word FROM '^[^_]+_') || w.word AND length(o.word) < length(d.word)))
      AND NOT (d.oid = w.oid AND w.attname = d.id_column)
      AND NOT (w.word = 'parent' AND d.oid = w.oid AND NOT clone_internal.has_roots(w.oid, w.attname, d.id_column))
    -- build_id: ci_builds, not ci_runner_builds, which has a row for some of them and is named after both.
    ORDER BY w.oid, w.attnum, m.exact DESC, l.links, x.prefixed DESC, d.of_others AND w.attname = d.id_column, CASE WHEN x.prefixed THEN -length(d.word) ELSE length(d.word) END DESC, clone_internal.nearness(w.oid, d.oid), d.oid;
END
$$;
COMMENT ON FUNCTION clone_internal.named_references(text) IS 'Undeclared columns that refer to a table of the store by their names';

-- Columns whose word stands in a type column beside them too, in other forms than x_type and x_id: assigned_to and assigned_type, owner and
-- owner_class. As their names may say something else, half of the types must name tables of the database, with keys of these beside them.
CREATE FUNCTION clone_internal.worded_pairs(store text) RETURNS TABLE (relation regclass, type_column name, name name, family text)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    kinds text[];
    named int;
    agrees boolean;
BEGIN
    FOR c IN
        WITH types AS MATERIALIZED (
            SELECT r.relation, r.project_column, r.join_column, r.id_column, t.attname, clone_internal.pair_word(t.attname, true) AS word
            FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p')
            JOIN pg_attribute t ON t.attrelid = r.relation AND t.attnum > 0 AND NOT t.attisdropped AND t.attname ~* '(type|typ|kind|class|model|entity|table)(_?name)?$'
            WHERE r.store = $1 AND clone_internal.family(t.atttypid) IN ('text', '')
        )
        SELECT t.relation, t.attname AS type_column, i.attname AS name, f.family
        FROM types t JOIN pg_attribute i ON i.attrelid = t.relation AND i.attnum > 0 AND NOT i.attisdropped AND i.attgenerated = '' AND i.attname NOT IN (t.attname, COALESCE(t.project_column, ''), COALESCE(t.join_column, ''), COALESCE(t.id_column, ''))
        JOIN clone.store_column s ON s.store = $1 AND s.relation = t.relation AND s.name = i.attname AND (s.reason IS DISTINCT FROM 'set by hand' OR s.role = 'map')
        CROSS JOIN LATERAL (SELECT clone_internal.family(i.atttypid) AS family) f
        WHERE f.family IN ('int', 'text')
          AND (t.word <> '' AND starts_with(clone_internal.snake(i.attname), t.word) AND substr(clone_internal.snake(i.attname), length(t.word) + 1) ~ '^(_(to|for|with|by|on|in|from|of|key|ref|reference|uuid|pk|fk|no|nr|number|identifier|id|object|target))*$'
               -- model and res_id
               OR t.word = '' AND clone_internal.pair_word(i.attname, false) ~ '^(res|resource|target|subject|source|related|ref|linked|attached|)$')
          AND NOT (i.attname ~ '(_id|Id)$' AND clone_internal.snake(t.attname) IN (regexp_replace(clone_internal.snake(i.attname), '_id$', '_type'), regexp_replace(clone_internal.snake(i.attname), '_id$', '_kind')))
          AND (t.relation::oid, i.attname) NOT IN (SELECT d.relation::oid, d."column" FROM clone.store_reference d WHERE d.store = $1)
          AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.contype = 'f' AND o.conrelid = t.relation AND i.attnum = ANY (o.conkey))
        ORDER BY t.relation::oid, i.attnum, t.attname
    LOOP
        EXECUTE format('SELECT (array_agg(DISTINCT %s))[:41] FROM %s AS t WHERE t.%I IS NOT NULL AND t.%I IS NOT NULL', clone_internal.column_text('t', c.relation, c.type_column), clone_internal.spread(c.relation, '*', 20000), c.type_column, c.name) INTO kinds;
        -- One type alone is one if its column is named as those of models are: assigned_type may say who, not which table.
        CONTINUE WHEN cardinality(kinds) BETWEEN CASE WHEN clone_internal.pair_word(c.type_column, true) = '' OR c.type_column ~* '(model|entity|table)(_?name)?$' THEN 1 ELSE 2 END AND 40 IS NOT TRUE;
        SELECT count(DISTINCT k.kind) INTO named FROM clone_internal.tables_of_kinds($1, kinds) k WHERE k.rank < 2;
        CONTINUE WHEN 2 * named < cardinality(kinds);
        SELECT bool_and(clone_internal.are_keys_of_kind($1, c.relation, c.type_column, clone_internal.column_text('t', c.relation, c.name), p.type_values, p.target::regclass) IS NOT FALSE) INTO agrees
        FROM clone_internal.pair_targets($1, c.relation, c.type_column, c.name) p;
        IF agrees THEN
            relation := c.relation;
            type_column := c.type_column;
            name := c.name;
            family := c.family;
            RETURN NEXT;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.worded_pairs(text) IS 'Undeclared polymorphic pairs of columns in other forms than x_type and x_id, whose types name tables';

-- Undeclared pairs of a type column and an id column (Rails: x_type and x_id, Django: content_type_id and object_id, also actor_content_type_id and actor_object_id).
CREATE FUNCTION clone_internal.polymorphic_pairs(store text) RETURNS TABLE (relation regclass, type_column name, name name, family text)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH ids AS MATERIALIZED (
        SELECT r.relation, i.attnum, i.attname, clone_internal.snake(i.attname) AS word, clone_internal.family(i.atttypid) AS family
        FROM clone.store_relation r
        JOIN pg_attribute i ON i.attrelid = r.relation AND i.attnum > 0 AND NOT i.attisdropped AND i.attname ~ '(_id|Id|(^|_)(object|obj)_(pk|key))$'
        JOIN clone.store_column c ON c.store = $1 AND c.relation = r.relation AND c.name = i.attname AND (c.reason IS DISTINCT FROM 'set by hand' OR c.role = 'map')
        WHERE r.store = $1
          AND i.attname IS DISTINCT FROM r.project_column
          AND (r.relation::oid, i.attname) NOT IN (SELECT d.relation::oid, d."column" FROM clone.store_reference d WHERE d.store = $1)
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND i.attnum = ANY (f.conkey))
          -- encounter_id and encounter_type of encounters
          AND NOT (i.attname = r.id_column AND (clone_internal.has_sequence(r.relation, i.attnum) OR clone_internal.named_table(i.attname, false) = clone_internal.table_word((SELECT k.relname FROM pg_class k WHERE k.oid = r.relation))))
    ), types AS MATERIALIZED (
        SELECT r.relation, t.attname, clone_internal.snake(t.attname) AS word, clone_internal.family(t.atttypid) AS family
        FROM clone.store_relation r JOIN pg_attribute t ON t.attrelid = r.relation AND t.attnum > 0 AND NOT t.attisdropped
        WHERE r.store = $1 AND t.attname ~ '(_type|_kind|Type|Kind)$|[Cc]ontent(_type_id|TypeI[dD])$|(^|_)(content_?type|ctype|ct)(_id)?$' AND clone_internal.family(t.atttypid) IN ('text', '', 'int')
    )
    SELECT i.relation, t.attname, i.attname, i.family
    FROM ids i JOIN types t ON t.relation = i.relation AND t.attname <> i.attname
    WHERE i.family IN ('int', 'text')
      AND (t.word IN (regexp_replace(i.word, '_id$', '_type'), regexp_replace(i.word, '_id$', '_kind')) OR i.word ~ '(^|_)object_id$' AND t.word = regexp_replace(i.word, 'object_id$', 'content_type_id')
           -- content_type_id and object_pk, target_content_type_id and target_object_id.
           OR t.family = 'int' AND t.word ~ '(^|_)(content_?type|ctype|ct)(_id)?$' AND i.word ~ '(^|_)((object|obj)_(id|pk|key)|id)$'
              AND regexp_replace(t.word, '(content_?type|ctype|ct)(_id)?$', '') = regexp_replace(i.word, '((object|obj)_(id|pk|key)|id)$', '')
              AND EXISTS (SELECT FROM pg_class d JOIN pg_class o ON o.relnamespace = d.relnamespace WHERE d.relname = 'django_content_type' AND o.oid = i.relation))
    UNION ALL
    SELECT w.relation, w.type_column, w.name, w.family FROM clone_internal.worded_pairs($1) w;
END
$$;
COMMENT ON FUNCTION clone_internal.polymorphic_pairs(text) IS 'Undeclared polymorphic pairs of columns';

-- Whether the rows of a table tie users that all projects share to a tenant, such as members with a user_id: who wrote a row is the user.
CREATE FUNCTION clone_internal.ties_users(store text, relation regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT EXISTS (
        SELECT FROM clone_internal.discoverable(clone_internal.schemas_of($1)) d JOIN pg_attribute a ON a.attrelid = $2 AND a.attnum > 0 AND NOT a.attisdropped
        WHERE d.word ~ '(^|_)(user|usr|person|people|account|profile|identity|login)$' AND d.oid <> $2 AND d.oid NOT IN (SELECT r.relation::oid FROM clone.store_relation r WHERE r.store = $1)
          AND (d.word = clone_internal.named_table(a.attname, false) OR d.word LIKE E'%\\_' || clone_internal.named_table(a.attname, false)
               OR EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = $2 AND f.confrelid = d.oid AND f.conkey = ARRAY[a.attnum])))
$$;
COMMENT ON FUNCTION clone_internal.ties_users(text, regclass) IS 'Whether rows of a table tie users that all projects share to a tenant';

-- Columns that refer to a user by a role: assignee_id, created_by.
CREATE FUNCTION clone_internal.person_columns(store text) RETURNS TABLE (relation regclass, name name, target regclass, target_column name)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH people AS MATERIALIZED (
        SELECT p.relation, p.id_column, clone_internal.has_persons(clone_internal.table_word(k.relname)) AS persons FROM clone.store_relation p JOIN pg_class k ON k.oid = p.relation
        JOIN pg_attribute i ON i.attrelid = p.relation AND i.attname = p.id_column
        WHERE p.store = $1 AND clone_internal.family(i.atttypid) = 'int'
          AND clone_internal.table_word(k.relname) IN ('user', 'usr', 'member', 'person', 'profile', 'employee', 'staff', 'auth_user', 'account_user', 'app_user')
          -- Users that all projects share: the rows that tie them to a tenant are not meant.
          AND NOT (clone_internal.table_word(k.relname) LIKE E'%\\_user' AND EXISTS (
              SELECT FROM clone_internal.discoverable(clone_internal.schemas_of($1)) d
              WHERE d.word = 'user' AND d.oid NOT IN (SELECT r.relation::oid FROM clone.store_relation r WHERE r.store = $1)))
          AND NOT clone_internal.ties_users($1, p.relation)
    ), parts AS MATERIALIZED (
        SELECT r.relation, a.attname, a.attnum, a.atttypid
        FROM clone.store_relation r
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND clone_internal.family(a.atttypid) = 'int'
        JOIN clone.store_column c ON c.store = $1 AND c.relation = r.relation AND c.name = a.attname AND c.reason IS DISTINCT FROM 'set by hand' AND c.role IN ('keep', 'rewrite', 'owner')
        WHERE r.store = $1
          AND a.attname NOT IN (COALESCE(r.id_column, ''), COALESCE(r.project_column, ''), COALESCE(r.join_column, ''))
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
          AND (r.relation::oid, a.attname) NOT IN (SELECT d.relation::oid, d."column" FROM clone.store_reference d WHERE d.store = $1)
    ), named AS MATERIALIZED (
        SELECT n.relation, n.name FROM clone_internal.named_references($1) n
        UNION ALL SELECT n.relation, n.name FROM clone_internal.polymorphic_pairs($1) n
    )
    SELECT DISTINCT ON (r.relation::oid, r.attnum) r.relation, r.attname, p.relation, p.id_column
    FROM parts r CROSS JOIN people p
    WHERE (clone_internal.snake(r.attname) ~ '(^|_)(owner|author|assignee|assigned_to|creator|editor|sender|recipient|reviewer|approver|manager|responsible|requester|reporter|agent|inviter|invited_by|member|person|employee)(_id)?$'
           OR clone_internal.snake(r.attname) ~ '(^|_)(created|updated|modified|deleted|closed|resolved|locked|uploaded|approved|archived)_by(_id)?$')
      AND NOT EXISTS (SELECT FROM named n WHERE n.relation = r.relation AND n.name = r.attname)
    ORDER BY r.relation::oid, r.attnum, clone_internal.nearness(r.relation, p.relation), p.persons DESC, p.relation::oid
$$;
COMMENT ON FUNCTION clone_internal.person_columns(text) IS 'Undeclared columns that hold the key of a user by their names';


-- Columns with the name of a party, such as partner or supplier, where no table has that name: of few rows, the values alone would say nothing. All
-- are keys of persons or firms of the same tenant.
CREATE FUNCTION clone_internal.ask_about_parties(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    p record;
    targets regclass[];
    -- Users are no partners where there are contacts.
    likely regclass[];
BEGIN
    FOR p IN
        SELECT o.relation, o."column" AS name, o.vals, o.family FROM unnest($2) o
        WHERE o.path = '' AND o.family IN ('int', 'text') AND cardinality(o.vals) > 1
          AND clone_internal.named_word(o."column") ~ '(^|_)(partner|customer|client|vendor|supplier|buyer|seller|payer|payee|patient|student|pupil|teacher|tutor|doctor|physician|guest|debtor|creditor|beneficiary|sponsor|donor|dealer|agent|broker|manufacturer|insurer|guarantor|party|counterparty|contact|person|guardian|recipient|sender)$'
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = o.relation AND q."column" = o."column" AND q.path = '')
          AND NOT EXISTS (SELECT FROM clone_internal.named_references($1) n WHERE n.relation = o.relation AND n.name = o."column") AND NOT EXISTS (SELECT FROM clone_internal.person_columns($1) n WHERE n.relation = o.relation AND n.name = o."column")
        ORDER BY o.relation::oid, o."column"
    LOOP
        SELECT array_agg(n.relation ORDER BY n.persons, n.relation::oid), array_agg(n.relation ORDER BY n.relation::oid) FILTER (WHERE n.persons = 1) INTO targets, likely
        FROM (SELECT n.relation, clone_internal.has_persons(n.word) AS persons FROM clone_internal.naming_columns($1) n
              WHERE n.is_id AND n.role <> 'project' AND n.family = p.family AND clone_internal.has_persons(n.word) > 0 AND n.relation <> p.relation
                AND (SELECT count(DISTINCT f.value) FROM clone_internal.keys_among(n.relation, n.name, n.family, p.vals) f) = cardinality(p.vals) AND clone_internal.of_same_tenant($1, p.relation, p.name, n.relation)) n;
        CONTINUE WHEN targets IS NULL;
        likely := COALESCE(likely, targets);
        PERFORM clone_internal.ask($1, p.relation, p.name, '', 'error',
            format('%s.%I looks like the key of a row in %s: all %s values that were looked at are keys of rows of the same tenant', p.relation, p.name, array_to_string(targets, ' or '), cardinality(p.vals)),
            CASE WHEN cardinality(likely) = 1 THEN clone_internal.reference_call($1, p.relation, p.name, likely[1], '') END, clone_internal.keep_call($1, p.relation, p.name, ''));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_parties(text, clone_internal.place[]) IS 'Records questions about columns that are named after a party and hold keys of persons of the same tenant';
