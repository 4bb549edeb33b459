//! The SQL path's source: `clone_internal.rewritten_rows(statement)` returns the rewritten rows of a running clone as a set of records.

use crate::pg::value::toast::CompressedValue;
use crate::pg::value::{RowForm, Value};
use pgrx::{pg_guard, pg_sys};

/// The rows that `clone_internal.rewritten_rows` returns, collected as the server expects them.
pub struct RowCollector {
    store: *mut pg_sys::Tuplestorestate,
    descriptor: pg_sys::TupleDesc,
    row: RowForm,
}

impl RowCollector {
    /// The columns that the statement wants.
    pub fn attributes(&self) -> Vec<crate::pg::table::relation::Attribute> {
        crate::pg::table::relation::attributes(self.descriptor)
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
                row: crate::pg::table::relation::row_form((*info).setDesc),
            },
        )
    };
    let _safe = crate::pg::session::settings_guard::PathGuard::safe();
    if let Err(error) = crate::run::copy::sql_path::rows(statement, &mut result) {
        crate::error::raise(error);
    }
    pg_sys::Datum::from(0)
}
