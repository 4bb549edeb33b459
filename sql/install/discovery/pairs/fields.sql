-- Values of custom fields, whose kind stands in the row of the field: custom_values(custom_field_id, value) and custom_fields.field_format. Each
-- tenant has fields of its own, so that one field says little.

CREATE FUNCTION clone_internal.ask_about_fields(store text, places clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    s record;
    t record;
    seen record;
    -- The rows of values: the kind of the field, the value and the tenant, as SQL.
    given text;
    own text;
    fits regclass[];
    calls text;
    names text;
    unclear text;
BEGIN
    FOR c IN
        SELECT p.relation, p."column" AS name, n.attname AS field, f.confrelid::regclass AS fields, k.attname AS key, y AS kind
        FROM unnest($2) p
        JOIN pg_attribute n ON n.attrelid = p.relation AND n.attnum > 0 AND NOT n.attisdropped
        JOIN (SELECT o.conrelid, o.conkey[1] AS attnum, o.confrelid, o.confkey[1] AS key FROM pg_constraint o WHERE o.contype = 'f' AND cardinality(o.conkey) = 1 AND o.conparentid = 0
              UNION
              SELECT d.relation, a.attnum, d.target, b.attnum FROM clone.store_reference d JOIN pg_attribute a ON a.attrelid = d.relation AND a.attname = d."column" JOIN pg_attribute b ON b.attrelid = d.target AND b.attname = d.target_column
              WHERE d.store = $1 AND d.form = 'column' AND d.condition IS NULL
              UNION
              -- Fields of all tenants, by the name of the column alone: custom_field_id.
              SELECT a.attrelid, a.attnum, d.oid, b.attnum FROM clone_internal.discoverable(clone_internal.schemas_of($1)) d JOIN clone.store_relation v ON v.store = $1 JOIN pg_attribute a ON a.attrelid = v.relation AND a.attnum > 0 AND NOT a.attisdropped
              JOIN pg_attribute b ON b.attrelid = d.oid AND b.attname = clone_internal.key_of(d.oid::regclass) AND clone_internal.family(b.atttypid) = clone_internal.family(a.atttypid)
              WHERE clone_internal.named_table(a.attname, false) = d.word AND NOT EXISTS (SELECT FROM clone.store_relation o WHERE o.store = $1 AND o.relation = d.oid)
              UNION
              -- Rows of values belong through the row of their field, by the name of the column alone.
              SELECT j.relation, a.attnum, g.relation, b.attnum FROM clone.store_relation j JOIN pg_attribute a ON a.attrelid = j.relation AND a.attname = j.join_column
              JOIN clone.store_relation g ON g.store = $1 AND j.parents = ARRAY[g.relation] JOIN pg_attribute b ON b.attrelid = g.relation AND b.attname = g.id_column AND clone_internal.family(b.atttypid) = clone_internal.family(a.atttypid)
              WHERE j.store = $1) f ON f.conrelid = p.relation AND f.attnum = n.attnum
        JOIN pg_attribute k ON k.attrelid = f.confrelid AND k.attnum = f.key
        -- All tenants may share the fields.
        LEFT JOIN clone.store_relation r ON r.store = $1 AND r.relation::oid = f.confrelid
        CROSS JOIN LATERAL unnest(CASE WHEN r.relation IS NOT NULL THEN clone_internal.type_columns($1, r.relation)
            ELSE ARRAY(SELECT a.attname FROM clone_internal.discoverable(NULL) d JOIN pg_attribute a ON a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped AND clone_internal.family(a.atttypid) = 'text' WHERE d.oid = f.confrelid) END) y
        WHERE r.role IS DISTINCT FROM 'project' AND p.path = '' AND p.family IN ('int', 'text') AND clone_internal.snake(p."column") ~ '^(.*_)?(value|val|data|content|answer)(_(id|key|int|integer|number|num|text|string|raw|ref|reference))*$'
          AND clone_internal.snake(n.attname) ~ '(^|_)(field|attribute|attr|property|prop|param|parameter|setting|option|question|column|definition|characteristic|feature|dimension)(_(type|def|id|no|nr|number|key|code))*$'
          AND clone_internal.snake(y) ~ '(^|_)(type|kind|format|class|datatype|widget|control|input|element|component|editor)$'
        ORDER BY p.relation::oid, p."column", n.attnum, y
    LOOP
        CONTINUE WHEN EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = c.relation AND q."column" = c.name AND q.path = '');
        own := clone_internal.tenant_sql($1, c.relation, 't');
        IF own LIKE '%.ctid::text' THEN
            -- The tenant of the field is that of its values.
            own := clone_internal.tenant_sql($1, c.fields, 'f');
        END IF;
        CONTINUE WHEN own LIKE '%.ctid::text' OR own IS NULL;
        given := format('(SELECT %s AS kind, %s AS x, %s AS own FROM %s AS t JOIN %s AS f ON %s WHERE lower(%2$s) <> ALL (clone_internal.in_place_of_null()))', clone_internal.column_text('f', c.fields, c.kind), clone_internal.column_text('t', c.relation, c.name), own,
            clone_internal.spread(c.relation, '*', 50000), c.fields, clone_internal.equality_sql('t', c.relation, c.field, 'f', c.fields, c.key));
        calls := '';
        names := NULL;
        unclear := NULL;
        FOR s IN EXECUTE format('SELECT s.kind, (array_agg(DISTINCT s.x))[:100] AS vals FROM %s AS s GROUP BY 1 HAVING bool_and(s.x ~ ''^[0-9]{1,18}$'') AND count(DISTINCT s.x) >= 4 AND count(DISTINCT s.own) >= 2 ORDER BY 1', given) LOOP
            fits := '{}';
            FOR t IN
                SELECT f.target, n.key FROM (SELECT array_agg(l.relation) AS tables, array_agg(l.key) AS keys, array_agg(l.family) AS families FROM clone_internal.listed_keys($1) l
                                             WHERE l.described AND l.family = 'int' AND NOT clone_internal.has_key_of_another($1, l.relation, l.key)) l
                CROSS JOIN LATERAL clone_internal.keys_of_tables(l.tables, l.keys, l.families, s.vals) f JOIN unnest(l.tables, l.keys) AS n (relation, key) ON n.relation = f.target
                GROUP BY 1, 2 HAVING count(DISTINCT f.value) = cardinality(s.vals) ORDER BY f.target::oid
            LOOP
                EXECUTE format('SELECT COALESCE(bool_and(EXISTS (SELECT FROM %s AS k WHERE %s AND %s COLLATE "C" = s.own COLLATE "C")), false) AS same, count(DISTINCT s.x) AS vals, count(DISTINCT s.own) AS tenants FROM %s AS s WHERE s.kind = $1',
                    t.target, clone_internal.equals_text('k', t.target, t.key, 's.x'), clone_internal.tenant_sql($1, t.target, 'k'), given) INTO seen USING s.kind;
                IF seen.same AND (clone_internal.share_of_numbers(t.target, t.key) / seen.tenants) ^ LEAST(seen.vals, 40) < 0.001 THEN
                    fits := fits || t.target;
                END IF;
            END LOOP;
            CONTINUE WHEN fits = '{}';
            -- The kind may name one of them.
            fits := COALESCE((SELECT ARRAY[min(k.target::oid)::regclass] FROM clone_internal.tables_of_kinds($1, ARRAY[s.kind]) k WHERE k.target = ANY (fits) HAVING count(*) = 1), fits);
            IF cardinality(fits) > 1 THEN
                unclear := concat_ws(', ', unclear, format('%s may mean %s', clone_internal.quoted(s.kind), array_to_string(fits, ' or ')));
                CONTINUE;
            END IF;
            names := concat_ws(', ', names, format('%s (%s)', fits[1], clone_internal.shown(s.kind)));
            calls := calls || format('SELECT clone.store_reference(%L, %L, %L, %L, condition => %L); ', $1, c.relation, c.name, fits[1],
                format('%I OPERATOR(pg_catalog.=) ANY (SELECT f.%I FROM %s AS f WHERE %s OPERATOR(pg_catalog.=) %L)', c.field, c.key, c.fields, clone_internal.column_text('f', c.fields, c.kind), s.kind));
        END LOOP;
        CONTINUE WHEN names IS NULL AND unclear IS NULL;
        PERFORM clone_internal.ask($1, c.relation, c.name, '', 'error', format('%s.%I holds keys in rows of fields with certain values of %s.%I%s', c.relation, c.name, c.fields, c.kind, ': of ' || names)
                || CASE WHEN unclear IS NULL THEN '' ELSE format('. The data do not say which table is meant: %s. Say it with clone.store_reference(…, condition => …)%s', unclear, '; the others: ' || NULLIF(rtrim(calls), '')) END,
            CASE WHEN unclear IS NULL THEN rtrim(calls) END, clone_internal.keep_call($1, c.relation, c.name, ''));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_fields(text, clone_internal.place[]) IS 'Records questions about values of custom fields that are keys by the kind of their field';
