//! Rows that belong to the source and to another project too. A clone of such a row would add a row to the other project.

use crate::pg::query::count;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, SourceQuery, quote};

/// Rejects such rows with an error (55000) that names the table, unless `options.others` is `include`. Uses the run's snapshot.
pub fn refuse(run: &Run) -> Result<()> {
    let options = &run.request.options;
    if !run.store.follows_constraints() || options.include_others || options.keep_ids {
        return Ok(());
    }
    for table in run.store.tables.iter().filter(|t| run.active.contains(&t.oid)) {
        let (Some(ours), Some(theirs)) = (
            plan::condition(&run.store, table, &run.source, &run.active, false)?,
            plan::of_others(&run.store, table, &run.source, &run.active)?,
        ) else {
            continue;
        };
        let both = SourceQuery::over(&table.from_sql()).filter(ours).filter(theirs);
        let rows = count(&both)?;
        if rows > 0 {
            return Err(Error::new(
                Code::WrongState,
                format!(
                    "{rows} {} of {} {} to project \"{}\" and to another project too",
                    if rows == 1 { "row" } else { "rows" },
                    table.sql_name,
                    if rows == 1 { "belongs" } else { "belong" },
                    run.source
                ),
            )
            .detail("Rows of this table belong by one of several references; those of the clone would be the other project's too.")
            .hint(match table.links(&run.store).iter().find_map(|link| link.columns.first()) {
                None => "Describe the table with the reference that decides (clone.store_table), or clone these rows anyway with options => '{\"others\": \"include\"}'.".to_owned(),
                Some(column) => format!(
                    "Correct these rows, or leave them out with clone.store_table(…, live => '…'). If {column} does not say whose the rows are: \
                     SELECT clone.store_column({}, {}, {}, 'map'). Or clone them anyway with options => '{{\"others\": \"include\"}}'.",
                    quote::literal(&run.store.name),
                    quote::literal(&table.sql_name),
                    quote::literal(column)
                ),
            }));
        }
    }
    Ok(())
}
