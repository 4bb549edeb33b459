//! One worker's loop: claim, keep so many files under way, record what became of them.

use std::collections::VecDeque;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::failure::{Failure, Scope};
use super::listing;
use super::outcome::{Method, Outcome};
use super::places::{Place, Places};
use super::progress::{Event, Progress, Snapshot};
use super::queue::{Queue, Row, Standing};
use super::run::RunOptions;
use super::tally::Tally;
use super::transfer::{self, Job, Shared};

/// How long a finished file may stay unrecorded, and how often progress is told.
const TICK: Duration = Duration::from_millis(200);
/// Finished files that are recorded together.
const BATCH: usize = 64;
/// How often a run looks for claims of dead workers and counts the queue.
const SURVEY: Duration = Duration::from_secs(2);

type DbError = tokio_postgres::Error;

/// What the loop works with.
pub struct Worker<'w> {
    /// The session.
    pub queue: &'w Queue,
    /// What the caller asked for.
    pub options: &'w RunOptions,
    /// Who draws.
    pub progress: &'w dyn Progress,
    /// Asks to stop.
    pub stop: &'w CancellationToken,
    /// New rows were committed.
    pub wake: &'w Notify,
    /// Where files are.
    pub places: &'w Places,
    /// Meter and memory.
    pub shared: &'w Shared,
}

/// The files in this worker's hands.
#[derive(Default)]
struct Hands {
    ready: VecDeque<Row>,
    under_way: JoinSet<(Row, Outcome)>,
    finished: Vec<(Row, Outcome)>,
}

impl Hands {
    fn are_empty(&self) -> bool {
        self.ready.is_empty() && self.under_way.is_empty() && self.finished.is_empty()
    }
}

impl Worker<'_> {
    /// Works until nothing is left, or until asked to stop; says how the queue stands then.
    pub async fn work(&self, tally: &mut Tally) -> Result<Standing, DbError> {
        let mut hands = Hands::default();
        let worked = self.work_with(&mut hands, tally).await;
        // After a lost connection the files in hand belong to whoever claims them next: leave them unfinished.
        self.shared.meter.abandon().cancel();
        while hands.under_way.join_next().await.is_some() {}
        worked
    }

    async fn work_with(&self, hands: &mut Hands, tally: &mut Tally) -> Result<Standing, DbError> {
        let mut survey = Survey::default();
        loop {
            self.survey(&mut survey).await?;
            let mut dry = false;
            if hands.ready.len() < self.options.concurrency && hands.finished.len() < BATCH {
                let claimed = self.claim(hands, tally).await?;
                dry = claimed == 0;
            }
            while hands.under_way.len() < self.options.concurrency
                && let Some(row) = hands.ready.pop_front()
            {
                self.begin(row, hands).await?;
            }
            if hands.under_way.is_empty() || hands.finished.len() >= BATCH {
                self.record(hands, tally).await?;
            }
            self.tell(hands, tally, &survey.standing);
            if self.stop.is_cancelled() {
                return self.wind_up(hands, tally).await;
            }
            if dry && hands.are_empty() {
                survey.due = Instant::now();
                self.survey(&mut survey).await?;
                if !self.options.watch && self.is_over(&survey.standing, tally) {
                    return Ok(survey.standing);
                }
                self.wait(&survey.standing, tally).await;
                continue;
            }
            self.step(hands, tally).await?;
        }
    }

    /// Waits for the next file to be finished, and records in time those that are.
    async fn step(&self, hands: &mut Hands, tally: &mut Tally) -> Result<(), DbError> {
        tokio::select! {
            Some(joined) = hands.under_way.join_next() => self.take(joined, hands, tally),
            () = tokio::time::sleep(TICK) => self.record(hands, tally).await?,
            () = self.stop.cancelled() => {}
        }
        Ok(())
    }

    async fn claim(&self, hands: &mut Hands, tally: &Tally) -> Result<usize, DbError> {
        let now = Instant::now();
        let paused = tally
            .paused
            .iter()
            .filter(|(_, pause)| !self.options.watch || pause.until > now);
        let paused: Vec<String> = paused.map(|(store, _)| store.clone()).collect();
        let most = 2 * self.options.concurrency - hands.ready.len();
        let rows = self.queue.claim(most, self.options.run, &paused).await?;
        let claimed = rows.len();
        hands.ready.extend(rows);
        Ok(claimed)
    }

    async fn begin(&self, row: Row, hands: &mut Hands) -> Result<(), DbError> {
        match self.places.of(&row.store, self.queue).await? {
            Ok(place) => {
                let shared = self.shared.clone();
                hands.under_way.spawn(async move {
                    // A panic must not keep the row claimed for as long as this worker lives.
                    let attempt = AssertUnwindSafe(attempt(&row, &place, &shared))
                        .catch_unwind()
                        .await;
                    let broken =
                        |_| Outcome::Failed(Failure::passing("the copy broke off by an internal error"));
                    let outcome = attempt.unwrap_or_else(broken);
                    (row, outcome)
                });
            }
            Err(failure) => {
                hands
                    .under_way
                    .spawn(std::future::ready((row, Outcome::Failed(failure))));
            }
        }
        Ok(())
    }

    fn take(
        &self,
        joined: Result<(Row, Outcome), tokio::task::JoinError>,
        hands: &mut Hands,
        tally: &mut Tally,
    ) {
        // Tasks end by themselves: a panic inside is an outcome, and nothing aborts them.
        let Ok((row, outcome)) = joined else { return };
        match &outcome {
            Outcome::Done(copied) => {
                tally.done += 1;
                tally.present += u64::from(copied.method == Method::Present);
                tally.paused.remove(&row.store);
            }
            // No file by itself: those that it stands for are counted.
            Outcome::Listed(_) => {
                tally.paused.remove(&row.store);
            }
            Outcome::Failed(failure) => self.take_failure(&row, failure, hands, tally),
            Outcome::Released => {}
        }
        hands.finished.push((row, outcome));
    }

    fn take_failure(&self, row: &Row, failure: &Failure, hands: &mut Hands, tally: &mut Tally) {
        let error = failure.message.clone();
        match failure.scope {
            Scope::Storage => {
                if tally.pause(&row.store, &error) {
                    self.progress.event(&Event::Paused {
                        store: row.store.clone(),
                        error,
                    });
                }
                let (rest, ready) = hands.ready.drain(..).partition(|ready| ready.store == row.store);
                hands.ready = ready;
                let rest: VecDeque<Row> = rest;
                hands
                    .finished
                    .extend(rest.into_iter().map(|row| (row, Outcome::Released)));
            }
            Scope::Passing if row.attempts < self.options.backoff.attempts => {
                let wait = self.options.backoff.wait(row.attempts);
                self.progress.event(&Event::WillRetry {
                    key: row.target_key.clone(),
                    error,
                    wait,
                });
            }
            Scope::Passing | Scope::File => {
                tally.failed += 1;
                let for_good = failure.scope == Scope::File;
                self.progress.event(&Event::Failed {
                    key: row.target_key.clone(),
                    error,
                    for_good,
                });
            }
        }
    }

    async fn record(&self, hands: &mut Hands, _tally: &mut Tally) -> Result<(), DbError> {
        if !hands.finished.is_empty() {
            self.queue.finish(&hands.finished).await?;
            hands.finished.clear();
        }
        Ok(())
    }

    /// Gives back what is not begun, lets the rest finish for a while, abandons what then is left.
    async fn wind_up(&self, hands: &mut Hands, tally: &mut Tally) -> Result<Standing, DbError> {
        self.progress.event(&Event::Stopping {
            under_way: hands.under_way.len() as u64,
        });
        let ready = std::mem::take(&mut hands.ready);
        hands
            .finished
            .extend(ready.into_iter().map(|row| (row, Outcome::Released)));
        self.record(hands, tally).await?;
        let abandon = tokio::time::sleep(self.options.grace);
        tokio::pin!(abandon);
        loop {
            tokio::select! {
                joined = hands.under_way.join_next() => match joined {
                    Some(joined) => self.take(joined, hands, tally),
                    None => break,
                },
                () = &mut abandon, if !self.shared.meter.abandon().is_cancelled() => {
                    self.shared.meter.abandon().cancel();
                }
            }
        }
        self.record(hands, tally).await?;
        self.queue.standing(self.options.run).await
    }

    async fn survey(&self, survey: &mut Survey) -> Result<(), DbError> {
        if survey.due <= Instant::now() {
            let freed = self.queue.free_dead_claims().await?;
            if freed > 0 {
                self.progress.event(&Event::Freed { files: freed });
            }
            survey.standing = self.queue.standing(self.options.run).await?;
            survey.due = Instant::now() + SURVEY;
        }
        Ok(())
    }

    /// Whether nothing is left that this run could do, now or later.
    fn is_over(&self, standing: &Standing, tally: &Tally) -> bool {
        standing.pending + standing.running == 0 || !tally.paused.is_empty()
    }

    /// Rests until a row is due, new ones come, or it is time to look.
    async fn wait(&self, standing: &Standing, tally: &Tally) {
        // Others' files may become ours at any moment: look again soon.
        let mut rest = if standing.running > 0 {
            SURVEY.min(self.options.poll)
        } else {
            self.options.poll
        };
        if let Some(due) = standing.due.filter(|_| tally.paused.is_empty()) {
            rest = rest.min(Duration::try_from_secs_f64(due.max(0.05)).unwrap_or(rest));
        }
        if standing.pending + standing.running == 0 {
            self.progress.event(&Event::Idle);
        }
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = self.wake.notified() => {}
            () = self.stop.cancelled() => {}
        }
        self.places.forget().await;
    }

    fn tell(&self, hands: &Hands, tally: &mut Tally, standing: &Standing) {
        let left = standing.pending + standing.running;
        let total = (tally.files() + left).max(tally.total);
        tally.total = if left == 0 { tally.files() } else { total };
        self.progress.event(&Event::Moved(Snapshot {
            files_done: tally.done,
            files_present: tally.present,
            files_failed: tally.failed,
            files_total: tally.total,
            files_under_way: hands.under_way.len() as u64,
            bytes_done: tally.bytes + self.shared.meter.bytes(),
            bytes_left: standing.bytes,
            elapsed: tally.start.elapsed(),
        }));
    }
}

struct Survey {
    standing: Standing,
    due: Instant,
}

impl Default for Survey {
    fn default() -> Self {
        Self {
            standing: Standing::default(),
            due: Instant::now(),
        }
    }
}

async fn attempt(row: &Row, place: &Place, shared: &Shared) -> Outcome {
    let done = if listing::is_prefix(row) {
        let listed = listing::list(&place.source, row, &shared.meter).await;
        listed.map(Outcome::Listed)
    } else if row.delete {
        let deleted = transfer::delete(&place.target, &row.target_key).await;
        deleted.map(Outcome::Done)
    } else {
        let job = Job {
            source_key: row.source_key.clone(),
            target_key: row.target_key.clone(),
            size_expected: row.size_expected,
            content_type: row.content_type.clone(),
        };
        let copied = transfer::copy(&place.source, &place.target, job, shared).await;
        copied.map(Outcome::Done)
    };
    match done {
        Ok(outcome) => outcome,
        // Whatever a transfer says once it was told to break off, its file is simply not done.
        Err(_) if shared.meter.abandon().is_cancelled() => Outcome::Released,
        Err(failure) => Outcome::Failed(failure),
    }
}
