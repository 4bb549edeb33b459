//! The store `documents`: every form of reference, the two insert paths against each other, and tables that are more
//! than plain tables.

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
