//! Rows that were added to a clone and are kept by a refresh, such as a tester's membership.

use super::preserved_ids::{Identities, PreservedType, for_each_document};
use crate::error::internal;
use crate::lifecycle::ids::{Ids, table_of_keys};
use crate::pg::query::snapshot::Snapshot;
use crate::pg::session::settings_guard::ReadingSettings;
use crate::run::keys::Key;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::uuid_text;
use pg_clone_core::plan::{self, Oid, SourceQuery, Store, Table, TableRole, quote};
use pg_clone_core::scan;
use std::collections::{HashMap, HashSet};

/// The old clone, seen from the new one.
pub struct OldClone<'a> {
    /// Its store.
    pub store: &'a Store,
    /// Its project.
    pub project: &'a str,
    /// Tables that hold rows.
    pub filled: &'a HashSet<Oid>,
    /// The preserved types.
    pub types: &'a [PreservedType],
    /// Ids that its run gave to preserved resources.
    pub given: &'a Ids,
    /// Those of them that the new clone uses again.
    pub given_again: &'a Ids,
    /// The ids of the new clone.
    pub new: &'a Identities,
}

/// Rows of the old clone that are kept, and those that are deleted without a successor.
#[derive(Default)]
pub struct ManualRows {
    /// Kept resources, by table.
    pub keys: HashMap<Oid, Vec<Key>>,
    /// Stable resources that have no counterpart in the new clone: type and id.
    pub lost: Vec<(String, String)>,
}

/// Refuses (23503) rows that are kept while the project that they refer to by a foreign key is deleted and inserted again.
pub fn check_can_stay(store: &Store, kept: &HashMap<Oid, Vec<Key>>) -> Result<()> {
    const SHOWN: usize = 20;
    let project = store.project_table()?;
    for table in &store.tables {
        let Some(keys) = kept.get(&table.oid) else {
            continue;
        };
        if keys.is_empty() || !table.references.contains(&project.oid) {
            continue;
        }
        let were = if keys.len() == 1 { "row of" } else { "rows of" };
        let named: Vec<String> = keys.iter().take(SHOWN).map(Key::to_text).collect();
        return Err(Error::new(
            Code::Dangling,
            format!(
                "{} {were} {}, added to the clone, cannot stay: the table has a foreign key to {}",
                keys.len(),
                table.sql_name,
                project.sql_name
            ),
        )
        .detail(format!("Their keys: {}.", named.join(", ")))
        .hint(format!(
            "Delete the rows first, or let the refresh delete them: SELECT clone.preserve_ids({}, '<resource type>', keep_added => false).",
            quote::literal(&store.name)
        )));
    }
    Ok(())
}

/// A resource added by hand.
struct Added {
    table: Oid,
    /// The table, if its key is unique only in it.
    keys_of: Option<Oid>,
    key: Key,
    resource_type: String,
    needed: Option<String>,
    names: Vec<String>,
}

impl OldClone<'_> {
    /// Determines the kept rows.
    pub fn manual_rows(&self) -> Result<ManualRows> {
        let mut manual = ManualRows::default();
        // A run from before the types were declared as preserved recorded no ids: added rows cannot be identified.
        if self.types.is_empty() || self.given.is_empty() {
            return Ok(manual);
        }
        let snapshot = Snapshot::latest();
        snapshot.within(|| {
            let _settings = ReadingSettings::new();
            let added = self.added(&mut manual.lost)?;
            let by_hand: Ids = added
                .iter()
                .map(|added| (added.keys_of, added.key.to_text()))
                .collect();
            let named: HashSet<&String> = added
                .iter()
                .flat_map(|added| &added.names)
                .filter(|id| !self.given.has_in(None, id) && !by_hand.has_in(None, id))
                .collect();
            let companions = self.rows_with_ids(&named, true)?;
            let companion_ids: HashSet<String> = companions.iter().map(|(_, key)| key.to_text()).collect();
            let mut wanted = HashSet::new();
            for added in added {
                let stays = match &added.needed {
                    None => true,
                    Some(needed) => {
                        let doubled = self
                            .new
                            .named
                            .get(&added.resource_type)
                            .is_some_and(|named| named.contains(needed));
                        !doubled
                            && (by_hand.has_anywhere(needed)
                                || companion_ids.contains(needed)
                                || self.given_again.has_anywhere(needed)
                                || !self.rows_with_ids(&HashSet::from([needed]), false)?.is_empty())
                    }
                };
                if stays {
                    wanted.extend(added.names);
                    manual.keys.entry(added.table).or_default().push(added.key);
                }
            }
            for (table, key) in companions {
                if wanted.contains(&key.to_text()) {
                    manual.keys.entry(table).or_default().push(key);
                }
            }
            Ok(manual)
        })
    }

    /// Resources that no run made, of types whose added resources are kept; records those that a run made and the new one does not.
    fn added(&self, lost: &mut Vec<(String, String)>) -> Result<Vec<Added>> {
        let mut found = Vec::new();
        for table in self.resource_tables() {
            let types: Vec<&PreservedType> = self
                .types
                .iter()
                .filter(|preserved| table.may_hold(&preserved.resource_type))
                .collect();
            let Some(belongs) = plan::condition(self.store, table, self.project, self.filled, true)? else {
                continue;
            };
            if types.is_empty() {
                continue;
            }
            for_each_document(table, &types, &belongs, &mut |document| {
                let id = document.key.to_text();
                if self.given.has(self.store, table, &id) {
                    if !self.given_again.has(self.store, table, &id) {
                        lost.push((document.preserved.resource_type.clone(), id));
                    }
                } else if document.preserved.keep_added {
                    found.push(Added {
                        table: table.oid,
                        keys_of: table_of_keys(self.store, table),
                        resource_type: document.preserved.resource_type.clone(),
                        needed: document.needed(),
                        names: scan::uuids(document.bytes)
                            .map(|(_, id)| uuid_text::to_string(&id))
                            .filter(|name| *name != id)
                            .collect(),
                        key: document.key,
                    });
                }
            })?;
        }
        Ok(found)
    }

    fn resource_tables(&self) -> impl Iterator<Item = &Table> {
        self.store
            .tables
            .iter()
            .filter(|t| t.role == TableRole::Resource && self.filled.contains(&t.oid))
    }

    /// Live resources with these ids, in the old clone or outside of it.
    fn rows_with_ids(&self, ids: &HashSet<&String>, inside: bool) -> Result<Vec<(Oid, Key)>> {
        let mut found = Vec::new();
        if ids.is_empty() {
            return Ok(found);
        }
        for table in self.resource_tables() {
            let Some(id) = &table.id_column else { continue };
            if !matches!(table.type_of(id), "uuid" | "text") {
                continue;
            }
            let Some(belongs) = plan::condition(self.store, table, self.project, self.filled, true)? else {
                continue;
            };
            let column = quote::identifier(id);
            let rows = pgrx::Spi::get_one::<Vec<String>>(
                &SourceQuery::over(&table.sql_name)
                    .any_of(table, id, ids)
                    .filter(format!("({belongs}) IS {} TRUE", if inside { "" } else { "NOT" }))
                    .filter(table.live.as_deref().unwrap_or("true"))
                    .select(&format!("pg_catalog.array_agg(t.{column}::pg_catalog.text)")),
            )
            .map_err(internal)?;
            found.extend(
                rows.unwrap_or_default()
                    .iter()
                    .map(|id| (table.oid, Key::parse(id))),
            );
        }
        Ok(found)
    }
}
