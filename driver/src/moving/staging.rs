//! Temporary tables of the target for the rows of the source.

use std::pin::Pin;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures_util::SinkExt;
use serde_json::{Map, Value};
use tokio_postgres::CopyInSink;

use super::tables::{TableRows, identifier};
use crate::connect::session::Session;

/// Bytes of a message of COPY. The client copies what it has not sent: with whole frames an import took 60 MB instead of 48.
const MESSAGE_BYTES: usize = 64 << 10;

/// The temporary tables of one transaction.
pub struct Staging<'s> {
    session: &'s Session,
    names: Vec<(String, String)>,
}

impl<'s> Staging<'s> {
    /// Creates a temporary table for each table; ON COMMIT DROP.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn create(session: &'s Session, tables: &[TableRows]) -> Result<Self> {
        let mut names = Vec::with_capacity(tables.len());
        let mut statements = String::new();
        for (number, table) in tables.iter().enumerate() {
            let name = format!("pg_clone_rows_{number}");
            statements.push_str(&format!(
                "CREATE TEMPORARY TABLE {name} (LIKE {}) ON COMMIT DROP;\n",
                table.relation
            ));
            names.push((table.relation.clone(), name));
        }
        session
            .execute(&statements)
            .await
            .context("cannot make temporary tables in the target")?;
        Ok(Self { session, names })
    }

    /// The connection that has the tables.
    pub fn session(&self) -> &Session {
        self.session
    }

    /// The name of the temporary table for a table.
    pub fn name_of(&self, relation: &str) -> Option<&str> {
        self.names
            .iter()
            .find(|(known, _)| known == relation)
            .map(|(_, name)| name.as_str())
    }

    /// Begins to fill the table with this number.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn fill(&self, number: usize, columns: &[String]) -> Result<Filling> {
        let columns: Vec<String> = columns.iter().map(|name| identifier(name)).collect();
        let statement = format!(
            "COPY pg_temp.pg_clone_rows_{number} ({}) FROM STDIN (FORMAT binary)",
            columns.join(", ")
        );
        let sink = self.session.client().copy_in::<_, Bytes>(&statement).await?;
        Ok(Filling(Box::pin(sink)))
    }

    /// Runs ANALYZE on the temporary tables.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn analyze(&self) -> Result<()> {
        let names: Vec<String> = self
            .names
            .iter()
            .map(|(_, name)| format!("pg_temp.{name}"))
            .collect();
        self.session
            .execute(&format!("ANALYZE {}", names.join(", ")))
            .await
    }

    /// The option `source_tables`.
    pub fn source_tables(&self) -> Value {
        Value::Object(
            self.names
                .iter()
                .map(|(relation, name)| (relation.clone(), format!("pg_temp.{name}").into()))
                .collect::<Map<_, _>>(),
        )
    }
}

/// A temporary table that is being filled.
pub struct Filling(Pin<Box<CopyInSink<Bytes>>>);

impl Filling {
    /// Adds bytes in COPY's binary format.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn add(&mut self, mut bytes: Bytes) -> Result<()> {
        while !bytes.is_empty() {
            let part = bytes.split_to(bytes.len().min(MESSAGE_BYTES));
            self.0.feed(part).await?;
        }
        Ok(())
    }

    /// Ends COPY; returns the number of rows.
    ///
    /// # Errors
    /// Those of the server, e.g. a value that is not valid for the column.
    pub async fn finish(mut self) -> Result<u64> {
        Ok(self.0.as_mut().finish().await?)
    }
}
