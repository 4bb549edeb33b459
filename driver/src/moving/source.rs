//! A server that the rows are read from, under one snapshot.

use std::pin::Pin;

use anyhow::{Context as _, Result};
use tokio_postgres::CopyOutStream;

use super::tables::TableRows;
use crate::connect::Target;
use crate::connect::session::Session;
use crate::interrupt::Interrupt;

/// A read-only transaction on the source.
pub struct Snapshot {
    session: Session,
}

impl Snapshot {
    /// Connects and begins the transaction; with `exported` it sees what the transaction sees that has exported this snapshot.
    ///
    /// # Errors
    /// When the server cannot be reached, or the snapshot is not there any more.
    pub async fn open(target: &Target, interrupt: &Interrupt, exported: Option<&str>) -> Result<Self> {
        let session = Session::open(target, interrupt, false).await?;
        session
            .execute(
                "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = 0; \
                 SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL search_path = pg_catalog, pg_temp",
            )
            .await?;
        if let Some(exported) = exported {
            let literal = exported.replace('\'', "''");
            session
                .execute(&format!("SET TRANSACTION SNAPSHOT '{literal}'"))
                .await
                .with_context(|| format!("cannot use the snapshot {exported:?}"))?;
        }
        Ok(Self { session })
    }

    /// The connection, in the transaction.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The rows of a table in COPY's binary form.
    ///
    /// # Errors
    /// Those of the server, such as a missing right to read.
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
}
