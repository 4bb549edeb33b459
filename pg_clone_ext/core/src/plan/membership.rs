//! Which rows of a table belong to a project, as SQL.

use super::quote::{identifier, literal};
use super::store::{Oid, Store, Table, TableRole};
use crate::error::{Code, Error, Result};
use std::collections::HashSet;

/// A chain of joins longer than this is a catalog that names itself in a circle.
const MAX_DEPTH: usize = 8;

/// The condition on rows `t` of `table` that belong to the project with that id.
///
/// `active` are the tables that hold rows of this run: parents without any are left out, which spares the query on
/// them. `all` keeps rows that are not live (deleted ones) too. None: no row can belong to the project.
/// A circle of joins in the catalog is an error (55000).
pub fn condition(
    store: &Store,
    table: &Table,
    project: &str,
    active: &HashSet<Oid>,
    all: bool,
) -> Result<Option<String>> {
    build(store, table, project, active, all, "t", 0)
}

fn build(
    store: &Store,
    table: &Table,
    project: &str,
    active: &HashSet<Oid>,
    all: bool,
    alias: &str,
    depth: usize,
) -> Result<Option<String>> {
    if depth > MAX_DEPTH {
        return Err(Error::new(
            Code::StoreChanged,
            format!("the joins of table {} go in a circle", table.sql_name),
        )
        .hint("Look at parents and join_column in clone.store_relation."));
    }
    let owner_column = if table.role == TableRole::Project {
        table.id_column.as_deref()
    } else {
        table.project_column.as_deref()
    };
    let mut sql = if let Some(column) = owner_column {
        let type_name = table.type_of(column);
        format!(
            "{alias}.{} OPERATOR(pg_catalog.=) {}::{}",
            identifier(column),
            literal(project),
            if type_name.is_empty() { "text" } else { type_name }
        )
    } else {
        let Some(join) = &table.join_column else {
            return Err(Error::new(
                Code::StoreChanged,
                format!(
                    "table {} has neither project_column nor join_column",
                    table.sql_name
                ),
            ));
        };
        let inner = format!("p{depth}");
        let mut parts = Vec::new();
        for parent in table.parents.iter().filter(|oid| active.contains(oid)) {
            let Some(parent) = store.table(*parent) else {
                continue;
            };
            let Some(id) = &parent.id_column else { continue };
            if let Some(where_parent) = build(store, parent, project, active, all, &inner, depth + 1)? {
                parts.push(format!(
                    "SELECT {inner}.{} FROM {} AS {inner} WHERE {where_parent}",
                    identifier(id),
                    parent.source_name()
                ));
            }
        }
        if parts.is_empty() {
            return Ok(None);
        }
        // As IN, but with an operator that no search_path can replace: this condition also stands in statements that run
        // with the caller's.
        format!(
            "{alias}.{} OPERATOR(pg_catalog.=) ANY ({})",
            identifier(join),
            parts.join(" UNION ALL ")
        )
    };
    if table.only && table.source.is_none() {
        // Rows of its children are those of other tables of the store.
        sql = format!(
            "{sql} AND {alias}.tableoid OPERATOR(pg_catalog.=) {}::pg_catalog.oid",
            table.oid
        );
    }
    if let Some(membership) = &table.membership
        && (all || table.live.as_ref() != Some(membership))
    {
        sql = format!("{sql} AND ({membership})");
    }
    if !all && let Some(live) = &table.live {
        // The catalog's condition names plain columns, so it stands alone in its scope: a row-wise subquery would
        // hide the index, and inside an IN list the columns resolve to the innermost table, which is this one.
        sql = format!("{sql} AND ({live})");
    }
    Ok(Some(sql))
}

/// The query that lists the resources of a table: id, type (or NULL), whether the row is live, and the columns in
/// `extra` (quoted).
pub fn source_of_ids(
    store: &Store,
    table: &Table,
    project: &str,
    active: &HashSet<Oid>,
    extra: &[String],
) -> Result<Option<String>> {
    let Some(id) = &table.id_column else {
        return Ok(None);
    };
    let Some(belongs) = condition(store, table, project, active, true)? else {
        return Ok(None);
    };
    let type_name = table
        .type_column
        .as_deref()
        .map_or("NULL::text".to_owned(), |c| format!("t.{}::text", identifier(c)));
    let live = table
        .live
        .as_deref()
        .map_or("true".to_owned(), |live| format!("({live})"));
    let extra: String = extra
        .iter()
        .map(|column| format!(", t.{}", identifier(column)))
        .collect();
    Ok(Some(format!(
        "SELECT t.{}, {type_name}, {live}{extra} FROM {} AS t WHERE {belongs}",
        identifier(id),
        table.source_name()
    )))
}
