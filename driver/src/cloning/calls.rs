//! The calls of the extension's functions. `schema` is the quoted schema of the extension.

use serde_json::Value;

use crate::args::request::CloneRequest;
use crate::connect::session::Parameter;

const CLONE_ARGUMENTS: &str = "($1::text, name => $2::text, resource_types => $3::text[], include_ids => $4::text[], \
     exclude_ids => $5::text[], owner => $6::text, store => $7::text, options => $8::jsonb)";

/// `project_clone(…)` with the parameters of [`clone_parameters`].
pub fn clone_call(schema: &str) -> String {
    format!("{schema}.project_clone{CLONE_ARGUMENTS}")
}

/// `project_clone_plan(…)` with the parameters of [`clone_parameters`].
pub fn plan_call(schema: &str) -> String {
    format!("{schema}.project_clone_plan{CLONE_ARGUMENTS}")
}

/// `project_clone_start(…)` with the parameters of [`clone_parameters`].
pub fn start_call(schema: &str) -> String {
    format!("{schema}.project_clone_start{CLONE_ARGUMENTS}")
}

/// `$1` to `$8` of the three calls above.
pub fn clone_parameters(request: &CloneRequest) -> [&dyn Parameter; 8] {
    [
        &request.source,
        &request.name,
        &request.resource_types,
        &request.include_ids,
        &request.exclude_ids,
        &request.owner,
        &request.store,
        &request.options,
    ]
}

/// A number of a JSON document of the server; 0 if it is missing.
pub fn number(value: &Value, name: &str) -> i64 {
    value.get(name).and_then(Value::as_i64).unwrap_or_default()
}

/// A string of a JSON document of the server; empty if it is missing.
pub fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
