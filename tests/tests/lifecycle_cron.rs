//! pg_cron for real: a scheduled refresh runs, is seen in its log, fails visibly when the source is gone, and catches up.
//! pg_cron looks at its schedule once a minute, so this takes two to three minutes.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first broken assumption, in its helpers too"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use pg_clone_tests::scratch_database::Session;
use throwaway_cluster::{Cluster, ClusterConfig};

/// The first tick may be a minute away, and a job's connection takes a moment.
const TWO_TICKS: Duration = Duration::from_secs(150);

const SOURCE: &str = "11111111-0000-4000-8000-000000000001";
const GONE: &str = "11111111-0000-4000-8000-000000000002";

async fn wait_until(session: &Session, condition: &str) {
    let deadline = Instant::now() + TWO_TICKS;
    while session.text(condition).await != "t" {
        if Instant::now() > deadline {
            let log = session
                .rows("SELECT jobid, status, return_message, start_time FROM cron.job_run_details")
                .await;
            panic!("never: {condition}\n{log:#?}");
        }
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
}

#[tokio::test]
#[cfg_attr(not(pg_cron), ignore = "needs pg_cron")]
async fn scheduled_clones_run_fail_visibly_and_catch_up() {
    // Background workers need no connection over TCP.
    let cluster = Cluster::start(
        ClusterConfig::default()
            .preload("pg_cron")
            .setting("cron.use_background_workers", "on"),
    )
    .unwrap();
    let db = Session::open(&cluster.connection("postgres")).await;
    db.run("CREATE EXTENSION pg_cron; CREATE EXTENSION pg_clone_ext; SELECT clone.store_create('documents', 'documents')").await;
    db.run(&format!(
        "INSERT INTO documents.project (id, name) VALUES ('{SOURCE}', 'Source'), ('{GONE}', 'Gone');
         INSERT INTO documents.resource (project_id, resource_type, content) SELECT '{SOURCE}', 'Patient', '{{}}' FROM generate_series(1, 50)"
    ))
    .await;
    let staging = db.clone_project(&format!("'{SOURCE}', 'Staging'")).await;
    let template = db.clone_project(&format!("'{GONE}', 'Template'")).await;
    let trial = db
        .clone_project(&format!(
            "'{SOURCE}', 'Trial', options => '{{\"expires_in\": \"1 second\"}}'"
        ))
        .await;
    // The commands of the example, with its times replaced by every minute.
    let example = include_str!("../../sql/examples/pg_cron.sql");
    for line in example
        .lines()
        .filter(|line| line.starts_with("SELECT cron.schedule("))
    {
        assert!(line.contains("* *"), "no schedule in {line}");
    }
    let output = std::process::Command::new(cluster.installation().program("psql"))
        .args(["-X", "--username=postgres", "--dbname=postgres", "--host"])
        .arg(cluster.directory())
        .arg(format!("--port={}", cluster.port()))
        .args([
            "-v",
            &format!("source={SOURCE}"),
            "-v",
            &format!("staging={staging}"),
            "-v",
        ])
        .arg(format!("template={template}"))
        .arg("--file")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../sql/examples/pg_cron.sql"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(db.number("SELECT count(*) FROM cron.job").await, 5);
    // The template's source goes; its refresh is to fail until the source is back.
    db.run(&format!("DELETE FROM documents.project WHERE id = '{GONE}'"))
        .await;
    db.run(&format!(
        "SELECT cron.alter_job(jobid, schedule => '* * * * *') FROM cron.job;
         SELECT cron.alter_job(jobid, command => format('SELECT project_clone(%L, options => %L)', '{GONE}', jsonb_build_object('replace', '{template}')))
         FROM cron.job WHERE jobname = 'weekly template';
         SELECT project_clone_start('{SOURCE}', 'By a job')"
    ))
    .await;
    let ended = "SELECT EXISTS (SELECT FROM cron.job_run_details d JOIN cron.job j USING (jobid) WHERE j.jobname = '{}' AND d.status = '{}')";
    let status = |name: &str, status: &str| ended.replacen("{}", name, 1).replacen("{}", status, 1);
    for name in [
        "nightly staging",
        "clone jobs",
        "expired clones",
        "staging overdue",
    ] {
        wait_until(&db, &status(name, "succeeded")).await;
    }
    wait_until(&db, &status("weekly template", "failed")).await;
    let said = "SELECT d.return_message FROM cron.job_run_details d JOIN cron.job j USING (jobid)
                WHERE j.jobname = 'weekly template' AND d.status = 'failed' LIMIT 1";
    assert!(db.text(said).await.contains("does not exist"));
    assert_eq!(
        db.text(&format!(
            "SELECT name FROM documents.project WHERE id = '{template}'"
        ))
        .await,
        "Template"
    );
    let runs = format!("SELECT count(*) > 1 FROM clone.run WHERE target_project = '{staging}'");
    assert_eq!(db.text(&runs).await, "t");
    assert_eq!(
        db.number(&format!(
            "SELECT count(*) FROM documents.resource WHERE project_id = '{trial}'"
        ))
        .await,
        0
    );
    assert_eq!(db.text("SELECT state FROM clone.job").await, "done");
    // The source is back, and staging's last refresh was long ago.
    db.run(&format!(
        "INSERT INTO documents.project (id, name) VALUES ('{GONE}', 'Back');
         SELECT cron.unschedule('nightly staging');
         UPDATE clone.run SET finished_at = now() - interval '2 days' WHERE target_project = '{staging}' AND deleted_at IS NULL"
    ))
    .await;
    wait_until(&db, &status("weekly template", "succeeded")).await;
    assert_eq!(
        db.text(&format!(
            "SELECT name FROM documents.project WHERE id = '{template}'"
        ))
        .await,
        "Back"
    );
    wait_until(
        &db,
        &format!("SELECT EXISTS (SELECT FROM clone.job WHERE replaces = '{staging}' AND state = 'done')"),
    )
    .await;
    db.run("SELECT cron.unschedule(jobid) FROM cron.job").await;
}
