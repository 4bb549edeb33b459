//! Random texts of unique columns: short ones are likely to be in use already.

use super::new_keys::fill_random;
use crate::pg::query::{exists, for_each_row};
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::text_form::{ENOUGH_BITS, random_bits, scramble};
use pg_clone_core::plan::{SourceQuery, Table, Unique, quote};
use std::collections::HashSet;

/// A text of so few bits that it is remembered is not longer; other characters in it stay as they are.
const LONGEST: usize = 40;
/// Values of other rows that are kept in memory. Where there are more, only those of the clone are told apart.
const MOST: usize = 1_000_000;
/// Attempts for one value. With 99 of 100 values in use, one of 20,000 values would fail.
const ATTEMPTS: usize = 1000;

/// Makes random texts for a column, no two of which are the same.
pub struct FreshTexts {
    table: String,
    column: String,
    /// The query for the values in use, until the first short text is made.
    query: Option<String>,
    used: HashSet<String>,
}

impl FreshTexts {
    /// None if the values of the column need not be unique.
    pub fn of(table: &Table, column: &str) -> Option<Self> {
        let within = |columns: &[String]| columns.iter().any(|name| name == column);
        let uniques = || table.keys.uniques.iter().filter(|u| within(&u.columns));
        uniques().next()?;
        let name = quote::identifier(column);
        // Beside another column of the index, values of other projects do not count.
        let alone = uniques().any(|unique| unique.columns.len() == 1);
        let query = alone.then(|| {
            format!(
                "SELECT {text} FROM {} AS t WHERE t.{name} IS NOT NULL AND pg_catalog.length({text}) OPERATOR(pg_catalog.<=) {LONGEST} LIMIT {}",
                table.sql_name,
                MOST + 1,
                text = table.text_of("t", column)
            )
        });
        Some(FreshTexts {
            table: table.sql_name.clone(),
            column: name,
            query,
            used: HashSet::new(),
        })
    }

    /// A random text of the form of `source` that is not in use. If there is none, an error (55000).
    pub fn make(&mut self, source: &str) -> Result<String> {
        if random_bits(source) >= ENOUGH_BITS {
            return random_like(source);
        }
        if let Some(query) = self.query.take() {
            self.read(&query)?;
        }
        for _ in 0..ATTEMPTS {
            let new = random_like(source)?;
            if self.used.insert(compared(&new)) {
                return Ok(new);
            }
        }
        Err(Error::new(
            Code::StoreChanged,
            format!(
                "{}.{} has no value left of the form of {}",
                self.table,
                self.column,
                quote::literal(source)
            ),
        )
        .detail("The role random keeps the length and the kinds of characters, and the values are unique.")
        .hint("Give the column another role with clone.store_column(…): 'suffix', or 'template' with a value such as '{value}-{n}'."))
    }

    fn read(&mut self, query: &str) -> Result<()> {
        for_each_row(query, &mut |row| {
            if let Some(row) = row
                && let Some(value) = row.text(0)?
            {
                self.used.insert(compared(&value));
            }
            Ok(())
        })?;
        if self.used.len() > MOST {
            self.used = HashSet::new();
        }
        Ok(())
    }
}

/// Whether an empty text of a column stands for no value: the unique indexes of the column are partial and leave out the rows that have it.
/// New texts would be the same in all of them, and the index would have them.
pub fn empty_is_no_value(table: &Table, column: &str) -> Result<bool> {
    let within = |unique: &&Unique| unique.columns.iter().any(|name| name == column);
    let uniques = || table.keys.uniques.iter().filter(within);
    if uniques().next().is_none() {
        return Ok(false);
    }
    let predicates: Option<Vec<String>> = uniques()
        .map(|unique| unique.predicate.as_ref().map(|text| format!("({text})")))
        .collect();
    let Some(predicates) = predicates else {
        return Ok(false);
    };
    let empty = format!("{} OPERATOR(pg_catalog.=) ''", table.text_of("t", column));
    exists(
        &SourceQuery::over(&table.from_sql())
            .filter(empty)
            .filter(predicates.join(" OR ")),
    )
    .map(|found| !found)
}

/// The form in which values are compared: an index may ignore case, and `char(n)` the spaces at the end.
fn compared(value: &str) -> String {
    value.trim_end().to_lowercase()
}

/// A random text of the form of `source`.
pub fn random_like(source: &str) -> Result<String> {
    let mut failed = None;
    let new = scramble(source, &mut |buffer| fill_random(buffer, &mut failed));
    failed.map_or(Ok(new), Err)
}
