//! The catalog of stores: finds the store of a call, and reads its description.

mod check_roles;
mod description;
pub mod detached;
mod differences;
mod expression_locks;
mod filled_now;
mod keys;
pub mod large_objects;
mod open;
pub mod relations_below;
mod resolve;
pub mod rows_once;
mod unique_ids;

pub use check_roles::{check_column_roles, check_rules};
pub use filled_now::filled_now;
pub use open::{OpenStore, Purpose, check_isolation, check_nothing_hidden, open, open_with};
pub use resolve::{list_stores, resolve, sees_projects};
pub use rows_once::check_rows_once;
pub use unique_ids::tables_with_unique_ids;

/// Raises 22023 for a description of a store that has not the form of an exported one.
pub fn check_description(json: &str) -> pg_clone_core::error::Result<()> {
    let read = serde_json::from_str(json).map_err(|error| {
        pg_clone_core::error::Error::bad_argument(format!("this is not a description of a store: {error}"))
            .hint("Give what clone.store_export() or clone.store_discover() returned.")
    })?;
    pg_clone_core::description::check(&read)
}
