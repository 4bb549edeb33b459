//! Queries over the source, row by row, without building a result set.

use super::memory::Memory;
use super::query::row::Row;
use super::session::settings_guard::{CallersPath, PathGuard};
use super::value::Form;
use super::value::attribute::attributes;
use crate::error::raise;
use kept_rows::KeptRows;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::SourceQuery;
use pgrx::{pg_guard, pg_sys};
use std::ffi::{CStr, CString};

#[repr(C)]
struct Receiver<'a> {
    // First, so that a pointer to the receiver is a pointer to its base, as PostgreSQL's own receivers do it.
    base: pg_sys::DestReceiver,
    each: &'a mut dyn FnMut(Option<&Row<'_>>) -> Result<()>,
    /// The search_path that is set after the statement is planned and before it runs.
    path: Option<&'a CallersPath>,
    /// The forms of the columns, known when the query begins.
    forms: Vec<Form>,
    /// Memory for a row in addition to its tuple.
    memory: Memory,
    in_force: Option<PathGuard>,
}

/// Runs a query read-only under the active snapshot and calls `each` for every row, then once with None while the query
/// is still open: foreign keys of rows that it has written are checked together. The executor passes its slot directly;
/// no tuple is copied. `each` may write to tables: the snapshot does not see these rows.
pub fn for_each_row(sql: &str, each: &mut dyn FnMut(Option<&Row<'_>>) -> Result<()>) -> Result<u64> {
    execute(sql, None, None, each)
}

/// Runs a statement that writes to tables and returns rows (a SELECT over WITH … RETURNING), and calls `each` for every row. Its
/// names and operators are resolved under the current path, as in [`for_each_row`]. Triggers, constraints and
/// defaults run under the caller's path, as for a statement of the caller.
pub fn for_each_written_row(
    sql: &str,
    path: &CallersPath,
    each: &mut dyn FnMut(Option<&Row<'_>>) -> Result<()>,
) -> Result<u64> {
    execute(sql, Some(path), None, each)
}

fn execute(
    sql: &str,
    path: Option<&CallersPath>,
    kept: Option<&KeptRows>,
    each: &mut dyn FnMut(Option<&Row<'_>>) -> Result<()>,
) -> Result<u64> {
    let text =
        CString::new(sql).map_err(|_| Error::new(Code::Internal, "a generated query holds a NUL byte"))?;
    let mut receiver = Receiver {
        base: pg_sys::DestReceiver {
            receiveSlot: Some(receive_slot),
            rStartup: Some(startup),
            rShutdown: Some(shutdown),
            rDestroy: Some(destroy),
            // Any kind but DestNone, for which SPI reports that nothing was selected.
            mydest: pg_sys::CommandDest::DestTuplestore,
        },
        each,
        path,
        forms: Vec::new(),
        memory: Memory::new(c"pg_clone query row"),
        in_force: None,
    };
    // SAFETY: the receiver outlives the call.
    let result = unsafe { run(&text, (&raw mut receiver).cast(), path.is_none(), kept) };
    drop(receiver.in_force.take());
    result
}

/// Runs a query whose rows go to `dest`; `kept` is a relation of its own. Returns the number of rows.
///
/// # Safety
///
/// `dest` is a complete receiver.
unsafe fn run(
    sql: &CStr,
    dest: *mut pg_sys::DestReceiver,
    read_only: bool,
    kept: Option<&KeptRows>,
) -> Result<u64> {
    let mut relation = kept.map(KeptRows::relation);
    let (code, rows) = pgrx::Spi::connect(|_client| {
        let options = pg_sys::SPIExecuteOptions {
            params: std::ptr::null_mut(),
            read_only,
            allow_nonatomic: false,
            must_return_tuples: true,
            tcount: 0,
            dest,
            owner: std::ptr::null_mut(),
        };
        // SAFETY: within SPI; text, receiver and relation outlive the call, and PostgreSQL uses them only during it.
        unsafe {
            if let Some(relation) = &mut relation {
                pg_sys::SPI_register_relation(relation);
            }
            let code = pg_sys::SPI_execute_extended(sql.as_ptr(), &options);
            (code, pg_sys::SPI_processed)
        }
    });
    if code != pg_sys::SPI_OK_SELECT as i32 {
        return Err(Error::new(
            Code::Internal,
            format!("a generated query failed with SPI code {code}"),
        )
        .detail(sql.to_string_lossy()));
    }
    Ok(rows)
}

/// The first column of the last row of a query as text, read-only under the active snapshot. Unlike an SPI
/// call that may write, it assigns no transaction id, so it works on a standby.
pub fn text(sql: &str) -> Result<Option<String>> {
    let mut found = None;
    for_each_row(sql, &mut |row| {
        if let Some(row) = row {
            found = row.text(0)?.map(std::borrow::Cow::into_owned);
        }
        Ok(())
    })?;
    Ok(found)
}

/// The only value of a query over kept rows, which have the name [`kept_rows::NAME`] in it; read-only under the active snapshot.
pub fn text_over(sql: &str, kept: &KeptRows) -> Result<Option<String>> {
    let mut found = None;
    execute(sql, None, Some(kept), &mut |row| {
        if let Some(row) = row {
            found = row.text(0)?.map(std::borrow::Cow::into_owned);
        }
        Ok(())
    })?;
    Ok(found)
}

/// The same for a query that locks rows, which is not read-only: it sees what is committed when it begins.
pub fn text_over_locked(sql: &str, kept: &KeptRows) -> Result<Option<String>> {
    let mut found = None;
    execute(sql, Some(&CallersPath::safe()), Some(kept), &mut |row| {
        if let Some(row) = row {
            found = row.text(0)?.map(std::borrow::Cow::into_owned);
        }
        Ok(())
    })?;
    Ok(found)
}

/// The number of rows, read-only under the active snapshot like [`text`].
pub fn count(rows: &SourceQuery) -> Result<i64> {
    let mut number = 0;
    for_each_row(&rows.count(), &mut |row| {
        number = row.and_then(|row| row.bigint(0)).unwrap_or(number);
        Ok(())
    })?;
    Ok(number)
}

/// Whether there is a row, read-only under the active snapshot like [`text`].
pub fn exists(rows: &SourceQuery) -> Result<bool> {
    let found = text(&format!("{} LIMIT 1", rows.select("'yes'::pg_catalog.text")))?;
    Ok(found.is_some())
}

/// What a statement that writes has done.
pub struct Written {
    /// The number of rows that it wrote, or returned.
    pub rows: u64,
    /// The texts of the first row that it returned; empty if it returns none.
    pub first: Vec<Option<String>>,
}

/// Runs a statement that writes. `token` is its only parameter, a uuid. With `held` its after-row triggers and key checks are deferred to
/// the query level around it (see [`super::insert::key_checks::HeldKeyChecks`]).
pub fn write(sql: &str, token: &[u8; 16], held: bool) -> Result<Written> {
    let text = CString::new(sql)
        .map_err(|_| Error::new(Code::Internal, "a generated statement holds a NUL byte"))?;
    let (code, written) = pgrx::Spi::connect_mut(|_client| {
        let mut types = [pg_sys::UUIDOID];
        // Bytes by reference, which the statement does not outlive.
        let mut values = [pg_sys::Datum::from(token.as_ptr())];
        // SAFETY: within SPI; text, types and values outlive the call, one each for the one parameter, which is not NULL. A
        // failed statement raises.
        unsafe {
            let plan = pg_sys::SPI_prepare(text.as_ptr(), 1, types.as_mut_ptr());
            if plan.is_null() {
                return (pg_sys::SPI_result, None);
            }
            let code = pg_sys::SPI_execute_snapshot(
                plan,
                values.as_mut_ptr(),
                std::ptr::null(),
                std::ptr::null_mut(),
                std::ptr::null_mut(),
                false,
                !held,
                0,
            );
            let written = Written {
                rows: pg_sys::SPI_processed,
                first: first_row(),
            };
            (code, Some(written))
        }
    });
    // A rule can make another statement of it; the caller counts the rows.
    let right = [
        pg_sys::SPI_OK_INSERT as i32,
        pg_sys::SPI_OK_SELECT as i32,
        pg_sys::SPI_OK_REWRITTEN as i32,
    ];
    written.filter(|_| right.contains(&code)).ok_or_else(|| {
        Error::new(
            Code::Internal,
            format!("a generated statement failed with SPI code {code}"),
        )
        .detail(sql)
    })
}

/// The texts of the first row of SPI's last result.
fn first_row() -> Vec<Option<String>> {
    // SAFETY: within SPI; a result table has as many rows as numvals says, and rows of its descriptor. SPI_getvalue returns a
    // NUL-terminated string, or null for NULL.
    unsafe {
        let table = pg_sys::SPI_tuptable;
        if table.is_null() || (*table).numvals == 0 {
            return Vec::new();
        }
        let row = *(*table).vals;
        (1..=(*(*table).tupdesc).natts)
            .map(|number| {
                let text = pg_sys::SPI_getvalue(row, (*table).tupdesc, number);
                (!text.is_null()).then(|| std::ffi::CStr::from_ptr(text).to_string_lossy().into_owned())
            })
            .collect()
    }
}

/// Called by the executor for each row.
#[pg_guard]
unsafe extern "C-unwind" fn receive_slot(
    slot: *mut pg_sys::TupleTableSlot,
    this: *mut pg_sys::DestReceiver,
) -> bool {
    // SAFETY: `this` is the base of the Receiver on execute()'s stack; `slot` is a valid slot whose arrays have
    // tts_nvalid entries once all attributes are deformed. Both stay valid during this call.
    let (receiver, values, nulls) = unsafe {
        let natts = (*(*slot).tts_tupleDescriptor).natts;
        if i32::from((*slot).tts_nvalid) < natts {
            pg_sys::slot_getsomeattrs_int(slot, natts);
        }
        let len = usize::try_from(natts).unwrap_or(0);
        let receiver = &mut *this.cast::<Receiver<'_>>();
        if len == 0 {
            (receiver, &[][..], &[][..])
        } else {
            (
                receiver,
                std::slice::from_raw_parts((*slot).tts_values, len),
                std::slice::from_raw_parts((*slot).tts_isnull, len),
            )
        }
    };
    receiver.memory.reset();
    let (each, forms, memory) = (&mut receiver.each, &receiver.forms, &receiver.memory);
    // SAFETY: the forms are those of the query's columns; the slot keeps its tuple during this call, and before the next one
    // the memory is reset.
    let row = unsafe { Row::new(values, nulls, forms, memory) };
    if let Err(error) = memory.within(|| each(Some(&row))) {
        raise(error);
    }
    true
}

#[pg_guard]
unsafe extern "C-unwind" fn startup(
    this: *mut pg_sys::DestReceiver,
    _operation: i32,
    descriptor: pg_sys::TupleDesc,
) {
    // SAFETY: `this` is the base of the Receiver on execute()'s stack.
    let receiver = unsafe { &mut *this.cast::<Receiver<'_>>() };
    receiver.forms = attributes(descriptor)
        .into_iter()
        .map(|attribute| attribute.form)
        .collect();
    receiver.in_force = receiver.path.map(CallersPath::enter);
}

#[pg_guard]
unsafe extern "C-unwind" fn shutdown(this: *mut pg_sys::DestReceiver) {
    // SAFETY: `this` is the base of the Receiver on execute()'s stack.
    let receiver = unsafe { &mut *this.cast::<Receiver<'_>>() };
    // What is asked now is the extension's own; the statement's triggers, which run afterwards, have the caller's path again.
    let _safe = receiver.path.map(|_| PathGuard::safe());
    if let Err(error) = (receiver.each)(None) {
        raise(error);
    }
}

#[pg_guard]
unsafe extern "C-unwind" fn destroy(_this: *mut pg_sys::DestReceiver) {}

pub mod hook;
pub mod kept_rows;
pub mod row;
pub mod snapshot;
pub mod subtransaction;
pub mod transaction_time;
