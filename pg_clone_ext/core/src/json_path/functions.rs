//! The functions of the RFC.

use super::{Call, Operand, evaluate::visit};
use regex::Regex;
use serde_json::Value;
use std::cell::RefCell;
use std::collections::HashMap;
use std::ops::ControlFlow;

/// Expressions that are kept compiled; more than that many different ones, and all are compiled anew.
const KEPT: usize = 100;

thread_local! {
    /// Regular expressions by their text; None for one that cannot be read, which matches nothing.
    static COMPILED: RefCell<HashMap<String, Option<Regex>>> = RefCell::default();
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Length,
    Count,
    Match,
    Search,
    Value,
}

impl Function {
    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "length" => Function::Length,
            "count" => Function::Count,
            "match" => Function::Match,
            "search" => Function::Search,
            "value" => Function::Value,
            _ => return None,
        })
    }
}

impl Call {
    /// What a function yields that is no condition; None for nothing.
    pub(super) fn value(&self, root: &Value, current: &Value) -> Option<Value> {
        let argument = self.arguments.first()?;
        match self.function {
            Function::Length => match argument.value(root, current)?.as_ref() {
                Value::String(text) => Some(text.chars().count().into()),
                Value::Array(elements) => Some(elements.len().into()),
                Value::Object(members) => Some(members.len().into()),
                _ => None,
            },
            Function::Count | Function::Value => {
                let Operand::Query(query) = argument else {
                    return None;
                };
                let (mut count, mut first) = (0_u64, None);
                let _ = visit(query, root, current, &mut |value, _| {
                    count += 1;
                    first = first.or(Some(value));
                    match self.function {
                        Function::Value if count > 1 => ControlFlow::Break(()),
                        _ => ControlFlow::Continue(()),
                    }
                });
                match self.function {
                    Function::Count => Some(count.into()),
                    _ => first.filter(|_| count == 1).cloned(),
                }
            }
            Function::Match | Function::Search => None,
        }
    }

    /// Whether the condition holds that the function is.
    pub(super) fn holds(&self, root: &Value, current: &Value) -> bool {
        let text = |place: usize| self.arguments.get(place)?.value(root, current);
        let (Some(text), Some(pattern)) = (text(0), text(1)) else {
            return false;
        };
        let (Some(text), Some(pattern)) = (text.as_str(), pattern.as_str()) else {
            return false;
        };
        match self.function {
            Function::Match => matches(text, format!("(?R)^({pattern})$")),
            Function::Search => matches(text, format!("(?R)({pattern})")),
            Function::Length | Function::Count | Function::Value => false,
        }
    }
}

fn matches(text: &str, pattern: String) -> bool {
    COMPILED.with_borrow_mut(|compiled| {
        if compiled.len() >= KEPT && !compiled.contains_key(&pattern) {
            compiled.clear();
        }
        compiled
            .entry(pattern)
            .or_insert_with_key(|pattern| Regex::new(pattern).ok())
            .as_ref()
            .is_some_and(|regex| regex.is_match(text))
    })
}
