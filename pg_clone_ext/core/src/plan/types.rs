//! Which roles fit the type of a column. Checked before a run: values are read by their type's layout, so a role must not be
//! applied to a type that it does not fit.

use super::store::{Column, ColumnRole, Store, Table, TableRole};
use super::table_copy::KeyKind;
use crate::error::{Error, Result};

/// Whether `format_type`'s name is that of a text type stored as a varlena.
pub fn is_text(type_name: &str) -> bool {
    matches!(
        type_name,
        "text" | "citext" | "character varying" | "character" | "bpchar"
    ) || type_name.ends_with(".citext")
        || (type_name.starts_with("character") && type_name.ends_with(')'))
}

/// Whether that text type compares byte by byte (trailing blanks of `character` aside), so that its bytes are the key.
pub fn is_plain_text(type_name: &str) -> bool {
    is_text(type_name) && !type_name.ends_with("citext")
}

/// Whether `format_type`'s name is that of `numeric`, with or without precision and scale.
pub fn is_numeric(type_name: &str) -> bool {
    type_name == "numeric" || type_name.starts_with("numeric(")
}

/// The first word of `format_type`'s name, without modifiers; empty for an array.
fn first_word(type_name: &str) -> &str {
    let word = type_name.split(['(', ' ']).next().unwrap_or_default();
    if type_name.ends_with(']') { "" } else { word }
}

/// Whether `format_type`'s name is that of a number, a truth value, or a date or time, none of which spells a key of another kind.
/// Arrays are not.
pub fn is_number_or_time(type_name: &str) -> bool {
    is_time_or_interval(type_name)
        || matches!(
            first_word(type_name),
            "smallint" | "integer" | "bigint" | "oid" | "boolean" | "real" | "double" | "numeric" | "money"
        )
}

/// Whether `hash_record` accepts values of a type: of those that are known here, `money` has no hash function.
pub fn has_hash(type_name: &str) -> bool {
    is_text(type_name) || is_number_or_time(type_name) && type_name != "money"
}

/// A decimal number in the form of `trim_scale`, so that equal numbers have the same text; None if it is not a number.
pub fn canonical_numeric(text: &str) -> Option<String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let number = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !number(whole) || !number(fraction) || whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
    let whole = if whole.is_empty() { "0" } else { whole };
    Some(match (sign, whole, fraction) {
        (_, "0", "") => "0".to_owned(),
        (sign, whole, "") => format!("{sign}{whole}"),
        (sign, whole, fraction) => format!("{sign}{whole}.{fraction}"),
    })
}

/// Whether a type is read as a key by its layout.
pub fn is_key(type_name: &str) -> bool {
    matches!(type_name, "uuid" | "smallint" | "integer" | "bigint") || is_text(type_name)
}

fn is_key_array(type_name: &str) -> bool {
    matches!(type_name, "uuid[]" | "text[]")
        || (type_name.starts_with("character varying") && type_name.ends_with("[]"))
}

/// The length that a type allows, for `character varying(n)` and `character(n)`.
fn text_length(type_name: &str) -> Option<usize> {
    let (_, rest) = type_name.split_once('(')?;
    rest.strip_suffix(')')?.parse().ok()
}

/// Characters of a UUID as text.
const UUID_TEXT: usize = 36;

fn holds_uuid_text(type_name: &str) -> bool {
    is_text(type_name) && text_length(type_name).is_none_or(|length| length >= UUID_TEXT)
}

/// Whether a type can hold a timestamp, a date or a time of day.
fn is_time(type_name: &str) -> bool {
    let word = first_word(type_name);
    type_name == "date" || (matches!(word, "timestamp" | "time") && type_name.ends_with(" time zone"))
}

/// The same, or a span of time.
pub fn is_time_or_interval(type_name: &str) -> bool {
    is_time(type_name) || first_word(type_name) == "interval"
}

fn is_integer(type_name: &str) -> bool {
    KeyKind::of(type_name) == KeyKind::Int
}

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

/// Whether a role gives a column the key of a row of the clone.
fn names_owner(column: &Column) -> bool {
    match column.role {
        ColumnRole::Project | ColumnRole::Map(_) | ColumnRole::Key | ColumnRole::Rewrite => true,
        // The server computes it of other columns.
        ColumnRole::Default => column.generated,
        _ => false,
    }
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
            if !column.inferred() && self.is_owner(table, &column.name) && !names_owner(column) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_types_whose_layout_is_known_are_read_as_text_or_keys() {
        for name in ["text", "character varying(20)", "character(3)", "public.citext"] {
            assert!(is_text(name), "{name}");
        }
        for name in [
            "name",
            "\"char\"",
            "numeric",
            "date",
            "app.mood",
            "character varying[]",
            "bytea",
        ] {
            assert!(!is_text(name) && !is_key(name), "{name}");
        }
    }

    #[test]
    fn equal_decimal_numbers_have_one_spelling() {
        for (given, canonical) in [
            ("1.50", "1.5"),
            ("+007", "7"),
            ("100.00", "100"),
            ("-0.0", "0"),
            ("-.50", "-0.5"),
            ("100", "100"),
            ("9007199254740993", "9007199254740993"),
        ] {
            assert_eq!(canonical_numeric(given).as_deref(), Some(canonical), "{given}");
        }
        for given in ["", ".", "-", "1e3", "NaN", "1.2.3", "one", "--1"] {
            assert_eq!(canonical_numeric(given), None, "{given}");
        }
    }

    #[test]
    fn moments_and_texts_that_hold_a_uuid_are_told_by_their_names() {
        for name in [
            "date",
            "timestamp without time zone",
            "timestamp(0) with time zone",
            "time(3) without time zone",
            "time with time zone",
        ] {
            assert!(is_time(name), "{name}");
        }
        for name in [
            "interval",
            "timestamp with time zone[]",
            "app.timestamp",
            "timerange",
            "text",
            "date[]",
        ] {
            assert!(!is_time(name), "{name}");
        }
        for name in [
            "text",
            "character varying",
            "character varying(36)",
            "character(40)",
            "public.citext",
        ] {
            assert!(holds_uuid_text(name), "{name}");
        }
        for name in ["character varying(35)", "character(1)", "uuid", "jsonb", "name"] {
            assert!(!holds_uuid_text(name), "{name}");
        }
    }

    #[test]
    fn types_with_modifiers_count_and_arrays_do_not() {
        for type_name in [
            "integer",
            "numeric(10,2)",
            "double precision",
            "timestamp(3) without time zone",
            "interval day to second",
        ] {
            assert!(is_number_or_time(type_name), "{type_name}");
        }
        for type_name in [
            "integer[]",
            "numeric(10,2)[]",
            "timestamp without time zone[]",
            "interval[]",
            "text",
            "uuid",
            "timestamps",
            "public.integer",
        ] {
            assert!(!is_number_or_time(type_name), "{type_name}");
            assert_eq!(has_hash(type_name), type_name == "text", "{type_name}");
        }
        assert!(has_hash("double precision") && !has_hash("money"));
    }
}
