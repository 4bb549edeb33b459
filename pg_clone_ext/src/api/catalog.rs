//! SQL functions that SQL functions of the catalog call.

use pgrx::prelude::*;

#[pg_schema]
mod clone_internal {
    use crate::pg::value::json_text::JsonText;
    use crate::{catalog, entry::entry};
    use pgrx::prelude::*;

    /// Raises 22023 for a column role that does not fit the type of its column; checks one table of the store, or all.
    #[pg_extern(volatile, parallel_unsafe)]
    fn check_column_roles(store: &str, relation: default!(Option<pg_sys::Oid>, "NULL")) {
        entry(|_| catalog::check_column_roles(store, relation.map(u32::from)));
    }

    /// Raises 0A000 for two tables of the store that have the same rows.
    #[pg_extern(volatile, parallel_unsafe)]
    fn check_rows_once(store: &str) {
        entry(|_| catalog::check_rows_once(store));
    }

    /// Raises 22023 for a rule of the store that has no document to act on.
    #[pg_extern(volatile, parallel_unsafe)]
    fn check_rules(store: &str) {
        entry(|_| catalog::check_rules(store));
    }

    /// Raises 22023 for a description whose members have not the form of an exported one.
    #[pg_extern(volatile, parallel_unsafe)]
    fn check_description(description: JsonText) {
        entry(|_| catalog::check_description(&description.0));
    }
}
