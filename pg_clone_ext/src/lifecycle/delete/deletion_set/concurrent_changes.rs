//! Rows that other sessions have moved, deleted or written while the statement that deletes a project runs.
//!
//! Under READ COMMITTED the statement keeps a row that another session has just given to another project, but deletes what depends on it;
//! a row that it has just got is left. Under a fixed isolation level the server itself raises 40001.

use super::DeletionSet;
use crate::catalog::filled_now;
use crate::error::internal;
use crate::lifecycle::delete::triggers::Triggers;
use crate::pg::query;
use crate::pg::query::snapshot::{Seen, within_renewed};
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Oid, SourceQuery};

/// The project's rows of one table.
struct Rows {
    table: Oid,
    name: String,
    condition: String,
}

/// Compares what the running statement has deleted of each table with the project's rows when it began, and with those that others have
/// committed by now: a difference is an error (40001). To be called when the rows are deleted, before anything acts on that. Rows that a
/// trigger can keep are compared elsewhere. Without another transaction that has ended since, nothing is read.
pub fn check(rows: &DeletionSet, deleted: &dyn Fn(&str) -> i64, triggers: &Triggers) -> Result<()> {
    let mut now = None;
    let renewed = within_renewed(Seen::by_statement(), || -> Result<()> {
        let rows = rows.with_filled(filled_now(rows.store())?);
        let tables: Vec<Rows> = rows
            .tables()?
            .into_iter()
            .map(|(table, condition)| Rows {
                table: table.oid,
                name: table.sql_name.clone(),
                condition,
            })
            .collect();
        let counts = count(&tables)?;
        now = Some((tables, counts));
        Ok(())
    });
    renewed.transpose()?;
    let Some((tables, now)) = now else {
        return Ok(());
    };
    // The statement's own snapshot is the active one again.
    let before = count(&tables)?;
    for ((table, before), now) in tables.iter().zip(before).zip(now) {
        let deleted = deleted(&table.name);
        let kept = before > deleted;
        if kept && !triggers.keeping.contains(&table.table) {
            return Err(moved(&table.name, rows.project(), before - deleted));
        }
        if !kept && now > deleted {
            return Err(added(&table.name, rows.project(), now - deleted));
        }
    }
    Ok(())
}

/// Counts the rows of each table under the active snapshot.
fn count(tables: &[Rows]) -> Result<Vec<i64>> {
    let counts: Vec<String> = tables
        .iter()
        .enumerate()
        .map(|(place, table)| {
            let rows = SourceQuery::over(&table.name).filter(&table.condition);
            rows.select(&format!("{place} AS place, pg_catalog.count(*) AS rows"))
        })
        .collect();
    if counts.is_empty() {
        return Ok(Vec::new());
    }
    let found = query::text(&format!(
        "SELECT pg_catalog.jsonb_agg(c.rows ORDER BY c.place)::pg_catalog.text FROM ({}) AS c",
        counts.join(" UNION ALL ")
    ))?;
    found.map_or(Ok(Vec::new()), |counts| {
        serde_json::from_str(&counts).map_err(internal)
    })
}

fn moved(table: &str, project: &str, rows: i64) -> Error {
    let (word, them) = if rows == 1 {
        ("row", "it")
    } else {
        ("rows", "them")
    };
    Error::new(
        Code::ChangedMeanwhile,
        format!("another session has moved or deleted {rows} {word} of {table} while project \"{project}\" was deleted"),
    )
    .detail(format!("What belongs to {them} would be lost."))
    .hint("Nothing was changed. Call it again.")
}

fn added(table: &str, project: &str, rows: i64) -> Error {
    let (word, stay) = if rows == 1 {
        (
            "row",
            "It would stay, or go without being searched for what refers to it.",
        )
    } else {
        (
            "rows",
            "They would stay, or go without being searched for what refers to them.",
        )
    };
    Error::new(
        Code::ChangedMeanwhile,
        format!(
            "another session has given {rows} {word} of {table} to project \"{project}\" while it was deleted"
        ),
    )
    .detail(stay)
    .hint("Nothing was changed. Call it again.")
}
