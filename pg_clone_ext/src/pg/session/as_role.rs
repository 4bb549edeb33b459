//! Running with another role's rights, as for a job that another role has queued.

use pgrx::pg_sys;
use std::ffi::CString;

/// As long as this lives, statements run with the rights of a role; settings that they change are restored at its end.
///
/// Code of that role (triggers, hooks) runs in a session of another user. It cannot switch back to the session's
/// user, and it cannot leave anything that would later run with that user's rights: deferred triggers, cursors,
/// temporary objects, LISTEN. The same applies if it is the session's own role, so that a job always behaves the same.
pub struct AsRole {
    user: pg_sys::Oid,
    context: i32,
    level: i32,
}

impl AsRole {
    /// Switches to the owner of a table, for a query on its rows alone, as the server itself does to check a foreign key: policies do not
    /// hide rows from it, and functions that reading the table calls run with no other rights than its owner's.
    pub fn owner_of_rows(owner: pg_sys::Oid) -> Self {
        let role = Self::new(owner, &[]);
        let flags = role.context
            | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32
            | pg_sys::SECURITY_RESTRICTED_OPERATION as i32
            | pg_sys::SECURITY_NOFORCE_RLS as i32;
        // SAFETY: as in new(), whose value puts back what was there.
        unsafe { pg_sys::SetUserIdAndSecContext(owner, flags) };
        role
    }

    /// Switches to the role. `settings` are set first, with superuser rights; names and values have no NUL byte.
    pub fn new(role: pg_sys::Oid, settings: &[(CString, CString)]) -> Self {
        let mut user = pg_sys::Oid::INVALID;
        let mut context = 0;
        // SAFETY: opens a level that Drop closes, or the abort does; reads the session's user id.
        let level = unsafe {
            pg_sys::GetUserIdAndSecContext(&mut user, &mut context);
            pg_sys::NewGUCNestLevel()
        };
        for (name, value) in settings {
            // SAFETY: both strings are NUL-terminated and outlive the call; undone at the nest level.
            unsafe {
                pg_sys::set_config_option(
                    name.as_ptr(),
                    value.as_ptr(),
                    pg_sys::GucContext::PGC_SUSET,
                    pg_sys::GucSource::PGC_S_SESSION,
                    pg_sys::GucAction::GUC_ACTION_SAVE,
                    true,
                    0,
                    false,
                );
            }
        }
        let flags = context
            | pg_sys::SECURITY_LOCAL_USERID_CHANGE as i32
            | pg_sys::SECURITY_RESTRICTED_OPERATION as i32;
        // SAFETY: Drop puts back what was there, and so does the abort of the subtransaction.
        unsafe { pg_sys::SetUserIdAndSecContext(role, flags) };
        AsRole { user, context, level }
    }
}

impl Drop for AsRole {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            // SAFETY: restores what new() saved. `false` undoes every change of a setting since, whatever its scope.
            unsafe {
                pg_sys::AtEOXact_GUC(false, self.level);
                pg_sys::SetUserIdAndSecContext(self.user, self.context);
            }
        }
    }
}
