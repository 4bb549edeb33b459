//! `pg_clone blobs run`: connects, runs the worker's loop, reconnects, summarizes.

use std::sync::Arc;
use std::time::Instant;

use deadpool_postgres::Pool;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use crate::blobs::file::memory::Memory;
use crate::blobs::file::meter::Meter;
use crate::blobs::file::shared::Shared;
use crate::blobs::queue::{Queue, QueueCounts};
use crate::blobs::worker::file_counts::FileCounts;
use crate::blobs::worker::main_loop::Worker;
use crate::blobs::worker::options::RunOptions;
use crate::blobs::worker::progress::{Event, Progress};
use crate::blobs::worker::store_locations::StoreLocations;
use crate::blobs::worker::summary::Summary;

/// Number of lost connections in a row after which a run without `watch` fails.
const RECONNECTS: u32 = 6;

/// Processes the queue until nothing is left (with `watch`: until `stop`). Any number of workers may run at the same time,
/// on any number of machines.
///
/// After `stop` is cancelled no new file is begun; current transfers get `options.grace` to finish.
///
/// # Errors
/// The database cannot be reached (with `watch`: at the start), or the role lacks privileges on the queue (42501). Files
/// that fail are not an error: see [`Summary`].
pub async fn run(
    pool: &Pool,
    options: &RunOptions,
    progress: &dyn Progress,
    stop: CancellationToken,
) -> anyhow::Result<Summary> {
    let start = Instant::now();
    let wake = Arc::new(Notify::new());
    let listening = options.listener.clone().filter(|_| options.watch);
    let listening = listening.map(|listener| tokio::spawn(listener.listen(Arc::clone(&wake))));
    let locations = StoreLocations::new(options.from.clone(), options.to.clone(), options.allowed.clone());
    let mut file_counts = FileCounts::new(start);
    let mut lost = 0;
    let left = loop {
        let shared = Shared {
            meter: Meter::default(),
            memory: Memory::default(),
            durable: options.durable,
        };
        let before = file_counts.files();
        let ended = match Queue::open(pool, options.backoff).await {
            Ok(queue) => {
                let worker = Worker {
                    queue: &queue,
                    options,
                    progress,
                    stop: &stop,
                    wake: &wake,
                    locations: &locations,
                    shared: &shared,
                };
                let ended = worker.work(&mut file_counts).await;
                file_counts.keep_bytes(&shared);
                ended.map_err(|error| (queue.is_lost_by(&error), anyhow::Error::new(error)))
            }
            Err(error) => Err((before > 0 || lost > 0, error)),
        };
        let error = match ended {
            Ok(counts) => break counts,
            Err((false, error)) => return Err(error),
            Err((true, error)) => error,
        };
        // The claims ended with the session; files that were copied but not recorded will be found complete.
        lost = if file_counts.files() > before { 1 } else { lost + 1 };
        if stop.is_cancelled() || (lost > RECONNECTS && !options.watch) {
            return Err(
                error.context("lost the connection to the database; continue with: pg_clone blobs run")
            );
        }
        progress.event(&Event::Reconnecting {
            error: format!("{error:#}"),
        });
        tokio::select! {
            () = tokio::time::sleep(options.backoff.wait(lost + 1, std::process::id().into())) => {}
            () = stop.cancelled() => {}
        }
    };
    if let Some(listening) = listening {
        listening.abort();
    }
    let QueueCounts {
        pending,
        running,
        failed,
        ..
    } = left;
    Ok(Summary {
        pending,
        running,
        failed,
        stopped: stop.is_cancelled(),
        ..file_counts.summary()
    })
}
