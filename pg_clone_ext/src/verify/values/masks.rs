//! Values that a clone must not share with its source: those that a role replaces, and large objects.

use crate::pg::query::count;
use crate::verify::Check;
use crate::verify::references::Pair;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, ColumnRole, SourceQuery, Table, quote};

/// Bytes of a text from which on it is no chance that two are equal.
const DISTINCTIVE: usize = 8;

/// Counts the clone's rows whose value of such a column is one of the source's.
pub fn check(pair: &Pair<'_>, checks: &mut Vec<Check>) -> Result<()> {
    for table in pair.store.tables.iter().filter(|table| !table.empty) {
        for column in &table.columns {
            let (name, long) = match column.role {
                ColumnRole::LargeObject => ("large objects of the source", String::new()),
                // Short texts, numbers and truth values may be the same by chance, or because a user has entered them.
                ColumnRole::Null | ColumnRole::Random if is_of_bytes(&column.type_name) => (
                    "replaced values of the source",
                    format!(
                        " AND pg_catalog.octet_length({}) OPERATOR(pg_catalog.>=) {DISTINCTIVE}",
                        table.text_of("t", &column.name)
                    ),
                ),
                _ => continue,
            };
            if let Some(shared) = shared(pair, table, &column.name, &long)? {
                checks.push(Check {
                    name: name.into(),
                    subject: format!("{}.{}", table.sql_name, column.name),
                    expected: "0".to_owned(),
                    found: shared.to_string(),
                    ok: shared == 0,
                });
            }
        }
    }
    Ok(())
}

fn is_of_bytes(type_name: &str) -> bool {
    plan::is_text(type_name) || matches!(type_name, "bytea" | "json" | "jsonb")
}

/// The number of the clone's rows with a value of the source; `None` if one of both can have no rows.
fn shared(pair: &Pair<'_>, table: &Table, column: &str, long: &str) -> Result<Option<i64>> {
    let source = plan::condition(pair.store, table, pair.source, pair.filled, true)?;
    let clone = plan::condition(pair.store, table, pair.target, pair.filled, true)?;
    let (Some(source), Some(clone)) = (source, clone) else {
        return Ok(None);
    };
    let value = table.text_of("t", column);
    let of_source = SourceQuery::over(&table.from_sql())
        .filter(format!(
            "({source}) AND t.{} IS NOT NULL{long}",
            quote::identifier(column)
        ))
        .select(&value);
    let rows = SourceQuery::over(&table.from_sql()).filter(format!(
        "({clone}) AND t.{} IS NOT NULL{long} AND ({value}) COLLATE \"C\" OPERATOR(pg_catalog.=) ANY ({of_source})",
        quote::identifier(column)
    ));
    Ok(Some(count(&rows)?))
}
