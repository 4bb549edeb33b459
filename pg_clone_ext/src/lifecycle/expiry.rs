//! Expiry of clones.

use super::delete::delete_expired;
use super::{authorize, identity, target};
use crate::catalog;
use crate::error::{internal, or_raise};
use crate::pg::deferred_checks;
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query;
use crate::pg::query::subtransaction::attempt;
use crate::pg::session::as_role::AsRole;
use crate::pg::session::settings_guard::CallersPath;
use crate::records::runs;
use crate::run::authorize::{not_found, project_id};
use pg_clone_core::error::{Error, Result};
use pg_clone_core::plan::quote;
use pgrx::datum::{Interval, TimestampWithTimeZone};
use pgrx::pg_sys::Oid;
use pgrx::{JsonB, Spi};
use serde::Deserialize;
use serde_json::Value;

/// An expired clone, and the result of its deletion.
pub struct Expired {
    /// Its project.
    pub project: String,
    /// Its store.
    pub store: String,
    /// The run that made it.
    pub run: i64,
    /// What `project_delete` returned, or its error.
    pub outcome: std::result::Result<Value, String>,
}

#[derive(Deserialize)]
struct Due {
    project: String,
    store: String,
    run: i64,
    /// The role that set the expiry.
    role: Option<u32>,
    name: String,
}

const DUE: &str = "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object('project', r.target_project, 'store', r.store, 'run', r.id, \
     'name', COALESCE(r.expiry_by, r.run_by), 'role', (SELECT a.oid::pg_catalog.int8 FROM pg_catalog.pg_roles a \
       WHERE a.oid OPERATOR(pg_catalog.=) COALESCE(r.expiry_role, r.run_role) \
       AND a.rolname OPERATOR(pg_catalog.=) COALESCE(r.expiry_by, r.run_by)::pg_catalog.name)) \
     ORDER BY r.expires_at) FROM clone.run r JOIN clone.store s ON s.name OPERATOR(pg_catalog.=) r.store \
     WHERE r.expires_at OPERATOR(pg_catalog.<=) pg_catalog.now() AND r.deleted_at IS NULL AND r.kind OPERATOR(pg_catalog.=) 'project' \
     AND ($1 IS NULL OR r.store OPERATOR(pg_catalog.=) $1) AND ($2 IS NULL OR r.id OPERATOR(pg_catalog.=) $2)";

fn due(store: Option<&str>, run: Option<i64>) -> Result<Vec<Due>> {
    let _owner = AsExtensionOwner::new();
    let found = Spi::get_one_with_args::<JsonB>(DUE, &[store.into(), run.into()]).map_err(internal)?;
    found.map_or(Ok(Vec::new()), |JsonB(rows)| {
        serde_json::from_value(rows).map_err(internal)
    })
}

/// Deletes all expired clones, each with the rights of the role that set its expiry: triggers of the store's tables are code of
/// other roles, and the caller may be a superuser. A clone that cannot be deleted does not prevent the deletion of others. A clone
/// that another session is refreshing or deleting is left for the next call.
///
/// The triggers run under the path of that role's sessions too: under the caller's they would call functions that the caller chooses.
pub fn expire(store: Option<&str>) -> Result<Vec<Expired>> {
    if store.is_some() {
        catalog::resolve(store, "")?;
    }
    let mut expired = Vec::new();
    let mut callers = None;
    for clone in due(store, None)? {
        pgrx::check_for_interrupts!();
        if !target::try_lock(&clone.store, &clone.project)? || due(None, Some(clone.run))?.is_empty() {
            continue;
        }
        if callers.is_none() {
            callers = Some(deferred_checks::of_caller()?);
            // Errors of the caller's are not those of a deletion.
            deferred_checks::run_now()?;
        }
        let outcome = match clone.role {
            None => Err(role_is_gone(&clone)),
            Some(role) => attempt(|| {
                let role = Oid::from(role);
                let path = or_raise(path_of(role));
                or_raise(deferred_checks::run_now());
                let _role = AsRole::new(role, &[]);
                or_raise(delete_expired(&clone.project, &clone.store, &path))
            })
            .map_err(|failure| failure.message),
        };
        if let Err(error) = &outcome {
            pgrx::warning!("cannot delete expired clone {}: {error}", clone.project);
        }
        expired.push(Expired {
            project: clone.project,
            store: clone.store,
            run: clone.run,
            outcome,
        });
    }
    if let Some(callers) = callers.filter(|_| expired.iter().any(|clone| clone.outcome.is_ok())) {
        deferred_checks::restore(callers)?;
    }
    Ok(expired)
}

/// The path that a session of another role begins with, by what ALTER ROLE and ALTER DATABASE say, for code of that role. The
/// caller's temporary schema comes last: its tables do not belong to the role.
///
/// What the caller's connection or the configuration file say does not count: the caller can choose the former.
fn path_of(role: Oid) -> Result<CallersPath> {
    let _owner = AsExtensionOwner::new();
    let found = query::text(&format!(
        "SELECT pg_catalog.substr(c.setting, 13) FROM pg_catalog.pg_db_role_setting AS s CROSS JOIN pg_catalog.unnest(s.setconfig) AS c (setting) \
         WHERE s.setrole OPERATOR(pg_catalog.=) ANY (ARRAY[0, {role}]::pg_catalog.oid[]) \
         AND s.setdatabase OPERATOR(pg_catalog.=) ANY (ARRAY[0, (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database())]::pg_catalog.oid[]) \
         AND pg_catalog.starts_with(c.setting, 'search_path=') \
         ORDER BY s.setrole OPERATOR(pg_catalog.=) 0::pg_catalog.oid, s.setdatabase OPERATOR(pg_catalog.=) 0::pg_catalog.oid LIMIT 1",
        role = u32::from(role)
    ))?;
    let path = found.unwrap_or_else(|| "\"$user\", public".to_owned());
    let path = match path.trim() {
        "" => "pg_catalog, pg_temp".to_owned(),
        path => format!("{path}, pg_temp"),
    };
    CallersPath::of_text(path).map_err(internal)
}

/// The outcome says what to do: it is all that a scheduled call leaves.
fn role_is_gone(clone: &Due) -> String {
    let (project, store) = (quote::literal(&clone.project), quote::literal(&clone.store));
    format!(
        "role \"{}\", which set the expiry of project \"{}\", does not exist any more; as a role that may delete the project call \
         project_delete({project}, {store}), or set the expiry again: clone.set_expiry({project}, interval '0.001 s', store => {store})",
        clone.name, clone.project
    )
}

/// Sets or clears the expiry of a clone; for roles that may delete it. Both times together, an interval without end and a project that
/// is no clone are errors (22023).
pub fn set_expiry(
    project: &str,
    expires_in: Option<Interval>,
    expires_at: Option<TimestampWithTimeZone>,
    store: Option<&str>,
) -> Result<Option<TimestampWithTimeZone>> {
    check_length(expires_in.as_ref())?;
    if expires_in.is_some() && expires_at.is_some() {
        return Err(
            Error::bad_argument("parameters \"expires_in\" and \"expires_at\" exclude each other")
                .hint("Give one of them, or neither: then the clone stays."),
        );
    }
    let store = catalog::open(&target::store_of(store, project)?, catalog::Purpose::Read)?
        .description
        .store;
    authorize::tables(&store)?;
    let project = project_id(store.project_table()?, project)?;
    // Another session may be deleting or replacing it, or clone.expire() may.
    target::lock(&store.name, &project)?;
    let Some(made_by) = target::made_by(&store.name, &project)? else {
        if !target::exists(&store, &project)? {
            return Err(not_found(&project).hint("Check the id."));
        }
        let clones = "Only clones expire. SELECT id, target_project, name FROM clone.run WHERE deleted_at IS NULL lists them.";
        return Err(target::not_a_clone(&project, clones.to_owned()));
    };
    let expires_at = runs::set_expiry(made_by.run, expires_in, expires_at)?;
    // Whoever sets it means the project as it is now.
    identity::note(&store, &project, made_by.run)?;
    Ok(expires_at)
}

/// Refuses an interval that is not positive or leads out of the server's calendar (22023).
fn check_length(interval: Option<&Interval>) -> Result<()> {
    const YEARS: i32 = 10_000;
    let too_long = |interval: &Interval| {
        interval.months().unsigned_abs() > YEARS.unsigned_abs() * 12
            || interval.days().unsigned_abs() > YEARS.unsigned_abs() * 366
    };
    if interval.is_some_and(too_long) {
        return Err(
            Error::bad_argument(format!("expires_in is longer than {YEARS} years"))
                .hint("Leave it out, and the clone stays for good."),
        );
    }
    // As PostgreSQL compares intervals: a month has 30 days, a day 24 hours.
    let micros = |interval: &Interval| {
        let days = i64::from(interval.months()) * 30 + i64::from(interval.days());
        (days * 86_400_000_000).saturating_add(interval.micros())
    };
    if interval.is_some_and(|interval| micros(interval) <= 0) {
        return Err(Error::bad_argument("expires_in is not positive")
            .hint("Give a positive interval, e.g. '14 days' or '12 hours'. project_delete() deletes a clone at once."));
    }
    Ok(())
}
