//! References as edges from column to column, and the key at their end.

use super::{KeyRef, ReferenceForm};
use crate::error::{Code, Error, Result};
use crate::plan::columns::ColumnRole;
use crate::plan::store::{Oid, Store, TableRole};
use std::collections::HashMap;

/// To which columns each column refers.
pub type Edges = HashMap<KeyRef, Vec<KeyRef>>;

impl Store {
    /// References as edges from column to column.
    pub(super) fn edges(&self) -> Edges {
        let mut edges = Edges::new();
        let mut add = |from: Option<KeyRef>, target: Oid, column: &str| {
            let to = self.table(target).and_then(|table| table.key_ref(column));
            if let (Some(from), Some(to)) = (from, to)
                && from != to
            {
                let known = edges.entry(from).or_default();
                if !known.contains(&to) {
                    known.push(to);
                }
            }
        };
        for table in &self.tables {
            for key in &table.keys.foreign_keys {
                for (column, target) in key.columns.iter().zip(&key.target_columns) {
                    add(table.key_ref(column), key.target, target);
                }
            }
            for reference in &table.keys.references {
                if reference.form == ReferenceForm::Column && reference.condition.is_none() {
                    add(
                        table.key_ref(&reference.column),
                        reference.target,
                        &reference.target_column,
                    );
                }
            }
            for way in table.ways(self).iter().filter(|way| way.condition.is_none()) {
                let owned = way.columns.iter().any(|c| table.id_column.as_ref() == Some(c));
                for (column, parent) in way.columns.iter().zip(&way.parent_columns) {
                    // A table owned by the rows that refer to it: the edge has the opposite direction.
                    if owned {
                        let from = self.table(way.parent).and_then(|t| t.key_ref(parent));
                        let leads_here = self.table(way.parent).is_some_and(|p| {
                            p.keys
                                .foreign_keys
                                .iter()
                                .any(|f| f.target == table.oid && f.columns.contains(parent))
                                || p.keys.references.iter().any(|r| {
                                    r.target == table.oid && r.column == *parent && r.condition.is_none()
                                })
                        });
                        let named_by_us = table
                            .keys
                            .foreign_keys
                            .iter()
                            .any(|f| f.target == way.parent && f.columns.contains(column));
                        if leads_here && !named_by_us {
                            add(from, table.oid, column);
                            continue;
                        }
                    }
                    add(table.key_ref(column), way.parent, parent);
                }
            }
            for column in &table.columns {
                if let ColumnRole::Map(Some(target)) = &column.role
                    && !column.inferred()
                    && let Some(id) = self.table(*target).and_then(|t| t.id_column.clone())
                {
                    add(table.key_ref(&column.name), *target, &id);
                }
            }
            if let (Some(column), TableRole::Resource | TableRole::Derived | TableRole::History) =
                (&table.project_column, table.role)
                && let Ok(project) = self.project_table()
                && let Some(id) = &project.id_column
            {
                add(table.key_ref(column), project.oid, id);
            }
        }
        edges
    }

    /// The key at the end of a column's references. Two of them are an error (55000).
    pub(super) fn root(&self, edges: &Edges, from: KeyRef) -> Result<KeyRef> {
        let mut seen = vec![from];
        let mut ends = Vec::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            match edges.get(&at).filter(|next| !next.is_empty()) {
                None => ends.push(at),
                Some(next) => {
                    for to in next {
                        if !seen.contains(to) {
                            seen.push(*to);
                            open.push(*to);
                        }
                    }
                }
            }
        }
        ends.sort_unstable();
        ends.dedup();
        match ends.as_slice() {
            // A cycle of references: any of its columns can be the key, but no column that only leads to it.
            [] => Ok(seen
                .into_iter()
                .filter(|at| reaches_itself(edges, *at))
                .min()
                .unwrap_or(from)),
            [one] => Ok(*one),
            [first, second, ..] => {
                let uuid = self
                    .column_of(from)
                    .is_some_and(|(_, column)| column.type_name == "uuid");
                if uuid {
                    // All UUIDs of a run share one map: equal UUIDs in both keys get the same new value.
                    return Ok(*first);
                }
                Err(Error::new(
                    Code::StoreChanged,
                    format!(
                        "column {} refers to two keys, {} and {}, which get different new values",
                        self.key_name(from),
                        self.key_name(*first),
                        self.key_name(*second)
                    ),
                )
                .hint(self.which_of_two(from, *first, *second)))
            }
        }
    }

    /// What to do about a column that holds the keys of two tables.
    fn which_of_two(&self, from: KeyRef, first: KeyRef, second: KeyRef) -> String {
        let literal = crate::plan::quote::literal;
        let place = self.column_of(from).map_or_else(String::new, |(table, column)| {
            format!(
                "{}, {}, {}",
                literal(&self.name),
                literal(&table.sql_name),
                literal(&column.name)
            )
        });
        let name = |key: KeyRef| self.table(key.table).map_or("…", |table| table.sql_name.as_str());
        format!(
            "If what it names is in both tables, let the key of {1} be a foreign key to {0}. If each row names a row of one of them, say when, \
             in place of what is declared: SELECT clone.store_no_reference({place}); \
             SELECT clone.store_reference({place}, {2}, condition => '…'); and the same for {1}.",
            name(first),
            name(second),
            literal(name(first))
        )
    }
}

/// Whether a column is one of a cycle of references; a column that only leads to a cycle is not.
fn reaches_itself(edges: &Edges, column: KeyRef) -> bool {
    let mut seen = Vec::new();
    let mut open = vec![column];
    while let Some(at) = open.pop() {
        for to in edges.get(&at).into_iter().flatten() {
            if *to == column {
                return true;
            }
            if !seen.contains(to) {
                seen.push(*to);
                open.push(*to);
            }
        }
    }
    false
}
