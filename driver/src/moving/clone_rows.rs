//! Clones the rows of a source into the target, in one transaction.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use clone_archive::{Manifest, SharedRows};
use serde_json::{Value, json};

use super::comparison::{Difference, compare};
use super::files::Unpacking;
use super::shared_rows::{self, SharedKey};
use super::source::Snapshot;
use super::staging::Staging;
use super::tables::{self, TableRows};
use crate::args::request::CloneRequest;
use crate::cloning::calls;
use crate::cloning::watch::{Watched, watch_clone};
use crate::connect::Target;
use crate::connect::session::Session;
use crate::failure::Hinted;
use crate::interrupt::Interrupt;
use crate::progress::Progress;

/// A project that was cloned into the target.
#[derive(Debug)]
pub struct Moved {
    /// The new project.
    pub project: Value,
    /// Number of its run in the target.
    pub run: i64,
    /// What was read from the source.
    pub read: RowsRead,
}

/// The plan of a clone.
#[derive(Debug)]
pub struct Planned {
    /// The rows of `project_clone_plan`.
    pub plan: Vec<Value>,
    /// Differences of the tables that lose no data.
    pub differences: Vec<Difference>,
    /// What was read from the source.
    pub read: RowsRead,
}

/// What was read from a source.
#[derive(Debug, Clone, Default)]
pub struct RowsRead {
    /// Rows by table.
    pub tables: Vec<(String, u64)>,
    /// Their bytes in COPY's binary format.
    pub bytes: u64,
}

impl RowsRead {
    /// Of all tables.
    pub fn rows(&self) -> u64 {
        self.tables.iter().map(|(_, rows)| rows).sum()
    }
}

/// The target of a clone; the same for every source.
#[derive(Clone, Copy)]
pub struct Destination<'d> {
    /// A connection to the server that clones.
    pub session: &'d Session,
    /// Its connection parameters, for a second connection that watches progress.
    pub target: &'d Target,
    /// A connection to the server that gets the rows: the same server, or one without the extension.
    pub rows_for: &'d Session,
    /// Quoted schema of the extension's functions.
    pub schema: &'d str,
    /// The request of the clone.
    pub request: &'d CloneRequest,
    /// Ends the work early; the transaction is rolled back.
    pub interrupt: &'d Interrupt,
}

/// The checked tables of a source, and the rows of other tables that they reference.
pub struct Prepared {
    pub(super) tables: Vec<TableRows>,
    pub(super) keys: Vec<SharedKey>,
    pub(super) shared: Vec<SharedRows>,
    pub(super) differences: Vec<Difference>,
}

/// A source of rows: a server or an archive.
pub trait Source {
    /// Compares the tables of source and target; called before rows are read.
    fn prepare(&mut self, to: &Destination<'_>) -> impl Future<Output = Result<Prepared>>;
    /// Copies its rows into the temporary tables.
    fn stage(
        &mut self,
        prepared: &Prepared,
        staging: &Staging<'_>,
        progress: &mut Progress,
    ) -> impl Future<Output = Result<RowsRead>>;
    /// Cancels the source's work after an error.
    fn give_up(&self) -> impl Future<Output = ()>;
    /// Files that came with the rows, when those have been read.
    fn into_files(self) -> Option<Unpacking>
    where
        Self: Sized,
    {
        None
    }
}

/// Options for reading the rows: those of the call; all rows if ids are kept.
fn reading_options(request: &CloneRequest) -> Value {
    let mut options = request.options.clone();
    if let Value::Object(members) = &mut options
        && members.remove("keep_ids") == Some(Value::Bool(true))
    {
        members.insert("history".to_owned(), "full".into());
    }
    options
}

/// Compares a server with the target, and reads the rows of other tables that the project references.
pub(super) async fn prepare_copy(source: &Snapshot, to: &Destination<'_>) -> Result<Prepared> {
    let mut tables = tables::tables_of_project(
        to.session,
        &to.request.source,
        to.request.store.as_deref(),
        &reading_options(to.request),
    )
    .await?;
    let relations: Vec<String> = tables.iter().map(|table| table.relation.clone()).collect();
    let theirs = tables::on_server(source.session(), &relations).await?;
    let ours = tables::on_server(to.rows_for, &relations).await?;
    let differences = compare(&mut tables, &theirs, &ours)?;
    let keys = shared_rows::keys(to.session, &tables).await?;
    let shared = shared_rows::read(source.session(), &tables, &keys).await?;
    Ok(Prepared {
        tables,
        keys,
        shared,
        differences,
    })
}

/// The tables of an archive, after a check that the target's store has them: names of the archive are never run as SQL.
pub(super) async fn prepare_import(manifest: &Manifest, to: &Destination<'_>) -> Result<Prepared> {
    let known = tables::tables_of_project(
        to.session,
        &to.request.source,
        to.request.store.as_deref(),
        &json!({"history": "full"}),
    )
    .await?;
    let mut found = Vec::with_capacity(manifest.tables.len());
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
        found.push(TableRows {
            relation: own.relation.clone(),
            columns: table.columns.iter().map(|column| column.name.clone()).collect(),
            condition: own.condition.clone(),
        });
    }
    let relations: Vec<String> = found.iter().map(|table| table.relation.clone()).collect();
    let ours = tables::on_server(to.session, &relations).await?;
    let differences = compare(&mut found.clone(), &tables::of_archive(manifest), &ours)?;
    Ok(Prepared {
        keys: shared_rows::keys(to.session, &found).await?,
        tables: found,
        shared: manifest.shared.clone(),
        differences,
    })
}

/// Clones the project of a source. A signal before COMMIT rolls back; after COMMIT was sent, its outcome is
/// awaited.
///
/// # Errors
/// Those of both servers; tables that differ with loss of data; referenced rows that the target does not have; a damaged or
/// incomplete archive. Nothing is changed then.
pub async fn move_project(
    source: &mut impl Source,
    to: &Destination<'_>,
    progress: &mut Progress,
) -> Result<Moved> {
    let work = async {
        let prepared = to.interrupt.or(source.prepare(to)).await?;
        to.session.begin().await?;
        let result = async {
            let (staging, read) = stage(source, to, &prepared, progress).await?;
            let (project, run) = clone_staged(to, &staging, &read, progress).await?;
            Ok(Moved { project, run, read })
        }
        .await;
        to.session.end(result).await
    };
    let moved = work.await;
    progress.finish();
    moved.with_context(|| format!("cannot clone the project {:?}", to.request.source))
}

/// The plan of [`move_project`]. The rows are read into temporary tables, and the transaction is rolled back.
///
/// # Errors
/// As [`move_project`].
pub async fn plan_move(
    source: &mut impl Source,
    to: &Destination<'_>,
    progress: &mut Progress,
) -> Result<Planned> {
    let work = async {
        let prepared = to.interrupt.or(source.prepare(to)).await?;
        to.session.begin().await?;
        let result = async {
            let (staging, read) = stage(source, to, &prepared, progress).await?;
            progress.phase("planning");
            let request = staged_request(to.request, &staging);
            let statement = format!(
                "SELECT pg_catalog.to_jsonb(p) FROM {} p",
                calls::plan_call(to.schema)
            );
            let plan = to
                .session
                .json(&statement, &calls::clone_parameters(&request))
                .await?;
            anyhow::Ok(Planned {
                plan,
                differences: prepared.differences,
                read,
            })
        }
        .await;
        // Without a connection the server rolls back by itself.
        let _ = to.session.execute("ROLLBACK").await;
        result
    };
    let planned = work.await;
    progress.finish();
    planned.with_context(|| format!("cannot plan to clone the project {:?}", to.request.source))
}

/// Fills the temporary tables; references to shared rows get the target's ids.
pub(super) async fn stage<'d>(
    source: &mut impl Source,
    to: &Destination<'d>,
    prepared: &Prepared,
    progress: &mut Progress,
) -> Result<(Staging<'d>, RowsRead)> {
    let staging = Staging::create(to.session, &prepared.tables).await?;
    let staged = to.session.unless_lost(source.stage(prepared, &staging, progress));
    let read = to.interrupt.or(to.rows_for.unless_lost(staged)).await;
    progress.finish();
    if read.is_err() {
        source.give_up().await;
    }
    let read = read?;
    staging.analyze().await?;
    shared_rows::match_in_target(to.rows_for, &staging, &prepared.keys, &prepared.shared).await?;
    Ok((staging, read))
}

fn staged_request(request: &CloneRequest, staging: &Staging<'_>) -> CloneRequest {
    let mut request = request.clone();
    if let Value::Object(members) = &mut request.options {
        members.insert("source_tables".to_owned(), staging.source_tables());
    }
    request
}

/// Clones the rows of the temporary tables; returns the new project and the number of its run.
pub(super) async fn clone_staged(
    to: &Destination<'_>,
    staging: &Staging<'_>,
    read: &RowsRead,
    progress: &mut Progress,
) -> Result<(Value, i64)> {
    progress.phase("cloning");
    let request = staged_request(to.request, staging);
    let work = async {
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
        Ok((project.into_iter().next().unwrap_or_default(), run))
    };
    if !progress.is_shown() {
        return work.await;
    }
    let planned: HashMap<String, u64> = read.tables.iter().cloned().collect();
    let watched = Watched {
        target: to.target,
        schema: to.schema,
        request: &request,
        pid: to.session.pid().await?,
        planned: Some(&planned),
    };
    tokio::select! {
        result = work => result,
        never = watch_clone(watched, progress) => match never {},
    }
}
