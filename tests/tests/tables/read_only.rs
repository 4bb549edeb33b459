//! Plans and verifications write nothing: a standby server can answer them.

use pg_clone_tests::sample_documents::{PROJECT, with_observations};

#[tokio::test]
async fn plan_and_verification_take_no_transaction_id_and_no_lock_that_a_standby_refuses() {
    let db = with_observations(5).await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    for query in [
        format!("SELECT count(*) FROM project_clone_plan('{PROJECT}')"),
        format!("SELECT count(*) FROM project_clone_plan('{PROJECT}', resource_types => '{{Patient}}')"),
        format!("SELECT count(*) FROM project_clone_verify('{clone}')"),
    ] {
        let session = db.session().await;
        session.run("BEGIN TRANSACTION READ ONLY").await;
        assert!(session.number(&query).await > 0);
        assert_eq!(
            session.text("SELECT pg_current_xact_id_if_assigned()").await,
            "",
            "{query}"
        );
        assert_eq!(
            session
                .list("SELECT DISTINCT mode FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'relation'")
                .await,
            ["AccessShareLock"],
            "{query}"
        );
        session.run("COMMIT").await;
    }
}
