//! The registry that a call means: its tables, its options, its rules.

use std::collections::BTreeMap;

use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::item::record::Files;
use pg_clone_core::item::subtype::Subtype;
use pg_clone_core::plan::quote;
use serde::Deserialize;
use serde_json::Value;

use super::query;
use crate::error::internal;
use crate::pg::privileges::AsExtensionOwner;

/// A store of preset registry.
pub struct ItemStore {
    /// Its name.
    pub name: String,
    schema: String,
    options: Value,
    subtypes: BTreeMap<String, Subtype>,
}

#[derive(Deserialize)]
struct Known {
    name: String,
    schema: String,
    options: Value,
}

const KNOWN: &str = "SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', s.name, 'schema', \
     clone_internal.registry_schema(s.name), 'options', s.options) ORDER BY s.name), '[]') \
     FROM clone.store s WHERE s.preset OPERATOR(pg_catalog.=) 'registry'";

impl ItemStore {
    /// The store of that name; else the only registry, or the one that holds the item.
    ///
    /// # Errors
    /// 22023 where none or several could be meant.
    pub fn resolve(name: Option<&str>, item: Option<&str>) -> Result<Self> {
        let known = {
            let _owner = AsExtensionOwner::new();
            query::json(KNOWN, &[])?
        };
        let known: Vec<Known> = serde_json::from_value(known).map_err(|_| {
            Error::new(Code::StoreChanged, "the tables of a registry are gone")
                .hint("SELECT clone.store_drop(…) forgets it")
        })?;
        let names: Vec<&str> = known.iter().map(|k| k.name.as_str()).collect();
        let list = match names.is_empty() {
            true => "create one: SELECT clone.store_create('registry', 'registry');".to_string(),
            false => format!("registries: {}", names.join(", ")),
        };
        let meant = match name {
            Some(name) => known.into_iter().filter(|k| k.name == name).collect(),
            None if known.len() < 2 => known,
            None => holding(known, item)?,
        };
        match <[Known; 1]>::try_from(meant) {
            Ok([one]) => ItemStore::load(one),
            Err(_) => Err(match name {
                Some(name) => Error::bad_argument(format!("there is no registry \"{name}\"")),
                None => Error::bad_argument("which registry is meant?"),
            }
            .hint(list)),
        }
    }

    fn load(known: Known) -> Result<Self> {
        let mut store = ItemStore {
            name: known.name,
            schema: quote::identifier(&known.schema),
            options: known.options,
            subtypes: BTreeMap::new(),
        };
        let sql = format!(
            "SELECT COALESCE(pg_catalog.jsonb_agg(pg_catalog.to_jsonb(s)), '[]') FROM {} s",
            store.table("subtype")
        );
        let rows = match query::json(&sql, &[])? {
            Value::Array(rows) => rows,
            _ => Vec::new(),
        };
        for row in rows {
            let subtype = Subtype::from_row(row)?;
            store.subtypes.insert(subtype.name.clone(), subtype);
        }
        Ok(store)
    }

    /// A table of the store, ready for SQL. The name is one of ours, never a user's.
    pub fn table(&self, name: &str) -> String {
        format!("{}.{name}", self.schema)
    }

    /// The rules of a subtype.
    ///
    /// # Errors
    /// 22023 for an unknown one.
    pub fn subtype(&self, name: &str) -> Result<&Subtype> {
        self.subtypes.get(name).ok_or_else(|| {
            let known: Vec<&str> = self.subtypes.keys().map(String::as_str).collect();
            Error::bad_argument(format!("unknown subtype \"{name}\""))
                .hint(format!("subtypes: {}", known.join(", ")))
        })
    }

    fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).and_then(Value::as_str)
    }

    /// Whether authors of some subtypes must be linked to a person.
    pub fn requires_person_link(&self) -> bool {
        self.option("person_link") == Some("require")
    }

    /// Where files are.
    pub fn files(&self) -> Files {
        let prefix = self
            .option("dataset_path")
            .unwrap_or("datasets")
            .trim_end_matches('/');
        Files {
            bucket: self.option("bucket").map(String::from),
            prefix: format!("{prefix}/"),
        }
    }

    /// New handles, by the store's generator (`options.id_generator`: the call of a function), with the caller's rights.
    ///
    /// # Errors
    /// 55000 where the generator gives nothing.
    pub fn id_generator(&self, count: usize) -> Result<Vec<String>> {
        let call = self
            .option("id_generator")
            .map_or_else(|| format!("{}()", self.table("next_handle")), String::from);
        let sql = format!(
            "SELECT pg_catalog.array_agg(h.handle) FROM (SELECT ({call})::pg_catalog.text AS handle \
             FROM pg_catalog.generate_series(1, $1) OFFSET 0) h"
        );
        let count = i32::try_from(count).map_err(internal)?;
        let minted =
            pgrx::Spi::get_one_with_args::<Vec<Option<String>>>(&sql, &[count.into()]).map_err(internal)?;
        let handles = minted.unwrap_or_default().into_iter().map(|handle| {
            handle.filter(|handle| !handle.is_empty()).ok_or_else(|| {
                Error::new(
                    Code::StoreChanged,
                    format!("the handle generator {call} returned nothing"),
                )
                .hint("options.id_generator of the store is a call that gives a new handle each time")
            })
        });
        handles.collect()
    }
}

/// Those of several registries that hold an item; one that the caller may not read holds nothing for them.
fn holding(known: Vec<Known>, item: Option<&str>) -> Result<Vec<Known>> {
    let Some(item) = item else { return Ok(Vec::new()) };
    let mut found = Vec::new();
    for candidate in known {
        let table = format!("{}.item", quote::identifier(&candidate.schema));
        let readable = pgrx::Spi::get_one_with_args::<bool>(
            "SELECT CASE WHEN pg_catalog.has_schema_privilege($1, 'USAGE') THEN pg_catalog.has_table_privilege($2, 'SELECT') END",
            &[candidate.schema.as_str().into(), table.as_str().into()],
        );
        if readable.map_err(internal)? != Some(true) {
            continue;
        }
        let sql = format!("SELECT EXISTS (SELECT FROM {table} i WHERE i.id OPERATOR(pg_catalog.=) $1)");
        if pgrx::Spi::get_one_with_args::<bool>(&sql, &[item.into()]).map_err(internal)? == Some(true) {
            found.push(candidate);
        }
    }
    Ok(found)
}
