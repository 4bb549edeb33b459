//! Rows of the project in the table below a described view that the view does not show, such as those that are marked as deleted: a deletion
//! through the view would leave them.

use super::below::Below;
use super::rows_of_others::{CandidateRows, Search};
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
}
