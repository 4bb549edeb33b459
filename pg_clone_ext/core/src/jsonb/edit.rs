//! Edits applied to a `jsonb` tree: the same as [`crate::edit::value::apply`], without conversion to text.

use super::{JsonbError, Node, value::bytes};
use crate::depth::with_room;
use crate::edit::{Edit, EditError, EditOp, Step};
use crate::interrupt;

/// The payload after the edits, applied in order; None if they change nothing.
///
/// # Errors
/// As [`super::decode`], [`Node::apply`] and [`Node::encode`].
pub fn edited(payload: &[u8], edits: &[Edit]) -> Result<Option<Vec<u8>>, JsonbError> {
    if edits.is_empty() {
        return Ok(None);
    }
    with_room(super::levels(payload), || {
        let mut root = super::decode(payload)?;
        root.apply(edits)?.then(|| root.encode()).transpose()
    })?
}

impl Node<'_> {
    /// Applies edits one after another; `true` when the document changed.
    ///
    /// # Errors
    /// [`JsonbError::Edit`] when a place does not exist; [`JsonbError::Number`] and [`JsonbError::NulCharacter`] for
    /// values that `jsonb` cannot hold. Edits before the failing one stay applied.
    pub fn apply(&mut self, edits: &[Edit]) -> Result<bool, JsonbError> {
        edits.iter().try_fold(false, |changed, edit| {
            interrupt::check();
            Ok(self.apply_one(edit)? || changed)
        })
    }

    fn apply_one(&mut self, edit: &Edit) -> Result<bool, JsonbError> {
        let Some((last, parents)) = edit.path.split_last() else {
            return match &edit.op {
                EditOp::Set(value) => Ok(replace(self, Node::from_value(value)?)),
                EditOp::Remove | EditOp::Rename(_) => Err(EditError::Root.into()),
            };
        };
        let no_place = || JsonbError::from(EditError::NoPlace(edit.path.clone()));
        let parent = parents.iter().try_fold(self, |node, step| node.child(step));
        match (&edit.op, parent, last) {
            (EditOp::Remove, Some(Node::Object(members)), Step::Key(name)) => {
                let before = members.len();
                members.retain(|(key, _)| key.as_ref() != name.as_bytes());
                Ok(members.len() != before)
            }
            (EditOp::Remove, Some(Node::Array(elements)), Step::Index(index)) if *index < elements.len() => {
                elements.remove(*index);
                Ok(true)
            }
            (EditOp::Remove, _, _) => Ok(false),
            (EditOp::Set(value), Some(parent @ Node::Object(_)), Step::Key(name)) => {
                let new = Node::from_value(value)?;
                if let Some(old) = parent.child(last) {
                    return Ok(replace(old, new));
                }
                if let Node::Object(members) = parent {
                    members.push((bytes(name)?, new));
                }
                Ok(true)
            }
            (EditOp::Set(value), Some(Node::Array(elements)), Step::Index(index)) => {
                let old = elements.get_mut(*index).ok_or_else(no_place)?;
                Ok(replace(old, Node::from_value(value)?))
            }
            (EditOp::Rename(to), Some(Node::Object(members)), Step::Key(from)) => {
                if !members.iter().any(|(key, _)| key.as_ref() == from.as_bytes()) {
                    return Err(no_place());
                }
                if from == to {
                    return Ok(false);
                }
                members.retain(|(key, _)| key.as_ref() != to.as_bytes());
                for (key, _) in members
                    .iter_mut()
                    .filter(|(key, _)| key.as_ref() == from.as_bytes())
                {
                    *key = bytes(to)?;
                }
                Ok(true)
            }
            (EditOp::Set(_) | EditOp::Rename(_), _, _) => Err(no_place()),
        }
    }

    fn child(&mut self, step: &Step) -> Option<&mut Self> {
        match (self, step) {
            (Node::Object(members), Step::Key(name)) => {
                let found = members
                    .iter_mut()
                    .rev()
                    .find(|(key, _)| key.as_ref() == name.as_bytes());
                found.map(|(_, value)| value)
            }
            (Node::Array(elements), Step::Index(index)) => elements.get_mut(*index),
            _ => None,
        }
    }
}

fn replace<'a>(old: &mut Node<'a>, new: Node<'a>) -> bool {
    let changed = *old != new;
    *old = new;
    changed
}
