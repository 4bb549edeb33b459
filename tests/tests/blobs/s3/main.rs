//! The queue of files on an S3 server that the tests start: copies by the server, streams, faults, killed workers.

#![allow(
    clippy::unwrap_used,
    reason = "a test may stop at the first broken assumption, its helpers too"
)]

mod copying;
mod prefix;
mod scene;
mod trouble;
