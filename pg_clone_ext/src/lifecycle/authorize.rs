//! Before anything is deleted: may the caller, and would other projects' rows suffer.

use super::deletion_set::DeletionSet;
use crate::error::internal;
use crate::pg::privileges;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, Oid, Store, Table, quote};
use serde::Deserialize;

/// SELECT and DELETE on every table of the store that has rows, else 42501; row security in the way is 0A000.
pub fn tables(store: &Store) -> Result<()> {
    for table in store.tables.iter().filter(|table| !table.empty) {
        privileges::check_select(table.oid, &table.sql_name)?;
        privileges::check_delete(table.oid, &table.sql_name)?;
        privileges::check_no_row_security(table.oid, &table.sql_name)?;
    }
    Ok(())
}

/// A foreign key between tables of the store that follows a deletion instead of forbidding it.
#[derive(Deserialize)]
struct FollowingKey {
    name: String,
    child: Oid,
    parent: Oid,
    columns: Vec<String>,
    keys: Vec<String>,
}

const FOLLOWING_KEYS: &str = "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('name', f.conname, \
     'child', f.conrelid::pg_catalog.int8, 'parent', f.confrelid::pg_catalog.int8, \
     'columns', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place) FROM pg_catalog.unnest(f.conkey) WITH ORDINALITY AS k (number, place) \
        JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) f.conrelid AND a.attnum OPERATOR(pg_catalog.=) k.number), \
     'keys', (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY k.place) FROM pg_catalog.unnest(f.confkey) WITH ORDINALITY AS k (number, place) \
        JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) f.confrelid AND a.attnum OPERATOR(pg_catalog.=) k.number))) \
     FROM pg_catalog.pg_constraint f WHERE f.contype OPERATOR(pg_catalog.=) 'f' AND f.confdeltype OPERATOR(pg_catalog.=) ANY ('{c,n,d}'::pg_catalog.\"char\"[]) \
     AND f.conparentid OPERATOR(pg_catalog.=) 0::pg_catalog.oid \
     AND f.conrelid OPERATOR(pg_catalog.=) ANY (CAST($1 AS pg_catalog.oid[])) \
     AND f.confrelid OPERATOR(pg_catalog.=) ANY (CAST($1 AS pg_catalog.oid[]))";

/// A row of another project that a foreign key would delete or change along is an error (23503), as a key without an
/// action would be.
pub fn no_foreign_row_follows(deletion_set: &DeletionSet) -> Result<()> {
    let store = deletion_set.store();
    let oids: Vec<i64> = store.tables.iter().map(|table| i64::from(table.oid)).collect();
    let Some(pgrx::JsonB(keys)) =
        pgrx::Spi::get_one_with_args::<pgrx::JsonB>(FOLLOWING_KEYS, &[oids.into()]).map_err(internal)?
    else {
        return Ok(());
    };
    let keys: Vec<FollowingKey> = serde_json::from_value(keys).map_err(internal)?;
    for key in keys {
        let (Some(child), Some(parent)) = (store.table(key.child), store.table(key.parent)) else {
            continue;
        };
        if is_membership(child, &key) {
            continue;
        }
        let (Some(mine), Some(gone)) = (belongs(deletion_set, child)?, deletion_set.condition(parent)?)
        else {
            continue;
        };
        let list = |columns: &[String]| {
            columns
                .iter()
                .map(|column| format!("t.{}", quote::identifier(column)))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let follows = pgrx::Spi::get_one::<bool>(&format!(
            "SELECT EXISTS (SELECT FROM {} AS t WHERE ({}) OPERATOR(pg_catalog.=) ANY (SELECT {} FROM {} AS t WHERE {gone}) \
             AND ({mine}) IS NOT TRUE)",
            child.sql_name,
            list(&key.columns),
            list(&key.keys),
            parent.sql_name,
        ))
        .map_err(internal)?;
        if follows == Some(true) {
            return Err(Error::new(
                Code::Dangling,
                format!(
                    "rows of other projects in {} refer to rows of project \"{}\" in {}",
                    child.sql_name,
                    deletion_set.project(),
                    parent.sql_name
                ),
            )
            .detail(format!(
                "The foreign key \"{}\" would delete or change them along.",
                key.name
            ))
            .hint("Move or delete those rows first."));
        }
    }
    Ok(())
}

/// Whether the key is the very one by which rows belong to the project: then every row that follows is the project's.
fn is_membership(child: &Table, key: &FollowingKey) -> bool {
    let [column] = key.columns.as_slice() else {
        return false;
    };
    child.project_column.as_ref() == Some(column)
        || (child.join_column.as_ref() == Some(column) && child.parents.contains(&key.parent))
}

/// The condition on rows of a table that belong to the project, whatever becomes of them.
fn belongs(deletion_set: &DeletionSet, table: &Table) -> Result<Option<String>> {
    plan::condition(
        deletion_set.store(),
        table,
        deletion_set.project(),
        deletion_set.filled(),
        true,
    )
}
