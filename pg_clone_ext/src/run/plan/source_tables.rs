//! `options.source_tables`: reads the source's rows from relations other than the store's tables, such as temporary tables
//! with the rows of a project of another database.

use crate::catalog::check_nothing_hidden;
use crate::error::internal;
use crate::pg::privileges::{check_no_row_security, check_select};
use crate::pg::table::plan_check;
use pg_clone_core::error::{Code, Error, Result, shown};
use pg_clone_core::plan::{Oid, Store, Table};
use std::collections::BTreeMap;

/// Makes the store read its tables from the relations in `sources`, a map by table. A table that is not in the map has no source rows.
/// A table that the store does not describe, a relation that does not exist, and one whose columns are not those of the table
/// are errors (22023).
///
/// `locked` are the relations that were locked before the snapshot was taken. A name that now means another relation is an error (55000).
pub fn apply(store: &mut Store, sources: &BTreeMap<String, String>, locked: &[Oid]) -> Result<()> {
    for table in &mut store.tables {
        table.empty = true;
    }
    for (name, relation) in sources {
        let oid = regclass(name)?;
        let Some(table) = store.tables.iter_mut().find(|table| Some(table.oid) == oid) else {
            return Err(Error::bad_argument(format!(
                "option \"source_tables\": \"{}\" is not a table of the store",
                shown(name)
            ))
            .hint("SELECT relation FROM clone.store_relation lists the tables of the stores."));
        };
        let source = qualified(relation)?.ok_or_else(|| missing(relation))?;
        if !regclass(relation)?.is_some_and(|oid| locked.contains(&oid)) {
            return Err(Error::new(
                Code::StoreChanged,
                format!(
                    "option \"source_tables\": relation \"{}\" was created after the tables were locked",
                    shown(relation)
                ),
            )
            .hint("Try again in a new transaction."));
        }
        // Each statement of the run would see another state of such relations.
        let below = plan_check::relations_below(regclass(relation)?.unwrap_or_default().into());
        check_nothing_hidden(&source, &below)?;
        table.elsewhere |= below.iter().any(|relation| relation.kind == b'f');
        check_columns(table, &source)?;
        table.empty = pgrx::Spi::get_one::<bool>(&format!("SELECT NOT EXISTS (SELECT FROM {source})"))
            .map_err(internal)?
            .unwrap_or(true);
        table.source = Some(source);
    }
    Ok(())
}

/// The relations in `sources`, to be locked before rows are read. One that does not exist is an error (22023), one without the
/// privilege SELECT too (42501), and one with rows that row-level security hides (0A000).
pub fn relations(sources: &BTreeMap<String, String>) -> Result<Vec<Oid>> {
    sources
        .values()
        .map(|relation| {
            let oid = regclass(relation)?.ok_or_else(|| missing(relation))?;
            let name = qualified(relation)?.unwrap_or_default();
            check_select(oid, &name)?;
            check_no_row_security(oid, &name)?;
            Ok(oid)
        })
        .collect()
}

fn missing(relation: &str) -> Error {
    Error::bad_argument(format!(
        "option \"source_tables\": relation \"{}\" does not exist",
        shown(relation)
    ))
    .hint("Give its qualified name, such as pg_temp.rows_1.")
}

/// `None` also for a text that is no name: `to_regclass` reports it without a hint.
fn regclass(name: &str) -> Result<Option<u32>> {
    pgrx::Spi::get_one_with_args::<pgrx::pg_sys::Oid>(
        r#"SELECT CASE WHEN $1 OPERATOR(pg_catalog.~) '^\s*("([^"]|"")+"|[^".\s]+)(\s*\.\s*("([^"]|"")+"|[^".\s]+)){0,2}\s*$'
               THEN pg_catalog.to_regclass($1)::pg_catalog.oid END"#,
        &[name.into()],
    )
    .map(|oid| oid.map(u32::from))
    .map_err(internal)
}

fn qualified(relation: &str) -> Result<Option<String>> {
    pgrx::Spi::get_one_with_args::<String>(
        "SELECT pg_catalog.format('%I.%I', n.nspname, c.relname) FROM pg_catalog.pg_class c \
         JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
         WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)::pg_catalog.oid \
         UNION ALL SELECT NULL LIMIT 1",
        &[relation.into()],
    )
    .map_err(internal)
}

/// Every column of the table, except generated ones, must exist with the same type.
fn check_columns(table: &Table, source: &str) -> Result<()> {
    let differences = pgrx::Spi::get_one_with_args::<String>(
        "SELECT pg_catalog.string_agg(pg_catalog.format('column %I is %s, not %s', a.attname, \
             COALESCE(pg_catalog.format_type(s.atttypid, s.atttypmod), 'missing'), pg_catalog.format_type(a.atttypid, a.atttypmod)), \
             '; ' ORDER BY a.attnum) \
         FROM pg_catalog.pg_attribute a \
         LEFT JOIN pg_catalog.pg_attribute s ON s.attrelid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($2)::pg_catalog.oid \
             AND s.attname OPERATOR(pg_catalog.=) a.attname AND NOT s.attisdropped \
         WHERE a.attrelid OPERATOR(pg_catalog.=) $1 AND a.attnum OPERATOR(pg_catalog.>) 0 AND NOT a.attisdropped \
             AND a.attgenerated OPERATOR(pg_catalog.=) ''::\"char\" \
             AND (s.atttypid IS NULL OR s.atttypid OPERATOR(pg_catalog.<>) a.atttypid)",
        &[pgrx::pg_sys::Oid::from(table.oid).into(), source.into()],
    )
    .map_err(internal)?;
    match differences {
        None => Ok(()),
        Some(differences) => Err(Error::new(
            Code::BadArgument,
            format!(
                "option \"source_tables\": relation {source} does not have the columns of {}",
                table.sql_name
            ),
        )
        .detail(differences)
        .hint(format!(
            "Create it with CREATE TABLE … (LIKE {}).",
            table.sql_name
        ))),
    }
}
