//! The order of rows by their keys. Numbers of a sequence and UUIDs of version 7 are given in the order of the source's keys: the n-th row of
//! the clone is the copy of the n-th row of the source. So rows with the same content are told apart.

use super::Contents;
use crate::pg::query::row::Row;
use crate::pg::query::{exists, for_each_row};
use crate::verify::key_sets::hash;
use crate::verify::references::Pair;
use pg_clone_core::error::Result;
use pg_clone_core::ids::{Id, is_time_ordered};
use pg_clone_core::plan::{ColumnRole, KeyKind, SourceQuery, Table, TableRole, quote};
use std::mem::size_of_val;

/// The keys of a table's rows in order, of the source and of the clone.
pub struct Order {
    /// The key's column, as SQL with the type in which it is read.
    column: String,
    source: Keys,
    clone: Keys,
    /// Rows of the clone that have other contents than those of the source at the same place.
    pub differing: usize,
}

enum Keys {
    Numbers(Vec<i64>),
    Uuids(Vec<Id>),
}

impl Keys {
    fn bytes(&self) -> usize {
        match self {
            Keys::Numbers(keys) => size_of_val(keys.as_slice()),
            Keys::Uuids(keys) => size_of_val(keys.as_slice()),
        }
    }

    fn place(&self, row: &Row<'_>, at: usize) -> Option<usize> {
        match self {
            Keys::Numbers(keys) => row.bigint(at).and_then(|key| keys.binary_search(&key).ok()),
            Keys::Uuids(keys) => row.uuid(at).and_then(|key| keys.binary_search(&key).ok()),
        }
    }
}

impl Order {
    /// The order of a table's rows; `None` if the keys of the clone do not follow it, or if they take more than `budget` bytes.
    pub fn of(pair: &Pair<'_>, contents: &Contents, table: &Table, budget: usize) -> Result<Option<Order>> {
        let Some((column, kind)) = key_in_order(pair, table)? else {
            return Ok(None);
        };
        let rows =
            usize::try_from(pair.rows.get(&table.sql_name).copied().unwrap_or(0)).unwrap_or(usize::MAX);
        // While they are read, keys have the hashes of their rows beside them.
        if rows.saturating_mul(2 * size_of::<(Id, i64)>()) > budget {
            return Ok(None);
        }
        let read = |of_clone| -> Result<(Keys, Vec<i64>)> {
            Ok(match kind {
                KeyKind::Uuid => {
                    let (keys, rows) =
                        read_sorted(pair, contents, table, &column, of_clone, |row| row.uuid(0))?;
                    (Keys::Uuids(keys), rows)
                }
                _ => {
                    let (keys, rows) =
                        read_sorted(pair, contents, table, &column, of_clone, |row| row.bigint(0))?;
                    (Keys::Numbers(keys), rows)
                }
            })
        };
        let ((source, of_source), (clone, of_clone)) = (read(false)?, read(true)?);
        if let (Keys::Uuids(source), Keys::Uuids(clone)) = (&source, &clone)
            && !follow(source, clone)
        {
            return Ok(None);
        }
        let differing = of_source
            .iter()
            .zip(&of_clone)
            .filter(|(one, other)| one != other)
            .count();
        Ok(Some(Order {
            column,
            source,
            clone,
            differing,
        }))
    }

    /// The bytes that the keys take.
    pub fn bytes(&self) -> usize {
        self.source.bytes() + self.clone.bytes()
    }

    /// The key's column, as SQL with the type in which it is read.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// The content with the place of the row whose key is in a column of `row`.
    pub fn with_place(&self, content: i64, row: &Row<'_>, at: usize, of_clone: bool) -> i64 {
        let keys = if of_clone { &self.clone } else { &self.source };
        hash((content, keys.place(row, at))).cast_signed()
    }
}

/// The key whose new values a run gives in the order of the old ones.
fn key_in_order(pair: &Pair<'_>, table: &Table) -> Result<Option<(String, KeyKind)>> {
    // The rows of a refresh have the keys that their predecessors had.
    if pair.replaced || table.role == TableRole::Project {
        return Ok(None);
    }
    let Some(id) = table.id_column.as_deref().and_then(|id| table.column(id)) else {
        return Ok(None);
    };
    let holds_another = table
        .key_ref(&id.name)
        .is_none_or(|own| id.keys.holds.is_some_and(|holds| holds != own));
    if !matches!(id.role, ColumnRole::Key | ColumnRole::Map(None))
        || id.generated
        || holds_another
        || table.makes_key_of_others(&id.name)
    {
        return Ok(None);
    }
    let column = |type_name: &str| format!("t.{}::pg_catalog.{type_name}", quote::identifier(&id.name));
    Ok(match (KeyKind::of(&id.type_name), &id.keys.sequence) {
        (KeyKind::Int, Some(sequence)) if ascends(sequence)? => Some((column("int8"), KeyKind::Int)),
        (KeyKind::Uuid, _) => Some((column("uuid"), KeyKind::Uuid)),
        _ => None,
    })
}

/// Whether a sequence only counts up. It may be in a schema that the role may not use.
fn ascends(sequence: &str) -> Result<bool> {
    exists(&SourceQuery::over("pg_catalog.pg_sequence").filter(format!(
        "t.seqincrement OPERATOR(pg_catalog.>) 0::pg_catalog.int8 AND NOT t.seqcycle AND t.seqrelid OPERATOR(pg_catalog.=) ANY (SELECT c.oid FROM pg_catalog.pg_class AS c \
         JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace WHERE c.relkind OPERATOR(pg_catalog.=) 'S' \
         AND pg_catalog.format('%I.%I', n.nspname, c.relname) OPERATOR(pg_catalog.=) {})",
        quote::literal(sequence)
    )))
}

/// Whether the UUIDs of a clone, both sorted, were given in the order of the source's: of those of version 7 a clone has contiguous ones, or
/// random ones with the same times.
fn follow(source: &[Id], clone: &[Id]) -> bool {
    let same_times = || {
        source.windows(2).all(|pair| pair[0][..8] < pair[1][..8])
            && source
                .iter()
                .zip(clone)
                .all(|(source, clone)| source[..8] == clone[..8])
    };
    let contiguous = || {
        clone
            .windows(2)
            .all(|pair| u128::from_be_bytes(pair[0]).wrapping_add(1) == u128::from_be_bytes(pair[1]))
    };
    source.len() == clone.len() && source.iter().all(is_time_ordered) && (contiguous() || same_times())
}

/// The keys of a project's rows in order, and the contents of these rows.
fn read_sorted<K: Ord>(
    pair: &Pair<'_>,
    contents: &Contents,
    table: &Table,
    column: &str,
    of_clone: bool,
    read: fn(&Row<'_>) -> Option<K>,
) -> Result<(Vec<K>, Vec<i64>)> {
    let Some(belongs) = contents.condition(pair, table, of_clone)? else {
        return Ok((Vec::new(), Vec::new()));
    };
    let sql = SourceQuery::over(&table.from_sql())
        .filter(belongs)
        .select(&format!("{column}, {}", contents.digest(table.oid)));
    let mut rows = Vec::new();
    for_each_row(&sql, &mut |row| {
        if let Some(row) = row
            && let Some(key) = read(row)
        {
            rows.push((key, row.bigint(1).unwrap_or(0)));
        }
        Ok(())
    })?;
    rows.sort_unstable();
    Ok(rows.into_iter().unzip())
}
