//! Compares resources with their history.

use super::{Check, filled};
use crate::pg::query::count;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, SourceQuery, Store, Table, TableRole, quote};
use std::borrow::Cow;

/// Checks that every live resource has an equal history row.
pub(super) fn compare(store: &Store, target: &str, checks: &mut Vec<Check>) -> Result<()> {
    let active = filled(store);
    for history in store
        .tables
        .iter()
        .filter(|t| t.role == TableRole::History && !t.empty)
    {
        let Some(parent) = history
            .parents
            .first()
            .and_then(|oid| store.table(*oid))
            .filter(|t| !t.empty)
        else {
            continue;
        };
        let (Some(join), Some(id), Some(document)) =
            (&history.join_column, &parent.id_column, &parent.document_column)
        else {
            continue;
        };
        let of_version = match &history.document_column {
            Some(own) => own,
            None if history.column(document).is_some() => document,
            None => continue,
        };
        let Some(belongs) = plan::condition(store, parent, target, &active, false)? else {
            continue;
        };
        let rows = SourceQuery::over(&parent.sql_name).filter(belongs);
        let resources = count(&rows)?;
        if resources == 0 {
            continue;
        }
        let in_history = format!(
            "EXISTS (SELECT FROM {} AS h WHERE h.{} OPERATOR(pg_catalog.=) t.{} AND {} OPERATOR(pg_catalog.=) {})",
            history.sql_name,
            quote::identifier(join),
            quote::identifier(id),
            comparable(history, "h", of_version),
            comparable(parent, "t", document),
        );
        let equal = count(&rows.filter(in_history))?;
        checks.push(Check {
            name: Cow::Borrowed("history equals current"),
            subject: history.sql_name.clone(),
            expected: resources.to_string(),
            found: equal.to_string(),
            ok: equal == resources,
        });
    }
    Ok(())
}

/// A document as a value that has an equality operator and is not NULL. The two have the same type.
fn comparable(table: &Table, alias: &str, document: &str) -> String {
    match table.type_of(document) {
        "jsonb" => format!(
            "COALESCE({alias}.{}, 'null'::pg_catalog.jsonb)",
            quote::identifier(document)
        ),
        _ => format!(
            "COALESCE({}, ''::pg_catalog.text)",
            table.text_of(alias, document)
        ),
    }
}
