//! Which string values of a document are text ids, or contain them: declared per document type by path patterns.

/// The kind of a declared string.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdField {
    /// The whole string is an id.
    Whole,
    /// Ids are embedded in the string (for example, a serialised document).
    Embedded,
    /// The string is kept unchanged, because something else depends on its bytes (for example, a search token).
    Kept,
    /// The string is like any other, although a later declaration matches it too.
    Plain,
}

/// A step from a value of a document to one inside it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// To a member of an object, by its key (unescaped bytes).
    Member(&'a [u8]),
    /// To an element of an array.
    Element,
}

/// The declared id fields of one document type.
///
/// A pattern is the keys from the root on, joined by dots; `[]` after a key stands for any element of its array, `*`
/// for any key, `*Name` for any key with this ending, `**` for any number of steps (`record.inputs[].dataset_id`, `**.template_id`). A key
/// with a dot, star, bracket or quote in it is written as a JSON string (`"a.b".id`).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IdPaths {
    patterns: Vec<(Vec<Segment>, IdField)>,
    kept_prefixes: Vec<Vec<u8>>,
    dangling_display: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Key(Vec<u8>),
    KeyEnding(Vec<u8>),
    AnyKey,
    Element,
    AnySteps,
}

/// A pattern that cannot be read. SQLSTATE 22023 (`invalid_parameter_value`).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("\"{pattern}\" is no path of an id field: {why}")]
pub struct BadIdPath {
    /// The pattern as given.
    pub pattern: String,
    /// What is wrong with it.
    pub why: &'static str,
}

impl IdPaths {
    /// No declared fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares the strings at a path.
    ///
    /// # Errors
    /// [`BadIdPath`] when the pattern cannot be read.
    pub fn add(&mut self, pattern: &str, field: IdField) -> Result<(), BadIdPath> {
        let bad = |why| BadIdPath {
            pattern: pattern.to_owned(),
            why,
        };
        self.patterns.push((parse(pattern).map_err(bad)?, field));
        Ok(())
    }

    /// Declares the strings at a path, for chaining.
    ///
    /// # Errors
    /// [`BadIdPath`] when the pattern cannot be read.
    pub fn with(mut self, pattern: &str, field: IdField) -> Result<Self, BadIdPath> {
        self.add(pattern, field)?;
        Ok(self)
    }

    /// Declares that text values (of columns) with this prefix are kept unchanged.
    pub fn keep_prefix(&mut self, prefix: &str) {
        self.kept_prefixes.push(prefix.as_bytes().to_vec());
    }

    /// Declares the replacement of removed references ([`super::Dangling::Remove`]): an object
    /// whose only member is `reference` gets `display` with this text instead, except in `meta`.
    pub fn set_dangling_display(&mut self, text: &str) {
        self.dangling_display = Some(text.to_owned());
    }

    /// Whether a text value is kept unchanged.
    pub(in crate::rewrite) fn keeps_text(&self, value: &[u8]) -> bool {
        self.kept_prefixes.iter().any(|prefix| value.starts_with(prefix))
    }

    /// The text that replaces a removed reference.
    pub(in crate::rewrite) fn dangling_display(&self) -> Option<&str> {
        self.dangling_display.as_deref()
    }

    /// Whether nothing is declared.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty() && self.kept_prefixes.is_empty() && self.dangling_display.is_none()
    }

    /// Whether some strings are kept.
    pub fn keeps_any(&self) -> bool {
        self.patterns.iter().any(|(_, field)| *field == IdField::Kept)
    }

    /// Whether a string under this key may be kept; its path decides.
    pub(in crate::rewrite) fn may_keep(&self, key: &[u8]) -> bool {
        self.patterns.iter().any(|(pattern, field)| {
            *field == IdField::Kept
                && match pattern.last() {
                    Some(Segment::Key(name)) => name == key,
                    Some(Segment::KeyEnding(end)) => key.ends_with(end),
                    _ => true,
                }
        })
    }

    /// The declaration for the string at `path`; the first one that matches.
    pub fn field_at(&self, path: &[Step<'_>]) -> Option<IdField> {
        // The last step rules out most patterns.
        let may_end = |pattern: &[Segment]| match (pattern.last(), path.last()) {
            (Some(Segment::Key(key)), Some(Step::Member(name))) => key == name,
            (Some(Segment::Key(_)), _) => false,
            (Some(Segment::Element), last) => matches!(last, Some(Step::Element)),
            _ => true,
        };
        self.patterns
            .iter()
            .find(|(pattern, _)| may_end(pattern) && matches(pattern, path))
            .map(|(_, field)| *field)
    }
}

fn matches(pattern: &[Segment], path: &[Step<'_>]) -> bool {
    match (pattern.split_first(), path.split_first()) {
        (None, None) => true,
        (Some((Segment::AnySteps, rest)), None) => matches(rest, path),
        (Some((Segment::AnySteps, rest)), Some((_, deeper))) => {
            matches(rest, path) || matches(pattern, deeper)
        }
        (Some((segment, rest)), Some((step, deeper))) => {
            let fits = match (segment, step) {
                (Segment::Key(key), Step::Member(name)) => key == name,
                (Segment::KeyEnding(end), Step::Member(name)) => name.ends_with(end),
                (Segment::AnyKey, Step::Member(_)) | (Segment::Element, Step::Element) => true,
                _ => false,
            };
            fits && matches(rest, deeper)
        }
        _ => false,
    }
}

fn parse(pattern: &str) -> Result<Vec<Segment>, &'static str> {
    let mut segments = Vec::new();
    let mut rest = pattern;
    loop {
        let after = if rest.starts_with('"') {
            let (key, after) = quoted_key(rest)?;
            segments.push(Segment::Key(key.into_bytes()));
            after
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            let (key, after) = rest.split_at(end);
            match key {
                "*" => segments.push(Segment::AnyKey),
                "**" => segments.push(Segment::AnySteps),
                "" if segments.is_empty() && after.starts_with('[') => {}
                "" => return Err("a key is empty"),
                _ if key.len() > 1 && key.starts_with('*') && !key[1..].contains(['*', ']', '"']) => {
                    segments.push(Segment::KeyEnding(key.as_bytes()[1..].to_vec()));
                }
                _ if key.contains(['*', ']', '"']) => {
                    return Err("a key with a star, bracket or quote needs quotes");
                }
                _ => segments.push(Segment::Key(key.as_bytes().to_vec())),
            }
            after
        };
        let mut after = after;
        while let Some(more) = after.strip_prefix("[]") {
            segments.push(Segment::Element);
            after = more;
        }
        match after.strip_prefix('.') {
            Some(more) => rest = more,
            None if after.is_empty() => return Ok(segments),
            None => return Err("only a dot or [] may follow a key"),
        }
    }
}

fn quoted_key(text: &str) -> Result<(String, &str), &'static str> {
    let mut keys = serde_json::Deserializer::from_str(text).into_iter::<String>();
    match keys.next() {
        Some(Ok(key)) => Ok((key, &text[keys.byte_offset()..])),
        _ => Err("a quoted key is no JSON string"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(key: &str) -> Step<'_> {
        Step::Member(key.as_bytes())
    }

    #[test]
    fn a_path_fits_its_own_place_only() {
        let paths = IdPaths::new()
            .with("record.inputs[].dataset_id", IdField::Whole)
            .unwrap();
        let inputs = [
            member("record"),
            member("inputs"),
            Step::Element,
            member("dataset_id"),
        ];
        assert_eq!(paths.field_at(&inputs), Some(IdField::Whole));
        assert_eq!(paths.field_at(&inputs[..3]), None);
        assert_eq!(paths.field_at(&inputs[1..]), None);
        assert_eq!(
            paths.field_at(&[member("record"), member("inputs"), member("dataset_id")]),
            None
        );
    }

    #[test]
    fn stars_stand_for_one_key_or_any_steps() {
        let paths = IdPaths::new()
            .with("**.template_id", IdField::Whole)
            .unwrap()
            .with("a.*.text", IdField::Embedded)
            .unwrap();
        assert_eq!(paths.field_at(&[member("template_id")]), Some(IdField::Whole));
        assert_eq!(
            paths.field_at(&[member("x"), Step::Element, member("template_id")]),
            Some(IdField::Whole)
        );
        assert_eq!(
            paths.field_at(&[member("a"), member("b"), member("text")]),
            Some(IdField::Embedded)
        );
        assert_eq!(
            paths.field_at(&[member("a"), Step::Element, member("text")]),
            None
        );
        assert_eq!(paths.field_at(&[]), None);
    }

    #[test]
    fn quoted_keys_and_root_arrays() {
        let paths = IdPaths::new().with(r#""a.b"[].id"#, IdField::Whole).unwrap();
        assert_eq!(
            paths.field_at(&[member("a.b"), Step::Element, member("id")]),
            Some(IdField::Whole)
        );
        let paths = IdPaths::new().with("[][].id", IdField::Whole).unwrap();
        assert_eq!(
            paths.field_at(&[Step::Element, Step::Element, member("id")]),
            Some(IdField::Whole)
        );
    }

    #[test]
    fn a_malformed_pattern_is_an_error() {
        for pattern in [
            "", ".", "a.", "a..b", "a[", "a[0]", "a]b", "a*", r#""a"#, r#""a"b"#,
        ] {
            assert!(IdPaths::new().add(pattern, IdField::Whole).is_err(), "{pattern}");
        }
    }
}
