//! The rows of a project, and the references between them.

use super::Node;
use crate::pg::query::for_each_row;
use crate::run::any_reference::AnyReference;
use crate::run::document_keys::{parts, texts_at};
use crate::verify::column_references::{ColumnReference, of_column};
use crate::verify::contents::Contents;
use crate::verify::key_sets::{Value, hash};
use crate::verify::references::Pair;
use crate::verify::uuid_values;
use crate::verify::values::rewritten_columns::Read;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, KeyKind, ReferenceForm, SourceQuery, Table, quote};
use pg_clone_core::rules::DocumentPath;
use pg_clone_core::scan;
use std::collections::HashMap;

/// What identifies a row of a table `t` within a snapshot, as SQL of type `bigint`.
const ROW: &str = "pg_catalog.hashtidextended(t.ctid, t.tableoid::pg_catalog.int8)";

/// The rows of one project.
#[derive(Default)]
pub struct Side {
    /// For each row its table, and a hash of what is known of it.
    pub rows: Vec<(u32, u64)>,
    by_row: HashMap<i64, u32>,
    /// Rows by their keys.
    by_key: HashMap<u64, u32>,
    /// Row, key and place of references.
    by_keys: Vec<(u32, u64, u64)>,
    /// From row, to row, place.
    edges: Vec<(u32, u32, u64)>,
}

impl Side {
    /// The number of rows, keys and references.
    pub fn size(&self) -> usize {
        self.rows.len() + self.by_key.len() + self.by_keys.len() + self.edges.len()
    }

    /// Reads the rows of a table. `hashes`: for each row, what each of the columns says whose values are compared in part.
    pub fn read(
        &mut self,
        pair: &Pair<'_>,
        contents: &Contents,
        node: &Node<'_>,
        (place, of_clone): (u32, bool),
        hashes: &mut Vec<u64>,
    ) -> Result<()> {
        let table = node.table;
        let Some(belongs) = contents.condition(pair, table, of_clone)? else {
            return Ok(());
        };
        let followed: Vec<ColumnReference<'_>> = node
            .references
            .iter()
            .filter_map(|reference| of_column(pair, table, reference))
            .collect();
        let column = |name: &str| format!("t.{}", quote::identifier(name));
        let mut list = vec![ROW.to_owned(), contents.parts(table.oid)];
        // The second part is two columns.
        let keys = 3;
        list.extend(node.keys.iter().map(|name| column(name)));
        let uuids = keys + node.keys.len();
        list.extend(node.uuids.iter().map(|name| table.text_of("t", name)));
        let references = uuids + node.uuids.len();
        for followed in &followed {
            list.push(column(followed.column));
            list.push(match &followed.reference.condition {
                Some(condition) => format!("({condition})"),
                None => "true".to_owned(),
            });
        }
        let made = references + 2 * followed.len();
        list.extend(node.made.columns().map(|name| table.text_of("t", name)));
        let read = made + node.made.len();
        list.extend(
            node.read
                .iter()
                .map(|read| uuid_values::as_read(table, read.column)),
        );
        list.extend(node.read.iter().flat_map(Read::conditions));
        let sql = SourceQuery::over(&table.from_sql())
            .filter(belongs)
            .select(&list.join(", "));
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            let content = contents.of_row(table.oid, of_clone, row, 1);
            let from = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
            self.rows.push((place, hash((table.oid, content))));
            self.by_row.insert(row.bigint(0).unwrap_or(0), from);
            for (at, name) in node.keys.iter().enumerate() {
                let type_name = table.type_of(name);
                if let Some(value) = Value::read(row, keys + at, KeyKind::of(type_name), type_name)? {
                    self.by_key.insert(hash((table.oid, *name, value.hash())), from);
                }
            }
            for at in 0..node.uuids.len() {
                if let Some(bytes) = row.bytes(uuids + at)
                    && let Some((_, id)) = scan::uuids(bytes).next()
                {
                    self.by_key.insert(hash(id), from);
                }
            }
            for (at, followed) in followed.iter().enumerate() {
                let type_name = table.type_of(followed.column);
                if row.boolean(references + 2 * at + 1)
                    && let Some(value) = Value::read(row, references + 2 * at, followed.kind, type_name)?
                {
                    let key = hash((followed.reference.parent, followed.key, value.hash()));
                    self.by_keys.push((from, key, hash((table.oid, followed.column))));
                }
            }
            node.made.add_hashes(pair, of_clone, row, made, hashes)?;
            let mut conditions = read + node.read.len();
            for (at, column) in node.read.iter().enumerate() {
                let applies = |path: usize| row.boolean(conditions + path);
                let is_uuid = column.column.type_name == "uuid";
                let bytes = if is_uuid { None } else { row.bytes(read + at) };
                hashes.push(match bytes {
                    Some(bytes) if column.compares => hash(column.beside_keys(bytes, applies)?.hash),
                    _ => 0,
                });
                conditions += column.paths.len();
                if !column.follows {
                    continue;
                }
                let label = |number: usize| hash((table.oid, &column.column.name, number));
                if is_uuid {
                    let id = row.uuid(read + at);
                    self.by_keys.extend(id.map(|id| (from, hash(id), label(0))));
                }
                let Some(bytes) = bytes else { continue };
                let has_names = column.has_keys_as_names(bytes)?;
                for (number, (_, id)) in scan::uuids(bytes).enumerate() {
                    let number = if has_names { 0 } else { number };
                    self.by_keys.push((from, hash(id), label(number)));
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    /// References by keys become references to rows.
    pub fn resolve(&mut self) {
        for (from, key, place) in std::mem::take(&mut self.by_keys) {
            if let Some(to) = self.by_key.get(&key) {
                self.edges.push((from, *to, place));
            }
        }
        self.by_key = HashMap::new();
    }

    /// Follows references that are more than a column with a key: those of several columns, in arrays, paths and documents.
    pub fn follow_others(
        &mut self,
        pair: &Pair<'_>,
        contents: &Contents,
        node: &Node<'_>,
        of_clone: bool,
    ) -> Result<()> {
        let Some(belongs) = contents.condition(pair, node.table, of_clone)? else {
            return Ok(());
        };
        for reference in &node.references {
            if of_column(pair, node.table, reference).is_some() {
                continue;
            }
            let project = if of_clone { pair.target } else { pair.source };
            let Some(parent) = pair.store.table(reference.parent) else {
                continue;
            };
            let Some(of_parent) = plan::condition(pair.store, parent, project, pair.filled, true)? else {
                continue;
            };
            match &reference.form {
                ReferenceForm::Json(path) => {
                    self.follow_document(pair, node.table, reference, path, (&belongs, project))?;
                }
                _ => self.follow_columns(pair, (node.table, parent), reference, (&belongs, &of_parent))?,
            }
        }
        Ok(())
    }

    fn follow_columns(
        &mut self,
        pair: &Pair<'_>,
        (table, parent): (&Table, &Table),
        reference: &AnyReference,
        (belongs, of_parent): (&str, &str),
    ) -> Result<()> {
        let (from, values) = reference.values(pair.store, table);
        let condition = reference
            .condition
            .as_ref()
            .map_or(String::new(), |condition| format!(" AND ({condition})"));
        let place = match reference.form {
            ReferenceForm::Array | ReferenceForm::Path(_) => "u.place",
            _ => "0::pg_catalog.int8",
        };
        let named = |values: Vec<String>, name: &str| {
            let named = values.iter().enumerate();
            let named: Vec<String> = named
                .map(|(place, value)| format!("{value} AS {name}{place}"))
                .collect();
            named.join(", ")
        };
        let keys = reference.parent_columns.iter();
        let keys = keys.map(|column| reference.key(parent, column)).collect();
        let on: Vec<String> = reference
            .operators
            .iter()
            .chain(std::iter::repeat(&reference.operators[0]))
            .take(values.len())
            .enumerate()
            .map(|(place, operator)| format!("s.k{place} {operator} v.c{place}"))
            .collect();
        let sql = format!(
            "SELECT v.r, s.r, v.place FROM (SELECT {}, {ROW} AS r, {place} AS place FROM {} AS t{from} WHERE {belongs}{condition}) AS v \
             JOIN (SELECT {}, {ROW} AS r FROM {} AS t WHERE {of_parent}) AS s ON {}",
            named(values, "c"),
            table.from_sql(),
            named(keys, "k"),
            parent.from_sql(),
            on.join(" AND ")
        );
        let label = hash((table.oid, &reference.columns, parent.oid));
        for_each_row(&sql, &mut |row| {
            if let Some(row) = row
                && let (Some(from), Some(to)) = (row.bigint(0), row.bigint(1))
                && let (Some(from), Some(to)) = (self.by_row.get(&from), self.by_row.get(&to))
            {
                self.edges.push((*from, *to, hash((label, row.bigint(2)))));
            }
            Ok(())
        })?;
        Ok(())
    }

    fn follow_document(
        &mut self,
        pair: &Pair<'_>,
        table: &Table,
        reference: &AnyReference,
        path: &str,
        (belongs, project): (&str, &str),
    ) -> Result<()> {
        let mut keys: HashMap<String, i64> = HashMap::new();
        let first = reference
            .parent_columns
            .first()
            .map(|column| (reference.parent, column.clone()));
        for (oid, column) in first.iter().chain(&reference.or_of) {
            let Some(parent) = pair.store.table(*oid) else {
                continue;
            };
            let Some(condition) = plan::condition(pair.store, parent, project, pair.filled, true)? else {
                continue;
            };
            let rows = SourceQuery::over(&parent.from_sql()).filter(condition);
            let sql = rows.select(&format!("{}, {ROW}", reference.key(parent, column)));
            for_each_row(&sql, &mut |row| {
                if let Some(row) = row
                    && let (Some(key), Some(to)) = (row.text(0)?, row.bigint(1))
                {
                    keys.insert(key.into_owned(), to);
                }
                Ok(())
            })?;
        }
        let column = reference.columns.first().map_or("", String::as_str);
        let ordered = !(path.contains("..") || path.contains(".*") || path.contains('~'));
        let label = hash((table.oid, column, path));
        let path = DocumentPath::of_column(column, path)?;
        let condition = reference
            .condition
            .as_ref()
            .map_or(String::new(), |condition| format!(" AND ({condition})"));
        let sql = format!(
            "SELECT {ROW}, {} FROM {} AS t WHERE {belongs}{condition} AND t.{} IS NOT NULL",
            table.text_of("t", column),
            table.from_sql(),
            quote::identifier(column)
        );
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            let (Some(from), Some(bytes)) = (row.bigint(0), row.bytes(1)) else {
                return Ok(());
            };
            let Some(from) = self.by_row.get(&from).copied() else {
                return Ok(());
            };
            for (number, text) in texts_at(&path, bytes)?.into_iter().enumerate() {
                let number = if ordered { number } else { 0 };
                for part in parts(&text, reference) {
                    let to = keys.get(part.as_ref()).and_then(|to| self.by_row.get(to));
                    if let Some(to) = to.copied() {
                        self.edges.push((from, to, hash((label, number))));
                    }
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    /// What is known of each row after a further step along its references.
    pub fn step(&mut self) {
        let mut found = vec![(0u64, 0u64); self.rows.len()];
        for (from, to, place) in &self.edges {
            let (from, to) = (*from as usize, *to as usize);
            let (of_from, of_to) = (self.rows[from].1, self.rows[to].1);
            found[from].0 = found[from].0.wrapping_add(mixed(*place, of_to));
            found[to].1 = found[to].1.wrapping_add(mixed(!*place, of_from));
        }
        for ((_, row), (references, referenced)) in self.rows.iter_mut().zip(found) {
            *row = mixed(mixed(*row, references), referenced);
        }
    }
}

/// A hash of two.
pub fn mixed(one: u64, other: u64) -> u64 {
    let mut value = one.rotate_left(29) ^ other.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    value = (value ^ (value >> 32)).wrapping_mul(0xd6e8_feb8_6659_fd93);
    value = (value ^ (value >> 29)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    value ^ (value >> 32)
}
