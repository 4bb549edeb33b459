//! The map stage for further keys: unique columns, other than the row's key, that something references.

use super::new_keys::new_keys;
use crate::pg::query::for_each_row;
use crate::run::keys::Key;
use crate::run::state::{Run, over_budget};
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::Mapped;
use pg_clone_core::ids::no_value::stands_for_null;
use pg_clone_core::plan::{self, Column, ColumnRole, KeyKind, Table, Unique, UniquePart};

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
            if column.generated {
                check_generated(run, table, column)?;
            }
            map_column(run, table, column)?;
        }
    }
    Ok(())
}

/// A generated column keeps its value, because the columns that it is computed from do. If a unique index forbids that, its new value
/// is not known before the row is written: 0A000.
fn check_generated(run: &Run, table: &Table, column: &Column) -> Result<()> {
    let Some(unique) = unique_alone(table, &column.name) else {
        return Ok(());
    };
    let referring = run.store.tables.iter().find(|other| {
        other
            .columns
            .iter()
            .any(|c| c.keys.holds == column.keys.holds && (other.oid != table.oid || c.name != column.name))
    });
    Err(Error::new(
        Code::Unsupported,
        format!(
            "generated column {}.{} is unique across all projects, and {} refers to it",
            table.sql_name,
            column.name,
            referring.map_or("a row", |other| other.sql_name.as_str())
        ),
    )
    .detail(format!(
        "The server computes its value when the row is written; by the index {} no other row can have the source's.",
        unique.name
    ))
    .hint("Let the other table refer to the primary key, or add the tenant's column to the unique index."))
}

/// A unique index of this column alone, on all rows. The parts of the index say it: its columns are those that make the value of a generated
/// column.
fn unique_alone<'t>(table: &'t Table, column: &str) -> Option<&'t Unique> {
    let is_column = |part: &UniquePart| part.value.trim_matches('"') == column;
    let mut uniques = table.keys.uniques.iter();
    uniques.find(|unique| {
        unique.parts.len() == 1 && unique.parts.iter().all(is_column) && unique.predicate.is_none()
    })
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
    // Identifiers that several rows share, some of which have none.
    if unique_alone(table, &column.name).is_none() {
        cloned.retain(|key| !stands_for_null(&key.to_text()));
        not_cloned.retain(|key| !stands_for_null(&key.to_text()));
    }
    // Several rows can have the same value if the key is composite.
    let mut seen = std::collections::HashSet::new();
    cloned.retain(|key| seen.insert(key.clone()));
    let mut pending = Vec::new();
    for key in cloned {
        match key {
            // The id of a resource that is not cloned: the column refers to it.
            Key::Uuid(id)
                if column.role == ColumnRole::NewUuid && matches!(run.ids.get(&id), Mapped::NotCloned) => {}
            Key::Uuid(id) if !matches!(column.role, ColumnRole::Keep | ColumnRole::Expression(_)) => {
                run.ids_mut()?.insert_cloned(id).map_err(over_budget)?;
            }
            Key::Uuid(_) if column.role == ColumnRole::Keep => {}
            other => pending.push(other),
        }
    }
    new_keys(run, table, &column.name, pending)?;
    not_cloned
        .iter()
        .try_for_each(|key| run.mark_key_not_cloned(key, own))
}
