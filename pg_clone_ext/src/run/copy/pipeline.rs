//! Batches of rows between the query that reads the source and the table of the clone.
//!
//! Their documents are rewritten by the thread beside the backend while the backend reads the next rows and writes
//! earlier ones; the backend takes a batch itself whenever it would have to wait.

use super::row_batch::RowBatch;
use crate::run::state::Run;
use crate::run::worker_thread;
use pg_clone_core::batch::{BatchRewriter, DocumentBatch};
use pg_clone_core::error::Result;
use pg_clone_core::worker_thread::WorkerThread;
use std::collections::VecDeque;
use std::sync::Arc;

/// Batches that are under way at most. Each holds up to 256 kB of documents, or one larger document.
const BATCHES: usize = 5;

/// Where the documents of a batch are.
enum Documents {
    /// In the batch, rewritten.
    Here,
    /// With the thread, under this number.
    InWorker(u64),
}

/// The batches of one table.
pub struct Pipeline<'r> {
    run: &'r Run,
    rewriter: BatchRewriter<'r>,
    /// The batch that rows are added to.
    pub current: RowBatch,
    in_flight: VecDeque<(RowBatch, Documents)>,
    spare: Vec<RowBatch>,
}

impl<'r> Pipeline<'r> {
    /// For rows of so many values; without documents to wait for, every row goes its way at once.
    /// `keep_plain` asks for documents that stay compressed also as they are without.
    pub fn new(run: &'r Run, width: usize, with_documents: bool, keep_plain: bool) -> Self {
        let others = if with_documents { BATCHES - 1 } else { 0 };
        let batch = |single| RowBatch::new(width, single, keep_plain);
        Pipeline {
            run,
            rewriter: BatchRewriter::new(&run.ids, &run.texts, &run.id_paths),
            current: batch(!with_documents),
            in_flight: VecDeque::with_capacity(BATCHES),
            spare: (0..others).map(|_| batch(false)).collect(),
        }
    }

    /// Sends the filled batch off, and makes room: `write` gets the batch that has been under way for longest, if there
    /// is no other to be filled.
    pub fn rotate(&mut self, write: &mut dyn FnMut(&mut RowBatch) -> Result<()>) -> Result<()> {
        let documents = self.send();
        let next = match self.spare.pop() {
            Some(next) => next,
            None => match self.receive()? {
                Some(mut next) => {
                    write(&mut next)?;
                    next.clear();
                    next
                }
                None => {
                    write(&mut self.current)?;
                    self.current.clear();
                    return Ok(());
                }
            },
        };
        let filled = std::mem::replace(&mut self.current, next);
        self.in_flight.push_back((filled, documents));
        Ok(())
    }

    /// Lands everything that is under way, then what was being filled.
    pub fn finish(&mut self, write: &mut dyn FnMut(&mut RowBatch) -> Result<()>) -> Result<()> {
        self.rewriter.rewrite(&mut self.current.documents);
        while let Some(mut batch) = self.receive()? {
            write(&mut batch)?;
        }
        write(&mut self.current)?;
        self.current.clear();
        Ok(())
    }

    /// Hands the documents of the filled batch to the thread, or rewrites them.
    fn send(&mut self) -> Documents {
        let documents = &mut self.current.documents;
        if !documents.is_empty() {
            let mut worker = self.run.worker.borrow_mut();
            if worker.is_none() {
                *worker = start(self.run);
            }
            if let Some(worker) = worker.as_mut() {
                return Documents::InWorker(worker.hand_over(std::mem::take(documents)));
            }
            self.rewriter.rewrite(documents);
        }
        Documents::Here
    }

    fn receive(&mut self) -> Result<Option<RowBatch>> {
        let Some((mut batch, documents)) = self.in_flight.pop_front() else {
            return Ok(None);
        };
        if let Documents::InWorker(number) = documents {
            batch.documents = self.fetch(number)?;
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
