//! The hand-over stage: inserts one row into `clone.blob_copy` for every file of a cloned resource, committed with the clone. The driver
//! copies the files afterwards.

use crate::error::internal;
use crate::pg::query::for_each_row;
use crate::pg::query::row::Row;
use crate::pg::query::snapshot::Snapshot;
use crate::pg::session::settings_guard::ReadingSettings;
use crate::records::blob_queue;
use crate::run::file_rows::{FileRows, history_of};
use crate::run::keys::{Key, NewKey};
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::{Mapped, uuid_text};
use pg_clone_core::plan::{self, FileKey, FileOf, KeyKind, SourceQuery, Table, quote};
use serde_json::{Value, json};
use std::collections::{HashMap, HashSet};

/// The files to copy.
pub fn list(run: &Run) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    if !run.request.options.blobs {
        return Ok(found);
    }
    let _settings = ReadingSettings::new();
    run.snapshot.within(|| {
        for table in run.store.tables.iter().filter(|t| run.active.contains(&t.oid)) {
            of_table(run, table, &mut found)?;
        }
        Ok(found)
    })
}

/// Before anything is mapped: the caller may set the locations of files (42501), and every row can say all that the keys of files
/// name (55000).
pub fn check(run: &Run) -> Result<()> {
    if !run.request.options.blobs {
        return Ok(());
    }
    check_may_place(run)?;
    let with_files = run
        .store
        .tables
        .iter()
        .filter_map(|t| Some((t, t.blob_key.as_ref()?)));
    for (table, template) in with_files {
        if FileKey::parse(template).has_version() && !table.has_version() {
            return Err(without_version(run, table, template));
        }
    }
    Ok(())
}

fn without_version(run: &Run, table: &Table, template: &str) -> Error {
    Error::new(
        Code::StoreChanged,
        format!("the key \"{template}\" of the files of {} names a version, which its rows do not have", table.sql_name),
    )
    .hint(format!(
        "Give a column the role of the version: SELECT clone.store_column({}, {}, '<column>', 'version'), or the table a version_path: clone.store_table.",
        quote::literal(&run.store.name),
        quote::literal(&table.sql_name)
    ))
}

/// Requires the privilege of a worker to set locations: a worker reads and writes the locations in the queue with its own rights.
fn check_may_place(run: &Run) -> Result<()> {
    let options = &run.request.options;
    if options.blobs_from.is_none() && options.blobs_to.is_none() {
        return Ok(());
    }
    let may =
        pgrx::Spi::get_one::<bool>("SELECT pg_catalog.has_table_privilege('clone.blob_copy', 'UPDATE')")
            .map_err(internal)?;
    if may == Some(true) {
        return Ok(());
    }
    Err(Error::new(
        Code::NotAllowed,
        "permission denied to set the locations of files",
    )
    .hint(
        "Leave out options blobs_from and blobs_to. They need UPDATE on clone.blob_copy, which workers have.",
    ))
}

/// Lists the files of a table's resources: of all versions with full history, otherwise of the current ones.
fn of_table(run: &Run, table: &Table, found: &mut Vec<Value>) -> Result<()> {
    let Some(template) = &table.blob_key else {
        return Ok(());
    };
    let all = run.request.options.history.is_complete();
    let condition = |of: &Table| plan::condition(&run.store, of, &run.source, &run.active, all);
    let Some(belongs) = condition(table)? else {
        return Ok(());
    };
    let history = history_of(&run.store, table.oid).filter(|history| all && !history.empty);
    let of_history = history.map(condition).transpose()?.flatten();
    let file_key = FileKey::parse(template);
    let clones = columns_of_clones(run, table, &file_key)?;
    let rows = FileRows {
        table,
        columns: file_key.columns(),
        condition: &belongs,
        history: history.zip(of_history.as_deref()),
    };
    let mut seen = HashSet::new();
    rows.for_each(&mut |row| {
        let NewKey::To(new) = run.new_key(&row.key, &[table.oid]) else {
            return Ok(());
        };
        let version = row.version.as_deref();
        let new_version = version.map(|version| {
            match uuid_text::parse_slice(version.as_bytes()).map(|id| run.ids.get(&id)) {
                Some(Mapped::Cloned(new)) => uuid_text::to_string(&new),
                _ => version.to_owned(),
            }
        });
        let (source_id, target_id) = (row.key.to_text(), new.to_text());
        let source_key = file_key.of(FileOf {
            id: &source_id,
            version,
            project: &run.source,
            columns: &row.resource.columns,
        });
        let target_key = file_key.of(FileOf {
            id: &target_id,
            version: new_version.as_deref(),
            project: &run.target,
            columns: clones.get(&target_id).map_or(&[], Vec::as_slice),
        });
        let (Some(source_key), Some(target_key)) = (source_key, target_key) else {
            return Ok(());
        };
        if source_key == target_key
            && !file_key.columns().is_empty()
            && run.request.options.blobs_to.is_none()
        {
            let column = file_key.columns().first().map_or("…", |name| name);
            return Err(same_file(run, table, column, &source_id, &source_key));
        }
        // The history has the current version too.
        if history.is_some() && !seen.insert((source_key.clone(), target_key.clone())) {
            return Ok(());
        }
        found.push(json!({
            "resource_type": row.resource.resource_type,
            "source_id": source_id,
            "target_id": target_id,
            "source_key": source_key,
            "target_key": target_key,
            "content_type": row.content_type,
        }));
        Ok(())
    })
}

/// The values of the columns of a key, from the row's place `first` on.
fn values_of(row: &Row<'_>, first: usize, file_key: &FileKey) -> Result<Vec<Option<String>>> {
    (0..file_key.columns().len())
        .map(|place| Ok(row.text(first + place)?.map(std::borrow::Cow::into_owned)))
        .collect()
}

/// What the rows of the clone say in the columns of their files' key, by the text of their id: nobody else knows what values they got.
fn columns_of_clones(
    run: &Run,
    table: &Table,
    file_key: &FileKey,
) -> Result<HashMap<String, Vec<Option<String>>>> {
    let mut found = HashMap::new();
    let belongs = plan::condition(&run.store, table, &run.target, &run.active, true)?;
    let (Some(id), Some(belongs), false) = (&table.id_column, belongs, file_key.columns().is_empty()) else {
        return Ok(found);
    };
    let columns: Vec<String> = file_key
        .columns()
        .iter()
        .map(|name| format!(", {}", table.text_of("t", name)))
        .collect();
    let sql = SourceQuery::over(&table.from_sql())
        .filter(belongs)
        .select(&format!("t.{}{}", quote::identifier(id), columns.concat()));
    let id_type = table.type_of(id);
    Snapshot::latest().within(|| {
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            if let Some(key) = Key::read(row, 0, KeyKind::of(id_type), id_type)? {
                found.insert(key.to_text(), values_of(row, 1, file_key)?);
            }
            Ok(())
        })
    })?;
    Ok(found)
}

fn same_file(run: &Run, table: &Table, column: &str, id: &str, key: &str) -> Error {
    Error::new(
        Code::StoreChanged,
        format!("the file \"{key}\" of the row with key {id} of {} would be the clone's too", table.sql_name),
    )
    .hint(format!(
        "Give the column of the key another value in clones: SELECT clone.store_column({}, {}, {}, 'random').",
        quote::literal(&run.store.name),
        quote::literal(&table.sql_name),
        quote::literal(column)
    ))
}

/// Puts them into the queue.
pub fn queue(run: &Run, blobs: &[Value]) -> Result<()> {
    let options = &run.request.options;
    blob_queue::queue_copies(
        &run.store.name,
        run.id,
        blobs,
        options.blobs_from.as_deref(),
        options.blobs_to.as_deref(),
    )
}
