//! How long a call goes on after it was cancelled from another session.

use crate::scratch_database::Session;
use std::time::{Duration, Instant};
use tokio_postgres::Config;

/// What may pass between `pg_cancel_backend` and the error. The aim is 100 ms; the rest is for unoptimized code on a machine with
/// several other processes per processor. Without the checks in the loops the calls of the tests took 2 to 14 seconds or did not end.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// The first moment at which a call is cancelled: on a fast machine some calls take less than 60 ms.
const EARLIEST: Duration = Duration::from_millis(8);

/// A moment at which the call has begun on any machine.
const SURELY_BEGUN: Duration = Duration::from_millis(60);

/// The latest moment at which a call is cancelled.
const LATEST: Duration = Duration::from_secs(1);

/// Cancels the call at several moments of its run, each time in a session of its own, and returns how long the error took to
/// arrive: 57014 each time. Ends when the call was over before it was cancelled, also by an error of its own.
///
/// # Panics
/// When the call fails with an error that it does not have without a cancellation.
pub async fn latencies(database: &Config, call: &str) -> Vec<Duration> {
    let watcher = Session::open(database).await;
    let mut latencies = Vec::new();
    let mut moment = EARLIEST;
    while moment < LATEST {
        let session = Session::open(database).await;
        let pid = session.pid().await;
        let text = format!("BEGIN; {call}");
        let running = tokio::spawn(async move { (session.attempt(&text).await, Instant::now()) });
        tokio::time::sleep(moment).await;
        let began = Instant::now();
        watcher.text(&format!("SELECT pg_cancel_backend({pid})")).await;
        let (outcome, ended) = running.await.unwrap_or_else(|error| panic!("{call}: {error}"));
        match outcome {
            // At an early moment the call may not have begun.
            Ok(()) if latencies.is_empty() && moment < SURELY_BEGUN => {
                moment = moment.mul_f64(1.9);
                continue;
            }
            Ok(()) => break,
            Err(failure) if failure.code != "57014" => {
                // The call may be refused, as one that is too large: then it is without a cancellation too.
                let alone = Session::open(database).await.attempt(call).await;
                let code = alone.err().map(|failure| failure.code);
                assert_eq!(code, Some(failure.code), "{call}: {}", failure.message);
                break;
            }
            Err(_) => {}
        }
        latencies.push(ended.saturating_duration_since(began));
        moment = moment.mul_f64(1.9);
    }
    latencies
}

/// Calls that were cancelled, and those that answered too late.
#[derive(Default)]
pub struct Promptness {
    late: Vec<String>,
}

impl Promptness {
    /// Cancels a call, which must be long enough for that to happen `times` times.
    pub async fn measure(&mut self, database: &Config, name: &str, call: &str, times: usize) {
        let latencies = latencies(database, call).await;
        let longest = latencies.iter().max().copied().unwrap_or_default();
        let told = format!(
            "{name}: cancelled {} times, answered after {} ms at most",
            latencies.len(),
            longest.as_millis()
        );
        println!("{told}");
        if latencies.len() < times || longest > PATIENCE {
            self.late.push(told);
        }
    }

    /// Every call was long enough and answered within [`PATIENCE`].
    ///
    /// # Panics
    /// When one did not.
    pub fn assert(self) {
        assert!(self.late.is_empty(), "{:#?}", self.late);
    }
}
