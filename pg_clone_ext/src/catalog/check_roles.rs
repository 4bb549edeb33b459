//! Checks column roles against the types of columns when a store is described.

use super::description::Raw;
use super::open::description_of;
use crate::pg::query::snapshot;
use crate::pg::query::snapshot::Snapshot;
use crate::pg::table::relation::OpenTable;
use crate::pg::value::datum;
use pg_clone_core::error::{Error, Result};
use pg_clone_core::plan::{ColumnRole, Oid};
use pg_clone_core::rules::RuleSet;

/// Raises 22023 for a rule that cannot be read, or that has no document to act on.
pub fn check_rules(store: &str) -> Result<()> {
    snapshot::next_command();
    let raw = Snapshot::newest().within(|| description_of(store))?;
    let raw = Raw::parse(store, raw.as_deref())?;
    let rules = raw.rules.clone();
    RuleSet::check(rules.clone()).map_err(|error| {
        Error::bad_argument(format!("a rule of store \"{store}\" cannot be used: {error}")).hint(error.hint())
    })?;
    raw.into_store()?.check_rules(&rules)
}

/// Raises 22023, with the possible roles, for a role that does not fit the type of its column. A constant that the type does not accept
/// raises the type's own error. Checks one table, or all tables of the store.
pub fn check_column_roles(store: &str, relation: Option<Oid>) -> Result<()> {
    snapshot::next_command();
    let raw = Snapshot::newest().within(|| description_of(store))?;
    let store = Raw::parse(store, raw.as_deref())?.into_store()?;
    for table in store
        .tables
        .iter()
        .filter(|table| relation.is_none_or(|oid| oid == table.oid))
    {
        store.check_types_of(table)?;
        let values: Vec<(&str, &str)> = table
            .columns
            .iter()
            .filter_map(|column| match &column.role {
                ColumnRole::Value(value) => Some((column.name.as_str(), value.as_str())),
                _ => None,
            })
            .collect();
        if values.is_empty() {
            continue;
        }
        let attributes = OpenTable::for_read(table.oid).attributes();
        for (name, value) in values {
            if let Some(attribute) = attributes.iter().find(|a| !a.dropped && a.name == name) {
                datum::from_text(value, attribute.type_oid, attribute.typmod)?;
            }
        }
    }
    Ok(())
}
