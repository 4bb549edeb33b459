//! Foreign key checks that are deferred until the last table of a run is filled, so that foreign keys can form
//! cycles.

use crate::pg::session::settings_guard::CallersPath;
use pgrx::pg_sys;

/// One query level of after-row triggers around all tables of a run. `release` must be called; it may be dropped before only
/// while an error unwinds: the abort of the (sub)transaction ends the level.
pub struct HeldKeyChecks {
    path: CallersPath,
}

impl HeldKeyChecks {
    /// From now on checks are queued.
    pub fn begin(path: CallersPath) -> Self {
        // SAFETY: opens a query level in this backend, as the executor does for a query with triggers.
        unsafe { pg_sys::AfterTriggerBeginQuery() }
        HeldKeyChecks { path }
    }

    /// Runs all queued checks; a failed check raises its error.
    pub fn release(self) {
        let _path = self.path.enter();
        // SAFETY: closes the level that begin() opened, with an executor state that lives until it is freed here; the
        // active snapshot is that of the calling command.
        unsafe {
            let estate = pg_sys::CreateExecutorState();
            pg_sys::AfterTriggerEndQuery(estate);
            pg_sys::ExecCloseResultRelations(estate);
            pg_sys::ExecCloseRangeTableRelations(estate);
            pg_sys::ExecResetTupleTable((*estate).es_tupleTable, false);
            pg_sys::FreeExecutorState(estate);
        }
    }
}
