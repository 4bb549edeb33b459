//! Hints for constraints that a row of a clone violates.

use std::collections::HashMap;

use crate::pg::query::for_each_row;
use crate::pg::session::constraint_hint::{Kind, Violation};
use pg_clone_core::error::Result;
use pg_clone_core::plan::{ColumnRole, Oid, Store, Table, new_value_roles, quote};

/// The described table of each partition, by the partition's name without quotes: the server names the partition.
pub type Partitions = HashMap<String, Oid>;

/// The partitions of the tables of a store.
pub fn partitions(store: &Store) -> Result<Partitions> {
    let mut found = Partitions::new();
    for table in store.tables.iter().filter(|table| table.kind == "p") {
        let names = format!(
            "SELECT pg_catalog.concat(n.nspname, '.', c.relname) \
             FROM pg_catalog.pg_partition_tree({}::pg_catalog.oid::pg_catalog.regclass) AS p \
             JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) p.relid::pg_catalog.oid \
             JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace",
            table.oid
        );
        for_each_row(&names, &mut |row| {
            if let Some(name) = row.map(|row| row.text(0)).transpose()?.flatten() {
                found.insert(name.into_owned(), table.oid);
            }
            Ok(())
        })?;
    }
    Ok(found)
}

/// The hint for a violation while the rows of a store are written; `without_triggers` if the call leaves triggers out.
pub fn hint(
    store: &Store,
    partitions: &Partitions,
    violation: &Violation,
    without_triggers: bool,
) -> Option<String> {
    if violation.kind == Kind::OutOfRange {
        return numbers_from_defaults(store);
    }
    if violation.table.is_empty() && !violation.domain.is_empty() {
        return Some(of_domain(store, violation));
    }
    let name = format!("{}.{}", violation.schema, violation.table);
    let parent = partitions.get(&name);
    let table = store
        .tables
        .iter()
        .find(|table| unquoted(&table.sql_name) == name || parent == Some(&table.oid));
    let Some(table) = table else {
        return outside(violation, without_triggers);
    };
    let call = |column: &str, role: &str| {
        format!(
            "SELECT clone.store_column({}, {}, {}, {role})",
            quote::literal(&store.name),
            quote::literal(&table.sql_name),
            quote::literal(column)
        )
    };
    Some(match violation.kind {
        Kind::Unique | Kind::Exclusion => unique(store, table, violation, &call, without_triggers),
        Kind::ForeignKey => format!(
            "A row of {} names a row that the clone does not have. Describe the table that {} refers to with clone.store_table(…), \
             or let its columns be NULL in clones: {}.",
            table.sql_name,
            violation.constraint,
            call("…", "'null'")
        ),
        Kind::Check => format!(
            "Give the columns that {} looks at values that it allows: {}.",
            violation.constraint,
            call("…", "'expression', value => '…'")
        ),
        Kind::TriggeredChange | Kind::OutOfRange => return None,
        Kind::NotNull => format!(
            "Give the column a value in clones: {}, or 'default'.",
            call(&violation.column, "'value', value => '…'")
        ),
    })
}

/// A value that a domain does not allow: the error names no column.
fn of_domain(store: &Store, violation: &Violation) -> String {
    format!(
        "A column of type {}.{} would get a value that the domain does not allow. Give it one that it allows: SELECT clone.store_column({}, '…', '…', \
         'expression', value => '…'); the project's id is chosen with options => '{{\"target\": \"…\"}}'.",
        quote::identifier(&violation.schema),
        quote::identifier(&violation.domain),
        quote::literal(&store.name)
    )
}

/// Which columns get numbers from their defaults: the error of a number that does not fit names none.
fn numbers_from_defaults(store: &Store) -> Option<String> {
    const NAMED: usize = 5;
    let mut columns = store.tables.iter().flat_map(|table| {
        let drawn = table.columns.iter().filter(|column| {
            column.role == ColumnRole::Default
                && !column.generated
                && matches!(column.type_name.as_str(), "smallint" | "integer" | "bigint")
        });
        drawn.map(|column| {
            format!(
                "{}.{} ({})",
                table.sql_name,
                quote::identifier(&column.name),
                column.type_name
            )
        })
    });
    let named: Vec<String> = columns.by_ref().take(NAMED).collect();
    if named.is_empty() {
        return None;
    }
    Some(format!(
        "Columns that get a number from their default in each clone and refresh: {}{}. Give the column a larger type, ALTER TABLE … ALTER COLUMN … \
         TYPE bigint, and its sequence a larger end, ALTER SEQUENCE … AS bigint NO MAXVALUE; or let the sequence go on from a smaller value.",
        named.join(", "),
        if columns.next().is_some() { ", …" } else { "" }
    ))
}

fn unique(
    store: &Store,
    table: &Table,
    violation: &Violation,
    call: &dyn Fn(&str, &str) -> String,
    without_triggers: bool,
) -> String {
    let columns: Vec<&str> = table
        .keys
        .uniques
        .iter()
        .find(|unique| {
            unique.name == violation.constraint || quote::identifier(&violation.constraint) == unique.name
        })
        .map(|unique| unique.columns.iter().map(String::as_str).collect())
        .unwrap_or_default();
    let by_trigger = match has_triggers(store) && !without_triggers {
        true => {
            "If a trigger of another table made the row, clone without triggers: options => '{\"triggers\": \"skip\"}'. Else: "
        }
        false => "",
    };
    if matches!(columns.as_slice(), [one] if Some(*one) == table.id_column.as_deref()) {
        return format!(
            "{by_trigger}Another session has made a row of {} with the same key meanwhile, or what makes the keys gave one twice. Call it again; \
             with options.target, choose an id that is not in use.",
            table.sql_name
        );
    }
    let constant = columns
        .iter()
        .filter_map(|name| table.column(name))
        .find(|column| matches!(column.role, ColumnRole::Value(_)));
    if let Some(column) = constant {
        return format!(
            "Every clone of store \"{}\" gets the same value in {}.{}. Give each its own: {}.",
            store.name,
            table.sql_name,
            quote::identifier(&column.name),
            call(&column.name, "'template', value => '…{n}'")
        );
    }
    let column = columns
        .iter()
        .filter_map(|name| table.column(name))
        .max_by_key(|column| {
            (
                !is_key(table, &column.name),
                pg_clone_core::plan::is_text(&column.type_name),
            )
        });
    let (name, roles) = column.map_or(("…", "…)".to_owned()), |column| {
        (column.name.as_str(), new_value_roles(table, column))
    });
    format!(
        "{by_trigger}Give a column of {} another value in clones: SELECT clone.store_column({}, {}, {}, {roles}; \
         or leave out the rows that meet, with clone.store_table(…, live => '…').",
        violation.constraint,
        quote::literal(&store.name),
        quote::literal(&table.sql_name),
        quote::literal(name)
    )
}

/// Whether a table of the store has triggers that fire on INSERT.
fn has_triggers(store: &Store) -> bool {
    store.tables.iter().any(|table| table.triggers.is_some())
}

fn is_key(table: &Table, column: &str) -> bool {
    [&table.id_column, &table.project_column, &table.join_column]
        .iter()
        .any(|name| name.as_deref() == Some(column))
}

/// A name without quotes.
fn unquoted(name: &str) -> String {
    name.replace("\"\"", "\0").replace('"', "").replace('\0', "\"")
}

/// The hint for a table that the store does not describe: a trigger has written to it.
fn outside(violation: &Violation, without_triggers: bool) -> Option<String> {
    let skip = match without_triggers {
        true => "Mend the trigger or function that wrote it.",
        false => "Clone without triggers with options => '{\"triggers\": \"skip\"}', or mend the trigger.",
    };
    (!violation.table.is_empty()).then(|| {
        format!(
            "The store does not describe {}: a trigger of its tables wrote the row. {skip}",
            format_args!("{}.{}", violation.schema, violation.table)
        )
    })
}
