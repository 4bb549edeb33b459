//! The map stage for rows that are not resources: derived rows with keys of their own, and all versions under full history.

use super::new_keys::{is_sorted_first, new_keys};
use crate::pg::query::for_each_row;
use crate::run::keys::{Key, NewKey};
use crate::run::state::{Run, over_budget};
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::uuid_text;
use pg_clone_core::plan::{
    self, Column, ColumnRole, KeyKind, Oid, SourceQuery, Store, Table, TableRole, quote,
};
use std::collections::HashSet;

/// The tables whose keys are mapped before those of a resource or child: of the keys that its own are made of, else the one whose keys it has.
pub fn awaited(store: &Store, table: &Table) -> Vec<Oid> {
    let made = made_of(table);
    if made.is_empty() {
        vec![store.key_holder(table)]
    } else {
        made
    }
}

/// The tables of the keys that those of a table are made of.
fn made_of(table: &Table) -> Vec<Oid> {
    let Some(id) = table
        .id_column
        .as_deref()
        .filter(|id| table.makes_key_of_others(id))
    else {
        return Vec::new();
    };
    let references = table.keys.references.iter();
    references
        .filter(|reference| reference.column == id && reference.target != table.oid)
        .map(|reference| reference.target)
        .collect()
}

/// Maps keys of derived rows that other rows reference. `sharing` are tables whose rows have the keys of derived rows, or keys that are made of
/// these; `share` takes one when these are mapped. Joins that form a cycle are an error (55000).
pub fn map_children<'t>(
    run: &mut Run,
    tables: &'t [Table],
    mut sharing: Vec<&'t Table>,
    share: &mut dyn FnMut(&mut Run, &Table) -> Result<()>,
) -> Result<()> {
    let order = plan::insertion_order(&run.store);
    let mut children: Vec<&Table> = tables
        .iter()
        .filter(|t| t.role == TableRole::Derived && !t.empty)
        .collect();
    children.sort_by_key(|t| order.iter().position(|oid| *oid == t.oid));
    // A child of a child needs its parent's keys first.
    let mut waiting = children;
    loop {
        let unmapped: HashSet<Oid> = waiting.iter().map(|t| t.oid).collect();
        let (wait, shared): (Vec<&Table>, Vec<&Table>) = sharing
            .into_iter()
            .partition(|t| awaited(&run.store, t).iter().any(|oid| unmapped.contains(oid)));
        sharing = wait;
        for table in shared {
            share(run, table)?;
        }
        if waiting.is_empty() {
            return Ok(());
        }
        let blocked: HashSet<Oid> = unmapped
            .into_iter()
            .chain(sharing.iter().map(|t| t.oid))
            .collect();
        let (mut ready, mut later): (Vec<&Table>, Vec<&Table>) = waiting.iter().copied().partition(|t| {
            t.ways(&run.store)
                .iter()
                .all(|way| way.parent == t.oid || !blocked.contains(&way.parent))
        });
        // Keys that are made of others come after these.
        let (made, plain): (Vec<&Table>, Vec<&Table>) = ready
            .iter()
            .copied()
            .partition(|t| made_of(t).iter().any(|oid| blocked.contains(oid)));
        if !plain.is_empty() {
            ready = plain;
            later.extend(made);
        }
        if ready.is_empty() {
            return Err(in_a_cycle(run, &waiting));
        }
        for table in ready {
            map_child(run, table)?;
            super::further_keys::map(run, table)?;
        }
        waiting = later;
    }
}

fn in_a_cycle(run: &Run, waiting: &[&Table]) -> Error {
    let mut names: Vec<&str> = waiting.iter().map(|table| table.sql_name.as_str()).collect();
    names.sort_unstable();
    Error::new(
        Code::StoreChanged,
        format!(
            "rows of these tables belong through rows of one another, in a cycle: {}",
            names.join(", ")
        ),
    )
    .hint(format!(
        "Let the rows of one of them belong in another way, such as by a tenant column: SELECT clone.store_table({}, {}, 'derived', …).",
        quote::literal(&run.store.name),
        quote::literal(names.first().copied().unwrap_or_default())
    ))
}

fn map_child(run: &mut Run, table: &Table) -> Result<()> {
    // References to rows that are not cloned dangle.
    let skipped = !table.takes_part(&run.request.resource_types);
    if skipped && !run.store.follows_constraints() {
        return Ok(());
    }
    let ways = table.ways(&run.store);
    if ways.is_empty()
        || table.project_column.is_some()
        || ways.iter().any(|way| run.active.contains(&way.parent))
    {
        if !skipped {
            run.active.insert(table.oid);
        }
    } else {
        return Ok(());
    }
    check_not_filtered(run, table)?;
    let Some(id_column) = table.id_column.as_deref() else {
        return Ok(());
    };
    let role = table.column(id_column).map(|c| c.role.clone());
    if !run.texts_by_key() && !matches!(role, Some(ColumnRole::Map(_) | ColumnRole::Key)) {
        return Ok(());
    }
    // A row with its parent's key (one to one) gets the parent's new key.
    let own = table.key_ref(id_column);
    if own.is_none()
        || table.holds(id_column).is_some_and(|holds| Some(holds) != own)
        || !run.texts_by_key() && table.join_column.as_deref() == Some(id_column)
    {
        return Ok(());
    }
    // Rows through which these belong can have brought their keys.
    let brought = run.store.tables.iter().any(|other| {
        other.oid != table.oid
            && run.store.id_key(other.oid) == own
            && run.store.belongs_through(table.oid, other.oid)
    });
    let filled = run.active.clone();
    let Some(copy) = plan::child_keys(&run.store, table, &run.source, &filled)? else {
        return Ok(());
    };
    let id_type = table.type_of(id_column);
    let mut pending = Vec::new();
    let mut not_cloned = Vec::new();
    for_each_row(&copy.sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let Some(key) = Key::read(row, copy.place, KeyKind::of(id_type), id_type)? else {
            return Ok(());
        };
        let passes = match &copy.filter {
            Some(filter) => run.key_of_cloned_row(table.oid, row, filter)?.is_some(),
            None => true,
        };
        if skipped || !passes {
            not_cloned.push(key);
            return Ok(());
        }
        if brought && matches!(run.new_key(&key, &[table.oid]), NewKey::To(_)) {
            return Ok(());
        }
        match &key {
            Key::Uuid(id) if !is_sorted_first(run, id) => {
                run.ids_mut()?.insert_cloned(*id).map(|_| ()).map_err(over_budget)
            }
            _ => {
                pending.push(key);
                Ok(())
            }
        }
    })?;
    new_keys(run, table, id_column, pending)?;
    not_cloned
        .iter()
        .try_for_each(|key| run.mark_key_not_cloned(key, own))
}

/// Raises 0A000 if filters of the call could leave out a row through which another row of the same table belongs.
fn check_not_filtered(run: &Run, table: &Table) -> Result<()> {
    if table.keys.within.is_empty() || !run.request.filtered() || table.ways(&run.store).is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Code::Unsupported,
        format!(
            "rows of {} belong to the project through other rows of the table, which the filters of this call do not follow",
            table.sql_name
        ),
    )
    .hint("Clone the whole project: leave out resource_types, include_ids and exclude_ids."))
}

/// With full history every version of a cloned resource gets new ids: a version id, and the keys with the role `new_uuid`.
pub fn map_versions(run: &mut Run, tables: &[Table]) -> Result<()> {
    for table in tables.iter().filter(|t| t.role == TableRole::History && !t.empty) {
        let ids = |column: &&Column| {
            column.role == ColumnRole::Version
                || column.role == ColumnRole::NewUuid && column.keys.holds.is_some()
        };
        let columns: Vec<&Column> = table.columns.iter().filter(ids).collect();
        let Some(join) = table.join_column.as_deref().filter(|_| !columns.is_empty()) else {
            continue;
        };
        if !table.parents.iter().any(|parent| run.active.contains(parent)) {
            continue;
        }
        let active = run.active.clone();
        let Some(belongs) = plan::condition(&run.store, table, &run.source, &active, true)? else {
            continue;
        };
        let join_type = table.type_of(join).to_owned();
        let mut selected = vec![format!("t.{}", quote::identifier(join))];
        selected.extend(columns.iter().map(|column| table.text_of("t", &column.name)));
        let sql = SourceQuery::over(table.source_name())
            .filter(belongs)
            .select(&selected.join(", "));
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            let Some(parent) = Key::read(row, 0, KeyKind::of(&join_type), &join_type)? else {
                return Ok(());
            };
            if !matches!(run.new_key(&parent, &table.parents), NewKey::To(_)) {
                return Ok(());
            }
            for place in 1..=columns.len() {
                if let Some(id) = row
                    .text(place)?
                    .and_then(|text| uuid_text::parse_slice(text.as_bytes()))
                {
                    run.ids_mut()?.insert_cloned(id).map_err(over_budget)?;
                }
            }
            Ok(())
        })?;
    }
    Ok(())
}
