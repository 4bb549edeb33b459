//! One connection to the server: statements that Ctrl-C cancels, transactions, warnings that reach the user.

use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{AsyncMessage, CancelToken, Client, Row};
use tokio_postgres_rustls::MakeRustlsConnect;
use tokio_util::sync::CancellationToken;

use crate::connect::Target;
use crate::interrupt::{Interrupt, Interrupted};
use crate::output::printable::escape;
use crate::output::redact::redact;

/// How long a cancelled statement may take to end; then the connection is closed, which ends its transaction.
const CANCELLING: Duration = Duration::from_secs(5);

/// A parameter of a statement that knows its type: then the statement needs no name and no preparation, which a transaction
/// pooler would lose.
pub trait Parameter: ToSql + Sync {
    /// The type that the server is told.
    fn sql_type(&self) -> Type;
}

/// The type of the server for one of ours.
pub trait HasType {
    /// It.
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

/// Parameters as the client takes them.
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
    /// Cancelled when the connection is gone.
    gone: CancellationToken,
}

impl Session {
    /// Connects to `target`; with `verbose` the server's notices are shown, otherwise its warnings.
    ///
    /// # Errors
    /// When the server cannot be reached or refuses; the message names the place, never the password.
    pub async fn open(target: &Target, interrupt: &Interrupt, verbose: bool) -> Result<Self> {
        let connecting = async {
            let (client, mut connection) = target
                .config()
                .connect(target.tls())
                .await
                .with_context(|| format!("cannot connect to {target}"))?;
            let gone = CancellationToken::new();
            let ended = gone.clone().drop_guard();
            tokio::spawn(async move {
                let _ended = ended;
                while let Some(Ok(message)) = std::future::poll_fn(|cx| connection.poll_message(cx)).await {
                    if let AsyncMessage::Notice(notice) = message
                        && (notice.severity() == "WARNING" || verbose)
                        // Class 57: the server ends the connection. Whoever needed it gets an error.
                        && !notice.code().code().starts_with("57")
                    {
                        eprintln!(
                            "pg_clone: {}: {}",
                            notice.severity().to_lowercase(),
                            escape(&redact(notice.message()))
                        );
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

    /// Runs `work`, which waits for something else than this connection, unless this connection is lost first.
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

    /// The server process of this transaction; behind a pooler each may have another.
    ///
    /// # Errors
    /// As [`Session::query`].
    pub async fn pid(&self) -> Result<i32> {
        let row = self.query_one("SELECT pg_catalog.pg_backend_pid()", &[]).await?;
        Ok(row.try_get(0)?)
    }

    /// Runs a statement and returns its rows. An interrupt cancels it on the server and waits until the server is done
    /// with it.
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
        // When the request to cancel cannot be delivered, closing this connection remains.
        let cancelled = self.cancel.cancel_query(self.tls.clone()).await;
        if cancelled.is_ok() {
            let _ = tokio::time::timeout(CANCELLING, statement).await;
        }
        Err(Interrupted::nothing_changed().into())
    }

    /// Runs a statement that gives exactly one row.
    ///
    /// # Errors
    /// As [`Session::query`], and when it gives another number of rows.
    pub async fn query_one(&self, sql: &str, parameters: Parameters<'_>) -> Result<Row> {
        let mut rows = self.query(sql, parameters).await?;
        let row = rows.pop().context("the server answered without a row")?;
        anyhow::ensure!(rows.is_empty(), "the server answered with more than one row");
        Ok(row)
    }

    /// Runs a statement whose one column is `jsonb`, and returns its values; NULL is JSON's null.
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

    /// Begins a transaction in which statements may take as long as they need.
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

    /// For the rest of the transaction, a statement ends soon after this process: one that goes on for nobody holds its locks. Servers
    /// that cannot look (before 14, on Windows) go on.
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
        // When the request cannot be delivered, closing this connection remains.
        let cancelling = self.cancel.cancel_query(self.tls.clone());
        let _ = tokio::time::timeout(CANCELLING, cancelling).await;
    }

    /// Ends the transaction: commits when `result` is good, else rolls back and passes the error on.
    ///
    /// # Errors
    /// The one in `result`, and those of COMMIT. When the connection breaks during COMMIT nobody knows its outcome; the
    /// message says so.
    pub async fn end<T>(&self, result: Result<T>) -> Result<T> {
        match result {
            Ok(value) => match self.client.batch_execute("COMMIT").await {
                Ok(()) => Ok(value),
                Err(error) if error.as_db_error().is_some() => Err(error).context("nothing was changed"),
                Err(error) => Err(error).context(
                    "the connection broke during COMMIT; whether the change was made is unknown: look at `pg_clone runs`",
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
