//! Secrets that are known by their form, wherever they are, and texts that only look like some.

use super::{answer_all, discovered};

const QUESTIONS: &str = "SELECT concat_ws(' ', severity, split_part(question, ': the clone gets', 1)) FROM clone.store_check('s') WHERE question ~ 'the clone gets the source''s' ORDER BY question COLLATE \"C\"";

#[tokio::test]
async fn connections_hashes_and_addresses_with_secrets_are_asked_about() {
    let db = discovered(
        r#"CREATE TABLE accounts (id bigserial PRIMARY KEY, name text);
         CREATE TABLE links (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, dsn text, connection_string text, kubeconfig text, cache text, storage text, digest_of text, hashed jsonb, directory text,
             magic_link text, jdbc text, url text, doc jsonb, headers text, creds text, reset_digest text);
         INSERT INTO accounts (name) VALUES ('Other'), ('Ours');
         INSERT INTO links (account_id, dsn, connection_string, kubeconfig, cache, storage, digest_of, hashed, directory, magic_link, jdbc, url, doc, headers, creds, reset_digest)
         SELECT 1 + n % 2, 'host=db user=app password=hunter' || n, 'Server=db;User Id=app;Password=hunter' || n || ';', E'users:\n- name: u\n  user:\n    token: ' || md5(n || 'k') || E'\n', 'cache.example:6380,password=' || md5(n || 'c') || ',ssl=True',
                'DefaultEndpointsProtocol=https;AccountName=x;AccountKey=' || md5(n || 'a') || '==;EndpointSuffix=example.org', '$2a$10$' || substr(md5(n || 'd') || md5(n || 'e'), 1, 53), jsonb_build_object('was', '$argon2id$v=19$m=65536$' || md5(n || 'h')),
                '{SSHA}' || md5(n || 's'), 'https://app.example/login?token=' || md5(n || 'm'), 'jdbc:sqlserver://db:1433;user=u;password=hunter' || n, 'https://hooks.slack.com/services/T0ABCDEF/B0ABCDEF/' || substr(md5(n || 'w'), 1, 24),
                jsonb_build_object('u', 'https://discord.com/api/webhooks/123456789012345678/' || md5(n || 'x')), 'Authorization: Basic dXNlcjpwYXNzd29yZDE=', 'app:hunter' || n, md5(n || 'r') FROM generate_series(1, 6) n"#,
        "accounts",
    )
    .await;
    assert_eq!(
        db.list(QUESTIONS).await,
        [
            "warning addresses in public.links.jdbc look as if they hold secrets: password",
            "warning addresses in public.links.magic_link look as if they hold secrets: token",
            "warning public.links.creds looks like a secret",
            "warning public.links.reset_digest looks like a token",
            "warning settings of public.links.cache look like secrets: password",
            "warning settings of public.links.connection_string look like secrets: Password",
            "warning settings of public.links.dsn look like secrets: password",
            "warning settings of public.links.headers look like secrets: Authorization",
            "warning settings of public.links.kubeconfig look like secrets: token",
            "warning settings of public.links.storage look like secrets: AccountKey",
            "warning values of public.links.digest_of look like hashes of passwords",
            "warning values of public.links.directory look like hashes of passwords",
            "warning values of public.links.doc look like addresses of web hooks, with which anybody can post",
            "warning values of public.links.hashed look like hashes of passwords",
            "warning values of public.links.url look like addresses of web hooks, with which anybody can post",
        ]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', 'Copy'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM links WHERE account_id = {clone} AND num_nulls(dsn, connection_string, kubeconfig, digest_of, directory, magic_link, jdbc, url) = 8"))
            .await,
        3
    );
}

#[tokio::test]
async fn prose_addresses_and_settings_without_secrets_are_not() {
    let db = discovered(
        r#"CREATE TABLE accounts (id bigserial PRIMARY KEY, name text);
         CREATE TABLE notes (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, body text);
         INSERT INTO accounts (name) VALUES ('Other'), ('Ours');
         INSERT INTO notes (account_id, body) SELECT 1 + n % 2, t FROM generate_series(1, 4) n, unnest(ARRAY['Basic internationalization of the app', E'- milk\n- password\n- token', E'- Call Bob: he forgot his password\n- Go', 'Your token is below.',
             'const token = getTokenFromStore(); let password = readPassword();', 'https://example.com/list?size=2&pageToken=abcdefghij', 'https://example.com/p?utm_source=hooks&code=spring', 'Costs $5$ or $6$; bcrypt $2a$ and $argon2 are hashes',
             'level=info user=x tokens=many token_type=bearer', 'Read https://hooks.slack.com/ and https://discord.com/api/webhooks first', E'title: Hello\ntags:\n  - a\nkey: value-of-it\n', 'see {SHA} and {CRYPT}', 'authorization: required by authorities']) t"#,
        "accounts",
    )
    .await;
    assert_eq!(db.list(QUESTIONS).await, Vec::<String>::new());
}

#[tokio::test]
async fn values_of_rows_that_say_that_they_are_secrets_are_asked_about() {
    let db = discovered(
        r#"CREATE TABLE accounts (id bigserial PRIMARY KEY, name text);
         CREATE TABLE variable (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, path text, value text, is_secret boolean);
         CREATE TABLE option (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, title text, value text NOT NULL, "isEncrypted" boolean NOT NULL);
         CREATE TABLE parameter (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, title text, value jsonb, sensitive boolean);
         CREATE TABLE ci_variable (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, key text, value text, masked boolean);
         CREATE TABLE mixed (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, value text, masked boolean);
         CREATE TABLE status (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, text text, sensitive boolean, content text, encrypted boolean);
         CREATE TABLE entry (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, value text, hidden boolean, is_secret boolean);
         INSERT INTO accounts (name) VALUES ('Other'), ('Ours');
         INSERT INTO variable (account_id, path, value, is_secret) SELECT 1 + n % 2, 'v', CASE WHEN n % 3 = 0 THEN md5(n::text) ELSE 'plain' END, n % 3 = 0 FROM generate_series(1, 12) n;
         INSERT INTO option (account_id, title, value, "isEncrypted") SELECT account_id, path, value, is_secret FROM variable ORDER BY id;
         INSERT INTO parameter (account_id, title, value, sensitive) SELECT account_id, path, to_jsonb(value), is_secret FROM variable ORDER BY id;
         INSERT INTO ci_variable (account_id, key, value, masked) SELECT account_id, CASE WHEN is_secret THEN 'DB_PASSWORD' ELSE 'DB_HOST' END, value, is_secret FROM variable ORDER BY id;
         INSERT INTO mixed (account_id, value, masked) SELECT account_id, 'Bearer ' || md5(id::text), is_secret FROM variable ORDER BY id;
         INSERT INTO status (account_id, text, sensitive, content, encrypted) SELECT account_id, 'Look at this photo', is_secret, 'words', is_secret FROM variable;
         INSERT INTO entry (account_id, value, hidden, is_secret) SELECT account_id, CASE WHEN is_secret THEN '****' ELSE 'word' END, NOT is_secret, is_secret FROM variable"#,
        "accounts",
    )
    .await;
    assert_eq!(
        db.list(QUESTIONS).await,
        [
            "warning settings of public.ci_variable.value look like secrets: DB_PASSWORD",
            "warning values of public.mixed.value look like tokens or private keys",
            "warning values of public.option.value are secrets where isEncrypted is true",
            "warning values of public.parameter.value are secrets where sensitive is true",
            "warning values of public.variable.value are secrets where is_secret is true",
        ]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', 'Copy'").await;
    for (table, cleared) in [
        ("variable", "value IS NULL"),
        ("option", "value = ''"),
        ("parameter", "value IS NULL"),
        ("ci_variable", "value IS NULL"),
    ] {
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM {table} WHERE account_id = {clone} AND {cleared}"
            ))
            .await,
            2,
            "{table}"
        );
    }
}

#[tokio::test]
async fn secrets_have_names_in_many_languages_and_forms() {
    let db = discovered(
        r#"CREATE TABLE accounts (id bigserial PRIMARY KEY, name text);
         CREATE TABLE usuarios (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, clave text, ssh_key text, pin text, pin_code text, zip text, city text);
         CREATE TABLE cards (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, pin int, puk text, doc jsonb);
         CREATE TABLE links (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, "APISchlüssel" text, "motDePasse" text, clientsecret text, api_key_encrypted text, "oldPassword" text, "パスワード" text, smtp_pw text, access_code text, security_answer text, psk text);
         CREATE TABLE settings (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, key text, value text);
         INSERT INTO accounts (name) VALUES ('Other'), ('Ours');
         INSERT INTO usuarios (account_id, clave, ssh_key, pin, pin_code, zip, city) SELECT 1 + n % 2, 'hunter' || n, md5(n || 'k'), 1000 + n, 2000 + n, 10115, 'Berlin' FROM generate_series(1, 6) n;
         INSERT INTO cards (account_id, pin, doc) SELECT 1 + n % 2, 1000 + n, jsonb_build_object('pin', (1000 + n)::text, 'clave', 'hunter' || n, 'sshKey', md5(n::text), 'shipping', 'standard') FROM generate_series(1, 6) n;
         INSERT INTO settings (account_id, key, value) SELECT a, k, v FROM generate_series(1, 2) a, (VALUES ('theme', 'darkblue'), ('ssh_key', 'abcdefgh'), ('usuario_clave', 'Hunter22'), ('max_pins', '123456')) v (k, v)"#,
        "accounts",
    )
    .await;
    assert_eq!(
        db.list(QUESTIONS).await,
        [
            "warning members of public.cards.doc look like secrets: clave, pin, sshKey",
            "warning public.cards.pin looks like a PIN",
            "warning public.cards.puk looks like a PIN",
            "warning public.links.\"APISchlüssel\" looks like a secret",
            "warning public.links.\"motDePasse\" looks like a password",
            "warning public.links.\"oldPassword\" looks like a password",
            "warning public.links.\"パスワード\" looks like a password",
            "warning public.links.access_code looks like a secret",
            "warning public.links.api_key_encrypted looks like a secret",
            "warning public.links.clientsecret looks like a secret",
            "warning public.links.psk looks like a secret",
            "warning public.links.security_answer looks like a secret",
            "warning public.links.smtp_pw looks like a password",
            "warning public.usuarios.clave looks like a password",
            "warning public.usuarios.pin looks like a PIN",
            "warning public.usuarios.pin_code looks like a PIN",
            "warning public.usuarios.ssh_key looks like a secret",
            "warning settings of public.settings.value look like secrets: ssh_key, usuario_clave",
        ]
    );
}

#[tokio::test]
async fn names_that_only_resemble_those_of_secrets_are_not_asked_about() {
    let db = discovered(
        r#"CREATE TABLE accounts (id bigserial PRIMARY KEY, name text);
         CREATE TABLE customers (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, name text, city text, state text, pin_code text, pin text);
         CREATE TABLE articulos (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, clave text, palabra_clave text, UNIQUE (account_id, clave));
         CREATE TABLE deploy_keys (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, title text, key text, public_key text, ssh_public_key text);
         CREATE TABLE facturas (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, clave_acceso text, chave_acesso text);
         CREATE TABLE items (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, pinned boolean, shipping text, boarding_pass text, country_code text, object_key text, sort_key text, keyword text, password_policy text, token_type text, map_pin text, secret_path text, cookie_text text,
             doc jsonb);
         CREATE TABLE settings (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, key text, value text);
         CREATE TABLE sensors (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, pin int);
         INSERT INTO accounts (name) VALUES ('Other'), ('Ours');
         INSERT INTO customers (account_id, city, pin_code, pin) SELECT 1 + n % 2, 'Delhi', 110000 + n, 110000 + n FROM generate_series(1, 6) n;
         INSERT INTO articulos (account_id, clave, palabra_clave) SELECT 1 + n % 2, 'ART' || n, 'mesa' FROM generate_series(1, 6) n;
         INSERT INTO deploy_keys (account_id, key, public_key) SELECT 1 + n % 2, 'ssh-ed25519 AAAA' || md5(n::text), 'ssh-rsa AAAA' || md5(n::text) FROM generate_series(1, 6) n;
         INSERT INTO facturas (account_id, clave_acceso, chave_acesso) SELECT 1 + n % 2, repeat('1234567', 7), repeat('3525', 11) FROM generate_series(1, 6) n;
         INSERT INTO items (account_id, shipping, doc) SELECT 1 + n % 2, 'express', jsonb_build_object('clave', 'PROD' || 100 + n, 'shipping', 'express delivery', 'pin', 'D13', 'keywords', 'table, chair', 'opinion', 'wonderful') FROM generate_series(1, 6) n;
         INSERT INTO settings (account_id, key, value) SELECT a, k, 'something' FROM generate_series(1, 2) a, unnest('{theme,pins,keyboard,shipping_method,translation_key}'::text[]) k"#,
        "accounts",
    )
    .await;
    assert_eq!(db.list(QUESTIONS).await, Vec::<String>::new());
}
