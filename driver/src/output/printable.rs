//! Escapes control characters in text from the database, for terminals.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::LazyLock;

/// Symbols of this program and their ASCII replacements.
const SYMBOLS: [(char, &str); 6] = [
    ('→', "->"),
    ('─', "-"),
    ('×', "x"),
    ('·', "|"),
    ('…', "..."),
    ('⠋', "*"),
];

/// Whether the locale of the environment is UTF-8.
pub static IS_UTF8: LazyLock<bool> = LazyLock::new(|| {
    let value = ["LC_ALL", "LC_CTYPE", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
    value.is_some_and(|value| {
        let value = value.to_ascii_lowercase();
        value.contains("utf-8") || value.contains("utf8")
    })
});

/// Whether a terminal would interpret the character: C0 and C1 controls, line and paragraph separators, marks that change
/// the direction of text.
fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200e}' | '\u{200f}')
}

/// `text` with control characters, line ends among them, as `\x1B` and the like.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(is_control) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        // Writing to a String cannot fail.
        let _ = match c {
            '\n' => escaped.write_str("\\n"),
            '\t' => escaped.write_str("\\t"),
            c if !is_control(c) => escaped.write_char(c),
            c if u32::from(c) < 0x100 => write!(escaped, "\\x{:02X}", u32::from(c)),
            c => write!(escaped, "\\u{:04X}", u32::from(c)),
        };
    }
    escaped.into()
}

/// As [`escape`], but keeps line ends.
pub fn escape_lines(text: &str) -> String {
    let lines: Vec<Cow<'_, str>> = text.split('\n').map(escape).collect();
    lines.join("\n")
}

/// JSON without control characters except line ends: serde does not escape those above ASCII.
pub fn escape_json(text: &str) -> Cow<'_, str> {
    let is_foreign = |c: char| c != '\n' && is_control(c);
    if !text.contains(is_foreign) {
        return text.into();
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if is_foreign(c) {
            // Such a character can only be inside a string.
            let _ = write!(escaped, "\\u{:04x}", u32::from(c));
        } else {
            escaped.push(c);
        }
    }
    escaped.into()
}

/// `text` with symbols replaced if the locale does not have them.
pub fn symbols(text: &str) -> Cow<'_, str> {
    if *IS_UTF8 { text.into() } else { ascii(text) }
}

fn ascii(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return text.into();
    }
    let mut plain = text.to_owned();
    for (symbol, instead) in SYMBOLS {
        plain = plain.replace(symbol, instead);
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_terminal_obeys_is_left() {
        let hostile = "a\u{1b}]0;title\u{7}b\u{9b}2Jc\rd\ne\u{202e}f\u{7f}";
        let shown = escape(hostile);
        assert_eq!(shown, "a\\x1B]0;title\\x07b\\x9B2Jc\\x0Dd\\ne\\u202Ef\\x7F");
        assert_eq!(escape("Köln → 東京"), "Köln → 東京");
        assert_eq!(escape_lines("a\nb\u{7}"), "a\nb\\x07");
    }

    #[test]
    fn json_stays_the_same_document() {
        let document = serde_json::json!({"name": "a\u{1b}\u{9b}b\u{202e}\u{7f}é"});
        let text = serde_json::to_string_pretty(&document).unwrap();
        let escaped = escape_json(&text);
        assert!(!escaped.chars().any(|c| c != '\n' && is_control(c)), "{escaped}");
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escaped).unwrap(),
            document
        );
    }

    #[test]
    fn plain_terminals_get_ascii() {
        assert_eq!(ascii("1 × a → b ─ … ·"), "1 x a -> b - ... |");
    }
}
