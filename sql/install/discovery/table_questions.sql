-- Questions about whole tables: undescribed tables with keys to the store, shared tables, tables with a tenant column, unknown ones.

-- Tables of these schemas (NULL: all schemas) that may be described: plain and partitioned ones that belong to no extension.
CREATE FUNCTION clone_internal.describable(schemas text[]) RETURNS TABLE (oid oid, word text, relname name, owner oid)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT c.oid, clone_internal.table_word(c.relname), c.relname, c.relowner
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE (n.nspname = ANY (schemas) OR schemas IS NULL AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast', 'clone', 'clone_internal'))
      AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e');
END
$$;
COMMENT ON FUNCTION clone_internal.describable(text[]) IS 'Tables that may be described, of these schemas or of all';

-- Those that discovery may read and describe by itself.
CREATE FUNCTION clone_internal.discoverable(schemas text[]) RETURNS TABLE (oid oid, word text, relname name)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY SELECT d.oid, d.word, d.relname FROM clone_internal.describable($1) d WHERE d.owner IN (SELECT clone_internal.trusted_owners());
END
$$;
COMMENT ON FUNCTION clone_internal.discoverable(text[]) IS 'Tables that discovery may describe, of these schemas or of all';

CREATE FUNCTION clone_internal.schemas_of(store text) RETURNS text[]
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (SELECT CASE WHEN jsonb_typeof(s.options->'schemas') = 'array' THEN ARRAY(SELECT jsonb_array_elements_text(s.options->'schemas'))
           ELSE ARRAY(SELECT DISTINCT n.nspname::text FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.store = s.name) END
    FROM clone.store s WHERE s.name = $1);
END
$$;
COMMENT ON FUNCTION clone_internal.schemas_of(text) IS 'Schemas in which names are looked up: option schemas, else the schemas of the store''s tables';

-- Of several columns of a key, that which tells rows apart best: of a path and a method, the path. The first, unless another one has more than
-- twice as many values.
CREATE FUNCTION clone_internal.most_distinct(relation regclass, columns name[]) RETURNS name
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    counts bigint[];
BEGIN
    IF cardinality(columns) < 2 OR NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = relation AND c.relkind IN ('r', 'p') AND c.relowner IN (SELECT clone_internal.trusted_owners())) THEN
        RETURN columns[1];
    END IF;
    EXECUTE format('SELECT ARRAY[%s] FROM %s AS t', (SELECT string_agg(format('count(DISTINCT %s)', clone_internal.column_text('t', relation, c.name)), ', ' ORDER BY c.number) FROM unnest(columns) WITH ORDINALITY AS c (name, number)),
        clone_internal.spread(relation, (SELECT string_agg(quote_ident(c), ', ') FROM unnest(columns) c), 20000)) INTO counts;
    RETURN (SELECT c.name FROM unnest(columns, counts) WITH ORDINALITY AS c (name, count, number) WHERE c.number = 1 OR c.count > 2 * counts[1] ORDER BY c.count DESC, c.number LIMIT 1);
END
$$;
COMMENT ON FUNCTION clone_internal.most_distinct(regclass, name[]) IS 'Which of several columns of a key has the most values; the first, unless another one has more than twice as many';

-- The key column of the table that is a resource; NULL for link tables.
CREATE FUNCTION clone_internal.own_key(relation oid, project_column name) RETURNS name
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    key name;
BEGIN
    -- A unique column that is called id is what ticket_id names, whatever the primary key is.
    SELECT a.attname INTO key FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0] AND a.attname = 'id' AND a.attnotnull
    WHERE i.indrelid = relation AND i.indisunique AND NOT i.indisprimary AND i.indnkeyatts = 1 AND i.indpred IS NULL AND i.indisvalid
      AND a.attname IS DISTINCT FROM project_column AND clone_internal.family(a.atttypid) IN ('int', 'text', 'uuid')
      AND NOT EXISTS (SELECT FROM pg_index p WHERE p.indrelid = relation AND p.indisprimary AND p.indnkeyatts = 1 AND p.indkey[0] = a.attnum)
      AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = relation AND f.contype = 'f' AND a.attnum = ANY (f.conkey)) LIMIT 1;
    IF key IS NOT NULL THEN
        RETURN key;
    END IF;
    SELECT k.name INTO key FROM (SELECT clone_internal.key_of(relation, project_column) AS name) k
    JOIN pg_attribute a ON a.attrelid = relation AND a.attname = k.name
    WHERE k.name IS DISTINCT FROM project_column
      AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary AND i.indnkeyatts > 1
                      AND EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = relation AND f.contype = 'f' AND a.attnum = ANY (f.conkey)))
      -- A plain number without default, identity or constraint is a counter, such as retries of a task.
      AND NOT (a.atttypid IN (20, 21, 23) AND a.attidentity = '' AND NOT a.atthasdef AND a.attname <> 'id'
               AND EXISTS (SELECT FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary AND i.indnkeyatts > 1
                   AND NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = relation AND o.attnum = ANY (i.indkey::int2[]) AND o.attname = project_column)
                   AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = relation AND f.contype = 'f' AND f.conkey && i.indkey::int2[])));
    -- Of several texts one gets new values.
    RETURN (
        SELECT clone_internal.most_distinct(relation::regclass, array_agg(a.attname ORDER BY a.attname = key DESC, a.attnum))
        FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) AND clone_internal.family(a.atttypid) = 'text'
        WHERE i.indrelid = relation AND i.indisprimary AND key <> 'id'
          -- A part that all rows share, such as the name of a scheduler, may be one of a foreign key with other columns.
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = relation AND f.contype = 'f' AND f.conkey <@ i.indkey::int2[])
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = relation AND f.contype = 'f' AND a.attnum = ANY (f.conkey))
          AND NOT EXISTS (SELECT FROM pg_attribute o WHERE o.attrelid = relation AND o.attnum = ANY (i.indkey::int2[]) AND o.attname = project_column)
        HAVING bool_or(a.attname = key)
        UNION ALL SELECT key LIMIT 1);
END
$$;
COMMENT ON FUNCTION clone_internal.own_key(oid, name) IS 'The key column of the table that is not a reference; NULL for link tables';

-- How rows belong by a tenant column or through a parent, and further arguments, such as ', cloned => false'.
CREATE FUNCTION clone_internal.table_call(store text, relation regclass, role text, id_column name, project_column name, parent regclass, join_column name, further text DEFAULT '') RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('SELECT clone.store_table(%L, %L, %L', $1, $2::text, $3)
        || CASE WHEN $4 IS NULL THEN '' ELSE format(', id_column => %L', $4) END
        || CASE WHEN $5 IS NULL THEN '' ELSE format(', project_column => %L', $5) END
        || CASE WHEN $6 IS NULL THEN '' ELSE format(', parent => %L, join_column => %L', $6::text, $7) END || $8 || ');'
$$;
COMMENT ON FUNCTION clone_internal.table_call(text, regclass, text, name, name, regclass, name, text) IS 'The call that describes a table with this role and key, as SQL';

CREATE FUNCTION clone_internal.table_call(store text, relation regclass, project_column name, parent regclass, join_column name) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clone_internal.table_call($1, $2, CASE WHEN o.own IS NOT NULL AND $3 IS NOT NULL THEN 'resource' ELSE 'derived' END, o.own, $3, CASE WHEN $3 IS NULL THEN $4 END, $5)
    -- Rows whose key begins with that of a row which they name have no key of their own.
    FROM (SELECT CASE WHEN $5 IS NULL OR NOT EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = $5 WHERE i.indrelid = $2 AND i.indisprimary AND i.indnkeyatts > 1 AND a.attnum = ANY (i.indkey::int2[]))
                      THEN clone_internal.own_key($2, $3) END AS own) o
$$;
COMMENT ON FUNCTION clone_internal.table_call(text, regclass, name, regclass, name) IS 'The call that describes a table, as SQL';

-- The undeclared column of the tenants' table that is most likely its name.
CREATE FUNCTION clone_internal.name_column(store text, relation regclass) RETURNS name
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.attname
    FROM pg_attribute a
    JOIN clone.store_relation r ON r.store = $1 AND r.relation = $2
    JOIN clone.store_column c ON c.store = $1 AND c.relation = $2 AND c.name = a.attname AND c.reason IS DISTINCT FROM 'set by hand' AND c.role IN ('keep', 'rewrite')
    CROSS JOIN LATERAL (SELECT array_position('{name,title,label,display_name,full_name,company_name,company,organisation_name,organization_name,legal_name,trade_name,business_name,account_name,tenant_name,team_name,workspace_name,subject,caption,description}'::text[],
        btrim(clone_internal.snake(a.attname), '_')) AS place) p
    WHERE a.attrelid = $2 AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND clone_internal.family(a.atttypid) = 'text' AND a.attname <> r.id_column
      AND (p.place IS NOT NULL OR a.attname ~* '(name|title)_*$' AND a.attname !~* 'file|host|domain|user')
    ORDER BY p.place NULLS LAST, a.attnum LIMIT 1
$$;
COMMENT ON FUNCTION clone_internal.name_column(text, regclass) IS 'The column of a table that is most likely its name';

CREATE FUNCTION clone_internal.table_questions(store text) RETURNS TABLE (severity text, subject text, question text, answer text, otherwise text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH reaching AS MATERIALIZED (
        SELECT * FROM clone_internal.reaching($1)
    ), stored AS (
        SELECT s.*, clone_internal.schemas_of(s.name) AS schemas FROM clone.store s WHERE s.name = $1
    ), referred AS MATERIALIZED (
        -- Tables that described tables refer to and the store does not have.
        SELECT DISTINCT ON (f.confrelid) f.confrelid AS oid, f.conrelid AS by, a.attname AS name, b.attname AS key
        FROM clone.store_relation r
        JOIN pg_constraint f ON f.contype = 'f' AND f.conrelid = r.relation AND cardinality(f.conkey) = 1 AND f.conparentid = 0
        JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = f.conkey[1]
        JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[1]
        WHERE r.store = $1 AND f.confrelid NOT IN (SELECT k.relation::oid FROM clone.store_relation k WHERE k.store = $1)
          AND f.confrelid NOT IN (SELECT k.relation::oid FROM clone.store_shared k WHERE k.store = $1)
          AND f.confrelid NOT IN (SELECT k.relation FROM reaching k)
        ORDER BY f.confrelid, f.oid
    ), shared AS MATERIALIZED (
        SELECT f.* FROM referred f JOIN pg_class c ON c.oid = f.oid
        WHERE NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation::oid = f.oid)
          AND (EXISTS (SELECT FROM clone.store_relation r JOIN pg_constraint o ON o.contype = 'f' AND o.conrelid = r.relation AND o.confrelid = f.oid
                      WHERE r.store = $1 AND (SELECT count(DISTINCT x.confrelid) FROM pg_constraint x WHERE x.contype = 'f' AND x.conrelid = r.relation) > 1
                        AND EXISTS (SELECT FROM pg_index u WHERE u.indrelid = r.relation AND u.indisunique AND u.indnkeyatts > 1 AND o.conkey[1] = ANY (u.indkey::int2[])))
           OR clone_internal.table_word(c.relname) ~ '(^|_)(user|usr|member|person|profile|employee|staff|login|identity)$')
    ), unknown AS (
        SELECT string_agg(d.oid::regclass::text, ', ' ORDER BY d.oid::regclass::text) AS names, count(*) AS tables
        FROM stored s CROSS JOIN LATERAL clone_internal.discoverable(s.schemas) d
        WHERE s.preset IN ('discover', 'custom')
          AND d.oid NOT IN (SELECT k.relation::oid FROM clone.store_relation k WHERE k.store = $1)
          AND d.oid NOT IN (SELECT k.relation::oid FROM clone.store_shared k WHERE k.store = $1)
          AND d.oid NOT IN (SELECT k.relation FROM reaching k)
          AND d.oid NOT IN (SELECT k.oid FROM shared k)
          AND d.oid NOT IN (SELECT k.relation::oid FROM clone.store_question k WHERE k.store = $1)
          AND d.oid NOT IN (SELECT k.relation::oid FROM clone.store_membership k WHERE k.store = $1)
          -- Others may follow a table that may be described: by a key, a name, a type or their values.
          AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.severity = 'error' AND q.relation::oid NOT IN (SELECT k.relation::oid FROM clone.store_relation k WHERE k.store = $1)
              AND q.relation::oid NOT IN (SELECT k.oid FROM shared k) AND strpos(q.answer, 'clone.store_table(') > 0)
    )
    -- Where a column is named as the tenants' are, the table may hold rows of tenants.
    SELECT CASE WHEN s.preset = 'discover' AND n.name IS NOT NULL THEN 'error' ELSE 'note' END, d.oid::regclass::text,
           format('%s was not read: it belongs to %s, whose code may run when it is read. Does it hold rows of a tenant?', d.oid::regclass, clone_internal.quoted(pg_get_userbyid(d.owner))),
           CASE WHEN n.name IS NULL THEN NULL ELSE clone_internal.table_call($1, d.oid, n.name, NULL, NULL) END,
           format('SELECT clone.store_shared(%L, %L);', $1, d.oid::regclass)
    FROM stored s CROSS JOIN LATERAL clone_internal.describable(s.schemas) d
    LEFT JOIN LATERAL (
        SELECT a.attname AS name FROM clone.store_relation r
        JOIN pg_attribute a ON a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped
         AND clone_internal.snake(a.attname) IN (SELECT clone_internal.snake(o.project_column) FROM clone.store_relation o WHERE o.store = $1 AND o.project_column IS NOT NULL)
        WHERE r.store = $1 AND r.role = 'project' ORDER BY a.attnum LIMIT 1) n ON true
    WHERE s.preset IN ('discover', 'custom') AND d.owner NOT IN (SELECT clone_internal.trusted_owners())
      AND d.oid NOT IN (SELECT k.relation::oid FROM clone.store_relation k WHERE k.store = $1)
      AND d.oid NOT IN (SELECT k.relation::oid FROM clone.store_shared k WHERE k.store = $1)
      AND d.oid NOT IN (SELECT k.relation FROM reaching k)
    UNION ALL
    SELECT CASE WHEN s.preset = 'discover' THEN 'error' ELSE 'warning' END, r.relation::regclass::text,
           format('%s refers to %s and is not described: its rows are not cloned', r.relation::regclass, r.via::regclass),
           CASE WHEN p.role = 'project' AND f.simple THEN clone_internal.table_call($1, r.relation, f.name, NULL, NULL) ELSE clone_internal.table_call($1, r.relation, NULL, r.via, f.name) END,
           format('SELECT clone.store_shared(%L, %L);', $1, r.relation::regclass)
    FROM reaching r CROSS JOIN stored s
    LEFT JOIN clone.store_relation p ON p.store = $1 AND p.relation = r.via
    CROSS JOIN LATERAL (
        SELECT a.attname AS name, cardinality(f.conkey) = 1 AND b.attname = p.id_column AS simple
        FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = clone_internal.naming_column(f.conindid, f.conkey)
        JOIN pg_attribute b ON b.attrelid = f.confrelid AND b.attnum = f.confkey[cardinality(f.conkey)]
        WHERE f.contype = 'f' AND f.conrelid = r.relation AND f.confrelid = r.via ORDER BY a.attnotnull DESC, cardinality(f.conkey), a.attnum LIMIT 1) f
    UNION ALL
    SELECT 'warning', h.oid::regclass::text, format('rows of %s are not cloned: the clone''s %s.%I names the source''s. Do all projects share them?', h.oid::regclass, h.by::regclass, h.name),
           format('SELECT clone.store_shared(%L, %L);', $1, h.oid::regclass),
           format('SELECT clone.store_belongs(%L, %L, ''{%s}'', %L, ''{%s}''); SELECT clone.store_table(%1$L, %2$L, ''derived'', id_column => %L);', $1, h.oid::regclass, quote_ident(h.key), h.by::regclass, quote_ident(h.name), h.key)
    FROM shared h CROSS JOIN stored s WHERE s.preset IN ('discover', 'custom')
    UNION ALL
    SELECT 'note', '', format('tables that are neither described nor reached stay as they are: %s', u.names),
           format('SELECT clone.store_shared(%L, t::regclass) FROM unnest(%L::text[]) AS t;', $1, '{' || (SELECT string_agg('"' || replace(replace(x, E'\\', E'\\\\'), '"', E'\\"') || '"', ',') FROM unnest(string_to_array(u.names, ', ')) x) || '}'), NULL
    FROM unknown u WHERE u.tables > 0
    UNION ALL
    -- Declared, but its rows are not cloned.
    SELECT 'error', m.relation::text, format('%s has a declared way to belong to the store and is not described: its rows are not cloned', m.relation),
           clone_internal.table_call($1, m.relation, NULL, NULL, NULL), format('SELECT clone.store_shared(%L, %L);', $1, m.relation)
    FROM (SELECT DISTINCT b.relation FROM clone.store_membership b JOIN pg_class c ON c.oid = b.relation WHERE b.store = $1) m
    WHERE NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = m.relation)
      AND NOT EXISTS (SELECT FROM clone.store_shared s WHERE s.store = $1 AND s.relation = m.relation)
    UNION ALL
    -- The name of the clone.
    SELECT 'note', r.relation::text, format('no column of %s takes the name of a clone', r.relation),
           CASE WHEN n.name IS NULL THEN NULL ELSE format('SELECT clone.store_column(%L, %L, %L, ''name'');', $1, r.relation, n.name) END,
           format('SELECT clone.store_column(%L, %L, %L, ''keep'');', $1, r.relation, n.name)
    FROM clone.store_relation r JOIN stored s ON s.preset IN ('discover', 'custom')
    LEFT JOIN LATERAL clone_internal.name_column($1, r.relation) AS n (name) ON true
    WHERE r.store = $1 AND r.role = 'project' AND n.name IS NOT NULL
      AND NOT EXISTS (SELECT FROM clone.store_column c WHERE c.store = $1 AND c.relation = r.relation AND (c.role = 'name' OR c.role = 'template' AND c.value LIKE '%{name}%'))
$$;
COMMENT ON FUNCTION clone_internal.table_questions(text) IS 'Open questions about whole tables, by the catalog only';

-- Whether a column has a name that people give to the key of a table.
CREATE FUNCTION clone_internal.is_key_name("table" name, "column" name) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clone_internal.snake($2) IN ('id', 'uuid', 'guid', 'key', 'pk', w.word || '_id', w.word || '_uuid', w.word || '_no', w.word || '_key') OR lower($2) = replace(w.word, '_', '') || 'id'
    FROM (SELECT clone_internal.table_word($1) AS word) w
$$;
COMMENT ON FUNCTION clone_internal.is_key_name(name, name) IS 'Whether a column has a name that people give to the key of a table';

-- Tables whose rows have a key without a unique index: a column that is named like one and whose values all differ. A clone would have the
-- source's.
CREATE FUNCTION clone_internal.ask_about_missing_keys(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c record;
    other record;
    counts bigint[];
    shared bigint;
    -- Former states of rows of another table have its keys.
    is_history boolean;
BEGIN
    FOR c IN
        SELECT r.relation, r.role, r.project_column, r.parents, r.join_column, a.attname AS name
        FROM clone.store_relation r JOIN pg_class t ON t.oid = r.relation AND t.relkind IN ('r', 'p')
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        CROSS JOIN LATERAL (SELECT clone_internal.is_key_name(t.relname, a.attname) AS key_name) w
        CROSS JOIN LATERAL (SELECT EXISTS (SELECT FROM pg_attrdef e WHERE e.adrelid = r.relation AND e.adnum = a.attnum AND pg_get_expr(e.adbin, e.adrelid) LIKE '%nextval(%') AS from_sequence) d
        WHERE r.store = $1 AND r.role IN ('resource', 'derived') AND clone_internal.family(a.atttypid) IN ('int', 'text', 'uuid')
          AND a.attname NOT IN (COALESCE(r.project_column, ''), COALESCE(r.join_column, ''), COALESCE(r.id_column, ''))
          AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.relation AND i.indisunique AND a.attnum = ANY (i.indkey::int2[]))
          -- Other columns have new values anyway.
          AND EXISTS (SELECT FROM clone.store_column o WHERE o.store = $1 AND o.relation = r.relation AND o.name = a.attname AND o.role IN ('keep', 'rewrite', 'map'))
          -- Beside other unique columns, such as a code, its name says that it is a key; beside a primary key its default must say so, too.
          AND CASE WHEN r.id_column IS NULL AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.relation AND i.indisunique) THEN w.key_name OR d.from_sequence
              ELSE w.key_name AND NOT (r.id_column IS NOT NULL AND clone_internal.is_key_name(t.relname, r.id_column))
                   AND (d.from_sequence OR NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = r.relation AND i.indisprimary)) END
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
          AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = r.relation AND d."column" = a.attname)
          AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = r.relation AND a.attname = ANY (m.columns))
          AND NOT clone_internal.answered($1, r.relation, a.attname, '$key')
        ORDER BY r.relation::oid, a.attnum
    LOOP
        EXECUTE format('SELECT ARRAY[count(*), count(DISTINCT t.%1$I::text)] FROM %2$s AS t', c.name, clone_internal.spread(c.relation, quote_ident(c.name), 20000)) INTO counts;
        CONTINUE WHEN counts[1] < 2 OR counts[2] < counts[1];
        is_history := false;
        FOR other IN
            SELECT p.relation FROM clone.store_relation p
            WHERE p.store = $1 AND p.relation <> c.relation AND p.id_column = c.name AND NOT EXISTS (
                SELECT FROM pg_attribute a WHERE a.attrelid = p.relation AND a.attnum > 0 AND NOT a.attisdropped
                  AND a.attname NOT IN (SELECT o.attname FROM pg_attribute o WHERE o.attrelid = c.relation AND o.attnum > 0 AND NOT o.attisdropped))
        LOOP
            EXECUTE format('SELECT count(*) FROM %s AS t JOIN %s AS k ON %s', clone_internal.spread(c.relation, quote_ident(c.name), 20000), other.relation,
                clone_internal.equality_sql('t', c.relation, c.name, 'k', other.relation, c.name)) INTO shared;
            is_history := is_history OR 2 * shared >= counts[1];
        END LOOP;
        CONTINUE WHEN is_history;
        PERFORM clone_internal.ask($1, c.relation, c.name, '$key', 'error',
            format('%s.%I has no unique index, but it looks like the key of its rows: all %s values that were looked at differ. A clone has the source''s', c.relation, c.name, counts[1]),
            clone_internal.table_call($1, c.relation, CASE WHEN c.project_column IS NULL THEN c.role ELSE 'resource' END, c.name, c.project_column, c.parents[1], c.join_column),
            format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, c.relation, c.name, '$key'));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_missing_keys(text) IS 'Records questions about columns that look like keys of tables without a unique index';
