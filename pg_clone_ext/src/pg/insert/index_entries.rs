//! Index entries of a batch of rows, index after index instead of row after row: the pages of one index remain in the cache,
//! and a GIN index gets the entries of many rows at once.

use super::gin_pending::GinPending;
use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;

/// The server's functions without the guard that pgrx puts around each call: a clone of 200,000 rows with 8 indexes calls them 1.6
/// million times. Measured together with other changes: BENCHMARKS.md, "On each PostgreSQL".
mod unguarded {
    use pgrx::pg_sys;

    unsafe extern "C-unwind" {
        pub fn slot_getsomeattrs_int(slot: *mut pg_sys::TupleTableSlot, count: i32);
        pub fn index_insert(
            index: pg_sys::Relation,
            values: *mut pg_sys::Datum,
            nulls: *mut bool,
            place: pg_sys::ItemPointer,
            heap: pg_sys::Relation,
            unique: pg_sys::IndexUniqueCheck::Type,
            unchanged: bool,
            info: *mut pg_sys::IndexInfo,
        ) -> bool;
    }
}

/// The indexes of a table that is being filled.
pub struct IndexEntries {
    indexes: Vec<Index>,
    /// The table has exclusion or deferrable constraints, which the server checks row by row.
    by_row: bool,
}

struct Index {
    relation: pg_sys::Relation,
    info: *mut pg_sys::IndexInfo,
    unique: pg_sys::IndexUniqueCheck::Type,
    pending: Option<GinPending>,
    /// The numbers of its columns in the table, from 1; None if it has expressions or a condition.
    columns: Option<Vec<i32>>,
}

impl IndexEntries {
    /// Reads the open indexes of `result`.
    ///
    /// # Safety
    /// ExecOpenIndices has been called, and the indexes stay open while this lives.
    pub unsafe fn of(result: *mut pg_sys::ResultRelInfo) -> Self {
        let mut entries = IndexEntries {
            indexes: Vec::new(),
            by_row: false,
        };
        // SAFETY: the two arrays of the result have one entry per index; relations and infos are live.
        unsafe {
            let count = usize::try_from((*result).ri_NumIndices).unwrap_or(0);
            for place in 0..count {
                let relation = *(*result).ri_IndexRelationDescs.add(place);
                let info = *(*result).ri_IndexRelationInfo.add(place);
                if !(*info).ii_ReadyForInserts {
                    continue;
                }
                let form = (*relation).rd_index;
                entries.by_row |= !(*info).ii_ExclusionOps.is_null() || !(*form).indimmediate;
                let unique = if (*form).indisunique {
                    pg_sys::IndexUniqueCheck::UNIQUE_CHECK_YES
                } else {
                    pg_sys::IndexUniqueCheck::UNIQUE_CHECK_NO
                };
                entries.indexes.push(Index {
                    relation,
                    info,
                    unique,
                    pending: GinPending::of(relation),
                    columns: columns(info),
                });
            }
        }
        entries
    }

    /// Whether the server must make the entries of each row.
    pub fn by_row(&self) -> bool {
        self.by_row
    }

    /// Releases memory of the executor state before that is freed.
    pub fn close(&mut self) {
        self.indexes.clear();
    }

    /// Inserts the entries of rows that are in the heap. A duplicate key raises the server's error.
    ///
    /// # Safety
    /// `slots` hold tuples of the table with their places in the heap; `estate` is the one of the open indexes. The
    /// current memory context is the batch's.
    pub unsafe fn insert(
        &mut self,
        slots: &[*mut pg_sys::TupleTableSlot],
        heap: pg_sys::Relation,
        estate: *mut pg_sys::EState,
    ) {
        let mut values = [pg_sys::Datum::from(0); pg_sys::INDEX_MAX_KEYS as usize];
        let mut nulls = [false; pg_sys::INDEX_MAX_KEYS as usize];
        // SAFETY: as the caller promises; the arrays have room for every index.
        unsafe {
            let mut context = (*estate).es_per_tuple_exprcontext;
            if context.is_null() {
                context = pg_sys::MakePerTupleExprContext(estate);
            }
            for index in &mut self.indexes {
                if let (Some(columns), None) = (&index.columns, &index.pending) {
                    index.insert_columns(columns, slots, heap, &mut values, &mut nulls);
                    continue;
                }
                for slot in slots {
                    (*context).ecxt_scantuple = *slot;
                    if !index.covers(context, estate) {
                        continue;
                    }
                    pg_sys::FormIndexDatum(
                        index.info,
                        *slot,
                        estate,
                        values.as_mut_ptr(),
                        nulls.as_mut_ptr(),
                    );
                    let place = &raw mut (**slot).tts_tid;
                    let gathered = match &mut index.pending {
                        Some(pending) => pending.gather(index.info, &values, &nulls, place),
                        None => false,
                    };
                    if !gathered {
                        pg_sys::index_insert(
                            index.relation,
                            values.as_mut_ptr(),
                            nulls.as_mut_ptr(),
                            place,
                            heap,
                            index.unique,
                            false,
                            index.info,
                        );
                    }
                    pg_sys::MemoryContextReset((*context).ecxt_per_tuple_memory);
                }
                if let Some(pending) = &mut index.pending {
                    pending.write(index.info);
                }
            }
        }
    }
}

impl Index {
    /// Inserts the entries of an index on `columns` alone.
    ///
    /// # Safety
    /// As for [`IndexEntries::insert`].
    unsafe fn insert_columns(
        &self,
        columns: &[i32],
        slots: &[*mut pg_sys::TupleTableSlot],
        heap: pg_sys::Relation,
        values: &mut [pg_sys::Datum],
        nulls: &mut [bool],
    ) {
        let last = columns.iter().copied().max().unwrap_or(0);
        // SAFETY: a slot's arrays have an entry for each attribute up to `last` after slot_getsomeattrs_int. An error of the
        // server leaves the closure by a jump: nothing in it needs to be dropped.
        unsafe {
            pg_guard_ffi_boundary(|| {
                for slot in slots {
                    if i32::from((**slot).tts_nvalid) < last {
                        unguarded::slot_getsomeattrs_int(*slot, last);
                    }
                    for (at, column) in columns.iter().enumerate() {
                        let column = (*column - 1) as usize;
                        values[at] = *(**slot).tts_values.add(column);
                        nulls[at] = *(**slot).tts_isnull.add(column);
                    }
                    unguarded::index_insert(
                        self.relation,
                        values.as_mut_ptr(),
                        nulls.as_mut_ptr(),
                        &raw mut (**slot).tts_tid,
                        heap,
                        self.unique,
                        false,
                        self.info,
                    );
                }
            });
        }
    }

    /// Whether a partial index has an entry for the row that is in the context.
    ///
    /// # Safety
    /// As for `insert`.
    unsafe fn covers(&self, context: *mut pg_sys::ExprContext, estate: *mut pg_sys::EState) -> bool {
        // SAFETY: the info is live; the prepared predicate lives as long as the executor state.
        unsafe {
            if (*self.info).ii_Predicate.is_null() {
                return true;
            }
            if (*self.info).ii_PredicateState.is_null() {
                (*self.info).ii_PredicateState = pg_sys::ExecPrepareQual((*self.info).ii_Predicate, estate);
            }
            let state = (*self.info).ii_PredicateState;
            let Some(evaluate) = (!state.is_null()).then(|| (*state).evalfunc).flatten() else {
                return true;
            };
            let old = pg_sys::MemoryContextSwitchTo((*context).ecxt_per_tuple_memory);
            let mut is_null = false;
            // A call through a pointer is not guarded by pgrx of itself.
            let holds = pg_sys::ffi::pg_guard_ffi_boundary(|| evaluate(state, context, &mut is_null));
            pg_sys::MemoryContextSwitchTo(old);
            holds.value() != 0 && !is_null
        }
    }
}

/// The numbers of an index's columns in its table, if it has nothing but columns and entries for all rows.
///
/// # Safety
/// `info` is that of an open index.
unsafe fn columns(info: *const pg_sys::IndexInfo) -> Option<Vec<i32>> {
    // SAFETY: the info has a number for each attribute of the index.
    unsafe {
        if !(*info).ii_Expressions.is_null() || !(*info).ii_Predicate.is_null() {
            return None;
        }
        let count = usize::try_from((*info).ii_NumIndexAttrs).ok()?;
        let numbers = (*info).ii_IndexAttrNumbers;
        numbers[..count]
            .iter()
            .map(|number| Some(i32::from(*number)).filter(|number| *number > 0))
            .collect()
    }
}
