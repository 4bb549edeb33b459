//! Asks the planner whether rows that are inserted into a table are stored in its own heap, and which relations a view
//! reads.

use pg_clone_core::error::{Code, Error, Result};
use pgrx::pg_sys;
use std::ffi::{CStr, CString};

/// Whether an extension has planner hooks: without them a plain table is read and written in its own heap.
pub fn planner_is_extended() -> bool {
    // SAFETY: copies three backend variables.
    let (planner, paths, upper) = unsafe {
        (
            pg_sys::planner_hook,
            pg_sys::set_rel_pathlist_hook,
            pg_sys::create_upper_paths_hook,
        )
    };
    planner.is_some() || paths.is_some() || upper.is_some()
}

/// Whether the server is a standby, where statements that write cannot be planned.
pub fn in_recovery() -> bool {
    // SAFETY: reads a backend variable.
    unsafe { pg_sys::RecoveryInProgress() }
}

/// Why rows of this INSERT are not stored directly in the table's own heap; None if they are.
pub fn insert_goes_elsewhere(sql: &str, table: u32) -> Result<Option<String>> {
    let plan = plan(sql)?;
    // SAFETY: the plan was made just now, in the current memory context.
    unsafe {
        let root = (*plan).planTree;
        match (*root).type_ {
            pg_sys::NodeTag::T_ModifyTable => {
                let insert = root.cast::<pg_sys::ModifyTable>();
                let results = (*insert).resultRelations;
                let only = !results.is_null()
                    && (*results).length == 1
                    && (*insert).operation == pg_sys::CmdType::CMD_INSERT
                    && relation_of(plan, cell(results, 0).int_value) == Some(table);
                Ok((!only).then(|| "an extension sends its rows elsewhere".to_owned()))
            }
            pg_sys::NodeTag::T_CustomScan => {
                let methods = (*root.cast::<pg_sys::CustomScan>()).methods;
                let name = if methods.is_null() || (*methods).CustomName.is_null() {
                    "Custom Scan".to_owned()
                } else {
                    CStr::from_ptr((*methods).CustomName)
                        .to_string_lossy()
                        .into_owned()
                };
                Ok(Some(format!("an extension keeps its rows ({name})")))
            }
            _ => Ok(Some("an extension keeps its rows".to_owned())),
        }
    }
}

/// # Safety
/// The plan is alive; `index` is a place of its range table, from 1.
unsafe fn relation_of(plan: *mut pg_sys::PlannedStmt, index: i32) -> Option<u32> {
    // SAFETY: as the caller promises.
    unsafe {
        let entry = cell((*plan).rtable, index - 1)
            .ptr_value
            .cast::<pg_sys::RangeTblEntry>();
        ((*entry).rtekind == pg_sys::RTEKind::RTE_RELATION).then(|| u32::from((*entry).relid))
    }
}

/// A relation that a plan reads.
pub struct Below {
    /// Its oid.
    pub oid: u32,
    /// Its `relkind` in pg_class.
    pub kind: u8,
    /// Row-level security applies to it.
    pub row_security: bool,
}

/// The relations that a view reads, including the view. Planning locks them.
pub fn relations_below(view: pg_sys::Oid) -> Vec<Below> {
    let mut found = Vec::new();
    // SAFETY: the names are palloc'd and NUL-terminated; NULL for an oid that names nothing.
    let name = unsafe {
        let name = pg_sys::get_rel_name(view);
        let schema = pg_sys::get_namespace_name(pg_sys::get_rel_namespace(view));
        if name.is_null() || schema.is_null() {
            return found;
        }
        format!(
            "{}.{}",
            pg_clone_core::plan::quote::identifier(&CStr::from_ptr(schema).to_string_lossy()),
            pg_clone_core::plan::quote::identifier(&CStr::from_ptr(name).to_string_lossy())
        )
    };
    let Ok(plan) = plan(&format!("SELECT * FROM {name}")) else {
        return found;
    };
    // SAFETY: the plan was made just now; its range table holds entries of all levels.
    unsafe {
        let entries = (*plan).rtable;
        let count = if entries.is_null() { 0 } else { (*entries).length };
        for place in 0..count {
            let entry = cell(entries, place).ptr_value.cast::<pg_sys::RangeTblEntry>();
            if (*entry).rtekind != pg_sys::RTEKind::RTE_RELATION {
                continue;
            }
            let hidden = pg_sys::check_enable_rls((*entry).relid, checked_as(plan, entry), true)
                == pg_sys::CheckEnableRlsResult::RLS_ENABLED as i32;
            found.push(Below {
                oid: u32::from((*entry).relid),
                kind: (*entry).relkind as u8,
                row_security: hidden,
            });
        }
    }
    found
}

/// # Safety
/// `entry` is one of the plan's range table.
#[cfg(feature = "pg15")]
unsafe fn checked_as(_plan: *mut pg_sys::PlannedStmt, entry: *mut pg_sys::RangeTblEntry) -> pg_sys::Oid {
    // SAFETY: as the caller promises.
    unsafe { (*entry).checkAsUser }
}

/// # Safety
/// `entry` is one of the plan's range table.
#[cfg(not(feature = "pg15"))]
unsafe fn checked_as(plan: *mut pg_sys::PlannedStmt, entry: *mut pg_sys::RangeTblEntry) -> pg_sys::Oid {
    // SAFETY: as the caller promises; the index is 0 or a place of permInfos, from 1.
    unsafe {
        match (*entry).perminfoindex {
            0 => pg_sys::Oid::INVALID,
            index => {
                let permissions = cell((*plan).permInfos, index as i32 - 1).ptr_value;
                (*permissions.cast::<pg_sys::RTEPermissionInfo>()).checkAsUser
            }
        }
    }
}

/// # Safety
/// The list is alive and has more than `place` cells; the caller reads the member that this kind of list holds.
pub(in crate::pg) unsafe fn cell(list: *mut pg_sys::List, place: i32) -> pg_sys::ListCell {
    // SAFETY: as the caller promises.
    unsafe { *(*list).elements.offset(place as isize) }
}

/// The plan of one statement, in the current memory context. An error if rules rewrite it into none or several statements.
fn plan(sql: &str) -> Result<*mut pg_sys::PlannedStmt> {
    let internal = |what: &str| Error::new(Code::Internal, format!("{what}: {sql}"));
    let text = CString::new(sql).map_err(|_| internal("a generated statement holds a NUL byte"))?;
    // The parser's trees keep a pointer to the text.
    // SAFETY: pstrdup copies into the current context; parsing, analysing and planning are what the server does with any
    // statement, under the snapshot that is active.
    unsafe {
        let text = pg_sys::pstrdup(text.as_ptr());
        let statements = pg_sys::pg_parse_query(text);
        if statements.is_null() || (*statements).length != 1 {
            return Err(internal("a generated statement is not one"));
        }
        let statement = cell(statements, 0).ptr_value.cast::<pg_sys::RawStmt>();
        let queries = pg_sys::pg_analyze_and_rewrite_fixedparams(
            statement,
            text,
            std::ptr::null(),
            0,
            std::ptr::null_mut(),
        );
        if queries.is_null() || (*queries).length != 1 {
            return Err(internal("rules rewrite a generated statement"));
        }
        let query = cell(queries, 0).ptr_value.cast::<pg_sys::Query>();
        if (*query).commandType == pg_sys::CmdType::CMD_UTILITY {
            return Err(internal("a generated statement is no query"));
        }
        Ok(pg_sys::pg_plan_query(query, text, 0, std::ptr::null_mut()))
    }
}
