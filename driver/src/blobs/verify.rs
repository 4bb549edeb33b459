//! `pg_clone verify`: checks that the files of a project's rows exist.

use std::pin::pin;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use deadpool_postgres::Pool;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio_postgres::types::Type;

use crate::blobs::storage::allowed::AllowedLocations;
use crate::blobs::storage::location::Location;
use crate::blobs::storage::{Storage, Storages};
use crate::blobs::transfer::stat;

/// Number of files checked at the same time.
const PARALLEL: usize = 32;
/// Maximum number of faulty files that are listed; the others are only counted.
const LISTED: usize = 1000;

/// A file that is missing or wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultyFile {
    /// Table of the row.
    pub relation: String,
    /// The row's id.
    pub id: String,
    /// Key of the file.
    pub key: String,
    /// The fault: missing, a size other than the copied one, or the storage's error.
    pub fault: String,
}

/// The result.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Number of rows whose file was checked.
    pub checked: u64,
    /// Number of faulty files.
    pub faulty: u64,
    /// The first faulty files.
    pub faults: Vec<FaultyFile>,
}

/// Checks the file of every row of `project` in `store`: at the location that a run recorded, or else at the one in the
/// store's options. The size is compared if the queue recorded one.
///
/// # Errors
/// The store does not exist, a location is unknown or not allowed, or the database fails.
pub async fn verify(
    pool: &Pool,
    store: &str,
    project: &str,
    allowed: &AllowedLocations,
) -> anyhow::Result<FileReport> {
    let mut client = pool.get().await?;
    let transaction = client.transaction().await?;
    transaction
        .batch_execute("SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL statement_timeout = 0")
        .await?;
    let tables = transaction
        .query_typed(
            include_str!("queue/sql/files_of_project.sql"),
            &[(&store, Type::TEXT), (&false, Type::BOOL)],
        )
        .await?;
    let mut report = FileReport::default();
    if tables.is_empty() {
        return Ok(report);
    }
    let stores = transaction
        .query_typed(include_str!("queue/sql/stores.sql"), &[])
        .await?;
    let options = stores.iter().find(|row| row.get::<_, &str>(0) == store);
    let options = options.with_context(|| format!("there is no store {store:?}"))?;
    let places = Places {
        store,
        blobs: options.get(1),
        prefix: options.get(2),
        allowed,
        storages: Storages::default(),
    };
    for table in &tables {
        let (relation, query): (&str, &str) = (table.get(0), table.get(1));
        let rows = transaction
            .query_typed_raw(query, [(project, Type::TEXT)])
            .await?;
        let places = &places;
        let checks = rows.map_err(anyhow::Error::from).map(|row| async move {
            let row = row?;
            let (id, key): (String, String) = (row.get(0), row.get(1));
            let (size, location): (Option<i64>, Option<String>) = (row.get(2), row.get(3));
            let storage = places.storage(location.as_deref()).await?;
            let fault = fault(&storage, &key, size).await;
            anyhow::Ok(fault.map(|fault| FaultyFile {
                relation: relation.to_owned(),
                id,
                key,
                fault,
            }))
        });
        let mut checks = pin!(checks.buffer_unordered(PARALLEL));
        while let Some(found) = checks.try_next().await? {
            report.checked += 1;
            if let Some(fault) = found {
                report.faulty += 1;
                if report.faults.len() < LISTED {
                    report.faults.push(fault);
                }
            }
        }
    }
    Ok(report)
}

/// Where the files of a store are.
struct Places<'v> {
    store: &'v str,
    blobs: Option<String>,
    prefix: String,
    allowed: &'v AllowedLocations,
    storages: Storages,
}

impl Places<'_> {
    /// The storage at location `recorded`, or else that of the store.
    async fn storage(&self, recorded: Option<&str>) -> anyhow::Result<Arc<Storage>> {
        let Some(text) = recorded.or(self.blobs.as_deref()) else {
            bail!(
                "store {} does not say where its files are: set its options.blobs",
                self.store
            );
        };
        let location: Location = text.parse()?;
        self.allowed.check(&location).map_err(anyhow::Error::msg)?;
        self.storages.get(&location, &self.prefix).await
    }
}

async fn fault(storage: &Arc<Storage>, key: &str, size: Option<i64>) -> Option<String> {
    match stat(storage, key).await {
        Ok(Some(object)) => match size.and_then(|size| u64::try_from(size).ok()) {
            Some(size) if size != object.size => {
                Some(format!("has {} bytes, {size} were copied", object.size))
            }
            _ => None,
        },
        Ok(None) => Some(format!("missing: {}", storage.name(key))),
        Err(failure) => Some(failure.message),
    }
}
