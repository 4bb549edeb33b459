//! A clone from beginning to end: authorize, plan, map, copy, record, hand over blobs. One transaction, the caller's.

mod authorize;
mod blobs;
mod call_values;
mod children;
mod choose;
mod copy;
mod dependencies;
mod document_errors;
mod further_keys;
mod id_paths;
mod kept_ids;
mod key_statistics;
mod key_values;
mod keys;
mod large_objects;
mod map;
mod new_keys;
mod pipeline;
mod plan_rows;
mod record;
mod resources;
mod row_batch;
mod rules;
pub mod source_queries;
mod source_tables;
mod sql_path;
mod state;
mod summary;
mod transform;
mod type_counts;
mod unique_values;
pub mod verify;
mod verify_references;
mod versions;
mod worker_thread;

pub use authorize::{not_found, project_id, tables as authorize_clone};
pub use keys::{Key, NewKey};
pub use plan_rows::PlanRow;
pub use record::arguments;
pub use sql_path::rows as rewritten_rows;
pub use state::{Run, over_budget};

use crate::catalog::{self, OpenStore, Purpose};
use crate::error::internal;
use crate::lifecycle::Succession;
use crate::pg::datum::random;
use crate::pg::key_checks::HeldKeyChecks;
use crate::pg::settings_guard::{CallersPath, ReadingSettings};
use crate::pg::table_locks::OpenTables;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::{IdMap, IdVersion, NewIds, TextIdMap, uuid_text};
use pg_clone_core::plan::{self, KeyKind, Oid, Request};
use pg_clone_core::rewrite::Dangling;
use serde_json::Value;
use state::TableStatistics;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

thread_local! {
    static LAST_RUN: Cell<Option<i64>> = const { Cell::new(None) };
}

/// Number of this session's last run, committed or not.
pub fn last_run() -> Option<i64> {
    LAST_RUN.get()
}

/// A run before its first row.
struct Prepared {
    run: Run,
    succession: Succession,
    finish: Option<Oid>,
    /// Declared last: everything else is gone when the tables are let go of.
    tables: OpenTables,
}

/// Everything up to the copy: nothing has been written. `writing` also checks for INSERT.
fn prepare(mut request: Request, path: CallersPath, writing: bool) -> Result<Prepared> {
    request.check()?;
    request.owner = request.owner.as_deref().map(canonical_reference);
    let name = catalog::resolve(request.store.as_deref(), &request.source_project)?;
    let purpose = if writing { Purpose::Write } else { Purpose::Read };
    let OpenStore {
        description,
        snapshot,
        tables,
    } = catalog::open(&name, purpose)?;
    let mut store = description.store;
    if writing {
        catalog::check_isolation(&store)?;
    }
    // FHIR JSON has no null members: there a reference that may not stay is taken out.
    if request.options.dangling == Dangling::Null
        && store.options.get("dangling_null").is_some_and(|v| v == "remove")
    {
        request.options.dangling = Dangling::Remove;
    }
    store.check_rules(&description.rules)?;
    authorize::tables(&store, &request.resource_types, writing)?;
    let project_table = store.project_table()?;
    let source = authorize::project_id(project_table, &request.source_project)?;
    call_values::check_questions(&store)?;
    call_values::check_arguments(&store, &request, &description.rules)?;
    call_values::put_values(&mut store, &request)?;
    let project_table = store.project_table()?;
    if let Some(check) = description.check {
        let mut arguments = record::arguments(&request);
        arguments["schema"] = project_table.schema.clone().into();
        arguments["store_options"] = store.options.clone();
        arguments["tables"] = store.tables.iter().map(|table| table.oid).collect();
        crate::pg::hook::check(check, &store.name, arguments)?;
    }
    let succession = Succession::begin(&store, &description.rules, &request, &source, writing)?;
    if !request.options.source_tables.is_empty() {
        source_tables::apply(&mut store, &request.options.source_tables)?;
    }
    let budget = request
        .options
        .max_memory
        .unwrap_or_else(crate::settings::max_memory_bytes);
    let budget = usize::try_from(budget).unwrap_or(usize::MAX);
    let unix_ms = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_millis();
    let id_version = match request.options.keep_ids {
        true => IdVersion::Same,
        false => request.options.id_version,
    };
    let new_ids = NewIds::new(
        id_version,
        u64::try_from(unix_ms).unwrap_or(u64::MAX),
        random::<16>()?,
    );
    let id = if writing && store.follows_constraints() {
        record::next_run_id()?
    } else {
        0
    };
    let mut run = Run {
        id,
        held: false,
        request,
        source,
        target: String::new(),
        owner: None,
        dry: !writing,
        path,
        ids: Arc::new(IdMap::new(new_ids, budget)),
        texts: Arc::new(TextIdMap::new(budget)),
        integers: HashMap::new(),
        text_keys: HashMap::new(),
        left_rows: HashSet::new(),
        id_paths: Arc::new(id_paths::of_store(&store)?),
        rules: rules::none()?,
        secret: random::<16>()?,
        snapshot: Rc::new(snapshot),
        active: HashSet::new(),
        source_rows: BTreeMap::new(),
        table_copies: Vec::new(),
        worker: RefCell::new(None),
        store,
    };
    // Shared, so that the run can be changed while the snapshot is active.
    let snapshot = Rc::clone(&run.snapshot);
    snapshot.within(|| {
        let _settings = ReadingSettings::new();
        authorize::project_exists(&run)?;
        map::build(&mut run)
    })?;
    if writing {
        authorize::writes(&run)?;
    }
    large_objects::plan(&mut run)?;
    succession.pin(&mut run)?;
    call_values::choose_target(&mut run)?;
    call_values::check_types(&run)?;
    run.held = plan::has_circle(&run.store, &run.active);
    run.target = new_project_id(&run)?;
    run.owner = run
        .request
        .owner
        .as_deref()
        .map(|owner| record::mapped_reference(&run, owner));
    // A project that keeps its ids is the same project: nothing of it changes.
    if !run.request.options.keep_ids {
        run.rules = rules::compile(description.rules, &run)?;
    }
    copy::check_constants(&run)?;
    Ok(Prepared {
        run,
        succession,
        finish: description.finish,
        tables,
    })
}

/// A reference whose UUID is spelled as the stores spell it: in lower case.
fn canonical_reference(reference: &str) -> String {
    let at = reference.len().saturating_sub(36);
    match reference
        .get(at..)
        .and_then(|id| uuid_text::parse_slice(id.as_bytes()))
    {
        Some(id) => format!("{}{}", &reference[..at], uuid_text::to_string(&id)),
        None => reference.to_owned(),
    }
}

/// The source project's key as the maps know it.
fn source_key(run: &Run) -> Result<keys::Key> {
    let table = run.store.project_table()?;
    let column = table.id_column.as_deref().unwrap_or_default();
    let type_name = table.type_of(column);
    Ok(match KeyKind::of(type_name) {
        KeyKind::Int => keys::Key::Int(run.source.parse().map_err(internal)?),
        _ if type_name.ends_with("citext") => keys::Key::parse(&run.source.to_lowercase()),
        _ => keys::Key::parse(&run.source),
    })
}

fn new_project_id(run: &Run) -> Result<String> {
    let table = run.store.project_table()?;
    match run.new_key(&source_key(run)?, &[table.oid]) {
        keys::NewKey::To(new) => Ok(new.to_text()),
        _ => Err(authorize::not_found(&run.source)),
    }
}

/// Another session's change waits for the end of this transaction, so this session's own triggers made it.
fn changed_by_itself(table: &str) -> Error {
    Error::new(
        Code::StoreChanged,
        format!("table \"{table}\" got or lost a trigger or a rule while it was cloned"),
    )
    .detail("Rows that were written before did not pass it.")
    .hint("A trigger of the store's tables must not change the definition of a table of the store.")
}

/// `project_clone`: the new project's document.
pub fn clone_project(request: Request, path: &CallersPath) -> Result<Value> {
    let began = Instant::now();
    let Prepared {
        mut run,
        mut succession,
        finish,
        tables: open,
    } = prepare(request, path.clone(), true)?;
    if run.id == 0 {
        run.id = record::next_run_id()?;
    }
    succession.before_copy(&run)?;
    if run.request.options.keep_ids {
        kept_ids::check_free(&run)?;
    }
    let run = Rc::new(run);
    let mut totals = TableStatistics::default();
    let mut tables = Vec::new();
    let mut progress = summary::Progress::new(&run);
    let held = run.held.then(|| HeldKeyChecks::begin(run.path.clone()));
    for table_copy in &run.table_copies {
        let table_began = Instant::now();
        let statistics = copy::table(&run, table_copy, &mut |rows, _| progress.table(table_copy, rows))?;
        progress.done(&statistics);
        totals.add(&statistics);
        tables.push(record::Filled {
            table_copy,
            statistics,
            took: table_began.elapsed(),
        });
    }
    if let Some(held) = held {
        held.release();
    }
    if let Some(name) = open.changed() {
        return Err(changed_by_itself(&name));
    }
    drop(open);
    if run.request.options.keep_ids {
        kept_ids::advance_sequences(&run)?;
    }
    let blobs = blobs::list(&run)?;
    record::write(&run, &tables, &totals, blobs.len())?;
    blobs::queue(&run, &blobs)?;
    let mut todos: Vec<String> = totals.todos.iter().cloned().collect();
    succession.after_copy(&run, &mut todos)?;
    if let Some(finish) = finish {
        todos.extend(record::call_finish(&run, finish)?);
    }
    let project = record::finish(&run, &todos)?;
    if run.request.options.verify {
        verify::verify_now(&run.store, &run.target)?;
    }
    LAST_RUN.set(Some(run.id));
    summary::report(&run, &tables, &totals, blobs.len(), &todos, began.elapsed());
    Ok(project)
}

/// `project_clone_plan`: what `project_clone` would do, counted without writing.
pub fn plan_project(request: Request, path: &CallersPath) -> Result<Vec<PlanRow>> {
    let prepared = prepare(request, path.clone(), false)?;
    plan_rows::rows(&prepared.run)
}
