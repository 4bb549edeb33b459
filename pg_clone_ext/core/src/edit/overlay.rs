//! A list of edits, one after another, merged into one tree over the document they will be applied to.
//!
//! The tree refers to places of the *unedited* document, so the text is read once, however many edits
//! there are: an index after a removal is converted to the index before it, a set below a place that was
//! set changes that value, and a renamed member is found under both names.

use super::{Edit, EditError, EditOp, Step, value};
use crate::interrupt;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap};

/// What happens to one value of the document.
#[derive(Debug, Default)]
pub(crate) struct Overlay {
    /// The value that takes its place.
    pub replace: Option<Value>,
    /// What happens to its members, if it is an object; those that are added, in their order.
    pub members: Vec<Member>,
    /// The position of each member by the name that it has after the edits so far.
    by_name: HashMap<String, usize>,
    /// The same by its name in the document.
    by_original: HashMap<String, usize>,
    /// What happens to its elements, if it is an array, by their index in the document.
    pub items: BTreeMap<usize, Element>,
    /// The first edit that fails if this value is not an object or array, or does not exist.
    pub needed: Option<Vec<Step>>,
}

/// What happens to one member of an object.
#[derive(Debug, Default)]
pub(crate) struct Member {
    /// Its name in the document; `None` for a member that takes the place of one that was removed.
    pub original: Option<String>,
    /// Its name afterwards; `None` when it is removed.
    pub name: Option<String>,
    /// The first edit that fails if the document does not have it.
    pub renamed: Option<Vec<Step>>,
    /// What happens to its value.
    pub overlay: Overlay,
}

/// What happens to one element of an array.
#[derive(Debug, Default)]
pub(crate) struct Element {
    /// Whether it is removed.
    pub removed: bool,
    /// What happens to its value.
    pub overlay: Overlay,
}

/// The state of a name after the edits so far.
enum Place {
    /// The member at this position of `members` has it.
    Taken(usize),
    /// A member had it and was removed or renamed.
    Vacant,
    /// No edit names it: the document decides.
    Unknown,
}

/// The result of one step down.
enum Below<'a> {
    Overlay(&'a mut Overlay),
    Gone,
}

/// Refuses a value or member that is needed and not there: `needed` is the path of the edit that needs it.
///
/// # Errors
/// [`EditError::NoPlace`].
pub(crate) fn require(needed: Option<&Vec<Step>>) -> Result<(), EditError> {
    needed.map_or(Ok(()), |path| Err(EditError::NoPlace(path.clone())))
}

impl Overlay {
    /// Merges the edits.
    ///
    /// # Errors
    /// [`EditError::Root`], [`EditError::NoPlace`] where an earlier edit took the place away.
    pub(crate) fn new(edits: &[Edit]) -> Result<Self, EditError> {
        let mut root = Overlay::default();
        for edit in edits {
            interrupt::check();
            root.add(edit)?;
        }
        Ok(root)
    }

    /// The position in `members` of the one that has this name in the document.
    pub(crate) fn original(&self, name: &str) -> Option<usize> {
        self.by_original.get(name).copied()
    }

    fn add(&mut self, edit: &Edit) -> Result<(), EditError> {
        let Some((last, parents)) = edit.path.split_last() else {
            return match &edit.op {
                EditOp::Set(new) => {
                    *self = Overlay {
                        replace: Some(new.clone()),
                        ..Overlay::default()
                    };
                    Ok(())
                }
                EditOp::Remove | EditOp::Rename(_) => Err(EditError::Root),
            };
        };
        let needs = edit.op != EditOp::Remove;
        let mut at = self;
        for (depth, step) in parents.iter().enumerate() {
            if at.replace.is_some() {
                return at.edit_replacement(edit, depth);
            }
            at.need(needs, edit);
            match at.below(step) {
                Below::Overlay(next) => at = next,
                Below::Gone if needs => return Err(EditError::NoPlace(edit.path.clone())),
                Below::Gone => return Ok(()),
            }
        }
        if at.replace.is_some() {
            return at.edit_replacement(edit, parents.len());
        }
        at.need(needs, edit);
        match (&edit.op, last) {
            (EditOp::Remove, Step::Key(name)) => at.remove_member(name),
            (EditOp::Remove, Step::Index(index)) => at.element(*index).removed = true,
            (EditOp::Set(new), Step::Key(name)) => at.set_member(name, new),
            (EditOp::Set(new), Step::Index(index)) => {
                let element = &mut at.element(*index).overlay;
                element.need(true, edit);
                element.replace = Some(new.clone());
            }
            (EditOp::Rename(to), Step::Key(name)) => return at.rename_member(name, to, edit),
            (EditOp::Rename(_), Step::Index(_)) => return Err(EditError::NoPlace(edit.path.clone())),
        }
        Ok(())
    }

    fn need(&mut self, needs: bool, edit: &Edit) {
        if needs && self.needed.is_none() {
            self.needed = Some(edit.path.clone());
        }
    }

    /// The edit goes into the value that an earlier edit put here.
    fn edit_replacement(&mut self, edit: &Edit, depth: usize) -> Result<(), EditError> {
        if let Some(new) = &mut self.replace {
            let inner = Edit {
                path: edit.path[depth..].to_vec(),
                op: edit.op.clone(),
            };
            value::apply(new, &inner).map_err(|_| EditError::NoPlace(edit.path.clone()))?;
        }
        Ok(())
    }

    fn below(&mut self, step: &Step) -> Below<'_> {
        match step {
            Step::Index(index) => Below::Overlay(&mut self.element(*index).overlay),
            Step::Key(name) => match self.place(name) {
                Place::Taken(at) => Below::Overlay(&mut self.members[at].overlay),
                Place::Vacant => Below::Gone,
                Place::Unknown => {
                    let at = self.touch(name);
                    Below::Overlay(&mut self.members[at].overlay)
                }
            },
        }
    }

    fn place(&self, name: &str) -> Place {
        match self.by_name.get(name) {
            Some(&at) => Place::Taken(at),
            None if self.by_original.contains_key(name) => Place::Vacant,
            None => Place::Unknown,
        }
    }

    /// Adds a member that the document may have under this name.
    fn touch(&mut self, name: &str) -> usize {
        let at = self.members.len();
        self.by_name.insert(name.to_owned(), at);
        self.by_original.insert(name.to_owned(), at);
        self.members.push(Member {
            original: Some(name.to_owned()),
            name: Some(name.to_owned()),
            ..Member::default()
        });
        at
    }

    /// Adds a member in the place of one that was removed or renamed.
    fn add_new(&mut self, name: &str) -> usize {
        let at = self.members.len();
        self.by_name.insert(name.to_owned(), at);
        self.members.push(Member {
            name: Some(name.to_owned()),
            ..Member::default()
        });
        at
    }

    /// Moves a member behind the others. Where it was, a member without names remains, which says nothing.
    fn move_to_end(&mut self, at: usize) -> usize {
        let member = std::mem::take(&mut self.members[at]);
        let end = self.members.len();
        if let Some(place) = member.name.as_ref().and_then(|name| self.by_name.get_mut(name)) {
            *place = end;
        }
        let original = member.original.as_ref();
        if let Some(place) = original.and_then(|name| self.by_original.get_mut(name)) {
            *place = end;
        }
        self.members.push(member);
        end
    }

    fn remove_member(&mut self, name: &str) {
        let at = match self.place(name) {
            Place::Taken(at) => at,
            Place::Vacant => return,
            Place::Unknown => self.touch(name),
        };
        self.members[at].name = None;
        self.by_name.remove(name);
    }

    fn set_member(&mut self, name: &str, new: &Value) {
        let at = match self.place(name) {
            Place::Taken(at) if self.members[at].overlay.replace.is_some() => at,
            // If the document does not have it, it is added after those added before.
            Place::Taken(at) => self.move_to_end(at),
            Place::Vacant => self.add_new(name),
            Place::Unknown => self.touch(name),
        };
        self.members[at].overlay = Overlay {
            replace: Some(new.clone()),
            needed: self.members[at].overlay.needed.take(),
            ..Overlay::default()
        };
    }

    fn rename_member(&mut self, name: &str, to: &str, edit: &Edit) -> Result<(), EditError> {
        let at = match self.place(name) {
            Place::Taken(at) => at,
            Place::Vacant => return Err(EditError::NoPlace(edit.path.clone())),
            Place::Unknown => self.touch(name),
        };
        let member = &mut self.members[at];
        if member.overlay.replace.is_none() && member.renamed.is_none() {
            member.renamed = Some(edit.path.clone());
        }
        if name != to {
            self.remove_member(to);
            self.members[at].name = Some(to.to_owned());
            self.by_name.remove(name);
            self.by_name.insert(to.to_owned(), at);
        }
        Ok(())
    }

    /// The element that has this index after the removals so far.
    fn element(&mut self, index: usize) -> &mut Element {
        let mut index = index;
        for (&at, element) in &self.items {
            if at > index {
                break;
            }
            if element.removed {
                index += 1;
            }
        }
        self.items.entry(index).or_default()
    }
}
