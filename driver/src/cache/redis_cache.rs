//! A cache in Redis, or in what speaks its protocol: `redis://[user[:password]@]host[:port][/database]`, `rediss://` with TLS.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo};

/// How long a connection, and an answer, may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keys per command.
const BATCH: usize = 1000;

/// The password for URLs without one, by the name that `redis-cli` knows it.
const PASSWORD: &str = "REDISCLI_AUTH";

/// A connection.
pub struct RedisCache(MultiplexedConnection);

impl RedisCache {
    /// Connects. The password of this process goes only to a cache that its user named, never to one that the database names:
    /// whoever may write there could name a host of their own.
    ///
    /// # Errors
    /// When the URL is none, or the server cannot be reached or refuses.
    pub async fn open(url: &str, named_by_user: bool) -> Result<Self> {
        ensure!(
            url.starts_with("redis://") || url.starts_with("rediss://"),
            "a cache is a URL: redis://host:6379, or rediss:// with TLS"
        );
        let mut info = url.into_connection_info().context("malformed URL")?;
        if named_by_user
            && info.redis_settings().password().is_none()
            && let Ok(password) = std::env::var(PASSWORD)
            && !password.is_empty()
        {
            let settings = info.redis_settings().clone().set_password(password);
            info = info.set_redis_settings(settings);
        }
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(PATIENCE))
            .set_response_timeout(Some(PATIENCE));
        let client = Client::open(info)?;
        Ok(Self(
            client
                .get_multiplexed_async_connection_with_config(&config)
                .await?,
        ))
    }

    /// Deletes keys; those that are not there count as deleted.
    ///
    /// # Errors
    /// Those of the server and of the connection.
    pub async fn delete(&mut self, keys: &[String]) -> Result<()> {
        for batch in keys.chunks(BATCH) {
            let mut command = redis::cmd("UNLINK");
            command.arg(batch);
            command.query_async::<i64>(&mut self.0).await?;
        }
        Ok(())
    }
}
