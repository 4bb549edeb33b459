//! Reads a store's description (`clone_internal.store_description`) into the core's types.

use super::differences::{self, Difference};
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{
    Column, ColumnKeys, ColumnRole, Dependency, InsertPath, Oid, Outside, Store, Table, TableKeys, TableRole,
};
use pg_clone_core::rules::Rule;
use serde::Deserialize;
use serde_json::Value;
use std::collections::HashMap;

/// A store, its rules and its hooks.
pub struct Description {
    /// The store.
    pub store: Store,
    /// Rules for its documents, not yet compiled.
    pub rules: Vec<Rule>,
    /// The check hook, called before anything is read.
    pub check: Option<Oid>,
    /// The finish hook, called after the rows are copied.
    pub finish: Option<Oid>,
    /// The verify hook, which makes further checks of a clone.
    pub verify: Option<Oid>,
}

/// The answer of clone_internal.store_description().
#[derive(Deserialize)]
pub(super) struct Raw {
    name: String,
    preset: String,
    options: Value,
    tables: Vec<RawTable>,
    dependencies: Vec<(String, String, String)>,
    pub(super) rules: Vec<Rule>,
    check: Option<Oid>,
    finish: Option<Oid>,
    /// Names of all tables that the catalog has for the store.
    described: Vec<String>,
    verify: Option<Oid>,
    differences: Vec<Difference>,
}

/// Name, type, role, target, value, reason, not null, generated.
type RawColumn = (
    String,
    String,
    String,
    Option<Oid>,
    Option<String>,
    Option<String>,
    bool,
    bool,
);

#[derive(Deserialize)]
struct RawTable {
    oid: Oid,
    name: String,
    schema: String,
    role: String,
    position: i32,
    resource_type: Option<String>,
    type_column: Option<String>,
    id_column: Option<String>,
    project_column: Option<String>,
    parents: Vec<Oid>,
    join_column: Option<String>,
    document_column: Option<String>,
    document_inferred: bool,
    version_path: Option<Vec<String>>,
    live: Option<String>,
    joined_by_key: bool,
    cloned: bool,
    blob_key: Option<String>,
    blob_type: Option<String>,
    columns: Option<Vec<RawColumn>>,
    sql_path: Option<String>,
    triggers: Option<String>,
    triggers_before_row: bool,
    left_to_finish: bool,
    kind: String,
    inherited_by: Vec<String>,
    empty: bool,
    references: Vec<Oid>,
    project_keys: Vec<Oid>,
}

impl Raw {
    /// Reads the description of a store; error 22023 if it does not exist.
    pub(super) fn parse(name: &str, json: Option<&str>) -> Result<Self> {
        let Some(json) = json else {
            return Err(Error::bad_argument(format!(
                "there is no store \"{}\"",
                pg_clone_core::error::shown(name)
            ))
            .hint(super::list_stores()));
        };
        serde_json::from_str(json).map_err(|error| {
            let error = error.to_string();
            // Its place is one in a document that the user does not know.
            let error = error.split(" at line ").next().unwrap_or_default();
            Error::new(
                Code::StoreChanged,
                format!("the catalog of store \"{name}\" is damaged: {error}"),
            )
            .hint("Take back what was changed by hand in the tables of schema clone, or describe the table again with clone.store_table(…).")
        })
    }

    /// The description. Tables that have changed since they were described, or do not exist, are an error (55000) with the
    /// differences.
    pub(super) fn into_description(self) -> Result<Description> {
        let name = &self.name;
        let loaded: Vec<&str> = self.tables.iter().map(|table| table.name.as_str()).collect();
        let mut differences = self.differences.clone();
        // An extension may hide a table from the catalog that the store describes.
        if differences.is_empty() && loaded.len() != self.described.len() {
            differences.extend(
                self.described
                    .iter()
                    .filter(|table| !loaded.contains(&table.as_str()))
                    .map(|table| Difference::hidden(name, table)),
            );
        }
        if !differences.is_empty() || loaded.len() != self.described.len() {
            let texts: Vec<&str> = differences.iter().map(|one| one.text.as_str()).collect();
            return Err(Error::new(
                Code::StoreChanged,
                format!("the tables of store \"{name}\" are not as the catalog describes them"),
            )
            .hint(format!(
                "If the change is right: {}",
                differences::calls(name, &differences)
            ))
            .detail(texts.join("; ")));
        }
        let (rules, check, finish, verify) = (self.rules.clone(), self.check, self.finish, self.verify);
        let mut store = self.into_store()?;
        super::keys::add(&mut store)?;
        store.check_types()?;
        Ok(Description {
            store,
            rules,
            check,
            finish,
            verify,
        })
    }

    /// The store, without comparison.
    pub(super) fn into_store(self) -> Result<Store> {
        let mut tables: Vec<Table> = self.tables.into_iter().map(table).collect::<Result<_>>()?;
        documents_of_versions(&mut tables);
        Ok(Store {
            name: self.name,
            preset: self.preset,
            options: self.options,
            tables,
            dependencies: self
                .dependencies
                .into_iter()
                .map(|(resource_type, includes_type, via_column)| Dependency {
                    resource_type,
                    includes_type,
                    via_column,
                })
                .collect(),
            outside: Outside::default(),
        })
    }
}

/// The document of a version is that of its resource at another time: without a path of its own, it names its version at the same place.
fn documents_of_versions(tables: &mut [Table]) {
    let paths: HashMap<Oid, Vec<String>> = tables
        .iter()
        .filter_map(|table| Some((table.oid, table.version_path.clone()?)))
        .collect();
    for table in tables {
        if table.role == TableRole::History && table.version_path.is_none() {
            table.version_path = table.parents.iter().find_map(|parent| paths.get(parent)).cloned();
        }
    }
}

fn table(raw: RawTable) -> Result<Table> {
    let columns = raw
        .columns
        .unwrap_or_default()
        .into_iter()
        .map(
            |(name, type_name, role, target, value, reason, not_null, generated)| {
                Ok(Column {
                    name,
                    type_name,
                    role: ColumnRole::parse(&role, target, value)?,
                    reason: reason.unwrap_or_default(),
                    not_null,
                    generated,
                    keys: ColumnKeys::default(),
                })
            },
        )
        .collect::<Result<_>>()?;
    let role = TableRole::parse(&raw.role)?;
    let owned = role == TableRole::Project || raw.project_column.is_some() || raw.joined_by_key;
    Ok(Table {
        oid: raw.oid,
        sql_name: raw.name,
        schema: raw.schema,
        role,
        position: raw.position,
        resource_type: raw.resource_type,
        type_column: raw.type_column,
        id_column: raw.id_column,
        project_column: raw.project_column,
        parents: raw.parents,
        join_column: raw.join_column,
        document_column: raw.document_column,
        document_inferred: raw.document_inferred,
        version_path: raw.version_path,
        membership: raw.live.clone().filter(|_| !owned),
        live: raw.live,
        cloned: raw.cloned,
        blob_key: raw.blob_key,
        blob_type: raw.blob_type,
        columns,
        path: raw.sql_path.map_or(InsertPath::Bulk, InsertPath::Sql),
        triggers: raw.triggers,
        triggers_before_row: raw.triggers_before_row,
        left_to_finish: raw.left_to_finish,
        elsewhere: false,
        only: !raw.inherited_by.is_empty(),
        kind: raw.kind,
        inherited_by: raw.inherited_by,
        empty: raw.empty,
        references: raw.references,
        project_keys: raw.project_keys,
        source: None,
        keys: TableKeys::default(),
    })
}
