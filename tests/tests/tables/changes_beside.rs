//! Another session changes a table of the store while a clone begins or runs.

use pg_clone_tests::sample_documents::{PROJECT, with_observations};
use pg_clone_tests::scratch_database::{Failure, Scratch};

const OBSERVATIONS: u32 = 40;
/// Rows of the project in documents.resource.
const ROWS: i64 = 43;

/// Runs a clone that has to wait for `table`, which another session changes meanwhile; returns the clone's id.
async fn clone_while(db: &Scratch, table: &str, change: &str) -> Result<String, Failure> {
    let other = db.session().await;
    let cloning = db.session().await;
    let pid = cloning.pid().await;
    other
        .run(&format!("BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
        .await;
    let running = tokio::spawn(async move {
        cloning
            .attempt(&format!(
                "CREATE TEMP TABLE made AS SELECT project_clone('{PROJECT}')->>'id' AS id"
            ))
            .await?;
        Ok(cloning.text("SELECT id FROM made").await)
    });
    db.wait_until(&format!(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = {pid} AND NOT granted)"
    ))
    .await;
    other.run(change).await;
    other.run("COMMIT").await;
    running.await.unwrap()
}

async fn rows_of(db: &Scratch, clone: &str) -> i64 {
    db.number(&format!(
        "SELECT count(*) FROM documents.resource WHERE project_id = '{clone}'"
    ))
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rewritten_table_is_cloned_whole() {
    for table in ["documents.project", "documents.resource"] {
        let db = with_observations(OBSERVATIONS).await;
        let clone = clone_while(
            &db,
            table,
            "ALTER TABLE documents.resource ALTER content TYPE jsonb USING content || '{\"rewritten\": true}'",
        )
        .await
        .unwrap();
        assert_eq!(rows_of(&db, &clone).await, ROWS, "{table}");
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM documents.resource WHERE project_id = '{clone}' AND content ? 'rewritten'"
            ))
            .await,
            ROWS
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_column_is_an_error_and_never_misread() {
    for table in ["documents.project", "documents.resource"] {
        for change in [
            "ALTER TABLE documents.resource RENAME content TO c2; ALTER TABLE documents.resource ALTER c2 DROP NOT NULL;
             ALTER TABLE documents.resource ADD content bigint DEFAULT 1311768467463790320",
            "ALTER TABLE documents.resource ALTER created_at TYPE timestamp",
            "ALTER TABLE documents.resource DROP COLUMN updated_at",
            "ALTER TABLE documents.resource ADD COLUMN extra text DEFAULT md5(random()::text)",
        ] {
            let db = with_observations(OBSERVATIONS).await;
            let failure = clone_while(&db, table, change).await.unwrap_err();
            assert_eq!(failure.code, "55000", "{table}, {change}: {failure:?}");
            assert!(failure.hint.contains("store_refresh"), "{failure:?}");
            assert_eq!(db.number("SELECT count(*) FROM documents.project").await, 1);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trigger_made_beside_the_beginning_fires_for_every_row() {
    for table in ["documents.project", "documents.resource"] {
        let db = with_observations(OBSERVATIONS).await;
        db.run(
            "CREATE TABLE audit (id uuid); CREATE FUNCTION audited() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO audit VALUES (NEW.id); RETURN NEW; END $$",
        )
        .await;
        let clone = clone_while(
            &db,
            table,
            "CREATE TRIGGER audited BEFORE INSERT ON documents.resource FOR EACH ROW EXECUTE FUNCTION audited()",
        )
        .await
        .unwrap();
        assert_eq!(rows_of(&db, &clone).await, ROWS);
        assert_eq!(
            db.number("SELECT count(*) FROM audit").await,
            ROWS,
            "{table}: a trigger was passed by"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_that_was_empty_before_the_wait_is_read() {
    let db = with_observations(OBSERVATIONS).await;
    db.run("CREATE TABLE kept AS TABLE documents.resource; TRUNCATE documents.resource")
        .await;
    let clone = clone_while(
        &db,
        "documents.resource",
        "INSERT INTO documents.resource SELECT * FROM kept",
    )
    .await
    .unwrap();
    assert_eq!(rows_of(&db, &clone).await, ROWS);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_child_table_that_appears_is_an_error() {
    let db = with_observations(OBSERVATIONS).await;
    let failure = clone_while(
        &db,
        "documents.resource",
        "CREATE TABLE documents.archive () INHERITS (documents.resource)",
    )
    .await
    .unwrap_err();
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(failure.detail.contains("documents.archive"), "{failure:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_partition_that_appears_is_cloned_too() {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "CREATE TABLE documents_project (id uuid PRIMARY KEY, name text);
         CREATE SCHEMA documents;
         CREATE TABLE documents.project (id uuid PRIMARY KEY, name text);
         CREATE TABLE documents.resource (id uuid, project_id uuid, kind text, PRIMARY KEY (id, kind)) PARTITION BY LIST (kind);
         CREATE TABLE documents.a PARTITION OF documents.resource FOR VALUES IN ('a');
         CREATE TABLE documents.b (id uuid NOT NULL, project_id uuid, kind text NOT NULL);
         INSERT INTO documents.project VALUES ('{PROJECT}', 'P');
         INSERT INTO documents.resource SELECT md5('a' || n)::uuid, '{PROJECT}', 'a' FROM generate_series(1, 20) n;
         INSERT INTO documents.b SELECT md5('b' || n)::uuid, '{PROJECT}', 'b' FROM generate_series(1, 23) n;
         SELECT clone.store_create('d', 'custom');
         SELECT clone.store_table('d', 'documents.project', 'project');
         SELECT clone.store_table('d', 'documents.resource', 'resource', id_column => 'id', project_column => 'project_id')"
    ))
    .await;
    let clone = clone_while(
        &db,
        "documents.resource",
        "ALTER TABLE documents.resource ATTACH PARTITION documents.b FOR VALUES IN ('b')",
    )
    .await
    .unwrap();
    assert_eq!(rows_of(&db, &clone).await, ROWS);
}

/// A clone that stands still after its tables were described: its check hook waits for the other session.
async fn with_pause() -> Scratch {
    let db = with_observations(OBSERVATIONS).await;
    db.run(
        "CREATE FUNCTION public.pause(store text, arguments jsonb) RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_advisory_xact_lock(77); END $$;
         INSERT INTO clone.store_hook (store, event, function) VALUES ('documents', 'check', 'public.pause(text, jsonb)')",
    )
    .await;
    db
}

#[tokio::test(flavor = "multi_thread")]
async fn during_a_run_definitions_stand_still_and_writers_do_not() {
    let db = with_pause().await;
    db.run("SELECT pg_advisory_lock(77)").await;
    let cloning = db.session().await;
    let pid = cloning.pid().await;
    let running = tokio::spawn(async move { cloning.clone_project(&format!("'{PROJECT}'")).await });
    db.wait_until(&format!(
        "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = {pid} AND NOT granted AND locktype = 'advisory')"
    ))
    .await;
    let other = db.session().await;
    other
        .run("SET lock_timeout = '100ms'; CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$")
        .await;
    for change in [
        "ALTER TABLE documents.resource ALTER content TYPE jsonb USING content || '{}'",
        "ALTER TABLE documents.resource DROP COLUMN updated_at",
        "CREATE TRIGGER t BEFORE INSERT ON documents.resource FOR EACH ROW EXECUTE FUNCTION public.nothing()",
        "CREATE RULE r AS ON INSERT TO documents.resource DO INSTEAD NOTHING",
        "ALTER TABLE documents.resource ENABLE ROW LEVEL SECURITY",
        "TRUNCATE documents.resource",
        "DROP TABLE documents.resource",
        "ALTER TABLE documents.project ADD COLUMN x int",
    ] {
        assert_eq!(other.fails(change).await.code, "55P03", "{change} did not wait");
    }
    other
        .run(&format!("SET lock_timeout = '5s'; INSERT INTO documents.resource (project_id, resource_type, content) VALUES ('{PROJECT}', 'Late', '{{}}')"))
        .await;
    other.run("VACUUM documents.resource").await;
    db.run("SELECT pg_advisory_unlock(77)").await;
    let clone = running.await.unwrap();
    assert_eq!(
        rows_of(&db, &clone).await,
        ROWS,
        "the late row came after the snapshot"
    );
}

#[tokio::test]
async fn a_transaction_with_an_older_snapshot_is_told_to_begin_anew() {
    for change in [
        "ALTER TABLE documents.resource ALTER content TYPE jsonb USING content || '{}'",
        "CREATE TRIGGER t BEFORE INSERT ON documents.resource FOR EACH ROW EXECUTE FUNCTION public.pass()",
    ] {
        for isolation in ["REPEATABLE READ", "SERIALIZABLE"] {
            let db = with_observations(OBSERVATIONS).await;
            db.run("CREATE FUNCTION public.pass() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$")
                .await;
            let other = db.session().await;
            db.run(&format!(
                "BEGIN ISOLATION LEVEL {isolation}; SELECT count(*) FROM clone.run"
            ))
            .await;
            other.run(change).await;
            let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
            assert_eq!(failure.code, "55000", "{isolation}, {change}: {failure:?}");
            assert_eq!(
                failure.message,
                "the tables of store \"documents\" are being changed"
            );
            assert!(failure.hint.contains("new transaction"), "{failure:?}");
            db.run("ROLLBACK").await;
            let clone = db.clone_project(&format!("'{PROJECT}'")).await;
            assert_eq!(rows_of(&db, &clone).await, ROWS);
        }
    }
}
