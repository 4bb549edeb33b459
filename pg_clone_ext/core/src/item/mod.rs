//! Cloning an item of a registry, the pure part: who may, what the draft looks like, what edits do to it, whether the
//! result is valid, and the new item with everything that must start afresh.
//!
//! The shell reads rows and writes rows; every decision is made here, so it can be tested without a server. In order:
//! [`permission`] → [`form`] → [`validation`] → [`references`] → [`record`]. [`subtype`] holds the rules, [`limits`] say how large a
//! value may become.

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
