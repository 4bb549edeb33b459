//! The driver of `pg_clone_ext`: the `pg_clone` command.

mod args;
pub mod blobs;
mod cache;
mod cloning;
mod command_line;
mod commands;
mod connect;
mod demo;
mod failure;
mod file_copying;
mod interrupt;
mod moving;
mod moving_args;
mod output;
mod progress;
mod redact;
mod request;
mod run_report;
mod session;
mod sql;
mod store_args;
mod verification;

pub use command_line::main;
