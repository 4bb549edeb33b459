//! The map stage: one pass over the source's ids; every selected resource gets its new id.

use super::keys::{Key, NewKey};
use super::map::children::{map_children, map_versions};
use super::map::choose::{Choice, Chooser, check_known};
use super::map::dependencies::Candidates;
use super::map::new_keys::{is_sorted_first, new_keys};
use super::map::resources::for_each_resource;
use super::state::{Run, over_budget};
use crate::pg::query::exists;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, Oid, SourceQuery, Store, Table, TableRole, quote};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Gives the selected resources and the rows that belong to them new keys. [`versions_and_copies`] follows, when they have been checked.
pub fn resources_and_children(run: &mut Run) -> Result<Chooser> {
    let chooser = Chooser::new(&run.store, &run.request)?;
    let run_store = run.store.clone();
    let tables = run.store.tables.clone();
    let filled = filled(run);
    let mut candidates = Candidates::new(&run.store, run.request.filtered());
    for table in tables.iter().filter(|t| t.role == TableRole::Project) {
        map_resources(run, table, &filled, &chooser, &mut candidates)?;
    }
    // A table that shares the key of another comes after that one.
    let own_key = |table: &&Table| run_key_is_own(&run_store, table);
    let (own, of_others): (Vec<&Table>, Vec<&Table>) = tables
        .iter()
        .filter(|t| t.role == TableRole::Resource)
        .partition(own_key);
    // Keys that are made of others come after these.
    let makes_keys = |table: &&Table| {
        let id = table.id_column.as_deref();
        id.is_some_and(|id| table.makes_key_of_others(id))
    };
    let (made, plain): (Vec<&Table>, Vec<&Table>) = own.into_iter().partition(makes_keys);
    // Rows of derived tables get their keys later.
    let is_derived = |oid: Oid| {
        run_store
            .table(oid)
            .is_some_and(|table| table.role == TableRole::Derived)
    };
    let (made_later, made): (Vec<&Table>, Vec<&Table>) = made
        .into_iter()
        .partition(|table| children::awaited(&run_store, table).into_iter().any(is_derived));
    for table in plain.into_iter().chain(made) {
        map_resources(run, table, &filled, &chooser, &mut candidates)?;
    }
    let (later, now): (Vec<&Table>, Vec<&Table>) = of_others
        .into_iter()
        .partition(|table| is_derived(run_store.key_holder(table)));
    for table in now {
        share_keys(run, table, &filled, &chooser)?;
    }
    check_types_of_rows(run)?;
    check_parents_chosen(run, &tables)?;
    super::map::dependencies::include(run, &tables, &filled, &mut candidates)?;
    for table in tables
        .iter()
        .filter(|t| matches!(t.role, TableRole::Project | TableRole::Resource))
        .filter(|t| made_later.iter().all(|made| made.oid != t.oid))
    {
        super::map::further_keys::map(run, table)?;
    }
    let made_of_children: HashSet<Oid> = made_later.iter().map(|table| table.oid).collect();
    let later = later.into_iter().chain(made_later).collect();
    map_children(run, &tables, later, &mut |run, table| {
        if !made_of_children.contains(&table.oid) {
            return share_keys(run, table, &filled, &chooser);
        }
        map_resources(run, table, &filled, &chooser, &mut candidates)?;
        super::map::further_keys::map(run, table)
    })?;
    Ok(chooser)
}

/// Gives the versions new ids, then plans the copy of every table.
pub fn versions_and_copies(run: &mut Run, chooser: &Chooser) -> Result<()> {
    if run.request.options.history.is_complete() {
        let tables = run.store.tables.clone();
        map_versions(run, &tables)?;
    }
    let filled: Vec<Oid> = filled(run).into_iter().collect();
    for key in chooser.unmatched(|key| !matches!(run.new_key(key, &filled), NewKey::Unknown)) {
        crate::pg::session::notice::notice(
            &format!(
                "include_ids names \"{}\", which is no resource of this project",
                key.to_text()
            ),
            "",
        );
    }
    let order = plan::insertion_order(&run.store);
    for oid in order {
        let Some(table) = run.store.table(oid) else {
            continue;
        };
        if !table.takes_part(&run.request.resource_types) {
            continue;
        }
        let table_copy = plan::table_copy(
            &run.store,
            table,
            &run.source,
            &run.active,
            run.request.options.history,
        )?;
        run.table_copies.extend(table_copy);
    }
    Ok(())
}

/// The tables that have rows.
fn filled(run: &Run) -> HashSet<Oid> {
    let with_rows = run.store.tables.iter().filter(|table| !table.empty);
    with_rows.map(|table| table.oid).collect()
}

fn map_resources(
    run: &mut Run,
    table: &Table,
    filled: &HashSet<Oid>,
    chooser: &Chooser,
    candidates: &mut Candidates,
) -> Result<()> {
    let mut pending = Vec::new();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for_each_resource(run, table, filled, &mut |run, seen| {
        match counts.get_mut(seen.resource_type) {
            Some(count) => *count += 1,
            None => {
                counts.insert(seen.resource_type.to_owned(), 1);
            }
        }
        let choice = chooser.choose(table, seen.resource_type, &seen.key, seen.live);
        candidates.saw(seen.resource_type, &seen.key, choice);
        if choice != Choice::Cloned {
            run.mark_not_cloned(&seen.key, table.oid)?;
            return Ok(false);
        }
        take(run, table, seen.key, &mut pending)?;
        Ok(true)
    })?;
    run.source_rows
        .extend(counts.into_iter().map(|(name, count)| ((table.oid, name), count)));
    // The row of another table that has the key belongs through this one: its sequence or default gives the new key.
    let holder = run
        .store
        .id_key(table.oid)
        .and_then(|key| run.store.column_of(key));
    let holder = holder.map(|(holder, column)| (holder.clone(), column.name.clone()));
    match (holder, &table.id_column) {
        (Some((holder, column)), _) => new_keys(run, &holder, &column, pending),
        (None, Some(column)) => new_keys(run, table, column, pending),
        (None, None) => Ok(()),
    }
}

/// Raises 22023 for resources that belong through a parent that the filters exclude.
fn check_parents_chosen(run: &Run, tables: &[Table]) -> Result<()> {
    if !run.store.follows_constraints() {
        return Ok(());
    }
    for table in tables {
        let left_out = |oid: &Oid| !run.active.contains(oid);
        let parents: Vec<Oid> = table.ways(&run.store).iter().map(|way| way.parent).collect();
        if table.role != TableRole::Resource
            || table.project_column.is_some()
            || !run.active.contains(&table.oid)
            || parents.is_empty()
            || !parents.iter().all(left_out)
            || parents.iter().any(|oid| {
                run.store
                    .table(*oid)
                    .is_some_and(|t| t.role != TableRole::Resource)
            })
        {
            continue;
        }
        let needed: Vec<String> = parents
            .iter()
            .filter_map(|oid| run.store.table(*oid))
            .map(|t| t.resource_type.clone().unwrap_or_else(|| t.sql_name.clone()))
            .collect();
        return Err(Error::bad_argument(format!(
            "rows of {} belong to the project through {}, of which the filters select no row",
            table.sql_name,
            needed.join(" or ")
        ))
        .hint("Add that type to resource_types."));
    }
    Ok(())
}

/// Whether the rows of a table bring their key: it is no other table's, or the rows that have it belong through these (profiles of users).
fn run_key_is_own(store: &Store, table: &Table) -> bool {
    let holder = store.key_holder(table);
    holder == table.oid || store.belongs_through(holder, table.oid)
}

/// Resources that share the key of another table's row (one to one): they are cloned if they are selected and that row is
/// cloned.
fn share_keys(run: &mut Run, table: &Table, filled: &HashSet<Oid>, chooser: &Chooser) -> Result<()> {
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    for_each_resource(run, table, filled, &mut |run, seen| {
        *counts.entry(seen.resource_type.to_owned()).or_default() += 1;
        let chosen = chooser.choose(table, seen.resource_type, &seen.key, seen.live) == Choice::Cloned;
        let new = run.new_key(&seen.key, &[table.oid]);
        if chosen && new == NewKey::Unknown && run.store.follows_constraints() {
            return Err(key_not_cloned(&run.store, table, &seen.key));
        }
        let cloned = chosen && matches!(new, NewKey::To(_));
        if cloned {
            run.active.insert(table.oid);
        } else {
            run.skipped_rows.insert((table.oid, seen.key));
        }
        Ok(cloned)
    })?;
    run.source_rows
        .extend(counts.into_iter().map(|(name, count)| ((table.oid, name), count)));
    Ok(())
}

/// The error (55000) for a row that would be lost without the row whose key it has.
fn key_not_cloned(store: &Store, table: &Table, key: &Key) -> Error {
    let holder = store
        .table(store.key_holder(table))
        .map_or("", |holder| holder.sql_name.as_str());
    Error::new(
        Code::StoreChanged,
        format!(
            "a row of {} belongs to the project, but the row of {holder} with its key \"{}\" does not",
            table.sql_name,
            key.to_text()
        ),
    )
    .hint("Check to which projects both belong, and how: clone.store_relation and clone.store_membership.")
}

/// Refuses (55000) a text key that is a UUID in a column that is given its values in another way: its references are found as those of a UUID,
/// which has a UUID in the clone.
fn check_new_uuid(run: &Run, table: &Table, key: &Key) -> Result<()> {
    let options = &run.request.options;
    let given = options.keep_ids || table.role == TableRole::Project && options.target.is_some();
    let (Key::Uuid(_), true, false) = (key, run.store.follows_constraints(), given) else {
        return Ok(());
    };
    let id = table.id_column.as_deref().and_then(|id| table.column(id));
    let Some(column) = id.filter(|id| id.role.gives_values()) else {
        return Ok(());
    };
    Err(Error::new(
        Code::StoreChanged,
        format!(
            "key \"{}\" of {} is a UUID, which the role {} of column {} does not give a new value",
            key.to_text(),
            table.sql_name,
            column.role.word(),
            column.name
        ),
    )
    .detail("A UUID is found wherever it stands, also in texts, and has a new UUID in a clone.")
    .hint(format!(
        "SELECT clone.store_column({}, {}, {}, 'map');",
        quote::literal(&run.store.name),
        quote::literal(&table.sql_name),
        quote::literal(&column.name)
    )))
}

/// Marks a resource as cloned; keys that are not UUIDs, or are sorted first, are added to `pending` and get new ones later.
pub fn take(run: &mut Run, table: &Table, key: Key, pending: &mut Vec<Key>) -> Result<()> {
    run.active.insert(table.oid);
    check_new_uuid(run, table, &key)?;
    match &key {
        Key::Uuid(id) if table.keeps_id() => {
            run.ids_mut()?.insert_as(*id, *id).map_err(over_budget)?;
        }
        Key::Uuid(id) if !is_sorted_first(run, id) => {
            run.ids_mut()?.insert_cloned(*id).map_err(over_budget)?;
        }
        _ => pending.push(key),
    }
    Ok(())
}

/// Raises 22023 for a type that no resource of the store has, if types are in a type column.
fn check_types_of_rows(run: &Run) -> Result<()> {
    let typed: Vec<&Table> = run
        .store
        .tables
        .iter()
        .filter(|t| t.role == TableRole::Resource && t.type_column.is_some())
        .collect();
    if typed.is_empty() {
        return Ok(());
    }
    let mut known: BTreeSet<String> = super::map::choose::fixed_types(&run.store);
    known.extend(
        run.source_rows
            .keys()
            .map(|(_, name)| name.clone())
            .filter(|name| !name.is_empty()),
    );
    for wanted in run
        .request
        .resource_types
        .iter()
        .filter(|name| !known.contains(*name))
        .cloned()
        .collect::<Vec<_>>()
    {
        for table in &typed {
            let Some(column) = &table.type_column else {
                continue;
            };
            // Only for a type that this project does not have: a resource of another project proves that it exists.
            let of_type = format!(
                "{} OPERATOR(pg_catalog.=) {}",
                table.text_of("t", column),
                quote::literal(&wanted)
            );
            if exists(&SourceQuery::over(table.source_name()).filter(of_type))? {
                known.insert(wanted.clone());
            }
        }
    }
    check_known(&run.request.resource_types, &known)
}

mod children;
mod choose;
mod dependencies;
mod expression_keys;
pub mod fresh_texts;
mod further_keys;
pub mod large_object_copies;
mod letters;
mod made_of_keys;
pub mod new_keys;
pub mod orphans;
mod resources;
pub mod sequences;
mod versions;
