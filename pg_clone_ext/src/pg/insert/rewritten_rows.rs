//! The SQL path's source: `clone_internal.rewritten_rows(statement)` returns the rewritten rows of a running clone as a set of records.
//!
//! The function is called with the caller's rights, so every role with `clone.allow` can call it. Its argument protects
//! it: a random number that is generated for one statement, passed as a parameter (error contexts show the text of a statement,
//! not its parameters) and valid for one call.

use crate::error::raise;
use crate::pg::session::settings_guard::PathGuard;
use crate::pg::table::relation;
use crate::pg::value::attribute::{Attribute, attributes};
use crate::pg::value::toast::CompressedValue;
use crate::pg::value::{RowForm, Value};
use pg_clone_core::error::{Code, Error, Result};
use pgrx::{pg_guard, pg_sys};
use std::cell::RefCell;

/// Identifies one statement of a run.
pub type Token = [u8; 16];

/// Produces the rows of one statement.
type RowSource = Box<dyn FnOnce(&mut RowCollector) -> Result<()>>;

thread_local! {
    /// Statements of this backend's runs that have not requested their rows yet; more than one if a trigger of one run starts another.
    static STATEMENTS: RefCell<Vec<(Token, RowSource)>> = const { RefCell::new(Vec::new()) };
}

/// Registers a statement with the function as long as this lives; also removed when an error unwinds.
pub struct AnnouncedStatement(Token);

impl AnnouncedStatement {
    /// Registers the statement that has `token` as its parameter; `rows` produces its rows, once.
    pub fn new(token: Token, rows: impl FnOnce(&mut RowCollector) -> Result<()> + 'static) -> Self {
        STATEMENTS.with_borrow_mut(|all| all.push((token, Box::new(rows))));
        AnnouncedStatement(token)
    }
}

impl Drop for AnnouncedStatement {
    fn drop(&mut self) {
        STATEMENTS.with_borrow_mut(|all| all.retain(|(token, _)| *token != self.0));
    }
}

/// Collects the rows of the statement with this token; error 42501 without such a statement.
fn collect(token: Token, collector: &mut RowCollector) -> Result<()> {
    let rows = STATEMENTS.with_borrow_mut(|all| {
        let place = all.iter().position(|(announced, _)| *announced == token)?;
        Some(all.remove(place).1)
    });
    match rows {
        Some(rows) => rows(collector),
        None => Err(Error::new(
            Code::NotAllowed,
            "clone_internal.rewritten_rows can be called by a running clone only",
        )
        .hint("Call project_clone.")),
    }
}

/// The rows that `clone_internal.rewritten_rows` returns, collected as the server expects them.
pub struct RowCollector {
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
    row: RowForm,
}

impl RowCollector {
    /// The columns that the statement requests.
    pub fn attributes(&self) -> Vec<Attribute> {
        attributes(self.descriptor)
    }

    /// Adds a row; the values are copied. Returns its bytes before compression.
    pub fn put(&mut self, values: &[Value], nulls: &mut [bool], compressed: &[CompressedValue]) -> usize {
        let datums = self.row.datums(values, nulls);
        assert!(compressed.iter().all(|value| value.place < values.len()));
        // SAFETY: one entry per column of the descriptor, of its type.
        unsafe {
            pg_sys::tuplestore_putvalues(
                self.store,
                self.descriptor,
                datums.as_mut_ptr(),
                nulls.as_mut_ptr(),
            );
        }
        crate::pg::table::relation::row_bytes(self.descriptor, datums, nulls, compressed)
    }
}

/// Version record of the function below, as PostgreSQL's function manager wants it.
#[unsafe(no_mangle)]
pub extern "C" fn pg_finfo_clone_rewritten_rows() -> &'static pg_sys::Pg_finfo_record {
    const V1: pg_sys::Pg_finfo_record = pg_sys::Pg_finfo_record { api_version: 1 };
    &V1
}

/// `clone_internal.rewritten_rows(statement uuid) RETURNS SETOF record`.
///
/// # Safety
/// Called by PostgreSQL's function manager with a non-null argument of this type.
#[unsafe(no_mangle)]
#[pg_guard]
pub unsafe extern "C-unwind" fn clone_rewritten_rows(fcinfo: pg_sys::FunctionCallInfo) -> pg_sys::Datum {
    // SAFETY: the function is STRICT and declared with a uuid, whose datum points to 16 bytes; InitMaterializedSRF raises if the call is not
    // in a place that takes a set, and afterwards resultinfo holds the store and its descriptor.
    let (statement, mut result) = unsafe {
        pg_sys::InitMaterializedSRF(fcinfo, pg_sys::MAT_SRF_USE_EXPECTED_DESC);
        let info = (*fcinfo).resultinfo.cast::<pg_sys::ReturnSetInfo>();
        (
            *(*fcinfo).args.as_slice(1)[0].value.cast_mut_ptr::<[u8; 16]>(),
            RowCollector {
                store: (*info).setResult,
                descriptor: (*info).setDesc,
                row: relation::row_form((*info).setDesc),
            },
        )
    };
    let _safe = PathGuard::safe();
    if let Err(error) = collect(statement, &mut result) {
        raise(error);
    }
    pg_sys::Datum::from(0)
}
