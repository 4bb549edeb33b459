//! Versions of compressed documents, found by a thread while the backend reads on.

use crate::run::document_errors::document_error;
use crate::run::worker_thread;
use pg_clone_core::batch::{Compressed, DocumentFormat, VersionBatch, VersionFinder};
use pg_clone_core::error::Result;
use pg_clone_core::ids::Id;
use pg_clone_core::worker_thread::WorkerThread;
use std::collections::VecDeque;

/// Maximum number of batches in progress, and bytes of documents in each.
const BATCHES: usize = 4;
const BYTES: usize = 256 << 10;

/// The search for versions in one table.
pub struct Versions {
    path: Vec<String>,
    finder: VersionFinder,
    worker: Option<WorkerThread<VersionBatch>>,
    current: VersionBatch,
    in_flight: VecDeque<u64>,
    found: Vec<Id>,
}

impl Versions {
    /// For versions at this path of a document.
    pub fn new(path: &[String]) -> Self {
        Versions {
            path: path.to_vec(),
            finder: VersionFinder::new(path),
            worker: None,
            current: VersionBatch::default(),
            in_flight: VecDeque::new(),
            found: Vec::new(),
        }
    }

    /// Adds a document; returns versions of earlier documents that were found meanwhile.
    pub fn add(&mut self, form: DocumentFormat, how: Compressed, document: &[u8]) -> Result<Vec<Id>> {
        self.current.push(form, how, document).map_err(document_error)?;
        if self.current.bytes() >= BYTES {
            self.send()?;
        }
        Ok(std::mem::take(&mut self.found))
    }

    /// The remaining versions.
    pub fn finish(&mut self) -> Result<Vec<Id>> {
        let mut last = std::mem::take(&mut self.current);
        self.finder.find(&mut last);
        while !self.in_flight.is_empty() {
            self.receive()?;
        }
        let mut found = std::mem::take(&mut self.found);
        found.extend(last.into_found().map_err(document_error)?);
        Ok(found)
    }

    fn send(&mut self) -> Result<()> {
        if self.worker.is_none() {
            let mut finder = VersionFinder::new(&self.path);
            self.worker = worker_thread::start(move |queue| queue.serve(|batch| finder.find(batch)));
        }
        let mut batch = std::mem::take(&mut self.current);
        match &mut self.worker {
            Some(worker) => {
                self.in_flight.push_back(worker.hand_over(batch));
                if self.in_flight.len() >= BATCHES {
                    self.receive()?;
                }
            }
            None => {
                self.finder.find(&mut batch);
                self.found.extend(batch.into_found().map_err(document_error)?);
            }
        }
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        if let (Some(worker), Some(number)) = (&mut self.worker, self.in_flight.pop_front()) {
            let batch = worker
                .fetch(
                    number,
                    &mut |batch| self.finder.find(batch),
                    &mut worker_thread::tick,
                )
                .ok_or_else(worker_thread::failed)?;
            self.found.extend(batch.into_found().map_err(document_error)?);
        }
        Ok(())
    }
}
