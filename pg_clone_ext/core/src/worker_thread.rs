//! The worker thread, and the queue of batches to and from it.

use crate::interrupt;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// Interval at which a waiting backend checks for interrupts.
const PATIENCE: Duration = Duration::from_millis(20);
/// Stack size in bytes, as large as the server's own stack may be: documents may be nested deeply.
const STACK: usize = 8 << 20;

/// The queue.
struct State<B> {
    waiting: VecDeque<(u64, B)>,
    done: BTreeMap<u64, B>,
    closed: bool,
}

struct Shared<B> {
    state: Mutex<State<B>>,
    changed: Condvar,
}

impl<B> Shared<B> {
    fn lock(&self) -> MutexGuard<'_, State<B>> {
        // Nothing that could panic runs while the lock is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A thread, and the batches that were given to it.
pub struct WorkerThread<B> {
    shared: Arc<Shared<B>>,
    thread: Option<JoinHandle<()>>,
    unwanted: Arc<AtomicBool>,
    next: u64,
}

/// The thread's end.
pub struct WorkQueue<B>(Arc<Shared<B>>);

impl<B: Send + 'static> WorkerThread<B> {
    /// Starts a thread that serves its queue. It inherits the signal mask, so a caller that handles signals must block them
    /// during the call.
    ///
    /// # Errors
    /// If the system cannot create a thread.
    pub fn start(body: impl FnOnce(WorkQueue<B>) + Send + 'static) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            state: Mutex::new(State {
                waiting: VecDeque::new(),
                done: BTreeMap::new(),
                closed: false,
            }),
            changed: Condvar::new(),
        });
        let queue = WorkQueue(Arc::clone(&shared));
        let unwanted = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&unwanted);
        let thread = thread::Builder::new()
            .name("pg_clone".to_owned())
            .stack_size(STACK)
            .spawn(move || {
                interrupt::stop_by(Some(flag));
                body(queue);
            })?;
        Ok(WorkerThread {
            shared,
            thread: Some(thread),
            unwanted,
            next: 0,
        })
    }

    /// Hands over a batch; returns the number by which it is fetched.
    pub fn hand_over(&mut self, batch: B) -> u64 {
        let number = self.next;
        self.next += 1;
        self.shared.lock().waiting.push_back((number, batch));
        self.shared.changed.notify_all();
        number
    }

    /// Returns a finished batch. While it waits, it does the `work` of waiting batches itself; if there are none, it calls `tick` every
    /// 20 ms. `None` if the thread has panicked during a batch and `tick` has raised no error.
    pub fn fetch(&mut self, number: u64, work: &mut dyn FnMut(&mut B), tick: &mut dyn FnMut()) -> Option<B> {
        loop {
            let mut state = self.shared.lock();
            if let Some(batch) = state.done.remove(&number) {
                return Some(batch);
            }
            if let Some((other, mut batch)) = state.waiting.pop_front() {
                drop(state);
                work(&mut batch);
                self.shared.lock().done.insert(other, batch);
                continue;
            }
            if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
                drop(state);
                tick();
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

impl<B> Drop for WorkerThread<B> {
    /// Ends the thread, which stops in the middle of its current batch.
    fn drop(&mut self) {
        self.unwanted.store(true, Ordering::Relaxed);
        let mut state = self.shared.lock();
        state.closed = true;
        state.waiting.clear();
        drop(state);
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // Its panic was already reported.
            let _ = thread.join();
        }
    }
}

impl<B> WorkQueue<B> {
    /// Processes batches until the owner closes the queue.
    pub fn serve(self, mut work: impl FnMut(&mut B)) {
        let mut state = self.0.lock();
        while !state.closed {
            if let Some((number, mut batch)) = state.waiting.pop_front() {
                drop(state);
                work(&mut batch);
                state = self.0.lock();
                state.done.insert(number, batch);
                self.0.changed.notify_all();
            } else {
                state = self.0.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}
