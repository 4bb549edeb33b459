//! Locks for columns whose new values are made of other rows: `(SELECT max(m.tree_id) FROM …) + tree_id`. Two clones at a time would
//! read the same rows and make the same values.

use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query;
use crate::pg::query::snapshot::{self, Snapshot};
use crate::pg::session::object_lock;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{Oid, quote};

/// The tables of a store with an expression that may read rows: a subquery, a function that is not part of PostgreSQL and not
/// immutable, or a quoted function or an operator, which are not looked up. A lock too many only makes two clones wait. In the order of their oids, so that two clones cannot wait for each other.
fn tables(store: &str) -> Result<Vec<(Oid, Oid)>> {
    let _owner = AsExtensionOwner::new();
    let mut found = Vec::new();
    let sql = format!(
        "SELECT DISTINCT c.tableoid::pg_catalog.int8 AS catalog, c.relation::pg_catalog.oid::pg_catalog.int8 AS relation \
         FROM clone.store_column AS c \
         WHERE c.store OPERATOR(pg_catalog.=) {} AND c.role OPERATOR(pg_catalog.=) 'expression' \
         AND (c.value OPERATOR(pg_catalog.~*) '\\m(select|table)\\M|\"[[:space:]]*[(]|\\moperator[[:space:]]*[(][[:space:]]*(?!pg_catalog[[:space:]]*[.])' OR EXISTS ( \
             SELECT FROM pg_catalog.regexp_matches(c.value, '([[:alpha:]_][[:alnum:]_$]*)\"?[[:space:]]*[(]', 'g') AS m (name) \
             JOIN pg_catalog.pg_proc AS p ON p.proname OPERATOR(pg_catalog.=) ANY (ARRAY[m.name[1], pg_catalog.lower(m.name[1])]::pg_catalog.name[]) \
             WHERE p.pronamespace OPERATOR(pg_catalog.<>) 'pg_catalog'::pg_catalog.regnamespace \
             AND p.provolatile OPERATOR(pg_catalog.<>) 'i'::pg_catalog.\"char\")) \
         ORDER BY relation",
        quote::literal(store)
    );
    Snapshot::newest().within(|| {
        query::for_each_row(&sql, &mut |row| {
            if let Some(row) = row {
                let oids = (row.bigint(0), row.bigint(1));
                if let (Some(Ok(catalog)), Some(Ok(relation))) =
                    (oids.0.map(Oid::try_from), oids.1.map(Oid::try_from))
                {
                    found.push((catalog, relation));
                }
            }
            Ok(())
        })
    })?;
    Ok(found)
}

/// How many runs of a store the active snapshot sees.
fn runs(store: &str) -> Result<Option<String>> {
    let _owner = AsExtensionOwner::new();
    query::text(&format!(
        "SELECT pg_catalog.count(*)::pg_catalog.text FROM clone.run AS r WHERE r.store OPERATOR(pg_catalog.=) {}",
        quote::literal(store)
    ))
}

/// Waits for clones that make such values, and keeps others waiting until the transaction ends. False: the transaction took its
/// snapshot before another clone ended, and would not see its values.
pub(super) fn take(store: &str) -> Result<bool> {
    let tables = tables(store)?;
    for (catalog, relation) in &tables {
        object_lock::lock(*catalog, *relation, true);
    }
    if tables.is_empty() || !snapshot::is_fixed() {
        return Ok(true);
    }
    Ok(Snapshot::latest().within(|| runs(store))? == Snapshot::newest().within(|| runs(store))?)
}
