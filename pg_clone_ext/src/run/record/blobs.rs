//! The hand-over stage: inserts one row into `clone.blob_copy` for every file of a cloned resource, committed with the clone. The driver
//! copies the files afterwards.

use crate::error::internal;
use crate::pg::query::for_each_row;
use crate::pg::query::row::Row;
use crate::pg::query::snapshot::Snapshot;
use crate::pg::session::settings_guard::ReadingSettings;
use crate::records::blob_queue;
use crate::run::keys::{Key, NewKey};
use crate::run::state::Run;
use pg_clone_core::edit::member;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::{Mapped, uuid_text};
use pg_clone_core::jsonb;
use pg_clone_core::plan::{self, ColumnRole, FileKey, FileOf, KeyKind, SourceQuery, Table, TableRole, quote};
use serde_json::{Value, json};
use std::collections::HashMap;

/// The files to copy.
pub fn list(run: &Run) -> Result<Vec<Value>> {
    let mut found = Vec::new();
    if !run.request.options.blobs {
        return Ok(found);
    }
    check_may_place(run)?;
    let _settings = ReadingSettings::new();
    run.snapshot.within(|| {
        for table in run
            .store
            .tables
            .iter()
            .filter(|t| t.blob_key.is_some() && run.active.contains(&t.oid))
        {
            let history = run
                .store
                .tables
                .iter()
                .find(|t| t.role == TableRole::History && t.parents.contains(&table.oid) && !t.empty)
                .filter(|_| run.request.options.history.is_complete());
            // With full history every version has its own file, and the history includes the current version.
            match history {
                Some(history) => of_table(run, table, history, &mut found)?,
                None => of_table(run, table, table, &mut found)?,
            }
        }
        Ok(found)
    })
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

/// Lists the files of `table`'s resources; the rows are read from `from`, which is `table` or its history.
fn of_table(run: &Run, table: &Table, from: &Table, found: &mut Vec<Value>) -> Result<()> {
    let (Some(template), Some(id)) = (
        &table.blob_key,
        if from.oid == table.oid {
            table.id_column.as_ref()
        } else {
            from.join_column.as_ref()
        },
    ) else {
        return Ok(());
    };
    let all = run.request.options.history.is_complete();
    let Some(belongs) = plan::condition(&run.store, from, &run.source, &run.active, all)? else {
        return Ok(());
    };
    let file_key = FileKey::parse(template);
    let clones = columns_of_clones(run, table, &file_key)?;
    let quoted = |column: &str| format!("t.{}", plan::quote::identifier(column));
    let text_or_null =
        |column: Option<&String>| column.map_or("NULL::text".to_owned(), |c| from.text_of("t", c));
    let document = table.document_column.as_deref();
    let version = from
        .columns
        .iter()
        .find(|c| c.role == ColumnRole::Version)
        .map(|c| &c.name);
    let of_row: Vec<String> = file_key
        .columns()
        .iter()
        .map(|name| text_or_null(from.column(name).map(|column| &column.name)))
        .map(|column| format!(", {column}"))
        .collect();
    let columns = format!(
        "{}, {}, {}, {}{}",
        quoted(id),
        text_or_null(table.type_column.as_ref().filter(|_| from.oid == table.oid)),
        text_or_null(version),
        document.map_or("NULL::text".to_owned(), quoted),
        of_row.concat()
    );
    let sql = SourceQuery::over(from.source_name())
        .filter(belongs)
        .select(&columns);
    let id_type = from.type_of(id);
    let is_jsonb = document.is_some_and(|column| table.type_of(column) == "jsonb");
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let Some(key) = Key::read(row, 0, KeyKind::of(id_type), id_type)? else {
            return Ok(());
        };
        let NewKey::To(new) = run.new_key(&key, &[table.oid]) else {
            return Ok(());
        };
        let row_type = row.text(1)?;
        let resource_type = row_type
            .as_deref()
            .or(table.resource_type.as_deref())
            .unwrap_or("");
        if table.blob_type.as_ref().is_some_and(|only| only != resource_type) {
            return Ok(());
        }
        let document = row.bytes(3).unwrap_or_default();
        let string = |path: &[&str]| {
            if is_jsonb {
                let found = jsonb::string_at(document, path)?;
                std::str::from_utf8(found).map(str::to_owned).ok()
            } else {
                member::string(document, path).map(std::borrow::Cow::into_owned)
            }
        };
        let version = match row.text(2)? {
            Some(version) => Some(version.into_owned()),
            None => table
                .version_path
                .as_ref()
                .and_then(|path| string(&path.iter().map(String::as_str).collect::<Vec<_>>())),
        };
        let new_version = version.as_deref().map(|version| {
            match uuid_text::parse_slice(version.as_bytes()).map(|id| run.ids.get(&id)) {
                Some(Mapped::Cloned(new)) => uuid_text::to_string(&new),
                _ => version.to_owned(),
            }
        });
        let (source_id, target_id) = (key.to_text(), new.to_text());
        let source_key = file_key.of(FileOf {
            id: &source_id,
            version: version.as_deref(),
            project: &run.source,
            columns: &values_of(row, 4, &file_key)?,
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
        found.push(json!({
            "resource_type": resource_type,
            "source_id": source_id,
            "target_id": target_id,
            "source_key": source_key,
            "target_key": target_key,
            "content_type": string(&["contentType"]),
        }));
        Ok(())
    })?;
    Ok(())
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
