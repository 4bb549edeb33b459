//! The queue of files between directories: nothing lost, nothing copied twice, every trouble in clear words.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first broken assumption, its helpers too"
)]

mod copying;
mod hostile;
mod scene;
mod trouble;
mod workers;
