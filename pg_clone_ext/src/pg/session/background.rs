//! Records that must be kept even if the current transaction does not commit: a background worker writes them in its own transaction.

use pgrx::bgworkers::{BackgroundWorker, BackgroundWorkerBuilder, SignalWakeFlags};
use pgrx::{Spi, pg_guard, pg_sys};

const RECORD: &str = "INSERT INTO clone.job_attempt (job_id, number, worker_pid) \
     SELECT j.id, $2, $3 FROM clone.job_queue j WHERE j.id OPERATOR(pg_catalog.=) $1 \
     ON CONFLICT ON CONSTRAINT job_attempt_pkey DO NOTHING";

/// Records, in a transaction of its own, that this session begins the attempt `number` of a job. Returns false when the
/// server has no free background worker (`max_worker_processes`).
pub fn record_attempt(job: i64, number: i32) -> bool {
    // SAFETY: reads variables of this backend.
    let (database, pid) = unsafe { (u32::from(pg_sys::MyDatabaseId), pg_sys::MyProcPid) };
    let started = BackgroundWorkerBuilder::new("pg_clone: record a job's attempt")
        .set_type("pg_clone")
        .set_library("pg_clone_ext")
        .set_function("pg_clone_record_attempt")
        .set_extra(&format!("{database} {job} {number} {pid}"))
        .set_notify_pid(pid)
        .enable_spi_access()
        .load_dynamic();
    // When the worker has ended, the row is committed.
    started.is_ok_and(|worker| worker.wait_for_shutdown().is_ok())
}

/// The background worker's main function.
#[unsafe(no_mangle)]
#[pg_guard]
pub extern "C-unwind" fn pg_clone_record_attempt(_argument: pg_sys::Datum) {
    BackgroundWorker::attach_signal_handlers(SignalWakeFlags::SIGHUP);
    let mut numbers = BackgroundWorker::get_extra().split(' ').map(str::parse::<i64>);
    let mut next = || numbers.next().and_then(Result::ok);
    let (Some(database), Some(job), Some(number), Some(pid)) = (next(), next(), next(), next()) else {
        return;
    };
    let Ok(database) = u32::try_from(database) else {
        return;
    };
    BackgroundWorker::connect_worker_to_spi_by_oid(Some(pg_sys::Oid::from(database)), None);
    BackgroundWorker::transaction(|| {
        let recorded = Spi::run("SET LOCAL search_path = pg_catalog, pg_temp").and_then(|()| {
            Spi::run_with_args(RECORD, &[job.into(), (number as i32).into(), (pid as i32).into()])
        });
        if let Err(error) = recorded {
            pgrx::warning!("the attempt of job {job} was not recorded: {error}");
        }
    });
}
