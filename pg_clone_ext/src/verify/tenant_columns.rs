//! Searches a clone's rows for the key of the source in columns that hold the tenant. Such rows are the source's to an
//! application, whatever the store says of them.

use super::Check;
use super::references::Pair;
use crate::pg::query::{for_each_row, text};
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Column, SourceQuery, Table, TableRole, quote};
use std::collections::HashSet;

/// So many rows of the clone must have the key where only the data say that a column holds the tenant.
const ROWS: i64 = 3;

/// One check for each column that names the source.
pub fn check(pair: &Pair<'_>, checks: &mut Vec<Check>) -> Result<()> {
    let tenants = pair.store.project_table()?;
    let names = names_of_tenant(pair, tenants);
    let others = pair
        .store
        .tables
        .iter()
        .filter(|table| table.role != TableRole::Project && !table.empty);
    for table in others {
        for (column, rows) in constant(pair, table)? {
            let means_tenant = names.contains(&plain(&column.name))
                || rows >= ROWS && pair.sample.is_none() && is_tenant(pair, table, tenants, column)?;
            if !means_tenant {
                continue;
            }
            checks.push(Check {
                name: "rows that name the source as their tenant".into(),
                subject: format!("{}.{}", table.sql_name, column.name),
                expected: "0".to_owned(),
                found: rows.to_string(),
                ok: false,
            });
        }
    }
    Ok(())
}

/// A name without the separators and the case of its words.
fn plain(name: &str) -> String {
    let letters = name.chars().filter(|letter| letter.is_alphanumeric());
    letters.flat_map(char::to_lowercase).collect()
}

/// Names of columns that hold the tenant: those of the store's project columns, and what follows from the name of the tenants' table.
fn names_of_tenant(pair: &Pair<'_>, tenants: &Table) -> HashSet<String> {
    let table = plain(tenants.sql_name.rsplit('.').next().unwrap_or_default());
    let singular = match (table.strip_suffix("ies"), table.strip_suffix('s')) {
        (Some(stem), _) => format!("{stem}y"),
        (None, Some(stem)) => stem.to_owned(),
        (None, None) => table.clone(),
    };
    let columns = pair.store.tables.iter().filter(|t| t.role != TableRole::Project);
    let declared = columns.filter_map(|t| t.project_column.as_deref()).map(plain);
    [table, singular, "tenant".to_owned()]
        .into_iter()
        .flat_map(|word| ["", "id", "key", "no", "nr"].map(|ending| format!("{word}{ending}")))
        .chain(declared)
        .collect()
}

/// Whether a run left the values as they are, without being told to, and a key can be among them. UUIDs are searched for everywhere.
fn may_hold_tenant(column: &Column) -> bool {
    column.role.keeps_or_rewrites()
        && column.inferred()
        && !plan::is_time_or_interval(&column.type_name)
        && !column.type_name.ends_with(']')
        && !matches!(
            column.type_name.as_str(),
            "uuid" | "boolean" | "bytea" | "json" | "jsonb" | "xml"
        )
}

/// A value as text; of equal numbers the same text.
fn value(table: &Table, column: &Column) -> String {
    match plan::is_numeric(&column.type_name) {
        true => format!(
            "pg_catalog.trim_scale(t.{})::pg_catalog.text",
            quote::identifier(&column.name)
        ),
        false => table.text_of("t", &column.name),
    }
}

/// Columns of which all values in the clone's rows are the source's key, and the number of these rows.
fn constant<'a>(pair: &Pair<'_>, table: &'a Table) -> Result<Vec<(&'a Column, i64)>> {
    let columns: Vec<&Column> = table.columns.iter().filter(|c| may_hold_tenant(c)).collect();
    let belongs = plan::condition(pair.store, table, pair.target, pair.filled, true)?;
    let (Some(belongs), false) = (belongs, columns.is_empty()) else {
        return Ok(Vec::new());
    };
    let source = quote::literal(pair.source);
    let values: Vec<String> = columns.iter().map(|column| value(table, column)).collect();
    let list: Vec<String> = (0..columns.len())
        .map(|place| {
            format!(
                "CASE WHEN pg_catalog.bool_and(s.v{place} OPERATOR(pg_catalog.=) {source}) THEN pg_catalog.count(s.v{place}) END"
            )
        })
        .collect();
    let named: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(place, value)| format!("({value}) COLLATE pg_catalog.\"C\" AS v{place}"))
        .collect();
    let rows = SourceQuery::over(&table.from_sql())
        .filter(belongs)
        .limit(pair.sample)
        .select(&named.join(", "));
    let mut found = Vec::new();
    for_each_row(
        &format!("SELECT {} FROM ({rows}) AS s", list.join(", ")),
        &mut |row| {
            if let Some(row) = row {
                let counts = (0..columns.len()).map(|place| row.bigint(place));
                found.extend(
                    columns
                        .iter()
                        .copied()
                        .zip(counts)
                        .filter_map(|(c, n)| Some((c, n?))),
                );
            }
            Ok(())
        },
    )?;
    Ok(found)
}

/// Whether all values of a column are keys of tenants, of several of them, and only rows of the source and the clone have the source's.
fn is_tenant(pair: &Pair<'_>, table: &Table, tenants: &Table, column: &Column) -> Result<bool> {
    let of = |project| plan::condition(pair.store, table, project, pair.filled, true);
    let Some(id) = tenants.id_column.as_deref().and_then(|id| tenants.column(id)) else {
        return Ok(false);
    };
    let own: Vec<String> = [of(pair.source)?, of(pair.target)?]
        .into_iter()
        .flatten()
        .map(|condition| format!("({condition})"))
        .collect();
    if own.is_empty() {
        return Ok(false);
    }
    let source = quote::literal(pair.source);
    let values = SourceQuery::over(&table.from_sql())
        .filter(format!("t.{} IS NOT NULL", quote::identifier(&column.name)))
        .select(&format!(
            "({}) COLLATE pg_catalog.\"C\" AS value, COALESCE({}, false) AS own",
            value(table, column),
            own.join(" OR ")
        ));
    let keys = SourceQuery::over(&tenants.from_sql()).select(&value(tenants, id));
    let answer = text(&format!(
        "SELECT (pg_catalog.count(*) FILTER (WHERE v.value OPERATOR(pg_catalog.<>) {source}) OPERATOR(pg_catalog.>=) 2::pg_catalog.int8 \
           AND pg_catalog.bool_and(v.own OPERATOR(pg_catalog.=) (v.value OPERATOR(pg_catalog.=) {source}) \
             AND v.value OPERATOR(pg_catalog.=) ANY ({keys})))::pg_catalog.text \
         FROM (SELECT DISTINCT s.value, s.own FROM ({values}) AS s) AS v"
    ))?;
    Ok(answer.as_deref() == Some("true"))
}
