//! Rows that name a row which does not exist, though a foreign key forbids it: one that is NOT VALID has not been checked for the rows that were
//! there before. The server would refuse them in a clone. Nothing is written before.

use crate::error::internal;
use crate::pg::query::row::Row;
use crate::pg::query::{for_each_row, text};
use crate::run::keys::{Key, NewKey};
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result, shown};
use pg_clone_core::plan::{self, ColumnRole, ForeignKey, KeyKind, KeyRef, Oid, SourceQuery, Table, quote};
use pg_clone_core::rewrite::Dangling;
use std::collections::BTreeSet;

/// Keys that no row has become dangling ones, which `dangling => null` removes; else they are refused (23503).
pub fn map(run: &mut Run) -> Result<()> {
    if !run.store.follows_constraints() || run.request.options.keep_ids {
        return Ok(());
    }
    let unchecked = unchecked_keys(run)?;
    if unchecked.is_empty() {
        return Ok(());
    }
    let mut missing = Vec::new();
    for table in &run.store.tables {
        if table.empty || table.source.is_some() || !run.active.contains(&table.oid) {
            continue;
        }
        for foreign_key in &table.keys.foreign_keys {
            if unchecked.contains(&(table.oid, foreign_key.name.clone())) {
                missing.extend(orphans(run, table, foreign_key)?);
            }
        }
    }
    missing
        .iter()
        .try_for_each(|(key, of)| run.mark_key_not_cloned(key, *of))
}

/// Foreign keys of the store's tables that the server has not checked for all rows, but enforces.
fn unchecked_keys(run: &Run) -> Result<BTreeSet<(Oid, String)>> {
    let tables: Vec<String> = run
        .store
        .tables
        .iter()
        .map(|table| table.oid.to_string())
        .collect();
    let found = text(&format!(
        "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(f.conrelid::pg_catalog.int8, f.conname))::pg_catalog.text \
         FROM pg_catalog.pg_constraint AS f WHERE f.contype OPERATOR(pg_catalog.=) 'f' AND NOT f.convalidated \
         AND f.conrelid OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.oid[]) \
         AND COALESCE((pg_catalog.to_jsonb(f) OPERATOR(pg_catalog.->>) 'conenforced') OPERATOR(pg_catalog.<>) 'false', true)",
        tables.join(",")
    ))?;
    found.map_or(Ok(BTreeSet::new()), |keys| {
        serde_json::from_str(&keys).map_err(internal)
    })
}

/// The keys in rows of the project that no row has.
fn orphans(run: &Run, table: &Table, foreign_key: &ForeignKey) -> Result<Vec<(Key, Option<KeyRef>)>> {
    let Some(target) = run.store.table(foreign_key.target) else {
        return Ok(Vec::new());
    };
    let columns: Vec<_> = foreign_key
        .columns
        .iter()
        .filter_map(|name| table.column(name))
        .collect();
    // Another value than that of the source.
    let given = |role: &ColumnRole| {
        !matches!(
            role,
            ColumnRole::Keep | ColumnRole::Map(_) | ColumnRole::Rewrite | ColumnRole::Key
        )
    };
    if columns.len() < foreign_key.columns.len() || columns.iter().any(|column| given(&column.role)) {
        return Ok(Vec::new());
    }
    let Some(belongs) = plan::condition(&run.store, table, &run.source, &run.active, false)? else {
        return Ok(Vec::new());
    };
    let names: Vec<String> = columns
        .iter()
        .map(|column| format!("t.{}", quote::identifier(&column.name)))
        .collect();
    let filled: Vec<String> = names.iter().map(|name| format!("{name} IS NOT NULL")).collect();
    let equal: Vec<String> = names
        .iter()
        .zip(&foreign_key.operators)
        .zip(&foreign_key.target_columns)
        .map(|((name, operator), other)| format!("p.{} {operator} {name}", quote::identifier(other)))
        .collect();
    let first = columns.first().map_or("", |column| column.name.as_str());
    let row_key = table
        .id_column
        .as_ref()
        .map_or("t.ctid::pg_catalog.text".to_owned(), |id| table.text_of("t", id));
    let selected = vec![
        plan::canonical_key(table, first, "t").unwrap_or_else(|| format!("t.{}", quote::identifier(first))),
        format!("pg_catalog.concat_ws(', ', {})", names.join(", ")),
        row_key,
    ];
    let (selected, row_filter) = plan::with_row_filter(&run.store, table, selected);
    let sql = SourceQuery::over(&table.from_sql())
        .filter(format!(
            "{belongs} AND {} AND NOT EXISTS (SELECT FROM {} AS p WHERE {})",
            filled.join(" AND "),
            target.from_sql(),
            equal.join(" AND ")
        ))
        .select(&selected.join(", "));
    let mut missing = Vec::new();
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else {
            return Ok(());
        };
        if let Some(filter) = &row_filter
            && run.leaves_out(row, filter)?
        {
            return Ok(());
        }
        match (&columns[..], run.request.options.dangling) {
            ([column], Dangling::Null | Dangling::Remove) if !column.not_null => {
                let of = column.keys.holds;
                if let Some(key) = Key::read(row, 0, KeyKind::of(&column.type_name), &column.type_name)?
                    // Not a key that a row of another table has.
                    && run.new_key_of(&key, &of.into_iter().collect::<Vec<_>>()) == NewKey::Unknown
                {
                    missing.push((key, of));
                    return Ok(());
                }
                Err(refused(run, table, foreign_key, row, false)?)
            }
            ([column], _) => Err(refused(run, table, foreign_key, row, !column.not_null)?),
            _ => Err(refused(run, table, foreign_key, row, false)?),
        }
    })?;
    Ok(missing)
}

fn refused(
    run: &Run,
    table: &Table,
    foreign_key: &ForeignKey,
    row: &Row<'_>,
    may_be_null: bool,
) -> Result<Error> {
    let columns: Vec<String> = foreign_key
        .columns
        .iter()
        .map(|name| quote::identifier(name))
        .collect();
    let columns = columns.join(", ");
    let key = row.text(2)?.unwrap_or_default();
    let values = row.text(1)?.unwrap_or_default();
    let resource = table.role == plan::TableRole::Resource && table.id_column.is_some();
    Ok(Error::new(
        Code::Dangling,
        format!(
            "the row with key {} of {} refers to no row of {}, which the foreign key {} forbids",
            shown(&key),
            table.sql_name,
            foreign_key.target_name,
            foreign_key.name
        ),
    )
    .detail(format!(
        "Its ({columns}) is ({}). The foreign key is NOT VALID: the server has not checked the rows of project {}.",
        shown(&values),
        shown(&run.source)
    ))
    .hint(format!(
        "{}{}orrect the row: VALIDATE CONSTRAINT shows whether others are left.",
        if may_be_null {
            "Let it be NULL in the clone: options => '{\"dangling\": \"null\"}'. Or "
        } else {
            ""
        },
        match (resource, may_be_null) {
            (true, false) => "Leave the row out with exclude_ids, or c",
            (true, true) => "leave the row out with exclude_ids, or c",
            (false, true) => "c",
            (false, false) => "C",
        }
    )))
}
