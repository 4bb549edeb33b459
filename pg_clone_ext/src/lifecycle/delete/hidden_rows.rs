//! Rows of the project that a deletion would leave: in the table below a described view that does not show them, such as those that are marked as
//! deleted, and in partitions that were detached.

use super::below::Below;
use super::rows_of_others::{CandidateRows, Search, row_key};
use crate::catalog::detached;
use crate::pg::privileges;
use crate::pg::query;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Table, TableRole, quote};

impl Search<'_> {
    /// Searches them for the views whose rows have the project in a column. A table that the caller may not read, or not as a whole, is left out.
    pub fn hidden_rows(&mut self, below: &[Below]) -> Result<()> {
        let store = self.rows.store();
        for below in below.iter().filter(|below| below.is_base()) {
            if let Some(view) = store.table(below.described) {
                self.hidden_by(below, view)?;
            }
        }
        Ok(())
    }

    fn hidden_by(&mut self, below: &Below, view: &Table) -> Result<()> {
        let (Some(project), Some(id)) = (&view.project_column, &view.id_column) else {
            return Ok(());
        };
        let (Some(base_project), Some(base_id)) = (below.column_below(project), below.column_below(id))
        else {
            return Ok(());
        };
        let name = below.name();
        if view.role == TableRole::Project
            || privileges::check_select(below.relation, name).is_err()
            || privileges::check_no_row_security(below.relation, name).is_err()
        {
            return Ok(());
        }
        let value = format!("t.{}", quote::identifier(base_project));
        let of_project = plan::is_project(view, project, self.rows.project(), &value);
        let equal = view.column(id).map_or(plan::EQUAL, |column| column.equality());
        let before = self.conflicts().found.len();
        self.add(
            CandidateRows {
                table: name.to_owned(),
                from: name.to_owned(),
                condition: format!(
                    "{of_project} AND NOT EXISTS (SELECT FROM {} AS v WHERE v.{} {equal} t.{})",
                    view.sql_name,
                    quote::identifier(id),
                    quote::identifier(base_id)
                ),
                key: format!("pg_catalog.concat(t.{})", quote::identifier(base_id)),
                why: format!(
                    "belong{{s}} to the project without being shown by {}",
                    view.sql_name
                ),
                also_deleted: true,
            },
            &query::text,
        )?;
        if let Some(found) = self.conflicts().found.get_mut(before) {
            found.outside = Some(below.relation);
        }
        Ok(())
    }

    /// Searches tables that look like detached partitions. One that the caller may not read is an error (42501): nobody would find its rows.
    pub fn detached_rows(&mut self) -> Result<()> {
        let store = self.rows.store();
        for table in detached::of(store)? {
            let Some(whole) = table.whole(store) else { continue };
            let Some(belongs) = self.rows.belongs(whole)? else {
                continue;
            };
            let key = row_key(whole);
            if !table.has_columns_of(&format!("{belongs} {key}"))
                || self
                    .conflicts()
                    .found
                    .iter()
                    .any(|found| found.outside == Some(table.oid))
            {
                continue;
            }
            if let Err(error) = table.check_readable() {
                match table.shared {
                    true => continue,
                    false => return Err(error),
                }
            }
            let before = self.conflicts().found.len();
            self.add(
                CandidateRows {
                    table: table.name.clone(),
                    from: table.name.clone(),
                    condition: belongs,
                    key,
                    why: format!(
                        "belong{{s}} to the project in a table that looks like a detached partition of {}",
                        whole.sql_name
                    ),
                    also_deleted: true,
                },
                &query::text,
            )?;
            if let Some(found) = self.conflicts().found.get_mut(before) {
                found.outside = Some(table.oid);
            }
        }
        Ok(())
    }
}
