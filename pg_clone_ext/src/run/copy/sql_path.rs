//! The SQL path: `INSERT INTO table SELECT … FROM clone_internal.rewritten_rows(…)`, for tables that need everything that the server does
//! for an INSERT.

use super::Sink;
use super::trigger_values::Comparison;
use crate::error::internal;
use crate::pg::insert::progress::CopyProgress;
use crate::pg::insert::rewritten_rows::{AnnouncedStatement, RowCollector};
use crate::pg::query::snapshot::next_command;
use crate::pg::query::write;
use crate::pg::session::settings_guard::WithoutTriggers;
use crate::pg::table::relation::OpenTable;
use crate::pg::value::attribute::Attribute;
use crate::pg::value::datum::random;
use crate::run::copy;
use crate::run::state::{Run, TableStatistics};
use crate::run::transform::row_batch::CloneRow;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{EQUAL, Oid, SourceQuery, Table, TableCopy, quote};
use std::cell::RefCell;
use std::rc::Rc;

/// A type's oid and modifier.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Type(pgrx::pg_sys::Oid, i32);

impl Type {
    fn of(attribute: &Attribute) -> Self {
        Type(attribute.type_oid, attribute.typmod)
    }
}

/// The number of rows of a table that belong to the new project, if a trigger can assign them to another one.
fn rows_of_target(run: &Run, table: &Table) -> Result<Option<i64>> {
    let (Some(_), Some(column)) = (&table.triggers, &table.project_column) else {
        return Ok(None);
    };
    if !run.store.follows_constraints() || table.elsewhere {
        return Ok(None);
    }
    let kind = quote::type_name(table.type_of(column));
    let rows = SourceQuery::over(&table.sql_name).filter(format!(
        "t.{} {} {}::{kind}",
        quote::identifier(column),
        table.column(column).map_or(EQUAL, |c| c.equality()),
        quote::literal(&run.target)
    ));
    pgrx::Spi::get_one::<i64>(&rows.count()).map_err(internal)
}

/// Fills a table by a statement. Rows that a trigger or rule suppresses are an error (0A000).
pub fn fill(
    run: &Rc<Run>,
    table_copy: &TableCopy,
    after: &mut dyn FnMut(u64, u64),
) -> Result<TableStatistics> {
    let Some(table) = run.store.table(table_copy.table) else {
        return Err(Error::new(Code::Internal, "a table copy has no table"));
    };
    // With the lock of the statement, so that the types cannot change in between.
    let open = OpenTable::for_insert(table_copy.table);
    let attributes = copy::output_attributes(&open, table_copy)?;
    let columns: Vec<String> = attributes.iter().map(|a| quote::identifier(&a.name)).collect();
    let typed: Vec<String> = table_copy
        .outputs
        .iter()
        .map(|o| {
            format!(
                "{} {}",
                quote::identifier(&o.column),
                quote::type_name(&o.type_name)
            )
        })
        .collect();
    let (columns, typed) = (columns.join(", "), typed.join(", "));
    let comparison = Comparison::of(run, table, table_copy)?;
    let statement = match &comparison {
        Some(comparison) => comparison.statement(table, &columns, &typed),
        None => format!(
            "INSERT INTO {} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM clone_internal.rewritten_rows($1) AS e ({typed})",
            table.sql_name
        ),
    };
    let before = rows_of_target(run, table)?;
    let token = random::<16>()?;
    let statistics = Rc::default();
    let rows = StatementRows {
        run: Rc::clone(run),
        table: table_copy.table,
        types: attributes.iter().map(|a| Type::of(&a.base())).collect(),
        statistics: Rc::clone(&statistics),
    };
    let announced = AnnouncedStatement::new(token, |collector| rows.collect(collector));
    let without_triggers = skips_triggers(run, table);
    let written = {
        let _path = run.path.enter();
        let _silent = without_triggers.then(WithoutTriggers::new);
        write(&statement, &token, run.held)?
    };
    let inserted = match &comparison {
        Some(comparison) => comparison.rows(&written.first)?,
        None => written.rows,
    };
    drop(announced);
    let Some(statistics) = statistics.take() else {
        return Err(kept_back(format!(
            "{} takes no rows of the clone",
            table.sql_name
        )));
    };
    let rows = statistics.rows();
    let bytes = statistics.by_type.values().map(|counts| counts.bytes).sum();
    after(rows, bytes);
    if inserted != rows {
        return Err(kept_back(format!(
            "{rows} rows were made for {}, but {inserted} were inserted",
            table.sql_name
        )));
    }
    next_command();
    if let (Some(before), Some(now)) = (before, rows_of_target(run, table)?)
        && now.saturating_sub(before) < i64::try_from(rows).unwrap_or(i64::MAX)
    {
        return Err(kept_back(format!(
            "{rows} rows were made for {}, but only {} belong to the new project",
            table.sql_name,
            now.saturating_sub(before)
        )));
    }
    if let Some(comparison) = &comparison {
        comparison.check(table, &written.first)?;
    }
    Ok(statistics)
}

/// Whether a statement fills a table without its triggers.
pub(super) fn skips_triggers(run: &Run, table: &Table) -> bool {
    run.request.options.skip_triggers && table.triggers.is_some()
}

fn kept_back(message: String) -> Error {
    Error::new(Code::Unsupported, message)
        .detail("The clone would be incomplete.")
        .hint("A trigger or rule of the table suppresses or changes rows. Change it so that it accepts the rows of a clone.")
}

struct CollectorSink<'e>(&'e mut RowCollector);

impl Sink for CollectorSink<'_> {
    fn put(&mut self, row: &mut CloneRow<'_>) -> usize {
        self.0.put(row.values, row.nulls, row.compressed)
    }
}

/// Produces the rows of a statement when it requests them.
struct StatementRows {
    run: Rc<Run>,
    table: Oid,
    /// The types of the columns, in the order of the outputs.
    types: Vec<Type>,
    statistics: Rc<RefCell<Option<TableStatistics>>>,
}

impl StatementRows {
    /// The open table keeps its types: the server refuses an ALTER TABLE, even in this session.
    fn collect(self, collector: &mut RowCollector) -> Result<()> {
        let Some(table_copy) = self.run.table_copy(self.table) else {
            return Err(Error::new(Code::Internal, "a table copy is gone"));
        };
        let wanted = collector.attributes();
        let types: Vec<Type> = wanted.iter().map(Type::of).collect();
        if types != self.types {
            return Err(Error::new(
                Code::Internal,
                "the types of the columns have changed although the table is locked",
            ));
        }
        let progress = CopyProgress::start(self.table);
        let statistics = copy::copy_rows(
            &self.run,
            table_copy,
            wanted,
            &mut CollectorSink(collector),
            &mut |rows, bytes| progress.update(rows, bytes),
        )?;
        self.statistics.replace(Some(statistics));
        Ok(())
    }
}
