//! The driver of `pg_clone_ext`: the `pg_clone` command.

mod args;
pub mod blobs;
mod cache;
mod cloning;
mod command_line;
mod commands;
mod connect;
mod failure;
mod file_copying;
mod interrupt;
mod item_form;
mod moving;
mod output;
mod progress;

pub use command_line::main;
