//! Messages to the client: progress of a long clone, and a summary at its end.

use crate::pg::session::notice::notice;
use crate::run::record::{Filled, resources};
use crate::run::state::{Run, TableStatistics};
use pg_clone_core::plan::TableCopy;
use pg_clone_core::rewrite::Counts;
use std::time::{Duration, Instant};

/// Time between two progress messages.
const EVERY: Duration = Duration::from_secs(2);

/// Progress messages of a long clone.
pub struct Progress<'r> {
    run: &'r Run,
    began: Instant,
    said: Instant,
    done: u64,
    expected: u64,
}

impl<'r> Progress<'r> {
    /// Begins to count.
    pub fn new(run: &'r Run) -> Self {
        let now = Instant::now();
        Progress {
            run,
            began: now,
            said: now,
            done: 0,
            expected: run.ids.cloned() + run.texts.cloned(),
        }
    }

    /// Rows of the table that is being filled.
    pub fn table(&mut self, table_copy: &TableCopy, rows: u64) {
        if self.said.elapsed() < EVERY {
            return;
        }
        self.said = Instant::now();
        let name = self
            .run
            .store
            .table(table_copy.table)
            .map_or("", |table| table.sql_name.as_str());
        let all = self.done + rows;
        let rate = all as f64 / self.began.elapsed().as_secs_f64().max(0.001);
        notice(
            &format!(
                "cloning {name}: {rows} rows; {all} rows in all, {rate:.0} rows/s, {} ids mapped",
                self.expected
            ),
            "",
        );
    }

    /// A table is finished.
    pub fn done(&mut self, statistics: &TableStatistics) {
        self.done += statistics.rows();
    }
}

/// A number of things, such as `1 row` or `2 rows`.
fn counted(number: u64, thing: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {thing}{plural}")
}

/// Number of the summary's lines about what is to be done: the record of the run has all.
const TODOS_SHOWN: usize = 20;

/// The summary.
pub fn report(
    run: &Run,
    tables: &[Filled<'_>],
    totals: &TableStatistics,
    blobs: usize,
    todos: &[String],
    took: Duration,
) {
    let rows: u64 = tables
        .iter()
        .flat_map(|t| t.statistics.by_type.values())
        .map(|c| c.rows)
        .sum();
    let mut counts = Counts::default();
    tables.iter().for_each(|t| counts.add(&t.statistics.rewritten()));
    let mut details = Vec::new();
    if totals.dangling_total() > 0 {
        details.push(format!(
            "{} to resources that were not cloned (see clone.run_dangling).",
            counted(totals.dangling_total(), "reference")
        ));
    }
    if blobs > 0 {
        details.push(format!(
            "{} to be copied: pg_clone blobs run --run {}",
            counted(blobs as u64, "file"),
            run.id
        ));
    }
    details.extend(
        todos
            .iter()
            .take(TODOS_SHOWN)
            .map(|todo| format!("To do: {todo}")),
    );
    if todos.len() > TODOS_SHOWN {
        details.push(format!(
            "To do: and more, all of it is in clone.run.todo of run {}.",
            run.id
        ));
    }
    notice(
        &format!(
            "cloned project {} to {}: {}, {}, {} rewritten in {:.2} s (run {})",
            run.source,
            run.target,
            counted(resources(run, tables), "resource"),
            counted(rows, "row"),
            counted(counts.rewritten, "reference"),
            took.as_secs_f64(),
            run.id
        ),
        &details.join("\n"),
    );
}
