//! Cloning an item of a registry, the pure part: who may, what the draft looks like, what edits do to it, whether the
//! result is valid, and the new item with everything that must start afresh.
//!
//! The shell reads rows and writes rows; every decision is made here, so it can be tested without a server. In order:
//! [`permission`] → [`draft`] → [`edits`] → [`validate`] → [`references`] → [`record`]. [`schema`], [`formats`] and [`normalize`]
//! say what a value may be, [`limits`] how large it may become.

pub mod draft;
pub mod edits;
pub mod formats;
pub mod generator;
pub mod limits;
pub mod normalize;
pub mod options;
pub mod permission;
pub mod pointer;
pub mod provenance;
pub mod record;
pub mod references;
pub mod schema;
pub mod serialised;
pub mod set;
pub mod source;
pub mod subtype;
pub mod validate;
