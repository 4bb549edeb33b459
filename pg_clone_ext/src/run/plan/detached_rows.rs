//! Rows of the source in partitions that were detached: a clone would miss them.

use crate::catalog::detached;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::quote;

/// Rejects them with an error (55000) that names the table, unless the store says that it is not cloned. Uses the run's snapshot.
pub fn refuse(run: &Run) -> Result<()> {
    let store = &run.store;
    for table in detached::of(store)? {
        let Some(whole) = table
            .whole(store)
            .filter(|whole| !table.shared && whole.source.is_none())
        else {
            continue;
        };
        let rows = table.rows_of(store, &run.source)?;
        if rows == 0 {
            continue;
        }
        let (name, of) = (quote::literal(&store.name), quote::literal(&table.name));
        let (are, they) = if rows == 1 {
            ("row is", "it")
        } else {
            ("rows are", "they")
        };
        return Err(Error::new(
            Code::StoreChanged,
            format!(
                "{rows} {are} the project's in {}, which looks like a detached partition of {}: {they} would not be cloned",
                table.name, whole.sql_name
            ),
        )
        .hint(format!(
            "Attach it again: ALTER TABLE {} ATTACH PARTITION {} …; describe it as a table of its own: SELECT clone.store_table({name}, {of}, …); \
             or say that it is not cloned: SELECT clone.store_shared({name}, {of});",
            whole.sql_name, table.name
        )));
    }
    Ok(())
}
