//! Counts of a run, and paused storages.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::blobs::file::shared::Shared;
use crate::blobs::worker::summary::Summary;

/// Time between two progress events.
const TELLING: Duration = Duration::from_millis(100);
/// First pause of a storage that cannot be used; it doubles up to [`LONGEST_PAUSE`].
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// Longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(600);

/// Counts of a run; they are kept when the connection is lost.
pub struct FileCounts {
    pub(super) start: Instant,
    pub(super) done: u64,
    pub(super) present: u64,
    pub(super) absent: u64,
    pub(super) failed: u64,
    pub(super) bytes: u64,
    pub(super) total: u64,
    pub(super) paused: HashMap<String, Pause>,
    told: Option<Instant>,
}

/// A paused storage.
pub(super) struct Pause {
    pub(super) store: String,
    pub(super) error: String,
    pub(super) until: Instant,
    pub(super) rest: Duration,
}

impl FileCounts {
    /// Counts of zero.
    pub fn new(start: Instant) -> Self {
        Self {
            start,
            done: 0,
            present: 0,
            absent: 0,
            failed: 0,
            bytes: 0,
            total: 0,
            paused: HashMap::new(),
            told: None,
        }
    }

    /// Files that are finished or failed.
    pub fn files(&self) -> u64 {
        self.done + self.failed
    }

    /// Whether a progress event is due.
    pub(super) fn may_tell(&mut self) -> bool {
        let may = self.told.is_none_or(|told| told.elapsed() >= TELLING);
        if may {
            self.told = Some(Instant::now());
        }
        may
    }

    /// Adds the bytes of a session that ended.
    pub fn keep_bytes(&mut self, shared: &Shared) {
        self.bytes += shared.meter.bytes();
    }

    /// The summary of this process.
    pub fn summary(&self) -> Summary {
        let paused = self
            .paused
            .values()
            .map(|pause| (pause.store.clone(), pause.error.clone()));
        Summary {
            done: self.done,
            present: self.present,
            absent: self.absent,
            bytes: self.bytes,
            elapsed: self.start.elapsed(),
            paused: paused.collect(),
            ..Summary::default()
        }
    }

    /// Pauses a location of a store's files; `false` if it is paused already.
    pub(super) fn pause(&mut self, place: &str, store: &str, error: &str) -> bool {
        let now = Instant::now();
        let rest = match self.paused.get(place) {
            Some(pause) if pause.until > now => return false,
            Some(pause) => (pause.rest * 2).min(LONGEST_PAUSE),
            None => FIRST_PAUSE,
        };
        let pause = Pause {
            store: store.to_owned(),
            error: error.to_owned(),
            until: now + rest,
            rest,
        };
        self.paused.insert(place.to_owned(), pause);
        true
    }
}
