//! The clone that is deleted or replaced: its lock, its run, whether it exists.

use crate::catalog;
use crate::error::internal;
use crate::pg::privileges::AsExtensionOwner;
use pg_clone_core::error::{Code, Error, Result, shown};
use pg_clone_core::plan::{Request, SourceQuery, Store, quote};

/// The run that made a project which has not been deleted since.
pub struct MadeBy {
    /// Its number.
    pub run: i64,
    /// Rows that it wrote.
    pub rows: i64,
    /// The project that it cloned.
    pub source: String,
}

/// A project that was deleted before: its run in clone.run, and the time.
pub struct Tombstone {
    /// Its number.
    pub run: i64,
    /// When it was deleted.
    pub deleted_at: String,
}

/// The store of a call on a clone: the given one, the one whose run made the clone, otherwise as for any project. To a caller who does not see
/// the projects of a store, a clone in it looks like any other id.
pub fn store_of(store: Option<&str>, project: &str) -> Result<String> {
    match (store, made_in(project)?) {
        (None, Some(only)) => Ok(only),
        _ => catalog::resolve(store, project),
    }
}

/// The store of a clone: the given one, that of the clone which it replaces, otherwise the one that holds the source.
pub fn store_of_clone(request: &Request) -> Result<String> {
    let replaced = match (&request.store, &request.options.replace) {
        (None, Some(replaced)) => made_in(replaced)?,
        _ => None,
    };
    match replaced {
        Some(only) => Ok(only),
        None => catalog::resolve(request.store.as_deref(), &request.source_project),
    }
}

/// The only store in which a run made the project, if the caller sees its projects.
pub fn made_in(project: &str) -> Result<Option<String>> {
    let made_in = {
        let _owner = AsExtensionOwner::new();
        pgrx::Spi::get_one_with_args::<Vec<String>>(
            "SELECT COALESCE(pg_catalog.array_agg(DISTINCT r.store) FILTER (WHERE r.deleted_at IS NULL), pg_catalog.array_agg(DISTINCT r.store)) \
             FROM clone.run r JOIN clone.store s ON s.name OPERATOR(pg_catalog.=) r.store \
             WHERE r.target_project OPERATOR(pg_catalog.=) ANY (ARRAY[$1, pg_catalog.lower($1)]) AND r.kind OPERATOR(pg_catalog.<>) 'item'",
            &[project.trim().into()],
        )
        .map_err(internal)?
    };
    match made_in.as_deref() {
        Some([only]) if catalog::sees_projects(only)? => Ok(Some(only.clone())),
        _ => Ok(None),
    }
}

/// Whether a run let triggers change rows of others: `triggers => fire`. What they counted up they count down then.
pub fn made_with_triggers(run: i64) -> Result<bool> {
    let _owner = AsExtensionOwner::new();
    let fired = pgrx::Spi::get_one_with_args::<bool>(
        "SELECT EXISTS (SELECT FROM clone.run r WHERE r.id OPERATOR(pg_catalog.=) $1 \
         AND r.arguments OPERATOR(pg_catalog.#>>) '{options,triggers}'::pg_catalog.text[] OPERATOR(pg_catalog.=) 'fire')",
        &[run.into()],
    );
    fired.map(|fired| fired.unwrap_or(false)).map_err(internal)
}

/// Locks the project against deletion and replacement by other sessions until the transaction ends; waits for the lock.
pub fn lock(store: &str, project: &str) -> Result<()> {
    let _owner = AsExtensionOwner::new();
    pgrx::Spi::run_with_args(
        "SELECT clone_internal.lock_target($1, $2)",
        &[store.into(), project.into()],
    )
    .map_err(internal)
}

/// As [`lock`], but returns false instead of waiting.
pub fn try_lock(store: &str, project: &str) -> Result<bool> {
    let _owner = AsExtensionOwner::new();
    pgrx::Spi::get_one_with_args::<bool>(
        "SELECT clone_internal.try_lock_target($1, $2)",
        &[store.into(), project.into()],
    )
    .map(|locked| locked.unwrap_or(false))
    .map_err(internal)
}

/// The run that made the project; None if none did, or it was deleted since.
pub fn made_by(store: &str, project: &str) -> Result<Option<MadeBy>> {
    let _owner = AsExtensionOwner::new();
    let found = pgrx::Spi::get_one_with_args::<Vec<String>>(
        "SELECT (SELECT ARRAY[r.id::pg_catalog.text, r.rows::pg_catalog.text, r.source_project] FROM clone.run r WHERE r.store OPERATOR(pg_catalog.=) $1 \
         AND r.target_project OPERATOR(pg_catalog.=) $2 AND r.kind OPERATOR(pg_catalog.=) 'project' AND r.deleted_at IS NULL \
         ORDER BY r.id DESC LIMIT 1)",
        &[store.into(), project.into()],
    )
    .map_err(internal)?;
    Ok(match found.as_deref() {
        Some([run, rows, source]) => Some(MadeBy {
            run: run.parse().map_err(internal)?,
            rows: rows.parse().map_err(internal)?,
            source: source.clone(),
        }),
        _ => None,
    })
}

/// Whether a call has chosen the id of the project by options.target, now or for an earlier project.
pub fn was_chosen(store: &str, project: &str) -> Result<bool> {
    let _owner = AsExtensionOwner::new();
    pgrx::Spi::get_one_with_args::<bool>(
        "SELECT EXISTS (SELECT FROM clone.run AS r WHERE r.store OPERATOR(pg_catalog.=) $1 AND r.target_project OPERATOR(pg_catalog.=) $2 \
         AND r.arguments OPERATOR(pg_catalog.->) 'options' OPERATOR(pg_catalog.->>) 'target' IS NOT NULL)",
        &[store.into(), project.into()],
    )
    .map(|chosen| chosen.unwrap_or(false))
    .map_err(internal)
}

/// The run of a deleted project; None if there is none.
pub fn tombstone(store: &str, project: &str) -> Result<Option<Tombstone>> {
    let _owner = AsExtensionOwner::new();
    let found = pgrx::Spi::get_one_with_args::<Vec<String>>(
        "SELECT (SELECT ARRAY[r.id::pg_catalog.text, pg_catalog.date_trunc('second', COALESCE(r.deleted_at, r.started_at))::pg_catalog.text] \
         FROM clone.run r WHERE r.store OPERATOR(pg_catalog.=) $1 AND r.target_project OPERATOR(pg_catalog.=) $2 \
         AND (r.kind OPERATOR(pg_catalog.=) 'deletion' OR (r.kind OPERATOR(pg_catalog.=) 'project' AND r.deleted_at IS NOT NULL)) \
         ORDER BY r.id DESC LIMIT 1)",
        &[store.into(), project.into()],
    )
    .map_err(internal)?;
    Ok(match found.as_deref() {
        Some([run, deleted_at]) => Some(Tombstone {
            run: run.parse().map_err(internal)?,
            deleted_at: deleted_at.clone(),
        }),
        _ => None,
    })
}

/// Whether the project's row exists, live or not.
pub fn exists(store: &Store, project: &str) -> Result<bool> {
    let table = store.project_table()?;
    let column = table.id_column.as_deref().unwrap_or_default();
    let rows = SourceQuery::over(&table.sql_name).equal(table, column, project);
    pgrx::Spi::get_one::<bool>(&rows.exists())
        .map(|found| found.unwrap_or(false))
        .map_err(internal)
}

/// The error for a project of which a run wrote rows and none is found (55000). They may only be invisible, as in a
/// distributed engine between its prepare and its commit, and must not be treated as deleted.
pub fn no_rows(project: &str, made_by: &MadeBy) -> Error {
    Error::new(
        Code::WrongState,
        format!(
            "no row of project \"{project}\" is found, although run {} wrote {}",
            made_by.run, made_by.rows
        ),
    )
    .detail("They were deleted by other means, or this role cannot see them.")
    .hint(format!(
        "If they were deleted by other means, clean up what is left (files, the record): project_delete({}, options => '{{\"force\": true}}').",
        quote::literal(project)
    ))
}

/// The error for a project that was deleted and has nothing left to delete (P0002).
pub fn nothing_left(project: &str, tombstone: &Tombstone) -> Error {
    Error::new(
        Code::NotFound,
        format!(
            "project \"{project}\" does not exist: it was deleted at {}",
            tombstone.deleted_at
        ),
    )
    .detail("Nothing was written to it since.")
    .hint("Check the id.")
}

/// The error for an expired clone of which nothing is found although a project has its id (55000). The message says what to do: it is all
/// that a scheduled call leaves.
pub fn another(store: &str, project: &str, made_by: &MadeBy) -> Error {
    let (given, store) = (quote::literal(project), quote::literal(store));
    Error::new(
        Code::WrongState,
        format!(
            "project \"{}\" is another one than the clone that run {} made: its row was written anew, and no row of the clone is found; if it is \
             to go nevertheless: project_delete({given}, {store}, options => '{{\"force\": true}}'); if it is to stay: clone.set_expiry({given}, store => {store})",
            shown(project),
            made_by.run
        ),
    )
    .detail("The clone may have been deleted by other means, and its id given to another project.")
    .hint("Call what the message names.")
}

/// The error for a project that no run made (55000).
pub fn not_a_clone(project: &str, hint: String) -> Error {
    Error::new(
        Code::WrongState,
        format!("project \"{}\" was not made by a clone", shown(project)),
    )
    .detail("No run in clone.run made it, or it was deleted since.")
    .hint(hint)
}
