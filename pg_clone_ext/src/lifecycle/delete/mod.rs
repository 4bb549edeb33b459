//! `project_delete`: every row of a clone and, through the queue, its files.

use super::delete::conflicts::Conflicts;
use super::delete::deletion_set::{Counts, DeletionSet};
use super::delete::files::{File, ProjectFiles, without_kept};
use super::delete::options::DeleteOptions;
use super::delete::rows_of_others::SearchExtent;
use super::ids::Ids;
use super::{authorize, identity, target};
use crate::catalog;
use crate::pg::session::notice::notice;
use crate::pg::session::settings_guard::CallersPath;
use crate::records::{blob_queue, runs};
use crate::run::authorize::{not_found, project_id};
use crate::run::keys::Key;
use crate::run::nested_runs::OpenRun;
use pg_clone_core::error::{Error, Result};
use pg_clone_core::plan::{Oid, Store, quote};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Deletes a clone; returns what was deleted (or would be). Triggers run under `path`. Errors are those of the SQL function.
pub fn delete_project(
    project: &str,
    store: Option<&str>,
    options: &Value,
    path: &CallersPath,
) -> Result<Value> {
    let _open = OpenRun::begin("project_delete")?;
    delete(project, store, DeleteOptions::parse(options)?, path)
}

/// The same for a clone that has expired.
pub fn delete_expired(project: &str, store: &str, path: &CallersPath) -> Result<Value> {
    let _open = OpenRun::begin("clone.expire")?;
    delete(project, Some(store), DeleteOptions::default(), path)
}

fn delete(project: &str, store: Option<&str>, options: DeleteOptions, path: &CallersPath) -> Result<Value> {
    if project.trim().is_empty() {
        return Err(
            Error::bad_argument("the project is missing").hint("Give the id of the project to delete.")
        );
    }
    let store = catalog::open(&target::store_of(store, project)?, catalog::Purpose::Write)?
        .description
        .store;
    authorize::tables(&store)?;
    let project = project_id(store.project_table()?, project)?;
    if !options.dry_run {
        target::lock(&store.name, &project)?;
    }
    let made_by = target::made_by(&store.name, &project)?;
    if let Some(made_by) = made_by.as_ref().filter(|_| !options.force)
        && identity::is_another(&store, &project, made_by.run)?
    {
        return Err(target::another(&store.name, &project, made_by));
    }
    let mut tombstone = None;
    // A clone whose project row was deleted by other means still has rows and files to delete, and so may a clone that was
    // deleted before: an application with cached rows may have written to it since.
    if made_by.is_none() {
        if target::exists(&store, &project)? {
            if !options.force {
                let hint = match target::made_in(&project)? {
                    Some(other) if other != store.name => format!(
                        "It is a clone in store \"{other}\": project_delete({}, {}).",
                        quote::literal(&project),
                        quote::literal(&other)
                    ),
                    _ => format!(
                        "To delete it nevertheless: project_delete({}, options => '{{\"force\": true}}').",
                        quote::literal(&project)
                    ),
                };
                return Err(target::not_a_clone(&project, hint));
            }
        } else {
            tombstone = target::tombstone(&store.name, &project)?;
            if tombstone.is_none() {
                return Err(not_found(&project));
            }
        }
    }
    let found = FilesFound::of(&store, &project, options.keep_shared)?;
    let mut deletion_set = DeletionSet::new(&store, &project, &found.kept)?;
    let go_on = options.include_others || options.dry_run;
    let extent = SearchExtent {
        follows: go_on,
        documents: options.keep_shared && (options.dry_run || !options.include_others),
    };
    let conflicts = Conflicts::of(&deletion_set, &Ids::default(), extent)?;
    if options.include_others {
        deletion_set = deletion_set.with_others(conflicts.also_deleted());
    }
    let mut report = Report {
        store: &store,
        project: &project,
        found: &found,
        files: found.files.len(),
        copies_cancelled: 0,
        stale_cache_keys: 0,
        deleted_before: tombstone.as_ref().map(|tombstone| tombstone.deleted_at.as_str()),
        todos: Vec::new(),
    };
    let dangling = crate::item::check_references(&store, &project, go_on, &|_| false)?;
    if options.dry_run {
        let mut json = report.json(&deletion_set.count()?, true);
        json["conflicts"] = conflicts.json();
        return Ok(with_dangling(&store, dangling, json));
    }
    if !options.include_others {
        conflicts.refuse(&project, "deleted", CONFLICT_HINT)?;
    } else {
        conflicts.check_others()?;
    }
    let run = made_by.as_ref().map(|made_by| made_by.run);
    let run = run.or(tombstone.as_ref().map(|tombstone| tombstone.run));
    let run = match run {
        Some(run) => run,
        None => runs::insert_deletion(&store.name, &project)?,
    };
    report.stale_cache_keys = cache::record(&store, run, &deletion_set)?;
    let fires = options.fire_triggers || options.include_others || target::made_with_triggers(run)?;
    let deleted = deletion_set.delete(path, fires, &|| match options.include_others {
        true => Ok(()),
        false => conflicts
            .written_concurrently(&deletion_set)?
            .refuse(&project, "deleted", CONFLICT_HINT),
    })?;
    let mut rows = deleted.rows;
    if let Some(deferred) = &deleted.deferred {
        for (name, more) in deletion_set.run_deferred(deferred, path)? {
            let before = rows.get(&name).and_then(Value::as_i64).unwrap_or_default();
            rows.insert(name, (before + more.as_i64().unwrap_or_default()).into());
        }
    }
    if rows.is_empty() {
        match (&made_by, &tombstone) {
            (Some(made_by), _) if made_by.rows > 0 && !options.force => {
                return Err(target::no_rows(&project, made_by));
            }
            (None, Some(tombstone)) if found.files.is_empty() => {
                return Err(target::nothing_left(&project, tombstone));
            }
            _ => {}
        }
    }
    let (cancelled, never_begun) = blob_queue::cancel_copies(&store.name, &project)?;
    let files: Vec<File> = found
        .files
        .iter()
        .filter(|file| !never_begun.contains(&file.key))
        .cloned()
        .collect();
    runs::mark_deleted(&store.name, &project)?;
    let deleted: Vec<_> = files.iter().map(File::deleted).collect();
    let queued = blob_queue::queue_deletions(&store.name, run, &deleted)?;
    found.tell(&store);
    report.files = usize::try_from(queued).unwrap_or_default();
    report.copies_cancelled = cancelled;
    report.todos = left_tables(&store, run)?;
    report
        .todos
        .extend(cache::todo(&store, run, report.stale_cache_keys));
    report.tell();
    Ok(with_dangling(&store, dangling, report.json(&rows, false)))
}

/// Tasks: rows that the run wrote to tables which the store does not describe any more.
fn left_tables(store: &Store, run: i64) -> Result<Vec<String>> {
    let written = runs::tables_written(run)?.into_iter();
    let left = written.filter(|name| !store.tables.iter().any(|table| table.sql_name == *name));
    Ok(left
        .map(|name| {
            format!(
                "delete the rows of the clone in {name}: store \"{}\" does not describe the table any more",
                store.name
            )
        })
        .collect())
}

/// Adds the dangling references of a registry to the report.
fn with_dangling(store: &Store, dangling: Vec<Value>, mut report: Value) -> Value {
    if store.preset == "registry" {
        report["dangling"] = Value::Array(dangling);
    }
    report
}

/// Hint for rows that prevent a deletion.
const CONFLICT_HINT: &str = "Delete or move those rows first, or delete the project anyway with options => '{\"others\": \"include\"}'; \
                     '{\"dry_run\": true}' lists them without deleting, '{\"shared\": \"ignore\"}' does not read documents of other projects.";

/// The files of a project: files to delete, and resources whose files other projects use.
struct FilesFound {
    files: Vec<File>,
    kept: HashMap<Oid, Vec<Key>>,
}

impl FilesFound {
    fn of(store: &Store, project: &str, keep_shared: bool) -> Result<Self> {
        let nothing_kept = HashMap::new();
        let everything = DeletionSet::new(store, project, &nothing_kept)?;
        let files = ProjectFiles::new(store, &everything);
        let list = files.list_with_copied()?;
        let kept = if keep_shared {
            files.used_elsewhere(&list)?
        } else {
            nothing_kept
        };
        let list = without_kept(list, &kept);
        Ok(FilesFound { files: list, kept })
    }

    fn tell(&self, store: &Store) {
        for (table, keys) in &self.kept {
            let name = store.table(*table).map_or("", |table| table.sql_name.as_str());
            notice(
                &format!(
                    "{} resources in {name} stay with their files: documents of other projects name them",
                    keys.len()
                ),
                &keys
                    .iter()
                    .take(20)
                    .map(Key::to_text)
                    .collect::<Vec<_>>()
                    .join(", "),
            );
        }
    }

    fn kept(&self, store: &Store) -> Value {
        self.kept
            .iter()
            .flat_map(|(table, keys)| {
                let name = store.table(*table).map_or("", |table| table.sql_name.as_str());
                keys.iter()
                    .map(move |key| json!({"relation": name, "id": key.to_text()}))
            })
            .collect()
    }
}

/// The report of a deletion or a dry run.
struct Report<'r> {
    store: &'r Store,
    project: &'r str,
    found: &'r FilesFound,
    files: usize,
    copies_cancelled: usize,
    stale_cache_keys: i64,
    deleted_before: Option<&'r str>,
    todos: Vec<String>,
}

impl Report<'_> {
    fn json(&self, rows: &Counts, dry_run: bool) -> Value {
        let total: i64 = rows.values().filter_map(Value::as_i64).sum();
        let mut json = json!({
            "project": self.project,
            "store": self.store.name,
            "dry_run": dry_run,
            "rows": total,
            "tables": rows,
            "files": self.files,
            "copies_cancelled": self.copies_cancelled,
            "kept": self.found.kept(self.store),
            "stale_cache_keys": self.stale_cache_keys,
            "todo": self.todos,
        });
        if let Some(deleted_before) = self.deleted_before {
            json["deleted_before"] = deleted_before.into();
        }
        json
    }

    fn tell(&self) {
        if let Some(deleted_before) = self.deleted_before {
            notice(
                &format!(
                    "project {} was deleted already, at {deleted_before}; what was written to it since is gone now",
                    self.project
                ),
                "",
            );
        }
        for todo in &self.todos {
            notice(&format!("to do: {todo}"), "");
        }
    }
}

mod below;
pub mod cache;
pub mod conflicts;
pub mod deletion_set;
mod dependent_rows;
pub mod files;
mod foreign_keys;
mod hidden_rows;
mod large_objects;
mod options;
mod references;
pub mod rows_of_others;
mod shared_rows;

pub mod triggers;
