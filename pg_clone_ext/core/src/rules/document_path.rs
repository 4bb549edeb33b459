//! Places of a document that hold keys: a JSONPath, and what every key there becomes.

use super::evaluate::steps;
use crate::edit::{Edit, Step, value};
use serde_json::Value;
use serde_json_path::JsonPath;

/// A JSONPath (RFC 9535). With a `~` at its end it means the names of the members it finds, not their values.
pub struct DocumentPath {
    path: JsonPath,
    names: bool,
}

impl DocumentPath {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let (path, names) = match text.strip_suffix('~') {
            Some(path) => (path, true),
            None => (text, false),
        };
        JsonPath::parse(path)
            .map(|path| DocumentPath { path, names })
            .map_err(|error| error.message().to_owned())
    }

    /// Calls `each` with the text of every key at this path: strings, numbers, or names of members.
    pub fn each_key(&self, document: &Value, each: &mut dyn FnMut(&str)) {
        let mut places: Vec<Vec<Step>> = self.path.query_located(document).locations().map(steps).collect();
        places.sort_unstable();
        places.dedup();
        for place in places {
            match (self.names, place.last(), value::get(document, &place)) {
                (true, Some(Step::Key(name)), _) => each(name),
                (false, _, Some(Value::String(text))) => each(text),
                (false, _, Some(Value::Number(number))) => each(&number.to_string()),
                _ => {}
            }
        }
    }

    /// The edits that give every key at this path its new value; `new` says what the text of one becomes, if it changes.
    /// A number stays a number if its new value is one.
    ///
    /// # Errors
    /// What `new` says.
    pub fn edits<E>(
        &self,
        document: &Value,
        new: &mut dyn FnMut(&str) -> Result<Option<String>, E>,
    ) -> Result<Vec<Edit>, E> {
        let mut places: Vec<Vec<Step>> = self.path.query_located(document).locations().map(steps).collect();
        // The last in the document first: a renamed member moves no place still to come.
        places.sort_unstable_by(|a, b| b.cmp(a));
        places.dedup();
        let mut edits = Vec::new();
        for place in places {
            if self.names {
                if let Some(Step::Key(name)) = place.last()
                    && let Some(to) = new(name)?
                {
                    edits.push(Edit::rename(place, to));
                }
                continue;
            }
            match value::get(document, &place) {
                Some(Value::String(text)) => {
                    if let Some(to) = new(text)? {
                        edits.push(Edit::set(place, to));
                    }
                }
                Some(Value::Number(number)) => {
                    if let Some(to) = new(&number.to_string())? {
                        let to = to.parse::<i64>().map_or(Value::String(to), Value::from);
                        edits.push(Edit::set(place, to));
                    }
                }
                _ => {}
            }
        }
        Ok(edits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::edit::value::apply;
    use serde_json::json;

    fn edited(path: &str, mut document: Value) -> Value {
        let edits = DocumentPath::parse(path)
            .unwrap()
            .edits::<()>(&document, &mut |key| Ok((key != "7").then(|| format!("{key}0"))))
            .unwrap();
        for edit in &edits {
            apply(&mut document, edit).unwrap();
        }
        document
    }

    #[test]
    fn numbers_stay_numbers_and_texts_texts() {
        assert_eq!(
            edited(
                "$.items[*].id",
                json!({"id": 1, "items": [{"id": 1}, {"id": "2"}, {"id": 7}, {"id": null}]})
            ),
            json!({"id": 1, "items": [{"id": 10}, {"id": "20"}, {"id": 7}, {"id": null}]})
        );
    }

    #[test]
    fn a_tilde_means_the_names_of_members() {
        assert_eq!(
            edited("$.by.*~", json!({"by": {"1": "left", "7": "x"}, "1": 1})),
            json!({"by": {"10": "left", "7": "x"}, "1": 1})
        );
        assert!(DocumentPath::parse("by[").is_err());
    }
}
