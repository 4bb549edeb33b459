//! The counts of a table's copy by resource type.

use crate::run::state::{Run, TableCounts};
use pg_clone_core::rewrite::{Counts, Dangling};
use std::collections::{BTreeMap, HashMap};

/// One type: the policy for its dangling references, and its counts.
struct OfType {
    name: String,
    dangling: Dangling,
    counts: TableCounts,
}

/// Counts by type. A type has a number, so that a row needs no look-up as long as the type is the same.
#[derive(Default)]
pub struct TypeCounts {
    types: Vec<OfType>,
    numbers: HashMap<String, usize>,
    current: usize,
}

impl TypeCounts {
    /// Whether this is the current type.
    pub fn is_current(&self, name: &str) -> bool {
        self.types
            .get(self.current)
            .is_some_and(|current| current.name == name)
    }

    /// The number of the current type.
    pub fn current(&self) -> usize {
        self.current
    }

    /// Makes a type the current one; returns its number.
    pub fn set_current(&mut self, run: &Run, name: &str) -> usize {
        let known = self.numbers.get(name).copied();
        self.current = known.unwrap_or_else(|| {
            self.types.push(OfType {
                name: name.to_owned(),
                dangling: run.dangling_of(name),
                counts: TableCounts::default(),
            });
            let number = self.types.len() - 1;
            self.numbers.insert(name.to_owned(), number);
            number
        });
        self.current
    }

    /// The policy for dangling references in documents of a type.
    pub fn dangling(&self, number: usize) -> Dangling {
        self.types[number].dangling
    }

    /// The counts of a type.
    pub fn of(&mut self, number: usize) -> &mut TableCounts {
        &mut self.types[number].counts
    }

    /// Adds a rewriter's counts to the current type, if there is one.
    pub fn add_to_current(&mut self, counts: &Counts) {
        if let Some(current) = self.types.get_mut(self.current) {
            current.counts.rewrite.add(counts);
        }
    }

    /// All of them, by name.
    pub fn into_map(self) -> BTreeMap<String, TableCounts> {
        self.types
            .into_iter()
            .filter(|of_type| of_type.counts.seen > 0)
            .map(|of_type| (of_type.name, of_type.counts))
            .collect()
    }
}
