//! Resources that keep their ids in a refresh.

use crate::error::internal;
use crate::lifecycle::ids::{Ids, table_of_keys};
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query::row::Row;
use crate::pg::query::snapshot::{Snapshot, within_current};
use crate::pg::query::{self, for_each_row, text};
use crate::pg::session::settings_guard::ReadingSettings;
use crate::records::runs;
use crate::run::file_rows::FileRows;
use crate::run::keys::{Key, NewKey, in_form_of_key};
use crate::run::plan::call_values::source_key;
use crate::run::state::Run;
use pg_clone_core::edit::member;
use pg_clone_core::error::{Code, Error, Result, shown};
use pg_clone_core::ids::{Mapped, uuid_text};
use pg_clone_core::plan::{
    self, ColumnRole, FileKey, KeyKind, Oid, SourceQuery, Store, Table, TableRole, quote,
};
use pg_clone_core::{jsonb, scan};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// A row of clone.store_preserved.
#[derive(Debug, Clone, Deserialize)]
pub struct PreservedType {
    /// The type.
    pub resource_type: String,
    /// Resources that were added to a clone are kept.
    pub keep_added: bool,
    /// Path to a reference whose target must still exist.
    pub needs: Option<Vec<String>>,
}

/// The preserved types of a store.
pub fn types(store: &str) -> Result<Vec<PreservedType>> {
    let _owner = AsExtensionOwner::new();
    let found = Snapshot::newest().within(|| {
        query::text(&format!(
            "SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(s))::pg_catalog.text FROM clone.store_preserved s WHERE s.store OPERATOR(pg_catalog.=) {}",
            quote::literal(store)
        ))
    })?;
    found.map_or(Ok(Vec::new()), |rows: String| {
        serde_json::from_str(&rows).map_err(internal)
    })
}

/// An id of the source and its id in the clone. Integer keys are unique in their table only.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// The table of an integer key.
    pub table: Option<Oid>,
    /// In the source.
    pub source: String,
    /// In the clone.
    pub target: String,
}

/// The ids of a run's preserved resources.
#[derive(Default)]
pub struct Identities {
    /// The ids.
    pub pairs: HashSet<Identity>,
    /// By type: the targets of references at the path `needs`, as ids in the clone.
    pub named: HashMap<String, HashSet<String>>,
}

impl Identities {
    /// The ids of a run after the map stage: the project, cloned resources of the preserved types, and the cloned resources that
    /// their documents reference.
    pub fn of(run: &Run, types: &[PreservedType]) -> Result<Self> {
        let mut found = Identities::default();
        if types.is_empty() {
            return Ok(found);
        }
        let project = run.store.project_table()?;
        found.pairs.insert(Identity {
            table: table_of_keys(&run.store, project),
            source: source_key(run)?.to_text(),
            target: run.target.clone(),
        });
        run.snapshot.within(|| {
            let _settings = ReadingSettings::new();
            let excluded = resources_with_one_key(run)?;
            for table in run
                .store
                .tables
                .iter()
                .filter(|t| t.role == TableRole::Resource && run.active.contains(&t.oid))
            {
                let of_table: Vec<&PreservedType> = types
                    .iter()
                    .filter(|preserved| table.may_hold(&preserved.resource_type))
                    .collect();
                if !of_table.is_empty() {
                    found.add(run, table, &of_table)?;
                }
            }
            found
                .pairs
                .retain(|pair| !excluded.has_in(pair.table, &pair.source));
            found.add_versions(run)
        })?;
        Ok(found)
    }

    /// Versions of resources whose file has the version in its key: if the source's resource has not changed, the
    /// next clone uses the same version, and the file is kept.
    fn add_versions(&mut self, run: &Run) -> Result<()> {
        let sources: Ids = self
            .pairs
            .iter()
            .map(|pair| (pair.table, pair.source.clone()))
            .collect();
        let mut versions = Vec::new();
        for (table, _) in tables_with_files(run, true) {
            let Some(belongs) = plan::condition(&run.store, table, &run.source, &run.active, false)? else {
                continue;
            };
            let rows = FileRows {
                table,
                columns: &[],
                condition: &belongs,
                history: None,
            };
            rows.for_each(&mut |row| {
                let version = row
                    .version
                    .and_then(|version| uuid_text::parse_slice(version.as_bytes()));
                if let Some(version) = version
                    && sources.has(&run.store, table, &row.key.to_text())
                    && let Mapped::Cloned(target) = run.ids.get(&version)
                {
                    versions.push(Identity {
                        table: None,
                        source: uuid_text::to_string(&version),
                        target: uuid_text::to_string(&target),
                    });
                }
                Ok(())
            })?;
        }
        self.pairs.extend(versions);
        Ok(())
    }

    fn add(&mut self, run: &Run, table: &Table, types: &[&PreservedType]) -> Result<()> {
        let Some(belongs) = plan::condition(&run.store, table, &run.source, &run.active, false)? else {
            return Ok(());
        };
        for_each_document(table, types, &belongs, &mut |document| {
            let NewKey::To(new) = run.new_key(&document.key, &[table.oid]) else {
                return;
            };
            self.pairs.insert(Identity {
                table: table_of_keys(&run.store, table),
                source: document.key.to_text(),
                target: new.to_text(),
            });
            for (_, id) in scan::uuids(document.bytes) {
                if let Mapped::Cloned(target) = run.ids.get(&id) {
                    self.pairs.insert(Identity {
                        table: None,
                        source: uuid_text::to_string(&id),
                        target: uuid_text::to_string(&target),
                    });
                }
            }
            if let Some(named) = document.needed() {
                let named = match uuid_text::parse_slice(named.as_bytes()).map(|id| run.ids.get(&id)) {
                    Some(Mapped::Cloned(target)) => uuid_text::to_string(&target),
                    _ => named,
                };
                self.named
                    .entry(document.preserved.resource_type.clone())
                    .or_default()
                    .insert(named);
            }
        })
    }

    /// Records them for the next refresh, and the types whose ids they are.
    pub fn record(&self, run: i64, types: &[PreservedType]) -> Result<()> {
        let rows: Vec<Value> = self
            .pairs
            .iter()
            .map(|pair| json!({"table": pair.table, "source": pair.source, "target": pair.target}))
            .collect();
        let types = types.iter().map(|t| t.resource_type.clone()).collect();
        runs::insert_identities(run, types, &rows)
    }

    /// The ids that a run recorded.
    pub fn recorded(run: i64) -> Result<HashSet<Identity>> {
        let _owner = AsExtensionOwner::new();
        let found = pgrx::Spi::get_one_with_args::<pgrx::JsonB>(
            "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(i.relation::pg_catalog.oid::pg_catalog.int8, i.source_id, i.target_id)) \
             FROM clone.run_identity i WHERE i.run_id OPERATOR(pg_catalog.=) $1",
            &[run.into()],
        )
        .map_err(internal)?;
        let rows: Vec<(Option<Oid>, String, String)> = match found {
            Some(pgrx::JsonB(rows)) => serde_json::from_value(rows).map_err(internal)?,
            None => Vec::new(),
        };
        Ok(rows
            .into_iter()
            .map(|(table, source, target)| Identity {
                table,
                source,
                target,
            })
            .collect())
    }
}

/// Tables of the run whose resources have files, and their id columns: those whose files' keys have the version in them, or nothing but what
/// stays with the id.
fn tables_with_files(run: &Run, versioned: bool) -> impl Iterator<Item = (&Table, &str)> {
    let tables = run
        .store
        .tables
        .iter()
        .filter(|table| run.active.contains(&table.oid));
    tables.filter_map(move |table| {
        let template = table.blob_key.as_deref()?;
        let file_key = FileKey::parse(template);
        let fits = file_key.has_version() == versioned && (versioned || file_key.columns().is_empty());
        fits.then_some((table, table.id_column.as_deref()?))
    })
}

/// Resources whose file has a key without the version. With the same id the new file would overwrite the old
/// one, which is still in use until the new clone is committed. So they get new ids.
fn resources_with_one_key(run: &Run) -> Result<Ids> {
    let mut found = Ids::default();
    for (table, id) in tables_with_files(run, false) {
        let Some(belongs) = plan::condition(&run.store, table, &run.source, &run.active, true)? else {
            continue;
        };
        let of_type = match (&table.blob_type, &table.type_column) {
            (Some(only), Some(column)) => {
                format!(
                    "{} OPERATOR(pg_catalog.=) {}",
                    table.text_of("t", column),
                    quote::literal(only)
                )
            }
            _ => "true".to_owned(),
        };
        let sql = SourceQuery::over(table.source_name())
            .filter(belongs)
            .filter(of_type)
            .select(&plan::key_column(table, id));
        for_each_row(&sql, &mut |row| {
            if let Some(row) = row
                && let Some(key) = key_of(row, table.type_of(id))?
            {
                found.insert(table_of_keys(&run.store, table), key.to_text());
            }
            Ok(())
        })?;
    }
    Ok(found)
}

/// A document of a preserved type.
pub struct Document<'a> {
    /// The resource's id.
    pub key: Key,
    /// Its preserved type.
    pub preserved: &'a PreservedType,
    /// The text, or the jsonb payload.
    pub bytes: &'a [u8],
    is_jsonb: bool,
}

impl Document<'_> {
    /// The id in the reference at the path `needs`.
    pub fn needed(&self) -> Option<String> {
        let path: Vec<&str> = self
            .preserved
            .needs
            .as_ref()?
            .iter()
            .map(String::as_str)
            .collect();
        let reference = if self.is_jsonb {
            let found = jsonb::string_at(self.bytes, &path)?;
            std::str::from_utf8(found).ok()?.to_owned()
        } else {
            member::string(self.bytes, &path)?.into_owned()
        };
        let id = match scan::uuids(reference.as_bytes()).next() {
            Some((_, id)) => uuid_text::to_string(&id),
            None => reference.rsplit('/').next().unwrap_or_default().to_owned(),
        };
        Some(id)
    }
}

/// Calls `each` for the live resources of these types among the rows of `table` that meet the condition; under the active snapshot.
/// A row without a document has an empty one.
pub fn for_each_document(
    table: &Table,
    types: &[&PreservedType],
    condition: &str,
    each: &mut dyn FnMut(Document<'_>),
) -> Result<()> {
    let Some(id) = &table.id_column else {
        return Ok(());
    };
    let document = table.document_column.as_deref();
    let quoted = |column: &str| format!("t.{}", quote::identifier(column));
    let live = table.live.as_deref().unwrap_or("true");
    // In the canonical form of the maps.
    let key = plan::key_column(table, id);
    let id_type = table.type_of(id);
    let columns = format!(
        "{key}, {}, {}",
        table
            .type_column
            .as_ref()
            .map_or("NULL::pg_catalog.text".to_owned(), |column| table
                .text_of("t", column)),
        document.map_or("NULL::pg_catalog.text".to_owned(), quoted)
    );
    let sql = SourceQuery::over(table.source_name())
        .filter(condition)
        .filter(live)
        .select(&columns);
    let is_jsonb = document.is_some_and(|document| table.type_of(document) == "jsonb");
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let row_type = row.text(1)?;
        let resource_type = row_type
            .as_deref()
            .or(table.resource_type.as_deref())
            .unwrap_or_default();
        let Some(preserved) = types
            .iter()
            .find(|preserved| preserved.resource_type == resource_type)
        else {
            return Ok(());
        };
        let Some(key) = key_of(row, id_type)? else {
            return Ok(());
        };
        each(Document {
            key,
            preserved,
            bytes: row.bytes(2).unwrap_or_default(),
            is_jsonb,
        });
        Ok(())
    })?;
    Ok(())
}

fn key_of(row: &Row<'_>, id_type: &str) -> Result<Option<Key>> {
    Key::read(row, 0, KeyKind::of(id_type), id_type)
}

/// The key of a table from its text form.
pub fn key_in(store: &Store, identity: &Identity, text: &str) -> Key {
    Key::of_type(text, id_type(store, identity))
}

/// The text of a key of its table in the form in which equal keys are the same: in lower case for citext.
pub fn in_form(store: &Store, identity: &Identity, text: &str) -> String {
    in_form_of_key(text, id_type(store, identity)).into_owned()
}

fn id_type<'s>(store: &'s Store, identity: &Identity) -> &'s str {
    let table = identity.table.and_then(|table| store.table(table));
    table.map_or("", Table::id_type)
}

/// Refuses (55000) keys that are given again and that rows have which are not the replaced clone's any more: they were moved to another
/// project.
pub fn check_free(store: &Store, given_again: &Ids) -> Result<()> {
    within_current(|| {
        for table in store
            .tables
            .iter()
            .filter(|table| table.role == TableRole::Resource && !table.empty)
        {
            let Some(id) = table.id_column.as_deref() else {
                continue;
            };
            // A key of each tenant, such as a code, is the source's own, too.
            if table
                .column(id)
                .is_some_and(|column| column.role == ColumnRole::Keep)
            {
                continue;
            }
            let mut ids = given_again.of(store, table).peekable();
            if ids.peek().is_none() {
                continue;
            }
            let taken = SourceQuery::over(&table.sql_name)
                .any_of(table, id, ids)
                .select(&table.text_of("t", id));
            if let Some(key) = text(&format!("{taken} LIMIT 1"))? {
                return Err(Error::new(
                    Code::WrongState,
                    format!(
                        "the row of {} with the key \"{}\" is not the clone's any more, which gets that key again",
                        table.sql_name,
                        shown(&key)
                    ),
                )
                .detail("Rows of this table keep their keys when the clone is replaced (clone.preserve_ids). This one was moved to another project.")
                .hint("Move it back or delete it, and refresh again."));
            }
        }
        Ok(())
    })
}
