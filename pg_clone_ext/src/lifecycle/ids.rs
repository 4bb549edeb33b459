//! Sets of ids, each with the table in which it is unique: the same integer is the key of rows in many tables.

use pg_clone_core::plan::{KeyKind, Oid, Store, Table};
use std::collections::{HashMap, HashSet};

/// The table, if its keys are unique only in it: integers, and texts of tables of custom or discovered stores.
pub fn table_of_keys(store: &Store, table: &Table) -> Option<Oid> {
    let id = table.id_column.as_deref()?;
    match KeyKind::of(table.type_of(id)) {
        KeyKind::Int => Some(table.oid),
        KeyKind::Text if store.follows_constraints() => Some(table.oid),
        _ => None,
    }
}

/// Ids by [`table_of_keys`].
#[derive(Debug, Clone, Default)]
pub struct Ids {
    by_table: HashMap<Option<Oid>, HashSet<String>>,
    /// Values of other unique columns of rows with these ids.
    values: HashMap<(Oid, String), Vec<String>>,
}

impl Ids {
    /// Adds an id that is unique in this table, or everywhere.
    pub fn insert(&mut self, table: Option<Oid>, id: String) {
        self.by_table.entry(table).or_default().insert(id);
    }

    /// Adds values of another unique column of a table.
    pub fn insert_values(&mut self, table: Oid, column: String, values: Vec<String>) {
        self.values.entry((table, column)).or_default().extend(values);
    }

    /// The values of another unique column of a table.
    pub fn values_of(&self, table: Oid, column: &str) -> &[String] {
        self.values
            .get(&(table, column.to_owned()))
            .map_or(&[], Vec::as_slice)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.by_table.values().all(HashSet::is_empty)
    }

    /// The ids of rows of a table. Ids that are unique everywhere may be those of other tables.
    pub fn of(&self, store: &Store, table: &Table) -> impl Iterator<Item = &String> {
        self.by_table
            .get(&table_of_keys(store, table))
            .into_iter()
            .flatten()
    }

    /// Whether a row of a table has one of them.
    pub fn has(&self, store: &Store, table: &Table, id: &str) -> bool {
        self.has_in(table_of_keys(store, table), id)
    }

    /// Whether it is one that is unique in this table, or everywhere.
    pub fn has_in(&self, table: Option<Oid>, id: &str) -> bool {
        self.by_table.get(&table).is_some_and(|ids| ids.contains(id))
    }

    /// Whether it is one of any table.
    pub fn has_anywhere(&self, id: &str) -> bool {
        self.by_table.values().any(|ids| ids.contains(id))
    }
}

impl FromIterator<(Option<Oid>, String)> for Ids {
    fn from_iter<T: IntoIterator<Item = (Option<Oid>, String)>>(ids: T) -> Self {
        let mut set = Ids::default();
        for (table, id) in ids {
            set.insert(table, id);
        }
        set
    }
}
