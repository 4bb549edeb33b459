//! Work with large documents, and the release of their memory, on threads for which a cancelled statement does not wait.
//!
//! To free the tree of a document of 20 MB takes 260 ms of processor time. A cancelled statement frees everything before it
//! reports the cancellation, so such a tree is made and freed on a thread of its own.

use crate::depth::{self, DepthError};
use crate::interrupt;
use std::any::Any;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, sync_channel};
use std::time::Duration;

/// Bytes of a document from which on a thread is started for it: its tree is freed in some 10 ms.
pub const LARGE: usize = 1 << 20;

/// Interval at which the caller checks for interrupts.
const INTERVAL: Duration = Duration::from_millis(10);

/// Tells a thread that nobody waits for it any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs work that needs stack for `levels` levels on a thread of its own, and waits for its result. If the caller unwinds because
/// of a cancellation, the thread stops at its next check, and frees what it has.
///
/// # Errors
/// [`DepthError`].
///
/// # Panics
/// If the work panics.
pub fn run<R: Send + 'static>(
    levels: usize,
    work: impl FnOnce() -> R + Send + 'static,
) -> Result<R, DepthError> {
    depth::check(levels)?;
    let stop = StopOnDrop(Arc::default());
    let (unwanted, (sender, receiver)) = (
        Arc::clone(&stop.0),
        sync_channel::<Result<R, Box<dyn Any + Send>>>(1),
    );
    depth::start_thread(levels, move || {
        interrupt::stop_by(Some(unwanted));
        // Nothing that the work has changed is looked at after a panic.
        let result = catch_unwind(AssertUnwindSafe(work));
        // An error means that the caller has gone.
        let _ = sender.send(result);
    })?;
    loop {
        match receiver.recv_timeout(INTERVAL) {
            Ok(Ok(result)) => return Ok(result),
            Ok(Err(panic)) => {
                // If it has stopped because of a cancellation, that is the error.
                interrupt::check();
                resume_unwind(panic);
            }
            Err(RecvTimeoutError::Timeout) => interrupt::check(),
            Err(RecvTimeoutError::Disconnected) => return Err(DepthError::NoStack(levels)),
        }
    }
}

/// A value that is freed on a thread of its own if it is large.
#[derive(Debug, Default)]
pub struct DropDetached<T: Send + Default + 'static> {
    value: T,
    levels: usize,
    large: bool,
}

impl<T: Send + Default + 'static> DropDetached<T> {
    /// A value made of `bytes` bytes, nested in `levels` levels.
    pub fn new(value: T, bytes: usize, levels: usize) -> Self {
        let large = bytes >= LARGE;
        DropDetached { value, levels, large }
    }

    /// Number of levels in which the value is nested.
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// A value made of this one.
    pub(crate) fn map(mut self, change: impl FnOnce(T) -> T) -> Self {
        self.value = change(std::mem::take(&mut self.value));
        self
    }
}

impl<T: Send + Default + 'static> From<T> for DropDetached<T> {
    fn from(value: T) -> Self {
        DropDetached::new(value, 0, 0)
    }
}

impl<T: Send + Default + 'static> Deref for DropDetached<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Send + Default + 'static> DerefMut for DropDetached<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: Send + Default + 'static> Drop for DropDetached<T> {
    fn drop(&mut self) {
        if self.large {
            let value = std::mem::take(&mut self.value);
            // Without a thread the value is freed here, by the closure that was not run.
            let _ = depth::start_thread(self.levels, move || drop(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;
    use std::time::Instant;

    #[test]
    fn the_result_and_a_panic_arrive() {
        assert_eq!(run(0, || 1 + 1), Ok(2));
        assert!(catch_unwind(|| run(0, || panic!("as it should"))).is_err());
        assert_eq!(run(depth::MAX_LEVELS + 1, || ()), Err(DepthError::TooDeep));
    }

    #[test]
    fn nobody_waits_for_work_that_is_not_wanted() {
        let (stopped, ended) = sync_channel(1);
        let caller = thread::spawn(move || {
            let unwanted = Arc::new(AtomicBool::new(false));
            interrupt::stop_by(Some(Arc::clone(&unwanted)));
            let began = Instant::now();
            let outcome = catch_unwind(AssertUnwindSafe(|| {
                run(0, move || {
                    unwanted.store(true, Ordering::Relaxed);
                    let _ends = Tell(stopped);
                    thread::sleep(Duration::from_millis(500));
                    interrupt::check();
                    panic!("it was to stop");
                })
            }));
            assert!(outcome.is_err_and(|panic| panic.is::<interrupt::Stopped>()));
            began.elapsed()
        });
        assert!(caller.join().unwrap() < Duration::from_millis(400));
        assert_eq!(ended.recv_timeout(Duration::from_secs(5)), Ok(()));
    }

    /// Sends when it is dropped.
    struct Tell(std::sync::mpsc::SyncSender<()>);

    impl Drop for Tell {
        fn drop(&mut self) {
            let _ = self.0.send(());
        }
    }

    #[derive(Default)]
    struct Slow(Option<std::sync::mpsc::SyncSender<thread::ThreadId>>);

    impl Drop for Slow {
        fn drop(&mut self) {
            if let Some(sender) = self.0.take() {
                let _ = sender.send(thread::current().id());
            }
        }
    }

    #[test]
    fn a_large_value_is_freed_elsewhere_and_a_small_one_here() {
        for (bytes, elsewhere) in [(LARGE, true), (LARGE - 1, false)] {
            let (sender, receiver) = sync_channel(1);
            drop(DropDetached::new(Slow(Some(sender)), bytes, 0));
            let freed_by = receiver.recv_timeout(Duration::from_secs(5)).unwrap();
            assert_eq!(freed_by != thread::current().id(), elsewhere);
        }
    }
}
