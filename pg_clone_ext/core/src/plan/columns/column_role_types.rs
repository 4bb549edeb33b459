//! Which roles fit the type of a column. Checked before a run: values are read by their type's layout, so a role must not be
//! applied to a type that it does not fit.

use super::ColumnRole;
use crate::error::{Error, Result};
use crate::plan::quote;
use crate::plan::store::{Column, Store, Table, TableRole};
use crate::plan::table_copy::KeyKind;
use crate::plan::types::{holds_uuid_text, is_integer, is_key, is_key_array, is_numeric, is_text, is_time};

/// Whether a column of type `name` can hold the id of a project whose key has type `project`. The column's type reads
/// the text form of the key, so the type of the key always fits.
fn holds_project(name: &str, project: &str) -> bool {
    let without_length = |name: &str| name.split('(').next().unwrap_or_default().to_owned();
    let is_number = |name: &str| is_integer(name) || is_numeric(name);
    // Keys of desktop databases arrive as double precision.
    let holds_number = is_number(name) || name == "double precision";
    if without_length(name) == without_length(project) || holds_number && is_number(project) {
        return true;
    }
    is_key(name)
        && match KeyKind::of(project) {
            KeyKind::Uuid => name == "uuid" || holds_uuid_text(name),
            kind => is_text(name) || KeyKind::of(name) == kind,
        }
}

/// Why a column cannot have its role, and which types can; None if it can. `project` is the type of the project's id.
fn misfit(column: &Column, project: Option<&str>, follows_constraints: bool) -> Option<&'static str> {
    let name = column.type_name.as_str();
    let (fits, possible) = match column.role {
        ColumnRole::Keep | ColumnRole::Default | ColumnRole::Value(_) => return None,
        ColumnRole::Null => (
            !column.not_null,
            "null is possible in columns that are not NOT NULL",
        ),
        ColumnRole::Expression(_) => return None,
        ColumnRole::LargeObject => (
            name == "oid" || is_integer(name) || is_text(name),
            "large_object is possible in columns of type oid, of domains over it such as lo, and of the types of integers and texts",
        ),
        // Inferred roles follow the constraints; a column without a key is kept.
        ColumnRole::Map(_) | ColumnRole::Rewrite | ColumnRole::Key
            if follows_constraints && column.inferred() =>
        {
            return None;
        }
        ColumnRole::Random | ColumnRole::Template(_) => (
            is_text(name) || is_integer(name) && column.keys.holds.is_some(),
            "random, suffix and template are possible in columns of type text, character varying and character",
        ),
        ColumnRole::Map(_) => (
            is_key(name) || is_key_array(name) || column.keys.holds.is_some(),
            "map is possible in columns of type uuid, smallint, integer, bigint, text and character varying, and in arrays uuid[], text[] and character varying[]; other arrays, documents and paths are declared with clone.store_reference(…)",
        ),
        ColumnRole::Rewrite => (
            is_text(name) || is_key_array(name) || matches!(name, "uuid" | "json" | "jsonb"),
            "rewrite is possible in columns of type json, jsonb, uuid, text and character varying, and in arrays uuid[], text[] and character varying[]",
        ),
        ColumnRole::Project => (
            project.map_or(is_key(name), |project| holds_project(name, project)),
            "project is possible in columns of the type of the project's id, of another integer type, numeric or double precision if that is a number, or of type text",
        ),
        ColumnRole::Version => (
            is_key(name),
            "version is possible in columns of type uuid, text, smallint, integer and bigint",
        ),
        ColumnRole::Key => (
            is_integer(name) || column.keys.holds.is_some(),
            "key is possible in columns of type smallint, integer and bigint",
        ),
        ColumnRole::Name => (
            is_text(name) || name == "name",
            "name is possible in columns of type text and character varying",
        ),
        ColumnRole::Owner => (
            is_key(name),
            "owner is possible in columns of type text, uuid, smallint, integer and bigint",
        ),
        ColumnRole::Now => (
            is_time(name),
            "now is possible in columns of type timestamp, date and time, with or without time zone",
        ),
        ColumnRole::NewUuid => (
            name == "uuid" || holds_uuid_text(name),
            "new_uuid is possible in columns of type uuid, and of text types of 36 characters or more",
        ),
    };
    (!fits).then_some(possible)
}

impl Store {
    /// Whether the rows of a table belong to their project by a column above all: its project column, or the one that names its parent.
    fn is_owner(&self, table: &Table, column: &str) -> bool {
        let named = |name: &Option<String>| name.as_deref() == Some(column);
        if table.role == TableRole::Project {
            return false;
        }
        if table.project_column.is_some() {
            return named(&table.project_column);
        }
        match table.ways(self).as_slice() {
            [only] => only.columns.iter().any(|name| name == column),
            _ => named(&table.join_column),
        }
    }

    /// Whether another value of a column could give a row to another project: a column of any way in which the rows of its table belong.
    pub fn belongs_by(&self, table: &Table, column: &str) -> bool {
        let of_way = |columns: &[String]| columns.iter().any(|name| name == column);
        table.role != TableRole::Project
            && (table.project_column.as_deref() == Some(column)
                || table.join_column.as_deref() == Some(column)
                || table.ways(self).iter().any(|way| of_way(&way.columns))
                || table.keys.within.iter().any(|way| of_way(&way.columns)))
    }

    /// A key or a column role that does not fit the type of its column is an error (22023) with the column and the possible
    /// types.
    pub fn check_types(&self) -> Result<()> {
        self.tables
            .iter()
            .try_for_each(|table| self.check_types_of(table))
    }

    /// The same for one table.
    pub fn check_types_of(&self, table: &Table) -> Result<()> {
        let keys = [&table.id_column, &table.project_column, &table.join_column];
        for column in keys.into_iter().flatten().filter_map(|name| table.column(name)) {
            if !is_key(&column.type_name) && !self.follows_constraints() {
                return Err(refuse(
                    table,
                    column,
                    "be a key",
                    "Keys are of type uuid, smallint, integer, bigint, text or character varying.",
                ));
            }
        }
        let project = self.tables.iter().find(|table| table.role == TableRole::Project);
        let project = project
            .and_then(|table| table.column(table.id_column.as_deref()?))
            .map(|column| column.type_name.as_str());
        for column in &table.columns {
            if column.keys.nondeterministic && column.keys.holds.is_some() {
                return Err(refuse(
                    table,
                    column,
                    "be a key under a collation that finds different texts equal",
                    "Give it a deterministic collation, or another role: SELECT clone.store_column(…, 'keep').",
                ));
            }
            let given_by_run =
                KeyKind::of(&column.type_name) == KeyKind::Uuid || table.role == TableRole::Project;
            if matches!(column.role, ColumnRole::Expression(_))
                && table.id_column.as_ref() == Some(&column.name)
                && given_by_run
            {
                return Err(refuse(
                    table,
                    column,
                    "have the role expression as the key of the rows",
                    "New UUIDs are made by the extension, and the new project's id is given with options.target; key and map are possible.",
                ));
            }
            if !column.inferred() && self.is_owner(table, &column.name) && !column.names_row_of_clone() {
                return Err(Error::bad_argument(format!(
                    "rows of {} belong to their project by column {}, which cannot have the role {}",
                    table.sql_name,
                    column.name,
                    column.role.word()
                ))
                .hint("Rows of the clone would belong to another project. The roles project and map give it the clone's own key."));
            }
            if let Some(possible) = misfit(column, project, self.follows_constraints()) {
                return Err(refuse(
                    table,
                    column,
                    &format!("have the role {}", column.role.word()),
                    &format!("{possible}; keep is always possible: SELECT clone.store_column(…, 'keep')."),
                ));
            }
        }
        Ok(())
    }
}

fn refuse(table: &Table, column: &Column, what: &str, possible: &str) -> Error {
    // A column that accepts no NULL can have any role but that.
    let not_null = if column.not_null && column.role == ColumnRole::Null {
        " NOT NULL"
    } else {
        ""
    };
    Error::bad_argument(format!(
        "column {} of {} has type {}{not_null}, which cannot {what}",
        column.name, table.sql_name, column.type_name
    ))
    .hint(possible)
}

/// The roles that are possible for the column, as the end of a call of `clone.store_column` and further ones.
pub fn new_value_roles(table: &Table, column: &Column) -> String {
    let null = if column.not_null { "" } else { "'null', " };
    if is_text(&column.type_name) {
        return format!(
            "'suffix'), or 'random', {null}'default', or 'template' with value => '{{value}}-copy-{{n}}'"
        );
    }
    if column.type_name == "uuid" {
        return format!("'new_uuid'), or {null}'default'");
    }
    let mut roles: Vec<String> = Vec::new();
    if column.keys.default.is_some() || column.keys.sequence.is_some() {
        roles.push("'default'".to_owned());
    }
    // A document is more than the member that has to be unique.
    let is_document = matches!(column.type_name.as_str(), "json" | "jsonb");
    if !column.not_null && !is_document {
        roles.push("'null'".to_owned());
    }
    let name = quote::identifier(&column.name);
    let value = match KeyKind::of(&column.type_name) {
        KeyKind::Int => format!(
            "$$(SELECT pg_catalog.max(m.{name}) FROM {} AS m) + {name}$$",
            table.sql_name
        ),
        _ => format!("'an SQL expression of type {} over the row'", column.type_name),
    };
    match roles.split_first() {
        None => format!("'expression', value => {value})"),
        Some((first, [])) => format!("{first}), or 'expression' with value => {value}"),
        Some((first, others)) => format!(
            "{first}), or {}, or 'expression' with value => {value}",
            others.join(", or ")
        ),
    }
}
