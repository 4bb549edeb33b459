//! `project_delete`: every row of a clone and, through the queue, its files.

use super::deletion_set::{Counts, DeletionSet};
use super::files::{File, ProjectFiles};
use super::options::DeleteOptions;
use super::{authorize, queue, target};
use crate::catalog;
use crate::pg::notice::notice;
use crate::pg::settings_guard::CallersPath;
use crate::run::{Key, not_found, project_id};
use pg_clone_core::error::{Error, Result};
use pg_clone_core::plan::{Oid, Store};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// Deletes a clone; returns what was deleted (or would be). Triggers run under `path`.
pub fn delete_project(
    project: &str,
    store: Option<&str>,
    options: &Value,
    path: &CallersPath,
) -> Result<Value> {
    let options = DeleteOptions::parse(options)?;
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
    // A clone whose project row somebody else has deleted still has rows and files to clean up.
    if made_by.is_none() {
        if !target::exists(&store, &project)? {
            return Err(not_found(&project));
        }
        if !options.force {
            return Err(target::not_a_clone(&project));
        }
    }
    let found = TableStatistics::of(&store, &project, options.keep_shared)?;
    let deletion_set = DeletionSet::new(&store, &project, &found.kept)?;
    authorize::no_foreign_row_follows(&deletion_set)?;
    if options.dry_run {
        return Ok(report(
            &store,
            &project,
            &deletion_set.count()?,
            &found,
            found.files.len(),
            0,
            true,
        ));
    }
    let rows = deletion_set.delete(path)?;
    let run = target::run_of_deletion(&store.name, &project, made_by.as_ref())?;
    let (cancelled, never_begun) = queue::cancel_copies(&store.name, &project)?;
    let files: Vec<File> = found
        .files
        .iter()
        .filter(|file| !never_begun.contains(&file.key))
        .cloned()
        .collect();
    target::mark_deleted(&store.name, &project)?;
    let queued = queue::delete_files(&store.name, run, &files)?;
    found.tell(&store);
    Ok(report(
        &store,
        &project,
        &rows,
        &found,
        usize::try_from(queued).unwrap_or_default(),
        cancelled,
        false,
    ))
}

/// The files of a project: those that go, and the resources whose files other projects use.
struct TableStatistics {
    files: Vec<File>,
    kept: HashMap<Oid, Vec<Key>>,
}

impl TableStatistics {
    fn of(store: &Store, project: &str, keep_shared: bool) -> Result<Self> {
        let nothing_kept = HashMap::new();
        let everything = DeletionSet::new(store, project, &nothing_kept)?;
        let files = ProjectFiles::new(store, project, everything.filled());
        let mut list = files.list()?;
        let kept = if keep_shared {
            files.used_elsewhere(&list)?
        } else {
            nothing_kept
        };
        let kept_ids: HashSet<&Key> = kept.values().flatten().collect();
        list.retain(|file| !kept_ids.contains(&file.id));
        Ok(TableStatistics { files: list, kept })
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

fn report(
    store: &Store,
    project: &str,
    rows: &Counts,
    found: &TableStatistics,
    files: usize,
    cancelled: usize,
    dry_run: bool,
) -> Value {
    let total: i64 = rows.values().filter_map(Value::as_i64).sum();
    json!({
        "project": project,
        "store": store.name,
        "dry_run": dry_run,
        "rows": total,
        "tables": rows,
        "files": files,
        "copies_cancelled": cancelled,
        "kept": found.kept(store),
    })
}
