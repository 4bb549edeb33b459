//! Rows that triggers have added to the clone beside those that were cloned.

use crate::catalog::filled_now;
use crate::pg::query::count;
use crate::pg::query::snapshot::Snapshot;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, Oid, SourceQuery};
use std::collections::HashMap;

/// A table with more rows of the clone than were made for it is an error (0A000), unless the call says that triggers fire. `made`
/// holds the rows that were made, by table.
pub fn check(run: &Run, made: &HashMap<Oid, u64>) -> Result<()> {
    let any = run
        .store
        .tables
        .iter()
        .any(|table| made.contains_key(&table.oid) && table.may_fire_triggers());
    if !any || !run.guards_against_triggers() || run.request.options.include_others {
        return Ok(());
    }
    // A trigger may have written into a table that was empty.
    Snapshot::latest().within(|| {
        let mut filled = filled_now(&run.store)?;
        filled.extend(run.store.tables.iter().filter(|table| !table.empty).map(|table| table.oid));
        let tables = run.store.tables.iter().filter(|table| !table.elsewhere);
        for table in tables.filter(|table| filled.contains(&table.oid)) {
            let made = made.get(&table.oid).copied().unwrap_or(0);
            let Some(belongs) = plan::condition(&run.store, table, &run.target, &filled, true)? else {
                continue;
            };
            let found = count(&SourceQuery::over(&table.from_sql()).filter(belongs))?;
            if u64::try_from(found).unwrap_or(0) > made {
                return Err(Error::new(
                    Code::Unsupported,
                    format!(
                        "more rows of {} belong to the clone than were made for it: {found} instead of {made}",
                        table.sql_name
                    ),
                )
                .detail("A trigger of the store's tables has added the others.")
                .hint(
                    "Leave the triggers out: options => '{\"triggers\": \"skip\"}'. Or let the clone have what they add: '{\"triggers\": \"fire\"}'.",
                ));
            }
        }
        Ok(())
    })
}
