//! One statement of a deletion.

use super::{DeletionSet, concurrent_changes};
use crate::lifecycle::delete::triggers::Triggers;
use crate::pg::query::for_each_written_row;
use crate::pg::session::settings_guard::CallersPath;
use pg_clone_core::error::Result;
use pg_clone_core::plan::SourceQuery;

/// Rows that are deleted: their table's name, and the condition on its rows `t`.
pub type Going = (String, String);

/// A statement that deletes rows of the set.
pub struct Statement<'s> {
    /// The rows of the project.
    pub rows: &'s DeletionSet,
    /// What its triggers can do.
    pub triggers: &'s Triggers,
    /// The path of triggers.
    pub path: &'s CallersPath,
    /// Called when the rows are deleted, before anything acts on that.
    pub before_actions: &'s dyn Fn() -> Result<()>,
    /// Tables of which a later statement deletes the rows.
    pub waiting: Vec<&'s str>,
}

impl Statement<'_> {
    /// Deletes these rows, of which the first `others` are not the set's own; the numbers of deleted ones by table.
    pub fn run(&self, goes: &[Going], others: usize) -> Result<Vec<(String, i64)>> {
        let mut parts = Vec::new();
        let mut counts = Vec::new();
        for (number, (name, condition)) in goes.iter().enumerate() {
            parts.push(format!(
                "d{number} AS (DELETE FROM {name} AS t WHERE {condition} RETURNING 1)"
            ));
            counts.push(format!(
                "SELECT {number}::pg_catalog.int8, pg_catalog.count(*) FROM d{number}"
            ));
        }
        if counts.is_empty() {
            return Ok(Vec::new());
        }
        // Under the same snapshot: the rows that should go.
        for (number, (name, condition)) in goes.iter().enumerate() {
            let of_store = self
                .rows
                .store()
                .tables
                .iter()
                .find(|table| table.sql_name == *name);
            if of_store.is_some_and(|table| self.triggers.keeping.contains(&table.oid)) {
                let place = goes.len() + number;
                let rows = SourceQuery::over(name).filter(condition);
                counts.push(rows.select(&format!("{place}::pg_catalog.int8, pg_catalog.count(*)")));
            }
        }
        let sql = format!("WITH {} {}", parts.join(", "), counts.join(" UNION ALL "));
        let mut rows = vec![0; 2 * goes.len()];
        for_each_written_row(&sql, self.path, &mut |row| {
            let Some(row) = row else {
                let deleted = |name: &str| match goes.iter().skip(others).position(|(own, _)| own == name) {
                    Some(place) => rows.get(others + place).copied().unwrap_or(0),
                    None if self.waiting.contains(&name) => i64::MAX,
                    None => 0,
                };
                concurrent_changes::check(self.rows, &deleted, self.triggers)?;
                return (self.before_actions)();
            };
            if let (Some(place), Some(count)) = (row.bigint(0), row.bigint(1))
                && let Some(rows) = usize::try_from(place).ok().and_then(|place| rows.get_mut(place))
            {
                *rows = count;
            }
            Ok(())
        })?;
        let expected = rows.split_off(goes.len());
        for ((name, _), (deleted, expected)) in goes.iter().zip(rows.iter().zip(&expected)) {
            if expected > deleted {
                return Err(self.triggers.have_kept(name, expected - deleted));
            }
        }
        Ok(goes.iter().map(|(name, _)| name.clone()).zip(rows).collect())
    }
}
