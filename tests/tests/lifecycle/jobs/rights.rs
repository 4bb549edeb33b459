//! With whose rights a job runs, and what its owner cannot do with the worker's.

use pg_clone_tests::scratch_database::{Scratch, Session};

use crate::clinic::{self, CLINIC};

const NEXT: &str = "SELECT clone.run_next_job()";

/// A role that may queue clones, and a session of it.
async fn asker(db: &Scratch, role: &str) -> Session {
    db.run(&format!(
        "DROP ROLE IF EXISTS {role}; CREATE ROLE {role} LOGIN;
         GRANT USAGE ON SCHEMA documents, clone, clone_internal TO {role}; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA documents TO {role};
         GRANT EXECUTE ON FUNCTION clone_internal.rewritten_rows, project_clone_start, project_clone_cancel,
             project_clone(text, text, text[], text[], text[], text, text, jsonb) TO {role}"
    ))
    .await;
    db.session_as(role).await
}

fn start() -> String {
    format!("SELECT project_clone_start('{CLINIC}', 'Job')")
}

async fn ended(db: &Scratch) -> (String, String) {
    let row = db
        .rows("SELECT state, COALESCE(error, '') FROM clone.job ORDER BY id DESC LIMIT 1")
        .await
        .swap_remove(0);
    (row[0].clone().unwrap(), row[1].clone().unwrap())
}

#[tokio::test]
async fn a_job_runs_as_who_queued_it() {
    let db = clinic::database().await;
    let session = asker(&db, "asker_1").await;
    session.run(&start()).await;
    db.run(NEXT).await;
    assert_eq!(
        db.text("SELECT run_by || '/' || session_by FROM clone.run").await,
        "asker_1/postgres"
    );
    db.run("DROP OWNED BY asker_1").await;
}

#[tokio::test]
async fn rights_that_were_revoked_meanwhile_are_missing() {
    let db = clinic::database().await;
    let session = asker(&db, "asker_2").await;
    for right in [
        "INSERT ON documents.resource",
        "EXECUTE ON FUNCTION project_clone(text, text, text[], text[], text[], text, text, jsonb)",
    ] {
        session.run(&start()).await;
        db.run(&format!("REVOKE {right} FROM asker_2")).await;
        db.run(NEXT).await;
        db.run(&format!("GRANT {right} TO asker_2")).await;
        let (state, error) = ended(&db).await;
        assert_eq!(state, "failed");
        assert!(error.starts_with("permission denied"), "{error}");
    }
    assert_eq!(db.number("SELECT count(*) FROM clone.run").await, 0);
    db.run("DROP OWNED BY asker_2").await;
}

#[tokio::test]
async fn the_job_of_a_role_that_is_gone_fails() {
    let db = clinic::database().await;
    let session = asker(&db, "asker_3").await;
    session.run(&start()).await;
    db.run("DROP OWNED BY asker_3; DROP ROLE asker_3").await;
    db.run(NEXT).await;
    assert_eq!(
        ended(&db).await,
        (
            "failed".to_owned(),
            "role \"asker_3\", which queued job 1, does not exist any more".to_owned()
        )
    );
}

#[tokio::test]
async fn code_of_the_asker_cannot_become_the_worker() {
    let db = clinic::database().await;
    let session = asker(&db, "asker_4").await;
    db.run(
        "CREATE TABLE seen (what text); GRANT INSERT ON seen TO PUBLIC;
         CREATE FUNCTION smuggled() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
             PERFORM set_config('work_mem', '123MB', false);
             BEGIN RESET ROLE; EXCEPTION WHEN OTHERS THEN NULL; END;
             BEGIN SET SESSION AUTHORIZATION postgres; EXCEPTION WHEN OTHERS THEN NULL; END;
             INSERT INTO public.seen VALUES (TG_NAME || ' as ' || current_user);
             RETURN NEW; END $$;
         CREATE TRIGGER now BEFORE INSERT ON documents.project FOR EACH ROW EXECUTE FUNCTION smuggled();
         CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON documents.project DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION smuggled()",
    )
    .await;
    session.run(&start()).await;
    db.run(NEXT).await;
    assert_eq!(ended(&db).await.0, "done");
    assert_eq!(
        db.list("SELECT what FROM seen ORDER BY 1").await,
        ["at_commit as asker_4", "now as asker_4"]
    );
    assert_eq!(db.text("SHOW work_mem").await, "4MB");
    db.run("DROP OWNED BY asker_4").await;
}

#[tokio::test]
async fn what_would_run_after_the_job_is_refused() {
    let db = clinic::database().await;
    let session = asker(&db, "asker_5").await;
    db.run(
        "CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN SET CONSTRAINTS ALL DEFERRED; RETURN NEW; END $$;
         CREATE TRIGGER later BEFORE INSERT ON documents.project FOR EACH ROW EXECUTE FUNCTION later();
         CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
         CREATE CONSTRAINT TRIGGER at_commit AFTER INSERT ON documents.project DEFERRABLE INITIALLY DEFERRED
             FOR EACH ROW EXECUTE FUNCTION nothing()",
    )
    .await;
    session.run(&start()).await;
    db.run(NEXT).await;
    assert_eq!(
        ended(&db).await,
        (
            "failed".to_owned(),
            "cannot fire deferred trigger within security-restricted operation".to_owned()
        )
    );
    db.run("DROP OWNED BY asker_5").await;
}

#[tokio::test]
async fn nobody_cancels_or_forges_the_job_of_another() {
    let db = clinic::database().await;
    let session = asker(&db, "asker_6").await;
    let stranger = asker(&db, "stranger").await;
    session.run(&start()).await;
    assert_eq!(
        stranger.fails("SELECT project_clone_cancel(1)").await.code,
        "42501"
    );
    for forged in [
        "INSERT INTO clone.job_queue (source_project, store, arguments, role, queued_by) VALUES ('x', 'x', '{}', 10, 'postgres')",
        "INSERT INTO clone.job_attempt VALUES (1, 9, 1)",
        "SELECT clone_internal.queue_job('x', 'x', NULL, '{}', 10, '{}', 9)",
        "SELECT clone_internal.run_job(1)",
        "SELECT clone_internal.run_deferred_checks()",
        "SELECT clone_internal.restore_deferral('deferred')",
        "SELECT clone_internal.cancel_job(1, 10)",
        "SELECT clone_internal.lock_object('clone.job_queue', 1, true)",
        "SELECT clone_internal.record_attempt(1, 9)",
        "SELECT clone.run_next_job()",
    ] {
        assert_eq!(stranger.fails(forged).await.code, "42501", "{forged}");
    }
    assert_eq!(session.text("SELECT project_clone_cancel(1)").await, "cancelled");
    db.run("DROP OWNED BY asker_6, stranger").await;
}

#[tokio::test]
async fn a_worker_needs_no_rights_on_the_data() {
    let db = clinic::database().await;
    let session = asker(&db, "asker_7").await;
    session.run(&start()).await;
    db.run(
        "DROP ROLE IF EXISTS worker_7; CREATE ROLE worker_7 LOGIN; GRANT USAGE ON SCHEMA clone TO worker_7;
         GRANT EXECUTE ON FUNCTION clone.run_next_job TO worker_7",
    )
    .await;
    let worker = db.session_as("worker_7").await;
    assert_eq!(worker.text(NEXT).await, "1");
    assert_eq!(
        worker.fails("SELECT count(*) FROM documents.resource").await.code,
        "42501"
    );
    assert_eq!(
        db.text("SELECT run_by || '/' || session_by FROM clone.run").await,
        "asker_7/worker_7"
    );
    db.run("DROP OWNED BY asker_7, worker_7").await;
}

/// The function that runs a job has the rights of the extension's owner: what a worker has deferred must not have them.
#[tokio::test]
async fn what_a_worker_has_deferred_runs_with_its_own_rights_and_is_no_part_of_the_job() {
    let db = clinic::database().await;
    let session = asker(&db, "asker_10").await;
    session.run(&start()).await;
    db.run(
        "DROP ROLE IF EXISTS worker_10; CREATE ROLE worker_10 LOGIN; SELECT clone.allow_worker('worker_10');
         CREATE SCHEMA w AUTHORIZATION worker_10; SET ROLE worker_10;
         CREATE TABLE w.ran (as_role text); CREATE TABLE w.t (n int);
         CREATE FUNCTION w.f() RETURNS trigger LANGUAGE plpgsql AS
             $$ BEGIN INSERT INTO w.ran VALUES (current_user); IF NEW.n = 2 THEN RAISE check_violation; END IF; RETURN NULL; END $$;
         CREATE CONSTRAINT TRIGGER c AFTER INSERT ON w.t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION w.f(); RESET ROLE",
    )
    .await;
    let worker = db.session_as("worker_10").await;
    worker.run("BEGIN; INSERT INTO w.t VALUES (2)").await;
    let failure = worker.fails(NEXT).await;
    assert_eq!(failure.code, "23514");
    assert!(
        failure.hint.contains("in a transaction of its own"),
        "{failure:?}"
    );
    worker.run("ROLLBACK").await;
    assert_eq!(
        db.text("SELECT state || attempts FROM clone.job_queue").await,
        "queued0"
    );
    worker.run("BEGIN; INSERT INTO w.t VALUES (1)").await;
    assert_eq!(worker.text(NEXT).await, "1");
    // What is deferred afterwards is deferred as before.
    worker.run("INSERT INTO w.t VALUES (3)").await;
    assert_eq!(
        worker.text("SELECT count(*) || max(as_role) FROM w.ran").await,
        "1worker_10"
    );
    worker.run("COMMIT").await;
    assert_eq!(db.text("SELECT state FROM clone.job").await, "done");
    assert_eq!(
        db.text("SELECT count(*) || max(as_role) || min(as_role) FROM w.ran")
            .await,
        "2worker_10worker_10"
    );
    db.run("DROP OWNED BY asker_10, worker_10").await;
}

#[tokio::test]
async fn a_role_of_the_same_name_does_not_inherit_a_job() {
    let db = clinic::database().await;
    let session = asker(&db, "asker_8").await;
    session.run(&start()).await;
    session.run(&start()).await;
    db.run("DROP OWNED BY asker_8; DROP ROLE asker_8; CREATE ROLE asker_8 LOGIN SUPERUSER")
        .await;
    let successor = db.session_as("asker_8").await;
    db.run("ALTER ROLE asker_8 NOSUPERUSER; GRANT USAGE ON SCHEMA clone TO asker_8; GRANT SELECT ON clone.job TO asker_8;
            GRANT EXECUTE ON FUNCTION project_clone_cancel TO asker_8")
        .await;
    assert_eq!(successor.number("SELECT count(*) FROM clone.job").await, 0);
    assert_eq!(
        successor.fails("SELECT project_clone_cancel(1)").await.code,
        "42501"
    );
    db.run(NEXT).await;
    assert_eq!(
        ended_first(&db).await,
        "failed: role \"asker_8\", which queued job 1, does not exist any more"
    );
    assert_eq!(db.number("SELECT count(*) FROM clone.run").await, 0);
    db.run("DROP OWNED BY asker_8; DROP ROLE asker_8").await;
}

async fn ended_first(db: &Scratch) -> String {
    db.text("SELECT state || ': ' || error FROM clone.job WHERE id = 1")
        .await
}

#[tokio::test]
async fn a_role_that_was_renamed_is_told_to_queue_again() {
    let db = clinic::database().await;
    let session = asker(&db, "asker_9").await;
    session.run(&start()).await;
    db.run("DROP ROLE IF EXISTS asker_nine; ALTER ROLE asker_9 RENAME TO asker_nine")
        .await;
    db.run(NEXT).await;
    assert_eq!(
        ended_first(&db).await,
        "failed: role \"asker_9\", which queued job 1, is \"asker_nine\" now"
    );
    db.run("DROP OWNED BY asker_nine; DROP ROLE asker_nine").await;
}

#[tokio::test]
async fn callers_see_their_own_jobs_and_workers_see_all() {
    let db = clinic::database().await;
    let mine = asker(&db, "asker_10").await;
    let other = asker(&db, "asker_11").await;
    db.run(
        "DROP ROLE IF EXISTS worker_10; CREATE ROLE worker_10 LOGIN;
            SELECT clone.allow('asker_10'), clone.allow('asker_11'), clone.allow_worker('worker_10')",
    )
    .await;
    mine.run(&start()).await;
    other.run(&start()).await;
    db.run("REVOKE INSERT ON documents.resource FROM asker_10").await;
    let worker = db.session_as("worker_10").await;
    worker.run(NEXT).await;
    assert_eq!(
        mine.list("SELECT id || state || sqlstate FROM clone.job").await,
        ["1failed42501"]
    );
    assert_eq!(other.list("SELECT id || state FROM clone.job").await, ["2queued"]);
    assert_eq!(worker.number("SELECT count(*) FROM clone.job").await, 2);
    db.run("DROP OWNED BY asker_10, asker_11, worker_10").await;
}

#[tokio::test]
async fn a_role_has_a_limited_number_of_jobs_in_the_queue() {
    let db = clinic::database().await;
    let session = asker(&db, "asker_12").await;
    db.run("ALTER ROLE asker_12 SET pg_clone.max_queued_jobs = 2")
        .await;
    let session = {
        drop(session);
        db.session_as("asker_12").await
    };
    session.run(&start()).await;
    session.run(&start()).await;
    let failure = session.fails(&start()).await;
    assert_eq!(failure.code, "53400", "{failure:?}");
    assert!(failure.hint.contains("pg_clone.max_queued_jobs"), "{failure:?}");
    assert_eq!(
        session.fails("SET pg_clone.max_queued_jobs = 9").await.code,
        "42501"
    );
    // Others have their own.
    db.run(&start()).await;
    db.run(NEXT).await;
    session.run(&start()).await;
    db.run("DROP OWNED BY asker_12; DROP ROLE asker_12").await;
}
