//! Follows a path through a document. What lies below a value is visited without recursion, so the stack that it takes depends on
//! the path only.

use super::{Comparison, Filter, Operand, Query, Segment, Selector};
use crate::edit::Step;
use crate::interrupt;
use serde_json::Value;
use std::borrow::Cow;
use std::ops::ControlFlow;

/// A step from a value to one inside it.
#[derive(Debug, Clone, Copy)]
pub(super) enum At<'v> {
    Name(&'v str),
    Index(usize),
}

impl At<'_> {
    pub(super) fn step(&self) -> Step {
        match self {
            At::Name(name) => Step::Key((*name).to_owned()),
            At::Index(index) => Step::Index(*index),
        }
    }

    /// Bytes that the step takes.
    pub(super) fn bytes(&self) -> usize {
        size_of::<Step>()
            + match self {
                At::Name(name) => name.len(),
                At::Index(_) => 0,
            }
    }
}

/// Called with a value that was found and the steps to it from where the query began.
type Found<'f, 'v> = &'f mut dyn FnMut(&'v Value, &[At<'v>]) -> ControlFlow<()>;

/// Calls `found` with everything that a query finds, until it says that it is enough.
pub(super) fn visit<'v>(
    query: &Query,
    root: &'v Value,
    current: &'v Value,
    found: Found<'_, 'v>,
) -> ControlFlow<()> {
    let mut visitor = Visitor {
        root,
        place: Vec::new(),
        steps: interrupt::Steps::default(),
        found,
    };
    let begin = if query.from_root { root } else { current };
    visitor.segments(&query.segments, begin)
}

struct Visitor<'f, 'v> {
    root: &'v Value,
    place: Vec<At<'v>>,
    steps: interrupt::Steps,
    found: Found<'f, 'v>,
}

/// The children of a value.
enum Children<'v> {
    Elements(std::iter::Enumerate<std::slice::Iter<'v, Value>>),
    Members(serde_json::map::Iter<'v>),
    None,
}

impl<'v> Children<'v> {
    fn of(value: &'v Value) -> Self {
        match value {
            Value::Array(elements) => Children::Elements(elements.iter().enumerate()),
            Value::Object(members) => Children::Members(members.iter()),
            _ => Children::None,
        }
    }
}

impl<'v> Iterator for Children<'v> {
    type Item = (At<'v>, &'v Value);

    fn next(&mut self) -> Option<Self::Item> {
        match self {
            Children::Elements(elements) => elements.next().map(|(index, value)| (At::Index(index), value)),
            Children::Members(members) => members.next().map(|(name, value)| (At::Name(name), value)),
            Children::None => None,
        }
    }
}

impl<'v> Visitor<'_, 'v> {
    fn segments(&mut self, segments: &[Segment], value: &'v Value) -> ControlFlow<()> {
        self.steps.step();
        let Some((segment, rest)) = segments.split_first() else {
            return (self.found)(value, &self.place);
        };
        self.select(&segment.selectors, rest, value)?;
        if !segment.descends {
            return ControlFlow::Continue(());
        }
        let mut levels = vec![Children::of(value)];
        let depth = self.place.len();
        while let Some(children) = levels.last_mut() {
            self.steps.step();
            match children.next() {
                Some((at, child)) => {
                    self.place.push(at);
                    self.select(&segment.selectors, rest, child)?;
                    levels.push(Children::of(child));
                }
                None => {
                    levels.pop();
                    if self.place.len() > depth {
                        self.place.pop();
                    }
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// Goes on with the children that are selected.
    fn select(&mut self, selectors: &[Selector], rest: &[Segment], value: &'v Value) -> ControlFlow<()> {
        for selector in selectors {
            match (selector, value) {
                (Selector::Name(name), Value::Object(members)) => {
                    if let Some((name, child)) = members.get_key_value(name) {
                        self.enter(At::Name(name), rest, child)?;
                    }
                }
                (Selector::Index(index), Value::Array(elements)) => {
                    if let Some(index) = position(*index, elements.len()) {
                        self.enter(At::Index(index), rest, &elements[index])?;
                    }
                }
                (Selector::Slice { start, end, step }, Value::Array(elements)) => {
                    for index in slice(*start, *end, *step, elements.len()) {
                        self.enter(At::Index(index), rest, &elements[index])?;
                    }
                }
                (Selector::Wildcard, _) => {
                    for (at, child) in Children::of(value) {
                        self.enter(at, rest, child)?;
                    }
                }
                (Selector::Filter(filter), _) => {
                    for (at, child) in Children::of(value) {
                        self.steps.step();
                        if filter.holds(self.root, child) {
                            self.enter(at, rest, child)?;
                        }
                    }
                }
                _ => {}
            }
        }
        ControlFlow::Continue(())
    }

    fn enter(&mut self, at: At<'v>, rest: &[Segment], child: &'v Value) -> ControlFlow<()> {
        self.place.push(at);
        self.segments(rest, child)?;
        self.place.pop();
        ControlFlow::Continue(())
    }
}

/// An index that counts from the end where it is negative.
fn position(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let index = if index < 0 {
        index.checked_add(length)?
    } else {
        index
    };
    usize::try_from(index).ok().filter(|_| index < length)
}

/// The indexes of a slice, as section 2.3.4.2.2 of the RFC counts them.
fn slice(start: Option<i64>, end: Option<i64>, step: i64, length: usize) -> Box<dyn Iterator<Item = usize>> {
    let length = i64::try_from(length).unwrap_or(i64::MAX);
    let from_end = |index: i64| {
        if index < 0 {
            length.saturating_add(index)
        } else {
            index
        }
    };
    let stride = usize::try_from(step.unsigned_abs()).unwrap_or(usize::MAX);
    let index = |index: i64| usize::try_from(index).ok();
    if step > 0 {
        let lower = from_end(start.unwrap_or(0)).clamp(0, length);
        let upper = from_end(end.unwrap_or(length)).clamp(0, length);
        Box::new((lower..upper).step_by(stride).filter_map(index))
    } else if step < 0 {
        let upper = start.map_or(length - 1, from_end).clamp(-1, length - 1);
        let lower = end.map_or(-1, from_end).clamp(-1, length - 1);
        Box::new((lower + 1..upper + 1).rev().step_by(stride).filter_map(index))
    } else {
        Box::new(std::iter::empty())
    }
}

impl Filter {
    fn holds(&self, root: &Value, current: &Value) -> bool {
        match self {
            Filter::Any(filters) => filters.iter().any(|filter| filter.holds(root, current)),
            Filter::All(filters) => filters.iter().all(|filter| filter.holds(root, current)),
            Filter::Not(filter) => !filter.holds(root, current),
            Filter::Exists(query) => {
                visit(query, root, current, &mut |_, _| ControlFlow::Break(())).is_break()
            }
            Filter::Call(call) => call.holds(root, current),
            Filter::Compare(left, comparison, right) => {
                let (left, right) = (left.value(root, current), right.value(root, current));
                comparison.holds(left.as_deref(), right.as_deref())
            }
        }
    }
}

impl Operand {
    /// Its value; None for nothing.
    pub(super) fn value<'v>(&'v self, root: &'v Value, current: &'v Value) -> Option<Cow<'v, Value>> {
        match self {
            Operand::Literal(value) => Some(Cow::Borrowed(value)),
            Operand::Call(call) => call.value(root, current).map(Cow::Owned),
            Operand::Query(query) => {
                let mut only = None;
                let _ = visit(query, root, current, &mut |value, _| {
                    only = Some(value);
                    ControlFlow::Break(())
                });
                only.map(Cow::Borrowed)
            }
        }
    }
}

impl Comparison {
    fn holds(self, left: Option<&Value>, right: Option<&Value>) -> bool {
        match self {
            Comparison::Equal => equal(left, right),
            Comparison::NotEqual => !equal(left, right),
            Comparison::Less => less(left, right),
            Comparison::LessOrEqual => less(left, right) || equal(left, right),
            Comparison::Greater => less(right, left),
            Comparison::GreaterOrEqual => less(right, left) || equal(left, right),
        }
    }
}

fn equal(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => {
            left == right || left.as_f64().is_some_and(|left| Some(left) == right.as_f64())
        }
        _ => left == right,
    }
}

fn less(left: Option<&Value>, right: Option<&Value>) -> bool {
    match (left, right) {
        (Some(Value::Number(left)), Some(Value::Number(right))) => {
            matches!((left.as_f64(), right.as_f64()), (Some(left), Some(right)) if left < right)
        }
        (Some(Value::String(left)), Some(Value::String(right))) => left < right,
        _ => false,
    }
}
