//! SQL functions that the catalog's own functions call.

use pgrx::prelude::*;

#[pg_schema]
mod clone_internal {
    use crate::{catalog, entry::entry};
    use pgrx::prelude::*;

    /// A column role that the column's type cannot have is an error (22023); of one table of the store, or of all.
    #[pg_extern(volatile, parallel_unsafe)]
    fn check_column_roles(store: &str, relation: default!(Option<pg_sys::Oid>, "NULL")) {
        entry(|_| catalog::check_column_roles(store, relation.map(u32::from)));
    }
}
