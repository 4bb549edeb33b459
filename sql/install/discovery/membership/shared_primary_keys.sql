-- Tables with one row for a row of another one and the same number as primary key, without a foreign key: team_billing.id of teams.id.

CREATE FUNCTION clone_internal.ask_about_shared_primary_keys(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c record;
    t record;
    -- The smallest table that fits.
    target regclass;
    is_project boolean;
    target_rows bigint;
    own_rows bigint;
    counts record;
    vals text[];
    targets regclass[];
    keys name[];
BEGIN
    FOR c IN
        SELECT d.oid::regclass AS relation, a.attname AS name FROM clone_internal.discoverable(clone_internal.schemas_of($1)) d
        JOIN pg_index i ON i.indrelid = d.oid AND i.indisprimary AND i.indnkeyatts = 1
        JOIN pg_attribute a ON a.attrelid = d.oid AND a.attnum = i.indkey[0] AND clone_internal.family(a.atttypid) = 'int' AND NOT a.atthasdef AND a.attidentity = ''
        WHERE NOT EXISTS (SELECT FROM clone.store_relation o WHERE o.store = $1 AND o.relation = d.oid)
          AND NOT EXISTS (SELECT FROM clone.store_shared o WHERE o.store = $1 AND o.relation = d.oid)
          AND NOT EXISTS (SELECT FROM clone_internal.reaching($1) o WHERE o.relation = d.oid)
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = d.oid)
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = d.oid AND a.attnum = ANY (f.conkey))
          -- Lists of an application have numbers that it gives.
          AND d.word !~ '(^|_)(country|currency|language|locale|timezone|type|kind|status|state|category|role|permission|right|plan|unit|level|priority|version|migration|setting|config|option|month|weekday)$'
        ORDER BY d.oid
    LOOP
        target := NULL;
        -- A few values show which tables they can be keys of.
        EXECUTE format('SELECT ARRAY(SELECT %s FROM %s AS t ORDER BY hashint8(row_number() OVER ()) LIMIT 50)', clone_internal.column_text('t', c.relation, c.name), clone_internal.spread(c.relation, quote_ident(c.name), 2000)) INTO vals;
        CONTINUE WHEN cardinality(vals) < 2;
        IF targets IS NULL THEN
            SELECT array_agg(n.relation), array_agg(n.name) INTO targets, keys FROM (SELECT * FROM clone_internal.naming_columns($1) n WHERE n.is_id AND n.family = 'int' ORDER BY n.role <> 'project', n.relation::oid) n;
            -- Of a store whose keys are texts or UUIDs.
            EXIT WHEN targets IS NULL;
        END IF;
        FOR t IN
            SELECT n.relation, n.name, r.role FROM unnest(targets, keys) WITH ORDINALITY AS n (relation, name, number) JOIN clone.store_relation r ON r.store = $1 AND r.relation = n.relation
            WHERE n.relation IN (SELECT f.target FROM clone_internal.keys_of_tables(targets, keys, array_fill('int'::text, ARRAY[cardinality(targets)]), vals) f GROUP BY 1 HAVING count(DISTINCT f.value) = cardinality(vals))
            ORDER BY n.number
        LOOP
            -- Numbers from 1 on without a gap are those of many tables: then each row has one, and there are several.
            EXECUTE format('SELECT count(*) AS rows, count(*) FILTER (WHERE NOT EXISTS (SELECT FROM %2$s AS k WHERE k.%4$I = r.%3$I)) AS missing, max(r.%3$I)::numeric AS greatest, (SELECT count(*) FROM %2$s) AS keys FROM %1$s AS r',
                c.relation, t.relation, c.name, t.name) INTO counts;
            CONTINUE WHEN counts.missing > 0 OR NOT CASE WHEN counts.greatest = counts.rows THEN counts.rows = counts.keys AND counts.rows >= 8 ELSE 3 * counts.rows >= 2 * counts.keys OR counts.greatest >= 100 * counts.rows END;
            IF target IS NULL OR counts.keys < target_rows THEN
                target := t.relation;
                is_project := t.role = 'project';
                target_rows := counts.keys;
                own_rows := counts.rows;
            END IF;
        END LOOP;
        CONTINUE WHEN target IS NULL;
        PERFORM clone_internal.ask($1, c.relation, c.name, '', 'error',
            format('%s.%I has numbers of %s, all %s that were looked at, as if each of its rows were about one of these. Its rows are not cloned', c.relation, c.name, target, own_rows),
            CASE WHEN is_project THEN format('SELECT clone.store_table(%L, %L, %L, project_column => %L);', $1, c.relation, 'derived', c.name)
                 ELSE clone_internal.table_call($1, c.relation, 'derived', c.name, NULL, target, c.name) END,
            format('SELECT clone.store_shared(%L, %L);', $1, c.relation));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_shared_primary_keys(text) IS 'Records questions about undescribed tables whose primary keys are those of rows of the store';
