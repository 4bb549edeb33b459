-- The tables of open questions from the data, and the answer that a column or path holds no reference.

CREATE TABLE clone.store_question (
    store     text COLLATE "C" NOT NULL REFERENCES clone.store ON UPDATE CASCADE ON DELETE CASCADE,
    relation  regclass NOT NULL,
    "column"  name NOT NULL,
    path      text NOT NULL DEFAULT '',
    severity  text NOT NULL CHECK (severity IN ('error', 'warning', 'note')),
    question  text NOT NULL,
    answer    text,
    otherwise text,
    target    regclass,
    PRIMARY KEY (store, relation, "column", path)
);
COMMENT ON TABLE clone.store_question IS 'Open questions from the last check of the data of a store''s tables; clone.store_check() checks again and lists them';
COMMENT ON COLUMN clone.store_question.target IS 'The table whose keys all values are that were looked at, if the answer refers to it alone';
COMMENT ON COLUMN clone.store_question.path IS 'JSONPath in the column''s documents; empty: the column itself';

CREATE TABLE clone.store_no_reference (
    store     text COLLATE "C" NOT NULL REFERENCES clone.store ON UPDATE CASCADE ON DELETE CASCADE,
    relation  regclass NOT NULL,
    "column"  name NOT NULL,
    path      text NOT NULL DEFAULT '',
    reason    text NOT NULL DEFAULT 'set by hand',
    PRIMARY KEY (store, relation, "column", path),
    FOREIGN KEY (store, relation) REFERENCES clone.store_relation ON UPDATE CASCADE ON DELETE CASCADE
);
COMMENT ON TABLE clone.store_no_reference IS 'Columns, or paths in their documents, that hold no reference; declared by clone.store_no_reference()';

-- In place of a path: what a question is about that is no place in a document. $cloned_types and $relatives are answered in other ways than by
-- clone.store_no_reference().
CREATE FUNCTION clone_internal.question_kinds() RETURNS text[]
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '{$types,$cloned_types,$named_types,$parts,$key,$rows,$owned,$no_owner,$relatives,$parents,$forms,$unowned,$tenants,$links,$history,$numbers,$settings,$secrets,$called,$unique}'::text[] $$;
COMMENT ON FUNCTION clone_internal.question_kinds() IS 'What stands in place of a path for questions that are not about a place in documents';

-- Rows that belong by a column which only looked like a reference belong by another column with the name of a table, or in another way that
-- is declared. Without one their table, and those that belong through it alone, are not described any more; if nothing else in them names a
-- row of the store, they are no tenant's.
CREATE FUNCTION clone_internal.remove_membership_column(store text, relation regclass, "column" name) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    other record;
    gone regclass[];
BEGIN
    IF EXISTS (SELECT FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = ANY (f.conkey)
               WHERE f.contype = 'f' AND f.conrelid = remove_membership_column.relation AND a.attname = remove_membership_column."column") THEN
        RETURN;
    END IF;
    DELETE FROM clone.store_membership m
    WHERE m.store = remove_membership_column.store AND m.relation = remove_membership_column.relation AND m.columns = ARRAY[remove_membership_column."column"];
    IF NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = remove_membership_column.store AND r.relation = remove_membership_column.relation
                   AND r.join_column = remove_membership_column."column" AND r.project_column IS NULL AND r.role <> 'project') THEN
        RETURN;
    END IF;
    SELECT p.relation AS parent, a.attname AS name INTO other
    FROM pg_attribute a JOIN clone.store_relation p ON p.store = remove_membership_column.store AND p.relation <> a.attrelid
    JOIN pg_class c ON c.oid = p.relation JOIN pg_attribute i ON i.attrelid = p.relation AND i.attname = p.id_column
    WHERE a.attrelid = remove_membership_column.relation AND a.attnum > 0 AND NOT a.attisdropped
      AND clone_internal.plain(clone_internal.named_table(a.attname, false)) = clone_internal.plain(clone_internal.table_word(c.relname))
      AND clone_internal.family(a.atttypid) = clone_internal.family(i.atttypid)
      AND NOT EXISTS (SELECT FROM clone.store_no_reference n WHERE n.store = remove_membership_column.store AND n.relation = a.attrelid AND n."column" = a.attname AND n.path = '')
    ORDER BY NOT a.attnotnull, a.attnum LIMIT 1;
    IF other.parent IS NULL AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = remove_membership_column.store AND m.relation = remove_membership_column.relation) THEN
        WITH RECURSIVE below (relation) AS (
            SELECT remove_membership_column.relation
            UNION
            SELECT r.relation FROM below b JOIN clone.store_relation r ON r.store = remove_membership_column.store AND r.parents = ARRAY[b.relation] AND r.project_column IS NULL
            WHERE NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = r.store AND m.relation = r.relation)
        )
        SELECT array_agg(b.relation) INTO gone FROM below b;
        PERFORM clone.store_remove_table(store, g::text) FROM unnest(gone) g;
        PERFORM clone_internal.ask_about_data(store, false);
        DELETE FROM clone.store_question q WHERE q.store = remove_membership_column.store AND q.relation = remove_membership_column.relation AND q."column" = remove_membership_column."column";
        IF NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = remove_membership_column.store AND q.relation = remove_membership_column.relation) THEN
            PERFORM clone.store_shared(store, relation, 'names no row of the store');
        END IF;
        RETURN;
    END IF;
    UPDATE clone.store_relation r SET parents = array_remove(ARRAY[other.parent], NULL), join_column = other.name, comment = CASE WHEN other.name IS NULL THEN r.comment ELSE format('column %I by its name', other.name) END
    WHERE r.store = remove_membership_column.store AND r.relation = remove_membership_column.relation;
    PERFORM clone_internal.describe_columns(store, relation);
END
$$;
COMMENT ON FUNCTION clone_internal.remove_membership_column(text, regclass, name) IS 'Takes back that rows of a table belong by a column; they belong in another way, or their table is not described any more';

CREATE FUNCTION clone.store_no_reference(store text, relation regclass, "column" name, path text DEFAULT NULL) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM clone_internal.check_writable();
    PERFORM clone_internal.lock_store(store);
    -- What was declared before is taken back, also of a column that does not exist any more.
    DELETE FROM clone.store_reference r
    WHERE r.store = store_no_reference.store AND r.relation = store_no_reference.relation AND r."column" = store_no_reference."column"
      AND (store_no_reference.path IS NULL OR r.path = store_no_reference.path);
    IF FOUND AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = store_no_reference.relation AND a.attname = store_no_reference."column" AND NOT a.attisdropped) THEN
        RETURN;
    END IF;
    PERFORM clone_internal.check_column(relation, "column");
    IF NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = store_no_reference.store AND r.relation = store_no_reference.relation) THEN
        RAISE EXCEPTION 'store "%" has no table %', store, relation USING ERRCODE = '22023', HINT = 'Describe the table first: clone.store_table(…).';
    END IF;
    IF (path <> ALL (clone_internal.question_kinds()) OR path IN ('$cloned_types', '$relatives')) AND clone_internal.path_error(path) IS NOT NULL THEN
        RAISE EXCEPTION '% is not a JSONPath', clone_internal.quoted(path) USING ERRCODE = '22023', DETAIL = clone_internal.path_error(path), HINT = 'Give it as clone.store_check() lists it, such as $..[''order''].';
    END IF;
    INSERT INTO clone.store_no_reference (store, relation, "column", path) VALUES (store, relation, "column", COALESCE(path, ''))
    ON CONFLICT ON CONSTRAINT store_no_reference_pkey DO NOTHING;
    -- Rows do not belong by what names no row.
    IF COALESCE(path, '') = '' THEN
        PERFORM clone_internal.remove_membership_column(store, relation, "column");
    END IF;
END
$$;
COMMENT ON FUNCTION clone.store_no_reference(text, regclass, name, text) IS
    'Declares that a column, or a path in its documents, holds no reference: its values are kept, and no question is asked';

-- Whether a column, or a path in its documents, is declared.
CREATE FUNCTION clone_internal.answered(store text, relation regclass, "column" name, path text) RETURNS boolean
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RETURN (
    -- $..['k'], as discovery has it, is written as $.k, $['k'] or $..k, too.
    SELECT EXISTS (SELECT FROM clone.store_reference r WHERE r.store = $1 AND r.relation = $2 AND r."column" = $3 AND ($4 = '' OR r.path IN ($4, regexp_replace($4, E'^[$][.][.][[]\'([^\']+)\'[]]', E'$.\\1'), regexp_replace($4, E'^[$][.][.][[]\'([^\']+)\'[]]', E'$[\'\\1\']'), regexp_replace($4, E'^[$][.][.][[]\'([^\']+)\'[]]', E'$..\\1'))))
        OR EXISTS (SELECT FROM clone.store_no_reference n WHERE n.store = $1 AND n.relation = $2 AND n."column" = $3 AND n.path IN ('', $4))
        OR EXISTS (SELECT FROM clone.store_column c WHERE c.store = $1 AND c.relation = $2 AND c.name = $3 AND c.reason = 'set by hand' AND ($4 = '' OR c.role NOT IN ('rewrite', 'map'))
                   -- Discovery gives unique texts their role.
                   AND NOT ($4 = '$unique' AND c.role IN ('suffix', 'random'))));
END
$$;
COMMENT ON FUNCTION clone_internal.answered(text, regclass, name, text) IS 'Whether a column, or a path in its documents, is declared a reference or none';

CREATE FUNCTION clone_internal.reference_call(store text, relation regclass, "column" name, target regclass, path text, separators text DEFAULT NULL) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('SELECT clone.store_reference(%L, %L, %L, %L', $1, $2::text, $3, $4::text)
        || CASE WHEN $5 <> '' THEN format(', path => %L', $5) ELSE '' END
        || CASE WHEN $6 IS NOT NULL THEN format(', separators => %L', $6) ELSE '' END || ');'
$$;
COMMENT ON FUNCTION clone_internal.reference_call(text, regclass, name, regclass, text, text) IS 'The call that declares a reference, as SQL';

CREATE FUNCTION clone_internal.keep_call(store text, relation regclass, "column" name, path text) RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE -- A column by which rows belong cannot be kept: they belong in another way then.
                WHEN $4 = '' AND (EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = $2 AND r.join_column = $3)
                                  OR EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = $2 AND $3 = ANY (m.columns))) THEN format('SELECT clone.store_no_reference(%L, %L, %L);', $1, $2::text, $3)
                -- A clone cannot have the values of a unique column.
                WHEN $4 = '' AND EXISTS (SELECT FROM pg_index u JOIN pg_attribute a ON a.attrelid = u.indrelid AND a.attnum = u.indkey[0] AND a.attname = $3 WHERE u.indrelid = $2 AND u.indisunique AND u.indislive AND u.indnkeyatts = 1
                                         AND clone_internal.family(a.atttypid) = 'text')
                     AND NOT EXISTS (SELECT FROM clone.store_relation r WHERE r.store = $1 AND r.relation = $2 AND r.id_column = $3)
                     THEN format('SELECT clone.store_column(%L, %L, %L, ''suffix'');', $1, $2::text, $3)
                WHEN $4 = '' THEN format('SELECT clone.store_column(%L, %L, %L, ''keep'');', $1, $2::text, $3)
                ELSE format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, $2::text, $3, $4) END
$$;
COMMENT ON FUNCTION clone_internal.keep_call(text, regclass, name, text) IS 'The call that declares that a column or path holds no reference, as SQL; of a unique column that its values get a suffix';
