//! The tables of a run, locked and open, so that their definitions cannot change during the run.

use super::plan_check;
use pgrx::pg_sys;

unsafe extern "C-unwind" {
    /// catalog/pg_inherits.h, which pgrx has no binding for.
    fn find_all_inheritors(
        parent: pg_sys::Oid,
        lock: pg_sys::LOCKMODE,
        parents: *mut *mut pg_sys::List,
    ) -> *mut pg_sys::List;
}

/// The purpose of the locks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// ACCESS SHARE, as for SELECT: no session can change a column or drop a table. The strongest mode on a standby.
    Read,
    /// ROW EXCLUSIVE, as for INSERT: in addition no session can create a trigger or a rule. Other writers, VACUUM and CREATE INDEX
    /// CONCURRENTLY are not blocked.
    Write,
}

/// The triggers and rules of a table.
#[derive(PartialEq, Eq)]
struct Programs {
    triggers: Vec<(pg_sys::Oid, std::ffi::c_char)>,
    rules: i32,
}

/// Tables, their partitions and their children, each locked until the transaction ends. As long as this lives they are also open in
/// this session, so that its own triggers cannot change their definitions.
pub struct OpenTables {
    relations: Vec<(pg_sys::Relation, Programs)>,
}

impl OpenTables {
    /// Locks them in the order of their oids; tables that do not exist any more are skipped.
    pub fn lock(tables: &[u32], purpose: Purpose) -> Self {
        let mut open = OpenTables {
            relations: Vec::new(),
        };
        open.add(tables, purpose);
        open
    }

    /// Locks more tables.
    pub fn add(&mut self, tables: &[u32], purpose: Purpose) {
        let mode = match purpose {
            Purpose::Read => pg_sys::AccessShareLock,
            Purpose::Write => pg_sys::RowExclusiveLock,
        } as pg_sys::LOCKMODE;
        let mut oids = tables.to_vec();
        oids.sort_unstable();
        oids.dedup();
        for oid in oids {
            self.lock_one(pg_sys::Oid::from(oid), mode);
        }
    }

    fn lock_one(&mut self, oid: pg_sys::Oid, mode: pg_sys::LOCKMODE) {
        // SAFETY: returns NULL if the table is gone; a relcache entry stays valid while it is open.
        unsafe {
            let relation = pg_sys::try_relation_open(oid, mode);
            if relation.is_null() {
                return;
            }
            self.relations.push((relation, Programs::of(relation)));
            let class = &*(*relation).rd_rel;
            if class.relhassubclass {
                let list = pg_sys::ffi::pg_guard_ffi_boundary(|| {
                    find_all_inheritors(oid, mode, std::ptr::null_mut())
                });
                let count = if list.is_null() { 0 } else { (*list).length };
                for place in 0..count {
                    let child = plan_check::cell(list, place).oid_value;
                    if child != oid {
                        let child = pg_sys::relation_open(child, pg_sys::NoLock as pg_sys::LOCKMODE);
                        self.relations.push((child, Programs::of(child)));
                    }
                }
                pg_sys::list_free(list);
            }
            if class.relkind == pg_sys::RELKIND_VIEW as std::ffi::c_char {
                // Planning locks the tables below the view.
                plan_check::relations_below(oid);
            }
        }
    }

    /// The name of a table whose triggers or rules have changed since it was locked: only this session can do that.
    pub fn changed(&self) -> Option<String> {
        self.relations
            .iter()
            // SAFETY: the relations are open.
            .find(|(relation, programs)| unsafe { Programs::of(*relation) } != *programs)
            .map(|(relation, _)| {
                // SAFETY: as above; the name is a NUL-terminated array.
                unsafe { pgrx::name_data_to_str(&(*(**relation).rd_rel).relname).to_owned() }
            })
    }
}

impl Programs {
    /// # Safety
    /// The relation is open.
    unsafe fn of(relation: pg_sys::Relation) -> Self {
        // SAFETY: the entry's own copies, looked at before anything can rebuild it.
        unsafe {
            let description = (*relation).trigdesc;
            let triggers = if description.is_null() {
                Vec::new()
            } else {
                let count = usize::try_from((*description).numtriggers).unwrap_or(0);
                std::slice::from_raw_parts((*description).triggers, count)
                    .iter()
                    .filter(|trigger| !trigger.tgisinternal)
                    .map(|trigger| (trigger.tgoid, trigger.tgenabled))
                    .collect()
            };
            let rules = (*relation).rd_rules;
            Programs {
                triggers,
                rules: if rules.is_null() { 0 } else { (*rules).numLocks },
            }
        }
    }
}

impl Drop for OpenTables {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            for (relation, _) in self.relations.drain(..).rev() {
                // SAFETY: opened in lock_one(); NoLock keeps the lock until the transaction ends.
                unsafe { pg_sys::relation_close(relation, pg_sys::NoLock as pg_sys::LOCKMODE) }
            }
        }
    }
}
