//! The keys that references may have, in memory, each with a hash of its row's content.

use super::contents::Contents;
use super::references::Pair;
use crate::pg::query::for_each_row;
use crate::pg::query::row::Row;
use crate::pg::value::datum;
use crate::run::keys::plain;
use pg_clone_core::error::Result;
use pg_clone_core::ids::{Id, IdMap, IdVersion, IntegerMap, Mapped, MappedInteger, NewIds, OutOfMemory};
use pg_clone_core::plan::{self, KeyKind, Oid, SourceQuery, Table, quote};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The keys of one column of a project's rows.
pub enum KeySet {
    /// Integers, and texts by their 64-bit hashes.
    Numbers(IntegerMap),
    /// UUIDs.
    Uuids(Box<IdMap>),
}

/// A value that may be a key.
#[derive(Clone, Copy)]
pub enum Value {
    /// An integer, or the hash of a text.
    Number(i64),
    /// A UUID.
    Uuid(Id),
}

impl Value {
    /// Reads the value of a column with this kind and type.
    pub fn read(row: &Row<'_>, place: usize, kind: KeyKind, type_name: &str) -> Result<Option<Value>> {
        Ok(match kind {
            KeyKind::Uuid => row.uuid(place).map(Value::Uuid),
            KeyKind::Int => row
                .value(place)
                .map(|value| Value::Number(datum::read_integer(value))),
            KeyKind::Text => row
                .text(place)?
                .map(|text| Value::Number(hash(plain(&text, type_name)).cast_signed())),
        })
    }

    /// A hash of the value.
    pub fn hash(&self) -> u64 {
        match self {
            Value::Number(number) => hash(number),
            Value::Uuid(id) => hash(id),
        }
    }
}

/// A hash that is the same in every process.
pub fn hash(value: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}

/// The keys of the tables of a clone and its source, each read once.
pub struct KeySets {
    sets: HashMap<(Oid, String, bool), Option<KeySet>>,
    /// References whose referenced rows are part of the content of a table's rows.
    followed: HashMap<Oid, Vec<Followed>>,
    budget: usize,
}

/// A reference that names the same rows in the clone as in its source.
pub struct Followed {
    /// The column that refers.
    pub column: String,
    /// The kind of its values.
    pub kind: KeyKind,
    /// The referenced table and column.
    pub parent: (Oid, String),
}

impl KeySets {
    /// Empty sets that use at most `budget` bytes; keys that do not fit are not read.
    pub fn new(budget: usize) -> Self {
        KeySets {
            sets: HashMap::new(),
            followed: HashMap::new(),
            budget,
        }
    }

    /// Reads the keys of a column of the source's or the clone's rows. Returns false if they do not fit.
    pub fn read(
        &mut self,
        pair: &Pair<'_>,
        contents: &Contents,
        table: &Table,
        column: &str,
        of_clone: bool,
    ) -> Result<bool> {
        let name = (table.oid, column.to_owned(), of_clone);
        if let Some(known) = self.sets.get(&name) {
            return Ok(known.is_some());
        }
        let set = self.key_set(pair, contents, table, column, of_clone)?;
        if let Some(set) = &set {
            self.budget = self.budget.saturating_sub(set.bytes());
        }
        let read = set.is_some();
        self.sets.insert(name, set);
        Ok(read)
    }

    /// Reads a set; `None` if it does not fit into the budget.
    fn key_set(
        &self,
        pair: &Pair<'_>,
        contents: &Contents,
        table: &Table,
        column: &str,
        of_clone: bool,
    ) -> Result<Option<KeySet>> {
        let type_name = table.type_of(column);
        let kind = KeyKind::of(type_name);
        let mut set = match kind {
            KeyKind::Uuid => KeySet::Uuids(Box::new(IdMap::new(
                NewIds::new(IdVersion::V4, 0, [0; 16]),
                self.budget,
            ))),
            _ => KeySet::Numbers(IntegerMap::new(self.budget)),
        };
        let project = if of_clone { pair.target } else { pair.source };
        let Some(belongs) = plan::condition(pair.store, table, project, pair.filled, true)? else {
            return Ok(Some(set));
        };
        let mut list = vec![
            format!("t.{}", quote::identifier(column)),
            contents.parts(table.oid),
        ];
        let followed: Vec<(&Followed, &KeySet, &str)> = self
            .followed
            .get(&table.oid)
            .into_iter()
            .flatten()
            .filter_map(|followed| {
                let (parent, key) = &followed.parent;
                let set = self.get(*parent, key, of_clone)?;
                Some((followed, set, table.type_of(&followed.column)))
            })
            .collect();
        list.extend(
            followed
                .iter()
                .map(|(followed, _, _)| format!("t.{}", quote::identifier(&followed.column))),
        );
        let sql = SourceQuery::over(&table.from_sql())
            .filter(belongs)
            .select(&list.join(", "));
        let mut fits = true;
        for_each_row(&sql, &mut |row| {
            if let Some(row) = row.filter(|_| fits)
                && let Some(value) = Value::read(row, 0, kind, type_name)?
            {
                let mut content = contents.of_row(table.oid, of_clone, row, 1);
                for (place, (followed, of_parents, type_name)) in followed.iter().enumerate() {
                    let parent = Value::read(row, place + 3, followed.kind, type_name)?;
                    let of_parent = parent.and_then(|value| of_parents.content_of(value));
                    content = hash((content, of_parent)).cast_signed();
                }
                fits = set.insert(value, content).is_ok();
            }
            Ok(())
        })?;
        Ok(fits.then_some(set))
    }

    /// From now on, rows of this table differ in content where the rows differ that they reference. Sets that were read before are
    /// read again.
    pub fn follow(&mut self, table: Oid, references: Vec<Followed>) {
        if references.is_empty() {
            return;
        }
        let read = self.sets.extract_if(|(oid, _, _), _| *oid == table);
        let freed: usize = read.map(|(_, set)| set.map_or(0, |set| set.bytes())).sum();
        self.budget += freed;
        self.followed.insert(table, references);
    }

    /// The keys of a column, if they were read.
    pub fn get(&self, table: Oid, column: &str, of_clone: bool) -> Option<&KeySet> {
        self.sets.get(&(table, column.to_owned(), of_clone))?.as_ref()
    }
}

impl KeySet {
    /// The hash of the content of the row with this key; `None` if the project has no such row.
    pub fn content_of(&self, value: Value) -> Option<i64> {
        match (self, value) {
            (KeySet::Numbers(map), Value::Number(number)) => match map.get(number) {
                MappedInteger::Cloned(content) => Some(content),
                _ => None,
            },
            (KeySet::Uuids(map), Value::Uuid(id)) => match map.get(&id) {
                Mapped::Cloned(content) => content.first_chunk().map(|bytes| i64::from_le_bytes(*bytes)),
                _ => None,
            },
            _ => None,
        }
    }

    fn bytes(&self) -> usize {
        match self {
            KeySet::Numbers(map) => map.bytes(),
            KeySet::Uuids(map) => map.bytes(),
        }
    }

    fn insert(&mut self, value: Value, content: i64) -> std::result::Result<(), OutOfMemory> {
        match (self, value) {
            (KeySet::Numbers(map), Value::Number(number)) => map.insert(number, content),
            (KeySet::Uuids(map), Value::Uuid(id)) => {
                let mut bytes = Id::default();
                bytes[..8].copy_from_slice(&content.to_le_bytes());
                map.insert_as(id, bytes)
            }
            _ => Ok(()),
        }
    }
}
