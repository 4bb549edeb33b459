//! Which rows of a table are cloned, decided by the mapped keys.

use super::keys::{KeyRef, Membership};
use super::membership::condition;
use super::source_query::SourceQuery;
use super::store::{Oid, Store, Table, TableRole};
use super::table_copy::{KeyKind, RowFilter, SelectList};
use crate::error::Result;
use std::collections::HashSet;

/// The columns that decide whether a row of a table is cloned.
pub(super) fn row_filter(store: &Store, table: &Table, list: &mut SelectList) -> Option<RowFilter> {
    let key_type = |column: &str, key: Option<&KeyRef>| {
        key.and_then(|key| store.column_of(*key))
            .map_or(table.type_of(column), |(_, key)| key.type_name.as_str())
            .to_owned()
    };
    let by = |column: &str, keys: Vec<KeyRef>, tables: Vec<Oid>, list: &mut SelectList| {
        let type_name = key_type(column, keys.first());
        RowFilter {
            source: list.lookup(table, column, &type_name),
            kind: KeyKind::of(table.type_of(column)),
            type_name,
            keys,
            tables,
            condition: None,
            others: Vec::new(),
        }
    };
    let own = |column: &str, list: &mut SelectList| {
        by(
            column,
            table.holds(column).into_iter().collect(),
            vec![table.oid],
            list,
        )
    };
    let id = table.id_column.as_deref();
    if matches!(table.role, TableRole::Project | TableRole::Resource) {
        return Some(own(id?, list));
    }
    if let Some(id) = id.filter(|_| !table.keys.within.is_empty()) {
        // Their keys were listed by the whole condition, which follows rows of the table itself.
        return Some(own(id, list));
    }
    let ways = table.ways(store);
    if ways.is_empty() {
        return id
            .filter(|_| table.role == TableRole::Derived && table.project_column.is_none())
            .or(table.project_column.as_deref())
            .or(id)
            .map(|column| own(column, list));
    }
    let mut filters: Vec<RowFilter> = Vec::new();
    for (way, (column, parent_column), parent) in ways.iter().flat_map(|way| {
        all_telling(store, table, way)
            .into_iter()
            .map(move |(pair, parent)| (way, pair, parent))
    }) {
        let key = store
            .table(way.parent)
            .and_then(|parent| parent.holds(parent_column));
        let known = filters.iter_mut().find(|f| {
            f.condition.is_none()
                && way.condition.is_none()
                && f.source == list.lookup(table, column, &key_type(column, key.as_ref()))
        });
        match known {
            Some(filter) => {
                filter.keys.extend(key);
                filter.tables.push(parent);
            }
            None => {
                let mut filter = by(column, key.into_iter().collect(), vec![parent], list);
                filter.condition = way
                    .condition
                    .as_ref()
                    .map(|condition| list.expression(format!("({condition})")));
                filters.push(filter);
            }
        }
    }
    if let Some(column) = table.project_column.as_deref() {
        filters.push(own(column, list));
    }
    let mut filters = filters.into_iter();
    let mut first = filters.next()?;
    first.others = filters.collect();
    Some(first)
}

/// The columns of a membership of which one at least names a row that is cloned, each with the column of the parent and the table of that row:
/// [`telling`], or those by which a parent without a key of its own belongs, such as both sides of a link.
fn all_telling<'a>(store: &Store, table: &'a Table, way: &'a Membership) -> Vec<((&'a str, &'a str), Oid)> {
    let by_sides = store
        .table(way.parent)
        .filter(|parent| parent.id_column.is_none() && parent.project_column.is_none())
        .map_or(Vec::new(), |parent| {
            let sides = parent.ways(store);
            let pairs = way.columns.iter().zip(&way.parent_columns);
            pairs
                .filter_map(|(column, other)| {
                    let side = sides
                        .iter()
                        .find(|side| side.columns == [other.clone()] && side.condition.is_none())?;
                    Some(((column.as_str(), other.as_str()), side.parent))
                })
                .collect()
        });
    match by_sides.is_empty() {
        true => telling(store, table, way)
            .map(|pair| (pair, way.parent))
            .into_iter()
            .collect(),
        false => by_sides,
    }
}

/// Adds to a select list what decides whether a row of the table is cloned.
pub fn with_row_filter(
    store: &Store,
    table: &Table,
    selected: Vec<String>,
) -> (Vec<String>, Option<RowFilter>) {
    let mut list = SelectList(selected);
    let filter = row_filter(store, table, &mut list);
    (list.0, filter)
}

/// The keys of a child table's rows, and which of them are cloned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChildKeys {
    /// The query.
    pub sql: String,
    /// Where the key stands in its list.
    pub place: usize,
    /// Which rows; None: all.
    pub filter: Option<RowFilter>,
}

/// Lists the keys of a table whose rows belong to the project through their parents or a project column.
pub fn child_keys(
    store: &Store,
    table: &Table,
    project: &str,
    active: &HashSet<Oid>,
) -> Result<Option<ChildKeys>> {
    let Some(id) = table.id_column.as_deref() else {
        return Ok(None);
    };
    columns_of_rows(store, table, project, active, id, false)
}

/// Lists the values of a column in the rows that belong to the project; `by_id`: in the rows whose own key is mapped.
pub fn columns_of_rows(
    store: &Store,
    table: &Table,
    project: &str,
    active: &HashSet<Oid>,
    column: &str,
    by_id: bool,
) -> Result<Option<ChildKeys>> {
    let Some(belongs) = condition(store, table, project, active, by_id)? else {
        return Ok(None);
    };
    let mut list = SelectList(Vec::new());
    let place = list.key(table, column);
    // The key of rows that are owned by the rows that refer to them is mapped later.
    let own = table.holds(column);
    let owned = table.ways(store).iter().any(|way| {
        telling(store, table, way)
            .and_then(|(_, other)| store.table(way.parent)?.holds(other))
            .is_some_and(|key| Some(key) == own)
    });
    let by_parents = !table.ways(store).is_empty() && !owned && table.keys.within.is_empty();
    let filter = if by_id || by_parents {
        row_filter(store, table, &mut list)
    } else {
        None
    };
    Ok(Some(ChildKeys {
        sql: SourceQuery::over(&table.from_sql())
            .filter(belongs)
            .select(&list.0.join(", ")),
        place,
        filter,
    }))
}

/// The column of a membership that distinguishes rows of one project: not the one that holds the project.
pub fn telling<'a>(store: &Store, table: &'a Table, way: &'a Membership) -> Option<(&'a str, &'a str)> {
    let parent = store.table(way.parent)?;
    let pairs = || way.columns.iter().zip(&way.parent_columns);
    pairs()
        .find(|(column, other)| {
            parent.project_column.as_ref() != Some(other) && table.project_column.as_ref() != Some(column)
        })
        .or_else(|| pairs().next())
        .map(|(column, other)| (column.as_str(), other.as_str()))
}
