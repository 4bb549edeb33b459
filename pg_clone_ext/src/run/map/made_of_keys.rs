//! Keys that are made of keys of other rows, such as `task_12` and `user:5:settings`, by references that are declared for the key column.

use crate::pg::query::for_each_row;
use crate::run::keys::{Key, NewKey, with_segments};
use crate::run::state::Run;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{
    Column, KeyKind, KeyRef, Reference, ReferenceForm, SourceQuery, Table, key_column, quote,
};
use std::collections::HashMap;

/// The new keys, in the order of the old ones; None for a key that has none of another row in it. The keys of the referenced rows have
/// been mapped.
pub fn values(run: &Run, table: &Table, column: &Column, keys: &[Key]) -> Result<Vec<Option<String>>> {
    let mut new: Vec<Option<String>> = vec![None; keys.len()];
    let references: Vec<&Reference> = table
        .keys
        .references
        .iter()
        .filter(|reference| reference.column == column.name)
        .collect();
    let applies = conditions(table, column, &references, keys)?;
    for (key, new) in keys.iter().zip(&mut new) {
        let text = key.to_text();
        for (place, reference) in references.iter().enumerate() {
            let referenced: Option<KeyRef> = run
                .store
                .table(reference.target)
                .and_then(|target| target.holds(&reference.target_column));
            let holds = applies
                .as_ref()
                .is_none_or(|rows| rows.get(key).is_some_and(|row| row[place]));
            let (Some(domain), true) = (referenced, holds) else {
                continue;
            };
            let separators = match &reference.form {
                ReferenceForm::Path(separators) => separators.as_str(),
                _ => "",
            };
            let current = new.as_deref().unwrap_or(&text);
            let made = with_segments(current, separators, |segment| {
                Ok(match run.new_key_of_text(segment, domain) {
                    Some((key, NewKey::To(new))) => Some(run.spelled_like(segment, &key, &new, domain)),
                    _ => None,
                })
            })?;
            *new = made.or_else(|| new.take());
        }
    }
    Ok(new)
}

/// Which references hold in the row of each key; None if they hold in all rows.
fn conditions(
    table: &Table,
    column: &Column,
    references: &[&Reference],
    keys: &[Key],
) -> Result<Option<HashMap<Key, Vec<bool>>>> {
    if references.iter().all(|reference| reference.condition.is_none()) {
        return Ok(None);
    }
    let selected: Vec<String> = references
        .iter()
        .map(|reference| format!("({}) IS TRUE", reference.condition.as_deref().unwrap_or("true")))
        .collect();
    let wanted: Vec<String> = keys.iter().map(|key| quote::literal(&key.to_text())).collect();
    let key = key_column(table, &column.name);
    let sql = SourceQuery::over(table.source_name())
        .filter(format!(
            "({key})::pg_catalog.text OPERATOR(pg_catalog.=) ANY (ARRAY[{}]::pg_catalog.text[])",
            wanted.join(", ")
        ))
        .select(&format!("{key}, {}", selected.join(", ")));
    let mut rows = HashMap::new();
    for_each_row(&sql, &mut |row| {
        if let Some(row) = row
            && let Some(key) = Key::read(row, 0, KeyKind::of(&column.type_name), &column.type_name)?
        {
            let holds = (1..=references.len()).map(|place| row.boolean(place)).collect();
            rows.insert(key, holds);
        }
        Ok(())
    })?;
    Ok(Some(rows))
}
