//! A worker's loop: claim rows, copy files concurrently, record the outcomes.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use crate::blobs::file::failure::{Failure, Scope};
use crate::blobs::file::outcome::{FileOutcome, Method};
use crate::blobs::file::shared::Shared;
use crate::blobs::queue::{Queue, QueueCounts, Row};
use crate::blobs::worker::attempt::{self, Attempted, Attempts};
use crate::blobs::worker::claim_schedule::{ClaimSchedule, SURVEY};
use crate::blobs::worker::file_counts::FileCounts;
use crate::blobs::worker::in_flight::{InFlight, TICK};
use crate::blobs::worker::options::RunOptions;
use crate::blobs::worker::progress::{Event, Progress, Snapshot};
use crate::blobs::worker::store_locations::{Place, StoreLocations};

type DbError = tokio_postgres::Error;

/// Time that transfers get to notice an abort.
const ABANDONING: Duration = Duration::from_secs(1);

/// The query on the queue that runs while files are copied; one at a time.
type Asked<'w> = Pin<Box<dyn Future<Output = Result<Answer, DbError>> + Send + 'w>>;

/// The result of a query on the queue.
enum Answer {
    Claimed { rows: Vec<Row>, asked: usize },
    Recorded,
    Surveyed { freed: u64, counts: QueueCounts },
}

/// The worker's parameters.
pub struct Worker<'w> {
    /// The session.
    pub queue: &'w Queue,
    /// The caller's options.
    pub options: &'w RunOptions,
    /// Receives progress events.
    pub progress: &'w dyn Progress,
    /// Cancelled to stop the worker.
    pub stop: &'w CancellationToken,
    /// Notified when new rows were committed.
    pub wake: &'w Notify,
    /// Where files are.
    pub locations: &'w StoreLocations,
    /// Meter and memory.
    pub shared: &'w Shared,
}

impl<'w> Worker<'w> {
    /// Works until nothing is left or `stop` is cancelled; returns the counts of the queue.
    pub async fn work(&self, file_counts: &mut FileCounts) -> Result<QueueCounts, DbError> {
        let mut in_flight = InFlight::default();
        let worked = self.work_with(&mut in_flight, file_counts).await;
        // After a lost connection another worker may claim these files: abort their transfers.
        self.shared.meter.abandon().cancel();
        let unfinished = async {
            while in_flight.under_way.join_next().await.is_some() {}
            while in_flight.publishing.join_next().await.is_some() {}
        };
        // A transfer that hangs is not awaited: its row is free when this session ends.
        let _ = tokio::time::timeout(ABANDONING, unfinished).await;
        worked
    }

    async fn work_with(
        &self,
        in_flight: &mut InFlight,
        file_counts: &mut FileCounts,
    ) -> Result<QueueCounts, DbError> {
        let mut schedule = ClaimSchedule::new(self.least_batch());
        let mut asked: Option<Asked<'w>> = None;
        loop {
            self.begin(in_flight, &schedule).await?;
            in_flight.publish();
            if asked.is_none() {
                asked = self.ask(in_flight, file_counts, &mut schedule);
            }
            if file_counts.may_tell() {
                self.tell(in_flight, file_counts, &schedule);
            }
            if self.stop.is_cancelled() {
                if let Some(asked) = asked {
                    self.take_answer(asked.await?, in_flight, &mut schedule);
                }
                return self.wind_up(in_flight, file_counts).await;
            }
            if asked.is_none() && in_flight.are_empty() {
                let counts = schedule.counts.unwrap_or_default();
                self.tell(in_flight, file_counts, &schedule);
                if !self.options.watch && self.is_over(&counts, file_counts) {
                    return Ok(counts);
                }
                self.wait(&counts, file_counts).await;
                schedule.refill();
                continue;
            }
            tokio::select! {
                Some(joined) = in_flight.under_way.join_next() => self.take(joined, in_flight, file_counts),
                Some(published) = in_flight.publishing.join_next() => self.take_published(published, in_flight, file_counts),
                answer = answered(&mut asked) => {
                    asked = None;
                    self.take_answer(answer?, in_flight, &mut schedule);
                }
                () = tokio::time::sleep(TICK) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// The next query on the queue, if one is due; transfers continue meanwhile.
    fn ask(
        &self,
        in_flight: &mut InFlight,
        file_counts: &FileCounts,
        schedule: &mut ClaimSchedule,
    ) -> Option<Asked<'w>> {
        let (queue, run) = (self.queue, self.options.run);
        let finished = in_flight.take_due();
        if !finished.is_empty() {
            return Some(Box::pin(async move {
                queue.finish(&finished).await?;
                Ok(Answer::Recorded)
            }));
        }
        let is_idle = in_flight.are_empty();
        if let Some(most) = schedule.next_batch(in_flight.ready.len(), self.least_batch(), is_idle) {
            let paused = self.paused(file_counts);
            return Some(Box::pin(async move {
                let rows = queue.claim(most, run, &paused).await?;
                Ok(Answer::Claimed { rows, asked: most })
            }));
        }
        schedule.is_survey_due(is_idle).then(|| -> Asked<'w> {
            Box::pin(async move {
                let mut counts = queue.counts(run).await?;
                let mut freed = 0;
                if counts.running > 0 {
                    freed = queue.free_dead_claims().await?;
                    counts = queue.counts(run).await?;
                }
                Ok(Answer::Surveyed { freed, counts })
            })
        })
    }

    fn take_answer(&self, answer: Answer, in_flight: &mut InFlight, schedule: &mut ClaimSchedule) {
        match answer {
            Answer::Claimed { rows, asked } => {
                schedule.claimed(rows.len(), asked);
                in_flight.ready.extend(rows);
            }
            Answer::Recorded => schedule.refill(),
            Answer::Surveyed { freed, counts } => {
                if freed > 0 {
                    self.progress.event(&Event::Freed { files: freed });
                }
                schedule.surveyed(freed, counts);
            }
        }
    }

    fn least_batch(&self) -> usize {
        2 * self.options.concurrency
    }

    fn paused(&self, file_counts: &FileCounts) -> Vec<String> {
        let now = Instant::now();
        let paused = file_counts.paused.iter();
        let paused = paused.filter(|(_, pause)| !self.options.watch || pause.until > now);
        paused.map(|(place, _)| place.clone()).collect()
    }

    /// Begins ready rows while the concurrency allows.
    async fn begin(&self, in_flight: &mut InFlight, schedule: &ClaimSchedule) -> Result<(), DbError> {
        while let Some(next) = in_flight.ready.front() {
            let place = self.locations.of(next, self.queue).await?;
            let local = next.is_file() && place.as_ref().is_ok_and(Place::is_local);
            let most = if local {
                self.threads(schedule)
            } else {
                self.options.concurrency
            };
            if !in_flight.have_room(most) {
                break;
            }
            match place {
                Ok(place) if local => {
                    let mut rows = in_flight.next_files(most);
                    for row in &mut rows {
                        row.used = Some(place.urls.clone());
                    }
                    attempt::begin_local(rows, place, self.shared.clone(), &mut in_flight.under_way);
                }
                place => {
                    let Some(mut row) = in_flight.ready.pop_front() else {
                        break;
                    };
                    row.used = place.as_ref().ok().map(|place| place.urls.clone());
                    attempt::begin(row, place, self.shared.clone(), &mut in_flight.under_way);
                }
            }
        }
        Ok(())
    }

    /// Number of threads that copy between directories. Small files on a fast disk are limited by the processors: 1,000 of 100 kB
    /// took 130 ms with 16 threads on two of them, and 110 ms with four.
    fn threads(&self, schedule: &ClaimSchedule) -> usize {
        let processors = std::thread::available_parallelism().map_or(4, usize::from);
        if schedule.is_quick() {
            self.options.concurrency.min(2 * processors)
        } else {
            self.options.concurrency
        }
    }

    fn take(
        &self,
        joined: Result<Attempts, JoinError>,
        in_flight: &mut InFlight,
        file_counts: &mut FileCounts,
    ) {
        // Tasks are never aborted, and a panic inside is an outcome.
        let Attempts { made, rest } = joined.unwrap_or_default();
        for row in rest.into_iter().rev() {
            in_flight.ready.push_front(row);
        }
        for (row, attempted) in made {
            match attempted {
                Attempted::Written(copied, file) => in_flight.take_written(row, copied, file),
                Attempted::Ended(outcome) => self.take_outcome(row, outcome, in_flight, file_counts),
            }
        }
    }

    fn take_published(
        &self,
        published: Result<Vec<(Row, FileOutcome)>, JoinError>,
        in_flight: &mut InFlight,
        file_counts: &mut FileCounts,
    ) {
        for (row, outcome) in published.unwrap_or_default() {
            self.take_outcome(row, outcome, in_flight, file_counts);
        }
    }

    fn take_outcome(
        &self,
        row: Row,
        outcome: FileOutcome,
        in_flight: &mut InFlight,
        file_counts: &mut FileCounts,
    ) {
        match &outcome {
            FileOutcome::Done(copied) => {
                file_counts.done += 1;
                file_counts.present += u64::from(copied.method == Method::Present);
                file_counts.absent += u64::from(copied.method == Method::Absent);
                file_counts.paused.remove(&row.place_key());
            }
            // A prefix is not a file: the files below it are counted.
            FileOutcome::Listed(_) => {
                file_counts.paused.remove(&row.place_key());
            }
            FileOutcome::Failed(failure) => self.take_failure(&row, failure, in_flight, file_counts),
            FileOutcome::Released => {}
        }
        in_flight.take_finished(row, outcome);
    }

    fn take_failure(
        &self,
        row: &Row,
        failure: &Failure,
        in_flight: &mut InFlight,
        file_counts: &mut FileCounts,
    ) {
        let error = failure.message.clone();
        match failure.scope {
            Scope::Storage => {
                let place = row.place_key();
                if file_counts.pause(&place, &row.store, &error) {
                    self.progress.event(&Event::Paused {
                        store: row.store.clone(),
                        error,
                    });
                }
                in_flight.release(|ready| ready.place_key() == place);
            }
            scope if !self.options.backoff.is_last(row.attempts, scope) => {
                let wait = self.options.backoff.wait(row.attempts, row.id);
                self.progress.event(&Event::WillRetry {
                    key: row.target_key.clone(),
                    error,
                    wait,
                });
            }
            _ => {
                file_counts.failed += 1;
                let permanent = failure.scope == Scope::File;
                self.progress.event(&Event::Failed {
                    key: row.target_key.clone(),
                    error,
                    permanent,
                });
            }
        }
    }

    /// Releases rows that are not begun, waits for transfers during the grace period, then aborts the rest.
    async fn wind_up(
        &self,
        in_flight: &mut InFlight,
        file_counts: &mut FileCounts,
    ) -> Result<QueueCounts, DbError> {
        self.progress.event(&Event::Stopping {
            under_way: in_flight.under_way.len() as u64,
        });
        let abandon = tokio::time::sleep(self.options.grace);
        tokio::pin!(abandon);
        let give_up = tokio::time::sleep(self.options.grace + ABANDONING);
        tokio::pin!(give_up);
        loop {
            in_flight.release(|_| true);
            in_flight.publish();
            let finished = in_flight.take_due();
            self.queue.finish(&finished).await?;
            if in_flight.are_idle() {
                break;
            }
            tokio::select! {
                Some(joined) = in_flight.under_way.join_next() => self.take(joined, in_flight, file_counts),
                Some(published) = in_flight.publishing.join_next() => self.take_published(published, in_flight, file_counts),
                () = &mut give_up => break,
                () = &mut abandon, if !self.shared.meter.abandon().is_cancelled() => {
                    self.shared.meter.abandon().cancel();
                }
            }
        }
        self.queue.counts(self.options.run).await
    }

    /// Whether this run has nothing left to do, now or later.
    fn is_over(&self, counts: &QueueCounts, file_counts: &FileCounts) -> bool {
        counts.pending + counts.running == 0 || !file_counts.paused.is_empty()
    }

    /// Waits until a row is due, new rows are committed, or the poll interval ends.
    async fn wait(&self, counts: &QueueCounts, file_counts: &FileCounts) {
        // Another worker may die and its rows become free: check again soon.
        let mut rest = if counts.running > 0 {
            SURVEY.min(self.options.poll)
        } else {
            self.options.poll
        };
        if let Some(due) = counts.due.filter(|_| file_counts.paused.is_empty()) {
            rest = rest.min(Duration::try_from_secs_f64(due.max(0.05)).unwrap_or(rest));
        }
        if counts.pending + counts.running == 0 {
            self.progress.event(&Event::Idle);
        }
        tokio::select! {
            () = tokio::time::sleep(rest) => {}
            () = self.wake.notified() => {}
            () = self.stop.cancelled() => {}
        }
        self.locations.forget().await;
    }

    fn tell(&self, in_flight: &InFlight, file_counts: &mut FileCounts, schedule: &ClaimSchedule) {
        let Some(counts) = schedule.counts else { return };
        let left = counts.pending + counts.running;
        let total = (file_counts.files() + left).max(file_counts.total);
        file_counts.total = if left == 0 { file_counts.files() } else { total };
        self.progress.event(&Event::Moved(Snapshot {
            files_done: file_counts.done,
            files_present: file_counts.present,
            files_failed: file_counts.failed,
            files_total: file_counts.total,
            files_under_way: in_flight.under_way.len() as u64,
            bytes_done: file_counts.bytes + self.shared.meter.bytes(),
            bytes_left: counts.bytes,
            elapsed: file_counts.start.elapsed(),
        }));
    }
}

async fn answered(asked: &mut Option<Asked<'_>>) -> Result<Answer, DbError> {
    match asked {
        Some(asked) => asked.await,
        None => std::future::pending().await,
    }
}
