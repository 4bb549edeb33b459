//! The columns that distinguish rows: those that have the same values in source and clone.

use super::references::Pair;
use crate::catalog::relations_below::{PARTS, READ_BY_VIEWS};
use crate::pg::query::{exists, for_each_row};
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Column, Oid, SourceQuery, Table, quote};
use std::collections::{HashMap, HashSet};

/// The comparable content of one table's rows.
#[derive(Default)]
pub struct Content {
    /// Whether the source still has as many rows as were cloned: only then can both be compared.
    pub comparable: bool,
    /// Columns that have the same values in both, as SQL.
    columns: Vec<String>,
}

/// The contents of all tables that have rows.
#[derive(Default)]
pub struct Contents(HashMap<Oid, Content>);

impl Contents {
    /// Compares source and clone by one aggregate over each table of both. A sample cannot be compared.
    pub fn of(pair: &Pair<'_>) -> Result<Self> {
        let mut contents = Contents::default();
        if pair.sample.is_some() {
            return Ok(contents);
        }
        for table in pair.store.tables.iter().filter(|table| !table.empty) {
            contents.0.insert(table.oid, content(pair, table)?);
        }
        Ok(contents)
    }

    /// Whether the rows of a table can be compared with the source's.
    pub fn comparable(&self, table: Oid) -> bool {
        self.0.get(&table).is_some_and(|content| content.comparable)
    }

    /// A hash of the content of a row `t`, as SQL of type `bigint`.
    pub fn digest(&self, table: Oid) -> String {
        match self.0.get(&table).map(|content| content.columns.join(", ")) {
            Some(columns) if !columns.is_empty() => {
                format!("pg_catalog.hash_record_extended(ROW({columns}), 0)")
            }
            _ => "0::pg_catalog.int8".to_owned(),
        }
    }
}

/// Columns whose type has a hash function and whose values a clone may keep.
fn candidates(table: &Table) -> Vec<&Column> {
    let named: HashSet<&str> = table
        .keys
        .foreign_keys
        .iter()
        .flat_map(|key| key.columns.iter().map(String::as_str))
        .chain(table.keys.references.iter().map(|r| r.column.as_str()))
        .chain(table.id_column.as_deref())
        .collect();
    table
        .columns
        .iter()
        .filter(|column| column.role.keeps_or_rewrites())
        .filter(|column| !named.contains(column.name.as_str()) && plan::has_hash(&column.type_name))
        .collect()
}

/// Whether a trigger may have written into the rows when they were inserted, such as numbers in the order of insertion. Other than
/// [`Table::triggers`], which says what fires now: one that is disabled today may have fired when the clone was made.
fn has_triggers(table: &Table) -> Result<bool> {
    exists(&SourceQuery::over("pg_catalog.pg_trigger").filter(format!(
        "t.tgrelid OPERATOR(pg_catalog.=) ANY (WITH RECURSIVE part (oid) AS (SELECT {}::pg_catalog.oid UNION SELECT e.below FROM part \
           JOIN ({READ_BY_VIEWS} UNION ALL {PARTS}) AS e ON e.above OPERATOR(pg_catalog.=) part.oid) SELECT part.oid FROM part) \
         AND NOT t.tgisinternal AND t.tgtype OPERATOR(pg_catalog.&) 4::pg_catalog.int2 OPERATOR(pg_catalog.<>) 0::pg_catalog.int2",
        table.oid
    )))
}

fn content(pair: &Pair<'_>, table: &Table) -> Result<Content> {
    let candidates = if has_triggers(table)? {
        Vec::new()
    } else {
        candidates(table)
    };
    let columns: Vec<String> = candidates
        .iter()
        .map(|column| format!("t.{}", quote::identifier(&column.name)))
        .collect();
    let sums: Vec<String> = columns
        .iter()
        .map(|column| format!(", pg_catalog.sum(pg_catalog.hash_record(ROW({column})))"))
        .collect();
    let list = format!("pg_catalog.count(*){}", sums.concat());
    let sums_of = |project: &str, all: bool| -> Result<Option<Vec<Option<i64>>>> {
        let Some(belongs) = plan::condition(pair.store, table, project, pair.filled, all)? else {
            return Ok(None);
        };
        let mut found = None;
        for_each_row(
            &SourceQuery::over(&table.from_sql()).filter(belongs).select(&list),
            &mut |row| {
                if let Some(row) = row {
                    found = Some((0..=columns.len()).map(|place| row.bigint(place)).collect());
                }
                Ok(())
            },
        )?;
        Ok(found)
    };
    let (Some(source), Some(clone)) = (sums_of(pair.source, false)?, sums_of(pair.target, true)?) else {
        return Ok(Content::default());
    };
    let cloned = pair.rows.get(&table.sql_name).copied().unwrap_or(0);
    let same: Vec<bool> = source
        .iter()
        .zip(&clone)
        .skip(1)
        .map(|(source, clone)| source == clone)
        .collect();
    Ok(Content {
        comparable: source.first() == Some(&Some(cloned)),
        columns: columns
            .into_iter()
            .zip(same)
            .filter_map(|(column, same)| same.then_some(column))
            .collect(),
    })
}
