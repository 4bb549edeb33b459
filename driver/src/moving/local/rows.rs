//! Copies rows between the private server and the target.

use std::collections::BTreeMap;
use std::pin::pin;

use anyhow::{Context as _, Result, ensure};
use bytes::Bytes;
use futures_util::{SinkExt, TryStreamExt};
use tokio_postgres::CopyInSink;

use super::super::clone_rows::Destination;
use super::super::copy_rows::RowCounter;
use super::super::shared_rows::SharedKey;
use super::super::staging::Staging;
use super::super::tables::{identifier, tables_of_project};
use super::order::Step;
use crate::connect::session::Session;
use crate::progress::{Count, Progress, Unit};

/// The two servers.
#[derive(Clone, Copy)]
pub struct Pump<'p> {
    /// The private server.
    pub private: &'p Session,
    /// The target, in its transaction.
    pub target: &'p Session,
}

/// Columns of a table.
struct TableColumns {
    written: Vec<String>,
    key: Vec<String>,
}

impl TableColumns {
    async fn of(session: &Session, table: &str) -> Result<Self> {
        let row = session
            .query_one(include_str!("sql/columns.sql"), &[&table])
            .await?;
        Ok(Self {
            written: row.try_get(0)?,
            key: row.try_get(1)?,
        })
    }
}

fn list(names: &[String], prefix: &str) -> String {
    let quoted: Vec<String> = names
        .iter()
        .map(|name| format!("{prefix}{}", identifier(name)))
        .collect();
    quoted.join(", ")
}

impl Pump<'_> {
    /// Copies shared rows that the staged rows reference from the target, so that foreign keys are valid.
    ///
    /// # Errors
    /// Those of both servers.
    pub async fn take_shared_rows(&self, staging: &Staging<'_>, keys: &[SharedKey]) -> Result<()> {
        let mut wanted: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
        for key in keys {
            let Some(staged) = staging.name_of(&key.relation) else {
                continue;
            };
            let statement = format!(
                "SELECT DISTINCT t.{column}::text FROM pg_temp.{staged} AS t WHERE t.{column} IS NOT NULL",
                column = identifier(&key.column)
            );
            let ids = wanted.entry((&key.referenced, &key.key)).or_default();
            for row in self.private.query(&statement, &[]).await? {
                ids.push(row.try_get(0)?);
            }
        }
        for ((table, column), ids) in wanted {
            let literals: Vec<String> = ids
                .iter()
                .map(|id| format!("'{}'", id.replace('\'', "''")))
                .collect();
            if !literals.is_empty() {
                let condition = format!("t.{}::text IN ({})", identifier(column), literals.join(", "));
                self.take(table, &condition).await?;
            }
        }
        Ok(())
    }

    /// Copies all rows of a table from the target, so that unique names are chosen correctly.
    ///
    /// # Errors
    /// Those of both servers.
    pub async fn take_all(&self, table: &str) -> Result<()> {
        self.take(table, "true").await
    }

    async fn take(&self, table: &str, condition: &str) -> Result<()> {
        let columns = TableColumns::of(self.private, table).await?.written;
        // Rows of other tables that these rows reference are not copied.
        self.private
            .execute(&format!(
                "SET LOCAL session_replication_role = replica; CREATE TEMPORARY TABLE pg_clone_taken (LIKE {table}) ON COMMIT DROP"
            ))
            .await?;
        let query = format!(
            "SELECT {} FROM {table} AS t WHERE {condition}",
            list(&columns, "t.")
        );
        let names = list(&columns, "");
        pump(
            self.target,
            &query,
            self.private,
            &format!("pg_temp.pg_clone_taken ({names})"),
            &mut |_| {},
        )
        .await?;
        self.private
            .execute(&format!(
                "INSERT INTO {table} ({names}) OVERRIDING SYSTEM VALUE SELECT {names} FROM pg_temp.pg_clone_taken ON CONFLICT DO NOTHING; \
                 DROP TABLE pg_temp.pg_clone_taken; SET LOCAL session_replication_role = origin"
            ))
            .await
    }

    /// Writes the clone's rows into the target.
    ///
    /// # Errors
    /// Those of both servers, e.g. a unique violation in the target.
    pub async fn write(
        &self,
        to: &Destination<'_>,
        run: i64,
        project_table: &str,
        plan: &[Step],
        progress: &mut Progress,
    ) -> Result<()> {
        let row = self
            .private
            .query_one(
                "SELECT target_project, store, (SELECT pg_catalog.sum(t.rows)::int8 FROM clone.run_table t WHERE t.run_id = r.id) \
                 FROM clone.run r WHERE r.id = $1::int8",
                &[&run],
            )
            .await?;
        let (project, store): (String, String) = (row.try_get(0)?, row.try_get(1)?);
        let total: Option<i64> = row.try_get(2)?;
        let options = serde_json::json!({"history": "full"});
        let conditions = tables_of_project(self.private, &project, Some(&store), &options).await?;
        let mut count = Count {
            total: total.and_then(|total| u64::try_from(total).ok()),
            ..Count::default()
        };
        let mut later = Vec::new();
        for step in plan {
            let columns = TableColumns::of(self.private, &step.table).await?;
            // The other tables have rows of the clone only.
            let condition = conditions
                .iter()
                .find(|rows| rows.relation == project_table && step.table == project_table)
                .map_or("true", |rows| &rows.condition);
            let values: Vec<String> = columns
                .written
                .iter()
                .map(|name| match step.later.contains(name) {
                    true => format!("NULLIF(t.{0}, t.{0}) AS {0}", identifier(name)),
                    false => format!("t.{}", identifier(name)),
                })
                .collect();
            let query = format!(
                "SELECT {} FROM {} AS t WHERE {condition}",
                values.join(", "),
                step.table
            );
            let into = format!("{} ({})", step.table, list(&columns.written, ""));
            count.subject.clone_from(&step.table);
            let before = (count.done, count.bytes);
            let (sent, taken) = pump(self.private, &query, self.target, &into, &mut |(rows, bytes)| {
                count.done = before.0 + rows;
                count.bytes = before.1 + bytes;
                progress.count(Unit::Rows, &count);
            })
            .await
            .with_context(|| format!("cannot write {} into the target", step.table))?;
            ensure!(
                sent == taken,
                "{sent} rows of {} were sent and {taken} were inserted: a trigger or a rule of the target skipped some",
                step.table
            );
            if !step.later.is_empty() && sent > 0 {
                later.push((step, columns.key, condition.to_owned()));
            }
        }
        for (number, (step, key, condition)) in later.into_iter().enumerate() {
            self.write_later(to, number, step, &key, &condition).await?;
        }
        Ok(())
    }

    /// Updates the columns that close a cycle of foreign keys.
    async fn write_later(
        &self,
        _to: &Destination<'_>,
        number: usize,
        step: &Step,
        key: &[String],
        condition: &str,
    ) -> Result<()> {
        let table = &step.table;
        ensure!(
            !key.is_empty(),
            "table {table} names rows in a circle and has no primary key"
        );
        let columns: Vec<String> = key.iter().chain(&step.later).cloned().collect();
        let names = list(&columns, "");
        let temporary = format!("pg_clone_later_{number}");
        self.target
            .execute(&format!(
                "CREATE TEMPORARY TABLE {temporary} ON COMMIT DROP AS SELECT {names} FROM {table} WITH NO DATA"
            ))
            .await?;
        let query = format!(
            "SELECT {} FROM {table} AS t WHERE {condition}",
            list(&columns, "t.")
        );
        pump(
            self.private,
            &query,
            self.target,
            &format!("pg_temp.{temporary} ({names})"),
            &mut |_| {},
        )
        .await?;
        let pairs = |names: &[String], form: &dyn Fn(&str) -> String, between: &str| -> String {
            let parts: Vec<String> = names.iter().map(|name| form(&identifier(name))).collect();
            parts.join(between)
        };
        self.target
            .execute(&format!(
                "UPDATE {table} AS t SET {} FROM pg_temp.{temporary} AS l WHERE {}",
                pairs(&step.later, &|name| format!("{name} = l.{name}"), ", "),
                pairs(key, &|name| format!("t.{name} = l.{name}"), " AND ")
            ))
            .await
            .with_context(|| format!("cannot write {table} into the target"))
    }
}

/// Copies the rows of a query into a table of another server; returns the sent and the received number of rows.
async fn pump(
    from: &Session,
    query: &str,
    to: &Session,
    into: &str,
    tell: &mut dyn FnMut((u64, u64)),
) -> Result<(u64, u64)> {
    let statement = format!("COPY ({query}) TO STDOUT (FORMAT binary)");
    let mut stream = pin!(from.client().copy_out(&statement).await?);
    let statement = format!("COPY {into} FROM STDIN (FORMAT binary)");
    let sink: CopyInSink<Bytes> = to.client().copy_in(&statement).await?;
    let mut sink = pin!(sink);
    let mut rows = RowCounter::default();
    let mut bytes = 0;
    while let Some(part) = stream.try_next().await? {
        rows.add(&part);
        bytes += part.len() as u64;
        tell((rows.rows(), bytes));
        sink.feed(part).await?;
    }
    Ok((rows.rows(), sink.finish().await?))
}
