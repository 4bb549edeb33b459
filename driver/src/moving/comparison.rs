//! Compares the tables of source and target, and decides whether a difference loses data.

use anyhow::Result;
use serde::Serialize;

use super::tables::{ServerColumn, ServerTable, ServerTables, TableRows};
use crate::failure::Hinted;

/// Types whose values are OIDs of objects in their own database.
const NUMBERS_OF_OBJECTS: [&str; 13] = [
    "oid",
    "lo",
    "regclass",
    "regcollation",
    "regconfig",
    "regdictionary",
    "regnamespace",
    "regoper",
    "regoperator",
    "regproc",
    "regprocedure",
    "regrole",
    "regtype",
];

/// A difference of two tables.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// Whether data would be lost: then nothing is cloned.
    pub loses_data: bool,
    /// Description of the difference.
    pub difference: String,
}

/// Compares the tables of the source with those of the target. Columns that only the target has are removed from `tables`.
/// Returns the differences that lose no data.
///
/// # Errors
/// A list of all differences, if one of them loses data: a missing table or column, another type, a generated column of the
/// target, or a NOT NULL column of the target that the source does not have.
pub fn compare(
    tables: &mut [TableRows],
    source: &ServerTables,
    target: &ServerTables,
) -> Result<Vec<Difference>> {
    let mut found = Differences::default();
    for table in tables {
        let name = &table.relation;
        let Some(theirs) = source.get(name) else {
            found.fatal(format!("table {name} is missing in the source"));
            continue;
        };
        let Some(ours) = target.get(name) else {
            found.fatal(format!("table {name} is missing in the target"));
            continue;
        };
        for column in theirs.columns.iter().filter(|column| !column.generated) {
            match find(ours, column) {
                None => found.fatal(format!(
                    "column {name}.{} is missing in the target",
                    column.column.name
                )),
                Some(own) => compare_columns(name, column, own, &mut found),
            }
        }
        table
            .columns
            .retain(|column| theirs.columns.iter().any(|known| known.column.name == *column));
        for own in ours.columns.iter().filter(|own| !own.generated) {
            match find(theirs, own) {
                None => only_in_target(name, own, &mut found),
                Some(column) if column.generated => found.note(format!(
                    "column {name}.{} is generated in the source and not in the target",
                    own.column.name
                )),
                Some(_) => {}
            }
        }
        compare_constraints(name, theirs, ours, &mut found);
    }
    found.end()
}

fn find<'t>(table: &'t ServerTable, column: &ServerColumn) -> Option<&'t ServerColumn> {
    table
        .columns
        .iter()
        .find(|known| known.column.name == column.column.name)
}

/// A column that both sides have, and that the source does not compute.
fn compare_columns(table: &str, theirs: &ServerColumn, ours: &ServerColumn, found: &mut Differences) {
    let name = &theirs.column.name;
    if ours.generated {
        found.fatal(format!(
            "column {table}.{name} is generated in the target and not in the source"
        ));
    }
    if ours.column.type_name != theirs.column.type_name {
        found.fatal(format!(
            "column {table}.{name} is {} in the source and {} in the target",
            theirs.column.type_name, ours.column.type_name
        ));
    }
    if NUMBERS_OF_OBJECTS.contains(&theirs.column.type_name.trim_end_matches("[]")) {
        found.fatal(format!(
            "column {table}.{name} is {}: its numbers mean other objects in another database",
            theirs.column.type_name
        ));
    }
    if ours.column.not_null && !theirs.column.not_null {
        found.note(format!(
            "column {table}.{name} may be NULL in the source and not in the target"
        ));
    }
    let or_none = |text: &Option<String>| text.clone().unwrap_or_else(|| "none".to_owned());
    if ours.collation != theirs.collation {
        found.note(format!(
            "column {table}.{name} has the collation {} in the source and {} in the target",
            or_none(&theirs.collation),
            or_none(&ours.collation)
        ));
    }
    if ours.default != theirs.default {
        found.note(format!(
            "column {table}.{name} has the default {} in the source and {} in the target",
            or_none(&theirs.default),
            or_none(&ours.default)
        ));
    }
}

fn only_in_target(table: &str, own: &ServerColumn, found: &mut Differences) {
    let name = &own.column.name;
    if !own.column.not_null {
        found.note(format!(
            "column {table}.{name} is missing in the source and gets NULL"
        ));
        return;
    }
    let advice = own.default.as_ref().map_or("", |_| ", though it has a default");
    found.fatal(format!(
        "column {table}.{name} is missing in the source and must not be NULL in the target{advice}"
    ));
}

fn compare_constraints(table: &str, theirs: &ServerTable, ours: &ServerTable, found: &mut Differences) {
    let (Some(theirs), Some(ours)) = (&theirs.constraints, &ours.constraints) else {
        return;
    };
    for constraint in ours.iter().filter(|own| !theirs.contains(own)) {
        found.note(format!("only the target has on {table}: {constraint}"));
    }
    for constraint in theirs.iter().filter(|their| !ours.contains(their)) {
        found.note(format!("only the source has on {table}: {constraint}"));
    }
}

#[derive(Default)]
struct Differences(Vec<Difference>);

impl Differences {
    fn fatal(&mut self, difference: String) {
        self.0.push(Difference {
            loses_data: true,
            difference,
        });
    }

    fn note(&mut self, difference: String) {
        self.0.push(Difference {
            loses_data: false,
            difference,
        });
    }

    fn end(self) -> Result<Vec<Difference>> {
        let texts = |loses_data: bool| -> Vec<&str> {
            let of_kind = self.0.iter().filter(|one| one.loses_data == loses_data);
            of_kind.map(|one| one.difference.as_str()).collect()
        };
        let (fatal, notes) = (texts(true), texts(false));
        if fatal.is_empty() {
            return Ok(self.0);
        }
        let also = if notes.is_empty() {
            String::new()
        } else {
            format!(" (and without loss: {})", notes.join("; "))
        };
        Err(Hinted::new(
            format!(
                "the tables of the source and the target do not fit: {}{also}",
                fatal.join("; ")
            ),
            "Bring both databases to the same version of the application's schema.",
        )
        .into())
    }
}

#[cfg(test)]
mod tests {
    use clone_archive::Column;

    use super::*;

    fn column(name: &str, type_name: &str, not_null: bool) -> ServerColumn {
        ServerColumn {
            column: Column {
                name: name.to_owned(),
                type_name: type_name.to_owned(),
                not_null,
            },
            generated: false,
            default: None,
            collation: None,
        }
    }

    fn side(columns: Vec<ServerColumn>, constraints: &[&str]) -> ServerTables {
        let table = ServerTable {
            columns,
            constraints: Some(constraints.iter().map(|&text| text.to_owned()).collect()),
        };
        ServerTables::from([("app.t".to_owned(), table)])
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
        let source = side(
            vec![
                column("id", "integer", true),
                column("only here", "text", false),
                column("sum", "integer", false),
                column("about", "regclass[]", false),
            ],
            &[],
        );
        let computed = ServerColumn {
            generated: true,
            ..column("sum", "integer", false)
        };
        let target = side(
            vec![
                column("id", "bigint", true),
                column("new", "text", true),
                column("about", "regclass[]", false),
                computed,
            ],
            &[],
        );
        let error = compare(&mut rows(), &source, &target).unwrap_err().to_string();
        for part in [
            "column app.t.id is integer in the source and bigint in the target",
            "column app.t.only here is missing in the target",
            "column app.t.new is missing in the source and must not be NULL in the target",
            "column app.t.sum is generated in the target and not in the source",
            "column app.t.about is regclass[]: its numbers mean other objects in another database",
        ] {
            assert!(error.contains(part), "{error}");
        }
        let error = compare(&mut rows(), &ServerTables::new(), &target)
            .unwrap_err()
            .to_string();
        assert!(error.contains("table app.t is missing in the source"), "{error}");
    }

    #[test]
    fn differences_that_lose_nothing_are_listed_and_no_error() {
        let source = side(
            vec![
                column("z", "text", false),
                column("id", "integer", true),
                ServerColumn {
                    generated: true,
                    ..column("was_computed", "text", false)
                },
            ],
            &["PRIMARY KEY (id)", "CHECK ((z <> ''::text))"],
        );
        let target = side(
            vec![
                column("id", "integer", true),
                column("new", "text", false),
                column("was_computed", "text", false),
                ServerColumn {
                    default: Some("'x'::text".to_owned()),
                    collation: Some("C".to_owned()),
                    ..column("z", "text", true)
                },
            ],
            &["PRIMARY KEY (id)", "UNIQUE (z)"],
        );
        let mut tables = rows();
        let differences = compare(&mut tables, &source, &target).unwrap();
        assert_eq!(tables[0].columns, ["id"]);
        assert_eq!(
            tables[0].query(),
            "SELECT t.\"id\" FROM app.t AS t WHERE t.id = 1"
        );
        let texts: Vec<&str> = differences
            .iter()
            .map(|one| {
                assert!(!one.loses_data);
                one.difference.as_str()
            })
            .collect();
        assert_eq!(
            texts,
            [
                "column app.t.z may be NULL in the source and not in the target",
                "column app.t.z has the collation none in the source and C in the target",
                "column app.t.z has the default none in the source and 'x'::text in the target",
                "column app.t.new is missing in the source and gets NULL",
                "column app.t.was_computed is generated in the source and not in the target",
                "only the target has on app.t: UNIQUE (z)",
                "only the source has on app.t: CHECK ((z <> ''::text))",
            ]
        );
    }
}
