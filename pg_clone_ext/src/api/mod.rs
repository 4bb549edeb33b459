//! Every SQL function of the extension that is written in Rust.

mod catalog;
mod clone;
mod item;
mod lifecycle;
mod names;
mod plan;
mod transfer;
mod verify;
