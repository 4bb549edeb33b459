//! `pg_clone delete`: deletes a cloned project and its files.

use anyhow::{Context as _, Result};
use serde_json::{Map, Value};

use super::Context;
use crate::args::DeleteArgs;
use crate::args::request::delete_options;
use crate::cache::AfterCommit;
use crate::cloning::calls::{number, text};
use crate::connect::Target;
use crate::connect::session::Session;
use crate::failure::{Exit, OtherHint};
use crate::file_copying::{FileRequest, copy_files, print_summary};
use crate::output::thousands;

const QUEUED: &str = "SELECT COALESCE(pg_catalog.array_agg(DISTINCT b.run_id), '{}') FROM clone.blob_copy b \
     JOIN clone.run r ON r.id = b.run_id WHERE r.target_project = $1 AND b.operation = 'delete' \
     AND b.state IN ('pending', 'running')";

/// The options of `project_delete` in hints of the server, and the flags that mean them.
const FLAGS: [(&str, &str); 7] = [
    ("options => '{\"others\": \"include\"}'", "--include-others"),
    ("options => '{\"shared\": \"ignore\"}'", "--ignore-documents"),
    ("options => '{\"force\": true}'", "--force"),
    ("'{\"others\": \"include\"}'", "--include-others"),
    ("'{\"shared\": \"ignore\"}'", "--ignore-documents"),
    ("'{\"dry_run\": true}'", "--dry-run"),
    ("'{\"force\": true}'", "--force"),
];

pub(super) async fn run(context: &mut Context, args: &DeleteArgs) -> Result<Exit> {
    let target = context.target()?;
    let session = context.session(&target).await?;
    let schema = session.extension_schema().await?;
    if !args.dry_run {
        let what = if args.force {
            "a project that no run made may be live"
        } else {
            "a clone"
        };
        let question = format!(
            "Delete the project {} on {target} ({what}), its rows and its files?",
            args.project
        );
        context.confirm(args.yes, &question).await?;
    }
    if !args.dry_run && !args.blobs_later {
        target.check_session().await?;
    }
    context.progress.phase("deleting");
    session.begin().await?;
    let statement =
        format!("SELECT {schema}.project_delete($1::text, store => $2::text, options => $3::jsonb)");
    let options = delete_options(args);
    let deleted = session
        .json(&statement, &[&args.project, &args.store, &options])
        .await;
    let deleted = session.end(deleted).await;
    let deleted = deleted
        .map_err(|error| OtherHint::of(error, with_flags))
        .with_context(|| format!("cannot delete the project {:?}", args.project))?;
    context.progress.finish();

    let result = deleted.into_iter().next().unwrap_or_default();
    print(context, args, &result);
    context.output.document(&result);
    if args.dry_run {
        return Ok(Exit::Done);
    }
    let cache = AfterCommit::begin(&session, None, &context.allowed).await;
    let outcome = if args.blobs_later {
        Ok(Exit::Done)
    } else {
        delete_files(context, &target, &session, &args.project).await
    };
    let interrupt = context.interrupt.clone();
    let (_, complete) = cache.finish(&interrupt, &mut context.output).await;
    match outcome {
        Ok(Exit::Done) if !complete => Ok(Exit::BlobsIncomplete),
        outcome => outcome,
    }
}

/// Prints the counts per table, largest first, and the rows that are kept.
fn print(context: &mut Context, args: &DeleteArgs, result: &Value) {
    let output = &mut context.output;
    let empty = Map::new();
    let tables = result.get("tables").and_then(Value::as_object).unwrap_or(&empty);
    let mut rows: Vec<(&String, i64)> = tables
        .iter()
        .map(|(table, rows)| (table, rows.as_i64().unwrap_or_default()))
        .filter(|(_, rows)| *rows > 0)
        .collect();
    rows.sort_by(|(a, more), (b, less)| less.cmp(more).then(a.cmp(b)));
    if !rows.is_empty() {
        output.table(
            &["table", ">rows"],
            rows.iter()
                .map(|(table, rows)| vec![(*table).clone(), thousands(*rows)]),
        );
    }
    let verb = if args.dry_run {
        "would be deleted"
    } else {
        "is deleted"
    };
    output.line(format!(
        "Project {} of store {} {verb}: {} rows, {} files",
        args.project,
        text(result, "store"),
        thousands(number(result, "rows")),
        thousands(number(result, "files")),
    ));
    let cancelled = number(result, "copies_cancelled");
    if cancelled > 0 {
        output.line(format!(
            "{} copies of files that waited are cancelled",
            thousands(cancelled)
        ));
    }
    let kept = result.get("kept").and_then(Value::as_array);
    for kept in kept.into_iter().flatten() {
        output.line(format!(
            "  kept, because another project names it: {}",
            shown(kept)
        ));
    }
    // Further members, for newer versions of the extension.
    const TOLD: [&str; 8] = [
        "tables",
        "project",
        "store",
        "rows",
        "files",
        "copies_cancelled",
        "kept",
        "dry_run",
    ];
    for (name, value) in result.as_object().into_iter().flatten() {
        if !TOLD.contains(&name.as_str()) && !value.is_null() {
            output.line(format!("  {}: {}", name.replace('_', " "), shown(value)));
        }
    }
}

/// A hint with the flags of this command in place of the options of the SQL function.
fn with_flags(hint: &str) -> String {
    let hint = FLAGS
        .iter()
        .fold(hint.to_owned(), |hint, (option, flag)| hint.replace(option, flag));
    // A whole call.
    match hint.split_once("project_delete(") {
        Some((before, call)) => match call.split_once(", --force)") {
            Some((project, after)) => format!("{before}pg_clone delete {project} --force{after}"),
            None => hint,
        },
        None => hint,
    }
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Deleting a project queues the deletion of its files.
async fn delete_files(
    context: &mut Context,
    target: &Target,
    session: &Session,
    project: &str,
) -> Result<Exit> {
    let row = session.query_one(QUEUED, &[&project]).await?;
    let mut complete = true;
    for run in row.try_get::<_, Vec<i64>>(0)? {
        let request = FileRequest {
            run: Some(run),
            allowed: context.allowed.clone(),
            ..FileRequest::default()
        };
        let interrupt = context.interrupt.clone();
        let summary = copy_files(target, &request, &interrupt, &mut context.progress).await?;
        print_summary(&summary, &mut context.output);
        complete &= summary.is_complete();
    }
    Ok(if complete {
        Exit::Done
    } else {
        Exit::BlobsIncomplete
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hints_name_flags() {
        assert_eq!(
            with_flags(
                "Delete those rows, or the project anyway with options => '{\"others\": \"include\"}'; '{\"dry_run\": true}' lists them, \
                 '{\"shared\": \"ignore\"}' does not read documents."
            ),
            "Delete those rows, or the project anyway with --include-others; --dry-run lists them, --ignore-documents does not read documents."
        );
        assert_eq!(
            with_flags("To delete it nevertheless: project_delete('x', options => '{\"force\": true}')."),
            "To delete it nevertheless: pg_clone delete 'x' --force."
        );
    }
}
