//! Batches of rows between the query that reads the source and the table of the clone: one is filled, some are being rewritten, the
//! oldest is written.
//!
//! A worker thread rewrites their documents while the backend reads the next rows and writes
//! earlier ones. When the backend would have to wait, it rewrites a batch itself.

use crate::run::state::Run;
use crate::run::transform::row_batch::{BatchState, RowBatch};
use crate::run::worker_thread;
use pg_clone_core::batch::{BatchRewriter, DocumentBatch};
use pg_clone_core::error::Result;
use pg_clone_core::worker_thread::WorkerThread;
use std::collections::VecDeque;
use std::sync::Arc;

/// Maximum number of batches of a table. Each has up to 256 kB of documents, or one larger document.
const BATCHES: usize = 5;

/// The batches of one table.
pub struct Pipeline<'r> {
    run: &'r Run,
    rewriter: BatchRewriter<'r>,
    /// The batch that rows are added to.
    pub filling: RowBatch,
    /// Full ones, the oldest first.
    under_way: VecDeque<RowBatch>,
    /// Empty ones.
    spare: Vec<RowBatch>,
    /// Every row is written at once.
    single: bool,
    /// No more rows come.
    ended: bool,
}

impl<'r> Pipeline<'r> {
    /// For rows with `width` values; without documents every row is written at once.
    /// With `keep_plain` batches also keep the uncompressed form of compressed documents.
    pub fn new(run: &'r Run, width: usize, with_documents: bool, keep_plain: bool) -> Self {
        let single = !with_documents;
        let spare = if single { 1 } else { BATCHES - 1 };
        let batch = || RowBatch::new(width, single, keep_plain);
        Pipeline {
            run,
            rewriter: BatchRewriter::new(&run.ids, &run.texts, &run.id_paths),
            filling: batch(),
            under_way: VecDeque::with_capacity(BATCHES),
            spare: (0..spare).map(|_| batch()).collect(),
            single,
            ended: false,
        }
    }

    /// The next batch to write, with rewritten documents: none while there is room for more rows; all remaining ones
    /// after [`Self::end`]. Return it with [`Self::recycle`].
    pub fn next_to_write(&mut self) -> Result<Option<RowBatch>> {
        if self.ended {
            return match self.oldest()? {
                Some(batch) => Ok(Some(batch)),
                None => Ok(self.last()),
            };
        }
        if matches!(self.filling.state, BatchState::Filling) {
            if !self.filling.is_full() {
                return Ok(None);
            }
            self.send();
        }
        let Some(empty) = self.spare.pop() else {
            return self.oldest();
        };
        let full = std::mem::replace(&mut self.filling, empty);
        self.under_way.push_back(full);
        if self.single { self.oldest() } else { Ok(None) }
    }

    /// Takes a batch back whose rows are written.
    pub fn recycle(&mut self, mut batch: RowBatch) {
        batch.clear();
        self.spare.push(batch);
    }

    /// Ends the input: the partly filled batch is written too.
    pub fn end(&mut self) {
        self.ended = true;
        self.rewriter.rewrite(&mut self.filling.documents);
        self.filling.state = BatchState::Rewritten;
    }

    /// The partly filled batch at the end of the input, once; all others are written by then, so there is an empty one.
    fn last(&mut self) -> Option<RowBatch> {
        if !matches!(self.filling.state, BatchState::Rewritten) {
            return None;
        }
        let empty = self.spare.pop()?;
        Some(std::mem::replace(&mut self.filling, empty))
    }

    /// Hands the documents of the filled batch to the thread, or rewrites them.
    fn send(&mut self) {
        self.filling.state = BatchState::Rewritten;
        let documents = &mut self.filling.documents;
        if documents.is_empty() {
            return;
        }
        let mut worker = self.run.worker.borrow_mut();
        if worker.is_none() {
            *worker = start(self.run);
        }
        match worker.as_mut() {
            Some(worker) => {
                self.filling.state = BatchState::AtThread(worker.hand_over(std::mem::take(documents)));
            }
            None => self.rewriter.rewrite(documents),
        }
    }

    fn oldest(&mut self) -> Result<Option<RowBatch>> {
        let Some(mut batch) = self.under_way.pop_front() else {
            return Ok(None);
        };
        if let BatchState::AtThread(number) = batch.state {
            batch.documents = self.fetch(number)?;
            batch.state = BatchState::Rewritten;
        }
        Ok(Some(batch))
    }

    fn fetch(&mut self, number: u64) -> Result<DocumentBatch> {
        let mut worker = self.run.worker.borrow_mut();
        let work = &mut |batch: &mut DocumentBatch| self.rewriter.rewrite(batch);
        worker
            .as_mut()
            .and_then(|worker| worker.fetch(number, work, &mut worker_thread::tick))
            .ok_or_else(worker_thread::failed)
    }
}

fn start(run: &Run) -> Option<WorkerThread<DocumentBatch>> {
    let (ids, texts, id_paths) = (
        Arc::clone(&run.ids),
        Arc::clone(&run.texts),
        Arc::clone(&run.id_paths),
    );
    worker_thread::start(move |queue| {
        let mut rewriter = BatchRewriter::new(&ids, &texts, &id_paths);
        queue.serve(|batch| rewriter.rewrite(batch));
    })
}
