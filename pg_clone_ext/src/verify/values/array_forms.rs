//! The form of arrays whose elements a clone replaces: their dimensions with the lower bounds, and where they are NULL. Their elements are
//! compared as references.

use crate::verify::Check;
use crate::verify::contents::{Contents, FIRST};
use crate::verify::key_sets::hash;
use crate::verify::references::Pair;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{Column, Table, quote};
use std::collections::HashMap;

/// One check for each column with arrays of another form than the source's.
pub fn check(pair: &Pair<'_>, contents: &Contents, checks: &mut Vec<Check>) -> Result<()> {
    let tables = pair.store.tables.iter();
    for table in tables.filter(|table| !table.empty && contents.comparable(table.oid)) {
        let columns: Vec<&Column> = table
            .columns
            .iter()
            .filter(|column| {
                column.role.follows_source()
                    && column.type_name.ends_with("[]")
                    && !contents.has_column(table, column)
            })
            .collect();
        if columns.is_empty() {
            continue;
        }
        let mut forms: Vec<HashMap<u64, i64>> = vec![HashMap::new(); columns.len()];
        for of_clone in [true, false] {
            read(pair, contents, table, &columns, of_clone, &mut forms)?;
        }
        for (column, forms) in columns.iter().zip(forms) {
            let others: i64 = forms.into_values().filter(|rows| *rows > 0).sum();
            if others > 0 {
                let changed = pair.changed(table)?;
                checks.push(Check {
                    name: "arrays have the same length and the same NULLs as in the source".into(),
                    subject: format!("{}.{}", table.sql_name, column.name),
                    expected: "all".to_owned(),
                    found: changed.said(format!("{others} others")),
                    // A reference that dangles may have become NULL.
                    ok: others <= pair.dangling || changed.explain(others) || pair.may_be_more,
                });
            }
        }
    }
    Ok(())
}

/// Adds the forms of the clone's arrays, or takes off those of the source's.
fn read(
    pair: &Pair<'_>,
    contents: &Contents,
    table: &Table,
    columns: &[&Column],
    of_clone: bool,
    forms: &mut [HashMap<u64, i64>],
) -> Result<()> {
    let list: Vec<String> = columns.iter().map(|column| form(&column.name)).collect();
    contents.each_row(pair, table, of_clone, &list, &mut |content, row| {
        for (place, forms) in forms.iter_mut().enumerate() {
            let rows = forms
                .entry(hash((content, row.bytes(place + FIRST))))
                .or_default();
            *rows += if of_clone { 1 } else { -1 };
        }
        Ok(())
    })
}

/// The form of an array in a row `t`, as SQL of type `text`; NULL if there is none.
fn form(column: &str) -> String {
    let array = format!("t.{}", quote::identifier(column));
    format!(
        "CASE WHEN pg_catalog.cardinality({array}) OPERATOR(pg_catalog.=) 0 THEN '' \
         WHEN pg_catalog.num_nulls({array}) OPERATOR(pg_catalog.=) 0 THEN pg_catalog.concat(pg_catalog.array_dims({array}), ' ', \
           CASE WHEN pg_catalog.num_nulls(VARIADIC {array}) OPERATOR(pg_catalog.>) 0 THEN \
             ARRAY(SELECT u.place FROM pg_catalog.unnest({array}) WITH ORDINALITY AS u (value, place) WHERE u.value IS NULL)::pg_catalog.text END) END"
    )
}
