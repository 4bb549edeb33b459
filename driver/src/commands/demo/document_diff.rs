//! The differences of two documents, line by line, in colour.

use std::fmt::Write;

use anstyle::{AnsiColor, Style};
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use crate::output::printable::escape;

const REMOVED: Style = AnsiColor::Red.on_default();
const ADDED: Style = AnsiColor::Green.on_default();

/// `before` and `after` as one text: equal lines once, different lines twice with `-` and `+`. The differing part of a
/// line is coloured; colours are removed when the text is not written to a terminal.
pub(crate) fn document_diff(before: &Value, after: &Value) -> String {
    let (before, after) = (pretty(before), pretty(after));
    let diff = TextDiff::from_lines(&before, &after);
    let mut text = String::new();
    for operation in diff.ops() {
        for change in diff.iter_inline_changes(operation) {
            let (sign, style) = match change.tag() {
                ChangeTag::Delete => ('-', REMOVED),
                ChangeTag::Insert => ('+', ADDED),
                ChangeTag::Equal => (' ', Style::new()),
            };
            // Writing to a String cannot fail.
            let _ = write!(text, "{style}{sign} ");
            for (differs, part) in change.iter_strings_lossy() {
                let part = escape(part.trim_end_matches('\n'));
                let part_style = if differs { style.bold() } else { style };
                let _ = write!(text, "{style:#}{part_style}{part}{part_style:#}");
            }
            text.push('\n');
        }
    }
    text.truncate(text.trim_end().len());
    text
}

fn pretty(document: &Value) -> String {
    // A Value always serialises.
    format!("{document:#}\n")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn equal_lines_appear_once_and_changed_ones_twice() {
        let coloured = document_diff(
            &json!({"a": 1, "ref": "Patient/1111"}),
            &json!({"a": 1, "ref": "Patient/2222"}),
        );
        let plain = anstream::adapter::strip_str(&coloured).to_string();
        assert_eq!(
            plain,
            "  {\n    \"a\": 1,\n-   \"ref\": \"Patient/1111\"\n+   \"ref\": \"Patient/2222\"\n  }"
        );
    }
}
