//! The rows of a project that are deleted, as SQL to delete and to count them.

mod concurrent_changes;
mod statement;

use super::foreign_keys;
use super::triggers::{DeferredTriggers, Triggers};
use crate::catalog::filled_now;
use crate::error::internal;
use crate::pg::query;
use crate::pg::query::snapshot::within_current;
use crate::pg::session::settings_guard::{CallersPath, ReadingSettings};
use crate::run::copy::deferred_triggers;
use crate::run::copy::written_rows::WrittenRows;
use crate::run::keys::Key;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, Oid, SourceQuery, Store, Table, TableRole, quote};
use serde_json::{Map, Value};
use statement::{Going, Statement};
use std::collections::{HashMap, HashSet};

/// Rows by table, in the order of deletion.
pub type Counts = Map<String, Value>;

/// What a deletion has done, and what it has still to do.
#[derive(Default)]
pub struct Deleted {
    /// The rows that it deleted.
    pub rows: Counts,
    /// Its deferred triggers, if what they change is to be checked.
    pub deferred: Option<DeferredTriggers>,
}

/// The rows of one project, without those that are kept.
pub struct DeletionSet {
    /// The store, with the condition on deleted rows in place of the one on live rows.
    store: Store,
    /// The store, with the condition on all rows of the project, deleted or kept.
    own: Store,
    project: String,
    filled: HashSet<Oid>,
    also_deleted: Vec<(String, String)>,
}

impl DeletionSet {
    /// All rows of the project except the resources in `kept` and their dependent rows.
    pub fn new(store: &Store, project: &str, kept: &HashMap<Oid, Vec<Key>>) -> Result<Self> {
        let mut own = store.clone();
        for table in &mut own.tables {
            // A tenant column decides to which project a row belongs, live or not. For rows that belong through a join, the condition on live
            // rows is part of the membership: other rows may belong to any project.
            if table.role == TableRole::Project || table.project_column.is_some() {
                table.live = None;
            }
        }
        let mut store = own.clone();
        let project_table = store.project_table()?.oid;
        for table in &mut store.tables {
            // The rows of the tables are deleted, not those of `source_tables`.
            table.source = None;
            if table.references.contains(&project_table)
                && kept.get(&table.oid).is_some_and(|keys| !keys.is_empty())
            {
                return Err(still_used(table, &kept[&table.oid]));
            }
            if let (Some(keys), Some(id)) = (kept.get(&table.oid), &table.id_column)
                && !keys.is_empty()
            {
                let type_name = table.type_of(id);
                let keys: Vec<String> = keys.iter().map(|key| quote::literal(&key.to_text())).collect();
                let stays = format!(
                    "NOT {} OPERATOR(pg_catalog.=) ANY (ARRAY[{}]::{type_name}[])",
                    quote::identifier(id),
                    keys.join(", ")
                );
                table.live = Some(match &table.live {
                    Some(live) => format!("({live}) AND {stays}"),
                    None => stays,
                });
            }
        }
        let filled = filled(&store)?;
        Ok(DeletionSet {
            store,
            own,
            project: project.to_owned(),
            filled,
            also_deleted: Vec::new(),
        })
    }

    /// The same, and rows of other tables or projects that are deleted too: the tables' names and the conditions on their rows `t`.
    #[must_use]
    pub fn with_others(mut self, also_deleted: Vec<(String, String)>) -> Self {
        self.also_deleted = also_deleted;
        self
    }

    /// The store; its tables' conditions on live rows are not the catalog's.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The project.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// The same with these tables too, which may have rows by now.
    #[must_use]
    pub fn with_filled(&self, more: HashSet<Oid>) -> Self {
        DeletionSet {
            store: self.store.clone(),
            own: self.own.clone(),
            project: self.project.clone(),
            filled: self.filled.union(&more).copied().collect(),
            also_deleted: Vec::new(),
        }
    }

    /// Tables that hold rows of any project.
    pub fn filled(&self) -> &HashSet<Oid> {
        &self.filled
    }

    /// The condition on deleted rows `t` of a table; None: no row.
    pub fn condition(&self, table: &Table) -> Result<Option<String>> {
        if !self.filled.contains(&table.oid) {
            return Ok(None);
        }
        plan::condition(&self.store, table, &self.project, &self.filled, false)
    }

    /// The condition on rows `t` of a table that belong to the project, deleted or kept; None: no row.
    pub fn belongs(&self, table: &Table) -> Result<Option<String>> {
        if !self.filled.contains(&table.oid) {
            return Ok(None);
        }
        plan::condition(&self.own, table, &self.project, &self.filled, false)
    }

    /// Deletes them with the caller's rights.
    ///
    /// It is one statement. All memberships are evaluated under one snapshot, so the order of the tables does not matter for
    /// which rows are found. A row that another session moves or writes meanwhile would lose its children, or be left: an error (40001).
    /// Foreign keys, also cyclic ones, are checked after all rows are deleted. Children come first, for triggers that read them.
    /// Triggers run under `path`; unless `fires`, rows of others that they change or delete are an error (0A000).
    /// `before_actions` is called when the rows are deleted, before their foreign keys and triggers act on others.
    ///
    /// Where triggers fire, rows that they write for the project are deleted by further statements, and the project's own row last: what they
    /// write may refer to it.
    pub fn delete(
        &self,
        path: &CallersPath,
        fires: bool,
        before_actions: &dyn Fn() -> Result<()>,
    ) -> Result<Deleted> {
        let _settings = ReadingSettings::with_memory();
        let goes = self.goes()?;
        if goes.is_empty() {
            return Ok(Deleted::default());
        }
        // Of the project's own table one row is deleted.
        let several = |table: &Table| table.role != TableRole::Project;
        let parents = self.tables()?;
        let parents = parents.iter().filter(|(table, _)| several(table));
        let parents: Vec<Oid> = parents.map(|(table, _)| table.oid).collect();
        foreign_keys::tell_unindexed(&parents)?;
        let triggers = Triggers::of(&self.store)?;
        // Actions of foreign keys change rows of others too, where the call wants that. What triggers of views write is the deletion itself.
        let guards = !fires
            && self.also_deleted.is_empty()
            && !triggers.is_empty()
            && self.store.follows_constraints();
        let guards = guards && !self.store.tables.iter().any(|table| table.kind == "v");
        if guards {
            deferred_triggers::run_pending(path, &self.store)?;
        }
        let written = guards.then(WrittenRows::begin).transpose()?;
        let _hints = triggers.hint_for_changes();
        let own_table = self.store.project_table()?;
        let waits = !triggers.is_empty() && !own_table.references.iter().any(|oid| *oid != own_table.oid);
        let is_last = |name: &str| waits && name == own_table.sql_name;
        let last: Vec<Going> = goes[self.also_deleted.len()..]
            .iter()
            .filter(|(name, _)| is_last(name))
            .cloned()
            .collect();
        let first: Vec<Going> = goes
            .iter()
            .enumerate()
            .filter(|(place, (name, _))| *place < self.also_deleted.len() || !is_last(name))
            .map(|(_, going)| going.clone())
            .collect();
        let statement = Statement {
            rows: self,
            triggers: &triggers,
            path,
            before_actions,
            waiting: last.iter().map(|(name, _)| name.as_str()).collect(),
        };
        let mut rows = statement.run(&first, self.also_deleted.len())?;
        if !triggers.is_empty() {
            rows.extend(self.delete_written(&statement, &last)?);
        }
        let deferred = match written {
            Some(written) => {
                let since = written.since()?;
                let mut deleted: HashMap<&str, i64> = HashMap::new();
                for (name, rows) in &rows {
                    *deleted.entry(name).or_default() += rows;
                }
                triggers.check_changes(&self.store, &since, &deleted)?;
                let tables = since.iter().map(|(_, counts)| counts.table).collect();
                Some(DeferredTriggers { triggers, tables })
            }
            None => None,
        };
        Ok(Deleted {
            rows: counted(rows),
            deferred,
        })
    }

    /// Deletes the rows that triggers have written for the project, and then its own row, until there are none; those of a trigger that
    /// writes some for each that is deleted are an error (0A000).
    fn delete_written(&self, statement: &Statement, last: &[Going]) -> Result<Vec<(String, i64)>> {
        const STATEMENTS: usize = 5;
        let mut rows = Vec::new();
        let mut waiting = !last.is_empty();
        for _ in 0..STATEMENTS {
            let left = self.left(if waiting { last } else { &[] })?;
            let goes = match left.is_empty() {
                true if !waiting => return Ok(rows),
                true => {
                    waiting = false;
                    last.to_vec()
                }
                false => left,
            };
            let done = Statement {
                waiting: if waiting {
                    statement.waiting.clone()
                } else {
                    Vec::new()
                },
                ..*statement
            };
            rows.extend(done.run(&goes, 0)?);
        }
        self.check_none_left(statement.triggers)?;
        Ok(rows)
    }

    /// Runs what is deferred now, refuses (0A000) what it changes, and deletes what it writes for the project; the numbers by table.
    pub fn run_deferred(&self, deferred: &DeferredTriggers, path: &CallersPath) -> Result<Counts> {
        deferred.run(&self.store, path, true)?;
        let _settings = ReadingSettings::with_memory();
        let _hints = deferred.triggers.hint_for_changes();
        let statement = Statement {
            rows: self,
            triggers: &deferred.triggers,
            path,
            before_actions: &|| Ok(()),
            waiting: Vec::new(),
        };
        self.delete_written(&statement, &[]).map(counted)
    }

    /// Refuses (0A000) a deletion after which rows of the project exist. Without triggers only another session can have written them, after the
    /// statement began: those are rows that were written after the deletion.
    fn check_none_left(&self, triggers: &Triggers) -> Result<()> {
        match self.left(&[])?.first() {
            Some((name, condition)) => {
                let rows =
                    within_current(|| query::count(&SourceQuery::over(name).filter(condition.as_str())))?;
                Err(triggers.have_written(name, rows))
            }
            None => Ok(()),
        }
    }

    /// The tables, but those of `waiting`, in which rows of the project exist now, in the order of deletion.
    fn left(&self, waiting: &[Going]) -> Result<Vec<Going>> {
        within_current(|| {
            // A trigger may have written into a table that was empty.
            let now = self.with_filled(filled_now(&self.store)?);
            let tables: Vec<Going> = now
                .tables()?
                .into_iter()
                .map(|(table, condition)| (table.sql_name.clone(), condition))
                .filter(|(name, _)| !waiting.iter().any(|(waits, _)| waits == name))
                .collect();
            let left: Vec<String> = tables
                .iter()
                .enumerate()
                .map(|(place, (name, condition))| {
                    let rows = SourceQuery::over(name).filter(condition);
                    format!("SELECT {place} AS place WHERE EXISTS ({})", rows.select(""))
                })
                .collect();
            if left.is_empty() {
                return Ok(Vec::new());
            }
            let found = query::text(&format!(
                "SELECT pg_catalog.jsonb_agg(l.place)::pg_catalog.text FROM ({}) AS l",
                left.join(" UNION ALL ")
            ))?;
            let found: HashSet<usize> = match found {
                Some(found) => serde_json::from_str(&found).map_err(internal)?,
                None => HashSet::new(),
            };
            let tables = tables.into_iter().enumerate();
            Ok(tables
                .filter(|(place, _)| found.contains(place))
                .map(|(_, going)| going)
                .collect())
        })
    }

    /// Counts them.
    pub fn count(&self) -> Result<Counts> {
        let mut counts = Vec::new();
        for (number, (name, condition)) in self.goes()?.into_iter().enumerate() {
            counts.push(SourceQuery::over(&name).filter(condition).select(&format!(
                "{number} AS place, {} AS name, pg_catalog.count(*) AS rows",
                quote::literal(&name)
            )));
        }
        if counts.is_empty() {
            return Ok(Counts::new());
        }
        let sql = format!(
            "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(c.name, c.rows) ORDER BY c.place) FROM ({}) AS c \
             WHERE c.rows OPERATOR(pg_catalog.>) 0",
            counts.join(" UNION ALL ")
        );
        let found = pgrx::Spi::get_one::<pgrx::JsonB>(&sql).map_err(internal)?;
        let rows: Vec<(String, i64)> = match found {
            Some(pgrx::JsonB(rows)) => serde_json::from_value(rows).map_err(internal)?,
            None => Vec::new(),
        };
        Ok(counted(rows))
    }

    /// The deleted rows in the order of deletion: names of tables and conditions on their rows `t`.
    fn goes(&self) -> Result<Vec<Going>> {
        let own = self.tables()?.into_iter();
        let own = own.map(|(table, condition)| (table.sql_name.clone(), condition));
        Ok(self.also_deleted.iter().cloned().chain(own).collect())
    }

    /// Tables with rows that may be deleted: referencing tables (by foreign key or join) before referenced ones.
    pub fn tables(&self) -> Result<Vec<(&Table, String)>> {
        let mut store = self.store.clone();
        for table in &mut store.tables {
            let parents = table.parents.clone();
            table.references.extend(parents);
        }
        let mut tables = Vec::new();
        for oid in plan::insertion_order(&store).into_iter().rev() {
            let Some(table) = self.store.table(oid) else {
                continue;
            };
            if let Some(condition) = self.condition(table)? {
                tables.push((table, condition));
            }
        }
        Ok(tables)
    }
}

/// Sums of rows by table, without tables of which none was deleted. A table can occur twice: with the project's rows and with other rows
/// that are deleted too.
fn counted(rows: impl IntoIterator<Item = (String, i64)>) -> Counts {
    let mut counts = Counts::new();
    for (name, rows) in rows.into_iter().filter(|(_, rows)| *rows > 0) {
        let name = name.strip_prefix("ONLY ").unwrap_or(&name).to_owned();
        let before = counts.get(&name).and_then(Value::as_i64).unwrap_or_default();
        counts.insert(name, (before + rows).into());
    }
    counts
}

/// The error (23503) if a foreign key to the project does not allow to keep these rows.
fn still_used(table: &Table, keys: &[Key]) -> Error {
    Error::new(
        Code::Dangling,
        format!(
            "{} rows in {} must be kept, but their foreign key to the project forbids that",
            keys.len(),
            table.sql_name
        ),
    )
    .detail(format!(
        "Other projects use them: {}.",
        keys.iter()
            .take(20)
            .map(Key::to_text)
            .collect::<Vec<_>>()
            .join(", ")
    ))
    .hint("Change the documents of the other projects that name them first, or delete them nevertheless: options => '{\"shared\": \"ignore\"}'.")
}

/// Tables that may have rows. The description may be out of date, because another session may have
/// filled a table while this one waited for the lock. A table without a block on disk can have rows in children
/// or in another engine, so it is queried.
fn filled(store: &Store) -> Result<HashSet<Oid>> {
    let oids: Vec<i64> = store.tables.iter().map(|table| i64::from(table.oid)).collect();
    let found = pgrx::Spi::get_one_with_args::<pgrx::JsonB>(
        "SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_array(c.oid::pg_catalog.int8, \
           c.relkind OPERATOR(pg_catalog.<>) 'r' OR pg_catalog.pg_relation_size(c.oid) OPERATOR(pg_catalog.>) 0, \
           pg_catalog.has_table_privilege(c.oid, 'SELECT'))) FROM pg_catalog.pg_class c \
         WHERE c.oid OPERATOR(pg_catalog.=) ANY (CAST($1 AS pg_catalog.oid[]))",
        &[oids.into()],
    )
    .map_err(internal)?;
    let found: Vec<(Oid, bool, bool)> = match found {
        Some(pgrx::JsonB(rows)) => serde_json::from_value(rows).map_err(internal)?,
        None => Vec::new(),
    };
    let mut filled = HashSet::new();
    for (oid, has_blocks, readable) in found {
        let Some(table) = store.table(oid) else { continue };
        if has_blocks || (readable && has_a_row(table)?) {
            filled.insert(oid);
        }
    }
    Ok(filled)
}

fn has_a_row(table: &Table) -> Result<bool> {
    pgrx::Spi::get_one::<bool>(&SourceQuery::over(&table.sql_name).exists())
        .map(|found| found.unwrap_or(false))
        .map_err(internal)
}
