-- Identifiers that rows of one tenant share and that are keys of no table: document_id of a draft and its published row, translation_key,
-- batch_id. A clone needs new ones, the same for rows that have the same.

-- Whether a column has a name that says that its values are made of the row's data, or by another system: these stay as they are.
CREATE FUNCTION clone_internal.names_external_identifier("column" name) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT clone_internal.snake($1) ~ '(^|_)(hash|md5|sha|sha1|sha256|sha512|digest|checksum|crc|etag|fingerprint|commit|revision|version|signature|external|remote|foreign|upstream|vendor|provider|oauth|openid|sso|saml|scim|ldap|stripe|paypal|adyen|braintree|google|gcp|github|gitlab|bitbucket|slack|discord|aws|s3|arn|azure|microsoft|facebook|meta|instagram|whatsapp|twitter|linkedin|apple|amazon|shopify|hubspot|salesforce|zendesk|intercom|twilio|sendgrid|mailgun|mailchimp|segment|auth0|okta|imei|iban|bic|vin|isbn|ean|gtin|barcode)(_|$)'
$$;
COMMENT ON FUNCTION clone_internal.names_external_identifier(name) IS 'Whether a column has a name that says that its values are made of data, or by another system';

-- Text and UUID columns of which a few rows suffice to see that they may hold such identifiers, with the rows of a sample and its values.
CREATE FUNCTION clone_internal.grouping_columns(store text, sampled clone_internal.place[]) RETURNS TABLE (relation regclass, name name, family text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH text AS MATERIALIZED (
        SELECT p.relation, p."column" AS name FROM unnest($2) p
        WHERE p.path = '' AND p.family = 'text' AND cardinality(p.vals) >= 2 AND (p.total > cardinality(p.vals) OR cardinality(p.vals) >= 300) AND clone_internal.made_at_random(p.vals)
    )
    SELECT r.relation, a.attname, f.family
    FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p')
    JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    JOIN clone.store_column c ON c.store = $1 AND c.relation = r.relation AND c.name = a.attname AND c.role IN ('keep', 'map', 'rewrite')
    CROSS JOIN LATERAL (SELECT clone_internal.family(a.atttypid) AS family) f
    WHERE r.store = $1 AND r.role IN ('resource', 'derived') AND r.cloned
      AND (f.family = 'uuid' OR (r.relation, a.attname) IN (SELECT t.relation, t.name FROM text t))
      AND a.attname NOT IN (COALESCE(r.id_column, ''), COALESCE(r.project_column, ''), COALESCE(r.join_column, ''), COALESCE(r.type_column, ''))
      AND NOT clone_internal.names_external_identifier(a.attname)
      AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
      AND NOT EXISTS (SELECT FROM pg_index u WHERE u.indrelid = r.relation AND u.indisunique AND u.indnkeyatts = 1 AND u.indkey[0] = a.attnum)
      AND NOT EXISTS (SELECT FROM clone.store_membership m WHERE m.store = $1 AND m.relation = r.relation AND a.attname = ANY (m.columns))
      AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = r.relation AND q."column" = a.attname)
      AND NOT clone_internal.answered($1, r.relation, a.attname, '')
    ORDER BY r.relation::oid, a.attnum
$$;
COMMENT ON FUNCTION clone_internal.grouping_columns(text, clone_internal.place[]) IS 'Columns that by their types, names and a sample may hold identifiers which several rows share';

-- A column of a type whose contents no declaration reaches, such as jsonb[], that holds these values too: as table.column.
CREATE FUNCTION clone_internal.held_out_of_reach(store text, vals text[]) RETURNS text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c record;
    held boolean;
BEGIN
    FOR c IN
        SELECT r.relation, a.attname AS name FROM clone.store_relation r JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p')
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND clone_internal.base_type(a.atttypid) IN ('json[]'::regtype, 'jsonb[]'::regtype, 'bytea'::regtype)
        WHERE r.store = $1 ORDER BY r.relation::oid, a.attnum
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %s AS t JOIN unnest($1) AS v (x) ON strpos(%s, v.x) > 0)', clone_internal.spread(c.relation, quote_ident(c.name), 2000),
            CASE WHEN (SELECT clone_internal.base_type(a.atttypid) = 'bytea'::regtype FROM pg_attribute a WHERE a.attrelid = c.relation AND a.attname = c.name) THEN format('encode(t.%I, ''escape'')', c.name) ELSE format('t.%I::text', c.name) END) INTO held USING vals[:20];
        IF held THEN
            RETURN format('%s.%I', c.relation, c.name);
        END IF;
    END LOOP;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION clone_internal.held_out_of_reach(text, text[]) IS 'A column whose contents cannot be declared that holds some of these values';

CREATE FUNCTION clone_internal.ask_about_groups(store text, sampled clone_internal.place[]) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    c record;
    tenant text;
    -- Columns with such identifiers, as [relation, column].
    known jsonb := (SELECT COALESCE(jsonb_agg(DISTINCT jsonb_build_array(d.relation::oid::bigint, d."column")), '[]') FROM clone.store_reference d
        WHERE d.store = $1 AND d.relation = d.target AND d."column" = d.target_column);
    other record;
    counts record;
    found boolean;
    tables regclass[];
    keys name[];
    families text[];
    held text;
    self text;
BEGIN
    FOR c IN SELECT g.* FROM clone_internal.grouping_columns($1, $2) g LOOP
        tenant := clone_internal.tenant_sql($1, c.relation, 't');
        CONTINUE WHEN tenant LIKE '%.ctid::text';
        EXECUTE format($q$
            SELECT count(*) AS groups, sum(v.rows) AS rows, bool_or(v.rows > 1) AND NOT bool_or(v.tenants > 1) AS repeats, (array_agg(v.x))[1:100] AS vals
            FROM (SELECT s.x, count(*) AS rows, count(DISTINCT s.tenant) AS tenants FROM (SELECT COALESCE(%s, '') AS tenant, %s AS x FROM %s AS t WHERE t.%I IS NOT NULL) s WHERE lower(s.x) <> ALL (clone_internal.in_place_of_null()) GROUP BY s.x) v$q$,
            tenant, clone_internal.column_text('t', c.relation, c.name), clone_internal.spread(c.relation, '*', 5000), c.name) INTO counts;
        -- Of very few, nothing can be said.
        CONTINUE WHEN counts.groups < 2 OR counts.repeats IS NOT TRUE;
        IF tables IS NULL THEN
            SELECT array_agg(u.relation), array_agg(u.name), array_agg(u.family) INTO tables, keys, families FROM (
                SELECT DISTINCT i.indrelid::regclass AS relation, a.attname AS name, clone_internal.family(a.atttypid) AS family
                FROM pg_index i JOIN pg_class k ON k.oid = i.indrelid AND k.relkind IN ('r', 'p') AND NOT k.relispartition JOIN pg_namespace n ON n.oid = k.relnamespace AND n.nspname NOT IN ('clone', 'clone_internal', 'pg_catalog', 'pg_toast', 'information_schema')
                JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                WHERE i.indisunique AND i.indnkeyatts = 1 AND i.indpred IS NULL AND has_table_privilege(k.oid, 'SELECT')) u
            WHERE u.family IN ('text', 'uuid');
        END IF;
        -- Keys of a table, also of one that is not cloned.
        CONTINUE WHEN tables IS NOT NULL AND EXISTS (SELECT FROM clone_internal.keys_of_tables(tables, keys, families, counts.vals) f);
        -- The same identifiers in another column are asked about there, or change with it.
        found := false;
        FOR other IN SELECT (o->>0)::oid::regclass AS relation, o->>1 AS name FROM jsonb_array_elements(known) o LOOP
            EXECUTE format('SELECT EXISTS (SELECT FROM %s AS k WHERE %s = ANY ($1))', clone_internal.spread(other.relation, quote_ident(other.name), 50000), clone_internal.column_text('k', other.relation, other.name::name)) INTO found USING counts.vals;
            EXIT WHEN found;
        END LOOP;
        CONTINUE WHEN found;
        known := known || jsonb_build_array(jsonb_build_array(c.relation::oid::bigint, c.name));
        held := clone_internal.held_out_of_reach($1, counts.vals);
        self := format('SELECT clone.store_reference(%L, %L, %L, %2$L, target_column => %3$L);', $1, c.relation, c.name);
        PERFORM clone_internal.ask($1, c.relation, c.name, '', 'error',
            format('%s.%I has identifiers that rows of one tenant share and that are keys of no table: %s in %s rows that were looked at. A clone has the source''s, and who looks for one finds rows of both', c.relation, c.name, counts.groups, counts.rows)
                || CASE WHEN held IS NOT NULL THEN format('. They are in %s too, which would keep them', held) ELSE '' END,
            -- A reference of a column to itself: each value gets one new value.
            CASE WHEN held IS NULL THEN self ELSE clone_internal.keep_call($1, c.relation, c.name, '') END, CASE WHEN held IS NULL THEN clone_internal.keep_call($1, c.relation, c.name, '') ELSE self END);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_groups(text, clone_internal.place[]) IS 'Records questions about columns with identifiers that several rows of a tenant share and that are keys of no table';
