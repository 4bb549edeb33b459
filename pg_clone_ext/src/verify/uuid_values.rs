//! UUIDs anywhere in columns whose values a clone rewrites: a run follows them without a declared reference, and so does this.

use super::Check;
use super::contents::Contents;
use super::incoming::Incoming;
use super::key_sets::hash;
use super::references::Pair;
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query::for_each_row;
use pg_clone_core::error::Result;
use pg_clone_core::ids::{Id, IdMap, IdVersion, Mapped, NewIds};
use pg_clone_core::plan::{self, Column, ColumnRole, Oid, SourceQuery, Table, quote};
use pg_clone_core::scan;

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
    let tables: Vec<(&Table, Vec<&Column>)> = pair
        .store
        .tables
        .iter()
        .filter(|table| !table.empty && contents.comparable(table.oid))
        .filter(|table| !others || table.version_path.is_none())
        .map(|table| {
            (
                table,
                columns(table, changed_by_rules(pair, table, &types_of_rules)),
            )
        })
        .filter(|(_, columns)| !columns.is_empty())
        .collect();
    if tables.is_empty() {
        return Ok(());
    }
    let (Some(of_source), Some(of_clone)) = (keys(pair, contents, false)?, keys(pair, contents, true)?)
    else {
        return Ok(());
    };
    if of_clone.is_empty() {
        return Ok(());
    }
    for (table, columns) in tables {
        let source = named(
            pair,
            contents,
            table,
            &columns,
            false,
            others,
            (&of_source, &of_clone),
            incoming,
        )?;
        let clone = named(
            pair,
            contents,
            table,
            &columns,
            true,
            others,
            (&of_clone, &of_source),
            incoming,
        )?;
        for ((column, source), clone) in columns.iter().zip(source).zip(clone) {
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

/// The columns that are read: declared references are verified as such.
fn columns(table: &Table, has_rules: bool) -> Vec<&Column> {
    let declared = |column: &Column| {
        let keys = table.keys.foreign_keys.iter().flat_map(|key| &key.columns);
        let references = table.keys.references.iter().map(|reference| &reference.column);
        keys.chain(references).any(|name| *name == column.name)
            || table.id_column.as_ref() == Some(&column.name)
            || table.project_column.as_ref() == Some(&column.name)
    };
    // Rules remove members of documents and change others.
    let by_rule = |column: &Column| has_rules && table.document_column.as_ref() == Some(&column.name);
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
        .filter(|column| of_uuids(&column.type_name) && !declared(column) && !by_rule(column))
        .collect()
}

/// The UUIDs that are values of their own in a project's rows, each with a hash of its row; `None` if they do not fit into memory.
fn keys(pair: &Pair<'_>, contents: &Contents, of_clone: bool) -> Result<Option<IdMap>> {
    // Two such maps, beside the keys of declared references.
    let budget = usize::try_from(crate::settings::max_memory_bytes()).unwrap_or(usize::MAX) / 4;
    let mut keys = IdMap::new(NewIds::new(IdVersion::V4, 0, [0; 16]), budget);
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
            let sql = SourceQuery::over(&table.from_sql())
                .filter(belongs.clone())
                .select(&format!(
                    "{}, {}",
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
                    let mut content = Id::default();
                    content[..8].copy_from_slice(
                        &hash((
                            table.oid,
                            &column.name,
                            contents.of_row(table.oid, of_clone, row, 1),
                        ))
                        .to_le_bytes(),
                    );
                    content[8..12].copy_from_slice(&table.oid.to_le_bytes());
                    fits = keys.insert_as(id, content).is_ok();
                }
                Ok(())
            })?;
        }
    }
    Ok(fits.then_some(keys))
}

/// A column of a row `t` as it is read: as text, unless its bytes have what is looked for.
fn as_read(table: &Table, column: &Column) -> String {
    match column.type_name.as_str() {
        "uuid" | "jsonb" => format!("t.{}", quote::identifier(&column.name)),
        _ => table.text_of("t", &column.name),
    }
}

/// What the UUIDs of each column name, in the rows of a project. `keys`: the project's own, and those of the other one.
fn named(
    pair: &Pair<'_>,
    contents: &Contents,
    table: &Table,
    columns: &[&Column],
    of_clone: bool,
    others: bool,
    (own, other): (&IdMap, &IdMap),
    incoming: &mut Incoming,
) -> Result<Vec<Named>> {
    let mut found: Vec<Named> = columns.iter().map(|_| Named::default()).collect();
    let Some(belongs) = contents.condition(pair, table, of_clone)? else {
        return Ok(found);
    };
    let mut list = vec![contents.parts(table.oid)];
    list.extend(columns.iter().map(|column| as_read(table, column)));
    let sql = SourceQuery::over(&table.from_sql())
        .filter(belongs)
        .select(&list.join(", "));
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let content = contents.of_row(table.oid, of_clone, row, 0);
        for (place, (column, named)) in columns.iter().zip(&mut found).enumerate() {
            // Members of jsonb are sorted by their names, which may be keys.
            let sorted = !others || column.type_name.starts_with("jsonb");
            let mut add = |number: usize, id: Id| {
                let number = if sorted { 0 } else { number };
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
                        hash((content, number, of_row))
                    }
                    _ if !others || matches!(other.get(&id), Mapped::Cloned(_)) => return,
                    _ => {
                        named.others += 1;
                        hash((content, number, id, false))
                    }
                };
                named.pairs = named.pairs.wrapping_add(names);
            };
            if column.type_name == "uuid" {
                row.uuid(place + 2).into_iter().for_each(|id| add(0, id));
            } else if let Some(bytes) = row.bytes(place + 2) {
                for (number, (_, id)) in scan::uuids(bytes).enumerate() {
                    add(number, id);
                }
            }
        }
        Ok(())
    })?;
    Ok(found)
}
