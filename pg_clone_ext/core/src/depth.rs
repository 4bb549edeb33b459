//! The nesting limit of documents, and stack for deeply nested ones.
//!
//! Code that reads a document in place needs no stack. Code that builds a tree needs stack for every level: it runs in
//! [`with_room`], on a stack that is large enough for the document. The limit of the server's own types is reached when its parser needs more than
//! `max_stack_depth`: at about 12,000 levels with the default of 2 MB, 42,000 with the 7 MB that a stack of 8 MB allows.

use crate::error::{Code, Error};
use crate::interrupt;
use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};
use std::any::Any;
use std::fmt;
use std::sync::OnceLock;
use std::thread;
use thiserror::Error as ThisError;

/// Levels of arrays and objects that a document may have, whatever is done with it: more than the server's types can hold.
pub const MAX_LEVELS: usize = 50_000;
/// Levels for which every stack has room.
const SHALLOW: usize = 128;
/// Bytes of stack for a level: measured with a document of [`MAX_LEVELS`] (see the tests), doubled for safety.
const STACK_PER_LEVEL: usize = if cfg!(debug_assertions) { 8 << 10 } else { 2 << 10 };
/// Additional bytes of stack.
const STACK: usize = 1 << 20;
/// The name under which serde_json hands out the digits of a number.
const NUMBER: &str = "$serde_json::private::Number";

/// Why a document is too deep.
#[derive(Debug, Clone, PartialEq, Eq, ThisError)]
pub enum DepthError {
    /// Over [`MAX_LEVELS`]. SQLSTATE 54001 (`statement_too_complex`).
    #[error("a document is nested deeper than {MAX_LEVELS} levels")]
    TooDeep,
    /// The places that a JSONPath finds would take more than so many bytes. SQLSTATE 54001.
    #[error(
        "a path finds so many places in a document, or so deep ones, that they would take more than {0} bytes"
    )]
    TooManyPlaces(usize),
    /// The stack for the levels could not be allocated. SQLSTATE 53200 (`out_of_memory`).
    #[error("no memory for a stack that a document of {0} levels needs")]
    NoStack(usize),
}

impl DepthError {
    /// The error for the user.
    pub fn error(self) -> Error {
        let message = self.to_string();
        match self {
            DepthError::TooDeep => Error::new(Code::TooDeep, message)
                .hint("Flatten the document, or leave its row out with exclude_ids."),
            DepthError::TooManyPlaces(_) => Error::new(Code::TooDeep, message).hint(
                "Give the rule or reference a path that selects less, or leave the document's row out with exclude_ids.",
            ),
            DepthError::NoStack(_) => {
                Error::new(Code::OutOfMemory, message).hint("Clone when the server has more free memory.")
            }
        }
    }
}

/// Levels of arrays and objects in a JSON text; an unterminated string counts as a string.
pub fn of_text(text: &[u8]) -> usize {
    if text.len() < 2 * SHALLOW {
        return 0;
    }
    let (mut level, mut deepest, mut at) = (0_usize, 0, 0);
    let mut steps = interrupt::Steps::default();
    while let Some(found) = text[at..]
        .iter()
        .position(|byte| matches!(byte, b'{' | b'[' | b'}' | b']' | b'"'))
    {
        at += found + 1;
        steps.step();
        match text[at - 1] {
            b'{' | b'[' => {
                level += 1;
                deepest = deepest.max(level);
            }
            b'}' | b']' => level = level.saturating_sub(1),
            _ => match end_of_string(text, at) {
                Some(end) => at = end,
                None => break,
            },
        }
    }
    deepest
}

fn end_of_string(text: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        match text[at] {
            b'"' => return Some(at + 1),
            _ => at += 2,
        }
    }
}

/// Refuses levels over [`MAX_LEVELS`].
///
/// # Errors
/// [`DepthError::TooDeep`].
pub fn check(levels: usize) -> Result<(), DepthError> {
    if levels <= MAX_LEVELS {
        Ok(())
    } else {
        Err(DepthError::TooDeep)
    }
}

/// Called before a thread is started; the returned guard is dropped when the thread runs.
static AROUND_START: OnceLock<fn() -> Box<dyn Any>> = OnceLock::new();

/// Sets the guard around the start of a thread, once for the process: it blocks signals, which only the main thread of a backend
/// may handle.
pub fn around_start(guard: fn() -> Box<dyn Any>) {
    let _ = AROUND_START.set(guard);
}

/// Runs work that needs stack for `levels` levels, on a thread with a larger stack if necessary.
///
/// # Errors
/// [`DepthError`].
///
/// # Panics
/// If the work panics.
pub fn with_room<R: Send>(levels: usize, work: impl FnOnce() -> R + Send) -> Result<R, DepthError> {
    if levels <= SHALLOW {
        return Ok(work());
    }
    check(levels)?;
    let unwanted = interrupt::flag();
    thread::scope(|scope| {
        let guard = AROUND_START.get().map(|start| start());
        let thread = builder(levels).spawn_scoped(scope, move || {
            interrupt::stop_by(unwanted);
            work()
        });
        drop(guard);
        match thread.map(thread::ScopedJoinHandle::join) {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(panic)) => {
                // If it has stopped because of a cancellation, that is the error.
                interrupt::check();
                std::panic::resume_unwind(panic)
            }
            Err(_) => Err(DepthError::NoStack(levels)),
        }
    })
}

/// Starts a thread with stack for `levels` levels, which nobody joins.
///
/// # Errors
/// [`DepthError::NoStack`].
pub(crate) fn start_thread(levels: usize, work: impl FnOnce() + Send + 'static) -> Result<(), DepthError> {
    let guard = AROUND_START.get().map(|start| start());
    let thread = builder(levels).spawn(work);
    drop(guard);
    thread.map(drop).map_err(|_| DepthError::NoStack(levels))
}

fn builder(levels: usize) -> thread::Builder {
    thread::Builder::new()
        .name("pg_clone".to_owned())
        .stack_size(STACK + levels * STACK_PER_LEVEL)
}

/// The tree of a JSON text of any depth. Call it, and drop its result, inside [`with_room`].
///
/// # Errors
/// What is wrong with the text.
pub fn parse(text: &[u8]) -> serde_json::Result<Value> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    reader.disable_recursion_limit();
    tree(reader)
}

/// The tree of a JSON text of at most 127 levels, which needs no room. It asks meanwhile whether the statement was cancelled.
///
/// # Errors
/// What is wrong with the text; also that it has more levels.
pub fn parse_shallow(text: &str) -> serde_json::Result<Value> {
    tree(serde_json::Deserializer::from_str(text))
}

fn tree<'de>(
    mut reader: serde_json::Deserializer<impl serde_json::de::Read<'de>>,
) -> serde_json::Result<Value> {
    let value = Tree.deserialize(&mut reader)?;
    reader.end()?;
    Ok(value)
}

/// Reads a tree as [`Value`] does, but asks meanwhile whether the statement was cancelled.
struct Tree;

impl<'de> DeserializeSeed<'de> for Tree {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<Value, D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Tree {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("any valid JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value, A::Error> {
        let mut steps = interrupt::Steps::begin();
        let mut read = Vec::new();
        while let Some(element) = elements.next_element_seed(Tree)? {
            steps.step();
            read.push(element);
        }
        Ok(Value::Array(read))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let Some(first) = members.next_key::<String>()? else {
            return Ok(Value::Object(Map::new()));
        };
        // Where numbers keep their digits, each comes as an object of one member.
        if first == NUMBER {
            let digits: String = members.next_value()?;
            return digits.parse().map(Value::Number).map_err(A::Error::custom);
        }
        let mut steps = interrupt::Steps::begin();
        let mut read = Map::new();
        read.insert(first, members.next_value_seed(Tree)?);
        while let Some(name) = members.next_key()? {
            steps.step();
            read.insert(name, members.next_value_seed(Tree)?);
        }
        Ok(Value::Object(read))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_the_one_that_serde_json_reads() {
        for text in [
            r#"{"a": [1.50, -0, 1e400, 18446744073709551616, null, true, "\u0041"], "a": {}, "": []}"#,
            "[]",
            "{}",
            "7",
            "\"x\"",
        ] {
            let expected: Value = serde_json::from_str(text).unwrap();
            assert_eq!(parse(text.as_bytes()).unwrap(), expected, "{text}");
        }
        for text in ["", "[1,]", "{\"a\"}", "[1] 2", "nul"] {
            let expected = serde_json::from_str::<Value>(text).unwrap_err().to_string();
            assert_eq!(
                parse(text.as_bytes()).unwrap_err().to_string(),
                expected,
                "{text}"
            );
        }
    }

    fn nested(levels: usize, innermost: &str) -> String {
        let levels = levels - 1;
        format!(
            "{}{innermost}{}",
            "{\"a\":[".repeat(levels / 2) + if levels % 2 == 1 { "[" } else { "" },
            (if levels % 2 == 1 { "]" } else { "" }).to_owned() + &"]}".repeat(levels / 2),
        )
    }

    #[test]
    fn levels_are_counted_outside_of_strings() {
        assert_eq!(of_text(nested(1000, "{}").as_bytes()), 1000);
        let strings = nested(300, r#"["[[[{{{", "\"[[[", "\\", "\\\"]"]"#);
        assert_eq!(of_text(strings.as_bytes()), 300);
        assert_eq!(of_text((nested(300, "[]") + "\"[[").as_bytes()), 300);
        assert_eq!(of_text("]".repeat(1000).as_bytes()), 0);
    }

    #[test]
    fn one_level_more_is_refused_with_a_hint() {
        assert_eq!(with_room(MAX_LEVELS + 1, || ()), Err(DepthError::TooDeep));
        let error = DepthError::TooDeep.error();
        assert_eq!(error.code.sqlstate(), "54001");
        assert!(error.hint.ends_with('.'));
    }

    #[test]
    fn work_that_panics_panics_for_the_caller() {
        let caught = std::panic::catch_unwind(|| with_room(SHALLOW + 1, || panic!("as it should")));
        assert!(caught.is_err());
    }
}
