//! Searches a clone's rows for text keys and long numbers that are keys of the source, and for its generated texts in columns that have
//! others in the clone (short ids in links, tokens). A run rewrites these only at declared references; this check finds undeclared ones.

use super::Check;
use super::references::Pair;
use crate::pg::memory::Memory;
use crate::pg::query::for_each_row;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Column, ColumnRole, KeyKind, SourceQuery, Table, TableRole, quote};
use pg_clone_core::scan::text_keys::{TextKeys, unescaped};

/// A column with keys of the source.
#[derive(Default)]
struct Found {
    values: i64,
    first: Option<String>,
}

/// What is searched for.
const KEYS: &str = "text keys of the source";
const NEW_TEXTS: &str = "texts of the source that are new in the clone";

/// For each of both: one check for each column with a text of the source, or one passed check if there is none.
pub fn check(pair: &Pair<'_>, checks: &mut Vec<Check>) -> Result<()> {
    let mut keys = TextKeys::default();
    for table in tables(pair) {
        for_each_key(pair, table, pair.source, &mut |key| keys.insert(key))?;
    }
    // Keys that the clone has too are not the source's alone.
    for table in tables(pair) {
        if keys.is_empty() {
            break;
        }
        for_each_key(pair, table, pair.target, &mut |key| keys.remove(key))?;
    }
    let mut texts = TextKeys::default();
    for (table, column) in new_texts(pair) {
        for_each_text(pair, table, column, pair.source, &mut |text| texts.insert(text))?;
    }
    for (table, column) in new_texts(pair) {
        if texts.is_empty() {
            break;
        }
        for_each_text(pair, table, column, pair.target, &mut |text| texts.remove(text))?;
    }
    let mut wanted = [(KEYS, keys), (NEW_TEXTS, texts)];
    if wanted.iter().all(|(_, texts)| texts.is_empty()) {
        return Ok(());
    }
    let before = checks.len();
    for table in pair.store.tables.iter().filter(|table| !table.empty) {
        search(pair, table, &mut wanted, checks)?;
    }
    for (name, texts) in &wanted {
        if !texts.is_empty() && !checks[before..].iter().any(|check| check.name == *name) {
            checks.push(Check {
                name: (*name).into(),
                subject: "all tables".to_owned(),
                expected: "0".to_owned(),
                found: "0".to_owned(),
                ok: true,
            });
        }
    }
    Ok(())
}

/// Columns of texts of which each row of the clone has a new one. Keys are searched for as such.
fn new_texts<'a>(pair: &Pair<'a>) -> impl Iterator<Item = (&'a Table, &'a Column)> {
    pair.store
        .tables
        .iter()
        .filter(|table| !table.empty)
        .flat_map(|table| {
            table
                .columns
                .iter()
                .filter(|column| {
                    column.role == ColumnRole::Random
                        && plan::is_text(&column.type_name)
                        && table.id_column.as_deref() != Some(column.name.as_str())
                })
                .map(move |column| (table, column))
        })
}

fn for_each_text(
    pair: &Pair<'_>,
    table: &Table,
    column: &Column,
    project: &str,
    each: &mut dyn FnMut(&str),
) -> Result<()> {
    let Some(belongs) = plan::condition(pair.store, table, project, pair.filled, true)? else {
        return Ok(());
    };
    let sql = SourceQuery::over(&table.from_sql())
        .filter(belongs)
        .select(&table.text_of("t", &column.name));
    each_text(&sql, each)
}

fn each_text(sql: &str, each: &mut dyn FnMut(&str)) -> Result<()> {
    for_each_row(sql, &mut |row| {
        if let Some(text) = row.map(|row| row.text(0)).transpose()?.flatten() {
            each(&text);
        }
        Ok(())
    })?;
    Ok(())
}

/// A shorter number may be a key of the source by chance. A time in milliseconds in a column of numbers may be, too.
const LONG_NUMBER: &str = "100000000000";
const LONG_NUMBER_IN_NUMBERS: usize = 17;

/// Tables with text keys or numbers.
fn tables<'a>(pair: &Pair<'a>) -> impl Iterator<Item = &'a Table> {
    pair.store.tables.iter().filter(|table| {
        table.role != TableRole::History
            && !table.empty
            && table
                .id_column
                .as_deref()
                .is_some_and(|id| KeyKind::of(table.type_of(id)) != KeyKind::Uuid)
    })
}

fn for_each_key(pair: &Pair<'_>, table: &Table, project: &str, each: &mut dyn FnMut(&str)) -> Result<()> {
    let Some(sql) = plan::source_of_ids(pair.store, table, project, pair.filled, &[])? else {
        return Ok(());
    };
    let type_name = table.id_type();
    let long = match KeyKind::of(type_name) {
        KeyKind::Int => format!(" WHERE k.id OPERATOR(pg_catalog.>=) {LONG_NUMBER}::pg_catalog.int8"),
        _ => String::new(),
    };
    let key = quote::text_of("k.id", type_name);
    each_text(&format!("SELECT {key} FROM ({sql}) AS k (id){long}"), each)
}

/// Whether a column can have text keys: false if its type cannot, or if the column is declared to be kept.
fn may_name_keys(column: &Column) -> bool {
    let element = column.type_name.trim_end_matches("[]");
    let by_hand = column.role == ColumnRole::Keep && !column.inferred();
    !by_hand
        && !plan::is_time_or_interval(element)
        && !matches!(
            element.split(['(', ' ']).next().unwrap_or_default(),
            "uuid"
                | "boolean"
                | "smallint"
                | "integer"
                | "oid"
                | "real"
                | "double"
                | "money"
                | "bytea"
                | "inet"
                | "cidr"
                | "macaddr"
                | "point"
                | "tsvector"
        )
}

fn search(
    pair: &Pair<'_>,
    table: &Table,
    wanted: &mut [(&'static str, TextKeys); 2],
    checks: &mut Vec<Check>,
) -> Result<()> {
    let Some(belongs) = plan::condition(pair.store, table, pair.target, pair.filled, true)? else {
        return Ok(());
    };
    let columns: Vec<&Column> = table
        .columns
        .iter()
        .filter(|column| may_name_keys(column))
        .collect();
    if columns.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = columns
        .iter()
        .map(|column| table.text_of("t", &column.name))
        .collect();
    let sql = SourceQuery::over(&table.from_sql())
        .filter(belongs)
        .limit(pair.sample)
        .select(&list.join(", "));
    // A shorter number in such a column may be a time.
    let numbers: Vec<bool> = columns
        .iter()
        .map(|column| plan::is_number_or_time(column.type_name.trim_end_matches("[]")))
        .collect();
    let mut found: Vec<[Found; 2]> = columns.iter().map(|_| Default::default()).collect();
    let mut memory = Memory::new(c"pg_clone verify text keys");
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        memory.reset();
        memory.within(|| {
            for (place, found) in found.iter_mut().enumerate() {
                let Some(bytes) = row.bytes(place) else { continue };
                let text = unescaped(bytes);
                for ((_, keys), found) in wanted.iter_mut().zip(found) {
                    if let Some(key) = keys.find(&text)
                        && (!numbers[place] || key.len() >= LONG_NUMBER_IN_NUMBERS)
                    {
                        found.values += 1;
                        found
                            .first
                            .get_or_insert_with(|| String::from_utf8_lossy(key).into_owned());
                    }
                }
            }
            Ok(())
        })
    })?;
    let stay = pair
        .store
        .options
        .get("text_keys")
        .is_some_and(|v| v == "declared");
    let by_column = columns.iter().zip(found);
    let each = by_column.flat_map(|(column, found)| {
        wanted
            .iter()
            .zip(found)
            .map(move |((name, _), found)| (column, *name, found))
    });
    for (column, name, found) in each {
        let Some(first) = found.first else { continue };
        let stay = stay && name == KEYS;
        checks.push(Check {
            name: name.into(),
            subject: format!("{}.{}", table.sql_name, column.name),
            expected: if stay {
                "those that nothing declares stay: option text_keys".to_owned()
            } else if pair.dangling > 0 {
                format!("at most {} that dangle", pair.dangling)
            } else {
                "0".to_owned()
            },
            found: format!("{}, one is {first}", found.values),
            ok: stay || found.values <= pair.dangling,
        });
    }
    Ok(())
}
