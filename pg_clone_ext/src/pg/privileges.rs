//! Privileges: the caller's for the data, those of the extension's owner for schema `clone`.

use pg_clone_core::error::{Code, Error, Result};
use pgrx::pg_sys;

/// As long as this lives, statements run with the rights of the extension's owner. Use it only for statements on schema `clone`:
/// a caller needs no privileges on that schema, but on the store's tables.
pub struct AsExtensionOwner {
    user: pg_sys::Oid,
    context: i32,
}

impl AsExtensionOwner {
    /// Switches to the owner of the extension, so that a dump restored by another role works too.
    pub fn new() -> Self {
        let owner = extension_owner();
        let mut user = pg_sys::Oid::INVALID;
        let mut context = 0;
        // SAFETY: plain reads and writes of the session's user id; Drop restores them, and so does an abort.
        unsafe {
            pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
            pg_sys::SetUserIdAndSecContext(owner, context | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32);
        }
        AsExtensionOwner { user, context }
    }
}

impl Drop for AsExtensionOwner {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: restores what new() saved.
            unsafe { pg_sys::SetUserIdAndSecContext(self.user, self.context) }
        }
    }
}

/// Read every time: REASSIGN OWNED and DROP EXTENSION can change it during a session.
fn extension_owner() -> pg_sys::Oid {
    // Read-only: a call that may write assigns a transaction id, which is not possible on a standby.
    let mut found = None;
    let _ = crate::pg::query::for_each_row(
        "SELECT extowner::pg_catalog.int8 FROM pg_catalog.pg_extension WHERE extname OPERATOR(pg_catalog.=) 'pg_clone_ext'::pg_catalog.name",
        &mut |row| {
            found = row.and_then(|row| row.bigint(0)).or(found);
            Ok(())
        },
    );
    found
        .and_then(|owner| u32::try_from(owner).ok())
        .map(pg_sys::Oid::from)
        // SAFETY: reads the current user's oid. Without a row the extension is being created, by this very user.
        .unwrap_or_else(|| unsafe { pg_sys::GetUserId() })
}

/// Whether the current user has these privileges on the whole table, or on all of these columns, like the executor's check.
fn has(table: pg_sys::Oid, mode: u32, columns: &[&str]) -> bool {
    let allowed = pg_sys::AclResult::ACLCHECK_OK;
    let mode = pg_sys::AclMode::from(mode);
    // SAFETY: looks up the syscache; an unknown oid is an ERROR that pgrx turns into a panic.
    unsafe {
        let user = pg_sys::GetUserId();
        pg_sys::pg_class_aclcheck(table, user, mode) == allowed
            || !columns.is_empty()
                && columns.iter().all(|column| {
                    std::ffi::CString::new(*column).is_ok_and(|name| {
                        let number = pg_sys::get_attnum(table, name.as_ptr());
                        number != 0 && pg_sys::pg_attribute_aclcheck(table, number, user, mode) == allowed
                    })
                })
    }
}

/// A privilege on a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Privilege {
    /// Read rows.
    Select,
    /// Add rows.
    Insert,
    /// Change rows.
    Update,
    /// Delete rows.
    Delete,
}

impl Privilege {
    fn mode(self) -> u32 {
        match self {
            Privilege::Select => pg_sys::ACL_SELECT,
            Privilege::Insert => pg_sys::ACL_INSERT,
            Privilege::Update => pg_sys::ACL_UPDATE,
            Privilege::Delete => pg_sys::ACL_DELETE,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Privilege::Select => "SELECT",
            Privilege::Insert => "INSERT",
            Privilege::Update => "UPDATE",
            Privilege::Delete => "DELETE",
        }
    }
}

/// Requires SELECT on a table (42501).
pub fn check_select(table: u32, name: &str) -> Result<()> {
    check_table(table, name, &[(Privilege::Select, &[])])
}

/// Requires USAGE on a table's schema, and these privileges on the table or on all of the listed columns (42501). The hint has the
/// statements that grant exactly what is missing.
pub fn check_table(table: u32, name: &str, wanted: &[(Privilege, &[&str])]) -> Result<()> {
    let oid = pg_sys::Oid::from(table);
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|(privilege, columns)| !has(oid, privilege.mode(), columns))
        .map(|(privilege, _)| privilege.word())
        .collect();
    let schema = schema_without_usage(oid);
    if missing.is_empty() && schema.is_none() {
        return Ok(());
    }
    let role = current_user();
    let to = pg_clone_core::plan::quote::identifier(&role);
    let mut grants = Vec::new();
    if let Some(schema) = &schema {
        grants.push(format!("GRANT USAGE ON SCHEMA {schema} TO {to};"));
    }
    let privileges = missing.join(", ");
    let (message, detail) = if missing.is_empty() {
        let schema = schema.unwrap_or_default();
        (
            format!("permission denied for schema {schema}"),
            format!("The call needs USAGE on the schema of table {name} for role \"{role}\"."),
        )
    } else {
        grants.push(format!("GRANT {privileges} ON {name} TO {to};"));
        (
            format!("permission denied for table {name}"),
            format!("The call needs {privileges} on this table for role \"{role}\"."),
        )
    };
    Err(Error::new(Code::NotAllowed, message)
        .detail(detail)
        .hint(grants.join(" ")))
}

/// The name of a table's schema, as SQL, if the current user has no USAGE on it.
fn schema_without_usage(table: pg_sys::Oid) -> Option<String> {
    let mode = pg_sys::AclMode::from(pg_sys::ACL_USAGE);
    // SAFETY: looks up the syscache; the name is palloc'd and NUL-terminated, NULL for an oid that names nothing.
    unsafe {
        let schema = pg_sys::get_rel_namespace(table);
        let user = pg_sys::GetUserId();
        #[cfg(feature = "pg15")]
        let allowed = pg_sys::pg_namespace_aclcheck(schema, user, mode);
        #[cfg(not(feature = "pg15"))]
        let allowed = pg_sys::object_aclcheck(pg_sys::NamespaceRelationId, schema, user, mode);
        if allowed == pg_sys::AclResult::ACLCHECK_OK {
            return None;
        }
        let name = pg_sys::get_namespace_name(schema);
        (!name.is_null()).then(|| {
            pg_clone_core::plan::quote::identifier(&std::ffi::CStr::from_ptr(name).to_string_lossy())
        })
    }
}

/// Requires the privilege for nextval() on a sequence, given by its qualified name (42501); with `also_set` also for setval().
pub fn check_sequence(name: &str, also_set: bool) -> Result<()> {
    let wanted = if also_set { "USAGE, UPDATE" } else { "USAGE" };
    let literal = pg_clone_core::plan::quote::literal(name);
    // The privileges that nextval() and setval() check.
    let may_set = format!("pg_catalog.has_sequence_privilege({literal}, 'UPDATE')");
    let may_take = if also_set {
        may_set
    } else {
        format!("(pg_catalog.has_sequence_privilege({literal}, 'USAGE') OR {may_set})")
    };
    // A sequence in a schema without USAGE is found too: its name comes from the catalog.
    let found = crate::pg::query::text(&format!("SELECT {may_take}::pg_catalog.text"))?;
    if found.as_deref() != Some("false") {
        return Ok(());
    }
    let role = current_user();
    Err(
        Error::new(Code::NotAllowed, format!("permission denied for sequence {name}"))
            .detail(format!(
                "New keys come from this sequence; the call needs {wanted} on it for role \"{role}\"."
            ))
            .hint(format!(
                "GRANT {wanted} ON SEQUENCE {name} TO {};",
                pg_clone_core::plan::quote::identifier(&role)
            )),
    )
}

/// Raises 0A000 if row-level security applies to the current user on this table: rows would be missing
/// silently, or new rows refused during the clone.
pub fn check_no_row_security(table: u32, name: &str) -> Result<()> {
    // SAFETY: looks up the syscache; noError makes it return instead of raise.
    let state = unsafe { pg_sys::check_enable_rls(pg_sys::Oid::from(table), pg_sys::Oid::INVALID, true) };
    if state != pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32 {
        return Ok(());
    }
    Err(Error::new(
        Code::Unsupported,
        format!(
            "row-level security on table {name} applies to role \"{}\"",
            current_user()
        ),
    )
    .detail("The call would miss the rows that the policies hide.")
    .hint("Call it as the table's owner (without FORCE ROW LEVEL SECURITY), or as a role with BYPASSRLS."))
}

/// Oid of the current user.
pub fn current_user_oid() -> pg_sys::Oid {
    // SAFETY: reads a backend variable.
    unsafe { pg_sys::GetUserId() }
}

/// Name of the current user.
pub fn current_user() -> String {
    // SAFETY: the id is that of an existing role; the returned string is palloc'd and NUL-terminated.
    unsafe {
        let name = pg_sys::GetUserNameFromId(pg_sys::GetUserId(), true);
        if name.is_null() {
            String::new()
        } else {
            std::ffi::CStr::from_ptr(name).to_string_lossy().into_owned()
        }
    }
}
