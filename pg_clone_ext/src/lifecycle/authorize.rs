//! Privileges that a deletion needs, checked before anything is deleted.

use crate::pg::privileges::{self, Privilege};
use crate::run::plan::rewrite_rules;
use pg_clone_core::error::Result;
use pg_clone_core::plan::Store;

/// Requires SELECT and DELETE on every table of the store with rows (42501), without row-level security (0A000) and rules for DELETE (0A000).
/// A trigger can write rows of the project into a table without rows: its policies must not hide them.
pub fn tables(store: &Store) -> Result<()> {
    for table in &store.tables {
        if table.empty {
            privileges::check_no_row_security(table.oid, &table.sql_name)?;
            continue;
        }
        let wanted: [(Privilege, &[&str]); 2] = [(Privilege::Select, &[]), (Privilege::Delete, &[])];
        privileges::check_table(table.oid, &table.sql_name, &wanted)?;
        privileges::check_no_row_security(table.oid, &table.sql_name)?;
        rewrite_rules::refuse_for_deletion(table)?;
    }
    Ok(())
}
