//! Evaluates rules against one document; the result is a list of edits.

use super::Kind;
use super::compile::{Act, Compiled, RuleSet};
use super::error::RuleError;
use crate::depth::DepthError;
use crate::document_tree::DocumentTree;
use crate::edit::{Edit, EditOp, Step, value};
use crate::interrupt;
use crate::json_path::JsonPath;
use serde_json::Value;
use std::fmt::Write;

/// What rules need to know about the current document from the run.
pub trait Context {
    /// Whether this string identifies a cloned resource, as an id or as any form of a reference.
    fn is_cloned(&self, text: &str) -> bool;
    /// Fills the buffer with cryptographically secure random bytes.
    fn random(&self, buffer: &mut [u8]);
    /// The resource's id in the source, for `{source_id}`.
    fn source_id(&self) -> &str;
    /// The resource's id in the clone, for `{target_id}`.
    fn target_id(&self) -> &str;
}

/// The result of the rules for one document.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleEdits {
    /// The edits, to be applied in order.
    pub edits: Vec<Edit>,
    /// The columns that get the same values; `None` is NULL. Each column once.
    pub columns: Vec<(String, Option<Value>)>,
    /// What the operator must do: the rule (its position in the compiled list, from 0) and the sentence.
    pub todos: Vec<(usize, String)>,
}

impl RuleSet {
    /// Evaluates the rules for this type in order; each rule sees the document after the rules before it, and changes it.
    ///
    /// The strings at `unless_cloned` are passed to [`Context::is_cloned`] unchanged, so the
    /// context must know the ids in `document`: those of the source, if ids are rewritten afterwards.
    ///
    /// # Errors
    /// [`RuleError::Edit`], which would be a bug in this module.
    pub fn evaluate(
        &self,
        resource_type: &str,
        document: DocumentTree,
        context: &dyn Context,
    ) -> Result<RuleEdits, RuleError> {
        let mut outcome = RuleEdits::default();
        let rules = self.of_type(resource_type);
        if rules.is_empty() {
            return Ok(outcome);
        }
        // A filter expression selects elements of an array: the document is the only element.
        let mut wrapped = document.map(|document| Value::Array(vec![document]));
        for &position in rules {
            let rule = &self.rules[position];
            if rule.when.as_ref().is_some_and(|when| !when.finds(&wrapped)) {
                continue;
            }
            let Some(current) = wrapped.get_mut(0) else {
                continue;
            };
            if rule
                .unless_cloned
                .as_ref()
                .is_some_and(|path| names_cloned(path, current, context))
            {
                continue;
            }
            rule.run(current, context, &mut outcome)?;
        }
        Ok(outcome)
    }
}

fn names_cloned(path: &JsonPath, document: &Value, context: &dyn Context) -> bool {
    let mut cloned = false;
    path.each(document, &mut |value| {
        cloned = cloned || value.as_str().is_some_and(|text| context.is_cloned(text));
    });
    cloned
}

impl Compiled {
    fn run(
        &self,
        document: &mut Value,
        context: &dyn Context,
        outcome: &mut RuleEdits,
    ) -> Result<(), RuleError> {
        let places = self.places(document).map_err(RuleError::Depth)?;
        let Some(shown) = places.last() else { return Ok(()) };
        // The value of the columns: all places get the same value if the rule has columns and sets one.
        let shown = shown.clone();
        let mut changed = false;
        for path in places {
            interrupt::check();
            let op = match &self.act {
                Act::Remove => EditOp::Remove,
                Act::Set(template) => EditOp::Set(template.fill(context)),
                Act::Rename(name) => EditOp::Rename(name.clone()),
                Act::Regenerate(kind) => EditOp::Set(Value::String(kind.generate(context))),
            };
            let edit = Edit { path, op };
            let applied = value::apply(document, &edit);
            if applied.map_err(|source| RuleError::Edit {
                rule: self.index + 1,
                source,
            })? {
                outcome.edits.push(edit);
                changed = true;
            }
        }
        let follows = match &self.act {
            Act::Remove => None,
            _ => value::get(document, &shown).cloned(),
        };
        for column in &self.columns {
            outcome.columns.retain(|(name, _)| name != column);
            outcome.columns.push((column.clone(), follows.clone()));
        }
        if let (true, Some(todo)) = (changed, &self.todo) {
            outcome.todos.push((self.index, todo.fill(context)));
        }
        Ok(())
    }

    /// The places that the rule changes, the last in the document first, so that a removal does not move the others.
    fn places(&self, document: &Value) -> Result<Vec<Vec<Step>>, DepthError> {
        let mut places = match &self.singular {
            Some(path) => self.single_place(path, document).into_iter().collect(),
            None => self.path.places(document)?,
        };
        if matches!(self.act, Act::Rename(_)) {
            places.retain(|path| matches!(path.last(), Some(Step::Key(_))));
        }
        interrupt::sort_by(&mut places, |a, b| b.cmp(a));
        Ok(places)
    }

    fn single_place(&self, path: &[Step], document: &Value) -> Option<Vec<Step>> {
        let exists = value::get(document, path).is_some();
        let addable = || {
            let (last, parents) = path.split_last()?;
            let parent = value::get(document, parents)?;
            Some(matches!(last, Step::Key(_)) && parent.is_object())
        };
        let wanted = exists || (matches!(self.act, Act::Set(_)) && addable().unwrap_or(false));
        wanted.then(|| path.to_vec())
    }
}

impl Kind {
    fn generate(self, context: &dyn Context) -> String {
        let mut bytes = vec![0; if let Kind::Hex(count) = self { count } else { 16 }];
        context.random(&mut bytes);
        if self == Kind::Uuid {
            // RFC 9562: version 4 in the high half of byte 6, variant 0b10 in the top bits of byte 8.
            bytes[6] = (bytes[6] & 0x0f) | 0x40;
            bytes[8] = (bytes[8] & 0x3f) | 0x80;
        }
        let mut text = String::with_capacity(bytes.len() * 2 + 4);
        for (index, byte) in bytes.iter().enumerate() {
            if self == Kind::Uuid && matches!(index, 4 | 6 | 8 | 10) {
                text.push('-');
            }
            // Writing to a String cannot fail.
            let _ = write!(text, "{byte:02x}");
        }
        text
    }
}
