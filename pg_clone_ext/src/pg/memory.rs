//! A memory context of our own, reset as a whole.

use pgrx::pg_sys;

/// An allocation set below the current memory context.
pub struct Memory(pg_sys::MemoryContext);

impl Memory {
    /// A new context; `name` must be a literal because PostgreSQL keeps the pointer.
    pub fn new(name: &'static std::ffi::CStr) -> Self {
        // SAFETY: the parent is the live current context and the name is static, as the function demands.
        Memory(unsafe {
            pg_sys::AllocSetContextCreateInternal(
                pg_sys::CurrentMemoryContext,
                name.as_ptr(),
                pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            )
        })
    }

    /// Runs `f` with this as the current context.
    pub fn within<R>(&self, f: impl FnOnce() -> R) -> R {
        // SAFETY: the context lives as long as self; the old one is put back below, and on an ERROR the abort resets
        // CurrentMemoryContext itself.
        let old = unsafe { pg_sys::MemoryContextSwitchTo(self.0) };
        let result = f();
        // SAFETY: `old` was the current context a moment ago, and nothing in between could delete it.
        unsafe { pg_sys::MemoryContextSwitchTo(old) };
        result
    }

    /// The context itself, for this folder.
    pub(in crate::pg) fn as_ptr(&self) -> pg_sys::MemoryContext {
        self.0
    }

    /// Frees everything in it. Datums made within it must not be used any more: the callers in this folder and the
    /// row transformer reset only after the tuple has been formed.
    pub fn reset(&self) {
        // SAFETY: the context is ours and alive.
        unsafe { pg_sys::MemoryContextReset(self.0) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: the context is ours, alive, and not current (within() restores).
            unsafe { pg_sys::MemoryContextDelete(self.0) }
        }
    }
}
