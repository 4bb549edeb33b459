//! `project_clone_plan`: what a clone would do.

use super::clone::CloneArguments;
use crate::clone;
use crate::entry::entry;
use crate::pg::value::json_text::JsonText;
use pgrx::prelude::*;

/// What `project_clone` with the same arguments would do: per table and resource type the rows, bytes, path and
/// dangling references. Writes nothing; needs SELECT only.
#[pg_extern(volatile, parallel_unsafe, requires = ["target_schema"])]
#[expect(
    clippy::too_many_arguments,
    clippy::type_complexity,
    reason = "they are the SQL function's"
)]
fn project_clone_plan(
    source_project: Option<String>,
    name: default!(Option<String>, "NULL"),
    resource_types: default!(Option<Vec<Option<String>>>, "NULL"),
    include_ids: default!(Option<Vec<Option<String>>>, "NULL"),
    exclude_ids: default!(Option<Vec<Option<String>>>, "NULL"),
    owner: default!(Option<String>, "NULL"),
    store: default!(Option<String>, "NULL"),
    options: default!(Option<JsonText>, "'{}'"),
) -> TableIterator<
    'static,
    (
        name!(relation, String),
        name!(resource_type, String),
        name!(role, String),
        name!(path, String),
        name!(source_rows, i64),
        name!(rows, i64),
        name!(bytes, i64),
        name!(why, String),
        name!(dangling, i64),
        name!(columns, pgrx::JsonB),
    ),
> {
    let rows = entry(|path| {
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
        clone::plan_project(arguments.request()?, path)
    });
    TableIterator::new(rows.into_iter().map(|row| {
        (
            row.relation,
            row.resource_type,
            row.role.to_owned(),
            row.path.to_owned(),
            row.source_rows,
            row.rows,
            row.bytes,
            row.why,
            row.dangling,
            pgrx::JsonB(row.columns),
        )
    }))
}
