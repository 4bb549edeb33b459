//! What rows are referenced by. Rows with the same content are told apart by the rows that reference them: two that reference one row
//! must do so in the clone, too.

use super::Check;
use super::key_sets::{Value, hash};
use super::references::Pair;
use pg_clone_core::error::Result;
use pg_clone_core::ids::Id;
use pg_clone_core::plan::Oid;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Bytes of an entry, with the free places of the table.
const BYTES: usize = 48;

/// A referenced row: its table, and a sum over what references it.
type Referenced = (Oid, u64);

/// The rows of source and clone that are referenced, by a hash of their key.
pub struct Incoming {
    source: HashMap<u64, Referenced>,
    clone: HashMap<u64, Referenced>,
    /// Tables of which references differ, which other checks say.
    told: HashSet<Oid>,
    all_told: bool,
    most: usize,
}

impl Incoming {
    /// Without rows; more than fit into so many bytes are not compared.
    pub fn new(budget: usize) -> Self {
        Incoming {
            source: HashMap::new(),
            clone: HashMap::new(),
            told: HashSet::new(),
            all_told: false,
            most: budget / BYTES,
        }
    }

    /// The key in a column of a table. A UUID is one wherever it stands.
    pub fn key(parent: Oid, column: &str, value: Value) -> u64 {
        match value {
            Value::Uuid(id) => Self::key_of_uuid(&id),
            Value::Number(number) => hash((parent, column, number)),
        }
    }

    /// The same of a UUID.
    pub fn key_of_uuid(id: &Id) -> u64 {
        hash(id)
    }

    /// Adds a reference to a row: a hash of both rows.
    pub fn add(&mut self, of_clone: bool, parent: Oid, key: u64, rows: u64) {
        if self.all_told {
            return;
        }
        let referenced = if of_clone {
            &mut self.clone
        } else {
            &mut self.source
        };
        let (_, sum) = referenced.entry(key).or_insert((parent, 0));
        *sum = sum.wrapping_add(rows);
        if self.source.len() + self.clone.len() > self.most {
            self.leave_out_all();
        }
    }

    /// References to rows of these tables differ, or may differ.
    pub fn leave_out(&mut self, parents: impl Iterator<Item = Oid>) {
        self.told.extend(parents);
    }

    /// The same for all tables.
    pub fn leave_out_all(&mut self) {
        self.all_told = true;
        self.source = HashMap::new();
        self.clone = HashMap::new();
    }

    /// One failed check for each table of which rows are referenced by others than in the source.
    pub fn check(self, pair: &Pair<'_>, checks: &mut Vec<Check>) -> Result<()> {
        if self.all_told {
            return Ok(());
        }
        let mut rows: HashMap<Referenced, i64> = HashMap::new();
        for (referenced, n) in [(self.clone, 1), (self.source, -1)] {
            for entry in referenced.into_values() {
                *rows.entry(entry).or_default() += n;
            }
        }
        let mut differing: BTreeMap<&str, i64> = BTreeMap::new();
        for ((parent, _), n) in rows {
            if n > 0
                && !self.told.contains(&parent)
                && let Some(table) = pair.store.table(parent)
            {
                *differing.entry(&table.sql_name).or_default() += n;
            }
        }
        let changed = !differing.is_empty() && pair.any_changed(pair.store.tables.iter())?;
        checks.extend(differing.into_iter().map(|(table, rows)| Check {
            name: "rows are referenced by the same rows as in the source".into(),
            subject: table.to_owned(),
            expected: "all".to_owned(),
            found: match changed {
                true => format!("{rows} by others; rows of the source were written since"),
                false => format!("{rows} by others"),
            },
            ok: changed,
        }));
        Ok(())
    }
}
