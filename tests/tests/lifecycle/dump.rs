//! A dump keeps stores, runs, jobs and the queue of files.

use pg_clone_tests::psql::client_program;
use pg_clone_tests::scratch_database::{Scratch, cluster};

use crate::clinic::{self, CLINIC};
use crate::state;

async fn dump_and_restore(db: &Scratch) -> Scratch {
    let cluster = cluster().await;
    let file = std::env::temp_dir().join(format!("lifecycle-{}-{}.dump", std::process::id(), db.name));
    let restored = format!("{}_restored", db.name);
    db.run(&format!("CREATE DATABASE {restored} TEMPLATE template0"))
        .await;
    let path = file.to_str().unwrap();
    client_program(cluster, "pg_dump", &["--format=custom", "--file", path, &db.name]);
    client_program(
        cluster,
        "pg_restore",
        &["--exit-on-error", "--dbname", &restored, path],
    );
    std::fs::remove_file(file).unwrap();
    Scratch::of(&restored).await
}

#[tokio::test]
async fn a_restored_database_goes_on_where_the_dumped_one_was() {
    let db = clinic::database().await;
    db.run(
        "CREATE FUNCTION my_preset(store text, options jsonb) RETURNS void LANGUAGE sql AS 'SELECT';
         INSERT INTO clone.preset VALUES ('mine', 'my_preset(text, jsonb)', 'my own')",
    )
    .await;
    let staging = clinic::clone(&db, "'{\"expires_in\": \"1 day\"}'").await;
    db.run(&format!(
        "SELECT project_clone_start('{CLINIC}', 'Job', options => '{{\"replace\": \"{staging}\"}}')"
    ))
    .await;
    let before = state::of(&db, "clone,documents").await;
    let restored = dump_and_restore(&db).await;
    assert_eq!(
        state::differences(&before, &state::of(&restored, "clone,documents").await),
        [""; 0]
    );
    // Tables are known by name, sequences go on, the job that waited is done, the old clone's ids are known.
    assert_eq!(restored.text("SELECT clone.run_next_job()").await, "1");
    assert_eq!(restored.text("SELECT state FROM clone.job").await, "done");
    assert_eq!(
        restored.list("SELECT id FROM clone.run ORDER BY id").await,
        ["1", "2"]
    );
    assert_eq!(
        restored.text("SELECT result->>'id' FROM clone.job").await,
        staging
    );
    assert_eq!(
        restored
            .list("SELECT name FROM clone.preset WHERE name IN ('mine', 'documents') ORDER BY 1")
            .await,
        ["documents", "mine"]
    );
    restored.run(&format!("SELECT project_delete('{staging}')")).await;
    assert_eq!(
        restored
            .number(&format!(
                "SELECT count(*) FROM documents.resource WHERE project_id = '{staging}'"
            ))
            .await,
        0
    );
}
