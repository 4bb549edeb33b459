//! A clone is whole or it is not there, whatever interrupts it and whatever surrounds the call; and what interrupts it
//! leaves no trace in the session.

use std::time::Duration;

use pg_clone_tests::sample_documents::{PATIENT, PROJECT, with_observations};
use pg_clone_tests::scratch_database::{Session, assert_clean_log};
use pgclone::cluster::{Cluster, ClusterConfig, Shutdown};

/// Resources of the sample project with `observations` observations.
const fn resources(observations: u32) -> i64 {
    observations as i64 + 3
}

/// No project but the source's, no resource but its own, no run, no file.
async fn assert_no_trace(session: &Session, resources: i64) {
    assert_eq!(session.number("SELECT count(*) FROM documents.project").await, 1);
    assert_eq!(session.number("SELECT count(*) FROM documents.resource").await, resources);
    for table in ["run", "run_table", "run_dangling", "blob_copy"] {
        assert_eq!(session.number(&format!("SELECT count(*) FROM clone.{table}")).await, 0, "{table}");
    }
}

/// A clone with this id is complete and consistent.
async fn assert_whole(session: &Session, clone: &str, resources: i64) {
    assert_eq!(session.number(&format!("SELECT count(*) FROM documents.project WHERE id = '{clone}'")).await, 1);
    assert_eq!(session.number(&format!("SELECT count(*) FROM documents.resource WHERE project_id = '{clone}'")).await, resources);
    assert_eq!(
        session
            .number(&format!(
                "SELECT count(*) FROM documents.resource r WHERE r.project_id = '{clone}'
                 AND (content->>'id' <> id::text OR content #>> '{{meta,project}}' <> '{clone}'
                      OR content #>> '{{subject,reference}}' <> (SELECT 'Patient/' || p.id FROM documents.resource p WHERE p.project_id = '{clone}' AND resource_type = 'Patient'))"
            ))
            .await,
        0
    );
    assert_eq!(session.number(&format!("SELECT count(*) FROM clone.run WHERE target_project = '{clone}'")).await, 1);
}

fn call() -> String {
    format!("SELECT project_clone('{PROJECT}', 'Copy')->>'id'")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_timeout_at_any_moment_leaves_nothing_and_the_session_works_on() {
    let observations = 20_000;
    let db = with_observations(observations).await;
    let began = std::time::Instant::now();
    db.run(&format!("BEGIN; {}; ROLLBACK", call())).await;
    let whole = u64::try_from(began.elapsed().as_millis()).unwrap();
    let mut cancelled = 0;
    for bulk in ["on", "off"] {
        db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        for part in 1..10 {
            db.run(&format!("SET statement_timeout = {}", (whole * part / 10).max(1))).await;
            match db.attempt(&call()).await {
                Err(failure) => {
                    assert_eq!(failure.code, "57014", "{failure:?}");
                    cancelled += 1;
                    db.run("SET statement_timeout = 0").await;
                    assert_no_trace(&db, resources(observations)).await;
                }
                Ok(()) => {
                    db.run("SET statement_timeout = 0; DELETE FROM documents.project WHERE id IN (SELECT target_project::uuid FROM clone.run); TRUNCATE clone.run CASCADE").await;
                }
            }
        }
    }
    assert!(cancelled >= 6, "only {cancelled} of 18 calls were cancelled");
    let clone = db.text(&call()).await;
    assert_whole(&db, &clone, resources(observations)).await;
}

/// Waits until a session's clone fills a table; false when it has ended before anybody could see that.
async fn is_filling(watcher: &Session, pid: i64) -> bool {
    for _ in 0..20_000 {
        if watcher.number(&format!("SELECT count(*) FROM pg_stat_progress_copy WHERE pid = {pid} AND tuples_processed > 0")).await > 0 {
            return true;
        }
        if watcher.number(&format!("SELECT count(*) FROM pg_stat_activity WHERE pid = {pid} AND state = 'active'")).await == 0 {
            return false;
        }
    }
    false
}

#[tokio::test(flavor = "multi_thread")]
async fn cancelling_from_another_session_leaves_nothing() {
    let observations = 60_000;
    let db = with_observations(observations).await;
    let watcher = db.session().await;
    for bulk in ["on", "off"] {
        let session = db.session().await;
        session.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        let pid = session.pid().await;
        let running = tokio::spawn(async move { (session.attempt(&call()).await, session) });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(is_filling(&watcher, pid).await, "progress is visible to every session");
        assert_eq!(watcher.text(&format!("SELECT pg_cancel_backend({pid})")).await, "t");
        let (outcome, session) = running.await.unwrap();
        assert_eq!(outcome.unwrap_err().code, "57014");
        assert_no_trace(&session, resources(observations)).await;
        assert_eq!(session.number("SELECT count(*) FROM pg_stat_progress_copy WHERE datname = current_database()").await, 0);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn terminating_the_session_leaves_nothing() {
    let observations = 60_000;
    let db = with_observations(observations).await;
    let session = db.session().await;
    let pid = session.pid().await;
    let running = tokio::spawn(async move { session.attempt(&call()).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(is_filling(&db, pid).await);
    db.run(&format!("SELECT pg_terminate_backend({pid}, 10000)")).await;
    assert!(running.await.unwrap().is_err());
    assert_no_trace(&db, resources(observations)).await;
    let clone = db.text(&call()).await;
    assert_whole(&db, &clone, resources(observations)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_of_the_server_leaves_nothing() {
    // A cluster of its own: the crash ends every session on it.
    let config = ClusterConfig { durable: true, ..ClusterConfig::default() };
    let mut cluster = Cluster::start(config).unwrap();
    let observations = 60_000;
    {
        let session = Session::open(&cluster.connection("postgres")).await;
        session.run("CREATE EXTENSION pg_clone_ext; SELECT clone.store_create('documents', 'documents')").await;
        session
            .run(&format!(
                r#"INSERT INTO documents.project (id, name) VALUES ('{PROJECT}', 'Source');
                   INSERT INTO documents.resource (project_id, resource_type, content) SELECT '{PROJECT}', 'Observation', jsonb_build_object('n', n) FROM generate_series(1, {observations}) n"#
            ))
            .await;
        session.run("CHECKPOINT").await;
    }
    let session = Session::open(&cluster.connection("postgres")).await;
    let watcher = Session::open(&cluster.connection("postgres")).await;
    let pid = session.pid().await;
    let running = tokio::spawn(async move { session.attempt(&call()).await });
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert!(is_filling(&watcher, pid).await);
    cluster.restart(Shutdown::Immediate).unwrap();
    assert!(running.await.unwrap().is_err());
    let session = Session::open(&cluster.connection("postgres")).await;
    assert_no_trace(&session, i64::from(observations)).await;
    assert_eq!(session.number("SELECT count(*) FROM documents.resource").await, i64::from(observations));
    session.run(&call()).await;
    assert_eq!(session.number("SELECT count(*) FROM documents.resource").await, 2 * i64::from(observations));
    assert_clean_log(&cluster);
}

/// A trigger that refuses the row in the middle, so that a clone fails after much has been written.
const REFUSE_ONE: &str = r"
    CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (NEW.content->>'value')::int = 1500 THEN RAISE EXCEPTION 'refused' USING ERRCODE = 'P0001'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON documents.resource FOR EACH ROW EXECUTE FUNCTION public.refuse()";

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
    assert_eq!(db.fails("SELECT project_clone('00000000-1111-4111-8111-111111111111')").await.code, "P0002");
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
        assert!(failure.message.contains("violates check constraint \"small\""), "{failure:?}");
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
            assert_eq!(db.fails(&format!("SELECT project_clone('{PROJECT}', options => '{{\"max_memory\": 1000}}')")).await.code, "53200");
        }
    };
    fail(10).await;
    let (contexts, process) = (db.number(memory).await, resident(pid));
    fail(100).await;
    let (contexts_after, process_after) = (db.number(memory).await, resident(pid));
    assert!(contexts_after <= contexts + 65_536, "memory contexts grew from {contexts} to {contexts_after} bytes");
    assert!(process_after <= process + 4096, "the process grew from {process} to {process_after} kB");
}

#[tokio::test]
async fn a_rolled_back_clone_is_gone_and_only_a_committed_one_is_seen() {
    let db = with_observations(100).await;
    let other = db.session().await;
    db.run("BEGIN").await;
    let clone = db.text(&call()).await;
    assert_whole(&db, &clone, resources(100)).await;
    assert_no_trace(&other, resources(100)).await;
    db.run("ROLLBACK").await;
    assert_no_trace(&db, resources(100)).await;
    db.run("BEGIN").await;
    let clone = db.text(&call()).await;
    db.run("COMMIT").await;
    assert_whole(&other, &clone, resources(100)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn clones_of_one_source_at_the_same_time_do_not_disturb_each_other() {
    let observations = 5000;
    let db = with_observations(observations).await;
    let running: Vec<_> = {
        let mut sessions = Vec::new();
        for _ in 0..4 {
            sessions.push(db.session().await);
        }
        sessions.into_iter().map(|session| tokio::spawn(async move { session.text(&call()).await })).collect()
    };
    for clone in running {
        assert_whole(&db, &clone.await.unwrap(), resources(observations)).await;
    }
    assert_eq!(db.number("SELECT count(DISTINCT target_project) FROM clone.run").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn writes_to_the_source_during_a_clone_are_seen_whole_or_not_at_all() {
    let db = with_observations(20_000).await;
    // A writer that changes two documents and adds another two in one transaction, over and over: their sum says
    // whether a clone saw a moment between transactions.
    db.run(&format!(
        r#"INSERT INTO documents.resource (id, project_id, resource_type, content) VALUES
           ('44444444-0000-4000-8000-000000000001', '{PROJECT}', 'Account', '{{"balance": 1000}}'),
           ('44444444-0000-4000-8000-000000000002', '{PROJECT}', 'Statement', '{{"balance": -1000}}')"#
    ))
    .await;
    let writer = db.session().await;
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = std::sync::Arc::clone(&stop);
    let writing = tokio::spawn(async move {
        let mut transactions = 0;
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            writer
                .run(&format!(
                    r#"BEGIN;
                       UPDATE documents.resource SET content = jsonb_build_object('balance', (content->>'balance')::int + 1) WHERE id = '44444444-0000-4000-8000-000000000001';
                       INSERT INTO documents.resource (project_id, resource_type, content) VALUES ('{PROJECT}', 'Pair', '{{"side": 1}}'), ('{PROJECT}', 'Pair', '{{"side": -1}}');
                       UPDATE documents.resource SET content = jsonb_build_object('balance', (content->>'balance')::int - 1) WHERE id = '44444444-0000-4000-8000-000000000002';
                       COMMIT"#
                ))
                .await;
            transactions += 1;
        }
        transactions
    });
    for bulk in ["on", "off", "on"] {
        db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        let clone = db.text(&call()).await;
        let row = db
            .rows(&format!(
                "SELECT sum((content->>'balance')::int), COALESCE(sum((content->>'side')::int), 0), count(*) FILTER (WHERE resource_type = 'Observation'),
                        (SELECT (a.content->>'balance')::int - 1000 FROM documents.resource a WHERE a.project_id = '{clone}' AND resource_type = 'Account')
                        = count(*) FILTER (WHERE resource_type = 'Pair') / 2
                 FROM documents.resource WHERE project_id = '{clone}'"
            ))
            .await;
        assert_eq!(row, [["0", "0", "20000", "t"].map(|text| Some(text.to_owned())).to_vec()]);
    }
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(writing.await.unwrap() > 3, "the writer was not held up");
}

#[tokio::test]
async fn the_caller_decides_isolation() {
    let db = with_observations(100).await;
    let other = db.session().await;
    for level in ["READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"] {
        db.run(&format!("BEGIN ISOLATION LEVEL {level}; SELECT count(*) FROM documents.resource")).await;
        other
            .run(&format!(r#"INSERT INTO documents.resource (project_id, resource_type, content) VALUES ('{PROJECT}', 'Late', '{{}}')"#))
            .await;
        let clone = db.text(&call()).await;
        let late = db.number(&format!("SELECT count(*) FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Late'")).await;
        assert_eq!(late, i64::from(level == "READ COMMITTED"), "{level}");
        db.run("COMMIT").await;
        other.run("DELETE FROM documents.resource WHERE resource_type = 'Late'").await;
        assert_whole(&db, &clone, resources(100)).await;
    }
}

#[tokio::test]
async fn a_transaction_sees_its_own_writes_and_clones_them() {
    let db = with_observations(10).await;
    db.run("BEGIN").await;
    db.run(&format!(r#"UPDATE documents.resource SET content = content || '{{"name": "Changed"}}' WHERE id = '{PATIENT}'"#)).await;
    let first = db.text(&call()).await;
    let second = db.text(&call()).await;
    let of_clone = db.text(&format!("SELECT project_clone('{first}', 'Copy of a copy')->>'id'")).await;
    db.run("COMMIT").await;
    for clone in [first, second, of_clone] {
        assert_whole(&db, &clone, resources(10)).await;
        assert_eq!(
            db.text(&format!("SELECT content->>'name' FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Patient'")).await,
            "Changed"
        );
    }
    assert_eq!(db.number("SELECT count(*) FROM documents.resource GROUP BY project_id HAVING count(*) = 13 LIMIT 1").await, 13);
}

#[tokio::test]
async fn a_clone_can_be_called_from_everywhere() {
    let db = with_observations(50).await;
    let count = async |expected: i64| {
        let clones = db.list("SELECT target_project FROM clone.run ORDER BY id").await;
        assert_eq!(clones.len(), usize::try_from(expected).unwrap());
        assert_whole(&db, clones.last().unwrap(), resources(50)).await;
    };
    db.run(&format!("DO $$ BEGIN PERFORM project_clone('{PROJECT}'); END $$")).await;
    count(1).await;
    db.run(&format!(
        "CREATE FUNCTION public.stage(p text) RETURNS text LANGUAGE plpgsql AS $$ DECLARE j jsonb; BEGIN j := project_clone(p); RETURN j->>'id'; END $$;
         SELECT public.stage('{PROJECT}')"
    ))
    .await;
    count(2).await;
    db.run(&format!("PREPARE c(text) AS SELECT project_clone($1); EXECUTE c('{PROJECT}')")).await;
    count(3).await;
    for _ in 0..6 {
        db.run(&format!("EXECUTE c('{PROJECT}')")).await;
    }
    count(9).await;
    db.run(&format!("BEGIN; DECLARE cur CURSOR FOR SELECT project_clone('{PROJECT}') FROM generate_series(1, 2); FETCH 1 FROM cur; FETCH 1 FROM cur; CLOSE cur; COMMIT"))
        .await;
    count(11).await;
    db.run(&format!(
        "CREATE PROCEDURE public.stage_twice() LANGUAGE plpgsql AS $$ BEGIN PERFORM project_clone('{PROJECT}'); COMMIT; PERFORM project_clone('{PROJECT}'); ROLLBACK; END $$"
    ))
    .await;
    db.run("CALL public.stage_twice()").await;
    count(12).await;
    db.run(&format!("CREATE TABLE public.made AS SELECT project_clone('{PROJECT}') AS project")).await;
    count(13).await;
    db.run(&format!("WITH c AS (SELECT project_clone('{PROJECT}') AS project) INSERT INTO public.made SELECT project FROM c")).await;
    count(14).await;
    // Twice in one statement: both read what was there when the statement began.
    db.run(&format!("SELECT project_clone('{PROJECT}'), project_clone('{PROJECT}')")).await;
    count(16).await;
    let row = db.query_one("SELECT project_clone($1)", &[&PROJECT]).await.unwrap();
    assert!(row.get::<_, serde_json::Value>(0)["id"].is_string());
    count(17).await;
}

#[tokio::test]
async fn a_definers_rights_are_those_of_the_clone() {
    let db = with_observations(10).await;
    db.run(&format!(
        "CREATE ROLE at_definer; CREATE ROLE at_caller LOGIN; GRANT USAGE ON SCHEMA documents TO at_definer;
         GRANT SELECT, INSERT ON documents.project, documents.resource TO at_definer;
         GRANT EXECUTE ON FUNCTION project_clone(text, text, text[], text[], text[], text, text, jsonb) TO at_definer;
         CREATE FUNCTION public.stage() RETURNS jsonb LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp
             AS $$ SELECT public.project_clone('{PROJECT}') $$;
         ALTER FUNCTION public.stage() OWNER TO at_definer; GRANT EXECUTE ON FUNCTION public.stage() TO at_caller"
    ))
    .await;
    let caller = db.session_as("at_caller").await;
    caller.run("SELECT public.stage()").await;
    assert_eq!(
        db.rows("SELECT run_by, session_by FROM clone.run").await,
        [["at_definer", "at_caller"].map(|text| Some(text.to_owned()))]
    );
    assert_eq!(caller.fails(&call()).await.code, "42501");
    assert_eq!(caller.text("SELECT current_user").await, "at_caller");
    db.run("DROP FUNCTION public.stage(); DROP OWNED BY at_definer, at_caller").await;
}

#[tokio::test]
async fn a_trigger_that_clones_inside_a_clone_is_refused_or_right() {
    let db = with_observations(10).await;
    db.run(&format!(
        "CREATE FUNCTION public.again() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF NEW.name = 'Outer' THEN PERFORM project_clone('{PROJECT}', 'Inner'); END IF;
             RETURN NEW;
         END $$;
         CREATE TRIGGER again BEFORE INSERT ON documents.project FOR EACH ROW EXECUTE FUNCTION public.again();
         CREATE FUNCTION public.again_resource() RETURNS trigger LANGUAGE plpgsql AS $$
         BEGIN
             IF NEW.resource_type = 'Patient' AND NOT EXISTS (SELECT FROM documents.project WHERE name = 'Innermost') THEN
                 PERFORM project_clone('{PROJECT}', 'Innermost');
             END IF;
             RETURN NEW;
         END $$"
    ))
    .await;
    match db.attempt(&format!("SELECT project_clone('{PROJECT}', 'Outer')")).await {
        Ok(()) => {
            for clone in db.list("SELECT target_project FROM clone.run").await {
                assert_whole(&db, &clone, resources(10)).await;
            }
            assert_eq!(db.number("SELECT count(*) FROM clone.run").await, 2);
        }
        Err(failure) => {
            assert_ne!(failure.code, "XX000", "{failure:?}");
            assert_no_trace(&db, resources(10)).await;
        }
    }
}

#[tokio::test]
async fn locks_end_with_the_transaction_and_writers_are_not_blocked() {
    let db = with_observations(100).await;
    let other = db.session().await;
    db.run("BEGIN").await;
    db.run(&call()).await;
    other.run("SET lock_timeout = '5s'").await;
    other.run(&format!(r#"UPDATE documents.resource SET content = content WHERE id = '{PATIENT}'"#)).await;
    other.run(&format!(r#"INSERT INTO documents.resource (project_id, resource_type, content) VALUES ('{PROJECT}', 'New', '{{}}')"#)).await;
    db.run("COMMIT").await;
    assert_eq!(db.number("SELECT count(*) FROM pg_locks WHERE locktype = 'relation' AND pid <> pg_backend_pid() AND database = (SELECT oid FROM pg_database WHERE datname = current_database())").await, 0);
}
