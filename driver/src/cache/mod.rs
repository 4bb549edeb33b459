//! Deletes stale keys of an application's cache: after the commit, and a second time some seconds later, because a server
//! that was reading the old rows may have written them to the cache again.
//!
//! The table `clone.cache_invalidation` has the keys and their state, so another process can continue after a crash.

mod redis_cache;

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::blobs::AllowedLocations;
use crate::connect::session::Session;
use crate::failure::Hinted;
use crate::interrupt::Interrupt;
use crate::output::messages;
use crate::output::{Output, thousands};

use self::redis_cache::RedisCache;

/// Time between the first and the second deletion.
pub const AGAIN_AFTER: Duration = Duration::from_secs(5);

/// Which keys to delete, and in which cache.
#[derive(Clone, Debug)]
pub struct FlushRequest {
    /// Only the keys of this run.
    pub run: Option<i64>,
    /// URL of the cache that replaces the one in the store's options.
    pub cache: Option<String>,
    /// Time to wait before the second deletion.
    pub again_after: Duration,
    /// Locations that the database may name.
    pub allowed: AllowedLocations,
}

/// Environment variable with the URL of the cache; it replaces the one in the store's options.
pub const CACHE_VARIABLE: &str = "PG_CLONE_CACHE";

impl Default for FlushRequest {
    fn default() -> Self {
        Self {
            run: None,
            cache: std::env::var(CACHE_VARIABLE).ok().filter(|url| !url.is_empty()),
            again_after: AGAIN_AFTER,
            allowed: AllowedLocations::default(),
        }
    }
}

/// The result.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Flushed {
    /// Number of keys deleted for the first time.
    pub keys: i64,
    /// Number of keys deleted for the second time; their rows are removed.
    pub keys_again: i64,
    /// Stores with stale keys whose options name no cache.
    pub without_cache: Vec<String>,
}

const STORES: &str = include_str!("sql/stores.sql");
const FIRST: &str = include_str!("sql/first.sql");
const FLUSHED: &str = include_str!("sql/flushed.sql");
const AGAIN: &str = include_str!("sql/again.sql");
const DONE: &str = include_str!("sql/done.sql");
const ALLOWED: &str = include_str!("sql/allowed.sql");

/// Deletes stale keys from the caches of all stores.
pub struct CacheFlush<'s> {
    session: &'s Session,
    request: FlushRequest,
    caches: BTreeMap<String, RedisCache>,
    flushed: Flushed,
}

impl<'s> CacheFlush<'s> {
    /// A new flush; no connection is opened yet.
    pub fn new(session: &'s Session, request: FlushRequest) -> Self {
        Self {
            session,
            request,
            caches: BTreeMap::new(),
            flushed: Flushed::default(),
        }
    }

    /// Whether the role may read and change `clone.cache_invalidation`.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn is_allowed(&self) -> Result<bool> {
        Ok(self.session.query_one(ALLOWED, &[]).await?.try_get(0)?)
    }

    /// Deletes keys for the first time.
    ///
    /// # Errors
    /// The database or a cache fails; finished deletions are recorded.
    pub async fn first(&mut self) -> Result<()> {
        for (store, cache) in self.stores().await? {
            let Some(cache) = cache else {
                if !self.flushed.without_cache.contains(&store) {
                    self.flushed.without_cache.push(store);
                }
                continue;
            };
            loop {
                let rows = self.session.query(FIRST, &[&store, &self.request.run]).await?;
                let (ids, keys) = ids_and_keys(&rows)?;
                if ids.is_empty() {
                    break;
                }
                self.delete(&cache, &keys).await?;
                self.session.query(FLUSHED, &[&ids]).await?;
                self.flushed.keys += count(&keys);
            }
        }
        Ok(())
    }

    /// Deletes keys for the second time if the first deletion was long enough ago, and removes their rows.
    ///
    /// # Errors
    /// As [`CacheFlush::first`].
    pub async fn again(&mut self) -> Result<()> {
        let seconds = self.request.again_after.as_secs_f64();
        for (store, cache) in self.stores().await? {
            let Some(cache) = cache else { continue };
            loop {
                let rows = self
                    .session
                    .query(AGAIN, &[&store, &self.request.run, &seconds])
                    .await?;
                let (ids, keys) = ids_and_keys(&rows)?;
                if ids.is_empty() {
                    break;
                }
                self.delete(&cache, &keys).await?;
                self.session.query(DONE, &[&ids]).await?;
                self.flushed.keys_again += count(&keys);
            }
        }
        Ok(())
    }

    /// Both deletions, with the wait between them. An interrupt during the wait leaves the second deletion to the next call.
    ///
    /// # Errors
    /// As [`CacheFlush::first`].
    pub async fn both(&mut self, interrupt: &Interrupt) -> Result<()> {
        self.first().await?;
        self.wait_and_again(interrupt).await
    }

    /// Waits, then calls [`CacheFlush::again`]; does nothing if nothing was deleted.
    ///
    /// # Errors
    /// As [`CacheFlush::first`].
    pub async fn wait_and_again(&mut self, interrupt: &Interrupt) -> Result<()> {
        if self.flushed.keys > 0 {
            tokio::select! {
                () = tokio::time::sleep(self.request.again_after) => {}
                () = interrupt.wait() => return Ok(()),
            }
        }
        self.again().await
    }

    /// The result so far.
    pub fn flushed(&self) -> &Flushed {
        &self.flushed
    }

    /// Stores with stale keys, and the URLs of their caches.
    async fn stores(&self) -> Result<Vec<(String, Option<String>)>> {
        let rows = self.session.query(STORES, &[&self.request.run]).await?;
        rows.iter()
            .map(|row| {
                let cache: Option<String> = row.try_get(1)?;
                Ok((row.try_get(0)?, self.request.cache.clone().or(cache)))
            })
            .collect()
    }

    async fn delete(&mut self, cache: &str, keys: &[String]) -> Result<()> {
        if !self.caches.contains_key(cache) {
            let named_by_user = self.request.cache.as_deref() == Some(cache);
            if !named_by_user {
                self.request
                    .allowed
                    .check_cache(cache)
                    .map_err(anyhow::Error::msg)?;
            }
            let opened = RedisCache::open(cache, named_by_user).await.with_context(|| {
                format!(
                    "cannot connect to the cache {}",
                    crate::output::redact::redact(cache)
                )
            })?;
            self.caches.insert(cache.to_owned(), opened);
        }
        match self.caches.get_mut(cache) {
            Some(cache) => cache
                .delete(keys)
                .await
                .context("cannot delete keys from the cache"),
            None => Ok(()),
        }
    }
}

/// The deletions after a commit that made keys stale: the first at once, the second at the end of the command. A failure is
/// reported; `pg_clone cache flush` does the rest.
pub struct AfterCommit<'s> {
    flush: Option<CacheFlush<'s>>,
    complete: bool,
}

impl<'s> AfterCommit<'s> {
    /// Deletes the keys of `run`, or of all runs.
    pub async fn begin(session: &'s Session, run: Option<i64>, allowed: &AllowedLocations) -> Self {
        let mut flush = CacheFlush::new(
            session,
            FlushRequest {
                run,
                allowed: allowed.clone(),
                ..FlushRequest::default()
            },
        );
        // Without the privilege, another role flushes the cache.
        if !matches!(flush.is_allowed().await, Ok(true)) {
            return Self {
                flush: None,
                complete: true,
            };
        }
        let complete = told(flush.first().await);
        Self {
            flush: Some(flush),
            complete,
        }
    }

    /// Deletes the keys a second time and prints the result. Returns whether nothing is left to do.
    pub async fn finish(self, interrupt: &Interrupt, output: &mut Output) -> (Flushed, bool) {
        let (Some(mut flush), mut complete) = (self.flush, self.complete) else {
            return (Flushed::default(), true);
        };
        if complete {
            complete = told(flush.wait_and_again(interrupt).await);
        }
        let flushed = flush.flushed().clone();
        complete &= flushed.keys_again >= flushed.keys;
        print(&flushed, output);
        (flushed, complete)
    }
}

/// Reports a failure; false if there was one.
fn told(result: Result<()>) -> bool {
    match result {
        Ok(()) => true,
        Err(error) => {
            warn(&error);
            false
        }
    }
}

/// Deletes keys that are due for the first or the second time; workers call it between two rounds. With `to_the_end` it
/// waits for the second deletion. A failure is reported; the next round tries again.
pub async fn flush_due(
    session: &Session,
    to_the_end: bool,
    allowed: &AllowedLocations,
    interrupt: &Interrupt,
    output: &mut Output,
) {
    let request = FlushRequest {
        allowed: allowed.clone(),
        ..FlushRequest::default()
    };
    let mut flush = CacheFlush::new(session, request);
    if !matches!(flush.is_allowed().await, Ok(true)) {
        return;
    }
    let result = if to_the_end {
        flush.both(interrupt).await
    } else {
        match flush.first().await {
            Ok(()) => flush.again().await,
            Err(error) => Err(error),
        }
    };
    if let Err(error) = result {
        warn(&error);
    }
    print(flush.flushed(), output);
}

fn warn(error: &anyhow::Error) {
    messages::say(
        "warning",
        &format!("{error:#}; the server may show rows that are gone: pg_clone cache flush"),
        None,
    );
}

/// Prints the result.
pub fn print(flushed: &Flushed, output: &mut Output) {
    if flushed.keys > 0 || flushed.keys_again > 0 {
        output.line(format!(
            "Cache: {} keys deleted, {} of them once more",
            thousands(flushed.keys.max(flushed.keys_again)),
            thousands(flushed.keys_again)
        ));
    }
}

/// The error for stores with stale keys whose options name no cache.
pub fn no_cache(stores: &[String]) -> anyhow::Error {
    Hinted::new(
        format!("it is not known where the cache of store {} is", stores.join(", ")),
        format!(
            "Say it with --cache redis://<host>:6379, or once and for all: SELECT clone.store_alter('{}', '{{\"cache\": \"redis://<host>:6379\"}}');",
            stores.first().map_or("", String::as_str)
        ),
    )
    .into()
}

fn count(keys: &[String]) -> i64 {
    i64::try_from(keys.len()).unwrap_or(i64::MAX)
}

fn ids_and_keys(rows: &[tokio_postgres::Row]) -> Result<(Vec<i64>, Vec<String>)> {
    let mut ids = Vec::with_capacity(rows.len());
    let mut keys = Vec::new();
    for row in rows {
        ids.push(row.try_get(0)?);
        keys.extend(row.try_get::<_, Vec<String>>(1)?);
    }
    Ok((ids, keys))
}
