//! Long work of the core asks now and then whether it shall stop: because the statement was cancelled, or because whoever waited
//! for the thread has gone.

use std::cell::RefCell;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

/// Steps of a loop between two questions: microseconds, even where a step looks at a whole member of a document.
const STEPS: u32 = 256;

static ASK: OnceLock<fn()> = OnceLock::new();

thread_local! {
    /// Set when the work of this thread is not wanted any more.
    static UNWANTED: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// Why a thread has stopped at its work: the payload of its unwinding.
pub struct Stopped;

/// Sets what is asked, once for the process. It returns when the work may go on, and unwinds when the statement was cancelled.
/// It is called in whichever thread does the work.
pub fn ask_by(ask: fn()) {
    let _ = ASK.set(ask);
}

/// Work of this thread stops when the flag is set.
pub(crate) fn stop_by(flag: Option<Arc<AtomicBool>>) {
    UNWANTED.replace(flag);
}

/// The flag of this thread, for one that works for it.
pub(crate) fn flag() -> Option<Arc<AtomicBool>> {
    UNWANTED.with_borrow(Clone::clone)
}

/// Asks now. It unwinds when the work shall stop.
#[inline]
pub fn check() {
    if UNWANTED.with_borrow(|flag| flag.as_ref().is_some_and(|flag| flag.load(Ordering::Relaxed))) {
        resume_unwind(Box::new(Stopped));
    }
    if let Some(ask) = ASK.get() {
        ask();
    }
}

/// Asks once in 256 steps of a loop.
#[derive(Debug, Default)]
pub struct Steps(u32);

impl Steps {
    /// Asks, and begins to count: for a loop that runs often, whose steps are few each time.
    #[inline]
    pub fn begin() -> Self {
        check();
        Steps::default()
    }

    /// Counts a step; as [`check`].
    #[inline]
    pub fn step(&mut self) {
        self.0 += 1;
        if self.0 >= STEPS {
            self.0 = 0;
            check();
        }
    }
}

/// Sorts, and asks meanwhile.
pub fn sort_by<T>(values: &mut [T], mut compare: impl FnMut(&T, &T) -> std::cmp::Ordering) {
    let mut steps = Steps::default();
    values.sort_unstable_by(|a, b| {
        steps.step();
        compare(a, b)
    });
}
