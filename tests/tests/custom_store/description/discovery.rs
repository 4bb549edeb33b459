//! Discovery: five schemas of frameworks, described by one call, cloned, verified, deleted.

use crate::{assert_verified, contents};
use pg_clone_tests::scratch_database::Scratch;

/// The tables of a schema, partitions included.
async fn tables(db: &Scratch) -> Vec<String> {
    db.list("SELECT format('%I', c.relname) FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace ORDER BY 1")
        .await
}

/// Discovers, clones twice, verifies and compares `joined` (content of the rows joined by all references, `$1` the
/// tenant), deletes.
async fn round_trip(fixture: &str, tenant: &str, source: &str, arguments: &str, joined: &[&str]) {
    let db = Scratch::with_extension().await;
    db.run(fixture).await;
    let tables = tables(&db).await;
    let names: Vec<&str> = tables.iter().map(String::as_str).collect();
    let before = contents(&db, &names).await;
    db.run(&format!(
        "SELECT clone.store_create('s', 'discover', '{{\"tenant\": \"{tenant}\"}}')"
    ))
    .await;
    assert_eq!(
        db.list("SELECT question FROM clone.store_check('s') WHERE severity = 'error'")
            .await,
        Vec::<String>::new(),
        "{tenant}"
    );
    let source = db.text(&format!("SELECT {source}")).await;
    let content = async |of: &str| {
        let mut all = Vec::new();
        for query in joined {
            let rows = db.list(&query.replace("$1", &format!("'{of}'"))).await;
            assert!(!rows.is_empty(), "{query}");
            all.push(rows);
        }
        all
    };
    let expected = content(&source).await;
    let first = db.clone_project(&format!("'{source}', 'First'{arguments}")).await;
    let second = db
        .clone_project(&format!(
            "'{source}', 'Second'{arguments}, options => '{{\"verify\": true}}'"
        ))
        .await;
    for clone in [&first, &second] {
        assert_verified(&db, clone).await;
        assert_eq!(content(clone).await, expected, "{tenant}");
    }
    assert_eq!(content(&source).await, expected);
    for clone in [&second, &first] {
        db.run(&format!("SELECT project_delete('{clone}')")).await;
    }
    assert_eq!(contents(&db, &names).await, before, "{tenant}");
}

#[tokio::test]
async fn rails() {
    round_trip(
        include_str!("../../../fixtures/schemas/rails.sql"),
        "accounts",
        "2",
        "",
        &[
            "SELECT concat_ws('|', c.display_id, i.name, i.account_id = c.account_id, u.name, u.account_id = c.account_id, m.body, s.name, s.account_id = c.account_id, a.name, a.account_id = c.account_id, b.name)
             FROM conversations c JOIN inboxes i ON i.id = c.inbox_id JOIN users u ON u.id = c.assignee_id JOIN messages m ON m.conversation_id = c.id JOIN users s ON m.sender_type = 'User' AND s.id = m.sender_id
             JOIN users a ON a.id = (m.attrs->>'user_id')::bigint JOIN inboxes b ON b.id = (m.attrs#>>'{inbox_ids,0}')::bigint AND b.account_id = c.account_id WHERE c.account_id = $1 ORDER BY 1",
            "SELECT concat_ws('|', l.title, p.title, p.account_id = l.account_id, o.title, t.n) FROM labels l LEFT JOIN labels p ON p.id = l.parent_id LEFT JOIN labels o ON o.id::text = l.ancestry
             LEFT JOIN LATERAL (SELECT count(*) AS n FROM taggings g JOIN conversations c ON g.taggable_type = 'Conversation' AND c.id = g.taggable_id AND c.account_id = l.account_id WHERE g.label_id = l.id) t ON true WHERE l.account_id = $1 ORDER BY 1",
            "SELECT concat_ws('|', i.name, e.account_id = i.account_id, (SELECT count(*) FROM automations a WHERE a.inbox_ids = ARRAY[i.id] AND (a.conditions->>'inbox_id')::bigint = i.id AND a.account_id = i.account_id))
             FROM inboxes i JOIN channel_emails e ON e.id = i.channel_id WHERE i.account_id = $1 ORDER BY 1",
            "SELECT m.body FROM attachments x JOIN messages m ON x.record_type = 'Message' AND m.id = x.record_id JOIN conversations c ON c.id = m.conversation_id WHERE c.account_id = $1 ORDER BY 1",
        ],
    )
    .await;
}

#[tokio::test]
async fn django() {
    round_trip(
        include_str!("../../../fixtures/schemas/django.sql"),
        "care_clinic",
        "2",
        "",
        &[
            "SELECT concat_ws('|', p.name, n.licence, v.day, w.licence, o.clinic_id = p.clinic_id, (SELECT count(*) FROM care_visit_nurses x WHERE x.visit_id = v.id AND x.nurse_id = v.nurse_id))
             FROM care_person p LEFT JOIN care_nurse n ON n.person_ptr_id = p.id LEFT JOIN care_visit v ON v.person_id = p.id LEFT JOIN care_nurse w ON w.person_ptr_id = v.nurse_id LEFT JOIN care_person o ON o.id = w.person_ptr_id WHERE p.clinic_id = $1 ORDER BY 1",
            "SELECT concat_ws('|', d.title, v.day, p.name) FROM care_document d LEFT JOIN care_visit v ON d.content_type_id = 4 AND v.id = d.object_id LEFT JOIN care_person p ON p.id = COALESCE(v.person_id, CASE WHEN d.content_type_id = 2 THEN d.object_id END) AND p.clinic_id = d.clinic_id WHERE d.clinic_id = $1 ORDER BY 1",
            "SELECT a.note FROM auditlog a JOIN care_person p ON a.content_type_id = 2 AND p.id = a.object_id WHERE p.clinic_id = $1 ORDER BY 1",
            "SELECT p.name FROM care_clinic c JOIN care_person p ON p.id = c.head_id AND p.clinic_id = c.id WHERE c.id = $1",
        ],
    )
    .await;
}

#[tokio::test]
async fn prisma() {
    round_trip(
        include_str!("../../../fixtures/schemas/prisma.sql"),
        "Organisation",
        "id FROM \"Organisation\" WHERE url = 'ours'",
        "",
        &[
            "SELECT concat_ws('|', o.locale, t.name, p.name, d.\"userId\" = x.\"B\", u.role, d.meta->>'teamId' = t.id::text, d.meta->>'userId' = u.id, u.\"organisationId\" = t.\"organisationId\")
             FROM \"Organisation\" g JOIN \"OrganisationSettings\" o ON o.id = g.\"organisationSettingsId\" JOIN \"Team\" t ON t.\"organisationId\" = g.id LEFT JOIN \"Team\" p ON p.id = t.\"parentId\" AND p.\"organisationId\" = g.id
             JOIN \"Document\" d ON d.\"teamId\" = t.id JOIN \"User\" u ON u.id = d.\"userId\" JOIN \"_DocumentToUser\" x ON x.\"A\" = d.id WHERE g.id = $1 ORDER BY 1",
        ],
    )
    .await;
}

#[tokio::test]
async fn partitions_and_triggers() {
    round_trip(
        include_str!("../../../fixtures/schemas/partitioned.sql"),
        "tenant",
        "'a0000000-0000-4000-8000-0000000000aa'",
        "",
        &[
            "SELECT concat_ws('|', w.name, r.at, p.at, p.tenant_id = r.tenant_id, s.name) FROM run r JOIN workflow w ON w.tenant_id = r.tenant_id AND w.id = r.workflow_id LEFT JOIN run p ON p.id = r.parent_run_id
             JOIN step s ON s.run_id = r.id AND s.tenant_id = r.tenant_id WHERE r.tenant_id = $1 ORDER BY 1",
        ],
    )
    .await;
}

#[tokio::test]
async fn names_as_keys() {
    round_trip(
        include_str!("../../../fixtures/schemas/names.sql"),
        "workspace",
        "'ours'",
        "",
        &[
            "SELECT concat_ws('|', s.path, s.content, s.parent_hashes, u.email, h.path, f.owners) FROM script s JOIN usr u ON u.workspace_id = s.workspace_id AND u.username = s.created_by LEFT JOIN schedule h ON h.workspace_id = s.workspace_id AND h.script_hash = s.hash
             JOIN folder f ON f.workspace_id = s.workspace_id WHERE s.workspace_id = $1 ORDER BY 1",
            "SELECT label || length(token) FROM token WHERE workspace_id = $1",
        ],
    )
    .await;
}

#[tokio::test]
async fn a_description_is_a_file_that_makes_the_same_store_and_discovery_alone_writes_nothing() {
    let db = Scratch::with_extension().await;
    db.run(include_str!("../../../fixtures/schemas/rails.sql")).await;
    let found = db.json("SELECT clone.store_discover('accounts')").await;
    assert_eq!(
        db.number("SELECT (SELECT count(*) FROM clone.store) + (SELECT count(*) FROM clone.store_reference)")
            .await,
        0
    );
    assert_eq!(found["name"], "accounts");
    assert_eq!(found["tables"].as_array().map(Vec::len), Some(10), "{found:#}");
    assert!(
        found["tables"][0]["comment"] == "the tenants"
            && found["questions"]
                .as_array()
                .is_some_and(|questions| questions.iter().all(|question| question["severity"] == "note")),
        "{found:#}"
    );
    let text = found.to_string().replace('\'', "''");
    assert_eq!(
        db.text(&format!("SELECT clone.store_import('{text}')")).await,
        "accounts"
    );
    db.run("SELECT clone.store_create('direct', 'discover', '{\"tenant\": \"accounts\"}')")
        .await;
    let parts = "ARRAY['tables', 'references', 'memberships', 'shared']";
    assert_eq!(
        db.text(&format!("SELECT bool_and(clone.store_export('accounts')->p = clone.store_export('direct')->p) FROM unnest({parts}) p")).await,
        "t"
    );
    db.run(&format!("SELECT clone.store_import('{text}')")).await;
    db.clone_project("'2', 'Copy', store => 'accounts'").await;
    for wrong in [
        "{}",
        "[]",
        "{\"format\": 1, \"tables\": [{\"table\": \"nowhere\"}]}",
    ] {
        assert_eq!(
            db.fails(&format!("SELECT clone.store_import('{wrong}')"))
                .await
                .code,
            "22023",
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn a_new_table_or_column_opens_a_question_that_stops_the_next_clone() {
    let db = Scratch::with_extension().await;
    db.run(include_str!("../../../fixtures/schemas/django.sql")).await;
    db.run("SELECT clone.store_create('s', 'discover', '{\"tenant\": \"care_clinic\"}')")
        .await;
    db.run("CREATE TABLE care_bill (id bigserial PRIMARY KEY, visit_id bigint NOT NULL REFERENCES care_visit, total numeric)").await;
    let failure = db.fails("SELECT project_clone('2')").await;
    assert!(
        failure.code == "55000"
            && failure
                .message
                .contains("public.care_bill refers to public.care_visit"),
        "{failure:?}"
    );
    assert!(
        failure.hint.contains("clone.store_table('s', 'public.care_bill'"),
        "{failure:?}"
    );
    db.run("SELECT clone.store_table('s', 'care_bill', 'derived', parent => 'care_visit')")
        .await;
    db.clone_project("'2', 'Copy'").await;
    db.run("ALTER TABLE care_bill ADD visit_ids bigint[]").await;
    assert_eq!(db.fails("SELECT project_clone('2')").await.code, "55000");
    db.run("SELECT clone.store_refresh('s')").await;
    let failure = db.fails("SELECT project_clone('2', 'Copy 2')").await;
    assert!(
        failure
            .message
            .contains("care_bill.visit_ids looks like a reference"),
        "{failure:?}"
    );
    db.run("SELECT clone.store_reference('s', 'care_bill', 'visit_ids', 'care_visit')")
        .await;
    let clone = db.clone_project("'2', 'Copy 2'").await;
    assert_verified(&db, &clone).await;
}

/// Documenso keeps settings in rows that the tenant and its teams name; a setting may also name an e-mail address.
#[tokio::test]
async fn rows_that_the_tenants_own_row_owns_are_found_although_a_nullable_key_leads_to_them_too() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE settings (id text PRIMARY KEY DEFAULT 'c' || substr(md5(random()::text), 1, 24), lang text, email_id text);
         CREATE TABLE org (id text PRIMARY KEY DEFAULT 'c' || substr(md5(random()::text), 1, 24), name text, settings_id text NOT NULL UNIQUE REFERENCES settings);
         CREATE TABLE email (id text PRIMARY KEY DEFAULT 'c' || substr(md5(random()::text), 1, 24), org_id text NOT NULL REFERENCES org, address text);
         ALTER TABLE settings ADD FOREIGN KEY (email_id) REFERENCES email;
         INSERT INTO settings (lang) VALUES ('de'), ('fr');
         INSERT INTO org (name, settings_id) SELECT 'of ' || lang, id FROM settings;
         INSERT INTO email (org_id, address) SELECT id, name || '@example.org' FROM org;
         UPDATE settings s SET email_id = e.id FROM org o JOIN email e ON e.org_id = o.id WHERE o.settings_id = s.id AND s.lang = 'de'",
    )
    .await;
    let before = contents(&db, &["settings", "org", "email"]).await;
    db.run("SELECT clone.store_create('s', 'discover', '{\"tenant\": \"org\"}')")
        .await;
    for lang in ["de", "fr"] {
        let source = db
            .text(&format!("SELECT id FROM org WHERE name = 'of {lang}'"))
            .await;
        let clone = db.clone_project(&format!("'{source}', 'Copy'")).await;
        assert_verified(&db, &clone).await;
        assert_eq!(
            db.list(&format!(
                "SELECT concat_ws('|', s.lang, e.address) FROM org o JOIN settings s ON s.id = o.settings_id LEFT JOIN email e ON e.id = s.email_id WHERE o.id = '{clone}'"
            ))
            .await,
            [if lang == "de" { "de|of de@example.org" } else { "fr" }]
        );
        db.run(&format!("SELECT project_delete('{clone}')")).await;
    }
    assert_eq!(contents(&db, &["settings", "org", "email"]).await, before);
}

/// Chatwoot has no foreign keys and nullable columns everywhere.
#[tokio::test]
async fn without_foreign_keys_rows_belong_by_any_of_their_columns() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE accounts (id bigserial PRIMARY KEY, name text); CREATE TABLE contacts (id bigserial PRIMARY KEY, account_id bigint NOT NULL, email text);
         CREATE TABLE inboxes (id bigserial PRIMARY KEY, account_id bigint NOT NULL, title text);
         CREATE TABLE contact_inboxes (id bigserial PRIMARY KEY, contact_id bigint, inbox_id bigint, source text);
         CREATE TABLE reads (id bigserial PRIMARY KEY, contact_inbox_id bigint, inbox_id bigint, at date);
         INSERT INTO accounts (name) VALUES ('Ours'), ('Theirs'); INSERT INTO contacts (account_id, email) SELECT id, name || '@example.org' FROM accounts;
         INSERT INTO inboxes (account_id, title) SELECT id, name FROM accounts;
         INSERT INTO contact_inboxes (contact_id, inbox_id, source) VALUES (1, 1, 'both'), (NULL, 1, 'inbox'), (1, NULL, 'contact'), (NULL, 2, 'theirs');
         INSERT INTO reads (contact_inbox_id, inbox_id, at) VALUES (2, NULL, '2020-01-01'), (NULL, 1, '2020-01-02'), (4, 2, '2020-01-03')",
    )
    .await;
    let tables = ["accounts", "contacts", "inboxes", "contact_inboxes", "reads"];
    let before = contents(&db, &tables).await;
    db.run("SELECT clone.store_create('s', 'discover', '{\"tenant\": \"accounts\"}')")
        .await;
    let clone = db.clone_project("'1', 'Copy'").await;
    assert_verified(&db, &clone).await;
    assert_eq!(
        db.list("SELECT source FROM contact_inboxes WHERE id > 4 ORDER BY 1")
            .await,
        ["both", "contact", "inbox"]
    );
    assert_eq!(
        db.list("SELECT concat_ws('|', r.at, c.source, i.account_id) FROM reads r LEFT JOIN contact_inboxes c ON c.id = r.contact_inbox_id LEFT JOIN inboxes i ON i.id = r.inbox_id WHERE r.id > 3 ORDER BY 1")
            .await,
        ["2020-01-01|inbox".to_owned(), format!("2020-01-02|{clone}")]
    );
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(contents(&db, &tables).await, before);
}
