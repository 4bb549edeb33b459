//! Reads the keys of a store's tables (`clone_internal.store_keys`) into the core's types.

use crate::error::internal;
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{
    EQUAL, ForeignKey, KeyKind, Membership, Oid, Outside, Reference, ReferenceForm, Store, Table, Unique,
    UniquePart, equality, quote,
};
use serde::Deserialize;

#[derive(Deserialize)]
struct RawKeys {
    foreign_keys: Vec<RawForeignKey>,
    uniques: Vec<RawUnique>,
    columns: Vec<RawColumn>,
    references: Vec<RawReference>,
    memberships: Vec<RawMembership>,
    plain: Vec<Oid>,
    shared: Vec<Oid>,
    reaching: Vec<(Oid, String)>,
    children: Vec<(String, String)>,
}

#[derive(Deserialize)]
struct RawForeignKey {
    table: Oid,
    name: String,
    target: Oid,
    target_name: String,
    columns: Vec<String>,
    target_columns: Vec<String>,
    operators: Vec<String>,
}

#[derive(Deserialize)]
struct RawUnique {
    table: Oid,
    name: String,
    exclusion: bool,
    expressions: bool,
    nulls_meet: bool,
    predicate: Option<String>,
    columns: Vec<String>,
    parts: Vec<RawPart>,
}

#[derive(Deserialize)]
struct RawPart {
    column: Option<String>,
    value: String,
    operator: Option<String>,
    differs: bool,
}

#[derive(Deserialize)]
struct RawColumn {
    table: Oid,
    name: String,
    equality: Option<String>,
    sequence: Option<String>,
    default: Option<String>,
    collation: Option<String>,
    nondeterministic: bool,
}

#[derive(Deserialize)]
struct RawReference {
    table: Oid,
    column: String,
    target: Oid,
    target_column: String,
    form: String,
    path: Option<String>,
    separators: Option<String>,
    condition: Option<String>,
    type_column: Option<String>,
}

#[derive(Deserialize)]
struct RawMembership {
    table: Oid,
    columns: Vec<String>,
    parent: Oid,
    parent_columns: Vec<String>,
    condition: Option<String>,
}

/// Adds keys and references to a store, and determines which key each column holds. An inconsistent description
/// is an error (55000).
pub fn add(store: &mut Store) -> Result<()> {
    if store.follows_constraints() {
        let json = {
            let _owner = AsExtensionOwner::new();
            query::text(&format!(
                "SELECT clone_internal.store_keys({})::pg_catalog.text",
                quote::literal(&store.name)
            ))?
        };
        if let Some(json) = json {
            put(store, serde_json::from_str(&json).map_err(internal)?)?;
        }
    }
    store.resolve_keys()
}

/// The member `id` of a document is a reference to its own row. Not needed for UUIDs, which are found anywhere.
fn own_id(table: &Table) -> Option<Reference> {
    let (column, id) = (table.document_column.as_ref()?, table.id_column.as_ref()?);
    let is_json = matches!(table.type_of(column), "json" | "jsonb");
    let declared = table.keys.references.iter().any(|r| &r.column == column);
    if table.document_inferred || !is_json || declared || KeyKind::of(table.type_of(id)) == KeyKind::Uuid {
        return None;
    }
    Some(Reference {
        column: column.clone(),
        target: table.oid,
        target_column: id.clone(),
        form: ReferenceForm::Json("$.id".to_owned()),
        condition: None,
        type_column: None,
        separators: None,
    })
}

fn unique_of(raw: RawUnique) -> Unique {
    let plain: Vec<&String> = raw.parts.iter().filter_map(|part| part.column.as_ref()).collect();
    // Which expression reads which column the catalog does not say.
    let read: Vec<String> = raw
        .columns
        .iter()
        .filter(|name| !plain.contains(name))
        .cloned()
        .collect();
    let parts = raw.parts.iter().map(|part| UniquePart {
        columns: part.column.clone().map_or(read.clone(), |column| vec![column]),
        value: part.value.clone(),
        operator: part.operator.clone().unwrap_or_else(|| EQUAL.to_owned()),
        differs: part.differs,
    });
    Unique {
        parts: parts.collect(),
        name: raw.name,
        predicate: raw.predicate,
        exclusion: raw.exclusion,
        expressions: raw.expressions,
        nulls_meet: raw.nulls_meet,
        columns: raw.columns,
    }
}

/// Completes the operators of foreign keys between columns with different collations.
fn compare_by_collations(store: &mut Store) {
    let mut columns = store.tables.iter().flat_map(|table| &table.columns);
    if columns.all(|column| column.keys.collation.is_none()) {
        return;
    }
    let all = store.clone();
    let keys = store.tables.iter_mut().flat_map(|table| {
        let of = table.oid;
        table.keys.foreign_keys.iter_mut().map(move |key| (of, key))
    });
    for (table, key) in keys {
        let pairs = key
            .columns
            .iter()
            .zip(&key.target_columns)
            .zip(&mut key.operators);
        for ((column, target), operator) in pairs.filter(|(_, operator)| *operator == EQUAL) {
            let column = all.table(table).and_then(|table| table.column(column));
            let target = all.table(key.target).and_then(|table| table.column(target));
            *operator = equality(column, target);
        }
    }
}

fn put(store: &mut Store, raw: RawKeys) -> Result<()> {
    for key in raw.foreign_keys {
        if let Some(table) = store.table_mut(key.table) {
            table.keys.foreign_keys.push(ForeignKey {
                name: key.name,
                columns: key.columns,
                target: key.target,
                target_name: key.target_name,
                target_columns: key.target_columns,
                operators: key.operators,
            });
        }
    }
    for unique in raw.uniques {
        if let Some(table) = store.table_mut(unique.table) {
            table.keys.uniques.push(unique_of(unique));
        }
    }
    for told in raw.columns {
        let column = store
            .table_mut(told.table)
            .and_then(|table| table.columns.iter_mut().find(|c| c.name == told.name));
        if let Some(column) = column {
            column.keys.equality = told.equality;
            column.keys.sequence = told.sequence;
            column.keys.default = told.default;
            column.keys.collation = told.collation;
            column.keys.nondeterministic = told.nondeterministic;
        }
    }
    compare_by_collations(store);
    for reference in raw.references {
        let form = match (reference.form.as_str(), reference.path) {
            ("column", _) => ReferenceForm::Column,
            ("array", _) => ReferenceForm::Array,
            ("json", Some(path)) => ReferenceForm::Json(path),
            ("path", Some(separators)) => ReferenceForm::Path(separators),
            (other, _) => {
                return Err(Error::new(
                    Code::Internal,
                    format!("unknown form \"{other}\" in clone.store_reference"),
                ));
            }
        };
        if let Some(table) = store.table_mut(reference.table) {
            table.keys.references.push(Reference {
                column: reference.column,
                target: reference.target,
                target_column: reference.target_column,
                form,
                condition: reference.condition,
                type_column: reference.type_column,
                separators: reference.separators,
            });
        }
    }
    for table in &mut store.tables {
        let own = own_id(table);
        table.keys.references.extend(own);
    }
    for membership in raw.memberships {
        let of = |table: Oid, name: &str| store.table(table).and_then(|table| table.column(name));
        let pairs = membership.columns.iter().zip(&membership.parent_columns);
        let operators = pairs
            .map(|(column, key)| equality(of(membership.table, column), of(membership.parent, key)))
            .collect();
        if let Some(table) = store.table_mut(membership.table) {
            let ways = match membership.parent == membership.table {
                true => &mut table.keys.within,
                false => &mut table.keys.memberships,
            };
            ways.push(Membership {
                columns: membership.columns,
                parent: membership.parent,
                parent_columns: membership.parent_columns,
                operators,
                condition: membership.condition,
                declared: true,
            });
        }
    }
    for oid in raw.plain {
        if let Some(table) = store.table_mut(oid) {
            table.keys.only = true;
        }
    }
    store.outside = Outside {
        reaching: raw.reaching,
        shared: raw.shared,
        children: raw.children,
    };
    Ok(())
}
