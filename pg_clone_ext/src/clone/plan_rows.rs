//! The rows of `project_clone_plan`: the counts of a run per table and type, computed by a run that does not write.

use crate::run::copy;
use crate::run::state::Run;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{InsertPath, TableRole};
use serde_json::{Value, json};

/// One row of the plan.
pub struct PlanRow {
    /// The table.
    pub relation: String,
    /// The type, empty for tables without one.
    pub resource_type: String,
    /// The table's role.
    pub role: &'static str,
    /// bulk or sql; none if nothing would be written.
    pub path: &'static str,
    /// Rows of the source project.
    pub source_rows: i64,
    /// Rows that would be written.
    pub rows: i64,
    /// Their bytes, before compression.
    pub bytes: i64,
    /// The reason for this path, or why nothing is cloned.
    pub why: String,
    /// Occurrences of references that would dangle.
    pub dangling: i64,
    /// Role of every column.
    pub columns: Value,
}

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn nothing(relation: &str, role: &'static str, why: String) -> PlanRow {
    PlanRow {
        relation: relation.to_owned(),
        resource_type: String::new(),
        role,
        path: "none",
        source_rows: 0,
        rows: 0,
        bytes: 0,
        why,
        dangling: 0,
        columns: json!({}),
    }
}

/// The rows, in the order in which tables would be filled; then the skipped tables and types.
pub fn rows(run: &Run) -> Result<Vec<PlanRow>> {
    let mut lines = Vec::new();
    for table_copy in &run.table_copies {
        let Some(table) = run.store.table(table_copy.table) else {
            continue;
        };
        let (path, why) = match copy::path(run, table_copy) {
            InsertPath::Bulk => ("bulk", "plain table".to_owned()),
            InsertPath::Sql(why) => ("sql", why),
        };
        let columns = Value::Object(
            table
                .columns
                .iter()
                .map(|c| (c.name.clone(), json!({"role": c.role.word(), "why": c.reason})))
                .collect(),
        );
        let statistics = copy::dry(run, table_copy)?;
        // Types of which nothing is cloned are listed below with the reason.
        for (resource_type, counts) in statistics.by_type.iter().filter(|(_, counts)| counts.rows > 0) {
            let source = run
                .source_rows
                .get(&(table.oid, resource_type.clone()))
                .copied()
                .unwrap_or(counts.seen);
            lines.push(PlanRow {
                relation: table.sql_name.clone(),
                resource_type: resource_type.clone(),
                role: table.role.word(),
                path,
                source_rows: number(source),
                rows: number(counts.rows),
                bytes: number(counts.bytes),
                why: why.clone(),
                dangling: number(counts.rewrite.dangling),
                columns: columns.clone(),
            });
        }
    }
    for ((oid, resource_type), count) in &run.source_rows {
        let Some(table) = run.store.table(*oid) else {
            continue;
        };
        if lines
            .iter()
            .any(|line| line.relation == table.sql_name && line.resource_type == *resource_type)
        {
            continue;
        }
        let why = if !table.cloned && run.request.resource_types.is_empty() {
            "not cloned unless resource_types names it"
        } else if run.request.filtered() {
            "not chosen by the filters"
        } else {
            "no live row"
        };
        lines.push(PlanRow {
            relation: table.sql_name.clone(),
            resource_type: resource_type.clone(),
            role: TableRole::word(table.role),
            path: "none",
            source_rows: number(*count),
            rows: 0,
            bytes: 0,
            why: why.to_owned(),
            dangling: 0,
            columns: json!({}),
        });
    }
    if run.store.follows_constraints() {
        for table in &run.store.tables {
            if lines.iter().any(|line| line.relation == table.sql_name) {
                continue;
            }
            let why = if !table.cloned {
                "not to be cloned"
            } else if table.empty {
                "the table is empty"
            } else {
                "no row belongs to the project, or its parents are not cloned"
            };
            lines.push(nothing(&table.sql_name, table.role.word(), why.to_owned()));
        }
        for (_, name) in &run.store.outside.reaching {
            lines.push(nothing(
                name,
                "",
                "not described: its foreign keys lead to the project, its rows are not cloned".to_owned(),
            ));
        }
    }
    Ok(lines)
}
