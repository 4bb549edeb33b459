//! The scripts in sql/examples do all or nothing, and say which variable is missing.

use std::process::{Command, Output};

use crate::clinic::{self, CLINIC};
use pg_clone_tests::scratch_database::{Scratch, cluster};
use pg_clone_tests::storage_servers::repository;

/// Runs a script of the examples with psql.
async fn psql(db: &Scratch, script: &str, variables: &[&str]) -> Output {
    let cluster = cluster().await;
    let mut command = Command::new(cluster.installation().program("psql"));
    command
        .args(["-X", "--username=postgres", "--host"])
        .arg(cluster.directory())
        .arg(format!("--port={}", cluster.port()))
        .args(["--dbname", &db.name, "--file"])
        .arg(repository().join("sql/examples").join(script));
    for variable in variables {
        command.args(["-v", variable]);
    }
    command.output().unwrap()
}

/// A database with a stand-in for pg_cron; times of four fields are refused as by the real one.
async fn with_schedule() -> Scratch {
    let db = clinic::database().await;
    db.run(
        "CREATE SCHEMA cron; CREATE TABLE cron.job (jobid bigserial, jobname text, schedule text, command text);
         CREATE FUNCTION cron.schedule(name text, schedule text, command text) RETURNS bigint LANGUAGE sql AS
         'INSERT INTO cron.job (jobname, schedule, command) VALUES ($1, $2, $3) RETURNING jobid'",
    )
    .await;
    db
}

#[tokio::test]
async fn a_schedule_without_one_of_its_variables_schedules_nothing() {
    let db = with_schedule().await;
    let source = format!("source={CLINIC}");
    for variables in [
        &[][..],
        &[&*source, "staging=s"],
        &["staging=s", "template=t"],
        &[&*source, "template=t"],
    ] {
        let output = psql(&db, "pg_cron.sql", variables).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(
            said.contains("source, staging, template") && said.contains("HINT"),
            "{said}"
        );
        assert_eq!(
            db.number("SELECT count(*) FROM cron.job").await,
            0,
            "{variables:?}"
        );
    }
    let output = psql(&db, "pg_cron.sql", &[&source, "staging=s", "template=t"]).await;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(db.number("SELECT count(*) FROM cron.job").await, 5);
}

#[tokio::test]
async fn a_schedule_that_fails_half_way_schedules_nothing() {
    let db = with_schedule().await;
    db.run("ALTER TABLE cron.job ADD CHECK (jobname <> 'expired clones')")
        .await;
    let output = psql(&db, "pg_cron.sql", &["source=a", "staging=s", "template=t"]).await;
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(db.number("SELECT count(*) FROM cron.job").await, 0);
}

#[tokio::test]
async fn the_functions_for_postgrest_come_with_their_grants_or_not_at_all() {
    let db = clinic::database().await;
    let there = "SELECT count(*) FROM pg_namespace WHERE nspname = 'api'";
    for variables in [&[][..], &["role=nobody_by_that_name"]] {
        let output = psql(&db, "postgrest.sql", variables).await;
        assert_eq!(output.status.code(), Some(3));
        assert_eq!(db.number(there).await, 0);
    }
    db.run("DROP ROLE IF EXISTS web_1; CREATE ROLE web_1").await;
    let output = psql(&db, "postgrest.sql", &["role=web_1"]).await;
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let may = "SELECT has_function_privilege('web_1', 'api.clone_project(text, text)', 'EXECUTE') AND has_table_privilege('web_1', 'api.clone_run', 'SELECT')";
    assert_eq!(db.text(may).await, "t");
    db.run("DROP OWNED BY web_1").await;
}
