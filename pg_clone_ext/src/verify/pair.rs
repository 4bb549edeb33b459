//! A clone and its source, and what references of both name.

use crate::pg::query::count;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Oid, SourceQuery, Store, Table};
use std::collections::{BTreeMap, HashMap, HashSet};

/// A clone and its source.
pub struct Pair<'a> {
    /// The store.
    pub store: &'a Store,
    /// The number of the run.
    pub number: &'a str,
    /// The name that was given to the clone.
    pub name: Option<&'a str>,
    /// The source project.
    pub source: &'a str,
    /// The clone.
    pub target: &'a str,
    /// Tables with rows.
    pub filled: &'a HashSet<Oid>,
    /// Occurrences of references that the run left at the source's rows.
    pub dangling: i64,
    /// Whether these became NULL, or were removed.
    pub dangling_nulls: bool,
    /// Rows that the run wrote, by table.
    pub rows: &'a BTreeMap<String, i64>,
    /// Tables that inherit from each other.
    pub relatives: &'a HashMap<Oid, Vec<Oid>>,
    /// Number of rows of each table that are checked; `None`: all.
    pub sample: Option<i64>,
    /// The clone has all rows of the source.
    pub whole: bool,
    /// The clone has replaced an earlier one, of which it has keys.
    pub replaced: bool,
    /// This transaction has made the clone.
    pub now: bool,
    /// Transactions since the clone was made; `None` if that is not known.
    pub age: Option<i64>,
    /// Whether further rows are wanted: those that triggers have added (`options.triggers` = `fire`), those that a refresh has kept.
    pub may_be_more: bool,
}

/// Counts of the rows that references of one project's rows name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Rows of the project itself.
    pub own: i64,
    /// Rows of the other project of source and clone.
    pub other: i64,
    /// Rows of neither.
    pub others: i64,
    /// A sum over the contents of rows and the others' values.
    pub digest: String,
    /// A sum over the contents of rows and of the project's own rows that they reference; 0 if they are not compared.
    pub pairs: u64,
    /// The same of the rows of the other project that they reference.
    pub pairs_of_other: u64,
}

impl Named {
    /// Whether a clone names what its source names, apart from references that dangle and still name the source's rows.
    pub fn same_but_dangling(&self, of_source: &Named, compares: bool) -> bool {
        self.own + self.other == of_source.own
            && (!compares || self.pairs.wrapping_add(self.pairs_of_other) == of_source.pairs)
    }
}

/// Rows of a table of the source that were written since the clone.
#[derive(Clone, Copy)]
pub struct Changed(i64);

impl Changed {
    /// None.
    pub const NONE: Changed = Changed(0);

    /// Whether they may be the reason why so many rows differ.
    pub fn explain(self, differing: i64) -> bool {
        differing <= self.0
    }

    /// What was found, with their number.
    pub fn said(self, found: String) -> String {
        match self.0 {
            0 => found,
            rows => format!("{found}; {rows} rows of the source were written since"),
        }
    }
}

impl Pair<'_> {
    /// Whether rows of one of these tables of the source were written since the clone.
    pub fn any_changed<'t>(&self, tables: impl Iterator<Item = &'t Table>) -> Result<bool> {
        for table in tables.filter(|table| !table.empty) {
            if self.changed(table)?.explain(1) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// How many rows of a table of the source were written since the clone. They are compared like the others: that they differ is no fault
    /// of the clone.
    pub fn changed(&self, table: &Table) -> Result<Changed> {
        let Some(age) = self
            .age
            .filter(|_| !self.now && matches!(table.kind.as_str(), "r" | "p"))
        else {
            return Ok(Changed::NONE);
        };
        let Some(belongs) = plan::condition(self.store, table, self.source, self.filled, false)? else {
            return Ok(Changed::NONE);
        };
        let since = format!("({belongs}) AND pg_catalog.age(t.xmin) OPERATOR(pg_catalog.<=) {age}");
        count(&SourceQuery::over(&table.from_sql()).filter(since)).map(Changed)
    }
}

impl Named {
    /// The number of rows of neither project that are named, for a check.
    pub fn found_others(&self, same: bool) -> String {
        if same {
            self.others.to_string()
        } else {
            format!("{}, not the same ones", self.others)
        }
    }
}
