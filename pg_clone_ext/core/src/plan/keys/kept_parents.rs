//! Rows that belong by a key which a clone keeps would belong to the source and to the clone.

use super::changes;
use crate::error::{Code, Error, Result};
use crate::plan::columns::ColumnRole;
use crate::plan::store::{Store, Table, TableRole};
use crate::plan::{is_text, quote};

/// Whether a column gets the value of an expression and is a key by itself: the insertion fails unless the value is a new one.
fn is_computed_key(table: &Table, column: &str) -> bool {
    let computed = table
        .column(column)
        .is_some_and(|column| matches!(column.role, ColumnRole::Expression(_)));
    computed && table.keys.is_unique(column)
}

impl Store {
    /// An error (55000) for a table whose rows belong by columns of a parent that all keep their values in a clone: a number or a name per
    /// tenant, without the tenant beside it. Then a clone's rows would be taken for the source's, cloned again with it and deleted with it.
    pub(super) fn check_kept_parents(&self) -> Result<()> {
        for table in self
            .tables
            .iter()
            .filter(|table| table.role != TableRole::Project && table.project_column.is_none())
        {
            for way in table.ways(self) {
                let Some(parent) = self.table(way.parent).filter(|parent| !parent.empty) else {
                    continue;
                };
                let kept =
                    |column: &String| !changes(self, parent, column) && !is_computed_key(parent, column);
                if parent.role != TableRole::Project && way.parent_columns.iter().all(kept) {
                    return Err(self.kept(table, parent, &way.columns, &way.parent_columns));
                }
            }
        }
        Ok(())
    }

    fn kept(&self, table: &Table, parent: &Table, columns: &[String], keys: &[String]) -> Error {
        let literal = quote::literal;
        let text = |column: &&String| is_text(parent.type_of(column));
        let new_values = match keys.iter().find(text) {
            Some(key) => format!(
                "Give it new values: SELECT clone.store_column({}, {}, {}, 'random'); or say",
                literal(&self.name),
                literal(&parent.sql_name),
                literal(key)
            ),
            None => "Say".to_owned(),
        };
        Error::new(
            Code::StoreChanged,
            format!(
                "rows of {} belong by {} to rows of {} whose {} a clone keeps, so that they would belong to both projects",
                table.sql_name,
                columns.join(", "),
                parent.sql_name,
                keys.join(", ")
            ),
        )
        .hint(format!(
            "{new_values} by which other column the rows belong: SELECT clone.store_table({}, {}, 'derived', project_column => '…');",
            literal(&self.name),
            literal(&table.sql_name)
        ))
    }
}
