-- clone.store_check() lists the open questions of a description: columns, paths and tables that by name, type or values could be a
-- reference, a secret or a tenant's table, and that no constraint and no declaration explains.

-- Whether a column that is named after a table has values, none of which is a key there, such as the client_id of another system.
CREATE FUNCTION clone_internal.names_no_row(relation regclass, "column" name, family text, target regclass, key name) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    vals text[];
BEGIN
    IF family LIKE '%[]' THEN
        RETURN false;
    END IF;
    EXECUTE format('SELECT ARRAY(SELECT DISTINCT v.x FROM (SELECT %s AS x FROM %s AS t WHERE t.%I IS NOT NULL) v WHERE lower(v.x) <> ALL (clone_internal.in_place_of_null()) LIMIT 200)',
        clone_internal.column_text('t', relation, "column"), clone_internal.spread(relation, quote_ident("column"), 2000), "column") INTO vals;
    RETURN cardinality(vals) >= 3 AND NOT EXISTS (SELECT FROM clone_internal.keys_among(target, key, family, vals));
END
$$;
COMMENT ON FUNCTION clone_internal.names_no_row(regclass, name, text, regclass, name) IS 'Whether no value of a column that is named after a table is a key there';

-- The tenants' table, if a column that is named after another one has the tenant of its row in each row, and no key of that table: parent_id
-- of what stands directly below the tenant.
CREATE FUNCTION clone_internal.names_own_tenant(store text, relation regclass, "column" name, target regclass, key name) RETURNS regclass
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenant record;
    same boolean;
BEGIN
    SELECT p.relation, r.project_column INTO tenant FROM clone.store_relation p JOIN clone.store_relation r ON r.store = $1 AND r.relation = $2 WHERE p.store = $1 AND p.role = 'project';
    IF tenant.project_column IS NULL OR tenant.relation = target THEN
        RETURN NULL;
    END IF;
    EXECUTE format('SELECT count(*) > 1 AND bool_and(%s = %s) AND NOT bool_or(EXISTS (SELECT FROM %s AS k WHERE %s)) FROM %s AS t WHERE t.%I IS NOT NULL',
        clone_internal.column_text('t', relation, "column"), clone_internal.column_text('t', relation, tenant.project_column), target, clone_internal.equality_sql('t', relation, "column", 'k', target, key),
        clone_internal.spread(relation, '*', 2000), "column") INTO same;
    RETURN CASE WHEN same THEN tenant.relation END;
END
$$;
COMMENT ON FUNCTION clone_internal.names_own_tenant(text, regclass, name, regclass, name) IS 'The tenants'' table, if a column that is named after another one has the tenant of its row in each row';

-- The text of a literal as format() writes it.
CREATE FUNCTION clone_internal.unquoted(literal text) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN CASE WHEN literal LIKE 'E%' THEN replace(replace(substr(literal, 3, length(literal) - 3), '''''', ''''), E'\\\\', E'\\') ELSE replace(substr(literal, 2, length(literal) - 2), '''''', '''') END;
END
$$;
COMMENT ON FUNCTION clone_internal.unquoted(text) IS 'The text of an SQL literal as format() writes it';

-- Whether all is declared that the calls of an answer declare: of one question about several columns or tables.
CREATE FUNCTION clone_internal.calls_are_made(store text, calls text) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c record;
    made boolean;
BEGIN
    FOR c IN
        SELECT to_regclass(clone_internal.unquoted(m.match[1])) AS relation, clone_internal.unquoted(m.match[2])::name AS "column", to_regclass(clone_internal.unquoted(m.match[3])) AS target,
               COALESCE(clone_internal.unquoted(substring(m.match[4] FROM ', path => (E?''(?:[^'']|'''')*'')')), '') AS path
        FROM regexp_matches(calls, 'clone[.]store_reference[(]E?''(?:[^'']|'''')*'', (E?''(?:[^'']|'''')*''), (E?''(?:[^'']|'''')*''), (E?''(?:[^'']|'''')*'')((?:, [a-z_]+ => E?''(?:[^'']|'''')*'')*)[)]', 'g') AS m (match)
    LOOP
        made := CASE WHEN c.path <> '' AND EXISTS (SELECT FROM clone.store_reference r WHERE r.store = $1 AND r.relation = c.relation AND r."column" = c."column" AND r.path = c.path)
                     THEN EXISTS (SELECT FROM clone.store_reference r WHERE r.store = $1 AND r.relation = c.relation AND r."column" = c."column" AND r.path = c.path AND r.target = c.target)
                     ELSE clone_internal.answered($1, c.relation, c."column", c.path) END;
        EXIT WHEN NOT made;
    END LOOP;
    RETURN made;
END
$$;
COMMENT ON FUNCTION clone_internal.calls_are_made(text, text) IS 'Whether all is declared that the calls of an answer declare; NULL: they declare no reference';

CREATE FUNCTION clone_internal.store_questions(store text) RETURNS TABLE (severity text, subject text, question text, answer text, otherwise text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH named AS MATERIALIZED (
        SELECT * FROM clone_internal.named_references($1)
    ), pairs AS MATERIALIZED (
        SELECT * FROM clone_internal.polymorphic_pairs($1)
    ), columns AS (
        SELECT CASE WHEN q.exact THEN 'error' ELSE 'warning' END AS severity, q.relation, q.name,
               format(CASE WHEN q.exact OR t.tenants IS NOT NULL THEN '%s.%I looks like a reference to %s, and no foreign key says so' ELSE '%s.%I may be a reference to %s' END, q.relation, q.name, COALESCE(t.tenants, q.target)) || COALESCE(o.why, '') AS question,
               CASE WHEN o.why IS NULL THEN clone_internal.reference_call($1, q.relation, q.name, COALESCE(t.tenants, q.target), '') END AS answer, clone_internal.keep_call($1, q.relation, q.name, '') AS otherwise, COALESCE(t.tenants, q.target) AS target
        FROM named q CROSS JOIN LATERAL (SELECT clone_internal.names_own_tenant($1, q.relation, q.name, q.target, q.target_column) AS tenants) t
        CROSS JOIN LATERAL (SELECT CASE WHEN t.tenants IS NULL THEN clone_internal.names_other_tenants($1, q.relation, q.name, q.target) END AS why) o
        WHERE t.tenants IS NOT NULL OR NOT clone_internal.names_no_row(q.relation, q.name, q.family, q.target, q.target_column)
        UNION ALL
        SELECT 'error', p.relation, p.name, format('%s.%I with %I looks like a reference to a row of one of several tables', p.relation, p.name, p.type_column)
                   || CASE WHEN NOT k.none THEN ''
                           WHEN n.codes IS NULL THEN ', and no type in the data names one'
                           WHEN n.calls IS NOT NULL THEN format(': the types are %s', n.codes)
                           ELSE format('. The types are %s; say which table each means with clone.store_reference(%L, %L, %L, <table>, type_column => %L, type_values => <type>)',
                                       n.codes, $1, p.relation, p.name, p.type_column) END,
               CASE WHEN NOT k.none THEN k.declare WHEN n.codes IS NULL THEN k.keep ELSE n.calls END, CASE WHEN k.none AND n.codes IS NULL THEN k.declare ELSE k.keep END, NULL
        FROM pairs p CROSS JOIN LATERAL (
            SELECT clone_internal.names_no_table($1, p.relation, p.type_column, p.name) AS none, clone_internal.keep_call($1, p.relation, p.name, '') AS keep,
                   format('SELECT clone.store_polymorphic(%L, %L, %L, type_column => %L);', $1, p.relation, p.name, p.type_column) AS declare) k
        LEFT JOIN LATERAL clone_internal.code_calls($1, p.relation, p.type_column, p.name) n ON k.none
         -- Words that mean no table may mean tables that are not cloned, except where the ids say which.
         AND (n.calls IS NOT NULL OR (SELECT clone_internal.family(a.atttypid) = 'int' OR a.atttypid = '"char"'::regtype FROM pg_attribute a WHERE a.attrelid = p.relation AND a.attname = p.type_column))
        -- The values have said which table each type means.
        WHERE NOT (k.none AND n.calls IS NULL AND EXISTS (SELECT FROM clone.store_question s WHERE s.store = $1 AND s.relation = p.relation AND s."column" = p.name AND s.path = '' AND s.answer LIKE '%, type_column => %'))
          AND NOT (k.none AND n.calls IS NULL AND clone_internal.names_waiting_table($1, p.relation, p.type_column) IS NOT NULL)
        UNION ALL
        SELECT 'error', q.relation, q.name, format('%s.%I looks like the key of a row in %s', q.relation, q.name, q.target) || COALESCE(o.why, ''),
               CASE WHEN o.why IS NULL THEN clone_internal.reference_call($1, q.relation, q.name, q.target, '') END, clone_internal.keep_call($1, q.relation, q.name, ''), NULL
        FROM clone_internal.person_columns($1) q CROSS JOIN LATERAL (SELECT clone_internal.names_other_tenants($1, q.relation, q.name, q.target) AS why) o
        WHERE NOT EXISTS (SELECT FROM named n WHERE n.relation = q.relation AND n.name = q.name) AND NOT EXISTS (SELECT FROM pairs p WHERE p.relation = q.relation AND p.name = q.name)
        UNION ALL
        SELECT 'error', q.relation, q.name, format('%s.%I holds keys of %s by %s, which the store knows by a view', q.relation, q.name, q.target, q.below),
               clone_internal.reference_call($1, q.relation, q.name, q.target, ''), clone_internal.keep_call($1, q.relation, q.name, ''), NULL
        FROM clone_internal.view_keys($1) q
        WHERE NOT EXISTS (SELECT FROM named n WHERE n.relation = q.relation AND n.name = q.name AND n.exact) AND NOT clone_internal.answered($1, q.relation, q.name, '')
    )
    SELECT c.severity, format('%s.%I', c.relation, c.name), c.question, c.answer, c.otherwise FROM columns c
    WHERE NOT EXISTS (SELECT FROM clone.store_no_reference n WHERE n.store = $1 AND n.relation = c.relation AND n."column" = c.name AND n.path = '')
      -- The values say more than the name: that it is a list, or that another table has them all as keys.
      AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = c.relation AND q."column" = c.name AND q.path = '' AND (c.severity = 'warning' OR q.target <> c.target OR q.answer IS NULL OR q.answer ~ ', (separators|condition) => '))
    UNION ALL
    SELECT q.severity, CASE WHEN q.path = '$text_keys' THEN '' ELSE format('%s.%I', q.relation, q."column") || CASE WHEN q.path = '' OR q.path = ANY (clone_internal.question_kinds()) THEN '' ELSE ' ' || q.path END END, q.question, q.answer, q.otherwise
    FROM clone.store_question q
    WHERE q.store = $1 AND NOT clone_internal.answered($1, q.relation, q."column", q.path)
      -- One question about several columns or tables, or about a path that is declared in another form.
      AND NOT ((q.path IN ('$documents', '$columns') OR q.path <> ALL (clone_internal.question_kinds()) AND q.path LIKE '$%' AND q.answer LIKE '%, path => %') AND COALESCE(clone_internal.calls_are_made($1, q.answer), false))
      AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = q.relation AND a.attname = q."column" AND NOT a.attisdropped)
      -- A column as the reason: discovery supposes that the table is shared.
      AND NOT EXISTS (SELECT FROM clone.store_shared s WHERE s.store = $1 AND s.relation = q.relation AND NOT (q.path = '$links' AND s.reason = q."column"))
      AND NOT (q.path = '$rows' AND EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = q.relation AND m.parent = q.relation AND q."column" = ANY (m.columns)))
      AND NOT (q.path = '$relatives' AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = q.relation AND d."column" = q."column" AND d.condition IS NULL))
      -- In an array further tables answer it; what is still missing is asked again.
      AND NOT (q.path = '$relatives' AND (SELECT count(DISTINCT d.target) FROM clone.store_reference d WHERE d.store = $1 AND d.relation = q.relation AND d."column" = q."column" AND d.form = 'array') > 1)
      AND NOT (q.path = '$parents' AND EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = q.relation AND d."column" = q."column"))
      AND NOT (q.path = '$history' AND EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = q.relation AND d."column" = q."column"))
      AND NOT (q.path = '$owned' AND EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = q.relation AND m.parent = q.relation AND q."column" = ANY (m.parent_columns)))
      AND NOT (q.path = '$key' AND EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = q.relation AND r.id_column = q."column"))
      AND NOT (q.path = '$sequence' AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = q.relation AND a.attname = q."column" AND (a.atthasdef OR a.attidentity <> '')))
      AND NOT (q.path = '$parts' AND EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = q.relation AND NOT r.cloned))
      -- Not questions about how a table belongs that is described now.
      AND NOT (q.path NOT IN ('$tenants', '$history', '$parents', '$parts', '$key') AND COALESCE(q.answer, '') LIKE '%clone.store_table(%' AND q.answer NOT LIKE 'SELECT clone.store_remove_table(%' AND EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = q.relation))
      AND NOT EXISTS (SELECT FROM columns c WHERE c.severity = 'error' AND c.relation = q.relation AND c.name = q."column" AND q.path = '' AND (q.target <> c.target) IS NOT TRUE AND q.answer !~ ', (separators|condition) => ')
    UNION ALL
    -- UUIDs are found in the text form of any value; numbers and texts are not looked for there.
    SELECT DISTINCT ON (r.relation, a.attnum) 'error', format('%s.%I', r.relation, a.attname),
           format('%s.%I holds values of type %s, whose %I looks like a key: keys inside of composite values are not rewritten', r.relation, a.attname, format_type(k.reltype, NULL), f.attname),
           clone_internal.keep_call($1, r.relation, a.attname, ''),
           CASE WHEN NOT a.attnotnull THEN format('SELECT clone.store_column(%L, %L, %L, ''null'');', $1, r.relation, a.attname) END
    FROM clone.store_relation r
    JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '' AND a.atttypid >= 16384
    JOIN pg_type t ON t.oid = clone_internal.base_type(a.atttypid)
    LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
    JOIN pg_class k ON k.oid = COALESCE(e.typrelid, t.typrelid)
    JOIN pg_attribute f ON f.attrelid = k.oid AND f.attnum > 0 AND NOT f.attisdropped AND (clone_internal.says_id(f.attname) OR f.attname ~* '^(id|key)$')
     AND clone_internal.family(f.atttypid) IN ('int', 'text', 'int[]', 'text[]')
    WHERE r.store = $1 AND NOT clone_internal.answered($1, r.relation, a.attname, '')
    UNION ALL
    SELECT * FROM clone_internal.table_questions($1)
    UNION ALL
    SELECT * FROM clone_internal.foreign_table_questions($1)
    UNION ALL
    SELECT * FROM clone_internal.secret_questions($1)
$$;
COMMENT ON FUNCTION clone_internal.store_questions(text) IS
    'Open questions of a store, by the catalog and by the last check of the data';

-- Nobody reads twenty questions of one kind: those about values that stay and that differ only in the column, and those about the names of
-- tables in documents, are one if they are more than three. Each secret is a question of its own.
CREATE FUNCTION clone_internal.grouped_questions(store text) RETURNS TABLE (severity text, subject text, question text, answer text, otherwise text)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH open AS MATERIALIZED (
        SELECT q.*, CASE WHEN q.subject LIKE '% $..[?@]' AND q.answer IS NOT NULL THEN '$..[?@]' WHEN q.severity = 'warning' AND q.subject <> '' AND q.answer LIKE '%, ''keep'');' THEN replace(q.question, q.subject, '') END AS kind
        FROM clone_internal.store_questions($1) q
    ), grouped AS MATERIALIZED (
        SELECT o.severity, o.kind, count(*) AS number, array_agg(o.subject ORDER BY o.subject) AS subjects, array_agg(o.question ORDER BY o.subject) AS questions,
               string_agg(o.answer, ' ' ORDER BY o.subject) AS answers, string_agg(o.otherwise, ' ' ORDER BY o.subject) AS others, bool_and(o.otherwise IS NOT NULL) AS told
        FROM open o WHERE o.kind IS NOT NULL GROUP BY 1, 2 HAVING count(*) > 3
    )
    SELECT o.severity, o.subject, o.question, o.answer, o.otherwise FROM open o WHERE NOT EXISTS (SELECT FROM grouped g WHERE g.severity = o.severity AND g.kind = o.kind)
    UNION ALL
    SELECT g.severity, g.subjects[1], format('%s. The same is asked about %s others, which the answer names too: %s', g.questions[1], g.number - 1, array_to_string(g.subjects[2:], ', ')), g.answers, CASE WHEN g.told THEN g.others END
    FROM grouped g;
END
$$;
COMMENT ON FUNCTION clone_internal.grouped_questions(text) IS 'Open questions of a store, where more than three of one kind are one';

CREATE FUNCTION clone.store_check(store text) RETURNS TABLE (severity text, subject text, question text, answer text, otherwise text)
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
SET jit = off
SET plan_cache_mode = force_generic_plan
AS $$
DECLARE
    gone record;
BEGIN
    PERFORM clone_internal.check_store(store);
    -- What stops plan and clone before they ask: the tables have changed.
    RETURN QUERY SELECT 'error', d->>'table', format('the table is not as the store describes it: %s', d->>'text'),
        d->>'call', NULL::text
    FROM jsonb_array_elements(clone_internal.store_description(store)->'differences') d ORDER BY 4 NULLS LAST, 2, 3;
    SELECT * INTO gone FROM clone_internal.gone_column(store);
    IF gone.name IS NOT NULL THEN
        RETURN;
    END IF;
    IF EXISTS (SELECT FROM clone.store s WHERE s.name = store_check.store AND s.preset IN ('discover', 'custom')) THEN
        PERFORM clone_internal.ask_about_data(store, false);
    END IF;
    RETURN QUERY SELECT q.* FROM clone_internal.grouped_questions(store) q ORDER BY array_position('{error,warning,note}'::text[], q.severity), q.subject, q.question;
END
$$;
COMMENT ON FUNCTION clone.store_check(text) IS
    'Checks the data again and lists open questions: an error stops plan and clone, a warning or a note does not; answer is the call for the proposed answer, otherwise is the call for the other one';

CREATE FUNCTION clone.store_polymorphic(store text, relation regclass, "column" name, type_column name, belongs boolean DEFAULT false) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    t record;
    declared bigint := 0;
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.lock_store(store);
    PERFORM clone_internal.check_column(relation, "column");
    PERFORM clone_internal.check_column(relation, type_column);
    FOR t IN SELECT * FROM clone_internal.pair_targets(store_polymorphic.store, store_polymorphic.relation, store_polymorphic.type_column, store_polymorphic."column") LOOP
        PERFORM clone.store_reference(store_polymorphic.store, store_polymorphic.relation, store_polymorphic."column", t.target::regclass,
            type_column => store_polymorphic.type_column, type_values => t.type_values, belongs => store_polymorphic.belongs);
        declared := declared + 1;
    END LOOP;
    IF declared = 0 THEN
        -- No type in the data is a table of the store. With one type declared, a row of another type stops a clone.
        PERFORM clone.store_reference(store_polymorphic.store, store_polymorphic.relation, store_polymorphic."column", r.relation, type_column => store_polymorphic.type_column,
            type_values => clone_internal.type_names(r.relation))
        FROM clone.store_relation r WHERE r.store = store_polymorphic.store AND r.role = 'project';
    END IF;
    RETURN declared;
END
$$;
COMMENT ON FUNCTION clone.store_polymorphic(text, regclass, name, name, boolean) IS
    'Declares a reference for each table of the store that a type column names in the data; returns their number';
