//! The authorize stage: the caller's privileges and the project's existence, checked before anything else is read.

use super::keys::plain;
use super::state::Run;
use crate::error::or_raise;
use crate::pg::privileges::{self, AsExtensionOwner, Privilege};
use crate::pg::query::subtransaction::attempt;
use crate::pg::query::{exists, text};
use crate::pg::table::relation::OpenTable;
use crate::pg::value::datum::from_text;
use pg_clone_core::error::{Code, Error, Result, shown};
use pg_clone_core::ids::uuid_text;
use pg_clone_core::plan::{
    Column, ColumnRole, KeyForm, KeyKind, SourceQuery, Store, Table, TableRole, canonical_numeric,
    is_numeric, is_project, is_text, is_time_or_interval, quote,
};

/// Requires SELECT (and INSERT, when writing) on every table that can be used (42501), without row-level security (0A000).
/// A table without rows, or of a type that is not cloned, is not used; but a trigger can write rows of the clone into it, and policies must
/// not hide them.
pub fn tables(store: &Store, resource_types: &[String], writing: bool) -> Result<()> {
    let filled = |table: &Table| {
        !table.empty
            || table
                .parents
                .iter()
                .any(|p| store.table(*p).is_some_and(|t| !t.empty))
    };
    for table in &store.tables {
        if !filled(table) {
            privileges::check_no_row_security(table.oid, &table.sql_name)?;
            continue;
        }
        let read: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let named = table
            .resource_type
            .as_ref()
            .is_some_and(|name| resource_types.contains(name));
        let written = written(table);
        let wanted: [(Privilege, &[&str]); 2] = [(Privilege::Select, &read), (Privilege::Insert, &written)];
        let fills = writing && (table.cloned || named);
        privileges::check_table(
            table.oid,
            &table.sql_name,
            if fills { &wanted } else { &wanted[..1] },
        )?;
        if fills {
            sequences(table)?;
        }
        privileges::check_no_row_security(table.oid, &table.sql_name)?;
    }
    Ok(())
}

/// Checks privileges on the sequences for new keys.
fn sequences(table: &Table) -> Result<()> {
    let drawn = |column: &&Column| matches!(column.role, ColumnRole::Key | ColumnRole::Default);
    table
        .columns
        .iter()
        .filter(drawn)
        .filter_map(|column| column.keys.sequence.as_deref())
        .try_for_each(|sequence| privileges::check_sequence(sequence, false))
}

/// The columns that a clone gives a value.
fn written(table: &Table) -> Vec<&str> {
    table
        .columns
        .iter()
        .filter(|column| column.role != ColumnRole::Default)
        .map(|column| column.name.as_str())
        .collect()
}

/// Requires INSERT on every table that will be written (42501), also for types that are included only by
/// include_ids or as dependencies.
pub fn writes(run: &Run) -> Result<()> {
    for table in run
        .table_copies
        .iter()
        .filter_map(|copy| run.store.table(copy.table))
    {
        privileges::check_table(
            table.oid,
            &table.sql_name,
            &[(Privilege::Insert, &written(table))],
        )?;
        sequences(table)?;
        privileges::check_no_row_security(table.oid, &table.sql_name)?;
    }
    Ok(())
}

/// The project's id in the canonical form of its column's type; 22023 if it is malformed.
pub fn project_id(table: &Table, given: &str) -> Result<String> {
    let (whole, given) = (given, given.trim());
    let column = table.id_column.as_deref().unwrap_or_default();
    let type_name = table.type_of(column);
    match KeyKind::of(type_name) {
        KeyKind::Uuid => match uuid_text::parse_slice(given.as_bytes()) {
            Some(id) => Ok(uuid_text::to_string(&id)),
            None => Err(
                Error::bad_argument(format!("malformed project id \"{}\"", shown(given)))
                    .hint("Projects of this store have UUIDs, e.g. 35f1dbf7-3a18-485a-8785-1890ae507703."),
            ),
        },
        KeyKind::Int => match given.parse::<i64>() {
            Ok(number) => {
                check_fits(table, &number.to_string(), "project id")?;
                Ok(number.to_string())
            }
            Err(_) => Err(
                Error::bad_argument(format!("malformed project id \"{}\"", shown(given)))
                    .hint("Projects of this store have integer ids."),
            ),
        },
        KeyKind::Text if is_numeric(type_name) => {
            let number = canonical_numeric(given).ok_or_else(|| {
                Error::bad_argument(format!("malformed project id \"{}\"", shown(given)))
                    .hint("Projects of this store have decimal numbers as ids, e.g. 17.")
            })?;
            check_fits(table, &number, "project id")?;
            Ok(number)
        }
        KeyKind::Text => {
            // Any text is a text: a project of that id does not exist.
            if !is_text(type_name) {
                check_fits(table, whole, "project id")?;
            }
            stored_id(table, text_id(table, whole)?)
        }
    }
}

/// The id as the project's row has it: `ACME` may be equal to the `acme` of a row by its type or collation. Elsewhere ids are compared as texts.
/// One without a row is that of its run, or stays as given.
fn stored_id(table: &Table, given: String) -> Result<String> {
    let column = table.id_column.as_deref().unwrap_or_default();
    if !is_text(table.type_of(column)) || privileges::check_select(table.oid, &table.sql_name).is_err() {
        return Ok(given);
    }
    let id = format!("t.{}", quote::identifier(column));
    let rows = SourceQuery::over(table.source_name()).filter(is_project(table, column, &given, &id));
    let stored = text(&format!("{} LIMIT 1", rows.select(&table.text_of("t", column))))?;
    Ok(match stored {
        Some(stored) => plain(&stored, table.type_of(column)).to_owned(),
        None => recorded_id(table, &given)?.unwrap_or(given),
    })
}

/// The id as the run has it that made a project without a row, where ids are the same in any letters.
fn recorded_id(table: &Table, given: &str) -> Result<Option<String>> {
    let column = table.id_column.as_deref().unwrap_or_default();
    if KeyForm::of(table.type_of(column)) != KeyForm::Folded {
        return Ok(None);
    }
    let _owner = AsExtensionOwner::new();
    text(&format!(
        "SELECT r.target_project FROM clone.run AS r WHERE pg_catalog.lower(r.target_project) OPERATOR(pg_catalog.=) pg_catalog.lower({}) \
         AND r.kind OPERATOR(pg_catalog.=) 'project' AND r.store OPERATOR(pg_catalog.=) ANY (SELECT d.store FROM clone.store_relation AS d \
         WHERE d.relation::pg_catalog.oid OPERATOR(pg_catalog.=) {}::pg_catalog.oid AND d.role OPERATOR(pg_catalog.=) 'project') \
         ORDER BY r.deleted_at IS NULL DESC, r.id DESC LIMIT 1",
        quote::literal(given),
        table.oid
    ))
}

/// An id that fits the column, as the column's type writes it: an id in another form would not be found in `clone.run`. How dates and times
/// are written depends on settings of the session: they stay as given.
pub fn text_id(table: &Table, given: &str) -> Result<String> {
    let type_name = table.type_of(table.id_column.as_deref().unwrap_or_default());
    if is_text(type_name) || is_time_or_interval(type_name) {
        return Ok(plain(given, type_name).to_owned());
    }
    // By the output function: a cast writes 10.0.0.1/32 for the inet 10.0.0.1.
    let written = text(&format!(
        "SELECT pg_catalog.format('%s', {}::{type_name})",
        quote::literal(given)
    ))?;
    Ok(written.unwrap_or_else(|| given.to_owned()))
}

/// An id that the type of the project's id does not accept, or would round, is an error (22023). `what` names the argument.
pub fn check_fits(table: &Table, given: &str, what: &str) -> Result<()> {
    let column = table.id_column.as_deref().unwrap_or_default();
    let type_name = table.type_of(column);
    let attributes = OpenTable::for_read(table.oid).attributes();
    let Some(attribute) = attributes.iter().find(|a| !a.dropped && a.name == column) else {
        return Ok(());
    };
    let refused = |why: &str| {
        Error::bad_argument(format!(
            "{what} \"{}\" does not fit column \"{column}\" of {}: {why}",
            shown(given),
            table.sql_name
        ))
        .hint(format!("Give an id of type {type_name}."))
    };
    attempt(|| or_raise(from_text(given, attribute.type_oid, attribute.typmod).map(|_| ())))
        .map_err(|failure| refused(&failure.message))?;
    if is_numeric(type_name) {
        let number = quote::literal(given);
        let same = text(&format!(
            "SELECT ({number}::{type_name} OPERATOR(pg_catalog.=) {number}::pg_catalog.numeric)::pg_catalog.text"
        ))?;
        if same.as_deref() == Some("false") {
            return Err(refused(&format!("type {type_name} rounds it")));
        }
    }
    Ok(())
}

/// The error for a project that does not exist (P0002).
pub fn not_found(project: &str) -> Error {
    Error::new(
        Code::NotFound,
        format!("project \"{}\" does not exist", shown(project)),
    )
    .hint("Check the id; a deleted project cannot be cloned.")
}

/// Requires the source project's row, live and visible to the snapshot (P0002).
pub fn project_exists(run: &Run) -> Result<()> {
    let table = run.store.project_table()?;
    debug_assert_eq!(table.role, TableRole::Project);
    let column = table.id_column.as_deref().unwrap_or_default();
    let live = table.live.as_deref().unwrap_or("true");
    let rows = SourceQuery::over(table.source_name())
        .equal(table, column, &run.source)
        .filter(live);
    match exists(&rows)? {
        true => Ok(()),
        false => Err(not_found(&run.source)),
    }
}
