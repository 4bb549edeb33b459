//! Worker threads of the backend: when there is one, and what the backend does while it waits for it.

use crate::pg::session::signals::SignalsBlocked;
use pg_clone_core::error::{Code, Error};
use pg_clone_core::worker_thread::{WorkQueue, WorkerThread};

/// A thread; none where it would not help, is not wanted, or cannot be had.
pub fn start<B: Send + 'static>(body: impl FnOnce(WorkQueue<B>) + Send + 'static) -> Option<WorkerThread<B>> {
    let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    if !crate::settings::parallel() || processors < 2 {
        return None;
    }
    let _signals = SignalsBlocked::new();
    WorkerThread::start(body).ok()
}

/// Handles cancellation while the backend waits.
pub fn tick() {
    pgrx::check_for_interrupts!();
}

/// The error when a thread has died.
pub fn failed() -> Error {
    Error::new(Code::Internal, "the thread that rewrites documents has failed")
        .hint("Set pg_clone.parallel to off to clone without it, and report this.")
}
