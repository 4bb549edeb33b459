//! `project_clone_verify`: checks that a clone is complete and has no reference to its source, in its present state.

use crate::catalog::{self, Purpose, detached};
use crate::error::internal;
use crate::item::references_at_source;
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query::snapshot::Snapshot;
use crate::pg::query::{count, text};
use crate::pg::session::settings_guard::ReadingSettings;
use crate::run::authorize;
use crate::run::plan::call_values;
use crate::verify::references::Pair;
use pg_clone_core::error::{Code, Error, Result, shown};
use pg_clone_core::plan::{self, Oid, SourceQuery, Store, TableRole, quote};
use serde::Deserialize;
use std::borrow::Cow;
use std::collections::{BTreeMap, HashSet};

/// One check.
pub struct Check {
    /// Name of the check.
    pub name: Cow<'static, str>,
    /// The checked object: a table, or the store.
    pub subject: String,
    /// The expected value.
    pub expected: String,
    /// The found value.
    pub found: String,
    /// Whether the check passed.
    pub ok: bool,
}

/// The records of the run that made the project.
#[derive(Deserialize)]
struct MadeBy {
    id: i64,
    name: Option<String>,
    source_project: String,
    /// Without filters, and from the project's own tables.
    whole: bool,
    /// Transactions since; None if no row was written.
    age: Option<i64>,
    history: Option<String>,
    /// It is a refresh.
    replaced: bool,
    /// `fire`: rows that triggers add are wanted.
    triggers: Option<String>,
    /// Rows of the replaced clone that it has kept.
    added_rows: i64,
    /// Values that the caller chose, by column.
    values: BTreeMap<String, String>,
    dangling: i64,
    /// Whether they became NULL, or were removed.
    nulls: bool,
    rows: BTreeMap<String, i64>,
    targets: Vec<String>,
    blobs: i64,
    blobs_done: i64,
    blobs_failed: i64,
}

impl MadeBy {
    fn may_be_more(&self) -> bool {
        self.triggers.as_deref() == Some("fire") || self.added_rows > 0
    }
}

fn made_by(store: &str, target: &str) -> Result<Option<MadeBy>> {
    let _owner = AsExtensionOwner::new();
    let found = text(&format!(
        "SELECT clone_internal.run_of_project({}, {})::pg_catalog.text",
        quote::literal(store),
        quote::literal(target)
    ))?;
    found
        .map(|json| serde_json::from_str(&json).map_err(internal))
        .transpose()
}

/// All checks of a project; with `columns` also those of the store's own function. A project that is not a clone is an error
/// (P0002); with `columns`, a store without such a function too (22023).
pub fn verify(
    target_project: &str,
    store: Option<&str>,
    columns: bool,
    sample: Option<i64>,
) -> Result<Vec<Check>> {
    if let Some(rows) = sample.filter(|rows| *rows < 1) {
        return Err(
            Error::bad_argument(format!("invalid value {rows} for parameter \"sample\""))
                .hint("Give the number of rows to check in each table, or leave it out to check all rows."),
        );
    }
    if target_project.is_empty() {
        return Err(
            Error::bad_argument("the project is missing").hint("Give the id of the project to verify.")
        );
    }
    let name = catalog::resolve(store, target_project)?;
    let open = catalog::open(&name, Purpose::Read)?;
    let function = match (columns, open.description.verify) {
        (false, _) => None,
        (true, None) => {
            return Err(
                Error::bad_argument(format!("store \"{name}\" has no check of derived columns"))
                    .hint("Only a store with a hook for verify has one. Leave columns out."),
            );
        }
        (true, found) => found,
    };
    let (mut store, snapshot) = (open.description.store, open.snapshot);
    authorize::tables(&store, &[], false)?;
    let target = authorize::project_id(store.project_table()?, target_project)?;
    let run = snapshot.within(|| made_by(&name, &target))?.ok_or_else(|| {
        Error::new(
            Code::NotFound,
            format!("no run made the project \"{}\"", shown(&target)),
        )
        .hint("SELECT id, target_project, name FROM clone.run lists the clones.")
    })?;
    call_values::put_values(&mut store, &run.values)?;
    let checks = snapshot.within(|| {
        let mut checks = checks_of(&store, &target, &run, sample, false)?;
        if let Some(function) = function {
            checks.extend(ask_store(&store, function, &target)?);
        }
        Ok(checks)
    });
    drop(snapshot);
    let mut checks = checks?;
    if run.blobs > 0 {
        checks.push(Check {
            name: Cow::Borrowed("files copied"),
            subject: format!("{} failed", run.blobs_failed),
            expected: run.blobs.to_string(),
            found: run.blobs_done.to_string(),
            ok: run.blobs_done >= run.blobs,
        });
    }
    Ok(checks)
}

/// A check as a store's function returns it: name, subject, expected, found, ok.
type HookCheck = (String, String, String, String, bool);

/// The checks of the store's own function.
fn ask_store(store: &Store, function: Oid, target: &str) -> Result<Vec<Check>> {
    let arguments = serde_json::json!({
        "target_project": target,
        "schema": store.project_table()?.schema,
        "store_options": store.options,
    });
    let answer = crate::pg::query::hook::verify(function, &store.name, arguments)?;
    let rows: Option<Vec<HookCheck>> = serde_json::from_value(answer).map_err(internal)?;
    let checks = rows.unwrap_or_default().into_iter();
    Ok(checks
        .map(|(name, subject, expected, found, ok)| Check {
            name: Cow::Owned(name),
            subject,
            expected,
            found,
            ok,
        })
        .collect())
}

/// The checks that read tables, under the active snapshot.
fn checks_of(
    store: &Store,
    target: &str,
    run: &MadeBy,
    sample: Option<i64>,
    now: bool,
) -> Result<Vec<Check>> {
    let _settings = ReadingSettings::for_many_rows();
    let mut checks = Vec::new();
    count_rows(store, target, run, &mut checks)?;
    if store.follows_constraints() && run.whole {
        count_source_rows(store, run, now, &mut checks)?;
    }
    for table in detached::of(store)?.iter().filter(|table| !table.shared) {
        let found = table.rows_of(store, target)?;
        if found > 0 {
            checks.push(Check {
                name: Cow::Borrowed("rows in detached partitions"),
                subject: table.name.clone(),
                expected: "0".to_owned(),
                found: found.to_string(),
                ok: false,
            });
        }
    }
    source_ids::check(store, target, run, sample, &mut checks)?;
    if run.history.as_deref().unwrap_or("current") == "current" {
        history::compare(store, target, &mut checks)?;
    }
    if let Some(found) = references_at_source(store, target, sample)? {
        checks.push(Check {
            name: Cow::Borrowed("references to sources of items"),
            subject: "all items".to_owned(),
            expected: "0".to_owned(),
            found: match &found.first {
                Some(first) => format!("{}, one is {first}", found.count),
                None => "0".to_owned(),
            },
            ok: found.count == 0,
        });
    }
    // Applications change documents all the time, and to read them on both sides takes twice the time of the clone.
    if store.follows_constraints() || now && store.preset == "documents" {
        let number = run.id.to_string();
        let pair = Pair {
            store,
            number: &number,
            name: run.name.as_deref(),
            source: &run.source_project,
            target,
            filled: &filled(store),
            dangling: run.dangling,
            dangling_nulls: run.nulls,
            rows: &run.rows,
            relatives: &inheritance::of(store)?,
            sample,
            whole: run.whole,
            replaced: run.replaced,
            now,
            age: run.age,
            may_be_more: run.may_be_more(),
        };
        if !store.follows_constraints() {
            let contents = contents::Contents::of_kept_columns(&pair)?;
            uuid_values::check(
                &pair,
                &contents,
                false,
                &mut incoming::Incoming::new(0),
                &mut checks,
            )?;
            return Ok(checks);
        }
        let contents = contents::Contents::of(&pair)?;
        references::check(&pair, &contents, &mut checks)?;
        values::masks::check(&pair, &mut checks)?;
        values::made::check(&pair, &contents, &mut checks)?;
        text_keys::check(&pair, &mut checks)?;
        tenant_columns::check(&pair, &mut checks)?;
    }
    Ok(checks)
}

/// Verifies the clone that this transaction has made. A failed check is an error (55000), which rolls the clone
/// back.
pub fn verify_now(store: &Store, target: &str, snapshot: &Snapshot) -> Result<()> {
    let checks = snapshot.within_own_writes(|| match made_by(&store.name, target)? {
        Some(run) => checks_of(store, target, &run, None, true),
        None => Ok(Vec::new()),
    })?;
    let failed: Vec<String> = checks
        .iter()
        .filter(|check| !check.ok)
        .map(|check| {
            format!(
                "{}, {}: expected {}, found {}",
                check.name, check.subject, check.expected, check.found
            )
        })
        .collect();
    let Some((first, others)) = failed.split_first() else {
        return Ok(());
    };
    let error = Error::new(Code::WrongState, format!("the clone failed verification: {first}"))
        .hint("Nothing was changed. SELECT * FROM clone.store_check(…) lists open questions; without options.verify the clone is kept and project_clone_verify lists what is wrong.");
    Err(match others {
        [] => error,
        others => error.detail(others.join("\n")),
    })
}

fn filled(store: &Store) -> HashSet<Oid> {
    store.tables.iter().filter(|t| !t.empty).map(|t| t.oid).collect()
}

/// Checks that every table has as many rows of the clone as the run wrote.
fn count_rows(store: &Store, target: &str, run: &MadeBy, checks: &mut Vec<Check>) -> Result<()> {
    let active = filled(store);
    let may_be_more = run.may_be_more();
    for table in &store.tables {
        let Some(expected) = run.rows.get(&table.sql_name) else {
            continue;
        };
        let found = match plan::condition(store, table, target, &active, true)? {
            Some(belongs) if !table.empty => count(&SourceQuery::over(&table.from_sql()).filter(belongs))?,
            _ => 0,
        };
        checks.push(Check {
            name: Cow::Borrowed("rows"),
            subject: table.sql_name.clone(),
            expected: match may_be_more {
                true => format!("at least {expected}"),
                false => expected.to_string(),
            },
            found: found.to_string(),
            ok: found == *expected || may_be_more && found > *expected,
        });
    }
    Ok(())
}

/// Checks that the run has cloned all rows of the source. `now`: this transaction has made the clone, and both must be equal. Afterwards the
/// source may have got rows: then only a table of which nothing was cloned, with rows that are older than the clone, is wrong.
fn count_source_rows(store: &Store, run: &MadeBy, now: bool, checks: &mut Vec<Check>) -> Result<()> {
    let active = filled(store);
    for table in &store.tables {
        let takes_part = matches!(table.role, TableRole::Resource | TableRole::Derived) && table.cloned;
        let cloned = run.rows.get(&table.sql_name).copied().unwrap_or(0);
        if !takes_part || table.empty || !now && (cloned > 0 || !matches!(table.kind.as_str(), "r" | "p")) {
            continue;
        }
        let Some(belongs) = plan::condition(store, table, &run.source_project, &active, false)? else {
            continue;
        };
        let mut rows = SourceQuery::over(&table.from_sql()).filter(belongs);
        if let (false, Some(age)) = (now, run.age) {
            rows = rows.filter(format!("pg_catalog.age(t.xmin) OPERATOR(pg_catalog.>) {age}"));
        }
        let expected = count(&rows)?;
        if now || expected > cloned {
            checks.push(Check {
                name: Cow::Borrowed("rows of the source"),
                subject: table.sql_name.clone(),
                expected: expected.to_string(),
                found: cloned.to_string(),
                ok: cloned == expected || run.may_be_more() && cloned > expected,
            });
        }
    }
    Ok(())
}

mod column_references;
mod contents;
mod document_references;
mod encoded_ids;
mod history;
mod incoming;
mod inheritance;
mod key_sets;
mod pair;
pub mod references;
mod source_ids;
mod sql_references;
mod tenant_columns;
mod text_keys;
mod uuid_values;
mod values;
