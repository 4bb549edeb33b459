//! References with one column and one key of the same kind: those of a table are followed in one pass over its rows.

use super::contents::Contents;
use super::incoming::Incoming;
use super::key_sets::{KeySet, KeySets, Value, hash};
use super::references::{Named, Pair};
use crate::pg::query::for_each_row;
use crate::run::any_reference::{AnyReference, follows_source};
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, EQUAL, KeyKind, Oid, ReferenceForm, SourceQuery, Table, TableRole, quote};
use std::collections::HashMap;

/// Number of the next references with which each one is compared in the same row.
pub const NEIGHBOURS: usize = 4;

/// What the references of a table name.
pub struct NamedTogether {
    /// The rows that each one names.
    pub named: Vec<Named>,
    /// For each reference and the next [`NEIGHBOURS`]: a sum over the rows in which both are set. It differs where rows have the
    /// right sets of references in the wrong combinations, as in a table that only links others.
    pub together: Vec<u64>,
}

/// A value of a reference, and whether it may hold a key beside other text.
type InColumn = (Value, bool);

/// A reference that is followed in one pass with others.
#[derive(Clone, Copy)]
pub struct ColumnReference<'r> {
    /// The reference.
    pub reference: &'r AnyReference,
    /// The column that refers.
    pub column: &'r str,
    /// The referenced column.
    pub key: &'r str,
    /// The kind of both.
    pub kind: KeyKind,
}

/// The reference, if one column and one key of the same kind decide it. Beside them there may be the columns of the tenant: within
/// a project they have one value.
pub fn of_column<'r>(
    pair: &Pair<'_>,
    table: &Table,
    reference: &'r AnyReference,
) -> Option<ColumnReference<'r>> {
    let parent = pair.store.table(reference.parent);
    let is_tenant = |(column, key): &(&String, &String)| {
        table.project_column.as_ref() == Some(*column)
            && parent.is_some_and(|parent| parent.project_column.as_ref() == Some(*key))
    };
    let pairs = || reference.columns.iter().zip(&reference.parent_columns);
    let several = reference.columns.len() > 1;
    let mut decisive = pairs()
        .zip(&reference.operators)
        .filter(|(pair, _)| !(several && is_tenant(pair)));
    let (Some(((column, key), operator)), None) = (decisive.next(), decisive.next()) else {
        return None;
    };
    if reference.columns.len() != reference.operators.len() {
        return None;
    }
    if pair.relatives.contains_key(&reference.parent) {
        return None;
    }
    let own = table.type_of(column);
    // Of a table that the store does not have, no keys are read.
    let type_of_key = parent.map_or(own, |parent| parent.type_of(key));
    let kind = KeyKind::of(own);
    let alike = kind == KeyKind::of(type_of_key)
        && (kind != KeyKind::Text || is_plain_text(own) && is_plain_text(type_of_key));
    (alike && reference.form == ReferenceForm::Column && !reference.as_text && operator == EQUAL).then_some(
        ColumnReference {
            reference,
            column,
            key,
            kind,
        },
    )
}

/// Whether equality of this text type is equality of bytes.
fn is_plain_text(type_name: &str) -> bool {
    plan::is_text(type_name) && !type_name.ends_with("citext")
}

/// Follows references in the rows of a table.
pub struct Columns<'a> {
    /// Source and clone.
    pub pair: &'a Pair<'a>,
    /// The columns that distinguish rows.
    pub contents: &'a Contents,
    /// The table.
    pub table: &'a Table,
    /// Those of its references that one column decides.
    pub references: Vec<ColumnReference<'a>>,
}

impl Columns<'_> {
    /// Reads the keys that they may have; references whose keys do not fit into memory are left out.
    pub fn read_keys(&mut self, keys: &mut KeySets) -> Result<()> {
        let mut fit = Vec::new();
        for followed in std::mem::take(&mut self.references) {
            let Some(parent) = self.pair.store.table(followed.reference.parent) else {
                fit.push(followed);
                continue;
            };
            if keys.read(self.pair, self.contents, parent, followed.key, true)?
                && keys.read(self.pair, self.contents, parent, followed.key, false)?
            {
                fit.push(followed);
            }
        }
        self.references = fit;
        Ok(())
    }

    /// The keys of the own and of the other project, for each reference.
    fn sets<'k>(&self, keys: &'k KeySets, of_clone: bool) -> Vec<(Option<&'k KeySet>, Option<&'k KeySet>)> {
        self.references
            .iter()
            .map(|followed| {
                let parent = followed.reference.parent;
                (
                    keys.get(parent, followed.key, of_clone),
                    keys.get(parent, followed.key, !of_clone),
                )
            })
            .collect()
    }

    /// The referenced tables of whose rows it is compared which rows reference them: not the project's, and not those that their order tells
    /// apart.
    fn referenced(&self) -> Vec<Option<Oid>> {
        let told_apart = |parent: &Oid| {
            self.contents.has_order(*parent)
                || self
                    .pair
                    .store
                    .table(*parent)
                    .is_none_or(|table| table.role == TableRole::Project)
        };
        let compared = self.contents.comparable(self.table.oid);
        let parents = self.references.iter().map(|followed| {
            (compared && follows_source(self.table, followed.reference)).then_some(followed.reference.parent)
        });
        parents
            .map(|parent| parent.filter(|parent| !told_apart(parent)))
            .collect()
    }

    /// The rows that each reference names, in rows of the clone or of the source. `None`: the table can have no row of the project.
    pub fn named(
        &self,
        keys: &KeySets,
        of_clone: bool,
        incoming: &mut Incoming,
    ) -> Result<Option<NamedTogether>> {
        let sets = self.sets(keys, of_clone);
        let referenced = self.referenced();
        let follows: Vec<bool> = self
            .references
            .iter()
            .map(|followed| follows_source(self.table, followed.reference))
            .collect();
        let mut found = vec![Named::default(); sets.len()];
        let mut digests = vec![0u64; sets.len()];
        let mut together = vec![0u64; sets.len() * NEIGHBOURS];
        let mut row_hashes = vec![0u64; sets.len()];
        let mut own_rows = vec![None; sets.len()];
        let read = self.each_row(of_clone, &mut |content, values| {
            row_hashes.fill(0);
            own_rows.fill(None);
            for (place, value) in values.iter().enumerate() {
                let Some((value, embeds)) = *value else { continue };
                let named = &mut found[place];
                let (own, other) = sets[place];
                // A key that clones keep is in both projects: it refers to the project's own row.
                if let Some(of_parent) = own.and_then(|set| set.content_of(value)) {
                    named.own += 1;
                    own_rows[place] = Some(of_parent);
                    row_hashes[place] = hash((content, of_parent));
                    named.pairs = named.pairs.wrapping_add(row_hashes[place]);
                } else if let Some(of_parent) = other.and_then(|set| set.content_of(value)) {
                    named.other += 1;
                    named.pairs_of_other = named.pairs_of_other.wrapping_add(hash((content, of_parent)));
                } else if !embeds {
                    named.others += 1;
                    row_hashes[place] = hash((content, value.hash(), false));
                    digests[place] = digests[place].wrapping_add(row_hashes[place]);
                }
            }
            for (place, parent) in referenced.iter().enumerate() {
                if let (Some(parent), Some((value, _)), Some(_)) = (parent, values[place], own_rows[place]) {
                    let row = row_hashes
                        .iter()
                        .zip(&follows)
                        .filter(|(_, follows)| **follows)
                        .fold(0u64, |sum, (hash, _)| sum.wrapping_add(*hash));
                    let key = Incoming::key(*parent, self.references[place].key, value);
                    let of_row = (self.table.oid, self.references[place].column, content, row);
                    incoming.add(of_clone, *parent, key, hash(of_row));
                }
            }
            for (place, first) in row_hashes.iter().enumerate().filter(|(_, hash)| **hash != 0) {
                for (second, sum) in row_hashes[place + 1..]
                    .iter()
                    .zip(&mut together[place * NEIGHBOURS..(place + 1) * NEIGHBOURS])
                    .filter(|(hash, _)| **hash != 0)
                {
                    *sum = sum.wrapping_add(hash((first, second)));
                }
            }
        })?;
        for (named, digest) in found.iter_mut().zip(digests) {
            named.digest = digest.to_string();
        }
        Ok(read.then_some(NamedTogether {
            named: found,
            together,
        }))
    }

    /// Number of the clone's rows whose referenced row differs in content from the one that the source's row references.
    pub fn differing(&self, keys: &KeySets, reference: usize) -> Result<i64> {
        let mut pairs: HashMap<u64, i64> = HashMap::new();
        for of_clone in [true, false] {
            let set = self.sets(keys, of_clone)[reference].0;
            self.each_row(of_clone, &mut |content, values| {
                if let Some((value, _)) = values[reference]
                    && let Some(of_parent) = set.and_then(|set| set.content_of(value))
                {
                    *pairs.entry(hash((content, of_parent))).or_default() += if of_clone { 1 } else { -1 };
                }
            })?;
        }
        Ok(pairs.values().filter(|n| **n > 0).sum())
    }

    /// Number of the clone's rows that reference a row of the source which the source's row does not reference.
    pub fn astray(&self, keys: &KeySets, reference: usize) -> Result<i64> {
        let (own, other) = self.sets(keys, true)[reference];
        let mut rows: HashMap<u64, i64> = HashMap::new();
        for of_clone in [true, false] {
            self.each_row(of_clone, &mut |content, values| {
                let Some((value, _)) = values[reference] else {
                    return;
                };
                let has = |set: Option<&KeySet>| set.is_some_and(|set| set.content_of(value).is_some());
                let row = hash((content, value.hash()));
                if of_clone && !has(own) && has(other) {
                    *rows.entry(row).or_default() += 1;
                } else if !of_clone && let Some(rows) = rows.get_mut(&row) {
                    *rows -= 1;
                }
            })?;
        }
        Ok(rows.values().filter(|n| **n > 0).sum())
    }

    /// Calls `each` with the hash of a row's content and, for each reference, the value and whether it may hold a key beside
    /// other text; false: the table can have no rows.
    fn each_row(&self, of_clone: bool, each: &mut dyn FnMut(i64, &[Option<InColumn>])) -> Result<bool> {
        let Some(belongs) = self.contents.condition(self.pair, self.table, of_clone)? else {
            return Ok(false);
        };
        let mut list = vec![self.contents.parts(self.table.oid)];
        let mut places = Vec::new();
        for ColumnReference {
            reference,
            column,
            kind,
            ..
        } in &self.references
        {
            list.push(format!("t.{}", quote::identifier(column)));
            // The first part is two columns.
            let value = list.len();
            let condition = reference.condition.as_ref().map(|condition| {
                list.push(format!("({condition})"));
                list.len()
            });
            let embedded = reference.embedded && *kind == KeyKind::Text;
            places.push((value, condition, *kind, self.table.type_of(column), embedded));
        }
        let sql = SourceQuery::over(&self.table.from_sql())
            .filter(belongs)
            .limit(self.pair.sample)
            .select(&list.join(", "));
        let mut values = Vec::with_capacity(places.len());
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            values.clear();
            for (value, condition, kind, type_name, embedded) in &places {
                let applies = condition.is_none_or(|at| row.boolean(at));
                let read = match applies {
                    true => Value::read(row, *value, *kind, type_name)?,
                    false => None,
                };
                values.push(match read {
                    Some(read) => Some((
                        read,
                        *embedded && row.text(*value)?.is_some_and(|text| plan::may_embed_key(&text)),
                    )),
                    None => None,
                });
            }
            each(self.contents.of_row(self.table.oid, of_clone, row, 0), &values);
            Ok(())
        })?;
        Ok(true)
    }
}
