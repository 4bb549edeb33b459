//! The report of a run that `clone`, `show` and `demo` print.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::Value;

use super::calls::{number, text};
use crate::connect::session::Session;
use crate::output::{self, Output, thousands};

const RUN: &str = "SELECT pg_catalog.to_jsonb(r) || pg_catalog.jsonb_build_object('seconds', \
     pg_catalog.date_part('epoch', r.finished_at - r.started_at)) FROM clone.run r WHERE r.id = $1";

const TABLES: &str = "SELECT pg_catalog.to_jsonb(t) - 'run_id' FROM clone.run_table t WHERE t.run_id = $1 \
     ORDER BY t.resource_type, t.relation";

const DANGLING: &str = "SELECT pg_catalog.to_jsonb(d) - 'run_id' FROM clone.run_dangling d WHERE d.run_id = $1 \
     ORDER BY d.occurrences DESC, d.target";

const BLOBS: &str = "SELECT pg_catalog.to_jsonb(b) - 'run_id' FROM clone.blob_status b WHERE b.run_id = $1";

/// Maximum number of dangling references in text output.
const DANGLING_SHOWN: usize = 10;
/// Maximum number of things to be configured again in text output.
const TODOS_SHOWN: usize = 20;

/// A run with all its records.
#[derive(Clone, Debug, Serialize)]
pub struct RunReport {
    run: Value,
    tables: Vec<Value>,
    dangling: Vec<Value>,
    blobs: Vec<Value>,
}

impl RunReport {
    /// Reads the run with number `run`.
    ///
    /// # Errors
    /// The run does not exist, or the role may not read it.
    pub async fn read(session: &Session, run: i64) -> Result<Self> {
        let found = session.json(RUN, &[&run]).await?;
        Ok(Self {
            run: found
                .into_iter()
                .next()
                .with_context(|| format!("there is no run {run}"))?,
            tables: session.json(TABLES, &[&run]).await?,
            dangling: session.json(DANGLING, &[&run]).await?,
            blobs: session.json(BLOBS, &[&run]).await?,
        })
    }

    /// Files of the run that are not at their target.
    pub fn unfinished_files(&self) -> i64 {
        self.blobs
            .iter()
            .map(|row| number(row, "total") - number(row, "done") - number(row, "cancelled"))
            .sum()
    }

    /// The id of the clone.
    pub fn target_project(&self) -> &str {
        text(&self.run, "target_project")
    }

    /// Prints the rows as text; [`RunReport::print_blobs`] prints the files.
    pub fn print(&self, output: &mut Output) {
        self.print_headline(output);
        self.print_types(output);
        self.print_rate(output);
        self.print_dangling(output);
        self.print_todo(output);
    }

    fn print_headline(&self, output: &mut Output) {
        let run = &self.run;
        let name = run
            .get("name")
            .and_then(Value::as_str)
            .map(|name| format!(" ({name})"))
            .unwrap_or_default();
        output.line(format!(
            "Run {}: {} {} → {}{name}, store {}, by {}",
            number(run, "id"),
            text(run, "kind"),
            text(run, "source_project"),
            text(run, "target_project"),
            text(run, "store"),
            text(run, "run_by"),
        ));
        for (field, words) in [
            ("deleted_at", "The clone was deleted"),
            ("expires_at", "The clone expires"),
        ] {
            if let Some(when) = run.get(field).and_then(Value::as_str) {
                output.line(format!("{words}: {when}"));
            }
        }
    }

    fn print_types(&self, output: &mut Output) {
        let mut rows: Vec<TypeRow> = Vec::new();
        for table in &self.tables {
            // Rows without a resource type are shown under the name of their table.
            let label = Some(text(table, "resource_type")).filter(|label| !label.is_empty());
            let label = label.unwrap_or_else(|| text(table, "relation"));
            match rows.iter_mut().find(|row| row.label == label) {
                Some(row) => row.add(table),
                None => {
                    let mut row = TypeRow::new(label);
                    row.add(table);
                    rows.push(row);
                }
            }
        }
        let mut sum = TypeRow::new("total");
        for table in &self.tables {
            sum.add(table);
        }
        rows.retain(|row| row.rows > 0);
        rows.push(sum);
        output.table(
            &["type", ">rows", ">references rewritten", ">dangling", ">size"],
            rows.iter().map(TypeRow::cells),
        );
    }

    fn print_rate(&self, output: &mut Output) {
        let Some(seconds) = self.run.get("seconds").and_then(Value::as_f64) else {
            return;
        };
        let (rows, bytes) = (number(&self.run, "rows"), number(&self.run, "bytes"));
        let per_second = |count: i64| (count as f64 / seconds.max(0.001)) as i64;
        output.line(format!(
            "{} resources, {} rows, {} in {}: {} rows/s, {}/s",
            thousands(number(&self.run, "resources")),
            thousands(rows),
            output::bytes(bytes),
            output::seconds(seconds),
            thousands(per_second(rows)),
            output::bytes(per_second(bytes)),
        ));
        let kept = number(&self.run, "kept");
        if kept > 0 {
            output.line(format!(
                "{} references to an older version lost their _history part",
                thousands(kept)
            ));
        }
    }

    fn print_dangling(&self, output: &mut Output) {
        let dangling = number(&self.run, "dangling");
        if dangling == 0 {
            return;
        }
        output.line(format!(
            "{} references point to resources that were not cloned:",
            thousands(dangling)
        ));
        for row in self.dangling.iter().take(DANGLING_SHOWN) {
            output.line(format!(
                "  {} × {}",
                thousands(number(row, "occurrences")),
                text(row, "target")
            ));
        }
        if self.dangling.len() > DANGLING_SHOWN {
            output.line(format!(
                "  and more: SELECT * FROM clone.run_dangling WHERE run_id = {}",
                number(&self.run, "id")
            ));
        }
    }

    fn print_todo(&self, output: &mut Output) {
        let Some(todo) = self
            .run
            .get("todo")
            .and_then(Value::as_array)
            .filter(|todo| !todo.is_empty())
        else {
            return;
        };
        output.line("Action required:");
        for item in todo.iter().take(TODOS_SHOWN) {
            output.line(format!(
                "  - {}",
                item.as_str().map_or_else(|| item.to_string(), str::to_owned)
            ));
        }
        if todo.len() > TODOS_SHOWN {
            output.line(format!(
                "  and more: SELECT todo FROM clone.run WHERE id = {}",
                number(&self.run, "id")
            ));
        }
    }

    /// Prints the number of files at their target.
    pub fn print_blobs(&self, output: &mut Output) {
        for row in &self.blobs {
            let count = |name: &str| number(row, name);
            let verb = if text(row, "operation") == "delete" {
                "deleted"
            } else {
                "copied"
            };
            let mut line = format!(
                "Files: {} of {} {verb}, {}",
                thousands(count("done")),
                thousands(count("total")),
                output::bytes(count("bytes"))
            );
            for name in ["pending", "running", "failed", "cancelled"] {
                if count(name) > 0 {
                    line.push_str(&format!(", {} {name}", thousands(count(name))));
                }
            }
            output.line(line);
        }
    }
}

/// A line of the table: one per type.
struct TypeRow {
    label: String,
    rows: i64,
    rewritten: i64,
    dangling: i64,
    bytes: i64,
}

impl TypeRow {
    fn new(label: &str) -> Self {
        Self {
            label: label.to_owned(),
            rows: 0,
            rewritten: 0,
            dangling: 0,
            bytes: 0,
        }
    }

    fn add(&mut self, table: &Value) {
        self.rows += number(table, "rows");
        self.rewritten += number(table, "rewritten");
        self.dangling += number(table, "dangling");
        self.bytes += number(table, "bytes");
    }

    fn cells(&self) -> Vec<String> {
        vec![
            self.label.clone(),
            thousands(self.rows),
            thousands(self.rewritten),
            thousands(self.dangling),
            output::bytes(self.bytes),
        ]
    }
}
