-- Tables that link two others under names that say no column: Prisma's implicit relations, _PostToTag with the columns A and B.

-- Undescribed tables of this form without foreign keys, and the tables that their names say. NULL: the name says none.
CREATE FUNCTION clone_internal.implicit_links(store text, schemas text[]) RETURNS TABLE (relation regclass, a regclass, b regclass)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH links AS MATERIALIZED (
        SELECT d.oid, d.relname::text AS name FROM clone_internal.discoverable($2) d
        WHERE d.relname LIKE '@_%' ESCAPE '@'
          AND (SELECT array_agg(a.attname::text ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = d.oid AND a.attnum > 0 AND NOT a.attisdropped) = '{A,B}'
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = d.oid)
          AND NOT EXISTS (SELECT FROM clone.store_relation k WHERE k.store = $1 AND k.relation::oid = d.oid)
          AND NOT EXISTS (SELECT FROM clone.store_shared k WHERE k.store = $1 AND k.relation::oid = d.oid)
    ), named AS MATERIALIZED (
        -- ToDoToTag has two places where the name can be divided.
        SELECT DISTINCT ON (l.oid) l.oid, x.oid AS a, y.oid AS b
        FROM links l CROSS JOIN LATERAL generate_series(3, length(l.name) - 2) AS n
        JOIN clone_internal.discoverable($2) x ON x.word = clone_internal.table_word(substr(l.name, 2, n - 2))
        JOIN clone_internal.discoverable($2) y ON y.word = clone_internal.table_word(substr(l.name, n + 2))
        WHERE substr(l.name, n, 2) = 'To'
        ORDER BY l.oid, n, x.oid, y.oid
    )
    SELECT l.oid::regclass, n.a::regclass, n.b::regclass FROM links l LEFT JOIN named n ON n.oid = l.oid ORDER BY l.oid
$$;
COMMENT ON FUNCTION clone_internal.implicit_links(text, text[]) IS 'Undescribed link tables with the columns A and B and no foreign keys, and the tables that their names say';

-- Describes those whose names say two tables of the store, or one at least. Returns their number.
CREATE FUNCTION clone_internal.discover_links(store text, schemas text[], one boolean) RETURNS int
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    l record;
    described int := 0;
BEGIN
    FOR l IN
        SELECT k.relation, k.a, k.b, x.relation IS NOT NULL AS has_a, y.relation IS NOT NULL AS has_b FROM clone_internal.implicit_links(discover_links.store, discover_links.schemas) k
        LEFT JOIN clone.store_relation x ON x.store = discover_links.store AND x.relation = k.a AND x.id_column IS NOT NULL
        LEFT JOIN clone.store_relation y ON y.store = discover_links.store AND y.relation = k.b AND y.id_column IS NOT NULL
        WHERE CASE WHEN one THEN x.relation IS NOT NULL OR y.relation IS NOT NULL ELSE x.relation IS NOT NULL AND y.relation IS NOT NULL END
    LOOP
        PERFORM clone_internal.discover_table(store, l.relation, NULL, CASE WHEN l.has_a THEN l.a ELSE l.b END, CASE WHEN l.has_a THEN 'A' ELSE 'B' END, 'link table by its name');
        IF l.has_a THEN
            PERFORM clone.store_reference(store, l.relation, 'A', l.a);
        END IF;
        IF l.has_b THEN
            PERFORM clone.store_reference(store, l.relation, 'B', l.b);
        END IF;
        described := described + 1;
    END LOOP;
    RETURN described;
END
$$;
COMMENT ON FUNCTION clone_internal.discover_links(text, text[], boolean) IS 'Describes link tables with the columns A and B whose names say two tables of the store, or one; returns their number';

-- Which of these tables a link table links: those whose rows in each row are of the same tenant, whose words are in its name, and that are in
-- the order of their names, as Prisma has them. NULL: several pairs are as likely.
CREATE FUNCTION clone_internal.linked_tables(store text, relation regclass, of_a regclass[], of_b regclass[]) RETURNS regclass[]
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    p record;
    strangers boolean;
    best regclass[];
    most int := -1;
    tied boolean;
    called text := clone_internal.plain((SELECT c.relname FROM pg_class c WHERE c.oid = relation));
BEGIN
    FOR p IN
        SELECT x.oid AS a, y.oid AS b, clone_internal.tenant_sql($1, x.oid::regclass, 'x') AS own, clone_internal.tenant_sql($1, y.oid::regclass, 'y') AS theirs, i.name AS a_key, j.name AS b_key,
               2 * (strpos(called, clone_internal.plain(v.a)) > 0)::int + 2 * (strpos(called, clone_internal.plain(v.b)) > 0 AND x.oid <> y.oid)::int + (clone_internal.plain(v.a) COLLATE "C" <= clone_internal.plain(v.b))::int AS score
        FROM unnest($3) AS s (a) JOIN pg_class x ON x.oid = s.a CROSS JOIN unnest($4) AS o (b) JOIN pg_class y ON y.oid = o.b
        JOIN clone_internal.naming_columns($1) i ON i.relation = s.a AND i.is_id JOIN clone_internal.naming_columns($1) j ON j.relation = o.b AND j.is_id
        CROSS JOIN LATERAL (SELECT clone_internal.table_word(x.relname) AS a, clone_internal.table_word(y.relname) AS b) v
        ORDER BY score DESC
    LOOP
        EXIT WHEN p.score < most;
        IF p.own NOT LIKE '%.ctid::text' AND p.theirs NOT LIKE '%.ctid::text' THEN
            EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t JOIN %s AS x ON %s JOIN %s AS y ON %s WHERE %s <> %s)', clone_internal.spread(relation, '*', 20000),
                p.a::regclass, clone_internal.equality_sql('t', relation, 'A', 'x', p.a::regclass, p.a_key), p.b::regclass, clone_internal.equality_sql('t', relation, 'B', 'y', p.b::regclass, p.b_key),
                p.own, p.theirs) INTO strangers;
            CONTINUE WHEN strangers;
        END IF;
        tied := most = p.score;
        most := p.score;
        best := ARRAY[p.a, p.b];
    END LOOP;
    RETURN CASE WHEN NOT tied THEN best END;
END
$$;
COMMENT ON FUNCTION clone_internal.linked_tables(text, regclass, regclass[], regclass[]) IS 'The two tables that a link table with the columns A and B links, of those whose keys its values are; NULL: several pairs are as likely';

-- The other ones: which tables they link is known only to the application.
CREATE FUNCTION clone_internal.ask_about_link_tables(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    l record;
    side text;
    k record;
    missing boolean;
    filled boolean;
    targets regclass[];
    of_a regclass[];
    of_b regclass[];
    linked regclass[];
    calls text;
    many text;
BEGIN
    FOR l IN SELECT i.relation FROM clone_internal.implicit_links(ask_about_link_tables.store, clone_internal.schemas_of(ask_about_link_tables.store)) i LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s)', l.relation) INTO filled;
        many := '';
        of_a := '{}';
        of_b := '{}';
        FOREACH side IN ARRAY '{A,B}'::text[] LOOP
            targets := '{}';
            FOR k IN SELECT n.relation AS target, n.name FROM clone_internal.naming_columns(ask_about_link_tables.store) n JOIN pg_class c ON c.oid = n.relation
                     WHERE n.is_id AND n.role <> 'project' ORDER BY c.relname, c.oid LOOP
                EXECUTE format('SELECT count(*) > 0 FROM (SELECT t.%I::text AS x FROM %s AS t) AS t WHERE t.x IS NOT NULL AND NOT EXISTS (SELECT FROM %s AS k WHERE %s)',
                    side, clone_internal.spread(l.relation, quote_ident(side), 50000), k.target, clone_internal.equals_text('k', k.target, k.name, 't.x')) INTO missing;
                IF NOT missing THEN
                    targets := targets || k.target;
                END IF;
            END LOOP;
            CONTINUE WHEN targets = '{}' OR NOT filled;
            many := many || format(' %s: %s.', side, array_to_string(targets, ' or '));
            IF side = 'A' THEN
                of_a := targets;
            ELSE
                of_b := targets;
            END IF;
        END LOOP;
        CONTINUE WHEN filled AND many = '';
        linked := CASE WHEN cardinality(of_a) < 2 AND cardinality(of_b) < 2 THEN ARRAY[of_a[1], of_b[1]]
                       WHEN of_a <> '{}' AND of_b <> '{}' THEN clone_internal.linked_tables(ask_about_link_tables.store, l.relation, of_a, of_b) END;
        SELECT string_agg(format('SELECT clone.store_reference(%L, %L, %L, %L, belongs => true); ', ask_about_link_tables.store, l.relation, n.side, n.target), '' ORDER BY n.side) INTO calls
        FROM (VALUES ('A', linked[1]), ('B', linked[2])) AS n (side, target) WHERE n.target IS NOT NULL;
        many := rtrim(many, '.') || CASE WHEN calls IS NULL THEN format('. Say which with clone.store_reference(%1$L, %2$L, ''A'', <table>, belongs => true), the same for B, and clone.store_table(%1$L, %2$L, ''derived'')',
            ask_about_link_tables.store, l.relation) ELSE '' END;
        PERFORM clone_internal.ask(ask_about_link_tables.store, l.relation, 'A', '', CASE WHEN filled THEN 'error' ELSE 'warning' END,
            CASE WHEN filled THEN format('%s links rows of two tables, and no foreign key says which. By the values these are%s', l.relation, many)
                 ELSE format('%s links rows of two tables, no foreign key says which, and it is empty', l.relation) END,
            CASE WHEN filled THEN calls || format('SELECT clone.store_table(%L, %L, ''derived'');', ask_about_link_tables.store, l.relation) END,
            format('SELECT clone.store_shared(%L, %L);', ask_about_link_tables.store, l.relation));
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_link_tables(text) IS 'Records questions about link tables whose names say no tables of the store';
