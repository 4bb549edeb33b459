//! SQL functions for deletion, jobs and expiry.

use super::clone::{CloneArguments, argument};
use crate::entry::entry;
use crate::jobs;
use crate::lifecycle;
use crate::pg::value::json_text::JsonText;
use pgrx::prelude::*;

/// Deletes a project that a clone made: its rows in every table of the store, and its files through the queue. Returns the counts.
///
/// `options`: `force` (also a project that no run made), `dry_run` (only count), `shared` (`keep`, the default, or
/// `ignore`). Errors: 42501 not allowed, P0002 no such project, 55000 no run made it, 22023 bad argument, 23503 rows of
/// other projects refer to it, 0A000 row-level security.
#[pg_extern(volatile, parallel_unsafe, requires = ["target_schema"])]
fn project_delete(
    target_project: Option<String>,
    store: default!(Option<String>, "NULL"),
    options: default!(Option<JsonText>, "'{}'"),
) -> pgrx::JsonB {
    pgrx::JsonB(entry(|path| {
        let options = argument("options", options)?;
        lifecycle::delete_project(
            &target_project.unwrap_or_default(),
            store.as_deref(),
            &options,
            path,
        )
    }))
}

/// Queues a clone for a worker and returns the job's number. Arguments and errors as `project_clone`; the job runs with the rights
/// that the caller has then.
#[pg_extern(volatile, parallel_unsafe, requires = ["target_schema"])]
#[expect(clippy::too_many_arguments, reason = "they are the SQL function's arguments")]
fn project_clone_start(
    source_project: Option<String>,
    name: default!(Option<String>, "NULL"),
    resource_types: default!(Option<Vec<Option<String>>>, "NULL"),
    include_ids: default!(Option<Vec<Option<String>>>, "NULL"),
    exclude_ids: default!(Option<Vec<Option<String>>>, "NULL"),
    owner: default!(Option<String>, "NULL"),
    store: default!(Option<String>, "NULL"),
    options: default!(Option<JsonText>, "'{}'"),
) -> i64 {
    entry(|path| {
        let arguments = CloneArguments {
            source_project,
            name,
            resource_types,
            include_ids,
            exclude_ids,
            owner,
            store,
            options,
        };
        jobs::start(&arguments.request()?, path)
    })
}

/// Cancels a job and returns its state: `cancelled`; `cancelling` if it is running, until its worker has rolled back; for a job that has
/// ended the state is returned. For the role that queued it and its members. Errors: P0002 no such job, 42501 not allowed.
#[pg_extern(volatile, parallel_unsafe, requires = ["target_schema"])]
fn project_clone_cancel(job: i64) -> Option<String> {
    entry(|_| jobs::cancel(job))
}

#[pg_schema]
mod clone {
    use crate::entry::entry;
    use crate::lifecycle;
    use pgrx::prelude::*;

    /// Deletes all expired clones, each with the rights of the role that set its expiry, and returns the result of each.
    #[pg_extern(volatile, parallel_unsafe)]
    #[expect(clippy::type_complexity, reason = "it is the SQL function's result")]
    fn expire(
        store: default!(Option<String>, "NULL"),
    ) -> TableIterator<
        'static,
        (
            name!(project, String),
            name!(store, String),
            name!(run, i64),
            name!(rows, Option<i64>),
            name!(files, Option<i64>),
            name!(error, Option<String>),
        ),
    > {
        let expired = entry(|_| lifecycle::expire(store.as_deref()));
        TableIterator::new(expired.into_iter().map(|expired| {
            let count = |name: &str| {
                expired
                    .outcome
                    .as_ref()
                    .ok()
                    .and_then(|done| done.get(name)?.as_i64())
            };
            let (rows, files) = (count("rows"), count("files"));
            (
                expired.project,
                expired.store,
                expired.run,
                rows,
                files,
                expired.outcome.err(),
            )
        }))
    }

    /// Sets when a clone expires: after an interval from now, or at a time; with neither it does not expire. Returns the
    /// time. For roles that may delete the clone.
    #[pg_extern(volatile, parallel_unsafe)]
    fn set_expiry(
        target_project: Option<String>,
        expires_in: default!(Option<pgrx::datum::Interval>, "NULL"),
        expires_at: default!(Option<pgrx::datum::TimestampWithTimeZone>, "NULL"),
        store: default!(Option<String>, "NULL"),
    ) -> Option<pgrx::datum::TimestampWithTimeZone> {
        entry(|_| {
            lifecycle::set_expiry(
                &target_project.unwrap_or_default(),
                expires_in,
                expires_at,
                store.as_deref(),
            )
        })
    }
}

/// Functions that only the extension calls.
#[pg_schema]
mod clone_internal {
    use crate::entry::entry;
    use crate::lifecycle;
    use crate::pg::deferred_checks::{self, Callers};
    use crate::pg::value::json_text::JsonText;
    use pgrx::prelude::*;

    /// Runs the clone of a claimed job; called by clone.run_next_job() only, with the rights of the extension's owner.
    #[pg_extern(volatile, parallel_unsafe)]
    fn run_job(job: i64) -> JsonText {
        entry(|_| crate::jobs::run(job))
    }

    /// Runs what the caller's transaction has deferred, with the caller's rights, before a job; returns what SET CONSTRAINTS ALL had set.
    #[pg_extern(volatile, parallel_unsafe)]
    fn run_deferred_checks() -> String {
        entry(|_| {
            let callers = deferred_checks::of_caller()?;
            deferred_checks::run_now()?;
            Ok(callers.word().to_owned())
        })
    }

    /// Lets constraints be deferred as before clone_internal.run_deferred_checks(), which has returned `set_before`.
    #[pg_extern(volatile, parallel_unsafe)]
    fn restore_deferral(set_before: &str) {
        entry(|_| deferred_checks::restore(Callers::of_word(Some(set_before))));
    }

    /// Records in a separate transaction that an attempt at a job begins; false: no background worker was free.
    #[pg_extern(volatile, parallel_unsafe)]
    fn record_attempt(job: i64, number: i32) -> bool {
        entry(|_| Ok(crate::pg::session::background::record_attempt(job, number)))
    }

    /// Takes the lock for a number and a table of the extension until the transaction ends; false: another session has it and `wait` is false.
    /// `job_queue`: who runs a job. `run`: who replaces or deletes a clone.
    #[pg_extern(volatile, parallel_unsafe)]
    fn lock_object(table_name: &str, number: i32, wait: bool) -> bool {
        entry(|_| lifecycle::locks::lock(table_name, number, wait))
    }
}
