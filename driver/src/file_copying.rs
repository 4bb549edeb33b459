//! Processes the queue of files, after a clone or for `pg_clone blobs run`, with the command's flags and progress.

use std::sync::{Mutex, PoisonError};

use anyhow::{Context, Result};

use crate::args::BlobPlaces;
use crate::blobs::{self, AllowedLocations, Backoff, Event, Listener, Location, RunOptions, Summary};
use crate::connect::Target;
use crate::failure::UsageContext;
use crate::interrupt::Interrupt;
use crate::output::{self, Output, thousands};
use crate::progress::{Count, Progress, Unit};

/// One connection processes the queue; the others are needed briefly for reconnecting and for the queue's state.
const CONNECTIONS: usize = 3;

/// Which files to copy, and how.
#[derive(Clone, Debug, Default)]
pub struct FileRequest {
    /// Only the files of this run.
    pub run: Option<i64>,
    /// Source location that replaces the store's.
    pub from: Option<Location>,
    /// Target location that replaces the store's.
    pub to: Option<Location>,
    /// Locations that the database may name.
    pub allowed: AllowedLocations,
    /// Number of transfers at the same time; `None`: the default.
    pub concurrency: Option<usize>,
    /// Keep running and copy the files of later clones too.
    pub watch: bool,
    /// Attempts and the waits between them.
    pub backoff: Backoff,
    /// Do not sync files to disk.
    pub no_sync: bool,
}

impl FileRequest {
    /// Reads `--blobs-from` and `--blobs-to`.
    ///
    /// # Errors
    /// A value is not a location: wrong usage.
    pub fn from_places(places: &BlobPlaces, allowed: &AllowedLocations) -> Result<Self> {
        let location = |flag: &str, text: &Option<String>| {
            text.as_deref()
                .map(Location::from_argument)
                .transpose()
                .with_context(|| flag.to_owned())
                .or_usage()
        };
        Ok(Self {
            from: location("--blobs-from", &places.blobs_from)?,
            to: location("--blobs-to", &places.blobs_to)?,
            allowed: allowed.clone(),
            ..Self::default()
        })
    }
}

/// Copies queued files. An interrupt ends it early: see [`Summary::stopped`].
///
/// # Errors
/// The database fails; files that fail are not an error.
pub async fn copy_files(
    target: &Target,
    request: &FileRequest,
    interrupt: &Interrupt,
    progress: &mut Progress,
) -> Result<Summary> {
    target.check_session().await?;
    let pool = target.session_pool(CONNECTIONS)?;
    let defaults = RunOptions::default();
    let options = RunOptions {
        run: request.run,
        from: request.from.clone(),
        to: request.to.clone(),
        allowed: request.allowed.clone(),
        concurrency: request.concurrency.unwrap_or(defaults.concurrency),
        watch: request.watch,
        backoff: request.backoff,
        durable: !request.no_sync,
        listener: request
            .watch
            .then(|| Listener::new(target.session_config(), target.tls())),
        ..defaults
    };
    progress.phase("copying files");
    let display = Display(Mutex::new(progress));
    let summary = blobs::run(&pool, &options, &display, interrupt.token()).await;
    display.with(Progress::finish);
    summary.context("cannot copy the files")
}

/// Prints the summary as text.
pub fn print_summary(summary: &Summary, output: &mut Output) {
    if summary.done > 0 || summary.is_complete() {
        let present = if summary.present > 0 {
            format!(", {} already existed", thousands_of(summary.present))
        } else if summary.absent > 0 {
            format!(", {} were not there to delete", thousands_of(summary.absent))
        } else {
            String::new()
        };
        let rate = summary.bytes as f64 / summary.elapsed.as_secs_f64().max(0.001);
        output.line(format!(
            "{} files done{present}: {} in {}, {}/s",
            thousands_of(summary.done),
            output::bytes(i64::try_from(summary.bytes).unwrap_or(i64::MAX)),
            output::seconds(summary.elapsed.as_secs_f64()),
            output::bytes(rate as i64)
        ));
    }
    if let Some(advice) = summary.advice() {
        output.line(advice);
    }
}

/// The summary as JSON.
pub fn summary_json(summary: &Summary) -> serde_json::Value {
    serde_json::json!({
        "done": summary.done, "present": summary.present, "absent": summary.absent, "bytes": summary.bytes, "pending": summary.pending,
        "running": summary.running, "failed": summary.failed, "stopped": summary.stopped,
        "seconds": summary.elapsed.as_secs_f64(), "complete": summary.is_complete(), "advice": summary.advice(),
    })
}

fn thousands_of(number: u64) -> String {
    thousands(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Shows the progress events of a run.
struct Display<'p>(Mutex<&'p mut Progress>);

impl Display<'_> {
    fn with(&self, draw: impl FnOnce(&mut Progress)) {
        // A panic while drawing leaves no invalid state.
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl blobs::Progress for Display<'_> {
    fn event(&self, event: &Event) {
        self.with(|progress| match event {
            Event::Moved(now) => progress.count(
                Unit::Files,
                &Count {
                    subject: format!("{} under way", now.files_under_way),
                    done: now.files_done + now.files_failed,
                    total: Some(now.files_total),
                    estimated: false,
                    bytes: now.bytes_done,
                },
            ),
            Event::WillRetry { key, error, wait } => {
                progress.remark(&format!(
                    "{key}: {error}; next attempt in {}",
                    output::seconds(wait.as_secs_f64())
                ));
            }
            Event::Failed { key, error, .. } => progress.remark(&format!("{key}: {error}")),
            Event::Paused { store, error } => progress.remark(&format!("store {store} paused: {error}")),
            Event::Freed { files } => {
                progress.remark(&format!("{files} files of workers that died are free again"))
            }
            Event::Reconnecting { error } => progress.remark(&format!("connecting again: {error}")),
            Event::Stopping { under_way } => {
                progress.remark(&format!("stopping; {under_way} files under way"))
            }
            Event::Idle => {}
        });
    }
}
