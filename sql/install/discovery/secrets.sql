-- Questions about secrets, tokens and addresses that are called, by the names of columns and of members of documents.

-- Up to 64 random bytes, as many as the row has.
CREATE FUNCTION clone_internal.random_bytes("column" name) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('pg_catalog.substr(pg_catalog.sha512(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())), 1, pg_catalog.length(%I))', $1) $$;
COMMENT ON FUNCTION clone_internal.random_bytes(name) IS 'An expression for random bytes of the length of a column''s value';

CREATE FUNCTION clone_internal.secret_kind(word text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT CASE
        -- Of a secret, but none: password_reset_id, token_type.
        WHEN $1 ~ '_(ids?|at|on|ur[il]|count|type|name|policy|hint|required|enabled)$' THEN NULL
        WHEN $1 ~ '(^|_)(password|passwd|pwd)(_?(hash|digest|salt))?$|^encrypted_password$|^password_' THEN 'a password'
        WHEN $1 ~ '(^|_)(otp|totp|mfa)_?(secret|seed|key)|recovery_codes?$|backup_codes?$|^two_factor_secret' THEN 'a secret of a second factor'
        WHEN $1 ~ '(^|_)(secrets?|hmac_key|signing_key|private_key|secret_key|encryption_key|access_key|api_key|apikey|auth_key|credentials?)(_(hash|digest|encrypted|ciphertext))?$' OR $1 ~ '_secret(_|$)' THEN 'a secret'
        WHEN $1 ~ '(^|_)(token|access_token|refresh_token|reset_token|id_token|api_token|auth_token|bearer|token_hash|token_digest|hashed_token|token_value|key_hash|hashed_key)$' OR $1 ~ '_token(_hash|_digest)?$' THEN 'a token'
        END
$$;
COMMENT ON FUNCTION clone_internal.secret_kind(text) IS 'What the name of a column or member, as words with underscores, says that it holds: a password, a secret, a token; NULL if none';

CREATE FUNCTION clone_internal.secret_questions(store text) RETURNS TABLE (severity text, subject text, question text, answer text, otherwise text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH columns AS MATERIALIZED (
        SELECT r.relation, a.attname, a.attnotnull, clone_internal.family(a.atttypid) AS family, a.atttypid, clone_internal.snake(a.attname) AS word, clone_internal.table_word(t.relname) AS table_word,
               -- NULL may be forbidden where another column has a value.
               EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'c' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey)) AS checked
        FROM clone.store_relation r
        JOIN clone.store s ON s.name = r.store AND s.preset IN ('discover', 'custom')
        JOIN pg_class t ON t.oid = r.relation
        JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
        JOIN clone.store_column c ON c.store = $1 AND c.relation = r.relation AND c.name = a.attname AND c.role IN ('keep', 'rewrite', 'map') AND c.reason IS DISTINCT FROM 'set by hand'
        WHERE r.store = $1 AND a.attname <> COALESCE(r.project_column, '') AND a.attname <> COALESCE(r.id_column, '')
          AND a.attname ~* 'password|passwd|pwd|secret|token|api_?key|access_?key|private_?key|signing|encrypted|auth_?key|otp|totp|mfa|recovery|session|credential|salt|digest|key$|hash$|^(id|data|payload|value)$|bearer|hmac'
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = r.relation AND a.attnum = ANY (f.conkey))
    ), kinds AS (
        SELECT c.*, COALESCE(clone_internal.secret_kind(c.word),
            CASE WHEN c.family <> 'uuid' AND c.table_word ~ '(session|token|api_key|access_key|credential)$' AND c.word ~ '^(session_?(key|id|data)|data|key|value|hash|digest|hashed_key|payload)$' THEN 'a token' END) AS kind
        FROM columns c WHERE c.family IN ('text', 'uuid') OR c.family = 'json' OR c.atttypid = 'bytea'::regtype OR c.family = 'text[]'
    )
    SELECT 'warning', format('%s.%I', k.relation, k.attname),
           format('%s.%I looks like %s: the clone gets the source''s', k.relation, k.attname, k.kind),
           CASE WHEN k.family = 'uuid' THEN format('SELECT clone.store_column(%L, %L, %L, ''new_uuid'');', $1, k.relation, k.attname)
                WHEN k.atttypid = 'bytea'::regtype AND (k.attnotnull OR k.checked)
                     THEN format('SELECT clone.store_column(%L, %L, %L, ''expression'', value => %L);', $1, k.relation, k.attname, clone_internal.random_bytes(k.attname))
                WHEN k.family = 'text' AND (k.attnotnull OR k.checked OR k.kind IN ('a token', 'a secret'))
                     THEN format('SELECT clone.store_column(%L, %L, %L, ''random'');', $1, k.relation, k.attname)
                WHEN NOT k.attnotnull AND NOT k.checked THEN format('SELECT clone.store_column(%L, %L, %L, ''null'');', $1, k.relation, k.attname)
                ELSE format('SELECT clone.store_column(%L, %L, %L, ''keep'');', $1, k.relation, k.attname) END,
           format('SELECT clone.store_column(%L, %L, %L, ''keep'');', $1, k.relation, k.attname)
    FROM kinds k WHERE k.kind IS NOT NULL
$$;
COMMENT ON FUNCTION clone_internal.secret_questions(text) IS 'Undeclared columns that hold secrets by their names; a clone would share them with its source';

-- Columns of a store's tables whose values a clone takes from its source, and for which no role was set by hand.
CREATE FUNCTION clone_internal.taken_columns(store text) RETURNS TABLE (relation regclass, table_name name, name name, number smallint, type regtype, not_null boolean, role text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.relation, k.relname, a.attname, a.attnum, a.atttypid::regtype, a.attnotnull, s.role
    FROM clone.store_relation r
    JOIN pg_class k ON k.oid = r.relation AND k.relkind IN ('r', 'p')
    JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    JOIN clone.store_column s ON s.store = $1 AND s.relation = r.relation AND s.name = a.attname AND s.role IN ('keep', 'rewrite', 'map') AND s.reason IS DISTINCT FROM 'set by hand'
    WHERE r.store = $1
$$;
COMMENT ON FUNCTION clone_internal.taken_columns(text) IS 'Columns of tables whose values a clone takes from its source, and for which no role was set by hand';

-- Members of documents that are named like secrets and have texts. A column's role is about the whole document: those of the root are removed by
-- an expression, where a clone changes nothing else in the document.
CREATE FUNCTION clone_internal.ask_about_secrets_in_documents(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    members text[];
    nested boolean;
    -- Undeclared, only keys of these kinds are followed in documents.
    rewritten boolean := EXISTS (SELECT FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column
                                 WHERE r.store = $1 AND clone_internal.family(a.atttypid) IN ('uuid', 'text'));
    c record;
BEGIN
    FOR c IN
        SELECT t.relation, t.name, t.type = 'jsonb'::regtype AND (t.role = 'keep' OR NOT rewritten)
                AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = t.relation AND d."column" = t.name)
                AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = t.relation AND q."column" = t.name)
                AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'c' AND f.conrelid = t.relation AND t.number = ANY (f.conkey)) AS removable,
               format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, t.relation, t.name, '$secrets') AS keep
        FROM clone_internal.taken_columns($1) t
        WHERE clone_internal.base_type(t.type) IN ('json'::regtype, 'jsonb'::regtype) AND clone_internal.secret_kind(clone_internal.snake(t.name)) IS NULL
          AND NOT clone_internal.answered($1, t.relation, t.name, '$secrets')
        ORDER BY t.relation::oid, t.number
    LOOP
        EXECUTE format($q$
            WITH document AS MATERIALIZED (
                -- Some documents of type json are no jsonb.
                SELECT CASE WHEN t.%2$I::text ~ '\\u0000' THEN NULL ELSE t.%2$I::text::jsonb END AS value FROM %1$s AS t WHERE t.%2$I::text ~* 'pass|pwd|secret|token|key|credential|bearer|hmac|otp|mfa|code' LIMIT 200
            ), member AS (
                SELECT m.value->>'key' AS name, d.value->>(m.value->>'key') IS DISTINCT FROM m.value->>'value' AS nested
                FROM document d CROSS JOIN LATERAL jsonb_path_query(d.value, '$.** ? (@.type() == "object").keyvalue() ? (@.value.type() == "string" && @.value like_regex "^[^ ]{6}")') AS m (value)
            )
            SELECT array_agg(DISTINCT n.name ORDER BY n.name), bool_or(n.nested) FROM member n WHERE clone_internal.secret_kind(clone_internal.snake(n.name)) IS NOT NULL$q$,
            clone_internal.spread(c.relation, quote_ident(c.name), 500), c.name) INTO members, nested;
        CONTINUE WHEN members IS NULL;
        PERFORM clone_internal.ask($1, c.relation, c.name, '$secrets', 'warning',
            format('members of %s.%I look like secrets: %s: the clone gets the source''s', c.relation, c.name, array_to_string(members[1:10], ', '))
                || CASE WHEN c.removable AND NOT nested THEN '' ELSE '. Remove them from the clone after it is made' END,
            CASE WHEN c.removable AND NOT nested THEN format('SELECT clone.store_column(%L, %L, %L, ''expression'', value => %L);', $1, c.relation, c.name,
                format('CASE WHEN pg_catalog.jsonb_typeof(%1$I) OPERATOR(pg_catalog.=) ''object'' THEN %1$I OPERATOR(pg_catalog.-) %2$L::pg_catalog.text[] ELSE %1$I END', c.name, members))
                ELSE c.keep END, c.keep);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_secrets_in_documents(text) IS 'Records questions about members of documents that hold secrets by their names';

-- Addresses of web hooks, by the names of their columns.
CREATE FUNCTION clone_internal.ask_about_called_addresses(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    example text;
    c record;
BEGIN
    FOR c IN
        SELECT t.relation, t.name, t.not_null, format('SELECT clone.store_no_reference(%L, %L, %L, %L);', $1, t.relation, t.name, '$called') AS keep
        FROM clone_internal.taken_columns($1) t
        CROSS JOIN LATERAL (SELECT clone_internal.snake(t.name) AS own, clone_internal.table_word(t.table_name) AS relation) w
        WHERE clone_internal.base_type(t.type) IN ('text'::regtype, 'varchar'::regtype)
          AND (w.own ~ '(^|_)(web_?hook|callback)s?(_(url|uri|endpoint|address|target))?$' OR w.relation ~ 'hook(_endpoint|_subscription|_config)?$' AND w.own ~ '(^|_)(url|uri|endpoint|target)$')
          AND NOT clone_internal.answered($1, t.relation, t.name, '$called')
        ORDER BY t.relation::oid, t.number
    LOOP
        EXECUTE format('SELECT min(t.%1$I::text) FROM %2$s AS t WHERE t.%1$I::text ~* %3$L', c.name, clone_internal.spread(c.relation, quote_ident(c.name), 500), '^https?://') INTO example;
        CONTINUE WHEN example IS NULL;
        PERFORM clone_internal.ask($1, c.relation, c.name, '$called', 'note',
            format('%s.%I holds addresses that are called, such as %s: for the rows of the clone they are called too', c.relation, c.name, clone_internal.quoted(left(example, 60))),
            CASE WHEN NOT c.not_null THEN format('SELECT clone.store_column(%L, %L, %L, ''null'');', $1, c.relation, c.name) ELSE c.keep END, c.keep);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_called_addresses(text) IS 'Records notes about columns with addresses that an application calls';
