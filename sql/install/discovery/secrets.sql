-- Questions about secrets and tokens, by the names of columns.

-- Up to 64 random bytes, as many as the row has.
CREATE FUNCTION clone_internal.random_bytes("column" name) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('pg_catalog.substr(pg_catalog.sha512(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())), 1, pg_catalog.length(%I))', $1) $$;
COMMENT ON FUNCTION clone_internal.random_bytes(name) IS 'An expression for random bytes of the length of a column''s value';

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
        SELECT c.*, CASE
            WHEN c.word ~ '(^|_)(password|passwd|pwd)(_?(hash|digest|salt))?$|^encrypted_password$|^password_' THEN 'a password'
            WHEN c.word ~ '(^|_)(otp|totp|mfa)_?(secret|seed|key)|recovery_codes?$|backup_codes?$|^two_factor_secret' THEN 'a secret of a second factor'
            WHEN c.word ~ '(^|_)(secrets?|client_secret|webhook_secret|signing_secret|hmac_secret|hmac_key|signing_key|private_key|secret_key|encryption_key|access_key|api_key|apikey|auth_key|credentials?|api_secret)(_(hash|digest|encrypted|ciphertext))?$' OR c.word ~ '_secret(_|$)' THEN 'a secret'
            WHEN c.word ~ '(^|_)(token|access_token|refresh_token|reset_token|id_token|api_token|auth_token|bearer|token_hash|token_digest|hashed_token|token_value|key_hash|hashed_key)$' OR c.word ~ '_token(_hash|_digest)?$' THEN 'a token'
            WHEN c.family <> 'uuid' AND c.table_word ~ '(session|token|api_key|access_key|credential)$' AND c.word ~ '^(session_?(key|id|data)|data|key|value|hash|digest|hashed_key|payload)$' THEN 'a token'
            END AS kind
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
