//! The pending list of a GIN index: entries of many rows are added to it by one change of the list instead of one per
//! row, by the server's own functions.

use crate::pg::memory::Memory;
use pgrx::pg_sys;
use pgrx::pg_sys::ffi::pg_guard_ffi_boundary;
use std::ffi::c_void;

/// Collected entries, in the struct of the server's functions. The same in PostgreSQL 15 to 18.
#[repr(C)]
struct Collector {
    entries: *mut pg_sys::IndexTuple,
    count: u32,
    room: u32,
    bytes: u32,
}

/// The head of a GIN index's parsed options.
#[repr(C)]
struct Options {
    length: i32,
    fast_update: bool,
}

// Both may raise an error (an operator class, a value that is too large for an index): called only in pg_guard_ffi_boundary,
// which makes a panic of it.
unsafe extern "C-unwind" {
    fn ginHeapTupleFastCollect(
        state: *mut c_void,
        collector: *mut Collector,
        attribute: pg_sys::OffsetNumber,
        value: pg_sys::Datum,
        is_null: bool,
        row: pg_sys::ItemPointer,
    );
    fn ginHeapTupleFastInsert(state: *mut c_void, collector: *mut Collector);
}

/// Bytes of entries on a page of the list. More than a page is written as a separate list, whose inner pages must
/// have entries of one row only, so that is used only for rows that fill a page by themselves.
const PAGE: u32 = pg_sys::BLCKSZ - std::mem::offset_of!(pg_sys::PageHeaderData, pd_linp) as u32 - 8;

/// Entries of rows for one index.
pub struct GinPending {
    collector: Collector,
    attributes: u16,
    memory: Memory,
}

impl GinPending {
    /// For a GIN index that uses its pending list, otherwise None.
    ///
    /// # Safety
    /// The index is open.
    pub unsafe fn of(index: pg_sys::Relation) -> Option<Self> {
        // SAFETY: an open index has its pg_class row; parsed options of a GIN index begin as `Options`.
        unsafe {
            if (*(*index).rd_rel).relam != pg_sys::GIN_AM_OID {
                return None;
            }
            let options = (*index).rd_options.cast::<Options>();
            if !options.is_null() && !(*options).fast_update {
                return None;
            }
            Some(GinPending {
                collector: Collector::empty(),
                attributes: u16::try_from((*(*index).rd_att).natts).ok()?,
                memory: Memory::new(c"pg_clone gin"),
            })
        }
    }

    /// Collects the entries of a row; false until a normal insert into the index has prepared
    /// its state.
    ///
    /// # Safety
    /// Values are those of FormIndexDatum for this index; `row` is the row's place in the heap.
    pub unsafe fn gather(
        &mut self,
        info: *mut pg_sys::IndexInfo,
        values: &[pg_sys::Datum],
        nulls: &[bool],
        row: pg_sys::ItemPointer,
    ) -> bool {
        // SAFETY: the cache of a GIN index's info is its state, made by the first insert.
        let state = unsafe { (*info).ii_AmCache };
        if state.is_null() {
            return false;
        }
        let (count, bytes) = (self.collector.count, self.collector.bytes);
        for attribute in 0..self.attributes {
            let place = usize::from(attribute);
            let collector = &raw mut self.collector;
            // SAFETY: state and collector are this index's; the entries are copies in our memory.
            self.memory.within(|| unsafe {
                pg_guard_ffi_boundary(|| {
                    ginHeapTupleFastCollect(
                        state,
                        collector,
                        attribute + 1,
                        values[place],
                        nulls[place],
                        row,
                    );
                });
            });
        }
        if count > 0 && self.collector.page_bytes() > PAGE {
            // The rows before this one fill a page.
            let (more, more_bytes) = (self.collector.count - count, self.collector.bytes - bytes);
            (self.collector.count, self.collector.bytes) = (count, bytes);
            // SAFETY: the collector's array has count + more entries.
            unsafe {
                self.put(state);
                let entries = self.collector.entries;
                std::ptr::copy(entries.add(count as usize), entries, more as usize);
            }
            (self.collector.count, self.collector.bytes) = (more, more_bytes);
        }
        if self.collector.page_bytes() > PAGE {
            // SAFETY: one row's entries, which the server lays out over several pages.
            unsafe { self.put(state) };
            (self.collector.count, self.collector.bytes) = (0, 0);
        }
        true
    }

    /// Adds the collected entries to the index.
    ///
    /// # Safety
    /// `info` is that of `gather`.
    pub unsafe fn write(&mut self, info: *mut pg_sys::IndexInfo) {
        if self.collector.count > 0 {
            // SAFETY: what was gathered was gathered with this state.
            unsafe { self.put((*info).ii_AmCache) };
        }
        self.collector = Collector::empty();
        self.memory.reset();
    }

    /// # Safety
    /// The state is the index's, and the entries were gathered with it.
    unsafe fn put(&mut self, state: *mut c_void) {
        let collector = &raw mut self.collector;
        // SAFETY: as the caller promises.
        self.memory.within(|| unsafe {
            pg_guard_ffi_boundary(|| ginHeapTupleFastInsert(state, collector));
        });
    }
}

impl Collector {
    fn empty() -> Self {
        Collector {
            entries: std::ptr::null_mut(),
            count: 0,
            room: 0,
            bytes: 0,
        }
    }

    /// Bytes that the entries take on a page.
    fn page_bytes(&self) -> u32 {
        self.bytes + self.count * size_of::<pg_sys::ItemIdData>() as u32
    }
}
