//! Conflicts: rows of other projects, and of tables that the store does not describe, that a deletion would delete or change, or
//! whose references would dangle. They are searched before anything is deleted.

use super::deletion_set::DeletionSet;
use super::foreign_keys::{self, ForeignKey, rows_of};
use super::large_objects;
use crate::error::internal;
use crate::pg::session::settings_guard::ReadingSettings;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{self, ColumnRole, Oid, Table, TableRole, quote};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashSet;

/// Maximum number of keys of rows in a message.
const KEYS_SHOWN: usize = 5;

/// Maximum number of conflicts in a message.
const LISTED: usize = 20;

/// Rows of one table that conflict for one reason.
pub struct Conflict {
    /// Their table.
    pub relation: String,
    /// Their number.
    pub rows: i64,
    /// Keys of some of them.
    pub keys: Vec<String>,
    /// How they depend on the deleted rows; `{s}` stands for the ending of the singular.
    why: String,
    /// For rows that must be deleted too if conflicts are allowed: their table and the condition on its rows `t`.
    along: Option<(String, String)>,
}

impl Conflict {
    /// As a sentence without a full stop.
    fn sentence(&self) -> String {
        let keys = if self.keys.is_empty() {
            String::new()
        } else {
            format!("; keys: {}", self.keys.join(", "))
        };
        format!("{}{keys}", self.words())
    }

    fn words(&self) -> String {
        let rows = if self.rows == 1 { "row" } else { "rows" };
        format!("{} {rows} of {} {}", self.rows, self.relation, self.why())
    }

    /// How the rows depend on the deleted ones, in singular or plural.
    fn why(&self) -> String {
        self.why.replace("{s}", if self.rows == 1 { "s" } else { "" })
    }

    /// For the report of a deletion.
    pub fn json(&self) -> Value {
        json!({"relation": self.relation, "rows": self.rows, "keys": self.keys, "why": self.why()})
    }
}

/// The conflicts of a deletion.
#[derive(Default)]
pub struct Conflicts {
    found: Vec<Conflict>,
    /// Foreign keys that can be deferred until the project's rows exist again.
    pub deferred: Vec<String>,
}

/// The search for conflicts.
struct Search<'d> {
    rows: &'d DeletionSet,
    given_again: &'d HashSet<String>,
    conflicts: Conflicts,
}

impl Conflicts {
    /// Searches conflicts. `given_again` are keys of rows that the same transaction inserts again.
    pub fn of(rows: &DeletionSet, given_again: &HashSet<String>) -> Result<Self> {
        let _settings = ReadingSettings::with_memory();
        let mut search = Search {
            rows,
            given_again,
            conflicts: Conflicts::default(),
        };
        for key in foreign_keys::into(rows.store())? {
            search.foreign_key(&key)?;
        }
        let unique = foreign_keys::tables_with_unique_ids(rows.store())?;
        for table in &rows.store().tables {
            search.other_parents(table, &unique)?;
            search.declared_references(table)?;
        }
        for shared in large_objects::shared(rows)? {
            search.add(
                &shared.table,
                &shared.rows,
                &shared.condition,
                &shared.key,
                shared.why,
                false,
            )?;
        }
        Ok(search.conflicts)
    }

    /// For the report of a deletion.
    pub fn json(&self) -> Value {
        self.found.iter().map(Conflict::json).collect()
    }

    /// An error (23503) that lists them, if there are any. `what` is what cannot be done to the project.
    pub fn refuse(&self, project: &str, what: &str, hint: &str) -> Result<()> {
        let Some(first) = self.found.first() else {
            return Ok(());
        };
        let more = match self.found.len() {
            1 => String::new(),
            count => format!(", and {} more", count - 1),
        };
        let detail: Vec<String> = self
            .found
            .iter()
            .take(LISTED)
            .map(|conflict| format!("{}.", conflict.sentence()))
            .collect();
        Err(Error::new(
            Code::Dangling,
            format!("project \"{project}\" cannot be {what}: {}{more}", first.words()),
        )
        .detail(detail.join("\n"))
        .hint(hint))
    }

    /// Rows that must be deleted too if conflicts are allowed.
    pub fn along(&self) -> Vec<(String, String)> {
        self.found
            .iter()
            .filter_map(|conflict| conflict.along.clone())
            .collect()
    }
}

#[derive(Deserialize)]
struct Found {
    rows: i64,
    keys: Vec<String>,
}

impl Search<'_> {
    /// [`Search::add`] for a table of the store whose rows the deletion leaves.
    fn add_rows(&mut self, table: &Table, condition: &str, why: String) -> Result<()> {
        self.add(
            &table.sql_name,
            &rows_of(table),
            condition,
            &row_key(table),
            why,
            false,
        )
    }

    /// Counts the rows `t` of a table that meet a condition; notes them if there are any.
    fn add(
        &mut self,
        name: &str,
        table: &str,
        condition: &str,
        key: &str,
        why: String,
        goes_along: bool,
    ) -> Result<()> {
        let found = pgrx::Spi::get_one::<pgrx::JsonB>(&format!(
            "SELECT pg_catalog.jsonb_build_object('rows', pg_catalog.count(*), 'keys', \
               COALESCE(pg_catalog.jsonb_agg(f.key) FILTER (WHERE f.number OPERATOR(pg_catalog.<=) {KEYS_SHOWN}), '[]')) \
             FROM (SELECT {key} AS key, pg_catalog.row_number() OVER () AS number FROM {table} AS t WHERE {condition}) AS f"
        ))
        .map_err(internal)?;
        let Some(pgrx::JsonB(found)) = found else {
            return Ok(());
        };
        let Found { rows, keys } = serde_json::from_value(found).map_err(internal)?;
        if rows > 0 {
            self.conflicts.found.push(Conflict {
                relation: name.to_owned(),
                rows,
                keys,
                why,
                along: goes_along.then(|| (table.to_owned(), condition.to_owned())),
            });
        }
        Ok(())
    }

    /// Rows of others that reference a deleted row.
    fn foreign_key(&mut self, key: &ForeignKey) -> Result<()> {
        let Some(parent) = self.rows.store().table(key.parent) else {
            return Ok(());
        };
        let child = self.rows.store().table(key.child);
        if let Some(child) = child {
            self.membership_key(child, parent, key)?;
            if is_membership(child, parent, key) {
                return Ok(());
            }
        }
        let Some(gone) = self.rows.condition(parent)? else {
            return Ok(());
        };
        let again = if key.deferrable {
            self.given_again(parent, key)
        } else {
            None
        };
        if key.deferrable && again.is_some() && !key.deferred {
            self.conflicts.deferred.push(key.qualified.clone());
        }
        let gone = match again {
            Some(again) => format!("{gone} AND NOT {again}"),
            None => gone,
        };
        let mut condition = key.names(parent, &gone);
        if let Some(mine) = child.map(|child| self.rows.belongs(child)).transpose()?.flatten() {
            condition = format!("{condition} AND ({mine}) IS NOT TRUE");
        }
        if !key.readable {
            // The server raises an error for a key without an action; an action on rows that the role cannot see must be refused here.
            return if key.acts() { Err(key.unreadable()) } else { Ok(()) };
        }
        let why = format!(
            "refer{{s}} to rows of {} that go (foreign key \"{}\" on {}{})",
            parent.sql_name,
            key.name,
            key.columns.join(", "),
            key.action_words(),
        );
        self.add(
            &key.child_name,
            &key.child_rows,
            &condition,
            &key.row_key,
            why,
            !key.acts(),
        )
    }

    /// For rows that belong through a column with a foreign key, the foreign key decides: rows that would be deleted although
    /// the referenced row is kept.
    fn membership_key(&mut self, child: &Table, parent: &Table, key: &ForeignKey) -> Result<()> {
        let joins = matches!(key.columns.as_slice(), [only] if child.project_column.is_none()
            && child.join_column.as_ref() == Some(only));
        if !joins || (child.parents == [parent.oid] && key.keys.first() == parent.id_column.as_ref()) {
            return Ok(());
        }
        let Some(goes) = self.rows.condition(child)? else {
            return Ok(());
        };
        let stays = match self.rows.condition(parent)? {
            Some(gone) => format!("({gone}) IS NOT TRUE"),
            None => "true".to_owned(),
        };
        let condition = format!("{} AND ({goes})", key.names(parent, &stays));
        let why = format!(
            "belong{{s}} to rows of other projects in {} (foreign key \"{}\")",
            parent.sql_name, key.name
        );
        self.add(
            &child.sql_name,
            &rows_of(child),
            &condition,
            &key.row_key,
            why,
            false,
        )
    }

    /// Rows that belong through a join, if a row of another parent has the same key: their project is ambiguous.
    fn other_parents(&mut self, table: &Table, unique: &HashSet<Oid>) -> Result<()> {
        let (None, Some(join)) = (&table.project_column, &table.join_column) else {
            return self.several_ways(table);
        };
        if table.role == TableRole::Project
            || matches!(table.parents.as_slice(), [only] if unique.contains(only))
        {
            return self.several_ways(table);
        }
        let Some(goes) = self.rows.condition(table)? else {
            return Ok(());
        };
        let mut others = Vec::new();
        for way in table.ways(self.rows.store()) {
            let Some(parent) = self.rows.store().table(way.parent) else {
                continue;
            };
            if !self.rows.filled().contains(&parent.oid) {
                continue;
            }
            let stays = match self.rows.condition(parent)? {
                Some(gone) => format!("({gone}) IS NOT TRUE"),
                None => "true".to_owned(),
            };
            let selected: Vec<String> = way
                .parent_values(table, parent, "t")
                .iter()
                .enumerate()
                .map(|(place, value)| format!("{value} AS c{place}"))
                .collect();
            let mut same: Vec<String> = way
                .values(table, parent, "t")
                .iter()
                .zip(way.equalities(table, parent))
                .enumerate()
                .map(|(place, (value, operator))| format!("g.c{place} {operator} {value}"))
                .collect();
            same.extend(way.condition.as_ref().map(|condition| format!("({condition})")));
            others.push(format!(
                "EXISTS (SELECT 1 FROM (SELECT {} FROM {} AS t WHERE {stays}) AS g WHERE {})",
                selected.join(", "),
                rows_of(parent),
                same.join(" AND "),
            ));
        }
        if others.is_empty() {
            return Ok(());
        }
        let condition = format!("{goes} AND ({})", others.join(" OR "));
        let why =
            format!("belong{{s}} to rows of other projects too, which have the same key in column {join}");
        self.add_rows(table, &condition, why)
    }

    /// Rows that belong to the project in one way and to another project in a second way.
    fn several_ways(&mut self, table: &Table) -> Result<()> {
        let rows = self.rows;
        let (Some(goes), Some(theirs)) = (
            rows.condition(table)?,
            plan::of_others(rows.store(), table, rows.project(), rows.filled())?,
        ) else {
            return Ok(());
        };
        let condition = format!("({goes}) AND {theirs}");
        self.add_rows(table, &condition, "belong{s} to another project too".to_owned())
    }

    /// Rows of others that reference a deleted row in a column that was declared as a reference.
    fn declared_references(&mut self, table: &Table) -> Result<()> {
        for column in &table.columns {
            let ColumnRole::Map(Some(target)) = column.role else {
                continue;
            };
            let Some(target) = self.rows.store().table(target) else {
                continue;
            };
            let Some(id) = target.id_column.as_deref() else {
                continue;
            };
            let joins = table.join_column.as_ref() == Some(&column.name)
                || table.project_column.as_ref() == Some(&column.name)
                || table.id_column.as_ref() == Some(&column.name);
            // Foreign keys were checked before, and the value must be comparable.
            if joins
                || table.references.contains(&target.oid)
                || target.type_of(id) != column.type_name
                // A key that clones keep exists in other projects too: the reference is ambiguous.
                || target.column(id).is_some_and(|key| key.role == ColumnRole::Keep)
                || !self.rows.filled().contains(&table.oid)
            {
                continue;
            }
            let Some(gone) = self.rows.condition(target)? else {
                continue;
            };
            let again = self.again(target, id);
            let gone = match again {
                Some(again) => format!("{gone} AND NOT {again}"),
                None => gone,
            };
            let mine = match self.rows.belongs(table)? {
                Some(mine) => format!(" AND ({mine}) IS NOT TRUE"),
                None => String::new(),
            };
            let condition = format!(
                "t.{} OPERATOR(pg_catalog.=) ANY (SELECT t.{} FROM {} AS t WHERE {gone}){mine}",
                quote::identifier(&column.name),
                quote::identifier(id),
                target.sql_name
            );
            let why = format!(
                "refer{{s}} to rows of {} that go (column {})",
                target.sql_name, column.name
            );
            self.add_rows(table, &condition, why)?;
        }
        Ok(())
    }

    /// The condition on rows `t` of a parent whose keys are inserted again in this transaction.
    fn given_again(&self, parent: &Table, key: &ForeignKey) -> Option<String> {
        let [column] = key.keys.as_slice() else {
            return None;
        };
        (parent.id_column.as_ref() == Some(column)).then(|| self.again(parent, column))?
    }

    fn again(&self, table: &Table, id: &str) -> Option<String> {
        if self.given_again.is_empty() {
            return None;
        }
        let mut ids: Vec<String> = self.given_again.iter().map(|id| quote::literal(id)).collect();
        ids.sort_unstable();
        let _ = table;
        Some(format!(
            "t.{}::pg_catalog.text OPERATOR(pg_catalog.=) ANY (ARRAY[{}]::pg_catalog.text[])",
            quote::identifier(id),
            ids.join(", ")
        ))
    }
}

/// Whether the key is the membership of its table: then every referencing row belongs to the project.
fn is_membership(child: &Table, parent: &Table, key: &ForeignKey) -> bool {
    let ([column], [named]) = (key.columns.as_slice(), key.keys.as_slice()) else {
        return false;
    };
    if parent.id_column.as_ref() != Some(named) {
        return false;
    }
    (child.project_column.as_ref() == Some(column) && parent.role == TableRole::Project)
        || (child.project_column.is_none()
            && child.live.is_none()
            && child.join_column.as_ref() == Some(column)
            && child.parents.contains(&parent.oid))
}

/// An expression for the key of a row `t`, to be shown.
fn row_key(table: &Table) -> String {
    match &table.id_column {
        Some(id) => format!("t.{}::pg_catalog.text", quote::identifier(id)),
        None => "t.ctid::pg_catalog.text".to_owned(),
    }
}
