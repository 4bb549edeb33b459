//! Edits applied to a `jsonb` tree: the same as [`crate::edit::value::apply`], without conversion to text.

use super::{JsonbError, Node, value::bytes};
use crate::depth::with_room;
use crate::detached_thread::{self, LARGE};
use crate::edit::{Edit, Overlay, require};
use crate::interrupt;
use std::borrow::Cow;

/// The payload after the edits, applied in order; None if they change nothing.
///
/// # Errors
/// As [`super::decode`] and [`Node::encode`]; [`JsonbError::Edit`] when a place does not exist; [`JsonbError::Number`] and
/// [`JsonbError::NulCharacter`] for values that `jsonb` cannot hold.
pub fn edited(payload: &[u8], edits: &[Edit]) -> Result<Option<Vec<u8>>, JsonbError> {
    if edits.is_empty() {
        return Ok(None);
    }
    let levels = super::levels(payload);
    if payload.len() < LARGE {
        return with_room(levels, || edited_tree(payload, edits))?;
    }
    let (payload, edits) = (payload.to_vec(), edits.to_vec());
    detached_thread::run(levels, move || edited_tree(&payload, &edits))?
}

fn edited_tree(payload: &[u8], edits: &[Edit]) -> Result<Option<Vec<u8>>, JsonbError> {
    let mut root = super::decode(payload)?;
    let changed = root.edit(&Overlay::new(edits)?)?;
    changed.then(|| root.encode()).transpose()
}

impl Node<'_> {
    /// Applies merged edits; `true` when the value changed.
    fn edit(&mut self, overlay: &Overlay) -> Result<bool, JsonbError> {
        if let Some(new) = &overlay.replace {
            return Ok(replace(self, Node::from_value(new)?));
        }
        match self {
            Node::Object(members) => edit_object(members, overlay),
            Node::Array(elements) => edit_array(elements, overlay),
            _ => {
                require(overlay.needed.as_ref())?;
                Ok(false)
            }
        }
    }
}

fn edit_object<'a>(
    members: &mut Vec<(Cow<'a, [u8]>, Node<'a>)>,
    overlay: &Overlay,
) -> Result<bool, JsonbError> {
    for element in overlay.items.values() {
        require(element.overlay.needed.as_ref())?;
    }
    let mut found = vec![false; overlay.members.len()];
    let (mut changed, mut steps) = (false, interrupt::Steps::default());
    let mut error = None;
    members.retain_mut(|(name, value)| {
        steps.step();
        let place = std::str::from_utf8(name)
            .ok()
            .and_then(|name| overlay.original(name));
        let (Some(place), None) = (place, &error) else {
            return true;
        };
        let edit = &overlay.members[place];
        found[place] = true;
        let Some(new_name) = &edit.name else {
            changed = true;
            return false;
        };
        let outcome = value.edit(&edit.overlay).and_then(|edited| {
            let renamed = name.as_ref() != new_name.as_bytes();
            if renamed {
                *name = bytes(new_name)?;
            }
            Ok(edited || renamed)
        });
        match outcome {
            Ok(edited) => changed |= edited,
            Err(failed) => error = Some(failed),
        }
        true
    });
    if let Some(error) = error {
        return Err(error);
    }
    for (edit, found) in overlay.members.iter().zip(found) {
        if found {
            continue;
        }
        if edit.original.is_some() {
            require(edit.overlay.needed.as_ref())?;
            require(edit.renamed.as_ref())?;
        }
        if let (Some(name), Some(new)) = (&edit.name, &edit.overlay.replace) {
            members.push((bytes(name)?, Node::from_value(new)?));
            changed = true;
        }
    }
    Ok(changed)
}

fn edit_array(elements: &mut Vec<Node<'_>>, overlay: &Overlay) -> Result<bool, JsonbError> {
    for member in &overlay.members {
        require(member.overlay.needed.as_ref())?;
        require(member.renamed.as_ref())?;
        if member.name.is_some() && member.overlay.replace.is_some() {
            require(overlay.needed.as_ref())?;
            return Ok(false);
        }
    }
    let mut changed = false;
    for (index, edit) in &overlay.items {
        match elements.get_mut(*index) {
            Some(element) if !edit.removed => changed |= element.edit(&edit.overlay)?,
            Some(_) => changed = true,
            None => require(edit.overlay.needed.as_ref())?,
        }
    }
    let mut index = 0..;
    elements.retain(|_| {
        let removed = index.next().and_then(|at| overlay.items.get(&at));
        !removed.is_some_and(|edit| edit.removed)
    });
    Ok(changed)
}

fn replace<'a>(old: &mut Node<'a>, new: Node<'a>) -> bool {
    let changed = *old != new;
    *old = new;
    changed
}
