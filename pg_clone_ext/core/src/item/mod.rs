//! Cloning an item of a registry, the pure part: permissions, the draft, edits, validation, and the new item with
//! everything that is reset.
//!
//! The shell reads and writes rows; every decision is made here, so it can be tested without a server. In order:
//! [`permission`] → [`form`] → [`validation`] → [`references`] → [`record`]. [`subtype`] has the rules, [`limits`] the maximum
//! sizes.

pub mod form;
pub mod generator;
pub mod limits;
pub mod options;
pub mod permission;
pub mod pointer;
pub mod record;
pub mod references;
pub mod set;
pub mod source;
pub mod subtype;
pub mod validation;
