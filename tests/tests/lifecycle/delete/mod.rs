//! `project_delete`: everything of a clone and nothing else.

use crate::clinic::{self, ADA, CLINIC};
use crate::state;

#[tokio::test]
async fn a_deleted_clone_leaves_the_tables_as_they_were() {
    let db = clinic::database().await;
    let before = state::of(&db, "documents").await;
    let staging = clinic::clone(&db, "'{}'").await;
    assert_ne!(state::of(&db, "documents").await, before);
    let report = db.json(&format!("SELECT project_delete('{staging}')")).await;
    assert_eq!(state::of(&db, "documents").await, before);
    assert_eq!(report["rows"], 406);
    assert_eq!(report["tables"]["documents.resource"], 405);
    assert_eq!(
        db.text(&format!(
            "SELECT deleted_by FROM clone.run WHERE target_project = '{staging}'"
        ))
        .await,
        "postgres"
    );
}

#[tokio::test]
async fn a_dry_run_counts_what_a_deletion_deletes() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    let before = state::of(&db, "documents,clone").await;
    let dry = db
        .json(&format!(
            "SELECT project_delete('{staging}', options => '{{\"dry_run\": true}}')"
        ))
        .await;
    assert_eq!(state::of(&db, "documents,clone").await, before);
    let done = db.json(&format!("SELECT project_delete('{staging}')")).await;
    assert_eq!(dry["tables"], done["tables"]);
    assert_eq!(dry["dry_run"], true);
}

#[tokio::test]
async fn a_project_that_no_run_made_is_deleted_by_force_only() {
    let db = clinic::database().await;
    let refused = db.fails(&format!("SELECT project_delete('{CLINIC}')")).await;
    assert_eq!(refused.code, "55000");
    assert!(refused.hint.contains("force"), "{refused:?}");
    let report = db
        .json(&format!(
            "SELECT project_delete('{CLINIC}', options => '{{\"force\": true}}')"
        ))
        .await;
    assert_eq!((&report["rows"], &report["files"]), (&406.into(), &3.into()));
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM documents.resource WHERE project_id = '{CLINIC}'"
        ))
        .await,
        0
    );
    assert_eq!(
        db.text("SELECT kind || ' ' || run_by FROM clone.run").await,
        "deletion postgres"
    );
}

#[tokio::test]
async fn a_clone_is_deleted_once() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    db.run(&format!("SELECT project_delete('{staging}')")).await;
    assert_eq!(
        db.fails(&format!("SELECT project_delete('{staging}')"))
            .await
            .code,
        "P0002"
    );
    assert_eq!(db.fails("SELECT project_delete(NULL)").await.code, "22023");
    assert_eq!(db.fails("SELECT project_delete('no id')").await.code, "22023");
}

#[tokio::test]
async fn what_is_left_of_a_clone_whose_project_somebody_deleted_goes_too() {
    let db = clinic::database().await;
    let before = state::of(&db, "documents").await;
    let staging = clinic::clone(&db, "'{}'").await;
    db.run(&format!("DELETE FROM documents.project WHERE id = '{staging}'"))
        .await;
    assert_eq!(
        db.json(&format!("SELECT project_delete('{staging}')")).await["rows"],
        405
    );
    assert_eq!(state::of(&db, "documents").await, before);
}

#[tokio::test]
async fn unknown_options_are_refused_with_the_valid_ones() {
    let db = clinic::database().await;
    let failure = db
        .fails(&format!(
            "SELECT project_delete('{CLINIC}', options => '{{\"forse\": true}}')"
        ))
        .await;
    assert_eq!(failure.code, "22023");
    assert!(failure.hint.contains("force"));
}

#[tokio::test]
async fn deleting_needs_the_right_to_delete() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    db.run(
        "DROP ROLE IF EXISTS tidy_1; CREATE ROLE tidy_1 LOGIN; GRANT USAGE ON SCHEMA documents TO tidy_1;
         GRANT SELECT ON ALL TABLES IN SCHEMA documents TO tidy_1; GRANT EXECUTE ON FUNCTION project_delete TO tidy_1",
    )
    .await;
    let session = db.session_as("tidy_1").await;
    let call = format!("SELECT project_delete('{staging}')");
    let refused = session.fails(&call).await;
    assert_eq!(refused.code, "42501");
    assert!(refused.hint.contains("GRANT DELETE"), "{refused:?}");
    db.run("GRANT DELETE ON ALL TABLES IN SCHEMA documents TO tidy_1")
        .await;
    session.run(&call).await;
    db.run("DROP OWNED BY tidy_1").await;
}

#[tokio::test]
async fn row_security_in_the_way_is_refused() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    db.run(
        "DROP ROLE IF EXISTS tidy_2; CREATE ROLE tidy_2 LOGIN; GRANT USAGE ON SCHEMA documents TO tidy_2;
         GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA documents TO tidy_2; GRANT EXECUTE ON FUNCTION project_delete TO tidy_2;
         ALTER TABLE documents.resource ENABLE ROW LEVEL SECURITY",
    )
    .await;
    let session = db.session_as("tidy_2").await;
    assert_eq!(
        session
            .fails(&format!("SELECT project_delete('{staging}')"))
            .await
            .code,
        "0A000"
    );
    db.run("DROP OWNED BY tidy_2").await;
}

#[tokio::test]
async fn files_of_a_clone_are_queued_for_deletion_and_waiting_copies_cancelled() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    // One file is there, one was begun and failed, one was never begun.
    db.run(
        "UPDATE clone.blob_copy SET state = 'done', attempts = 1 WHERE id = (SELECT min(id) FROM clone.blob_copy);
         UPDATE clone.blob_copy SET state = 'failed', attempts = 3 WHERE id = (SELECT max(id) FROM clone.blob_copy)",
    )
    .await;
    let report = db.json(&format!("SELECT project_delete('{staging}')")).await;
    assert_eq!(
        (&report["files"], &report["copies_cancelled"]),
        (&2.into(), &2.into())
    );
    let deletes = db
        .list("SELECT target_key FROM clone.blob_copy WHERE operation = 'delete' AND state = 'pending'")
        .await;
    assert_eq!(deletes.len(), 2);
    assert!(deletes.iter().all(|key| key.starts_with(&staging)), "{deletes:?}");
    let states = db
        .list("SELECT state FROM clone.blob_copy WHERE operation = 'copy' ORDER BY id")
        .await;
    assert_eq!(states, ["done", "cancelled", "cancelled"]);
}

#[tokio::test]
async fn a_file_that_another_project_names_stays_with_its_resource() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    let shared = db
        .text(&format!("SELECT id FROM documents.resource WHERE project_id = '{staging}' AND resource_type = 'Binary' LIMIT 1"))
        .await;
    db.run("UPDATE clone.blob_copy SET state = 'done', attempts = 1")
        .await;
    db.run(&format!(
        "INSERT INTO documents.resource (project_id, resource_type, content)
         VALUES ('{CLINIC}', 'Bot', '{{\"executableCode\": {{\"url\": \"Binary/{shared}\"}}}}')"
    ))
    .await;
    let report = db.json(&format!("SELECT project_delete('{staging}')")).await;
    assert_eq!(report["kept"][0]["id"], shared);
    assert_eq!(report["files"], 2);
    assert_eq!(
        db.list(&format!(
            "SELECT id FROM documents.resource WHERE project_id = '{staging}'"
        ))
        .await,
        [shared]
    );
}

#[tokio::test]
async fn other_projects_are_not_looked_through_when_the_caller_says_so() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    db.run("UPDATE clone.blob_copy SET state = 'done', attempts = 1")
        .await;
    db.run(&format!(
        "INSERT INTO documents.resource (project_id, resource_type, content)
         SELECT '{CLINIC}', 'Bot', jsonb_build_object('url', 'Binary/' || id) FROM documents.resource
         WHERE project_id = '{staging}' AND resource_type = 'Binary'"
    ))
    .await;
    let report = db
        .json(&format!(
            "SELECT project_delete('{staging}', options => '{{\"shared\": \"ignore\"}}')"
        ))
        .await;
    assert_eq!(report["files"], 3);
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM documents.resource WHERE project_id = '{staging}'"
        ))
        .await,
        0
    );
}

#[tokio::test]
async fn a_failed_deletion_leaves_everything() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    db.run(
        "CREATE FUNCTION no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not this one'; END $$;
         CREATE TRIGGER no BEFORE DELETE ON documents.project FOR EACH ROW EXECUTE FUNCTION no()",
    )
    .await;
    let before = state::of(&db, "documents,clone").await;
    assert_eq!(
        db.fails(&format!("SELECT project_delete('{staging}')"))
            .await
            .code,
        "P0001"
    );
    assert_eq!(state::of(&db, "documents,clone").await, before);
}

#[tokio::test]
async fn rows_are_found_whatever_the_search_path_holds() {
    let db = clinic::database().await;
    let before = state::of(&db, "documents").await;
    let staging = clinic::clone(&db, "'{}'").await;
    db.run(
        "CREATE SCHEMA trap; CREATE FUNCTION trap.never(uuid, uuid) RETURNS boolean LANGUAGE sql AS 'SELECT false';
         CREATE OPERATOR trap.= (LEFTARG = uuid, RIGHTARG = uuid, FUNCTION = trap.never);
         SET search_path = trap, pg_catalog, public",
    )
    .await;
    db.run(&format!("SELECT project_delete('{staging}')")).await;
    db.run("RESET search_path").await;
    assert_eq!(state::of(&db, "documents").await, before);
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM documents.resource WHERE id = '{ADA}'"
        ))
        .await,
        1
    );
}

mod audit;
mod below;
mod beside;
mod declared;
mod detached;
mod documents;
mod files;
mod foreign_keys;
mod large_objects;
mod left_rows;
mod medplum;
mod others;
mod times;
mod triggers;
