//! The table below a view that has its rows.

use super::plan_check::cell;
use super::relation::OpenTable;
use pgrx::{is_a, pg_sys};
use std::collections::HashMap;

/// Views in views that are followed.
const MAX_DEPTH: usize = 100;

/// The table from which a view takes its rows, one for one, through any number of views.
pub struct ViewBase {
    /// The table.
    pub relation: u32,
    /// Columns of the table that the view shows: their names, and those in the view.
    pub columns: HashMap<String, String>,
    /// Whether rows that are inserted into the view are stored in the table, and no trigger or rule of a view says otherwise.
    pub takes_inserts: bool,
}

impl ViewBase {
    /// That of a view; None if the server does not pass on changes of its rows to one relation.
    pub fn of(view: u32) -> Option<Self> {
        let mut base = Step::below(view)?;
        let mut columns: HashMap<String, String> = base.columns.drain(..).collect();
        let mut takes_inserts = is_insertable(view) && !base.insert_is_replaced;
        for _ in 0..MAX_DEPTH {
            if !base.is_view {
                return Some(ViewBase {
                    relation: base.relation,
                    columns,
                    takes_inserts,
                });
            }
            base = Step::below(base.relation)?;
            takes_inserts &= !base.insert_is_replaced;
            let lower = base.columns.drain(..);
            columns = lower
                .filter_map(|(name, above)| Some((name, columns.get(&above)?.clone())))
                .collect();
        }
        None
    }
}

/// Whether the server knows how to insert into a view.
fn is_insertable(view: u32) -> bool {
    // SAFETY: looks the relation up in the catalog; a NULL set of columns means all.
    let events = unsafe {
        pg_sys::relation_is_updatable(
            pg_sys::Oid::from(view),
            std::ptr::null_mut(),
            false,
            std::ptr::null_mut(),
        )
    };
    events & (1 << pg_sys::CmdType::CMD_INSERT) != 0
}

/// The relation that a view selects from.
struct Step {
    relation: u32,
    is_view: bool,
    /// Columns of the relation that the view shows: their names, and those in the view.
    columns: Vec<(String, String)>,
    /// A trigger or a rule of the view decides what an INSERT into it does.
    insert_is_replaced: bool,
}

impl Step {
    fn below(view: u32) -> Option<Self> {
        let view = OpenTable::for_read(view);
        let mut numbers = Vec::new();
        // SAFETY: the view is open, and its query lives in its relcache entry as long as it is; what the server says is auto-updatable selects
        // from exactly one relation of its range table.
        let (relation, is_view) = unsafe {
            let query = pg_sys::get_view_query(view.as_ptr());
            if !pg_sys::view_query_is_auto_updatable(query, false).is_null() {
                return None;
            }
            let from = (*(*query).jointree).fromlist;
            if from.is_null() || (*from).length != 1 {
                return None;
            }
            let from = cell(from, 0).ptr_value.cast::<pg_sys::Node>();
            if !is_a(from, pg_sys::NodeTag::T_RangeTblRef) {
                return None;
            }
            let place = (*from.cast::<pg_sys::RangeTblRef>()).rtindex;
            let base = cell((*query).rtable, place - 1)
                .ptr_value
                .cast::<pg_sys::RangeTblEntry>();
            let selected = (*query).targetList;
            for number in 0..(*selected).length {
                let entry = cell(selected, number).ptr_value.cast::<pg_sys::TargetEntry>();
                let value = (*entry).expr;
                if (*entry).resjunk || !is_a(value.cast(), pg_sys::NodeTag::T_Var) {
                    continue;
                }
                let value = value.cast::<pg_sys::Var>();
                if i64::from((*value).varno) == i64::from(place) && (*value).varlevelsup == 0 {
                    numbers.push(((*value).varattno, (*entry).resno));
                }
            }
            let is_view = (*base).relkind == pg_sys::RELKIND_VIEW as std::ffi::c_char;
            (u32::from((*base).relid), is_view)
        };
        let (below, above) = (OpenTable::for_read(relation).attributes(), view.attributes());
        let columns = numbers.into_iter().filter_map(|(number, shown)| {
            let below = below.get(usize::try_from(number).ok()?.checked_sub(1)?)?;
            let above = above.get(usize::try_from(shown).ok()?.checked_sub(1)?)?;
            Some((below.name.clone(), above.name.clone()))
        });
        Some(Step {
            relation,
            is_view,
            columns: columns.collect(),
            insert_is_replaced: replaces_insert(&view),
        })
    }
}

/// Whether a view has an `INSTEAD OF INSERT` trigger or a `DO INSTEAD` rule for INSERT.
fn replaces_insert(view: &OpenTable) -> bool {
    // SAFETY: the view is open, and its triggers and rules live in its relcache entry as long as it is; either pointer may be NULL.
    unsafe {
        let view = view.as_ptr();
        let (triggers, rules) = ((*view).trigdesc, (*view).rd_rules);
        if !triggers.is_null() && (*triggers).trig_insert_instead_row {
            return true;
        }
        let count = if rules.is_null() { 0 } else { (*rules).numLocks };
        (0..count).any(|place| {
            let rule = *(*rules).rules.offset(place as isize);
            (*rule).event == pg_sys::CmdType::CMD_INSERT && (*rule).isInstead
        })
    }
}
