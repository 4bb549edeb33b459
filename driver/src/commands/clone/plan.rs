//! `pg_clone clone --dry-run`: shows the plan, table by table.

use anyhow::Result;
use serde_json::{Value, json};

use crate::args::request::CloneRequest;
use crate::cloning::calls;
use crate::cloning::calls::{number, text};
use crate::commands::Context;
use crate::connect::session::Session;
use crate::failure::Exit;
use crate::output::{self, thousands};

pub(super) async fn run(
    context: &mut Context,
    session: &Session,
    schema: &str,
    request: &CloneRequest,
) -> Result<Exit> {
    context.progress.phase("planning");
    let statement = format!(
        "SELECT pg_catalog.to_jsonb(p) FROM {} p",
        calls::plan_call(schema)
    );
    let tables = session
        .json(&statement, &calls::clone_parameters(request))
        .await?;
    context.progress.finish();
    print_plan(context, &tables);
    context
        .output
        .line(format!("{}; nothing was written", total(&tables)));
    context.output.document(&json!({"plan": tables}));
    Ok(Exit::Done)
}

/// Shows the rows of a plan.
pub(crate) fn print_plan(context: &mut Context, tables: &[Value]) {
    context.output.table(
        &[
            "table",
            "type",
            "role",
            "path",
            ">rows in source",
            ">rows to clone",
            ">size",
            ">dangling",
            "why",
        ],
        tables.iter().map(|row| {
            let count = |name: &str| thousands(number(row, name));
            vec![
                text(row, "relation").to_owned(),
                text(row, "resource_type").to_owned(),
                text(row, "role").to_owned(),
                text(row, "path").to_owned(),
                count("source_rows"),
                count("rows"),
                output::bytes(number(row, "bytes")),
                count("dangling"),
                text(row, "why").to_owned(),
            ]
        }),
    );
}

/// The total of a plan, as text.
pub(crate) fn total(tables: &[Value]) -> String {
    let sum = |name: &str| tables.iter().map(|row| number(row, name)).sum::<i64>();
    format!(
        "{} rows, {}, {} dangling references",
        thousands(sum("rows")),
        output::bytes(sum("bytes")),
        thousands(sum("dangling"))
    )
}
