//! The files of a project's resources, of all versions, and which of them other projects use.

use super::deletion_set::DeletionSet;
use crate::pg::query::for_each_row;
use crate::pg::query::row::Row;
use crate::pg::query::snapshot::Snapshot;
use crate::pg::session::settings_guard::ReadingSettings;
use crate::records::blob_queue::{self, DeletedFile};
use crate::run::keys::Key;
use pg_clone_core::edit::member;
use pg_clone_core::error::Result;
use pg_clone_core::ids::Id;
use pg_clone_core::plan::{
    ColumnRole, FileKey, FileOf, KeyKind, Oid, SourceQuery, Store, Table, TableRole, quote,
};
use pg_clone_core::{jsonb, scan};
use std::collections::{HashMap, HashSet};

/// A file outside the database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Table of its resource.
    pub table: Oid,
    /// Type of its resource.
    pub resource_type: String,
    /// Id of its resource.
    pub id: Key,
    /// Its key in the storage.
    pub key: String,
}

impl File {
    /// The file as the queue takes it.
    pub fn deleted(&self) -> DeletedFile<'_> {
        DeletedFile {
            resource_type: &self.resource_type,
            id: self.id.to_text(),
            key: &self.key,
        }
    }
}

/// Rows of the project, or rows of others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Whose {
    TheProjects,
    AllOthers,
}

/// The files of a project, and their use by others.
pub struct ProjectFiles<'s> {
    store: &'s Store,
    rows: &'s DeletionSet,
}

impl<'s> ProjectFiles<'s> {
    /// The files of the project whose rows `rows` finds.
    pub fn new(store: &'s Store, rows: &'s DeletionSet) -> Self {
        ProjectFiles { store, rows }
    }

    /// The files of its resources, including deleted ones and old versions, each key once; without files whose key
    /// a resource of another project has too.
    pub fn list(&self) -> Result<Vec<File>> {
        let snapshot = Snapshot::latest();
        snapshot.within(|| {
            let _settings = ReadingSettings::new();
            let mut files = Vec::new();
            for table in self.tables_with_files() {
                let own = self.of_table(table, Whose::TheProjects)?;
                if own.is_empty() {
                    continue;
                }
                let others = self.keys_that_others_may_share(table)?;
                files.extend(own.into_iter().filter(|file| !others.contains(&file.key)));
            }
            let mut seen = HashSet::new();
            files.retain(|file| seen.insert(file.key.clone()));
            Ok(files)
        })
    }

    /// The same, and files that runs copied to the project and whose resources do not exist any more.
    pub fn list_with_copied(&self) -> Result<Vec<File>> {
        let mut files = self.list()?;
        let mut known: HashSet<String> = files.iter().map(|file| file.key.clone()).collect();
        for (resource_type, id, key) in blob_queue::copied_files(&self.store.name, self.rows.project())? {
            let table = self
                .store
                .tables
                .iter()
                .find(|table| table.blob_key.is_some() && table.may_hold(&resource_type));
            if known.insert(key.clone()) {
                files.push(File {
                    table: table.map_or(0, |table| table.oid),
                    resource_type,
                    id: Key::parse(&id),
                    key,
                });
            }
        }
        Ok(files)
    }

    /// Resources with files that live documents of other projects reference: a clone made by other means may share them.
    /// Reads every document of the other projects, but only if the project has such a resource. Only UUIDs
    /// are searched.
    pub fn used_elsewhere(&self, files: &[File]) -> Result<HashMap<Oid, Vec<Key>>> {
        let owners: HashMap<Id, Oid> = files
            .iter()
            .filter_map(|file| match file.id {
                Key::Uuid(id) => Some((id, file.table)),
                _ => None,
            })
            .collect();
        let mut used: HashMap<Oid, Vec<Key>> = HashMap::new();
        if owners.is_empty() {
            return Ok(used);
        }
        let mut found: HashSet<Id> = HashSet::new();
        let snapshot = Snapshot::latest();
        snapshot.within(|| {
            let _settings = ReadingSettings::new();
            for table in self
                .store
                .tables
                .iter()
                .filter(|t| matches!(t.role, TableRole::Resource | TableRole::Project))
            {
                let (Some(document), Some(condition)) =
                    (&table.document_column, self.condition(table, Whose::AllOthers)?)
                else {
                    continue;
                };
                let live = table.live.as_deref().unwrap_or("true");
                let sql = SourceQuery::over(&table.sql_name)
                    .filter(condition)
                    .filter(live)
                    .select(&format!("t.{}", quote::identifier(document)));
                for_each_row(&sql, &mut |row| {
                    let Some(row) = row else { return Ok(()) };
                    let bytes = row.bytes(0).unwrap_or_default();
                    found.extend(
                        scan::uuids(bytes)
                            .map(|(_, id)| id)
                            .filter(|id| owners.contains_key(id)),
                    );
                    Ok(())
                })?;
            }
            Ok(())
        })?;
        for id in found {
            if let Some(table) = owners.get(&id) {
                used.entry(*table).or_default().push(Key::Uuid(id));
            }
        }
        Ok(used)
    }

    fn tables_with_files(&self) -> impl Iterator<Item = &'s Table> {
        let filled = self.rows.filled();
        self.store
            .tables
            .iter()
            .filter(move |table| table.blob_key.is_some() && filled.contains(&table.oid))
    }

    fn condition(&self, table: &Table, whose: Whose) -> Result<Option<String>> {
        if !self.rows.filled().contains(&table.oid) {
            return Ok(None);
        }
        let belongs = self.rows.belongs(table)?;
        Ok(match whose {
            Whose::TheProjects => belongs,
            Whose::AllOthers => {
                Some(belongs.map_or("true".to_owned(), |belongs| format!("({belongs}) IS NOT TRUE")))
            }
        })
    }

    /// Keys of other projects' files, if the template allows two resources to have the same key.
    fn keys_that_others_may_share(&self, table: &Table) -> Result<HashSet<String>> {
        let template = table.blob_key.as_deref().unwrap_or_default();
        let id_type = table.id_column.as_deref().map_or("", |id| table.type_of(id));
        let same_template = self
            .store
            .tables
            .iter()
            .filter(|other| other.blob_key.as_deref() == Some(template));
        let file_key = FileKey::parse(template);
        let unique = file_key.has_project()
            || (file_key.has_id()
                && (KeyKind::of(id_type) == KeyKind::Uuid || same_template.clone().count() == 1));
        let mut keys = HashSet::new();
        if !unique {
            for other in same_template.filter(|other| self.rows.filled().contains(&other.oid)) {
                keys.extend(
                    self.of_table(other, Whose::AllOthers)?
                        .into_iter()
                        .map(|file| file.key),
                );
            }
        }
        Ok(keys)
    }

    /// The files of a table's resources: of the rows, and of their versions where the table has a history.
    fn of_table(&self, table: &Table, whose: Whose) -> Result<Vec<File>> {
        let (Some(template), Some(id), Some(condition)) =
            (&table.blob_key, &table.id_column, self.condition(table, whose)?)
        else {
            return Ok(Vec::new());
        };
        let file_key = FileKey::parse(template);
        let mut rows: HashMap<Key, (String, Vec<Option<String>>)> = HashMap::new();
        let mut files = Vec::new();
        let mut add =
            |rows: &HashMap<Key, (String, Vec<Option<String>>)>, key: Key, version: Option<String>| {
                let Some((resource_type, columns)) = rows.get(&key) else {
                    return;
                };
                if file_key.has_version() && version.is_none() {
                    return;
                }
                let Some(blob) = file_key.of(FileOf {
                    id: &key.to_text(),
                    version: version.as_deref(),
                    project: self.rows.project(),
                    columns,
                }) else {
                    return;
                };
                files.push(File {
                    table: table.oid,
                    resource_type: resource_type.clone(),
                    id: key,
                    key: blob,
                });
            };
        let type_column = table.type_column.as_ref().map_or("NULL::text".to_owned(), |c| {
            format!("t.{}::text", quote::identifier(c))
        });
        read_versions(
            table,
            table,
            id,
            &type_column,
            file_key.columns(),
            &condition,
            &mut |key, row_type, version, columns| {
                let resource_type = row_type.or(table.resource_type.as_deref()).unwrap_or_default();
                if table
                    .blob_type
                    .as_deref()
                    .is_none_or(|only| only == resource_type)
                {
                    rows.insert(key.clone(), (resource_type.to_owned(), columns));
                    add(&rows, key, version);
                }
            },
        )?;
        let history = self
            .store
            .tables
            .iter()
            .find(|t| t.role == TableRole::History && t.parents.contains(&table.oid));
        if let Some((history, join)) =
            history.and_then(|history| Some((history, history.join_column.as_ref()?)))
            && file_key.has_version()
            && let Some(condition) = self.condition(history, whose)?
        {
            read_versions(
                table,
                history,
                join,
                "NULL::text",
                &[],
                &condition,
                &mut |key, _, version, _| add(&rows, key, version),
            )?;
        }
        Ok(files)
    }
}

/// Gets a resource's id, its type (if the row says it), its version and its values in some columns.
pub type Each<'a> = dyn FnMut(Key, Option<&str>, Option<String>, Vec<Option<String>>) + 'a;

/// Calls `each` with the resource's id, its type (if the row says it), its version and its values in `others` for every row of `from`.
pub fn read_versions(
    table: &Table,
    from: &Table,
    id: &str,
    type_column: &str,
    others: &[String],
    condition: &str,
    each: &mut Each<'_>,
) -> Result<()> {
    let quoted = |column: &str| format!("t.{}", quote::identifier(column));
    let version = from
        .columns
        .iter()
        .find(|column| column.role == ColumnRole::Version);
    let document = from.document_column.as_deref().filter(|_| version.is_none());
    let others: Vec<String> = others
        .iter()
        .map(|column| format!(", {}::pg_catalog.text", quoted(column)))
        .collect();
    let columns = format!(
        "{}, {type_column}, {}, {}{}",
        quoted(id),
        version.map_or("NULL::text".to_owned(), |column| format!(
            "{}::text",
            quoted(&column.name)
        )),
        document.map_or("NULL::text".to_owned(), quoted),
        others.concat()
    );
    let sql = SourceQuery::over(from.source_name())
        .filter(condition)
        .select(&columns);
    let id_type = from.type_of(id);
    let is_jsonb = document.is_some_and(|column| from.type_of(column) == "jsonb");
    let path: Vec<&str> = table.version_path.iter().flatten().map(String::as_str).collect();
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let Some(key) = Key::read(row, 0, KeyKind::of(id_type), id_type)? else {
            return Ok(());
        };
        let version = match row.text(2)? {
            Some(version) => Some(version.into_owned()),
            None => version_in_document(row, is_jsonb, &path),
        };
        let values = (0..others.len())
            .map(|place| Ok(row.text(4 + place)?.map(std::borrow::Cow::into_owned)))
            .collect::<Result<Vec<_>>>()?;
        each(key, row.text(1)?.as_deref(), version, values);
        Ok(())
    })?;
    Ok(())
}

fn version_in_document(row: &Row<'_>, is_jsonb: bool, path: &[&str]) -> Option<String> {
    let bytes = row
        .bytes(3)
        .filter(|bytes| !bytes.is_empty() && !path.is_empty())?;
    if !is_jsonb {
        return member::string(bytes, path).map(std::borrow::Cow::into_owned);
    }
    let found = jsonb::string_at(bytes, path)?;
    std::str::from_utf8(found).map(str::to_owned).ok()
}
