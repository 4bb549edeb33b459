//! Hears `NOTIFY clone_blob_copy`, which fires when a clone with files commits.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;
use tokio_postgres::{AsyncMessage, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Channel on which the engine tells of new rows.
pub const CHANNEL: &str = "clone_blob_copy";

/// Where to listen: a connection of its own, because the pool's connections throw notifications away.
#[derive(Clone)]
pub struct Listener {
    config: Config,
    tls: MakeRustlsConnect,
}

impl Listener {
    /// Will listen with this configuration.
    pub fn new(config: Config, tls: MakeRustlsConnect) -> Self {
        Self { config, tls }
    }

    /// Listens until the future is dropped, and wakes `wake` at every notification. A lost connection is made anew; what
    /// was missed meanwhile is found by the worker's slow poll.
    pub async fn listen(self, wake: Arc<Notify>) {
        loop {
            // An error here is one that the worker's own session meets and reports too.
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
            // Rows may have come while nobody listened.
            wake.notify_one();
            std::future::pending::<Result<(), tokio_postgres::Error>>().await
        };
        tokio::select! {
            ended = messages => ended,
            failed = listen => failed,
        }
    }
}
