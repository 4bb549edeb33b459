//! One worker's loop: claim, keep so many files under way, record what became of them.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinError;
use tokio_util::sync::CancellationToken;

use super::agenda::{Agenda, SURVEY};
use super::attempt::{self, Attempted, Attempts};
use super::failure::{Failure, Scope};
use super::hands::{Hands, TICK};
use super::outcome::{Method, Outcome};
use super::places::{Place, Places};
use super::progress::{Event, Progress, Snapshot};
use super::queue::{Queue, Row, Standing};
use super::run::RunOptions;
use super::tally::Tally;
use super::transfer::Shared;

type DbError = tokio_postgres::Error;

/// What the queue is being asked while files move: one thing at a time.
type Asked<'w> = Pin<Box<dyn Future<Output = Result<Answer, DbError>> + Send + 'w>>;

/// What the queue answered.
enum Answer {
    Claimed { rows: Vec<Row>, asked: usize },
    Recorded,
    Surveyed { freed: u64, standing: Standing },
}

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

impl<'w> Worker<'w> {
    /// Works until nothing is left, or until asked to stop; says how the queue stands then.
    pub async fn work(&self, tally: &mut Tally) -> Result<Standing, DbError> {
        let mut hands = Hands::default();
        let worked = self.work_with(&mut hands, tally).await;
        // After a lost connection the files in hand belong to whoever claims them next: leave them unfinished.
        self.shared.meter.abandon().cancel();
        while hands.under_way.join_next().await.is_some() {}
        while hands.publishing.join_next().await.is_some() {}
        worked
    }

    async fn work_with(&self, hands: &mut Hands, tally: &mut Tally) -> Result<Standing, DbError> {
        let mut agenda = Agenda::new(self.least_lot());
        let mut asked: Option<Asked<'w>> = None;
        loop {
            self.begin(hands, &agenda).await?;
            hands.publish();
            if asked.is_none() {
                asked = self.ask(hands, tally, &mut agenda);
            }
            if tally.may_tell() {
                self.tell(hands, tally, &agenda);
            }
            if self.stop.is_cancelled() {
                if let Some(asked) = asked {
                    self.take_answer(asked.await?, hands, &mut agenda);
                }
                return self.wind_up(hands, tally).await;
            }
            if asked.is_none() && hands.are_empty() {
                let standing = agenda.standing.unwrap_or_default();
                self.tell(hands, tally, &agenda);
                if !self.options.watch && self.is_over(&standing, tally) {
                    return Ok(standing);
                }
                self.wait(&standing, tally).await;
                agenda.refill();
                continue;
            }
            tokio::select! {
                Some(joined) = hands.under_way.join_next() => self.take(joined, hands, tally),
                Some(published) = hands.publishing.join_next() => self.take_published(published, hands, tally),
                answer = answered(&mut asked) => {
                    asked = None;
                    self.take_answer(answer?, hands, &mut agenda);
                }
                () = tokio::time::sleep(TICK) => {}
                () = self.stop.cancelled() => {}
            }
        }
    }

    /// What to ask of the queue now; the files under way do not wait for the answer.
    fn ask(&self, hands: &mut Hands, tally: &Tally, agenda: &mut Agenda) -> Option<Asked<'w>> {
        let (queue, run) = (self.queue, self.options.run);
        let finished = hands.take_due();
        if !finished.is_empty() {
            return Some(Box::pin(async move {
                queue.finish(&finished).await?;
                Ok(Answer::Recorded)
            }));
        }
        let is_idle = hands.are_empty();
        if let Some(most) = agenda.lot(hands.ready.len(), self.least_lot(), is_idle) {
            let paused = self.paused(tally);
            return Some(Box::pin(async move {
                let rows = queue.claim(most, run, &paused).await?;
                Ok(Answer::Claimed { rows, asked: most })
            }));
        }
        agenda.is_survey_due(is_idle).then(|| -> Asked<'w> {
            Box::pin(async move {
                let mut standing = queue.standing(run).await?;
                let mut freed = 0;
                if standing.running > 0 {
                    freed = queue.free_dead_claims().await?;
                    standing = queue.standing(run).await?;
                }
                Ok(Answer::Surveyed { freed, standing })
            })
        })
    }

    fn take_answer(&self, answer: Answer, hands: &mut Hands, agenda: &mut Agenda) {
        match answer {
            Answer::Claimed { rows, asked } => {
                agenda.claimed(rows.len(), asked);
                hands.ready.extend(rows);
            }
            Answer::Recorded => agenda.refill(),
            Answer::Surveyed { freed, standing } => {
                if freed > 0 {
                    self.progress.event(&Event::Freed { files: freed });
                }
                agenda.surveyed(freed, standing);
            }
        }
    }

    fn least_lot(&self) -> usize {
        2 * self.options.concurrency
    }

    fn paused(&self, tally: &Tally) -> Vec<String> {
        let now = Instant::now();
        let paused = tally.paused.iter();
        let paused = paused.filter(|(_, pause)| !self.options.watch || pause.until > now);
        paused.map(|(store, _)| store.clone()).collect()
    }

    /// Begins what is ready, as far as there is room.
    async fn begin(&self, hands: &mut Hands, agenda: &Agenda) -> Result<(), DbError> {
        while let Some(next) = hands.ready.front() {
            let place = self.places.of(&next.store, self.queue).await?;
            let local = next.is_file() && place.as_ref().is_ok_and(Place::is_local);
            let most = if local {
                self.threads(agenda)
            } else {
                self.options.concurrency
            };
            if !hands.have_room(most) {
                break;
            }
            match place {
                Ok(place) if local => {
                    let rows = hands.next_files(most);
                    attempt::begin_local(rows, place, self.shared.clone(), &mut hands.under_way);
                }
                place => {
                    let Some(row) = hands.ready.pop_front() else { break };
                    attempt::begin(row, place, self.shared.clone(), &mut hands.under_way);
                }
            }
        }
        Ok(())
    }

    /// How many threads copy between directories. Small files on a fast disk are a matter of the processors: 1,000 of 100 kB
    /// took 130 ms with 16 threads on two of them, and 110 ms with four.
    fn threads(&self, agenda: &Agenda) -> usize {
        let processors = std::thread::available_parallelism().map_or(4, usize::from);
        if agenda.is_quick() {
            self.options.concurrency.min(2 * processors)
        } else {
            self.options.concurrency
        }
    }

    fn take(&self, joined: Result<Attempts, JoinError>, hands: &mut Hands, tally: &mut Tally) {
        // Tasks end by themselves: a panic inside is an outcome, and nothing aborts them.
        let Attempts { made, rest } = joined.unwrap_or_default();
        for row in rest.into_iter().rev() {
            hands.ready.push_front(row);
        }
        for (row, attempted) in made {
            match attempted {
                Attempted::Written(copied, draft) => hands.take_written(row, copied, draft),
                Attempted::Ended(outcome) => self.take_outcome(row, outcome, hands, tally),
            }
        }
    }

    fn take_published(
        &self,
        published: Result<Vec<(Row, Outcome)>, JoinError>,
        hands: &mut Hands,
        tally: &mut Tally,
    ) {
        for (row, outcome) in published.unwrap_or_default() {
            self.take_outcome(row, outcome, hands, tally);
        }
    }

    fn take_outcome(&self, row: Row, outcome: Outcome, hands: &mut Hands, tally: &mut Tally) {
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
        hands.take_finished(row, outcome);
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
                hands.release(|ready| ready.store == row.store);
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

    /// Gives back what is not begun, lets the rest finish for a while, abandons what then is left.
    async fn wind_up(&self, hands: &mut Hands, tally: &mut Tally) -> Result<Standing, DbError> {
        self.progress.event(&Event::Stopping {
            under_way: hands.under_way.len() as u64,
        });
        let abandon = tokio::time::sleep(self.options.grace);
        tokio::pin!(abandon);
        loop {
            hands.release(|_| true);
            hands.publish();
            let finished = hands.take_due();
            self.queue.finish(&finished).await?;
            if hands.are_idle() {
                break;
            }
            tokio::select! {
                Some(joined) = hands.under_way.join_next() => self.take(joined, hands, tally),
                Some(published) = hands.publishing.join_next() => self.take_published(published, hands, tally),
                () = &mut abandon, if !self.shared.meter.abandon().is_cancelled() => {
                    self.shared.meter.abandon().cancel();
                }
            }
        }
        self.queue.standing(self.options.run).await
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

    fn tell(&self, hands: &Hands, tally: &mut Tally, agenda: &Agenda) {
        let Some(standing) = agenda.standing else { return };
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

async fn answered(asked: &mut Option<Asked<'_>>) -> Result<Answer, DbError> {
    match asked {
        Some(asked) => asked.await,
        None => std::future::pending().await,
    }
}
