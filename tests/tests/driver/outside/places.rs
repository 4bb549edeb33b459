//! Where the files of a clone went is recorded with it, and a worker goes only where it may.

use std::fs;
use std::path::{Path, PathBuf};

use pg_clone_tests::blob_queue::said;
use pg_clone_tests::driver_source::{PROJECT, Source, json};

/// Files below a directory.
fn files(directory: &Path) -> usize {
    let entries = fs::read_dir(directory).into_iter().flatten().map(Result::unwrap);
    entries
        .map(|entry| {
            if entry.file_type().unwrap().is_dir() {
                files(&entry.path())
            } else {
                1
            }
        })
        .sum()
}

/// Another directory for files, beside those of the source.
fn staging(source: &Source) -> (PathBuf, String) {
    let directory = source.files.with_extension("staging");
    let _ = fs::remove_dir_all(&directory);
    fs::create_dir(&directory).unwrap();
    let location = format!("file:{}", directory.display());
    (directory, location)
}

fn project(output: &std::process::Output) -> String {
    json(output)["report"]["run"]["target_project"]
        .as_str()
        .unwrap_or_else(|| panic!("{}", said(output)))
        .to_owned()
}

#[tokio::test]
async fn verify_clone_and_delete_find_the_files_where_the_clone_put_them() {
    let source = Source::with_resources(5).await;
    let (directory, location) = staging(&source);
    let cloned = source.pg_clone(&["clone", PROJECT, "--json", "--blobs-to", &location]);
    assert_eq!(cloned.status.code(), Some(0), "{}", said(&cloned));
    let clone = project(&cloned);
    assert_eq!(files(&directory), 1);

    let verified = source.pg_clone(&["verify", &clone]);
    assert_eq!(verified.status.code(), Some(0), "{}", said(&verified));
    // A clone of the clone takes its files from there, and keeps its own where the store has them.
    let second = source.pg_clone(&["clone", &clone, "--json", "--verify"]);
    assert_eq!(second.status.code(), Some(0), "{}", said(&second));
    assert_eq!((files(&directory), files(&source.files)), (1, 2));

    let deleted = source.pg_clone(&["delete", &clone, "--yes"]);
    assert_eq!(deleted.status.code(), Some(0), "{}", said(&deleted));
    assert_eq!((files(&directory), files(&source.files)), (0, 2));
    fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn what_a_worker_is_told_is_recorded_and_a_delete_does_not_go_elsewhere() {
    let source = Source::with_resources(5).await;
    let (directory, location) = staging(&source);
    let cloned = source.pg_clone(&["clone", PROJECT, "--json", "--blobs-later"]);
    let clone = project(&cloned);
    let copied = source.pg_clone(&["blobs", "run", "--blobs-to", &location]);
    assert_eq!(copied.status.code(), Some(0), "{}", said(&copied));
    assert_eq!(files(&directory), 1);

    source.pg_clone(&["delete", &clone, "--yes", "--blobs-later"]);
    let nowhere = source.pg_clone(&["blobs", "run", "--blobs-to", "file:/nonexistent"]);
    assert_eq!(nowhere.status.code(), Some(0), "{}", said(&nowhere));
    assert_eq!(files(&directory), 0, "deleted where the file was");
    fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn files_that_are_copied_later_go_where_the_clone_said() {
    let source = Source::with_resources(5).await;
    let (directory, location) = staging(&source);
    let cloned = source.pg_clone(&["clone", PROJECT, "--blobs-later", "--blobs-to", &location]);
    assert_eq!(cloned.status.code(), Some(0), "{}", said(&cloned));
    let copied = source.pg_clone(&["blobs", "run"]);
    assert_eq!(copied.status.code(), Some(0), "{}", said(&copied));
    assert_eq!((files(&directory), files(&source.files)), (1, 1));
    fs::remove_dir_all(&directory).unwrap();
}

#[tokio::test]
async fn who_may_not_work_the_queue_may_not_say_where_files_go() {
    let source = Source::with_resources(5).await;
    let role = format!("placer_{}", source.database.name);
    source
        .database
        .run(&format!(
            "CREATE ROLE {role} LOGIN; SELECT clone.allow('{role}'); GRANT USAGE ON SCHEMA documents TO {role}; \
             GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA documents TO {role}"
        ))
        .await;
    let session = source.database.session_as(&role).await;
    let refused = session
        .fails(&format!(
            "SELECT project_clone('{PROJECT}', options => '{{\"blobs_to\": \"file:/etc\"}}')"
        ))
        .await;
    assert_eq!(refused.code, "42501", "{refused:?}");
    session.run(&format!("SELECT project_clone('{PROJECT}')")).await;
}

#[tokio::test]
async fn a_worker_goes_only_where_its_own_configuration_allows() {
    let source = Source::with_resources(5).await;
    source.pg_clone(&["clone", PROJECT, "--blobs-later"]);
    let elsewhere = source.pg_clone(&["blobs", "run", "--allow-location", "file:/srv/other"]);
    assert_eq!(elsewhere.status.code(), Some(3), "{}", said(&elsewhere));
    assert!(
        said(&elsewhere).contains("--allow-location"),
        "{}",
        said(&elsewhere)
    );

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = format!("s3://bucket?endpoint=http://{}", listener.local_addr().unwrap());
    source
        .database
        .run(&format!(
            "UPDATE clone.store SET options = options || jsonb_build_object('blobs', '{endpoint}')"
        ))
        .await;
    let mut worker = source.command(&["blobs", "run"]);
    worker
        .env("AWS_ACCESS_KEY_ID", "x")
        .env("AWS_SECRET_ACCESS_KEY", "y");
    let asked = worker.output().unwrap();
    assert_eq!(asked.status.code(), Some(3), "{}", said(&asked));
    assert!(
        said(&asked).contains("names an endpoint or a profile"),
        "{}",
        said(&asked)
    );
    assert!(
        listener.accept().is_err(),
        "credentials went to a host of the database's choice"
    );
}
