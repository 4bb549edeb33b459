//! One execution of a clone: everything its stages share.

use super::keys::Key;
use crate::pg::query::snapshot::Snapshot;
use crate::pg::session::settings_guard::CallersPath;
use pg_clone_core::batch::DocumentBatch;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::{IdMap, IntegerMap, OutOfMemory, TextIdMap};
use pg_clone_core::plan::{KeyRef, Oid, Request, Store, TableCopy};
use pg_clone_core::rewrite::{Counts, Dangling, DanglingTargets, IdPaths};
use pg_clone_core::rules::RuleSet;
use pg_clone_core::worker_thread::WorkerThread;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;

/// A map for each key. It is looked up for every reference, so it does not have the hash function of the standard library.
pub type KeyMaps<T> = HashMap<KeyRef, T, foldhash::fast::RandomState>;

/// The counts of one table and resource type.
#[derive(Debug, Clone, Default)]
pub struct TableCounts {
    /// Rows of the source project that were read.
    pub seen: u64,
    /// Rows written.
    pub rows: u64,
    /// Their bytes.
    pub bytes: u64,
    /// The rewriter's counts.
    pub rewrite: Counts,
}

/// The statistics of the copy of a table.
#[derive(Debug, Default)]
pub struct TableStatistics {
    /// By resource type.
    pub by_type: BTreeMap<String, TableCounts>,
    /// Targets of dangling references.
    pub dangling: DanglingTargets,
    /// Targets of dangling references by integer and text keys, as table/key or the text.
    pub dangling_keys: BTreeMap<String, u64>,
    /// Tasks for the operator from rules.
    pub todos: BTreeSet<String>,
}

impl TableStatistics {
    /// Rows that were made, of all types.
    pub fn rows(&self) -> u64 {
        self.by_type.values().map(|counts| counts.rows).sum()
    }

    /// Occurrences of references that dangle, of all kinds of keys.
    pub fn dangling_total(&self) -> u64 {
        self.dangling.total() + self.dangling_keys.values().sum::<u64>()
    }

    /// The rewriter's counts of all types.
    pub fn rewritten(&self) -> Counts {
        let mut sum = Counts::default();
        for counts in self.by_type.values() {
            sum.add(&counts.rewrite);
        }
        sum
    }

    /// Adds those of another table.
    pub fn add(&mut self, other: &TableStatistics) {
        self.dangling.merge(&other.dangling);
        for (target, count) in &other.dangling_keys {
            *self.dangling_keys.entry(target.clone()).or_default() += count;
        }
        self.todos.extend(other.todos.iter().cloned());
    }
}

/// A run.
pub struct Run {
    /// Its number in clone.run; 0 for a plan.
    pub id: i64,
    /// The store.
    pub store: Store,
    /// The arguments of the call.
    pub request: Request,
    /// The source project's id in canonical form.
    pub source: String,
    /// The new project's id.
    pub target: String,
    /// The given owner, as a reference in the clone.
    pub owner: Option<String>,
    /// The caller's search_path.
    pub path: CallersPath,
    /// Key checks are deferred until the last table is filled: foreign keys form a cycle, or the finish function fills tables.
    pub held: bool,
    /// Nothing will be written: no keys are taken from sequences and generators.
    pub dry: bool,
    /// New UUIDs.
    pub ids: Arc<IdMap>,
    /// New text ids.
    pub texts: Arc<TextIdMap>,
    /// New integer keys, by key.
    pub integers: KeyMaps<IntegerMap>,
    /// New keys of other types in their text form, by key. Stores with text ids that are unique across
    /// all tables have them in `texts`.
    pub text_keys: KeyMaps<TextIdMap>,
    /// Rows that are not cloned although they share the key of a cloned row of another table.
    pub skipped_rows: HashSet<(Oid, Key)>,
    /// Values of a replaced clone that rows have again: by the table and the row's key in the source, and by column.
    pub preserved: HashMap<(Oid, Key), HashMap<String, Option<String>>>,
    /// Copies of large objects, by the oid in the source.
    pub large_objects: RefCell<HashMap<pgrx::pg_sys::Oid, pgrx::pg_sys::Oid>>,
    /// Strings of documents that are text ids, contain them, or are kept.
    pub id_paths: Arc<IdPaths>,
    /// The rules.
    pub rules: RuleSet,
    /// Secret key for regenerated values, so that a document and its history row get the same value.
    pub secret: [u8; 16],
    /// The snapshot under which everything is read.
    pub snapshot: Rc<Snapshot>,
    /// Tables that hold rows of this run.
    pub active: HashSet<Oid>,
    /// Rows of the source project per table and type, live or not.
    pub source_rows: BTreeMap<(Oid, String), u64>,
    /// The table copies, in the order of insertion.
    pub table_copies: Vec<TableCopy>,
    /// The worker thread, started when there are enough documents.
    pub worker: RefCell<Option<WorkerThread<DocumentBatch>>>,
}

impl Run {
    /// The policy for dangling references in documents of a type. In types in the store's option
    /// `keep_dangling` references restrict access. Removing them would extend access, so they are kept.
    pub fn dangling_of(&self, resource_type: &str) -> Dangling {
        let asked = self.request.options.dangling;
        let keeps = |types: &serde_json::Value| {
            types
                .as_array()
                .is_some_and(|types| types.iter().any(|name| name == resource_type))
        };
        match asked {
            Dangling::Null | Dangling::Remove
                if self.store.options.get("keep_dangling").is_some_and(keeps) =>
            {
                Dangling::Keep
            }
            _ => asked,
        }
    }

    /// The mutable map of UUIDs, before the copy begins.
    pub fn ids_mut(&mut self) -> Result<&mut IdMap> {
        Arc::get_mut(&mut self.ids).ok_or_else(in_use)
    }

    /// The mutable map of text ids, before the copy begins.
    pub fn texts_mut(&mut self) -> Result<&mut TextIdMap> {
        Arc::get_mut(&mut self.texts).ok_or_else(in_use)
    }

    /// Whether the store's finish function writes the rows of a table. A project that keeps its ids is copied unchanged.
    pub fn left_to_finish(&self, table: Oid) -> bool {
        !self.request.options.keep_ids && self.store.table(table).is_some_and(|table| table.left_to_finish)
    }

    /// Whether triggers may fire, but must not change what is cloned: the call says neither `skip` nor `fire`.
    pub fn guards_against_triggers(&self) -> bool {
        let options = &self.request.options;
        self.store.follows_constraints() && !options.skip_triggers && !options.fire_triggers
    }

    /// Whether it writes the rows of any cloned table.
    pub fn leaves_tables_to_finish(&self) -> bool {
        self.table_copies
            .iter()
            .any(|copy| self.left_to_finish(copy.table))
    }

    /// The table copy of a table.
    pub fn table_copy(&self, table: Oid) -> Option<&TableCopy> {
        self.table_copies
            .iter()
            .find(|table_copy| table_copy.table == table)
    }
}

fn in_use() -> Error {
    Error::new(Code::Internal, "an id map cannot change while rows are copied")
}

/// The error of a map over its budget (53200).
pub fn over_budget(error: OutOfMemory) -> Error {
    let size = |bytes: usize| match bytes {
        0..0x10_0000 => format!("{} kB", bytes.div_ceil(1 << 10)),
        _ => format!("{} MB", bytes.div_ceil(1 << 20)),
    };
    Error::new(
        Code::OutOfMemory,
        format!("the id map of this clone needs more than {}", size(error.budget)),
    )
    .detail(format!(
        "It holds {} ids so far and would grow to {}.",
        error.entries,
        size(error.needed)
    ))
    .hint(
        "Raise the setting pg_clone.max_memory or options.max_memory, or clone in parts with resource_types.",
    )
}
