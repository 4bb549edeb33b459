-- Every object of the extension with its definition, rights and comment, one line each, in an order that does not depend on oids.
SET search_path = pg_catalog, pg_temp;
WITH member AS (
    SELECT d.classid, d.objid, d.objid::regclass AS name FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE e.extname = 'pg_clone_ext' AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
)
SELECT line FROM (
    SELECT format('function %s: %s; owner %s; rights %s; %s', p.oid::regprocedure, pg_get_functiondef(p.oid), p.proowner::regrole,
        (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(p.proacl) a), obj_description(p.oid, 'pg_proc'))
    FROM member m JOIN pg_proc p ON p.oid = m.objid WHERE m.classid = 'pg_proc'::regclass
    UNION ALL
    SELECT format('relation %s: kind %s, options %s, rights %s; %s', c.oid::regclass, c.relkind, c.reloptions,
        (SELECT array_agg(a::text ORDER BY a::text) FROM unnest(c.relacl) a), obj_description(c.oid, 'pg_class'))
    FROM member m JOIN pg_class c ON c.oid = m.objid WHERE m.classid = 'pg_class'::regclass
    UNION ALL
    SELECT format('view %s: %s', c.oid::regclass, pg_get_viewdef(c.oid))
    FROM member m JOIN pg_class c ON c.oid = m.objid WHERE m.classid = 'pg_class'::regclass AND c.relkind = 'v'
    UNION ALL
    SELECT format('column %s.%s: %s%s default %s identity %s generated %s rights %s; %s', a.attrelid::regclass, a.attname,
        format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN ' not null' END, pg_get_expr(f.adbin, f.adrelid), a.attidentity, a.attgenerated,
        a.attacl, col_description(a.attrelid, a.attnum))
    FROM member m JOIN pg_attribute a ON a.attrelid = m.objid LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    WHERE m.classid = 'pg_class'::regclass AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT format('constraint %s of %s: %s', k.conname, k.conrelid::regclass, pg_get_constraintdef(k.oid))
    FROM member m JOIN pg_constraint k ON k.conrelid = m.objid WHERE m.classid = 'pg_class'::regclass
    UNION ALL
    SELECT format('index %s', pg_get_indexdef(i.indexrelid)) FROM member m JOIN pg_index i ON i.indrelid = m.objid WHERE m.classid = 'pg_class'::regclass
    UNION ALL
    SELECT format('trigger %s', pg_get_triggerdef(t.oid)) FROM member m JOIN pg_trigger t ON t.tgrelid = m.objid
    WHERE m.classid = 'pg_class'::regclass AND NOT t.tgisinternal
    UNION ALL
    SELECT format('%s in %s', pg_describe_object(m.classid, m.objid, 0), m.classid::regclass) FROM member m
    WHERE m.classid NOT IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass)
    UNION ALL
    SELECT format('dumped: %s %s', c.relation::regclass, c.condition) FROM pg_extension e, unnest(e.extconfig, e.extcondition) AS c (relation, condition)
    WHERE e.extname = 'pg_clone_ext'
    UNION ALL
    SELECT format('preset %s %s', p.name, p.describe) FROM clone.preset p WHERE p.name <> 'mine'
) AS lines (line)
ORDER BY line COLLATE "C";
