//! The hand-over stage: inserts one row into `clone.blob_copy` for every file of a cloned resource, committed with the clone. The driver
//! copies the files afterwards.

use crate::error::internal;
use crate::pg::query::for_each_row;
use crate::pg::session::settings_guard::ReadingSettings;
use crate::records::blob_queue;
use crate::run::keys::{Key, NewKey};
use crate::run::state::Run;
use pg_clone_core::edit::member;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::{Mapped, uuid_text};
use pg_clone_core::jsonb;
use pg_clone_core::plan::{self, ColumnRole, KeyKind, SourceQuery, Table, TableRole};
use serde_json::{Value, json};

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
    let quoted = |column: &str| format!("t.{}", plan::quote::identifier(column));
    let text_or_null =
        |column: Option<&String>| column.map_or("NULL::text".to_owned(), |c| format!("{}::text", quoted(c)));
    let document = table.document_column.as_deref();
    let version = from
        .columns
        .iter()
        .find(|c| c.role == ColumnRole::Version)
        .map(|c| &c.name);
    let columns = format!(
        "{}, {}, {}, {}",
        quoted(id),
        text_or_null(table.type_column.as_ref().filter(|_| from.oid == table.oid)),
        text_or_null(version),
        document.map_or("NULL::text".to_owned(), quoted)
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
        let fill = |id: &str, version: Option<&str>, project: &str| {
            template
                .replace("{id}", id)
                .replace("{version}", version.unwrap_or(""))
                .replace("{project}", project)
        };
        found.push(json!({
            "resource_type": resource_type,
            "source_id": key.to_text(),
            "target_id": new.to_text(),
            "source_key": fill(&key.to_text(), version.as_deref(), &run.source),
            "target_key": fill(&new.to_text(), new_version.as_deref(), &run.target),
            "content_type": string(&["contentType"]),
        }));
        Ok(())
    })?;
    Ok(())
}

/// Queues the files.
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
