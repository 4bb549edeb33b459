//! The role of a column: its words in the catalog, and what is known of a column by its role alone.
//!
//! [`super::column_role_types`] says which types a role fits, [`super::column_action`] what is done with the values.

use crate::error::{Code, Error, Result};
use crate::plan::store::{Column, Oid};

/// The template of the role `suffix`.
pub const SUFFIX: &str = "{value}-{n}";

/// The role of a column: its value in the clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnRole {
    /// The source's value.
    Keep,
    /// The new value of the key; for keys that are not UUIDs, with the table of the key.
    Map(Option<Oid>),
    /// Ids inside a document, a text or an array are rewritten.
    Rewrite,
    /// The new project's id.
    Project,
    /// The new version id of the resource.
    Version,
    /// The next value of the column's sequence.
    Key,
    /// The `name` argument if given, otherwise the source's value.
    Name,
    /// The `owner` argument if given, otherwise the source's value.
    Owner,
    /// The transaction's time.
    Now,
    /// A random UUID.
    NewUuid,
    /// NULL.
    Null,
    /// A constant, in the type's text form.
    Value(String),
    /// Left out of the insert.
    Default,
    /// Random letters and digits of the same length and kinds.
    Random,
    /// A text with `{value}`, `{name}`, `{n}`, `{new_id}`, `{project}`.
    Template(String),
    /// The value of an SQL expression over the source's row.
    Expression(String),
    /// A copy of the large object.
    LargeObject,
}

impl ColumnRole {
    /// The catalog's words.
    pub const WORDS: &'static [&'static str] = &[
        "keep",
        "map",
        "rewrite",
        "project",
        "version",
        "key",
        "name",
        "owner",
        "now",
        "new_uuid",
        "null",
        "value",
        "default",
        "random",
        "suffix",
        "template",
        "expression",
        "large_object",
    ];

    /// Reads the catalog's words; an unknown one is an error (55000).
    pub fn parse(word: &str, target: Option<Oid>, value: Option<String>) -> Result<Self> {
        Ok(match word {
            "keep" => ColumnRole::Keep,
            "map" => ColumnRole::Map(target),
            "rewrite" => ColumnRole::Rewrite,
            "project" => ColumnRole::Project,
            "version" => ColumnRole::Version,
            "key" => ColumnRole::Key,
            "name" => ColumnRole::Name,
            "owner" => ColumnRole::Owner,
            "now" => ColumnRole::Now,
            "new_uuid" => ColumnRole::NewUuid,
            "null" => ColumnRole::Null,
            "value" => ColumnRole::Value(value.unwrap_or_default()),
            "default" => ColumnRole::Default,
            "random" => ColumnRole::Random,
            "suffix" => ColumnRole::Template(SUFFIX.to_owned()),
            "template" => ColumnRole::Template(value.unwrap_or_default()),
            "expression" => ColumnRole::Expression(value.unwrap_or_default()),
            "large_object" => ColumnRole::LargeObject,
            _ => {
                return Err(Error::new(
                    Code::Internal,
                    format!("unknown column role \"{word}\" in clone.store_column"),
                ));
            }
        })
    }

    /// The catalog's word.
    pub fn word(&self) -> &'static str {
        match self {
            ColumnRole::Keep => "keep",
            ColumnRole::Map(_) => "map",
            ColumnRole::Rewrite => "rewrite",
            ColumnRole::Project => "project",
            ColumnRole::Version => "version",
            ColumnRole::Key => "key",
            ColumnRole::Name => "name",
            ColumnRole::Owner => "owner",
            ColumnRole::Now => "now",
            ColumnRole::NewUuid => "new_uuid",
            ColumnRole::Null => "null",
            ColumnRole::Value(_) => "value",
            ColumnRole::Default => "default",
            ColumnRole::Random => "random",
            ColumnRole::Template(template) if template == SUFFIX => "suffix",
            ColumnRole::Template(_) => "template",
            ColumnRole::Expression(_) => "expression",
            ColumnRole::LargeObject => "large_object",
        }
    }

    /// Whether the run makes a new text for each row.
    pub fn makes_texts(&self) -> bool {
        matches!(self, ColumnRole::Random | ColumnRole::Template(_))
    }

    /// Whether a key gets the value that the description gives or makes, not one of a key that the run makes.
    pub fn gives_values(&self) -> bool {
        self.makes_texts() || matches!(self, ColumnRole::Value(_) | ColumnRole::Expression(_))
    }

    /// Whether the clone has the source's value, apart from ids inside of it.
    pub fn keeps_or_rewrites(&self) -> bool {
        matches!(self, ColumnRole::Keep | ColumnRole::Rewrite)
    }

    /// Whether the clone's value says what the source's says: it is the same, or names the clone's row in place of the source's.
    pub fn follows_source(&self) -> bool {
        self.keeps_or_rewrites() || matches!(self, ColumnRole::Map(_) | ColumnRole::Project | ColumnRole::Key)
    }

    /// Whether the value may be the key of a row that is cloned, by the role alone.
    pub fn holds_key(&self) -> bool {
        matches!(
            self,
            ColumnRole::Map(_)
                | ColumnRole::Rewrite
                | ColumnRole::Project
                | ColumnRole::Version
                | ColumnRole::Owner
        )
    }

    /// Whether each row gets a value that no other row has, or the new project's id: it differs from the source's.
    pub fn makes_new_value(&self) -> bool {
        self.makes_texts()
            || matches!(
                self,
                ColumnRole::Project | ColumnRole::Key | ColumnRole::NewUuid | ColumnRole::Version
            )
    }
}

impl Column {
    /// Whether the role gives the column the key of a row of the clone: rows may belong to their project by it.
    pub(super) fn names_row_of_clone(&self) -> bool {
        match self.role {
            ColumnRole::Project | ColumnRole::Map(_) | ColumnRole::Key | ColumnRole::Rewrite => true,
            // The server computes it of other columns.
            ColumnRole::Default => self.generated,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::ColumnRole;
    use crate::plan::columns::sql_list;

    #[test]
    fn the_words_of_column_roles_are_the_same_in_rust_and_in_sql() {
        for word in ColumnRole::WORDS {
            assert_eq!(ColumnRole::parse(word, None, None).unwrap().word(), *word);
        }
        for sql in [sql_list::CATALOG, sql_list::STORES] {
            assert_eq!(sql_list::words(sql, "('keep', 'map'"), ColumnRole::WORDS);
        }
        assert!(sql_list::STORES.contains(&format!("Roles: {}.", ColumnRole::WORDS.join(", "))));
    }
}
