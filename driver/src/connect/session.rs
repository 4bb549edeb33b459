//! One connection to the server: statements that Ctrl-C cancels, transactions, warnings for the user.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, CancelToken, Client, Row};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::sync::CancellationToken;

use crate::connect::Target;
use crate::failure::NO_CONNECTION;
use crate::interrupt::{Interrupt, Interrupted};
use crate::output::messages;

/// Time limit for the end of a cancelled statement; then the connection is closed, which ends its transaction.
const CANCELLING: Duration = Duration::from_secs(5);

/// A typed parameter of a statement: with types the statement needs no preparation, which a transaction pooler would
/// lose.
pub trait Parameter: ToSql + Sync {
    /// The type that is sent to the server.
    fn sql_type(&self) -> Type;
}

/// The SQL type of a Rust type.
pub trait HasType {
    /// The SQL type.
    const TYPE: Type;
}

macro_rules! has_type {
    ($($ours:ty => $theirs:ident),*) => { $(impl HasType for $ours { const TYPE: Type = Type::$theirs; })* };
}
has_type!(String => TEXT, &str => TEXT, &String => TEXT, Vec<String> => TEXT_ARRAY, Value => JSONB, &Value => JSONB,
          i64 => INT8, &i64 => INT8, i32 => INT4, bool => BOOL, Vec<i64> => INT8_ARRAY, f64 => FLOAT8);

impl<T: HasType> HasType for Option<T> {
    const TYPE: Type = T::TYPE;
}

impl<T: HasType> HasType for &Option<T> {
    const TYPE: Type = T::TYPE;
}

impl<T: HasType + ToSql + Sync> Parameter for T {
    fn sql_type(&self) -> Type {
        T::TYPE
    }
}

/// Parameters of a statement.
pub type Parameters<'a> = &'a [&'a dyn Parameter];

/// Parameters in the form that the client takes.
pub fn typed<'a>(parameters: Parameters<'a>) -> Vec<(&'a (dyn ToSql + Sync), Type)> {
    let typed = parameters.iter().map(|parameter| {
        let value: &(dyn ToSql + Sync) = *parameter;
        (value, parameter.sql_type())
    });
    typed.collect()
}

/// A connection whose statements end when the user interrupts.
pub struct Session {
    client: Client,
    cancel: CancelToken,
    tls: MakeRustlsConnect,
    interrupt: Interrupt,
    /// Cancelled when the connection is lost.
    gone: CancellationToken,
}

impl Session {
    /// Connects to `target`. Shows the server's warnings; with `verbose` its notices too.
    ///
    /// # Errors
    /// The server cannot be reached or refuses; the message names the target, never the password.
    pub async fn open(target: &Target, interrupt: &Interrupt, verbose: bool) -> Result<Self> {
        let connecting = async {
            let (client, mut connection) = target
                .config()
                .connect(target.tls())
                .await
                .with_context(|| format!("{NO_CONNECTION} {target}"))?;
            let gone = CancellationToken::new();
            let ended = gone.clone().drop_guard();
            tokio::spawn(async move {
                let _ended = ended;
                while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                    if let AsyncMessage::Notice(notice) = message
                        && (notice.severity() == "WARNING" || verbose)
                        // Class 57: the server ends the connection. The next statement gets an error.
                        && !notice.code().code().starts_with("57")
                    {
                        messages::say(&notice.severity().to_lowercase(), notice.message(), notice.hint());
                    }
                }
            });
            Ok((client, gone))
        };
        let (client, gone) = interrupt.or(connecting).await?;
        let cancel = client.cancel_token();
        Ok(Self {
            client,
            cancel,
            tls: target.tls(),
            interrupt: interrupt.clone(),
            gone,
        })
    }

    /// Runs `work`, which does not use this connection, until the connection is lost.
    ///
    /// # Errors
    /// Those of `work`, and a lost connection.
    pub async fn unless_lost<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            result = work => result,
            () = self.gone.cancelled() => anyhow::bail!("the connection to the target was lost"),
        }
    }

    /// The connection itself, for COPY.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Process ID of the backend of this transaction; behind a pooler each transaction may have another.
    ///
    /// # Errors
    /// As [`Session::query`].
    pub async fn pid(&self) -> Result<i32> {
        let row = self.query_one("SELECT pg_catalog.pg_backend_pid()", &[]).await?;
        Ok(row.try_get(0)?)
    }

    /// Runs a statement and returns its rows. An interrupt cancels it on the server and waits until the server has ended
    /// it.
    ///
    /// # Errors
    /// Those of the server, and [`Interrupted`].
    pub async fn query(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Row>> {
        let parameters = typed(parameters);
        let mut statement = pin!(self.client.query_typed(sql, &parameters));
        tokio::select! {
            result = &mut statement => return Ok(result?),
            () = self.interrupt.wait() => {}
        }
        // If the cancel request cannot be delivered, the connection is closed.
        let cancelled = self.cancel.cancel_query(self.tls.clone()).await;
        if cancelled.is_ok() {
            let _ = tokio::time::timeout(CANCELLING, statement).await;
        }
        Err(Interrupted::nothing_changed().into())
    }

    /// Runs a statement that returns exactly one row.
    ///
    /// # Errors
    /// As [`Session::query`], and if the number of rows is not one.
    pub async fn query_one(&self, sql: &str, parameters: Parameters<'_>) -> Result<Row> {
        let mut rows = self.query(sql, parameters).await?;
        let row = rows.pop().context("the server answered without a row")?;
        anyhow::ensure!(rows.is_empty(), "the server answered with more than one row");
        Ok(row)
    }

    /// Runs a statement with one column of type `jsonb`, and returns its values; SQL NULL becomes JSON null.
    ///
    /// # Errors
    /// As [`Session::query`].
    pub async fn json(&self, sql: &str, parameters: Parameters<'_>) -> Result<Vec<Value>> {
        let rows = self.query(sql, parameters).await?;
        rows.iter()
            .map(|row| Ok(row.try_get::<_, Option<Value>>(0)?.unwrap_or_default()))
            .collect()
    }

    /// Runs statements without parameters.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn execute(&self, sql: &str) -> Result<()> {
        Ok(self.client.batch_execute(sql).await?)
    }

    /// Begins a transaction without a statement timeout.
    ///
    /// # Errors
    /// Those of the server.
    pub async fn begin(&self) -> Result<()> {
        self.execute(
            "BEGIN; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0",
        )
        .await?;
        self.notice_when_the_client_is_gone().await
    }

    /// Sets `client_connection_check_interval` for the rest of the transaction, so that a statement ends, and releases its
    /// locks, soon after this process. Has no effect on servers without the setting (before 14, on Windows).
    ///
    /// # Errors
    /// Those of the server.
    pub async fn notice_when_the_client_is_gone(&self) -> Result<()> {
        self.execute(
            "SELECT pg_catalog.set_config(s.name, '2s', true) FROM pg_catalog.pg_settings s \
             WHERE s.name = 'client_connection_check_interval' AND pg_catalog.version() !~ 'mingw|Visual C'",
        )
        .await
    }

    /// Cancels the statement that runs, if any.
    pub async fn cancel(&self) {
        // If the request cannot be delivered, the connection is closed.
        let cancelling = self.cancel.cancel_query(self.tls.clone());
        let _ = tokio::time::timeout(CANCELLING, cancelling).await;
    }

    /// Ends the transaction: commits if `result` is `Ok`, else rolls back and returns the error.
    ///
    /// # Errors
    /// The error in `result`, and those of COMMIT. If the connection is lost during COMMIT, its outcome is unknown; the
    /// message says so.
    pub async fn end<T>(&self, result: Result<T>) -> Result<T> {
        match result {
            Ok(value) => match self.client.batch_execute("COMMIT").await {
                Ok(()) => Ok(value),
                Err(error) if error.as_db_error().is_some() => Err(error).context("nothing was changed"),
                Err(error) => Err(error).context(
                    "the connection was lost during COMMIT, so its outcome is unknown: see `pg_clone runs`",
                ),
            },
            Err(error) => {
                // Without a connection the server rolls back by itself.
                let _ = self.client.batch_execute("ROLLBACK").await;
                Err(error)
            }
        }
    }
}
