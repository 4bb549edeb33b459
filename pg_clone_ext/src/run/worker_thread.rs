//! The worker thread of a backend: when it is started, and what the backend does while it waits.

use crate::pg::session::signals::SignalsBlocked;
use pg_clone_core::error::{Code, Error};
use pg_clone_core::worker_thread::{WorkQueue, WorkerThread};

/// Starts a thread; None if it would not help, is switched off, or cannot be created.
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

/// The error for a thread that has panicked.
pub fn failed() -> Error {
    Error::new(Code::Internal, "the thread that rewrites documents has failed")
        .hint("Set pg_clone.parallel to off to clone without it, and report this.")
}
