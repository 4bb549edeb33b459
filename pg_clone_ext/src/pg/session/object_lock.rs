//! Locks that only server code can take: pg_advisory_lock() cannot block or imitate them.

use pgrx::pg_sys;

/// Takes the exclusive lock for a number and a table of the extension until the transaction ends. In `pg_locks` it has the type
/// `object`, the table as `classid` and the number as `objid`. Without `wait`, returns false if another session holds the lock.
pub fn lock(table: u32, number: u32, wait: bool) -> bool {
    // SAFETY: the tag is filled as SET_LOCKTAG_OBJECT does; waiting for it may raise an error (a deadlock, a cancel).
    unsafe {
        let tag = pg_sys::LOCKTAG {
            locktag_field1: u32::from(pg_sys::MyDatabaseId),
            locktag_field2: table,
            locktag_field3: number,
            locktag_field4: 0,
            locktag_type: pg_sys::LockTagType::LOCKTAG_OBJECT as u8,
            locktag_lockmethodid: pg_sys::DEFAULT_LOCKMETHOD as u8,
        };
        let mode = pg_sys::ExclusiveLock as pg_sys::LOCKMODE;
        pg_sys::LockAcquire(&tag, mode, false, !wait) != pg_sys::LockAcquireResult::LOCKACQUIRE_NOT_AVAIL
    }
}
