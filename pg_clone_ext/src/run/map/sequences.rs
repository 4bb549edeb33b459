//! New integer keys from sequences.

use super::new_keys::{drawn, no_source, number_of};
use crate::pg::privileges;
use crate::pg::query::{exists, text};
use crate::pg::session::error_hint::ErrorHint;
use crate::run::keys::Key;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, Column, KeyKind, SourceQuery, Table, quote};

/// The value that a sequence gives next, without taking it; None if the role may not know it.
pub fn next_value(sequence: &str) -> Result<Option<String>> {
    let literal = quote::literal(sequence);
    let may = |privilege: &str| -> Result<bool> {
        let found = text(&format!(
            "SELECT pg_catalog.has_sequence_privilege({literal}, '{privilege}')::pg_catalog.text"
        ))?;
        Ok(found.as_deref() == Some("true"))
    };
    let readable = may("SELECT")?;
    if !readable && !may("USAGE")? {
        return Ok(None);
    }
    // After RESTART, and after setval() with is_called false, only the sequence's own row has the value.
    let (value, from) = if readable {
        (
            "CASE WHEN q.is_called THEN q.last_value::pg_catalog.numeric OPERATOR(pg_catalog.+) s.seqincrement::pg_catalog.numeric \
             ELSE q.last_value::pg_catalog.numeric END",
            format!("pg_catalog.pg_sequence AS s, {sequence} AS q"),
        )
    } else {
        (
            "pg_catalog.pg_sequence_last_value(s.seqrelid)::pg_catalog.numeric OPERATOR(pg_catalog.+) s.seqincrement::pg_catalog.numeric",
            "pg_catalog.pg_sequence AS s".to_owned(),
        )
    };
    text(&format!(
        "SELECT ({value})::pg_catalog.text FROM {from} \
         WHERE s.seqrelid OPERATOR(pg_catalog.=) {literal}::pg_catalog.regclass::pg_catalog.oid"
    ))
}

/// Raises 55000 if some of the next values of a sequence are already in use (rows were loaded with their keys).
pub fn check_not_behind(table: &Table, column: &Column, sequence: &str, count: usize) -> Result<()> {
    // The order of other types is not that of numbers: there a sequence cannot be behind.
    let Some((key, bound)) = number(column) else {
        return Ok(());
    };
    let Some(next) = next_value(sequence)? else {
        return Ok(());
    };
    // The keys of the table's rows are checked, not those of `source_tables`.
    let target = Table {
        source: None,
        ..table.clone()
    };
    let left = text(&format!(
        "SELECT pg_catalog.trunc(((CASE WHEN s.seqincrement OPERATOR(pg_catalog.>) 0::pg_catalog.int8 THEN s.seqmax ELSE s.seqmin END)::pg_catalog.numeric \
         OPERATOR(pg_catalog.-) '{next}'::pg_catalog.numeric) OPERATOR(pg_catalog./) s.seqincrement::pg_catalog.numeric)::pg_catalog.text \
         FROM pg_catalog.pg_sequence AS s WHERE NOT s.seqcycle AND s.seqrelid OPERATOR(pg_catalog.=) {}::pg_catalog.regclass::pg_catalog.oid",
        quote::literal(sequence)
    ))?
    .and_then(|text| text.parse::<i128>().ok());
    if left.is_some_and(|left| left + 1 < count as i128) {
        return Err(Error::new(
            Code::StoreChanged,
            format!(
                "sequence {sequence} has fewer than {count} values left for {}.{}",
                table.sql_name, column.name
            ),
        )
        .hint(more_values(table, column, sequence)));
    }
    check_second_round(&target, column, sequence, &next, count)?;
    let last = format!(
        "('{next}'::pg_catalog.numeric OPERATOR(pg_catalog.+) ({}::pg_catalog.numeric OPERATOR(pg_catalog.*) \
         (SELECT s.seqincrement FROM pg_catalog.pg_sequence AS s WHERE s.seqrelid OPERATOR(pg_catalog.=) {}::pg_catalog.regclass::pg_catalog.oid)\
         ::pg_catalog.numeric))",
        count.saturating_sub(1),
        quote::literal(sequence)
    );
    // Only keys among the next values collide: a row far ahead, as one of a clone with options.target, does not.
    let limit = |value: &str| {
        // No key of a smaller type can be over the limits of bigint.
        format!(
            "LEAST(GREATEST({value}, '-9223372036854775808'::pg_catalog.numeric), '9223372036854775807'::pg_catalog.numeric)::{bound}"
        )
    };
    let (low, high) = (
        limit(&format!("LEAST('{next}'::pg_catalog.numeric, {last})")),
        limit(&format!("GREATEST('{next}'::pg_catalog.numeric, {last})")),
    );
    let behind = exists(&SourceQuery::over(&target.from_sql()).filter(format!(
        "{key} OPERATOR(pg_catalog.>=) {low} AND {key} OPERATOR(pg_catalog.<=) {high}"
    )))?;
    if !behind {
        return Ok(());
    }
    Err(Error::new(
        Code::StoreChanged,
        format!(
            "sequence {sequence} is behind the keys in {}.{}",
            table.sql_name, column.name
        ),
    )
    .detail("Its next values are keys of rows that are there already.")
    .hint(format!(
        "Set it: SELECT setval({}, (SELECT max({}) FROM {}));",
        quote::literal(sequence),
        quote::identifier(&column.name),
        table.sql_name
    )))
}

/// The number in a column of a row `t`, and the type that it is compared as; None if its type is not one of numbers.
fn number(column: &Column) -> Option<(String, &'static str)> {
    let value = format!("t.{}", quote::identifier(&column.name));
    match column.type_name.as_str() {
        "smallint" | "integer" | "bigint" => Some((value, "pg_catalog.int8")),
        "oid" => Some((format!("{value}::pg_catalog.int8"), "pg_catalog.int8")),
        "real" | "double precision" => Some((value, "pg_catalog.numeric")),
        name if plan::is_numeric(name) => Some((value, "pg_catalog.numeric")),
        _ => None,
    }
}

/// The same for the values that a sequence with CYCLE gives after its last one.
fn check_second_round(
    target: &Table,
    column: &Column,
    sequence: &str,
    next: &str,
    count: usize,
) -> Result<()> {
    let Some((key, _)) = number(column) else {
        return Ok(());
    };
    // Its first values, as many as are taken after the last one.
    let taken = format!(
        "SELECT (CASE WHEN s.seqincrement OPERATOR(pg_catalog.>) 0::pg_catalog.int8 THEN s.seqmin ELSE s.seqmax END)::pg_catalog.numeric AS first, \
         s.seqincrement::pg_catalog.numeric AS step, '{count}'::pg_catalog.numeric OPERATOR(pg_catalog.-) (pg_catalog.trunc(((CASE WHEN s.seqincrement OPERATOR(pg_catalog.>) 0::pg_catalog.int8 \
         THEN s.seqmax ELSE s.seqmin END)::pg_catalog.numeric OPERATOR(pg_catalog.-) '{next}'::pg_catalog.numeric) OPERATOR(pg_catalog./) s.seqincrement::pg_catalog.numeric) \
         OPERATOR(pg_catalog.+) 1::pg_catalog.numeric) AS rest \
         FROM pg_catalog.pg_sequence AS s WHERE s.seqcycle AND s.seqrelid OPERATOR(pg_catalog.=) {}::pg_catalog.regclass::pg_catalog.oid",
        quote::literal(sequence)
    );
    // Few sequences do: the table is not read for the others.
    if text(&format!(
        "SELECT 'yes' FROM ({taken}) AS c WHERE c.rest OPERATOR(pg_catalog.>) 0::pg_catalog.numeric"
    ))?
    .is_none()
    {
        return Ok(());
    }
    let last = "(c.first OPERATOR(pg_catalog.+) ((c.rest OPERATOR(pg_catalog.-) 1::pg_catalog.numeric) OPERATOR(pg_catalog.*) c.step))";
    let met = exists(&SourceQuery::over(&target.from_sql()).filter(format!(
        "EXISTS (SELECT FROM ({taken}) AS c WHERE c.rest OPERATOR(pg_catalog.>) 0::pg_catalog.numeric \
         AND {key}::pg_catalog.numeric OPERATOR(pg_catalog.>=) LEAST(c.first, {last}) AND {key}::pg_catalog.numeric OPERATOR(pg_catalog.<=) GREATEST(c.first, {last}))"
    )))?;
    if !met {
        return Ok(());
    }
    Err(Error::new(
        Code::StoreChanged,
        format!(
            "sequence {sequence} begins again before it has given {count} values, and its first ones are keys in {}.{}",
            target.sql_name, column.name
        ),
    )
    .hint(format!(
        "{} ALTER SEQUENCE {sequence} NO CYCLE;",
        more_values(target, column, sequence)
    )))
}

/// The next values of a sequence. Error 55000 if some of them are already in use, 2200H if it has no more.
pub fn next_values(table: &Table, column: &Column, sequence: &str, count: usize) -> Result<Vec<Key>> {
    check_not_behind(table, column, sequence, count)?;
    taken(table, column, sequence, count)
}

/// The sequence that a column owns; 55000 if there is none.
pub fn owned(run: &Run, table: &Table, column: &Column) -> Result<String> {
    text(&format!(
        "SELECT pg_catalog.pg_get_serial_sequence({}, {})",
        quote::literal(&table.sql_name),
        quote::literal(&column.name)
    ))?
    .ok_or_else(|| no_source(run, table, column))
}

/// Values of the sequence that a column owns.
pub fn values_of_owned(run: &Run, table: &Table, column: &Column, count: usize) -> Result<Vec<Key>> {
    let sequence = owned(run, table, column)?;
    privileges::check_sequence(&sequence, false)?;
    taken(table, column, &sequence, count)
}

fn taken(table: &Table, column: &Column, sequence: &str, count: usize) -> Result<Vec<Key>> {
    let _hint = ErrorHint::new(&more_values(table, column, sequence));
    let mut values = drawn(
        &format!(
            "pg_catalog.nextval({}::pg_catalog.regclass)",
            quote::literal(sequence)
        ),
        count,
        KeyKind::of(&column.type_name) == KeyKind::Int,
    )?;
    // For keys in ascending order, also from a sequence that counts down, or that begins again.
    values.sort_by_key(number_of);
    Ok(values)
}

fn more_values(table: &Table, column: &Column, sequence: &str) -> String {
    format!(
        "Make both larger: ALTER TABLE {} ALTER COLUMN {} TYPE bigint; ALTER SEQUENCE {sequence} AS bigint NO MAXVALUE;",
        table.sql_name,
        quote::identifier(&column.name)
    )
}
