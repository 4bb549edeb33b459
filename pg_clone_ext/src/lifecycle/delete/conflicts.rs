//! Conflicts of a deletion, and how they are told.

use super::below::Below;
use super::dependent_rows::MAX_DEPTH;
use super::foreign_keys::ForeignKey;
use crate::pg::privileges::{self, Privilege};
use crate::pg::query::snapshot::Seen;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Oid, Table};
use serde_json::{Value, json};
use std::borrow::Cow;

/// Maximum number of conflicts in a message.
const LISTED: usize = 20;
/// Maximum number of keys of rows in a message.
pub const KEYS_SHOWN: usize = 5;

/// Rows of one table that conflict for one reason.
pub struct Conflict {
    /// Their table.
    pub relation: String,
    /// Their number.
    pub rows: i64,
    /// Keys of some of them.
    pub keys: Vec<String>,
    /// How they depend on the deleted rows; `{s}` stands for the ending of the singular.
    pub why: String,
    /// For rows that must be deleted too if conflicts are allowed: their table and the condition on its rows `t`.
    pub also_deleted: Option<(String, String)>,
    /// Their table, if the store does not describe it.
    pub outside: Option<Oid>,
    /// The foreign key whose action would delete or change them and is disabled.
    pub disabled_key: Option<String>,
    /// Whether the search ended there: rows that refer to them are not searched.
    pub is_last: bool,
}

impl Conflict {
    /// No row yet of a described table that stays even if conflicts are allowed; `why` is [`Conflict::why`].
    pub fn new(table: &Table, why: String) -> Self {
        Conflict {
            relation: table.sql_name.clone(),
            rows: 0,
            keys: Vec::new(),
            why,
            also_deleted: None,
            outside: None,
            disabled_key: None,
            is_last: false,
        }
    }

    /// Counts a row with this key.
    pub fn add_row(&mut self, key: Option<Cow<'_, str>>) {
        self.rows += 1;
        if self.keys.len() < KEYS_SHOWN {
            self.keys.extend(key.map(Cow::into_owned));
        }
    }

    /// As a sentence without a full stop.
    fn sentence(&self) -> String {
        let keys = if self.keys.is_empty() {
            String::new()
        } else {
            format!("; keys: {}", self.keys.join(", "))
        };
        format!("{}{keys}", self.words())
    }

    fn words(&self) -> String {
        let rows = if self.rows == 1 { "row" } else { "rows" };
        format!("{} {rows} of {} {}", self.rows, self.relation, self.why())
    }

    /// How the rows depend on the deleted ones, in singular or plural.
    fn why(&self) -> String {
        self.why.replace("{s}", if self.rows == 1 { "s" } else { "" })
    }

    fn is_left_by(&self, key: &str) -> Error {
        Error::new(
            Code::WrongState,
            format!("the action of foreign key \"{key}\" is disabled, and {}", self.words()),
        )
        .hint("SET session_replication_role = origin, and enable the triggers of the referenced table: ALTER TABLE … ENABLE TRIGGER ALL.")
    }

    fn is_too_deep(&self) -> Error {
        Error::new(
            Code::Unsupported,
            format!(
                "rows of {} would be deleted too, through more than {MAX_DEPTH} foreign keys in a row",
                self.relation
            ),
        )
        .detail("They refer to each other, directly or through other rows.")
        .hint("Delete or move the rows first that refer to rows of the project; without others = include the error lists them.")
    }

    /// For the report of a deletion.
    pub fn json(&self) -> Value {
        json!({"relation": self.relation, "rows": self.rows, "keys": self.keys, "why": self.why()})
    }
}

/// The conflicts of a deletion.
#[derive(Default)]
pub struct Conflicts {
    pub found: Vec<Conflict>,
    /// Foreign keys that can be deferred until the project's rows exist again.
    pub deferred: Vec<String>,
    /// Foreign keys with an action, and what they refer to.
    pub acting: Vec<(ForeignKey, Below)>,
    /// What the search has seen of other transactions.
    pub seen: Seen,
}

impl Conflicts {
    /// For the report of a deletion.
    pub fn json(&self) -> Value {
        self.found.iter().map(Conflict::json).collect()
    }

    /// An error (23503) that lists them, if there are any. `what` is what cannot be done to the project.
    pub fn refuse(&self, project: &str, what: &str, hint: &str) -> Result<()> {
        let Some(first) = self.found.first() else {
            return Ok(());
        };
        let more = match self.found.len() {
            1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        let detail: Vec<String> = self
            .found
            .iter()
            .take(LISTED)
            .map(|conflict| format!("{}.", conflict.sentence()))
            .collect();
        Err(Error::new(
            Code::Dangling,
            format!("project \"{project}\" cannot be {what}: {}{more}", first.words()),
        )
        .detail(detail.join("\n"))
        .hint(hint))
    }

    /// Checks, if conflicts are allowed, that their rows can be deleted or changed with those of the project. Requires DELETE on the tables
    /// whose rows must be deleted too (42501); on those of the store it was checked before. Refuses rows of which the search has not found
    /// all that refer to them (0A000), and actions of foreign keys that are disabled (55000): rows would refer to rows that are gone.
    pub fn check_others(&self) -> Result<()> {
        for conflict in &self.found {
            if let (Some(table), Some(_)) = (conflict.outside, &conflict.also_deleted) {
                privileges::check_table(table, &conflict.relation, &[(Privilege::Delete, &[])])?;
            }
            if let Some(key) = &conflict.disabled_key {
                return Err(conflict.is_left_by(key));
            }
            if conflict.is_last {
                return Err(conflict.is_too_deep());
            }
        }
        Ok(())
    }

    /// Rows that must be deleted too if conflicts are allowed.
    pub fn also_deleted(&self) -> Vec<(String, String)> {
        self.found
            .iter()
            .filter_map(|conflict| conflict.also_deleted.clone())
            .collect()
    }
}
