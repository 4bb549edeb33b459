//! Determines which key each column of a store holds, and sets inferred roles accordingly.

use super::{KeyRef, Outside, ReferenceForm, Unique, changes};
use crate::error::{Code, Error, Result};
use crate::plan::columns::ColumnRole;
use crate::plan::store::{Column, Oid, Store, Table, TableRole};
use std::collections::{HashMap, HashSet};

/// Maximum length of a chain of keys that refer to keys.
const MAX_DEPTH: usize = 8;

impl Store {
    /// Determines which key each column holds, and sets inferred roles accordingly. References to two keys,
    /// tables that are missing in the description, and rows that belong by a key which a clone keeps are errors (55000).
    pub fn resolve_keys(&mut self) -> Result<()> {
        if !self.follows_constraints() {
            self.resolve_by_roles();
            return Ok(());
        }
        self.check_described()?;
        self.project_by_another_column();
        self.keys_of_other_tables();
        let edges = self.edges();
        // Also those that only arrays, paths and documents refer to.
        let targets: HashSet<KeyRef> = self
            .tables
            .iter()
            .flat_map(|table| &table.keys.references)
            .filter_map(|reference| self.table(reference.target)?.key_ref(&reference.target_column))
            .collect();
        let mut holds = Vec::new();
        for table in &self.tables {
            for column in &table.columns {
                if let Some(own) = table.key_ref(&column.name) {
                    let root = self.root(&edges, own)?;
                    let is_key = table.id_column.as_deref() == Some(column.name.as_str())
                        || targets.contains(&own)
                        || edges.values().flatten().any(|to| *to == own);
                    if root != own || is_key {
                        holds.push((own, root));
                    }
                }
            }
        }
        let names: HashMap<KeyRef, String> = holds
            .iter()
            .map(|(_, root)| (*root, self.key_name(*root)))
            .collect();
        let new_roles: Vec<(KeyRef, Option<ColumnRole>)> = holds
            .iter()
            .map(|(own, root)| (*own, self.role_of_key(*own, *root, &holds)))
            .collect();
        for ((own, root), (_, role)) in holds.into_iter().zip(new_roles) {
            if let Some(column) = self.column_mut(own) {
                column.keys.holds = Some(root);
                let generated = matches!(column.role, ColumnRole::Default)
                    && (column.keys.sequence.is_some() || column.keys.default.is_some());
                if own == root && !column.inferred() && generated {
                    // Its new values are assigned before the rows are written, so that references can use them.
                    column.role = ColumnRole::Key;
                } else if let Some(role) = role.filter(|_| column.inferred()) {
                    column.reason = match &role {
                        ColumnRole::Map(Some(_)) if own != root => format!("refers to {}", names[&root]),
                        ColumnRole::Keep => "unique with another column that changes".to_owned(),
                        ColumnRole::Key if column.reason == "integer key" => column.reason.clone(),
                        _ => "key".to_owned(),
                    };
                    column.role = role;
                }
            }
        }
        self.unique_uuids();
        self.check_kept_parents()
    }

    fn column_mut(&mut self, key: KeyRef) -> Option<&mut Column> {
        let table = self.tables.iter_mut().find(|t| t.oid == key.table)?;
        table.columns.get_mut(usize::from(key.column))
    }

    /// For presets, which set roles only: a column with role map holds the key of its target table.
    fn resolve_by_roles(&mut self) {
        let id_keys: HashMap<Oid, KeyRef> = self
            .tables
            .iter()
            .filter_map(|t| Some((t.oid, t.key_ref(t.id_column.as_deref()?)?)))
            .collect();
        for table in &mut self.tables {
            let (id, join) = (table.id_column.clone(), table.join_column.clone());
            let parent = table.parents.first().copied();
            let own = table.oid;
            for (place, column) in table.columns.iter_mut().enumerate() {
                let is = |name: &Option<String>| name.as_deref() == Some(column.name.as_str());
                let target = match &column.role {
                    ColumnRole::Key => u16::try_from(place)
                        .ok()
                        .map(|column| KeyRef { table: own, column }),
                    ColumnRole::Map(Some(target)) => id_keys.get(target).copied(),
                    ColumnRole::Map(None) if is(&id) => id_keys.get(&own).copied(),
                    ColumnRole::Map(None) if is(&join) => {
                        parent.and_then(|parent| id_keys.get(&parent).copied())
                    }
                    _ => None,
                };
                column.keys.holds = target;
            }
        }
    }

    /// The role of a column that holds a key; None: unchanged.
    fn role_of_key(&self, own: KeyRef, root: KeyRef, holds: &[(KeyRef, KeyRef)]) -> Option<ColumnRole> {
        let (table, column) = self.column_of(own)?;
        if own != root {
            return match column.role {
                ColumnRole::Project | ColumnRole::Default | ColumnRole::Owner | ColumnRole::Name => None,
                _ => Some(ColumnRole::Map(Some(root.table))),
            };
        }
        if table.role == TableRole::Project && table.id_column.as_deref() == Some(column.name.as_str()) {
            return None;
        }
        if self.stays(table, column, holds, 0) {
            return Some(ColumnRole::Keep);
        }
        match column.role {
            ColumnRole::Default | ColumnRole::Keep | ColumnRole::Key => Some(if column.type_name == "uuid" {
                ColumnRole::Map(None)
            } else {
                ColumnRole::Key
            }),
            ColumnRole::Rewrite => Some(ColumnRole::Map(Some(table.oid))),
            _ => None,
        }
    }

    /// A part of a key whose other part changes (a number or name per tenant) keeps its value, unless it has a source
    /// of new ones.
    fn stays(&self, table: &Table, column: &Column, holds: &[(KeyRef, KeyRef)], depth: usize) -> bool {
        if column.type_name == "uuid" || column.keys.sequence.is_some() {
            return false;
        }
        let with: Vec<&Unique> = table
            .keys
            .uniques
            .iter()
            .filter(|unique| unique.columns.contains(&column.name))
            .collect();
        !with.is_empty()
            && with.iter().all(|unique| {
                unique.columns.iter().any(|other| {
                    other != &column.name
                        && (changes(self, table, other)
                            || self.follows(table, other, holds, depth)
                            || self.follows_under_conditions(table, other))
                })
            })
    }

    /// Whether rows of a column refer to keys that get new values, each under a condition, such as beside a type.
    fn follows_under_conditions(&self, table: &Table, column: &str) -> bool {
        table.keys.references.iter().any(|reference| {
            reference.column == column
                && reference.form == ReferenceForm::Column
                && reference.condition.is_some()
                && self
                    .table(reference.target)
                    .and_then(|target| target.column(&reference.target_column))
                    .is_some_and(|key| key.role != ColumnRole::Keep)
        })
    }

    /// Whether a column refers to a key that gets new values.
    fn follows(&self, table: &Table, column: &str, holds: &[(KeyRef, KeyRef)], depth: usize) -> bool {
        let own = table.key_ref(column);
        let root = holds
            .iter()
            .find(|(from, to)| Some(*from) == own && from != to)
            .and_then(|(_, to)| self.column_of(*to));
        match (root, table.column(column)) {
            (Some((parent, key)), Some(column)) if column.inferred() && depth < MAX_DEPTH => {
                !self.stays(parent, key, holds, depth + 1)
            }
            _ => false,
        }
    }

    /// A UUID column that is unique and not a key gets new values: an API token, a public id. Its values are keys of their own: what
    /// names them anywhere follows. One that is the key of a row, in a reference that nobody declared, has that row's new key.
    fn unique_uuids(&mut self) {
        for table in &mut self.tables {
            let places: Vec<Option<KeyRef>> = table
                .columns
                .iter()
                .map(|column| table.key_ref(&column.name))
                .collect();
            let in_index = |alone: bool, name: &String| {
                let mut uniques = table.keys.uniques.iter().filter(|unique| !unique.exclusion);
                uniques.any(|unique| unique.columns.contains(name) && (!alone || unique.columns.len() == 1))
            };
            let id = table.id_column.as_deref();
            for (column, own) in table.columns.iter_mut().zip(places) {
                if column.type_name != "uuid"
                    || column.keys.holds.is_some()
                    || id == Some(column.name.as_str())
                {
                    continue;
                }
                if column.inferred()
                    && matches!(column.role, ColumnRole::Map(None))
                    && in_index(true, &column.name)
                {
                    column.role = ColumnRole::NewUuid;
                    column.reason = "unique".to_owned();
                }
                if column.role == ColumnRole::NewUuid && in_index(false, &column.name) {
                    column.keys.holds = own;
                }
            }
        }
    }

    /// A key whose values are keys of other tables, of which under conditions, is no key of its own: the rows follow the rows that they name.
    fn keys_of_other_tables(&mut self) {
        let named: HashSet<(Oid, String)> = self
            .tables
            .iter()
            .flat_map(|table| {
                let by_keys = table.keys.foreign_keys.iter().flat_map(|key| {
                    key.target_columns
                        .iter()
                        .map(|column| (key.target, column.clone()))
                });
                let declared = table.keys.references.iter();
                by_keys.chain(declared.map(|reference| (reference.target, reference.target_column.clone())))
            })
            .collect();
        for table in &mut self.tables {
            let Some(id) = table.id_column.clone() else {
                continue;
            };
            let under_conditions = table.keys.references.iter().any(|reference| {
                reference.column == id
                    && reference.form == ReferenceForm::Column
                    && reference.condition.is_some()
                    && reference.target != table.oid
            });
            if !under_conditions
                || table.role != TableRole::Resource
                || table.blob_key.is_some()
                || named.contains(&(table.oid, id.clone()))
            {
                continue;
            }
            for column in table
                .columns
                .iter_mut()
                .filter(|column| column.name == id && column.inferred())
            {
                column.role = ColumnRole::Keep;
                column.reason = "refers to rows of other tables, by conditions".to_owned();
            }
            table.role = TableRole::Derived;
            table.id_column = None;
        }
    }

    /// A project column that references another column than the project's key (a slug, a number) is a join.
    fn project_by_another_column(&mut self) {
        let Ok(project) = self.project_table() else { return };
        let (oid, id) = (project.oid, project.id_column.clone());
        for table in &mut self.tables {
            let Some(column) = table.project_column.clone() else {
                continue;
            };
            let by_another = table.keys.foreign_keys.iter().any(|key| {
                key.target == oid
                    && key.columns == [column.clone()]
                    && key.target_columns.first() != id.as_ref()
            });
            if by_another && table.join_column.is_none() {
                table.project_column = None;
                table.join_column = Some(column.clone());
                table.parents = vec![oid];
                for described in table.columns.iter_mut().filter(|c| c.name == column) {
                    if described.role == ColumnRole::Project {
                        described.role = ColumnRole::Map(Some(oid));
                    }
                }
            }
        }
    }

    /// An error (55000) for tables whose rows would be lost, or whose references would still refer to rows of the source.
    fn check_described(&self) -> Result<()> {
        for table in &self.tables {
            if let Some(parent) = table.parents.iter().find(|oid| self.table(**oid).is_none()) {
                let Some(name) = self.outside.name(*parent) else {
                    let literal = crate::plan::quote::literal;
                    let (store, name) = (literal(&self.name), literal(&table.sql_name));
                    return Err(Error::new(
                        Code::StoreChanged,
                        format!("rows of {} belong by a table that does not exist any more", table.sql_name),
                    )
                    .hint(format!(
                        "Say by which column they belong: SELECT clone.store_table({store}, {name}, 'derived', project_column => '…'); \
                         or do not clone them: SELECT clone.store_remove_table({store}, {name});"
                    )));
                };
                return Err(missing(
                    &self.name,
                    format!(
                        "rows of {} belong by {name}, which the store does not describe",
                        table.sql_name
                    ),
                    name,
                ));
            }
            for key in &table.keys.foreign_keys {
                if self.table(key.target).is_some() || self.outside.shared.contains(&key.target) {
                    continue;
                }
                if let Some(name) = self.outside.name(key.target)
                    && key
                        .columns
                        .iter()
                        .filter_map(|name| table.column(name))
                        .any(|c| c.inferred())
                {
                    return Err(missing(
                        &self.name,
                        format!(
                            "{}.{} refers to {name}, whose rows belong to projects and which the store does not describe",
                            table.sql_name,
                            key.columns.join(", ")
                        ),
                        name,
                    ));
                }
            }
        }
        if let Some((child, parent)) = self.outside.children.first() {
            return Err(missing(
                &self.name,
                format!("{child} inherits from {parent}, and the store does not describe it"),
                child,
            ));
        }
        Ok(())
    }
}

impl Outside {
    fn name(&self, table: Oid) -> Option<&str> {
        self.reaching
            .iter()
            .find(|(oid, _)| *oid == table)
            .map(|(_, name)| name.as_str())
    }
}

fn missing(store: &str, message: String, table: &str) -> Error {
    Error::new(Code::StoreChanged, message)
        .detail("The clone would still refer to rows of the source, or lose rows of its own.")
        .hint(format!(
            "Describe it: SELECT clone.store_table({0}, {1}, …). If all projects share its rows: SELECT clone.store_shared({0}, {1}).",
            crate::plan::quote::literal(store),
            crate::plan::quote::literal(table)
        ))
}
