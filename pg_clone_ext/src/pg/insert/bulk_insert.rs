//! The bulk path: inserts rows into a plain heap table like the server's COPY: multi-insert, then index entries,
//! then after-row triggers (foreign keys).

use super::index_entries::IndexEntries;
use crate::pg::memory::Memory;
use crate::pg::node::new_node;
use crate::pg::session::settings_guard::CallersPath;
use crate::pg::table::relation::OpenTable;
use crate::pg::value::Value;
use crate::pg::value::toast::{CompressedValue, copied};
use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;

/// Rows of one multi-insert, as in COPY.
const BATCH_ROWS: usize = 1000;
/// Bytes of one multi-insert, as in COPY. 512 kB were not faster on a Medplum project (CPU time 0.77 s, then 0.76 s).
const BATCH_BYTES: usize = 65_535;

/// A table that is being filled. `finish` must be called; it may be dropped before only while an error unwinds.
pub struct BulkInsert {
    // Before the table, so that the slots release its descriptor first.
    slots: Vec<Slot>,
    used: usize,
    bytes: usize,
    batch: Memory,
    estate: *mut pg_sys::EState,
    result: *mut pg_sys::ResultRelInfo,
    bulk: pg_sys::BulkInsertState,
    indexes: IndexEntries,
    command: pg_sys::CommandId,
    constrained: bool,
    /// The row with plain values, for constraints, if it has compressed ones.
    checked: Option<Slot>,
    /// Plain values of the rows in the batch: the row, the attribute's place, the value.
    plain: Vec<(usize, usize, Value)>,
    /// Bytes written since the WAL writer was last called.
    unflushed: usize,
    path: CallersPath,
    held: bool,
    table: OpenTable,
}

/// Bytes after which the WAL writer is called: its own `wal_writer_flush_after`.
const WAL_BYTES: usize = 1 << 20;

impl BulkInsert {
    /// Prepares a table for rows. `proven` are foreign keys (oids of constraints) that hold for every row to come,
    /// so that their check is left out. Constraints, index expressions and triggers run under `path`.
    /// The current user needs INSERT on `columns` (attribute numbers), as for any INSERT; else the server's error (42501).
    ///
    /// `held` are key checks of a whole run: they then wait for its end. With `skip_triggers` no trigger that a user
    /// made fires.
    pub fn open(
        table: OpenTable,
        columns: &[i16],
        proven: &[u32],
        path: CallersPath,
        held: bool,
        skip_triggers: bool,
    ) -> Self {
        let relation = table.as_ptr();
        // SAFETY: the relation is open and locked for insert; everything is made in the executor state's own memory,
        // which FreeExecutorState releases, or the abort of the transaction.
        unsafe {
            let estate = pg_sys::CreateExecutorState();
            let old = pg_sys::MemoryContextSwitchTo((*estate).es_query_cxt);
            init_range_table(estate, relation, columns);
            let result = new_node::<pg_sys::ResultRelInfo>();
            (*result).type_ = pg_sys::NodeTag::T_ResultRelInfo;
            pg_sys::InitResultRelInfo(result, relation, 1, std::ptr::null_mut(), 0);
            leave_out_checks(result, proven, skip_triggers);
            pg_sys::ExecOpenIndices(result, false);
            if !held {
                pg_sys::AfterTriggerBeginQuery();
            }
            let bulk = pg_sys::GetBulkInsertState();
            let indexes = IndexEntries::of(result);
            let checked = Some(Slot::new(table.descriptor(), &raw const pg_sys::TTSOpsVirtual));
            pg_sys::MemoryContextSwitchTo(old);
            BulkInsert {
                slots: Vec::with_capacity(BATCH_ROWS),
                used: 0,
                bytes: 0,
                batch: Memory::new(c"pg_clone batch"),
                estate,
                result,
                bulk,
                indexes,
                command: pg_sys::GetCurrentCommandId(true),
                constrained: !(*(*relation).rd_att).constr.is_null(),
                checked,
                plain: Vec::new(),
                unflushed: 0,
                path,
                held,
                table,
            }
        }
    }

    /// Whether constraints read rows before they are written.
    pub fn has_checks(&self) -> bool {
        // SAFETY: the descriptor is that of the open table; its constraints, if any, live as long.
        unsafe {
            let constraints = (*self.table.descriptor()).constr;
            !constraints.is_null() && (*constraints).num_check > 0
        }
    }

    /// Adds a row: one value per attribute of the table, dropped ones included. The values are copied into the tuple,
    /// so the memory that they point to may be freed afterwards. Check constraints get the plain value of `compressed` ones:
    /// to decompress a document of 50 kB would take 36% of the time of a plain INSERT. Returns
    /// the bytes of the row before compression.
    pub fn put(&mut self, values: &[Value], nulls: &mut [bool], compressed: &[CompressedValue]) -> usize {
        assert!(compressed.iter().all(|value| value.place < values.len()));
        let descriptor = self.table.descriptor();
        let datums = self.table.row().datums(values, nulls);
        // Copied here once; the slot then owns the tuple, so that multi-insert does not copy it again.
        // SAFETY: both slices have one entry per attribute of this descriptor, of its type.
        let tuple = self.batch.within(|| unsafe {
            pg_sys::heap_form_tuple(descriptor, datums.as_mut_ptr(), nulls.as_mut_ptr())
        });
        if self.used == self.slots.len() {
            // The caller's memory lives for one row; a slot lives as long as the insert.
            // SAFETY: the executor state's own memory outlives the slots; the old context is put back.
            unsafe {
                let old = pg_sys::MemoryContextSwitchTo((*self.estate).es_query_cxt);
                self.slots.push(Slot::new(
                    self.table.descriptor(),
                    &raw const pg_sys::TTSOpsHeapTuple,
                ));
                pg_sys::MemoryContextSwitchTo(old);
            }
        }
        // SAFETY: the tuple is one palloc'd chunk, as ExecStoreHeapTuple(shouldFree) demands.
        let size = unsafe {
            pg_sys::ExecStoreHeapTuple(tuple, self.slots[self.used].0, true);
            (*tuple).t_len as usize
        };
        for value in compressed {
            if let Some(plain) = value.plain {
                let plain = self.batch.within(|| copied(plain));
                self.plain.push((self.used, value.place, plain));
            }
        }
        self.used += 1;
        self.bytes += size;
        if self.used == BATCH_ROWS || self.bytes >= BATCH_BYTES {
            self.flush();
        }
        if compressed.is_empty() {
            size
        } else {
            self.table.row_bytes(values, nulls, compressed)
        }
    }

    /// Writes the rows of the batch.
    pub fn flush(&mut self) {
        let rows = self.used;
        if rows == 0 {
            return;
        }
        let _path = self.path.enter();
        let mut slots: Vec<*mut pg_sys::TupleTableSlot> =
            self.slots[..rows].iter().map(|slot| slot.0).collect();
        // SAFETY: every slot holds a tuple of this table; estate, result and bulk state belong together and are alive.
        self.batch.within(|| unsafe {
            if self.constrained {
                let mut plain = self.plain.iter().peekable();
                for (row, slot) in slots.iter().enumerate() {
                    let seen = match &self.checked {
                        Some(Slot(checked)) if plain.peek().is_some_and(|(of, ..)| *of == row) => {
                            let values = std::iter::from_fn(|| plain.next_if(|(of, ..)| *of == row));
                            with_values(
                                *checked,
                                *slot,
                                values.map(|(_, place, value)| (*place, value.datum())),
                            );
                            *checked
                        }
                        _ => *slot,
                    };
                    pg_sys::ExecConstraints(self.result, seen, self.estate);
                }
                if let Some(Slot(checked)) = &self.checked {
                    clear(*checked);
                }
            }
            pg_sys::heap_multi_insert(
                self.table.as_ptr(),
                slots.as_mut_ptr(),
                rows as i32,
                self.command,
                0,
                self.bulk,
            );
            let by_row = self.indexes.by_row();
            if !by_row {
                self.indexes.insert(&slots, self.table.as_ptr(), self.estate);
            }
            let triggered = !(*self.result).ri_TrigDesc.is_null();
            for slot in &slots {
                let recheck = if by_row {
                    insert_index_entries(self.result, *slot, self.estate)
                } else {
                    std::ptr::null_mut()
                };
                if triggered {
                    pg_sys::ExecARInsertTriggers(
                        self.estate,
                        self.result,
                        *slot,
                        recheck,
                        std::ptr::null_mut(),
                    );
                }
                let context = (*self.estate).es_per_tuple_exprcontext;
                if !context.is_null() {
                    pg_sys::MemoryContextReset((*context).ecxt_per_tuple_memory);
                }
            }
            for slot in &slots {
                clear(*slot);
            }
        });
        self.batch.reset();
        self.plain.clear();
        self.unflushed += self.bytes;
        if self.unflushed >= WAL_BYTES {
            self.unflushed = 0;
            call_wal_writer();
        }
        self.used = 0;
        self.bytes = 0;
        pgrx::check_for_interrupts!();
    }

    /// Writes the rest, checks foreign keys, closes the table.
    pub fn finish(mut self) {
        self.flush();
        self.slots.clear();
        self.checked = None;
        self.indexes.close();
        let _path = self.path.enter();
        // SAFETY: closes what open() opened, in reverse; the table itself closes when dropped.
        unsafe {
            pg_sys::FreeBulkInsertState(self.bulk);
            if !self.held {
                pg_sys::AfterTriggerEndQuery(self.estate);
            }
            pg_sys::ExecCloseIndices(self.result);
            pg_sys::ExecResetTupleTable((*self.estate).es_tupleTable, false);
            // Relations that after-triggers opened are in the state's own lists.
            pg_sys::ExecCloseResultRelations(self.estate);
            pg_sys::ExecCloseRangeTableRelations(self.estate);
            pg_sys::FreeExecutorState(self.estate);
        }
    }
}

/// Makes the WAL writer write and flush this backend's WAL. A page of the bulk ring is reused only after its WAL
/// is flushed; otherwise the backend would flush it itself, every 16 MB.
///
/// The position is the end of this backend's last record. The current insert position must not be used: after a record that
/// fills its page it is behind the header of a page that does not exist yet, and a flush up to there is a PANIC.
fn call_wal_writer() {
    // SAFETY: reads a variable of this backend, sets a position in shared memory, and may wake a process.
    unsafe {
        let end = pg_sys::XactLastRecEnd;
        if end != pg_sys::InvalidXLogRecPtr as pg_sys::XLogRecPtr {
            pg_sys::XLogSetAsyncXactLSN(end);
        }
    }
}

/// # Safety
/// `result` has been initialised: its trigger description is its own copy.
unsafe fn leave_out_checks(result: *mut pg_sys::ResultRelInfo, proven: &[u32], skip_triggers: bool) {
    // SAFETY: changes only the copy that belongs to this ResultRelInfo; the relcache keeps its own.
    unsafe {
        let description = (*result).ri_TrigDesc;
        if description.is_null() || proven.is_empty() && !skip_triggers {
            return;
        }
        let count = usize::try_from((*description).numtriggers).unwrap_or(0);
        let triggers = std::slice::from_raw_parts_mut((*description).triggers, count);
        for trigger in triggers.iter_mut() {
            if proven.contains(&u32::from(trigger.tgconstraint)) || skip_triggers && !trigger.tgisinternal {
                trigger.tgenabled = pg_sys::TRIGGER_DISABLED as std::ffi::c_char;
            }
        }
        let on_insert =
            |trigger: &pg_sys::Trigger| i32::from(trigger.tgtype) & pg_sys::TRIGGER_TYPE_INSERT as i32 != 0;
        let disabled = pg_sys::TRIGGER_DISABLED as std::ffi::c_char;
        if triggers
            .iter()
            .filter(|t| on_insert(t))
            .all(|t| t.tgenabled == disabled)
        {
            (*result).ri_TrigDesc = std::ptr::null_mut();
        }
    }
}

/// A slot for one heap tuple.
struct Slot(*mut pg_sys::TupleTableSlot);

impl Slot {
    fn new(descriptor: pg_sys::TupleDesc, kind: *const pg_sys::TupleTableSlotOps) -> Self {
        // SAFETY: the descriptor belongs to the open table, which outlives the slot; kinds are static.
        Slot(unsafe { pg_sys::MakeSingleTupleTableSlot(descriptor, kind) })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: made in new(), dropped once.
            unsafe { pg_sys::ExecDropSingleTupleTableSlot(self.0) }
        }
    }
}

/// Makes a virtual slot the same row as another, but for some values.
///
/// # Safety
/// Both slots are of the same table, `virtual_slot` is a virtual one, and places are places of its attributes.
unsafe fn with_values(
    virtual_slot: *mut pg_sys::TupleTableSlot,
    row: *mut pg_sys::TupleTableSlot,
    values: impl Iterator<Item = (usize, pg_sys::Datum)>,
) {
    // SAFETY: both have an entry for each attribute of the same descriptor; what the values point to lives in the row's
    // tuple or in the batch's memory, longer than the virtual slot is used.
    unsafe {
        clear(virtual_slot);
        let count = (*(*row).tts_tupleDescriptor).natts;
        pg_sys::slot_getsomeattrs_int(row, count);
        let attributes = usize::try_from(count).unwrap_or(0);
        std::ptr::copy_nonoverlapping((*row).tts_values, (*virtual_slot).tts_values, attributes);
        std::ptr::copy_nonoverlapping((*row).tts_isnull, (*virtual_slot).tts_isnull, attributes);
        for (place, value) in values {
            (*virtual_slot).tts_values.add(place).write(value);
        }
        pg_sys::ExecStoreVirtualTuple(virtual_slot);
    }
}

/// # Safety
/// `slot` is a valid slot.
unsafe fn clear(slot: *mut pg_sys::TupleTableSlot) {
    // SAFETY: what the inline function ExecClearTuple does: the slot's own callback. A call through a pointer is not
    // guarded by pgrx of itself.
    unsafe {
        if let Some(clear) = (*(*slot).tts_ops).clear {
            pg_guard_ffi_boundary(|| clear(slot));
        }
    }
}

/// # Safety
/// The three belong together and the slot's tuple has been inserted.
unsafe fn insert_index_entries(
    result: *mut pg_sys::ResultRelInfo,
    slot: *mut pg_sys::TupleTableSlot,
    estate: *mut pg_sys::EState,
) -> *mut pg_sys::List {
    let none = std::ptr::null_mut();
    // SAFETY: as the caller promises; no speculative insertion, so the out-parameter may be NULL.
    #[cfg(feature = "pg15")]
    unsafe {
        pg_sys::ExecInsertIndexTuples(result, slot, estate, false, false, none, std::ptr::null_mut())
    }
    // SAFETY: the same; the last argument (only summarizing indexes) concerns updates.
    #[cfg(not(feature = "pg15"))]
    unsafe {
        pg_sys::ExecInsertIndexTuples(
            result,
            slot,
            estate,
            false,
            false,
            none,
            std::ptr::null_mut(),
            false,
        )
    }
}

/// A range table of one entry: error messages of constraints look the columns' privileges up in it.
///
/// # Safety
/// `estate` is fresh, `relation` open; the current memory context is the state's.
unsafe fn init_range_table(estate: *mut pg_sys::EState, relation: pg_sys::Relation, columns: &[i16]) {
    // SAFETY: the entry is a zeroed node of its type with the fields an INSERT's entry has; sets of attributes begin with the
    // lowest system attribute.
    unsafe {
        let entry = new_node::<pg_sys::RangeTblEntry>();
        (*entry).type_ = pg_sys::NodeTag::T_RangeTblEntry;
        (*entry).rtekind = pg_sys::RTEKind::RTE_RELATION;
        (*entry).relid = (*relation).rd_id;
        (*entry).relkind = (*(*relation).rd_rel).relkind;
        (*entry).rellockmode = pg_sys::RowExclusiveLock as i32;
        let mut inserted = std::ptr::null_mut();
        for column in columns {
            let member = i32::from(*column) - pg_sys::FirstLowInvalidHeapAttributeNumber;
            inserted = pg_sys::bms_add_member(inserted, member);
        }
        #[cfg(feature = "pg15")]
        {
            (*entry).requiredPerms = pg_sys::AclMode::from(pg_sys::ACL_INSERT);
            (*entry).insertedCols = inserted;
            let entries = pg_sys::lappend(std::ptr::null_mut(), entry.cast());
            pg_sys::ExecCheckRTPerms(entries, true);
            pg_sys::ExecInitRangeTable(estate, entries);
        }
        #[cfg(not(feature = "pg15"))]
        {
            let mut permissions = std::ptr::null_mut();
            let permission = pg_sys::addRTEPermissionInfo(&mut permissions, entry);
            (*permission).requiredPerms = pg_sys::AclMode::from(pg_sys::ACL_INSERT);
            (*permission).insertedCols = inserted;
            let entries = pg_sys::lappend(std::ptr::null_mut(), entry.cast());
            pg_sys::ExecCheckPermissions(entries, permissions, true);
            #[cfg(not(feature = "pg18"))]
            pg_sys::ExecInitRangeTable(estate, entries, permissions);
            #[cfg(feature = "pg18")]
            pg_sys::ExecInitRangeTable(estate, entries, permissions, pg_sys::bms_make_singleton(1));
        }
    }
}
