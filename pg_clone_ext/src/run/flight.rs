//! Batches of rows between the query that reads the source and the table of the clone.
//!
//! Their documents are rewritten by the thread beside the backend while the backend reads the next rows and writes
//! earlier ones; the backend takes a batch itself whenever it would have to wait.

use super::row_batch::RowBatch;
use super::state::Run;
use super::thread;
use pg_clone_core::beside::{Batch, Bench, Beside};
use pg_clone_core::error::Result;
use std::collections::VecDeque;
use std::sync::Arc;

/// Batches that are under way at most. Each holds up to 256 kB of documents, or one larger document.
const BATCHES: usize = 5;

/// Where the documents of a batch are.
enum Documents {
    /// In the batch, rewritten.
    Here,
    /// With the thread, under this number.
    Beside(u64),
}

/// The batches of one table.
pub struct Flight<'r> {
    run: &'r Run,
    bench: Bench<'r>,
    /// The batch that rows are added to.
    pub filling: RowBatch,
    flying: VecDeque<(RowBatch, Documents)>,
    spare: Vec<RowBatch>,
}

impl<'r> Flight<'r> {
    /// For rows of so many values; without documents to wait for, every row goes its way at once.
    /// `keep_plain` asks for documents that stay compressed also as they are without.
    pub fn new(run: &'r Run, width: usize, with_documents: bool, keep_plain: bool) -> Self {
        let others = if with_documents { BATCHES - 1 } else { 0 };
        let batch = |single| RowBatch::new(width, single, keep_plain);
        Flight {
            run,
            bench: Bench::new(&run.ids, &run.texts, &run.id_paths),
            filling: batch(!with_documents),
            flying: VecDeque::with_capacity(BATCHES),
            spare: (0..others).map(|_| batch(false)).collect(),
        }
    }

    /// Sends the filled batch off, and makes room: `land` gets the batch that has been under way for longest, if there
    /// is no other to be filled.
    pub fn turn(&mut self, land: &mut dyn FnMut(&mut RowBatch) -> Result<()>) -> Result<()> {
        let documents = self.send();
        let next = match self.spare.pop() {
            Some(next) => next,
            None => match self.arrive()? {
                Some(mut next) => {
                    land(&mut next)?;
                    next.clear();
                    next
                }
                None => {
                    land(&mut self.filling)?;
                    self.filling.clear();
                    return Ok(());
                }
            },
        };
        let filled = std::mem::replace(&mut self.filling, next);
        self.flying.push_back((filled, documents));
        Ok(())
    }

    /// Lands everything that is under way, then what was being filled.
    pub fn finish(&mut self, land: &mut dyn FnMut(&mut RowBatch) -> Result<()>) -> Result<()> {
        self.bench.rewrite(&mut self.filling.documents);
        while let Some(mut batch) = self.arrive()? {
            land(&mut batch)?;
        }
        land(&mut self.filling)?;
        self.filling.clear();
        Ok(())
    }

    /// Hands the documents of the filled batch to the thread, or rewrites them.
    fn send(&mut self) -> Documents {
        let documents = &mut self.filling.documents;
        if !documents.is_empty() {
            let mut beside = self.run.beside.borrow_mut();
            if beside.is_none() {
                *beside = start(self.run);
            }
            if let Some(beside) = beside.as_mut() {
                return Documents::Beside(beside.hand_over(std::mem::take(documents)));
            }
            self.bench.rewrite(documents);
        }
        Documents::Here
    }

    fn arrive(&mut self) -> Result<Option<RowBatch>> {
        let Some((mut batch, documents)) = self.flying.pop_front() else {
            return Ok(None);
        };
        if let Documents::Beside(number) = documents {
            batch.documents = self.fetch(number)?;
        }
        Ok(Some(batch))
    }

    fn fetch(&mut self, number: u64) -> Result<Batch> {
        let mut beside = self.run.beside.borrow_mut();
        let work = &mut |batch: &mut Batch| self.bench.rewrite(batch);
        beside
            .as_mut()
            .and_then(|beside| beside.fetch(number, work, &mut thread::tick))
            .ok_or_else(thread::failed)
    }
}

fn start(run: &Run) -> Option<Beside<Batch>> {
    let (ids, texts, id_paths) = (
        Arc::clone(&run.ids),
        Arc::clone(&run.texts),
        Arc::clone(&run.id_paths),
    );
    thread::start(move |orders| {
        let mut bench = Bench::new(&ids, &texts, &id_paths);
        orders.serve(|batch| bench.rewrite(batch));
    })
}
