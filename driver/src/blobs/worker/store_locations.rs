//! Locations of each store's files: the caller's, or else those of the store's options.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::blobs::file::failure::Failure;
use crate::blobs::queue::{Queue, Row};
use crate::blobs::storage::allowed::AllowedLocations;
use crate::blobs::storage::location::Location;
use crate::blobs::storage::{Storage, Storages};

/// Source and target of a store's files.
#[derive(Clone, Debug)]
pub struct Place {
    /// Source.
    pub source: Arc<Storage>,
    /// Target; a delete removes the file there.
    pub target: Arc<Storage>,
    /// Locations of both, to be recorded.
    pub urls: (Arc<str>, Arc<str>),
}

impl Place {
    /// Whether source and target are directories.
    pub fn is_local(&self) -> bool {
        [&self.source, &self.target]
            .iter()
            .all(|side| matches!(***side, Storage::Directory(_)))
    }
}

/// The locations of all stores, read once.
#[derive(Debug, Default)]
pub struct StoreLocations {
    from: Option<Location>,
    to: Option<Location>,
    allowed: AllowedLocations,
    storages: Storages,
    known: Mutex<HashMap<String, Result<Place, Failure>>>,
}

impl StoreLocations {
    /// Locations with the values of `--blobs-from`, `--blobs-to` and `--allow-location`.
    pub fn new(from: Option<Location>, to: Option<Location>, allowed: AllowedLocations) -> Self {
        Self {
            from,
            to,
            allowed,
            ..Self::default()
        }
    }

    /// Discards what was read, so that changed options of a store are seen.
    pub async fn forget(&self) {
        self.known.lock().await.clear();
    }

    /// The storages of a row. Precedence for a copy: the row's location, the caller's, the store's. For a delete: the row's,
    /// the store's, the caller's, because the caller need not know where the file is.
    ///
    /// # Errors
    /// The database fails; the inner error says why the files cannot be reached.
    pub async fn of(
        &self,
        row: &Row,
        queue: &Queue,
    ) -> Result<Result<Place, Failure>, tokio_postgres::Error> {
        let key = row.place_key();
        let mut known = self.known.lock().await;
        if let Some(place) = known.get(&key) {
            return Ok(place.clone());
        }
        let stores = queue.stores().await?;
        let place = self.find(row, stores.get(&row.store)).await;
        known.insert(key, place.clone());
        Ok(place)
    }

    async fn find(&self, row: &Row, options: Option<&(Option<String>, String)>) -> Result<Place, Failure> {
        let (blobs, prefix) = options.cloned().unwrap_or_default();
        let target = self.side(
            row,
            row.target_location.as_ref(),
            &self.to,
            blobs.as_ref(),
            "--blobs-to",
        )?;
        let source = if row.delete {
            target.clone()
        } else {
            self.side(
                row,
                row.source_location.as_ref(),
                &self.from,
                blobs.as_ref(),
                "--blobs-from",
            )?
        };
        let open = async |location: &Location| {
            let opened = self.storages.get(location, &prefix).await;
            opened.map_err(|error| Failure::storage(format!("cannot use {location}: {error:#}")))
        };
        Ok(Place {
            source: open(&source).await?,
            target: open(&target).await?,
            urls: (source.url().into(), target.url().into()),
        })
    }

    fn side(
        &self,
        row: &Row,
        recorded: Option<&String>,
        given: &Option<Location>,
        blobs: Option<&String>,
        flag: &str,
    ) -> Result<Location, Failure> {
        let store = &row.store;
        let of_caller = given.as_ref().filter(|_| !row.delete || blobs.is_none());
        let (text, what) = match (recorded, of_caller, blobs) {
            (Some(text), ..) => (text, "the place that the clone recorded"),
            (None, Some(location), _) => return Ok(location.clone()),
            (None, None, Some(text)) => (text, "options.blobs"),
            (None, None, None) => {
                return Err(Failure::storage(format!(
                    "store {store} does not say where its files are: set its options.blobs or give {flag}"
                )));
            }
        };
        let location = text
            .parse::<Location>()
            .map_err(|error| Failure::storage(format!("{what} of store {store}: {error}")))?;
        // Locations that the caller gave are allowed.
        if ![&self.from, &self.to].contains(&&Some(location.clone())) {
            self.allowed.check(&location).map_err(Failure::storage)?;
        }
        Ok(location)
    }
}
