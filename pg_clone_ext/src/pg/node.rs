//! Structures that the extension allocates and the server reads and writes.

use pgrx::pg_sys;

/// Additional bytes after a node. In a later minor version the struct can be larger than in the headers of the build
/// (`ResultRelInfo` has grown before), and the server writes all of it.
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
