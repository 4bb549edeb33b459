//! The path with allocation for JSON text: token by token, so that everything but the strings that change is copied as
//! it is.

use super::json_string;
use crate::interrupt;
use crate::rewrite::id_paths::Step;
use crate::rewrite::value::NewValue;
use crate::rewrite::{Dangling, IdField, Outcome, RewriteError, Rewriter};
use std::borrow::Cow;

/// An empty buffer with room for `bytes`.
pub(in crate::rewrite) fn buffer(bytes: usize) -> Result<Vec<u8>, RewriteError> {
    let mut out = Vec::new();
    out.try_reserve_exact(bytes)
        .map_err(|_| RewriteError::OutOfMemory { bytes })?;
    Ok(out)
}

impl Rewriter<'_> {
    pub(in crate::rewrite) fn rebuild_json_text(&mut self, document: &[u8]) -> Result<Outcome, RewriteError> {
        let mut rebuild = Rebuild {
            rewriter: self,
            document,
            at: 0,
            is_first: false,
            copied: 0,
            out: Vec::new(),
            levels: Vec::new(),
            keys: Vec::new(),
            steps: interrupt::Steps::default(),
        };
        rebuild.document()?;
        if rebuild.copied == 0 {
            return Ok(Outcome::Unchanged);
        }
        let out = std::mem::take(&mut rebuild.out);
        self.counts.rebuilt += 1;
        Ok(Outcome::Rebuilt(out))
    }
}

struct Rebuild<'r, 'a, 'd> {
    rewriter: &'r mut Rewriter<'a>,
    document: &'d [u8],
    /// The current position.
    at: usize,
    /// Whether the last thing read is an opening bracket.
    is_first: bool,
    /// Up to here the rewritten document is in `out`. 0 as long as nothing changed.
    copied: usize,
    out: Vec<u8>,
    /// The containers around the current position.
    levels: Vec<Level>,
    /// The keys of those containers that are objects, unescaped; kept only where id fields are declared.
    keys: Vec<Cow<'d, [u8]>>,
    steps: interrupt::Steps,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Object,
    Array,
}

/// A key that was read; it is written when it is known that its value is kept.
struct Key {
    start: usize,
    end: usize,
    new: Option<Vec<u8>>,
}

impl<'a, 'd> Rebuild<'_, 'a, 'd> {
    fn document(&mut self) -> Result<(), RewriteError> {
        self.value(None)?;
        while let Some(level) = self.levels.last().copied() {
            self.steps.step();
            let close = if level == Level::Object { b'}' } else { b']' };
            match self.next_byte()? {
                byte if byte == close => {
                    self.at += 1;
                    self.is_first = false;
                    self.levels.pop();
                }
                b',' if !self.is_first => {
                    self.at += 1;
                    self.item(level)?;
                }
                _ if self.is_first => self.item(level)?,
                _ => return Err(self.malformed("a comma or the end of an array or object expected")),
            }
        }
        self.skip_space();
        if self.at < self.document.len() {
            return Err(self.malformed("more behind the end of the document"));
        }
        if self.copied > 0 {
            self.out.extend_from_slice(&self.document[self.copied..]);
        }
        Ok(())
    }

    fn item(&mut self, level: Level) -> Result<(), RewriteError> {
        self.is_first = false;
        if level == Level::Array {
            return self.value(None);
        }
        if self.next_byte()? != b'"' {
            return Err(self.malformed("a key expected"));
        }
        let start = self.at;
        let string = self.string()?;
        let new = match self.rewriter.new_value(&string, None, true)? {
            NewValue::Changed(new) => Some(new),
            NewValue::Same | NewValue::Dangling => None,
        };
        if self.rewriter.paths.is_some() {
            let depth = self.objects();
            self.keys.truncate(depth - 1);
            self.keys.push(string);
        }
        let key = Key {
            start,
            end: self.at,
            new,
        };
        if self.next_byte()? != b':' {
            return Err(self.malformed("a colon expected"));
        }
        self.at += 1;
        self.value(Some(key))
    }

    /// Number of objects around the current position.
    fn objects(&self) -> usize {
        self.levels
            .iter()
            .filter(|level| **level == Level::Object)
            .count()
    }

    fn value(&mut self, key: Option<Key>) -> Result<(), RewriteError> {
        let first = self.next_byte()?;
        let start = self.at;
        if first != b'"' {
            self.write_key(key)?;
            match first {
                b'{' | b'[' => {
                    self.levels.push(if first == b'{' {
                        Level::Object
                    } else {
                        Level::Array
                    });
                    self.at += 1;
                    self.is_first = true;
                }
                _ => {
                    let is_literal =
                        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
                    self.at += self.document[start..]
                        .iter()
                        .take_while(|byte| is_literal(byte))
                        .count();
                    if self.at == start {
                        return Err(self.malformed("a value expected"));
                    }
                }
            }
            return Ok(());
        }
        let string = self.string()?;
        let field = self.field();
        match self.rewriter.new_value(&string, field, false)? {
            NewValue::Same => self.write_key(key),
            NewValue::Changed(new) => {
                self.write_key(key)?;
                self.replace(start, self.at, |out| json_string::write(&new, out))
            }
            NewValue::Dangling if self.rewriter.dangling == Dangling::Remove && !self.levels.is_empty() => {
                self.rewriter.counts.removed += 1;
                let from = key.map_or(start, |key| key.start);
                match self.display_instead(from) {
                    Some(text) => self.replace(from, self.at, |out| {
                        out.extend_from_slice(b"\"display\":");
                        json_string::write(text.as_bytes(), out);
                    }),
                    None => self.remove(from),
                }
            }
            NewValue::Dangling => {
                self.rewriter.counts.nulled += 1;
                self.write_key(key)?;
                self.replace(start, self.at, |out| out.extend_from_slice(b"null"))
            }
        }
    }

    /// The replacement of the `reference` member at `from` that was just read, if it is the only one of its
    /// object: FHIR requires many references, and a server refuses a resource without them.
    fn display_instead(&self, from: usize) -> Option<&'a str> {
        let text = self.rewriter.paths?.dangling_display()?;
        let is_only = self.document[..from].trim_ascii_end().ends_with(b"{")
            && self.document[self.at..].trim_ascii_start().starts_with(b"}");
        let is_reference = self.keys.last().is_some_and(|key| key.as_ref() == b"reference");
        let is_meta = self.keys.first().is_some_and(|key| key.as_ref() == b"meta");
        (is_only && is_reference && !is_meta).then_some(text)
    }

    fn field(&self) -> Option<IdField> {
        let paths = self.rewriter.paths?;
        let mut keys = self.keys.iter();
        let step = |level: &Level| match level {
            Level::Array => Some(Step::Element),
            Level::Object => keys.next().map(|key| Step::Member(key)),
        };
        let path: Vec<Step<'_>> = self.levels.iter().filter_map(step).collect();
        paths.field_at(&path)
    }

    fn write_key(&mut self, key: Option<Key>) -> Result<(), RewriteError> {
        match key {
            Some(Key {
                start,
                end,
                new: Some(new),
            }) => self.replace(start, end, |out| json_string::write(&new, out)),
            _ => Ok(()),
        }
    }

    /// Copies up to `start`, writes the replacement, and continues after `end`.
    fn replace(
        &mut self,
        start: usize,
        end: usize,
        write: impl FnOnce(&mut Vec<u8>),
    ) -> Result<(), RewriteError> {
        if self.copied == 0 {
            self.out = buffer(self.document.len())?;
        }
        self.out.extend_from_slice(&self.document[self.copied..start]);
        write(&mut self.out);
        self.copied = end;
        Ok(())
    }

    /// Removes the member or element that was just read, and one comma.
    fn remove(&mut self, start: usize) -> Result<(), RewriteError> {
        self.replace(start, self.at, |_| {})?;
        let before = self.out.trim_ascii_end().len();
        if self.out[..before].last() == Some(&b',') {
            self.out.truncate(before - 1);
            return Ok(());
        }
        // The first one: the comma after it is removed, and the next one becomes the first.
        if self.next_byte()? == b',' {
            self.copied = self.at + 1;
        }
        Ok(())
    }

    /// Reads a string from its opening quote on.
    fn string(&mut self) -> Result<Cow<'d, [u8]>, RewriteError> {
        let start = self.at + 1;
        let mut end = start;
        loop {
            let rest = self.document.get(end..).unwrap_or_default();
            let found = memchr::memchr2(b'"', b'\\', rest);
            end += found.ok_or_else(|| self.malformed("a string without an end"))?;
            if self.document[end] == b'"' {
                break;
            }
            end += 2;
        }
        let string = json_string::unescape(&self.document[start..end]);
        let string = string.ok_or_else(|| self.malformed("a malformed escape"))?;
        self.at = end + 1;
        Ok(string)
    }

    fn next_byte(&mut self) -> Result<u8, RewriteError> {
        self.skip_space();
        self.document
            .get(self.at)
            .copied()
            .ok_or_else(|| self.malformed("the document ends too early"))
    }

    fn skip_space(&mut self) {
        let space = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.document[self.at..].iter().take_while(space).count();
    }

    fn malformed(&self, what: &'static str) -> RewriteError {
        RewriteError::Json { what, at: self.at }
    }
}
