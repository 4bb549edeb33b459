//! From the rows of a source to a project of the target, in one transaction.

use std::io::Read;

use anyhow::{Context as _, Result, anyhow, bail};
use bytes::Bytes;
use clone_archive::{Item, Manifest, Reader, SharedRows, Totals};
use futures_util::TryStreamExt;
use serde_json::{Value, json};

use super::shared_rows::{self, SharedKey};
use super::source::Snapshot;
use super::staging::{Filling, Staging};
use super::tables::{self, TableRows};
use crate::args::request::CloneRequest;
use crate::cloning::calls;
use crate::connect::session::Session;
use crate::failure::Hinted;
use crate::interrupt::Interrupt;
use crate::progress::{Count, Progress, Unit};

/// What came of a move.
#[derive(Debug)]
pub struct Moved {
    /// The new project.
    pub project: Value,
    /// Its run in the target.
    pub run: i64,
    /// Rows that were read from the source.
    pub rows: u64,
    /// Their bytes in COPY's binary form.
    pub bytes: u64,
}

/// What is the same for every source.
pub struct Destination<'d> {
    /// A connection to the target.
    pub session: &'d Session,
    /// The schema of the extension's functions there, quoted.
    pub schema: &'d str,
    /// What is to be cloned, and how.
    pub request: &'d CloneRequest,
    /// Ends the work early; nothing of it stays.
    pub interrupt: &'d Interrupt,
}

/// Rows that belong to no project, and the keys of the target by which the project names them.
struct Shared {
    keys: Vec<SharedKey>,
    rows: Vec<SharedRows>,
}

/// Options under which the rows are read: those of the call, and every row where ids are kept.
fn reading_options(request: &CloneRequest) -> Value {
    let mut options = request.options.clone();
    if let Value::Object(members) = &mut options
        && members.remove("keep_ids") == Some(Value::Bool(true))
    {
        members.insert("history".to_owned(), "full".into());
    }
    options
}

/// Clones a project of another server.
///
/// # Errors
/// Those of both servers; tables that do not fit; rows that the target does not have. Nothing is changed then.
pub async fn copy_project(source: &Snapshot, to: &Destination<'_>, progress: &mut Progress) -> Result<Moved> {
    let work = async {
        let options = reading_options(to.request);
        let mut tables = tables::tables_of_project(
            to.session,
            &to.request.source,
            to.request.store.as_deref(),
            &options,
        )
        .await?;
        let relations: Vec<String> = tables.iter().map(|table| table.relation.clone()).collect();
        let theirs = tables::columns(source.session(), &relations).await?;
        let ours = tables::columns(to.session, &relations).await?;
        tables::compare(&mut tables, &theirs, &ours)?;
        let keys = shared_rows::keys(to.session, &tables).await?;
        let rows = shared_rows::read(source.session(), &tables, &keys).await?;
        let shared = Shared { keys, rows };

        to.session.begin().await?;
        let result = async {
            let staging = Staging::create(to.session, &tables).await?;
            let mut count = Count::default();
            progress.phase("reading the source");
            for (number, table) in tables.iter().enumerate() {
                let mut stream = source.rows(table).await?;
                let mut filling = staging.fill(number, &table.columns).await?;
                count.subject.clone_from(&table.relation);
                while let Some(part) = stream
                    .try_next()
                    .await
                    .with_context(|| format!("cannot read {} from the source", table.relation))?
                {
                    count.bytes += part.len() as u64;
                    filling.add(part).await?;
                    progress.count(Unit::Rows, &count);
                }
                count.done += filling.finish().await?;
            }
            progress.finish();
            clone_staged(to, &staging, &shared, count.done, count.bytes, progress).await
        }
        .await;
        to.session.end(result).await
    };
    let moved = to.interrupt.or(work).await;
    progress.finish();
    moved.with_context(|| format!("cannot copy the project {:?}", to.request.source))
}

/// Clones the project of an archive.
///
/// # Errors
/// Those of the server; an archive that is damaged or incomplete; tables that do not fit. Nothing is changed then.
pub async fn import_archive<R: Read>(
    archive: &mut Reader<R>,
    to: &Destination<'_>,
    progress: &mut Progress,
) -> Result<Moved> {
    let work = async {
        let manifest = archive.manifest().clone();
        let tables = tables_of_archive(&manifest, to).await?;
        let keys = shared_rows::keys(to.session, &tables).await?;
        to.session.begin().await?;
        let result = async {
            let staging = Staging::create(to.session, &tables).await?;
            progress.phase("reading the archive");
            let totals = fill_from_archive(archive, &tables, &staging, progress).await?;
            progress.finish();
            let rows = totals.tables.iter().map(|table| table.rows).sum();
            let bytes = totals.tables.iter().map(|table| table.bytes).sum();
            let shared = Shared {
                keys,
                rows: manifest.shared.clone(),
            };
            clone_staged(to, &staging, &shared, rows, bytes, progress).await
        }
        .await;
        to.session.end(result).await
    };
    let moved = to.interrupt.or(work).await;
    progress.finish();
    moved.with_context(|| format!("cannot import the project {:?}", to.request.source))
}

/// The tables of an archive, after a check that the store of the target has them: a name in the archive is never run as SQL.
async fn tables_of_archive(manifest: &Manifest, to: &Destination<'_>) -> Result<Vec<TableRows>> {
    let known = tables::tables_of_project(
        to.session,
        &to.request.source,
        to.request.store.as_deref(),
        &json!({"history": "full"}),
    )
    .await?;
    let mut tables = Vec::with_capacity(manifest.tables.len());
    for table in &manifest.tables {
        let Some(own) = known.iter().find(|own| own.relation == table.name) else {
            return Err(Hinted::new(
                format!(
                    "the archive holds rows of {:?}, which is no table of the store",
                    table.name
                ),
                "Name the store that describes the same tables with --store.",
            )
            .into());
        };
        tables.push(TableRows {
            relation: own.relation.clone(),
            columns: table.columns.iter().map(|column| column.name.clone()).collect(),
            condition: own.condition.clone(),
        });
    }
    let relations: Vec<String> = tables.iter().map(|table| table.relation.clone()).collect();
    let ours = tables::columns(to.session, &relations).await?;
    let mut compared = tables.clone();
    tables::compare(&mut compared, &tables::columns_of_archive(manifest), &ours)?;
    Ok(tables)
}

async fn fill_from_archive<R: Read>(
    archive: &mut Reader<R>,
    tables: &[TableRows],
    staging: &Staging<'_>,
    progress: &mut Progress,
) -> Result<Totals> {
    let mut count = Count::default();
    let mut filling: Option<(usize, Filling)> = None;
    let mut rows = vec![0; tables.len()];
    loop {
        let item = tokio::task::block_in_place(|| archive.next_item())?
            .ok_or_else(|| anyhow!("the archive has no end"))?;
        match item {
            Item::Rows(number, part) => {
                let number = number as usize;
                count.bytes += part.len() as u64;
                let part = Bytes::copy_from_slice(part);
                if filling.as_ref().is_none_or(|(current, _)| *current != number) {
                    if let Some((before, filling)) = filling.take() {
                        rows[before] = filling.finish().await?;
                        count.done += rows[before];
                    }
                    count.subject.clone_from(&tables[number].relation);
                    filling = Some((number, staging.fill(number, &tables[number].columns).await?));
                }
                if let Some((_, filling)) = &mut filling {
                    filling.add(part).await?;
                }
                progress.count(Unit::Rows, &count);
            }
            // Files are written after the rows are committed.
            Item::File(_) | Item::FileContent(_) => {}
            Item::End(totals) => {
                if let Some((before, filling)) = filling.take() {
                    rows[before] = filling.finish().await?;
                }
                if !totals
                    .tables
                    .iter()
                    .map(|table| table.rows)
                    .eq(rows.iter().copied())
                {
                    bail!("the archive does not hold as many rows as it says");
                }
                return Ok(totals);
            }
        }
    }
}

/// Clones what is in the temporary tables.
async fn clone_staged(
    to: &Destination<'_>,
    staging: &Staging<'_>,
    shared: &Shared,
    rows: u64,
    bytes: u64,
    progress: &mut Progress,
) -> Result<Moved> {
    staging.analyze().await?;
    shared_rows::match_in_target(to.session, staging, &shared.keys, &shared.rows).await?;
    progress.phase("cloning");
    let mut request = to.request.clone();
    if let Value::Object(members) = &mut request.options {
        members.insert("source_tables".to_owned(), staging.source_tables());
    }
    let statement = format!("SELECT {}", calls::clone_call(to.schema));
    let project = to
        .session
        .json(&statement, &calls::clone_parameters(&request))
        .await?;
    let run = to
        .session
        .query_one("SELECT clone.last_run()", &[])
        .await?
        .try_get(0)?;
    Ok(Moved {
        project: project.into_iter().next().unwrap_or_default(),
        run,
        rows,
        bytes,
    })
}
