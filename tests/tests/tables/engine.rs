//! An extension with a planner hook stores the rows of a table elsewhere, as a distributed engine does.

use pg_clone_tests::sample_documents::{PROJECT, with_observations};
use pg_clone_tests::scratch_database::{Scratch, Session};
use std::path::PathBuf;
use std::process::Command;

/// Compiles the engine once; the server's process can read it.
fn engine() -> PathBuf {
    static LIBRARY: std::sync::OnceLock<PathBuf> = std::sync::OnceLock::new();
    LIBRARY
        .get_or_init(|| {
            let config = std::env::var("PG_CONFIG").unwrap_or_else(|_| "pg_config".to_owned());
            let headers = Command::new(config).arg("--includedir-server").output().unwrap();
            let directory = std::env::temp_dir().join(format!("pg_clone_engine_{}", std::process::id()));
            std::fs::create_dir_all(&directory).unwrap();
            let library = directory.join("redirecting_engine.so");
            let built = Command::new("cc")
                .args(["-shared", "-fPIC", "-O1", "-I"])
                .arg(String::from_utf8(headers.stdout).unwrap().trim())
                .arg("-o")
                .arg(&library)
                .arg(concat!(
                    env!("CARGO_MANIFEST_DIR"),
                    "/fixtures/engine/redirecting_engine.c"
                ))
                .status()
                .unwrap();
            assert!(built.success(), "the engine does not build");
            library
        })
        .clone()
}

/// documents.resource is a shell, its rows are in public.real_resource.
async fn with_engine(db: &Scratch) -> Session {
    db.run(
        "CREATE TABLE public.real_resource (LIKE documents.resource INCLUDING ALL);
         INSERT INTO public.real_resource SELECT * FROM documents.resource",
    )
    .await;
    let session = db.session().await;
    session.run(&format!("LOAD '{}'", engine().display())).await;
    session
        .run("SELECT set_config('redirect.from', 'documents.resource'::regclass::oid::text, false), set_config('redirect.to', 'public.real_resource'::regclass::oid::text, false)")
        .await;
    session
}

#[tokio::test]
async fn rows_that_an_engine_keeps_are_cloned_where_they_are() {
    // A shell that still has rows of its own, and one that is empty.
    for empty in [false, true] {
        let db = with_observations(30).await;
        let session = with_engine(&db).await;
        if empty {
            db.run("TRUNCATE documents.resource").await;
        }
        let failure = session.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
        assert_eq!(failure.code, "55000", "{failure:?}");
        assert!(failure.hint.contains("REPEATABLE READ"), "{failure:?}");
        session.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await;
        let clone = session.clone_project(&format!("'{PROJECT}'")).await;
        session.run("COMMIT").await;
        let count = async |session: &Session, table: &str| {
            session
                .number(&format!(
                    "SELECT count(*) FROM {table} WHERE project_id = '{clone}'"
                ))
                .await
        };
        assert_eq!(
            count(&db, "public.real_resource").await,
            33,
            "where the engine looks"
        );
        assert_eq!(
            count(&db, "documents.resource").await,
            0,
            "nothing is in the shell"
        );
        assert_eq!(count(&session, "documents.resource").await, 33);
        assert_eq!(
            session
                .number(&format!(
                    "SELECT count(*) FROM project_clone_verify('{clone}') WHERE NOT ok AND check_name <> 'files copied'"
                ))
                .await,
            0
        );
        assert_eq!(
            session
                .text(&format!(
                    "SELECT DISTINCT path FROM project_clone_plan('{PROJECT}') WHERE relation = 'documents.resource'"
                ))
                .await,
            "sql"
        );
        let deleted = session.json(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(deleted["rows"], 34, "{deleted}");
        assert_eq!(count(&db, "public.real_resource").await, 0);
    }
}

#[tokio::test]
async fn an_engine_that_has_no_say_in_a_table_changes_nothing() {
    let db = with_observations(30).await;
    let session = db.session().await;
    session.run(&format!("LOAD '{}'", engine().display())).await;
    session.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        session.list("SELECT DISTINCT path FROM clone.run_table").await,
        ["bulk"]
    );
}
