//! Where the files of each store are: what the caller gave, or else the store's options.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::blobs::file::failure::Failure;
use crate::blobs::queue::Queue;
use crate::blobs::storage::location::Location;
use crate::blobs::storage::{Storage, Storages};

/// Source and target of a store's files.
#[derive(Clone, Debug)]
pub struct Place {
    /// Copied from.
    pub source: Arc<Storage>,
    /// Copied to, or deleted from.
    pub target: Arc<Storage>,
}

impl Place {
    /// Whether files are copied from a directory to a directory.
    pub fn is_local(&self) -> bool {
        [&self.source, &self.target]
            .iter()
            .all(|side| matches!(***side, Storage::Directory(_)))
    }
}

/// The locations of all stores, looked up once.
#[derive(Debug, Default)]
pub struct StoreLocations {
    from: Option<Location>,
    to: Option<Location>,
    storages: Storages,
    known: Mutex<HashMap<String, Result<Place, Failure>>>,
}

impl StoreLocations {
    /// With what `--blobs-from` and `--blobs-to` say.
    pub fn new(from: Option<Location>, to: Option<Location>) -> Self {
        Self {
            from,
            to,
            ..Self::default()
        }
    }

    /// Forgets everything, so that changed options of a store are seen.
    pub async fn forget(&self) {
        self.known.lock().await.clear();
    }

    /// The place of a store.
    ///
    /// # Errors
    /// When the database fails; the inner error says why the store's files cannot be reached.
    pub async fn of(
        &self,
        store: &str,
        queue: &Queue,
    ) -> Result<Result<Place, Failure>, tokio_postgres::Error> {
        let mut known = self.known.lock().await;
        if let Some(place) = known.get(store) {
            return Ok(place.clone());
        }
        let stores = queue.stores().await?;
        let place = self.find(store, stores.get(store)).await;
        known.insert(store.to_owned(), place.clone());
        Ok(place)
    }

    async fn find(&self, store: &str, options: Option<&(Option<String>, String)>) -> Result<Place, Failure> {
        let (blobs, prefix) = options.cloned().unwrap_or_default();
        let side = |given: &Option<Location>, flag: &str| match (given, &blobs) {
            (Some(location), _) => Ok(location.clone()),
            (None, Some(text)) => text
                .parse::<Location>()
                .map_err(|error| Failure::storage(format!("options.blobs of store {store}: {error}"))),
            (None, None) => Err(Failure::storage(format!(
                "store {store} does not say where its files are: set its options.blobs or give {flag}"
            ))),
        };
        let open = async |location: Location| {
            let opened = self.storages.get(&location, &prefix).await;
            opened.map_err(|error| Failure::storage(format!("cannot use {location}: {error:#}")))
        };
        Ok(Place {
            source: open(side(&self.from, "--blobs-from")?).await?,
            target: open(side(&self.to, "--blobs-to")?).await?,
        })
    }
}
