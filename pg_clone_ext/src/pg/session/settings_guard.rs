//! Settings during a run, restored afterwards.

use pgrx::pg_sys;
use std::ffi::{CStr, CString, NulError};

/// The value of `extra_float_digits` from which on a floating-point number is printed exactly.
const EXACT_FLOATS: i32 = 1;

/// As long as this lives: `search_path` contains no schema that users can write to, so that names and operators in generated
/// SQL are PostgreSQL's own; no parallel plan is chosen, because rows are written while the plan runs.
pub struct ReadingSettings(i32);

impl ReadingSettings {
    /// Sets them for the current nest level.
    pub fn new() -> Self {
        // SAFETY: opens a level that Drop closes, or the abort does.
        let level = unsafe { pg_sys::NewGUCNestLevel() };
        set(c"search_path", c"pg_catalog, pg_temp");
        set(c"max_parallel_workers_per_gather", c"0");
        ReadingSettings(level)
    }

    /// The same for queries over all rows of tables. What a run has just written is not in the planner's statistics: it would take a
    /// project for a row or two and join its rows in loops, each for each.
    pub fn for_many_rows() -> Self {
        let settings = Self::with_memory();
        set(c"enable_nestloop", c"off");
        settings
    }

    /// The same for conditions on rows that belong through other rows of their table. A condition that is no join reads the keys of a
    /// project for each row, if they are estimated to be too many for a hash table in `work_mem`: the deletion of 25,000 rows took more
    /// than 60 s with 4 MB, and 0.9 s with this (debug build).
    pub fn with_memory() -> Self {
        let settings = Self::new();
        // SAFETY: a variable of the server, in kB.
        if unsafe { pg_sys::work_mem } < 64 * 1024 {
            set(c"work_mem", c"64MB");
        }
        settings
    }
}

/// The `search_path` of the caller, and other settings that change what its code does. Triggers, check constraints and index
/// expressions run under them, as for any INSERT of the caller.
#[derive(Clone)]
pub struct CallersPath {
    path: CString,
    strings_conform: bool,
    float_digits: i32,
}

impl CallersPath {
    /// The current path.
    pub fn current() -> Self {
        // SAFETY: the variable of the setting is a NUL-terminated string, or NULL before it is set.
        Self::with_settings(unsafe {
            let path = pg_sys::namespace_search_path;
            if path.is_null() {
                CString::default()
            } else {
                CStr::from_ptr(path).to_owned()
            }
        })
    }

    fn with_settings(path: CString) -> Self {
        // SAFETY: reads two backend variables.
        let (strings_conform, float_digits) =
            unsafe { (pg_sys::standard_conforming_strings, pg_sys::extra_float_digits) };
        CallersPath {
            path,
            strings_conform,
            float_digits,
        }
    }

    /// This path; one with a NUL byte is refused.
    pub fn of_text(path: String) -> std::result::Result<Self, NulError> {
        CString::new(path).map(Self::with_settings)
    }

    /// That of [`ReadingSettings`], for statements of the extension that are no plain queries.
    pub fn safe() -> Self {
        CallersPath {
            path: c"pg_catalog, pg_temp".to_owned(),
            strings_conform: true,
            float_digits: EXACT_FLOATS,
        }
    }

    /// The path as SHOW prints it.
    pub fn to_text(&self) -> String {
        self.path.to_string_lossy().into_owned()
    }

    /// Sets it as long as the guard lives.
    pub fn enter(&self) -> PathGuard {
        let guard = PathGuard::new(&self.path);
        if !self.strings_conform {
            set(c"standard_conforming_strings", c"off");
        }
        if self.float_digits != EXACT_FLOATS
            && let Ok(digits) = CString::new(self.float_digits.to_string())
        {
            set(c"extra_float_digits", &digits);
        }
        guard
    }
}

/// A `search_path` that is set as long as this lives.
pub struct PathGuard(i32);

impl PathGuard {
    /// The safe path for generated SQL: it contains no schema that users can write to.
    pub fn safe() -> Self {
        let guard = PathGuard::new(c"pg_catalog, pg_temp");
        // Backslashes in strings of generated SQL, and of conditions that were declared, are characters.
        set(c"standard_conforming_strings", c"on");
        // Keys are compared by their text: of two different floating-point numbers it must differ.
        set(c"extra_float_digits", c"1");
        set(c"xmloption", c"content");
        // Names that the server prints are compared with those in the catalog.
        set(c"quote_all_identifiers", c"off");
        // Queries on the catalog compute little, but their estimates are large: of the 560 ms that reading a store of 495
        // tables took, JIT compilation took 270, and 80 MB.
        set(c"jit", c"off");
        guard
    }

    fn new(path: &CStr) -> Self {
        // SAFETY: opens a level that Drop closes, or the abort does.
        let level = unsafe { pg_sys::NewGUCNestLevel() };
        set(c"search_path", path);
        PathGuard(level)
    }
}

impl Drop for PathGuard {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: closes the level that new() opened; guards are dropped in reverse order of creation.
            unsafe { pg_sys::AtEOXact_GUC(true, self.0) }
        }
    }
}

/// As long as this lives, user triggers do not fire, and foreign keys are not checked: the caller must check them.
pub struct WithoutTriggers(i32);

impl WithoutTriggers {
    /// Disables triggers for the current nest level. The caller must have checked the right to disable them.
    pub fn new() -> Self {
        // SAFETY: opens a level that Drop closes, or the abort does.
        let level = unsafe { pg_sys::NewGUCNestLevel() };
        set_as(
            c"session_replication_role",
            c"replica",
            pg_sys::GucContext::PGC_SUSET,
        );
        WithoutTriggers(level)
    }
}

impl Drop for WithoutTriggers {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: closes the level that new() opened; guards are dropped in reverse order of creation.
            unsafe { pg_sys::AtEOXact_GUC(true, self.0) }
        }
    }
}

/// As long as this lives, the server counts the rows that the transaction writes, also where `track_counts` is off.
pub struct CountedRows(i32);

impl CountedRows {
    /// Counts from now on. The setting is one of superusers; all that it does is that counters are kept.
    pub fn new() -> Self {
        // SAFETY: opens a level that Drop closes, or the abort does.
        let level = unsafe { pg_sys::NewGUCNestLevel() };
        set_as(c"track_counts", c"on", pg_sys::GucContext::PGC_SUSET);
        CountedRows(level)
    }
}

impl Drop for CountedRows {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: closes the level that new() opened; guards are dropped in reverse order of creation.
            unsafe { pg_sys::AtEOXact_GUC(true, self.0) }
        }
    }
}

fn set(name: &CStr, value: &CStr) {
    set_as(name, value, pg_sys::GucContext::PGC_USERSET);
}

fn set_as(name: &CStr, value: &CStr, context: pg_sys::GucContext::Type) {
    // SAFETY: both strings are NUL-terminated and outlive the call; GUC_ACTION_SAVE undoes itself at the nest level.
    unsafe {
        pg_sys::set_config_option(
            name.as_ptr(),
            value.as_ptr(),
            context,
            pg_sys::GucSource::PGC_S_SESSION,
            pg_sys::GucAction::GUC_ACTION_SAVE,
            true,
            0,
            false,
        );
    }
}

impl Drop for ReadingSettings {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: closes the level that new() opened; guards are dropped in reverse order of creation.
            unsafe { pg_sys::AtEOXact_GUC(true, self.0) }
        }
    }
}
