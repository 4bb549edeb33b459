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
        c"Memory that the id map of one clone may use.",
        c"A clone that needs more fails with SQLSTATE 53200 and leaves nothing; about 25 bytes per id are needed.",
        &MAX_MEMORY,
        1,
        2_000_000,
        GucContext::Userset,
        GucFlags::UNIT_MB,
    );
    GucRegistry::define_string_guc(
        c"pg_clone.actor",
        c"Who clones an item, when the call does not say.",
        c"Set by an application or PostgREST for its own user; needs the privilege to set this parameter.",
        &ACTOR,
        // Only a superuser and who was given GRANT SET ON PARAMETER may set it, so its value can be believed.
        GucContext::Suset,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"pg_clone.bulk",
        c"Whether plain tables are filled by multi-insert.",
        c"Off: every table is filled by INSERT ... SELECT.",
        &BULK,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_bool_guc(
        c"pg_clone.parallel",
        c"Whether a second thread rewrites documents while the backend writes rows.",
        c"The thread sees no data structure of the server. Off: the backend does everything itself.",
        &PARALLEL,
        GucContext::Userset,
        GucFlags::default(),
    );
    GucRegistry::define_int_guc(
        c"pg_clone.max_queued_jobs",
        c"Jobs that one role may have in the queue.",
        c"project_clone_start() fails with SQLSTATE 53400 when the role has so many that no worker has finished.",
        &MAX_QUEUED_JOBS,
        0,
        i32::MAX,
        GucContext::Suset,
        GucFlags::default(),
    );
}

/// Jobs that one role may have in the queue.
pub fn max_queued_jobs() -> i32 {
    MAX_QUEUED_JOBS.get()
}

/// Byte budget of an id map.
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
