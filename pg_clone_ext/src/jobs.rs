//! Jobs: queued clones that a worker runs with the rights of the role that queued them.

use crate::catalog;
use crate::clone;
use crate::error::internal;
use crate::lifecycle::refresh::Refresh;
use crate::lifecycle::{authorize, target};
use crate::pg::deferred_checks;
use crate::pg::privileges::{AsExtensionOwner, current_user_oid};
use crate::pg::session::as_role::AsRole;
use crate::pg::session::settings_guard::CallersPath;
use crate::pg::value::json_text::JsonText;
use crate::run;
use pg_clone_core::error::{Code, Error, Result, shown};
use pg_clone_core::plan::Request;
use pgrx::{JsonB, Spi, pg_sys};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ffi::CString;

/// Settings of the queueing session that the job runs with.
const SETTINGS: [&str; 3] = ["search_path", "pg_clone.actor", "pg_clone.max_memory"];

/// Queues a clone and returns the job's number. Raises the errors of `project_clone_plan`: wrong arguments, missing rights,
/// unknown types, ids and projects. Everything is checked again when the job runs. Further error: 53400 too many queued jobs.
pub fn start(request: &Request, path: &CallersPath) -> Result<i64> {
    request.check()?;
    check_permanent(&request.options.source_tables)?;
    let name = target::store_of_clone(request)?;
    let description = catalog::open(&name, catalog::Purpose::Read)?.description;
    let store = description.store;
    run::authorize::tables(&store, &request.resource_types, true)?;
    let source = run::authorize::project_id(store.project_table()?, &request.source_project)?;
    if !target::exists(&store, &source)? {
        return Err(run::authorize::not_found(&source));
    }
    let refresh = Refresh::begin(&store, &description.rules, request, &source, false)?;
    if refresh.replaced_project().is_some() {
        authorize::tables(&store)?;
    }
    clone::plan_project(request.clone(), path)?;
    let mut arguments = run::record::arguments(request);
    arguments["store"] = store.name.as_str().into();
    let mut settings = BTreeMap::new();
    for setting in SETTINGS {
        let value = match setting {
            "search_path" => Some(path.to_text()),
            _ => Spi::get_one_with_args::<String>(
                "SELECT pg_catalog.current_setting($1, true)",
                &[setting.into()],
            )
            .map_err(internal)?,
        };
        settings.insert(setting, value);
    }
    let caller = current_user_oid();
    let _owner = AsExtensionOwner::new();
    Spi::get_one_with_args::<i64>(
        "SELECT clone_internal.queue_job($1, $2, $3, $4, $5, $6, $7)",
        &[
            source.as_str().into(),
            store.name.as_str().into(),
            refresh.replaced_project().into(),
            JsonB(arguments).into(),
            caller.into(),
            JsonB(json!(settings)).into(),
            crate::settings::max_queued_jobs().into(),
        ],
    )
    .map_err(internal)?
    .ok_or_else(|| Error::new(Code::Internal, "no job number"))
}

/// Refuses source tables that the session of a worker does not see (22023).
fn check_permanent(sources: &BTreeMap<String, String>) -> Result<()> {
    for relation in sources.values() {
        let temporary = Spi::get_one_with_args::<bool>(
            "SELECT EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) pg_catalog.to_regclass($1)::pg_catalog.oid \
             AND c.relpersistence OPERATOR(pg_catalog.=) 't'::\"char\")",
            &[relation.as_str().into()],
        )
        .map_err(internal)?;
        if temporary == Some(true) {
            return Err(Error::bad_argument(format!(
                "option \"source_tables\": relation \"{}\" is temporary, and a worker does not see it",
                shown(relation)
            ))
            .hint("Fill a permanent or an unlogged table for a queued clone, or clone in this session: project_clone(…)."));
        }
    }
    Ok(())
}

/// Cancels a job that the caller, or a role that the caller is a member of, has queued. Returns its new state.
pub fn cancel(job: i64) -> Result<Option<String>> {
    let caller = current_user_oid();
    let _owner = AsExtensionOwner::new();
    Spi::get_one_with_args::<String>(
        "SELECT clone_internal.cancel_job($1, $2)",
        &[job.into(), caller.into()],
    )
    .map_err(internal)
}

#[derive(Deserialize)]
struct Job {
    role: u32,
    name_now: Option<String>,
    queued_by: String,
    schema: String,
    arguments: Value,
    settings: BTreeMap<String, Option<String>>,
}

const JOB: &str = "SELECT pg_catalog.jsonb_build_object('role', j.role::pg_catalog.int8, 'name_now', (SELECT a.rolname FROM pg_catalog.pg_roles a \
       WHERE a.oid OPERATOR(pg_catalog.=) j.role), 'queued_by', j.queued_by, 'arguments', j.arguments, 'settings', j.settings, \
     'schema', (SELECT pg_catalog.quote_ident(n.nspname) FROM pg_catalog.pg_extension e JOIN pg_catalog.pg_namespace n \
       ON n.oid OPERATOR(pg_catalog.=) e.extnamespace WHERE e.extname OPERATOR(pg_catalog.=) 'pg_clone_ext'::pg_catalog.name)) \
     FROM clone.job_queue j WHERE j.id OPERATOR(pg_catalog.=) $1";

/// Runs the clone of a job with the rights of the role that queued it, by the same call that this role could make:
/// EXECUTE on project_clone, the rights on the tables and the arguments are checked now. Returns the run and the project.
/// The caller has claimed the job. Errors: 42501 the role was dropped or renamed, and those of the clone.
pub fn run(job: i64) -> Result<JsonText> {
    let found = Spi::get_one_with_args::<JsonB>(JOB, &[job.into()]).map_err(internal)?;
    let Some(JsonB(found)) = found else {
        return Err(Error::new(Code::Internal, format!("there is no job {job}")));
    };
    let found: Job = serde_json::from_value(found).map_err(internal)?;
    // The oid alone is not enough: after a restore on another server it can belong to another role.
    if found.name_now.as_deref() != Some(found.queued_by.as_str()) {
        let now = match found.name_now {
            None => "does not exist any more".to_owned(),
            Some(name) => format!("is \"{name}\" now"),
        };
        return Err(Error::new(
            Code::NotAllowed,
            format!("role \"{}\", which queued job {job}, {now}", found.queued_by),
        )
        .hint("Queue the clone again as a role that may run it."));
    }
    let role = pg_sys::Oid::from(found.role);
    let mut settings = Vec::new();
    for (name, value) in found.settings {
        // The temporary schema of the worker's session must not be first: its tables do not belong to the role.
        let value = match (name.as_str(), value) {
            ("search_path", Some(path)) if path.trim().is_empty() => Some("pg_catalog, pg_temp".to_owned()),
            ("search_path", Some(path)) => Some(format!("{path}, pg_temp")),
            (_, value) => value,
        };
        if let Some(value) = value
            && let (Ok(name), Ok(value)) = (CString::new(name), CString::new(value))
        {
            settings.push((name, value));
        }
    }
    let text = |name: &str| {
        found
            .arguments
            .get(name)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let list = |name: &str| -> Vec<String> {
        let items = found
            .arguments
            .get(name)
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        items
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect()
    };
    let callers;
    let project = {
        callers = deferred_checks::of_caller()?;
        deferred_checks::run_now()?;
        let _role = AsRole::new(role, &settings);
        Spi::get_one_with_args::<JsonText>(
            &format!(
                "SELECT {}.project_clone($1, name => $2, resource_types => $3, include_ids => $4, exclude_ids => $5, \
                 owner => $6, store => $7, options => $8)",
                found.schema
            ),
            &[
                text("source_project").into(),
                text("name").into(),
                list("resource_types").into(),
                list("include_ids").into(),
                list("exclude_ids").into(),
                text("owner").into(),
                text("store").into(),
                JsonB(found.arguments.get("options").cloned().unwrap_or_else(|| json!({}))).into(),
            ],
        )
        .map_err(internal)?
    };
    deferred_checks::restore(callers)?;
    Ok(JsonText(format!(
        r#"{{"run": {}, "project": {}}}"#,
        json!(clone::last_run()),
        project.map_or_else(|| "null".to_owned(), |JsonText(project)| project)
    )))
}
