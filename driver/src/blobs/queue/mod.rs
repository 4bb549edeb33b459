//! The queue `clone.blob_copy` in the database, through a worker's own session.

pub mod backoff;
pub mod notify_listener;
pub mod status;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use anyhow::Context as _;
use deadpool_postgres::{ClientWrapper, Object as Pooled, Pool};
use tokio_postgres::error::SqlState;
use tokio_postgres::types::{ToSql, Type};

use crate::blobs::file::failure::Scope;
use crate::blobs::file::outcome::{Copied, FileOutcome, Method};
use crate::blobs::queue::backoff::Backoff;

/// First key of the advisory locks that workers hold: "clon" in ASCII.
const LOCK_CLASS: i32 = 1_668_050_798;
/// Seconds until a delete checks again whether a copy to its key has ended.
const BUSY_WAIT: f64 = 2.0;

/// A claimed row.
#[derive(Clone, Debug)]
pub struct Row {
    /// Its id.
    pub id: i64,
    /// The store in the catalog.
    pub store: String,
    /// Delete instead of copy.
    pub delete: bool,
    /// Key in the source; empty for a delete.
    pub source_key: String,
    /// Key in the target.
    pub target_key: String,
    /// Content type for a source without one.
    pub content_type: Option<String>,
    /// Size that the source must have.
    pub size_expected: Option<u64>,
    /// Attempts, this one included.
    pub attempts: u32,
    /// Location of the source, if the row has one.
    pub source_location: Option<String>,
    /// Location of the target, if the row has one.
    pub target_location: Option<String>,
    /// Locations of source and target that were used; recorded when the row is done.
    pub used: Option<(Arc<str>, Arc<str>)>,
}

impl Row {
    /// Whether the row stands for all files below its source key.
    pub fn is_prefix(&self) -> bool {
        !self.delete && self.source_key.ends_with('/')
    }

    /// Store and locations of the row as one key: rows with the same key use the same storages and are paused together.
    /// `claim.sql` makes the same key.
    pub fn place_key(&self) -> String {
        let operation = if self.delete { "delete" } else { "copy" };
        let [source, target] =
            [&self.source_location, &self.target_location].map(|place| place.as_deref().unwrap_or_default());
        [&self.store, operation, source, target].join("\u{1}")
    }

    /// Whether it is a copy of one file.
    pub fn is_file(&self) -> bool {
        !self.delete && !self.is_prefix()
    }
}

/// Counts of the queue.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueueCounts {
    /// Files that wait for an attempt.
    pub pending: u64,
    /// Files that a worker has claimed.
    pub running: u64,
    /// Files that need a manual retry.
    pub failed: u64,
    /// Bytes of pending and running files, if known.
    pub bytes: Option<u64>,
    /// Seconds until the next pending file is due; negative if it is overdue.
    pub due: Option<f64>,
}

/// The new state of a claimed row that is not done: pending again, or failed.
struct Setback<'r> {
    row: &'r Row,
    error: String,
    is_last: bool,
    permanent: bool,
    wait: f64,
    counts: bool,
}

/// A worker's session; it holds the advisory lock that proves that the worker is alive.
pub struct Queue {
    client: ClientWrapper,
    number: i32,
    worker: String,
    backoff: Backoff,
}

impl Queue {
    /// Takes a connection out of the pool permanently: the lock ends with the connection.
    ///
    /// # Errors
    /// When the database cannot be reached, or the role may not work the queue.
    pub async fn open(pool: &Pool, backoff: Backoff) -> anyhow::Result<Self> {
        let client = Pooled::take(pool.get().await.context("cannot connect to the database")?);
        let number = loop {
            let number = rand::random::<i32>() & i32::MAX;
            let lock = "SELECT pg_catalog.pg_try_advisory_lock($1, $2)";
            let parameters: [(&(dyn ToSql + Sync), Type); 2] =
                [(&LOCK_CLASS, Type::INT4), (&number, Type::INT4)];
            if client.query_typed_one(lock, &parameters).await?.get(0) {
                break number;
            }
        };
        let host = nix::unistd::gethostname()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        Ok(Self {
            client,
            number,
            worker: format!("{host}:{}", std::process::id()),
            backoff,
        })
    }

    /// Whether the session is lost, and with it all claims. The error may arrive before the connection is
    /// seen to be closed: the server announces a shutdown (57P01 to 57P03) as an ordinary error.
    pub fn is_lost_by(&self, error: &tokio_postgres::Error) -> bool {
        let code = error.code().map_or("", SqlState::code);
        self.client.is_closed() || error.is_closed() || code.starts_with("57P0") || code.starts_with("08")
    }

    /// Claims up to `most` due rows. A delete waits for copies to the same key.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn claim(
        &self,
        most: usize,
        run: Option<i64>,
        paused: &[String],
    ) -> Result<Vec<Row>, tokio_postgres::Error> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let claim = self.client.prepare_cached(include_str!("sql/claim.sql")).await?;
        let rows = self
            .client
            .query(&claim, &[&self.number, &self.worker, &most, &run, &paused])
            .await?;
        let mut rows: Vec<Row> = rows.iter().map(row).collect();
        rows.sort_by_key(|row| row.id);
        if rows.iter().any(|row| row.delete) {
            self.defer_busy_deletes(&mut rows).await?;
        }
        Ok(rows)
    }

    async fn defer_busy_deletes(&self, rows: &mut Vec<Row>) -> Result<(), tokio_postgres::Error> {
        let deletes = rows.iter().filter(|row| row.delete);
        let (stores, keys): (Vec<_>, Vec<_>) = deletes
            .map(|row| (row.store.as_str(), row.target_key.as_str()))
            .unzip();
        self.client
            .execute(include_str!("sql/cancel_copies.sql"), &[&stores, &keys])
            .await?;
        let busy = self
            .client
            .query(include_str!("sql/busy_keys.sql"), &[&stores, &keys])
            .await?;
        let busy: HashSet<(String, String)> = busy.iter().map(|row| (row.get(0), row.get(1))).collect();
        let (wait, now): (Vec<Row>, Vec<Row>) = std::mem::take(rows)
            .into_iter()
            .partition(|row| row.delete && busy.contains(&(row.store.clone(), row.target_key.clone())));
        *rows = now;
        let error = || "waits for the copy to the same key".to_owned();
        let setbacks = wait.iter().map(|row| Setback {
            row,
            error: error(),
            is_last: false,
            permanent: false,
            wait: BUSY_WAIT,
            counts: false,
        });
        self.set_back(setbacks.collect()).await
    }

    /// Records the outcome of claimed rows.
    ///
    /// # Errors
    /// The database fails; the rows are then free for another worker.
    pub async fn finish(&self, rows: &[(Row, FileOutcome)]) -> Result<(), tokio_postgres::Error> {
        let mut done: Vec<(&Row, &Copied)> = Vec::new();
        let mut setbacks = Vec::new();
        let mut released = Vec::new();
        for (row, outcome) in rows {
            match outcome {
                FileOutcome::Done(copied) => done.push((row, copied)),
                FileOutcome::Listed(suffixes) => {
                    if let Some(error) = self.queue_listed(row, suffixes).await? {
                        setbacks.push(Setback {
                            row,
                            error,
                            is_last: true,
                            permanent: true,
                            wait: 0.0,
                            counts: true,
                        });
                    }
                }
                FileOutcome::Released => released.push(row.id),
                FileOutcome::Failed(failure) => setbacks.push(Setback {
                    row,
                    error: failure.message.clone(),
                    is_last: self.backoff.is_last(row.attempts, failure.scope),
                    permanent: failure.scope == Scope::File,
                    wait: self.backoff.wait(row.attempts, row.id).as_secs_f64(),
                    counts: failure.scope != Scope::Storage,
                }),
            }
        }
        if !done.is_empty() {
            let ids: Vec<i64> = done.iter().map(|(row, _)| row.id).collect();
            let methods: Vec<&str> = done.iter().map(|(_, copied)| copied.method.as_str()).collect();
            let bytes: Vec<i64> = done
                .iter()
                .map(|(_, copied)| i64::try_from(copied.bytes).unwrap_or(i64::MAX))
                .collect();
            let checksums: Vec<Option<String>> = done
                .iter()
                .map(|(_, copied)| copied.checksum.as_ref().map(ToString::to_string))
                .collect();
            let (sources, targets): (Vec<_>, Vec<_>) = done.iter().map(|(row, _)| used(row)).unzip();
            let statement = self.client.prepare_cached(include_str!("sql/done.sql")).await?;
            let parameters: &[&(dyn ToSql + Sync)] = &[
                &self.number,
                &ids,
                &methods,
                &bytes,
                &checksums,
                &sources,
                &targets,
            ];
            self.client.execute(&statement, parameters).await?;
        }
        if !released.is_empty() {
            self.client
                .execute(include_str!("sql/release.sql"), &[&self.number, &released])
                .await?;
        }
        self.set_back(setbacks).await
    }

    /// Queues the files below a prefix and marks its row done, in one statement. Returns the failure if the role lacks the privilege.
    async fn queue_listed(
        &self,
        row: &Row,
        suffixes: &[String],
    ) -> Result<Option<String>, tokio_postgres::Error> {
        let statement = include_str!("sql/listed.sql");
        let (source, target) = used(row);
        let parameters: &[&(dyn ToSql + Sync)] = &[
            &self.number,
            &row.id,
            &suffixes,
            &Method::List.as_str(),
            &source,
            &target,
        ];
        match self.client.execute(statement, parameters).await {
            Ok(_) => Ok(None),
            // Only these rows need the privilege INSERT; copies of single files do not.
            Err(error) if error.code() == Some(&SqlState::INSUFFICIENT_PRIVILEGE) => Ok(Some(format!(
                "cannot queue the files below {}: the worker's role needs INSERT on clone.blob_copy",
                row.source_key
            ))),
            Err(error) => Err(error),
        }
    }

    async fn set_back(&self, setbacks: Vec<Setback<'_>>) -> Result<(), tokio_postgres::Error> {
        if setbacks.is_empty() {
            return Ok(());
        }
        let ids: Vec<i64> = setbacks.iter().map(|setback| setback.row.id).collect();
        let errors: Vec<&str> = setbacks.iter().map(|setback| setback.error.as_str()).collect();
        let are_last: Vec<bool> = setbacks.iter().map(|setback| setback.is_last).collect();
        let permanent: Vec<bool> = setbacks.iter().map(|setback| setback.permanent).collect();
        let waits: Vec<f64> = setbacks.iter().map(|setback| setback.wait).collect();
        let counts: Vec<bool> = setbacks.iter().map(|setback| setback.counts).collect();
        let parameters: &[&(dyn ToSql + Sync)] = &[
            &self.number,
            &ids,
            &errors,
            &are_last,
            &permanent,
            &waits,
            &counts,
        ];
        self.client
            .execute(include_str!("sql/failed.sql"), parameters)
            .await
            .map(drop)
    }

    /// Frees rows that dead workers had claimed; returns their number.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn free_dead_claims(&self) -> Result<u64, tokio_postgres::Error> {
        let dead = self
            .client
            .query_typed(include_str!("sql/dead_workers.sql"), &[])
            .await?;
        let dead: Vec<i32> = dead.iter().map(|row| row.get(0)).collect();
        if dead.is_empty() {
            return Ok(0);
        }
        self.client
            .execute(include_str!("sql/free_claims.sql"), &[&dead, &self.attempts()])
            .await
    }

    /// Counts of the queue, for one run or all.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn counts(&self, run: Option<i64>) -> Result<QueueCounts, tokio_postgres::Error> {
        let statement = self
            .client
            .prepare_cached(include_str!("sql/queue_counts.sql"))
            .await?;
        let row = self.client.query_one(&statement, &[&run]).await?;
        let count = |index: usize| u64::try_from(row.get::<_, i64>(index)).unwrap_or_default();
        Ok(QueueCounts {
            pending: count(0),
            running: count(1),
            failed: count(2),
            bytes: row
                .get::<_, Option<i64>>(3)
                .and_then(|bytes| u64::try_from(bytes).ok()),
            due: row.get(4),
        })
    }

    /// Location of each store's files, and the key prefix that directories omit.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn stores(&self) -> Result<HashMap<String, (Option<String>, String)>, tokio_postgres::Error> {
        let rows = self
            .client
            .query_typed(include_str!("sql/stores.sql"), &[])
            .await?;
        Ok(rows
            .iter()
            .map(|row| (row.get(0), (row.get(1), row.get(2))))
            .collect())
    }

    fn attempts(&self) -> i32 {
        i32::try_from(self.backoff.attempts).unwrap_or(i32::MAX)
    }
}

/// Locations of source and target of a row.
fn used(row: &Row) -> (Option<&str>, Option<&str>) {
    row.used.as_ref().map_or((None, None), |(source, target)| {
        (Some(&**source), Some(&**target))
    })
}

fn row(row: &tokio_postgres::Row) -> Row {
    Row {
        id: row.get(0),
        store: row.get(1),
        delete: row.get::<_, &str>(2) == "delete",
        source_key: row.get::<_, Option<String>>(3).unwrap_or_default(),
        target_key: row.get(4),
        content_type: row.get(5),
        size_expected: row
            .get::<_, Option<i64>>(6)
            .and_then(|size| u64::try_from(size).ok()),
        attempts: u32::try_from(row.get::<_, i32>(7)).unwrap_or(1),
        source_location: row.get(8),
        target_location: row.get(9),
        used: None,
    }
}
