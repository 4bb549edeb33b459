//! The SQL path: `INSERT INTO table SELECT … FROM clone_internal.rewritten_rows(…)`, for tables that want everything the server does
//! for an INSERT.
//!
//! The function is called with the caller's rights, so anybody whom `clone.allow` let in can name it. What makes it the run's
//! own is its argument: a random number that is made for one statement, given to it as a parameter (the text of a statement shows
//! in error contexts, its parameters do not) and valid for one call.

use super::Sink;
use super::row_batch::FinishedRow;
use crate::error::internal;
use crate::pg::insert::progress::Progress;
use crate::pg::query::rewritten_rows::RowCollector;
use crate::pg::query::write_with_held_checks;
use crate::pg::table::relation::{Attribute, OpenTable};
use crate::pg::value::datum::random;
use crate::run::copy;
use crate::run::state::{Run, TableStatistics};
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Oid, TableCopy, quote};
use pgrx::datum::Uuid;
use std::cell::RefCell;
use std::rc::Rc;

/// What identifies one statement of a run.
type Token = [u8; 16];

/// A statement of a run that has not asked for its rows yet.
struct Awaited {
    token: Token,
    run: Rc<Run>,
    table: Oid,
    /// The types of the columns, in the order of the outputs.
    types: Vec<Type>,
    statistics: Rc<RefCell<Option<TableStatistics>>>,
}

/// A type's oid and modifier.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Type(pgrx::pg_sys::Oid, i32);

impl Type {
    fn of(attribute: &Attribute) -> Self {
        Type(attribute.type_oid, attribute.typmod)
    }
}

thread_local! {
    /// Statements of this backend's runs; several where a trigger of one run starts another.
    static AWAITED: RefCell<Vec<Awaited>> = const { RefCell::new(Vec::new()) };
}

/// Makes a statement known to the function while this lives; also when an error unwinds it is forgotten.
struct Announcement(Token);

impl Announcement {
    fn of(awaited: Awaited) -> Self {
        let token = awaited.token;
        AWAITED.with_borrow_mut(|all| all.push(awaited));
        Announcement(token)
    }
}

impl Drop for Announcement {
    fn drop(&mut self) {
        AWAITED.with_borrow_mut(|all| all.retain(|awaited| awaited.token != self.0));
    }
}

fn take(token: Token) -> Option<Awaited> {
    AWAITED.with_borrow_mut(|all| {
        let place = all.iter().position(|awaited| awaited.token == token)?;
        Some(all.remove(place))
    })
}

/// Fills a table by a statement. Rows that a trigger or rule keeps back are an error (0A000).
pub fn fill(
    run: &Rc<Run>,
    table_copy: &TableCopy,
    after: &mut dyn FnMut(u64, u64),
) -> Result<TableStatistics> {
    let Some(table) = run.store.table(table_copy.table) else {
        return Err(Error::new(Code::Internal, "a table copy has no table"));
    };
    // Locked as the statement will, so that the types cannot change in between.
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
    let columns = columns.join(", ");
    let statement = format!(
        "INSERT INTO {} ({columns}) OVERRIDING SYSTEM VALUE SELECT {columns} FROM clone_internal.rewritten_rows($1) AS e ({})",
        table.sql_name,
        typed.join(", ")
    );
    let token = random::<16>()?;
    let statistics = Rc::default();
    let announcement = Announcement::of(Awaited {
        token,
        run: Rc::clone(run),
        table: table_copy.table,
        types: attributes.iter().map(|a| Type::of(&a.base())).collect(),
        statistics: Rc::clone(&statistics),
    });
    let inserted = {
        let _path = run.path.enter();
        if run.held {
            write_with_held_checks(&statement, &token)?
        } else {
            pgrx::Spi::connect_mut(|client| {
                client
                    .update(statement.as_str(), None, &[Uuid::from_bytes(token).into()])
                    .map(|result| result.len() as u64)
            })
            .map_err(internal)?
        }
    };
    drop(announcement);
    let Some(statistics) = statistics.take() else {
        return Err(kept_back(format!("no rows were taken for {}", table.sql_name)));
    };
    let rows = statistics.by_type.values().map(|counts| counts.rows).sum();
    let bytes = statistics.by_type.values().map(|counts| counts.bytes).sum();
    after(rows, bytes);
    if inserted != rows {
        return Err(kept_back(format!(
            "{rows} rows were made for {}, but {inserted} were inserted",
            table.sql_name
        )));
    }
    Ok(statistics)
}

fn kept_back(message: String) -> Error {
    Error::new(Code::Unsupported, message)
        .detail("The clone would have holes.")
        .hint("A trigger or rule of the table keeps rows back; make it let the rows of a clone pass.")
}

struct CollectorSink<'e>(&'e mut RowCollector);

impl Sink for CollectorSink<'_> {
    fn put(&mut self, row: FinishedRow<'_>) -> usize {
        self.0.put(row.values, row.nulls, row.compressed)
    }
}

/// What `clone_internal.rewritten_rows` does: the rows of the statement with this token. Anything else is an error: 42501 without a
/// statement that waits, 55000 for columns of other types than the table's.
pub fn rows(token: Token, collector: &mut RowCollector) -> Result<()> {
    let Some(awaited) = take(token) else {
        return Err(Error::new(
            Code::NotAllowed,
            "clone_internal.rewritten_rows is called by a running clone only",
        )
        .hint("Call project_clone."));
    };
    let run = &awaited.run;
    let Some(table_copy) = run.table_copy(awaited.table) else {
        return Err(Error::new(Code::Internal, "a table copy is gone"));
    };
    let wanted = collector.attributes();
    let types: Vec<Type> = wanted.iter().map(Type::of).collect();
    if types != awaited.types {
        return Err(Error::new(
            Code::StoreChanged,
            "the columns have other types than those the store was described with",
        )
        .hint("SELECT clone.store_refresh(…) describes the store again."));
    }
    let progress = Progress::start(awaited.table);
    let statistics = copy::rewrite_into(
        run,
        table_copy,
        wanted,
        &mut CollectorSink(collector),
        &mut |rows, bytes| progress.update(rows, bytes),
    )?;
    awaited.statistics.replace(Some(statistics));
    Ok(())
}
