-- Keys and references: those of the constraints on a store's tables, and those that were declared. Which types hold keys, and how columns
-- are compared.

CREATE TABLE clone.store_reference (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store         text COLLATE "C" NOT NULL REFERENCES clone.store ON UPDATE CASCADE ON DELETE CASCADE,
    relation      regclass NOT NULL,
    "column"      name NOT NULL,
    target        regclass NOT NULL,
    target_column name NOT NULL,
    form          text NOT NULL CHECK (form IN ('column', 'array', 'json', 'path')),
    path          text,
    condition     text,
    type_column   name,
    type_values   text[],
    reason        text NOT NULL DEFAULT 'declared',
    separators    text,
    CHECK (form IN ('column', 'array') OR path IS NOT NULL)
);
CREATE INDEX store_reference_store ON clone.store_reference (store, relation);
COMMENT ON TABLE clone.store_reference IS 'References without a foreign key; see clone.store_reference()';
COMMENT ON COLUMN clone.store_reference.form IS
    'column: the value is the key; array: each element is a key; json: keys at the JSONPath in path; path: keys between the characters in path';
COMMENT ON COLUMN clone.store_reference.separators IS 'Form json: the characters that separate keys in the texts at the path';
COMMENT ON COLUMN clone.store_reference.condition IS 'SQL condition on rows in which the column is this reference';

CREATE TABLE clone.store_membership (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store          text COLLATE "C" NOT NULL REFERENCES clone.store ON UPDATE CASCADE ON DELETE CASCADE,
    relation       regclass NOT NULL,
    columns        name[] NOT NULL,
    parent         regclass NOT NULL,
    parent_columns name[] NOT NULL,
    condition      text,
    reason         text NOT NULL DEFAULT 'declared',
    CHECK (pg_catalog.cardinality(columns) = pg_catalog.cardinality(parent_columns))
);
CREATE INDEX store_membership_store ON clone.store_membership (store, relation);
COMMENT ON TABLE clone.store_membership IS
    'Further ways in which rows belong to a project: their columns equal those of a row of parent that belongs to it; see clone.store_belongs()';

CREATE TABLE clone.store_shared (
    store    text COLLATE "C" NOT NULL REFERENCES clone.store ON UPDATE CASCADE ON DELETE CASCADE,
    relation regclass NOT NULL,
    reason   text NOT NULL DEFAULT 'set by hand',
    PRIMARY KEY (store, relation)
);
COMMENT ON TABLE clone.store_shared IS 'Tables that are not cloned, for example because all projects share their rows; see clone.store_shared()';

CREATE FUNCTION clone_internal.column_names(relation oid, numbers int2[]) RETURNS jsonb
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT jsonb_agg(a.attname ORDER BY k.place)
    FROM unnest(numbers) WITH ORDINALITY AS k (number, place)
    JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = k.number
$$;
COMMENT ON FUNCTION clone_internal.column_names(oid, int2[]) IS 'Names of columns by their numbers';

CREATE FUNCTION clone_internal.operator_name(operator oid) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT format('OPERATOR(%I.%s)', n.nspname, o.oprname) FROM pg_operator o JOIN pg_namespace n ON n.oid = o.oprnamespace WHERE o.oid = operator
$$;
COMMENT ON FUNCTION clone_internal.operator_name(oid) IS 'An operator as SQL, valid under any search_path';

-- A generated column is an expression: its value is made of other columns.
CREATE FUNCTION clone_internal.unique_columns(index_oid oid) RETURNS SETOF int2
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY WITH columns AS (
        SELECT i.indrelid, a.attnum, a.attgenerated <> '' AS generated FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum > 0
        WHERE i.indexrelid = index_oid AND (a.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1]) OR i.indexprs IS NOT NULL AND EXISTS (
            SELECT FROM pg_depend p WHERE p.classid = 'pg_class'::regclass AND p.objid = i.indexrelid AND p.refclassid = 'pg_class'::regclass
              AND p.refobjid = i.indrelid AND p.refobjsubid = a.attnum))
    )
    SELECT c.attnum FROM columns c WHERE NOT c.generated
    UNION
    -- By the column or, from version 15 on, by its expression.
    SELECT p.refobjsubid::int2 FROM columns c JOIN pg_depend p ON p.refclassid = 'pg_class'::regclass AND p.refobjid = c.indrelid AND p.refobjsubid > 0 AND p.refobjsubid <> c.attnum
    WHERE c.generated AND (p.classid = 'pg_class'::regclass AND p.objid = c.indrelid AND p.objsubid = c.attnum
        OR p.classid = 'pg_attrdef'::regclass AND p.objid = (SELECT e.oid FROM pg_attrdef e WHERE e.adrelid = c.indrelid AND e.adnum = c.attnum));
END
$$;
COMMENT ON FUNCTION clone_internal.unique_columns(oid) IS 'The numbers of the columns of which a unique index or an exclusion constraint is made';

CREATE FUNCTION clone_internal.unique_parts(index_oid oid) RETURNS jsonb
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT COALESCE(jsonb_agg(jsonb_build_object('column', CASE WHEN a.attgenerated = '' THEN a.attname END, 'value', pg_get_indexdef(i.indexrelid, n.place, false),
               'operator', clone_internal.operator_name(x.operators[n.place]),
               'differs', COALESCE((SELECT o.oprname = '<>' FROM pg_operator o WHERE o.oid = x.operators[n.place]), false)) ORDER BY n.place), '[]')
    FROM pg_index i
    CROSS JOIN LATERAL generate_series(1, i.indnkeyatts) AS n (place)
    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[n.place - 1] AND a.attnum > 0
    LEFT JOIN LATERAL (SELECT c.conexclop FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.contype = 'x') AS x (operators) ON true
    WHERE i.indexrelid = index_oid
$$;
COMMENT ON FUNCTION clone_internal.unique_parts(oid) IS 'The columns and expressions of a unique index or an exclusion constraint, and by which operators values meet';

CREATE FUNCTION clone_internal.equality(type oid) RETURNS oid
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT o.amopopr
    FROM pg_opclass c
    JOIN pg_amop o ON o.amopfamily = c.opcfamily AND o.amoplefttype = c.opcintype AND o.amoprighttype = c.opcintype AND o.amopstrategy = 3
    WHERE c.opcmethod = (SELECT m.oid FROM pg_am m WHERE m.amname = 'btree') AND c.opcdefault AND c.opcintype = type
    LIMIT 1
$$;
COMMENT ON FUNCTION clone_internal.equality(oid) IS 'The equality operator of a type''s default B-tree operator class';

-- Tables outside of a store whose foreign keys reference a table of the store, directly or through other tables.
CREATE FUNCTION clone_internal.reaching(store text) RETURNS TABLE (relation oid, via oid, depth int)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    -- Few foreign keys begin outside of a store: these are read first.
    WITH RECURSIVE outside AS MATERIALIZED (
        SELECT f.conrelid, f.confrelid FROM pg_constraint f
        JOIN pg_class c ON c.oid = f.conrelid AND NOT c.relispartition
        WHERE f.contype = 'f' AND f.conrelid <> f.confrelid
          AND f.conrelid NOT IN (SELECT r.relation::oid FROM clone.store_relation r WHERE r.store = $1)
          AND f.conrelid NOT IN (SELECT s.relation::oid FROM clone.store_shared s WHERE s.store = $1)
    ), reach (oid, via, depth) AS (
        SELECT r.relation::oid, 0::oid, 0 FROM clone.store_relation r WHERE r.store = $1
        UNION
        SELECT f.conrelid, f.confrelid, r.depth + 1
        FROM reach r JOIN outside f ON f.confrelid = r.oid
        WHERE r.depth < 8
    )
    SELECT DISTINCT ON (r.oid) r.oid, r.via, r.depth FROM reach r WHERE r.depth > 0 ORDER BY r.oid, r.depth, r.via
$$;
COMMENT ON FUNCTION clone_internal.reaching(text) IS 'Tables that a store does not describe and whose foreign keys reference its tables, directly or through others';

-- PL/pgSQL caches plans; an SQL function that another function calls is planned at each call.
CREATE FUNCTION clone_internal.base_type(type oid) RETURNS oid
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    base oid := $1;
    below oid;
    element oid;
BEGIN
    -- Called for every column of many queries: a recursive query took ten times as long.
    LOOP
        SELECT CASE WHEN t.typtype = 'd' THEN t.typbasetype END, CASE WHEN t.typcategory = 'A' THEN t.typelem END INTO below, element FROM pg_type t WHERE t.oid = base;
        IF NOT FOUND THEN
            RETURN NULL;
        END IF;
        EXIT WHEN below IS NULL;
        base := below;
    END LOOP;
    -- The elements of an array of a domain are stored as those of an array of its base type.
    IF element IS NOT NULL THEN
        base := COALESCE((SELECT NULLIF(k.typarray, 0) FROM pg_type e JOIN pg_type k ON k.oid = clone_internal.base_type(e.oid) WHERE e.oid = element AND e.typtype = 'd'), base);
    END IF;
    RETURN base;
END
$$;
COMMENT ON FUNCTION clone_internal.base_type(oid) IS 'The base type of a domain, through any number of domains, and the array of it for an array of the domain; of another type the type itself';

CREATE FUNCTION clone_internal.naming_column(referenced_index oid, columns int2[]) RETURNS int2
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
    -- A temporal key (18 and later) has the index of an exclusion constraint; its last column is a period.
    SELECT columns[cardinality(columns) - CASE WHEN EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = referenced_index AND i.indisexclusion) THEN 1 ELSE 0 END]
$$;
COMMENT ON FUNCTION clone_internal.naming_column(oid, int2[]) IS 'The last column of a foreign key that is not a period; the arguments are the referenced index and the key''s columns';

CREATE FUNCTION clone_internal.store_keys(store text) RETURNS jsonb
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
WITH described AS (
    SELECT r.relation::oid AS oid, c.relkind, format('%I.%I', n.nspname, c.relname) AS name
    FROM clone.store_relation r JOIN pg_class c ON c.oid = r.relation JOIN pg_namespace n ON n.oid = c.relnamespace WHERE r.store = $1
), foreign_keys AS (
    SELECT f.*, format('%I.%I', n.nspname, t.relname) AS target_name
    FROM pg_constraint f
    JOIN described d ON d.oid = f.conrelid
    JOIN pg_class t ON t.oid = f.confrelid
    JOIN pg_namespace n ON n.oid = t.relnamespace
    -- A foreign key to a partitioned table has one additional constraint per partition.
    WHERE f.contype = 'f'
      AND NOT EXISTS (SELECT FROM pg_constraint p WHERE p.oid = f.conparentid AND p.conrelid = f.conrelid)
), operators AS MATERIALIZED (
    -- These functions are the most expensive part: they are called once for each operator and each type.
    SELECT d.oid, clone_internal.operator_name(d.oid) AS name FROM (SELECT DISTINCT o AS oid FROM foreign_keys f CROSS JOIN LATERAL unnest(f.conpfeqop) o) d
), base_types AS MATERIALIZED (
    SELECT d.oid, clone_internal.base_type(d.oid) AS base
    FROM (SELECT DISTINCT a.atttypid AS oid FROM described r JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped) d
), columns AS (
    SELECT a.attrelid, a.attname, b.oid AS base, b.typnamespace, l.collisdeterministic,
           CASE WHEN l.oid <> '"default"'::regcollation THEN format('%I.%I', n.nspname, l.collname) END AS collation_name,
           CASE WHEN a.attgenerated = '' THEN pg_get_expr(e.adbin, e.adrelid) END AS expression,
           -- The default decides, if it takes the next number as it is. Any other makes something else of it, or takes none.
           CASE WHEN a.attidentity <> '' OR e.oid IS NULL THEN
               (SELECT p.objid FROM pg_depend p JOIN pg_class s ON s.oid = p.objid AND s.relkind = 'S'
                WHERE p.classid = 'pg_class'::regclass AND p.refclassid = 'pg_class'::regclass AND p.refobjid = a.attrelid
                  AND p.refobjsubid = a.attnum AND p.deptype IN ('i', 'a') ORDER BY p.deptype DESC LIMIT 1)
           WHEN pg_get_expr(e.adbin, e.adrelid) ~ '^[(]?nextval[(]''([^'']|'''')+''::regclass[)][)]?(::[a-z ]+([(][0-9]+[)])?)?$' THEN
               (SELECT p.refobjid FROM pg_depend p JOIN pg_class s ON s.oid = p.refobjid AND s.relkind = 'S'
                WHERE p.classid = 'pg_attrdef'::regclass AND p.objid = e.oid AND p.refclassid = 'pg_class'::regclass LIMIT 1)
           END AS sequence
    FROM described d
    JOIN pg_attribute a ON a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped
    JOIN base_types y ON y.oid = a.atttypid
    JOIN pg_type b ON b.oid = y.base
    LEFT JOIN pg_collation l ON l.oid = a.attcollation
    LEFT JOIN pg_namespace n ON n.oid = l.collnamespace
    LEFT JOIN pg_attrdef e ON e.adrelid = a.attrelid AND e.adnum = a.attnum
), told AS (
    SELECT c.*, CASE WHEN c.typnamespace <> 'pg_catalog'::regnamespace THEN clone_internal.operator_name(clone_internal.equality(c.base)) END AS equality,
           CASE WHEN c.sequence IS NOT NULL THEN (SELECT format('%I.%I', n.nspname, s.relname) FROM pg_class s JOIN pg_namespace n ON n.oid = s.relnamespace WHERE s.oid = c.sequence) END AS sequence_name
    FROM columns c
)
SELECT jsonb_build_object(
    'foreign_keys', COALESCE((
        SELECT jsonb_agg(jsonb_build_object('table', f.conrelid::bigint, 'name', f.conname, 'target', f.confrelid::bigint, 'target_name', f.target_name,
            'columns', clone_internal.column_names(f.conrelid, f.conkey), 'target_columns', clone_internal.column_names(f.confrelid, f.confkey),
            'operators', (SELECT jsonb_agg(n.name ORDER BY o.place) FROM unnest(f.conpfeqop) WITH ORDINALITY AS o (operator, place) JOIN operators n ON n.oid = o.operator))
            ORDER BY f.oid)
        FROM foreign_keys f), '[]'),
    'uniques', COALESCE((
        SELECT jsonb_agg(jsonb_build_object('table', i.indrelid::bigint, 'name', c.relname, 'exclusion', i.indisexclusion, 'expressions', i.indexprs IS NOT NULL OR EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY (i.indkey::int2[]) AND a.attgenerated <> ''),
            'nulls_meet', i.indnullsnotdistinct, 'parts', clone_internal.unique_parts(i.indexrelid),
            'predicate', pg_get_expr(i.indpred, i.indrelid),
            'columns', COALESCE((
                SELECT jsonb_agg(DISTINCT a.attname) FROM clone_internal.unique_columns(i.indexrelid) n JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = n), '[]'))
            ORDER BY i.indexrelid)
        FROM pg_index i JOIN described d ON d.oid = i.indrelid JOIN pg_class c ON c.oid = i.indexrelid
        WHERE (i.indisunique OR i.indisexclusion) AND i.indislive), '[]'),
    'columns', COALESCE((
        SELECT jsonb_agg(jsonb_build_object('table', t.attrelid::bigint, 'name', t.attname, 'equality', t.equality, 'sequence', t.sequence_name,
            'default', t.expression, 'collation', t.collation_name, 'nondeterministic', NOT COALESCE(t.collisdeterministic, true)))
        FROM told t
        WHERE t.equality IS NOT NULL OR t.sequence IS NOT NULL OR t.expression IS NOT NULL OR t.collation_name IS NOT NULL), '[]'),
    'references', COALESCE((
        SELECT jsonb_agg(jsonb_build_object('table', r.relation::oid::bigint, 'column', r."column", 'target', r.target::oid::bigint,
            'target_column', r.target_column, 'form', r.form, 'path', r.path, 'separators', r.separators, 'condition', r.condition, 'type_column', r.type_column) ORDER BY r.id)
        FROM clone.store_reference r WHERE r.store = $1), '[]'),
    'memberships', COALESCE((
        SELECT jsonb_agg(jsonb_build_object('table', m.relation::oid::bigint, 'columns', to_jsonb(m.columns), 'parent', m.parent::oid::bigint,
            'parent_columns', to_jsonb(m.parent_columns), 'condition', m.condition) ORDER BY m.id)
        FROM clone.store_membership m WHERE m.store = $1), '[]'),
    'plain', COALESCE((SELECT jsonb_agg(d.oid::bigint) FROM described d WHERE d.relkind = 'r'), '[]'),
    'shared', COALESCE((SELECT jsonb_agg(s.relation::oid::bigint) FROM clone.store_shared s WHERE s.store = $1), '[]'),
    'reaching', COALESCE((
        SELECT jsonb_agg(jsonb_build_array(r.relation::bigint, format('%I.%I', n.nspname, c.relname)) ORDER BY r.depth, r.relation)
        FROM clone_internal.reaching($1) r JOIN pg_class c ON c.oid = r.relation JOIN pg_namespace n ON n.oid = c.relnamespace), '[]'),
    'children', COALESCE((
        SELECT jsonb_agg(jsonb_build_array(format('%I.%I', n.nspname, c.relname), d.name))
        FROM pg_inherits i JOIN described d ON d.oid = i.inhparent AND d.relkind = 'r'
        JOIN pg_class c ON c.oid = i.inhrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT EXISTS (SELECT FROM described o WHERE o.oid = i.inhrelid)
          AND NOT EXISTS (SELECT FROM clone.store_shared s WHERE s.store = $1 AND s.relation::oid = i.inhrelid)), '[]'))
$$;
COMMENT ON FUNCTION clone_internal.store_keys(text) IS 'Keys, references and memberships of a store''s tables; read by the extension';

-- A cast from a type that is not PostgreSQL's own may call a function of whoever owns that type, with the rights of whoever runs the query.
-- format() calls the output function, which is a superuser's. citext and its like are stored as text, and cast without a function.
CREATE FUNCTION clone_internal.column_text(alias text, relation oid, "column" name) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    -- The texts of columns with different collations are comparable.
    RETURN (SELECT format('(%s COLLATE pg_catalog."C")', CASE -- Equal numbers have the same text.
           WHEN t.oid = 'numeric'::regtype THEN format('pg_catalog.trim_scale(%s)::pg_catalog.text', v.value)
           WHEN t.oid < 16384 OR EXISTS (SELECT FROM pg_cast c WHERE c.castsource = t.oid AND c.casttarget = 'text'::regtype AND c.castmethod = 'b') THEN v.value || '::pg_catalog.text'
           ELSE format('(CASE WHEN pg_catalog.num_nulls(%s) OPERATOR(pg_catalog.=) 0 THEN pg_catalog.format(''%%s'', %1$s) END)', v.value) END)
    FROM pg_attribute a JOIN pg_type t ON t.oid = clone_internal.base_type(a.atttypid)
    CROSS JOIN LATERAL (SELECT concat(alias || '.', quote_ident(a.attname)) AS value) v
    WHERE a.attrelid = $2 AND a.attname = $3);
END
$$;
COMMENT ON FUNCTION clone_internal.column_text(text, oid, name) IS 'The text form of a column''s value, as SQL; NULL if there is no such column';

-- A comparison of texts reads the whole table: for eight columns and eight tables of 300,000 rows that took 49 s.
CREATE FUNCTION clone_internal.equals_text(alias text, relation oid, "column" name, value text) RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (SELECT CASE
           WHEN t.oid IN ('bigint'::regtype, 'integer'::regtype, 'smallint'::regtype) THEN format('%s OPERATOR(pg_catalog.=) (CASE WHEN %s OPERATOR(pg_catalog.~) %L THEN (%2$s)::pg_catalog.int8 '
                'WHEN %2$s OPERATOR(pg_catalog.~) %4$L THEN CASE WHEN (%2$s)::pg_catalog.numeric BETWEEN (-9223372036854775808)::pg_catalog.numeric AND 9223372036854775807::pg_catalog.numeric THEN (%2$s)::pg_catalog.int8 END END)',
                v.value, $4, '^(0|-?[1-9][0-9]{0,17})$', '^-?[1-9][0-9]{18}$')
           WHEN t.oid = 'numeric'::regtype THEN format('%s OPERATOR(pg_catalog.=) (CASE WHEN %s OPERATOR(pg_catalog.~) %L THEN (%2$s)::pg_catalog.numeric END)', v.value, $4, '^(0|-?0[.][0-9]{0,99}[1-9]|-?[1-9][0-9]{0,99}([.][0-9]{0,99}[1-9])?)$')
           WHEN t.oid = 'uuid'::regtype THEN format('%s OPERATOR(pg_catalog.=) (CASE WHEN %s OPERATOR(pg_catalog.~) %L THEN (%2$s)::pg_catalog.uuid END)', v.value, $4, '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$')
           WHEN t.oid IN ('text'::regtype, 'varchar'::regtype) AND l.collisdeterministic THEN format('%s OPERATOR(pg_catalog.=) (%s COLLATE %I.%I)', v.value, $4, n.nspname, l.collname)
           ELSE format('%s OPERATOR(pg_catalog.=) (%s COLLATE pg_catalog."C")', clone_internal.column_text($1, $2, $3), $4) END
    FROM pg_attribute a JOIN pg_type t ON t.oid = clone_internal.base_type(a.atttypid)
    LEFT JOIN pg_collation l ON l.oid = a.attcollation LEFT JOIN pg_namespace n ON n.oid = l.collnamespace
    CROSS JOIN LATERAL (SELECT concat(alias || '.', quote_ident(a.attname)) AS value) v
    WHERE a.attrelid = $2 AND a.attname = $3);
END
$$;
COMMENT ON FUNCTION clone_internal.equals_text(text, oid, name, text) IS 'The condition that the text form of a column''s value is a text, as SQL that can use an index of the column; NULL if there is no such column';

CREATE FUNCTION clone_internal.family(type oid) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Most types are these: no search for the base type.
    CASE WHEN type IN (20, 21, 23) THEN RETURN 'int';
         WHEN type IN (25, 1043, 1042) THEN RETURN 'text';
         WHEN type = 2950 THEN RETURN 'uuid';
         WHEN type IN (114, 3802) THEN RETURN 'json';
         WHEN type IN (16, 17, 700, 701, 1082, 1114, 1184) THEN RETURN '';
         ELSE NULL;
    END CASE;
    RETURN (
    SELECT CASE
        -- NUMBER of Oracle and unsigned integers of MySQL arrive as numeric: keys of one kind can be of both types.
        WHEN b.oid IN (20, 21, 23) OR b.oid = 'numeric'::regtype THEN 'int'
        WHEN b.oid = 'uuid'::regtype THEN 'uuid'
        WHEN b.oid IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) THEN 'text'
        -- Another type of this name may not be stored as text.
        WHEN b.typname = 'citext' AND EXISTS (SELECT FROM pg_cast c WHERE c.castsource = b.oid AND c.casttarget = 'text'::regtype AND c.castmethod = 'b') THEN 'text'
        WHEN b.typcategory = 'A' AND b.typelem IN (20, 21, 23, 1700) THEN 'int[]'
        WHEN b.typcategory = 'A' AND (b.typelem IN ('text'::regtype, 'varchar'::regtype, 'bpchar'::regtype) OR (SELECT e.typname = 'citext' FROM pg_type e WHERE e.oid = b.typelem) AND clone_internal.family(b.typelem) = 'text') THEN 'text[]'
        WHEN b.typcategory = 'A' AND b.typelem = 'uuid'::regtype THEN 'uuid[]'
        WHEN b.oid IN ('json'::regtype, 'jsonb'::regtype) THEN 'json'
        ELSE '' END
    FROM pg_type b WHERE b.oid = clone_internal.base_type(type));
END
$$;
COMMENT ON FUNCTION clone_internal.family(oid) IS 'The kind of key that a type can hold: int (numeric too), uuid, text, arrays of them, json; else empty';

CREATE FUNCTION clone_internal.other_key_type(type oid) RETURNS boolean
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT b.oid IN ('double precision'::regtype, 'real'::regtype, 'oid'::regtype, 'name'::regtype) OR b.typtype = 'e' FROM pg_type b WHERE b.oid = clone_internal.base_type($1) $$;
COMMENT ON FUNCTION clone_internal.other_key_type(oid) IS 'Whether values of a type can be keys as texts, though references of this type are not followed';

-- The planner calls it once: it is immutable and its argument a constant.
CREATE FUNCTION clone_internal.uuid_pattern(hyphen text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT replace('[0-9a-f]{8}/[0-9a-f]{4}/[0-9a-f]{4}/[0-9a-f]{4}/[0-9a-f]{12}', '/', hyphen) $$;
COMMENT ON FUNCTION clone_internal.uuid_pattern(text) IS 'A UUID in lower case as a regular expression; the argument is that of the hyphens';

-- The condition that columns of two rows are equal, as SQL. Numbers and UUIDs are compared as such, others by their text form: so columns of
-- different types and collations can be compared. An index of the other column can be used.
CREATE FUNCTION clone_internal.equality_sql(alias text, relation regclass, "column" text, other_alias text, other regclass, other_column text) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (SELECT CASE WHEN clone_internal.family(a.atttypid) IN ('int', 'uuid') AND clone_internal.family(a.atttypid) = clone_internal.family(b.atttypid) THEN format('%s.%I = %s.%I', $4, $6, $1, $3)
           ELSE clone_internal.equals_text($4, $5, $6::name, clone_internal.column_text($1, $2, $3::name)) END
    FROM pg_attribute a, pg_attribute b WHERE a.attrelid = $2 AND a.attname = $3 AND b.attrelid = $5 AND b.attname = $6);
END
$$;
COMMENT ON FUNCTION clone_internal.equality_sql(text, regclass, text, text, regclass, text) IS 'The condition that columns of two rows are equal, as SQL';
