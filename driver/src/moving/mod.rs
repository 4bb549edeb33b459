//! Projects that move: into another database, into a file, and back.
//!
//! The rows of the project are read from a source, a server or an archive, into temporary tables of the target. There the extension clones
//! them as it clones any project: `project_clone` with the option `source_tables`. Everything in the target is one transaction.
//! The source needs no extension and no right but SELECT.

mod clone_rows;
mod export;
mod shared_rows;
mod source;
mod staging;
mod tables;

pub use clone_rows::{Destination, Moved, copy_project, import_archive};
pub use export::{Export, export_project};
pub use source::Snapshot;
