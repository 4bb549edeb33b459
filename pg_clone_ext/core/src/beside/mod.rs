//! A thread beside the backend that rewrites documents while the backend writes rows.
//!
//! The thread sees memory that it owns, or shares for reading by counted reference, and nothing else: no PostgreSQL, no
//! pointer of the backend's. So a backend may leave at any moment, by an error or by the end of its process, without
//! asking. The backend takes part in the work whenever it would otherwise wait.

mod batch;
mod document;

pub use batch::{Batch, Made};
pub use document::{Compressed, DocumentError, Form};

use crate::ids::{IdMap, TextIdMap};
use crate::rewrite::{Dangling, IdPaths, Rewriter};
use batch::Workbench;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long the backend waits before it looks whether it shall stop.
const PATIENCE: Duration = Duration::from_millis(20);
/// As much as the server's own stack may be: documents may be nested deeply.
const STACK: usize = 8 << 20;

/// What every rewriter of a run reads.
#[derive(Clone)]
pub struct Maps {
    /// New UUIDs.
    pub ids: Arc<IdMap>,
    /// New text ids.
    pub texts: Arc<TextIdMap>,
    /// Strings of documents that are text ids, hold them, or are kept.
    pub id_paths: Arc<IdPaths>,
}

/// Rewrites batches in the thread that owns it.
pub struct Bench<'m> {
    rewriter: Rewriter<'m>,
    workbench: Workbench,
}

impl<'m> Bench<'m> {
    /// One that reads these maps.
    pub fn new(ids: &'m IdMap, texts: &'m TextIdMap, id_paths: &'m IdPaths) -> Self {
        Bench {
            rewriter: Rewriter::new(ids, texts, Dangling::default()).with_id_paths(id_paths),
            workbench: Workbench::default(),
        }
    }

    /// Rewrites all documents of a batch.
    pub fn rewrite(&mut self, batch: &mut Batch) {
        batch.rewrite(&mut self.rewriter, &mut self.workbench);
    }
}

/// Batches on their way.
#[derive(Default)]
struct State {
    waiting: VecDeque<(u64, Batch)>,
    done: BTreeMap<u64, Batch>,
    closed: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing that could panic runs while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The thread, and the batches that were handed to it.
pub struct Beside {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
    next: u64,
}

impl Beside {
    /// Starts the thread. It inherits the signal mask: a caller to whom signals belong blocks them meanwhile.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(maps: Maps) -> io::Result<Beside> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("pg_clone".to_owned())
            .stack_size(STACK)
            .spawn(move || serve(&theirs, &maps))?;
        Ok(Beside {
            shared,
            thread: Some(thread),
            next: 0,
        })
    }

    /// Hands over a batch; returns the number by which it is fetched.
    pub fn hand_over(&mut self, batch: Batch) -> u64 {
        let number = self.next;
        self.next += 1;
        self.shared.lock().waiting.push_back((number, batch));
        self.shared.changed.notify_all();
        number
    }

    /// A batch, rewritten. Meanwhile works at batches that wait, with `bench`; where there are none, calls `tick` every
    /// 20 ms. `None` when the thread has died of a panic while it was at a batch.
    pub fn fetch(&mut self, number: u64, bench: &mut Bench<'_>, mut tick: impl FnMut()) -> Option<Batch> {
        loop {
            let mut state = self.shared.lock();
            if let Some(batch) = state.done.remove(&number) {
                return Some(batch);
            }
            if let Some((other, mut batch)) = state.waiting.pop_front() {
                drop(state);
                bench.rewrite(&mut batch);
                self.shared.lock().done.insert(other, batch);
                continue;
            }
            if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
                return None;
            }
            let (state, waited) = self
                .shared
                .changed
                .wait_timeout(state, PATIENCE)
                .unwrap_or_else(PoisonError::into_inner);
            drop(state);
            if waited.timed_out() {
                tick();
            }
        }
    }
}

impl Drop for Beside {
    /// Ends the thread, after the batch at hand.
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.closed = true;
        state.waiting.clear();
        drop(state);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // Its panic has been told by then.
            let _ = thread.join();
        }
    }
}

/// What the thread does until the backend closes.
fn serve(shared: &Shared, maps: &Maps) {
    let mut bench = Bench::new(&maps.ids, &maps.texts, &maps.id_paths);
    let mut state = shared.lock();
    while !state.closed {
        if let Some((number, mut batch)) = state.waiting.pop_front() {
            drop(state);
            bench.rewrite(&mut batch);
            state = shared.lock();
            state.done.insert(number, batch);
            shared.changed.notify_all();
        } else {
            state = shared.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

#[cfg(test)]
mod tests;
