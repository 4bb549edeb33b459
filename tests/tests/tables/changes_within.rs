//! The store's own triggers change a table of the store while it is cloned.

use pg_clone_tests::sample_documents::{PROJECT, with_observations};
use pg_clone_tests::scratch_database::Scratch;

/// A store whose project table has a trigger that runs these statements once.
async fn with_trigger(statements: &str) -> Scratch {
    let db = with_observations(20).await;
    db.run(&format!(
        "CREATE FUNCTION public.pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
         CREATE FUNCTION public.meddle() RETURNS trigger LANGUAGE plpgsql AS $f$ BEGIN {statements}; RETURN NULL; END $f$;
         CREATE TRIGGER meddle AFTER INSERT ON documents.project FOR EACH ROW EXECUTE FUNCTION public.meddle()"
    ))
    .await;
    db
}

#[tokio::test]
async fn what_a_trigger_of_the_store_does_to_its_tables_is_an_error() {
    for statements in [
        "ALTER TABLE documents.resource RENAME content TO c2; ALTER TABLE documents.resource ALTER c2 DROP NOT NULL; ALTER TABLE documents.resource ADD COLUMN content bigint DEFAULT 1311768467463790320",
        "ALTER TABLE documents.resource ALTER created_at TYPE timestamp",
        "ALTER TABLE documents.resource DROP COLUMN updated_at",
        "CREATE INDEX ON documents.resource (created_at)",
        "TRUNCATE documents.resource",
        "CREATE TRIGGER later BEFORE INSERT ON documents.resource FOR EACH ROW EXECUTE FUNCTION public.pass()",
        "CREATE RULE nothing AS ON INSERT TO documents.resource DO INSTEAD NOTHING",
    ] {
        for bulk in ["on", "off"] {
            let db = with_trigger(statements).await;
            db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
            let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
            assert!(
                ["55000", "55006", "0A000"].contains(&failure.code.as_str()),
                "{statements}: {failure:?}"
            );
            assert_eq!(db.number("SELECT count(*) FROM documents.project").await, 1);
            assert_eq!(db.number("SELECT count(*) FROM documents.resource").await, 23);
        }
    }
}

#[tokio::test]
async fn a_clone_made_by_a_trigger_of_a_clone_does_not_end_it() {
    let db = with_observations(20).await;
    db.run(&format!(
        "CREATE SCHEMA side; SELECT clone.store_create('side', 'documents');
         INSERT INTO side.project (id, name) VALUES ('{PROJECT}', 'Side');
         INSERT INTO side.resource (project_id, resource_type, content) VALUES ('{PROJECT}', 'Note', '{{}}');
         CREATE FUNCTION public.clone_side() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM project_clone('{PROJECT}', store => 'side'); RETURN NULL; END $$;
         CREATE TRIGGER clone_side AFTER INSERT ON documents.project FOR EACH ROW EXECUTE FUNCTION public.clone_side();
         CREATE TRIGGER also BEFORE INSERT ON documents.resource FOR EACH STATEMENT EXECUTE FUNCTION public.clone_side();
         SET pg_clone.bulk = off"
    ))
    .await;
    let clone = db
        .clone_project(&format!("'{PROJECT}', store => 'documents'"))
        .await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM documents.resource WHERE project_id = '{clone}'"
        ))
        .await,
        23
    );
    assert_eq!(db.number("SELECT count(*) FROM side.resource").await, 3);
    assert_eq!(db.number("SELECT count(*) FROM clone.run").await, 3);
}
