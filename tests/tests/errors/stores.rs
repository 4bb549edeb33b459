//! Stores, rules and data that a clone cannot work with.

use super::refusal::{clones, refused};
use pg_clone_tests::sample_documents::{PROJECT, with_observations};
use pg_clone_tests::scratch_database::Scratch;

#[tokio::test]
async fn stores_that_are_not_there_or_not_meant_are_refused() {
    let db = Scratch::with_extension().await;
    refused(
        &db,
        &format!("SELECT project_clone('{PROJECT}')"),
        "22023",
        "no store",
        "store_create",
    )
    .await;
    db.run("SELECT clone.store_create('a', 'documents'); SELECT clone.store_create('b', 'documents')")
        .await;
    refused(
        &db,
        &format!("SELECT project_clone('{PROJECT}')"),
        "P0002",
        "in no store",
        "Stores: a, b",
    )
    .await;
    db.run(&format!(
        "INSERT INTO b.project (id, name) VALUES ('{PROJECT}', 'Only in b')"
    ))
    .await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM b.project WHERE id = '{clone}'"))
            .await,
        1,
        "the one that holds it"
    );
    db.run(&format!(
        "INSERT INTO a.project (id, name) VALUES ('{PROJECT}', 'In both')"
    ))
    .await;
    refused(
        &db,
        &format!("SELECT project_clone('{PROJECT}')"),
        "22023",
        "several stores: a, b",
        "store =>",
    )
    .await;
    db.clone_project(&format!("'{PROJECT}', store => 'a'")).await;
    for (call, message, hint) in [
        (
            "SELECT clone.store_create('a', 'documents')",
            "already exists",
            "store_refresh",
        ),
        (
            "SELECT clone.store_create('c', 'fhir')",
            "no preset \"fhir\"",
            "documents",
        ),
        (
            "SELECT clone.store_create('9 lives', 'documents')",
            "invalid store name",
            "letter",
        ),
        (
            "SELECT clone.store_create(NULL, 'documents')",
            "invalid store name",
            "letter",
        ),
        ("SELECT clone.store_drop('c')", "no store \"c\"", "a, b"),
        ("SELECT clone.store_refresh('c')", "no store \"c\"", "a, b"),
        (
            "SELECT clone.store_table('a', 'pg_class', 'thing')",
            "unknown table role",
            "resource",
        ),
        (
            "SELECT clone.store_column('a', 'a.project', 'name', 'shout')",
            "unknown column role",
            "rewrite",
        ),
        (
            "SELECT clone.store_column('a', 'a.project', 'nom', 'keep')",
            "nom",
            "Did you mean \"name\"? Columns: id, name",
        ),
        (
            "SELECT clone.rule('a', NULL, '$.x', 'hide')",
            "unknown action",
            "regenerate",
        ),
    ] {
        refused(&db, call, "22023", message, hint).await;
    }
}

#[tokio::test]
async fn rules_that_cannot_be_read_are_refused_when_they_are_made() {
    let db = with_observations(1).await;
    for rule in [
        "'documents', NULL, 'not a path', 'remove'",
        "'documents', NULL, '$.[', 'remove'",
        "'documents', NULL, '$.a', 'remove', \"when\" => '@.x =='",
        "'documents', NULL, '$.a', 'set'",
        "'documents', NULL, '$.a', 'set', '\"{nobody}\"'",
    ] {
        let failure = db
            .fails(&format!(
                "SELECT clone.rule({rule}); SELECT project_clone('{PROJECT}')"
            ))
            .await;
        assert_eq!(failure.code, "22023", "{rule}: {failure:?}");
        assert!(!failure.hint.is_empty(), "{rule}: {failure:?}");
    }
    assert_eq!(clones(&db).await, (0, 0));
}

#[tokio::test]
async fn a_clone_over_its_memory_budget_is_refused() {
    let db = with_observations(5000).await;
    let call = format!("SELECT project_clone('{PROJECT}', options => '{{\"max_memory\": \"16kB\"}}')");
    refused(
        &db,
        &call,
        "53200",
        "needs more than 16 kB",
        "pg_clone.max_memory",
    )
    .await;
    db.run("SET pg_clone.max_memory = '1MB'").await;
    db.run(&format!(
        "SELECT project_clone('{PROJECT}', options => '{{\"max_memory\": \"500MB\"}}')"
    ))
    .await;
    assert_eq!(clones(&db).await, (1, 1));
}

#[tokio::test]
async fn a_deleted_project_cannot_be_cloned() {
    let db = with_observations(1).await;
    db.run("ALTER TABLE documents.project ADD deleted boolean NOT NULL DEFAULT false; SELECT clone.store_refresh('documents');
            UPDATE clone.store_relation SET live = 'NOT deleted' WHERE relation = 'documents.project'::regclass")
        .await;
    db.run(&format!("SELECT project_clone('{PROJECT}')")).await;
    db.run(&format!(
        "UPDATE documents.project SET deleted = true WHERE id = '{PROJECT}'"
    ))
    .await;
    refused(
        &db,
        &format!("SELECT project_clone('{PROJECT}')"),
        "P0002",
        "does not exist",
        "deleted",
    )
    .await;
}

#[tokio::test]
async fn what_is_meant_for_the_extension_alone_is_refused() {
    let db = with_observations(1).await;
    let failure = db
        .fails("SELECT * FROM clone_internal.rewritten_rows('00000000-0000-0000-0000-000000000000') AS e (id uuid, project_id uuid, resource_type text, content jsonb)")
        .await;
    assert_eq!(failure.code, "42501", "{failure:?}");
    assert!(failure.hint.contains("project_clone"), "{failure:?}");
}

#[tokio::test]
async fn documents_that_are_no_json_are_refused_by_name() {
    let db = Scratch::with_extension().await;
    db.run(
        "CREATE TABLE project (id uuid PRIMARY KEY, name text); CREATE TABLE note (id uuid PRIMARY KEY, project uuid REFERENCES project, body text);
         SELECT clone.store_create('notes', 'custom');
         SELECT clone.store_table('notes', 'project', 'project');
         SELECT clone.store_table('notes', 'note', 'resource', project_column => 'project', document_column => 'body');
         SELECT clone.rule('notes', 'note', '$.secret', 'remove');
         INSERT INTO project VALUES ('11111111-1111-4111-8111-111111111111', 'P');
         INSERT INTO note VALUES ('33333333-1111-4111-8111-111111111111', '11111111-1111-4111-8111-111111111111', '{\"broken\": ')",
    )
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "22P02", "{failure:?}");
    assert!(
        format!("{failure:?}").contains("33333333-1111-4111-8111-111111111111"),
        "{failure:?}"
    );
}

#[tokio::test]
async fn a_store_is_not_made_in_a_database_that_is_not_utf8() {
    let postgres = Scratch::of("postgres").await;
    for (name, encoding) in [("latin1", "LATIN1"), ("ascii", "SQL_ASCII")] {
        postgres
            .run(&format!(
                "CREATE DATABASE {name} TEMPLATE template0 ENCODING '{encoding}' LC_COLLATE 'C' LC_CTYPE 'C'"
            ))
            .await;
        let db = Scratch::of(name).await;
        db.run("CREATE EXTENSION pg_clone_ext").await;
        refused(
            &db,
            "SELECT clone.store_create('documents', 'documents')",
            "0A000",
            &format!("the encoding of database \"{name}\" is {encoding}, not UTF8"),
            "UTF8",
        )
        .await;
    }
}

#[tokio::test]
async fn a_library_of_another_version_than_the_extension_says_what_to_upgrade() {
    let db = with_observations(1).await;
    for (version, hint) in [
        ("0.1.0", "ALTER EXTENSION pg_clone_ext UPDATE"),
        ("99.0", "Connect again"),
    ] {
        db.run(&format!(
            "UPDATE pg_catalog.pg_extension SET extversion = '{version}' WHERE extname = 'pg_clone_ext'"
        ))
        .await;
        let session = db.session().await;
        let failure = session.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
        assert_eq!(failure.code, "55000", "{failure:?}");
        let said = format!(
            "extension pg_clone_ext is of version {version} in this database, its library is of version 0."
        );
        assert!(failure.message.starts_with(&said), "{failure:?}");
        assert!(failure.hint.contains(hint), "{failure:?}");
    }
    // The last number is that of mended faults.
    db.run("UPDATE pg_catalog.pg_extension SET extversion = '0.2.9' WHERE extname = 'pg_clone_ext'")
        .await;
    let session = db.session().await;
    session.clone_project(&format!("'{PROJECT}'")).await;
}

#[tokio::test]
async fn rows_cannot_belong_by_a_part_of_a_text() {
    let db = Scratch::with_extension().await;
    db.run("CREATE TABLE org (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text); CREATE TABLE rule (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, domain text);
            SELECT clone.store_create('s', 'custom'), clone.store_table('s', 'org', 'project')")
        .await;
    let failure = db
        .fails(
            "SELECT clone.store_reference('s', 'rule', 'domain', 'org', separators => ':', belongs => true)",
        )
        .await;
    assert_eq!(
        (
            failure.code.as_str(),
            failure.message.as_str(),
            failure.hint.as_str()
        ),
        (
            "22023",
            "rows of public.rule cannot belong by a part of the values of column \"domain\"",
            "Describe the table by a column with the key alone, such as a generated one: GENERATED ALWAYS AS (pg_catalog.split_part(domain, ':', 2)) STORED."
        )
    );
}
