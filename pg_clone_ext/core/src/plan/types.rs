//! Which roles a column's type can play. Checked before a run: values are read by their type's layout, so a role on a
//! type that it does not fit must never reach a row.

use super::store::{Column, ColumnRole, Store, Table};
use crate::error::{Code, Error, Result};

/// Whether `format_type`'s name is that of a text type stored as a varlena.
pub fn is_text(type_name: &str) -> bool {
    matches!(
        type_name,
        "text" | "citext" | "character varying" | "character" | "bpchar"
    ) || type_name.ends_with(".citext")
        || (type_name.starts_with("character") && type_name.ends_with(')'))
}

fn is_key(type_name: &str) -> bool {
    matches!(type_name, "uuid" | "smallint" | "integer" | "bigint") || is_text(type_name)
}

fn is_key_array(type_name: &str) -> bool {
    matches!(type_name, "uuid[]" | "text[]" | "character varying[]")
}

fn fits(column: &Column) -> bool {
    let name = column.type_name.as_str();
    match column.role {
        ColumnRole::Map(_) => is_key(name) || is_key_array(name),
        ColumnRole::Version | ColumnRole::Owner => is_key(name),
        ColumnRole::Key => matches!(name, "smallint" | "integer" | "bigint"),
        ColumnRole::Rewrite => {
            is_text(name) || is_key_array(name) || matches!(name, "uuid" | "json" | "jsonb")
        }
        _ => true,
    }
}

impl Store {
    /// A key or a column role on a type that cannot play it is an error (55000) that names the column.
    pub fn check_types(&self) -> Result<()> {
        self.tables.iter().try_for_each(|table| self.check_table(table))
    }

    fn check_table(&self, table: &Table) -> Result<()> {
        let keys = [&table.id_column, &table.project_column, &table.join_column];
        for column in keys.into_iter().flatten().filter_map(|name| table.column(name)) {
            if !is_key(&column.type_name) {
                return Err(refuse(table, column, "be a key"));
            }
        }
        for column in &table.columns {
            if !fits(column) {
                return Err(refuse(
                    table,
                    column,
                    &format!("have the role {}", column.role.word()),
                ));
            }
        }
        Ok(())
    }
}

fn refuse(table: &Table, column: &Column, what: &str) -> Error {
    Error::new(
        Code::StoreChanged,
        format!("column {} of {} has type {}, which cannot {what}", column.name, table.sql_name, column.type_name),
    )
    .hint("Keys are uuid, integers or text. Give the column another role: SELECT clone.store_column(…, 'keep').")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_whose_layout_is_known_are_read_as_text_or_keys() {
        for name in ["text", "character varying(20)", "character(3)", "public.citext"] {
            assert!(is_text(name), "{name}");
        }
        for name in [
            "name",
            "\"char\"",
            "numeric",
            "date",
            "app.mood",
            "character varying[]",
            "bytea",
        ] {
            assert!(!is_text(name) && !is_key(name), "{name}");
        }
    }
}
