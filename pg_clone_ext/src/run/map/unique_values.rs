//! Checks before anything is written whether values would collide with those of the source, because a unique index or an exclusion
//! constraint spans all projects and the clone has the same value in all of its columns.

use crate::error::internal;
use crate::pg::query::for_each_row;
use crate::run::keys::{Key, NewKey};
use crate::run::state::Run;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, ColumnRole, SourceQuery, Table, TableRole, Unique, changes, quote};

/// Raises 55000 for an index in which every cloned row would collide with its source.
pub fn check(run: &Run) -> Result<()> {
    if !run.store.follows_constraints() {
        return Ok(());
    }
    for table in run
        .store
        .tables
        .iter()
        .filter(|t| !t.empty && t.source.is_none() && run.active.contains(&t.oid))
    {
        for unique in &table.keys.uniques {
            if collides(run, table, unique)? {
                return Err(refuse(run, table, unique));
            }
        }
    }
    Ok(())
}

fn collides(run: &Run, table: &Table, unique: &Unique) -> Result<bool> {
    if unique.columns.is_empty() && !unique.expressions {
        return Ok(false);
    }
    let given = |name: &String| {
        table.column(name).is_none_or(|column| match &column.role {
            // Collisions of given values are checked by `constant_values`.
            ColumnRole::Value(_) | ColumnRole::Expression(_) | ColumnRole::Now | ColumnRole::Null => true,
            ColumnRole::Default => column.keys.default.is_some() || column.keys.sequence.is_some(),
            ColumnRole::Name => run.request.name.is_some(),
            ColumnRole::Owner => run.request.owner.is_some(),
            _ => false,
        })
    };
    if unique
        .columns
        .iter()
        .any(|name| changes(&run.store, table, name) || given(name))
    {
        return Ok(false);
    }
    let Some(belongs) = plan::condition(&run.store, table, &run.source, &run.active, false)? else {
        return Ok(false);
    };
    // NULL does not collide; an id of a cloned row inside a text or a document changes the value.
    let mut conditions: Vec<String> = unique
        .columns
        .iter()
        .filter(|_| !unique.expressions)
        .map(|name| format!("t.{} IS NOT NULL", quote::identifier(name)))
        .collect();
    conditions.extend(
        unique
            .predicate
            .as_ref()
            .map(|predicate| format!("({predicate})")),
    );
    conditions.extend(
        unique
            .columns
            .iter()
            .filter_map(|name| table.column(name))
            .filter(|column| matches!(column.role, ColumnRole::Rewrite | ColumnRole::Map(None)))
            .map(|column| {
                format!(
                    "NOT t.{}::pg_catalog.text OPERATOR(pg_catalog.~*) \
                     '[0-9a-f]{{8}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{4}}-[0-9a-f]{{12}}'",
                    quote::identifier(&column.name)
                )
            }),
    );
    // A UUID of the source's rows changes anywhere; others are kept.
    let ids: Vec<String> = unique
        .columns
        .iter()
        .filter_map(|name| table.column(name))
        .filter(|column| column.type_name == "uuid" && matches!(column.role, ColumnRole::Map(None)))
        .map(|column| format!("t.{}", quote::identifier(&column.name)))
        .collect();
    if !ids.is_empty() && !unique.expressions {
        conditions.retain(|condition| !condition.starts_with("NOT t."));
        conditions.push("true".to_owned());
        let sql = format!(
            "SELECT {} FROM {} AS t WHERE {belongs} AND {}",
            ids.join(", "),
            table.from_sql(),
            conditions.join(" AND ")
        );
        let mut collides = false;
        for_each_row(&sql, &mut |row| {
            if let Some(row) = row {
                let stays = |place: usize| {
                    row.uuid(place)
                        .is_some_and(|id| !matches!(run.new_key_of(&Key::Uuid(id), &[]), NewKey::To(_)))
                };
                collides |= (0..ids.len()).all(stays);
            }
            Ok(())
        })?;
        return Ok(collides);
    }
    let rows = conditions.into_iter().fold(
        SourceQuery::over(&table.from_sql()).filter(belongs),
        SourceQuery::filter,
    );
    pgrx::Spi::get_one::<bool>(&rows.exists())
        .map(|found| found == Some(true))
        .map_err(internal)
}

fn refuse(run: &Run, table: &Table, unique: &Unique) -> Error {
    let columns: Vec<String> = unique
        .columns
        .iter()
        .map(|name| quote::identifier(name))
        .collect();
    let what = if unique.exclusion {
        "the exclusion constraint"
    } else {
        "the unique index"
    };
    let chosen = unique
        .columns
        .iter()
        .filter_map(|name| table.column(name))
        .max_by_key(|column| plan::is_text(&column.type_name));
    let column = chosen.map_or("…", |column| column.name.as_str());
    let roles = match chosen.map_or("", |column| column.type_name.as_str()) {
        name if plan::is_text(name) => {
            "'suffix'), or 'random', 'null', 'default', or 'template' with value => '{value}-copy-{n}'"
        }
        "uuid" => "'new_uuid'), or 'null', 'default'",
        _ => "'default'), or 'null', or 'expression' with value => an SQL expression over the row",
    };
    let project = table.role == TableRole::Project && column == "name";
    Error::new(
        Code::StoreChanged,
        format!(
            "the clone would have the source's values in ({}) of {}, which {what} {} forbids",
            columns.join(", "),
            table.sql_name,
            unique.name
        ),
    )
    .hint(if project {
        "Give the clone another name: name => '…'.".to_owned()
    } else {
        format!(
            "Give the column another value in clones: SELECT clone.store_column({}, {}, {}, {roles}. For one call: options => '{{\"values\": {{\"{}.{}\": \"…\"}}}}'.",
            quote::literal(&run.store.name),
            quote::literal(&table.sql_name),
            quote::literal(column),
            table.sql_name.replace('"', "\\\""),
            column
        )
    })
}
