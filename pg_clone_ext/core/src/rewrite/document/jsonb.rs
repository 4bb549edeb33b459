//! The path with allocation for `jsonb`: decode, rewrite the tree, encode.

use crate::depth::with_room;
use crate::interrupt;
use crate::jsonb::{JsonbError, Node, decode, levels};
use crate::rewrite::id_paths::Step;
use crate::rewrite::value::NewValue;
use crate::rewrite::{Dangling, IdField, Outcome, RewriteError, Rewriter};
use std::borrow::Cow;
use std::collections::HashSet;

/// A document that is being rebuilt.
struct Rebuild<'r, 'a, 'd> {
    rewriter: &'r mut Rewriter<'a>,
    /// The path from the root, kept only if id fields are declared.
    path: Vec<Step<'d>>,
    changed: bool,
}

impl<'a> Rewriter<'a> {
    pub(in crate::rewrite) fn rebuild_jsonb(&mut self, payload: &[u8]) -> Result<Outcome, RewriteError> {
        with_room(levels(payload), || self.rebuild(payload)).map_err(JsonbError::from)?
    }

    fn rebuild(&mut self, payload: &[u8]) -> Result<Outcome, RewriteError> {
        let root = decode(payload)?;
        let mut rebuild = Rebuild {
            rewriter: self,
            path: Vec::new(),
            changed: false,
        };
        // The root cannot be removed.
        let root = rebuild.node(root)?.unwrap_or(Node::Null);
        if !rebuild.changed {
            return Ok(Outcome::Unchanged);
        }
        let payload = root.encode()?;
        self.counts.rebuilt += 1;
        Ok(Outcome::Rebuilt(payload))
    }
}

impl<'a, 'd> Rebuild<'_, 'a, 'd> {
    /// The rewritten value; `None` when it is to be removed.
    fn node(&mut self, node: Node<'d>) -> Result<Option<Node<'d>>, RewriteError> {
        Ok(Some(match node {
            Node::String(string) => return self.string(string),
            Node::Array(elements) => {
                let mut kept = Vec::with_capacity(elements.len());
                let mut steps = interrupt::Steps::begin();
                for element in elements {
                    steps.step();
                    kept.extend(self.at(Step::Element, element)?);
                }
                Node::Array(kept)
            }
            Node::Object(members) => Node::Object(self.members(members)?),
            scalar => scalar,
        }))
    }

    fn at(&mut self, step: Step<'d>, node: Node<'d>) -> Result<Option<Node<'d>>, RewriteError> {
        if self.rewriter.paths.is_none() {
            return self.node(node);
        }
        self.path.push(step);
        let node = self.node(node)?;
        self.path.pop();
        Ok(node)
    }

    #[expect(clippy::type_complexity, reason = "the members of a node, in and out")]
    fn members(
        &mut self,
        members: Vec<(Cow<'d, [u8]>, Node<'d>)>,
    ) -> Result<Vec<(Cow<'d, [u8]>, Node<'d>)>, RewriteError> {
        let mut kept = Vec::with_capacity(members.len());
        let mut key_changed = false;
        let display = self.display_instead(&members);
        let mut steps = interrupt::Steps::begin();
        for (key, value) in members {
            steps.step();
            let step = match &key {
                Cow::Borrowed(key) => Step::Member(key),
                // A decoded tree borrows its strings.
                Cow::Owned(_) => Step::Element,
            };
            let key = match self.rewriter.new_value(&key, None, true)? {
                NewValue::Changed(new) => {
                    key_changed = true;
                    Cow::Owned(new)
                }
                NewValue::Same | NewValue::Dangling => key,
            };
            match (self.at(step, value)?, display) {
                (Some(value), _) => kept.push((key, value)),
                (None, Some(text)) => kept.push((
                    Cow::Borrowed(&b"display"[..]),
                    Node::String(Cow::Owned(text.as_bytes().to_vec())),
                )),
                (None, None) => {}
            }
        }
        if key_changed {
            self.changed = true;
            let distinct: HashSet<&[u8]> = kept.iter().map(|(key, _)| key.as_ref()).collect();
            self.rewriter.counts.key_collisions += (kept.len() - distinct.len()) as u64;
        }
        Ok(kept)
    }

    /// The replacement of a removed reference that is the only member of its object.
    fn display_instead(&self, members: &[(Cow<'d, [u8]>, Node<'d>)]) -> Option<&'a str> {
        let text = self.rewriter.paths?.dangling_display()?;
        let is_meta = matches!(self.path.first(), Some(Step::Member(b"meta")));
        let is_reference = matches!(members, [(key, _)] if key.as_ref() == b"reference");
        (is_reference && !is_meta).then_some(text)
    }

    fn string(&mut self, string: Cow<'d, [u8]>) -> Result<Option<Node<'d>>, RewriteError> {
        let field: Option<IdField> = self.rewriter.paths.and_then(|paths| paths.field_at(&self.path));
        match self.rewriter.new_value(&string, field, false)? {
            NewValue::Same => Ok(Some(Node::String(string))),
            NewValue::Changed(new) => {
                self.changed = true;
                Ok(Some(Node::String(Cow::Owned(new))))
            }
            NewValue::Dangling if self.rewriter.dangling == Dangling::Remove => {
                self.changed = true;
                self.rewriter.counts.removed += 1;
                Ok(None)
            }
            NewValue::Dangling => {
                self.changed = true;
                self.rewriter.counts.nulled += 1;
                Ok(Some(Node::Null))
            }
        }
    }
}
