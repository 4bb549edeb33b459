//! The map stage for further keys: unique columns, other than the row's key, that something references.

use super::new_keys::new_keys;
use crate::pg::query::for_each_row;
use crate::run::keys::Key;
use crate::run::state::{Run, over_budget};
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Column, KeyKind, Table};

/// Maps every further key column of the cloned rows, after the rows' own keys are mapped.
pub fn map(run: &mut Run, table: &Table) -> Result<()> {
    if !run.store.follows_constraints() || table.empty || !run.active.contains(&table.oid) {
        return Ok(());
    }
    for column in &table.columns {
        let own = table.key_ref(&column.name);
        if column.keys.holds.is_some()
            && column.keys.holds == own
            && table.id_column.as_ref() != Some(&column.name)
        {
            map_column(run, table, column)?;
        }
    }
    Ok(())
}

fn map_column(run: &mut Run, table: &Table, column: &Column) -> Result<()> {
    let own = table.key_ref(&column.name);
    let active = run.active.clone();
    let Some(rows) = plan::columns_of_rows(&run.store, table, &run.source, &active, &column.name, true)?
    else {
        return Ok(());
    };
    let (mut cloned, mut not_cloned) = (Vec::new(), Vec::new());
    for_each_row(&rows.sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let Some(key) = Key::read(row, rows.place, KeyKind::of(&column.type_name), &column.type_name)? else {
            return Ok(());
        };
        let passes = match &rows.filter {
            Some(filter) => run.passes(row, filter)?.is_some(),
            None => true,
        };
        if passes {
            cloned.push(key);
        } else {
            not_cloned.push(key);
        }
        Ok(())
    })?;
    // Several rows can have the same value if the key is composite.
    let mut seen = std::collections::HashSet::new();
    cloned.retain(|key| seen.insert(key.clone()));
    let mut pending = Vec::new();
    for key in cloned {
        match key {
            Key::Uuid(id) if column.role != pg_clone_core::plan::ColumnRole::Keep => {
                run.ids_mut()?.insert_cloned(id).map_err(over_budget)?;
            }
            Key::Uuid(_) => {}
            other => pending.push(other),
        }
    }
    new_keys(run, table, &column.name, pending)?;
    not_cloned
        .iter()
        .try_for_each(|key| run.mark_key_not_cloned(key, own))
}
