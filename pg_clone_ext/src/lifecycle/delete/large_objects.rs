//! Large objects that rows of more than one project use.

use super::deletion_set::DeletionSet;
use super::foreign_keys::rows_of;
use super::rows_of_others::{CandidateRows, row_key};
use crate::catalog::large_objects::{LargeObjectColumn, columns};
use pg_clone_core::error::Result;
use pg_clone_core::plan::SourceQuery;

/// Conditions for kept rows that use a large object of a deleted row, whose trigger would delete the object.
pub fn shared(rows: &DeletionSet) -> Result<Vec<CandidateRows>> {
    let columns = columns(rows.store())?;
    let managed: Vec<&LargeObjectColumn> = columns.iter().filter(|column| column.managed).collect();
    let mut destroyed = Vec::new();
    for column in managed {
        let Some(table) = rows.store().table(column.table) else {
            continue;
        };
        if let Some(gone) = rows.condition(table)? {
            destroyed.push(
                SourceQuery::over(&table.sql_name)
                    .filter(gone)
                    .select(&table.text_of("t", &column.name)),
            );
        }
    }
    let mut shared = Vec::new();
    if destroyed.is_empty() {
        return Ok(shared);
    }
    let destroyed = destroyed.join(" UNION ALL ");
    for column in &columns {
        let Some(table) = rows.store().table(column.table) else {
            continue;
        };
        if !rows.filled().contains(&table.oid) {
            continue;
        }
        let stays = match rows.condition(table)? {
            Some(gone) => format!("({gone}) IS NOT TRUE"),
            None => "true".to_owned(),
        };
        shared.push(CandidateRows {
            table: table.sql_name.clone(),
            from: rows_of(table),
            condition: format!(
                "{} OPERATOR(pg_catalog.=) ANY ({destroyed}) AND {stays}",
                table.text_of("t", &column.name)
            ),
            key: row_key(table),
            also_deleted: false,
            why: format!(
                "name{{s}} large objects (column {}) that the trigger lo_manage would delete with the project's rows",
                column.name
            ),
        });
    }
    Ok(shared)
}
