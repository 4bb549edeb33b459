//! `project_clone` and `clone.last_run`.

use crate::entry::entry;
use crate::pg::value::json_text::JsonText;
use pg_clone_core::error::{Error, Result};
use pg_clone_core::item::limits;
use pg_clone_core::plan::{Options, Request};
use pgrx::prelude::*;

/// An argument that is a JSON object, empty if it is not given; error 22023 if it exceeds the limits of arguments.
pub fn argument(name: &str, given: Option<JsonText>) -> Result<serde_json::Value> {
    given.map_or_else(
        || Ok(serde_json::json!({})),
        |JsonText(text)| limits::parse(name, &text),
    )
}

/// The arguments of `project_clone`, `project_clone_plan` and `project_clone_start`.
pub struct CloneArguments {
    pub source_project: Option<String>,
    pub name: Option<String>,
    pub resource_types: Option<Vec<Option<String>>>,
    pub include_ids: Option<Vec<Option<String>>>,
    pub exclude_ids: Option<Vec<Option<String>>>,
    pub owner: Option<String>,
    pub store: Option<String>,
    pub options: Option<JsonText>,
}

impl CloneArguments {
    /// The request; options that are not valid, and a NULL in an array, are an error (22023).
    pub fn request(self) -> Result<Request> {
        let options_json = argument("options", self.options)?;
        Ok(Request {
            source_project: self.source_project.unwrap_or_default(),
            name: self.name,
            resource_types: without_nulls(self.resource_types, "resource_types")?,
            include_ids: without_nulls(self.include_ids, "include_ids")?,
            exclude_ids: without_nulls(self.exclude_ids, "exclude_ids")?,
            owner: self.owner,
            store: self.store,
            options: Options::parse(&options_json)?,
            options_json,
        })
    }
}

fn without_nulls(items: Option<Vec<Option<String>>>, argument: &str) -> Result<Vec<String>> {
    items
        .unwrap_or_default()
        .into_iter()
        .map(|item| {
            item.ok_or_else(|| {
                Error::bad_argument(format!("{argument} holds a NULL"))
                    .hint("Leave NULL elements out; an empty array means no filter.")
            })
        })
        .collect()
}

/// Clones a project and returns the new one. The arguments are those in docs/sql-reference.md. Errors: 42501 not allowed, P0002 no such
/// project, 22023 wrong argument, 53200 memory limit exceeded, 0A000 row-level security, 55000 the tables have changed.
#[pg_extern(volatile, parallel_unsafe, requires = ["target_schema"])]
#[expect(clippy::too_many_arguments, reason = "they are the SQL function's arguments")]
fn project_clone(
    source_project: Option<String>,
    name: default!(Option<String>, "NULL"),
    resource_types: default!(Option<Vec<Option<String>>>, "NULL"),
    include_ids: default!(Option<Vec<Option<String>>>, "NULL"),
    exclude_ids: default!(Option<Vec<Option<String>>>, "NULL"),
    owner: default!(Option<String>, "NULL"),
    store: default!(Option<String>, "NULL"),
    options: default!(Option<JsonText>, "'{}'"),
) -> JsonText {
    entry(|path| {
        let arguments = CloneArguments {
            source_project,
            name,
            resource_types,
            include_ids,
            exclude_ids,
            owner,
            store,
            options,
        };
        crate::clone::clone_project(arguments.request()?, path)
    })
}

/// `project_clone` with its arguments as members of a JSON object: name, resourceTypes, includeIds, excludeIds, owner, store, options.
#[pg_extern(volatile, parallel_unsafe, name = "project_clone", requires = ["target_schema"])]
fn project_clone_params(source_project: Option<String>, params: Option<JsonText>) -> JsonText {
    entry(|path| {
        let params = argument("params", params)?;
        let request = Request::from_params(&source_project.unwrap_or_default(), &params)?;
        crate::clone::clone_project(request, path)
    })
}

/// Functions of schema clone.
#[pg_schema]
mod clone {
    use pgrx::prelude::*;

    /// Number of this session's last run in clone.run, NULL if there was none. The row is visible after its transaction has committed.
    #[pg_extern(volatile, parallel_unsafe)]
    fn last_run() -> Option<i64> {
        crate::entry::entry(|_| Ok(crate::clone::last_run()))
    }
}
