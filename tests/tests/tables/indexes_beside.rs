//! Another session builds an index concurrently while a clone begins or runs: in the end the index has the clone's rows, or one
//! of the two has failed.

use pg_clone_tests::sample_documents::{PROJECT, with_observations};
use pg_clone_tests::scratch_database::Scratch;

const ROWS: i64 = 43;

/// A clone stands still at these moments until lock 77 is free: after its tables were locked (the check hook), and in the
/// middle of a table (a constraint).
async fn with_pauses(bulk: &str) -> Scratch {
    let db = with_observations(40).await;
    db.run(&format!(
        "ALTER DATABASE {} SET pg_clone.bulk = {bulk};
         CREATE FUNCTION public.pause(store text, arguments jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(77); END $$;
         INSERT INTO clone.store_hook (store, event, function) VALUES ('documents', 'check', 'public.pause(text, jsonb)');
         CREATE FUNCTION public.waits(content jsonb) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN IF content->>'value' = '7' THEN PERFORM pg_advisory_xact_lock(78); END IF; RETURN true; END $$;
         ALTER TABLE documents.resource ADD CONSTRAINT waits CHECK (public.waits(content))",
        db.name
    ))
    .await;
    db
}

async fn waits_for(db: &Scratch, pid: i64, what: &str) {
    db.wait_until(&format!(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = {pid} AND NOT granted AND locktype = '{what}')"
    ))
    .await;
}

/// Starts a clone that stands still at the pause with this number, and an index at that moment; `before`: the index is begun first,
/// and waits for a writer until the clone stands still.
async fn index_while(bulk: &str, pause: u32, before: bool, index: &str) {
    let db = with_pauses(bulk).await;
    let case = format!("bulk {bulk}, pause {pause}, index first {before}: {index}");
    db.run(&format!("SELECT pg_advisory_lock({pause})")).await;
    let (cloning, building, writing) = (db.session().await, db.session().await, db.session().await);
    let (clone_pid, build_pid) = (cloning.pid().await, building.pid().await);
    let statement = index.to_owned();
    let build = async move { building.attempt(&statement).await };
    let call = format!("SELECT project_clone('{PROJECT}')");
    let clone = async move { cloning.attempt(&call).await };
    let (built, cloned);
    if before {
        writing
            .run("BEGIN; LOCK TABLE documents.resource IN ROW EXCLUSIVE MODE")
            .await;
        built = tokio::spawn(build);
        waits_for(&db, build_pid, "virtualxid").await;
        cloned = tokio::spawn(clone);
        waits_for(&db, clone_pid, "advisory").await;
        writing.run("COMMIT").await;
    } else {
        cloned = tokio::spawn(clone);
        waits_for(&db, clone_pid, "advisory").await;
        built = tokio::spawn(build);
    }
    // It waits for the clone, at one of its two waits.
    waits_for(&db, build_pid, "virtualxid").await;
    db.run(&format!("SELECT pg_advisory_unlock({pause})")).await;
    let cloned = cloned.await.unwrap();
    let built = built.await.unwrap();
    let valid = db
        .text("SELECT bool_or(indisvalid)::text FROM pg_index WHERE indexrelid = to_regclass('documents.beside')")
        .await;
    let rows = db
        .number("SELECT count(*) FROM documents.resource WHERE project_id <> '11111111-1111-4111-8111-111111111111'")
        .await;
    match &cloned {
        Ok(_) => assert_eq!(rows, ROWS, "{case}"),
        Err(failure) => assert_eq!((rows, failure.code.as_str()), (0, "23505"), "{case}"),
    }
    if let Err(failure) = &built {
        assert_eq!(
            (valid.as_str(), failure.code.as_str()),
            ("false", "23505"),
            "{case}"
        );
    } else {
        assert_eq!(valid, "true", "{case}");
        db.run("CREATE EXTENSION amcheck").await;
        db.run("SELECT bt_index_check('documents.beside', heapallindexed => true)")
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_index_gets_every_row() {
    for bulk in ["on", "off"] {
        for (pause, before) in [(77, false), (77, true), (78, false), (78, true)] {
            index_while(
                bulk,
                pause,
                before,
                "CREATE INDEX CONCURRENTLY beside ON documents.resource (project_id, resource_type)",
            )
            .await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unique_index_gets_every_row_or_somebody_is_told() {
    for bulk in ["on", "off"] {
        for (pause, before) in [(77, false), (77, true), (78, false), (78, true)] {
            for columns in [
                "(project_id, id)",
                "((content->>'value')) WHERE resource_type = 'Observation'",
            ] {
                index_while(
                    bulk,
                    pause,
                    before,
                    &format!("CREATE UNIQUE INDEX CONCURRENTLY beside ON documents.resource {columns}"),
                )
                .await;
            }
        }
    }
}
