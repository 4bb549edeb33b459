//! The transform stage: one row of the source becomes one row of the clone.

use super::document_errors::document_error;
use super::keys::Key;
use super::state::{Run, TableStatistics};
use super::transform::key_statistics::KeyStatistics;
use super::transform::row_batch::{CloneRow, PendingDocument, RowBatch};
use super::transform::rules::Ruled;
use super::transform::type_counts::TypeCounts;
use crate::pg::memory::Memory;
use crate::pg::query::row::Row;
use crate::pg::query::transaction_time::transaction_time;
use crate::pg::session::error_hint::ErrorHint;
use crate::pg::value::attribute::Attribute;
use crate::pg::value::datum;
use crate::pg::value::datum::Changed;
use crate::pg::value::domain_check::DomainCheck;
use crate::pg::value::toast::{CompressedValue, copied, make_compressed};
use crate::pg::value::{NOTHING, Value};
use pg_clone_core::batch::{DocumentFormat, RewrittenDocument};
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Action, KeyKind, Output, Table, TableCopy, TableRole, is_text, quote};
use pg_clone_core::rewrite::{Dangling, Rewriter};

use crate::run::map::fresh_texts::FreshTexts;
use std::collections::HashMap;

use declared_references::{DeclaredPath, declared_paths};

mod column_values;
mod declared_references;
pub mod key_statistics;
mod key_values;
pub mod large_objects;
pub mod row_batch;
pub mod rules;
mod type_counts;

/// Makes rows of the clone from rows of the source, for one table.
pub struct Transformer<'r> {
    run: &'r Run,
    table_copy: &'r TableCopy,
    table: &'r Table,
    rewriter: Rewriter<'r>,
    /// What happens to dangling references of the current type.
    policy: Dangling,
    /// Values that are the same in every row, made once.
    constants: Vec<Option<Value>>,
    /// The memory that they refer to.
    _memory: Memory,
    /// Checks of the target's columns whose types are domains.
    domains: Vec<Option<DomainCheck>>,
    /// The target's column of each output: its type and place.
    targets: Vec<Attribute>,
    statistics: TableStatistics,
    key_statistics: KeyStatistics,
    counts: TypeCounts,
    /// Random texts of unique columns, by output.
    fresh: HashMap<usize, Option<FreshTexts>>,
    /// Whether empty texts of an output stay empty although others get new ones.
    empty_stays: HashMap<usize, bool>,
    /// The current row: one entry per output.
    values: Vec<Value>,
    nulls: Vec<bool>,
    /// Documents of the current row that are rewritten with those of other rows.
    row_documents: Vec<SourceDocument>,
    /// Of each output the paths of its declared references.
    paths: Vec<Vec<DeclaredPath>>,
}

/// A document of the source's row.
struct SourceDocument {
    output: usize,
    form: DocumentFormat,
    /// Its place in the source's row.
    source: usize,
}

impl<'r> Transformer<'r> {
    /// A transformer for a table; `targets` are the target's attributes in the order of the outputs.
    pub fn new(run: &'r Run, table_copy: &'r TableCopy, targets: Vec<Attribute>) -> Result<Self> {
        let table = run
            .store
            .table(table_copy.table)
            .ok_or_else(|| Error::new(Code::Internal, "a table copy has no table"))?;
        let memory = Memory::new(c"pg_clone constants");
        let mut constants = Vec::with_capacity(table_copy.outputs.len());
        for (output, target) in table_copy.outputs.iter().zip(&targets) {
            let text = match &output.action {
                Action::Project | Action::ProjectUnlessNull => Some(run.target.as_str()),
                Action::Value(text) => Some(text.as_str()),
                Action::Name => run.request.name.as_deref(),
                Action::Owner(_) => run.owner.as_deref(),
                _ => None,
            };
            let given = match &output.action {
                Action::Name => "name",
                Action::Owner(_) => "owner",
                _ => "value",
            };
            let fitting = match &output.action {
                Action::Project | Action::ProjectUnlessNull => {
                    "choose a project's id with options.target, give the column a larger type, or let the sequence of the project's key go on from a smaller value that fits".to_owned()
                }
                _ => format!("give a {given} that fits"),
            };
            let _hint = ErrorHint::new(&format!(
                "Column {} of {} would get it; {fitting} its type {}.",
                quote::identifier(&output.column),
                table.sql_name,
                output.type_name
            ));
            constants.push(memory.within(|| match (text, &output.action) {
                (Some(text), _) => datum::from_text(text, target.type_oid, target.typmod).map(Some),
                (None, Action::Now) => transaction_time(target).map(Some),
                (None, _) => Ok(None),
            })?);
        }
        let width = targets.len();
        Ok(Transformer {
            run,
            table_copy,
            table,
            policy: run.request.options.dangling,
            rewriter: Rewriter::new(&run.ids, &run.texts, run.request.options.dangling)
                .with_id_paths(&run.id_paths),
            constants,
            _memory: memory,
            domains: targets.iter().map(DomainCheck::of).collect(),
            targets,
            statistics: TableStatistics::default(),
            key_statistics: KeyStatistics::default(),
            counts: TypeCounts::default(),
            fresh: HashMap::new(),
            empty_stays: HashMap::new(),
            values: vec![NOTHING; width],
            nulls: vec![true; width],
            row_documents: Vec::new(),
            paths: table_copy
                .outputs
                .iter()
                .map(declared_paths)
                .collect::<Result<_>>()?,
        })
    }

    /// Whether rows of this table hold documents.
    pub fn has_documents(&self) -> bool {
        self.table_copy
            .outputs
            .iter()
            .any(|output| document_form(&output.action).is_some())
    }

    /// Adds the clone's row to a batch, if the source's row belongs to the clone. `memory`, which is reset, is used
    /// until the row is in the batch.
    pub fn transform(&mut self, source: &Row<'_>, batch: &mut RowBatch, memory: &mut Memory) -> Result<()> {
        let keep_values = batch.keeps_values();
        let made = batch.memory.within(|| self.values_of(source, keep_values))?;
        let Some((key, type_number)) = made else {
            batch.leave_out();
            return Ok(());
        };
        memory.reset();
        let documents = memory.within(|| self.add_documents(source, batch, type_number))?;
        batch.push(&self.values, &self.nulls, key, type_number, documents);
        Ok(())
    }

    /// Adds the documents of the current row to a batch; returns how many.
    fn add_documents(&mut self, source: &Row<'_>, batch: &mut RowBatch, type_number: usize) -> Result<usize> {
        let policy = self.counts.dangling(type_number);
        let mut added = 0;
        for document in self.row_documents.drain(..) {
            let Some((bytes, compressed)) = source.stored(document.source)? else {
                continue;
            };
            let number = batch
                .documents
                .push(document.form, compressed, policy, type_number, bytes)
                .map_err(document_error)?;
            batch.wait_for(PendingDocument {
                output: document.output,
                document: number,
            });
            added += 1;
        }
        Ok(added)
    }

    /// Makes the values of the clone's row, except its documents; returns the row's key in the source and the number of its type, or
    /// None if it does not belong to the clone. New datums are made in the current memory context; with `keep_values` unchanged values
    /// are copied too, because they outlive the source's row.
    fn values_of(&mut self, row: &Row<'_>, keep_values: bool) -> Result<Option<(Key, usize)>> {
        let row_type = match self.table_copy.type_source {
            Some(place) => row.text(place)?,
            None => None,
        };
        let resource_type = row_type
            .as_deref()
            .or(self.table_copy.resource_type.as_deref())
            .unwrap_or("");
        let type_number = self.set_current(resource_type);
        self.counts.of(type_number).seen += 1;
        let found = self
            .run
            .key_of_cloned_row(self.table_copy.table, row, &self.table_copy.row_filter)?;
        let Some(key) = found else {
            return Ok(None);
        };
        self.row_documents.clear();
        let ruled = Ruled::evaluate(self.run, self.table_copy, resource_type, &key, row)
            .map_err(|error| self.locate_document(error, &key))?;
        let preserved = match self.run.preserved.is_empty() {
            true => None,
            false => self.run.preserved.get(&(self.table_copy.table, key.clone())),
        };
        for (place, output) in self.table_copy.outputs.iter().enumerate() {
            let kept = preserved.and_then(|row| row.get(&output.column));
            let replacement = match kept {
                Some(text) => Some(text.clone()),
                None => ruled.as_ref().and_then(|ruled| ruled.column(&output.column)),
            };
            let new = match replacement {
                Some(None) => Changed::ToNull,
                Some(Some(text)) => {
                    let target = &self.targets[place];
                    Changed::To(datum::from_text(&text, target.type_oid, target.typmod)?)
                }
                None => {
                    if ruled.is_none()
                        && let Some(form) = document_form(&output.action)
                        && row.value(output.source).is_some()
                    {
                        let source = output.source;
                        self.row_documents.push(SourceDocument {
                            output: place,
                            form,
                            source,
                        });
                        self.nulls[place] = false;
                        continue;
                    }
                    self.output(place, output, row, ruled.as_ref())
                        .map_err(|error| self.locate(error, output, &key))?
                }
            };
            if output.computed && matches!(new, Changed::No) {
                self.check_domain(place, row.value(output.source));
            }
            let (values, nulls) = (&mut self.values, &mut self.nulls);
            match new {
                Changed::No => match row.value(output.source) {
                    Some(value) if keep_values => (values[place], nulls[place]) = (copied(value), false),
                    Some(value) => (values[place], nulls[place]) = (value, false),
                    None => nulls[place] = true,
                },
                Changed::To(value) => {
                    (self.values[place], self.nulls[place]) = (self.checked(place, output, value)?, false);
                }
                Changed::ToNull if output.not_null => {
                    // A derived row without its reference is skipped; in other tables NULL is an error.
                    if self.table.role == TableRole::Derived {
                        return Ok(None);
                    }
                    return Err(self.cannot_be_null(place, &key));
                }
                Changed::ToNull => {
                    nulls[place] = true;
                    self.check_domain(place, None);
                }
            }
        }
        if let Some(ruled) = ruled {
            self.statistics.todos.extend(ruled.todos);
        }
        self.counts.of(type_number).rows += 1;
        Ok(Some((key, type_number)))
    }

    /// Sets the rewritten documents of a row, in the current memory context.
    pub fn put_documents(&mut self, row: &mut CloneRow<'_>) -> Result<()> {
        for pending in row.pending {
            let place = pending.output;
            match row.documents.made(pending.document) {
                Ok(RewrittenDocument::Plain(bytes)) => {
                    row.values[place] = datum::make_varlena(bytes, &self.targets[place])?;
                }
                Ok(RewrittenDocument::Compressed { stream, how, plain }) => {
                    row.values[place] = make_compressed(stream, how, &self.targets[place]);
                    row.compressed.push(CompressedValue {
                        place,
                        length: how.length,
                        plain: plain
                            .map(|bytes| datum::make_varlena(bytes, &self.targets[place]))
                            .transpose()?,
                    });
                }
                Ok(RewrittenDocument::Null) if self.table_copy.outputs[place].not_null => {
                    return Err(self.cannot_be_null(place, row.key));
                }
                Ok(RewrittenDocument::Null) => {
                    row.nulls[place] = true;
                    self.check_domain(place, None);
                    continue;
                }
                Err(error) => {
                    let output = &self.table_copy.outputs[place];
                    return Err(self.locate(document_error(error), output, row.key));
                }
            }
            self.check_domain(place, Some(row.values[place]));
        }
        Ok(())
    }

    /// Counts the bytes of a row of a type.
    pub fn add_bytes(&mut self, type_number: usize, bytes: usize) {
        self.counts.of(type_number).bytes += bytes as u64;
    }

    /// Adds the counts of a batch's documents.
    pub fn add_counts(&mut self, batch: &RowBatch) {
        for (type_number, counts) in batch.documents.counts() {
            self.counts.of(*type_number).rewrite.add(counts);
        }
        self.statistics.dangling.merge(batch.documents.dangling_targets());
    }

    /// Checks a new value of a text type with a length, or of a domain, with the type's own check: new ids may be
    /// longer than old ones.
    fn checked(&mut self, place: usize, output: &Output, value: Value) -> Result<Value> {
        let target = &self.targets[place];
        let free = target.typmod < 0 && target.is_text();
        let made_text = match &output.action {
            Action::Text => true,
            // A value from a key's own map already has the column's type.
            Action::Map(KeyKind::Text, key) => key.is_none() || !self.run.texts_by_key(),
            Action::NewUuid | Action::VersionOfDocument | Action::Owner(_) => is_text(&output.type_name),
            _ => false,
        };
        if free || !made_text {
            self.check_domain(place, Some(value));
            return Ok(value);
        }
        let _path = self.domains[place].is_some().then(|| self.run.path.enter());
        datum::with_text(value, |text| {
            datum::from_text(text, target.type_oid, target.typmod)
        })
    }

    /// Checks a domain's constraints under the caller's path: they may call user functions.
    fn check_domain(&mut self, place: usize, value: Option<Value>) {
        if let Some(domain) = &mut self.domains[place] {
            let _path = self.run.path.enter();
            domain.check(value);
        }
    }

    /// The statistics.
    pub fn finish(mut self) -> TableStatistics {
        self.settle();
        self.statistics.dangling.merge(self.rewriter.dangling_targets());
        self.statistics.dangling_keys = self.key_statistics.into_targets();
        self.statistics.by_type = self.counts.into_map();
        self.statistics
    }

    /// Makes a type the current one; returns its number.
    fn set_current(&mut self, resource_type: &str) -> usize {
        if !self.counts.is_current(resource_type) {
            self.settle();
            let number = self.counts.set_current(self.run, resource_type);
            self.policy = self.counts.dangling(number);
            self.rewriter.set_dangling(self.policy);
        }
        self.counts.current()
    }

    /// Adds the counts so far to the current type.
    fn settle(&mut self) {
        let mut counts = self.rewriter.take_counts();
        counts.add(&self.key_statistics.take_counts());
        self.counts.add_to_current(&counts);
    }
}

/// The form of a document that can be rewritten together with others.
fn document_form(action: &Action) -> Option<DocumentFormat> {
    match action {
        Action::Jsonb { .. } => Some(DocumentFormat::Jsonb),
        Action::JsonText { .. } => Some(DocumentFormat::Text),
        _ => None,
    }
}
