//! The files of a project's resources, of all versions, and which of them other projects use.

use super::deletion_set::DeletionSet;
use crate::pg::query::for_each_row;
use crate::pg::query::snapshot::Snapshot;
use crate::pg::session::settings_guard::ReadingSettings;
use crate::records::blob_queue::{self, DeletedFile};
use crate::run::file_rows::{FileRows, history_of};
use crate::run::keys::Key;
use pg_clone_core::error::Result;
use pg_clone_core::ids::Id;
use pg_clone_core::plan::{FileKey, FileOf, KeyKind, Oid, SourceQuery, Store, Table, TableRole, quote};
use pg_clone_core::scan;
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

    /// The files of its resources, including deleted ones and old versions, and files that runs copied to the project and whose resources do
    /// not exist any more. A key can occur more than once. Files that a row of another project names, by the template of any table, are
    /// left out.
    pub fn list_with_copied(&self) -> Result<Vec<File>> {
        let copied = blob_queue::copied_files(&self.store.name, self.rows.project())?;
        let snapshot = Snapshot::latest();
        snapshot.within(|| {
            let _settings = ReadingSettings::new();
            let mut files = Vec::new();
            for table in self.tables_with_files() {
                files.extend(self.of_table(table, Whose::TheProjects, None)?);
            }
            let of_rows = files.len();
            let mut known: HashSet<String> = files.iter().map(|file| file.key.clone()).collect();
            for (resource_type, id, key) in copied {
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
            let others = self.keys_of_others(&files, &files[of_rows..])?;
            files.retain(|file| !others.contains(&file.key));
            Ok(files)
        })
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

    /// Keys of other projects' files that may be among `files`. For the files of `without_rows` a row that now belongs to another project may
    /// have the key.
    fn keys_of_others(&self, files: &[File], without_rows: &[File]) -> Result<HashSet<String>> {
        let owners: HashSet<Oid> = files.iter().map(|file| file.table).collect();
        let mut keys = HashSet::new();
        for other in self.tables_with_files() {
            let named = if owners.iter().any(|owner| self.may_share(*owner, other)) {
                self.of_table(other, Whose::AllOthers, None)?
            } else {
                match moved(other, without_rows) {
                    Some(ids) => self.of_table(other, Whose::AllOthers, Some(&ids))?,
                    None => Vec::new(),
                }
            };
            keys.extend(named.into_iter().map(|file| file.key));
        }
        Ok(keys)
    }

    /// Whether files of this project's rows in the table `owner` may have the keys of files of others' rows in `other`, by their templates.
    fn may_share(&self, owner: Oid, other: &Table) -> bool {
        let key = |table: &Table| FileKey::parse(table.blob_key.as_deref().unwrap_or_default());
        let Some(owner) = self.store.table(owner) else {
            return true;
        };
        let (one, two) = (key(owner), key(other));
        if one.has_project() && two.has_project() {
            return false;
        }
        if owner.oid == other.oid {
            return !one.has_id();
        }
        let of_uuids = |table: &Table, key: &FileKey| {
            let id = table.id_type();
            key.has_id() && key.columns().is_empty() && KeyKind::of(id) == KeyKind::Uuid
        };
        let begins_alike = one.prefix().starts_with(two.prefix()) || two.prefix().starts_with(one.prefix());
        begins_alike && !(of_uuids(owner, &one) && of_uuids(other, &two))
    }

    /// The files of a table's resources: of the rows, and of their versions where the table has a history.
    /// `rows` is a further condition on the rows `t` of the table; the versions of others are left out then.
    fn of_table(&self, table: &Table, whose: Whose, rows: Option<&str>) -> Result<Vec<File>> {
        let (Some(template), Some(condition)) = (&table.blob_key, self.condition(table, whose)?) else {
            return Ok(Vec::new());
        };
        let file_key = FileKey::parse(template);
        let condition = rows.map_or(condition.clone(), |rows| format!("({condition}) AND {rows}"));
        // The project of the rows of others is what each of them says.
        let mut columns = file_key.columns().to_vec();
        let says_project = whose == Whose::AllOthers && file_key.has_project();
        if says_project {
            match &table.project_column {
                Some(column) => columns.push(column.clone()),
                None => return Ok(Vec::new()),
            }
        }
        let history = history_of(self.store, table.oid).filter(|_| file_key.has_version());
        let of_history = match history {
            Some(history) => self.condition(history, whose)?,
            None => None,
        };
        let rows = FileRows {
            table,
            columns: &columns,
            condition: &condition,
            history: history.zip(of_history.as_deref()),
        };
        let mut files = Vec::new();
        rows.for_each(&mut |row| {
            let project = match row.resource.columns.last() {
                Some(Some(project)) if says_project => project.as_str(),
                _ => self.rows.project(),
            };
            let key = file_key.of(FileOf {
                id: &row.key.to_text(),
                version: row.version.as_deref(),
                project,
                columns: &row.resource.columns,
            });
            files.extend(key.map(|key| File {
                table: table.oid,
                resource_type: row.resource.resource_type.clone(),
                id: row.key,
                key,
            }));
            Ok(())
        })?;
        Ok(files)
    }
}

/// The condition on rows of a table that have the ids of its files without rows; None if there are none.
fn moved(table: &Table, without_rows: &[File]) -> Option<String> {
    let id = table.id_column.as_deref()?;
    let id_type = table.type_of(id);
    let kind = KeyKind::of(id_type);
    let ids: Vec<String> = without_rows
        .iter()
        .filter(|file| file.table == table.oid)
        .filter(|file| match (&file.id, kind) {
            (Key::Uuid(_), KeyKind::Uuid) | (_, KeyKind::Text) => true,
            (id, KeyKind::Int) => id.to_text().parse::<i64>().is_ok(),
            _ => false,
        })
        .map(|file| quote::literal(&file.id.to_text()))
        .collect();
    let array = match kind {
        KeyKind::Int => "pg_catalog.int8",
        _ => id_type,
    };
    let list = ids.join(", ");
    (!ids.is_empty()).then(|| {
        format!(
            "t.{} OPERATOR(pg_catalog.=) ANY (ARRAY[{list}]::{array}[])",
            quote::identifier(id)
        )
    })
}

/// The files that can be deleted if these resources are kept, each key once: without those of the resources, and of other rows that name the same.
pub fn without_kept(mut files: Vec<File>, kept: &HashMap<Oid, Vec<Key>>) -> Vec<File> {
    let kept: HashSet<(Oid, &Key)> = kept
        .iter()
        .flat_map(|(table, keys)| keys.iter().map(|key| (*table, key)))
        .collect();
    let mut seen: HashSet<String> = files
        .iter()
        .filter(|file| kept.contains(&(file.table, &file.id)))
        .map(|file| file.key.clone())
        .collect();
    files.retain(|file| seen.insert(file.key.clone()));
    files
}
