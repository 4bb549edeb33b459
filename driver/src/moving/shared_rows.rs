//! Shared rows: rows that the project references and that are not part of it, such as those of a table of countries. The target must
//! have them. If their table has a natural key (a unique key besides the referenced one), it identifies them, and their ids may differ.

use anyhow::Result;
use clone_archive::SharedRows;
use serde_json::{Value, json};

use super::staging::Staging;
use super::tables::{TableRows, identifier};
use crate::connect::session::Session;
use crate::failure::Hinted;

/// Maximum number of values in an error.
const LISTED: usize = 10;

/// A foreign key from a table of the project to a table outside the store.
#[derive(Clone, Debug)]
pub struct SharedKey {
    pub(super) relation: String,
    pub(super) column: String,
    column_type: String,
    pub(super) referenced: String,
    pub(super) key: String,
    natural: Vec<String>,
}

/// The single-column foreign keys from these tables to tables outside the store.
///
/// # Errors
/// Those of the server.
pub async fn keys(session: &Session, tables: &[TableRows]) -> Result<Vec<SharedKey>> {
    let relations: Vec<String> = tables.iter().map(|table| table.relation.clone()).collect();
    let rows = session
        .query(include_str!("sql/shared_keys.sql"), &[&relations])
        .await?;
    rows.iter()
        .map(|row| {
            Ok(SharedKey {
                relation: row.try_get(0)?,
                column: row.try_get(1)?,
                column_type: row.try_get(2)?,
                referenced: row.try_get(3)?,
                key: row.try_get(4)?,
                natural: row.try_get(5)?,
            })
        })
        .collect()
}

/// Reads the shared rows of the project from the source.
///
/// # Errors
/// Those of the server.
pub async fn read(source: &Session, tables: &[TableRows], keys: &[SharedKey]) -> Result<Vec<SharedRows>> {
    let mut found = Vec::new();
    for key in keys {
        let Some(table) = tables.iter().find(|table| table.relation == key.relation) else {
            continue;
        };
        let columns: Vec<String> = std::iter::once(&key.key)
            .chain(&key.natural)
            .map(|name| format!("s.{}::text", identifier(name)))
            .collect();
        let statement = format!(
            "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array({columns})) FROM {referenced} AS s \
             WHERE EXISTS (SELECT FROM {relation} AS t WHERE t.{column} = s.{key} AND {condition})",
            columns = columns.join(", "),
            referenced = key.referenced,
            relation = key.relation,
            column = identifier(&key.column),
            key = identifier(&key.key),
            condition = table.condition,
        );
        let list = source.json(&statement, &[]).await?.pop().unwrap_or(Value::Null);
        let rows: Vec<Vec<Option<String>>> = match list {
            Value::Null => Vec::new(),
            list => serde_json::from_value(list)?,
        };
        if !rows.is_empty() {
            found.push(SharedRows {
                relation: key.relation.clone(),
                column: key.column.clone(),
                natural: key.natural.clone(),
                rows,
            });
        }
    }
    Ok(found)
}

/// Finds the rows in the target, and writes their ids there into the temporary tables, which may be on another server.
///
/// # Errors
/// Rows are missing in the target: the error lists those of all tables.
pub async fn match_in_target(
    target: &Session,
    staging: &Staging<'_>,
    keys: &[SharedKey],
    rows: &[SharedRows],
) -> Result<()> {
    let mut missing = Vec::new();
    for key in keys {
        let Some(of_key) = rows
            .iter()
            .find(|rows| (&rows.relation, &rows.column) == (&key.relation, &key.column))
        else {
            continue;
        };
        let Some(temporary) = staging.name_of(&key.relation) else {
            continue;
        };
        // Without a natural key on both sides the id must exist.
        let by: Vec<(String, usize)> = if key.natural.is_empty() || key.natural != of_key.natural {
            vec![(key.key.clone(), 0)]
        } else {
            key.natural.iter().cloned().zip(1..).collect()
        };
        let conditions: Vec<String> = by
            .iter()
            .map(|(column, at)| {
                format!(
                    "r.{}::text IS NOT DISTINCT FROM (v.row ->> {at})",
                    identifier(column)
                )
            })
            .collect();
        let statement = format!(
            "SELECT v.row ->> 0, r.{}::text FROM pg_catalog.jsonb_array_elements($1::jsonb) AS v (row) LEFT JOIN {} AS r ON {}",
            identifier(&key.key),
            key.referenced,
            conditions.join(" AND ")
        );
        let mut changed = Vec::new();
        let mut absent = Vec::new();
        for row in target.query(&statement, &[&json!(of_key.rows)]).await? {
            let (theirs, ours): (String, Option<String>) = (row.try_get(0)?, row.try_get(1)?);
            match ours {
                None => absent.push(describe(of_key, &theirs)),
                Some(ours) if ours != theirs => changed.push(json!([theirs, ours])),
                Some(_) => {}
            }
        }
        if !absent.is_empty() {
            let more = absent.len().saturating_sub(LISTED);
            absent.truncate(LISTED);
            let more = if more > 0 {
                format!(" and {more} more")
            } else {
                String::new()
            };
            missing.push(format!("{}: {}{more}", key.referenced, absent.join(", ")));
        }
        if !changed.is_empty() {
            let statement = format!(
                "UPDATE pg_temp.{temporary} AS t SET {column} = (v.pair ->> 1)::{type_name} \
                 FROM pg_catalog.jsonb_array_elements($1::jsonb) AS v (pair) WHERE t.{column}::text = (v.pair ->> 0)",
                column = identifier(&key.column),
                type_name = key.column_type,
            );
            staging
                .session()
                .query(&statement, &[&Value::Array(changed)])
                .await?;
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    Err(Hinted::new(
        format!(
            "the project names rows that the target does not have: {}",
            missing.join("; ")
        ),
        "Add these rows to the target first; they belong to no project.",
    )
    .into())
}

/// A row in an error: its natural key, or its id.
fn describe(rows: &SharedRows, id: &str) -> String {
    let natural = rows
        .rows
        .iter()
        .find(|row| row.first().and_then(Option::as_deref) == Some(id))
        .map(|row| {
            row[1..]
                .iter()
                .map(|value| value.as_deref().unwrap_or("NULL"))
                .collect::<Vec<_>>()
                .join(" ")
        })
        .filter(|text| !text.is_empty());
    match natural {
        Some(natural) => format!("{id} ({natural})"),
        None => id.to_owned(),
    }
}
