//! The record stage: the run, its counts, the new project's document.

use super::state::{Run, TableStatistics};
use crate::error::internal;
use crate::pg::value::json_text::JsonText;
use crate::records::runs::{self, ProjectRun};
use pg_clone_core::error::{Code, Error, Result, shown};
use pg_clone_core::plan::{InsertPath, Oid, Request, SourceQuery, TableCopy};
use pg_clone_core::rewrite::Counts;
use serde_json::{Value, json};
use std::time::Duration;

/// A table that has been filled.
pub struct Filled<'r> {
    /// Its plan.
    pub table_copy: &'r TableCopy,
    /// Its counts.
    pub statistics: TableStatistics,
    /// The duration.
    pub took: Duration,
}

/// The call's arguments, for the record and for hooks.
pub fn arguments(request: &Request) -> Value {
    json!({
        "source_project": request.source_project,
        "name": request.name,
        "resource_types": request.resource_types,
        "include_ids": request.include_ids,
        "exclude_ids": request.exclude_ids,
        "owner": request.owner,
        "store": request.store,
        "options": request.options_json,
    })
}

/// Writes the run and its counts.
pub fn write(run: &Run, tables: &[Filled<'_>], totals: &TableStatistics, blobs: usize) -> Result<()> {
    let mut rows = 0;
    let mut bytes = 0;
    let mut counts = Counts::default();
    let mut details = Vec::new();
    for filled in tables {
        counts.add(&filled.statistics.rewritten());
        let Some(table) = run.store.table(filled.table_copy.table) else {
            continue;
        };
        let path = if matches!(super::copy::path(run, filled.table_copy), InsertPath::Bulk) {
            "bulk"
        } else {
            "sql"
        };
        for (resource_type, of_type) in filled
            .statistics
            .by_type
            .iter()
            .filter(|(_, of_type)| of_type.rows > 0)
        {
            rows += of_type.rows;
            bytes += of_type.bytes;
            details.push(json!({
                "relation": table.sql_name, "resource_type": resource_type, "path": path,
                "rows": of_type.rows, "bytes": of_type.bytes, "rewritten": of_type.rewrite.rewritten,
                "kept": of_type.rewrite.unversioned, "dangling": of_type.rewrite.dangling,
                "milliseconds": filled.took.as_secs_f64() * 1000.0 / filled.statistics.by_type.len() as f64,
            }));
        }
    }
    let resources = resources(run, tables);
    let dangling: Vec<Value> = totals
        .dangling
        .list()
        .into_iter()
        .chain(totals.dangling_keys.clone())
        .map(|(target, occurrences)| json!({"target": target, "occurrences": occurrences}))
        .collect();
    runs::insert_project(&ProjectRun {
        id: run.id,
        store: &run.store.name,
        source: &run.source,
        target: &run.target,
        name: run.request.name.as_deref(),
        arguments: arguments(&run.request),
        resources,
        rows,
        bytes,
        rewritten: counts.rewritten,
        kept: counts.unversioned,
        dangling: counts.dangling,
        blobs: blobs as u64,
        expires_in: run.request.options.expires_in.as_deref(),
        tables: details,
        dangling_targets: dangling,
    })
}

/// Resources cloned: rows of project and resource tables.
pub fn resources(run: &Run, tables: &[Filled<'_>]) -> u64 {
    use pg_clone_core::plan::TableRole;
    tables
        .iter()
        .filter(|filled| {
            run.store
                .table(filled.table_copy.table)
                .is_some_and(|t| matches!(t.role, TableRole::Project | TableRole::Resource))
        })
        .flat_map(|filled| filled.statistics.by_type.values())
        .map(|of_type| of_type.rows)
        .sum()
}

/// Calls the store's finish function with the caller's rights; returns its tasks for the operator.
pub fn call_finish(run: &Run, function: Oid) -> Result<Vec<String>> {
    let mut given = arguments(&run.request);
    given["source_project"] = run.source.clone().into();
    given["target_project"] = run.target.clone().into();
    given["new_owner"] = run.owner.clone().into();
    given["schema"] = run.store.project_table()?.schema.clone().into();
    given["store_options"] = run.store.options.clone();
    given["left_to_finish"] = run.leaves_tables_to_finish().into();
    given["sources"] = sources(run)?;
    Ok(
        match crate::pg::query::hook::finish(function, &run.store.name, run.id, given)? {
            Value::Array(items) => items
                .into_iter()
                .filter_map(|item| item.as_str().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        },
    )
}

/// The relations from which the source's rows are read, by table, for tables in the schema of the project table.
fn sources(run: &Run) -> Result<Value> {
    let schema = &run.store.project_table()?.schema;
    let in_schema = run.store.tables.iter().filter(|table| table.schema == *schema);
    Ok(in_schema
        .filter_map(|table| {
            let name = table.sql_name.rsplit('.').next()?;
            Some((name.to_owned(), table.source.clone()?.into()))
        })
        .collect::<serde_json::Map<String, Value>>()
        .into())
}

/// A given reference, mapped to the clone's resource if its target is cloned.
pub fn mapped_reference(run: &Run, reference: &str) -> String {
    let mut bytes = reference.as_bytes().to_vec();
    let mut rewriter =
        pg_clone_core::rewrite::Rewriter::new(&run.ids, &run.texts, pg_clone_core::rewrite::Dangling::Keep);
    match rewriter.plain_text(&mut bytes) {
        Ok(pg_clone_core::rewrite::Outcome::InPlace) => String::from_utf8(bytes).unwrap_or_default(),
        Ok(pg_clone_core::rewrite::Outcome::Rebuilt(new)) => String::from_utf8(new).unwrap_or_default(),
        _ => reference.to_owned(),
    }
}

/// Ends the run and returns the new project: its row, or its document if the store has that option.
pub fn finish(run: &Run, todos: &[String]) -> Result<JsonText> {
    runs::finish(run.id, json!(todos))?;
    let table = run.store.project_table()?;
    let column = table.id_column.as_deref().unwrap_or_default();
    // The result is the document if the store has `options.result`, otherwise the row.
    let whole = run
        .store
        .options
        .get("result")
        .is_some_and(|result| result == "document");
    let result = match table.document_column.as_deref().filter(|_| whole) {
        Some(document) => format!(
            "COALESCE({}::pg_catalog.jsonb, {})",
            table.text_of("t", document),
            table.as_json("t")
        ),
        None => table.as_json("t"),
    };
    // As text, because the document may be nested as deeply as jsonb allows.
    let query = SourceQuery::over(&table.sql_name)
        .equal(table, column, &run.target)
        .select(&result);
    // A subquery gives one row, with NULL if the project is not found.
    let project = pgrx::Spi::get_one::<JsonText>(&format!("SELECT ({query})")).map_err(internal)?;
    project.ok_or_else(|| {
        Error::new(
            Code::StoreChanged,
            format!(
                "the row of the new project \"{}\" is not in {}",
                shown(&run.target),
                table.sql_name
            ),
        )
        .hint("A trigger or a default gives the row another key: give the id with options.target, or options => '{\"triggers\": \"skip\"}'.")
    })
}

pub mod blobs;
