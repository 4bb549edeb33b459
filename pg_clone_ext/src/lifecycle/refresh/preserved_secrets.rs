//! Secrets and settings that the rules of a clone remove or regenerate. A refresh keeps those of the old clone, so that clients
//! stay logged in and secrets need not be entered again.

use crate::error::internal;
use crate::lifecycle::ids::Ids;
use crate::pg::privileges::{self, Privilege};
use crate::pg::query::for_each_written_row;
use crate::run::copy::written_rows::{WrittenRows, described};
use crate::run::document_errors::edit_error;
use crate::run::keys::Key;
use crate::run::state::Run;
use pg_clone_core::depth::{self, DepthError};
use pg_clone_core::document_tree;
use pg_clone_core::edit::{self, Edit, EditOp, Step};
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Oid, SourceQuery, Store, Table, TableRole, quote};
use pg_clone_core::rules::{Action, Rule, singular_path};
use serde_json::Value;
use std::collections::{BTreeSet, HashMap};

/// A rule that removes or regenerates one place.
struct Place<'r> {
    path: Vec<Step>,
    rule: &'r Rule,
}

/// A resource of the old clone that the new one has too, under the same id.
struct OldResource {
    table: usize,
    key: Key,
    /// Its columns but the document.
    row: Value,
    /// The values at the places that rules remove or regenerate.
    values: Vec<(Vec<Step>, Value)>,
}

/// The secrets of the old clone's preserved resources, read before they are deleted.
pub struct PreservedSecrets {
    resources: Vec<OldResource>,
}

fn places<'r>(rules: &'r [Rule], resource_type: &str) -> Vec<Place<'r>> {
    rules
        .iter()
        .filter(|rule| matches!(rule.action, Action::Remove | Action::Regenerate(_)))
        .filter(|rule| {
            rule.resource_type
                .as_deref()
                .is_none_or(|name| name == resource_type)
        })
        .filter_map(|rule| {
            Some(Place {
                path: singular_path(&rule.path)?,
                rule,
            })
        })
        .filter(|place| !place.path.is_empty())
        .collect()
}

/// The resource type of a row, for rules.
fn type_of(table: &Table, row: &Value) -> String {
    match (&table.resource_type, &table.type_column) {
        (Some(fixed), _) => fixed.clone(),
        (None, Some(column)) => row
            .get(column)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        (None, None) => String::new(),
    }
}

/// The resource type of a row of a table, for rules.
fn ruled_type(table: &Table, row: &Value) -> String {
    if table.role == TableRole::Project && table.resource_type.is_none() {
        "Project".to_owned()
    } else {
        type_of(table, row)
    }
}

/// The values of a document at the places that rules remove or regenerate; none if it is not JSON.
fn values_of(text: &str, places: &[Place<'_>]) -> Result<Vec<(Vec<Step>, Value)>> {
    let paths: Vec<&Vec<Step>> = places.iter().map(|place| &place.path).collect();
    let bytes = text.as_bytes();
    let Some(document) = document_tree::of_text(bytes).map_err(DepthError::error)? else {
        return Ok(Vec::new());
    };
    let values = depth::with_room(document.levels(), move || {
        paths
            .iter()
            .filter_map(|path| Some(((*path).clone(), edit::value::get(&document, path)?.clone())))
            .collect()
    });
    values.map_err(DepthError::error)
}

impl PreservedSecrets {
    /// Reads the project and the resources with these ids in tables with such rules.
    pub fn read(store: &Store, rules: &[Rule], project: &str, ids: &Ids) -> Result<Self> {
        let mut resources = Vec::new();
        for (index, table) in store.tables.iter().enumerate() {
            let Some(id) = &table.id_column else { continue };
            let wanted: Vec<String> = match table.role {
                TableRole::Project => vec![project.to_owned()],
                TableRole::Resource if !table.empty => ids.of(store, table).cloned().collect(),
                _ => continue,
            };
            let known = table.resource_type.as_deref();
            if wanted.is_empty() || known.is_some_and(|name| places(rules, name).is_empty()) {
                continue;
            }
            let Some(document) = &table.document_column else {
                continue;
            };
            let id_text = table.text_of("t", id);
            // The document as text: it may be nested as deeply as its type allows.
            let row = format!(
                "{} OPERATOR(pg_catalog.-) {}, {}",
                table.as_json("t"),
                quote::literal(document),
                table.text_of("t", document)
            );
            let sql = SourceQuery::over(&table.sql_name)
                .any_of(table, id, &wanted)
                .filter(table.live.as_deref().unwrap_or("true"))
                .select(&format!(
                    "pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array({id_text}, {row}))"
                ));
            let Some(pgrx::JsonB(rows)) = pgrx::Spi::get_one::<pgrx::JsonB>(&sql).map_err(internal)? else {
                continue;
            };
            let rows: Vec<(String, Value, Option<String>)> =
                serde_json::from_value(rows).map_err(internal)?;
            for (key, row, document) in rows {
                let places = places(rules, &ruled_type(table, &row));
                let values = values_of(&document.unwrap_or_default(), &places)?;
                if !values.is_empty() {
                    resources.push(OldResource {
                        table: index,
                        key: Key::parse(&key),
                        row,
                        values,
                    });
                }
            }
        }
        let secrets = PreservedSecrets { resources };
        secrets.check_privileges(store, rules)?;
        Ok(secrets)
    }

    /// Requires UPDATE on the columns in which values are restored (42501).
    fn check_privileges(&self, store: &Store, rules: &[Rule]) -> Result<()> {
        let tables: BTreeSet<usize> = self.resources.iter().map(|old| old.table).collect();
        for table in tables.into_iter().filter_map(|place| store.tables.get(place)) {
            let histories = store
                .tables
                .iter()
                .filter(|t| t.role == TableRole::History && t.parents.contains(&table.oid) && !t.empty);
            for written in histories.chain([table]) {
                let Some(document) = &written.document_column else {
                    continue;
                };
                let of_rules = rules.iter().flat_map(|rule| &rule.columns);
                let columns: Vec<&str> = of_rules
                    .filter(|name| written.oid == table.oid && written.column(name).is_some())
                    .chain([document])
                    .map(String::as_str)
                    .collect();
                privileges::check_table(written.oid, &written.sql_name, &[(Privilege::Update, &columns)])
                    .map_err(|error| {
                        error.detail("The refresh restores secrets and settings of the clone that it replaces, which rules remove or regenerate.")
                    })?;
            }
        }
        Ok(())
    }

    /// Restores the old values in the new clone's resources. Returns the tasks for the operator that are no longer needed. What triggers of
    /// the updates do to other rows, and to the documents, is an error (0A000), unless the call lets them.
    pub fn restore(&self, run: &Run, rules: &[Rule]) -> Result<BTreeSet<String>> {
        let mut needless = BTreeSet::new();
        let guards = run.store.follows_constraints()
            && !run.request.options.fire_triggers
            && !self.resources.is_empty();
        let written = guards.then(WrittenRows::begin).transpose()?;
        let mut updates = Updates::default();
        for old in &self.resources {
            let Some(table) = run.store.tables.get(old.table) else {
                continue;
            };
            let Some(text) = current(table, &old.key)? else {
                continue;
            };
            let places = places(rules, &ruled_type(table, &old.row));
            let edits = edits_of(&text, &old.values)?;
            let mut columns: BTreeSet<&str> = BTreeSet::new();
            for place in places
                .iter()
                .filter(|place| edits.iter().any(|edit| edit.path == place.path))
            {
                columns.extend(place.rule.columns.iter().map(String::as_str));
                let todo = place.rule.todo.as_ref();
                needless.extend(todo.map(|todo| todo.replace("{target_id}", &old.key.to_text())));
            }
            if !edits.is_empty() {
                write(run, table, old, &text, &edits, &columns, &mut updates)?;
            }
        }
        if let Some(written) = written {
            updates.check(&run.store, &written)?;
        }
        Ok(needless)
    }
}

/// The rows that were updated, by table, and the first table with a row that a trigger has changed.
#[derive(Default)]
struct Updates {
    rows: HashMap<Oid, i64>,
    changed: Option<String>,
}

impl Updates {
    /// Runs an update of `table` that returns whether the document is what was written.
    fn run(&mut self, run: &Run, table: &Table, update: &str) -> Result<()> {
        let sql = format!("WITH u (same) AS ({update}) SELECT u.same FROM u");
        let rows = self.rows.entry(table.oid).or_default();
        for_each_written_row(&sql, &run.path, &mut |row| {
            if let Some(row) = row {
                *rows += 1;
                if !row.boolean(0) {
                    self.changed.get_or_insert_with(|| table.sql_name.clone());
                }
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Refuses (0A000) what triggers have done beside the updates.
    fn check(&self, store: &Store, written: &WrittenRows) -> Result<()> {
        if let Some(table) = &self.changed {
            return Err(have_changed(&format!("documents of {table}")));
        }
        let mut changed: HashMap<Oid, i64> = HashMap::new();
        for (name, counts) in written.since()? {
            let described = described(store, counts.table)?;
            match described {
                Some(table) if !counts.emptied && counts.inserted == 0 => {
                    *changed.entry(table).or_default() += counts.changed;
                }
                None if !counts.emptied && counts.changed == 0 => {}
                _ => return Err(have_changed(&format!("rows of {name}"))),
            }
        }
        for table in &store.tables {
            if changed.get(&table.oid).unwrap_or(&0) > self.rows.get(&table.oid).unwrap_or(&0) {
                return Err(have_changed(&format!("other rows of {}", table.sql_name)));
            }
        }
        Ok(())
    }
}

fn have_changed(what: &str) -> Error {
    Error::new(
        Code::Unsupported,
        format!("a trigger has changed {what} while secrets and settings of the replaced clone were restored"),
    )
    .hint("Nothing was changed. Disable the trigger for the refresh, ALTER TABLE … DISABLE TRIGGER …, or let it do that: options => '{\"triggers\": \"fire\"}'.")
}

/// The edits that restore the old values in the new document; a place without a parent is skipped.
fn edits_of(text: &str, values: &[(Vec<Step>, Value)]) -> Result<Vec<Edit>> {
    let bytes = text.as_bytes();
    let Some(mut document) = document_tree::of_text(bytes).map_err(DepthError::error)? else {
        return Ok(Vec::new());
    };
    let edits = depth::with_room(document.levels(), move || {
        let mut edits = Vec::new();
        for (path, value) in values {
            if edit::value::get(&document, path) == Some(value) {
                continue;
            }
            let edit = Edit {
                path: path.clone(),
                op: EditOp::Set(value.clone()),
            };
            if edit::value::apply(&mut document, &edit).is_ok() {
                edits.push(edit);
            }
        }
        edits
    });
    edits.map_err(DepthError::error)
}

/// The text of the new clone's document.
fn current(table: &Table, key: &Key) -> Result<Option<String>> {
    let (Some(id), Some(document)) = (&table.id_column, &table.document_column) else {
        return Ok(None);
    };
    pgrx::Spi::get_one::<String>(&format!(
        "SELECT ({})",
        SourceQuery::over(&table.sql_name)
            .equal(table, id, &key.to_text())
            .select(&format!("t.{}::pg_catalog.text", quote::identifier(document)))
    ))
    .map_err(internal)
}

/// Writes the edited document into the row and into the history rows that hold the same document.
fn write(
    run: &Run,
    table: &Table,
    old: &OldResource,
    text: &str,
    edits: &[Edit],
    columns: &BTreeSet<&str>,
    updates: &mut Updates,
) -> Result<()> {
    let Some(edited) = edit::text::apply(text, edits).map_err(edit_error)? else {
        return Ok(());
    };
    let (Some(id), Some(document)) = (&table.id_column, &table.document_column) else {
        return Ok(());
    };
    let follow: String = columns
        .iter()
        .map(|name| format!(", {0} = r.{0}", quote::identifier(name)))
        .collect();
    updates.run(
        run,
        table,
        &format!(
            "UPDATE {name} AS t SET {document} = {edited}{follow} \
             FROM pg_catalog.jsonb_populate_record(NULL::{name}, {row}::pg_catalog.jsonb) AS r WHERE t.{id} OPERATOR(pg_catalog.=) {key}::{id_type} \
             RETURNING t.{document}::pg_catalog.text OPERATOR(pg_catalog.=) {edited}::pg_catalog.text",
            name = table.sql_name,
            document = quote::identifier(document),
            edited = format_args!("{}::{}", quote::literal(&edited), table.type_of(document)),
            row = quote::literal(&old.row.to_string()),
            id = quote::identifier(id),
            key = quote::literal(&old.key.to_text()),
            id_type = table.type_of(id),
        ),
    )?;
    for history in run
        .store
        .tables
        .iter()
        .filter(|t| t.role == TableRole::History && t.parents.contains(&table.oid))
    {
        let (Some(join), Some(document)) = (&history.join_column, &history.document_column) else {
            continue;
        };
        updates.run(
            run,
            history,
            &format!(
                "UPDATE {} AS t SET {document} = {edited} WHERE t.{} OPERATOR(pg_catalog.=) {}::{} \
                 AND t.{document}::pg_catalog.text OPERATOR(pg_catalog.=) {} RETURNING t.{document}::pg_catalog.text OPERATOR(pg_catalog.=) {edited}::pg_catalog.text",
                history.sql_name,
                quote::identifier(join),
                quote::literal(&old.key.to_text()),
                history.type_of(join),
                quote::literal(text),
                document = quote::identifier(document),
                edited = format_args!("{}::{}", quote::literal(&edited), history.type_of(document)),
            ),
        )?;
    }
    Ok(())
}
