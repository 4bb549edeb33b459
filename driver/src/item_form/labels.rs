//! Labels of paths in a form.

use serde_json::Value;

use super::schema::{Field, Kind};
use crate::output::printable::escape_json;

/// The steps of a JSON pointer.
pub fn steps(path: &str) -> impl Iterator<Item = String> + '_ {
    path.split('/')
        .skip(1)
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
}

/// The pointer to a member or element.
pub fn child(path: &str, step: &str) -> String {
    format!("{path}/{}", step.replace('~', "~0").replace('/', "~1"))
}

/// The titles along a path, e.g. `Approvals / Export controls / Obtained`; the member's name if it has no title, numbers
/// from 1 for elements.
pub fn label(schema: &Value, path: &str) -> String {
    let mut field = Some(Field::root(schema));
    let mut words = Vec::new();
    for step in steps(path) {
        let kind = field.map(|field| field.kind());
        let next = field.and_then(|field| match kind {
            Some(Kind::List) => field.element(),
            Some(Kind::Map) => field.entry(),
            _ => field.member(&step),
        });
        words.push(match (&kind, next.and_then(|field| field.title())) {
            (Some(Kind::List), _) => step
                .parse::<usize>()
                .map_or(step, |index| (index + 1).to_string()),
            (Some(Kind::Map), _) => step,
            (_, Some(title)) => title.to_owned(),
            _ => step,
        });
        field = next;
    }
    words.join(" / ")
}

/// A value as text: a string unquoted, any other value as JSON. A string with control characters is quoted.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(true) => "yes".to_owned(),
        Value::Bool(false) => "no".to_owned(),
        Value::String(text) => text_shown(text),
        other => escape_json(&other.to_string()).into_owned(),
    }
}

/// A string; quoted if it has control characters or starts and ends with quotes.
pub fn text_shown(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    let plain = crate::output::printable::escape(text) == text && unquoted(text).is_none();
    match plain {
        true => text.to_owned(),
        false => escape_json(&quoted).into_owned(),
    }
}

/// The string inside the quotes; `None` if the text is not quoted.
pub fn unquoted(text: &str) -> Option<String> {
    if !text.starts_with('"') {
        return None;
    }
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn places_are_called_by_their_titles() {
        let schema = json!({"properties": {
            "a": {"title": "Files", "type": "array", "items": {"properties": {"b/c": {"title": "Path", "type": "string"}}}},
            "notes": {"title": "Notes", "type": "object", "additionalProperties": {"type": "string"}}}});
        assert_eq!(label(&schema, "/a/1/b~1c"), "Files / 2 / Path");
        assert_eq!(label(&schema, "/notes/own"), "Notes / own");
        assert_eq!(label(&schema, "/unknown"), "unknown");
        assert_eq!(steps(&child("/a/1", "b/c")).last().unwrap(), "b/c");
    }

    #[test]
    fn what_a_terminal_would_obey_is_shown_in_quotes_and_read_back() {
        for text in [
            "plain",
            "two\nlines",
            "\u{1b}[2J",
            "\u{202e}x",
            "\"quoted\"",
            "a \"b\"",
        ] {
            let shown = text_shown(text);
            assert!(
                !shown.chars().any(|c| c.is_control() || c == '\u{202e}'),
                "{shown}"
            );
            let back = unquoted(&shown).unwrap_or_else(|| shown.clone());
            assert_eq!(back, text);
        }
    }
}
