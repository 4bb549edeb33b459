//! The options of `project_delete`.

use pg_clone_core::error::{Error, Result, shown};
use pg_clone_core::nearest::did_you_mean;
use serde_json::Value;

/// How a project is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeleteOptions {
    /// Also delete a project that no run made.
    pub force: bool,
    /// Only count.
    pub dry_run: bool,
    /// Read the documents of other projects: keep files that they reference, and refuse to delete other rows that they reference.
    pub keep_shared: bool,
    /// Delete even if rows that do not belong only to the project would be deleted, changed, or would dangle.
    pub include_others: bool,
    /// Let triggers change rows that do not belong to the project. A clone that was made so is also deleted so.
    pub fire_triggers: bool,
}

impl Default for DeleteOptions {
    fn default() -> Self {
        DeleteOptions {
            force: false,
            dry_run: false,
            keep_shared: true,
            include_others: false,
            fire_triggers: false,
        }
    }
}

const VALID: &str = "Valid options: force (true, false), dry_run (true, false), shared (\"keep\": files that documents of \
                     other projects name stay, and other deleted rows that they name are an error, the default; \"ignore\": do not read these documents), others (\"refuse\": an error if rows of \
                     other projects or tables refer to the project's, the default; \"include\": rows whose foreign key \
                     refers to a deleted row are deleted or changed too), triggers (\"fire\": triggers may change or delete rows that do not belong to the project).";

impl DeleteOptions {
    /// Reads the JSON object; an unknown key or value is an error (22023) whose hint lists the valid ones.
    pub fn parse(json: &Value) -> Result<Self> {
        let Value::Object(members) = json else {
            return Err(Error::bad_argument(format!(
                "options must be a JSON object, not {}",
                shown(&json.to_string())
            ))
            .hint(VALID));
        };
        let mut options = DeleteOptions::default();
        for (key, value) in members {
            let bad = || {
                Error::bad_argument(format!(
                    "invalid value {} for option \"{key}\"",
                    shown(&value.to_string())
                ))
                .hint(VALID)
            };
            match key.as_str() {
                "force" => options.force = value.as_bool().ok_or_else(bad)?,
                "dry_run" => options.dry_run = value.as_bool().ok_or_else(bad)?,
                "shared" => {
                    options.keep_shared = match value.as_str() {
                        Some("keep") => true,
                        Some("ignore") => false,
                        _ => return Err(bad()),
                    }
                }
                "others" => {
                    options.include_others = match value.as_str() {
                        Some("refuse") => false,
                        Some("include") => true,
                        _ => return Err(bad()),
                    }
                }
                "triggers" => {
                    options.fire_triggers = match value.as_str() {
                        Some("fire") => true,
                        _ => return Err(bad()),
                    }
                }
                _ => {
                    let meant = did_you_mean(key, ["force", "dry_run", "shared", "others", "triggers"]);
                    return Err(Error::bad_argument(format!("unknown option \"{}\"", shown(key)))
                        .hint(format!("{meant}{VALID}")));
                }
            }
        }
        Ok(options)
    }
}
