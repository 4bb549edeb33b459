-- The catalog: the stores, the tables of each, the role of each column, and the rules for documents. Presets fill it;
-- clone.store_table(), clone.store_column() and clone.rule() change it.
--
-- Tables are stored as regclass, so a rename does not break a store and pg_dump writes them by name. Schema and name are stored
-- too: a table that was dropped and created again has another oid, and clone.store_refresh() finds it by its name.
-- Functions are stored as text: pg_upgrade refuses a database with a column of type regprocedure.

-- This script looks up nothing in the target schema, where other roles may be allowed to create objects. SET LOCAL ends with the
-- script.
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL standard_conforming_strings = on;

CREATE SCHEMA IF NOT EXISTS clone;
COMMENT ON SCHEMA clone IS 'pg_clone_ext: stores, runs, jobs and the queue of blobs to copy';
CREATE SCHEMA IF NOT EXISTS clone_internal;
COMMENT ON SCHEMA clone_internal IS 'pg_clone_ext: internal functions; only the extension calls them';

-- EXECUTE on this function makes a role an operator: the privilege is inherited, revoked and dumped like any other.
CREATE FUNCTION clone_internal.sees_all() RETURNS boolean LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT true $$;
COMMENT ON FUNCTION clone_internal.sees_all() IS 'A role with EXECUTE sees the runs, jobs and files of all roles; see clone.allow()';

-- Parameters of functions that have a name among their arguments have its collation, C. The tables that name a store have the same:
-- otherwise no comparison with such a parameter can use their indexes, and one for each of 1,600 columns takes 0.5 ms.
CREATE TABLE clone.store (
    name        text COLLATE "C" PRIMARY KEY CHECK (name ~ '^[A-Za-z_][A-Za-z0-9_-]{0,62}$'),
    preset      text NOT NULL,
    options     jsonb NOT NULL DEFAULT '{}' CHECK (pg_catalog.jsonb_typeof(options) = 'object')
        -- A role that may read clone.store sees the options.
        CONSTRAINT store_options_hold_no_password CHECK (concat_ws(' ', options->>'cache', options->>'blobs') !~ '[a-z0-9]://[^/@ ]*:[^/@ ]+@'),
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    created_by  text NOT NULL DEFAULT current_user,
    looked_at   timestamptz
);
COMMENT ON COLUMN clone.store.looked_at IS 'When discovery examined the data; tables that are described later are examined for open questions too';
COMMENT ON TABLE clone.store IS 'Stores: sets of tables that contain projects, described by clone.store_table()';
COMMENT ON COLUMN clone.store.options IS
    'options.blobs: location of the files of the store (file:<directory>, s3://bucket/prefix, ...); options.settings: defaults of the clone options';

-- A preset is an SQL function that describes a store: it fills clone.store_relation and the related tables for that store.
CREATE TABLE clone.preset (
    name        text PRIMARY KEY,
    describe    text NOT NULL,
    comment     text
);
COMMENT ON TABLE clone.preset IS
    'Known presets; describe is a function (store text, options jsonb) returning void that fills the catalog for that store';
COMMENT ON COLUMN clone.preset.describe IS 'The function with its schema and argument types';

CREATE FUNCTION clone_internal.function_by_name(name text) RETURNS oid
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found oid := to_regprocedure(name);
BEGIN
    IF found IS NULL THEN
        RAISE EXCEPTION 'function % does not exist', name USING
            ERRCODE = '55000', HINT = 'Create it again, or change the row of clone.preset or clone.store_hook that names it.';
    END IF;
    RETURN found;
END
$$;
COMMENT ON FUNCTION clone_internal.function_by_name(text) IS 'The function that clone.preset or clone.store_hook names; error 55000 if it does not exist';

CREATE FUNCTION clone_internal.function_name(function oid) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT function::regprocedure::text $$;
COMMENT ON FUNCTION clone_internal.function_name(oid) IS 'A function with its schema and argument types, as clone_internal.function_by_name() finds it';

-- Has no search_path of its own: a name is resolved as in the session that writes it.
CREATE FUNCTION clone_internal.qualify_function() RETURNS trigger
LANGUAGE plpgsql
AS $$
DECLARE
    given pg_catalog.text;
    wanted pg_catalog.text;
    function_oid pg_catalog.oid;
    result pg_catalog.oid;
BEGIN
    IF TG_TABLE_NAME OPERATOR(pg_catalog.=) 'preset'::pg_catalog.name THEN
        given := NEW.describe;
        wanted := 'text, jsonb';
    ELSE
        given := NEW.function;
        wanted := CASE WHEN NEW.event OPERATOR(pg_catalog.=) 'finish'::pg_catalog.text THEN 'text, bigint, jsonb' ELSE 'text, jsonb' END;
    END IF;
    IF pg_catalog.strpos(given, '(') OPERATOR(pg_catalog.>) 0 THEN
        function_oid := pg_catalog.to_regprocedure(given);
    END IF;
    IF function_oid IS NULL THEN
        RAISE EXCEPTION 'function % does not exist', given USING
            ERRCODE = '42883', HINT = pg_catalog.format('Give its schema and argument types, e.g. public.my_function(%s).', wanted);
    END IF;
    SELECT p.prorettype INTO result FROM pg_catalog.pg_proc p
    WHERE p.oid OPERATOR(pg_catalog.=) function_oid AND p.prokind OPERATOR(pg_catalog.=) 'f'::pg_catalog."char"
      AND NOT p.proretset AND pg_catalog.oidvectortypes(p.proargtypes) OPERATOR(pg_catalog.=) wanted;
    IF result IS NULL THEN
        RAISE EXCEPTION 'function % cannot be used here', given USING
            ERRCODE = '22023', HINT = pg_catalog.format('Its arguments must be (%s), and it returns one value.', wanted);
    END IF;
    IF wanted OPERATOR(pg_catalog.=) 'text, bigint, jsonb'::pg_catalog.text AND result OPERATOR(pg_catalog.<>) 3802::pg_catalog.oid THEN
        RAISE EXCEPTION 'function % returns %, not jsonb', given, pg_catalog.format_type(result, NULL) USING
            ERRCODE = '22023', HINT = 'A function for the event finish returns jsonb: an array of texts, or NULL.';
    END IF;
    IF TG_TABLE_NAME OPERATOR(pg_catalog.=) 'store_hook'::pg_catalog.name THEN
        IF NEW.event OPERATOR(pg_catalog.=) 'verify'::pg_catalog.text AND result OPERATOR(pg_catalog.<>) 3802::pg_catalog.oid THEN
            RAISE EXCEPTION 'function % returns %, not jsonb', given, pg_catalog.format_type(result, NULL) USING
                ERRCODE = '22023', HINT = 'A function for the event verify returns jsonb: an array of [check, subject, expected, found, ok].';
        END IF;
    END IF;
    IF TG_TABLE_NAME OPERATOR(pg_catalog.=) 'preset'::pg_catalog.name THEN
        NEW.describe := clone_internal.function_name(function_oid);
    ELSE
        NEW.function := clone_internal.function_name(function_oid);
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION clone_internal.qualify_function() IS 'Trigger: resolves the name of a function, checks its arguments, and stores it with its schema';

CREATE TRIGGER qualify_function BEFORE INSERT OR UPDATE ON clone.preset
    FOR EACH ROW EXECUTE FUNCTION clone_internal.qualify_function();

CREATE TABLE clone.store_relation (
    store           text COLLATE "C" NOT NULL REFERENCES clone.store ON UPDATE CASCADE ON DELETE CASCADE,
    relation        regclass NOT NULL,
    role            text NOT NULL CHECK (role IN ('project', 'resource', 'derived', 'history')),
    position        int NOT NULL DEFAULT 0,
    resource_type   text,
    type_column     name,
    id_column       name,
    project_column  name,
    parents         regclass[] NOT NULL DEFAULT '{}',
    join_column     name,
    document_column name,
    version_path    text[],
    live            text,
    cloned          boolean NOT NULL DEFAULT true,
    blob_key        text,
    blob_type       text,
    comment         text,
    document_inferred boolean NOT NULL DEFAULT false,
    schema_name     name,
    table_name      name,
    PRIMARY KEY (store, relation),
    CHECK (role NOT IN ('project', 'resource') OR id_column IS NOT NULL),
    CHECK (role <> 'resource' OR (resource_type IS NULL) <> (type_column IS NULL)),
    CHECK (join_column IS NULL OR pg_catalog.cardinality(parents) > 0)
);
COMMENT ON TABLE clone.store_relation IS 'The tables of a store and how their rows belong to a project';
COMMENT ON COLUMN clone.store_relation.document_inferred IS 'true: document_column was not given and is the table''s only JSON column';
COMMENT ON COLUMN clone.store_relation.schema_name IS 'The table''s schema when the store was last described';
COMMENT ON COLUMN clone.store_relation.table_name IS 'The table''s name when the store was last described';
COMMENT ON COLUMN clone.store_relation.position IS 'Order of insertion, lowest first; a table is filled after the tables that its foreign keys reference';
COMMENT ON COLUMN clone.store_relation.resource_type IS 'Type of every resource in this table; NULL if type_column holds it';
COMMENT ON COLUMN clone.store_relation.project_column IS 'Column that holds the project''s id; NULL if rows belong through join_column';
COMMENT ON COLUMN clone.store_relation.parents IS 'Tables whose id_column the join_column references';
COMMENT ON COLUMN clone.store_relation.version_path IS 'Path of the version id in the document, e.g. {meta,versionId}';
COMMENT ON COLUMN clone.store_relation.live IS 'SQL condition on rows that are cloned unless history is full, e.g. NOT deleted';
COMMENT ON COLUMN clone.store_relation.cloned IS 'false: cloned only if resource_types contains the type';
COMMENT ON COLUMN clone.store_relation.blob_key IS 'Key of the file of each row; a text with the placeholders {id}, {version}, {project} and the names of columns in braces';
COMMENT ON COLUMN clone.store_relation.blob_type IS 'Only resources of this type have a file; NULL: all rows of the table';

CREATE TABLE clone.store_column (
    store       text COLLATE "C" NOT NULL,
    relation    regclass NOT NULL,
    name        name NOT NULL,
    type        text NOT NULL,
    role        text NOT NULL CHECK (role IN
        ('keep', 'map', 'rewrite', 'project', 'version', 'key', 'name', 'owner', 'now', 'new_uuid', 'null', 'value', 'default',
         'random', 'suffix', 'template', 'expression', 'large_object')),
    target      regclass,
    value       text,
    reason      text,
    attnum      int2,
    attrelid    oid,
    PRIMARY KEY (store, relation, name),
    FOREIGN KEY (store, relation) REFERENCES clone.store_relation ON UPDATE CASCADE ON DELETE CASCADE,
    CHECK (role NOT IN ('value', 'template', 'expression') OR value IS NOT NULL)
);
COMMENT ON TABLE clone.store_column IS 'The role of each column in a clone, and the column''s type when the store was described';
COMMENT ON COLUMN clone.store_column.attnum IS 'Its attnum when the store was described, by which a renamed column is found';
COMMENT ON COLUMN clone.store_column.attrelid IS 'The oid of the table then; of a table that was restored or created again since, attnum says nothing';
COMMENT ON COLUMN clone.store_column.role IS
    'keep: the source''s value; map: the new id that replaces the id; rewrite: the value with the ids inside replaced; project: the new '
    'project''s id; version: the new version id; key: the next value of the column''s sequence; name, owner: that argument '
    'of the call if given, otherwise the source''s value; now; new_uuid; null; value: the constant in value; '
    'default: the column''s default or generation expression; random: random letters and digits of the same length; suffix: the value, a dash and the '
    'number of the clone; template: the text in value, with {value}, {name}, {n}, {new_id}, {project}; expression: the SQL expression in value, over the source''s row; '
    'large_object: a copy of the large object';
COMMENT ON COLUMN clone.store_column.target IS 'map: the table whose key the column holds; not needed for UUIDs';
COMMENT ON COLUMN clone.store_column.reason IS 'Why the role was inferred, shown by project_clone_plan';

CREATE TABLE clone.store_rule (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    store         text COLLATE "C" NOT NULL REFERENCES clone.store ON UPDATE CASCADE ON DELETE CASCADE,
    position      int NOT NULL DEFAULT 0,
    resource_type text,
    path          text NOT NULL,
    action        text NOT NULL CHECK (action IN ('remove', 'set', 'rename', 'regenerate')),
    value         jsonb,
    "when"        text,
    unless_cloned text,
    if_given      text CHECK (if_given IN ('name', 'owner')),
    columns       text[] NOT NULL DEFAULT '{}',
    todo          text
);
COMMENT ON TABLE clone.store_rule IS 'Changes of documents in a clone: secrets are removed, subscriptions switched off, names set';
COMMENT ON COLUMN clone.store_rule.path IS 'RFC 9535 JSONPath into the document';
COMMENT ON COLUMN clone.store_rule."when" IS 'RFC 9535 filter expression over the document (@); the rule applies if it is true';
COMMENT ON COLUMN clone.store_rule.unless_cloned IS 'JSONPath; the rule is skipped if the string there identifies a resource that is cloned too';
COMMENT ON COLUMN clone.store_rule.columns IS 'Columns of the row that get the same value';
COMMENT ON COLUMN clone.store_rule.todo IS 'What the operator must do after the rule was applied; reported with the run';

-- Dependencies of a selected resource are included whatever the filters are, unless exclude_ids excludes them.
CREATE TABLE clone.store_dependency (
    store         text COLLATE "C" NOT NULL REFERENCES clone.store ON UPDATE CASCADE ON DELETE CASCADE,
    resource_type text NOT NULL,
    includes_type   text NOT NULL,
    via_column    name NOT NULL DEFAULT '',
    PRIMARY KEY (store, resource_type, includes_type, via_column)
);
COMMENT ON TABLE clone.store_dependency IS 'Resources of includes_type that are included because a cloned resource of resource_type (*: any) needs them';
COMMENT ON COLUMN clone.store_dependency.via_column IS
    'empty: resources that the document references; otherwise the column of includes_type''s table that references the resource';

-- Functions of a store that run inside the clone's transaction.
CREATE TABLE clone.store_hook (
    store    text COLLATE "C" NOT NULL REFERENCES clone.store ON UPDATE CASCADE ON DELETE CASCADE,
    event    text NOT NULL CHECK (event IN ('check', 'finish', 'verify')),
    function text NOT NULL,
    writes   regclass[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (store, event),
    CHECK (event = 'finish' OR pg_catalog.cardinality(writes) = 0)
);
CREATE TRIGGER qualify_function BEFORE INSERT OR UPDATE ON clone.store_hook
    FOR EACH ROW EXECUTE FUNCTION clone_internal.qualify_function();
COMMENT ON COLUMN clone.store_hook.function IS 'The function with its schema and argument types';
COMMENT ON COLUMN clone.store_hook.writes IS 'finish: tables whose rows of the clone the function writes; the clone itself only counts what it would write there';
COMMENT ON TABLE clone.store_hook IS
    'check: function(store text, arguments jsonb) returning void, called before anything is read, raises an error to refuse the clone; finish: function(store text, run bigint, '
    'arguments jsonb) returning jsonb (an array of texts: what the operator must do), called after the rows are copied; verify: function(store text, arguments jsonb) '
    'returning jsonb (an array of [check, subject, expected, found, ok]), called by project_clone_verify(…, columns => true). All run with the rights of the caller, '
    'who needs no EXECUTE on them. They must not read schema clone: arguments contains what they need';
