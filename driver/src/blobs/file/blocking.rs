//! Runs blocking work from asynchronous code.

use super::failure::Failure;

/// Runs blocking work on a thread of its own.
///
/// # Errors
/// The error of `work`, or an error if it panicked.
pub async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Failure::passing(format!("a copying thread broke off: {error}"))))
}
