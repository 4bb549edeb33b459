//! Permissions on items, and actors.

mod actors;
mod cancellation;
mod permissions;
mod safety;
