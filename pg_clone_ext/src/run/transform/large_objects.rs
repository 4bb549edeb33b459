//! Columns with large objects: a row of the clone gets copies.

use crate::catalog::large_objects;
use crate::pg::query::exists;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, Action, SourceQuery, Table, quote};

/// Columns with the oids of large objects get copies instead of the same oids: the deletion of one of two rows that share an object would
/// destroy it for both.
pub fn plan(run: &mut Run) -> Result<()> {
    let columns = large_objects::by_table(&run.store)?;
    for table in &mut run.store.tables {
        let Some(names) = columns.get(&table.oid) else {
            continue;
        };
        for column in table
            .columns
            .iter_mut()
            .filter(|column| names.contains_key(&column.name))
        {
            "large object: copied".clone_into(&mut column.reason);
        }
    }
    for table_copy in &mut run.table_copies {
        let Some(names) = columns.get(&table_copy.table) else {
            continue;
        };
        let elsewhere = run
            .store
            .table(table_copy.table)
            .filter(|table| table.source_name() != table.sql_name);
        for output in &mut table_copy.outputs {
            // The text of an oid names no row.
            let kept = matches!(output.action, Action::Keep | Action::Text | Action::ViaText);
            if kept && let Some(managed) = names.get(&output.column) {
                if let Some(table) = elsewhere {
                    return Err(from_elsewhere(table, &output.column));
                }
                output.action = Action::LargeObject { managed: *managed };
            }
        }
    }
    Ok(())
}

/// Another database's large objects cannot be read from here, and its oids mean other objects here (0A000).
fn from_elsewhere(table: &Table, column: &str) -> Error {
    Error::new(
        Code::Unsupported,
        format!(
            "column {column} of {} may hold large objects, which cannot be copied from another database",
            table.sql_name
        ),
    )
    .hint("Set the column to NULL: SELECT clone.store_column(…, 'null'). Or store such files as bytea or outside of the database.")
}

/// Arrays of oids are not copied: a project with large objects in them is an error (0A000).
pub fn refuse_arrays(run: &Run) -> Result<()> {
    for table_copy in &run.table_copies {
        let Some(table) = run.store.table(table_copy.table) else {
            continue;
        };
        for output in table_copy
            .outputs
            .iter()
            .filter(|output| output.action == Action::Keep && output.type_name == "oid[]")
        {
            let Some(belongs) = plan::condition(&run.store, table, &run.source, &run.active, false)? else {
                continue;
            };
            let rows = SourceQuery::over(&table.from_sql()).filter(format!(
                "({belongs}) AND EXISTS (SELECT 1 FROM pg_catalog.pg_largeobject_metadata AS m WHERE m.oid OPERATOR(pg_catalog.=) ANY (t.{}))",
                quote::identifier(&output.column)
            ));
            if exists(&rows)? {
                return Err(Error::new(
                    Code::Unsupported,
                    format!("column {} of {} holds large objects in arrays, which cannot be copied", output.column, table.sql_name),
                )
                .detail("The clone would share them with its source.")
                .hint(format!(
                    "Leave them out: SELECT clone.store_column({}, {}, {}, 'null'); or give each object a row of its own, with a column of type oid.",
                    quote::literal(&run.store.name),
                    quote::literal(&table.sql_name),
                    quote::literal(&output.column)
                )));
            }
        }
    }
    Ok(())
}
