//! Dependencies: resources that are included because a selected one needs them, such as a bot's code and membership.

use super::choose::Choice;
use super::new_keys::new_keys;
use super::resources::for_each_resource;
use super::take;
use crate::pg::query::for_each_row;
use crate::run::keys::{Key, NewKey};
use crate::run::state::Run;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Dependency, KeyKind, Oid, SourceQuery, Store, Table, TableRole, quote};
use pg_clone_core::scan;
use std::collections::{HashMap, HashSet};

/// Resources that may be included, and those with dependencies. Empty if the call has no filter: then everything
/// is cloned.
pub struct Candidates {
    dependencies: Vec<Dependency>,
    skipped: HashMap<String, HashSet<Key>>,
    chosen: HashMap<String, HashSet<Key>>,
}

impl Candidates {
    /// The dependencies of a store, if the call is filtered.
    pub fn new(store: &Store, filtered: bool) -> Self {
        let dependencies = if filtered {
            store.dependencies.clone()
        } else {
            Vec::new()
        };
        let skipped = dependencies
            .iter()
            .map(|b| (b.includes_type.clone(), HashSet::new()))
            .collect();
        let chosen = dependencies
            .iter()
            .filter(|b| !b.via_column.is_empty())
            .map(|b| (b.resource_type.clone(), HashSet::new()))
            .collect();
        Candidates {
            dependencies,
            skipped,
            chosen,
        }
    }

    /// Records a resource if it may be included or has dependencies.
    pub fn saw(&mut self, resource_type: &str, key: &Key, choice: Choice) {
        let group = match choice {
            Choice::Cloned => self.chosen.get_mut(resource_type),
            Choice::Skipped => self.skipped.get_mut(resource_type),
            Choice::Excluded => None,
        };
        if let Some(group) = group {
            group.insert(key.clone());
        }
    }

    fn open(&self, includes_type: &str) -> bool {
        self.skipped
            .get(includes_type)
            .is_some_and(|skipped| !skipped.is_empty())
    }
}

/// Includes the dependencies of the chosen resources, and theirs, until nothing is added.
pub fn include(
    run: &mut Run,
    tables: &[Table],
    filled: &HashSet<Oid>,
    candidates: &mut Candidates,
) -> Result<()> {
    loop {
        let mut added: HashMap<String, HashSet<Key>> = HashMap::new();
        for dependency in candidates.dependencies.clone() {
            if !candidates.open(&dependency.includes_type) {
                continue;
            }
            let found = if dependency.via_column.is_empty() {
                named_by_documents(run, tables, filled, candidates, &dependency)?
            } else {
                naming_chosen(run, tables, filled, candidates, &dependency)?
            };
            added.entry(dependency.includes_type).or_default().extend(found);
        }
        added.retain(|_, keys| !keys.is_empty());
        if added.is_empty() {
            return Ok(());
        }
        for table in tables.iter().filter(|t| t.role == TableRole::Resource) {
            if table
                .resource_type
                .as_ref()
                .is_some_and(|name| !added.contains_key(name))
            {
                continue;
            }
            let mut pending = Vec::new();
            for_each_resource(run, table, filled, &mut |run, seen| {
                let brought = added
                    .get(seen.resource_type)
                    .is_some_and(|keys| keys.contains(&seen.key));
                if brought {
                    take(run, table, seen.key, &mut pending)?;
                }
                Ok(brought)
            })?;
            if let Some(column) = &table.id_column {
                new_keys(run, table, column, pending)?;
            }
        }
        for (name, keys) in added {
            for key in keys {
                if let Some(skipped) = candidates.skipped.get_mut(&name) {
                    skipped.remove(&key);
                }
                candidates.saw(&name, &key, Choice::Cloned);
            }
        }
    }
}

/// Excluded resources of the dependency's type that documents of chosen resources reference.
fn named_by_documents(
    run: &Run,
    tables: &[Table],
    filled: &HashSet<Oid>,
    candidates: &Candidates,
    dependency: &Dependency,
) -> Result<HashSet<Key>> {
    let mut found = HashSet::new();
    let Some(skipped) = candidates.skipped.get(&dependency.includes_type) else {
        return Ok(found);
    };
    for table in tables
        .iter()
        .filter(|t| t.role == TableRole::Resource && run.active.contains(&t.oid))
    {
        let (Some(id), Some(document)) = (&table.id_column, &table.document_column) else {
            continue;
        };
        if dependency.resource_type != "*"
            && table
                .resource_type
                .as_ref()
                .is_some_and(|t| *t != dependency.resource_type)
        {
            continue;
        }
        let Some(sql) = plan::source_of_ids(
            &run.store,
            table,
            &run.source,
            filled,
            std::slice::from_ref(document),
        )?
        else {
            continue;
        };
        let id_type = table.type_of(id);
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            let Some(key) = Key::read(row, 0, KeyKind::of(id_type), id_type)? else {
                return Ok(());
            };
            if !matches!(run.new_key(&key, &[table.oid]), NewKey::To(_)) {
                return Ok(());
            }
            if dependency.resource_type != "*"
                && row
                    .text(1)?
                    .is_some_and(|row_type| row_type != dependency.resource_type.as_str())
            {
                return Ok(());
            }
            let bytes = row.bytes(3).unwrap_or_default();
            found.extend(
                scan::uuids(bytes)
                    .map(|(_, id)| Key::Uuid(id))
                    .filter(|key| skipped.contains(key)),
            );
            Ok(())
        })?;
    }
    Ok(found)
}

/// Excluded resources of the dependency's type whose column references a chosen resource.
fn naming_chosen(
    run: &Run,
    tables: &[Table],
    filled: &HashSet<Oid>,
    candidates: &Candidates,
    dependency: &Dependency,
) -> Result<HashSet<Key>> {
    let mut found = HashSet::new();
    let (Some(skipped), Some(chosen)) = (
        candidates.skipped.get(&dependency.includes_type),
        candidates.chosen.get(&dependency.resource_type),
    ) else {
        return Ok(found);
    };
    if chosen.is_empty() {
        return Ok(found);
    }
    for table in tables
        .iter()
        .filter(|t| t.role == TableRole::Resource && !t.empty)
    {
        if table
            .resource_type
            .as_ref()
            .is_some_and(|t| *t != dependency.includes_type)
        {
            continue;
        }
        let (Some(id), Some(_)) = (&table.id_column, table.column(&dependency.via_column)) else {
            continue;
        };
        let Some(belongs) = plan::condition(&run.store, table, &run.source, filled, false)? else {
            continue;
        };
        let id_type = table.type_of(id);
        let columns = format!(
            "t.{}, {}",
            quote::identifier(id),
            table.text_of("t", &dependency.via_column)
        );
        let sql = SourceQuery::over(table.source_name())
            .filter(belongs)
            .select(&columns);
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            let Some(key) = Key::read(row, 0, KeyKind::of(id_type), id_type)? else {
                return Ok(());
            };
            let named = row.bytes(1).unwrap_or_default();
            if skipped.contains(&key) && scan::uuids(named).any(|(_, id)| chosen.contains(&Key::Uuid(id))) {
                found.insert(key);
            }
            Ok(())
        })?;
    }
    Ok(found)
}
