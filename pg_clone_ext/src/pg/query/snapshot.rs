//! The one snapshot under which a run reads everything.

use pgrx::pg_sys;

/// A registered copy of the snapshot that was active when the run began.
pub struct Snapshot(pg_sys::Snapshot);

impl Snapshot {
    /// Registers the snapshot that the transaction's next statement would get: under READ COMMITTED it sees rows that were
    /// committed during the wait for a lock. It never sees rows that this transaction writes later.
    pub fn latest() -> Self {
        // The transaction's own snapshot would also see later writes, so it is copied.
        // SAFETY: within a transaction; pushed and popped in a pair, and registered in between, which ties the copy to the
        // current resource owner, that lives as long as the statement.
        unsafe {
            pg_sys::PushCopiedSnapshot(pg_sys::GetTransactionSnapshot());
            let snapshot = pg_sys::RegisterSnapshot(pg_sys::GetActiveSnapshot());
            pg_sys::PopActiveSnapshot();
            Snapshot(snapshot)
        }
    }

    /// Registers a snapshot that sees everything that is committed now, whatever the isolation level.
    pub fn newest() -> Self {
        // SAFETY: as in latest(); registering copies the static one.
        Snapshot(unsafe { pg_sys::RegisterSnapshot(pg_sys::GetLatestSnapshot()) })
    }

    /// What it sees of other transactions.
    pub fn seen(&self) -> Seen {
        // SAFETY: the snapshot is registered.
        unsafe { Seen::of(self.0) }
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

    /// Runs `f` with what this snapshot sees of others, and what this transaction has written so far.
    pub fn within_own_writes<R>(&self, f: impl FnOnce() -> R) -> R {
        next_command();
        // SAFETY: the snapshot is registered; the copy that is pushed is ours to change, and is popped below, or by the abort.
        unsafe {
            pg_sys::PushCopiedSnapshot(self.0);
            pg_sys::UpdateActiveSnapshotCommandId();
        }
        let result = f();
        // SAFETY: pops what was pushed above: everything in `f` pushes and pops in pairs.
        unsafe { pg_sys::PopActiveSnapshot() };
        result
    }
}

/// Runs `f` with a snapshot that sees what this transaction has written so far, under any isolation level.
pub fn within_current<R>(f: impl FnOnce() -> R) -> R {
    next_command();
    // SAFETY: within a transaction; the copy that is pushed is ours to change, and is popped below, or by the abort.
    unsafe {
        pg_sys::PushCopiedSnapshot(pg_sys::GetTransactionSnapshot());
        pg_sys::UpdateActiveSnapshotCommandId();
    }
    let result = f();
    // SAFETY: pops what was pushed above: everything in `f` pushes and pops in pairs.
    unsafe { pg_sys::PopActiveSnapshot() };
    result
}

/// What a snapshot sees of other transactions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Seen {
    /// Transactions before this one had ended.
    pub oldest_running: u32,
    /// No transaction from this one on had ended.
    end: u32,
    /// The numbers of transactions in between, and of their subtransactions, that had not ended. With the same end none can join them: if their
    /// number is the same, none has ended.
    running: (u32, i32),
}

impl Seen {
    /// What the active snapshot sees, that of the running statement.
    pub fn by_statement() -> Self {
        // SAFETY: within a statement, so there is an active snapshot.
        unsafe { Seen::of(pg_sys::GetActiveSnapshot()) }
    }

    /// # Safety
    /// The snapshot is alive.
    unsafe fn of(snapshot: pg_sys::Snapshot) -> Self {
        // SAFETY: as the caller promises.
        unsafe {
            Seen {
                oldest_running: u32::from((*snapshot).xmin),
                end: u32::from((*snapshot).xmax),
                running: ((*snapshot).xcnt, (*snapshot).subxcnt),
            }
        }
    }
}

/// Runs `f` with a snapshot that sees what others have committed by now, and of this transaction only what the active snapshot sees: rows
/// that the running statement has deleted are still there. None, without running it, if no other transaction has ended since `before`, or the
/// isolation level hides what they did.
pub fn within_renewed<R>(before: Seen, f: impl FnOnce() -> R) -> Option<R> {
    // SAFETY: within a statement, so there is an active snapshot; the copy that is pushed is ours to change, and is popped below, or by
    // the abort.
    let now = unsafe {
        let command = (*pg_sys::GetActiveSnapshot()).curcid;
        pg_sys::PushCopiedSnapshot(pg_sys::GetTransactionSnapshot());
        (*pg_sys::GetActiveSnapshot()).curcid = command;
        Seen::of(pg_sys::GetActiveSnapshot())
    };
    let is_same = (now.end, now.running) == (before.end, before.running);
    let result = (!is_same).then(f);
    // SAFETY: pops what was pushed above: everything in `f` pushes and pops in pairs.
    unsafe { pg_sys::PopActiveSnapshot() };
    result
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: registered when made and not yet unregistered.
            unsafe { pg_sys::UnregisterSnapshot(self.0) }
        }
    }
}

/// Whether all statements of this transaction see the same snapshot: REPEATABLE READ and SERIALIZABLE.
pub fn is_fixed() -> bool {
    // SAFETY: reads a backend variable.
    unsafe { pg_sys::XactIsoLevel >= pg_sys::XACT_REPEATABLE_READ as i32 }
}

/// Makes the rows written so far visible to the next command of this transaction.
pub fn next_command() {
    // SAFETY: legal at any time within a transaction; not called while a parallel plan runs (see settings_guard).
    unsafe { pg_sys::CommandCounterIncrement() }
}
