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

    /// A rule of the store that has no document to act on is an error (22023).
    #[pg_extern(volatile, parallel_unsafe)]
    fn check_rules(store: &str) {
        entry(|_| catalog::check_rules(store));
    }

    /// The known word that is most like one that is not known, NULL if none is.
    #[pg_extern(immutable, parallel_safe)]
    fn nearest_word(given: &str, known: Vec<String>) -> Option<String> {
        entry(|_| {
            Ok(pg_clone_core::nearest::nearest(given, known.iter().map(String::as_str)).map(str::to_owned))
        })
    }
}
