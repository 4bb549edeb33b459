//! Index entries of the bulk path, which are inserted index by index: each kind of index finds all rows.

use pg_clone_tests::sample_documents::{PROJECT, with_observations};
use pg_clone_tests::scratch_database::Scratch;

/// Indexes of every kind, and of each a query that it can answer; `%` is the project.
const QUERIES: [(&str, &str); 11] = [
    (
        "CREATE INDEX ON documents.resource ((content->>'value'))",
        "content->>'value' > '5' AND project_id = '%'",
    ),
    (
        "CREATE INDEX ON documents.resource (project_id, (content->>'value')) WHERE resource_type = 'Observation'",
        "project_id = '%' AND content->>'value' > '5' AND resource_type = 'Observation'",
    ),
    (
        "CREATE INDEX ON documents.resource USING hash (resource_type)",
        "resource_type = 'Observation' AND project_id = '%'",
    ),
    (
        "CREATE INDEX ON documents.resource USING brin (project_id)",
        "project_id = '%'",
    ),
    (
        "CREATE INDEX ON documents.resource USING spgist (resource_type)",
        "resource_type ^@ 'Obs' AND project_id = '%'",
    ),
    (
        "CREATE INDEX ON documents.resource USING gist (to_tsvector('simple', content->>'words'))",
        "to_tsvector('simple', content->>'words') @@ 'seven' AND project_id = '%'",
    ),
    (
        "CREATE INDEX ON documents.resource USING gin (content jsonb_path_ops)",
        "content @> '{\"meta\": {\"project\": \"%\"}}'",
    ),
    (
        "CREATE INDEX ON documents.resource USING gin (content) WITH (fastupdate = off)",
        "content ? 'value' AND content @> '{\"meta\": {\"project\": \"%\"}}'",
    ),
    (
        "CREATE INDEX ON documents.resource USING gin (to_tsvector('simple', content->>'words'), tags)",
        "to_tsvector('simple', content->>'words') @@ 'seven' AND tags @> '{odd}' AND project_id = '%'",
    ),
    (
        "CREATE INDEX ON documents.resource USING gin (tags) WHERE resource_type = 'Observation'",
        "tags @> '{odd}' AND resource_type = 'Observation' AND project_id = '%'",
    ),
    (
        "CREATE INDEX ON documents.resource USING gin ((content->>'words') gin_trgm_ops)",
        "content->>'words' LIKE '%seve%' AND project_id = '%'",
    ),
];

/// A project of 700 observations whose rows also have words and tags, NULLs among them.
async fn with_words() -> Scratch {
    let db = with_observations(700).await;
    db.run(
        r#"CREATE EXTENSION pg_trgm;
           CREATE EXTENSION amcheck;
           ALTER TABLE documents.resource ADD COLUMN tags text[], ADD COLUMN number int;
           UPDATE documents.resource SET number = (content->>'value')::int,
               tags = CASE (content->>'value')::int % 3 WHEN 0 THEN NULL WHEN 1 THEN '{odd,one}'::text[] ELSE '{}' END,
               content = content || jsonb_build_object('words', CASE (content->>'value')::int % 5 WHEN 0 THEN NULL ELSE
                   'seven words of ' || repeat(md5(content->>'value') || ' ', (content->>'value')::int % 40) END);
           SELECT clone.store_refresh('documents')"#,
    )
    .await;
    db
}

#[tokio::test]
async fn every_kind_of_index_finds_the_rows_of_both_paths() {
    let db = with_words().await;
    for (index, _) in QUERIES {
        db.run(index).await;
    }
    for (bulk, path) in [("on", "bulk"), ("off", "sql")] {
        db.run(&format!("SET pg_clone.bulk = {bulk}")).await;
        let clone = db.clone_project(&format!("'{PROJECT}'")).await;
        let taken =
            "SELECT DISTINCT path FROM clone.run_table WHERE run_id = (SELECT max(id) FROM clone.run)";
        assert_eq!(db.list(taken).await, [path]);
        for (index, query) in QUERIES {
            let found = |project: &str| {
                format!(
                    "SELECT count(*) FROM documents.resource WHERE {}",
                    condition(query, project)
                )
            };
            db.run("SET enable_seqscan = off; SET enable_indexscan = on; SET enable_bitmapscan = on")
                .await;
            let by_index = db.number(&found(&clone)).await;
            db.run("SET enable_seqscan = on; SET enable_indexscan = off; SET enable_bitmapscan = off")
                .await;
            let by_scan = db.number(&found(&clone)).await;
            assert!(by_scan > 0, "{index}: the query finds nothing");
            assert_eq!(by_index, by_scan, "{path}: {index}");
            assert_eq!(by_scan, db.number(&found(PROJECT)).await, "{path}: {index}");
        }
        db.run("RESET enable_seqscan; RESET enable_indexscan; RESET enable_bitmapscan")
            .await;
        let btrees = "SELECT count(bt_index_check(c.oid, true)) FROM pg_class c JOIN pg_am a ON a.oid = c.relam
             JOIN pg_index i ON i.indexrelid = c.oid WHERE a.amname = 'btree' AND i.indrelid = 'documents.resource'::regclass";
        assert!(db.number(btrees).await >= 3);
    }
    // What waits in the pending lists becomes part of the indexes.
    db.run("VACUUM documents.resource").await;
    db.run("SET enable_seqscan = off").await;
    let both =
        "SELECT count(*) FROM documents.resource WHERE tags @> '{odd}' AND resource_type = 'Observation'";
    assert_eq!(db.number(both).await, 3 * 234);
}

/// The query's condition for a project; a percent sign within quotes is LIKE's.
fn condition(query: &str, project: &str) -> String {
    query
        .replace("'%'", &format!("'{project}'"))
        .replace("\"%\"", &format!("\"{project}\""))
}

#[tokio::test]
async fn an_index_over_one_page_of_a_rows_words_holds_them_all() {
    let db = with_words().await;
    // One row fills more than a page of the pending list, others share one.
    db.run(&format!(
        "UPDATE documents.resource SET content = content || jsonb_build_object('words', (SELECT string_agg(md5(i::text), ' ') FROM generate_series(1, 3000) i))
         WHERE project_id = '{PROJECT}' AND number IN (1, 350, 351, 700);
         CREATE INDEX words ON documents.resource USING gin (to_tsvector('simple', content->>'words'))"
    ))
    .await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    db.run("SET enable_seqscan = off").await;
    for word in [1, 1500, 3000] {
        let found = format!(
            "SELECT count(*) FROM documents.resource WHERE to_tsvector('simple', content->>'words') @@ md5('{word}')::tsquery AND project_id = '{clone}' AND number IN (1, 350, 351, 700)"
        );
        assert_eq!(db.number(&found).await, 4, "word {word}");
    }
}

#[tokio::test]
async fn a_key_that_is_taken_is_the_servers_error_and_nothing_stays() {
    let db = with_words().await;
    // Unique in the whole table, so that the clone's last rows collide after hundreds that did not.
    db.run("CREATE UNIQUE INDEX taken ON documents.resource ((content->>'value')) WHERE number > 690")
        .await;
    let before = "SELECT count(*) FROM documents.resource";
    assert_eq!(db.number(before).await, 703);
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "23505", "{failure:?}");
    assert_eq!(db.number(before).await, 703);
    assert_eq!(db.number("SELECT count(*) FROM clone.run").await, 0);
}

#[tokio::test]
async fn exclusion_and_deferrable_constraints_are_checked_as_the_server_does_it() {
    let db = with_words().await;
    db.run(
        "ALTER TABLE documents.resource ADD CONSTRAINT later UNIQUE (project_id, number) DEFERRABLE INITIALLY DEFERRED,
             ADD CONSTRAINT once EXCLUDE USING btree (number WITH =, project_id WITH =)",
    )
    .await;
    let clone = db.clone_project(&format!("'{PROJECT}'")).await;
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM documents.resource WHERE project_id = '{clone}'"
        ))
        .await,
        703
    );
    assert_eq!(
        db.list("SELECT DISTINCT path FROM clone.run_table WHERE relation = 'documents.resource'")
            .await,
        ["bulk"]
    );
    // Without the project in it, the constraint forbids every clone.
    db.run(&format!(
        "DELETE FROM documents.resource WHERE project_id = '{clone}';
         ALTER TABLE documents.resource DROP CONSTRAINT once, DROP CONSTRAINT later, ADD CONSTRAINT once EXCLUDE USING btree (number WITH =)"
    ))
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "23P01", "{failure:?}");
    assert_eq!(db.number("SELECT count(*) FROM documents.resource").await, 703);
}
