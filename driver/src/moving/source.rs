//! A server as the source of rows, read with one snapshot.

use std::pin::Pin;

use anyhow::{Context as _, Result};
use futures_util::TryStreamExt;
use tokio_postgres::CopyOutStream;

use super::clone_rows::{Destination, Prepared, RowsRead, Source, prepare_copy};
use super::copy_rows::RowCounter;
use super::staging::Staging;
use super::tables::TableRows;
use crate::connect::Target;
use crate::connect::session::Session;
use crate::interrupt::Interrupt;
use crate::progress::{Count, Progress, Unit};

/// A read-only transaction on the source.
pub struct Snapshot {
    session: Session,
}

impl Snapshot {
    /// Connects and begins the transaction. Rows that row-level security hides are an error. With `exported`, the transaction uses that exported snapshot.
    ///
    /// # Errors
    /// The server cannot be reached, or the snapshot does not exist any more.
    pub async fn open(target: &Target, interrupt: &Interrupt, exported: Option<&str>) -> Result<Self> {
        let session = Session::open(target, interrupt, false).await?;
        session
            .execute(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; \
                 SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL search_path = pg_catalog, pg_temp; \
                 SET LOCAL row_security = off",
            )
            .await?;
        if let Some(exported) = exported {
            let literal = exported.replace('\'', "''");
            session
                .execute(&format!("SET TRANSACTION SNAPSHOT '{literal}'"))
                .await
                .with_context(|| format!("cannot use the snapshot {exported:?}"))?;
        }
        session.notice_when_the_client_is_gone().await?;
        Ok(Self { session })
    }

    /// The connection, in the transaction.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The rows of a table in COPY's binary format.
    ///
    /// # Errors
    /// Those of the server, e.g. a missing privilege SELECT.
    pub async fn rows(&self, table: &TableRows) -> Result<Pin<Box<CopyOutStream>>> {
        let statement = format!("COPY ({}) TO STDOUT (FORMAT binary)", table.query());
        let stream = self
            .session
            .client()
            .copy_out(&statement)
            .await
            .with_context(|| format!("cannot read {} from the source", table.relation))?;
        Ok(Box::pin(stream))
    }

    /// The planner's estimate of the rows of each table; for progress only.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn expected_rows(&self, tables: &[TableRows]) -> Result<Vec<u64>> {
        let mut expected = Vec::with_capacity(tables.len());
        for table in tables {
            let statement = format!("EXPLAIN (FORMAT json) {}", table.query());
            let row = self
                .session
                .query_one(&statement, &[])
                .await
                .with_context(|| format!("cannot read {} from the source", table.relation))?;
            let plan: serde_json::Value = row.try_get(0)?;
            let rows = plan.pointer("/0/Plan/Plan Rows");
            expected.push(rows.and_then(serde_json::Value::as_u64).unwrap_or(0));
        }
        Ok(expected)
    }
}

impl Source for Snapshot {
    async fn prepare(&mut self, to: &Destination<'_>) -> Result<Prepared> {
        prepare_copy(self, to).await
    }

    async fn stage(
        &mut self,
        prepared: &Prepared,
        staging: &Staging<'_>,
        progress: &mut Progress,
    ) -> Result<RowsRead> {
        progress.phase("reading the source");
        let expected = self.expected_rows(&prepared.tables).await?;
        let mut read = RowsRead::default();
        let mut count = Count {
            estimated: true,
            ..Count::default()
        };
        for (number, table) in prepared.tables.iter().enumerate() {
            let mut stream = self.rows(table).await?;
            let mut filling = staging.fill(number, &table.columns).await?;
            let mut rows = RowCounter::default();
            count.subject.clone_from(&table.relation);
            let (before, later) = (read.rows(), expected[number..].iter().sum::<u64>());
            while let Some(part) = stream
                .try_next()
                .await
                .with_context(|| format!("cannot read {} from the source", table.relation))?
            {
                rows.add(&part);
                count.bytes += part.len() as u64;
                filling.add(part).await?;
                count.done = before + rows.rows();
                count.total = Some(count.done.max(before + later));
                progress.count(Unit::Rows, &count);
            }
            read.tables
                .push((table.relation.clone(), filling.finish().await?));
        }
        read.bytes = count.bytes;
        Ok(read)
    }

    async fn give_up(&self) {
        self.session.cancel().await;
    }
}
