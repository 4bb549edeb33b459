-- The catalog of a store and the current definitions of its tables as one JSON value: the input of the planner.
-- "differences" lists where the two do not match; then a run is refused (55000).

CREATE FUNCTION clone_internal.base_type_name(type oid) RETURNS text
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH RECURSIVE below (oid, typmod, depth) AS (
        SELECT $1, -1, 0
        UNION ALL
        SELECT t.typbasetype, t.typtypmod, b.depth + 1 FROM below b JOIN pg_type t ON t.oid = b.oid AND t.typtype = 'd'
    )
    -- citext is identified by its name and storage: another type of that name may not be stored as text.
    SELECT CASE WHEN t.typname = 'citext' AND NOT EXISTS (SELECT FROM pg_cast c WHERE c.castsource = t.oid AND c.casttarget = 'text'::regtype AND c.castmethod = 'b')
                THEN (SELECT format('%I."citext"', n.nspname) FROM pg_namespace n WHERE n.oid = t.typnamespace)
                WHEN t.typcategory = 'A' AND EXISTS (SELECT FROM pg_type e WHERE e.oid = t.typelem AND e.typtype = 'd') THEN format_type(clone_internal.base_type(b.oid), NULL)
                ELSE format_type(b.oid, b.typmod) END
    FROM below b JOIN pg_type t ON t.oid = b.oid ORDER BY b.depth DESC LIMIT 1
$$;
COMMENT ON FUNCTION clone_internal.base_type_name(oid) IS 'The type as which a domain, through any number of domains, is stored';

CREATE FUNCTION clone_internal.store_description(store text) RETURNS jsonb
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    RETURN (WITH described AS (
        SELECT r.*, c.oid AS oid, c.relkind, c.relam, c.relispartition, c.relhasrules, c.relhassubclass, c.relfilenode, n.nspname, c.relname,
               -- The table that now has the recorded name of this one.
               (SELECT o.oid FROM pg_class o JOIN pg_namespace m ON m.oid = o.relnamespace
                WHERE m.nspname = r.schema_name AND o.relname = r.table_name) AS namesake
        FROM clone.store_relation r
        LEFT JOIN pg_class c ON c.oid = r.relation
        LEFT JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE r.store = $1
    ), live AS (
        SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnum,
               CASE WHEN t.typtype = 'd' OR t.typname = 'citext' THEN clone_internal.base_type_name(t.oid)
                    WHEN t.typcategory = 'A' AND e.typtype = 'd' AND clone_internal.base_type(t.oid) <> t.oid THEN clone_internal.base_type_name(e.oid) || '[]'
                    ELSE format_type(a.atttypid, a.atttypmod) END AS base, a.attgenerated, a.atthasdef, a.attidentity, a.attnotnull
        FROM pg_attribute a
        JOIN described d ON d.oid = a.attrelid
        JOIN pg_type t ON t.oid = a.atttypid
        LEFT JOIN pg_type e ON e.oid = t.typelem
        WHERE a.attnum > 0 AND NOT a.attisdropped
    ), joined AS (
        SELECT COALESCE(c.relation::oid, l.attrelid) AS oid, c.name AS described_name, l.attname AS live_name, c.type AS described_type,
               l.type AS live_type, l.base, c.role, c.target, c.value, c.reason, k.conrelid IS NOT NULL AS in_foreign_key, l.attnum, l.attgenerated, l.atthasdef, l.attidentity, l.attnotnull, n.attname AS name_now
        FROM (SELECT * FROM clone.store_column WHERE store_column.store = $1) c
        FULL JOIN live l ON l.attrelid = c.relation::oid AND l.attname = c.name
        -- As clone_internal.name_now() has it.
        LEFT JOIN live n ON n.attrelid = c.relation::oid AND n.attrelid = c.attrelid AND n.attnum = c.attnum
        LEFT JOIN (SELECT DISTINCT f.conrelid, unnest(f.conkey) AS attnum FROM pg_constraint f WHERE f.contype = 'f') k ON k.conrelid = l.attrelid AND k.attnum = l.attnum
    ), columns AS (
        SELECT j.oid, jsonb_agg(jsonb_build_array(j.live_name, j.base, j.role, j.target::oid::bigint, j.value, j.reason, COALESCE(j.attnotnull, false), COALESCE(j.attgenerated <> '', false)) ORDER BY j.attnum)
                   FILTER (WHERE j.role IS NOT NULL AND j.live_name IS NOT NULL) AS list,
               string_agg(format('column %I is new', j.live_name), ', ') FILTER (WHERE j.described_name IS NULL) AS added,
               string_agg(format('column %I is gone', j.described_name), ', ') FILTER (WHERE j.live_name IS NULL) AS gone,
               -- Another column has its name.
               string_agg(format('column %I is %I now', j.described_name, j.name_now), ', ') FILTER (WHERE j.live_name IS NOT NULL AND j.name_now <> j.described_name) AS renamed,
               -- Its values would be kept: they would be the source's.
               string_agg(format('the foreign key of column %I is gone', j.live_name), ', ')
                   FILTER (WHERE j.role = 'map' AND j.reason = 'foreign key' AND j.live_name IS NOT NULL AND NOT j.in_foreign_key) AS without_key,
               string_agg(format('column %I was %s and is %s', j.live_name, j.described_type, j.live_type), ', ')
                   FILTER (WHERE j.described_type <> j.live_type) AS changed,
               -- A virtual generated column is not stored: nothing is computed when a row is written.
               string_agg(j.live_name::text, ', ') FILTER (WHERE j.role = 'default' AND j.attgenerated <> 'v' AND (j.attgenerated <> '' OR j.atthasdef OR j.attidentity <> '')) AS computed
        FROM joined j
        GROUP BY j.oid
    ), triggers AS (
        -- Those that an INSERT fires; a trigger of a partitioned table has a copy in each partition.
        SELECT f.oid, string_agg(DISTINCT t.tgname::text, ', ' ORDER BY t.tgname::text) AS names, bool_or((t.tgtype & 3) = 3) AS before_row
        FROM (
            SELECT d.oid, d.oid AS filled FROM described d
            UNION
            SELECT d.oid, p.relid FROM described d CROSS JOIN LATERAL pg_partition_tree(d.oid) p WHERE d.relkind = 'p'
        ) f
        JOIN pg_trigger t ON t.tgrelid = f.filled
        WHERE NOT t.tgisinternal AND t.tgenabled <> 'D' AND (t.tgtype & 4) <> 0
        GROUP BY f.oid
    ), arrays_of_domains AS MATERIALIZED (
        SELECT DISTINCT a.attrelid FROM pg_type e JOIN pg_type t ON t.typelem = e.oid AND t.typcategory = 'A' JOIN pg_attribute a ON a.atttypid = t.oid
        WHERE e.typtype = 'd' AND a.attnum > 0 AND NOT a.attisdropped
    ), keys AS (
        SELECT f.conrelid, jsonb_agg(DISTINCT f.confrelid::bigint) AS referenced,
               -- Foreign keys that can only reference the project row: the run has just created it.
               jsonb_agg(f.oid::bigint) FILTER (WHERE f.conkey = ARRAY[own.attnum] AND f.confkey = ARRAY[project.attnum]) AS to_project
        FROM pg_constraint f
        JOIN described d ON d.oid = f.conrelid
        LEFT JOIN described p ON p.oid = f.confrelid AND p.role = 'project'
        LEFT JOIN pg_attribute own ON own.attrelid = f.conrelid AND own.attname = d.project_column
        LEFT JOIN pg_attribute project ON project.attrelid = p.oid AND project.attname = p.id_column
        WHERE f.contype = 'f'
        GROUP BY f.conrelid
    )
    SELECT jsonb_build_object(
        'name', s.name,
        'preset', s.preset,
        'options', s.options || jsonb_build_object('rules_by_hand', COALESCE((SELECT jsonb_agg(jsonb_build_object('resource_type', r.resource_type, 'path', r.path,
            'columns', to_jsonb(r.columns)) ORDER BY r.position, r.id) FROM clone.store_rule r WHERE r.store = $1 AND r.position >= 100), '[]')),
        'tables', COALESCE((
            SELECT jsonb_agg(jsonb_build_object(
                'oid', d.relation::oid::bigint,
                'name', format('%I.%I', d.nspname, d.relname),
                'schema', d.nspname,
                'role', d.role,
                'position', d.position,
                'resource_type', d.resource_type,
                'type_column', d.type_column,
                'id_column', d.id_column,
                'project_column', d.project_column,
                'parents', (SELECT COALESCE(jsonb_agg(p::oid::bigint), '[]') FROM unnest(d.parents) p),
                'join_column', d.join_column,
                'document_column', d.document_column,
                'document_inferred', d.document_inferred,
                'version_path', to_jsonb(d.version_path),
                'live', d.live,
                -- A foreign key of the join column proves to which project a row belongs.
                'joined_by_key', EXISTS (SELECT FROM pg_constraint f JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attname = d.join_column
                    WHERE f.conrelid = d.oid AND f.contype = 'f' AND f.conkey = ARRAY[a.attnum] AND d.parents = ARRAY[f.confrelid::regclass]),
                'cloned', d.cloned,
                'blob_key', d.blob_key,
                'blob_type', d.blob_type,
                'columns', c.list,
                'sql_path', CASE
                    WHEN d.relkind = 'p' THEN 'partitioned table'
                    WHEN d.relkind = 'f' THEN 'foreign table'
                    WHEN d.relkind = 'v' THEN 'view'
                    WHEN d.relkind <> 'r' THEN 'not a table'
                    WHEN d.relispartition THEN 'a partition'
                    WHEN d.relam <> 2 THEN 'not a heap table'
                    WHEN d.relhasrules THEN 'rewrite rules'
                    -- The constraints of a domain are checked for each element where a statement converts the array.
                    WHEN d.oid IN (SELECT x.attrelid FROM arrays_of_domains x) THEN 'array of a domain'
                    WHEN c.computed IS NOT NULL THEN 'computed column ' || c.computed
                END,
                'triggers', t.names,
                'triggers_before_row', COALESCE(t.before_row, false),
                'left_to_finish', EXISTS (SELECT FROM clone.store_hook h WHERE h.store = $1 AND h.event = 'finish' AND d.relation = ANY (h.writes)),
                'kind', d.relkind,
                'file', d.relfilenode::bigint,
                -- A table without children whose rows are not stored elsewhere has them in its own blocks.
                'empty', d.relkind = 'r' AND NOT d.relhassubclass AND d.relam = 2 AND pg_relation_size(d.oid) = 0,
                'inherited_by', (SELECT COALESCE(jsonb_agg(format('%I.%I', n.nspname, k.relname) ORDER BY k.oid), '[]')
                    FROM pg_inherits i JOIN pg_class k ON k.oid = i.inhrelid JOIN pg_namespace n ON n.oid = k.relnamespace
                    WHERE d.relkind = 'r' AND d.relhassubclass AND i.inhparent = d.oid),
                'references', COALESCE(k.referenced, '[]'),
                'project_keys', COALESCE(k.to_project, '[]')
            ) ORDER BY d.position, d.relation::oid)
            FROM described d
            LEFT JOIN columns c ON c.oid = d.oid
            LEFT JOIN triggers t ON t.oid = d.oid
            LEFT JOIN keys k ON k.conrelid = d.oid
            WHERE d.oid IS NOT NULL), '[]'),
        'dependencies', COALESCE((
            SELECT jsonb_agg(jsonb_build_array(b.resource_type, b.includes_type, b.via_column))
            FROM clone.store_dependency b WHERE b.store = $1), '[]'),
        'rules', COALESCE((
            SELECT jsonb_agg(jsonb_build_object('resource_type', r.resource_type, 'path', r.path, 'action', r.action,
                'when', r."when", 'unless_cloned', r.unless_cloned, 'if_given', r.if_given, 'columns', to_jsonb(r.columns), 'todo', r.todo)
                || CASE WHEN r.value IS NULL THEN '{}' ELSE jsonb_build_object('value', r.value) END
                ORDER BY r.position, r.id)
            FROM clone.store_rule r WHERE r.store = $1), '[]'),
        'check', (SELECT clone_internal.function_by_name(h.function)::bigint FROM clone.store_hook h WHERE h.store = $1 AND h.event = 'check'),
        'finish', (SELECT clone_internal.function_by_name(h.function)::bigint FROM clone.store_hook h WHERE h.store = $1 AND h.event = 'finish'),
        'verify', (SELECT clone_internal.function_by_name(h.function)::bigint FROM clone.store_hook h WHERE h.store = $1 AND h.event = 'verify'),
        'described', (SELECT COALESCE(jsonb_agg(COALESCE(quote_ident(r.schema_name) || '.' || quote_ident(r.table_name), r.relation::oid::text)), '[]')
            FROM clone.store_relation r WHERE r.store = $1),
        'differences', COALESCE((
            -- kind: what differs; text: the same for people; table, column: where; declared_for: whose declaration names the column; call: the statement
            -- that makes the two match, if one does. A refresh keeps the descriptions by hand, also that of a table that is gone.
            SELECT jsonb_agg(jsonb_strip_nulls(jsonb_build_object('kind', f.kind, 'text', f.text, 'table', f.table_name, 'column', f.column_name, 'declared_for', f.declared_for,
                       'call', CASE WHEN f.kind = 'table_gone' AND s.preset IN ('custom', 'discover') THEN format('SELECT clone.store_remove_table(%L, %L);', s.name, f.table_name)
                                    WHEN f.kind IN ('table_gone', 'table_replaced', 'table_renamed', 'columns_changed') THEN format('SELECT clone.store_refresh(%L);', s.name) END))
                   ORDER BY f.kind <> 'table_gone') FROM (
                SELECT CASE WHEN d.namesake IS NULL THEN 'table_gone' ELSE 'table_replaced' END,
                       format('table %s is gone', n.name) || CASE WHEN d.namesake IS NULL THEN '' ELSE ', another of that name is there' END,
                       n.name, NULL::text, NULL::text
                FROM described d
                CROSS JOIN LATERAL (SELECT COALESCE(quote_ident(d.schema_name) || '.' || quote_ident(d.table_name), d.relation::oid::text)) AS n (name)
                WHERE d.oid IS NULL
                UNION ALL
                SELECT 'table_renamed', format('table %I.%I has become %I.%I, and another has its name', d.schema_name, d.table_name, d.nspname, d.relname),
                       format('%I.%I', d.nspname, d.relname), NULL, NULL
                FROM described d WHERE d.oid IS NOT NULL AND d.namesake <> d.oid
                UNION ALL
                SELECT 'columns_changed', format('%I.%I: %s', d.nspname, d.relname, concat_ws(', ', c.added, c.gone, c.renamed, c.changed, c.without_key)),
                       format('%I.%I', d.nspname, d.relname), NULL, NULL
                FROM described d JOIN columns c ON c.oid = d.oid
                WHERE COALESCE(c.added, c.gone, c.renamed, c.changed, c.without_key) IS NOT NULL
                UNION ALL
                -- Declarations of a column that was renamed or dropped: they would be without effect.
                SELECT DISTINCT u.kind, format('%I.%I has no column %I, which %s', d.nspname, d.relname, u.name, u.names), format('%I.%I', d.nspname, d.relname), u.name, u.declared_for
                FROM described d
                CROSS JOIN LATERAL (
                    SELECT 'description_without_column', v.name::text, NULL, 'its description names'
                    FROM unnest(ARRAY[d.id_column, d.project_column, d.join_column, d.type_column, d.document_column]) AS v (name)
                    UNION ALL
                    SELECT 'file_key_without_column', k.found[1], NULL, 'its file key names'
                    FROM regexp_matches(d.blob_key, '[{]([^{}]+)[}]', 'g') AS k (found) WHERE k.found[1] NOT IN ('id', 'version', 'project')
                    UNION ALL
                    SELECT 'reference_without_column', v.name::text, NULL, 'a declared reference names'
                    FROM clone.store_reference r CROSS JOIN LATERAL unnest(ARRAY[r."column", r.type_column]) AS v (name)
                    WHERE r.store = $1 AND r.relation::oid = d.oid
                    UNION ALL
                    SELECT 'reference_without_target', r.target_column::text, o.owner, format('the reference of %s names', o.owner)
                    FROM clone.store_reference r CROSS JOIN LATERAL format('%s.%I', r.relation, r."column") AS o (owner)
                    WHERE r.store = $1 AND r.target::oid = d.oid
                    UNION ALL
                    SELECT 'membership_without_column', v.name::text, NULL, 'a declared membership names'
                    FROM clone.store_membership m CROSS JOIN LATERAL unnest(m.columns) AS v (name)
                    WHERE m.store = $1 AND m.relation::oid = d.oid
                    UNION ALL
                    SELECT 'membership_without_parent', v.name::text, m.relation::text, format('the membership of %s names', m.relation)
                    FROM clone.store_membership m CROSS JOIN LATERAL unnest(m.parent_columns) AS v (name)
                    WHERE m.store = $1 AND m.parent::oid = d.oid
                ) AS u (kind, name, declared_for, names)
                WHERE d.oid IS NOT NULL AND u.name IS NOT NULL AND NOT EXISTS (SELECT FROM live l WHERE l.attrelid = d.oid AND l.attname = u.name)
            ) AS f (kind, text, table_name, column_name, declared_for)), '[]'))
    FROM clone.store s
    WHERE s.name = $1);
END
$$;
COMMENT ON FUNCTION clone_internal.store_description(text) IS 'A store''s catalog and the current definitions of its tables; read by the extension';
