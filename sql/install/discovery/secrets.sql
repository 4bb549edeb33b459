-- Questions about secrets, tokens and addresses that are called, by the names of columns and of members of documents, and by their forms.

-- Up to 64 random bytes, as many as the row has.
CREATE FUNCTION clone_internal.random_bytes("column" name) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT format('pg_catalog.substr(pg_catalog.sha512(pg_catalog.uuid_send(pg_catalog.gen_random_uuid())), 1, pg_catalog.length(%I))', $1) $$;
COMMENT ON FUNCTION clone_internal.random_bytes(name) IS 'An expression for random bytes of the length of a column''s value';

-- Columns of a store's tables whose values a clone takes from its source, and for which no role was set by hand.
CREATE FUNCTION clone_internal.taken_columns(store text) RETURNS TABLE (relation regclass, table_name name, relkind "char", name name, number smallint, type regtype, not_null boolean, role text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT r.relation, k.relname, k.relkind, a.attname, a.attnum, a.atttypid::regtype, a.attnotnull, s.role
    FROM clone.store_relation r
    JOIN pg_class k ON k.oid = r.relation
    JOIN pg_attribute a ON a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    JOIN clone.store_column s ON s.store = $1 AND s.relation = r.relation AND s.name = a.attname AND s.role IN ('keep', 'rewrite', 'map') AND s.reason IS DISTINCT FROM 'set by hand'
    WHERE r.store = $1
$$;
COMMENT ON FUNCTION clone_internal.taken_columns(text) IS 'Columns of tables whose values a clone takes from its source, and for which no role was set by hand';

CREATE FUNCTION clone_internal.secret_questions(store text) RETURNS TABLE (severity text, subject text, question text, answer text, otherwise text)
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    WITH columns AS MATERIALIZED (
        SELECT t.relation, t.name, t.not_null, clone_internal.family(t.type) AS family, t.type, clone_internal.snake(t.name) AS word, clone_internal.table_word(t.table_name) AS table_word,
               -- NULL may be forbidden where another column has a value.
               EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'c' AND f.conrelid = t.relation AND t.number = ANY (f.conkey)) AS checked
        FROM clone_internal.taken_columns($1) t
        JOIN clone.store s ON s.name = $1 AND s.preset IN ('discover', 'custom')
        JOIN clone.store_relation r ON r.store = $1 AND r.relation = t.relation
        WHERE t.name <> COALESCE(r.project_column, '') AND t.name <> COALESCE(r.id_column, '')
          AND t.name ~* (clone_internal.secret_words() || '|signing|encrypted|totp|mfa|recovery|session|salt|digest|hash$|^(id|data|payload|value|content)$|hmac')
          AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'f' AND f.conrelid = t.relation AND t.number = ANY (f.conkey))
    ), kinds AS (
        SELECT c.*, COALESCE(clone_internal.secret_kind(c.word),
            clone_internal.secret_kind_in_table(c.relation, c.name, c.table_word, c.family)) AS kind
        FROM columns c WHERE c.family IN ('text', 'uuid', 'json', 'text[]', 'int') OR c.type = 'bytea'::regtype
    )
    SELECT 'warning', format('%s.%I', k.relation, k.name),
           format('%s.%I looks like %s: the clone gets the source''s', k.relation, k.name, k.kind),
           CASE WHEN k.family = 'uuid' THEN format('SELECT clone.store_column(%L, %L, %L, ''new_uuid'');', $1, k.relation, k.name)
                WHEN k.type = 'bytea'::regtype AND (k.not_null OR k.checked)
                     THEN format('SELECT clone.store_column(%L, %L, %L, ''expression'', value => %L);', $1, k.relation, k.name, clone_internal.random_bytes(k.name))
                WHEN k.family = 'text' AND (k.not_null OR k.checked OR k.kind IN ('a token', 'a secret'))
                     THEN format('SELECT clone.store_column(%L, %L, %L, ''random'');', $1, k.relation, k.name)
                WHEN NOT k.not_null AND NOT k.checked THEN format('SELECT clone.store_column(%L, %L, %L, ''null'');', $1, k.relation, k.name)
                ELSE format('SELECT clone.store_column(%L, %L, %L, ''keep'');', $1, k.relation, k.name) END,
           format('SELECT clone.store_column(%L, %L, %L, ''keep'');', $1, k.relation, k.name)
    FROM kinds k
    -- Numbers are other things than keys.
    WHERE k.kind IS NOT NULL AND (k.family <> 'int' OR k.kind IN ('a PIN', 'a password', 'the number of a card'))
      AND NOT CASE WHEN k.family = 'text' AND k.word ~ 'key|clave|chave|chiave|cle|pem|secreto|cifrad' THEN clone_internal.holds_no_secrets(k.relation, k.name) ELSE false END
$$;
COMMENT ON FUNCTION clone_internal.secret_questions(text) IS 'Undeclared columns that hold secrets by their names; a clone would share them with its source';

-- Secrets that are known by their form: tokens of Stripe, GitHub, GitLab, Slack, AWS, Google, SendGrid and npm, private keys, JWT, Bearer and
-- Basic (no such word has letters of both cases and digits).
CREATE FUNCTION clone_internal.secret_form() RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '(?:^|[^A-Za-z0-9_])(?:[rs]k_(?:live|test)_[A-Za-z0-9]{10}|whsec_[A-Za-z0-9+/]{16}|gh[pousr]_[A-Za-z0-9]{30}|github_pat_[A-Za-z0-9_]{20}|glpat-[A-Za-z0-9_-]{16}|xox[abeprs]-[A-Za-z0-9-]{10}'
    || '|AKIA[A-Z0-9]{16}|AIza[A-Za-z0-9_-]{30}|SG[.][A-Za-z0-9_-]{16,}[.]|npm_[A-Za-z0-9]{30}|-----BEGIN [A-Z ]*PRIVATE KEY|eyJ[A-Za-z0-9_-]{10,}[.]eyJ[A-Za-z0-9_-]{10,}[.]|Bearer [A-Za-z0-9._~+/-]{16}'
    || '|Basic (?=[A-Za-z0-9+/]*[0-9])(?=[A-Za-z0-9+/]*[a-z])(?=[A-Za-z0-9+/]*[A-Z])[A-Za-z0-9+/]{12})' $$;
COMMENT ON FUNCTION clone_internal.secret_form() IS 'The beginnings of tokens and keys that are known by their form, as a regular expression';

-- Of bcrypt, argon2, PBKDF2, scrypt, crypt, phpass, LDAP and SCRAM.
CREATE FUNCTION clone_internal.password_hash_form() RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '(?:^|[^A-Za-z0-9_$])(?:[$]2[abxy]?[$][0-9]{2}[$][./A-Za-z0-9]{53}|[$]argon2(?:id|i|d)[$]|[$]pbkdf2(?:-[a-z0-9]+)?[$]|pbkdf2_sha[0-9]+[$][0-9]|pbkdf2:sha[0-9]+:[0-9]|[$]scrypt[$]|scrypt:[0-9]+:[0-9]'
    || '|[$][156][$][^$[:space:]]{1,40}[$][./A-Za-z0-9]{22}|[$][PH][$][./A-Za-z0-9]{31}|[$]S[$][./A-Za-z0-9]{52}|[{](?:SSHA|SHA|SMD5|CRYPT|PBKDF2|ARGON2)[A-Z0-9_-]*[}][A-Za-z0-9+/$.=]{16}|SCRAM-SHA-256[$][0-9])' $$;
COMMENT ON FUNCTION clone_internal.password_hash_form() IS 'The beginnings of hashes of passwords, as a regular expression';

-- Who knows the address can post: those of Slack, Discord, Teams, Google Chat, Zapier, Make, IFTTT and Telegram.
CREATE FUNCTION clone_internal.hook_form() RETURNS text
LANGUAGE sql IMMUTABLE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT '://(?:[a-z0-9-]+[.])*(?:hooks[.]slack[.]com/(?:services|workflows|triggers)/[A-Z0-9]+/[A-Za-z0-9]+/[A-Za-z0-9]|discord(?:app)?[.]com/api/(?:v[0-9]+/)?webhooks/[0-9]+/[A-Za-z0-9_-]{16}|webhook[.]office[.]com/webhook|outlook[.]office(?:365)?[.]com/webhook/'
    || '|logic[.]azure[.]com(?::[0-9]+)?/workflows/[^[:space:]"]*sig=|chat[.]googleapis[.]com/v1/spaces/[^[:space:]"]*token=|hooks[.]zapier[.]com/hooks/[a-z]+/[0-9]|hook[.]([a-z0-9]+[.])?make[.]com/[a-z0-9]{16}|maker[.]ifttt[.]com/trigger/|api[.]telegram[.]org/bot[0-9]+:)' $$;
COMMENT ON FUNCTION clone_internal.hook_form() IS 'Addresses of web hooks that are secrets, as a regular expression';

-- In a row of settings, another column says what the value is.
CREATE FUNCTION clone_internal.names_setting(name text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT clone_internal.snake($1) ~ '(^|_)(value|val|data|content|text|setting|config)$' $$;
COMMENT ON FUNCTION clone_internal.names_setting(text) IS 'Whether a column is named like that of the values in rows of settings';

-- Columns that say of a row of settings that its value is a secret. The texts of messages and posts may be sensitive in other ways: they are no
-- values.
CREATE FUNCTION clone_internal.secret_flags(relation regclass, "column" name) RETURNS SETOF name
LANGUAGE sql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
    SELECT a.attname FROM pg_attribute a
    WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped AND clone_internal.base_type(a.atttypid) = 'boolean'::regtype
      AND clone_internal.snake($2) ~ '(^|_)(value|val|setting|config)$'
      AND clone_internal.snake(a.attname) ~ '^(is_|value_|is_value_|value_is_)?(secret|encrypted|sensitive|masked|password|credential)$'
    ORDER BY a.attnum
$$;
COMMENT ON FUNCTION clone_internal.secret_flags(regclass, name) IS 'Columns that say whether the value of a row in this column is a secret';

-- A text with a name within the values of a column. form: member of a document, setting in a line of a text or of a connection
-- (SMTP_PASSWORD=…, host=… password=…), address with a password (postgres://user:password@host), query of an address (…?token=…), secret of a
-- known form, hash of a password, hook (its address is a secret), row whose other column says by a name that its value is a secret
-- (key, value), or flag, which is such a column (is_secret).
-- nested: below the root of a document.
CREATE TYPE clone_internal.named_text AS (form text, name text, value text, nested boolean);

-- Those of a sample of the rows whose values hold these words. The column is of a type of text, json, an array of them, or hstore.
CREATE FUNCTION clone_internal.named_texts(relation regclass, "column" name, words text) RETURNS SETOF clone_internal.named_text
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    -- What a row of settings is about.
    keys text := (SELECT string_agg(format('t.%I::text', a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = named_texts.relation AND a.attnum > 0 AND NOT a.attisdropped
                  AND clone_internal.family(a.atttypid) = 'text' AND clone_internal.snake(a.attname) ~ '(^|_)(key|name|setting|option|parameter|param|variable|config|property|field|code|slug|kind|type)$'
                  AND clone_internal.names_setting(named_texts."column") AND a.attname <> named_texts."column");
    flags text := (SELECT string_agg(format('CASE WHEN t.%I THEN %L END', f, f), ', ') FROM clone_internal.secret_flags(named_texts.relation, named_texts."column") f);
    type pg_type := (SELECT t FROM pg_attribute a JOIN pg_type t ON t.oid = clone_internal.base_type(a.atttypid) WHERE a.attrelid = named_texts.relation AND a.attname = named_texts."column");
BEGIN
    RETURN QUERY EXECUTE format($q$
        WITH text AS MATERIALIZED (
            -- No pattern is compared under a nondeterministic collation.
            SELECT %2$s COLLATE "C" AS value FROM %1$s AS t WHERE t.%4$I::text COLLATE "C" ~* %5$L LIMIT 200
        ), document AS MATERIALIZED (
            SELECT x.value AS text, %3$s AS value FROM text x
        ), member AS MATERIALIZED (
            SELECT m.value->>'key' AS name, m.value->>'value' AS value, d.value->>(m.value->>'key') IS DISTINCT FROM m.value->>'value' AS nested
            FROM document d CROSS JOIN LATERAL jsonb_path_query(d.value, '$.** ? (@.type() == "object").keyvalue() ? (@.value.type() == "string")') AS m (value)
        ), line AS (
            SELECT l AS line FROM document d CROSS JOIN LATERAL regexp_split_to_table(d.text, '[\r\n;&]+') AS l
            -- All lines are settings (User Id=…), members of lists in YAML, sections or comments.
            WHERE jsonb_typeof(d.value) = 'string' AND d.text !~ '^\s*[A-Za-z][A-Za-z0-9+.:-]*://\S+\s*$'
              AND d.text !~ '(^|[\r\n;&])(?!\s*($|[\r\n;&#[]|---|(-\s+)*(export\s+)?([A-Za-z_][\w.-]*\s*[=:]|[A-Za-z]+( [A-Za-z]+){1,2}\s*=)|(-\s+)+\S+\s*($|[\r\n])))'
            UNION ALL
            SELECT m[1] FROM document d CROSS JOIN LATERAL regexp_matches(d.text, '([A-Za-z_]\w*\s*=\s*(?:''[^'']*''|"[^"]*"|[^\s,''"]+))', 'g') AS m
            -- The whole text says how to connect.
            WHERE jsonb_typeof(d.value) = 'string' AND d.text ~ '^\s*([\w.-]+:[0-9]+,)*([A-Za-z_]\w*\s*=\s*(''[^'']*''|"[^"]*"|[^\s,''"]+)(\s*,\s*|\s+|$)){2,}$'
        ), address AS (
            SELECT n.name, n.value FROM member n UNION ALL SELECT '', d.text FROM document d WHERE jsonb_typeof(d.value) = 'string'
        )
        SELECT 'member', n.name, n.value, n.nested FROM member n
        UNION ALL
        SELECT 'setting', m[1], m[2], true FROM line l CROSS JOIN LATERAL regexp_match(l.line, '^\s*(?:-\s+)*(?:export\s+)?([A-Za-z_][\w.-]*)\s*[=:]\s*["'']?([^"'']*)') AS m
        UNION ALL
        SELECT 'form', '', x.value, true FROM text x WHERE x.value ~ clone_internal.secret_form()
        UNION ALL
        SELECT 'hash', '', x.value, true FROM text x WHERE x.value ~ clone_internal.password_hash_form()
        UNION ALL
        SELECT 'hook', '', x.value, true FROM text x WHERE x.value ~ clone_internal.hook_form()
        UNION ALL
        SELECT 'row', k.name, k.value, true FROM (SELECT unnest(ARRAY[%6$s]::text[]) AS name, %2$s AS value FROM %7$s AS t) k WHERE k.name IS NOT NULL
        UNION ALL
        SELECT 'flag', f.name, f.value, true FROM (SELECT unnest(ARRAY[%8$s]::text[]) AS name, %2$s AS value FROM %7$s AS t) f WHERE f.name IS NOT NULL
        UNION ALL
        SELECT 'address', a.name, a.value, true FROM address a WHERE a.value ~ '[a-z][a-z0-9+.-]*://[^/\s:@]+:[^/\s@]+@'
        UNION ALL
        SELECT 'query', m[1], m[2], true FROM address a CROSS JOIN LATERAL regexp_matches(a.value, '[?&;#]([A-Za-z_][\w.-]*)=([^&;#\s]+)', 'g') AS m
        WHERE a.value ~ '^\s*[A-Za-z][A-Za-z0-9+.:-]*://\S+\s*$'$q$,
        clone_internal.spread(relation, quote_ident("column"), 500),
        CASE WHEN type.typcategory = 'A' THEN format('unnest(t.%I)::text', "column") WHEN type.typname = 'hstore' THEN format('t.%I::json::text', "column") ELSE format('t.%I::text', "column") END,
        -- Some documents of type json are no jsonb.
        CASE WHEN type.oid IN ('json'::regtype, 'jsonb'::regtype) THEN $x$ CASE WHEN x.value ~ '\\u0000' THEN NULL ELSE x.value::jsonb END $x$ ELSE 'clone_internal.json_of(x.value)' END,
        "column", words, keys, clone_internal.spread(relation, '*', 500), flags);
END
$$;
COMMENT ON FUNCTION clone_internal.named_texts(regclass, name, text) IS 'Members of documents, settings in texts and addresses with passwords within a column, of a sample of rows';

-- Columns of a store's tables in which texts may have names, if a sample of their values holds these words.
CREATE FUNCTION clone_internal.columns_with_words(store text, words text) RETURNS TABLE (relation regclass, name name, number smallint, type regtype, role text)
LANGUAGE plpgsql STABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    c record;
    found boolean[];
BEGIN
    -- One query for all columns of a table. In rows of settings the words are in another column.
    FOR c IN
        SELECT t.relation, array_agg(t.name ORDER BY t.number) AS names, array_agg(t.number ORDER BY t.number) AS numbers, array_agg(t.type ORDER BY t.number) AS types, array_agg(t.role ORDER BY t.number) AS roles,
               string_agg(quote_ident(t.name), ', ' ORDER BY t.number) AS listed, string_agg(format('bool_or(t.%I::text COLLATE "C" ~* %L)', t.name, words) || CASE WHEN clone_internal.names_setting(t.name) THEN ' OR true' ELSE '' END, ', ' ORDER BY t.number) AS sought
        FROM clone_internal.taken_columns($1) t JOIN pg_type y ON y.oid = clone_internal.base_type(t.type)
        WHERE t.relkind IN ('r', 'p') AND (clone_internal.family(t.type) IN ('json', 'text', 'text[]') OR y.typname = 'hstore' OR y.typcategory = 'A' AND y.typelem IN ('json'::regtype, 'jsonb'::regtype))
        GROUP BY 1 ORDER BY t.relation::oid
    LOOP
        EXECUTE format('SELECT ARRAY[%s] FROM %s AS t', c.sought, clone_internal.spread(c.relation, c.listed, 500)) INTO found;
        RETURN QUERY SELECT c.relation, u.name, u.number, u.type, u.role FROM unnest(c.names, c.numbers, c.types, c.roles, found) AS u (name, number, type, role, found) WHERE u.found;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.columns_with_words(text, text) IS 'Columns with documents, settings or other texts of which a sample holds these words';

-- An address without what may be secret in it: who logs in, the path, the query.
CREATE FUNCTION clone_internal.shown_address(address text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp
AS $$ SELECT COALESCE(m[1] || '://' || left(m[2], 60) || '/…', '…') FROM (SELECT regexp_match($1, '^([A-Za-z][A-Za-z0-9+.-]*)://(?:[^/?#]*@)?([^/?#@]+)') AS m) o $$;
COMMENT ON FUNCTION clone_internal.shown_address(text) IS 'The scheme and host of an address, to be shown';

-- Secrets within documents and texts, and addresses in documents that are called. A column's role is about the whole document: members of the
-- root are removed by an expression, where a clone changes nothing else in the document.
CREATE FUNCTION clone_internal.ask_about_named_texts(store text) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    words text := clone_internal.secret_words() || '|key|cred|bearer|authorization|hmac|otp|mfa|code|hook|callback|://[^/ ]+:[^/ ]+@|[sr]k_|gh[pousr]_|github_pat_|glpat-|xox[abeprs]-|AKIA|AIza|SG[.]|npm_|eyJ|Basic [a-z0-9+/]{12}|[$](2[abxy]?|argon2|pbkdf2|scrypt|[156phs])|pbkdf2|scrypt|scram-|[{](s?sha|smd5|crypt|argon2)|logic[.]azure|ifttt|telegram|[.]googleapis';
    secrets text[];
    flags text[];
    -- The values of rows that say so, and other secrets.
    flagged text[];
    others text[];
    removable boolean;
    forms text[];
    called text;
    proposal text;
    -- Undeclared, only keys of these kinds are followed in documents.
    rewritten boolean := EXISTS (SELECT FROM clone.store_relation r JOIN pg_attribute a ON a.attrelid = r.relation AND a.attname = r.id_column
                                 WHERE r.store = $1 AND clone_internal.family(a.atttypid) IN ('uuid', 'text'));
    c record;
BEGIN
    FOR c IN
        SELECT t.relation, t.name, t.type, (t.role = 'keep' OR NOT rewritten)
                AND NOT EXISTS (SELECT FROM clone.store_reference d WHERE d.store = $1 AND d.relation = t.relation AND d."column" = t.name)
                AND NOT EXISTS (SELECT FROM clone.store_question q WHERE q.store = $1 AND q.relation = t.relation AND q."column" = t.name)
                AND NOT EXISTS (SELECT FROM pg_constraint f WHERE f.contype = 'c' AND f.conrelid = t.relation AND t.number = ANY (f.conkey)) AS replaced,
               -- Rules are about the document of a table with a type.
               (SELECT r.resource_type FROM clone.store_relation r WHERE r.store = $1 AND r.relation = t.relation AND r.document_column = t.name AND r.type_column IS NULL) AS document_type,
               EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.relation AND a.attname = t.name AND NOT a.attnotnull) AS nullable, clone_internal.family(t.type) AS family,
               clone_internal.snake(t.name) ~ '(^|_)(dsn|kube_?config|conn|connection|conn(ection)?_?str(ing)?|(database|db)_ur[il])$' AS connects,
               clone_internal.keep_call($1, t.relation, t.name, '$secrets') AS keep_secrets, clone_internal.keep_call($1, t.relation, t.name, '$called') AS keep_called
        FROM clone_internal.columns_with_words($1, words) t
        WHERE clone_internal.secret_kind(clone_internal.snake(t.name)) IS NULL
          AND NOT EXISTS (SELECT FROM pg_class k WHERE k.oid = t.relation AND clone_internal.secret_kind_in_table(t.relation, t.name, clone_internal.table_word(k.relname), clone_internal.family(t.type)) IS NOT NULL)
        ORDER BY t.relation::oid, t.number
    LOOP
        WITH named AS MATERIALIZED (
            SELECT t.*, regexp_replace(clone_internal.snake(t.name), '[^[:alnum:]]+', '_', 'g') AS word FROM clone_internal.named_texts(c.relation, c.name, words) t
            -- A rule removes or replaces it.
            WHERE NOT (t.form = 'member' AND EXISTS (SELECT FROM clone.store_rule u JOIN clone.store_relation r ON r.store = u.store AND r.relation = c.relation AND r.document_column = c.name
                       WHERE u.store = $1 AND u.action IN ('remove', 'set', 'regenerate') AND (u.resource_type IS NULL OR u.resource_type = r.resource_type OR r.type_column IS NOT NULL)
                         AND regexp_replace(u.path, E'^.*[].\\[''"]([^].[''"]+)[]''"]*$', E'\\1') = t.name))
        ), kind AS MATERIALIZED (
            -- A word takes 0.4 ms, and stands in very many texts.
            SELECT w.word, clone_internal.secret_kind(w.word) AS kind FROM (SELECT DISTINCT o.word FROM named o WHERE o.word IS NOT NULL) w
        )
        SELECT array_agg(DISTINCT n.name ORDER BY n.name) FILTER (WHERE n.secret AND n.name <> '' AND n.form <> 'flag'), array_agg(DISTINCT n.name ORDER BY n.name) FILTER (WHERE n.secret AND n.form = 'flag'),
               array_agg(n.value) FILTER (WHERE n.secret AND n.form = 'flag'), array_agg(n.value) FILTER (WHERE n.secret AND n.form <> 'flag'), NOT bool_or(n.nested) FILTER (WHERE n.secret AND n.form NOT IN ('form', 'hash')), array_agg(DISTINCT n.form) FILTER (WHERE n.secret),
               min(n.value) FILTER (WHERE n.form = 'member' AND n.value ~* '^https?://' AND n.word ~ '(^|_)(web_?hook|callback)s?(_(url|uri|endpoint|address|target))?$')
        INTO secrets, flags, flagged, others, removable, forms, called
        FROM (SELECT t.*, t.form IN ('address', 'form', 'hash', 'hook')
                     OR t.word ~ '^(proxy_)?authorization$' AND t.value ~* '^(basic|bearer|digest|token|api-?key|key|negotiate|ntlm|hmac\S*|aws4\S*) +(?=\S*[0-9=])\S{8}'
                     OR ((k.kind IS NOT NULL OR t.form = 'setting' AND t.word ~ '^(account_key|client_key_data)$' OR t.word = 'clave' AND t.value !~ '^[A-Z0-9._-]+$') AND t.value ~ '^[^ ]{6}'
                         OR (t.word = 'pin' AND t.value ~ '^[0-9]{4}$' OR k.kind IN ('a PIN', 'the number of a card') AND t.value ~ '^[0-9]{3,8}$') OR t.form = 'flag' AND t.value <> '')
                     -- Of pages of a list.
                     AND NOT (t.form IN ('setting', 'query') AND t.word ~ '(^|_)(page|next|continuation|sync|cursor|csrf)_token$')
                     -- Masked, or a variable.
                     AND t.value !~* '^([*•x.]+|[$%]?[{][^}]*[}]+|\$\w+|<[^>]*>|\[[^]]*\])$' AS secret
              FROM named t LEFT JOIN kind k ON k.word = t.word) n;
        -- By its name, it is known what to remove.
        forms := CASE WHEN 'member' = ANY (forms) THEN array_remove(forms, 'hash') ELSE forms END;
        removable := removable AND c.replaced AND c.type = 'jsonb'::regtype;
        proposal := CASE WHEN removable THEN format('SELECT clone.store_column(%L, %L, %L, ''expression'', value => %L);', $1, c.relation, c.name,
                format('CASE WHEN pg_catalog.jsonb_typeof(%1$I) OPERATOR(pg_catalog.=) ''object'' THEN %1$I OPERATOR(pg_catalog.-) %2$L::pg_catalog.text[] ELSE %1$I END', c.name, secrets))
            WHEN c.document_type IS NOT NULL AND forms = '{member}' THEN (SELECT string_agg(format('SELECT clone.rule(%L, %L, %L, ''remove'');', $1, c.document_type, format('$..[%s]', clone_internal.path_name(x))), ' ' ORDER BY x) FROM unnest(secrets) x)
            -- Of rows that say so, if no others have secrets.
            WHEN flags IS NOT NULL AND c.replaced AND COALESCE(others <@ flagged, true) AND (c.family = 'text' OR c.family = 'json' AND c.nullable)
                 THEN format('SELECT clone.store_column(%L, %L, %L, ''expression'', value => %L);', $1, c.relation, c.name,
                     format('CASE WHEN %s THEN %s ELSE %I END', (SELECT string_agg(quote_ident(f), ' OR ' ORDER BY f) FROM unnest(flags) f), CASE WHEN c.nullable THEN 'NULL' ELSE '''''' END, c.name))
            -- Texts that are secrets as a whole, such as the address of a database.
            WHEN c.nullable AND c.family = 'text' AND (forms <@ '{address,form,hash,hook,query}' OR forms <@ '{address,form,query,setting}' AND c.connects) THEN format('SELECT clone.store_column(%L, %L, %L, ''null'');', $1, c.relation, c.name) END;
        IF forms IS NOT NULL AND NOT clone_internal.answered($1, c.relation, c.name, '$secrets') THEN
            PERFORM clone_internal.ask($1, c.relation, c.name, '$secrets', 'warning',
                CASE WHEN forms = '{address}' THEN format('addresses in %s.%I hold passwords', c.relation, c.name)
                     WHEN forms <@ '{address,query}' THEN format('addresses in %s.%I look as if they hold secrets: %s', c.relation, c.name, array_to_string(secrets[1:10], ', '))
                     WHEN secrets IS NULL AND flags IS NOT NULL AND COALESCE(others <@ flagged, true) THEN format('values of %s.%I are secrets where %s is true', c.relation, c.name, array_to_string(flags, ' or '))
                     WHEN secrets IS NULL AND forms = '{hash}' THEN format('values of %s.%I look like hashes of passwords', c.relation, c.name)
                     WHEN secrets IS NULL AND forms = '{hook}' THEN format('values of %s.%I look like addresses of web hooks, with which anybody can post', c.relation, c.name)
                     WHEN secrets IS NULL THEN format('values of %s.%I look like tokens or private keys', c.relation, c.name)
                     ELSE format('%s of %s.%I look like secrets: %s', CASE WHEN 'member' = ANY (forms) THEN 'members' ELSE 'settings' END, c.relation, c.name, array_to_string(secrets[1:10], ', ')) END
                    || ': the clone gets the source''s' || CASE WHEN proposal IS NULL THEN '. Give the column another value, clone.store_column(…), or remove them from the clone after it is made' ELSE '' END,
                proposal, c.keep_secrets);
        END IF;
        IF called IS NOT NULL AND NOT clone_internal.answered($1, c.relation, c.name, '$called') THEN
            PERFORM clone_internal.ask($1, c.relation, c.name, '$called', 'note',
                format('documents of %s.%I hold addresses that are called, such as %s: for the rows of the clone they are called too', c.relation, c.name, clone_internal.quoted(clone_internal.shown_address(called))), c.keep_called, c.keep_called);
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_named_texts(text) IS 'Records questions about secrets within documents and texts, and about addresses in documents that are called';

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
        WHERE t.relkind IN ('r', 'p') AND clone_internal.base_type(t.type) IN ('text'::regtype, 'varchar'::regtype)
          AND (w.own ~ '(^|_)(web_?hook|callback)s?(_(url|uri|endpoint|address|target))?$' OR w.relation ~ 'hook(_endpoint|_subscription|_config)?$' AND w.own ~ '(^|_)(url|uri|endpoint|target)$')
          AND NOT clone_internal.answered($1, t.relation, t.name, '$called')
        ORDER BY t.relation::oid, t.number
    LOOP
        EXECUTE format('SELECT min(t.%1$I::text COLLATE "C") FROM %2$s AS t WHERE t.%1$I::text COLLATE "C" ~* %3$L', c.name, clone_internal.spread(c.relation, quote_ident(c.name), 500), '^https?://') INTO example;
        CONTINUE WHEN example IS NULL;
        PERFORM clone_internal.ask($1, c.relation, c.name, '$called', 'note',
            format('%s.%I holds addresses that are called, such as %s: for the rows of the clone they are called too', c.relation, c.name, clone_internal.quoted(clone_internal.shown_address(example))),
            CASE WHEN NOT c.not_null THEN format('SELECT clone.store_column(%L, %L, %L, ''null'');', $1, c.relation, c.name) ELSE c.keep END, c.keep);
    END LOOP;
END
$$;
COMMENT ON FUNCTION clone_internal.ask_about_called_addresses(text) IS 'Records notes about columns with addresses that an application calls';
