//! Roles that give a column new values in a clone, for hints.

use pg_clone_core::plan::{self, Column, KeyKind, Table, quote};

/// The roles that are possible for the column, as the end of a call of `clone.store_column` and further ones.
pub fn new_value_roles(table: &Table, column: &Column) -> String {
    let null = if column.not_null { "" } else { "'null', " };
    if plan::is_text(&column.type_name) {
        return format!(
            "'suffix'), or 'random', {null}'default', or 'template' with value => '{{value}}-copy-{{n}}'"
        );
    }
    if column.type_name == "uuid" {
        return format!("'new_uuid'), or {null}'default'");
    }
    let mut roles: Vec<String> = Vec::new();
    if column.keys.default.is_some() || column.keys.sequence.is_some() {
        roles.push("'default'".to_owned());
    }
    // A document is more than the member that has to be unique.
    let is_document = matches!(column.type_name.as_str(), "json" | "jsonb");
    if !column.not_null && !is_document {
        roles.push("'null'".to_owned());
    }
    let name = quote::identifier(&column.name);
    let value = match KeyKind::of(&column.type_name) {
        KeyKind::Int => format!(
            "$$(SELECT pg_catalog.max(m.{name}) FROM {} AS m) + {name}$$",
            table.sql_name
        ),
        _ => format!("'an SQL expression of type {} over the row'", column.type_name),
    };
    match roles.split_first() {
        None => format!("'expression', value => {value})"),
        Some((first, [])) => format!("{first}), or 'expression' with value => {value}"),
        Some((first, others)) => format!(
            "{first}), or {}, or 'expression' with value => {value}",
            others.join(", or ")
        ),
    }
}
