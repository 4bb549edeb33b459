-- Rows of undescribed tables that belong to the rows which name them: addresses of persons, settings of tenants.

-- Columns of a store's tables that name rows of tables which it does not describe: by a foreign key, or by their names and all their values.
-- part: the names say that the rows are parts of those that name them.
CREATE FUNCTION clone_internal.naming_outside(store text) RETURNS TABLE (relation regclass, name name, target regclass, key name, keyed boolean, part boolean)
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
            JOIN outside d ON (d.word = w.word OR length(d.word) > 2 AND w.word LIKE E'%\\_' || d.word) AND d.oid IN (SELECT s.oid FROM clone_internal.discoverable(clone_internal.schemas_of($1)) s)
            JOIN pg_attribute b ON b.attrelid = d.oid AND b.attname = clone_internal.key_of(d.oid::regclass) AND clone_internal.family(b.atttypid) = w.family
            WHERE r.store = $1 AND w.family IN ('int', 'text', 'uuid') AND NOT clone_internal.answered($1, r.relation, a.attname, '')
              AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
              AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = r.relation AND q."column" = a.attname)
              AND NOT EXISTS (SELECT FROM clone_internal.reaching($1) o WHERE o.relation = d.oid)
        )
        SELECT u.*, concat_ws('_', clone_internal.named_word(u.name), u.word) ~ ('(^|_)(setting|default|preference|pref|config|configuration|option|parent|template|layout|theme|branding|style|address|detail|meta|metadata|'
            || 'content|body|draft|quota|limit|signature|logo|avatar|image|photo|picture|file|attachment|blob|document|payload|snapshot|schedule)s?(_|$)') AS part
        FROM uses u ORDER BY u.target, u.relation::oid, u.name
    LOOP
        IF NOT c.keyed THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT t.%I AS x FROM %s AS t WHERE t.%1$I IS NOT NULL) s WHERE lower(s.x::text) <> ALL (clone_internal.in_place_of_null()) AND NOT EXISTS (SELECT FROM %3$s AS k WHERE k.%4$I = s.x))',
                c.name, clone_internal.spread(c.relation, quote_ident(c.name), 50000), c.target::regclass, c.key) INTO missing;
            CONTINUE WHEN missing;
        END IF;
        relation := c.relation;
        name := c.name;
        target := c.target;
        key := c.key;
        keyed := c.keyed;
        part := c.part;
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.naming_outside(text) IS 'Columns of a store''s tables that name rows of tables which it does not describe';

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
        SELECT n.target AS relation, n.key, bool_or(n.part) AS part,
               string_agg(format('(SELECT t.%I::text AS x, %s AS tenant FROM %s AS t WHERE t.%1$I IS NOT NULL)', n.name, clone_internal.tenant_sql($1, n.relation, 't'), clone_internal.spread(n.relation, CASE WHEN clone_internal.tenant_sql($1, n.relation, 't') LIKE '%.ctid::text' THEN '*, ctid' ELSE '*' END, 50000)), ' UNION ALL ' ORDER BY n.relation::oid, n.name) AS uses,
               string_agg(format('SELECT clone.store_belongs(%L, %L, %L, %L, %L);', $1, n.target, ARRAY[n.key]::text, n.relation, ARRAY[n.name]::text), ' ' ORDER BY n.relation::oid, n.name) AS calls
        FROM clone_internal.naming_outside($1) n GROUP BY n.target, n.key ORDER BY n.target::oid
    LOOP
        EXECUTE format('SELECT COALESCE(sum(n.times), 0) AS named, count(*) AS rows, COALESCE(max(n.tenants), 0) AS most, count(DISTINCT n.tenant) AS tenants, (SELECT count(*) FROM (SELECT FROM %s LIMIT 100000) AS r) AS total
            FROM (SELECT u.x, count(*) AS times, count(DISTINCT u.tenant) AS tenants, min(u.tenant) AS tenant FROM (%s) u WHERE u.tenant IS NOT NULL AND lower(u.x) <> ALL (clone_internal.in_place_of_null()) GROUP BY u.x) n', w.relation, w.uses) INTO found;
        -- Of few rows nothing can be said, except where a name does: a lookup table may have one row for each of them.
        CONTINUE WHEN NOT (found.rows >= 8 AND found.named = found.rows)
            AND NOT (w.part AND found.rows > 0 AND found.most = 1 AND 2 * found.rows >= found.total);
        PERFORM clone_internal.ask($1, w.relation, w.key, '', CASE WHEN found.rows >= 8 OR found.tenants > 1 THEN 'error' ELSE 'warning' END,
            format(CASE WHEN found.named = found.rows THEN 'each of %s rows of %s is named by one row of the store only, as if it were a part of that: its rows are not cloned'
                        ELSE 'each of %s rows of %s is named by rows of one tenant only, as if it were a part of these: its rows are not cloned' END, found.rows, w.relation),
            w.calls || format(' SELECT clone.store_table(%L, %L, ''derived'', id_column => %L);', $1, w.relation, w.key), format('SELECT clone.store_shared(%L, %L);', $1, w.relation));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_owned(text) IS 'Records questions about undescribed tables whose rows are parts of rows of the store that name them';
