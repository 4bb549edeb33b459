//! The one snapshot under which a run reads everything.

use pgrx::pg_sys;

/// A registered copy of the snapshot that was active when the run began.
pub struct Snapshot(pg_sys::Snapshot);

impl Snapshot {
    /// Registers the active snapshot: that of the statement that called us.
    pub fn of_caller() -> Self {
        // SAFETY: a function called by a statement always has an active snapshot; registering copies it and ties it to
        // the current resource owner, which lives as long as the statement.
        Snapshot(unsafe { pg_sys::RegisterSnapshot(pg_sys::GetActiveSnapshot()) })
    }

    /// Registers the snapshot that the transaction's next statement would get: under READ COMMITTED it sees what was
    /// committed while we waited for a lock.
    pub fn latest() -> Self {
        // SAFETY: within a transaction; registering copies the snapshot and ties it to the current resource owner.
        Snapshot(unsafe { pg_sys::RegisterSnapshot(pg_sys::GetTransactionSnapshot()) })
    }

    /// Runs `f` with this snapshot active.
    pub fn within<R>(&self, f: impl FnOnce() -> R) -> R {
        // SAFETY: the snapshot is registered; it is popped below, and on an ERROR the abort pops it.
        unsafe { pg_sys::PushActiveSnapshot(self.0) };
        let result = f();
        // SAFETY: pops what was pushed above: everything in `f` pushes and pops in pairs.
        unsafe { pg_sys::PopActiveSnapshot() };
        result
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: registered in of_caller() and not yet unregistered.
            unsafe { pg_sys::UnregisterSnapshot(self.0) }
        }
    }
}

/// Makes the rows written so far visible to the next command of this transaction.
pub fn next_command() {
    // SAFETY: legal at any time within a transaction; not called while a parallel plan runs (see settings_guard).
    unsafe { pg_sys::CommandCounterIncrement() }
}
