//! No row may be cloned twice: two tables of a store that may have the same rows are refused. Such are an updatable view and the
//! table below it, two updatable views of one table, and a partitioned table and its partition.

use crate::error::internal;
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query;
use crate::pg::query::snapshot;
use crate::pg::query::snapshot::Snapshot;
use crate::pg::table::view_base::ViewBase;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Oid, quote};

/// A table of a store.
pub(super) struct Described<'a> {
    pub oid: Oid,
    /// Its `relkind` in pg_class.
    pub kind: &'a str,
    /// Its name with its schema, as SQL.
    pub sql_name: &'a str,
}

/// Checks the tables that a store describes now (0A000).
pub fn check_rows_once(store: &str) -> Result<()> {
    snapshot::next_command();
    let mut found: Vec<(Oid, String, String)> = Vec::new();
    Snapshot::newest().within(|| {
        let _owner = AsExtensionOwner::new();
        query::for_each_row(
            &format!(
                "SELECT c.oid::pg_catalog.int8, c.relkind::pg_catalog.text, pg_catalog.format('%I.%I', n.nspname, c.relname) \
                 FROM clone.store_relation AS r JOIN pg_catalog.pg_class AS c ON c.oid OPERATOR(pg_catalog.=) r.relation::pg_catalog.oid \
                 JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
                 WHERE r.store OPERATOR(pg_catalog.=) {}",
                quote::literal(store)
            ),
            &mut |row| {
                let Some(row) = row else { return Ok(()) };
                let oid = row.bigint(0).and_then(|oid| Oid::try_from(oid).ok());
                let text = |place| row.text(place).map(|text| text.unwrap_or_default().into_owned());
                if let Some(oid) = oid {
                    found.push((oid, text(1)?, text(2)?));
                }
                Ok(())
            },
        )
    })?;
    let tables: Vec<Described<'_>> = found
        .iter()
        .map(|(oid, kind, sql_name)| Described {
            oid: *oid,
            kind,
            sql_name,
        })
        .collect();
    Snapshot::newest().within(|| refuse_rows_twice(store, &tables))
}

/// The same for tables that are known, under the active snapshot. It locks the table below each view, as SELECT does.
pub(super) fn refuse_rows_twice(store: &str, tables: &[Described<'_>]) -> Result<()> {
    let name_of = |oid: u32| {
        tables
            .iter()
            .find(|other| other.oid == oid)
            .map(|other| other.sql_name)
    };
    let mut views: Vec<(Oid, &str)> = Vec::new();
    for table in tables {
        let (other, what) = match table.kind {
            "v" => {
                let Some(below) = table_below(table.oid) else {
                    continue;
                };
                let same = views.iter().find(|(other, _)| *other == below);
                let other = name_of(below).or(same.map(|(_, name)| *name));
                views.push((below, table.sql_name));
                (other, "view")
            }
            "p" => (
                partition_of(table.oid, tables)?.and_then(name_of),
                "partitioned table",
            ),
            _ => continue,
        };
        let Some(other) = other else { continue };
        let (name, call) = (table.sql_name, |name| {
            format!(
                "SELECT clone.store_remove_table({}, {});",
                quote::literal(store),
                quote::literal(name)
            )
        });
        return Err(Error::new(
            Code::Unsupported,
            format!("rows of {what} {name} may be those of {other}, which store \"{store}\" describes too"),
        )
        .detail("They would be cloned twice.")
        .hint(format!(
            "Describe one of them only: {} or {}",
            call(name),
            call(other)
        )));
    }
    Ok(())
}

/// A partition, at any level, that is among the tables.
fn partition_of(table: Oid, tables: &[Described<'_>]) -> Result<Option<Oid>> {
    let others: Vec<String> = tables
        .iter()
        .filter(|other| other.oid != table)
        .map(|other| other.oid.to_string())
        .collect();
    let found = query::text(&format!(
        "SELECT p.relid::pg_catalog.oid::pg_catalog.text FROM pg_catalog.pg_partition_tree({table}::pg_catalog.oid::pg_catalog.regclass) AS p \
         WHERE p.relid::pg_catalog.oid OPERATOR(pg_catalog.=) ANY ('{{{}}}'::pg_catalog.oid[]) LIMIT 1",
        others.join(",")
    ))?;
    found.map(|oid| oid.parse().map_err(internal)).transpose()
}

/// The table in which rows that are inserted into a view are stored, through any number of views; None for a view whose triggers or
/// rules decide where rows go.
pub fn table_below(view: Oid) -> Option<Oid> {
    ViewBase::of(view)
        .filter(|base| base.takes_inserts)
        .map(|base| base.relation)
}
