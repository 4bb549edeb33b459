//! `pg_clone runs` and `pg_clone show`.

use anyhow::Result;
use serde_json::{Value, json};

use super::Context;
use crate::args::RunsArgs;
use crate::cloning::calls::{number, text};
use crate::cloning::report::RunReport;
use crate::failure::{Exit, Hinted};
use crate::output::{seconds, thousands};

const RUNS: &str = "SELECT pg_catalog.to_jsonb(r) || pg_catalog.jsonb_build_object(\
     'seconds', pg_catalog.date_part('epoch', r.finished_at - r.started_at), \
     'started', pg_catalog.to_char(r.started_at, 'YYYY-MM-DD HH24:MI:SS')) \
     || pg_catalog.jsonb_build_object('replaced_by', (SELECT pg_catalog.min(n.id) FROM clone.run n \
         WHERE n.replaced = r.id::text AND n.store = r.store), \
     'expired', r.expires_at < pg_catalog.now(), \
     'expires', pg_catalog.to_char(r.expires_at, 'YYYY-MM-DD HH24:MI'), \
     'files_left', (SELECT pg_catalog.count(*) FROM clone.blob_copy b WHERE b.run_id = r.id AND b.state <> ALL ('{done,cancelled}'))) \
     FROM clone.run r WHERE $1::text IS NULL OR r.store = $1 ORDER BY r.id DESC LIMIT $2";

pub(super) async fn list(context: &mut Context, args: &RunsArgs) -> Result<Exit> {
    let target = context.target()?;
    let session = context.session(&target).await?;
    session.extension_schema().await?;
    let runs = session.json(RUNS, &[&args.store, &i64::from(args.limit)]).await?;
    // The runs of a store that was dropped are listed.
    if let (Some(store), true) = (&args.store, runs.is_empty()) {
        let found = session
            .query("SELECT s.name::text FROM clone.store AS s ORDER BY 1", &[])
            .await?;
        let stores: Vec<String> = found.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
        if !stores.contains(store) {
            return Err(Hinted::new(
                format!("there is no store {store:?}"),
                format!("Stores: {}.", stores.join(", ")),
            )
            .into());
        }
    }
    context.output.table(
        &[
            ">run",
            "started",
            "store",
            "source",
            "clone",
            "name",
            "state",
            ">resources",
            ">rows",
            ">dangling",
            ">files left",
            ">time",
        ],
        runs.iter().map(|run| {
            vec![
                number(run, "id").to_string(),
                text(run, "started").to_owned(),
                text(run, "store").to_owned(),
                text(run, "source_project").to_owned(),
                text(run, "target_project").to_owned(),
                text(run, "name").to_owned(),
                state(run),
                thousands(number(run, "resources")),
                thousands(number(run, "rows")),
                thousands(number(run, "dangling")),
                thousands(number(run, "files_left")),
                run.get("seconds")
                    .and_then(Value::as_f64)
                    .map(seconds)
                    .unwrap_or_default(),
            ]
        }),
    );
    context.output.document(&json!({"runs": runs}));
    Ok(Exit::Done)
}

/// The state of the clone.
fn state(run: &Value) -> String {
    let next = number(run, "replaced_by");
    if next > 0 {
        return format!("replaced by run {next}");
    }
    if run.get("deleted_at").is_some_and(|at| !at.is_null()) {
        return "deleted".to_owned();
    }
    if run.get("expired").and_then(Value::as_bool) == Some(true) {
        return "expired".to_owned();
    }
    match text(run, "expires") {
        "" => String::new(),
        when => format!("expires {when}"),
    }
}

pub(super) async fn show(context: &mut Context, run: i64) -> Result<Exit> {
    let target = context.target()?;
    let session = context.session(&target).await?;
    session.extension_schema().await?;
    let report = RunReport::read(&session, run).await?;
    report.print(&mut context.output);
    report.print_blobs(&mut context.output);
    context.output.document(&report);
    Ok(Exit::Done)
}
