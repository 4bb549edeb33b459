//! The store's rules applied to one document, before its ids are rewritten.

use crate::error::internal;
use crate::pg::query::row::Row;
use crate::run::document_errors::{self, edit_error, jsonb_error};
use crate::run::keys::{Key, NewKey};
use crate::run::state::Run;
use pg_clone_core::depth::{self, DepthError};
use pg_clone_core::document_tree::{self, TreeError};
use pg_clone_core::edit;
use pg_clone_core::error::{Error, Result};
use pg_clone_core::ids::{IdMap, Mapped, MappedText, TextIdMap, uuid_text};
use pg_clone_core::jsonb;
use pg_clone_core::plan::TableCopy;
use pg_clone_core::rules::{Arguments, Context, Rule, RuleError, RuleSet};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::cell::Cell;

/// An empty rule set, before the run knows its arguments.
pub fn none() -> Result<RuleSet> {
    RuleSet::compile(Vec::new(), &Arguments::new()).map_err(internal)
}

/// Compiles a store's rules for a call; a rule that cannot be read is an error (22023).
pub fn compile(rules: Vec<Rule>, run: &Run) -> Result<RuleSet> {
    let arguments = Arguments::new()
        .optional("name", run.request.name.as_deref())
        .optional("owner", run.owner.as_deref())
        .always("project", run.target.as_str())
        .always("source_project", run.source.as_str());
    RuleSet::compile(rules, &arguments).map_err(|error| {
        Error::bad_argument(format!("a rule of the store is not valid: {error}"))
            .hint(format!("Check clone.store_rule. {}", error.hint()))
    })
}

/// The result of the rules for a document.
pub struct Ruled {
    edits: Vec<edit::Edit>,
    columns: Vec<(String, Option<String>)>,
    /// Tasks for the operator.
    pub todos: Vec<String>,
}

impl Ruled {
    /// Evaluates the rules for this type on the row's document; None if there are none.
    pub fn evaluate(
        run: &Run,
        table_copy: &TableCopy,
        resource_type: &str,
        key: &Key,
        row: &Row<'_>,
    ) -> Result<Option<Ruled>> {
        let Some((place, form)) = table_copy.document_source else {
            return Ok(None);
        };
        if !run.rules.applies_to(resource_type) {
            return Ok(None);
        }
        let Some(bytes) = row.bytes(place).filter(|bytes| !bytes.is_empty()) else {
            return Ok(None);
        };
        let damaged = |error: &dyn std::fmt::Display| {
            document_errors::damaged(format!(
                "the document of {resource_type} \"{}\" cannot be read: {error}",
                key.to_text()
            ))
        };
        let target = match run.new_key(key, &table_copy.row_filter.tables) {
            NewKey::To(new) => new.to_text(),
            _ => String::new(),
        };
        let context = DocumentContext {
            ids: &run.ids,
            texts: &run.texts,
            secret: run.secret,
            source: key.to_text(),
            target,
            drawn: Cell::new(0),
        };
        let rules = &run.rules;
        let document = document_tree::read(form, bytes).map_err(|error| match error {
            TreeError::Depth(error) => error.error(),
            other => damaged(&other),
        })?;
        let made = depth::with_room(document.levels(), move || {
            let outcome = rules
                .evaluate(resource_type, document, &context)
                .map_err(|error| match error {
                    RuleError::Depth(error) => error.error(),
                    other => internal(other),
                })?;
            Ok(Ruled {
                edits: outcome.edits,
                columns: outcome
                    .columns
                    .into_iter()
                    .map(|(column, value)| (column, value.map(text_of)))
                    .collect(),
                todos: outcome.todos.into_iter().map(|(_, todo)| todo).collect(),
            })
        });
        made.map_err(DepthError::error)?.map(Some)
    }

    /// Edits a rewritten JSON text. Rules are applied after the rewriter, so that values of the call (for example, a name)
    /// are not rewritten. None if there is nothing to edit.
    pub fn edit_text(&self, document: &[u8]) -> Result<Option<Vec<u8>>> {
        if self.edits.is_empty() {
            return Ok(None);
        }
        let text = std::str::from_utf8(document).map_err(internal)?;
        Ok(edit::text::apply(text, &self.edits)
            .map_err(edit_error)?
            .map(String::into_bytes))
    }

    /// Edits a rewritten jsonb payload.
    pub fn edit_jsonb(&self, payload: &[u8]) -> Result<Option<Vec<u8>>> {
        jsonb::edited(payload, &self.edits).map_err(jsonb_error)
    }

    /// The value of this column from a rule: None if no rule sets it, Some(None) for NULL.
    pub fn column(&self, name: &str) -> Option<Option<String>> {
        self.columns
            .iter()
            .find(|(column, _)| column == name)
            .map(|(_, value)| value.clone())
    }
}

/// A value as the text of a column.
fn text_of(value: Value) -> String {
    match value {
        Value::String(text) => text,
        other => other.to_string(),
    }
}

/// What the rules need from the run; it can be used in another thread.
struct DocumentContext<'r> {
    ids: &'r IdMap,
    texts: &'r TextIdMap,
    secret: [u8; 16],
    source: String,
    target: String,
    drawn: Cell<u64>,
}

impl Context for DocumentContext<'_> {
    fn is_cloned(&self, text: &str) -> bool {
        // Only a whole reference: an external address that contains an id does not identify a resource.
        let id = text
            .split("/_history/")
            .next()
            .unwrap_or(text)
            .rsplit(['/', ':'])
            .next()
            .unwrap_or(text);
        match uuid_text::parse_slice(id.as_bytes()) {
            Some(id) => matches!(self.ids.get(&id), Mapped::Cloned(_)),
            None => matches!(self.texts.get(id), MappedText::Cloned(_)),
        }
    }

    fn random(&self, buffer: &mut [u8]) {
        // Derived from the run's secret key and the resource, so that the row and its history row, which are made
        // independently of each other, get the same value.
        for chunk in buffer.chunks_mut(32) {
            let mut hash = Sha256::new();
            hash.update(self.secret);
            hash.update(self.target.as_bytes());
            hash.update(self.drawn.replace(self.drawn.get() + 1).to_be_bytes());
            let digest = hash.finalize();
            chunk.copy_from_slice(&digest[..chunk.len()]);
        }
    }

    fn source_id(&self) -> &str {
        &self.source
    }

    fn target_id(&self) -> &str {
        &self.target
    }
}
