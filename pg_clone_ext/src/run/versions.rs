//! Versions of compressed documents, found by a thread while the backend reads on.

use super::document_errors::document_error;
use super::thread;
use pg_clone_core::beside::{Beside, Compressed, Form, VersionBatch, VersionFinder};
use pg_clone_core::error::Result;
use pg_clone_core::ids::Id;
use std::collections::VecDeque;

/// Batches that are under way at most, and bytes of documents in each.
const BATCHES: usize = 4;
const BYTES: usize = 256 << 10;

/// The search for versions in one table.
pub struct Versions {
    path: Vec<String>,
    finder: VersionFinder,
    beside: Option<Beside<VersionBatch>>,
    filling: VersionBatch,
    flying: VecDeque<u64>,
    found: Vec<Id>,
}

impl Versions {
    /// For the members that lead to a document's version.
    pub fn new(path: &[String]) -> Self {
        Versions {
            path: path.to_vec(),
            finder: VersionFinder::new(path),
            beside: None,
            filling: VersionBatch::default(),
            flying: VecDeque::new(),
            found: Vec::new(),
        }
    }

    /// Adds a document; returns the versions found by now, of documents that were added before.
    pub fn add(&mut self, form: Form, how: Compressed, document: &[u8]) -> Result<Vec<Id>> {
        self.filling.push(form, how, document).map_err(document_error)?;
        if self.filling.bytes() >= BYTES {
            self.send()?;
        }
        Ok(std::mem::take(&mut self.found))
    }

    /// The versions of all other documents that were added.
    pub fn finish(&mut self) -> Result<Vec<Id>> {
        let mut last = std::mem::take(&mut self.filling);
        self.finder.find(&mut last);
        while !self.flying.is_empty() {
            self.arrive()?;
        }
        let mut found = std::mem::take(&mut self.found);
        found.extend(last.into_found().map_err(document_error)?);
        Ok(found)
    }

    fn send(&mut self) -> Result<()> {
        if self.beside.is_none() {
            let mut finder = VersionFinder::new(&self.path);
            self.beside = thread::start(move |orders| orders.serve(|batch| finder.find(batch)));
        }
        let mut batch = std::mem::take(&mut self.filling);
        match &mut self.beside {
            Some(beside) => {
                self.flying.push_back(beside.hand_over(batch));
                if self.flying.len() >= BATCHES {
                    self.arrive()?;
                }
            }
            None => {
                self.finder.find(&mut batch);
                self.found.extend(batch.into_found().map_err(document_error)?);
            }
        }
        Ok(())
    }

    fn arrive(&mut self) -> Result<()> {
        if let (Some(beside), Some(number)) = (&mut self.beside, self.flying.pop_front()) {
            let batch = beside
                .fetch(number, &mut |batch| self.finder.find(batch), &mut thread::tick)
                .ok_or_else(thread::failed)?;
            self.found.extend(batch.into_found().map_err(document_error)?);
        }
        Ok(())
    }
}
