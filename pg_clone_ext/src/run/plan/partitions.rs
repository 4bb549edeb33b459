//! Partitions that are missing: rows of a clone for which a partitioned table has no place are found before anything is written.

use crate::pg::query::{for_each_row, text};
use crate::run::map::sequences;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, Column, ColumnRole, KeyKind, SourceQuery, Table, quote};

/// A partitioned table without a partition for a row of the clone is an error (55000) with the statement that makes one. Of
/// columns whose new values are not known yet nothing is said.
pub fn check(run: &Run) -> Result<()> {
    let tables = run.store.tables.iter();
    for table in tables.filter(|t| t.kind == "p" && !t.empty && t.source.is_none()) {
        if run.store.follows_constraints() && run.table_copy(table.oid).is_some() {
            check_table(run, table)?;
        }
    }
    Ok(())
}

/// How a table is partitioned.
struct Partitioning {
    /// Columns that decide which partition takes a row, on any level.
    columns: Vec<String>,
    /// Its own partitions are lists of values of one column.
    by_list: bool,
    /// What the rows of each partition without partitions of its own have in common, as SQL.
    constraints: Vec<String>,
}

/// None: it is partitioned by an expression, or a partition takes every row.
fn partitioning(table: &Table) -> Result<Option<Partitioning>> {
    let tree = format!(
        "pg_catalog.pg_partition_tree({}::pg_catalog.oid::pg_catalog.regclass)",
        table.oid
    );
    let keys = format!(
        "SELECT COALESCE(a.attname::pg_catalog.text, ''), (p.partrelid OPERATOR(pg_catalog.=) {0}::pg_catalog.oid AND p.partstrat OPERATOR(pg_catalog.=) 'l')::pg_catalog.text
         FROM {tree} AS r JOIN pg_catalog.pg_partitioned_table AS p ON p.partrelid OPERATOR(pg_catalog.=) r.relid::pg_catalog.oid
         CROSS JOIN LATERAL pg_catalog.unnest(p.partattrs::pg_catalog.int2[]) AS k (number)
         LEFT JOIN pg_catalog.pg_attribute AS a ON a.attrelid OPERATOR(pg_catalog.=) p.partrelid AND a.attnum OPERATOR(pg_catalog.=) k.number",
        table.oid
    );
    let mut found = Partitioning {
        columns: Vec::new(),
        by_list: false,
        constraints: Vec::new(),
    };
    for_each_row(&keys, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let name = row.text(0)?.unwrap_or_default().into_owned();
        if !found.columns.contains(&name) {
            found.columns.push(name);
        }
        found.by_list |= row.text(1)?.as_deref() == Some("true");
        Ok(())
    })?;
    let leaves =
        format!("SELECT pg_catalog.pg_get_partition_constraintdef(r.relid) FROM {tree} AS r WHERE r.isleaf");
    let mut takes_all = false;
    for_each_row(&leaves, &mut |row| {
        if let Some(row) = row {
            match row.text(0)? {
                Some(constraint) => found.constraints.push(constraint.into_owned()),
                None => takes_all = true,
            }
        }
        Ok(())
    })?;
    let known = !takes_all && !found.columns.iter().any(String::is_empty);
    Ok(known.then_some(found))
}

fn check_table(run: &Run, table: &Table) -> Result<()> {
    let Some(partitioning) = partitioning(table)? else {
        return Ok(());
    };
    let target = target(run)?;
    let mut values = Vec::new();
    for name in &partitioning.columns {
        match table
            .column(name)
            .and_then(|column| new_value(run, column, &target))
        {
            Some(value) => values.push(format!("{value} AS {}", quote::identifier(name))),
            None => return Ok(()),
        }
    }
    let belongs = plan::condition(&run.store, table, &run.source, &run.active, false)?;
    let Some(belongs) = belongs.filter(|_| !values.is_empty()) else {
        return Ok(());
    };
    let rows = SourceQuery::over(&table.from_sql())
        .filter(belongs)
        .select(&values.join(", "));
    let taken: Vec<String> = partitioning
        .constraints
        .iter()
        .map(|c| format!("({c})"))
        .collect();
    let taken = if taken.is_empty() {
        "false".to_owned()
    } else {
        taken.join(" OR ")
    };
    let names: Vec<String> = partitioning
        .columns
        .iter()
        .map(|name| table.text_of("n", name))
        .collect();
    let lost = text(&format!(
        "SELECT pg_catalog.concat_ws(', ', {}) FROM (SELECT DISTINCT * FROM ({rows}) AS r) AS n WHERE ({taken}) IS NOT TRUE LIMIT 1",
        names.join(", ")
    ))?;
    lost.map_or(Ok(()), |values| {
        Err(refuse(table, &partitioning, &values, &target))
    })
}

/// The new project's id. A plan takes none from a sequence, and looks which would be the next.
fn target(run: &Run) -> Result<String> {
    let project = run.store.project_table()?;
    let id = project.id_column.as_deref().and_then(|id| project.column(id));
    let sequence = id
        .filter(|id| {
            run.dry && run.request.options.target.is_none() && KeyKind::of(&id.type_name) == KeyKind::Int
        })
        .and_then(|id| id.keys.sequence.as_ref());
    let next = match sequence {
        None => None,
        Some(sequence) => sequences::next_value(sequence)?,
    };
    Ok(next.unwrap_or_else(|| run.target.clone()))
}

/// What rows of the clone have in a column, as SQL over the source's row; None: it is not known.
fn new_value(run: &Run, column: &Column, target: &str) -> Option<String> {
    let constant = |text: &str| {
        format!(
            "{}::{}",
            quote::literal(text),
            quote::type_name(&column.type_name)
        )
    };
    let project = run.store.project_table().ok()?;
    match &column.role {
        ColumnRole::Keep => Some(format!("t.{}", quote::identifier(&column.name))),
        ColumnRole::Project => Some(constant(target)),
        ColumnRole::Map(_)
            if run
                .store
                .id_key(project.oid)
                .is_some_and(|id| column.keys.holds == Some(id)) =>
        {
            Some(constant(target))
        }
        ColumnRole::Value(text) => Some(constant(text)),
        _ => None,
    }
}

fn refuse(table: &Table, partitioning: &Partitioning, values: &str, target: &str) -> Error {
    let columns: Vec<String> = partitioning
        .columns
        .iter()
        .map(|name| quote::identifier(name))
        .collect();
    // The list is one of tenants.
    let of_tenants = partitioning.by_list
        && partitioning
            .columns
            .first()
            .and_then(|name| table.column(name))
            .is_some_and(|column| !matches!(column.role, ColumnRole::Keep | ColumnRole::Value(_)));
    let hint = if of_tenants {
        format!(
            "Make it: CREATE TABLE {} PARTITION OF {} FOR VALUES IN ({}), with partitions of its own as the others have. Then give the new project that id: options => '{{\"target\": \"{target}\"}}'.",
            partition_name(table, target),
            table.sql_name,
            quote::literal(target)
        )
    } else {
        format!(
            "Make one with CREATE TABLE … PARTITION OF {}, or a DEFAULT partition.",
            table.sql_name
        )
    };
    Error::new(
        Code::StoreChanged,
        format!(
            "{} has no partition for ({}) = ({values})",
            table.sql_name,
            columns.join(", ")
        ),
    )
    .hint(hint)
}

/// A name for the partition of a project, in the table's schema.
fn partition_name(table: &Table, target: &str) -> String {
    let own = table
        .sql_name
        .rsplit('.')
        .next()
        .unwrap_or_default()
        .trim_matches('"')
        .replace("\"\"", "\"");
    let suffix: String = target
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    format!(
        "{}.{}",
        quote::identifier(&table.schema),
        quote::identifier(&format!("{own}_{suffix}"))
    )
}
