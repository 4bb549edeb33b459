//! `project_clone_verify`: checks that a clone is complete and has no reference to its source, in its present state.

use crate::catalog::{self, Purpose};
use crate::error::internal;
use crate::item::references_at_source;
use crate::pg::privileges::AsExtensionOwner;
use crate::pg::query::snapshot::within_current;
use crate::pg::query::{count, for_each_row, text};
use crate::pg::session::settings_guard::ReadingSettings;
use crate::run::authorize;
use crate::run::keys::Key;
use crate::run::plan::call_values;
use crate::verify::references::Pair;
use pg_clone_core::edit::member;
use pg_clone_core::error::{Code, Error, Result, shown};
use pg_clone_core::ids::{Id, IdMap, IdVersion, NewIds, TextIdMap, uuid_text};
use pg_clone_core::jsonb;
use pg_clone_core::plan::{
    self, Column, ColumnRole, KeyKind, Oid, SourceQuery, Store, Table, TableRole, quote,
};
use pg_clone_core::rewrite::{Dangling, RewriteError, Rewriter};
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
    source_project: String,
    history: Option<String>,
    /// `fire`: rows that triggers add are wanted.
    triggers: Option<String>,
    /// Values that the caller chose, by column.
    values: BTreeMap<String, String>,
    dangling: i64,
    rows: BTreeMap<String, i64>,
    targets: Vec<String>,
    blobs: i64,
    blobs_done: i64,
    blobs_failed: i64,
}

impl MadeBy {
    fn may_be_more(&self) -> bool {
        self.triggers.as_deref() == Some("fire")
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
        let mut checks = checks_of(&store, &target, &run, sample)?;
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
fn checks_of(store: &Store, target: &str, run: &MadeBy, sample: Option<i64>) -> Result<Vec<Check>> {
    let _settings = ReadingSettings::for_many_rows();
    let mut checks = Vec::new();
    count_rows(store, target, run, &mut checks)?;
    look_for_source(store, target, run, sample, &mut checks)?;
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
    if store.follows_constraints() {
        let pair = Pair {
            store,
            source: &run.source_project,
            target,
            filled: &filled(store),
            dangling: run.dangling,
            rows: &run.rows,
            relatives: &relatives::of(store)?,
            sample,
            may_be_more: run.may_be_more(),
        };
        references::check(&pair, &mut checks)?;
        text_keys::check(&pair, &mut checks)?;
        tenants::check(&pair, &mut checks)?;
    }
    Ok(checks)
}

/// Verifies the clone that this transaction has made. A failed check is an error (55000), which rolls the clone
/// back.
pub fn verify_now(store: &Store, target: &str) -> Result<()> {
    let checks = within_current(|| match made_by(&store.name, target)? {
        Some(run) => checks_of(store, target, &run, None),
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

/// Checks that no value references a resource of the source, except known dangling references.
fn look_for_source(
    store: &Store,
    target: &str,
    run: &MadeBy,
    sample: Option<i64>,
    checks: &mut Vec<Check>,
) -> Result<()> {
    let budget = usize::try_from(crate::settings::max_memory_bytes()).unwrap_or(usize::MAX);
    let mut ids = IdMap::new(NewIds::new(IdVersion::V4, 0, [0; 16]), budget);
    let active = filled(store);
    let named = |t: &&Table| matches!(t.role, TableRole::Project | TableRole::Resource) && !t.keeps_id();
    for table in store.tables.iter().filter(named).filter(|t| !t.empty) {
        let Some(sql) = plan::source_of_ids(store, table, &run.source_project, &active, &[])? else {
            continue;
        };
        let id_type = table.id_column.as_deref().map_or("", |c| table.type_of(c));
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            if let Some(Key::Uuid(id)) = Key::read(row, 0, KeyKind::of(id_type), id_type)? {
                ids.insert_not_cloned(id)
                    .map_err(crate::run::state::over_budget)?;
            }
            Ok(())
        })?;
    }
    let texts = TextIdMap::new(budget);
    // Without UUIDs only the ids in documents can be searched for.
    let looks = !ids.is_empty();
    let paths = crate::run::plan::id_paths::of_store(store)?;
    let mut rewriter = Rewriter::new(&ids, &texts, Dangling::Keep)
        .with_id_paths(&paths)
        .with_spellings();
    let mut seen = Seen::default();
    for table in store.tables.iter().filter(|t| !t.empty && (looks || says_id(t))) {
        scan_table(store, table, target, &active, sample, &mut rewriter, &mut seen)?;
    }
    let known: HashSet<Id> = run
        .targets
        .iter()
        .filter_map(|id| uuid_text::parse_slice(id.as_bytes()))
        .collect();
    let unknown: u64 = rewriter
        .dangling_targets()
        .uuids()
        .filter(|(id, _)| !known.contains(*id))
        .map(|(_, n)| n)
        .sum();
    let total = rewriter.dangling_targets().total();
    checks.push(Check {
        name: Cow::Borrowed("references to the source"),
        subject: "all tables".to_owned(),
        expected: format!("at most {} that dangle", run.dangling),
        found: total.to_string(),
        ok: total <= u64::try_from(run.dangling).unwrap_or(0) && (unknown == 0 || known.len() >= 1000),
    });
    checks.extend(seen.base64());
    checks.push(Check {
        name: Cow::Borrowed("documents whose id is not that of their row"),
        subject: "all tables".to_owned(),
        expected: "0".to_owned(),
        found: seen.wrong_ids.to_string(),
        ok: seen.wrong_ids == 0,
    });
    Ok(())
}

/// What was seen in the rows of a clone.
#[derive(Default)]
struct Seen {
    /// Documents whose id is not that of their row.
    wrong_ids: i64,
    /// Rows with ids of the source in base64, and the key of one of them, by table.
    base64: BTreeMap<String, (u64, String)>,
}

impl Seen {
    /// What is in base64 is content, as that of a file, or signed: it is copied as it is, and the check only says where it is.
    fn base64(&self) -> Vec<Check> {
        let check = |subject: &str, found: String| Check {
            name: Cow::Borrowed("ids of the source in base64"),
            subject: subject.to_owned(),
            expected: "stay as they are".to_owned(),
            found,
            ok: true,
        };
        if self.base64.is_empty() {
            return vec![check("all tables", "0".to_owned())];
        }
        self.base64
            .iter()
            .map(|(table, (rows, key))| check(table, format!("in {rows} rows, one is {key}")))
            .collect()
    }
}

/// A column as SQL, without texts that are kept because of their prefix (`id_paths.kept_prefixes`).
fn without_kept(store: &Store, column: &Column) -> String {
    let name = format!("t.{}", quote::identifier(&column.name));
    let prefixes = store.options["id_paths"]["kept_prefixes"].as_array();
    let prefixes: Vec<&str> = prefixes
        .into_iter()
        .flatten()
        .filter_map(|p| p.as_str())
        .collect();
    let is_kept = |value: &str| {
        let tests = prefixes
            .iter()
            .map(|p| format!("pg_catalog.starts_with({value}, {})", quote::literal(p)));
        tests.collect::<Vec<_>>().join(" OR ")
    };
    match (column.type_name.as_str(), prefixes.is_empty()) {
        ("text", false) => format!("CASE WHEN {} THEN NULL ELSE {name} END", is_kept(&name)),
        ("text[]", false) => format!(
            "ARRAY(SELECT e FROM pg_catalog.unnest({name}) e WHERE NOT ({}))",
            is_kept("e")
        ),
        _ => name,
    }
}

/// Whether the documents of a table have the key of their row.
fn says_id(table: &Table) -> bool {
    matches!(table.role, TableRole::Project | TableRole::Resource)
        && !table.document_inferred
        && table.document_column.is_some()
}

fn scan_table(
    store: &Store,
    table: &Table,
    target: &str,
    active: &HashSet<Oid>,
    sample: Option<i64>,
    rewriter: &mut Rewriter<'_>,
    seen: &mut Seen,
) -> Result<()> {
    let Some(belongs) = plan::condition(store, table, target, active, true)? else {
        return Ok(());
    };
    let others: Vec<String> = table
        .columns
        .iter()
        .filter(|c| {
            matches!(
                c.role,
                ColumnRole::Map(_)
                    | ColumnRole::Rewrite
                    | ColumnRole::Project
                    | ColumnRole::Version
                    | ColumnRole::Owner
            ) || store.follows_constraints() && !matches!(c.role, ColumnRole::LargeObject)
        })
        .filter(|c| table.document_column.as_deref() != Some(c.name.as_str()))
        .filter(|c| !plan::is_number_or_time(&c.type_name))
        .map(|c| without_kept(store, c))
        .collect();
    // Output as text takes as long as the search: 50,000 documents of 1.5 kB, 0.6 of 1.4 s.
    let is_jsonb = table
        .document_column
        .as_deref()
        .is_some_and(|column| table.type_of(column) == "jsonb");
    let document = table
        .document_column
        .as_deref()
        .map_or("NULL::text".to_owned(), |c| match is_jsonb {
            true => format!("t.{}", quote::identifier(c)),
            false => table.text_of("t", c),
        });
    let id = table
        .id_column
        .as_deref()
        .map_or("NULL::text".to_owned(), |c| table.text_of("t", c));
    let sql = SourceQuery::over(&table.from_sql())
        .filter(belongs)
        .limit(sample)
        .select(&format!(
            "{document}, pg_catalog.concat_ws(' ', ''{}{}), {id}",
            if others.is_empty() { "" } else { ", " },
            others.join(", ")
        ));
    let says_id = says_id(table);
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let before = rewriter.counts().other_spellings;
        if let Some(document) = row.bytes(0).filter(|document| !document.is_empty()) {
            if says_id
                && let (Some(said), Some(id)) = (said_id(document, is_jsonb), row.bytes(2))
                && !said.eq_ignore_ascii_case(id)
            {
                seen.wrong_ids += 1;
            }
            count_references(rewriter, document, is_jsonb)
                .map_err(crate::run::document_errors::rewrite_error)?;
        }
        if let Some(text) = row.bytes(1).filter(|text| rewriter.touches(text)) {
            rewriter
                .plain_text(&mut text.to_vec())
                .map_err(crate::run::document_errors::rewrite_error)?;
        }
        if rewriter.counts().other_spellings > before {
            let key = row.text(2)?.unwrap_or_default().into_owned();
            seen.base64.entry(table.sql_name.clone()).or_insert((0, key)).0 += 1;
        }
        Ok(())
    })?;
    Ok(())
}

/// The id that a document says, as bytes of its string.
fn said_id(document: &[u8], is_jsonb: bool) -> Option<Cow<'_, [u8]>> {
    if is_jsonb {
        return jsonb::string_at(document, &["id"]).map(Cow::Borrowed);
    }
    member::string(document, &["id"]).map(|said| match said {
        Cow::Borrowed(said) => Cow::Borrowed(said.as_bytes()),
        Cow::Owned(said) => Cow::Owned(said.into_bytes()),
    })
}

/// Counts the references to the source in a document.
fn count_references(
    rewriter: &mut Rewriter<'_>,
    document: &[u8],
    is_jsonb: bool,
) -> std::result::Result<(), RewriteError> {
    if is_jsonb && rewriter.touches_jsonb(document)? {
        rewriter.jsonb(&mut document.to_vec())?;
    } else if !is_jsonb && rewriter.touches(document) {
        rewriter.json_text(&mut document.to_vec())?;
    }
    Ok(())
}

mod columns;
mod contents;
mod documents;
mod history;
mod key_sets;
pub mod references;
mod relatives;
mod tenants;
mod text_keys;
