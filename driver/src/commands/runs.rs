//! `pg_clone runs` and `pg_clone show`.

use anyhow::Result;
use serde_json::{Value, json};

use super::Context;
use crate::args::RunsArgs;
use crate::failure::Outcome;
use crate::output::{seconds, thousands};
use crate::run_report::RunReport;
use crate::sql::{number, text};

const RUNS: &str = "SELECT pg_catalog.to_jsonb(r) || pg_catalog.jsonb_build_object(\
     'seconds', pg_catalog.date_part('epoch', r.finished_at - r.started_at), \
     'started', pg_catalog.to_char(r.started_at, 'YYYY-MM-DD HH24:MI:SS')) \
     FROM clone.run r WHERE $1::text IS NULL OR r.store = $1 ORDER BY r.id DESC LIMIT $2";

pub(super) async fn list(context: &mut Context, args: &RunsArgs) -> Result<Outcome> {
    let target = context.target()?;
    let session = context.session(&target).await?;
    session.extension_schema().await?;
    let runs = session.json(RUNS, &[&args.store, &i64::from(args.limit)]).await?;
    context.output.table(
        &[
            ">run",
            "started",
            "store",
            "source",
            "clone",
            "name",
            ">resources",
            ">rows",
            ">dangling",
            ">time",
        ],
        runs.iter().map(|run| {
            let deleted = if run.get("deleted_at").is_some_and(|at| !at.is_null()) {
                " (deleted)"
            } else {
                ""
            };
            vec![
                number(run, "id").to_string(),
                text(run, "started").to_owned(),
                text(run, "store").to_owned(),
                text(run, "source_project").to_owned(),
                format!("{}{deleted}", text(run, "target_project")),
                text(run, "name").to_owned(),
                thousands(number(run, "resources")),
                thousands(number(run, "rows")),
                thousands(number(run, "dangling")),
                run.get("seconds")
                    .and_then(Value::as_f64)
                    .map(seconds)
                    .unwrap_or_default(),
            ]
        }),
    );
    context.output.document(&json!({"runs": runs}));
    Ok(Outcome::Done)
}

pub(super) async fn show(context: &mut Context, run: i64) -> Result<Outcome> {
    let target = context.target()?;
    let session = context.session(&target).await?;
    session.extension_schema().await?;
    let report = RunReport::read(&session, run).await?;
    report.print(&mut context.output);
    report.print_blobs(&mut context.output);
    context.output.document(&report);
    Ok(Outcome::Done)
}
