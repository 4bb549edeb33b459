//! The function that generates new ids, from the options of a store: only a name, never a piece of SQL.

use crate::error::{Error, Result};
use crate::plan::quote;

/// A function that returns a new id for each call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generator {
    /// Its name with its schema, quoted.
    pub function: String,
    /// Whether it takes the subtype of the new item.
    pub takes_subtype: bool,
}

impl Generator {
    /// Reads `schema.function`, `schema.function()` or `schema.function(text)`; names may be quoted.
    ///
    /// # Errors
    /// 22023 for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        let wrong = || {
            Error::bad_argument(format!("id_generator does not name a function: {text}")).hint(
                "It takes a function by name with its schema, without arguments or with one of type text (the subtype), e.g. ids.next_handle().",
            )
        };
        let (schema, rest) = name(text.trim()).ok_or_else(wrong)?;
        let (function, rest) = rest.strip_prefix('.').and_then(name).ok_or_else(wrong)?;
        let takes_subtype = match rest.trim() {
            "" | "()" => false,
            "(text)" => true,
            _ => return Err(wrong()),
        };
        Ok(Generator {
            function: format!("{}.{}", quote::identifier(&schema), quote::identifier(&function)),
            takes_subtype,
        })
    }
}

/// One identifier and the rest of the text.
fn name(text: &str) -> Option<(String, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        let mut found = String::new();
        let mut rest = quoted;
        loop {
            let (part, behind) = rest.split_once('"')?;
            found.push_str(part);
            match behind.strip_prefix('"') {
                Some(more) => {
                    found.push('"');
                    rest = more;
                }
                None if found.is_empty() => return None,
                None => return Some((found, behind)),
            }
        }
    }
    let end = text
        .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
        .unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let starts = word.starts_with(|c: char| c.is_alphabetic() || c == '_');
    starts.then(|| (word.to_lowercase(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn function(text: &str) -> Option<(String, bool)> {
        Generator::parse(text)
            .ok()
            .map(|found| (found.function, found.takes_subtype))
    }

    #[test]
    fn names_of_functions_are_read_and_quoted() {
        let plain = Some((r#""ids"."next_handle""#.to_string(), false));
        for text in ["ids.next_handle", "ids.next_handle()", " IDS.Next_Handle() "] {
            assert_eq!(function(text), plain, "{text}");
        }
        assert_eq!(
            function(r#""The ""ids"".x"."f"(text)"#),
            Some((r#""The ""ids"".x"."f""#.to_string(), true))
        );
    }

    #[test]
    fn pieces_of_sql_are_refused() {
        for text in [
            "next_handle()",
            "ids.f(1)",
            "ids.f()); DROP TABLE x; --",
            "ids.f() || 'x'",
            "1",
            "",
            "\"\".f",
            "ids.\"f",
            "(SELECT 1)",
            "ids.f(), ids.g()",
            "a.b.c()",
        ] {
            assert_eq!(function(text), None, "{text}");
        }
    }
}
