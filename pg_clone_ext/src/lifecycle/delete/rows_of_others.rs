//! Search for conflicts: rows of other projects, and of tables that the store does not describe, that a deletion would delete or change, or
//! whose references would dangle. They are searched before anything is deleted.
//!
//! Rows of undescribed tables are read as the server itself reads them to check a foreign key: with the rights of the table's owner and in a
//! security-restricted operation, so that no function of that owner (of a policy, an index or a type) runs with the caller's rights. What
//! they are compared with is read before, with the caller's rights.

use super::below::{self, Below};
use super::conflicts::{Conflict, Conflicts, KEYS_SHOWN};
use super::deletion_set::DeletionSet;
use super::dependent_rows::DependentRows;
use super::foreign_keys::{self, ForeignKey, rows_of};
use super::large_objects;
use super::references::document_ids::DeletedIds;
use super::references::{columns, document_paths};
use crate::catalog::tables_with_unique_ids;
use crate::error::internal;
use crate::lifecycle::ids::Ids;
use crate::pg::query;
use crate::pg::query::kept_rows::KeptRows;
use crate::pg::query::snapshot::{Snapshot, within_renewed};
use crate::pg::session::as_role::AsRole;
use crate::pg::session::settings_guard::ReadingSettings;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, SourceQuery, Table, quote};
use serde::Deserialize;

/// What is searched besides the rows that refer to deleted rows by keys and declared references.
#[derive(Clone, Copy)]
pub struct SearchExtent {
    /// Rows of others are deleted too, so that those which refer to them are searched.
    pub follows: bool,
    /// The documents of others, for ids without a declaration.
    pub documents: bool,
}

/// The search for conflicts.
pub struct Search<'d> {
    /// The rows that are deleted.
    pub rows: &'d DeletionSet,
    given_again: &'d Ids,
    conflicts: Conflicts,
    /// Only rows that this transaction or a later one has written.
    since: Option<u32>,
    /// Tables below views of the store.
    below_views: Vec<Below>,
    /// Whether rows of others are deleted too, so that rows which refer to them matter.
    pub follows: bool,
}

impl Conflicts {
    /// Searches conflicts. `given_again` are keys of rows that the same transaction inserts again.
    pub fn of(rows: &DeletionSet, given_again: &Ids, extent: SearchExtent) -> Result<Self> {
        let mut search = Search {
            rows,
            given_again,
            conflicts: Conflicts::default(),
            since: None,
            below_views: Vec::new(),
            follows: extent.follows,
        };
        let snapshot = Snapshot::latest();
        search.conflicts.seen = snapshot.seen();
        snapshot.within(|| {
            let _settings = ReadingSettings::with_memory();
            search.all()?;
            match extent.documents {
                true => search.ids_in_documents(),
                false => Ok(()),
            }
        })?;
        Ok(search.conflicts)
    }

    /// Searches once more for rows that actions of foreign keys would delete or change, while the statement that deletes the project's rows
    /// runs: its rows are deleted, and no action was carried out yet. From here on a session that refers to one of them waits for the end of
    /// the transaction. What others have written between the search and the statement is found here; with a fixed isolation level
    /// the server raises 40001 for it.
    pub fn written_concurrently(&self, rows: &DeletionSet) -> Result<Self> {
        let given_again = Ids::default();
        let mut search = Search {
            rows,
            given_again: &given_again,
            conflicts: Conflicts::default(),
            since: Some(self.seen.oldest_running),
            // What the deletion deletes there is older.
            below_views: Vec::new(),
            follows: false,
        };
        let renewed = within_renewed(self.seen, || {
            let _settings = ReadingSettings::with_memory();
            self.acting
                .iter()
                .try_for_each(|(key, below)| search.foreign_key(key, below))
        });
        renewed.transpose()?;
        Ok(search.conflicts)
    }
}

/// Rows to be counted.
pub struct CandidateRows {
    /// Their table's name.
    pub table: String,
    /// The table as a FROM item.
    pub from: String,
    /// The condition on its rows `t`.
    pub condition: String,
    /// An expression for the key of a row `t`, as text.
    pub key: String,
    /// [`Conflict::why`].
    pub why: String,
    /// Whether the rows must be deleted too if conflicts are allowed.
    pub also_deleted: bool,
}

#[derive(Deserialize)]
struct Found {
    rows: i64,
    keys: Vec<String>,
}

impl Search<'_> {
    fn all(&mut self) -> Result<()> {
        let below = below::all(self.rows.store())?;
        let relations = below.iter().map(|below| below.relation).collect();
        self.below_views = below.iter().filter(|below| below.is_base()).cloned().collect();
        for key in foreign_keys::into(&relations)? {
            for below in below.iter().filter(|below| below.relation == key.parent) {
                self.foreign_key(&key, below)?;
            }
        }
        self.hidden_rows(&below)?;
        self.detached_rows()?;
        let unique = tables_with_unique_ids(self.rows.store())?;
        for table in &self.rows.store().tables {
            self.other_parents(table, &unique)?;
            self.declared_references(table)?;
        }
        for shared in large_objects::shared(self.rows)? {
            self.add(shared, &query::text)?;
        }
        Ok(())
    }

    /// What was found.
    pub fn conflicts(&mut self) -> &mut Conflicts {
        &mut self.conflicts
    }

    /// A condition on rows `t` that were written since.
    fn recent(&self, condition: String) -> String {
        match self.since {
            // A row that the earlier search did not see is one of a transaction that had not ended then.
            Some(since) => format!(
                "pg_catalog.age(t.xmin) OPERATOR(pg_catalog.<=) pg_catalog.age('{since}'::pg_catalog.xid) AND {condition}"
            ),
            None => condition,
        }
    }

    /// [`Search::add`] for a table of the store whose rows the deletion leaves.
    pub fn add_rows(&mut self, table: &Table, condition: String, why: String) -> Result<()> {
        let candidates = CandidateRows {
            table: table.sql_name.clone(),
            from: rows_of(table),
            condition,
            key: row_key(table),
            why,
            also_deleted: false,
        };
        self.add(candidates, &query::text)
    }

    /// Counts the rows with `read`; notes them if there are any.
    pub fn add(
        &mut self,
        candidates: CandidateRows,
        read: &dyn Fn(&str) -> Result<Option<String>>,
    ) -> Result<()> {
        let CandidateRows {
            table,
            from,
            condition,
            key,
            why,
            also_deleted,
        } = candidates;
        let found = read(&format!(
            "SELECT pg_catalog.jsonb_build_object('rows', pg_catalog.count(*), 'keys', \
               COALESCE(pg_catalog.jsonb_agg(f.key) FILTER (WHERE f.number OPERATOR(pg_catalog.<=) {KEYS_SHOWN}), '[]'))::pg_catalog.text \
             FROM (SELECT {key} AS key, pg_catalog.row_number() OVER () AS number FROM {from} AS t WHERE {condition}) AS f"
        ))?;
        let Some(found) = found else {
            return Ok(());
        };
        let Found { rows, keys } = serde_json::from_str(&found).map_err(internal)?;
        if rows > 0 {
            self.conflicts.found.push(Conflict {
                relation: table,
                rows,
                keys,
                why,
                also_deleted: also_deleted.then_some((from, condition)),
                outside: None,
                disabled_key: None,
                is_last: false,
            });
        }
        Ok(())
    }

    /// Rows of others that reference a deleted row.
    fn foreign_key(&mut self, referring: &ForeignKey, below: &Below) -> Result<()> {
        let Some(parent) = self.rows.store().table(below.described) else {
            return Ok(());
        };
        let Some(key) = &below.key(referring) else {
            return self.hidden_key(referring, below, parent);
        };
        let child = self.rows.store().table(key.child);
        if let Some(child) = child
            && below.is_described()
        {
            self.membership_key(child, parent, key)?;
            if key.is_membership(child, parent) {
                return Ok(());
            }
        }
        let Some(gone) = self.rows.condition(parent)? else {
            return Ok(());
        };
        if key.acts() {
            self.conflicts.acting.push((referring.clone(), below.clone()));
        }
        // An action is carried out at once, whenever the key is checked.
        let again = if key.deferrable && !key.acts() {
            self.given_again(parent, key)
        } else {
            None
        };
        if again.is_some() && !key.deferred {
            self.conflicts.deferred.push(key.qualified.clone());
        }
        let gone = match again {
            Some(again) => format!("{gone} AND NOT {again}"),
            None => gone,
        };
        let why = format!(
            "refer{{s}} to rows of {} that go (foreign key \"{}\" on {}{})",
            parent.sql_name,
            key.name,
            key.columns.join(", "),
            key.action_words(),
        );
        let (from, own) = below.rows(parent);
        let gone = key.keys_of(&from, &format!("{gone} AND {own}"));
        let mut candidates = CandidateRows {
            table: key.child_name.clone(),
            from: key.child_rows.clone(),
            condition: self.recent(key.is_among(&format!("({gone})"))),
            key: key.row_key(),
            why,
            also_deleted: !key.acts(),
        };
        let Some(child) = child else {
            return self.outside(key, candidates, &gone);
        };
        // Rows of the project that stay are those of others here: the server checks their keys, and actions delete or change them.
        if let Some(goes) = self.rows.condition(child)? {
            candidates.condition = format!("{} AND ({goes}) IS NOT TRUE", candidates.condition);
        }
        let (from, condition) = (candidates.from.clone(), candidates.condition.clone());
        let before = self.conflicts.found.len();
        self.add(candidates, &query::text)?;
        let Some(conflict) = self.conflicts.found.get_mut(before) else {
            return Ok(());
        };
        conflict.disabled_key = key.disabled_action();
        if key.changes() {
            return Ok(());
        }
        let dependents = DependentRows {
            table: key.child,
            from: &from,
            condition: &condition,
            keys: &|next| KeptRows::of(&next.keys_of(&from, &condition)),
        };
        self.follow(&dependents, 1)
    }

    /// A key to a column that the described view does not show. The server checks one without an action.
    fn hidden_key(&self, key: &ForeignKey, below: &Below, view: &Table) -> Result<()> {
        if key.acts()
            && let Some(gone) = self.rows.condition(view)?
            && query::exists(&SourceQuery::over(&rows_of(view)).filter(gone))?
        {
            return Err(below.hidden(view, self.rows.store(), key));
        }
        Ok(())
    }

    /// Rows of a table that the store does not describe.
    fn outside(&mut self, key: &ForeignKey, candidates: CandidateRows, gone: &str) -> Result<()> {
        let with_view = self.going_with_view(key)?;
        let gone = KeptRows::of(&match &with_view {
            None => gone.to_owned(),
            Some(with_view) => format!(
                "SELECT g.*, NULL::pg_catalog.text AS goes FROM ({gone}) AS g UNION ALL SELECT {}{with_view}",
                "NULL, ".repeat(key.keys.len())
            ),
        })?;
        if gone.count() == 0 {
            return Ok(());
        }
        if let Err(error) = key.check_readable() {
            // The server raises an error for a key without an action; an action on rows that the role cannot see must be refused here.
            return if key.acts() { Err(error) } else { Ok(()) };
        }
        key.check_no_row_security()?;
        let mut among = self.recent(key.is_among(query::kept_rows::NAME));
        if with_view.is_some() {
            among.push_str(&format!(
                " AND NOT EXISTS (SELECT 1 FROM {} AS g WHERE g.goes OPERATOR(pg_catalog.=) {})",
                query::kept_rows::NAME,
                key.row_text()
            ));
        }
        let (from, condition) = (candidates.from.clone(), candidates.condition.clone());
        let candidates = CandidateRows {
            condition: among.clone(),
            ..candidates
        };
        let before = self.conflicts.found.len();
        self.add(candidates, &|sql| {
            let _owner = AsRole::owner_of_rows(key.owner.into());
            query::text_over(sql, &gone)
        })?;
        // The deletion itself finds them by the rows that it deletes.
        let Some(conflict) = self.conflicts.found.get_mut(before) else {
            return Ok(());
        };
        conflict.outside = Some(key.child);
        conflict.disabled_key = key.disabled_action();
        if let Some((_, its_condition)) = &mut conflict.also_deleted {
            its_condition.clone_from(&condition);
        }
        if key.changes() {
            return Ok(());
        }
        let dependents = DependentRows {
            table: key.child,
            from: &from,
            condition: &condition,
            keys: &|next| {
                let _owner = AsRole::owner_of_rows(key.owner.into());
                KeptRows::over(&next.keys_of(&from, &among), &gone)
            },
        };
        self.follow(&dependents, 1)
    }

    /// The rows of the key's child that go because a view of the store shows them: a select list and what follows it. None if there are
    /// none, or if their keys are not shown.
    fn going_with_view(&self, key: &ForeignKey) -> Result<Option<String>> {
        for below in self
            .below_views
            .iter()
            .filter(|below| below.relation == key.child)
        {
            let store = self.rows.store();
            let (Some(view), Some(text)) = (store.table(below.described), below.row_text(key)) else {
                continue;
            };
            if let Some(goes) = self.rows.condition(view)? {
                return Ok(Some(format!("{text} FROM {} AS t WHERE {goes}", rows_of(view))));
            }
        }
        Ok(None)
    }

    /// Rows of others that refer to a deleted row by a declared reference.
    fn declared_references(&mut self, table: &Table) -> Result<()> {
        let again = |table: &Table, key: &str| self.again(table, key);
        let named = document_paths::conflicts(self.rows, table, &again)?;
        for (condition, why) in columns::conditions(self.rows, table, &again)? {
            self.add_rows(table, condition, why)?;
        }
        self.conflicts.found.extend(named);
        Ok(())
    }

    /// Rows of others that name a deleted row in a document, without a declaration.
    fn ids_in_documents(&mut self) -> Result<()> {
        let ids = DeletedIds::of(self.rows, &|table, key| self.again(table, key))?;
        if ids.is_empty() {
            return Ok(());
        }
        for table in &self.rows.store().tables {
            self.conflicts.found.extend(ids.conflict(self.rows, table)?);
        }
        Ok(())
    }

    /// The condition on rows `t` of a parent whose keys are inserted again in this transaction.
    fn given_again(&self, parent: &Table, key: &ForeignKey) -> Option<String> {
        let [column] = key.keys.as_slice() else {
            return None;
        };
        if parent.id_column.as_ref() == Some(column) {
            return self.again(parent, column);
        }
        let values = self.given_again.values_of(parent.oid, column).iter();
        is_one_of(&parent.text_of("t", column), values)
    }

    fn again(&self, table: &Table, id: &str) -> Option<String> {
        let key =
            plan::canonical_key(table, id, "t").unwrap_or_else(|| format!("t.{}", quote::identifier(id)));
        let ids = self.given_again.of(self.rows.store(), table);
        is_one_of(&format!("{key}::pg_catalog.text"), ids)
    }
}

/// The condition that a text is one of these; None if there are none.
fn is_one_of<'a>(text: &str, texts: impl Iterator<Item = &'a String>) -> Option<String> {
    let mut texts: Vec<String> = texts.map(|text| quote::literal(text)).collect();
    if texts.is_empty() {
        return None;
    }
    texts.sort_unstable();
    Some(format!(
        "({text}) OPERATOR(pg_catalog.=) ANY (ARRAY[{}]::pg_catalog.text[])",
        texts.join(", ")
    ))
}

/// An expression for the key of a row `t`, to be shown. It is printed by its type's output function: a cast may be a function of any role.
pub fn row_key(table: &Table) -> String {
    let key = match &table.id_column {
        Some(id) => format!("t.{}", quote::identifier(id)),
        // A row of a view or a foreign table has no place.
        None if matches!(table.kind.as_str(), "r" | "p") && !table.elsewhere => "t.ctid".to_owned(),
        None => "ROW(t.*)".to_owned(),
    };
    format!("pg_catalog.concat({key})")
}
