//! A cache in Redis or a compatible server: `redis://[user[:password]@]host[:port][/database]`, `rediss://` with TLS.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, IntoConnectionInfo};

/// Time limit for a connection and for a reply.
const PATIENCE: Duration = Duration::from_secs(10);

/// Keys per command.
const BATCH: usize = 1000;

/// Environment variable with the password for URLs without one; `redis-cli` uses the same.
const PASSWORD: &str = "REDISCLI_AUTH";

/// A connection.
pub struct RedisCache(MultiplexedConnection);

impl RedisCache {
    /// Connects. The password in the environment is sent only to a cache that the user named, never to one that the database
    /// names: a role that may write there could name another host.
    ///
    /// # Errors
    /// The text is not a URL, or the server cannot be reached or refuses the connection.
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

    /// Deletes keys; missing keys count as deleted.
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
