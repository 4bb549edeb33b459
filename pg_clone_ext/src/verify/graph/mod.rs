//! Rows as a graph. Rows with the same content are told apart by the rows that they reference and by those that reference them, by these rows'
//! references, and so on, until no more are told apart. Then source and clone must have the same rows.

use super::Check;
use super::column_references::of_column;
use super::contents::Contents;
use super::references::Pair;
use super::uuid_values;
use super::values::made::MadeTexts;
use super::values::rewritten_columns::Read;
use crate::run::any_reference::{AnyReference, declared_references, follows_source};
use pg_clone_core::error::Result;
use pg_clone_core::plan::{Oid, Table, TableRole};
use rows::{Side, mixed};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Bytes of a reference or a key in memory.
const BYTES: usize = 48;

/// Rounds after which it is enough: a chain of equal rows needs one for each of half of them.
const ROUNDS: usize = 200;

/// A table with what is read of it.
struct Node<'a> {
    table: &'a Table,
    references: Vec<AnyReference>,
    read: Vec<Read<'a>>,
    made: MadeTexts<'a>,
    /// Columns whose values are keys that references have.
    keys: Vec<&'a str>,
    /// Columns whose UUIDs are keys.
    uuids: Vec<&'a str>,
}

/// A failed check for each table with rows that are connected in another way than the source's.
pub fn check(pair: &Pair<'_>, contents: &Contents, checks: &mut Vec<Check>) -> Result<()> {
    let tables = tables(pair, contents)?;
    if !tables.iter().any(|node| is_ambiguous(contents, node, &tables)) {
        return Ok(());
    }
    let budget = usize::try_from(crate::settings::max_memory_bytes()).unwrap_or(usize::MAX) / 4 / BYTES;
    let mut sides = [Side::default(), Side::default()];
    for (place, node) in tables.iter().enumerate() {
        let place = u32::try_from(place).unwrap_or(u32::MAX);
        let mut hashes = [Vec::new(), Vec::new()];
        for (side, (hashes, of_clone)) in sides.iter_mut().zip(hashes.iter_mut().zip([false, true])) {
            side.read(pair, contents, node, (place, of_clone), hashes)?;
        }
        add_same(&mut sides, place, &hashes, node.read.len() + node.made.len());
        if sides.iter().any(|side| side.size() > budget) {
            return Ok(());
        }
    }
    for (side, of_clone) in sides.iter_mut().zip([false, true]) {
        side.resolve();
        for node in &tables {
            side.follow_others(pair, contents, node, of_clone)?;
            if side.size() > budget {
                return Ok(());
            }
        }
    }
    let [source, clone] = &mut sides;
    let differing = refined(source, clone);
    let changed = !differing.is_empty() && pair.any_changed(tables.iter().map(|node| node.table))?;
    for (table, rows) in differing {
        checks.push(Check {
            name: "rows are connected as in the source".into(),
            subject: tables[table as usize].table.sql_name.clone(),
            expected: "all".to_owned(),
            found: match changed {
                true => format!("{rows} otherwise; rows of the source were written since"),
                false => format!("{rows} otherwise"),
            },
            ok: changed || rows <= pair.dangling.saturating_mul(2),
        });
    }
    Ok(())
}

/// The tables whose rows are compared.
fn tables<'a>(pair: &'a Pair<'_>, contents: &Contents) -> Result<Vec<Node<'a>>> {
    let mut nodes = Vec::new();
    for table in &pair.store.tables {
        let takes_part = !table.empty
            && contents.comparable(table.oid)
            && matches!(table.kind.as_str(), "r" | "p")
            && matches!(table.role, TableRole::Resource | TableRole::Derived)
            && table.version_path.is_none();
        if takes_part {
            let references = declared_references(pair.store, table);
            nodes.push(Node {
                table,
                references: references
                    .into_iter()
                    .filter(|reference| follows_source(table, reference))
                    .collect(),
                read: uuid_values::columns_of(pair, contents, table)?,
                made: MadeTexts::of(pair, table),
                keys: Vec::new(),
                uuids: table
                    .columns
                    .iter()
                    .filter(|column| uuid_values::is_key(table, column))
                    .map(|column| column.name.as_str())
                    .collect(),
            });
        }
    }
    let oids: HashMap<Oid, usize> = nodes
        .iter()
        .enumerate()
        .map(|(place, node)| (node.table.oid, place))
        .collect();
    let mut keys: Vec<HashSet<String>> = vec![HashSet::new(); nodes.len()];
    for node in &mut nodes {
        node.references
            .retain(|reference| oids.contains_key(&reference.parent));
        for reference in &node.references {
            if let Some(followed) = of_column(pair, node.table, reference)
                && let Some(keys) = oids.get(&reference.parent).and_then(|place| keys.get_mut(*place))
            {
                keys.insert(followed.key.to_owned());
            }
        }
    }
    for (node, keys) in nodes.iter_mut().zip(keys) {
        let columns = node.table.columns.iter().map(|column| column.name.as_str());
        node.keys = columns.filter(|name| keys.contains(*name)).collect();
    }
    Ok(nodes)
}

/// Whether rows of a table that others name may be alike: the order of their keys does not tell them apart.
fn is_ambiguous(contents: &Contents, node: &Node<'_>, tables: &[Node<'_>]) -> bool {
    let named = || {
        tables
            .iter()
            .flat_map(|other| &other.references)
            .any(|reference| reference.parent == node.table.oid)
            || !node.uuids.is_empty()
                && tables
                    .iter()
                    .any(|other| other.read.iter().any(|read| read.follows))
    };
    !contents.has_order(node.table.oid) && named()
}

/// Adds to the content of a table's rows what the same columns say in both projects.
fn add_same(sides: &mut [Side; 2], table: u32, hashes: &[Vec<u64>; 2], columns: usize) {
    let sum = |hashes: &[u64], column: usize| {
        let of_column = hashes.iter().skip(column).step_by(columns);
        of_column.fold(0u64, |sum, hash| sum.wrapping_add(*hash))
    };
    for column in 0..columns {
        if sum(&hashes[0], column) != sum(&hashes[1], column) {
            continue;
        }
        for (side, hashes) in sides.iter_mut().zip(hashes) {
            let rows = side.rows.iter_mut().filter(|(of, _)| *of == table);
            for ((_, row), hash) in rows.zip(hashes.iter().skip(column).step_by(columns)) {
                *row = mixed(*row, *hash);
            }
        }
    }
}

/// The number of different rows.
fn different(side: &Side) -> usize {
    side.rows.iter().collect::<HashSet<_>>().len()
}

/// Goes along the references until no more rows are told apart, or until the projects differ: then the number of rows of the clone, by table,
/// that the source does not have.
fn refined(source: &mut Side, clone: &mut Side) -> BTreeMap<u32, i64> {
    let mut known = 0;
    for _ in 0..ROUNDS {
        source.step();
        clone.step();
        let mut rows: HashMap<(u32, u64), i64> = HashMap::new();
        for row in &clone.rows {
            *rows.entry(*row).or_default() += 1;
        }
        for row in &source.rows {
            *rows.entry(*row).or_default() -= 1;
        }
        let mut others: BTreeMap<u32, i64> = BTreeMap::new();
        for ((table, _), rows) in rows.into_iter().filter(|(_, rows)| *rows > 0) {
            *others.entry(table).or_default() += rows;
        }
        let now = different(source);
        if !others.is_empty() || now == known {
            return others;
        }
        known = now;
    }
    BTreeMap::new()
}

mod rows;
