-- Declarations for what constraints do not express: references, memberships, shared tables.

CREATE FUNCTION clone_internal.type_names(relation regclass) RETURNS text[]
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    -- order_items: OrderItem (Rails), order_item, orderitem (Django), orderItem; with and without the application's name as prefix.
    SELECT array_agg(DISTINCT v.name)
    FROM pg_class c
    CROSS JOIN LATERAL (SELECT clone_internal.snake(c.relname) AS plural, clone_internal.snake(clone_internal.singular(c.relname)) AS one) w
    CROSS JOIN LATERAL (VALUES (c.relname::text), (w.plural), (w.one), (replace(w.one, '_', '')), (replace(initcap(replace(w.one, '_', ' ')), ' ', '')),
        (replace(initcap(replace(w.plural, '_', ' ')), ' ', '')),
        (replace(initcap(replace(regexp_replace(w.one, '_', '::'), '_', ' ')), ' ', ''))) AS v (name)
    WHERE c.oid = relation
$$;
COMMENT ON FUNCTION clone_internal.type_names(regclass) IS 'The values by which a type column can identify a table';

-- Constraints are not inherited, but the column and its default are: rows of a child have keys among those of the parent.
CREATE FUNCTION clone_internal.inherited_key(relation regclass) RETURNS name
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE above (oid, depth) AS (
        SELECT $1::oid, 0
        UNION ALL
        SELECT i.inhparent, a.depth + 1 FROM above a JOIN pg_inherits i ON i.inhrelid = a.oid JOIN pg_class c ON c.oid = i.inhparent AND c.relkind = 'r' WHERE a.depth < 16
    )
    SELECT a.attname
    FROM above p
    JOIN pg_index i ON i.indrelid = p.oid AND i.indisunique AND i.indislive AND i.indnkeyatts = 1 AND i.indpred IS NULL
    JOIN pg_attribute k ON k.attrelid = p.oid AND k.attnum = i.indkey[0]
    JOIN pg_attribute a ON a.attrelid = $1 AND a.attname = k.attname AND a.attinhcount > 0 AND NOT a.attisdropped
    WHERE p.depth > 0 AND (i.indisprimary OR k.attnotnull AND k.atttypid IN (20, 21, 23, 25, 1043, 2950))
      AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = p.oid AND k.attnum = ANY (f.conkey))
    ORDER BY p.depth, NOT i.indisprimary, i.indexrelid
    LIMIT 1
$$;
COMMENT ON FUNCTION clone_internal.inherited_key(regclass) IS 'The column that is the key of a table from which this one inherits it; NULL if there is none';

CREATE FUNCTION clone_internal.has_sequence(relation regclass, number int2) RETURNS boolean
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN EXISTS (SELECT FROM pg_depend p JOIN pg_class s ON s.oid = p.objid AND s.relkind = 'S'
                   WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass AND p.refobjid = relation AND p.refobjsubid = number AND p.deptype IN ('i', 'a'));
END
$$;
COMMENT ON FUNCTION clone_internal.has_sequence(regclass, int2) IS 'Whether a column has a sequence of its own: identity, serial';

CREATE FUNCTION clone_internal.key_of(relation regclass, other_than name DEFAULT NULL) RETURNS name
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN COALESCE((
    -- The primary key. Of a composite one: the column that refers to nothing, has the type of a key and, preferably, is called id or gets
    -- its values from a sequence.
    SELECT a.attname
    FROM pg_index i
    CROSS JOIN LATERAL unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.number
    JOIN pg_type b ON b.oid = a.atttypid
    WHERE i.indrelid = relation AND i.indisprimary AND (i.indnkeyatts = 1 OR a.attname IS DISTINCT FROM other_than)
    ORDER BY EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = relation AND f.contype = 'f' AND k.number = ANY (f.conkey)),
             b.typcategory NOT IN ('N', 'S', 'U'), a.attname <> 'id', NOT clone_internal.has_sequence(relation, a.attnum), k.place DESC
    LIMIT 1), (
    -- Without a primary key: a unique column, a column id of a composite unique key, or a UUID called id.
    SELECT a.attname
    FROM pg_index i
    JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) AND a.attnotnull
    WHERE i.indrelid = relation AND i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL AND (i.indnkeyatts = 1 OR a.attname = 'id')
      AND a.atttypid IN (20, 21, 23, 25, 1043, 2950) AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.conrelid = relation AND f.contype = 'f' AND a.attnum = ANY (f.conkey))
    ORDER BY a.attname <> 'id', i.indnkeyatts, i.indexrelid
    LIMIT 1), (SELECT a.attname FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = 'id' AND a.atttypid = 2950 AND a.attnotnull),
    clone_internal.inherited_key(relation), (
    -- Nothing makes it unique, but its sequence is its own.
    SELECT a.attname FROM pg_attribute a
    WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attnotnull AND clone_internal.has_sequence(relation, a.attnum)
      AND NOT EXISTS (SELECT FROM pg_index i WHERE i.indrelid = relation AND i.indisprimary)
    ORDER BY a.attname <> 'id', a.attnum LIMIT 1));
END
$$;
COMMENT ON FUNCTION clone_internal.key_of(regclass, name) IS 'The column that identifies the rows of a table, other than the tenant''s column; NULL if there is none';

CREATE FUNCTION clone_internal.check_column(relation regclass, "column" name) RETURNS oid
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    type oid;
BEGIN
    PERFORM clone_internal.check_table(relation, 'relation');
    SELECT clone_internal.base_type(a.atttypid) INTO type FROM pg_attribute a
    WHERE a.attrelid = relation AND a.attname = "column" AND a.attnum > 0 AND NOT a.attisdropped;
    IF type IS NULL THEN
        RAISE EXCEPTION 'table % has no column %', relation, clone_internal.quoted("column"::text) USING
            ERRCODE = '22023',
            HINT = 'Columns: ' || (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
                WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped) || '.';
    END IF;
    RETURN type;
END
$$;
COMMENT ON FUNCTION clone_internal.check_column(regclass, name) IS 'The base type of a column; error 22023 if it does not exist';

CREATE FUNCTION clone_internal.check_project_column(store text, relation regclass, "column" name) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    tenants regclass;
    key name;
BEGIN
    -- A foreign key says which column of the tenants it is. Children can be on another server.
    IF EXISTS (SELECT FROM pg_inherits i WHERE i.inhparent = relation) OR NOT has_table_privilege(relation, 'SELECT') OR (SELECT c.relkind NOT IN ('r', 'p') FROM pg_class c WHERE c.oid = relation)
       OR EXISTS (SELECT FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey)
                  WHERE f.contype = 'f' AND f.conrelid = relation AND a.attname = "column") THEN
        RETURN;
    END IF;
    SELECT r.relation INTO tenants FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation AND c.relkind IN ('r', 'p')
    WHERE r.store = check_project_column.store AND r.role = 'project' AND has_table_privilege(r.relation, 'SELECT');
    key := CASE WHEN tenants IS NOT NULL THEN clone_internal.other_tenant_key(store, relation, "column") END;
    IF key IS NOT NULL THEN
        RAISE EXCEPTION 'column "%" of table % holds values of column "%" of %, not keys', "column", relation, key, tenants USING
            ERRCODE = '22023', HINT = format('Describe it by that column: %s', clone_internal.tenant_call(store, relation, "column", tenants, key, false));
    END IF;
END
$$;
COMMENT ON FUNCTION clone_internal.check_project_column(text, regclass, name) IS 'Error 22023 if a column that is given as the tenant''s key holds another unique value of the tenants';

CREATE FUNCTION clone_internal.check_condition(relation regclass, condition text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    rows refcursor;
BEGIN
    IF condition IS NOT NULL THEN
        -- A text that is not one expression is wrong in one of the places. A cursor takes one statement, and reads no row before it is asked.
        OPEN rows FOR EXECUTE format(E'SELECT FROM %1$s AS t WHERE (%2$s\n) AND CASE WHEN true THEN %2$s\n END AND (%2$s)', relation, condition);
        CLOSE rows;
    END IF;
EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported OR program_limit_exceeded OR invalid_schema_name THEN
    IF SQLSTATE = '42501' THEN
        RAISE;
    END IF;
    RAISE EXCEPTION 'the condition % cannot be used on %: %', clone_internal.quoted(condition::text), relation, SQLERRM USING
        ERRCODE = '22023', HINT = 'Give an SQL condition on the columns of the table; functions and types of other schemas with their schema.';
END
$$;
COMMENT ON FUNCTION clone_internal.check_condition(regclass, text) IS 'Checks an SQL condition on the rows of a table; error 22023 if it is not valid';

CREATE FUNCTION clone_internal.check_expression(relation regclass, "column" name, expression text) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    type text := (SELECT format_type(a.atttypid, a.atttypmod) FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = "column" AND NOT a.attisdropped);
    rows refcursor;
BEGIN
    -- As in check_condition(). In WHERE there are no aggregates, window functions and sets of rows.
    OPEN rows FOR EXECUTE format(E'SELECT (%2$s\n)::%3$s FROM %1$s AS t WHERE CASE WHEN true THEN %2$s\n END IS NOT NULL AND (%2$s) IS NOT NULL', relation, expression, type);
    CLOSE rows;
EXCEPTION WHEN syntax_error_or_access_rule_violation OR data_exception OR feature_not_supported OR program_limit_exceeded OR invalid_schema_name THEN
    IF SQLSTATE = '42501' THEN
        RAISE;
    END IF;
    RAISE EXCEPTION 'the expression % cannot give column % of % its values: %', clone_internal.quoted(expression), "column", relation, SQLERRM USING
        ERRCODE = '22023', HINT = format('Give one SQL expression of type %s on the columns of the table; functions and types of other schemas with their schema.', type);
END
$$;
COMMENT ON FUNCTION clone_internal.check_expression(regclass, name, text) IS 'Checks an SQL expression for the values of a column; error 22023 if it is not valid';

CREATE FUNCTION clone_internal.check_reference(
    relation regclass, "column" name, target regclass, target_column name, form text, path text, separators text, type_column name DEFAULT NULL, condition text DEFAULT NULL
) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    type oid := clone_internal.check_column(relation, "column");
BEGIN
    PERFORM clone_internal.check_table(target, 'target');
    PERFORM clone_internal.check_column(target, target_column);
    IF (form IN ('json', 'path')) <> (path IS NOT NULL) THEN
        RAISE EXCEPTION 'a reference of the form % %', form, CASE WHEN path IS NULL THEN 'needs a path' ELSE 'has no path' END USING
            ERRCODE = '22023', HINT = 'Forms: column, array; json with a JSONPath in path; path with the separators in path.';
    END IF;
    IF form = 'json' AND clone_internal.path_error(path) IS NOT NULL THEN
        RAISE EXCEPTION '% is not a JSONPath', clone_internal.quoted(path::text) USING
            ERRCODE = '22023', DETAIL = clone_internal.path_error(path), HINT = 'path is a JSONPath (RFC 9535) such as $.customer_id or $.items[*].sku, in a column of type json, jsonb or text.';
    END IF;
    IF form = 'json' AND type NOT IN ('json'::regtype, 'jsonb'::regtype, 'text'::regtype, 'varchar'::regtype) THEN
        RAISE EXCEPTION 'the path % cannot be used on column % of type %', clone_internal.quoted(path::text), "column", type::regtype USING
            ERRCODE = '22023', HINT = 'Documents stand in columns of type json, jsonb, text and varchar.';
    END IF;
    IF form = 'array' AND NOT EXISTS (SELECT FROM pg_type t WHERE t.oid = type AND (clone_internal.family(t.typelem) IN ('int', 'text', 'uuid') OR clone_internal.other_key_type(t.typelem)
            OR t.typelem <> 0 AND t.typelem = clone_internal.base_type((SELECT k.atttypid FROM pg_attribute k WHERE k.attrelid = target AND k.attname = target_column)))) THEN
        RAISE EXCEPTION 'column % has type %, whose elements cannot be keys', "column", type::regtype USING
            ERRCODE = '22023', HINT = 'The elements can be of an integer type, numeric, uuid, a text type, or the type of the key.';
    END IF;
    IF form = 'path' AND NOT (type IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype, 'xml'::regtype, 'text[]'::regtype, 'varchar[]'::regtype) OR type::regtype::text ~ '(^|[.])(ltree|citext|hstore)$') THEN
        RAISE EXCEPTION 'column % has type %, which holds no path', "column", type::regtype USING
            ERRCODE = '22023', HINT = 'Keys between separators stand in text, varchar, character, citext, ltree, hstore, xml and arrays of text; in a document give path as well.';
    END IF;
    IF form = 'column' AND (type IN ('json'::regtype, 'jsonb'::regtype, 'xml'::regtype) OR (SELECT t.typcategory FROM pg_type t WHERE t.oid = type) = 'A') THEN
        RAISE EXCEPTION 'column % has type %, whose values cannot be keys', "column", type::regtype USING
            ERRCODE = '22023', HINT = 'For keys inside a document give path => ''$.…'', for keys between other characters separators => ''…''.';
    END IF;
    IF type_column IS NOT NULL THEN
        PERFORM clone_internal.check_column(relation, type_column);
    END IF;
    PERFORM clone_internal.check_condition(relation, condition);
END
$$;
COMMENT ON FUNCTION clone_internal.check_reference(regclass, name, regclass, name, text, text, text, name, text) IS
    'Checks a declared reference: that its columns exist, and that its form fits the type of the column; error 22023';

CREATE FUNCTION clone_internal.relatives_of(relation regclass) RETURNS regclass[]
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE family (oid) AS (
        SELECT $1::oid UNION
        SELECT CASE WHEN i.inhrelid = f.oid THEN i.inhparent ELSE i.inhrelid END FROM family f JOIN pg_inherits i ON f.oid IN (i.inhrelid, i.inhparent)
    )
    SELECT array_agg(f.oid::regclass ORDER BY f.oid) FROM family f
$$;
COMMENT ON FUNCTION clone_internal.relatives_of(regclass) IS 'A table and all that inherit from it or from which it inherits, through any number of tables';

CREATE FUNCTION clone.store_reference(
    store text, relation regclass, "column" name, target regclass, target_column name DEFAULT NULL, path text DEFAULT NULL,
    separators text DEFAULT NULL, condition text DEFAULT NULL, type_column name DEFAULT NULL, type_values text[] DEFAULT NULL,
    belongs boolean DEFAULT false
) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    type oid;
    form text;
    types text;
    content_types regclass;
    number bigint;
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.lock_store(store);
    PERFORM clone_internal.follow_before_declaring(store, relation);
    type := clone_internal.check_column(relation, "column");
    PERFORM clone_internal.check_table(target, 'target');
    target_column := COALESCE(target_column, (SELECT r.id_column FROM clone.store_relation r WHERE r.store = store_reference.store AND r.relation = target),
        clone_internal.key_of(target));
    IF target_column IS NULL THEN
        RAISE EXCEPTION 'table % has no primary key or unique key', target USING ERRCODE = '22023', HINT = 'Specify the referenced column: target_column => ''…''.';
    END IF;
    form := CASE WHEN path IS NOT NULL THEN 'json' WHEN separators IS NOT NULL THEN 'path'
                 WHEN (SELECT t.typcategory FROM pg_type t WHERE t.oid = type) = 'A' THEN 'array' ELSE 'column' END;
    PERFORM clone_internal.check_reference(relation, "column", target, target_column, form, COALESCE(path, separators), separators);
    -- Columns are compared as a whole.
    IF belongs AND form = 'path' THEN
        RAISE EXCEPTION 'rows of % cannot belong by a part of the values of column %', relation, clone_internal.quoted("column"::text) USING
            ERRCODE = '22023', HINT = format('Describe the table by a column with the key alone, such as a generated one: GENERATED ALWAYS AS (pg_catalog.split_part(%I, %L, 2)) STORED.', "column", left(separators, 1));
    END IF;
    IF form = 'array' AND type IN ('int2[]'::regtype, 'int4[]'::regtype, 'int8[]'::regtype) AND condition IS NULL AND type_column IS NULL AND EXISTS (
        SELECT FROM clone.store_reference r WHERE r.store = store_reference.store AND r.relation = store_reference.relation AND r."column" = store_reference."column"
           AND r.form = 'array' AND (r.target, r.target_column) <> (store_reference.target, store_reference.target_column) AND r.condition IS NULL
           -- Tables that inherit from each other take their keys from one sequence; a number that is a key of two of them is an error of the run.
           AND NOT r.target = ANY (clone_internal.relatives_of(store_reference.target))) THEN
        RAISE EXCEPTION 'the numbers in column % cannot be keys of two tables', "column" USING
            ERRCODE = '22023', HINT = 'Say with condition => ''…'' which rows hold keys of which table.';
    END IF;
    IF type_column IS NOT NULL THEN
        IF clone_internal.check_column(relation, type_column) IN (20, 21, 23) AND type_values IS NULL THEN
            -- Django: the value is the id of a row of django_content_type.
            SELECT c.oid INTO content_types FROM pg_class c WHERE c.relname = 'django_content_type'
            ORDER BY c.relnamespace = (SELECT o.relnamespace FROM pg_class o WHERE o.oid = relation) DESC LIMIT 1;
            IF content_types IS NULL THEN
                RAISE EXCEPTION 'column % holds numbers, but there is no table django_content_type that explains them', type_column USING
                    ERRCODE = '22023', HINT = 'Give the numbers that mean the target with type_values => ''{…}''.';
            END IF;
            types := format('%I = ANY (SELECT c.id FROM %s AS c WHERE pg_catalog.concat(c.app_label, ''_'', c.model) = %L OR c.model = ANY (%L::text[]))',
                type_column, content_types, (SELECT c.relname FROM pg_class c WHERE c.oid = target), clone_internal.type_names(target));
            type_values := '{}';
        ELSE
            type_values := COALESCE(type_values, clone_internal.type_names(target));
            types := format('%s = ANY (%L::pg_catalog.text[])', clone_internal.column_text(NULL, relation, type_column), type_values);
        END IF;
    END IF;
    -- By itself first: within the whole its parentheses could be those of another part.
    PERFORM clone_internal.check_condition(relation, condition);
    condition := CASE WHEN types IS NULL THEN condition WHEN condition IS NULL THEN types ELSE format('(%s) AND (%s)', types, condition) END;
    PERFORM clone_internal.check_condition(relation, condition);
    DELETE FROM clone.store_reference r
    WHERE r.store = store_reference.store AND r.relation = store_reference.relation AND r."column" = store_reference."column" AND r.target = store_reference.target
      AND r.path IS NOT DISTINCT FROM COALESCE(store_reference.path, store_reference.separators) AND r.condition IS NOT DISTINCT FROM store_reference.condition;
    DELETE FROM clone.store_no_reference n
    WHERE n.store = store_reference.store AND n.relation = store_reference.relation AND n."column" = store_reference."column" AND n.path IN ('', COALESCE(store_reference.path, ''));
    -- A question about further types of the pair, or about a pair in documents; the next look asks again.
    DELETE FROM clone.store_question q
    WHERE q.store = store_reference.store AND q.relation = store_reference.relation AND q."column" = store_reference."column"
      AND (q.path = ANY ('{$types,$cloned_types,$named_types}') OR (strpos(q.path, '["') > 0 OR q.path = '$..[?@[0]][1]') AND strpos(q.answer, format('path => %L', store_reference.path)) > 0);
    -- What was declared last is true: a column that was to be kept, or to get another value, follows the reference.
    DELETE FROM clone.store_column c
    WHERE c.store = store_reference.store AND c.relation = store_reference.relation AND c.name = store_reference."column" AND c.reason = 'set by hand'
      AND EXISTS (SELECT FROM clone.store s WHERE s.name = c.store AND s.preset IN ('custom', 'discover'))
      AND store_reference.condition IS NULL AND c.role IN ('keep', 'now', 'null', 'value', 'random', 'suffix', 'template', 'expression', 'new_uuid');
    IF FOUND THEN
        PERFORM clone_internal.describe_columns(store, relation);
    END IF;
    INSERT INTO clone.store_reference AS r (store, relation, "column", target, target_column, form, path, condition, type_column, type_values, separators)
    VALUES (store, relation, "column", target, target_column, form, COALESCE(path, separators), condition, type_column, type_values, CASE WHEN form = 'json' THEN separators END)
    RETURNING r.id INTO number;
    IF belongs THEN
        PERFORM clone.store_belongs(store, relation, ARRAY["column"], target, ARRAY[target_column], condition);
    END IF;
    -- Its rows may belong through each other.
    IF relation = target THEN
        PERFORM clone_internal.ask_about_own_rows(store, relation);
    END IF;
    IF condition IS NULL AND EXISTS (SELECT FROM pg_inherits i WHERE target::oid IN (i.inhrelid, i.inhparent)) THEN
        PERFORM clone_internal.ask_about_relatives(store, relation);
    END IF;
    RETURN number;
END
$$;
COMMENT ON FUNCTION clone.store_reference(text, regclass, name, regclass, name, text, text, text, name, text[], boolean) IS
    'Declares a reference without a foreign key: in a column, an array, at a JSONPath of a document, in the segments of a path, or in a polymorphic pair. Returns its number';

CREATE FUNCTION clone.store_belongs(
    store text, relation regclass, columns name[], parent regclass, parent_columns name[] DEFAULT NULL, condition text DEFAULT NULL
) RETURNS bigint
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c name;
    wrong text;
    number bigint;
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.lock_store(store);
    PERFORM clone_internal.check_table(relation, 'relation');
    PERFORM clone_internal.check_table(parent, 'parent');
    PERFORM clone_internal.follow_before_declaring(store, relation);
    PERFORM clone_internal.check_given('columns', columns IS NOT NULL, 'Name the columns that hold the key of the parent: ''{order_id}''.');
    parent_columns := COALESCE(parent_columns, ARRAY[clone_internal.key_of(parent)]);
    IF cardinality(columns) <> cardinality(parent_columns) OR cardinality(columns) = 0 THEN
        RAISE EXCEPTION '% columns cannot be matched with % columns', cardinality(columns), cardinality(parent_columns) USING
            ERRCODE = '22023', HINT = 'Give as many parent_columns as columns.';
    END IF;
    FOREACH c IN ARRAY columns LOOP
        PERFORM clone_internal.check_column(relation, c);
    END LOOP;
    FOREACH c IN ARRAY parent_columns LOOP
        PERFORM clone_internal.check_column(parent, c);
    END LOOP;
    IF parent = relation AND EXISTS (SELECT FROM clone.store_relation r WHERE r.store = store_belongs.store AND r.relation = store_belongs.relation AND r.role = 'project') THEN
        RAISE EXCEPTION 'rows of table % are the tenants, which belong to nothing', relation USING
            ERRCODE = '22023', HINT = 'A clone stands beside its source: say with clone.store_column(…) whether the column is kept or set to NULL.';
    END IF;
    IF parent = relation AND clone_internal.key_of(relation) IS NULL
       AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = store_belongs.store AND r.relation = store_belongs.relation AND r.id_column IS NOT NULL) THEN
        RAISE EXCEPTION 'rows of table % cannot belong through rows of the same table, because it has no key', relation USING
            ERRCODE = '22023', HINT = 'Add a primary key of one column to the table.';
    END IF;
    SELECT format('column "%s" of table %s has type %s, column "%s" of table %s has type %s', a.attname, relation, format_type(a.atttypid, a.atttypmod),
                  b.attname, parent, format_type(b.atttypid, b.atttypmod)) INTO wrong
    FROM unnest(columns, parent_columns) WITH ORDINALITY AS u (name, parent_name, n)
    JOIN pg_attribute a ON a.attrelid = relation AND a.attname = u.name JOIN pg_attribute b ON b.attrelid = parent AND b.attname = u.parent_name
    -- A text may hold keys of any type.
    WHERE clone_internal.base_type(a.atttypid) <> clone_internal.base_type(b.atttypid) AND clone_internal.family(a.atttypid) <> 'text'
      AND NOT (clone_internal.family(a.atttypid) = clone_internal.family(b.atttypid) AND clone_internal.family(a.atttypid) <> '')
      -- A list of the rows that a row of the same table owns.
      AND NOT (parent = relation AND clone_internal.family(b.atttypid) = clone_internal.family(a.atttypid) || '[]')
    ORDER BY u.n LIMIT 1;
    IF wrong IS NOT NULL THEN
        RAISE EXCEPTION '%', wrong USING ERRCODE = '22023', HINT = 'Name columns of the same type: the parent''s is the key that the column holds.';
    END IF;
    PERFORM clone_internal.check_condition(relation, condition);
    DELETE FROM clone.store_membership m WHERE m.store = store_belongs.store AND m.relation = store_belongs.relation AND m.columns = store_belongs.columns
      AND m.parent = store_belongs.parent AND m.parent_columns = store_belongs.parent_columns AND m.condition IS NOT DISTINCT FROM store_belongs.condition;
    INSERT INTO clone.store_membership AS m (store, relation, columns, parent, parent_columns, condition)
    VALUES (store, relation, columns, parent, parent_columns, condition) RETURNING m.id INTO number;
    -- Questions about rows that belong to nobody, or to two; the next look asks again.
    DELETE FROM clone.store_question q WHERE q.store = store_belongs.store AND q.relation = store_belongs.relation AND q.path = ANY ('{$unowned,$tenants}');
    RETURN number;
END
$$;
COMMENT ON FUNCTION clone.store_belongs(text, regclass, name[], regclass, name[], text) IS
    'Adds a way in which rows of a table belong to a project: their columns equal parent_columns of a row of parent that belongs to it. Returns its number';

CREATE FUNCTION clone.store_shared(store text, relation regclass, reason text DEFAULT 'set by hand') RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.lock_store(store);
    PERFORM clone_internal.check_table(relation, 'relation');
    PERFORM clone_internal.check_given('reason', reason IS NOT NULL, 'Say why in a few words, or leave it out.');
    IF EXISTS (SELECT FROM clone.store_relation r WHERE r.store = store_shared.store AND r.relation = store_shared.relation) THEN
        RAISE EXCEPTION 'table % is described in store "%", so its rows are cloned', relation, store USING
            ERRCODE = '22023', HINT = format('To leave its rows to all projects, take the description out first: SELECT clone.store_remove_table(%L, %L);', store, relation::text);
    END IF;
    INSERT INTO clone.store_shared (store, relation, reason) VALUES (store, relation, reason)
    ON CONFLICT ON CONSTRAINT store_shared_pkey DO UPDATE SET reason = EXCLUDED.reason;
END
$$;
COMMENT ON FUNCTION clone.store_shared(text, regclass, text) IS
    'Declares that a table is not cloned, for example because all projects share its rows; references to it are kept';
