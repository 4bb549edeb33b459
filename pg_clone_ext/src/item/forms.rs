//! The forms of a call: every source is drafted, edited and validated; all are kept until all are known to be valid.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use pg_clone_core::depth::parse_shallow;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::item::form::edits::SetEdits;
use pg_clone_core::item::options::Options;
use pg_clone_core::item::permission::{Access, Actor, require_files, require_person_link};
use pg_clone_core::item::references;
use pg_clone_core::item::references::serialised::Handles;
use pg_clone_core::item::set::{self, Prepared};
use pg_clone_core::item::source::Source;
use pg_clone_core::item::subtype::Subtype;
use pg_clone_core::item::validation::validate::{Problem, Targets};
use serde_json::Value;

use super::reading;
use super::store::ItemStore;
use crate::error::internal;

/// Number of forms that are validated together.
const BATCH: usize = 500;
/// Up to this number forms are kept as trees; those of larger sets as text, which takes a tenth of the memory.
const TREES: usize = 2_000;

/// A valid form.
pub struct Form {
    /// The rules of its subtype.
    pub subtype: Rc<Subtype>,
    /// The source's handle.
    pub source: String,
    /// The source's name.
    pub name: Option<String>,
    /// The source's collection.
    pub collection: Option<String>,
    /// The source's access settings.
    pub access: Access,
    /// Bucket of the source's files.
    pub bucket: Option<String>,
    /// Key prefix of the source's files, if they are copied.
    pub files: Option<String>,
    content: Content,
}

enum Content {
    Tree(Value),
    Text(String),
}

impl Form {
    /// The form.
    pub fn content(&self) -> Result<Value> {
        match &self.content {
            Content::Tree(tree) => Ok(tree.clone()),
            Content::Text(text) => parse_shallow(text).map_err(internal),
        }
    }

    /// Takes the form out.
    pub fn take(&mut self) -> Result<Value> {
        match std::mem::replace(&mut self.content, Content::Text(String::new())) {
            Content::Tree(tree) => Ok(tree),
            Content::Text(text) => parse_shallow(&text).map_err(internal),
        }
    }
}

/// Decides which problems do not prevent the clone.
pub type Excuse<'e> = &'e mut dyn FnMut(&str, &Subtype, &Prepared, &Problem) -> bool;

/// Drafts, edits and validates the sources in order.
pub struct Forms<'a> {
    store: &'a ItemStore,
    actor: &'a Actor,
    options: &'a Options,
    edits: &'a SetEdits,
    waiting: Vec<(Source, Prepared)>,
    problems: Vec<(String, Vec<Problem>)>,
    bytes: usize,
    /// Items that will be written, which the sources may already reference.
    pub new_handles: reading::NewHandles,
    /// The valid ones, in order.
    pub valid: Vec<Form>,
    /// Handles whose content provenance needs.
    pub followed: BTreeSet<String>,
}

impl<'a> Forms<'a> {
    /// None yet.
    pub fn new(store: &'a ItemStore, actor: &'a Actor, options: &'a Options, edits: &'a SetEdits) -> Self {
        Forms {
            store,
            actor,
            options,
            edits,
            waiting: Vec::new(),
            problems: Vec::new(),
            bytes: 0,
            new_handles: reading::NewHandles::new(),
            valid: Vec::new(),
            followed: BTreeSet::new(),
        }
    }

    /// Adds a source.
    ///
    /// # Errors
    /// 42501 if the actor may not be an author of such items or may not read its files; as [`set::prepare`].
    pub fn add(&mut self, source: Source, excuse: Excuse) -> Result<()> {
        let subtype = self.store.subtype(&source.item_subtype)?;
        if self.store.requires_person_link() {
            require_person_link(self.actor, &subtype)?;
        }
        let interrupt = || {
            pgrx::check_for_interrupts!();
        };
        let prepared = set::prepare(&subtype, &source, self.options, self.edits, &interrupt)?;
        self.waiting.push((source, prepared));
        match self.waiting.len() >= BATCH {
            true => self.validate(excuse),
            false => Ok(()),
        }
    }

    /// Validates the pending forms.
    ///
    /// # Errors
    /// 55000 if the rules are not valid, 53200 over the memory limit.
    fn validate(&mut self, excuse: Excuse) -> Result<()> {
        let waiting = std::mem::take(&mut self.waiting);
        let mut named = BTreeSet::new();
        for (_, prepared) in &waiting {
            named.extend(references::targets(&prepared.subtype, &prepared.form));
        }
        let targets: Targets = reading::targets(self.store, self.actor, &named, &self.new_handles)?;
        for (source, prepared) in waiting {
            pgrx::check_for_interrupts!();
            let mut problems = prepared.problems(&targets)?;
            problems.retain(|problem| !excuse(&source.id, &prepared.subtype, &prepared, problem));
            self.problems.push((source.id.clone(), problems));
            let form = self.keep(source, prepared)?;
            self.valid.push(form);
        }
        Ok(())
    }

    fn keep(&mut self, source: Source, prepared: Prepared) -> Result<Form> {
        let subtype = prepared.subtype;
        let files = self.store.files();
        let (bucket, key) = match &subtype.storage {
            Some(storage) => {
                let key = match self.options.files {
                    true => {
                        let roles = &subtype.item_roles;
                        require_files(self.actor, &source.id, &source.access, roles, &storage.role)?;
                        source.own_files(&subtype, files.bucket.as_deref(), &files.prefix)?
                    }
                    false => None,
                };
                (source.location(storage).0.map(str::to_owned), key)
            }
            None => (None, None),
        };
        if let Some(provenance) = &subtype.provenance {
            let followed = provenance.followed(&prepared.form).into_iter();
            let ids = followed.map(|value| references::named(&subtype, value).into_owned());
            self.followed.extend(ids);
        }
        let content = match self.valid.len() < TREES {
            true => Content::Tree(prepared.form),
            false => {
                let text = prepared.form.to_string();
                self.bytes += text.len();
                within_budget(self.bytes)?;
                Content::Text(text)
            }
        };
        Ok(Form {
            subtype,
            source: source.id,
            name: source.display_name,
            collection: source.collection_id,
            access: source.access,
            bucket,
            files: key,
            content,
        })
    }

    /// After the last source: reports all problems of all forms.
    ///
    /// # Errors
    /// 22023 if there are problems, or if edits name an item that is not in the set.
    pub fn finish(&mut self, excuse: Excuse) -> Result<()> {
        self.validate(excuse)?;
        self.edits
            .check_ids(self.valid.iter().map(|form| form.source.as_str()))?;
        pg_clone_core::item::validation::validate::refuse(&self.problems)
    }

    /// The map from the sources to their clones with these handles.
    pub fn handles(&self, handles: &[String]) -> Handles {
        let sources = self.valid.iter().map(|form| form.source.clone());
        Handles::new(sources.zip(handles.iter().cloned()))
    }

    /// The content of items for provenance: the forms of the set, otherwise the items in the store.
    pub fn others(&self) -> Result<HashMap<String, Value>> {
        let mut others = reading::contents(self.store, &self.followed, &self.new_handles)?;
        for form in self
            .valid
            .iter()
            .filter(|form| self.followed.contains(&form.source))
        {
            others.insert(form.source.clone(), form.content()?);
        }
        Ok(others)
    }
}

/// Refuses more bytes than the setting `pg_clone.max_memory` allows.
fn within_budget(bytes: usize) -> Result<()> {
    let budget = crate::settings::max_memory_bytes();
    if u64::try_from(bytes).unwrap_or(u64::MAX) <= budget {
        return Ok(());
    }
    Err(Error::new(
        Code::OutOfMemory,
        format!("the forms of the set take more than {} MB", budget >> 20),
    )
    .hint("Raise pg_clone.max_memory, or clone the items in several sets."))
}
