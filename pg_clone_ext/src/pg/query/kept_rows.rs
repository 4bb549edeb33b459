//! Rows that one query has read, as a relation of later queries: these may run with the rights of a role that may not read them itself.

use super::run;
use crate::pg::memory::Memory;
use pg_clone_core::error::{Code, Error, Result};
use pgrx::{pg_guard, pg_sys};
use std::ffi::{CStr, CString};

/// The name of the relation in queries. It has no schema, and no table of that name is found instead.
pub const NAME: &str = "clone_kept_rows";
const C_NAME: &CStr = c"clone_kept_rows";

/// The rows, in memory up to `work_mem` and then in a temporary file.
pub struct KeptRows {
    rows: *mut pg_sys::Tuplestorestate,
    columns: pg_sys::TupleDesc,
    count: u64,
    /// Memory of both.
    _memory: Memory,
}

#[repr(C)]
struct Keeper<'a> {
    // First, so that a pointer to the receiver is a pointer to its base.
    base: pg_sys::DestReceiver,
    rows: *mut pg_sys::Tuplestorestate,
    columns: pg_sys::TupleDesc,
    memory: &'a Memory,
}

impl KeptRows {
    /// Reads the rows of a query, read-only under the active snapshot.
    pub fn of(sql: &str) -> Result<Self> {
        Self::read(sql, None)
    }

    /// The same for a query over other kept rows.
    pub fn over(sql: &str, kept: &KeptRows) -> Result<Self> {
        Self::read(sql, Some(kept))
    }

    fn read(sql: &str, kept: Option<&KeptRows>) -> Result<Self> {
        let text = CString::new(sql)
            .map_err(|_| Error::new(Code::Internal, "a generated query holds a NUL byte"))?;
        let memory = Memory::new(c"pg_clone kept rows");
        // SAFETY: the store lives in `memory`, which lives as long as the value that owns both.
        let rows = memory.within(|| unsafe { pg_sys::tuplestore_begin_heap(false, false, pg_sys::work_mem) });
        let mut keeper = Keeper {
            base: pg_sys::DestReceiver {
                receiveSlot: Some(receive_slot),
                rStartup: Some(startup),
                rShutdown: Some(nothing),
                rDestroy: Some(nothing),
                mydest: pg_sys::CommandDest::DestTuplestore,
            },
            rows,
            columns: std::ptr::null_mut(),
            memory: &memory,
        };
        // SAFETY: the receiver outlives the call.
        let count = unsafe { run(&text, (&raw mut keeper).cast(), true, kept) };
        let columns = keeper.columns;
        Ok(KeptRows {
            rows,
            columns,
            count: count?,
            _memory: memory,
        })
    }

    /// Their number.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The relation, to be registered for a query.
    pub(super) fn relation(&self) -> pg_sys::EphemeralNamedRelationData {
        pg_sys::EphemeralNamedRelationData {
            md: pg_sys::EphemeralNamedRelationMetadataData {
                name: C_NAME.as_ptr().cast_mut(),
                reliddesc: pg_sys::Oid::INVALID,
                tupdesc: self.columns,
                enrtype: pg_sys::EphemeralNameRelationType::ENR_NAMED_TUPLESTORE,
                #[expect(clippy::cast_precision_loss, reason = "an estimate for the planner")]
                enrtuples: self.count as f64,
            },
            reldata: self.rows.cast(),
        }
    }
}

impl Drop for KeptRows {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: ended once, before its memory is released. After an error the abort closes its file.
            unsafe { pg_sys::tuplestore_end(self.rows) }
        }
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn startup(
    this: *mut pg_sys::DestReceiver,
    _operation: i32,
    descriptor: pg_sys::TupleDesc,
) {
    // SAFETY: `this` is the base of the Keeper on KeptRows::of()'s stack; the descriptor is copied to memory that outlives the query.
    unsafe {
        let keeper = &mut *this.cast::<Keeper<'_>>();
        keeper.columns = keeper.memory.within(|| pg_sys::CreateTupleDescCopy(descriptor));
    }
}

/// Called by the executor for each row.
#[pg_guard]
unsafe extern "C-unwind" fn receive_slot(
    slot: *mut pg_sys::TupleTableSlot,
    this: *mut pg_sys::DestReceiver,
) -> bool {
    // SAFETY: `this` is the base of the Keeper on KeptRows::of()'s stack; the row of the slot is copied.
    unsafe { pg_sys::tuplestore_puttupleslot((*this.cast::<Keeper<'_>>()).rows, slot) }
    true
}

#[pg_guard]
unsafe extern "C-unwind" fn nothing(_this: *mut pg_sys::DestReceiver) {}
