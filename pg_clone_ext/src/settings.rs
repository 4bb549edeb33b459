//! The settings of the extension.

use pgrx::{GucContext, GucFlags, GucRegistry, GucSetting};

static MAX_MEMORY: GucSetting<i32> = GucSetting::<i32>::new(1024);
static ACTOR: GucSetting<Option<std::ffi::CString>> = GucSetting::<Option<std::ffi::CString>>::new(None);
static BULK: GucSetting<bool> = GucSetting::<bool>::new(true);
static PARALLEL: GucSetting<bool> = GucSetting::<bool>::new(true);
static MAX_QUEUED_JOBS: GucSetting<i32> = GucSetting::<i32>::new(100);

/// Registers them; called once when the library is loaded.
pub fn register() {
    GucRegistry::define_int_guc(
        c"pg_clone.max_memory",
        c"Sets the maximum memory of the id maps of one clone.",
        c"A clone that needs more fails with SQLSTATE 53200. An id needs about 25 bytes.",
        &MAX_MEMORY,
        1,
        2_000_000,
        GucContext::Userset,
        GucFlags::UNIT_MB,
    );
    GucRegistry::define_string_guc(
        c"pg_clone.actor",
        c"Sets the actor of item functions for calls without an actor.",
        c"An application or PostgREST sets it to its own user; this needs the privilege to set the parameter.",
        &ACTOR,
        // Only superusers and roles with GRANT SET ON PARAMETER may set it, so its value can be trusted.
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"pg_clone.bulk",
        c"Fills plain tables by multi-insert.",
        c"If off, every table is filled by INSERT ... SELECT.",
        &BULK,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"pg_clone.parallel",
        c"Rewrites documents in a second thread while the backend writes rows.",
        c"The thread uses no data structure of the server. If off, the backend does everything itself.",
        &PARALLEL,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"pg_clone.max_queued_jobs",
        c"Sets the maximum number of jobs of one role in the queue.",
        c"project_clone_start() fails with SQLSTATE 53400 if the role already has this many unfinished jobs.",
        &MAX_QUEUED_JOBS,
        0,
        i32::MAX,
        GucContext::Suset,
        GucFlags::default(),
    );
}

/// Maximum number of jobs of one role in the queue.
pub fn max_queued_jobs() -> i32 {
    MAX_QUEUED_JOBS.get()
}

/// Memory limit of an id map in bytes.
pub fn max_memory_bytes() -> u64 {
    u64::try_from(MAX_MEMORY.get()).unwrap_or(0) << 20
}

/// The actor that the session has set, if any.
pub fn actor() -> Option<String> {
    ACTOR
        .get()
        .and_then(|actor| actor.into_string().ok())
        .filter(|actor| !actor.is_empty())
}

/// Whether the bulk path may be taken.
pub fn bulk() -> bool {
    BULK.get()
}

/// Whether a second thread may rewrite documents.
pub fn parallel() -> bool {
    PARALLEL.get()
}
