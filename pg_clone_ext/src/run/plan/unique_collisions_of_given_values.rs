//! Checks unique columns before anything is written: given values that are the same in all rows of a clone, or
//! computed from the source's row.

use crate::error::internal;
use crate::run::authorize;
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, Column, ColumnRole, Table, Unique, quote};
use pg_clone_core::rules::Rule;

/// The values of the clone's rows in a column of an index.
enum NewValue {
    /// A different one in each row.
    Fresh,
    /// One that no other project has; equal for equal values of the source.
    OfProject,
    /// The same in all rows of the clone, and in no other row.
    OfRun,
    /// A given SQL expression over the source's row `t`.
    Given(String),
    /// The source's.
    Same,
    /// Not known before the row is made.
    Unknown,
}

/// Raises 55000 for values with which rows of the clone would collide with each other, or with an existing row, in a unique
/// index.
pub fn check(run: &Run, rules: &[Rule]) -> Result<()> {
    if !run.store.follows_constraints() {
        return Ok(());
    }
    for table in run.store.tables.iter().filter(|t| t.source.is_none()) {
        if table.empty || run.table_copy(table.oid).is_none() {
            continue;
        }
        for unique in table.keys.uniques.iter().filter(|u| !u.exclusion) {
            check_index(run, rules, table, unique)?;
        }
    }
    Ok(())
}

fn check_index(run: &Run, rules: &[Rule], table: &Table, unique: &Unique) -> Result<()> {
    let mut values = Vec::new();
    for name in &unique.columns {
        let by_rule = rules.iter().any(|rule| rule.columns.contains(name));
        match table.column(name) {
            Some(column) if !by_rule => values.push((column, new_value(run, table, column))),
            _ => return Ok(()),
        }
    }
    let hopeless = |value: &NewValue| matches!(value, NewValue::Fresh | NewValue::Unknown);
    if values.iter().any(|(_, value)| hopeless(value))
        || !values
            .iter()
            .any(|(column, value)| matches!(value, NewValue::Given(_)) || is_one_text(column, value))
    {
        return Ok(());
    }
    let Some(rows) = rows_of_clone(run, table, unique, &values)? else {
        return Ok(());
    };
    let in_rows = |column: &Column| format!("n.{}", quote::identifier(&column.name));
    let grouped: Vec<String> = values
        .iter()
        .filter(|(_, value)| !matches!(value, NewValue::OfRun))
        .map(|(column, _)| in_rows(column))
        .collect();
    let group = match grouped.is_empty() {
        true => "()".to_owned(),
        false => grouped.join(", "),
    };
    if exists(&format!(
        "SELECT FROM ({rows}) AS n GROUP BY {group} HAVING pg_catalog.count(*) OPERATOR(pg_catalog.>) 1"
    ))? {
        return Err(refuse(
            run,
            table,
            unique,
            &values,
            "several rows of the clone would have the same value",
        ));
    }
    let other = |value: &NewValue| matches!(value, NewValue::OfProject | NewValue::OfRun);
    if values.iter().any(|(_, value)| other(value)) || unique.expressions {
        return Ok(());
    }
    let met: Vec<String> = values
        .iter()
        .map(|(column, _)| {
            format!(
                "o.{} {} {}",
                quote::identifier(&column.name),
                column.equality(),
                in_rows(column)
            )
        })
        .collect();
    let mut conditions: Vec<String> = unique.predicate.iter().map(|text| format!("({text})")).collect();
    // A clone that is replaced is deleted before.
    if let Some(given) = &run.request.options.replace {
        let replaced = authorize::project_id(run.store.project_table()?, given)?;
        let theirs = plan::condition(&run.store, table, &replaced, &run.active, true)?;
        conditions.extend(theirs.map(|theirs| format!("({theirs}) IS NOT TRUE")));
    }
    let others = match conditions.is_empty() {
        true => String::new(),
        false => format!(" WHERE {}", conditions.join(" AND ")),
    };
    if exists(&format!(
        "SELECT FROM ({rows}) AS n JOIN (SELECT * FROM {} AS t{others}) AS o ON {}",
        table.from_sql(),
        met.join(" AND ")
    ))? {
        return Err(refuse(
            run,
            table,
            unique,
            &values,
            "a row has the value of the clone already",
        ));
    }
    Ok(())
}

fn exists(query: &str) -> Result<bool> {
    pgrx::Spi::get_one::<bool>(&format!("SELECT EXISTS ({query})"))
        .map(|found| found == Some(true))
        .map_err(internal)
}

/// Whether a template gives the same text for every row.
fn is_one_text(column: &Column, value: &NewValue) -> bool {
    matches!((&column.role, value), (ColumnRole::Template(_), NewValue::OfRun))
}

fn new_value(run: &Run, table: &Table, column: &Column) -> NewValue {
    let constant = |text: Option<&String>| match text {
        Some(text) => NewValue::Given(format!(
            "{}::{}",
            quote::literal(text),
            quote::type_name(&column.type_name)
        )),
        None => NewValue::Same,
    };
    let own_key = table.id_column.as_ref() == Some(&column.name);
    match &column.role {
        ColumnRole::Value(text) => constant(Some(text)),
        ColumnRole::Name => constant(run.request.name.as_ref()),
        ColumnRole::Owner => constant(run.request.owner.as_ref()),
        ColumnRole::Expression(sql) => {
            NewValue::Given(format!("({sql})::{}", quote::type_name(&column.type_name)))
        }
        ColumnRole::Project => NewValue::OfRun,
        ColumnRole::Map(Some(target)) if Ok(*target) == run.store.project_table().map(|t| t.oid) => {
            NewValue::OfRun
        }
        ColumnRole::Map(_) if own_key && column.keys.holds.is_none_or(|key| key.table == table.oid) => {
            NewValue::Fresh
        }
        ColumnRole::Map(_) => NewValue::OfProject,
        ColumnRole::Template(text) => match (text.contains("{value}"), text.contains("{new_id}")) {
            (_, true) => NewValue::Fresh,
            (true, false) => NewValue::OfProject,
            (false, false) => NewValue::OfRun,
        },
        ColumnRole::Keep | ColumnRole::Rewrite => NewValue::Same,
        ColumnRole::Now => NewValue::OfRun,
        ColumnRole::Key | ColumnRole::NewUuid | ColumnRole::Random | ColumnRole::Version => NewValue::Fresh,
        ColumnRole::Null | ColumnRole::Default | ColumnRole::LargeObject => NewValue::Unknown,
    }
}

/// The rows of the clone in the index, as far as they are known; None: there are none.
fn rows_of_clone(
    run: &Run,
    table: &Table,
    unique: &Unique,
    values: &[(&Column, NewValue)],
) -> Result<Option<String>> {
    let Some(belongs) = plan::condition(&run.store, table, &run.source, &run.active, false)? else {
        return Ok(None);
    };
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let name = quote::identifier(&column.name);
            let given = values.iter().find(|(other, _)| other.name == column.name);
            match given {
                Some((_, NewValue::Given(sql))) => format!("{sql} AS {name}"),
                _ => format!("t.{name}"),
            }
        })
        .collect();
    let mut conditions: Vec<String> = values
        .iter()
        .filter(|(_, value)| !matches!(value, NewValue::OfRun))
        .map(|(column, _)| format!("{} IS NOT NULL", quote::identifier(&column.name)))
        .collect();
    conditions.extend(
        unique
            .predicate
            .as_ref()
            .map(|predicate| format!("({predicate})")),
    );
    conditions.push("true".to_owned());
    Ok(Some(format!(
        "SELECT * FROM (SELECT {} FROM {} AS t WHERE {belongs}) AS made WHERE {}",
        columns.join(", "),
        table.from_sql(),
        conditions.join(" AND ")
    )))
}

fn refuse(run: &Run, table: &Table, unique: &Unique, values: &[(&Column, NewValue)], what: &str) -> Error {
    let columns: Vec<String> = unique
        .columns
        .iter()
        .map(|name| quote::identifier(name))
        .collect();
    let column = values
        .iter()
        .find(|(column, value)| matches!(value, NewValue::Given(_)) || is_one_text(column, value))
        .map(|(column, _)| *column);
    let name = column.map_or("…", |column| column.name.as_str());
    let hint = match column.map(|column| &column.role) {
        Some(ColumnRole::Name) => "Give the clone another name: name => '…'.".to_owned(),
        Some(ColumnRole::Owner) => "Give the clone another owner: owner => '…'.".to_owned(),
        Some(ColumnRole::Value(_)) if run.request.options.values.keys().any(|key| key.ends_with(name)) => {
            format!("Give another value for {name} in options.values.")
        }
        _ => format!(
            "Give each row a value of its own: SELECT clone.store_column({}, {}, {}, 'template', value => '{{value}}-{{n}}'), also with \
             {{new_id}}, the new key of the row; or 'suffix', 'random', 'null'.",
            quote::literal(&run.store.name),
            quote::literal(&table.sql_name),
            quote::literal(name)
        ),
    };
    Error::new(
        Code::StoreChanged,
        format!(
            "{what} in ({}) of {}, which the unique index {} forbids",
            columns.join(", "),
            table.sql_name,
            unique.name
        ),
    )
    .hint(hint)
}
