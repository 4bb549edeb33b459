//! What tells an expiring clone from another project that has got its id later: an application may delete a trial by itself and give its
//! name to a customer. `clone.expire()` deletes only what is still the clone.

use super::target;
use crate::catalog::{filled_now, tables_with_unique_ids};
use crate::error::internal;
use crate::pg::query;
use crate::pg::query::snapshot::{Snapshot, within_current};
use crate::records::runs;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, KeyKind, Oid, SourceQuery, Store, Table, TableRole, is_text, quote};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashSet};

/// Tables whose rows are noted, and rows of each.
const TABLES: usize = 10;
const ROWS: usize = 8;

/// A clone's row as it was, and some of its rows: the clone is there while one of them is.
#[derive(Default, Serialize, Deserialize)]
pub struct Identity {
    /// The transaction that has written the project's row.
    written_by: Option<String>,
    /// By table: keys of rows, and the transaction that has written each.
    rows: BTreeMap<String, Vec<(String, String)>>,
}

/// Notes the identity of a run's clone, unless its id is one that no other project can get.
pub fn note(store: &Store, project: &str, run: i64) -> Result<()> {
    let identity = within_current(|| Identity::of(store, project))?;
    let identity = identity.map(|identity| serde_json::to_value(identity).map_err(internal));
    runs::set_identity(run, identity.transpose()?)
}

/// Whether the project is no more the clone whose identity was noted. One without a row is only left over.
pub fn is_another(store: &Store, project: &str, run: i64) -> Result<bool> {
    let Some(identity) = runs::identity(run)? else {
        return Ok(false);
    };
    let identity: Identity = serde_json::from_value(identity).map_err(internal)?;
    if !target::exists(store, project)? {
        return Ok(false);
    }
    Snapshot::latest().within(|| Ok(!identity.is_of(store, project)?))
}

impl Identity {
    fn of(store: &Store, project: &str) -> Result<Option<Self>> {
        let own = store.project_table()?;
        let id = own.id_column.as_deref().unwrap_or_default();
        // Numbers of a sequence and UUIDs are given once, unless the caller chooses them.
        if KeyKind::of(own.type_of(id)) != KeyKind::Text && !target::was_chosen(&store.name, project)? {
            return Ok(None);
        }
        let mut identity = Identity::default();
        if has_writers(own) {
            let rows = SourceQuery::over(&own.sql_name).equal(own, id, project);
            identity.written_by = query::text(&rows.select("t.xmin::pg_catalog.text"))?;
        }
        let filled = filled_now(store)?;
        for (table, id) in noted(store)?
            .into_iter()
            .filter(|(table, _)| filled.contains(&table.oid))
            .take(TABLES)
        {
            let Some(belongs) = plan::condition(store, table, project, &filled, true)? else {
                continue;
            };
            let rows = SourceQuery::over(&table.sql_name).filter(belongs);
            let rows = rows.select(&format!(
                "{} AS key, t.xmin::pg_catalog.text AS writer",
                table.text_of("t", id)
            ));
            let found = query::text(&format!(
                "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(s.key, s.writer))::pg_catalog.text FROM ({rows} LIMIT {ROWS}) AS s"
            ))?;
            if let Some(found) = found {
                let found = serde_json::from_str(&found).map_err(internal)?;
                identity.rows.insert(table.sql_name.clone(), found);
            }
        }
        let nothing = identity.written_by.is_none() && identity.rows.is_empty();
        Ok((!nothing).then_some(identity))
    }

    /// Whether the project's row or one of the noted rows is there as it was.
    fn is_of(&self, store: &Store, project: &str) -> Result<bool> {
        let own = store.project_table()?;
        let id = own.id_column.as_deref().unwrap_or_default();
        if let Some(writer) = &self.written_by
            && has_writers(own)
        {
            let rows = SourceQuery::over(&own.sql_name).equal(own, id, project);
            let written = format!(
                "t.xmin::pg_catalog.text OPERATOR(pg_catalog.=) {}",
                quote::literal(writer)
            );
            if query::exists(&rows.filter(written))? {
                return Ok(true);
            }
        }
        let filled: HashSet<Oid> = filled_now(store)?;
        for (table, id) in noted(store)? {
            let (Some(rows), true) = (self.rows.get(&table.sql_name), filled.contains(&table.oid)) else {
                continue;
            };
            let Some(belongs) = plan::condition(store, table, project, &filled, true)? else {
                continue;
            };
            // A number of a sequence and a UUID are given once. Another key may have been given again: only the same row counts.
            let given_once = given_once(table, id);
            let alternatives: Vec<String> = rows
                .iter()
                .map(|(key, writer)| {
                    let same = format!(
                        "t.{} OPERATOR(pg_catalog.=) {}::{}",
                        quote::identifier(id),
                        quote::literal(key),
                        quote::type_name(table.type_of(id))
                    );
                    match given_once {
                        true => same,
                        false => format!(
                            "({same} AND t.xmin::pg_catalog.text OPERATOR(pg_catalog.=) {})",
                            quote::literal(writer)
                        ),
                    }
                })
                .collect();
            let rows = SourceQuery::over(&table.sql_name)
                .filter(belongs)
                .filter(alternatives.join(" OR "));
            if query::exists(&rows)? {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

/// Whether a key is made by a sequence or is a UUID.
fn given_once(table: &Table, id: &str) -> bool {
    KeyKind::of(table.type_of(id)) == KeyKind::Uuid
        || table
            .column(id)
            .is_some_and(|column| column.keys.sequence.is_some())
}

/// Rows of a view or a foreign table do not say who has written them.
fn has_writers(table: &Table) -> bool {
    table.kind == "r" && !table.elsewhere
}

/// Tables with rows that can be noted, and the column with their key.
fn noted(store: &Store) -> Result<Vec<(&Table, &str)>> {
    let unique = tables_with_unique_ids(store)?;
    let known = |type_name: &str| KeyKind::of(type_name) != KeyKind::Text || is_text(type_name);
    Ok(store
        .tables
        .iter()
        .filter(|table| table.role != TableRole::Project && has_writers(table) && unique.contains(&table.oid))
        .filter_map(|table| Some((table, table.id_column.as_deref()?)))
        .filter(|(table, id)| known(table.type_of(id)))
        .collect())
}
