-- The tables that types mean, however they are written: sale.order, sale-order, SaleOrder, SALE_ORDERS, sales/order, public.sale_order.

-- The tables that these types name best. rank 0: the whole name; 1: its last part, as of a module or schema; from 2 on, one of the names has
-- words that the other lacks, such as a prefix that all tables have (assign: mdl_assign). The data must agree then. A table that the store
-- does not describe is returned too: what names it names no other.
CREATE FUNCTION clone_internal.tables_of_kinds(store text, kinds text[]) RETURNS TABLE (kind text, target regclass, rank int, described boolean)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
BEGIN
    -- Most samples of short texts hold none that could name a table.
    kinds := ARRAY(SELECT DISTINCT k FROM unnest(kinds) AS k WHERE k ~ '[[:alpha:]]' AND length(k) < 200);
    IF kinds = '{}' THEN
        RETURN;
    END IF;
    RETURN QUERY WITH named AS MATERIALIZED (
        SELECT d.oid, c.relname, n.nspname, clone_internal.snake(c.relname) AS word, bool_or(d.described) AS described
        FROM (SELECT r.relation::oid AS oid, r.id_column IS NOT NULL AS described FROM clone.store_relation r WHERE r.store = $1
              UNION ALL SELECT o.oid, false FROM clone_internal.discoverable(clone_internal.schemas_of($1)) o) d
        JOIN pg_class c ON c.oid = d.oid JOIN pg_namespace n ON n.oid = c.relnamespace GROUP BY 1, 2, 3, 4
    ), prefix AS MATERIALIZED (
        SELECT p AS prefix FROM clone_internal.common_prefixes(ARRAY(SELECT t.word FROM named t)) p
    ), spelled AS MATERIALIZED (
        SELECT t.oid, v.name, v.rank FROM named t
        CROSS JOIN LATERAL (
            VALUES (t.relname::text, 0), (t.nspname || '_' || t.relname, 0), (clone_internal.table_word(t.relname), 0), (substring(t.word FROM '^[^_]+_(.{3,})$'), 4)
            UNION ALL SELECT substr(t.word, length(p.prefix) + 1), 2 FROM prefix p WHERE starts_with(t.word, p.prefix)) AS v (name, rank)
        WHERE v.name <> ''
    ), kind AS MATERIALIZED (
        SELECT k.kind FROM unnest(kinds) AS k (kind)
    ), common AS MATERIALIZED (
        -- app_order, app_item: the word that all types begin with.
        SELECT min(substring(k.kind FROM '^[[:alnum:]]+[_-]')) AS prefix FROM kind k HAVING count(*) > 1 AND count(DISTINCT substring(k.kind FROM '^[[:alnum:]]+[_-]')) = 1 AND bool_and(k.kind ~ '^[[:alnum:]]+[_-].')
    ), variant AS MATERIALIZED (
        SELECT k.kind, v.name, v.rank FROM kind k
        CROSS JOIN LATERAL (
            VALUES (k.kind, 0), (regexp_replace(k.kind, E'^.*(::|[.:/]|\\\\)', ''), 1), (regexp_replace(k.kind, '^(tbl|tb|table|model|entity)[_-]', '', 'i'), 2),
                (regexp_replace(clone_internal.snake(k.kind), '[_-](entity|model|table|tbl|record|type|kind|class)$', ''), 2)
            UNION ALL SELECT substr(k.kind, length(c.prefix) + 1), 3 FROM common c WHERE c.prefix IS NOT NULL) AS v (name, rank)
        WHERE v.name <> ''
    ), hit AS MATERIALIZED (
        SELECT v.kind, s.oid, min(v.rank + s.rank) AS rank FROM clone_internal.kind_matches(ARRAY(SELECT v.name FROM variant v), ARRAY(SELECT s.name FROM spelled s)) m
        JOIN variant v ON v.name = m.kind JOIN spelled s ON s.name = m.table_name GROUP BY 1, 2
    ), best AS (
        SELECT h.*, min(h.rank) OVER (PARTITION BY h.kind) AS least, count(*) OVER (PARTITION BY h.kind, h.rank) AS tables FROM hit h
    )
    SELECT b.kind, b.oid::regclass, b.rank, t.described FROM best b JOIN named t ON t.oid = b.oid
    -- A part of a name that several tables have means none.
    WHERE b.rank = b.least AND (b.rank < 2 OR b.tables = 1);
END
$$;
COMMENT ON FUNCTION clone_internal.tables_of_kinds(text, text[]) IS 'The tables that types name, however they are written; described: tables of the store with a key';

-- Those of the given types that name tables of the store, with ranks up to this.
CREATE FUNCTION clone_internal.known_kinds(store text, kinds text[], most int) RETURNS text[]
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT ARRAY(SELECT DISTINCT k.kind FROM clone_internal.tables_of_kinds($1, $2) k WHERE k.described AND k.rank <= $3) $$;
COMMENT ON FUNCTION clone_internal.known_kinds(text, text[], int) IS 'Those of the given types that name tables of a store, at most with this rank of clone_internal.tables_of_kinds()';
