//! jsonb in text form: for arguments that are parsed with stricter limits, and for results that are already text.

use pgrx::callconv::{Arg, ArgAbi, BoxRet, FcInfo};
use pgrx::nullable::Nullable;
use pgrx::pgrx_sql_entity_graph::metadata::{
    ArgumentError, ReturnsError, ReturnsRef, SqlMappingRef, SqlTranslatable, TypeOrigin,
};
use pgrx::{FromDatum, IntoDatum, direct_function_call, direct_function_call_as_datum, pg_sys};
use std::ffi::{CStr, CString};

/// The text of a jsonb value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonText(pub String);

impl FromDatum for JsonText {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, _: pg_sys::Oid) -> Option<Self> {
        if is_null {
            return None;
        }
        // SAFETY: the caller says that the datum is a jsonb; its text is palloc'd and NUL-terminated.
        let text = unsafe {
            let plain = pg_sys::pg_detoast_datum_packed(datum.cast_mut_ptr());
            direct_function_call::<&CStr>(pg_sys::jsonb_out, &[Some(plain.into())])?
        };
        Some(JsonText(text.to_string_lossy().into_owned()))
    }
}

impl IntoDatum for JsonText {
    fn into_datum(self) -> Option<pg_sys::Datum> {
        // JSON escapes control characters, so there is no NUL in it; a text with one is no JSON and would not be taken either.
        let text = CString::new(self.0).unwrap_or_default();
        // SAFETY: jsonb_in takes a C string and copies what it needs; text that is no JSON is its ERROR.
        unsafe { direct_function_call_as_datum(pg_sys::jsonb_in, &[Some(text.as_ptr().into())]) }
    }

    fn type_oid() -> pg_sys::Oid {
        pg_sys::JSONBOID
    }
}

// SAFETY: the SQL type is jsonb, which the conversions above read and write.
unsafe impl SqlTranslatable for JsonText {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(JsonText);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("jsonb"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::literal("jsonb")));
}

// SAFETY: reads the argument by FromDatum, as pgrx's own JsonB does.
unsafe impl<'fcx> ArgAbi<'fcx> for JsonText {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the SQL declaration says jsonb; a NULL comes by unbox_nullable_arg.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or(JsonText(String::from("null")))
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum() }.into()
    }
}

/// The text of a value of type json, not parsed: its nesting is limited by its reader, not by a parser that fails with an internal error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainJson(pub String);

impl FromDatum for PlainJson {
    unsafe fn from_polymorphic_datum(datum: pg_sys::Datum, is_null: bool, oid: pg_sys::Oid) -> Option<Self> {
        // SAFETY: the caller says that the datum is a json, which is stored as a text.
        unsafe { String::from_polymorphic_datum(datum, is_null, oid) }.map(PlainJson)
    }
}

// SAFETY: the SQL type is json, which the conversion above reads.
unsafe impl SqlTranslatable for PlainJson {
    const TYPE_IDENT: &'static str = pgrx::pgrx_resolved_type!(PlainJson);
    const TYPE_ORIGIN: TypeOrigin = TypeOrigin::External;
    const ARGUMENT_SQL: Result<SqlMappingRef, ArgumentError> = Ok(SqlMappingRef::literal("json"));
    const RETURN_SQL: Result<ReturnsRef, ReturnsError> = Ok(ReturnsRef::One(SqlMappingRef::literal("json")));
}

// SAFETY: reads the argument by FromDatum, as pgrx's own Json does.
unsafe impl<'fcx> ArgAbi<'fcx> for PlainJson {
    unsafe fn unbox_arg_unchecked(arg: Arg<'_, 'fcx>) -> Self {
        // SAFETY: the SQL declaration says json; a NULL comes by unbox_nullable_arg.
        unsafe { arg.unbox_arg_using_from_datum() }.unwrap_or(PlainJson(String::from("null")))
    }

    unsafe fn unbox_nullable_arg(arg: Arg<'_, 'fcx>) -> Nullable<Self> {
        // SAFETY: as above.
        unsafe { arg.unbox_arg_using_from_datum() }.into()
    }
}

// SAFETY: returns the datum that IntoDatum makes, or NULL.
unsafe impl BoxRet for JsonText {
    unsafe fn box_into<'fcx>(self, fcinfo: &mut FcInfo<'fcx>) -> pgrx::datum::Datum<'fcx> {
        match self.into_datum() {
            // SAFETY: a palloc'd jsonb, as the SQL declaration says.
            Some(datum) => unsafe { fcinfo.return_raw_datum(datum) },
            None => fcinfo.return_null(),
        }
    }
}
