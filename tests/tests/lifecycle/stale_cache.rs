//! A deletion records the stale keys of an application's cache.

use crate::clinic;
use pg_clone_tests::medplum_source::{self, PROJECT};

const KEYS: &str = "SELECT count(DISTINCT k) FROM clone.cache_invalidation, unnest(keys) k";

#[tokio::test]
async fn a_store_without_a_cache_records_nothing() {
    let db = clinic::database().await;
    let staging = clinic::clone(&db, "'{}'").await;
    let report = db.json(&format!("SELECT project_delete('{staging}')")).await;
    assert_eq!(report["stale_cache_keys"], 0);
    assert_eq!(db.number(KEYS).await, 0);
}

#[tokio::test]
async fn a_refresh_records_every_resource_of_the_old_clone_in_its_own_transaction() {
    let db = clinic::database().await;
    db.run("SELECT clone.store_alter('documents', '{\"cache_key\": \"{type}/{id}\"}')")
        .await;
    let staging = clinic::clone(&db, "'{}'").await;
    assert_eq!(db.number(KEYS).await, 0, "a clone has only new ids");
    let mut old = db
        .list(&format!(
            "SELECT resource_type || '/' || id FROM documents.resource WHERE project_id = '{staging}'"
        ))
        .await;
    old.push(format!("Project/{staging}"));
    old.sort();
    db.run("BEGIN").await;
    clinic::refresh(&db, &staging).await;
    db.run("ROLLBACK").await;
    assert_eq!(db.number(KEYS).await, 0);
    clinic::refresh(&db, &staging).await;
    let mut recorded = db
        .list("SELECT k FROM clone.cache_invalidation, unnest(keys) k WHERE run_id = (SELECT max(id) FROM clone.run)")
        .await;
    recorded.sort();
    assert_eq!(recorded, old);
    // Without a cache in the options the operator is told what to run.
    let todo = db
        .text("SELECT todo FROM clone.run ORDER BY id DESC LIMIT 1")
        .await;
    assert!(
        todo.contains("406 resources")
            && todo.contains("redis-cli")
            && todo.contains("pg_clone cache flush --run"),
        "{todo}"
    );
    db.run("SELECT clone.store_alter('documents', '{\"cache\": \"redis://127.0.0.1\"}')")
        .await;
    clinic::refresh(&db, &staging).await;
    assert_eq!(
        db.text("SELECT todo FROM clone.run ORDER BY id DESC LIMIT 1")
            .await,
        "[]"
    );
}

#[tokio::test]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn expiry_and_deletion_of_a_medplum_clone_record_its_keys() {
    let db = medplum_source::source().await;
    let staging = db
        .clone_project(&format!(
            "'{PROJECT}', options => '{{\"expires_in\": \"1 day\"}}'"
        ))
        .await;
    let resources = db.number("SELECT resources FROM clone.run").await;
    db.run("UPDATE clone.run SET expires_at = now()").await;
    db.run("SELECT clone.expire()").await;
    assert_eq!(db.number(KEYS).await, resources);
    let project =
        format!("SELECT count(*) FROM clone.cache_invalidation WHERE 'Project/{staging}' = ANY (keys)");
    assert_eq!(db.number(&project).await, 1);
}

#[tokio::test]
async fn a_role_sees_and_flushes_what_it_deleted_itself() {
    let db = clinic::database().await;
    db.run("SELECT clone.store_alter('documents', '{\"cache_key\": \"{type}/{id}\"}')")
        .await;
    let (first, second) = (clinic::clone(&db, "'{}'").await, clinic::clone(&db, "'{}'").await);
    db.run(
        "DROP ROLE IF EXISTS sweeper; CREATE ROLE sweeper LOGIN; SELECT clone.allow('sweeper'); GRANT USAGE ON SCHEMA documents TO sweeper;
         GRANT SELECT, DELETE ON ALL TABLES IN SCHEMA documents TO sweeper",
    )
    .await;
    db.run(&format!("SELECT project_delete('{first}')")).await;
    let session = db.session_as("sweeper").await;
    assert_eq!(session.number(KEYS).await, 0);
    session.run(&format!("SELECT project_delete('{second}')")).await;
    assert_eq!(session.number(KEYS).await, 406);
    assert_eq!(
        session
            .fails("UPDATE clone.cache_invalidation SET keys = '{Other/1}'")
            .await
            .code,
        "42501"
    );
    session
        .run("UPDATE clone.cache_invalidation SET flushed_at = now(); DELETE FROM clone.cache_invalidation")
        .await;
    assert_eq!(db.number(KEYS).await, 406);
    // A member sees what it may use without SET ROLE; another role of the name sees nothing.
    db.run("DROP ROLE IF EXISTS sweeps_along, sweeps_not; CREATE ROLE sweeps_along LOGIN; CREATE ROLE sweeps_not LOGIN NOINHERIT;
            SELECT clone.allow('sweeps_along'), clone.allow('sweeps_not'); GRANT sweeper TO sweeps_along, sweeps_not;
            INSERT INTO clone.cache_invalidation (store, run_id, keys, recorded_by, recorded_role) VALUES ('s', 0, '{A/1}', 'sweeper', 'sweeper'::regrole)").await;
    assert_eq!(db.session_as("sweeps_along").await.number(KEYS).await, 1);
    assert_eq!(db.session_as("sweeps_not").await.number(KEYS).await, 0);
    db.run(
        "DROP OWNED BY sweeper; DROP ROLE sweeper; CREATE ROLE sweeper LOGIN; SELECT clone.allow('sweeper')",
    )
    .await;
    assert_eq!(db.session_as("sweeper").await.number(KEYS).await, 0);
    db.run("DROP OWNED BY sweeper, sweeps_along, sweeps_not; DROP ROLE sweeper, sweeps_along, sweeps_not")
        .await;
}
