//! When a worker claims rows, and how many.

use std::time::{Duration, Instant};

use crate::blobs::queue::QueueCounts;

/// Time between two surveys: free the claims of dead workers, count the queue.
pub const SURVEY: Duration = Duration::from_secs(2);
/// Time until the first survey.
const FIRST: Duration = Duration::from_millis(100);
/// After a batch that took less time than this, the next one is four times as large.
const QUICK: Duration = Duration::from_millis(200);
/// Rows of the largest batch: claiming or recording them takes some 10 ms.
const LARGEST_BATCH: usize = 256;
/// Time until the next claim after the queue was found empty, while files are being copied.
const REST: Duration = Duration::from_millis(200);

/// The time and result of the last claim and the last count.
pub struct ClaimSchedule {
    /// The last counts of the queue; `None` before the first.
    pub counts: Option<QueueCounts>,
    batch: usize,
    claimed_at: Option<Instant>,
    /// When the queue returned fewer rows than requested.
    dry_since: Option<Instant>,
    /// When the queue was last counted; initially the time of the start.
    surveyed_at: Instant,
}

impl ClaimSchedule {
    /// Starts with batches of `batch` rows.
    pub fn new(batch: usize) -> Self {
        Self {
            counts: None,
            batch,
            claimed_at: None,
            dry_since: None,
            surveyed_at: Instant::now(),
        }
    }

    /// Number of rows to claim now, while `ready` are claimed and not begun; `None`: none. Batches start with `least` rows and
    /// grow while they are done quickly: a worker should not hold large files that another one could copy.
    pub fn next_batch(&mut self, ready: usize, least: usize, is_idle: bool) -> Option<usize> {
        let rest = if is_idle { Duration::MAX } else { REST };
        if ready > self.batch / 2 || self.dry_since.is_some_and(|since| since.elapsed() < rest) {
            return None;
        }
        self.batch = if self.is_quick() {
            (4 * self.batch).min(LARGEST_BATCH.max(least))
        } else {
            least
        };
        self.claimed_at = Some(Instant::now());
        Some(self.batch)
    }

    /// Whether the last batch is younger than `QUICK`.
    pub fn is_quick(&self) -> bool {
        self.claimed_at.is_some_and(|at| at.elapsed() < QUICK)
    }

    /// Records that a claim for `asked` rows returned `rows`.
    pub fn claimed(&mut self, rows: usize, asked: usize) {
        self.dry_since = (rows < asked).then(Instant::now);
    }

    /// Records that the queue may have rows again.
    pub fn refill(&mut self) {
        self.dry_since = None;
    }

    /// Whether to survey now: at intervals, and before the worker concludes that nothing is left.
    pub fn is_survey_due(&self, is_idle: bool) -> bool {
        let every = if self.counts.is_some() { SURVEY } else { FIRST };
        self.surveyed_at.elapsed() >= every
            || (is_idle && self.dry_since.is_some_and(|since| since > self.surveyed_at))
    }

    /// Records the result of a survey.
    pub fn surveyed(&mut self, freed: u64, counts: QueueCounts) {
        self.surveyed_at = Instant::now();
        self.counts = Some(counts);
        if freed > 0 {
            self.refill();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_grow_while_they_are_used_up_quickly_and_stop_when_the_queue_is_dry() {
        let mut schedule = ClaimSchedule::new(32);
        let lots: Vec<_> = (0..6).filter_map(|_| schedule.next_batch(0, 32, false)).collect();
        assert_eq!(lots, [32, 128, 256, 256, 256, 256]);
        assert_eq!(schedule.next_batch(200, 32, false), None, "enough is ready");
        schedule.claimed(3, 256);
        assert_eq!(schedule.next_batch(0, 32, true), None);
        schedule.refill();
        assert_eq!(schedule.next_batch(0, 32, true), Some(256));
    }

    #[test]
    fn a_survey_follows_the_claim_that_found_nothing() {
        let mut schedule = ClaimSchedule::new(32);
        assert!(!schedule.is_survey_due(true));
        schedule.claimed(0, 32);
        assert!(schedule.is_survey_due(true) && !schedule.is_survey_due(false));
        schedule.surveyed(0, QueueCounts::default());
        assert!(!schedule.is_survey_due(true));
    }
}
