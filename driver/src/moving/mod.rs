//! `copy`, `export` and `import`: clones a project into another database or a file, and from a file.
//!
//! The rows of the project are copied from a source, a server or an archive, into temporary tables of the target. There the extension clones
//! them as it clones any project: `project_clone` with the option `source_tables`. Everything in the target is one transaction.
//! The source needs no extension and only the privilege SELECT. If the target has no extension, a private server clones ([`move_locally`]).

mod archive_source;
mod clone_rows;
mod comparison;
mod copy_rows;
mod export;
mod files;
mod local;
mod shared_rows;
mod source;
mod staging;
mod tables;

pub use archive_source::ArchiveSource;
pub use clone_rows::{Destination, Planned, Source, move_project, plan_move};
pub use comparison::Difference;
pub use export::{Export, ExportFiles, export_project};
pub use files::Unpacking;
pub use local::{Description, LocalServer, move_locally};
pub use source::Snapshot;
