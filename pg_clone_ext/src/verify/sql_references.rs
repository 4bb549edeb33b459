//! References that a query follows: with several columns, in arrays, paths and documents, or whose keys do not fit into memory.

use super::contents::Contents;
use super::document_references;
use super::references::{Named, Pair};
use crate::pg::query::for_each_row;
use crate::run::any_reference::AnyReference;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, ReferenceForm, SourceQuery, Table, quote};

/// The keys of a project that a reference may have, as a query with the columns k0, k1, …
/// and d, a hash of the row's content.
fn keys_of(
    pair: &Pair<'_>,
    contents: &Contents,
    reference: &AnyReference,
    project: &str,
) -> Result<Option<String>> {
    let Some(target) = pair.store.table(reference.parent) else {
        return Ok(None);
    };
    let columns: Vec<String> = reference
        .parent_columns
        .iter()
        .enumerate()
        .map(|(place, column)| {
            let key = reference.key(target, column);
            format!("{key} AS k{place}")
        })
        .collect();
    let of_clone = project == pair.target;
    let mut parts = Vec::new();
    if let Some(condition) = plan::condition(pair.store, target, project, pair.filled, true)? {
        let rows = SourceQuery::over(&target.from_sql())
            .filter(condition)
            .select(&format!(
                "{}, {} AS d",
                columns.join(", "),
                contents.in_query(target.oid, of_clone)
            ));
        // Nothing proves that declared keys are unique.
        parts.push(match reference.declared {
            true => {
                let keys: Vec<String> = (0..columns.len()).map(|place| format!("r.k{place}")).collect();
                let keys = keys.join(", ");
                format!("SELECT {keys}, pg_catalog.bit_xor(r.d) AS d FROM ({rows}) AS r GROUP BY {keys}")
            }
            false => rows,
        });
    }
    for (oid, column) in &reference.or_of {
        let Some(target) = pair.store.table(*oid) else {
            continue;
        };
        if let Some(condition) = plan::condition(pair.store, target, project, pair.filled, true)? {
            let rows = SourceQuery::over(&target.from_sql()).filter(condition);
            parts.push(rows.select(&format!(
                "{} AS k0, {} AS d",
                reference.key(target, column),
                contents.in_query(target.oid, of_clone)
            )));
        }
    }
    Ok((!parts.is_empty()).then(|| parts.join(" UNION ALL ")))
}

/// The keys of the other project's rows: also of tables that inherit from the referenced one, or from which it inherits.
fn keys_of_other(
    pair: &Pair<'_>,
    contents: &Contents,
    reference: &AnyReference,
    project: &str,
) -> Result<Option<String>> {
    let keys = keys_of(pair, contents, reference, project)?;
    let ([column], Some(relatives)) = (
        reference.parent_columns.as_slice(),
        pair.relatives.get(&reference.parent),
    ) else {
        return Ok(keys);
    };
    let mut parts: Vec<String> = keys.into_iter().collect();
    for relative in relatives {
        let Some(table) = pair
            .store
            .table(*relative)
            .filter(|table| table.column(column).is_some())
        else {
            continue;
        };
        if let Some(condition) = plan::condition(pair.store, table, project, pair.filled, true)? {
            let rows = SourceQuery::over(&table.from_sql()).filter(condition);
            parts.push(rows.select(&format!(
                "{} AS k0, 0::pg_catalog.int8 AS d",
                reference.key(table, column)
            )));
        }
    }
    // A key may be one of several tables.
    Ok((!parts.is_empty()).then(|| {
        format!(
            "SELECT a.k0, pg_catalog.min(a.d) AS d FROM ({}) AS a GROUP BY a.k0",
            parts.join(" UNION ALL ")
        )
    }))
}

/// The rows of a project, with the values of a reference in the columns c0, c1, … and the hash of their content in d.
fn values_of(
    pair: &Pair<'_>,
    contents: &Contents,
    table: &Table,
    reference: &AnyReference,
    belongs: &str,
    of_clone: bool,
) -> String {
    let (from, values) = reference.values(pair.store, table);
    let condition = reference
        .condition
        .as_ref()
        .map_or(String::new(), |condition| format!(" AND ({condition})"));
    let not_null: Vec<String> = values
        .iter()
        .map(|value| format!("{value} IS NOT NULL"))
        .collect();
    let named: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(place, value)| format!("{value} AS c{place}"))
        .collect();
    let rows = match pair.sample {
        None => format!("{} AS t{from} WHERE {belongs}", table.from_sql()),
        Some(rows) => format!(
            "(SELECT t.* FROM {} AS t WHERE {belongs} LIMIT {rows}) AS t{from} WHERE true",
            table.from_sql()
        ),
    };
    let content = contents.in_query(table.oid, of_clone);
    // The place in an array or a path belongs to what is compared.
    let content = match reference.form {
        ReferenceForm::Array | ReferenceForm::Path(_) => {
            format!("pg_catalog.hashint8extended({content}, u.place)")
        }
        _ => content,
    };
    format!(
        "SELECT {}, {content} AS d FROM {rows}{condition} AND {}",
        named.join(", "),
        not_null.join(" AND ")
    )
}

/// The rows that a reference names, in rows of a project; `None` if the table can have none.
pub fn named(
    pair: &Pair<'_>,
    contents: &Contents,
    table: &Table,
    reference: &AnyReference,
    project: &str,
) -> Result<Option<Named>> {
    let of_clone = project == pair.target;
    let Some(belongs) = contents.condition(pair, table, of_clone)? else {
        return Ok(None);
    };
    // A key that clones keep is in both projects: it refers to the project's own row.
    let another = if project == pair.source {
        pair.target
    } else {
        pair.source
    };
    let (own, other) = (
        keys_of(pair, contents, reference, project)?,
        keys_of_other(pair, contents, reference, another)?,
    );
    if let ReferenceForm::Json(path) = &reference.form {
        return document_references::named(
            pair,
            contents,
            table,
            reference,
            path,
            (&belongs, of_clone),
            own,
            other,
        )
        .map(Some);
    }
    let values = values_of(pair, contents, table, reference, &belongs, of_clone);
    let nothing = || {
        let columns: Vec<String> = (0..reference.parent_columns.len())
            .map(|place| format!("v.c{place} AS k{place}"))
            .collect();
        format!("SELECT {}, v.d FROM v WHERE false", columns.join(", "))
    };
    let on = |alias: &str| {
        let pairs: Vec<String> = reference
            .operators
            .iter()
            .chain(std::iter::repeat(&reference.operators[0]))
            .take(reference.columns.len())
            .enumerate()
            .map(|(place, operator)| format!("{alias}.k{place} {operator} v.c{place}"))
            .collect();
        pairs.join(" AND ")
    };
    let all: Vec<String> = (0..reference.columns.len())
        .map(|place| format!("v.c{place}"))
        .collect();
    // A value of neither project that holds a key beside other text changes; the search for the source's ids sees it.
    let of_neither = if reference.embedded {
        let type_name = match (&reference.form, reference.as_text) {
            (ReferenceForm::Column, false) => table.type_of(&reference.columns[0]),
            _ => "text",
        };
        let value = quote::text_of("v.c0", type_name);
        format!(
            "s.k0 IS NULL AND c.k0 IS NULL AND ({value} OPERATOR(pg_catalog.!~*) {} OR {value} OPERATOR(pg_catalog.~*) {})",
            plan::EMBEDDED_KEY,
            plan::UUID_INPUT
        )
    } else {
        "s.k0 IS NULL AND c.k0 IS NULL".to_owned()
    };
    // The hash of a record is linear in its columns: a sum of such hashes is the same after rows have exchanged their references.
    let sql = format!(
        "WITH v AS NOT MATERIALIZED ({values}) \
         SELECT pg_catalog.count(*) FILTER (WHERE s.k0 IS NOT NULL), pg_catalog.count(*) FILTER (WHERE c.k0 IS NOT NULL AND s.k0 IS NULL), \
         pg_catalog.count(*) FILTER (WHERE {of_neither}), \
         COALESCE(pg_catalog.sum(pg_catalog.hashtextextended(ROW({})::pg_catalog.text, v.d)::pg_catalog.numeric) \
         FILTER (WHERE {of_neither}), 0)::pg_catalog.text, \
         COALESCE(pg_catalog.sum(pg_catalog.hashint8extended(v.d, s.d) OPERATOR(pg_catalog.&) 4294967295) \
         FILTER (WHERE s.k0 IS NOT NULL), 0)::pg_catalog.int8, \
         COALESCE(pg_catalog.sum(pg_catalog.hashint8extended(v.d, c.d) OPERATOR(pg_catalog.&) 4294967295) \
         FILTER (WHERE c.k0 IS NOT NULL AND s.k0 IS NULL), 0)::pg_catalog.int8 \
         FROM v LEFT JOIN ({}) AS s ON {} LEFT JOIN ({}) AS c ON {}",
        all.join(", "),
        own.unwrap_or_else(nothing),
        on("s"),
        other.unwrap_or_else(nothing),
        on("c")
    );
    let mut found = Named::default();
    for_each_row(&sql, &mut |row| {
        if let Some(row) = row {
            found = Named {
                own: row.bigint(0).unwrap_or(0),
                other: row.bigint(1).unwrap_or(0),
                others: row.bigint(2).unwrap_or(0),
                digest: row.text(3)?.map(std::borrow::Cow::into_owned).unwrap_or_default(),
                pairs: row.bigint(4).unwrap_or(0).cast_unsigned(),
                pairs_of_other: row.bigint(5).unwrap_or(0).cast_unsigned(),
            };
        }
        Ok(())
    })?;
    Ok(Some(found))
}
