-- Makes one project 2 ^ :doublings times as large: its clone, with ids of its own, becomes part of it, again and again. Done without the secondary
-- indexes, which are built again at the end.
CREATE TABLE bench.index AS
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
WHERE c.relnamespace = 'public'::regnamespace AND NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.indexrelid);
SELECT format('DROP INDEX %s', name) FROM bench.index \gexec

CREATE FUNCTION bench.merge(source uuid, part uuid) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    f record;
    -- One of each: a project, and what is unique by name in it.
    single text[] := '{Project,ProjectMembership,User,DomainConfiguration}';
BEGIN
    FOR f IN SELECT * FROM clone_internal.medplum_families('public') WHERE family = 'resource' LOOP
        IF f.name = ANY (single) THEN
            EXECUTE format('DELETE FROM %I WHERE id IN (SELECT id FROM %s WHERE "projectId" = $1)', f.name || '_History', f.relation) USING part;
            EXECUTE format('DELETE FROM %I WHERE "resourceId" IN (SELECT id FROM %s WHERE "projectId" = $1)', f.name || '_References', f.relation) USING part;
            EXECUTE format('DELETE FROM %s WHERE "projectId" = $1', f.relation) USING part;
        ELSE
            EXECUTE format('UPDATE %I h SET content = replace(h.content, $1::text, $2::text) FROM %s r WHERE r.id = h.id AND r."projectId" = $1', f.name || '_History', f.relation)
                USING part, source;
            EXECUTE format('UPDATE %I x SET "targetId" = $2 FROM %s r WHERE r.id = x."resourceId" AND r."projectId" = $1 AND x."targetId" = $1', f.name || '_References', f.relation)
                USING part, source;
            -- A Binary has no compartments.
            EXECUTE format('UPDATE %s SET content = replace(content, $1::text, $2::text), "projectId" = $2 %s WHERE "projectId" = $1', f.relation,
                CASE WHEN EXISTS (SELECT FROM pg_attribute WHERE attrelid = f.relation AND attname = 'compartments') THEN ', compartments = array_replace(compartments, $1, $2)' ELSE '' END)
                USING part, source;
        END IF;
    END LOOP;
END
$$;
SELECT format('SELECT bench.merge(%1$L, (project_clone(%1$L, store => ''medplum'')->>''id'')::uuid)', :'source')
FROM generate_series(1, :doublings) \gexec
VACUUM FULL;
SELECT definition FROM bench.index \gexec
