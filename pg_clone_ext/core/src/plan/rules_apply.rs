//! Checks that every rule has a document to act on; otherwise it would silently do nothing.

use super::store::{Store, Table, TableRole};
use crate::error::{Error, Result};
use crate::rules::Rule;

impl Store {
    /// A rule for a type whose tables have no document is an error (22023) that names a table. A type without a table in
    /// the store is ignored.
    pub fn check_rules(&self, rules: &[Rule]) -> Result<()> {
        rules.iter().try_for_each(|rule| self.check_rule(rule))
    }

    fn check_rule(&self, rule: &Rule) -> Result<()> {
        let concerned = |table: &&Table| match &rule.resource_type {
            None => true,
            Some(name) => match (&table.resource_type, &table.type_column) {
                (Some(fixed), _) => fixed == name,
                (None, Some(_)) => table.role == TableRole::Resource,
                (None, None) => table.role == TableRole::Project && self.project_type() == Some(name),
            },
        };
        let tables: Vec<&Table> = self.tables.iter().filter(concerned).collect();
        match tables.first() {
            Some(first) if tables.iter().all(|table| table.document_column.is_none()) => {
                let whose = rule
                    .resource_type
                    .as_deref()
                    .map_or_else(|| "all types".to_owned(), |name| format!("type \"{name}\""));
                Err(Error::bad_argument(format!(
                    "the rule for {whose} at {} has no document to act on: table {} has none",
                    rule.path, first.sql_name
                ))
                .hint("Say which column is the document: clone.store_table(…, document_column => '…')."))
            }
            _ => Ok(()),
        }
    }

    fn project_type(&self) -> Option<&str> {
        let table = self
            .tables
            .iter()
            .find(|table| table.role == TableRole::Project)?;
        table.resource_type.as_deref()
    }
}
