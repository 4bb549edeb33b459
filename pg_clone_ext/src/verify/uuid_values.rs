//! UUIDs anywhere in columns whose values a clone rewrites: a run follows them without a declared reference, and so does this.

use super::Check;
use super::contents::Contents;
use super::contents::beside_keys::beside_keys;
use super::incoming::Incoming;
use super::key_sets::hash;
use super::references::Pair;
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query::for_each_row;
use crate::run::document_errors::jsonb_error;
use pg_clone_core::error::Result;
use pg_clone_core::ids::{Id, IdMap, IdVersion, Mapped, NewIds};
use pg_clone_core::jsonb;
use pg_clone_core::plan::{
    self, Column, ColumnRole, KeyKind, Oid, SourceQuery, Store, Table, TableRole, quote,
};
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

/// A column that is read.
struct Read<'a> {
    column: &'a Column,
    /// UUIDs in it are followed. Those of declared references are verified as such.
    follows: bool,
    /// What stands beside its keys is compared.
    compares: bool,
    /// Its keys may be numbers.
    numbers: bool,
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
        .filter(|(_, columns)| !columns.is_empty())
        .collect();
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
                    ok: !pair.now || has_keys || pair.may_be_more,
                });
            }
            if source.own == 0 && clone == source {
                continue;
            }
            if clone != source {
                incoming.leave_out_all();
            }
            let missing = (source.own - clone.own) + (source.others - clone.others);
            checks.push(Check {
                name: "UUIDs name the same rows as in the source".into(),
                subject: format!("{}.{}", table.sql_name, column.name),
                expected: said(&source, true),
                found: said(
                    &clone,
                    (source.own, source.others) != (clone.own, clone.others) || source == clone,
                ),
                ok: source == clone
                    || (1..=pair.dangling).contains(&missing)
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

/// Whether no key of the store's tables is a text.
fn has_no_text_keys(store: &Store) -> bool {
    let key = |table: &Table| {
        table
            .id_column
            .as_deref()
            .map(|id| KeyKind::of(table.type_of(id)))
    };
    let declared = |table: &Table| {
        table.keys.references.iter().any(|reference| {
            let target = store.table(reference.target);
            target
                .is_some_and(|target| KeyKind::of(target.type_of(&reference.target_column)) == KeyKind::Text)
        })
    };
    store
        .tables
        .iter()
        .all(|table| key(table) != Some(KeyKind::Text) && !declared(table))
}

/// The columns that are read. `says`: also for what stands beside their keys.
fn columns<'a>(
    store: &Store,
    contents: &Contents,
    table: &'a Table,
    has_rules: bool,
    says: bool,
) -> Vec<Read<'a>> {
    let says = says && table.role != TableRole::Project && has_no_text_keys(store);
    let declared = |column: &Column| {
        let keys = table.keys.foreign_keys.iter().flat_map(|key| &key.columns);
        let references = table.keys.references.iter().map(|reference| &reference.column);
        keys.chain(references).any(|name| *name == column.name)
            || table.id_column.as_ref() == Some(&column.name)
            || table.project_column.as_ref() == Some(&column.name)
    };
    // Rules remove members of documents and change others.
    let by_rule = |column: &Column| has_rules && table.document_column.as_ref() == Some(&column.name);
    // The key of the row.
    let says_number = |column: &Column| {
        table.document_column.as_ref() == Some(&column.name) && KeyKind::of(table.id_type()) == KeyKind::Int
    };
    let of_uuids = |type_name: &str| {
        plan::is_text(type_name.trim_end_matches("[]"))
            || matches!(
                type_name,
                "uuid" | "uuid[]" | "json" | "jsonb" | "jsonb[]" | "json[]"
            )
    };
    table
        .columns
        .iter()
        .filter(|column| matches!(column.role, ColumnRole::Map(None) | ColumnRole::Rewrite))
        .filter(|column| of_uuids(&column.type_name) && !by_rule(column))
        .map(|column| Read {
            column,
            follows: !declared(column),
            compares: says
                && column.role == ColumnRole::Rewrite
                && !says_number(column)
                && !contents.has_column(table, column)
                && (plan::is_text(&column.type_name)
                    || matches!(column.type_name.as_str(), "json" | "jsonb")),
            numbers: declared(column),
        })
        .filter(|read| read.follows || read.compares)
        .collect()
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
        let own = |column: &&Column| {
            (column.type_name == "uuid" || plan::is_text(&column.type_name))
                && (table.id_column.as_ref() == Some(&column.name)
                    || table.keys.is_unique(&column.name)
                    || matches!(column.role, ColumnRole::NewUuid | ColumnRole::Random))
        };
        for column in table.columns.iter().filter(own) {
            let document = table
                .document_column
                .as_ref()
                .filter(|_| table.id_column.as_ref() == Some(&column.name) && documents.contains(&table.oid))
                .and_then(|document| table.column(document));
            let document_as_read = document.map_or(String::new(), |document| {
                format!(", {}", as_read(table, document, false))
            });
            let sql = SourceQuery::over(&table.from_sql())
                .filter(belongs.clone())
                .select(&format!(
                    "{}, {}{document_as_read}",
                    as_read(table, column, false),
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
                    let mut of_row = contents.of_row(table.oid, of_clone, row, 1);
                    if let Some(document) = document.and_then(|_| row.bytes(3)) {
                        of_row = with_document(of_row, document);
                        let sum = sums.entry(table.oid).or_default();
                        *sum = sum.wrapping_add(hash(of_row));
                    }
                    let mut content = Id::default();
                    content[..8].copy_from_slice(&hash((table.oid, &column.name, of_row)).to_le_bytes());
                    content[8..12].copy_from_slice(&table.oid.to_le_bytes());
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
    hash((content, beside_keys(document, false).hash)).cast_signed()
}

/// A column of a row `t` as it is read: as text, unless its bytes have what is looked for.
fn as_read(table: &Table, column: &Column, numbers: bool) -> String {
    match column.type_name.as_str() {
        "jsonb" if numbers => table.text_of("t", &column.name),
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
    let Some(belongs) = contents.condition(pair, table, of_clone)? else {
        return Ok(found);
    };
    let mut list = vec![contents.parts(table.oid)];
    list.extend(
        columns
            .iter()
            .map(|read| as_read(table, read.column, read.numbers)),
    );
    let sql = SourceQuery::over(&table.from_sql())
        .filter(belongs)
        .select(&list.join(", "));
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let mut content = contents.of_row(table.oid, of_clone, row, 0);
        let is_document = |read: &Read<'_>| table.document_column.as_ref() == Some(&read.column.name);
        if has_document
            && let Some(place) = columns.iter().position(is_document)
            && let Some(document) = row.bytes(place + 2)
        {
            content = with_document(content, document);
        }
        for (place, (read, (named, said))) in columns.iter().zip(&mut found).enumerate() {
            let column = read.column;
            let mut number = 0usize;
            let mut add = |id: Id, sorted: bool| {
                let place = if sorted { 0 } else { number };
                let names = match own.get(&id) {
                    Mapped::Cloned(of_row) => {
                        named.own += 1;
                        if let Some(parent) = of_row[8..].first_chunk() {
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
                row.uuid(place + 2).into_iter().for_each(|id| add(id, false));
                continue;
            }
            let Some(bytes) = row.bytes(place + 2) else {
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
                let beside = beside_keys(bytes, read.numbers);
                said.sum = said.sum.wrapping_add(hash((content, beside.hash)));
                said.has_keys |= beside.has_keys;
            }
            if !read.follows {
                continue;
            }
            // Members of jsonb are sorted by their names, which may be keys.
            let sorted = match column.type_name.as_str() {
                "jsonb" => {
                    let places = scan::uuids(bytes).map(|(place, _)| place);
                    jsonb::is_in_name(bytes, places).map_err(jsonb_error)?
                }
                name => name.starts_with("jsonb"),
            };
            for (_, id) in scan::uuids(bytes) {
                add(id, sorted);
            }
        }
        Ok(())
    })?;
    Ok(found)
}
