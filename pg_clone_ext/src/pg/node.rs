//! Structures that we allocate and the server reads and writes.

use pgrx::pg_sys;

/// Bytes behind a node. A later minor version may have a larger one than the headers that we were built with
/// (`ResultRelInfo` has grown so before), and the server writes all of its own.
const SLACK: usize = 512;

/// Zeroed bytes in the current memory context, aligned for every structure, with slack behind them.
pub(in crate::pg) fn new_bytes(size: usize) -> *mut u8 {
    // SAFETY: palloc0 returns that many zeroed bytes or raises.
    unsafe { pg_sys::palloc0(size + SLACK).cast() }
}

/// A zeroed node in the current memory context; the caller sets its tag.
pub(in crate::pg) fn new_node<T>() -> *mut T {
    new_bytes(size_of::<T>()).cast()
}
