//! Verification by queries of its own: what every reference of the clone names, counted by the catalog's keys and
//! conditions and never by the map of a run.

use super::{Check, count};
use crate::pg::query::for_each_row;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Membership, Oid, ReferenceForm, Store, Table, quote};
use std::collections::{BTreeMap, HashSet};

/// A clone and its source.
pub struct Pair<'a> {
    /// The store.
    pub store: &'a Store,
    /// The source project.
    pub source: &'a str,
    /// The clone.
    pub target: &'a str,
    /// Tables that are not empty.
    pub filled: &'a HashSet<Oid>,
    /// Occurrences of references that the run left at the source's rows.
    pub dangling: i64,
    /// Rows that the run wrote, by table.
    pub rows: &'a BTreeMap<String, i64>,
}

/// What the references of one project's rows name.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Named {
    source: i64,
    clone: i64,
    others: i64,
    /// A sum over the others' values.
    digest: String,
}

/// Checks of all references.
pub fn check(pair: &Pair<'_>, checks: &mut Vec<Check>) -> Result<()> {
    let mut left_at_source = 0;
    let mut found = Vec::new();
    for table in pair.store.tables.iter().filter(|t| !t.empty) {
        let comparable = comparable(pair, table)?;
        for reference in references(pair.store, table) {
            let Some(of_clone) = named(pair, table, &reference, pair.target)? else {
                continue;
            };
            let of_source = if comparable {
                named(pair, table, &reference, pair.source)?
            } else {
                None
            };
            left_at_source += of_clone.source;
            found.push((table, reference, of_clone, of_source));
        }
    }
    let tolerated = left_at_source <= pair.dangling;
    for (table, reference, of_clone, of_source) in found {
        let subject = format!("{}.{}", table.sql_name, reference.columns.join(", "));
        checks.push(Check {
            name: "reference names the source's rows".into(),
            subject: subject.clone(),
            expected: if pair.dangling > 0 {
                format!("at most {} that dangle", pair.dangling)
            } else {
                "0".to_owned()
            },
            found: of_clone.source.to_string(),
            ok: of_clone.source == 0 || tolerated,
        });
        // With references that dangle, counts differ from the source's by them.
        if let Some(of_source) = of_source
            && pair.dangling == 0
        {
            checks.push(Check {
                name: "reference names as many rows as in the source".into(),
                subject: subject.clone(),
                expected: of_source.source.to_string(),
                found: of_clone.clone.to_string(),
                ok: of_clone.clone == of_source.source,
            });
            let same = of_clone.others == of_source.others && of_clone.digest == of_source.digest;
            if of_source.others > 0 || !same {
                checks.push(Check {
                    name: "reference names the same shared rows".into(),
                    subject,
                    expected: of_source.others.to_string(),
                    found: of_clone.others.to_string(),
                    ok: same,
                });
            }
        }
    }
    undescribed(pair, checks)
}

/// Whether the source still has as many rows in a table as were cloned of it: only then counts can be compared.
fn comparable(pair: &Pair<'_>, table: &Table) -> Result<bool> {
    let Some(belongs) = plan::condition(pair.store, table, pair.source, pair.filled, false)? else {
        return Ok(false);
    };
    let rows = count(&format!(
        "SELECT pg_catalog.count(*) FROM {} AS t WHERE {belongs}",
        table.from_sql()
    ))?;
    Ok(pair.rows.get(&table.sql_name).copied().unwrap_or(0) == rows)
}

/// The references of a table to tables of the store: foreign keys, and declared ones that a query can follow.
fn references(store: &Store, table: &Table) -> Vec<Membership> {
    let mut all: Vec<Membership> = table
        .keys
        .foreign_keys
        .iter()
        .filter(|key| store.table(key.target).is_some_and(|t| !t.empty))
        .map(|key| Membership {
            columns: key.columns.clone(),
            parent: key.target,
            parent_columns: key.target_columns.clone(),
            operators: key.operators.clone(),
            condition: None,
        })
        .collect();
    let declared = table.keys.references.iter().filter(|r| {
        r.form == ReferenceForm::Column && store.table(r.target).is_some_and(|target| !target.empty)
    });
    for reference in declared {
        let target = store.table(reference.target);
        let same_type = target.is_some_and(|target| {
            plan::KeyKind::of(target.type_of(&reference.target_column))
                == plan::KeyKind::of(table.type_of(&reference.column))
        });
        if same_type {
            all.push(Membership {
                columns: vec![reference.column.clone()],
                parent: reference.target,
                parent_columns: vec![reference.target_column.clone()],
                operators: vec![
                    target
                        .and_then(|target| target.column(&reference.target_column))
                        .map_or(plan::EQUAL, |column| column.equality())
                        .to_owned(),
                ],
                condition: reference.condition.clone(),
            });
        }
    }
    all
}

fn named(pair: &Pair<'_>, table: &Table, reference: &Membership, project: &str) -> Result<Option<Named>> {
    let (Some(target), Some(belongs)) = (
        pair.store.table(reference.parent),
        plan::condition(pair.store, table, project, pair.filled, true)?,
    ) else {
        return Ok(None);
    };
    let keys_of = |project: &str| -> Result<Option<String>> {
        let columns: Vec<String> = reference
            .parent_columns
            .iter()
            .map(|column| format!("t.{}", quote::identifier(column)))
            .collect();
        Ok(
            plan::condition(pair.store, target, project, pair.filled, true)?.map(|condition| {
                format!(
                    "SELECT {} FROM {} AS t WHERE {condition}",
                    columns.join(", "),
                    target.from_sql()
                )
            }),
        )
    };
    let columns: Vec<String> = reference
        .columns
        .iter()
        .map(|column| format!("t.{}", quote::identifier(column)))
        .collect();
    let left = match columns.as_slice() {
        [one] => one.clone(),
        several => format!("ROW({})", several.join(", ")),
    };
    let operator = reference.operators.first().map_or(plan::EQUAL, String::as_str);
    let names = |keys: Option<String>| {
        keys.map_or("false".to_owned(), |keys| {
            format!("{left} {operator} ANY ({keys})")
        })
    };
    let not_null: Vec<String> = columns
        .iter()
        .map(|column| format!("{column} IS NOT NULL"))
        .collect();
    let condition = reference
        .condition
        .as_ref()
        .map_or("true".to_owned(), |condition| format!("({condition})"));
    let sql = format!(
        "SELECT pg_catalog.count(*) FILTER (WHERE r.source), pg_catalog.count(*) FILTER (WHERE r.clone AND NOT r.source), \
         pg_catalog.count(*) FILTER (WHERE NOT r.source AND NOT r.clone), \
         COALESCE(pg_catalog.sum(r.value::pg_catalog.numeric) FILTER (WHERE NOT r.source AND NOT r.clone), 0)::pg_catalog.text \
         FROM (SELECT COALESCE({}, false) AS source, COALESCE({}, false) AS clone, pg_catalog.hashtextextended(ROW({})::pg_catalog.text, 0) AS value \
         FROM {} AS t WHERE {belongs} AND {condition} AND {}) AS r",
        names(keys_of(pair.source)?),
        names(keys_of(pair.target)?),
        columns.join(", "),
        table.from_sql(),
        not_null.join(" AND ")
    );
    let mut found = Named::default();
    for_each_row(&sql, &mut |row| {
        if let Some(row) = row {
            found = Named {
                source: row.bigint(0).unwrap_or(0),
                clone: row.bigint(1).unwrap_or(0),
                others: row.bigint(2).unwrap_or(0),
                digest: row.text(3)?.map(std::borrow::Cow::into_owned).unwrap_or_default(),
            };
        }
        Ok(())
    })?;
    Ok(Some(found))
}

/// Tables that the store does not describe although their foreign keys lead to the project.
fn undescribed(pair: &Pair<'_>, checks: &mut Vec<Check>) -> Result<()> {
    let _ = pair.source;
    for (_, name) in &pair.store.outside.reaching {
        checks.push(Check {
            name: "not described".into(),
            subject: name.clone(),
            expected: "described, or declared to be shared".to_owned(),
            found: "its foreign keys lead to the project; its rows were not cloned".to_owned(),
            ok: true,
        });
    }
    Ok(())
}
