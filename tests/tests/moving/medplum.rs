//! The real Medplum project between two servers: the result equals that of `project_clone` in one database.

use std::collections::HashMap;
use std::process::Command;

use pg_clone_tests::blob_queue::said;
use pg_clone_tests::medplum_source::{self, CLONE_NAME, PROJECT};
use pg_clone_tests::scratch_database::{Scratch, cluster};
use regex::Regex;
use throwaway_cluster::Cluster;

use super::scene::{Scene, source_server};

/// The dump on a server without the extension, and a role that may only read.
async fn restored_on(server: &Cluster) -> Scratch {
    let dump = medplum_source::data().join("medplum.dump");
    let database = Scratch::new_on(server).await;
    let output = Command::new(server.installation().program("pg_restore"))
        .args(["--no-owner", "--jobs=2"])
        .arg(format!("--dbname={}", server.dsn(&database.name)))
        .arg(dump)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", said(&output));
    database
        .run(
            "DO $$ BEGIN CREATE ROLE reader LOGIN; EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$;
             GRANT USAGE ON SCHEMA public TO reader; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader; ANALYZE",
        )
        .await;
    database
}

/// Every row of a clone, sorted, with the source's ids in place of its own. What is made of ids (hashes), drawn at random (secrets) or
/// numbered by sequences is replaced by a sign.
async fn rows_without_ids(database: &Scratch, clone: &str) -> Vec<String> {
    let mut old: HashMap<String, String> = HashMap::new();
    for row in database
        .rows("SELECT old, new, old_version, new_version FROM test.map")
        .await
    {
        let [was, is, was_version, is_version] = row.try_into().unwrap();
        old.insert(is.unwrap(), was.unwrap());
        old.insert(is_version.unwrap(), was_version.unwrap());
    }
    assert!(old.len() > 10_000, "{}", old.len());
    let known: std::collections::HashSet<String> = old.values().cloned().collect();
    let uuid = Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").unwrap();
    let secret = Regex::new("[0-9a-f]{64}").unwrap();
    let number = Regex::new(": [0-9]+").unwrap();
    let mut found = Vec::new();
    for row in database
        .rows(&format!("SELECT relation, row_json FROM test.rows_of('{clone}')"))
        .await
    {
        let [relation, row] = row.try_into().unwrap();
        let (relation, row) = (relation.unwrap(), row.unwrap());
        let row = uuid.replace_all(&row, |found: &regex::Captures<'_>| {
            let id = &found[0];
            match old.get(id) {
                Some(was) => was.clone(),
                None if known.contains(id) => format!("stale {id}"),
                None => "#".to_owned(),
            }
        });
        let row = secret.replace_all(&row, "#");
        let row = if relation.starts_with("Coding") || relation.starts_with("ConceptMapping") {
            number.replace_all(&row, ": #")
        } else {
            row
        };
        found.push(format!("{relation} {row}"));
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
#[cfg_attr(not(medplum_data), ignore = "needs ../shared/data/medplum")]
async fn the_project_arrives_as_project_clone_would_have_made_it() {
    let (cloned, clone) = medplum_source::cloned().await;
    let target = medplum_source::source().await;
    let source = restored_on(source_server().await).await;
    let before = target.text(&format!("SELECT test.checksum('{PROJECT}')")).await;
    let from = source_server()
        .await
        .dsn(&source.name)
        .replace("user=postgres", "user=reader");
    let to = cluster().await.dsn(&target.name);
    let output = Scene::pg_clone(&[
        "copy",
        PROJECT,
        "--from",
        &from,
        "--to",
        &to,
        "--name",
        CLONE_NAME,
        "--no-blobs",
        "--json",
    ]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let result: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let id = result["project"]["id"].as_str().unwrap();
    target
        .run(&format!("SELECT test.pair('{PROJECT}', '{id}')"))
        .await;
    let expected = rows_without_ids(&cloned, &clone).await;
    let arrived = rows_without_ids(&target, id).await;
    assert!(expected.len() > 15_000, "{}", expected.len());
    assert_eq!(arrived.len(), expected.len());
    for (ours, theirs) in arrived.iter().zip(&expected) {
        assert_eq!(ours, theirs);
    }
    // Another tenant of the target with the same contents is as it was.
    assert_eq!(
        target.text(&format!("SELECT test.checksum('{PROJECT}')")).await,
        before
    );
    let verified = target
        .text(&format!("SELECT bool_and(ok) FROM project_clone_verify('{id}')"))
        .await;
    assert_eq!(verified, "t");
}
