//! The columns that distinguish rows: those that have the same values in source and clone.

pub mod beside_keys;
mod order;

use super::references::Pair;
use crate::catalog::relations_below::{PARTS, READ_BY_VIEWS};
use crate::pg::query::row::Row;
use crate::pg::query::{exists, for_each_row};
use order::Order;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Column, ColumnRole, Oid, SourceQuery, Store, Table, quote};
use std::collections::HashMap;

/// The comparable content of one table's rows.
#[derive(Default)]
pub struct Content {
    /// Whether the source still has as many rows as were cloned: only then can both be compared.
    comparable: bool,
    /// Rows of the source that have not changed since the clone, if they are not as many as were cloned.
    unchanged: Option<i64>,
    /// A condition on the source's rows that are older than the clone, if it has got others since.
    older: Option<String>,
    /// Columns that have the same values in both.
    same: Vec<String>,
    /// Their values, as SQL.
    columns: Vec<String>,
    /// Columns that a clone keeps, and that have other values in it.
    pub differing: Vec<String>,
    /// The order of the rows, if that of the clone's follows the source's.
    order: Option<Order>,
}

/// The number of columns that [`Contents::parts`] takes.
pub const FIRST: usize = 2;

/// The contents of all tables that have rows.
#[derive(Default)]
pub struct Contents(HashMap<Oid, Content>);

impl Contents {
    /// Compares source and clone by one aggregate over each table of both. A sample cannot be compared.
    pub fn of(pair: &Pair<'_>) -> Result<Self> {
        Self::by(pair, &|_| true)
    }

    /// The same by columns that a clone keeps, without documents: of a store of documents these are nearly all bytes.
    pub fn of_kept_columns(pair: &Pair<'_>) -> Result<Self> {
        Self::by(pair, &|column| column.role == ColumnRole::Keep)
    }

    fn by(pair: &Pair<'_>, counts: &dyn Fn(&Column) -> bool) -> Result<Self> {
        let mut contents = Contents::default();
        if pair.sample.is_some() {
            return Ok(contents);
        }
        for table in pair.store.tables.iter().filter(|table| !table.empty) {
            contents.0.insert(table.oid, content(pair, table, counts)?);
        }
        let mut budget = usize::try_from(crate::settings::max_memory_bytes()).unwrap_or(usize::MAX) / 4;
        for table in &pair.store.tables {
            if !contents.comparable(table.oid) {
                continue;
            }
            let order = Order::of(pair, &contents, table, budget)?;
            budget -= order.as_ref().map_or(0, Order::bytes);
            if let Some(content) = contents.0.get_mut(&table.oid) {
                content.order = order;
            }
        }
        Ok(contents)
    }

    /// The content of a table's rows; `None` if it has none, or if only a sample is read.
    pub fn get(&self, table: Oid) -> Option<&Content> {
        self.0.get(&table)
    }

    /// The number of the source's rows that have not changed since the clone, if they are not as many as were cloned.
    pub fn unchanged(&self, table: Oid) -> Option<i64> {
        self.0.get(&table).and_then(|content| content.unchanged)
    }

    /// Whether a column has the same values in the clone as in its source.
    pub fn has_column(&self, table: &Table, column: &Column) -> bool {
        self.0
            .get(&table.oid)
            .is_some_and(|content| content.same.contains(&column.name))
    }

    /// Whether the place of a row in the order of the keys tells it from all others of its table.
    pub fn has_order(&self, table: Oid) -> bool {
        self.0.get(&table).is_some_and(|content| content.order.is_some())
    }

    /// The number of rows of the clone of which the same columns have other values than in the source's row; 0 also if rows have no order.
    pub fn differing_rows(&self, table: Oid) -> usize {
        let order = self.0.get(&table).and_then(|content| content.order.as_ref());
        order.map_or(0, |order| order.differing)
    }

    /// Whether the rows of a table can be compared with the source's.
    pub fn comparable(&self, table: Oid) -> bool {
        self.0.get(&table).is_some_and(|content| content.comparable)
    }

    /// The condition on the rows of the clone, or on those of the source that are compared with them; `None` if the table can have none.
    /// Rows of the source that are not live were not cloned.
    pub fn condition(&self, pair: &Pair<'_>, table: &Table, of_clone: bool) -> Result<Option<String>> {
        let project = if of_clone { pair.target } else { pair.source };
        let belongs = plan::condition(pair.store, table, project, pair.filled, of_clone)?;
        let older = self.get(table.oid).and_then(|content| content.older.as_ref());
        Ok(match (belongs, older) {
            (Some(belongs), Some(older)) if !of_clone => Some(format!("({belongs}) AND {older}")),
            (belongs, _) => belongs,
        })
    }

    /// What [`Contents::of_row`] reads of a row `t`, as SQL: two expressions.
    pub fn parts(&self, table: Oid) -> String {
        let order = self.0.get(&table).and_then(|content| content.order.as_ref());
        format!("{}, {}", self.digest(table), order.map_or("NULL", Order::column))
    }

    /// A hash of the content of a row and of its place, from the two columns `at` and the next one.
    pub fn of_row(&self, table: Oid, of_clone: bool, row: &Row<'_>, at: usize) -> i64 {
        let content = row.bigint(at).unwrap_or(0);
        match self.0.get(&table).and_then(|content| content.order.as_ref()) {
            Some(order) => order.with_place(content, row, at + 1, of_clone),
            None => content,
        }
    }

    /// Calls `each` with the content of each row of a project and the row, whose columns from [`FIRST`] on are those of `list`.
    pub fn each_row(
        &self,
        pair: &Pair<'_>,
        table: &Table,
        of_clone: bool,
        list: &[String],
        each: &mut dyn FnMut(i64, &Row<'_>) -> Result<()>,
    ) -> Result<()> {
        let Some(belongs) = self.condition(pair, table, of_clone)? else {
            return Ok(());
        };
        let columns = format!("{}, {}", self.parts(table.oid), list.join(", "));
        let sql = SourceQuery::over(&table.from_sql())
            .filter(belongs)
            .select(&columns);
        for_each_row(&sql, &mut |row| match row {
            Some(row) => each(self.of_row(table.oid, of_clone, row, 0), row),
            None => Ok(()),
        })?;
        Ok(())
    }

    /// The same in SQL, in the list of a SELECT: a window function over the rows that are selected.
    pub fn in_query(&self, table: Oid, of_clone: bool) -> String {
        let digest = self.digest(table);
        let Some(content) = self.0.get(&table) else {
            return digest;
        };
        let Some(order) = &content.order else {
            return digest;
        };
        let older = match &content.older {
            Some(older) if !of_clone => format!(" FILTER (WHERE {older})"),
            _ => String::new(),
        };
        // Several selected rows may come from one: they are peers.
        format!(
            "pg_catalog.hashint8extended({digest}, pg_catalog.count(*){older} OVER (ORDER BY {}))",
            order.column()
        )
    }

    /// A hash of the content of a row `t`, as SQL of type `bigint`.
    fn digest(&self, table: Oid) -> String {
        match self.0.get(&table).map(|content| content.columns.join(", ")) {
            Some(columns) if !columns.is_empty() => {
                format!("pg_catalog.hash_record_extended(ROW({columns}), 0)")
            }
            _ => "0::pg_catalog.int8".to_owned(),
        }
    }
}

/// Columns whose values a clone may keep: not those with keys that get new values.
fn candidates<'t>(store: &Store, table: &'t Table) -> Vec<&'t Column> {
    let refers = |table: &Table, column: &str| {
        // Rows of a table that the store does not have are those that all projects share.
        let mut references = table.keys.references.iter();
        references.any(|r| r.column == column && store.table(r.target).is_some())
    };
    let changes = |target: Oid, key: &str| {
        store.table(target).is_some_and(|target| {
            let kept = target.column(key).is_some_and(|key| key.role == ColumnRole::Keep);
            !kept || refers(target, key)
        })
    };
    let names_new_key = |column: &Column| {
        let foreign_keys = table.keys.foreign_keys.iter().any(|key| {
            let mut columns = key.columns.iter().zip(&key.target_columns);
            columns.any(|(name, target)| *name == column.name && changes(key.target, target))
        });
        foreign_keys || refers(table, &column.name) || table.makes_key_of_others(&column.name)
    };
    let counts = |column: &Column| match column.role {
        ColumnRole::Keep => true,
        ColumnRole::Rewrite => {
            table.id_column.as_ref() != Some(&column.name)
                && (plan::has_hash(&column.type_name) || column.type_name.ends_with("[]"))
        }
        _ => false,
    };
    let columns = table.columns.iter();
    columns
        .filter(|column| counts(column) && !names_new_key(column))
        .collect()
}

/// The value of a column of a row `t`, as SQL of a type that has a hash function.
fn hashable(table: &Table, column: &Column) -> String {
    // Equal is what is written alike.
    let by_itself = plan::has_hash(&column.type_name) && !column.type_name.ends_with("citext")
        || matches!(
            column.type_name.as_str(),
            "uuid" | "jsonb" | "bytea" | "inet" | "cidr"
        );
    match by_itself {
        true => format!("t.{}", quote::identifier(&column.name)),
        false => table.text_of("t", &column.name),
    }
}

/// Whether a trigger may have written into the rows before they were inserted, such as numbers in the order of insertion. Other than
/// [`Table::triggers`], which says what fires now: one that is disabled today may have fired when the clone was made.
/// What a trigger changes afterwards is seen by its values.
pub fn has_triggers(table: &Table) -> Result<bool> {
    exists(&SourceQuery::over("pg_catalog.pg_trigger").filter(format!(
        "t.tgrelid OPERATOR(pg_catalog.=) ANY (WITH RECURSIVE part (oid) AS (SELECT {}::pg_catalog.oid UNION SELECT e.below FROM part \
           JOIN ({READ_BY_VIEWS} UNION ALL {PARTS}) AS e ON e.above OPERATOR(pg_catalog.=) part.oid) SELECT part.oid FROM part) \
         AND NOT t.tgisinternal AND t.tgtype OPERATOR(pg_catalog.&) 4::pg_catalog.int2 OPERATOR(pg_catalog.<>) 0::pg_catalog.int2 \
         AND t.tgtype OPERATOR(pg_catalog.&) 66::pg_catalog.int2 OPERATOR(pg_catalog.<>) 0::pg_catalog.int2",
        table.oid
    )))
}

fn content(pair: &Pair<'_>, table: &Table, counts: &dyn Fn(&Column) -> bool) -> Result<Content> {
    let mut candidates = candidates(pair.store, table);
    if has_triggers(table)? {
        candidates.clear();
    }
    candidates.retain(|column| counts(column));
    let columns: Vec<String> = candidates.iter().map(|column| hashable(table, column)).collect();
    let source = plan::condition(pair.store, table, pair.source, pair.filled, false)?;
    let clone = plan::condition(pair.store, table, pair.target, pair.filled, true)?;
    let (Some(source), Some(clone)) = (source, clone) else {
        return Ok(Content::default());
    };
    let cloned = pair.rows.get(&table.sql_name).copied().unwrap_or(0);
    let clone = sums(table, &columns, &clone)?;
    let mut of_source = sums(table, &columns, &source)?;
    let mut older = None;
    if of_source.first() != Some(&Some(cloned))
        && let Some(condition) = older_than_clone(pair, table)
    {
        let since = sums(table, &columns, &format!("({source}) AND {condition}"))?;
        (of_source, older) = (since, Some(condition));
    }
    let rows = of_source.first().copied().flatten();
    let comparable = rows == Some(cloned);
    let mut content = Content {
        comparable,
        unchanged: rows.filter(|_| !comparable),
        older,
        ..Content::default()
    };
    for ((column, name), (source, clone)) in candidates
        .iter()
        .zip(columns)
        .zip(of_source.iter().zip(&clone).skip(1))
    {
        if source == clone {
            content.same.push(column.name.clone());
            content.columns.push(name);
        // Rules act on documents.
        } else if comparable
            && (column.role == ColumnRole::Keep
                || plan::is_number_or_time(column.type_name.trim_end_matches("[]")))
            // It may be made of keys.
            && !column.generated
            && table.document_column.as_ref() != Some(&column.name)
            // A number of a large object is that of the copy.
            && column.type_name != "oid"
        {
            content.differing.push(column.name.clone());
        }
    }
    Ok(content)
}

/// The condition on rows `t` that were written before the clone; `None` if that is not known.
fn older_than_clone(pair: &Pair<'_>, table: &Table) -> Option<String> {
    let age = pair.age.filter(|_| matches!(table.kind.as_str(), "r" | "p"))?;
    Some(format!("pg_catalog.age(t.xmin) OPERATOR(pg_catalog.>) {age}"))
}

/// The number of rows, and for each column the sum of the hashes of its values.
fn sums(table: &Table, columns: &[String], belongs: &str) -> Result<Vec<Option<i64>>> {
    let sums: Vec<String> = columns
        .iter()
        .map(|column| format!(", pg_catalog.sum(pg_catalog.hash_record(ROW({column})))"))
        .collect();
    let mut found = Vec::new();
    for_each_row(
        &SourceQuery::over(&table.from_sql())
            .filter(belongs.to_owned())
            .select(&format!("pg_catalog.count(*){}", sums.concat())),
        &mut |row| {
            if let Some(row) = row {
                found = (0..=columns.len()).map(|place| row.bigint(place)).collect();
            }
            Ok(())
        },
    )?;
    Ok(found)
}
