//! The queue in the database, as one worker sees it: `clone.blob_copy` through a session of its own.

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
use crate::blobs::file::outcome::{Copied, Method, Outcome};
use crate::blobs::queue::backoff::Backoff;

/// First key of the advisory locks that workers hold: "clon" in ASCII.
const LOCK_CLASS: i32 = 1_668_050_798;
/// Seconds until a delete looks again whether the copy to its key is over.
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
    /// Where the row says that the source is.
    pub source_location: Option<String>,
    /// Where the row says that the target is.
    pub target_location: Option<String>,
    /// Where source and target were found to be: recorded when the row is done.
    pub used: Option<(Arc<str>, Arc<str>)>,
}

impl Row {
    /// Whether it stands for all files below its source key.
    pub fn is_prefix(&self) -> bool {
        !self.delete && self.source_key.ends_with('/')
    }

    /// The store with what the row says of its places: rows of one key are worked on in the same places, and rest together.
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

/// Where the queue stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct QueueCounts {
    /// Files that wait for an attempt.
    pub pending: u64,
    /// Files that some worker is at.
    pub running: u64,
    /// Files that need a retry by hand.
    pub failed: u64,
    /// Bytes of the pending and running, where known.
    pub bytes: Option<u64>,
    /// Seconds until the next pending file is due, negative when it is.
    pub due: Option<f64>,
}

/// A file's way out of `running` that is to be tried again.
struct Setback<'r> {
    row: &'r Row,
    error: String,
    permanent: bool,
    wait: f64,
    counts: bool,
}

/// A worker's session: it holds the lock that makes its claims good.
pub struct Queue {
    client: ClientWrapper,
    number: i32,
    worker: String,
    backoff: Backoff,
}

impl Queue {
    /// Takes a connection out of the pool for good: the lock ends with it.
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

    /// Whether the session is gone, and with it all claims. The error that tells of it may come before the connection is
    /// seen to be closed: the server announces a shutdown (57P01 to 57P03) as an ordinary error.
    pub fn is_lost_by(&self, error: &tokio_postgres::Error) -> bool {
        let code = error.code().map_or("", SqlState::code);
        self.client.is_closed() || error.is_closed() || code.starts_with("57P0") || code.starts_with("08")
    }

    /// Claims up to `most` due rows; deletes wait for copies to the same key.
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
            permanent: false,
            wait: BUSY_WAIT,
            counts: false,
        });
        self.set_back(setbacks.collect()).await
    }

    /// Records what became of claimed rows.
    ///
    /// # Errors
    /// When the database fails; the rows are then free for the next worker.
    pub async fn finish(&self, rows: &[(Row, Outcome)]) -> Result<(), tokio_postgres::Error> {
        let mut done: Vec<(&Row, &Copied)> = Vec::new();
        let mut setbacks = Vec::new();
        let mut released = Vec::new();
        for (row, outcome) in rows {
            match outcome {
                Outcome::Done(copied) => done.push((row, copied)),
                Outcome::Listed(rests) => {
                    if let Some(error) = self.queue_listed(row, rests).await? {
                        setbacks.push(Setback {
                            row,
                            error,
                            permanent: true,
                            wait: 0.0,
                            counts: true,
                        });
                    }
                }
                Outcome::Released => released.push(row.id),
                Outcome::Failed(failure) => setbacks.push(Setback {
                    row,
                    error: failure.message.clone(),
                    permanent: failure.scope == Scope::File,
                    wait: self.backoff.wait(row.attempts).as_secs_f64(),
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

    /// Queues the files below a prefix and marks its row done, in one statement; gives why this role may not.
    async fn queue_listed(
        &self,
        row: &Row,
        rests: &[String],
    ) -> Result<Option<String>, tokio_postgres::Error> {
        let statement = include_str!("sql/listed.sql");
        let (source, target) = used(row);
        let parameters: &[&(dyn ToSql + Sync)] = &[
            &self.number,
            &row.id,
            &rests,
            &Method::List.as_str(),
            &source,
            &target,
        ];
        match self.client.execute(statement, parameters).await {
            Ok(_) => Ok(None),
            // Only these rows ask for the right to insert: the others' copies go on without it.
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
        let permanent: Vec<bool> = setbacks.iter().map(|setback| setback.permanent).collect();
        let waits: Vec<f64> = setbacks.iter().map(|setback| setback.wait).collect();
        let counts: Vec<bool> = setbacks.iter().map(|setback| setback.counts).collect();
        let parameters: &[&(dyn ToSql + Sync)] = &[
            &self.number,
            &self.attempts(),
            &ids,
            &errors,
            &permanent,
            &waits,
            &counts,
        ];
        self.client
            .execute(include_str!("sql/failed.sql"), parameters)
            .await
            .map(drop)
    }

    /// Frees what dead workers had claimed; returns how many files.
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

    /// Where the queue stands, of one run or of all.
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

    /// Where each store's files are, and what directories leave away of its keys.
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

/// Where source and target of a row are.
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
