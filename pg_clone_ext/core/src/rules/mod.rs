//! Document rules of a store: what a clone's documents lose, gain or change besides their ids.
//!
//! Rules are data: rows of the catalog, read as [`Rule`], compiled once per run into a [`RuleSet`] together with the
//! [`Arguments`] of the call, then evaluated against each document of the types they speak of. The outcome is a
//! list of edits, the columns that must follow, and what the operator is to be told.

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
pub use document_path::{DocumentPath, KeyAt};
pub use error::RuleError;
pub use evaluate::{Context, Outcome};
pub use singular::steps as singular_path;

use crate::depth::DepthError;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One rule. Without a condition it applies to every document of its type.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "catalog_row::RuleRow", into = "catalog_row::RuleRow")]
pub struct Rule {
    /// The resource type it speaks of; `None`: every type.
    pub resource_type: Option<String>,
    /// The places it changes: a JSONPath (RFC 9535).
    pub path: String,
    /// What it does there.
    pub action: Action,
    /// Applies only when this filter expression (RFC 9535) holds, `@` being the document:
    /// `@.channel.type == 'rest-hook'`. A comparison costs under a microsecond, `match` or `search` about 70, for the
    /// expression is compiled at each use: put them on types with few documents.
    pub when: Option<String>,
    /// Applies not when a string at this JSONPath names a cloned resource.
    pub unless_cloned: Option<String>,
    /// Applies only when the call gave this argument.
    pub if_given: Option<String>,
    /// Columns of the row that get the same value: `null` for a removal.
    pub columns: Vec<String>,
    /// What the operator must do where the rule changed something. May hold placeholders.
    pub todo: Option<String>,
}

/// What a rule does at its path.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Takes every selected member or element away.
    Remove,
    /// Gives every selected place this value. Where the path is a singular one (names and indexes only) and its last
    /// member is missing, the member is added, if its parent is there. Strings in the value may hold placeholders:
    /// `{source_id}` and `{target_id}` (the resource's id before and after) and the arguments of the call; `{{` and
    /// `}}` stand for braces.
    Set(Value),
    /// Gives every selected member this name.
    Rename(String),
    /// Gives every selected place a new random value.
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

/// Steps of paths to places of a document, all together, that a JSONPath may have to write down.
const STEPS: usize = 4_000_000;
/// A document whose places lie no deeper than this on average is refused for its size alone by nobody.
const ORDINARY: usize = 64;

/// Refuses a document of which a path that selects many places would need far more memory than it has itself: each
/// place is written down with all steps to it.
fn check_paths(document: &Value) -> Result<(), DepthError> {
    fn count(value: &Value, level: usize, places: &mut usize, steps: &mut usize) {
        *places += 1;
        *steps += level;
        match value {
            Value::Array(elements) => elements
                .iter()
                .for_each(|child| count(child, level + 1, places, steps)),
            Value::Object(members) => members
                .values()
                .for_each(|child| count(child, level + 1, places, steps)),
            _ => {}
        }
    }
    let (mut places, mut steps) = (0, 0);
    count(document, 0, &mut places, &mut steps);
    if steps > STEPS && steps > ORDINARY * places {
        return Err(DepthError::TooManySteps(steps));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
