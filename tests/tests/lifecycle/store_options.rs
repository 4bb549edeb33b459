//! Options of a store can be changed; a store with queued work cannot be dropped.

use crate::clinic;
use pg_clone_tests::scratch_database::Scratch;

#[tokio::test]
async fn options_are_set_and_removed_and_queued_files_stay() {
    let db = clinic::database().await;
    clinic::clone(&db, "'{}'").await;
    let options = db
        .json("SELECT clone.store_alter('documents', '{\"blobs\": \"file:/srv/a\", \"cache_key\": \"{type}/{id}\"}')")
        .await;
    assert_eq!(options["blobs"], "file:/srv/a");
    let options = db
        .json("SELECT clone.store_alter('documents', '{\"blobs\": \"file:/srv/b\", \"cache_key\": null}')")
        .await;
    assert_eq!(options, serde_json::json!({"blobs": "file:/srv/b"}));
    assert_eq!(db.json("SELECT options FROM clone.store").await, options);
    assert_eq!(
        db.number("SELECT count(*) FROM clone.blob_copy WHERE state = 'pending'")
            .await,
        3
    );
    assert_eq!(
        db.number("SELECT count(*) FROM clone.store_rule WHERE todo IS NOT NULL")
            .await,
        1
    );
}

#[tokio::test]
async fn options_that_make_no_sense_are_refused() {
    let db = clinic::database().await;
    for (call, said) in [
        ("SELECT clone.store_alter('nowhere', '{}')", "no store"),
        ("SELECT clone.store_alter('documents', '[]')", "JSON object"),
        ("SELECT clone.store_alter('documents', NULL)", "JSON object"),
        (
            "SELECT clone.store_alter('documents', '{\"schema\": \"other\"}')",
            "schema",
        ),
        ("SELECT clone.store_alter('documents', '{\"blobs\": 5}')", "blobs"),
        (
            "SELECT clone.store_alter('documents', '{\"cache\": \"redis://:secret@cache:6379\"}')",
            "password",
        ),
        (
            "SELECT clone.store_create('other', 'custom', '{\"cache\": \"redis://app:secret@cache:6379\"}')",
            "password",
        ),
        (
            "SELECT clone.store_import(clone.store_export('documents') || '{\"options\": {\"blobs\": \"s3://app:secret@bucket\"}}')",
            "password",
        ),
    ] {
        let refused = db.fails(call).await;
        assert_eq!(refused.code, "22023", "{call}");
        assert!(!refused.message.contains("secret"), "{refused:?}");
        assert!(
            refused.message.contains(said) && !refused.hint.is_empty(),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_store_with_files_that_wait_is_dropped_by_force_only() {
    let db = clinic::database().await;
    clinic::clone(&db, "'{}'").await;
    let refused = db.fails("SELECT clone.store_drop('documents')").await;
    assert_eq!(refused.code, "55000");
    assert!(refused.message.contains("3 files to copy"), "{refused:?}");
    assert!(refused.hint.contains("force"), "{refused:?}");
    assert_eq!(db.number("SELECT count(*) FROM clone.store").await, 1);
    db.run("SELECT clone.store_drop('documents', force => true)")
        .await;
    assert_eq!(db.number("SELECT count(*) FROM clone.store").await, 0);
}

/// A store is not dropped below a clone that is being made: its files would have no store.
#[tokio::test]
async fn a_store_is_dropped_after_the_clones_that_are_being_made() {
    let db = clinic::database().await;
    let other = db.session().await;
    other.run("BEGIN").await;
    other
        .clone_project(&format!("'{}', 'Staging'", clinic::CLINIC))
        .await;
    let waiting = db.session().await;
    let (failure, ()) = tokio::join!(waiting.fails("SELECT clone.store_drop('documents')"), async {
        db.wait_until("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')")
            .await;
        // Options can be changed meanwhile.
        db.run("SELECT clone.store_alter('documents', '{\"cache_key\": \"{type}/{id}\"}')")
            .await;
        other.run("COMMIT").await;
    });
    assert!(
        failure.code == "55000" && failure.message.contains("3 files to copy"),
        "{failure:?}"
    );
}

/// Two sessions that describe one store at a time see what the other has declared.
#[tokio::test(flavor = "multi_thread")]
async fn sessions_that_describe_a_store_come_one_after_the_other() {
    let db = Scratch::with_extension().await;
    db.run("CREATE TABLE org (id int PRIMARY KEY); CREATE TABLE firm (id int PRIMARY KEY); CREATE TABLE doc (id int PRIMARY KEY, org_id int REFERENCES org, up int);
            CREATE ROLE describer_reader; SELECT clone.store_create('s', 'custom'); SELECT clone.store_table('s', 'doc', 'resource', project_column => 'org_id')")
        .await;
    for (first, second, code, says) in [
        (
            "SELECT clone.store_table('s', 'org', 'project')",
            "SELECT clone.store_table('s', 'firm', 'project')",
            "22023",
            "store \"s\" has a project table already",
        ),
        (
            "SELECT clone.store_reference('s', 'doc', 'up', 'doc')",
            "SELECT clone.store_reference('s', 'doc', 'up', 'doc')",
            "",
            "",
        ),
        (
            "SELECT clone.store_create('t', 'custom')",
            "SELECT clone.store_create('t', 'custom')",
            "22023",
            "store \"t\" already exists",
        ),
        (
            "SELECT clone.allow('describer_reader')",
            "SELECT clone.allow('describer_reader')",
            "",
            "",
        ),
    ] {
        db.run("BEGIN").await;
        db.run(first).await;
        let other = db.session().await;
        let waiting = tokio::spawn(async move {
            match code {
                "" => {
                    other.run(second).await;
                    None
                }
                _ => Some(other.fails(second).await),
            }
        });
        tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        assert!(!waiting.is_finished(), "{second} does not wait");
        db.run("COMMIT").await;
        let failure = waiting.await.unwrap();
        assert_eq!(failure.is_some(), !code.is_empty());
        if let Some(failure) = failure {
            assert!(
                failure.code == code && failure.message.contains(says),
                "{second}: {failure:?}"
            );
        }
    }
    db.run("DROP OWNED BY describer_reader; DROP ROLE describer_reader")
        .await;
}
