//! The `pg_clone` command on a database with the extension: what it prints, its exit codes, and what Ctrl-C leaves.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first broken assumption"
)]

use std::process::{Command, Stdio};

use nix::sys::signal::Signal;
use pg_clone_tests::blob_queue::{Running, pg_clone_binary, said};
use pg_clone_tests::driver_source::{PROJECT, Source, json};
use pg_clone_tests::scratch_database::cluster;

#[tokio::test]
async fn a_clone_with_its_files_exits_with_0_and_gives_machines_one_document() {
    let source = Source::with_resources(20).await;
    let output = source.pg_clone(&["clone", PROJECT, "--name", "Copy", "--verify", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let result = json(&output);
    let clone = result["report"]["run"]["target_project"].as_str().unwrap();
    assert_eq!(result["report"]["run"]["rows"], 21);
    assert_eq!(result["files"]["done"], 1);
    assert_eq!(result["verification"]["ok"], true);

    let binary = format!(
        "SELECT id FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Binary'"
    );
    let copied = source.files.join(clone).join(source.database.text(&binary).await);
    assert_eq!(std::fs::read_to_string(copied).unwrap(), "a file");

    let runs = json(&source.pg_clone(&["runs", "--json"]));
    assert_eq!(runs["runs"][0]["target_project"], clone);
    let sampled = source.pg_clone(&["verify", clone, "--sample", "3", "--json"]);
    assert_eq!(json(&sampled)["ok"], true, "{}", said(&sampled));
    // An id in other letters is the same, also for its files.
    let checks = json(&source.pg_clone(&["verify", &clone.to_uppercase(), "--json"]))["checks"].to_string();
    assert!(checks.contains("\"check_name\":\"files\""), "{checks}");
    assert_eq!(
        source.pg_clone(&["verify", clone, "--sample", "0"]).status.code(),
        Some(2)
    );
    let shown = json(&source.pg_clone(&["show", "1", "--json"]));
    assert_eq!(shown["run"], result["report"]["run"]);
}

#[tokio::test]
async fn people_get_a_table_per_type() {
    let source = Source::with_resources(1500).await;
    let output = source.pg_clone(&["clone", PROJECT]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let notes = text
        .lines()
        .find(|line| line.trim_start().starts_with("Note"))
        .expect("a line for the type");
    assert_eq!(notes.split_whitespace().nth(1), Some("1,499"), "{text}");
    assert!(!text.contains('\u{1b}'), "no colours where nobody sees them");
}

#[tokio::test]
async fn at_most_twenty_things_to_be_done_are_listed() {
    let source = Source::with_resources(20).await;
    let output = source.pg_clone(&["clone", PROJECT]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    for (things, listed, more) in [(20, 20, false), (21, 20, true)] {
        source
            .database
            .run(&format!(
                "UPDATE clone.run SET todo = (SELECT jsonb_agg('thing ' || n ORDER BY n) FROM generate_series(1, {things}) n)"
            ))
            .await;
        let shown = source.pg_clone(&["show", "1"]);
        let text = String::from_utf8_lossy(&shown.stdout).into_owned();
        assert_eq!(text.matches("  - thing ").count(), listed, "{text}");
        assert_eq!(
            text.contains("and more: SELECT todo FROM clone.run WHERE id = 1"),
            more,
            "{text}"
        );
        let all = json(&source.pg_clone(&["show", "1", "--json"]));
        assert_eq!(all["run"]["todo"].as_array().unwrap().len(), things);
    }
}

#[tokio::test]
async fn a_dry_run_shows_the_plan_and_writes_nothing() {
    let source = Source::with_resources(20).await;
    let output = source.pg_clone(&["clone", PROJECT, "--dry-run", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    let planned: i64 = json(&output)["plan"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["rows"].as_i64().unwrap())
        .sum();
    assert_eq!(planned, 21);
    assert_eq!(
        source
            .database
            .number("SELECT count(*) FROM documents.project")
            .await,
        1
    );
    assert_eq!(source.runs().await, 0);
}

#[tokio::test]
async fn an_error_of_the_server_is_shown_with_its_sqlstate_and_without_a_trace() {
    let source = Source::with_resources(2).await;
    let output = source.pg_clone(&["clone", "00000000-0000-4000-8000-00000000dead"]);
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(
        text.contains("pg_clone: error: cannot clone the project"),
        "{text}"
    );
    assert!(text.contains("(SQLSTATE P0002)"), "{text}");
    assert!(!text.contains("stack backtrace"), "{text}");
}

#[tokio::test]
async fn a_missing_file_leaves_the_clone_committed_and_exits_with_3() {
    let source = Source::with_resources(20).await;
    std::fs::remove_dir_all(source.files.join(PROJECT)).unwrap();
    let output = source.pg_clone(&["clone", PROJECT]);
    assert_eq!(output.status.code(), Some(3), "{}", said(&output));
    assert_eq!(source.runs().await, 1);
    assert_eq!(source.pg_clone(&["blobs", "status"]).status.code(), Some(3));
}

#[tokio::test]
async fn files_may_be_left_for_later_or_out() {
    let source = Source::with_resources(20).await;
    let later = source.pg_clone(&["clone", PROJECT, "--blobs-later"]);
    assert_eq!(later.status.code(), Some(0), "{}", said(&later));
    assert_eq!(source.file_states().await, "pending");
    let without = source.pg_clone(&["clone", PROJECT, "--no-blobs"]);
    assert_eq!(without.status.code(), Some(0), "{}", said(&without));
    assert_eq!(
        source
            .database
            .number("SELECT count(*) FROM clone.blob_copy")
            .await,
        1
    );
    let worked_off = source.pg_clone(&["blobs", "run"]);
    assert_eq!(worked_off.status.code(), Some(0), "{}", said(&worked_off));
    assert_eq!(source.file_states().await, "done");
}

#[tokio::test]
async fn a_signal_cancels_the_clone_on_the_server_and_nothing_is_changed() {
    let source = Source::with_resources(20).await;
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        // The clone waits for this lock, so the signal finds it at work.
        let locker = source.database.session().await;
        locker
            .run("BEGIN; LOCK TABLE documents.resource IN ACCESS EXCLUSIVE MODE")
            .await;
        let running = Running::start(&mut source.command(&["clone", PROJECT])).unwrap();
        let waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
                       AND application_name = 'pg_clone' AND query LIKE '%project_clone(%' AND wait_event_type = 'Lock')";
        source.database.wait_until(waiting).await;
        running.signal(signal).unwrap();
        let output = running.finish().unwrap();
        locker.run("ROLLBACK").await;
        assert_eq!(output.status.code(), Some(130), "{}", said(&output));
        assert!(said(&output).contains("nothing was changed"), "{}", said(&output));
        let gone = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() \
                    AND application_name = 'pg_clone')";
        source.database.wait_until(gone).await;
        assert_eq!(source.runs().await, 0);
        assert_eq!(
            source
                .database
                .number("SELECT count(*) FROM documents.resource")
                .await,
            20
        );
    }
}

#[tokio::test]
async fn verify_exits_with_1_when_something_is_missing() {
    let source = Source::with_resources(20).await;
    let result = json(&source.pg_clone(&["clone", PROJECT, "--json"]));
    let clone = result["report"]["run"]["target_project"]
        .as_str()
        .unwrap()
        .to_owned();
    let good = source.pg_clone(&["verify", &clone]);
    assert_eq!(good.status.code(), Some(0), "{}", said(&good));

    std::fs::remove_dir_all(source.files.join(&clone)).unwrap();
    let without_file = source.pg_clone(&["verify", &clone]);
    assert_eq!(without_file.status.code(), Some(1), "{}", said(&without_file));
    assert_eq!(
        source.pg_clone(&["verify", &clone, "--no-blobs"]).status.code(),
        Some(0)
    );

    source
        .database
        .run(&format!(
            "DELETE FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Note'"
        ))
        .await;
    let without_rows = source.pg_clone(&["verify", &clone, "--no-blobs"]);
    assert_eq!(without_rows.status.code(), Some(1), "{}", said(&without_rows));
}

#[tokio::test]
async fn a_reader_that_goes_away_does_not_stop_a_clone() {
    let source = Source::with_resources(20).await;
    let mut child = source
        .command(&["clone", PROJECT])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));
    assert_eq!(source.file_states().await, "done");
}

#[tokio::test]
async fn a_database_without_the_extension_is_told_what_to_do() {
    let output = Command::new(pg_clone_binary())
        .args(["runs", "--dsn", &cluster().await.dsn("postgres")])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(
        said(&output).contains("CREATE EXTENSION pg_clone_ext"),
        "{}",
        said(&output)
    );
}

#[tokio::test]
async fn stores_are_created_listed_and_dropped() {
    let source = Source::with_resources(1).await;
    let created = source.pg_clone(&["store", "create", "own", "custom", "-o", "blobs=file:/srv/files"]);
    assert_eq!(created.status.code(), Some(0), "{}", said(&created));
    let stores = json(&source.pg_clone(&["store", "list", "--json"]));
    let names: Vec<&str> = stores["stores"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["documents", "own"]);
    assert_eq!(
        source.pg_clone(&["store", "drop", "own", "--yes"]).status.code(),
        Some(0)
    );
    let again = source.pg_clone(&["store", "drop", "own", "--yes"]);
    assert_eq!(again.status.code(), Some(1));
    assert!(
        said(&again).contains("(SQLSTATE 22023)") && said(&again).contains("documents"),
        "{}",
        said(&again)
    );
}

#[tokio::test]
async fn a_job_is_queued_and_a_worker_clones_it_with_its_files() {
    let source = Source::with_resources(20).await;
    let queued = source.pg_clone(&["clone", PROJECT, "--background", "--json"]);
    assert_eq!(queued.status.code(), Some(0), "{}", said(&queued));
    assert_eq!(source.runs().await, 0);
    let listed = json(&source.pg_clone(&["jobs", "--json"]));
    assert_eq!(listed["jobs"][0]["state"], "queued", "{listed}");

    let worked = source.pg_clone(&["worker", "--json"]);
    assert_eq!(worked.status.code(), Some(0), "{}", said(&worked));
    assert_eq!(json(&worked)["jobs"][0], json(&queued)["job"]);
    assert_eq!(
        json(&source.pg_clone(&["jobs", "--json"]))["jobs"][0]["state"],
        "done"
    );
    assert_eq!(source.runs().await, 1);
    assert_eq!(source.file_states().await, "done");
}

#[tokio::test]
async fn a_worker_needs_what_allow_worker_grants_and_nothing_else() {
    let source = Source::with_resources(20).await;
    source
        .database
        .run(
            "DROP ROLE IF EXISTS only_worker; CREATE ROLE only_worker LOGIN;
             SELECT clone.allow_worker('only_worker')",
        )
        .await;
    source.pg_clone(&["clone", PROJECT, "--background"]);
    let dsn = format!("{} user=only_worker", source.dsn);
    let worked = Command::new(pg_clone_binary())
        .args(["--dsn", &dsn, "worker", "--json"])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert_eq!(worked.status.code(), Some(0), "{}", said(&worked));
    assert_eq!(json(&worked)["jobs"][0], 1);
    assert_eq!(
        source
            .database
            .text("SELECT state || (SELECT string_agg(state, ',') FROM clone.blob_copy) FROM clone.job")
            .await,
        "donedone"
    );
    source.database.run("DROP OWNED BY only_worker").await;
}

#[tokio::test]
async fn a_watching_worker_survives_the_end_of_its_session() {
    let source = Source::with_resources(20).await;
    source
        .database
        .run(
            "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                 PERFORM pg_terminate_backend(pg_backend_pid()); PERFORM pg_sleep(10); RETURN NEW; END $$;
             CREATE TRIGGER poison BEFORE INSERT ON documents.project FOR EACH ROW WHEN (NEW.name = 'Poison') EXECUTE FUNCTION poison()",
        )
        .await;
    source.pg_clone(&["clone", PROJECT, "--background", "--name", "Poison"]);
    source.pg_clone(&["clone", PROJECT, "--background", "--name", "Good"]);
    let mut worker = source
        .command(&["worker", "--watch", "--interval", "1"])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    source
        .database
        .wait_until("SELECT state = 'done' FROM clone.job WHERE id = 2")
        .await;
    nix::sys::signal::kill(
        nix::unistd::Pid::from_raw(i32::try_from(worker.id()).unwrap()),
        Signal::SIGTERM,
    )
    .unwrap();
    worker.wait().unwrap();
    assert!(
        source
            .database
            .number("SELECT max(number) FROM clone.job_attempt WHERE job_id = 1")
            .await
            >= 1
    );
}

#[tokio::test]
async fn a_job_that_waits_can_be_cancelled() {
    let source = Source::with_resources(20).await;
    source.pg_clone(&["clone", PROJECT, "--background"]);
    let cancelled = source.pg_clone(&["jobs", "--cancel", "1"]);
    assert_eq!(cancelled.status.code(), Some(0), "{}", said(&cancelled));
    source.pg_clone(&["worker"]);
    assert_eq!(source.runs().await, 0);
    let unknown = source.pg_clone(&["jobs", "--cancel", "99"]);
    assert_eq!(unknown.status.code(), Some(1));
}

#[tokio::test]
async fn a_clone_is_deleted_with_its_files_and_a_source_only_by_force() {
    let source = Source::with_resources(20).await;
    let clone = json(&source.pg_clone(&["clone", PROJECT, "--json"]));
    let clone = clone["report"]["run"]["target_project"]
        .as_str()
        .unwrap()
        .to_owned();
    let dry = source.pg_clone(&["delete", &clone, "--dry-run"]);
    assert_eq!(dry.status.code(), Some(0), "{}", said(&dry));
    assert_eq!(
        source
            .database
            .number("SELECT count(*) FROM documents.resource")
            .await,
        40
    );

    let deleted = source.pg_clone(&["delete", &clone, "--yes"]);
    assert_eq!(deleted.status.code(), Some(0), "{}", said(&deleted));
    assert_eq!(
        source
            .database
            .number("SELECT count(*) FROM documents.resource")
            .await,
        20
    );
    let left = std::fs::read_dir(source.files.join(&clone))
        .map(Iterator::count)
        .unwrap_or(0);
    assert_eq!(left, 0, "its files are still there");

    let refused = source.pg_clone(&["delete", PROJECT, "--yes"]);
    assert_eq!(refused.status.code(), Some(1), "{}", said(&refused));
    assert_eq!(
        source
            .database
            .number("SELECT count(*) FROM documents.resource")
            .await,
        20
    );
}

#[tokio::test]
async fn what_is_not_there_or_not_allowed_is_said_with_what_to_do() {
    let source = Source::with_resources(2).await;
    let output = source.pg_clone(&["runs", "--store", "documens"]);
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("there is no store \"documens\"") && said(&output).contains("documents"),
        "{}",
        said(&output)
    );
    let output = source.pg_clone(&["clone", PROJECT, "-o", "dangling=null"]);
    assert_eq!(output.status.code(), Some(0), "{}", said(&output));

    let role = format!("plain_{}", source.database.name);
    source.database.run(&format!("CREATE ROLE {role} LOGIN")).await;
    let dsn = format!("{} user={role}", source.dsn);
    let output = Command::new(pg_clone_binary())
        .args(["--dsn", &dsn, "clone", PROJECT])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", said(&output));
    assert!(
        said(&output).contains("SELECT clone.allow('<role>')"),
        "{}",
        said(&output)
    );
    source.database.run(&format!("DROP ROLE {role}")).await;
}
