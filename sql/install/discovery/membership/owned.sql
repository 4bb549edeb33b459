-- Rows of undescribed tables that belong to the rows which name them: addresses of persons, settings of tenants.

-- Columns of a store's tables that name rows of tables which it does not describe: by a foreign key, or by their names and all their values.
-- part: the names say that the rows are parts of those that name them. alone: no two rows may name the same. of_tenant: tenants name them.
CREATE FUNCTION clone_internal.naming_outside(store text) RETURNS TABLE (relation regclass, name name, target regclass, key name, keyed boolean, part boolean, alone boolean, of_tenant boolean)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    missing boolean;
BEGIN
    FOR c IN
        WITH outside AS MATERIALIZED (
            SELECT d.oid, d.word FROM clone_internal.discoverable(NULL) d
            WHERE NOT EXISTS (SELECT FROM clone.store_relation o WHERE o.store = $1 AND o.relation::oid = d.oid)
              AND NOT EXISTS (SELECT FROM clone.store_shared o WHERE o.store = $1 AND o.relation::oid = d.oid)
              AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation::oid = d.oid)
        ), uses AS (
            SELECT r.relation, a.attname AS name, f.confrelid AS target, b.attname AS key, d.word, true AS keyed
            FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p')
            JOIN pg_constraint f ON f.contype = 'f' AND f.conrelid = r.relation AND cardinality(f.conkey) = 1 AND f.conparentid = 0
            JOIN outside d ON d.oid = f.confrelid
            JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1] JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[1]
            WHERE r.store = $1
            UNION ALL
            SELECT r.relation, a.attname, d.oid, b.attname, d.word, false
            FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p')
            JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
             AND a.attname NOT IN (COALESCE(r.id_column, ''), COALESCE(r.project_column, ''), COALESCE(r.join_column, ''))
            CROSS JOIN LATERAL (SELECT clone_internal.family(a.atttypid) AS family, clone_internal.named_word(a.attname) AS word) w
            -- blob_id: active_storage_blobs, the only table with this last word.
            JOIN outside d ON (d.word = w.word OR length(d.word) > 2 AND w.word LIKE E'%\\_' || d.word
                               OR length(w.word) > 3 AND clone_internal.says_id(a.attname) AND clone_internal.ends_with_word(d.word, w.word) AND (SELECT count(*) FROM clone_internal.discoverable(NULL) o WHERE clone_internal.ends_with_word(o.word, w.word)) = 1) AND d.oid IN (SELECT s.oid FROM clone_internal.discoverable(clone_internal.schemas_of($1)) s)
            JOIN pg_attribute b ON b.attrelid = d.oid AND b.attname = clone_internal.key_of(d.oid::regclass) AND clone_internal.family(b.atttypid) = w.family
            WHERE r.store = $1 AND w.family IN ('int', 'text', 'uuid') AND NOT clone_internal.answered($1, r.relation, a.attname, '')
              AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
              AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = r.relation AND q."column" = a.attname)
              AND NOT EXISTS (SELECT FROM clone_internal.reaching($1) o WHERE o.relation = d.oid)
        )
        SELECT u.*, concat_ws('_', clone_internal.named_word(u.name), u.word) ~ ('(^|_)(setting|default|preference|pref|config|configuration|option|parent|template|layout|theme|branding|style|address|detail|meta|metadata|'
            || 'content|body|draft|quota|limit|signature|logo|avatar|image|photo|picture|file|attachment|blob|document|payload|snapshot|schedule)s?(_|$)') AS part,
            EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] AND a.attname = u.name
                    WHERE i.indrelid = u.relation AND i.indisunique AND i.indislive AND i.indnkeyatts = 1 AND i.indexprs IS NULL) AS alone,
            EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = u.relation AND r.role = 'project') AS of_tenant
        FROM uses u ORDER BY u.target, u.relation::oid, u.name
    LOOP
        IF NOT c.keyed THEN
            EXECUTE format('SELECT count(*) > 0 FROM (SELECT t.%I AS x FROM %s AS t WHERE t.%1$I IS NOT NULL) s WHERE lower(s.x::text) <> ALL (clone_internal.in_place_of_null()) AND NOT EXISTS (SELECT FROM %3$s AS k WHERE k.%4$I = s.x)',
                c.name, clone_internal.spread(c.relation, quote_ident(c.name), 50000), c.target::regclass, c.key) INTO missing;
            CONTINUE WHEN missing;
        END IF;
        relation := c.relation;
        name := c.name;
        target := c.target;
        key := c.key;
        keyed := c.keyed;
        part := c.part;
        alone := c.alone;
        of_tenant := c.of_tenant;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.naming_outside(text) IS 'Columns of a store''s tables that name rows of tables which it does not describe';

-- Names of lookup tables: all tenants may name their rows, and each tenant another one by chance.
CREATE FUNCTION clone_internal.names_lookup(table_word text) RETURNS boolean
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN $1 ~ ('(^|_)(plan|tier|package|edition|product|price|country|state|region|city|currency|language|locale|time_?zone|industry|sector|category|type|kind|status|level|grade|role|permission|feature|license|tax|unit|color|theme|template'
        || '|calendar|holiday|cluster|shard|server|node|provider|gateway|bank|carrier|version)$');
END
$$;
COMMENT ON FUNCTION clone_internal.names_lookup(text) IS 'Whether the word of a table is that of a lookup table, such as country or plan';

-- Whether rows of undescribed tables name rows of a table by its name or a foreign key, and its name is not that of a lookup table.
CREATE FUNCTION clone_internal.stands_for_tenant(store text, relation regclass) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT NOT clone_internal.names_lookup(w.word)
       AND EXISTS (SELECT FROM clone_internal.discoverable(clone_internal.schemas_of($1)) d
                   WHERE d.oid <> $2 AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation::oid = d.oid)
                     AND (EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = d.oid AND f.confrelid = $2)
                          OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped AND clone_internal.named_table(a.attname, false) = w.word)))
    FROM (SELECT clone_internal.table_word(c.relname) AS word FROM pg_class c WHERE c.oid = $2) w
$$;
COMMENT ON FUNCTION clone_internal.stands_for_tenant(text, regclass) IS 'Whether rows of undescribed tables may name rows of a table in place of a tenant';

CREATE FUNCTION clone_internal.ask_about_owned(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    w record;
    found record;
BEGIN
    FOR w IN
        SELECT n.target AS relation, n.key, bool_or(n.part) AS part, bool_or(n.alone) AS alone, bool_or(n.of_tenant) AS of_tenant,
               string_agg(format('(SELECT t.%I::text AS x, %s AS tenant FROM %s AS t WHERE t.%1$I IS NOT NULL)', n.name, clone_internal.tenant_sql($1, n.relation, 't'), clone_internal.spread(n.relation, CASE WHEN clone_internal.tenant_sql($1, n.relation, 't') LIKE '%.ctid::text' THEN '*, ctid' ELSE '*' END, 50000)), ' UNION ALL ' ORDER BY n.relation::oid, n.name) AS uses,
               string_agg(format('SELECT clone.store_belongs(%L, %L, %L, %L, %L);', $1, n.target, ARRAY[n.key]::text, n.relation, ARRAY[n.name]::text), ' ' ORDER BY n.relation::oid, n.name) AS calls
        FROM clone_internal.naming_outside($1) n GROUP BY n.target, n.key ORDER BY n.target::oid
    LOOP
        EXECUTE format('WITH u AS MATERIALIZED (SELECT u.x, u.tenant FROM (%2$s) u WHERE u.tenant IS NOT NULL AND lower(u.x) <> ALL (clone_internal.in_place_of_null()))
            SELECT COALESCE(sum(n.times), 0) AS named, count(*) AS rows, COALESCE(max(n.tenants), 0) AS most, count(DISTINCT n.tenant) AS tenants, (SELECT count(*) FROM (SELECT FROM %1$s LIMIT 100000) AS r) AS total,
                count(*) FILTER (WHERE n.times > 1) AS repeated, (SELECT sum(s.uses ^ 2) / sum(s.uses) ^ 2 FROM (SELECT count(*) AS uses FROM u GROUP BY u.tenant) s) AS same_by_chance
            FROM (SELECT u.x, count(*) AS times, count(DISTINCT u.tenant) AS tenants, min(u.tenant) AS tenant FROM u GROUP BY u.x) n', w.relation, w.uses) INTO found;
        -- Of few rows nothing can be said, except where a name does: a lookup table may have one row for each of them.
        CONTINUE WHEN NOT (found.rows >= 8 AND found.named = found.rows)
            AND NOT (w.part AND found.rows > 0 AND found.most = 1 AND 2 * found.rows >= found.total)
            -- No row of the clone could name the same.
            AND NOT (w.alone AND found.rows > 0 AND found.most = 1)
            -- Each tenant has a row of its own, which rows of other tables name in place of the tenant: a namespace, a workspace.
            AND NOT (w.of_tenant AND found.rows > 1 AND found.named = found.rows AND clone_internal.stands_for_tenant($1, w.relation))
            -- Rows that many rows name, each those of one tenant only, are no lookup table: that would hardly be chance. Users are asked about elsewhere,
            -- and a tenant may have one row of a lookup table to itself, such as its country.
            AND NOT (found.most = 1 AND found.tenants > 1 AND found.repeated >= 8 AND found.rows >= 2 * found.tenants AND found.same_by_chance ^ LEAST(found.repeated, 40) < 0.01
                     AND clone_internal.has_persons(clone_internal.table_word((SELECT c.relname FROM pg_class c WHERE c.oid = w.relation))) < 2);
        PERFORM clone_internal.ask($1, w.relation, w.key, '', CASE WHEN found.rows >= 8 OR found.tenants > 1 THEN 'error' ELSE 'warning' END,
            format(CASE WHEN found.named = found.rows THEN 'each of %s rows of %s is named by one row of the store only, as if it were a part of that: its rows are not cloned'
                        ELSE 'each of %s rows of %s is named by rows of one tenant only, as if it were a part of these: its rows are not cloned' END, found.rows, w.relation),
            w.calls || format(' SELECT clone.store_table(%L, %L, ''derived'', id_column => %L);', $1, w.relation, w.key), format('SELECT clone.store_shared(%L, %L);', $1, w.relation));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_owned(text) IS 'Records questions about undescribed tables whose rows are parts of rows of the store that name them';

-- UUIDs that name rows of an undescribed table under any name, in columns of type uuid and in texts of any form: such values are no chance.
CREATE FUNCTION clone_internal.ask_about_named_by_uuids(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    t record;
    w record;
    k record;
    found record;
    relations regclass[] := '{}';
    names name[] := '{}';
    -- The first values of each column; NULL is none.
    samples jsonb := '[]';
    sample text[];
    pattern text := '^[[:space:]]*([a-z]+:)*[{]?' || clone_internal.uuid_pattern('-?') || '[}]?[[:space:]]*$';
    outside oid[] := ARRAY(
        SELECT d.oid FROM clone_internal.discoverable(NULL) d JOIN pg_attribute a ON a.attrelid = d.oid AND a.attname = clone_internal.key_of(d.oid::regclass) AND clone_internal.base_type(a.atttypid) = 'uuid'::regtype
        WHERE NOT EXISTS (SELECT FROM clone.store_relation o WHERE o.store = $1 AND o.relation::oid = d.oid) AND NOT EXISTS (SELECT FROM clone.store_shared o WHERE o.store = $1 AND o.relation::oid = d.oid)
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation::oid = d.oid) AND NOT EXISTS (SELECT FROM clone_internal.reaching($1) o WHERE o.relation = d.oid));
BEGIN
    IF outside = '{}' THEN
        RETURN;
    END IF;
    FOR t IN
        SELECT r.relation, array_agg(a.attname ORDER BY a.attnum) AS names, string_agg(clone_internal.column_text('t', r.relation, a.attname), ', ' ORDER BY a.attnum) AS vals
        FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p')
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND (clone_internal.family(a.atttypid) = 'uuid' OR clone_internal.base_type(a.atttypid) IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype))
         AND a.attname NOT IN (COALESCE(r.id_column, ''), COALESCE(r.project_column, ''), COALESCE(r.join_column, ''))
        WHERE r.store = $1 AND r.role <> 'project' AND NOT clone_internal.answered($1, r.relation, a.attname, '')
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
          AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND d."column" = a.attname)
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = r.relation AND q."column" = a.attname AND q.path = '')
        GROUP BY r.relation ORDER BY r.relation::oid
    LOOP
        FOR w IN EXECUTE format('SELECT v.place, array_agg(DISTINCT right(translate(lower(btrim(v.value)), ''{}-'', ''''), 32)) AS vals FROM (SELECT * FROM %s AS t LIMIT 200) AS t CROSS JOIN LATERAL unnest(ARRAY[%s]::text[]) WITH ORDINALITY AS v (value, place)
            WHERE lower(v.value) <> ALL (clone_internal.in_place_of_null()) GROUP BY 1 HAVING bool_and(v.value ~* %L) AND count(DISTINCT v.value) > 2', clone_internal.spread(t.relation, '*', 500), t.vals, pattern)
        LOOP
            relations := relations || t.relation;
            names := names || t.names[w.place];
            samples := samples || jsonb_build_array(to_jsonb(w.vals));
        END LOOP;
    END LOOP;
    sample := ARRAY(SELECT DISTINCT v FROM jsonb_array_elements(samples) s CROSS JOIN LATERAL jsonb_array_elements_text(s) v);
    IF sample = '{}' THEN
        RETURN;
    END IF;
    FOR k IN SELECT o.oid::regclass AS relation, clone_internal.key_of(o.oid::regclass) AS key FROM unnest(outside) AS o (oid) ORDER BY o.oid LOOP
        sample := ARRAY(SELECT f.value FROM clone_internal.keys_among(k.relation, k.key, 'uuid', ARRAY(SELECT DISTINCT v FROM jsonb_array_elements(samples) s CROSS JOIN LATERAL jsonb_array_elements_text(s) v)) f);
        CONTINUE WHEN sample = '{}';
        SELECT string_agg(format('SELECT right(translate(lower(btrim(t.%I::text)), ''{}-'', ''''), 32) AS x, %s AS tenant FROM %s AS t WHERE t.%1$I IS NOT NULL', c.name, c.tenant, clone_internal.spread(c.relation, CASE WHEN c.tenant LIKE '%.ctid::text' THEN '*, ctid' ELSE '*' END, 50000)), ' UNION ALL ') AS uses,
               string_agg(format('SELECT clone.store_belongs(%L, %L, %L, %L, %L);', $1, k.relation, ARRAY[k.key]::text, c.relation, ARRAY[c.name]::text), ' ') AS calls,
               string_agg(format('%s.%I', c.relation, c.name), ', ') AS places, bool_and(c.typed) AS typed INTO found
        FROM (SELECT u.relation, u.name, clone_internal.tenant_sql($1, u.relation, 't') AS tenant, clone_internal.family(a.atttypid) = 'uuid' AS typed
              FROM unnest(relations, names) WITH ORDINALITY AS u (relation, name, number) JOIN pg_attribute a ON a.attrelid = u.relation AND a.attname = u.name
              CROSS JOIN LATERAL (SELECT count(*) AS seen, count(*) FILTER (WHERE v = ANY (sample)) AS keys FROM jsonb_array_elements_text(samples->(u.number::int - 1)) v) s
              WHERE 10 * s.keys >= 8 * s.seen ORDER BY u.relation::oid, u.name) c;
        CONTINUE WHEN found.uses IS NULL;
        EXECUTE format('WITH u AS MATERIALIZED (SELECT u.x, u.tenant FROM (%s) u WHERE u.tenant IS NOT NULL)
            SELECT COALESCE(sum(n.times), 0) AS named, count(*) AS rows, COALESCE(max(n.tenants), 0) AS most, count(DISTINCT n.tenant) AS tenants, count(*) FILTER (WHERE n.times > 1) AS repeated,
                   (SELECT sum(s.uses ^ 2) / sum(s.uses) ^ 2 FROM (SELECT count(*) AS uses FROM u GROUP BY u.tenant) s) AS same_by_chance
            FROM (SELECT u.x, count(*) AS times, count(DISTINCT u.tenant) AS tenants, min(u.tenant) AS tenant FROM u GROUP BY u.x) n', found.uses) INTO w;
        CONTINUE WHEN NOT (w.rows >= 8 AND w.named = w.rows OR w.most = 1 AND w.tenants > 1 AND w.repeated >= 8 AND w.rows >= 2 * w.tenants AND w.same_by_chance ^ LEAST(w.repeated, 40) < 0.01)
            OR clone_internal.has_persons(clone_internal.table_word((SELECT c.relname FROM pg_class c WHERE c.oid = k.relation))) = 2;
        PERFORM clone_internal.ask($1, k.relation, k.key, '', 'error',
            format('each of %s rows of %s is named by rows of one tenant only, in %s: its rows are not cloned, and the clone names the source''s', w.rows, k.relation, found.places)
                || CASE WHEN found.typed THEN '' ELSE '. Texts say no membership: give the rows a column with the key of their tenant, and check again' END,
            CASE WHEN found.typed THEN found.calls || format(' SELECT clone.store_table(%L, %L, ''derived'', id_column => %L);', $1, k.relation, k.key) END, format('SELECT clone.store_shared(%L, %L);', $1, k.relation));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_named_by_uuids(text) IS 'Records questions about undescribed tables whose rows UUIDs in rows of one tenant name';
