//! Document rules of a store: changes of a clone's documents other than their ids.
//!
//! Rules are data: rows of the catalog, read as [`Rule`], compiled once per run into a [`RuleSet`] together with the
//! [`Arguments`] of the call, then evaluated against each document of their types. The result is a
//! list of edits, the columns that get the same values, and tasks for the operator.

mod arguments;
mod catalog_row;
mod compile;
mod document_path;
mod error;
mod evaluate;
mod singular;
mod template;

pub use arguments::Arguments;
pub use compile::RuleSet;
pub use document_path::{DocumentPath, KeyAt, MASKED, Members, members_beside, name_of_two};
pub use error::RuleError;
pub use evaluate::{Context, RuleEdits};
pub use singular::steps as singular_path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One rule. Without a condition it applies to every document of its type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "catalog_row::RuleRow", into = "catalog_row::RuleRow")]
pub struct Rule {
    /// The resource type to which it applies; `None`: every type.
    pub resource_type: Option<String>,
    /// The places it changes: a JSONPath (RFC 9535).
    pub path: String,
    /// Its action at these places.
    pub action: Action,
    /// Applies only if this filter expression (RFC 9535) is true; `@` is the document:
    /// `@.channel.type == 'rest-hook'`. A comparison costs under a microsecond, `match` or `search` about 70, for the
    /// expression is compiled at each use: put them on types with few documents.
    pub when: Option<String>,
    /// Does not apply if a string at this JSONPath identifies a cloned resource.
    pub unless_cloned: Option<String>,
    /// Applies only if the call has this argument.
    pub if_given: Option<String>,
    /// Columns of the row that get the same value: `null` for a removal.
    pub columns: Vec<String>,
    /// A task for the operator if the rule changed something. Can contain placeholders.
    pub todo: Option<String>,
}

/// The action of a rule at its path.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Removes every selected member or element.
    Remove,
    /// Sets every selected place to this value. If the path is singular (names and indexes only) and its last
    /// member is missing, the member is added, if its parent exists. Strings in the value can contain placeholders:
    /// `{source_id}` and `{target_id}` (the resource's id before and after) and the arguments of the call; `{{` and
    /// `}}` stand for braces.
    Set(Value),
    /// Renames every selected member.
    Rename(String),
    /// Sets every selected place to a new random value.
    Regenerate(Kind),
}

/// The form of a random value. In a catalog row: `"uuid"`, or `{"hex": 32}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// This many random bytes (1 to 1,024) as lower-case hexadecimal digits.
    Hex(usize),
    /// A random UUID (version 4).
    Uuid,
}

#[cfg(test)]
mod tests;
