//! Errors during a clone, and the session after them.

use super::whole_or_nothing::{REFUSE_ONE, assert_no_trace, assert_whole, call, resources};
use pg_clone_tests::sample_documents::{PROJECT, with_observations};

#[tokio::test]
async fn after_an_error_in_a_savepoint_the_same_transaction_can_clone() {
    let db = with_observations(2000).await;
    db.run(REFUSE_ONE).await;
    db.run("BEGIN; SAVEPOINT s").await;
    assert_eq!(db.fails(&call()).await.code, "P0001");
    db.run("ROLLBACK TO s").await;
    assert_no_trace(&db, resources(2000)).await;
    db.run("DROP TRIGGER refuse ON documents.resource").await;
    let first = db.text(&call()).await;
    db.run("SAVEPOINT s").await;
    assert_eq!(
        db.fails("SELECT project_clone('00000000-1111-4111-8111-111111111111')")
            .await
            .code,
        "P0002"
    );
    db.run("ROLLBACK TO s").await;
    let second = db.text(&call()).await;
    db.run("COMMIT").await;
    for clone in [first, second] {
        assert_whole(&db, &clone, resources(2000)).await;
    }
}

#[tokio::test]
async fn after_errors_that_plpgsql_caught_the_same_call_succeeds() {
    let db = with_observations(2000).await;
    db.run(REFUSE_ONE).await;
    db.run(&format!(
        "DO $$
         DECLARE failures int := 0;
         BEGIN
             FOR i IN 1..5 LOOP
                 BEGIN
                     PERFORM project_clone('{PROJECT}');
                 EXCEPTION WHEN raise_exception THEN failures := failures + 1;
                 END;
                 BEGIN
                     PERFORM project_clone('{PROJECT}', resource_types => '{{Nonsense}}');
                 EXCEPTION WHEN invalid_parameter_value THEN failures := failures + 1;
                 END;
                 BEGIN
                     PERFORM project_clone('{PROJECT}', options => '{{\"max_memory\": 1000}}');
                 EXCEPTION WHEN out_of_memory THEN failures := failures + 1;
                 END;
             END LOOP;
             ASSERT failures = 15, failures;
             ALTER TABLE documents.resource DISABLE TRIGGER refuse;
             PERFORM project_clone('{PROJECT}');
         END $$"
    ))
    .await;
    let clone = db.text("SELECT target_project FROM clone.run").await;
    assert_whole(&db, &clone, resources(2000)).await;
}

#[tokio::test]
async fn a_failed_constraint_on_the_bulk_path_is_reported_as_the_server_does_and_leaves_nothing() {
    let db = with_observations(3000).await;
    db.run("ALTER TABLE documents.resource ADD CONSTRAINT small CHECK (project_id = '11111111-1111-4111-8111-111111111111' OR (content->>'value')::int < 2500)").await;
    for bulk in ["on", "off"] {
        db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        let failure = db.fails(&call()).await;
        assert_eq!(failure.code, "23514", "{failure:?}");
        assert!(
            failure.message.contains("violates check constraint \"small\""),
            "{failure:?}"
        );
        assert!(failure.detail.starts_with("Failing row contains"), "{failure:?}");
        assert_no_trace(&db, resources(3000)).await;
    }
    db.run("ALTER TABLE documents.resource DROP CONSTRAINT small; CREATE UNIQUE INDEX one ON documents.resource ((content->>'value'))").await;
    for bulk in ["on", "off"] {
        db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        let failure = db.fails(&call()).await;
        assert_eq!(failure.code, "23505", "{failure:?}");
        assert_no_trace(&db, resources(3000)).await;
    }
}

#[tokio::test]
async fn a_hundred_failures_leave_no_memory_behind() {
    let db = with_observations(3000).await;
    db.run(REFUSE_ONE).await;
    let memory = "SELECT sum(total_bytes) FROM pg_backend_memory_contexts WHERE name NOT IN ('MessageContext', 'ExecutorState', 'printtup')";
    let resident = |pid: i64| -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    };
    let pid = db.pid().await;
    let fail = async |times: u32| {
        for _ in 0..times {
            assert_eq!(db.fails(&call()).await.code, "P0001");
            assert_eq!(
                db.fails(&format!(
                    "SELECT project_clone('{PROJECT}', options => '{{\"max_memory\": 1000}}')"
                ))
                .await
                .code,
                "53200"
            );
        }
    };
    fail(10).await;
    let (contexts, process) = (db.number(memory).await, resident(pid));
    fail(100).await;
    let (contexts_after, process_after) = (db.number(memory).await, resident(pid));
    assert!(
        contexts_after <= contexts + 65_536,
        "memory contexts grew from {contexts} to {contexts_after} bytes"
    );
    assert!(
        process_after <= process + 4096,
        "the process grew from {process} to {process_after} kB"
    );
}
