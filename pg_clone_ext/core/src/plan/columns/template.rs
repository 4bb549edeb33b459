//! Texts that a template makes.

/// The placeholder of the source's value.
const VALUE: &str = "{value}";

/// The placeholder of the number of the run.
const NUMBER: &str = "{n}";

/// Whether a template makes this text: `{n}` stands for letters and digits, of any run. `filled` are the other placeholders and their
/// texts. Where the column has at most `longest` characters, `{value}` may be shortened, as a clone shortens it.
pub fn could_make(template: &str, made: &str, filled: &[(&str, &str)], longest: Option<usize>) -> bool {
    let with_value = |value: &str| matches_parts(&parts(template, filled, value), made);
    let value = text_of_value(filled);
    if with_value(value) {
        return true;
    }
    longest == Some(made.chars().count()) && value.char_indices().any(|(end, _)| with_value(&value[..end]))
}

/// A template with these texts in the place of its placeholders. What looks like a placeholder in one of the texts is none. Where the column
/// has at most `longest` characters, the text of `{value}` is shortened.
pub fn filled(template: &str, fillings: &[(&str, &str)], longest: Option<usize>) -> String {
    let with_value = |value: &str| parts(template, fillings, value).join(NUMBER);
    let value = text_of_value(fillings);
    let made = with_value(value);
    match longest {
        Some(longest) if made.chars().count() > longest => {
            let room = longest.saturating_sub(with_value("").chars().count());
            let kept: String = value.chars().take(room).collect();
            with_value(&kept).chars().take(longest).collect()
        }
        _ => made,
    }
}

fn text_of_value<'a>(fillings: &[(&str, &'a str)]) -> &'a str {
    let found = fillings.iter().find(|(placeholder, _)| *placeholder == VALUE);
    found.map_or("", |(_, text)| text)
}

/// The text between the places of `{n}`, unless that is one of the fillings. `value`: the text of `{value}`.
fn parts(template: &str, fillings: &[(&str, &str)], value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        let found = fillings
            .iter()
            .find(|(placeholder, _)| from.starts_with(placeholder));
        let (text, length) = match found {
            Some((placeholder, _)) if *placeholder == VALUE => (value, placeholder.len()),
            Some((placeholder, text)) => (*text, placeholder.len()),
            None if from.starts_with(NUMBER) => ("", NUMBER.len()),
            None => ("{", 1),
        };
        if let Some(last) = parts.last_mut() {
            last.push_str(before);
            last.push_str(text);
        }
        if found.is_none() && length == NUMBER.len() {
            parts.push(String::new());
        }
        rest = &from[length..];
    }
    if let Some(last) = parts.last_mut() {
        last.push_str(rest);
    }
    parts
}

/// Whether a text consists of these parts, with letters and digits between two of them.
fn matches_parts(parts: &[String], text: &str) -> bool {
    let Some((first, rest)) = parts.split_first() else {
        return text.is_empty();
    };
    let Some(after) = text.strip_prefix(first.as_str()) else {
        return false;
    };
    if rest.is_empty() {
        return after.is_empty();
    }
    let between = after.bytes().take_while(u8::is_ascii_alphanumeric).count();
    (1..=between).any(|count| matches_parts(rest, &after[count..]))
}

#[cfg(test)]
mod tests {
    use super::{could_make, filled};

    #[test]
    fn a_text_of_any_run_is_one_of_the_template() {
        let suffix = |made, value, longest| could_make("{value}-{n}", made, &[("{value}", value)], longest);
        assert!(suffix("acme-7", "acme", None) && suffix("acme-1234", "acme", Some(100)));
        assert!(suffix("a@x-fkjtehehar", "a@x", None));
        // Of another value.
        assert!(!suffix("acme-7", "beta", None) && !suffix("acme-7", "acme-7", None));
        assert!(
            !suffix("acme-", "acme", None) && !suffix("acme-é", "acme", None) && !suffix("", "acme", None)
        );
        // Shortened to the length of the column.
        assert!(suffix("acm-17", "acme", Some(6)) && suffix("éé-1", "ééé", Some(4)));
        assert!(!suffix("acm-17", "acme", Some(7)) && !suffix("acm-17", "acme", None));
        assert!(suffix("-17", "acme", Some(3)));
    }

    #[test]
    fn other_placeholders_have_their_texts() {
        let filled = [("{value}", "x"), ("{project}", "3"), ("{new_id}", "12")];
        assert!(could_make("{project}/{new_id}/{value}", "3/12/x", &filled, None));
        assert!(!could_make("{project}/{new_id}/{value}", "4/12/x", &filled, None));
        assert!(could_make("{n}{value}{n}", "1x22", &filled, None));
        assert!(could_make("copy", "copy", &filled, None) && !could_make("copy", "copy2", &filled, None));
        assert!(could_make("", "", &filled, None) && !could_make("", "a", &filled, None));
    }

    #[test]
    fn a_template_is_filled_and_shortened() {
        let suffix = |longest| filled("{value}-{n}", &[("{value}", "acme"), ("{n}", "17")], longest);
        assert_eq!(suffix(None), "acme-17");
        assert_eq!(suffix(Some(7)), "acme-17");
        assert_eq!(suffix(Some(6)), "acm-17");
        assert_eq!(suffix(Some(2)), "-1");
        assert_eq!(filled("{new_id}", &[("{value}", "x")], None), "{new_id}");
        let hello = [("{value}", "Hello {name} {n}"), ("{name}", "Copy"), ("{n}", "17")];
        assert_eq!(filled("{value}-{n}", &hello, None), "Hello {name} {n}-17");
        assert_eq!(filled("{x{name}} {", &hello, None), "{xCopy} {");
    }
}
