//! `pg_clone verify`: whether every row of a project that has a file has it.

use std::pin::pin;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use deadpool_postgres::Pool;
use futures_util::{StreamExt as _, TryStreamExt as _};
use tokio_postgres::types::ToSql;

use crate::blobs::storage::Storage;
use crate::blobs::storage::location::Location;
use crate::blobs::transfer::stat;

/// Files asked for at once.
const PARALLEL: usize = 32;
/// Faulty files that are listed; the rest is counted.
const LISTED: usize = 1000;

/// A file that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultyFile {
    /// Table of the row.
    pub relation: String,
    /// The row's id.
    pub id: String,
    /// Key of the file.
    pub key: String,
    /// What is wrong: missing, another size than was copied, or the storage's error.
    pub fault: String,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileReport {
    /// Rows whose file was looked for.
    pub checked: u64,
    /// How many are at fault.
    pub faulty: u64,
    /// The first of them.
    pub faults: Vec<FaultyFile>,
}

/// Looks for the file of every row of `project` in `store`, as the catalog describes it: in `location`, or else where the
/// store's options say. The size is compared where the queue recorded one.
///
/// # Errors
/// When there is no such store, it has no location, or the database fails.
pub async fn verify(
    pool: &Pool,
    store: &str,
    project: &str,
    location: Option<&Location>,
) -> anyhow::Result<FileReport> {
    let client = pool.get().await?;
    let tables = client
        .query(include_str!("queue/sql/files_of_project.sql"), &[&store])
        .await?;
    let mut report = FileReport::default();
    if tables.is_empty() {
        return Ok(report);
    }
    let stores = client.query(include_str!("queue/sql/stores.sql"), &[]).await?;
    let options = stores.iter().find(|row| row.get::<_, &str>(0) == store);
    let options = options.with_context(|| format!("there is no store {store:?}"))?;
    let location = match (location, options.get::<_, Option<&str>>(1)) {
        (Some(location), _) => location.clone(),
        (None, Some(text)) => text.parse()?,
        (None, None) => bail!("store {store} does not say where its files are: set its options.blobs"),
    };
    let storage = Arc::new(Storage::open(&location, options.get(2)).await?);
    for table in &tables {
        let (relation, template, query): (&str, &str, &str) = (table.get(0), table.get(1), table.get(2));
        let parameters: [&(dyn ToSql + Sync); 1] = [&project];
        let rows = client.query_raw(query, parameters).await?;
        let checks = rows.map(|row| {
            let storage = Arc::clone(&storage);
            async move {
                let row = row?;
                let (id, version): (String, Option<String>) = (row.get(0), row.get(1));
                let size: Option<i64> = row.get(2);
                let key = template
                    .replace("{id}", &id)
                    .replace("{version}", version.as_deref().unwrap_or_default())
                    .replace("{project}", project);
                let fault = fault(&storage, &key, size).await;
                Ok::<_, tokio_postgres::Error>(fault.map(|fault| {
                    let relation = relation.to_owned();
                    FaultyFile {
                        relation,
                        id,
                        key,
                        fault,
                    }
                }))
            }
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
