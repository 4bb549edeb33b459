//! Removes passwords of connection strings from all output.

const MASK: &str = "***";

/// Keys of a connection string whose values are secret.
const SECRET_KEYS: [&str; 4] = ["password", "sslpassword", "passwd", "pwd"];

/// `text` without the passwords of the connection strings in it, as URL (`postgres://user:password@host`) or as keywords
/// (`password=…`, also quoted and as a query parameter). In doubtful cases it hides more.
pub fn redact(text: &str) -> String {
    redact_keywords(&redact_urls(text))
}

fn redact_urls(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        // A password may have an unescaped `/`, `?` or `@`, so it ends at the last `@` of the word.
        let word = after
            .split(|c: char| c.is_whitespace() || c == '"')
            .next()
            .unwrap_or(after);
        let userinfo = word.rfind('@').map_or("", |end| &word[..end]);
        match userinfo.split_once(':') {
            Some((user, _)) => {
                out.push_str(user);
                out.push(':');
                out.push_str(MASK);
                rest = &after[userinfo.len()..];
            }
            None => rest = after,
        }
    }
    out.push_str(rest);
    out
}

fn redact_keywords(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((start, key)) = next_keyword(rest) {
        let end_of_key = start + key.len();
        out.push_str(&rest[..end_of_key]);
        rest = &rest[end_of_key..];
        let spaces = rest.len() - rest.trim_start().len();
        let Some(value) = rest.trim_start().strip_prefix('=') else {
            continue;
        };
        let value_start = spaces + 1 + (value.len() - value.trim_start().len());
        out.push_str(&rest[..value_start]);
        out.push_str(MASK);
        rest = &rest[value_start + secret_length(&rest[value_start..])..];
    }
    out.push_str(rest);
    out
}

/// The first secret key in `text` and where it starts.
fn next_keyword(text: &str) -> Option<(usize, &'static str)> {
    let lower = text.to_ascii_lowercase();
    SECRET_KEYS
        .iter()
        .filter_map(|key| Some((lower.find(key)?, *key)))
        .min_by_key(|(start, key)| (*start, std::cmp::Reverse(key.len())))
}

/// Length of the value at the start of `text`: quoted with backslash escapes, or up to a separator.
fn secret_length(text: &str) -> usize {
    if !text.starts_with('\'') {
        return text
            .find(|c: char| c.is_whitespace() || c == '&' || c == '"')
            .unwrap_or(text.len());
    }
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '\'' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_form_of_a_connection_string_shows_its_password() {
        for text in [
            "postgres://anna:s3cr3t@db.example/x",
            "postgresql://anna:s3cr3t@a,b:5433/x?sslmode=require",
            "cannot use \"postgres://anna:s3cr3t/?@x@db/x\" here",
            "two: postgres://a:s3cr3t@x/y postgres://b:s3cr3t@x/y",
            "host=db password=s3cr3t user=anna",
            "host=db PASSWORD = 's3cr3t \\' s3cr3t' user=anna",
            "host=db password='s3cr3t unterminated",
            "postgres://db/x?user=anna&password=s3cr3t&sslpassword=s3cr3t",
            "pwd=s3cr3t",
        ] {
            let shown = redact(text);
            assert!(!shown.contains("s3cr3t"), "{shown}");
            assert!(shown.contains(MASK), "{shown}");
        }
    }

    #[test]
    fn the_rest_of_a_connection_string_stays_readable() {
        assert_eq!(
            redact("postgres://anna:x@db:5432/shop?a=b"),
            "postgres://anna:***@db:5432/shop?a=b"
        );
        assert_eq!(
            redact("host=db password='a b' dbname=shop"),
            "host=db password=*** dbname=shop"
        );
    }

    #[test]
    fn ordinary_text_is_left_alone() {
        for text in [
            "password authentication failed for user \"anna\"",
            "https://example.org/a@b",
            "no secrets",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
