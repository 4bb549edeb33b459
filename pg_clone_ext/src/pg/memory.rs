//! A memory context, reset as a whole.

use pgrx::pg_sys;
use std::cell::{Cell, RefCell};

/// An allocation set below the current memory context.
pub struct Memory {
    context: pg_sys::MemoryContext,
    place: usize,
}

/// The lifetime of a value: the time between two resets of its memory. After a reset it is over, even if the value is still referenced.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::pg) struct Lifetime {
    place: usize,
    generation: u64,
}

/// Generations of the memories in use; no generation is used twice.
struct Generations {
    last: u64,
    of: Vec<u64>,
    free: Vec<usize>,
}

impl Generations {
    fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }
}

thread_local! {
    static GENERATIONS: RefCell<Generations> =
        const { RefCell::new(Generations { last: 0, of: Vec::new(), free: Vec::new() }) };
    static CURRENT: Cell<Lifetime> = const { Cell::new(Lifetime::UNKNOWN) };
}

impl Lifetime {
    /// That of values made outside of a [`Memory`]: it is not known, so they cannot be used.
    pub const UNKNOWN: Lifetime = Lifetime {
        place: usize::MAX,
        generation: 0,
    };

    /// That of values made in the current memory.
    pub fn current() -> Self {
        CURRENT.get()
    }

    /// Whether values with this lifetime are still valid.
    pub fn is_alive(self) -> bool {
        GENERATIONS.with_borrow(|all| all.of.get(self.place) == Some(&self.generation))
    }
}

/// Restores the previous lifetime, also while an error unwinds.
struct Within(Lifetime);

impl Drop for Within {
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

impl Memory {
    /// A new context; `name` must be a literal because PostgreSQL keeps the pointer.
    pub fn new(name: &'static std::ffi::CStr) -> Self {
        // SAFETY: the parent is the live current context and the name is static, as the function demands.
        let context = unsafe {
            pg_sys::AllocSetContextCreateInternal(
                pg_sys::CurrentMemoryContext,
                name.as_ptr(),
                pg_sys::ALLOCSET_DEFAULT_MINSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_INITSIZE as usize,
                pg_sys::ALLOCSET_DEFAULT_MAXSIZE as usize,
            )
        };
        let place = GENERATIONS.with_borrow_mut(|all| {
            let generation = all.next();
            if let Some(place) = all.free.pop() {
                all.of[place] = generation;
                return place;
            }
            all.of.push(generation);
            all.of.len() - 1
        });
        Memory { context, place }
    }

    /// Runs `f` with this as the current context.
    pub fn within<R>(&self, f: impl FnOnce() -> R) -> R {
        let _lifetime = Within(CURRENT.replace(self.lifetime()));
        // SAFETY: the context lives as long as self; the old one is put back below, and on an ERROR the abort resets
        // CurrentMemoryContext itself.
        let old = unsafe { pg_sys::MemoryContextSwitchTo(self.context) };
        let result = f();
        // SAFETY: `old` was the current context a moment ago, and nothing in between could delete it.
        unsafe { pg_sys::MemoryContextSwitchTo(old) };
        result
    }

    /// The context itself, for this folder.
    pub(in crate::pg) fn as_ptr(&self) -> pg_sys::MemoryContext {
        self.context
    }

    /// The lifetime of values that are made in it now.
    pub(in crate::pg) fn lifetime(&self) -> Lifetime {
        GENERATIONS.with_borrow(|all| Lifetime {
            place: self.place,
            generation: all.of[self.place],
        })
    }

    /// Frees everything in it. Values that were made in it cannot be used any more: their lifetime is over.
    pub fn reset(&mut self) {
        GENERATIONS.with_borrow_mut(|all| {
            let generation = all.next();
            all.of[self.place] = generation;
        });
        // SAFETY: the context is ours and alive; values, the only pointers into it that leave this folder, are dead, and
        // slices of it borrow self.
        unsafe { pg_sys::MemoryContextReset(self.context) }
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        GENERATIONS.with_borrow_mut(|all| {
            let generation = all.next();
            all.of[self.place] = generation;
            all.free.push(self.place);
        });
        if !std::thread::panicking() {
            // SAFETY: the context is ours, alive, and not current (within() restores).
            unsafe { pg_sys::MemoryContextDelete(self.context) }
        }
    }
}
