//! The relation below a view through which rows are deleted.

use super::plan_check::cell;
use super::relation::OpenTable;
use pgrx::{is_a, pg_sys};

/// The relation from which a view takes its rows, one for one.
pub struct ViewBase {
    /// The relation.
    pub relation: u32,
    /// Whether it is a view too.
    pub is_view: bool,
    /// Columns of the relation that the view shows: their names, and those in the view.
    pub columns: Vec<(String, String)>,
}

impl ViewBase {
    /// That of a view; None if the server does not pass on the deletion of its rows to one relation.
    pub fn of(view: u32) -> Option<Self> {
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
        Some(ViewBase {
            relation,
            is_view,
            columns: columns.collect(),
        })
    }
}
