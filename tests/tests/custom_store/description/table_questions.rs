//! Questions about whole tables: in other schemas, with the tenant under another name, shared, unknown; tenants under any name.

use super::{answer_all, discovered, open};
use crate::assert_verified;
use pg_clone_tests::scratch_database::Scratch;

const TABLES: &str = "CREATE SCHEMA app; CREATE SCHEMA billing;
    CREATE TABLE billing.plan (id serial PRIMARY KEY, code text);
    CREATE TABLE app.org (id smallint PRIMARY KEY GENERATED ALWAYS AS IDENTITY, title text NOT NULL, plan_id int REFERENCES billing.plan, parent_id smallint REFERENCES app.org);
    CREATE TABLE app.usr (id bigserial PRIMARY KEY, mail text);
    CREATE TABLE app.membership (org_id smallint REFERENCES app.org, usr_id bigint REFERENCES app.usr, PRIMARY KEY (org_id, usr_id));
    CREATE TABLE billing.account (org_id smallint PRIMARY KEY REFERENCES app.org, iban text UNIQUE);
    CREATE TABLE billing.line (id bigserial PRIMARY KEY, account smallint NOT NULL REFERENCES billing.account);
    CREATE TABLE app.lock (id serial PRIMARY KEY, org smallint, holder text);
    CREATE TABLE app.meta (number serial PRIMARY KEY, tid smallint NOT NULL, v text);
    CREATE TABLE app.queue (id serial PRIMARY KEY, org smallint);
    CREATE TABLE app.migrations (version int PRIMARY KEY);
    INSERT INTO billing.plan (code) VALUES ('free'); INSERT INTO app.org (title, plan_id) VALUES ('Other', 1), ('Ours', 1); INSERT INTO app.org (title, parent_id) VALUES ('Below', 2);
    INSERT INTO app.usr (mail) VALUES ('a'), ('b'); INSERT INTO app.membership VALUES (1, 1), (2, 1), (2, 2); INSERT INTO billing.account VALUES (1, 'X1'), (2, 'X2');
    INSERT INTO billing.line (account) VALUES (1), (2), (2); INSERT INTO app.lock (org, holder) VALUES (2, 'x'); INSERT INTO app.meta (tid, v) VALUES (1, 'a'), (2, 'b'); INSERT INTO app.migrations VALUES (900);";

#[tokio::test]
async fn tables_in_every_place_are_described_or_asked_about() {
    let db = discovered(TABLES, "app.org").await;
    // Foreign keys lead into every schema.
    assert_eq!(
        db.list(
            "SELECT relation::text FROM clone.store_relation WHERE relation::text LIKE 'billing%' ORDER BY 1"
        )
        .await,
        ["billing.account", "billing.line"]
    );
    assert_eq!(
        open(&db).await,
        [
            "error app.lock.org",
            "error app.meta.tid",
            "error app.org.parent_id",
            "warning app.queue.org",
            "warning app.usr",
        ]
    );
    assert_eq!(db.fails("SELECT project_clone('2')").await.code, "55000");
    // What others are is asked when these are described.
    for call in db
        .list("SELECT answer FROM clone.store_check('s') WHERE severity = 'error'")
        .await
    {
        db.run(&call).await;
    }
    assert_eq!(
        db.text("SELECT question FROM clone.store_check('s') WHERE severity = 'note'")
            .await,
        "tables that are neither described nor reached stay as they are: app.migrations, billing.plan"
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', 'Copy'").await;
    assert_verified(&db, &clone).await;
    assert_eq!(
        db.text(&format!("SELECT concat_ws('|', o.title, (SELECT count(*) FROM app.lock l WHERE l.org = o.id), (SELECT count(*) FROM app.meta m WHERE m.tid = o.id), (SELECT count(*) FROM billing.line b WHERE b.account = o.id), (SELECT count(*) FROM app.membership m WHERE m.org_id = o.id)) FROM app.org o WHERE o.id = {clone}")).await,
        "Copy|1|1|2|2"
    );
    let db = discovered(TABLES, "app.org").await;
    answer_all(&db, "otherwise").await;
    assert_eq!(db.number("SELECT count(*) FROM app.lock").await, 1);
}

#[tokio::test]
async fn answers_to_tables_that_keys_reach_say_all_that_is_needed() {
    let db = discovered(TABLES, "app.org").await;
    answer_all(&db, "answer").await;
    db.run("CREATE TABLE billing.dunning (id bigserial PRIMARY KEY, line_id bigint NOT NULL REFERENCES billing.line); CREATE TABLE billing.letter (id bigserial PRIMARY KEY, dunning_id bigint NOT NULL REFERENCES billing.dunning, org_id smallint REFERENCES app.org);
            INSERT INTO billing.dunning (line_id) SELECT id FROM billing.line; INSERT INTO billing.letter (dunning_id) SELECT id FROM billing.dunning; CREATE TABLE billing.visit (id bigserial PRIMARY KEY, org_id smallint NOT NULL REFERENCES app.org, lock int)")
        .await;
    let failure = db.fails("SELECT project_clone('2')").await;
    assert_eq!(failure.code, "55000");
    assert_eq!(
        db.list("SELECT answer FROM clone.store_check('s') WHERE severity = 'error' ORDER BY 1")
            .await,
        [
            "SELECT clone.store_table('s', 'billing.dunning', 'derived', id_column => 'id', parent => 'billing.line', join_column => 'line_id');",
            "SELECT clone.store_table('s', 'billing.letter', 'resource', id_column => 'id', project_column => 'org_id');",
            "SELECT clone.store_table('s', 'billing.visit', 'resource', id_column => 'id', project_column => 'org_id');",
        ]
    );
    answer_all(&db, "answer").await;
    db.clone_project("'2', 'Copy'").await;
}

#[tokio::test]
async fn the_tenants_table_is_named_as_sql_users_write_it() {
    let tables = "CREATE TABLE \"Workspace\" (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), \"displayName\" text); CREATE TABLE team (id numeric(20,0) PRIMARY KEY DEFAULT 1, label varchar(20)); CREATE SCHEMA other; CREATE TABLE other.team (id int); CREATE TABLE \"My.Tenant\" (id text PRIMARY KEY)";
    for (written, meant) in [
        ("Workspace", "public.\"Workspace\""),
        ("\"Workspace\"", "public.\"Workspace\""),
        ("public.Workspace", "public.\"Workspace\""),
        ("public.\"Workspace\"", "public.\"Workspace\""),
        ("\"public\".\"Workspace\"", "public.\"Workspace\""),
        ("public.team", "public.team"),
        ("PUBLIC.TEAM", "public.team"),
        ("\"My.Tenant\"", "public.\"My.Tenant\""),
    ] {
        let db = discovered(tables, written).await;
        assert_eq!(
            db.text("SELECT format('%I.%I', schema_name, table_name) FROM clone.store_relation WHERE role = 'project'")
                .await,
            meant,
            "{written}"
        );
    }
    let db = Scratch::with_extension().await;
    db.run(tables).await;
    for (wrong, said) in [
        ("team", "other.team, public.team"),
        ("workspace", "public.\"Workspace\""),
        ("\"", "Give its name with its schema."),
        ("a.b.c", "Give its name with its schema."),
    ] {
        let failure = db
            .fails(&format!(
                "SELECT clone.store_create('x', 'discover', jsonb_build_object('tenant', $t${wrong}$t$))"
            ))
            .await;
        assert_eq!(failure.code, "22023", "{wrong}");
        assert!(failure.hint.contains(said), "{failure:?}");
    }
}

#[tokio::test]
async fn a_tenant_without_a_name_takes_the_clones_name_in_its_title() {
    for (columns, role) in [
        ("title text", "title"),
        ("slug text UNIQUE, \"displayName\" varchar(40)", "displayName"),
        ("company_name citext", "company_name"),
        ("email text, label text, name text", "name"),
    ] {
        let db = Scratch::with_extension().await;
        db.run(&format!(
            "CREATE EXTENSION citext; CREATE TABLE tenants (id bigserial PRIMARY KEY, {columns}); INSERT INTO tenants DEFAULT VALUES; SELECT clone.store_create('s', 'discover', '{{\"tenant\": \"tenants\"}}')"
        ))
        .await;
        assert_eq!(
            db.list("SELECT name FROM clone.store_column WHERE role = 'name'")
                .await,
            [role]
        );
        assert_eq!(open(&db).await, Vec::<String>::new());
        let clone = db.clone_project("'1', 'Copy'").await;
        assert_eq!(
            db.text(&format!("SELECT \"{role}\" FROM tenants WHERE id = {clone}"))
                .await,
            "Copy"
        );
    }
    // Described by hand it is said before somebody calls.
    let db = Scratch::with_extension().await;
    db.run("CREATE TABLE tenants (id bigserial PRIMARY KEY, title text); SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'tenants', 'project')")
        .await;
    assert_eq!(open(&db).await, ["note public.tenants"]);
    answer_all(&db, "answer").await;
    assert_eq!(
        db.list("SELECT name FROM clone.store_column WHERE role = 'name'")
            .await,
        ["title"]
    );
}

#[tokio::test]
async fn secrets_are_told_by_their_names() {
    let db = discovered(
        "CREATE TABLE accounts (id bigserial PRIMARY KEY, name text, stripe_secret_key text, settings jsonb);
         CREATE TABLE users (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, encrypted_password text NOT NULL, otp_secret text, api_token text UNIQUE, password_changed_at timestamptz, token_count int, primary_key boolean);
         CREATE TABLE webhooks (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, url text, secret varchar(40), secrets json, auth_key text, \"tokenValue\" text);
         CREATE TABLE sessions (id bigserial PRIMARY KEY, user_id bigint REFERENCES users, session_id text, data text, \"refreshToken\" text NOT NULL);
         INSERT INTO accounts (name) VALUES ('Other'), ('Ours'); INSERT INTO users (account_id, encrypted_password, api_token) VALUES (2, '$2a$10$abcdefghijklmnopqrstuv', 'abcdefgh12345678');
         INSERT INTO webhooks (account_id, secret) VALUES (2, 'whsec_0123456789'); INSERT INTO sessions (user_id, session_id, \"refreshToken\") VALUES (1, '5f2b8c1e9d3a4b6c', '7c8e9f0a1b2c3d4e');",
        "accounts",
    )
    .await;
    assert_eq!(
        open(&db).await,
        [
            "warning public.accounts.stripe_secret_key",
            "warning public.sessions.\"refreshToken\"",
            "warning public.sessions.data",
            "warning public.sessions.session_id",
            "warning public.users.encrypted_password",
            "warning public.users.otp_secret",
            "warning public.webhooks.\"tokenValue\"",
            "warning public.webhooks.auth_key",
            "warning public.webhooks.secret",
            "warning public.webhooks.secrets",
        ]
    );
    answer_all(&db, "answer").await;
    db.clone_project("'2', 'Copy'").await;
    for same in [
        "SELECT count(*) - count(DISTINCT encrypted_password) FROM users",
        "SELECT count(*) - count(DISTINCT secret) FROM webhooks",
        "SELECT count(*) - count(DISTINCT \"refreshToken\") FROM sessions",
        "SELECT count(*) - count(DISTINCT api_token) FROM users",
    ] {
        assert_eq!(db.number(same).await, 0, "{same}");
    }
}

#[tokio::test]
async fn secrets_in_documents_and_called_addresses_are_asked_about() {
    let db = discovered(
        "CREATE TABLE accounts (id bigserial PRIMARY KEY, name text);
         CREATE TABLE channels (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, webhook_url text, config jsonb, deep jsonb, linked jsonb, texts json, plain jsonb);
         CREATE TABLE web_hooks (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, url text NOT NULL, enabled boolean);
         INSERT INTO accounts (name) VALUES ('Other'), ('Ours');
         INSERT INTO channels (account_id, webhook_url, config, deep, linked, texts, plain)
         SELECT 1 + n % 2, 'https://hooks.example/' || n, jsonb_build_object('apiKey', 'sk_live_' || md5(n::text), 'refresh_token', md5(n || 't'), 'host', 'example.org', 'token_count', 3),
                jsonb_build_object('smtp', jsonb_build_array(jsonb_build_object('password', 'geheim' || n))), jsonb_build_object('channel_id', n, 'secret', md5(n || 's')), json_build_object('client_secret', md5(n || 'c')),
                jsonb_build_object('password_required', true, 'password_reset_id', 'reset-' || n, 'token_type', 'bearer', 'token', NULL, 'secret', 'x', 'key', 'name' || n, 'prompt', 'enter the secret word')
         FROM generate_series(1, 20) n;
         INSERT INTO web_hooks (account_id, url) SELECT 1 + n % 2, 'https://called.example/' || n FROM generate_series(1, 4) n",
        "accounts",
    )
    .await;
    let questions = db
        .list("SELECT concat_ws(' ', severity, question) FROM clone.store_check('s') WHERE question ~ 'secret|called' ORDER BY 1")
        .await;
    assert_eq!(
        questions,
        [
            "note public.channels.webhook_url holds addresses that are called, such as \"https://hooks.example/…\": for the rows of the clone they are called too",
            "note public.web_hooks.url holds addresses that are called, such as \"https://called.example/…\": for the rows of the clone they are called too",
            "warning members of public.channels.config look like secrets: apiKey, refresh_token: the clone gets the source's",
            "warning members of public.channels.deep look like secrets: password: the clone gets the source's. Give the column another value, clone.store_column(…), or remove them from the clone after it is made",
            "warning members of public.channels.linked look like secrets: secret: the clone gets the source's. Give the column another value, clone.store_column(…), or remove them from the clone after it is made",
            "warning members of public.channels.texts look like secrets: client_secret: the clone gets the source's. Give the column another value, clone.store_column(…), or remove them from the clone after it is made",
        ]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.text(&format!("SELECT string_agg(DISTINCT config::text || coalesce(webhook_url, '-'), ',') FROM channels WHERE account_id = {clone}")).await,
        "{\"host\": \"example.org\", \"token_count\": 3}-"
    );
    // References beside a secret are followed.
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM channels c JOIN channels o ON o.id = (c.linked->>'channel_id')::int AND o.account_id = c.account_id WHERE c.account_id = {clone}")).await,
        10
    );
}

#[tokio::test]
async fn secrets_are_known_by_their_names_in_several_languages() {
    let db = discovered(
        r#"CREATE TABLE accounts (id bigserial PRIMARY KEY, name text);
         CREATE TABLE logins (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, pass text, "smtpPass" text, passphrase text, senha text, mot_de_passe text, "kennwortHash" text, "contraseña" text,
             cvv text, "cardNumber" text, jwt_key text, session_key text, cookie text, boarding_pass text, passed text, compass text, bypass text, curriculum_cvs text, words jsonb);
         INSERT INTO accounts (name) VALUES ('Other'), ('Ours');
         INSERT INTO logins (account_id, pass, words) SELECT 1 + n % 2, 'x' || n, jsonb_build_object('auth', jsonb_build_object('user', 'me', 'pass', md5(n::text)), 'wachtwoord', md5(n || 'w')) FROM generate_series(1, 6) n"#,
        "accounts",
    )
    .await;
    assert_eq!(
        db.list("SELECT substring(question FROM '^(?:members of )?public.logins.(.*): the clone gets') FROM clone.store_check('s') WHERE severity = 'warning' ORDER BY question COLLATE \"C\"").await,
        [
            "words look like secrets: pass, wachtwoord",
            "\"cardNumber\" looks like the number of a card",
            "\"contraseña\" looks like a password",
            "\"kennwortHash\" looks like a password",
            "\"smtpPass\" looks like a password",
            "cookie looks like a token",
            "cvv looks like the number of a card",
            "jwt_key looks like a secret",
            "mot_de_passe looks like a password",
            "pass looks like a password",
            "passphrase looks like a password",
            "senha looks like a password",
            "session_key looks like a token",
        ]
    );
}

#[tokio::test]
async fn secrets_in_texts_and_arrays_are_asked_about() {
    let db = discovered(
        "CREATE EXTENSION hstore;
         CREATE TABLE accounts (id bigserial PRIMARY KEY, name text);
         CREATE TABLE channels (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, config text, env text, dsn varchar(200), pairs hstore, steps jsonb[], headers text[], doc jsonb, note text, body text, masked jsonb);
         INSERT INTO accounts (name) VALUES ('Other'), ('Ours');
         INSERT INTO channels (account_id, config, env, dsn, pairs, steps, headers, doc, note, body, masked)
         SELECT 1 + n % 2, json_build_object('host', 'mail.example', 'auth', json_build_object('smtpPassword', md5(n || 'p'))), E'# mail\nSMTP_HOST=mail.example\nexport SMTP_PASSWORD=\"' || md5(n || 'q') || E'\"\n',
                'postgres://app:' || md5(n || 'd') || '@db.example/app', hstore('api-key', md5(n || 'h')), ARRAY[jsonb_build_object('kind', 'call', 'bearer', md5(n || 'b')), '[]'],
                ARRAY['Accept: text/html', 'X-Auth-Token: ' || md5(n || 'x')], jsonb_build_object('callbackUrl', 'https://called.example/h' || n),
                'The password: see the wiki. Tell nobody, no token=' || n, 'Write to mailto:me@example.org or https://example.org/~a:b, your key', jsonb_build_object('password', '********', 'secret', '${SMTP_SECRET}', 'token', '<hidden>')
         FROM generate_series(1, 20) n",
        "accounts",
    )
    .await;
    let questions = db
        .list("SELECT concat_ws(' ', severity, question) FROM clone.store_check('s') WHERE question ~ 'secret|called|passwords' ORDER BY 1")
        .await;
    let after = ": the clone gets the source's. Give the column another value, clone.store_column(…), or remove them from the clone after it is made";
    assert_eq!(
        questions,
        [
            "note documents of public.channels.doc hold addresses that are called, such as \"https://called.example/…\": for the rows of the clone they are called too".to_owned(),
            "warning addresses in public.channels.dsn hold passwords: the clone gets the source's".to_owned(),
            format!("warning members of public.channels.config look like secrets: smtpPassword{after}"),
            format!("warning members of public.channels.pairs look like secrets: api-key{after}"),
            format!("warning members of public.channels.steps look like secrets: bearer{after}"),
            format!("warning settings of public.channels.env look like secrets: SMTP_PASSWORD{after}"),
            format!("warning settings of public.channels.headers look like secrets: X-Auth-Token{after}"),
        ]
    );
    answer_all(&db, "answer").await;
    assert_eq!(
        db.number("SELECT count(*) FROM clone.store_check('s') WHERE question ~ 'secret|called|passwords'")
            .await,
        0
    );
}

#[tokio::test]
async fn secrets_in_settings_and_of_known_forms_are_asked_about() {
    let db = discovered(
        "CREATE TABLE accounts (id bigserial PRIMARY KEY, name text);
         CREATE TABLE settings (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, key text, value text, UNIQUE (account_id, key));
         CREATE TABLE links (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, a text[], b text, c text, d jsonb, e text, f text, g text);
         INSERT INTO accounts (name) VALUES ('Other'), ('Ours');
         INSERT INTO settings (account_id, key, value) SELECT a, k, 'value-of-' || k FROM generate_series(1, 2) a, unnest('{smtp_host,smtpPassword,stripe.secret_key,token_type,theme}'::text[]) k;
         INSERT INTO links (account_id, a, b, c, d, e, f, g)
         SELECT 1 + n % 2, ARRAY['ghp_' || md5(n || 'a') || 'x'], E'-----BEGIN RSA PRIVATE KEY-----\n' || md5(n || 'b'), 'Bearer ' || md5(n || 'c'), jsonb_build_object('x', 'sk_live_' || md5(n || 'd')),
                'Server=db;Pwd=' || md5(n || 'e'), 'task_live_' || md5(n || 'f'), 'The bearer of this ticket' FROM generate_series(1, 20) n",
        "accounts",
    )
    .await;
    let questions = db
        .list("SELECT concat_ws(' ', severity, split_part(question, ': the clone gets', 1)) FROM clone.store_check('s') WHERE question ~ 'the clone gets the source''s' AND question ~ '(settings|values) of' ORDER BY 1")
        .await;
    assert_eq!(
        questions,
        [
            "warning settings of public.links.e look like secrets: Pwd",
            "warning settings of public.settings.value look like secrets: smtpPassword, stripe.secret_key",
            "warning values of public.links.a look like tokens or private keys",
            "warning values of public.links.b look like tokens or private keys",
            "warning values of public.links.c look like tokens or private keys",
            "warning values of public.links.d look like tokens or private keys",
        ]
    );
}

#[tokio::test]
async fn questions_are_kept_exported_and_taken_away_with_their_table() {
    let db = discovered(TABLES, "app.org").await;
    let questions = open(&db).await;
    let export = db.text("SELECT clone.store_export('s')").await;
    db.run(&format!("SELECT clone.store_import($d${export}$d$, 'again')"))
        .await;
    // Plan and clone ask what was kept; they do not look at the data.
    for store in ["s", "again"] {
        assert_eq!(
            db.list(&format!(
                "SELECT severity || ' ' || subject FROM clone_internal.store_questions('{store}') ORDER BY array_position('{{error,warning,note}}', severity), subject"
            ))
            .await,
            questions
        );
    }
    assert_eq!(
        db.number(
            "SELECT count(*) FROM clone.store_question WHERE store = 'again' AND answer LIKE '%''s''%'"
        )
        .await,
        0
    );
    db.run("SELECT clone.store_drop('again')").await;
    assert_eq!(
        db.number("SELECT count(*) FROM clone.store_question WHERE store = 'again'")
            .await,
        0
    );
    // A table that is described by hand opens the questions of its data at once.
    db.run("CREATE TABLE app.doc (id bigserial PRIMARY KEY, org_id smallint NOT NULL, template_id bigint, refs jsonb); INSERT INTO app.doc (id, org_id, template_id, refs) VALUES (301, 2, 301, '{\"doc_id\": 301}');
            SELECT clone.store_table('s', 'app.doc', 'resource', project_column => 'org_id')")
        .await;
    let of_doc = "SELECT severity || ' ' || subject FROM clone_internal.store_questions('s') WHERE subject LIKE 'app.doc%' ORDER BY 1";
    assert_eq!(
        db.list(of_doc).await,
        ["error app.doc.refs $..['doc_id']", "error app.doc.template_id"]
    );
    db.run("SELECT clone.store_remove_table('s', 'app.doc')").await;
    assert_eq!(
        db.number("SELECT count(*) FROM clone.store_question WHERE relation = 'app.doc'::regclass")
            .await,
        0
    );
}

#[tokio::test]
async fn every_answer_of_every_fixture_can_be_executed_as_it_stands() {
    for (tables, tenant) in [
        (include_str!("../../../fixtures/schemas/rails.sql"), "accounts"),
        (
            include_str!("../../../fixtures/schemas/django.sql"),
            "care_clinic",
        ),
        (
            include_str!("../../../fixtures/schemas/prisma.sql"),
            "Organisation",
        ),
        (
            include_str!("../../../fixtures/schemas/partitioned.sql"),
            "tenant",
        ),
        (include_str!("../../../fixtures/schemas/names.sql"), "workspace"),
        (TABLES, "app.org"),
    ] {
        for column in ["answer", "otherwise"] {
            answer_all(&discovered(tables, tenant).await, column).await;
        }
        // Of a store that was described by hand, and of pairs whose types nothing names.
        let db = Scratch::with_extension().await;
        db.run(tables).await;
        db.run(&format!("SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', clone_internal.table_named('{tenant}'), 'project'); CREATE TABLE public.remark (id bigserial PRIMARY KEY, t text, about_type text, about_id bigint);
            SELECT clone.store_belongs('s', 'public.remark', '{{t}}', clone_internal.table_named('{tenant}'), '{{id}}'); SELECT clone.store_table('s', 'public.remark', 'derived')")).await;
        answer_all(&db, "answer").await;
    }
}

#[tokio::test]
async fn no_question_shows_the_password_of_an_address() {
    let db = discovered(
        "CREATE TABLE accounts (id bigserial PRIMARY KEY, name text); CREATE TABLE items (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts);
         CREATE TABLE channels (id bigserial PRIMARY KEY, account_id bigint NOT NULL REFERENCES accounts, target text, doc jsonb, cut text, port text);
         INSERT INTO accounts (name) VALUES ('Other'), ('Ours'); INSERT INTO items (id, account_id) SELECT 1000 + n * 37, 1 + n % 2 FROM generate_series(1, 40) n;
         INSERT INTO channels (account_id, target, doc, cut, port)
         SELECT account_id, 'https://app:geheim1@host.example/items/' || id, jsonb_build_object('u', 'https://bob:geheim2@host.example/items/' || id),
                'https://' || repeat('a', 30) || ':geheim3' || repeat('b', 40) || '@host.example/items/' || id, 'https://host.example:8443/items/' || id FROM items",
        "accounts",
    )
    .await;
    let questions = db
        .list("SELECT concat_ws(' ', question, answer, otherwise) FROM clone.store_check('s')")
        .await;
    for column in ["target", "doc", "cut", "port"] {
        assert!(
            questions.iter().any(
                |question| question.contains(&format!("public.channels.{column} "))
                    && question.contains("://")
            ),
            "{column}: {questions:?}"
        );
    }
    assert!(
        questions.iter().all(|question| !question.contains("geheim")),
        "{questions:?}"
    );
    assert!(
        questions
            .iter()
            .any(|question| question.contains("https://host.example:8443/items/")),
        "{questions:?}"
    );
}
