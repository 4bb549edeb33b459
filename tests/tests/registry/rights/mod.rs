//! Who may clone what, and as whom.

mod actors;
mod permissions;
mod safety;
