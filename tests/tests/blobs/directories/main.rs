//! The queue of files between directories: no file is lost or copied twice, and every error is clear.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first broken assumption, its helpers too"
)]

mod copying;
mod hostile;
mod scene;
mod trouble;
mod workers;
