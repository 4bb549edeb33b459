//! Checks constraints of domains on new values.

use crate::pg::memory::Memory;
use crate::pg::value::attribute::Attribute;
use crate::pg::value::{Form, Value};
use pgrx::pg_sys;

/// The checks of a domain's constraints on new values. The executor checks only values of expressions, and these
/// values do not come from expressions.
pub struct DomainCheck {
    type_oid: pg_sys::Oid,
    stored_as: Form,
    state: *mut std::ffi::c_void,
    memory: Memory,
}

impl DomainCheck {
    /// None if the type is not a domain.
    pub fn of(attribute: &Attribute) -> Option<Self> {
        // SAFETY: looks up the syscache.
        let kind = unsafe { pg_sys::get_typtype(attribute.type_oid) };
        (kind as u8 == pg_sys::TYPTYPE_DOMAIN).then(|| DomainCheck {
            type_oid: attribute.type_oid,
            stored_as: attribute.form,
            state: std::ptr::null_mut(),
            memory: Memory::new(c"pg_clone domain"),
        })
    }

    /// Raises the domain's error for a value, or NULL, that it does not accept.
    pub fn check(&mut self, value: Option<Value>) {
        let datum = value.map(|value| value.datum_of(self.stored_as));
        // SAFETY: the value is one of the domain's base type; what the server remembers between calls lives in our context.
        unsafe {
            pg_sys::domain_check(
                datum.unwrap_or(pg_sys::Datum::from(0)),
                datum.is_none(),
                self.type_oid,
                &raw mut self.state,
                self.memory.as_ptr(),
            );
        }
    }
}
