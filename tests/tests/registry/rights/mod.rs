//! Permissions on items, and actors.

mod actors;
mod permissions;
mod safety;
