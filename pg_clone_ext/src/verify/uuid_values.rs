//! UUIDs anywhere in columns whose values a clone rewrites: a run follows them without a declared reference, and so does this.

use super::Check;
use super::contents::beside_keys::{Keys as OtherKeys, beside_keys};
use super::contents::{Contents, FIRST};
use super::incoming::Incoming;
use super::key_sets::hash;
use super::references::Pair;
use super::values::rewritten_columns::{Read, columns};
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query::for_each_row;
use pg_clone_core::error::Result;
use pg_clone_core::ids::{Id, IdMap, IdVersion, Mapped, NewIds};
use pg_clone_core::plan::{self, Column, ColumnRole, Oid, SourceQuery, Store, Table, quote};
use pg_clone_core::scan;
use std::collections::{HashMap, HashSet};

/// What the UUIDs of a column name.
#[derive(Default, PartialEq)]
struct Named {
    /// Rows of the project itself.
    own: i64,
    /// Neither rows of the project nor of the other one.
    others: i64,
    /// A sum over the contents of rows and what they name.
    pairs: u64,
}

/// What the values of a column say beside their keys.
#[derive(Default, PartialEq)]
struct Said {
    /// A sum over the contents of rows and what they say.
    sum: u64,
    /// Whether a value may have a key.
    has_keys: bool,
}

/// The UUIDs that are values of their own.
struct Keys {
    keys: IdMap,
    /// A sum over the contents of rows, for each table that has documents.
    documents: HashMap<Oid, u64>,
}

/// Compares the UUIDs in the clone's rows with those in the source's. Nothing is compared if the keys do not fit into memory.
/// `others`: also those that name no row of the project, which the versions of documents do not keep.
pub fn check(
    pair: &Pair<'_>,
    contents: &Contents,
    others: bool,
    incoming: &mut Incoming,
    checks: &mut Vec<Check>,
) -> Result<()> {
    let types_of_rules = types_of_rules(&pair.store.name)?;
    let mut tables: Vec<(&Table, Vec<Read<'_>>)> = pair
        .store
        .tables
        .iter()
        .filter(|table| !table.empty && contents.comparable(table.oid))
        .filter(|table| !others || table.version_path.is_none())
        .map(|table| {
            (
                table,
                columns(
                    pair.store,
                    contents,
                    table,
                    changed_by_rules(pair, table, &types_of_rules),
                    others,
                ),
            )
        })
        .map(|(table, columns)| columns.map(|columns| (table, columns)))
        .filter(|found| found.as_ref().is_ok_and(|(_, columns)| !columns.is_empty()) || found.is_err())
        .collect::<Result<_>>()?;
    if tables.is_empty() {
        return Ok(());
    }
    let mut documents = documents_with_content(&tables, others);
    let (of_source, of_clone) = loop {
        let (Some(of_source), Some(of_clone)) = (
            keys(pair, contents, &documents, false)?,
            keys(pair, contents, &documents, true)?,
        ) else {
            return Ok(());
        };
        // Documents that a clone changes beside their keys do not tell rows apart.
        let before = documents.len();
        documents.retain(|table| of_source.documents.get(table) == of_clone.documents.get(table));
        if documents.len() == before {
            break (of_source.keys, of_clone.keys);
        }
    };
    if of_clone.is_empty() {
        tables.retain_mut(|(_, columns)| {
            columns.retain(|read| read.compares);
            columns.iter_mut().for_each(|read| read.follows = false);
            !columns.is_empty()
        });
    }
    for (table, columns) in tables {
        let source = named(
            pair,
            contents,
            table,
            &columns,
            false,
            (others, documents.contains(&table.oid)),
            (&of_source, &of_clone),
            incoming,
        )?;
        let clone = named(
            pair,
            contents,
            table,
            &columns,
            true,
            (others, documents.contains(&table.oid)),
            (&of_clone, &of_source),
            incoming,
        )?;
        for ((read, (source, said_by_source)), (clone, said_by_clone)) in
            columns.iter().zip(source).zip(clone)
        {
            let column = read.column;
            if said_by_source != said_by_clone {
                let has_keys = said_by_source.has_keys || said_by_clone.has_keys;
                checks.push(Check {
                    name: "values of the source".into(),
                    subject: format!("{}.{}", table.sql_name, column.name),
                    expected: "the same beside keys".to_owned(),
                    found: "others".to_owned(),
                    // What was taken for a key may be none.
                    ok: !pair.now || has_keys || pair.may_be_more || pair.dangling > 0,
                });
            }
            if source.own == 0 && clone == source {
                continue;
            }
            if clone != source {
                incoming.leave_out_all();
            }
            let changed = match clone == source {
                true => None,
                false => Some(pair.changed(table)?),
            };
            let missing = (source.own - clone.own) + (source.others - clone.others);
            checks.push(Check {
                name: "UUIDs name the same rows as in the source".into(),
                subject: format!("{}.{}", table.sql_name, column.name),
                expected: said(&source, true),
                found: {
                    let found = said(
                        &clone,
                        (source.own, source.others) != (clone.own, clone.others) || source == clone,
                    );
                    changed.map_or(found.clone(), |changed| changed.said(found))
                },
                ok: source == clone
                    || (1..=pair.dangling).contains(&missing)
                    || changed.is_some_and(|changed| changed.explain(1))
                    || pair.may_be_more && clone.own > source.own,
            });
        }
    }
    Ok(())
}

fn said(named: &Named, same: bool) -> String {
    let others = match named.others {
        0 => String::new(),
        n => format!(" and {n} others"),
    };
    let differ = if same { "" } else { ", not the same ones" };
    format!("{}{others}{differ}", named.own)
}

/// The types of documents on which the store's rules act, one for each rule; `None`: all types.
fn types_of_rules(store: &str) -> Result<Vec<Option<String>>> {
    let _owner = AsExtensionOwner::new();
    let mut types = Vec::new();
    let rules = SourceQuery::over("clone.store_rule").filter(format!(
        "t.store OPERATOR(pg_catalog.=) {}",
        quote::literal(store)
    ));
    for_each_row(&rules.select("t.resource_type"), &mut |row| {
        if let Some(row) = row {
            types.push(row.text(0)?.map(std::borrow::Cow::into_owned));
        }
        Ok(())
    })?;
    Ok(types)
}

/// Whether a rule may act on the documents of a table. One for the type of the project's document acts on no others.
fn changed_by_rules(pair: &Pair<'_>, table: &Table, types: &[Option<String>]) -> bool {
    let of_project = pair
        .store
        .project_table()
        .ok()
        .and_then(|table| table.resource_type.as_ref());
    types.iter().any(|name| match (name, &table.resource_type) {
        (None, _) => true,
        (Some(name), Some(own)) => name == own,
        (Some(name), None) => Some(name) != of_project,
    })
}

/// Whether a UUID in this column of a table is one of its own.
fn is_key(table: &Table, column: &Column) -> bool {
    // The new key of a row in a template is not one of the value's own.
    let holds_key = matches!(&column.role, ColumnRole::Template(template) if template.contains("{new_id}"));
    !holds_key
        && (column.type_name == "uuid" || plan::is_text(&column.type_name))
        && (table.id_column.as_ref() == Some(&column.name)
            || table.keys.is_unique(&column.name)
            || matches!(column.role, ColumnRole::NewUuid | ColumnRole::Random))
}

/// Whether a column has keys that several rows of its table may share, and that references of others name.
fn is_shared_key(store: &Store, table: &Table, column: &Column) -> bool {
    let named = |other: &Table| {
        let mut references = other.keys.references.iter();
        references.any(|r| r.target == table.oid && r.target_column == column.name)
    };
    !is_key(table, column)
        && (column.type_name == "uuid" || plan::is_text(&column.type_name))
        && store.tables.iter().any(named)
}

/// The UUIDs that are values of their own in a project's rows, each with a hash of its row; `None` if they do not fit into memory.
fn keys(
    pair: &Pair<'_>,
    contents: &Contents,
    documents: &HashSet<Oid>,
    of_clone: bool,
) -> Result<Option<Keys>> {
    // Two such maps, beside the keys of declared references.
    let budget = usize::try_from(crate::settings::max_memory_bytes()).unwrap_or(usize::MAX) / 4;
    let mut keys = IdMap::new(NewIds::new(IdVersion::V4, 0, [0; 16]), budget);
    let mut sums: HashMap<Oid, u64> = HashMap::new();
    let project = if of_clone { pair.target } else { pair.source };
    let mut fits = true;
    for table in pair.store.tables.iter().filter(|table| !table.empty) {
        let Some(belongs) = plan::condition(pair.store, table, project, pair.filled, true)? else {
            continue;
        };
        let shared = |column: &Column| is_shared_key(pair.store, table, column);
        let read = table.columns.iter();
        for column in read.filter(|column| is_key(table, column) || shared(column)) {
            let is_shared = shared(column);
            let document = table
                .document_column
                .as_ref()
                .filter(|_| table.id_column.as_ref() == Some(&column.name) && documents.contains(&table.oid))
                .and_then(|document| table.column(document));
            let document_as_read = document.map_or(String::new(), |document| {
                format!(", {}", as_read(table, document))
            });
            let sql = SourceQuery::over(&table.from_sql())
                .filter(belongs.clone())
                .select(&format!(
                    "{}, {}{document_as_read}",
                    as_read(table, column),
                    contents.parts(table.oid)
                ));
            for_each_row(&sql, &mut |row| {
                let Some(row) = row.filter(|_| fits) else {
                    return Ok(());
                };
                let id = match column.type_name.as_str() {
                    "uuid" => row.uuid(0),
                    _ => row
                        .bytes(0)
                        .and_then(|text| scan::uuids(text).next())
                        .map(|(_, id)| id),
                };
                if let Some(id) = id {
                    let mut of_row = match is_shared {
                        true => 0,
                        false => contents.of_row(table.oid, of_clone, row, 1),
                    };
                    if let Some(document) = document.and_then(|_| row.bytes(3)) {
                        of_row = with_document(of_row, document);
                        let sum = sums.entry(table.oid).or_default();
                        *sum = sum.wrapping_add(hash(of_row));
                    }
                    let mut content = Id::default();
                    content[..8].copy_from_slice(&hash((table.oid, &column.name, of_row)).to_le_bytes());
                    // Several rows with one key are not told apart by those that reference them.
                    let parent = if is_shared { 0 } else { table.oid };
                    content[8..12].copy_from_slice(&parent.to_le_bytes());
                    fits = keys.insert_as(id, content).is_ok();
                }
                Ok(())
            })?;
        }
    }
    Ok(fits.then_some(Keys {
        keys,
        documents: sums,
    }))
}

/// The tables whose rows are told apart by their documents: in a store of documents they have little else.
fn documents_with_content(tables: &[(&Table, Vec<Read<'_>>)], others: bool) -> HashSet<Oid> {
    let of_documents = tables.iter().filter(|(table, columns)| {
        !others
            && columns
                .iter()
                .any(|read| table.document_column.as_ref() == Some(&read.column.name))
    });
    of_documents.map(|(table, _)| table.oid).collect()
}

/// The content of a row with that of its document.
fn with_document(content: i64, document: &[u8]) -> i64 {
    hash((content, beside_keys(document, OtherKeys::BehindSlash).hash)).cast_signed()
}

/// A column of a row `t` as it is read: as text, unless its bytes have what is looked for.
fn as_read(table: &Table, column: &Column) -> String {
    match column.type_name.as_str() {
        "uuid" | "jsonb" => format!("t.{}", quote::identifier(&column.name)),
        _ => table.text_of("t", &column.name),
    }
}

/// What the UUIDs of each column name, in the rows of a project. `keys`: the project's own, and those of the other one.
#[expect(clippy::too_many_arguments, reason = "both sets of keys and where to look")]
fn named(
    pair: &Pair<'_>,
    contents: &Contents,
    table: &Table,
    columns: &[Read<'_>],
    of_clone: bool,
    (others, has_document): (bool, bool),
    (own, other): (&IdMap, &IdMap),
    incoming: &mut Incoming,
) -> Result<Vec<(Named, Said)>> {
    let mut found: Vec<(Named, Said)> = columns.iter().map(|_| Default::default()).collect();
    let mut list: Vec<String> = columns.iter().map(|read| as_read(table, read.column)).collect();
    list.extend(columns.iter().flat_map(Read::conditions));
    contents.each_row(pair, table, of_clone, &list, &mut |mut content, row| {
        let is_document = |read: &Read<'_>| table.document_column.as_ref() == Some(&read.column.name);
        if has_document
            && let Some(place) = columns.iter().position(is_document)
            && let Some(document) = row.bytes(place + FIRST)
        {
            content = with_document(content, document);
        }
        let mut next_condition = columns.len() + FIRST;
        for (place, (read, (named, said))) in columns.iter().zip(&mut found).enumerate() {
            let conditions = next_condition;
            next_condition += read.paths.len();
            let column = read.column;
            let mut number = 0usize;
            let mut add = |id: Id, sorted: bool| {
                let place = if sorted { 0 } else { number };
                let names = match own.get(&id) {
                    Mapped::Cloned(of_row) => {
                        named.own += 1;
                        if let Some(parent) = of_row[8..].first_chunk()
                            && *parent != [0; 4]
                        {
                            let of_reference = hash((table.oid, &column.name, content));
                            incoming.add(
                                of_clone,
                                Oid::from_le_bytes(*parent),
                                Incoming::key_of_uuid(&id),
                                of_reference,
                            );
                        }
                        hash((content, place, of_row))
                    }
                    _ if !others || matches!(other.get(&id), Mapped::Cloned(_)) => return,
                    _ => {
                        named.others += 1;
                        hash((content, place, id, false))
                    }
                };
                number += 1;
                named.pairs = named.pairs.wrapping_add(names);
            };
            if column.type_name == "uuid" {
                row.uuid(place + FIRST).into_iter().for_each(|id| add(id, false));
                continue;
            }
            let Some(bytes) = row.bytes(place + FIRST) else {
                continue;
            };
            // A clone has no escapes in keys.
            let plain;
            let bytes = if column.type_name == "jsonb" {
                bytes
            } else {
                plain = scan::decoded(bytes);
                &*plain
            };
            if read.compares {
                let beside = read.beside_keys(bytes, |path| row.boolean(conditions + path))?;
                said.sum = said.sum.wrapping_add(hash((content, beside.hash)));
                said.has_keys |= beside.has_keys;
            }
            if !read.follows {
                continue;
            }
            let sorted = read.has_keys_as_names(bytes)?;
            for (_, id) in scan::uuids(bytes) {
                add(id, sorted);
            }
        }
        Ok(())
    })?;
    Ok(found)
}
