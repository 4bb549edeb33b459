//! Every stage of every long call answers a cancellation at once, whatever it is at.

use pg_clone_tests::cancellation::Promptness;
use pg_clone_tests::described_store::described;
use pg_clone_tests::sample_documents::{PROJECT, with_observations};
use pg_clone_tests::scratch_database::Scratch;

const ORG: &str = "a0000000-0000-4000-8000-000000000001";

/// A store "s" of organisations and documents of them. The one document of the organisation is an object of `elements`
/// elements, of which each names the document and holds `text`.
async fn with_large_document(column_type: &str, elements: u32, text: &str) -> Scratch {
    let tables = format!(
        r#"CREATE TABLE org (id uuid PRIMARY KEY, name text);
           CREATE TABLE doc (id uuid PRIMARY KEY, org_id uuid NOT NULL REFERENCES org, content {column_type});
           INSERT INTO org VALUES ('{ORG}', 'Org');
           INSERT INTO doc SELECT md5('d')::uuid, '{ORG}', jsonb_build_object('items', (
               SELECT jsonb_agg(jsonb_build_object('n', n, 'ref', md5('d')::uuid, 'text', {text}, 'deep', jsonb_build_array(jsonb_build_object('k' || n, n)))) FROM generate_series(1, {elements}) n
           ), 'by_name', (SELECT jsonb_object_agg('k' || n, n) FROM generate_series(1, {elements}) n))::text::{column_type}"#
    );
    described(
        &tables,
        "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'doc', 'resource', project_column => 'org_id')",
    )
    .await
}

fn call() -> String {
    format!("SELECT project_clone('{ORG}', 'Copy')")
}

#[tokio::test(flavor = "multi_thread")]
async fn one_large_document() {
    let mut told = Promptness::default();
    for column_type in ["jsonb", "text"] {
        let db = with_large_document(column_type, 100_000, "md5(n::text)").await;
        for parallel in ["on", "off"] {
            db.run(&format!(
                "ALTER DATABASE {} SET pg_clone.parallel = {parallel}",
                db.name
            ))
            .await;
            for call in [
                call(),
                format!("SELECT count(*) FROM project_clone_plan('{ORG}')"),
            ] {
                told.measure(
                    db.config(),
                    &format!("{column_type}, parallel {parallel}: {call}"),
                    &call,
                    1,
                )
                .await;
            }
        }
        // The server searches the whole text of a text column for ids in one piece.
        if column_type == "text" {
            continue;
        }
        let clone = db.clone_project(&format!("'{ORG}', 'Copy'")).await;
        let call = format!("SELECT count(*) FROM project_clone_verify('{clone}')");
        told.measure(db.config(), &format!("{column_type}: {call}"), &call, 1)
            .await;
    }
    told.assert();
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_over_a_large_document() {
    let mut told = Promptness::default();
    for (column_type, paths) in [("jsonb", 11), ("json", 4)] {
        for (path, action, when) in [
            ("$.items[?@.n > 5].text", "remove", ""),
            ("$..text", "remove", ""),
            ("$.by_name.*", "remove", ""),
            ("$.by_name.*", "regenerate", ""),
            ("$..*", "remove", ""),
            ("$..*..*", "remove", ""),
            ("$.items[?@..*..k3]", "remove", ""),
            ("$.items[?count($.items[*]) > 5]", "remove", ""),
            ("$.items[?$.items[?@.n == 50001]]", "remove", ""),
            ("$.items[?match(@.text, '.*a.*b.*')]", "remove", ""),
            ("$.name", "remove", "@.items[?@.text == @.ref]"),
        ]
        .into_iter()
        .take(paths)
        {
            let db = with_large_document(column_type, 50_000, "md5(n::text)").await;
            let value = if action == "regenerate" {
                ", '\"uuid\"'"
            } else {
                ""
            };
            db.run(&format!(
                "SELECT clone.rule('s', 'doc', '{}', '{action}'{value}{})",
                path.replace('\'', "''"),
                if when.is_empty() {
                    String::new()
                } else {
                    format!(", \"when\" => '{when}'")
                }
            ))
            .await;
            told.measure(db.config(), &format!("{column_type}: {path} {when}"), &call(), 1)
                .await;
        }
    }
    told.assert();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_rows() {
    let mut told = Promptness::default();
    let db = with_observations(100_000).await;
    for bulk in ["on", "off"] {
        db.run(&format!("ALTER DATABASE {} SET pg_clone.bulk = {bulk}", db.name))
            .await;
        let call = format!("SELECT project_clone('{PROJECT}', 'Copy')");
        told.measure(db.config(), &format!("clone, bulk {bulk}"), &call, 2)
            .await;
    }
    let call = format!("SELECT count(*) FROM project_clone_plan('{PROJECT}')");
    told.measure(db.config(), "plan", &call, 2).await;
    let ids = "(SELECT array_agg(id::text) FROM documents.resource)";
    for filter in ["include_ids", "exclude_ids"] {
        let call = format!("SELECT project_clone('{PROJECT}', 'Copy', {filter} => {ids})");
        told.measure(db.config(), filter, &call, 2).await;
    }
    let clone = db.clone_project(&format!("'{PROJECT}', 'Copy'")).await;
    for call in [
        format!("SELECT count(*) FROM project_clone_verify('{clone}')"),
        format!("SELECT project_delete('{clone}')"),
        format!("SELECT project_clone('{PROJECT}', 'Copy', options => '{{\"replace\": \"{clone}\"}}')"),
    ] {
        told.measure(db.config(), &call, &call, 2).await;
    }
    told.assert();
}

#[tokio::test(flavor = "multi_thread")]
async fn many_tables() {
    let mut told = Promptness::default();
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE org (id uuid PRIMARY KEY, name text);
         DO $$ BEGIN FOR n IN 1..300 LOOP EXECUTE format('CREATE TABLE part_%s (id bigserial PRIMARY KEY, org_id uuid REFERENCES org, part_id bigint, body jsonb, name text)', n); END LOOP; END $$",
    )
    .await;
    let call = "SELECT clone.store_discover('org')";
    told.measure(db.config(), call, call, 2).await;
    db.run("SELECT clone.store_create('s', 'discover', '{\"tenant\": \"org\"}')")
        .await;
    for call in [
        "SELECT count(*) FROM clone.store_check('s')",
        "SELECT clone.store_refresh('s')",
        "SELECT clone.store_import(clone.store_export('s'), 'other')",
    ] {
        told.measure(db.config(), call, call, 1).await;
    }
    told.assert();
}
