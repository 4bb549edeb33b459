//! CopyProgress of the table that is being filled, in `pg_stat_progress_copy`.

use pgrx::pg_sys;

// The parameters' numbers and values as commands/progress.h of PostgreSQL 14 to 18 defines them.
const BYTES_PROCESSED: i32 = 0;
const TUPLES_PROCESSED: i32 = 2;
const COMMAND: i32 = 4;
const TYPE: i32 = 5;
const COMMAND_FROM: i64 = 1;
const TYPE_CALLBACK: i64 = 4;

/// A row in `pg_stat_progress_copy` as long as this lives.
pub struct CopyProgress;

impl CopyProgress {
    /// Starts a row for a table.
    pub fn start(table: u32) -> Self {
        // SAFETY: writes this backend's own status entry.
        unsafe {
            pg_sys::pgstat_progress_start_command(
                pg_sys::ProgressCommandType::PROGRESS_COMMAND_COPY,
                pg_sys::Oid::from(table),
            );
            pg_sys::pgstat_progress_update_param(COMMAND, COMMAND_FROM);
            pg_sys::pgstat_progress_update_param(TYPE, TYPE_CALLBACK);
        }
        CopyProgress
    }

    /// Sets the counts.
    pub fn update(&self, rows: u64, bytes: u64) {
        // SAFETY: writes this backend's own status entry.
        unsafe {
            pg_sys::pgstat_progress_update_param(TUPLES_PROCESSED, i64::try_from(rows).unwrap_or(i64::MAX));
            pg_sys::pgstat_progress_update_param(BYTES_PROCESSED, i64::try_from(bytes).unwrap_or(i64::MAX));
        }
    }
}

impl Drop for CopyProgress {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: ends what start() began; an abort does the same.
            unsafe { pg_sys::pgstat_progress_end_command() }
        }
    }
}
