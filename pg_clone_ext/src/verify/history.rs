//! Compares resources with their history.

use super::{Check, filled};
use crate::pg::query::count;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, SourceQuery, Store, TableRole, quote};
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
        let Some(belongs) = plan::condition(store, parent, target, &active, false)? else {
            continue;
        };
        let rows = SourceQuery::over(&parent.sql_name).filter(belongs);
        let resources = count(&rows)?;
        if resources == 0 {
            continue;
        }
        let in_history = format!(
            "EXISTS (SELECT FROM {} AS h WHERE h.{} OPERATOR(pg_catalog.=) t.{} AND h.{} OPERATOR(pg_catalog.=) t.{})",
            history.sql_name,
            quote::identifier(join),
            quote::identifier(id),
            quote::identifier(document),
            quote::identifier(document),
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
