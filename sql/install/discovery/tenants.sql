-- Finds columns that hold the tenant in undescribed tables, and tenants of tenants.

-- Tables that nothing leads to by a name or a key, though their values do: link tables of trees (ancestor_id, descendant_id), logs (actor_id).
CREATE FUNCTION clone_internal.look_for_links(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    seen bigint;
    missing bigint;
BEGIN
    FOR c IN
        WITH schemas AS MATERIALIZED (
            SELECT clone_internal.schemas_of(look_for_links.store) AS names
        ), words AS MATERIALIZED (
            SELECT d.oid, d.word FROM schemas s CROSS JOIN LATERAL clone_internal.discoverable(s.names) d
        ), keys AS MATERIALIZED (
            SELECT r.relation, r.id_column, r.role, clone_internal.table_word(k.relname) AS word, clone_internal.family(a.atttypid) AS family
            FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p') JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column
            WHERE r.store = look_for_links.store
        )
        SELECT w.oid::regclass AS relation, a.attname AS name, k.relation AS target, k.id_column, k.role, k.family,
               w.word LIKE k.word || E'\\_%' OR w.word LIKE E'%\\_' || k.word || E'\\_%' OR a.attname ~* '^(ancestor|descendant)' AS named
        FROM words w
        JOIN pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped AND (clone_internal.says_id(a.attname) OR a.attname ~* '^(ancestor|descendant)$')
        JOIN keys k ON k.family = clone_internal.family(a.atttypid)
        WHERE NOT EXISTS (SELECT FROM clone.store_relation o WHERE o.store = look_for_links.store AND o.relation = w.oid)
          AND NOT EXISTS (SELECT FROM clone.store_shared o WHERE o.store = look_for_links.store AND o.relation = w.oid)
          AND NOT EXISTS (SELECT FROM clone_internal.reaching(look_for_links.store) o WHERE o.relation = w.oid)
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype IN ('f', 'p') AND f.conrelid = w.oid AND f.conkey = ARRAY[a.attnum])
          -- What names another table is a key of that.
          AND NOT EXISTS (SELECT FROM words o WHERE o.word = clone_internal.named_word(a.attname) AND o.oid <> k.relation::oid)
        -- Small numbers are keys of every table: the name must say which; others are not met by chance.
        ORDER BY w.oid, named DESC, k.role = 'project', pg_relation_size(k.relation), k.relation, a.attnum
    LOOP
        CONTINUE WHEN c.family = 'int' AND NOT c.named;
        CONTINUE WHEN EXISTS (SELECT FROM clone.store_question q WHERE q.store = look_for_links.store AND q.relation = c.relation);
        EXECUTE format('SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM %s AS k WHERE k.%I::text = s.x::text))
            FROM (SELECT DISTINCT t.%I AS x FROM (SELECT %3$I FROM %s LIMIT 50000) t WHERE t.%3$I IS NOT NULL LIMIT 500) s',
            c.target, c.id_column, c.name, c.relation) INTO seen, missing;
        CONTINUE WHEN seen = 0 OR missing > 0;
        PERFORM clone_internal.ask(look_for_links.store, c.relation, c.name, '', 'error',
            format('%s.%I looks like a key of %s: all %s values that were looked at are. Its rows are not cloned', c.relation, c.name, c.target, seen),
            CASE WHEN c.role = 'project' THEN clone_internal.table_call(look_for_links.store, c.relation, c.name, NULL, NULL)
                 ELSE clone_internal.table_call(look_for_links.store, c.relation, NULL, c.target, c.name) END,
            format('SELECT clone.store_shared(%L, %L);', look_for_links.store, c.relation));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.look_for_links(text) IS 'Keeps questions about tables that are not described and whose values are keys of the store';

CREATE FUNCTION clone_internal.look_for_tenants(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    tenant record;
    c record;
    seen bigint;
    missing bigint;
    has_rows boolean;
BEGIN
    SELECT r.relation, r.id_column, clone_internal.table_word(k.relname) AS word, clone_internal.family(a.atttypid) AS family, a.attnum, k.relkind INTO tenant
    FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column
    WHERE r.store = look_for_tenants.store AND r.role = 'project';
    IF tenant.relation IS NULL OR tenant.family = '' OR tenant.relkind NOT IN ('r', 'p') THEN
        RETURN;
    END IF;
    FOR c IN
        SELECT DISTINCT ON (d.oid, a.attnum) d.oid::regclass AS relation, a.attname AS name, w.word IN (tenant.word, 'tenant') AS exact
        FROM clone_internal.discoverable(clone_internal.schemas_of(look_for_tenants.store)) d
        JOIN pg_attribute a ON a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped
         AND (clone_internal.family(a.atttypid) = tenant.family OR clone_internal.family(a.atttypid) = 'text' AND tenant.family IN ('uuid', 'int', 'numeric'))
        CROSS JOIN LATERAL (SELECT regexp_replace(clone_internal.named_word(a.attname), '_(key|code|slug|ref|no|number|name)$', '') AS word, clone_internal.snake(a.attname) AS whole) w
        WHERE NOT EXISTS (SELECT FROM clone.store_relation k WHERE k.store = look_for_tenants.store AND k.relation = d.oid)
          AND NOT EXISTS (SELECT FROM clone.store_shared k WHERE k.store = look_for_tenants.store AND k.relation = d.oid)
          AND NOT EXISTS (SELECT FROM clone_internal.reaching(look_for_tenants.store) k WHERE k.relation = d.oid)
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = d.oid AND f.conkey = ARRAY[a.attnum])
          AND (w.word IN (tenant.word, 'tenant', 'org', 'organisation', 'organization', 'account', 'company', 'workspace', 'team', 'customer', 'client', 'site', 'realm', 'owner', 'belongs_to')
               OR w.word LIKE E'%\\_' || tenant.word OR tenant.word LIKE E'%\\_' || w.word
               -- tid, oid; org for organisation.
               OR w.whole = left(tenant.word, 1) || 'id' OR w.whole IN ('tid', 'tenantid') OR length(w.word) >= 2 AND tenant.word LIKE w.word || '%' AND w.word NOT IN ('id'))
        ORDER BY d.oid, a.attnum
    LOOP
        EXECUTE format('SELECT count(*), count(*) FILTER (WHERE NOT EXISTS (SELECT FROM %s AS k WHERE k.%I::text = s.x::text))
            FROM (SELECT t.%I AS x FROM (SELECT %3$I FROM %s LIMIT 50000) t WHERE t.%3$I IS NOT NULL LIMIT 500) s',
            tenant.relation, tenant.id_column, c.name, c.relation) INTO seen, missing;
        CONTINUE WHEN seen = 0 AND NOT c.exact OR missing > 0 AND NOT (c.exact AND missing < seen);
        CONTINUE WHEN EXISTS (SELECT FROM clone.store_question q WHERE q.store = look_for_tenants.store AND q.relation = c.relation);
        PERFORM clone_internal.ask(look_for_tenants.store, c.relation, c.name, '', CASE WHEN seen = 0 THEN 'warning' ELSE 'error' END,
            CASE WHEN seen = 0 THEN format('%s.%I looks like the tenant by its name, and the table is empty', c.relation, c.name)
                 ELSE format('%s.%I looks like the tenant: %s of %s values that were looked at are keys of %s. Its rows are not cloned', c.relation, c.name, seen - missing, seen, tenant.relation) END,
            clone_internal.table_call(look_for_tenants.store, c.relation, c.name, NULL, NULL),
            format('SELECT clone.store_shared(%L, %L);', look_for_tenants.store, c.relation));
    END LOOP;
    -- Tenants below tenants.
    FOR c IN
        SELECT a.attname AS name FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
        WHERE f.contype = 'f' AND f.conrelid = tenant.relation AND f.confrelid = tenant.relation AND cardinality(f.conkey) = 1 AND f.conkey[1] <> tenant.attnum
          AND NOT clone_internal.answered(look_for_tenants.store, tenant.relation, a.attname, '')
    LOOP
        EXECUTE format('SELECT count(*) FROM (SELECT FROM %s AS t WHERE t.%I IS NOT NULL AND t.%2$I IS DISTINCT FROM t.%I LIMIT 100000) s', tenant.relation, c.name, tenant.id_column) INTO seen;
        PERFORM clone_internal.ask(look_for_tenants.store, tenant.relation, c.name, '', CASE WHEN seen > 0 THEN 'error' ELSE 'warning' END,
            format('%s.%I names another tenant (%s rows): a clone stands beside its source, and the tenants below it are not cloned', tenant.relation, c.name, seen),
            format('SELECT clone.store_column(%L, %L, %L, ''keep'');', look_for_tenants.store, tenant.relation, c.name),
            format('SELECT clone.store_column(%L, %L, %L, ''null'');', look_for_tenants.store, tenant.relation, c.name));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.look_for_tenants(text) IS 'Records questions about columns that hold the tenant in undescribed tables, and about tenants of tenants';
