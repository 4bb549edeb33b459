//! The thread, and how batches come to it and back.

use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// How long the backend waits before it looks whether it shall stop.
const PATIENCE: Duration = Duration::from_millis(20);
/// As much as the server's own stack may be: documents may be nested deeply.
const STACK: usize = 8 << 20;

/// Batches on their way.
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

/// A thread, and the batches that were handed to it.
pub struct WorkerThread<B> {
    shared: Arc<Shared<B>>,
    thread: Option<JoinHandle<()>>,
    next: u64,
}

/// The thread's end.
pub struct WorkQueue<B>(Arc<Shared<B>>);

impl<B: Send + 'static> WorkerThread<B> {
    /// Starts a thread, which has to serve its queue. It inherits the signal mask: a caller to whom signals belong
    /// blocks them meanwhile.
    ///
    /// # Errors
    /// When the system gives no thread.
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
        let thread = thread::Builder::new()
            .name("pg_clone".to_owned())
            .stack_size(STACK)
            .spawn(move || body(queue))?;
        Ok(WorkerThread {
            shared,
            thread: Some(thread),
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

    /// A batch after the work. Meanwhile does the `work` of batches that wait; where there are none, calls `tick` every
    /// 20 ms. `None` when the thread has died of a panic while it was at a batch.
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

impl<B> WorkQueue<B> {
    /// Works at batches until the owner closes.
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
