//! Values that must be unique across projects: errors before rows are written, and roles that give new values.

use super::{assert_verified, described};

const ORG: &str = "a0000000-0000-4000-8000-000000000007";
const KIOSK: &str = "CREATE TABLE org (id uuid PRIMARY KEY, name text NOT NULL UNIQUE, slug varchar(12) NOT NULL UNIQUE);
    CREATE TABLE device (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), org_id uuid NOT NULL REFERENCES org, token uuid NOT NULL UNIQUE DEFAULT gen_random_uuid(), label text);
    CREATE TABLE invoice (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, number bigserial UNIQUE, key text UNIQUE, email text);
    CREATE UNIQUE INDEX invoice_email ON invoice (lower(email)) WHERE email <> '';
    INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000007', 'Kiosk', 'kiosk-street');
    INSERT INTO device (org_id, label) SELECT id, 'till' FROM org; INSERT INTO invoice (org_id, key, email) SELECT id, 'sk_Ab12Cd34', 'Ada@x.example' FROM org";
const STORE: &str = "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', t::regclass, 'resource', project_column => 'org_id') FROM unnest('{device,invoice}'::text[]) t";

#[tokio::test]
async fn each_unique_value_that_would_meet_the_sources_is_refused_with_the_call_that_helps() {
    let db = described(KIOSK, STORE).await;
    for (given, column, answer) in [
        ("", "name", "SELECT 1"),
        (
            ", 'Copy'",
            "slug",
            "SELECT clone.store_column('s', 'org', 'slug', 'suffix')",
        ),
        (
            ", 'Copy'",
            "number",
            "SELECT clone.store_column('s', 'invoice', 'number', 'default')",
        ),
        (
            ", 'Copy'",
            "key",
            "SELECT clone.store_column('s', 'invoice', 'key', 'random')",
        ),
        (
            ", 'Copy'",
            "email",
            "SELECT clone.store_column('s', 'invoice', 'email', 'template', value => '{n}.{value}')",
        ),
    ] {
        for call in ["project_clone", "project_clone_plan"] {
            let failure = db.fails(&format!("SELECT * FROM {call}('{ORG}'{given})")).await;
            assert_eq!(failure.code, "55000", "{failure:?}");
            assert!(
                failure.message.contains(&format!("(\"{column}\")")) && !failure.hint.is_empty(),
                "{column}: {failure:?}"
            );
        }
        db.run(answer).await;
    }
    // More than once, for a value that is fresh each time never collides.
    for name in ["Copy", "Copy 2"] {
        let clone = db.clone_project(&format!("'{ORG}', '{name}'")).await;
        assert_verified(&db, &clone).await;
    }
    assert_eq!(db.number("SELECT count(DISTINCT token) FROM device").await, 3);
    assert_eq!(
        db.number(
            "SELECT count(*) FROM invoice WHERE key ~ '^[a-z]{2}_[A-Z][a-z][0-9]{2}[A-Z][a-z][0-9]{2}$'"
        )
        .await,
        3
    );
    assert_eq!(
        db.number("SELECT count(*) FROM invoice WHERE email ~ '^[0-9]+\\.Ada@x\\.example$'")
            .await,
        2
    );
    assert_eq!(
        db.number("SELECT count(*) FROM org WHERE length(slug) <= 12 AND slug LIKE 'kiosk-%'")
            .await,
        3
    );
}

#[tokio::test]
async fn values_for_one_call_and_expressions_over_the_row() {
    let db = described(KIOSK, STORE).await;
    db.run(
        "SELECT clone.store_column('s', 'invoice', 'number', 'default'); SELECT clone.store_column('s', 'invoice', 'key', 'null');
         SELECT clone.store_column('s', 'invoice', 'email', 'expression', value => 'pg_catalog.md5(email) || ''@test.example''')",
    )
    .await;
    let clone = db
        .clone_project(&format!("'{ORG}', 'Copy', options => '{{\"values\": {{\"org.slug\": \"staging\", \"device.label\": \"x\"}}, \"verify\": true}}'"))
        .await;
    assert_eq!(
        db.list(&format!("SELECT concat_ws('|', o.slug, d.label, i.key, i.email = md5('Ada@x.example') || '@test.example') FROM org o JOIN device d ON d.org_id = o.id JOIN invoice i ON i.org_id = o.id WHERE o.id = '{clone}'")).await,
        ["staging|x|t"]
    );
    let failure = db
        .fails(&format!(
            "SELECT project_clone('{ORG}', 'C', options => '{{\"values\": {{\"org.slag\": \"x\"}}}}')"
        ))
        .await;
    assert!(
        failure.code == "22023" && failure.message.contains("org.slag"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_name_or_an_owner_that_nothing_takes_is_refused() {
    let db = described(
        "CREATE TABLE org (id uuid PRIMARY KEY, title text); INSERT INTO org VALUES ('a0000000-0000-4000-8000-000000000007', 'X')",
        "SELECT clone.store_table('s', 'org', 'project')",
    )
    .await;
    for argument in ["name => 'Staging'", "owner => 'User/1'"] {
        let failure = db
            .fails(&format!("SELECT project_clone('{ORG}', {argument})"))
            .await;
        assert!(
            failure.code == "22023" && failure.hint.contains("clone.store_column('s', 'public.org'"),
            "{failure:?}"
        );
    }
    db.run("SELECT clone.store_column('s', 'org', 'title', 'name')")
        .await;
    let clone = db.clone_project(&format!("'{ORG}', 'Staging'")).await;
    assert_eq!(
        db.text(&format!("SELECT title FROM org WHERE id = '{clone}'"))
            .await,
        "Staging"
    );
}
