//! Everything before the first row is written: authorize, plan, map.

use crate::catalog::{self, OpenStore, Purpose};
use crate::lifecycle::refresh::Refresh;
use crate::lifecycle::target;
use crate::pg::query::hook;
use crate::pg::session::settings_guard::{CallersPath, ReadingSettings};
use crate::pg::table::locks::OpenTables;
use crate::pg::value::datum::random;
use crate::records::runs;
use crate::run::authorize;
use crate::run::copy;
use crate::run::keys::NewKey;
use crate::run::map;
use crate::run::plan::{
    call_values, detached_rows, id_paths, partitions, rewrite_rules, rows_of_two_projects,
    rows_without_project, skipped_triggers, source_tables, unique_collisions_of_given_values,
    unique_collisions_with_source,
};
use crate::run::record;
use crate::run::state::{KeyMaps, Run};
use crate::run::transform::large_objects;
use crate::run::transform::rules;
use crate::settings;
use pg_clone_core::error::Result;
use pg_clone_core::ids::{IdMap, IdVersion, NewIds, TextIdMap, uuid_text};
use pg_clone_core::plan::{self, Oid, Request};
use pg_clone_core::rewrite::Dangling;
use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// A run before its first row.
pub struct Prepared {
    /// Its state: the plan is made, the ids are mapped.
    pub run: Run,
    /// The clone that it replaces, if any.
    pub refresh: Refresh,
    /// The store's finish function.
    pub finish: Option<Oid>,
    /// Declared last, so that the tables are released after everything else.
    pub tables: OpenTables,
}

/// Runs all stages before the copy; writes nothing. With `writing` it also checks INSERT privileges.
pub fn prepare(mut request: Request, path: CallersPath, writing: bool) -> Result<Prepared> {
    request.check()?;
    request.owner = request.owner.as_deref().map(canonical_reference);
    let name = target::store_of_clone(&request)?;
    let purpose = if writing { Purpose::Write } else { Purpose::Read };
    let sources = source_tables::relations(&request.options.source_tables)?;
    let OpenStore {
        description,
        snapshot,
        tables,
    } = catalog::open_with(&name, purpose, &sources)?;
    let mut store = description.store;
    if writing {
        catalog::check_isolation(&store)?;
    }
    // FHIR JSON has no null members: a dangling reference is removed.
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
    call_values::put_values(&mut store, &request.options.values)?;
    let project_table = store.project_table()?;
    if let Some(check) = description.check {
        let mut arguments = record::arguments(&request);
        arguments["schema"] = project_table.schema.clone().into();
        arguments["store_options"] = store.options.clone();
        arguments["tables"] = store.tables.iter().map(|table| table.oid).collect();
        hook::check(check, &store.name, arguments)?;
    }
    let mut refresh = Refresh::begin(&store, &description.rules, &request, &source, writing)?;
    if !request.options.source_tables.is_empty() {
        source_tables::apply(&mut store, &request.options.source_tables, &sources)?;
        if writing {
            catalog::check_isolation(&store)?;
        }
    }
    let budget = request
        .options
        .max_memory
        .unwrap_or_else(settings::max_memory_bytes);
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
        runs::next_id(&store.name)?
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
        integers: KeyMaps::default(),
        text_keys: KeyMaps::default(),
        skipped_rows: HashSet::new(),
        preserved: HashMap::new(),
        large_objects: RefCell::new(HashMap::new()),
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
    // A second reference, so that the run can be changed while the snapshot is active.
    let snapshot = Rc::clone(&run.snapshot);
    snapshot.within(|| {
        let _settings = ReadingSettings::new();
        authorize::project_exists(&run)?;
        record::blobs::check(&run)?;
        let chooser = map::resources_and_children(&mut run)?;
        map::orphans::map(&mut run)?;
        unique_collisions_with_source::check(&run)?;
        map::versions_and_copies(&mut run, &chooser)?;
        detached_rows::refuse(&run)?;
        rows_of_two_projects::refuse(&run)
    })?;
    if writing {
        authorize::writes(&run)?;
    }
    large_objects::plan(&mut run)?;
    Rc::clone(&run.snapshot).within(|| large_objects::refuse_arrays(&run))?;
    refresh.pin(&mut run)?;
    call_values::choose_target(&mut run)?;
    call_values::check_types(&run)?;
    unique_collisions_of_given_values::check(&run, &description.rules)?;
    call_values::check_schema(&run)?;
    rewrite_rules::refuse(&run)?;
    skipped_triggers::check(&run)?;
    run.held = plan::has_circle(&run.store, &run.active) || run.leaves_tables_to_finish();
    run.target = new_project_id(&run)?;
    let snapshot = Rc::clone(&run.snapshot);
    snapshot.within(|| {
        rows_without_project::refuse(&run)?;
        partitions::check(&run)
    })?;
    run.owner = run
        .request
        .owner
        .as_deref()
        .map(|owner| record::mapped_reference(&run, owner));
    // With keep_ids the project is copied unchanged.
    if !run.request.options.keep_ids {
        run.rules = rules::compile(description.rules, &run)?;
    }
    run.find_text_keys_everywhere()?;
    copy::check_constants(&run)?;
    Ok(Prepared {
        run,
        refresh,
        finish: description.finish,
        tables,
    })
}

/// A reference with its UUID in lower case, as stores have it.
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

fn new_project_id(run: &Run) -> Result<String> {
    let table = run.store.project_table()?;
    match run.new_key(&call_values::source_key(run)?, &[table.oid]) {
        NewKey::To(new) => Ok(new.to_text()),
        _ => Err(authorize::not_found(&run.source)),
    }
}
