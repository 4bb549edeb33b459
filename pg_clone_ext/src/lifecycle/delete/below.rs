//! Relations that lose rows when rows of a described one are deleted: itself, its partitions, what is below a view. Foreign keys may refer to
//! any of them. Tables that inherit from a described one are described too.

use super::foreign_keys::{ForeignKey, row_text, rows_of};
use crate::catalog::relations_below::PARTS;
use crate::error::internal;
use crate::pg::query;
use crate::pg::table::view_base::ViewBase;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Oid, Store, Table, quote};
use std::collections::HashMap;

/// The columns of a relation: their names, and those in the view above it.
type Shown = HashMap<String, String>;

/// A relation that loses rows with a described one.
#[derive(Clone)]
pub struct Below {
    /// The relation.
    pub relation: Oid,
    /// The described one.
    pub described: Oid,
    /// Its name.
    name: String,
    /// The names that its columns have in a view that is described; None: the same names.
    columns: Option<Shown>,
    /// The tables whose rows are its own, if it is a part of the described one.
    parts: Vec<Oid>,
}

/// The relations of a store's deletion.
pub fn all(store: &Store) -> Result<Vec<Below>> {
    let mut tops: Vec<(Oid, Oid, Option<Shown>)> = Vec::new();
    for table in &store.tables {
        tops.push((table.oid, table.oid, None));
        if table.kind == "v"
            && let Some(base) = ViewBase::of(table.oid)
        {
            tops.push((table.oid, base.relation, Some(base.columns)));
        }
    }
    let mut oids: Vec<String> = tops.iter().map(|(_, top, _)| top.to_string()).collect();
    oids.sort_unstable();
    oids.dedup();
    let found = query::text(&format!(
        "WITH RECURSIVE part (top, oid) AS (SELECT o.oid, o.oid FROM pg_catalog.unnest('{{{}}}'::pg_catalog.oid[]) AS o (oid) \
         UNION SELECT part.top, e.below FROM part JOIN ({PARTS}) AS e ON e.above OPERATOR(pg_catalog.=) part.oid) \
         SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(part.top::pg_catalog.int8, part.oid::pg_catalog.int8, \
           pg_catalog.format('%I.%I', n.nspname, c.relname), CASE c.relkind WHEN 'p' THEN \
             (SELECT pg_catalog.jsonb_agg(p.relid::pg_catalog.oid::pg_catalog.int8) FROM pg_catalog.pg_partition_tree(c.oid) AS p) \
             ELSE pg_catalog.jsonb_build_array(c.oid::pg_catalog.int8) END))::pg_catalog.text \
         FROM part JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) part.oid \
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace",
        oids.join(",")
    ))?;
    let found: Vec<(Oid, Oid, String, Vec<Oid>)> = match found {
        Some(rows) => serde_json::from_str(&rows).map_err(internal)?,
        None => Vec::new(),
    };
    let mut all = Vec::new();
    for (described, top, columns) in tops {
        let only = store.table(described).is_some_and(|table| table.only);
        for (_, relation, name, parts) in found.iter().filter(|(of, ..)| *of == top) {
            let is_part = *relation != top;
            // A part that is described has its own rows there.
            if is_part && (only || store.table(*relation).is_some()) {
                continue;
            }
            all.push(Below {
                relation: *relation,
                described,
                name: name.clone(),
                columns: columns.clone(),
                parts: if is_part { parts.clone() } else { Vec::new() },
            });
        }
    }
    Ok(all)
}

impl Below {
    /// Whether it is the described relation itself.
    pub fn is_described(&self) -> bool {
        self.relation == self.described
    }

    /// Its name, as SQL.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its column that a view above it shows under this name.
    pub fn column_below(&self, shown: &str) -> Option<&str> {
        let columns = self.columns.as_ref()?;
        let found = columns.iter().find(|(_, above)| above.as_str() == shown);
        found.map(|(own, _)| own.as_str())
    }

    /// Whether it is the table below a view that is described.
    pub fn is_base(&self) -> bool {
        self.columns.is_some() && self.parts.is_empty()
    }

    /// The primary key of the child of a foreign key, which is this relation, in a row `t` of the described view, as
    /// [`ForeignKey::row_text`] makes it; None if the view does not show it.
    pub fn row_text(&self, key: &ForeignKey) -> Option<String> {
        let columns = self.columns.as_ref()?;
        let shown: Vec<String> = key
            .row_key_columns()
            .iter()
            .map(|name| columns.get(name).cloned())
            .collect::<Option<_>>()?;
        (!shown.is_empty()).then(|| row_text(&shown))
    }

    /// A foreign key to it as one to the described relation; None if a column that it refers to is not there.
    pub fn key(&self, key: &ForeignKey) -> Option<ForeignKey> {
        let mut key = key.clone();
        if let Some(columns) = &self.columns {
            key.keys = key
                .keys
                .iter()
                .map(|name| columns.get(name).cloned())
                .collect::<Option<_>>()?;
        }
        Some(key)
    }

    /// Its rows as a FROM item, and a condition on the rows `t` of that item.
    pub fn rows(&self, described: &Table) -> (String, String) {
        if self.parts.is_empty() || self.columns.is_some() {
            return (rows_of(described), "true".to_owned());
        }
        let parts: Vec<String> = self.parts.iter().map(Oid::to_string).collect();
        let parts = format!(
            "t.tableoid OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.oid[])",
            parts.join(",")
        );
        (rows_of(described), parts)
    }

    /// The error for a key to a column that a view does not show (0A000): the rows that it would delete or change cannot be found.
    pub fn hidden(&self, view: &Table, store: &Store, key: &ForeignKey) -> Error {
        Error::new(
            Code::Unsupported,
            format!(
                "foreign key \"{}\" of {} refers to columns of {} that the view {} does not show",
                key.name, key.child_name, self.name, view.sql_name
            ),
        )
        .detail(format!(
            "Its columns: {}. It would delete or change rows with those of the project, and whose they are cannot be found.",
            key.keys.join(", ")
        ))
        .hint(format!(
            "Let the view show the columns, or describe the table instead of the view: SELECT clone.store_table({}, {}, …).",
            quote::literal(&store.name),
            quote::literal(&self.name)
        ))
    }
}
