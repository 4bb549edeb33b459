//! The pure core of pg_clone_ext: it finds ids in bytes, maps them, rewrites documents and plans a clone.
//!
//! It does not use PostgreSQL's API and has no `unsafe` code; everything runs under plain `cargo test`.
#![forbid(unsafe_code)]

pub mod batch;
pub mod compressed;
pub mod depth;
pub mod description;
pub mod detached_thread;
pub mod document_tree;
pub mod edit;
pub mod error;
pub mod ids;
pub mod interrupt;
pub mod item;
pub mod json_path;
pub mod jsonb;
pub mod names;
pub mod nearest;
pub mod plan;
pub mod rewrite;
pub mod rules;
pub mod scan;
pub mod worker_thread;
