//! Texts that a template makes.

/// Whether a template makes this text: `{n}` stands for letters and digits, of any run. `filled` are the other placeholders and their
/// texts. Where the column has at most `longest` characters, `{value}` may be shortened, as a clone shortens it.
pub fn could_make(template: &str, made: &str, filled: &[(&str, &str)], longest: Option<usize>) -> bool {
    let with_value = |value: &str| {
        let mut parts: Vec<String> = template.split("{n}").map(str::to_owned).collect();
        for part in &mut parts {
            for (placeholder, text) in filled {
                let text = if *placeholder == "{value}" { value } else { text };
                *part = part.replace(placeholder, text);
            }
        }
        matches_parts(&parts, made)
    };
    let value = filled.iter().find(|(placeholder, _)| *placeholder == "{value}");
    let value = value.map_or("", |(_, text)| text);
    if with_value(value) {
        return true;
    }
    longest == Some(made.chars().count()) && value.char_indices().any(|(end, _)| with_value(&value[..end]))
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
    use super::could_make;

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
}
