//! Listens for `NOTIFY clone_blob_copy`, which is sent when a clone with files commits.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Channel on which the extension notifies of new rows.
pub const CHANNEL: &str = "clone_blob_copy";

/// A connection of its own for LISTEN: the pool's connections discard notifications.
#[derive(Clone)]
pub struct Listener {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Listener {
    /// A listener with this configuration; not connected yet.
    pub fn new(config: Config, tls: MakeRustlsConnect) -> Self {
        Self { config, tls }
    }

    /// Listens until the future is dropped, and wakes `wake` at every notification. It reconnects after a lost connection; rows
    /// committed meanwhile are found by the worker's poll.
    pub async fn listen(self, wake: Arc<Notify>) {
        loop {
            // The worker's own session meets and reports the same error.
            let _ = self.listen_once(&wake).await;
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
    }

    async fn listen_once(&self, wake: &Notify) -> Result<(), tokio_postgres::Error> {
        let (client, mut connection) = self.config.connect(self.tls.clone()).await?;
        let messages = async {
            while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
                if matches!(message?, AsyncMessage::Notification(_)) {
                    wake.notify_one();
                }
            }
            Ok(())
        };
        let listen = async {
            client.batch_execute(&format!("LISTEN {CHANNEL}")).await?;
            // Rows may have been committed while nothing listened.
            wake.notify_one();
            std::future::pending::<Result<(), tokio_postgres::Error>>().await
        };
        tokio::select! {
            ended = messages => ended,
            failed = listen => failed,
        }
    }
}
