//! Rewrites documents and values: every id of a cloned resource becomes the clone's.
//!
//! Ids are UUIDs at any position of a string (see `find`) and, if a store has them, text ids in the places
//! that `text_ids` recognizes. A document that keeps its length is changed in place (`in_place`); others are rebuilt
//! (`json_text`, `jsonb`).

mod dangling;
mod document;
mod error;
mod find;
mod id_paths;
mod outcome;
mod value;

pub use dangling::{Dangling, DanglingTargets};
pub use error::RewriteError;
pub use id_paths::{BadIdPath, IdField, IdPaths, Step};
pub use outcome::{Counts, Outcome, TextIdOutcome, UuidOutcome};

use crate::depth;
use crate::ids::{Id, IdMap, Mapped, MappedText, TextIdMap};
use document::in_place::{Scratch, Verdict};
use find::base64::may_hold_base64;
use find::boundary::Encoding;
use find::escapes::has_escape;
use value::NewValue;

/// How a value is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// JSON as text.
    Json,
    /// The payload of a `jsonb`.
    Jsonb,
    /// Any other text.
    Text,
}

/// Rewrites the documents and values of one clone. Keeps its working memory from one document to the next, so that a
/// document changed in place costs no allocation.
pub struct Rewriter<'a> {
    ids: &'a IdMap,
    texts: &'a TextIdMap,
    paths: Option<&'a IdPaths>,
    dangling: Dangling,
    counts: Counts,
    targets: DanglingTargets,
    scratch: Scratch,
    counts_base64: bool,
}

impl<'a> Rewriter<'a> {
    /// A rewriter for the ids of these maps.
    pub fn new(ids: &'a IdMap, text_ids: &'a TextIdMap, dangling: Dangling) -> Self {
        Rewriter {
            ids,
            texts: text_ids,
            paths: None,
            dangling,
            counts: Counts::default(),
            targets: DanglingTargets::default(),
            scratch: Scratch::default(),
            counts_base64: false,
        }
    }

    /// The same rewriter, for documents with these id fields. Kept fields concern all ids, the others only
    /// text ids.
    pub fn with_id_paths(mut self, paths: &'a IdPaths) -> Self {
        self.set_id_paths(Some(paths));
        self
    }

    /// The same rewriter, that also counts ids in base64, which are not rewritten.
    pub fn counting_base64(mut self) -> Self {
        self.counts_base64 = true;
        self
    }

    /// Sets the id fields of the next documents (of another type).
    pub fn set_id_paths(&mut self, paths: Option<&'a IdPaths>) {
        self.paths = paths.filter(|paths| !paths.is_empty());
    }

    /// Sets the policy for dangling references of the next documents (of another type).
    pub fn set_dangling(&mut self, dangling: Dangling) {
        self.dangling = dangling;
    }

    /// The counts so far.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// The counts since the last call.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// The targets of dangling references so far.
    pub fn dangling_targets(&self) -> &DanglingTargets {
        &self.targets
    }

    /// The targets of dangling references since the last call.
    pub fn take_dangling_targets(&mut self) -> DanglingTargets {
        std::mem::take(&mut self.targets)
    }

    /// Whether a rewrite of these bytes (of a document or value of any kind) could change or count anything. False is
    /// always right; much cheaper than a copy of the bytes.
    pub fn touches(&self, bytes: &[u8]) -> bool {
        self.touches_known(bytes) || self.counts_base64 && may_hold_base64(bytes)
    }

    /// [`Rewriter::touches`] for the payload of a `jsonb`, whose strings are kept without anything between them.
    ///
    /// # Errors
    /// [`RewriteError`]: the payload is malformed.
    pub fn touches_jsonb(&mut self, payload: &[u8]) -> Result<bool, RewriteError> {
        let is_known = self.touches_known(payload);
        if is_known || !self.counts_base64 {
            return Ok(is_known);
        }
        let walk = &mut self.scratch.walk;
        walk.begin(payload)?;
        while let Some(string) = walk.next_string(payload, 0)? {
            if may_hold_base64(&payload[string.start..string.end]) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    fn touches_known(&self, bytes: &[u8]) -> bool {
        !self.texts.is_empty() || find::any_hit(self.ids, bytes) || has_escape(bytes)
    }

    /// Rewrites a JSON document held as text.
    ///
    /// Ids in keys are rewritten like those in values. Bytes outside rewritten strings stay as they are.
    ///
    /// # Errors
    /// [`RewriteError`]; the document is not changed then. A document that can be changed in place is not checked to be
    /// valid JSON.
    pub fn json_text(&mut self, document: &mut [u8]) -> Result<Outcome, RewriteError> {
        // This path needs no stack, but the limit must be the same on every path.
        if document.len() > 2 * depth::MAX_LEVELS {
            depth::check(depth::of_text(document))?;
        }
        if self.counts_base64 || !self.texts.is_empty() {
            return self.rebuild_json_text(document);
        }
        match self.judge_text(document, Encoding::Json)? {
            Verdict::InPlace => Ok(self.patch(document)),
            Verdict::Rebuild => self.rebuild_json_text(document),
        }
    }

    /// Rewrites the payload of a `jsonb` datum (the bytes behind its varlena header).
    ///
    /// Of two keys that become equal the later one, in the order of the source's keys, is kept.
    ///
    /// # Errors
    /// [`RewriteError`]; the payload is not changed then. A malformed payload is an error only where the rewriter reads it.
    pub fn jsonb(&mut self, payload: &mut [u8]) -> Result<Outcome, RewriteError> {
        if self.counts_base64 || !self.texts.is_empty() {
            return self.rebuild_jsonb(payload);
        }
        match self.judge_jsonb(payload)? {
            Verdict::InPlace => Ok(self.patch(payload)),
            Verdict::Rebuild => self.rebuild_jsonb(payload),
        }
    }

    /// Rewrites a text value that is not JSON (for example, a reference), by the rules of a string value.
    ///
    /// # Errors
    /// [`RewriteError`]; the value is not changed then.
    pub fn plain_text(&mut self, value: &mut [u8]) -> Result<Outcome, RewriteError> {
        if self.paths.is_some_and(|paths| paths.keeps_text(value)) {
            return Ok(Outcome::Unchanged);
        }
        if self.texts.is_empty() && !self.counts_base64 {
            match self.judge_text(value, Encoding::Plain)? {
                Verdict::InPlace => return Ok(self.patch(value)),
                Verdict::Rebuild => {}
            }
        }
        match self.new_value(value, None, false)? {
            NewValue::Same => Ok(Outcome::Unchanged),
            NewValue::Changed(new) => {
                self.counts.rebuilt += 1;
                Ok(Outcome::Rebuilt(new))
            }
            NewValue::Dangling => {
                self.counts.nulled += 1;
                Ok(Outcome::Null)
            }
        }
    }

    /// Counts the references of a value, which stays as it is.
    ///
    /// # Errors
    /// [`RewriteError`], as a rewrite of the value has it.
    pub fn note_references(&mut self, value: &[u8], format: Format) -> Result<(), RewriteError> {
        match format {
            Format::Jsonb if self.touches_jsonb(value)? => self.jsonb(&mut value.to_vec()),
            Format::Json if self.touches(value) => self.json_text(&mut value.to_vec()),
            Format::Text if self.touches(value) => self.plain_text(&mut value.to_vec()),
            _ => return Ok(()),
        }
        .map(|_| ())
    }

    /// The new value of a `uuid`.
    pub fn uuid(&mut self, id: &Id) -> UuidOutcome {
        match self.ids.get(id) {
            Mapped::Unknown => UuidOutcome::Unchanged,
            Mapped::Cloned(new) => {
                self.counts.rewritten += 1;
                UuidOutcome::Mapped(new)
            }
            Mapped::NotCloned => {
                self.counts.dangling += 1;
                self.targets.add_uuid(id, 1);
                UuidOutcome::Dangling
            }
        }
    }

    /// The new value of a text that as a whole is an id (an id column); nothing is counted.
    pub fn text_id(&self, id: &str) -> TextIdOutcome<'a> {
        self.text_id_of("", id)
    }

    /// The new value of a text that as a whole is the id of a resource of this type; nothing is counted.
    pub fn text_id_of(&self, resource_type: &str, id: &str) -> TextIdOutcome<'a> {
        match self.texts.get_typed(resource_type, id) {
            MappedText::Unknown => TextIdOutcome::Unchanged,
            MappedText::Cloned(new) => TextIdOutcome::Mapped(new),
            MappedText::NotCloned => TextIdOutcome::Dangling,
        }
    }
}
