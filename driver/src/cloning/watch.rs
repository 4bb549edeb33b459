//! Watches a clone through a second connection: `pg_stat_progress_copy` shows the table that is being filled.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::Result;
use tokio_postgres::Client;

use super::calls;
use crate::args::request::CloneRequest;
use crate::connect::Target;
use crate::connect::session::typed;
use crate::progress::{Count, Progress, Unit};

const LOOK_EVERY: Duration = Duration::from_millis(150);

const CURRENT_TABLE: &str = "SELECT relid::pg_catalog.regclass::text, tuples_processed, bytes_processed \
     FROM pg_catalog.pg_stat_progress_copy WHERE pid = $1 AND datname = pg_catalog.current_database()";

/// Which clone is watched.
#[derive(Clone, Copy, Debug)]
pub struct Watched<'a> {
    /// The database.
    pub target: &'a Target,
    /// Quoted schema of the extension.
    pub schema: &'a str,
    /// The request of the clone.
    pub request: &'a CloneRequest,
    /// Process ID of the backend that runs the clone.
    pub pid: i32,
    /// Planned rows per table, if known; otherwise another connection plans them.
    pub planned: Option<&'a HashMap<String, u64>>,
}

/// Shows the progress of a clone until the future is dropped; it never completes. A failure, e.g. because no connection is
/// free, only ends the display.
pub async fn watch_clone(watched: Watched<'_>, progress: &mut Progress) -> std::convert::Infallible {
    let (sender, mut planned) = tokio::sync::watch::channel(HashMap::new());
    let plan = async {
        let rows = match watched.planned {
            Some(planned) => Ok(planned.clone()),
            None => plan_rows(watched).await,
        };
        if let Ok(rows) = rows {
            let _ = sender.send(rows);
        }
        std::future::pending::<()>().await;
    };
    let look = async {
        if let Ok(client) = connect(watched.target).await {
            let mut tally = Tally::default();
            while let Ok(rows) = client.query_typed(CURRENT_TABLE, &typed(&[&watched.pid])).await {
                match rows.first() {
                    Some(row) => tally.see(row.get(0), number(row.get(1)), number(row.get(2))),
                    None => tally.see_nothing(),
                }
                progress.count(Unit::Rows, &tally.count(&planned.borrow_and_update()));
                tokio::time::sleep(LOOK_EVERY).await;
            }
        }
        std::future::pending().await
    };
    tokio::select! {
        never = look => never,
        () = plan => std::future::pending().await,
    }
}

async fn connect(target: &Target) -> Result<Client> {
    let (client, connection) = target.config().connect(target.tls()).await?;
    tokio::spawn(connection);
    Ok(client)
}

/// Planned rows of each table. Runs on a connection of its own, concurrently with the clone.
async fn plan_rows(watched: Watched<'_>) -> Result<HashMap<String, u64>> {
    let client = connect(watched.target).await?;
    let statement = format!(
        "SELECT relation, sum(rows)::bigint FROM {} GROUP BY 1",
        calls::plan_call(watched.schema)
    );
    let rows = client
        .query_typed(&statement, &typed(&calls::clone_parameters(watched.request)))
        .await?;
    Ok(rows.iter().map(|row| (row.get(0), number(row.get(1)))).collect())
}

fn number(value: i64) -> u64 {
    u64::try_from(value).unwrap_or_default()
}

/// Adds up the rows of all tables seen so far.
#[derive(Debug, Default)]
struct Tally {
    relation: String,
    rows: u64,
    bytes: u64,
    finished: Vec<(String, u64)>,
    finished_bytes: u64,
    between: bool,
}

impl Tally {
    /// No table is being filled: between two tables, before the first or after the last.
    fn see_nothing(&mut self) {
        self.between = true;
    }

    fn see(&mut self, relation: String, rows: u64, bytes: u64) {
        self.between = false;
        // The same table has fewer rows than before: a further pass over it has begun.
        if relation != self.relation || rows < self.rows {
            let before = std::mem::replace(&mut self.relation, relation);
            self.finished.push((before, self.rows));
            self.finished_bytes += self.bytes;
        }
        self.rows = rows;
        self.bytes = bytes;
    }

    /// A finished table counts with its planned rows, because its last rows came after the last sample.
    fn count(&self, planned: &HashMap<String, u64>) -> Count {
        let finished: u64 = self
            .finished
            .iter()
            .map(|(relation, rows)| planned.get(relation).map_or(*rows, |planned| *planned.max(rows)))
            .sum();
        let subject = match (self.between, self.relation.is_empty()) {
            (false, _) => self.relation.clone(),
            (true, true) => "looking for what to clone".to_owned(),
            (true, false) => "finishing".to_owned(),
        };
        Count {
            subject,
            done: finished + self.rows,
            total: (!planned.is_empty()).then(|| planned.values().sum()),
            estimated: false,
            bytes: self.finished_bytes + self.bytes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_seen_one_after_the_other_add_up() {
        let mut tally = Tally::default();
        tally.see("a".into(), 10, 100);
        tally.see("a".into(), 20, 200);
        tally.see("b".into(), 5, 50);
        let count = tally.count(&HashMap::new());
        assert_eq!(
            (count.subject.as_str(), count.done, count.total, count.bytes),
            ("b", 25, None, 250)
        );
    }

    #[test]
    fn a_finished_table_counts_as_planned_although_its_end_was_not_seen() {
        let planned = HashMap::from([("a".to_owned(), 30), ("b".to_owned(), 10)]);
        let mut tally = Tally::default();
        tally.see("a".into(), 20, 0);
        tally.see("b".into(), 5, 0);
        let count = tally.count(&planned);
        assert_eq!((count.done, count.total), (35, Some(40)));
    }
}
