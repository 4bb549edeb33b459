//! The store `documents`: every form of reference, a comparison of the two insert paths, and tables with triggers and
//! constraints.

#![allow(
    clippy::unwrap_used,
    reason = "a test stops at the first broken assumption, its fixture too"
)]

mod compressed;
mod constraints;
mod depth;
mod indexes;
mod owner;
mod pairs;
mod references;
mod rows;
mod spellings;
mod targets;
