//! The form of a store's description as a JSON document (`clone.store_export`): checked as a whole before anything of it is used.

use crate::error::{Error, Result, shown};
use crate::nearest::did_you_mean;
use crate::plan::{ColumnRole, TableRole};
use serde_json::Value;

/// What may stand at a place. A member that is null is one that is missing.
enum Form {
    Anything,
    Text,
    Word(&'static [&'static str]),
    Number,
    Boolean,
    One,
    /// An array whose elements have this form.
    List(&'static Form),
    /// An object whose members, of any name, have this form.
    Named(&'static Form),
    /// An object with these members; the boolean: it must be there.
    Members(&'static [(&'static str, bool, Form)]),
    /// An object whose members are not examined here.
    Object,
}

use Form::{Anything, Boolean, List, Members, Named, Number, Object, One, Text, Word};

const COLUMN: Form = Members(&[
    ("role", true, Word(ColumnRole::WORDS)),
    ("target", false, Text),
    ("value", false, Text),
    ("why", false, Text),
    ("type", false, Text),
]);

const TABLE: Form = Members(&[
    ("table", true, Text),
    ("role", true, Word(TableRole::WORDS)),
    ("position", false, Number),
    ("resource_type", false, Text),
    ("type_column", false, Text),
    ("id_column", false, Text),
    ("project_column", false, Text),
    ("parents", false, List(&Text)),
    ("join_column", false, Text),
    ("document_column", false, Text),
    ("document_inferred", false, Boolean),
    ("version_path", false, List(&Text)),
    ("live", false, Text),
    ("cloned", false, Boolean),
    ("blob_key", false, Text),
    ("blob_type", false, Text),
    ("comment", false, Text),
    ("schema_name", false, Text),
    ("table_name", false, Text),
    ("columns", false, Named(&COLUMN)),
]);

const REFERENCE: Form = Members(&[
    ("table", true, Text),
    ("column", true, Text),
    ("target", true, Text),
    ("target_column", true, Text),
    ("form", true, Word(&["column", "array", "json", "path"])),
    ("path", false, Text),
    ("condition", false, Text),
    ("type_column", false, Text),
    ("type_values", false, List(&Text)),
    ("separators", false, Text),
    ("reason", false, Text),
]);

const MEMBERSHIP: Form = Members(&[
    ("table", true, Text),
    ("columns", true, List(&Text)),
    ("parent", true, Text),
    ("parent_columns", true, List(&Text)),
    ("condition", false, Text),
    ("reason", false, Text),
]);

const RULE: Form = Members(&[
    ("resource_type", false, Text),
    ("path", true, Text),
    ("action", true, Word(&["remove", "set", "rename", "regenerate"])),
    ("value", false, Anything),
    ("when", false, Text),
    ("unless_cloned", false, Text),
    ("if_given", false, Word(&["name", "owner"])),
    ("columns", false, List(&Text)),
    ("todo", false, Text),
    ("position", false, Number),
]);

const OPEN: Form = Members(&[
    ("table", true, Text),
    ("column", true, Text),
    ("path", false, Text),
    ("severity", true, Word(&["error", "warning", "note"])),
    ("question", true, Text),
    ("answer", false, Text),
    ("otherwise", false, Text),
    ("target", false, Text),
]);

const PRESERVED: Form = Members(&[
    ("resource_type", true, Text),
    ("keep_added", false, Boolean),
    ("needs", false, List(&Text)),
]);

const SHARED: Form = Members(&[("table", true, Text), ("why", false, Text)]);
const NO_REFERENCE: Form = Members(&[
    ("table", true, Text),
    ("column", true, Text),
    ("path", false, Text),
]);

const DESCRIPTION: Form = Members(&[
    ("format", true, One),
    ("name", false, Text),
    ("preset", false, Text),
    ("options", false, Object),
    ("tables", true, List(&TABLE)),
    ("references", false, List(&REFERENCE)),
    ("memberships", false, List(&MEMBERSHIP)),
    ("shared", false, List(&SHARED)),
    ("rules", false, List(&RULE)),
    ("no_references", false, List(&NO_REFERENCE)),
    ("open", false, List(&OPEN)),
    ("preserved", false, List(&PRESERVED)),
    // Computed again from the tables.
    ("questions", false, List(&Anything)),
]);

const HINT: &str = "Give what clone.store_export() or clone.store_discover() returned.";

/// Checks the form of a description. An error (22023) names the path of the wrong member.
pub fn check(description: &Value) -> Result<()> {
    DESCRIPTION.check(description, "")
}

impl Form {
    fn check(&self, value: &Value, path: &str) -> Result<()> {
        let fits = match self {
            Anything => true,
            Text => value.is_string(),
            Word(_) => value.is_string(),
            Number => value.as_i64().is_some_and(|n| i32::try_from(n).is_ok()),
            Boolean => value.is_boolean(),
            One => value.as_u64() == Some(1),
            List(_) => value.is_array(),
            Named(_) | Members(_) | Object => value.is_object(),
        };
        if !fits {
            let what = if path.is_empty() {
                "this".to_owned()
            } else {
                format!("{path} of the description")
            };
            return Err(Error::bad_argument(format!(
                "{what} must be {}, not {}",
                self.called(),
                shown(&value.to_string())
            ))
            .hint(HINT));
        }
        match (self, value) {
            (Word(known), Value::String(word)) if !known.contains(&word.as_str()) => {
                Err(Error::bad_argument(format!(
                    "{path} of the description has the unknown value \"{}\"",
                    shown(word)
                ))
                .hint(format!(
                    "{}Values: {}.",
                    did_you_mean(word, known.iter().copied()),
                    known.join(", ")
                )))
            }
            (List(form), Value::Array(elements)) => elements
                .iter()
                .enumerate()
                .try_for_each(|(place, element)| form.check(element, &format!("{path}[{place}]"))),
            (Named(form), Value::Object(members)) => members
                .iter()
                .try_for_each(|(name, member)| form.check(member, &below(path, name))),
            (Members(known), Value::Object(members)) => {
                for (name, required, form) in *known {
                    match members.get(*name) {
                        Some(Value::Null) | None if *required => {
                            return Err(Error::bad_argument(format!(
                                "{} of the description is missing",
                                below(path, name)
                            ))
                            .hint(HINT));
                        }
                        Some(Value::Null) | None => {}
                        Some(member) => form.check(member, &below(path, name))?,
                    }
                }
                match members
                    .keys()
                    .find(|name| known.iter().all(|(other, ..)| other != name))
                {
                    None => Ok(()),
                    Some(unknown) => Err(Error::bad_argument(format!(
                        "{} of the description is unknown",
                        below(path, unknown)
                    ))
                    .hint(format!(
                        "{}Members here: {}.",
                        did_you_mean(unknown, known.iter().map(|(name, ..)| *name)),
                        known
                            .iter()
                            .map(|(name, ..)| *name)
                            .collect::<Vec<_>>()
                            .join(", ")
                    ))),
                }
            }
            _ => Ok(()),
        }
    }

    fn called(&self) -> &'static str {
        match self {
            Anything => "any value",
            Text | Word(_) => "a text",
            Number => "a whole number of four bytes",
            Boolean => "true or false",
            One => "1",
            List(_) => "an array",
            Named(_) | Members(_) | Object => "an object",
        }
    }
}

fn below(path: &str, name: &str) -> String {
    let name = shown(name);
    if path.is_empty() {
        name
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::check;
    use serde_json::{Value, json};

    fn refused(description: &Value) -> String {
        check(description).unwrap_err().message
    }

    #[test]
    fn the_path_of_a_wrong_member_is_named() {
        let table = json!({"table": "org", "role": "project", "columns": {"name": {"role": "name"}}});
        let mut description = json!({"format": 1, "name": "s", "tables": [table]});
        check(&description).unwrap();
        assert_eq!(refused(&json!([])), "this must be an object, not []");
        assert_eq!(
            refused(&json!({"format": 1})),
            "tables of the description is missing"
        );
        description["tables"][0]["columns"]["name"]["role"] = json!("nme");
        let error = check(&description).unwrap_err();
        assert_eq!(
            error.message,
            "tables[0].columns.name.role of the description has the unknown value \"nme\""
        );
        assert!(error.hint.starts_with("Did you mean \"name\"?"), "{}", error.hint);
        description["tables"][0]["columns"]["name"] = json!({"role": "name", "tarqet": "x"});
        assert_eq!(
            refused(&description),
            "tables[0].columns.name.tarqet of the description is unknown"
        );
        description["tables"][0]["columns"] = json!(null);
        description["tables"][0]["position"] = json!(1e10);
        assert_eq!(
            refused(&description),
            "tables[0].position of the description must be a whole number of four bytes, not 10000000000.0"
        );
    }
}
