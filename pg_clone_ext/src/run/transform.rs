//! The heart of the copy stage: one row of the source becomes one row of the clone.

use super::keys::{Key, NewKey};
use super::rules::Ruled;
use super::state::{Findings, Run, TableCounts};
use super::tally::Tally;
use crate::error::internal;
use crate::pg::relation::Attribute;
use crate::pg::row::Row;
use crate::pg::value::{self, Changed};
use pg_clone_core::edit;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::uuid_text;
use pg_clone_core::plan::{Action, Emission, KeyKind, Oid, Output, Table, TableRole};
use pg_clone_core::rewrite::{Counts, Dangling, Outcome, RewriteError, Rewriter, TextIdOutcome, UuidOutcome};
use pgrx::pg_sys;

/// Turns rows of one emission into rows of its target.
pub struct Transformer<'r> {
    run: &'r Run,
    emission: &'r Emission,
    table: &'r Table,
    rewriter: Rewriter<'r>,
    /// What happens to dangling references of the type at hand.
    policy: Dangling,
    /// Values that are the same in every row, made once.
    constants: Vec<Option<pg_sys::Datum>>,
    /// The target's column of each output: its type and place.
    targets: Vec<Attribute>,
    findings: Findings,
    tally: Tally,
    /// Counts of the type at hand; moved into the findings when the type changes.
    current: (String, TableCounts),
}

/// What became of a row.
pub enum RowFate {
    /// It is cloned; the values have been written.
    Cloned,
    /// It does not belong to the clone.
    Skipped,
}

impl<'r> Transformer<'r> {
    /// A transformer for an emission; `targets` are the target's attributes in the order of the outputs.
    pub fn new(run: &'r Run, emission: &'r Emission, targets: Vec<Attribute>) -> Result<Self> {
        let table = run
            .store
            .table(emission.table)
            .ok_or_else(|| Error::new(Code::Internal, "an emission has no table"))?;
        let mut constants = Vec::with_capacity(emission.outputs.len());
        for (output, target) in emission.outputs.iter().zip(&targets) {
            let text = match &output.action {
                Action::Project => Some(run.target.as_str()),
                Action::Value(text) => Some(text.as_str()),
                Action::Name => run.request.name.as_deref(),
                Action::Owner => run.owner.as_deref(),
                _ => None,
            };
            constants.push(match (text, &output.action) {
                (Some(text), _) => Some(value::from_text(text, target.type_oid, target.typmod)?),
                (None, Action::Now) => Some(value::transaction_time()),
                (None, _) => None,
            });
        }
        Ok(Transformer {
            run,
            emission,
            table,
            policy: run.request.options.dangling,
            rewriter: Rewriter::new(&run.ids, &run.texts, run.request.options.dangling)
                .with_id_paths(&run.id_paths),
            constants,
            targets,
            findings: Findings::default(),
            tally: Tally::default(),
            current: Default::default(),
        })
    }

    /// Makes the clone's row from the source's. `values` and `nulls` have one entry per output. New datums are made in
    /// the current memory context.
    pub fn row(
        &mut self,
        row: &Row<'_>,
        values: &mut [pg_sys::Datum],
        nulls: &mut [bool],
    ) -> Result<RowFate> {
        let row_type = match self.emission.type_source {
            Some(place) => row.text(place)?,
            None => None,
        };
        let resource_type = row_type
            .as_deref()
            .or(self.emission.resource_type.as_deref())
            .unwrap_or("");
        if self.current.0 != resource_type {
            self.turn_to(resource_type);
        }
        self.current.1.seen += 1;
        let Some(key) = self.run.passes(row, &self.emission.gate)? else {
            return Ok(RowFate::Skipped);
        };
        let ruled = Ruled::evaluate(self.run, self.emission, resource_type, &key, row)?;
        for (place, output) in self.emission.outputs.iter().enumerate() {
            let new = match ruled.as_ref().and_then(|ruled| ruled.column(&output.column)) {
                Some(replacement) => match replacement {
                    None => Changed::ToNull,
                    Some(text) => {
                        let target = &self.targets[place];
                        Changed::To(value::from_text(&text, target.type_oid, target.typmod)?)
                    }
                },
                None => self
                    .output(place, output, row, ruled.as_ref())
                    .map_err(|error| self.locate(error, output, &key))?,
            };
            match new {
                Changed::No => match row.datum(output.source) {
                    Some(datum) => (values[place], nulls[place]) = (datum, false),
                    None => nulls[place] = true,
                },
                Changed::To(datum) => {
                    (values[place], nulls[place]) = (self.checked(place, output, datum)?, false);
                }
                Changed::ToNull if output.not_null => {
                    // A derived row that names nothing any more has no purpose; elsewhere NULL is simply not possible.
                    if self.table.role == TableRole::Derived {
                        return Ok(RowFate::Skipped);
                    }
                    return Err(self.cannot_be_null(output, &key));
                }
                Changed::ToNull => nulls[place] = true,
            }
        }
        if let Some(ruled) = ruled {
            self.findings.todos.extend(ruled.todos);
        }
        self.current.1.rows += 1;
        Ok(RowFate::Cloned)
    }

    /// A new value of a text type with a length, or of a domain, goes through the type's own check: new ids may be
    /// longer than old ones.
    fn checked(&self, place: usize, output: &Output, datum: pg_sys::Datum) -> Result<pg_sys::Datum> {
        let target = &self.targets[place];
        let free = target.typmod < 0
            && matches!(
                target.type_oid,
                pg_sys::TEXTOID | pg_sys::VARCHAROID | pg_sys::BPCHAROID
            );
        if free || !matches!(output.action, Action::Text | Action::Map(KeyKind::Text, _)) {
            return Ok(datum);
        }
        let text = std::str::from_utf8(value::bytes(datum)).map_err(internal)?;
        value::from_text(text, target.type_oid, target.typmod)
    }

    /// Counts the bytes of the row just made.
    pub fn count_bytes(&mut self, bytes: usize) {
        self.current.1.bytes += bytes as u64;
    }

    /// What was found and done.
    pub fn finish(mut self) -> Findings {
        self.turn_to("");
        self.findings.dangling.merge(self.rewriter.dangling_targets());
        self.findings.dangling_keys = self.tally.into_targets();
        self.findings
    }

    fn turn_to(&mut self, resource_type: &str) {
        self.current.1.rewrite = self.rewriter.take_counts();
        self.current.1.rewrite.add(&self.tally.take_counts());
        self.policy = self.run.dangling_of(resource_type);
        self.rewriter.set_dangling(self.policy);
        let (name, counts) = std::mem::replace(
            &mut self.current,
            (resource_type.to_owned(), TableCounts::default()),
        );
        if counts.seen > 0 {
            let sum = self.findings.by_type.entry(name).or_default();
            sum.seen += counts.seen;
            sum.rows += counts.rows;
            sum.bytes += counts.bytes;
            sum.rewrite.add(&counts.rewrite);
        }
    }

    fn output(
        &mut self,
        place: usize,
        output: &Output,
        row: &Row<'_>,
        ruled: Option<&Ruled>,
    ) -> Result<Changed> {
        let datum = row.datum(output.source);
        Ok(match &output.action {
            Action::Keep => Changed::No,
            Action::Project | Action::Now | Action::Value(_) => self.constant(place),
            Action::Name => match self.constants[place] {
                Some(datum) => Changed::To(datum),
                None => Changed::No,
            },
            // An owner who is not given anew stays, and a resource of the project that owns it is the clone's.
            Action::Owner => match (self.constants[place], datum) {
                (Some(datum), _) => Changed::To(datum),
                (None, None) => Changed::No,
                (None, Some(datum)) if KeyKind::of(&output.type_name) == KeyKind::Text => {
                    value::rewrite_varlena(datum, |bytes| {
                        self.rewriter.plain_text(bytes).map_err(rewrite_error)
                    })?
                }
                (None, Some(datum)) => self.map_key(output, datum, KeyKind::of(&output.type_name), None)?,
            },
            Action::Null => Changed::ToNull,
            Action::NewUuid => Changed::To(value::make_uuid(&random_uuid()?)),
            Action::VersionOfDocument => self.version(row)?,
            Action::Map(kind, domain) => match datum {
                None => Changed::No,
                Some(datum) => self.map_key(output, datum, *kind, *domain)?,
            },
            Action::MapUuidArray => match datum {
                None => Changed::No,
                Some(datum) => {
                    let rewriter = &mut self.rewriter;
                    let policy = self.policy;
                    value::map_uuid_array(datum, |id| match rewriter.uuid(id) {
                        UuidOutcome::Unchanged => Ok(Some(*id)),
                        UuidOutcome::Mapped(new) => Ok(Some(new)),
                        UuidOutcome::Dangling => {
                            dangling(policy, &uuid_text::to_string(id)).map(|keep| keep.then_some(*id))
                        }
                    })?
                }
            },
            Action::MapTextArray | Action::TextArray => match datum {
                None => Changed::No,
                Some(datum) => {
                    let ids = output.action == Action::MapTextArray;
                    let (rewriter, tally) = (&mut self.rewriter, &mut self.tally);
                    let policy = self.policy;
                    value::map_text_array(datum, element_type(&output.type_name), |bytes| {
                        if ids {
                            map_text(rewriter, tally, policy, bytes)
                        } else {
                            rewriter.plain_text(bytes).map_err(rewrite_error)
                        }
                    })?
                }
            },
            Action::Text => match datum {
                None => Changed::No,
                Some(datum) => value::rewrite_varlena(datum, |bytes| {
                    self.rewriter.plain_text(bytes).map_err(rewrite_error)
                })?,
            },
            Action::JsonText { document } => match datum {
                None => Changed::No,
                Some(datum) => {
                    let ruled = ruled.filter(|_| *document);
                    value::rewrite_varlena(datum, |bytes| self.json_text(bytes, ruled))?
                }
            },
            Action::Jsonb { document } => match datum {
                None => Changed::No,
                Some(datum) => {
                    let ruled = ruled.filter(|_| *document);
                    value::rewrite_varlena(datum, |bytes| {
                        let outcome = self.rewriter.jsonb(bytes).map_err(rewrite_error)?;
                        after_rules(outcome, bytes, |payload| {
                            ruled.map_or(Ok(None), |ruled| ruled.edit_jsonb(payload))
                        })
                    })?
                }
            },
        })
    }

    /// Rewrites a JSON text; where references were taken out, so are the objects that held nothing else.
    fn json_text(&mut self, document: &mut [u8], ruled: Option<&Ruled>) -> Result<Outcome> {
        if document.is_empty() {
            return Ok(Outcome::Unchanged);
        }
        let removed = self.rewriter.counts().removed;
        let outcome = self.rewriter.json_text(document).map_err(rewrite_error)?;
        let outcome = after_rules(outcome, document, |text| {
            ruled.map_or(Ok(None), |ruled| ruled.edit_text(text))
        })?;
        if let Outcome::Rebuilt(new) = &outcome
            && self.rewriter.counts().removed > removed
        {
            let text = std::str::from_utf8(new).map_err(internal)?;
            if let Some(pruned) = edit::prune::empties(text).map_err(internal)? {
                return Ok(Outcome::Rebuilt(pruned.into_bytes()));
            }
        }
        Ok(outcome)
    }

    fn constant(&self, place: usize) -> Changed {
        self.constants[place].map_or(Changed::ToNull, Changed::To)
    }

    fn map_key(
        &mut self,
        output: &Output,
        datum: pg_sys::Datum,
        kind: KeyKind,
        domain: Option<Oid>,
    ) -> Result<Changed> {
        let policy = self.policy;
        match kind {
            KeyKind::Uuid => {
                let id = value::read_uuid(datum);
                Ok(match self.rewriter.uuid(&id) {
                    UuidOutcome::Unchanged => Changed::No,
                    UuidOutcome::Mapped(new) => Changed::To(value::make_uuid(&new)),
                    UuidOutcome::Dangling => keep_or_null(dangling(policy, &uuid_text::to_string(&id))?),
                })
            }
            KeyKind::Int => {
                let key = Key::Int(value::read_integer(datum, &output.type_name));
                let domains: &[Oid] = domain.as_slice();
                Ok(match self.run.new_key(&key, domains) {
                    NewKey::To(Key::Int(new)) => {
                        self.tally.rewritten();
                        Changed::To(value::make_integer(new, &output.type_name)?)
                    }
                    NewKey::Left => {
                        let table = domain.and_then(|oid| self.run.store.table(oid));
                        let target =
                            format!("{}/{}", table.map_or("", |t| t.sql_name.as_str()), key.to_text());
                        self.tally.dangling(&target);
                        keep_or_null(dangling(policy, &target)?)
                    }
                    _ => Changed::No,
                })
            }
            KeyKind::Text => {
                let (rewriter, tally) = (&mut self.rewriter, &mut self.tally);
                value::rewrite_varlena(datum, |bytes| map_text(rewriter, tally, policy, bytes))
            }
        }
    }

    /// The clone's version of the row's document; a document that says none gets a random one.
    fn version(&mut self, row: &Row<'_>) -> Result<Changed> {
        let found = match (
            self.emission.document_source.and_then(|place| row.bytes(place)),
            &self.emission.version_path,
        ) {
            (Some(document), Some(path)) if document.first() == Some(&b'{') => {
                super::resources::version_in_text(document, path)
            }
            (Some(payload), Some(path)) => super::resources::version_in_jsonb(payload, path),
            _ => None,
        };
        Ok(match found.map(|version| self.rewriter.uuid(&version)) {
            Some(UuidOutcome::Mapped(new)) => Changed::To(value::make_uuid(&new)),
            _ => Changed::To(value::make_uuid(&random_uuid()?)),
        })
    }

    fn locate(&self, error: Error, output: &Output, key: &Key) -> Error {
        if error.detail.is_empty() {
            let detail = format!(
                "In column {} of the row with key {} in {}.",
                output.column,
                key.to_text(),
                self.table.sql_name
            );
            error.detail(detail)
        } else {
            error
        }
    }

    fn cannot_be_null(&self, output: &Output, key: &Key) -> Error {
        Error::new(
            Code::Dangling,
            format!(
                "column {} of {} would become NULL, which it refuses",
                output.column, self.table.sql_name
            ),
        )
        .detail(format!(
            "The reference in the row with key {} names a resource that is not cloned.",
            key.to_text()
        ))
        .hint("Clone that resource too, leave this one out with exclude_ids, or use options.dangling = keep.")
    }
}

fn random_uuid() -> Result<[u8; 16]> {
    let mut id = value::random::<16>()?;
    id[6] = (id[6] & 0x0F) | 0x40;
    id[8] = (id[8] & 0x3F) | 0x80;
    Ok(id)
}

/// Whether a dangling reference stays (true) or goes (false); an error (23503) if the call wants one.
fn dangling(policy: Dangling, id: &str) -> Result<bool> {
    match policy {
        Dangling::Keep => Ok(true),
        Dangling::Null | Dangling::Remove => Ok(false),
        Dangling::Error => Err(dangling_error(id)),
    }
}

fn dangling_error(id: &str) -> Error {
    Error::new(
        Code::Dangling,
        format!("a cloned resource references \"{id}\", which is not cloned"),
    )
    .hint("Clone it too, or use options.dangling = keep or null. project_clone_plan lists what would dangle.")
}

fn keep_or_null(keep: bool) -> Changed {
    if keep { Changed::No } else { Changed::ToNull }
}

fn map_text(
    rewriter: &mut Rewriter<'_>,
    tally: &mut Tally,
    policy: Dangling,
    bytes: &mut [u8],
) -> Result<Outcome> {
    if let Some(id) = uuid_text::parse_slice(bytes) {
        return match rewriter.uuid(&id) {
            UuidOutcome::Unchanged => Ok(Outcome::Unchanged),
            UuidOutcome::Mapped(new) => {
                bytes.copy_from_slice(uuid_text::to_string(&new).as_bytes());
                Ok(Outcome::InPlace)
            }
            UuidOutcome::Dangling => Ok(if dangling(policy, &uuid_text::to_string(&id))? {
                Outcome::Unchanged
            } else {
                Outcome::Null
            }),
        };
    }
    let text = std::str::from_utf8(bytes).map_err(internal)?;
    Ok(match rewriter.text_id(text) {
        TextIdOutcome::Unchanged => Outcome::Unchanged,
        TextIdOutcome::Mapped(new) => {
            tally.rewritten();
            Outcome::Rebuilt(new.as_bytes().to_vec())
        }
        TextIdOutcome::Dangling => {
            tally.dangling(text);
            if dangling(policy, text)? {
                Outcome::Unchanged
            } else {
                Outcome::Null
            }
        }
    })
}

/// Lets the rules edit what the rewriter made.
fn after_rules(
    outcome: Outcome,
    in_place: &[u8],
    edit: impl FnOnce(&[u8]) -> Result<Option<Vec<u8>>>,
) -> Result<Outcome> {
    let edited = match &outcome {
        Outcome::Unchanged | Outcome::InPlace => edit(in_place)?,
        Outcome::Rebuilt(new) => edit(new)?,
        Outcome::Null => None,
    };
    Ok(edited.map_or(outcome, Outcome::Rebuilt))
}

fn element_type(array_type: &str) -> pg_sys::Oid {
    if array_type.starts_with("character varying") {
        pg_sys::VARCHAROID
    } else {
        pg_sys::TEXTOID
    }
}

/// The rewriter's error for the user.
pub fn rewrite_error(error: RewriteError) -> Error {
    match error {
        RewriteError::Dangling { ref id, .. } => dangling_error(id),
        other => Error::new(Code::BadData, format!("a document cannot be rewritten: {other}")),
    }
}

/// Adds rewriter counts into a sum.
pub fn total(findings: &Findings) -> Counts {
    let mut sum = Counts::default();
    for counts in findings.by_type.values() {
        sum.add(&counts.rewrite);
    }
    sum
}
