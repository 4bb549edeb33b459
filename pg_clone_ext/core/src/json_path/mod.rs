//! JSONPath (RFC 9535), evaluated step by step: what a path finds is handed out as it is found, so no path and no document make a
//! list that is larger than the document, and a cancellation is answered between two steps, whatever the filters are.

mod evaluate;
mod functions;
mod parse;

pub(crate) use parse::quoted;

use crate::depth::DepthError;
use crate::edit::Step;
use serde_json::Value;
use std::collections::HashSet;
use std::ops::ControlFlow;

/// Bytes of an expression.
const LENGTH: usize = 10_000;
/// Brackets and parentheses within each other in an expression: each may double the time that it takes to read.
const NESTING: usize = 10;
/// Bytes that the places found in one document may take.
const PLACES: usize = 256 << 20;

/// A path, ready to be followed.
#[derive(Debug, Clone)]
pub struct JsonPath(Query);

/// Why a path cannot be read. SQLSTATE 22023.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathError {
    /// Where, in bytes from 0.
    pub position: usize,
    /// What is wrong there.
    pub message: String,
}

#[derive(Debug, Clone, PartialEq)]
struct Query {
    /// It begins at the root, not at the value at hand.
    from_root: bool,
    segments: Vec<Segment>,
}

#[derive(Debug, Clone, PartialEq)]
struct Segment {
    /// It looks into everything below, not only at the children.
    descends: bool,
    selectors: Vec<Selector>,
}

#[derive(Debug, Clone, PartialEq)]
enum Selector {
    Name(String),
    Wildcard,
    Index(i64),
    Slice {
        start: Option<i64>,
        end: Option<i64>,
        step: i64,
    },
    Filter(Filter),
}

#[derive(Debug, Clone, PartialEq)]
enum Filter {
    Any(Vec<Filter>),
    All(Vec<Filter>),
    Not(Box<Filter>),
    Compare(Operand, Comparison, Operand),
    Exists(Query),
    Call(Call),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Literal(Value),
    Query(Query),
    Call(Call),
}

#[derive(Debug, Clone, PartialEq)]
struct Call {
    function: functions::Function,
    arguments: Vec<Operand>,
}

impl JsonPath {
    /// Reads a path.
    ///
    /// # Errors
    /// What is wrong with it; also that it is too long or nested too deeply.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        check_size(text)?;
        if !text.starts_with('$') {
            return Err(PathError {
                position: 0,
                message: "it does not begin with $".to_owned(),
            });
        }
        serde_json_path::JsonPath::parse(text).map_err(|error| PathError {
            position: error.position(),
            message: match error.message() {
                "parser error" => "it is no JSONPath as RFC 9535 defines it".to_owned(),
                message => message.to_owned(),
            },
        })?;
        parse::query(text).map(JsonPath).ok_or_else(|| PathError {
            position: 0,
            message: "it cannot be read".to_owned(),
        })
    }

    /// The steps of a path that has only names and `[*]` (`None`); no steps for any other path.
    pub fn names(&self) -> Option<Vec<Option<&str>>> {
        let steps = self
            .0
            .segments
            .iter()
            .map(|segment| match segment.selectors.as_slice() {
                [Selector::Name(name)] if !segment.descends => Some(Some(name.as_str())),
                [Selector::Wildcard] if !segment.descends => Some(None),
                _ => None,
            });
        steps.collect()
    }

    /// Whether it finds anything.
    pub fn finds(&self, document: &Value) -> bool {
        evaluate::visit(&self.0, document, document, &mut |_, _| ControlFlow::Break(())).is_break()
    }

    /// Every value that it finds, some perhaps more than once.
    pub fn each<'v>(&self, document: &'v Value, found: &mut dyn FnMut(&'v Value)) {
        let _ = evaluate::visit(&self.0, document, document, &mut |value, _| {
            found(value);
            ControlFlow::Continue(())
        });
    }

    /// The places of all values that it finds, each once, in no order.
    ///
    /// # Errors
    /// [`DepthError::TooManyPlaces`].
    pub fn places(&self, document: &Value) -> Result<Vec<Vec<Step>>, DepthError> {
        let (mut seen, mut places, mut bytes) = (HashSet::new(), Vec::new(), 0);
        let flow = evaluate::visit(&self.0, document, document, &mut |value, place| {
            // A document is a tree: the address of a value stands for its place.
            if seen.insert(std::ptr::from_ref(value).addr()) {
                bytes += place.iter().map(evaluate::At::bytes).sum::<usize>() + size_of::<Vec<Step>>();
                if bytes > PLACES {
                    return ControlFlow::Break(());
                }
                places.push(place.iter().map(evaluate::At::step).collect());
            }
            ControlFlow::Continue(())
        });
        match flow {
            ControlFlow::Continue(()) => Ok(places),
            ControlFlow::Break(()) => Err(DepthError::TooManyPlaces(PLACES)),
        }
    }
}

/// Refuses what would take long to read.
fn check_size(text: &str) -> Result<(), PathError> {
    let refused = |position, message: String| Err(PathError { position, message });
    if text.len() > LENGTH {
        return refused(LENGTH, format!("it is longer than {LENGTH} bytes"));
    }
    let mut level = 0_usize;
    let mut bytes = text.bytes().enumerate();
    while let Some((position, byte)) = bytes.next() {
        match byte {
            b'[' | b'(' => level += 1,
            b']' | b')' => level = level.saturating_sub(1),
            quote @ (b'\'' | b'"') => {
                while let Some((_, byte)) = bytes.next() {
                    match byte {
                        b'\\' => drop(bytes.next()),
                        byte if byte == quote => break,
                        _ => {}
                    }
                }
            }
            _ => {}
        }
        if level > NESTING {
            return refused(
                position,
                format!("brackets are nested deeper than {NESTING} levels"),
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
