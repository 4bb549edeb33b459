//! Work that blocks, beside the asynchronous kind.

use super::failure::Failure;

/// Runs what blocks on a thread for that.
///
/// # Errors
/// What `work` returns, or that it broke off.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Failure::passing(format!("a copying thread broke off: {error}"))))
}
