//! Removes objects and arrays that a removal left empty: FHIR JSON has no empty objects and arrays.

use super::EditError;
use super::scan;
use crate::depth;
use serde::de::IgnoredAny;

/// The document without its empty objects and arrays, and without those that become empty so; `None` if it has none.
/// The root is kept even if it is empty. The text is read twice, however deeply it is nested.
///
/// # Errors
/// [`EditError::Malformed`] when the text is no JSON, [`EditError::Depth`].
pub fn empties(document: &str) -> Result<Option<String>, EditError> {
    let malformed = |error: serde_json::Error| EditError::Malformed(error.to_string());
    serde_json::from_str::<IgnoredAny>(document).map_err(malformed)?;
    depth::check(depth::of_text(document.as_bytes()))?;
    Pruner::new(document).run()
}

/// An object or array that is open.
struct Open {
    /// Where the member or element that it is begins in the result, the comma before it included.
    begins: usize,
    /// Members or elements that are kept so far.
    kept: usize,
}

struct Pruner<'d> {
    text: &'d str,
    out: String,
    open: Vec<Open>,
    /// Start of the current member or element in the result.
    begins: usize,
    /// The current one is dropped.
    dropped: bool,
    /// Something was dropped.
    changed: bool,
}

impl<'d> Pruner<'d> {
    fn new(text: &'d str) -> Self {
        Pruner {
            text,
            out: String::with_capacity(text.len()),
            open: Vec::new(),
            begins: 0,
            dropped: false,
            changed: false,
        }
    }

    fn run(mut self) -> Result<Option<String>, EditError> {
        let bytes = self.text.as_bytes();
        let mut at = 0;
        while let Some(byte) = bytes.get(at) {
            let end = match byte {
                b'"' => scan::value(bytes, at).ok_or_else(lost)?,
                _ => at + 1,
            };
            match byte {
                b'{' | b'[' => {
                    self.copy(at, end)?;
                    self.open.push(Open {
                        begins: self.begins,
                        kept: 0,
                    });
                    self.begins = self.out.len();
                }
                b',' => {
                    self.end_item(at);
                    self.begins = self.out.len();
                    self.dropped = false;
                    if self.open.last().is_some_and(|open| open.kept > 0) {
                        self.out.push(',');
                    }
                }
                b'}' | b']' => {
                    self.end_item(at);
                    self.close(at)?;
                }
                // White space after a dropped item is dropped too; a valid text has nothing else there.
                _ if self.dropped => {}
                _ => self.copy(at, end)?,
            }
            at = end;
        }
        Ok(self.changed.then_some(self.out))
    }

    fn copy(&mut self, from: usize, to: usize) -> Result<(), EditError> {
        // A character of several bytes is read byte by byte and copied at its first byte.
        let mut end = to;
        while end < self.text.len() && !self.text.is_char_boundary(end) {
            end += 1;
        }
        if self.text.is_char_boundary(from) {
            self.out.push_str(self.text.get(from..end).ok_or_else(lost)?);
        }
        Ok(())
    }

    /// Ends the current member or element before `at`: counts it if it is kept.
    fn end_item(&mut self, at: usize) {
        let before = self.text.as_bytes()[..at]
            .iter()
            .rev()
            .find(|byte| !byte.is_ascii_whitespace());
        let is_one = !matches!(before, None | Some(b'{' | b'['));
        if let Some(open) = self.open.last_mut()
            && is_one
            && !self.dropped
        {
            open.kept += 1;
        }
    }

    fn close(&mut self, at: usize) -> Result<(), EditError> {
        let Some(closed) = self.open.pop() else {
            return Err(lost());
        };
        self.begins = closed.begins;
        self.dropped = closed.kept == 0 && !self.open.is_empty();
        if self.dropped {
            self.out.truncate(closed.begins);
            self.changed = true;
            Ok(())
        } else {
            self.copy(at, at + 1)
        }
    }
}

/// For a position that always exists in a validated text.
fn lost() -> EditError {
    EditError::Malformed("the end of a value was not found".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_became_empty_goes_with_its_parents() {
        let document = r#"{"a":{},"b":[{"c":{"d":[]}},{"e":1.0},{}],"f":{"g":null},"h":[[],[]]}"#;
        assert_eq!(
            empties(document).unwrap().as_deref(),
            Some(r#"{"b":[{"e":1.0}],"f":{"g":null}}"#)
        );
        assert_eq!(empties(r#"{"a":[1]}"#).unwrap(), None);
        assert_eq!(empties("{}").unwrap(), None);
        assert_eq!(empties("\"{}\"").unwrap(), None);
        assert!(empties("{").is_err());
        assert_eq!(
            empties(" { \"ü\" : 1.50 , \"b\":{} , \"c, {}\" : \"[ ]\" , \"d\" : [ [ ] ] } ")
                .unwrap()
                .as_deref(),
            Some(" { \"ü\" : 1.50 , \"c, {}\" : \"[ ]\" } ")
        );
        assert_eq!(empties("[{},1]").unwrap().as_deref(), Some("[1]"));
        assert_eq!(empties("[ {} , [] ]").unwrap().as_deref(), Some("[]"));
    }
}
