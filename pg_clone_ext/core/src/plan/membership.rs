//! Which rows of a table belong to a project, as SQL.

use super::keys::{EQUAL, Membership};
use super::quote::{identifier, literal};
use super::source_query::SourceQuery;
use super::store::{Oid, Store, Table, TableRole};
use super::table_copy::canonical_key;
use crate::error::{Code, Error, Result};
use std::collections::HashSet;

/// Maximum length of a chain of joins; a longer one may be a cycle in the catalog.
const MAX_DEPTH: usize = 12;

/// The condition on rows `t` of `table` that belong to the project with that id.
///
/// `active` are the tables with rows of this run; parents without rows are left out of the
/// condition. `all` includes rows that are not live (deleted ones). None: no row can belong to the project.
/// A cycle of joins in the catalog is an error (55000).
pub fn condition(
    store: &Store,
    table: &Table,
    project: &str,
    active: &HashSet<Oid>,
    all: bool,
) -> Result<Option<String>> {
    build(store, table, project, active, all, "t", 0)
}

/// One way in which rows belong, as SQL.
struct Way {
    /// Columns of the row.
    values: Vec<String>,
    /// How each is compared.
    operators: Vec<String>,
    /// SQL condition on the rows that belong in this way.
    condition: Option<String>,
    /// What they are compared with, of the parent's rows.
    selected: Vec<String>,
}

fn build(
    store: &Store,
    table: &Table,
    project: &str,
    active: &HashSet<Oid>,
    all: bool,
    alias: &str,
    depth: usize,
) -> Result<Option<String>> {
    check_depth(table, depth)?;
    let belongs = match key_of_own_rows(table) {
        None => alternatives(store, table, project, active, all, alias, depth)?,
        Some(key) => {
            let row = format!("r{depth}");
            alternatives(store, table, project, active, all, &row, depth)?
                .map(|first| through_own_rows(table, &key, project, &first, alias, depth))
        }
    };
    Ok(belongs.map(|sql| limited(table, sql, alias, all)))
}

/// The columns that identify a row of a table whose rows also belong through other rows of the same table.
fn key_of_own_rows(table: &Table) -> Option<Vec<&str>> {
    if table.keys.within.is_empty() || table.role == TableRole::Project {
        return None;
    }
    let filled = |column: &String| table.column(column).is_some_and(|column| column.not_null);
    let keys = table
        .keys
        .uniques
        .iter()
        .filter(|u| !u.exclusion && !u.expressions && u.predicate.is_none())
        .filter(|u| match &table.id_column {
            Some(id) => u.columns.contains(id),
            // NULL names no row.
            None => u.columns.iter().all(filled),
        });
    // A part of a key names several rows.
    match keys.min_by_key(|u| u.columns.len()) {
        Some(shortest) => Some(shortest.columns.iter().map(String::as_str).collect()),
        None => table.id_column.as_deref().map(|id| vec![id]),
    }
}

/// The condition on rows `alias` that belong as `first` says of a row `r<depth>`, or through a row that does, through any number of rows.
/// A row that names another project stays with that project.
fn through_own_rows(
    table: &Table,
    key: &[&str],
    project: &str,
    first: &str,
    alias: &str,
    depth: usize,
) -> String {
    let row = format!("r{depth}");
    let found = format!("own{depth}");
    let mut selected: Vec<String> = key
        .iter()
        .map(|column| format!("{row}.{}", identifier(column)))
        .collect();
    let mut links = Vec::new();
    for way in &table.keys.within {
        let parent = way.parent_values(table, table, &row);
        let found: Vec<String> = (selected.len()..)
            .take(parent.len())
            .map(|place| format!("{found}.clone_own_{place}"))
            .collect();
        links.push(names_own_row(way, table, &row, &found));
        selected.extend(parent);
    }
    let mut next = format!("(({}))", links.join(") OR ("));
    if let (Some(column), Some(same)) = (&table.project_column, owner(table, project, &row)) {
        next = format!("{next} AND ({row}.{} IS NULL OR {same})", identifier(column));
    }
    let names: Vec<String> = (0..selected.len())
        .map(|place| format!("clone_own_{place}"))
        .collect();
    let (names, selected, from) = (names.join(", "), selected.join(", "), table.from_sql());
    let all = format!(
        "WITH RECURSIVE {found} ({names}) AS (SELECT {selected} FROM {from} AS {row} WHERE {first} \
         UNION SELECT {selected} FROM {from} AS {row} JOIN {found} ON {next})"
    );
    let equal = |column: &str| table.column(column).map_or(EQUAL, |column| column.equality());
    match key {
        // DISTINCT, although UNION leaves no row twice: a recursion is estimated at a hundred times its first rows, which the planner
        // takes for too many for a hash table, and then runs the recursion for each row: 50,000 rows were not deleted in 120 s.
        [id] => format!(
            "{alias}.{} {} ANY ({all} SELECT DISTINCT {found}.clone_own_0 FROM {found})",
            identifier(id),
            equal(id)
        ),
        several => {
            let same: Vec<String> = several
                .iter()
                .enumerate()
                .map(|(place, column)| {
                    format!(
                        "w{depth}.clone_own_{place} {} {alias}.{}",
                        equal(column),
                        identifier(column)
                    )
                })
                .collect();
            format!(
                "EXISTS (SELECT FROM ({all} SELECT * FROM {found}) AS w{depth} WHERE {})",
                same.join(" AND ")
            )
        }
    }
}

/// The ways in which a row belongs by its own columns or through rows of other tables, as one condition.
fn alternatives(
    store: &Store,
    table: &Table,
    project: &str,
    active: &HashSet<Oid>,
    all: bool,
    alias: &str,
    depth: usize,
) -> Result<Option<String>> {
    let owner = owner(table, project, alias);
    let ways = if table.role == TableRole::Project {
        Vec::new()
    } else {
        table.ways(store)
    };
    if owner.is_none() && ways.is_empty() {
        return Err(Error::new(
            Code::StoreChanged,
            format!(
                "table {} has neither project_column nor join_column",
                table.sql_name
            ),
        )
        .hint("Describe it again with one of them: SELECT clone.store_table(…)."));
    }
    let mut alternatives: Vec<String> = owner.into_iter().collect();
    let mut grouped: Vec<(Way, Vec<String>)> = Vec::new();
    for way in ways.into_iter().filter(|way| active.contains(&way.parent)) {
        let Some(parent) = store.table(way.parent) else {
            continue;
        };
        let inner = format!("p{depth}");
        let Some(where_parent) = build(store, parent, project, active, all, &inner, depth + 1)? else {
            continue;
        };
        let way = Way {
            values: way.values(table, parent, alias),
            operators: way.equalities(table, parent),
            condition: way.condition.clone(),
            selected: way.parent_values(table, parent, &inner),
        };
        let rows = format!(
            "SELECT {} FROM {} AS {inner} WHERE {where_parent}",
            way.selected.join(", "),
            parent.from_sql()
        );
        match grouped.iter_mut().find(|(known, _)| {
            known.values == way.values && known.operators == way.operators && known.condition == way.condition
        }) {
            Some((_, parts)) => parts.push(rows),
            None => grouped.push((way, vec![rows])),
        }
    }
    for (way, parts) in grouped {
        let columns = &way.values;
        let left = match columns.as_slice() {
            [one] => one.clone(),
            several => format!("ROW({})", several.join(", ")),
        };
        // Like IN, but with an operator that no search_path can replace: this condition is also part of statements that run
        // with the caller's search_path.
        let first = way.operators.first().map_or(EQUAL, String::as_str);
        let alike = way.operators.iter().all(|operator| operator == first);
        // A collation is one of a column, not of a row.
        let mut sql = if alike && (columns.len() == 1 || !first.starts_with("COLLATE")) {
            format!("{left} {first} ANY ({})", parts.join(" UNION ALL "))
        } else {
            each_by_its_operator(&way, &parts, depth)
        };
        if let Some(condition) = &way.condition {
            sql = format!("({condition}) AND {sql}");
        }
        alternatives.push(sql);
    }
    Ok(match alternatives.as_slice() {
        [] => None,
        [one] => Some(one.clone()),
        several => Some(format!("(({}))", several.join(") OR ("))),
    })
}

/// Limits rows that belong to those of the table itself and to those that its description selects.
fn limited(table: &Table, mut sql: String, alias: &str, all: bool) -> String {
    if table.only && table.source.is_none() {
        // The rows of its children belong to other tables of the store.
        sql = format!(
            "{sql} AND {alias}.tableoid OPERATOR(pg_catalog.=) {}::pg_catalog.oid",
            table.oid
        );
    }
    if let Some(membership) = &table.membership
        && (all || table.live.as_ref() != Some(membership))
    {
        sql = format!("{sql} AND ({membership})");
    }
    if !all && let Some(live) = &table.live {
        // The catalog's condition has unqualified column names, so it has its own scope: a row-wise subquery would
        // hide the index, and inside an IN list the columns resolve to the innermost table, which is this one.
        sql = format!("{sql} AND ({live})");
    }
    sql
}

/// Columns of a row of the parent, each compared as its own type does.
fn each_by_its_operator(way: &Way, parts: &[String], depth: usize) -> String {
    let columns = &way.values;
    let names: Vec<String> = (0..columns.len()).map(|place| format!("k{place}")).collect();
    let pairs: Vec<String> = columns
        .iter()
        .zip(&names)
        .zip(&way.operators)
        .map(|((column, name), operator)| format!("w{depth}.{name} {operator} {column}"))
        .collect();
    format!(
        "EXISTS (SELECT FROM ({}) AS w{depth} ({}) WHERE {})",
        parts.join(" UNION ALL "),
        names.join(", "),
        pairs.join(" AND ")
    )
}

/// The condition on rows `t` of `table` that belong to another project than this one, by their project column or by a row that they
/// reference. `active` are the tables with rows. None if a row can belong in one way only, and so to one project only.
///
/// A row without a project column is also one of the rows that its other foreign keys name: a link between a user of one project and a group
/// of another belongs to both.
/// A cycle of joins in the catalog is an error (55000).
pub fn of_others(
    store: &Store,
    table: &Table,
    project: &str,
    active: &HashSet<Oid>,
) -> Result<Option<String>> {
    let ways = table.ways(store).len()
        + table.keys.within.len()
        + usize::from(table.project_column.is_some())
        + table.links(store).len();
    if ways < 2 || table.role == TableRole::Project {
        return Ok(None);
    }
    belongs_to_another(store, table, project, active, "t", 0)
}

fn belongs_to_another(
    store: &Store,
    table: &Table,
    project: &str,
    active: &HashSet<Oid>,
    alias: &str,
    depth: usize,
) -> Result<Option<String>> {
    check_depth(table, depth)?;
    let mut alternatives: Vec<String> = owner(table, project, alias)
        .map(|same| format!("NOT ({same})"))
        .into_iter()
        .collect();
    if table.role != TableRole::Project {
        if depth == 0 {
            alternatives.extend(named_row_of_another(store, table, project, active, alias)?);
        }
        let links = if depth == 0 {
            table.links(store)
        } else {
            Vec::new()
        };
        for way in table.ways(store).into_iter().chain(links) {
            let Some(parent) = store
                .table(way.parent)
                .filter(|parent| active.contains(&parent.oid))
            else {
                continue;
            };
            let inner = format!("p{depth}");
            let Some(theirs) = belongs_to_another(store, parent, project, active, &inner, depth + 1)? else {
                continue;
            };
            let same = same_values(
                &way,
                table,
                parent,
                alias,
                &way.parent_values(table, parent, &inner),
            );
            let named = format!(
                "EXISTS (SELECT 1 FROM {} AS {inner} WHERE {same} AND ({theirs}))",
                parent.from_sql()
            );
            alternatives.push(match &way.condition {
                Some(condition) => format!("({condition}) AND {named}"),
                None => named,
            });
        }
    }
    Ok((!alternatives.is_empty()).then(|| format!("(({}))", alternatives.join(") OR ("))))
}

/// The condition that the columns of a row `alias` equal `others`, values of a row of the parent.
fn same_values(way: &Membership, table: &Table, parent: &Table, alias: &str, others: &[String]) -> String {
    let names = way.columns.iter().zip(&way.parent_columns);
    let pairs = others.iter().zip(way.equalities(table, parent));
    let same: Vec<String> = pairs
        .zip(way.values(table, parent, alias))
        .zip(names)
        .map(|(((other, operator), value), (column, list))| {
            if way.is_list(table, column, parent, list) {
                let equal = table.column(column).map_or(EQUAL, |column| column.equality());
                return format!("{value} {equal} ANY ({other})");
            }
            format!("{other} {operator} {value}")
        })
        .collect();
    same.join(" AND ")
}

/// The same for a row of its own table, under the condition of the way.
fn names_own_row(way: &Membership, table: &Table, alias: &str, others: &[String]) -> String {
    let same = same_values(way, table, table, alias, others);
    match &way.condition {
        Some(condition) => format!("{same} AND ({condition})"),
        None => same,
    }
}

/// The condition that a row names a row of its own table that belongs to another project.
fn named_row_of_another(
    store: &Store,
    table: &Table,
    project: &str,
    active: &HashSet<Oid>,
    alias: &str,
) -> Result<Option<String>> {
    let inner = "r0";
    let ways = table.keys.within.iter();
    let links: Vec<String> = ways
        .map(|way| names_own_row(way, table, alias, &way.parent_values(table, table, inner)))
        .collect();
    if links.is_empty() {
        return Ok(None);
    }
    Ok(
        belongs_to_another(store, table, project, active, inner, 1)?.map(|theirs| {
            format!(
                "EXISTS (SELECT 1 FROM {} AS {inner} WHERE (({})) AND ({theirs}))",
                table.from_sql(),
                links.join(") OR (")
            )
        }),
    )
}

/// The condition that a row belongs to the project by its own key or its project column.
fn owner(table: &Table, project: &str, alias: &str) -> Option<String> {
    let column = match table.role {
        TableRole::Project => table.id_column.as_deref(),
        _ => table.project_column.as_deref(),
    }?;
    Some(is_project(
        table,
        column,
        project,
        &format!("{alias}.{}", identifier(column)),
    ))
}

/// The condition that `value`, as SQL, is the project's id as a column of a table has it.
pub fn is_project(table: &Table, column: &str, project: &str, value: &str) -> String {
    let type_name = table.type_of(column);
    format!(
        "{value} {} {}::{}",
        table.column(column).map_or(EQUAL, |c| c.equality()),
        literal(project),
        if type_name.is_empty() { "text" } else { type_name }
    )
}

fn check_depth(table: &Table, depth: usize) -> Result<()> {
    if depth > MAX_DEPTH {
        return Err(Error::new(
            Code::StoreChanged,
            format!(
                "rows of table {} belong to the project through more than {MAX_DEPTH} tables in a row",
                table.sql_name
            ),
        )
        .detail("The joins form a cycle, or the tables are too many.")
        .hint(
            "Check parents and join_column in clone.store_relation, and clone.store_membership; or give a table between them a column with the \
             project: clone.store_table(…, project_column => '…').",
        ));
    }
    Ok(())
}

/// A key column of `t` in the form in which it is looked up.
pub fn key_column(table: &Table, column: &str) -> String {
    canonical_key(table, column, "t").unwrap_or_else(|| format!("t.{}", identifier(column)))
}

/// The query that lists the resources of a table: id, type (or NULL), whether the row is live, and the columns in
/// `extra` (quoted).
pub fn source_of_ids(
    store: &Store,
    table: &Table,
    project: &str,
    active: &HashSet<Oid>,
    extra: &[String],
) -> Result<Option<String>> {
    let Some(id) = &table.id_column else {
        return Ok(None);
    };
    let Some(belongs) = condition(store, table, project, active, true)? else {
        return Ok(None);
    };
    let type_name = table
        .type_column
        .as_deref()
        .map_or("NULL::text".to_owned(), |c| table.text_of("t", c));
    let live = table
        .live
        .as_deref()
        .map_or("true".to_owned(), |live| format!("({live})"));
    let extra: String = extra
        .iter()
        .map(|column| format!(", t.{}", identifier(column)))
        .collect();
    let columns = format!("{}, {type_name}, {live}{extra}", key_column(table, id));
    Ok(Some(
        SourceQuery::over(&table.from_sql())
            .filter(belongs)
            .select(&columns),
    ))
}
