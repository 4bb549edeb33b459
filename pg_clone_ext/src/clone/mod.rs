//! A clone from beginning to end: authorize, plan, map (all in `prepare`), copy, record, hand over files. All of it is part of
//! the caller's transaction.

mod plan_rows;
mod prepare;
mod summary;

pub use plan_rows::PlanRow;

use crate::lifecycle::identity;
use crate::pg::insert::key_checks::HeldKeyChecks;
use crate::pg::session::constraint_hint::ConstraintHints;
use crate::pg::session::settings_guard::CallersPath;
use crate::pg::table::locks::OpenTables;
use crate::pg::value::json_text::JsonText;
use crate::records::runs;
use crate::run::constraint_hints;
use crate::run::copy::trigger_effects::Effects;
use crate::run::copy::{self, kept_ids};
use crate::run::nested_runs::OpenRun;
use crate::run::record::{self, blobs};
use crate::run::state::{Run, TableStatistics};
use crate::verify;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::Request;
use prepare::{Prepared, prepare};
use std::cell::Cell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Instant;

thread_local! {
    static LAST_RUN: Cell<Option<i64>> = const { Cell::new(None) };
}

/// Number of this session's last run, committed or not.
pub fn last_run() -> Option<i64> {
    LAST_RUN.get()
}

/// The error for a change of a table during the clone. It was made by triggers of this session, because other sessions wait for its locks.
fn changed_by_itself(table: &str) -> Error {
    Error::new(
        Code::StoreChanged,
        format!("a trigger or rule of table \"{table}\" was created or dropped during the clone"),
    )
    .detail("Rows that were already written bypassed it.")
    .hint("A trigger of the store's tables must not change the definition of a table of the store.")
}

/// After all tables are filled: runs the deferred key checks and deferred triggers, and checks that no table was changed.
fn check_filled(
    run: &Run,
    held: Option<HeldKeyChecks>,
    open: OpenTables,
    effects: Option<&Effects>,
) -> Result<()> {
    if let Some(held) = held {
        held.release();
    }
    if let Some(effects) = effects {
        effects.run_deferred(run)?;
    }
    copy::unchecked_keys::check(run)?;
    match open.changed() {
        Some(name) => Err(changed_by_itself(&name)),
        None => Ok(()),
    }
}

/// `project_clone`: the new project's document.
pub fn clone_project(request: Request, path: &CallersPath) -> Result<JsonText> {
    let began = Instant::now();
    let _open = match request.options.replace {
        Some(_) => OpenRun::begin("project_clone")?,
        None => OpenRun::begin_clone("project_clone")?,
    };
    let Prepared {
        mut run,
        mut refresh,
        finish,
        tables: open,
    } = prepare(request, path.clone(), true)?;
    if run.id == 0 {
        run.id = runs::next_id(&run.store.name)?;
    }
    // Before the rows of a clone that is replaced are deleted, whose triggers are its own doing.
    if run.guards_against_triggers() {
        copy::deferred_triggers::run_pending(&run.path, &run.store)?;
    }
    refresh.before_copy(&run)?;
    if run.request.options.keep_ids {
        kept_ids::check_free(&run)?;
    }
    let run = Rc::new(run);
    let hinted = Rc::clone(&run);
    let partitions = constraint_hints::partitions(&run.store)?;
    let _hints = ConstraintHints::new(Box::new(move |violation| {
        constraint_hints::hint(
            &hinted.store,
            &partitions,
            violation,
            hinted.request.options.skip_triggers,
        )
    }));
    let mut totals = TableStatistics::default();
    let mut tables = Vec::new();
    let mut progress = summary::Progress::new(&run);
    let effects = Effects::watch(&run)?;
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
    // The finish function fills the remaining tables.
    let mut unchecked = Some((held, open));
    if !run.leaves_tables_to_finish()
        && let Some((held, open)) = unchecked.take()
    {
        check_filled(&run, held, open, effects.as_ref())?;
    }
    if run.request.options.keep_ids {
        kept_ids::advance_sequences(&run)?;
    }
    let mut made = HashMap::new();
    for filled in &tables {
        *made.entry(filled.table_copy.table).or_default() += filled.statistics.rows();
    }
    copy::added_rows::check(&run, &made)?;
    let mut todos: Vec<String> = totals.todos.iter().cloned().collect();
    if let Some(effects) = effects {
        effects.check(&run, Some(&made), &mut todos)?;
    }
    todos.extend(copy::project_sequences::todos(&run)?);
    let blobs = blobs::list(&run)?;
    record::write(&run, &tables, &totals, blobs.len())?;
    blobs::queue(&run, &blobs)?;
    refresh.after_copy(&run, &mut todos)?;
    if let Some(finish) = finish {
        todos.extend(record::call_finish(&run, finish)?);
    }
    if let Some((held, open)) = unchecked {
        // The triggers of the rows were held until now, and the finish function may write as it likes.
        let effects = Effects::watch(&run)?;
        check_filled(&run, held, open, effects.as_ref())?;
        if let Some(effects) = effects {
            effects.check(&run, None, &mut todos)?;
        }
    }
    refresh.run_deferred_triggers(&run)?;
    identity::note(&run.store.without_sources(), &run.target, run.id)?;
    let project = record::finish(&run, &todos)?;
    if run.request.options.verify {
        verify::verify_now(&run.store, &run.target, &run.snapshot)?;
    }
    LAST_RUN.set(Some(run.id));
    summary::report(&run, &tables, &totals, blobs.len(), &todos, began.elapsed());
    Ok(project)
}

/// `project_clone_plan`: what `project_clone` would do, counted without writing.
pub fn plan_project(request: Request, path: &CallersPath) -> Result<Vec<PlanRow>> {
    let prepared = prepare(request, path.clone(), false)?;
    let options = &prepared.run.request.options;
    if options.keep_ids && options.replace.is_none() {
        kept_ids::check_free(&prepared.run)?;
    }
    plan_rows::rows(&prepared.run)
}
