//! The tables of a project on both sides: what is read of each, and whether their columns fit.

use std::collections::BTreeMap;

use anyhow::Result;
use clone_archive::{Column, Manifest, Table};
use serde_json::Value;

use crate::connect::session::Session;
use crate::failure::Hinted;

/// What is read of one table of the source.
#[derive(Clone, Debug)]
pub struct TableRows {
    /// Qualified and quoted.
    pub relation: String,
    /// Columns, not quoted.
    pub columns: Vec<String>,
    /// Which rows; the table goes by the name `t`.
    pub condition: String,
}

impl TableRows {
    /// The query for the rows.
    pub fn query(&self) -> String {
        let columns: Vec<String> = self
            .columns
            .iter()
            .map(|name| format!("t.{}", identifier(name)))
            .collect();
        format!(
            "SELECT {} FROM {} AS t WHERE {}",
            columns.join(", "),
            self.relation,
            self.condition
        )
    }
}

/// A name as SQL takes it.
pub fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What has to be read of a project, as the store that `session` has describes it.
///
/// # Errors
/// Those of `clone.source_queries`.
pub async fn tables_of_project(
    session: &Session,
    project: &str,
    store: Option<&str>,
    options: &Value,
) -> Result<Vec<TableRows>> {
    let rows = session
        .query(
            "SELECT relation, columns, condition FROM clone.source_queries($1::text, $2::text, $3::jsonb)",
            &[&project, &store, options],
        )
        .await?;
    rows.iter()
        .map(|row| {
            Ok(TableRows {
                relation: row.try_get(0)?,
                columns: row.try_get(1)?,
                condition: row.try_get(2)?,
            })
        })
        .collect()
}

/// A column of a server's table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerColumn {
    column: Column,
    generated: bool,
    has_default: bool,
}

/// The columns of tables, by table and in their order. A table that is not there has no entry.
pub type Columns = BTreeMap<String, Vec<ServerColumn>>;

/// Reads them.
///
/// # Errors
/// Those of the server.
pub async fn columns(session: &Session, relations: &Vec<String>) -> Result<Columns> {
    let rows = session
        .query(
            "SELECT r.name, a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attgenerated <> '', \
                 a.atthasdef OR a.attidentity <> '' \
             FROM pg_catalog.unnest($1::text[]) AS r (name) \
             JOIN pg_catalog.pg_attribute a ON a.attrelid = pg_catalog.to_regclass(r.name) AND a.attnum > 0 AND NOT a.attisdropped \
             ORDER BY r.name, a.attnum",
            &[relations],
        )
        .await?;
    let mut found = Columns::new();
    for row in rows {
        found.entry(row.try_get(0)?).or_default().push(ServerColumn {
            column: Column {
                name: row.try_get(1)?,
                type_name: row.try_get(2)?,
                not_null: row.try_get(3)?,
            },
            generated: row.try_get(4)?,
            has_default: row.try_get(5)?,
        });
    }
    Ok(found)
}

/// The tables with the columns that are read of them, as an archive lists them.
pub fn described(tables: &[TableRows], columns: &Columns) -> Vec<Table> {
    tables
        .iter()
        .map(|table| Table {
            name: table.relation.clone(),
            columns: columns
                .get(&table.relation)
                .into_iter()
                .flatten()
                .filter(|known| table.columns.contains(&known.column.name))
                .map(|known| known.column.clone())
                .collect(),
        })
        .collect()
}

/// Compares the tables of the source with those of the target. Columns that only the target has are left out of `tables`.
///
/// # Errors
/// All differences by which data would be lost, at once: a table or column that one side does not have, another type, a column of the target
/// that must not be NULL and that the source does not have.
pub fn compare(tables: &mut [TableRows], source: &Columns, target: &Columns) -> Result<()> {
    let mut differences = Vec::new();
    for table in tables {
        let name = &table.relation;
        let Some(theirs) = source.get(name) else {
            differences.push(format!("table {name} is missing in the source"));
            continue;
        };
        let ours = target.get(name).map(Vec::as_slice).unwrap_or_default();
        for column in theirs.iter().filter(|column| !column.generated) {
            let ColumnName(their_name, their_type) = ColumnName::of(column);
            match ours.iter().find(|own| own.column.name == their_name) {
                None => differences.push(format!("column {name}.{their_name} is missing in the target")),
                Some(own) if own.column.type_name != their_type => differences.push(format!(
                    "column {name}.{their_name} is {their_type} in the source and {} in the target",
                    own.column.type_name
                )),
                Some(_) => {}
            }
        }
        table
            .columns
            .retain(|column| theirs.iter().any(|known| known.column.name == *column));
        for own in ours.iter().filter(|own| !own.generated && own.column.not_null) {
            if !theirs.iter().any(|column| column.column.name == own.column.name) {
                let advice = if own.has_default {
                    ", though it has a default"
                } else {
                    ""
                };
                differences.push(format!(
                    "column {name}.{} is missing in the source and must not be NULL in the target{advice}",
                    own.column.name
                ));
            }
        }
    }
    refuse(differences)
}

struct ColumnName<'c>(&'c str, &'c str);

impl<'c> ColumnName<'c> {
    fn of(column: &'c ServerColumn) -> Self {
        ColumnName(&column.column.name, &column.column.type_name)
    }
}

/// The tables of an archive as a source's: what [`compare`] takes.
pub fn columns_of_archive(manifest: &Manifest) -> Columns {
    manifest
        .tables
        .iter()
        .map(|table| {
            let columns = table.columns.iter().map(|column| ServerColumn {
                column: column.clone(),
                generated: false,
                has_default: false,
            });
            (table.name.clone(), columns.collect())
        })
        .collect()
}

fn refuse(differences: Vec<String>) -> Result<()> {
    if differences.is_empty() {
        return Ok(());
    }
    Err(Hinted::new(
        format!(
            "the tables of the source and the target do not fit: {}",
            differences.join("; ")
        ),
        "Bring both databases to the same version of the application's schema.",
    )
    .into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, type_name: &str, not_null: bool) -> ServerColumn {
        ServerColumn {
            column: Column {
                name: name.to_owned(),
                type_name: type_name.to_owned(),
                not_null,
            },
            generated: false,
            has_default: false,
        }
    }

    fn side(columns: Vec<ServerColumn>) -> Columns {
        Columns::from([("app.t".to_owned(), columns)])
    }

    fn rows() -> Vec<TableRows> {
        vec![TableRows {
            relation: "app.t".to_owned(),
            columns: vec!["id".to_owned(), "new".to_owned()],
            condition: "t.id = 1".to_owned(),
        }]
    }

    #[test]
    fn all_differences_that_lose_data_are_told_at_once() {
        let source = side(vec![
            column("id", "integer", true),
            column("only here", "text", false),
        ]);
        let target = side(vec![column("id", "bigint", true), column("new", "text", true)]);
        let error = compare(&mut rows(), &source, &target).unwrap_err().to_string();
        for part in [
            "column app.t.id is integer in the source and bigint in the target",
            "column app.t.only here is missing in the target",
            "column app.t.new is missing in the source and must not be NULL in the target",
        ] {
            assert!(error.contains(part), "{error}");
        }
        let error = compare(&mut rows(), &Columns::new(), &target)
            .unwrap_err()
            .to_string();
        assert!(error.contains("table app.t is missing in the source"), "{error}");
    }

    #[test]
    fn a_new_column_that_may_be_null_is_left_out_and_order_does_not_matter() {
        let source = side(vec![column("z", "text", false), column("id", "integer", true)]);
        let target = side(vec![
            column("id", "integer", true),
            column("new", "text", false),
            column("z", "text", false),
        ]);
        let mut tables = rows();
        compare(&mut tables, &source, &target).unwrap();
        assert_eq!(tables[0].columns, ["id"]);
        assert_eq!(
            tables[0].query(),
            "SELECT t.\"id\" FROM app.t AS t WHERE t.id = 1"
        );
    }
}
