//! New values of key columns whose role is an SQL expression over the source's row. References follow them.

use crate::pg::query::for_each_row;
use crate::run::keys::Key;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, Column, KeyKind, SourceQuery, Table, quote};
use std::collections::HashMap;

/// The values of the expression `sql` for the rows with these keys, in their order. They are computed once: the row and what refers
/// to it get the same value, also of an expression such as `gen_random_uuid()`. NULL is an error (55000).
pub fn values(run: &Run, table: &Table, column: &Column, sql: &str, keys: &[Key]) -> Result<Vec<Key>> {
    let mut active = run.active.clone();
    active.insert(table.oid);
    let Some(belongs) = plan::condition(&run.store, table, &run.source, &active, true)? else {
        return Ok(keys.to_vec());
    };
    let kind = KeyKind::of(&column.type_name);
    let made = format!("({sql})::{}", quote::type_name(&column.type_name));
    let made = match kind {
        KeyKind::Text => format!("{made}::pg_catalog.text"),
        _ => made,
    };
    let query = SourceQuery::over(&table.from_sql())
        .filter(belongs)
        .select(&format!("{}, {made}", plan::key_column(table, &column.name)));
    let mut new: HashMap<Key, Key> = HashMap::with_capacity(keys.len());
    // As for an INSERT of the caller: functions may depend on the search_path.
    let _path = run.path.enter();
    for_each_row(&query, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let (old, made) = (
            Key::read(row, 0, kind, &column.type_name)?,
            Key::read(row, 1, kind, &column.type_name)?,
        );
        if let (Some(old), Some(made)) = (old, made) {
            new.insert(old, made);
        }
        Ok(())
    })?;
    keys.iter()
        .map(|key| {
            new.get(key).cloned().ok_or_else(|| {
                Error::new(
                    Code::StoreChanged,
                    format!(
                        "the expression of column {}.{} gives NULL for the row with the key \"{}\"",
                        table.sql_name,
                        column.name,
                        key.to_text()
                    ),
                )
                .hint("The column is a key to which other rows refer. Give an expression that has a value for each row.")
            })
        })
        .collect()
}
