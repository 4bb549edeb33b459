//! Search for rows that would be deleted and belong to another project too.

use super::foreign_keys::{ForeignKey, rows_of};
use super::rows_of_others::Search;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Oid, Table, TableRole};
use std::collections::HashSet;

impl Search<'_> {
    /// Rows that would be deleted although the row is kept to which the foreign key of their membership refers.
    pub fn membership_key(&mut self, child: &Table, parent: &Table, key: &ForeignKey) -> Result<()> {
        let joins = matches!(key.columns.as_slice(), [only] if child.project_column.is_none()
            && child.join_column.as_ref() == Some(only));
        if !joins || (child.parents == [parent.oid] && key.keys.first() == parent.id_column.as_ref()) {
            return Ok(());
        }
        let Some(goes) = self.rows.condition(child)? else {
            return Ok(());
        };
        let stays = match self.rows.condition(parent)? {
            Some(gone) => format!("({gone}) IS NOT TRUE"),
            None => "true".to_owned(),
        };
        let condition = format!("{} AND ({goes})", key.names(parent, &stays));
        let why = format!(
            "belong{{s}} to rows of other projects in {} (foreign key \"{}\")",
            parent.sql_name, key.name
        );
        self.add_rows(child, condition, why)
    }

    /// Rows that belong through a join, if a row of another parent has the same key: their project is ambiguous.
    pub fn other_parents(&mut self, table: &Table, unique: &HashSet<Oid>) -> Result<()> {
        let (None, Some(join)) = (&table.project_column, &table.join_column) else {
            return self.several_ways(table);
        };
        if table.role == TableRole::Project
            || matches!(table.parents.as_slice(), [only] if unique.contains(only))
        {
            return self.several_ways(table);
        }
        let Some(goes) = self.rows.condition(table)? else {
            return Ok(());
        };
        let mut others = Vec::new();
        for way in table.ways(self.rows.store()) {
            let Some(parent) = self.rows.store().table(way.parent) else {
                continue;
            };
            if !self.rows.filled().contains(&parent.oid) {
                continue;
            }
            let stays = match self.rows.condition(parent)? {
                Some(gone) => format!("({gone}) IS NOT TRUE"),
                None => "true".to_owned(),
            };
            let selected: Vec<String> = way
                .parent_values(table, parent, "t")
                .iter()
                .enumerate()
                .map(|(place, value)| format!("{value} AS c{place}"))
                .collect();
            let mut same: Vec<String> = way
                .values(table, parent, "t")
                .iter()
                .zip(way.equalities(table, parent))
                .enumerate()
                .map(|(place, (value, operator))| format!("g.c{place} {operator} {value}"))
                .collect();
            same.extend(way.condition.as_ref().map(|condition| format!("({condition})")));
            others.push(format!(
                "EXISTS (SELECT 1 FROM (SELECT {} FROM {} AS t WHERE {stays}) AS g WHERE {})",
                selected.join(", "),
                rows_of(parent),
                same.join(" AND "),
            ));
        }
        let before = self.conflicts().found.len();
        if !others.is_empty() {
            let condition = format!("{goes} AND ({})", others.join(" OR "));
            let why = format!(
                "belong{{s}} to rows of other projects too, which have the same key in column {join}"
            );
            self.add_rows(table, condition, why)?;
        }
        if self.conflicts().found.len() > before {
            return Ok(());
        }
        self.several_ways(table)
    }

    /// Rows that belong to the project in one way and to another project in a second way.
    fn several_ways(&mut self, table: &Table) -> Result<()> {
        let rows = self.rows;
        let (Some(goes), Some(theirs)) = (
            rows.condition(table)?,
            plan::of_others(rows.store(), table, rows.project(), rows.filled())?,
        ) else {
            return Ok(());
        };
        let condition = format!("({goes}) AND {theirs}");
        self.add_rows(table, condition, "belong{s} to another project too".to_owned())
    }
}
