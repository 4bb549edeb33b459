//! The `pg_clone` command and what surrounds it: poolers, TLS, the places of files, terminals.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test stops at the first broken assumption"
)]

mod places;
mod pooler;
mod terminal;
mod tls;
