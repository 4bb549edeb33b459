//! Values that a role gives to the rows of a clone: a constant, NULL, a default, or a text that is made of the source's.

use crate::pg::query::row::Row;
use crate::pg::query::{for_each_row, text};
use crate::run::keys::plain;
use crate::run::map::fresh_texts::empty_is_no_value;
use crate::run::map::new_keys::length_of;
use crate::verify::Check;
use crate::verify::contents::{Contents, FIRST, has_triggers};
use crate::verify::key_sets::hash;
use crate::verify::references::Pair;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{
    self, Column, ColumnRole, SUFFIX, SourceQuery, Store, Table, TableRole, could_make, filled, quote,
};
use pg_clone_core::scan;
use std::collections::HashMap;

/// So many rows of the source with the same content are looked at for the one of which a value was made.
const MOST_ALIKE: usize = 64;

/// Values that are others than the roles say. Users may have changed them since, as those that a clone keeps.
pub fn check(pair: &Pair<'_>, contents: &Contents, checks: &mut Vec<Check>) -> Result<()> {
    for table in &pair.store.tables {
        if table.empty
            || table.left_to_finish
            || table.role == TableRole::History
            || pair.sample.is_some()
            || !table.columns.iter().any(|column| gives_value(&column.role))
            || has_triggers(table)?
        {
            continue;
        }
        check_constants(pair, table, checks)?;
        if contents.comparable(table.oid) {
            compare(pair, contents, table, checks)?;
        }
    }
    Ok(())
}

fn add(
    pair: &Pair<'_>,
    table: &Table,
    column: &Column,
    (expected, others, kept): (String, i64, bool),
    checks: &mut Vec<Check>,
) {
    if others > 0 {
        checks.push(Check {
            name: "values by the roles of columns".into(),
            subject: format!("{}.{}", table.sql_name, column.name),
            expected,
            found: format!("others in {others} rows"),
            ok: !pair.now || pair.may_be_more || kept,
        });
    }
}

/// The value that all rows of a clone get in a column, as SQL of type `text`, and how a check says it.
fn constant(table: &Table, column: &Column) -> Result<Option<(String, String)>> {
    let of_type = |expression: &str| {
        let value = format!("({expression})::{}", column.type_name);
        quote::text_of(&value, &column.type_name)
    };
    Ok(match &column.role {
        // `now` and the like are others each time.
        ColumnRole::Value(value)
            if !plan::is_time_or_interval(&column.type_name)
                || value.starts_with(|c: char| c.is_ascii_digit()) =>
        {
            Some((of_type(&quote::literal(value)), value.clone()))
        }
        ColumnRole::Null => Some(("NULL".to_owned(), "NULL".to_owned())),
        ColumnRole::Default if table.kind == "r" => match default_of(table, column)? {
            None if quote::is_of_the_server(&column.type_name) => {
                Some(("NULL".to_owned(), "NULL".to_owned()))
            }
            Some(expression) if is_literal(&expression) => Some((of_type(&expression), expression)),
            _ => None,
        },
        _ => None,
    })
}

/// The default of a column as SQL; that of an identity column is no literal.
fn default_of(table: &Table, column: &Column) -> Result<Option<String>> {
    let default = SourceQuery::over("pg_catalog.pg_attribute").filter(format!(
        "t.attrelid OPERATOR(pg_catalog.=) {} AND t.attname OPERATOR(pg_catalog.=) {}",
        table.oid,
        quote::literal(&column.name)
    ));
    text(&default.select(
        "CASE WHEN t.attidentity OPERATOR(pg_catalog.<>) '' THEN 'nextval()' ELSE \
           (SELECT pg_catalog.pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attrdef AS d \
            WHERE d.adrelid OPERATOR(pg_catalog.=) t.attrelid AND d.adnum OPERATOR(pg_catalog.=) t.attnum) END",
    ))
}

/// Whether an expression is one constant.
fn is_literal(expression: &str) -> bool {
    !expression.contains('(')
        && (matches!(expression, "true" | "false")
            || expression.starts_with("NULL::")
            || expression.starts_with('\'') && expression.matches('\'').count() == 2
            || expression
                .bytes()
                .all(|byte| byte.is_ascii_digit() || byte == b'.'))
}

/// Counts the clone's rows that have other values than constants, by one query over the table.
fn check_constants(pair: &Pair<'_>, table: &Table, checks: &mut Vec<Check>) -> Result<()> {
    let mut columns = Vec::new();
    for column in table.columns.iter().filter(|column| !column.generated) {
        if let Some((value, expected)) = constant(table, column)? {
            columns.push((column, value, expected));
        }
    }
    let belongs = plan::condition(pair.store, table, pair.target, pair.filled, true)?;
    let (Some(belongs), false) = (belongs, columns.is_empty()) else {
        return Ok(());
    };
    let counts: Vec<String> = columns
        .iter()
        .map(|(column, value, _)| {
            let found = table.text_of("t", &column.name);
            format!(
                "pg_catalog.count(*) FILTER (WHERE COALESCE(({found}) COLLATE pg_catalog.\"C\" OPERATOR(pg_catalog.=) ({value}), \
                 ({found}) IS NULL AND ({value}) IS NULL) IS FALSE)"
            )
        })
        .collect();
    let mut others = Vec::new();
    let sql = SourceQuery::over(&table.from_sql())
        .filter(belongs)
        .select(&counts.join(", "));
    for_each_row(&sql, &mut |row| {
        if let Some(row) = row {
            others = (0..counts.len())
                .map(|place| row.bigint(place).unwrap_or(0))
                .collect();
        }
        Ok(())
    })?;
    for ((column, _, expected), others) in columns.into_iter().zip(others) {
        // A refresh keeps what was entered in place of NULL.
        let kept = column.role == ColumnRole::Null && pair.replaced;
        add(pair, table, column, (expected, others, kept), checks);
    }
    Ok(())
}

/// Whether a role gives values that are known.
fn gives_value(role: &ColumnRole) -> bool {
    matches!(
        role,
        ColumnRole::Value(_)
            | ColumnRole::Null
            | ColumnRole::Default
            | ColumnRole::Random
            | ColumnRole::Template(_)
    )
}

/// A column whose values are made of the source's.
struct Made<'a> {
    column: &'a Column,
    how: How<'a>,
    longest: Option<usize>,
    /// Empty texts stay empty.
    empty_stays: bool,
    /// Values of source rows of which those of the clone's were not seen yet, by the contents of the rows; those of the clone count downwards.
    rows: HashMap<u64, i64>,
    /// The same where only a comparison of both texts tells whether one was made of the other.
    texts: HashMap<i64, Vec<Option<String>>>,
    wrong: i64,
    /// Too many rows are alike, or the value cannot be told from an id.
    unknown: bool,
}

#[derive(Clone, Copy)]
enum How<'a> {
    /// A template of which everything is known.
    Filled(&'a str),
    /// A template with the row's key, or with the number of an earlier run.
    Matching(&'a str),
    /// Only NULL is NULL.
    Random,
}

/// The columns of a table whose values are made of the source's, as far as it is known how.
fn made_columns<'a>(pair: &Pair<'_>, table: &'a Table) -> Result<Vec<Made<'a>>> {
    let how = |column: &'a Column| match &column.role {
        ColumnRole::Random => Some(How::Random),
        ColumnRole::Template(_) if !plan::is_text(&column.type_name) => None,
        ColumnRole::Template(template)
            if template.contains("{name}") && (pair.name.is_none() || pair.replaced) =>
        {
            None
        }
        ColumnRole::Template(template) if template.contains("{new_id}") || pair.replaced => {
            Some(How::Matching(template))
        }
        ColumnRole::Template(template) => Some(How::Filled(template)),
        _ => None,
    };
    let mut made = Vec::new();
    for column in table.columns.iter().filter(|column| !column.generated) {
        let Some(how) = how(column) else { continue };
        made.push(Made {
            column,
            how,
            longest: length_of(&column.type_name),
            empty_stays: empty_is_no_value(table, &column.name)?,
            rows: HashMap::new(),
            texts: HashMap::new(),
            wrong: 0,
            unknown: false,
        });
    }
    Ok(made)
}

/// Compares the values of such columns with what must be made of the source's.
fn compare(pair: &Pair<'_>, contents: &Contents, table: &Table, checks: &mut Vec<Check>) -> Result<()> {
    let mut columns = made_columns(pair, table)?;
    if columns.is_empty() {
        return Ok(());
    }
    for of_clone in [false, true] {
        read(pair, contents, table, of_clone, &mut columns)?;
    }
    for made in columns.into_iter().filter(|made| !made.unknown) {
        let others = made.wrong + made.rows.into_values().filter(|rows| *rows > 0).sum::<i64>();
        let expected = match made.how {
            How::Filled(template) | How::Matching(template) => format!("{template} of the source's"),
            How::Random => "NULL where the source has NULL".to_owned(),
        };
        add(pair, table, made.column, (expected, others, false), checks);
    }
    Ok(())
}

fn read(
    pair: &Pair<'_>,
    contents: &Contents,
    table: &Table,
    of_clone: bool,
    columns: &mut [Made<'_>],
) -> Result<()> {
    let id = match &table.id_column {
        Some(id) => table.text_of("t", id),
        None => "NULL::pg_catalog.text".to_owned(),
    };
    let mut list = vec![id];
    list.extend(columns.iter().map(|made| table.text_of("t", &made.column.name)));
    contents.each_row(pair, table, of_clone, &list, &mut |content, row| {
        for (place, made) in columns.iter_mut().enumerate() {
            made.add(pair, of_clone, content, row, place + FIRST + 1)?;
        }
        Ok(())
    })
}

impl Made<'_> {
    /// The text that the clone's row has, and whether that is unknown.
    fn filled(
        &self,
        pair: &Pair<'_>,
        of_clone: bool,
        template: &str,
        value: Option<&str>,
    ) -> (Option<String>, bool) {
        match value {
            Some("") if self.empty_stays => (Some(String::new()), false),
            // Shortened, it may not look like that any more.
            Some(value) if is_rewritten(pair.store, template, value) => (
                Some(String::new()),
                self.longest
                    .is_some_and(|longest| value.chars().count() + SUFFIX.len() > longest),
            ),
            Some(value) if !of_clone => (
                Some(filled(template, &pair.fillings(value, None), self.longest)),
                false,
            ),
            value => (value.map(str::to_owned), false),
        }
    }

    fn add(
        &mut self,
        pair: &Pair<'_>,
        of_clone: bool,
        content: i64,
        row: &Row<'_>,
        place: usize,
    ) -> Result<()> {
        if self.unknown {
            return Ok(());
        }
        let value = row.text(place)?;
        let value = value.as_deref().map(|value| plain(value, &self.column.type_name));
        let canonical = match self.how {
            How::Random => value.map(|_| String::new()),
            How::Filled(template) => {
                let (text, unknown) = self.filled(pair, of_clone, template, value);
                self.unknown |= unknown;
                text
            }
            How::Matching(template) => {
                let alike = self.texts.entry(content).or_default();
                if !of_clone {
                    alike.push(value.map(str::to_owned));
                    self.unknown = alike.len() > MOST_ALIKE;
                    return Ok(());
                }
                let key = row.text(FIRST)?.unwrap_or_default();
                let made_of = |source: &Option<String>| match (source, value) {
                    (Some(source), Some(value)) => {
                        is_rewritten(pair.store, template, source)
                            && is_rewritten(pair.store, template, value)
                            || could_make(template, value, &pair.fillings(source, Some(&key)), self.longest)
                    }
                    (source, value) => source.is_none() && value.is_none(),
                };
                match alike.iter().position(made_of) {
                    Some(found) => drop(alike.swap_remove(found)),
                    None => self.wrong += 1,
                }
                return Ok(());
            }
        };
        let rows = self.rows.entry(hash((content, canonical))).or_default();
        *rows += if of_clone { 1 } else { -1 };
        Ok(())
    }
}

impl Pair<'_> {
    /// What stands in the places of a template, in the order in which it is filled. Without a key for one of any run.
    fn fillings<'v>(&'v self, value: &'v str, key: Option<&'v str>) -> Vec<(&'static str, &'v str)> {
        let mut fillings = vec![
            ("{value}", value),
            ("{name}", self.name.unwrap_or_default()),
            ("{n}", self.number),
            ("{project}", self.target),
        ];
        if let Some(key) = key {
            fillings.retain(|(placeholder, _)| *placeholder != "{n}");
            fillings.push(("{new_id}", key));
        }
        fillings
    }
}

/// Whether a clone may rewrite ids in a text instead of giving it an ending: what [`with_new_ids`] finds in any of the forms that it reads.
///
/// [`with_new_ids`]: crate::run::map::new_keys::with_new_ids
fn is_rewritten(store: &Store, template: &str, text: &str) -> bool {
    template == SUFFIX
        && (store.rewrites_text_keys_everywhere()
            // Of types with their ids, and escapes.
            || text.contains(['/', '%', '\\', '&'])
            || scan::uuids(text.as_bytes()).next().is_some()
            || scan::without_dashes(text.as_bytes()).next().is_some())
}
