//! Rows that refer to rows of others which a deletion with `others = include` deletes too, through any number of foreign keys: they are
//! listed, and those that no action of a key deletes or changes are deleted as well.

use super::foreign_keys::{self, ForeignKey};
use super::rows_of_others::{CandidateRows, Search};
use crate::pg::query;
use crate::pg::query::kept_rows::{self, KeptRows};
use crate::pg::session::as_role::AsRole;
use pg_clone_core::error::Result;
use pg_clone_core::plan::Oid;
use std::collections::HashSet;

/// Maximum number of foreign keys from a row of the project to a row that is deleted with it.
pub const MAX_DEPTH: usize = 10;

/// Rows of one table that a deletion deletes beside the project's.
pub struct DependentRows<'g> {
    /// Their table.
    pub table: Oid,
    /// The table as a FROM item.
    pub from: &'g str,
    /// The condition on its rows `t`, for statements of the caller.
    pub condition: &'g str,
    /// Reads their keys to which a foreign key refers.
    pub keys: &'g dyn Fn(&ForeignKey) -> Result<KeptRows>,
}

impl Search<'_> {
    /// Searches rows that refer to these, and those that refer to them. More than [`MAX_DEPTH`] of them in a row are an error (0A000).
    pub fn follow(&mut self, dependents: &DependentRows<'_>, depth: usize) -> Result<()> {
        if !self.follows {
            return Ok(());
        }
        for key in foreign_keys::into(&HashSet::from([dependents.table]))? {
            let named = (dependents.keys)(&key)?;
            if named.count() > 0 {
                self.follow_key(dependents, &key, &named, depth)?;
            }
        }
        Ok(())
    }

    fn follow_key(
        &mut self,
        dependents: &DependentRows<'_>,
        key: &ForeignKey,
        named: &KeptRows,
        depth: usize,
    ) -> Result<()> {
        let store = self.rows.store();
        let described = store.table(key.child);
        let mut mine = String::new();
        match described {
            Some(table) => {
                if let Some(own) = self.rows.belongs(table)? {
                    mine = format!(" AND ({own}) IS NOT TRUE");
                }
            }
            None => {
                if let Err(error) = key.check_readable() {
                    // The server raises an error for a key without an action.
                    return if key.acts() { Err(error) } else { Ok(()) };
                }
                key.check_no_row_security()?;
            }
        }
        let read = |sql: &str| {
            let _owner = described
                .is_none()
                .then(|| AsRole::owner_of_rows(key.owner.into()));
            query::text_over(sql, named)
        };
        let among = format!("{}{mine}", key.is_among(kept_rows::NAME));
        let condition = format!(
            "{}{mine}",
            key.is_among(&format!(
                "({})",
                key.keys_of(dependents.from, dependents.condition)
            ))
        );
        let before = self.conflicts().found.len();
        self.add(
            CandidateRows {
                table: key.child_name.clone(),
                from: key.child_rows.clone(),
                condition: among.clone(),
                key: key.row_key(),
                why: format!(
                    "refer{{s}} to rows of others that go (foreign key \"{}\" on {}{})",
                    key.name,
                    key.columns.join(", "),
                    key.action_words()
                ),
                also_deleted: !key.acts(),
            },
            &read,
        )?;
        let Some(found) = self.conflicts().found.get_mut(before) else {
            return Ok(());
        };
        if described.is_none() {
            found.outside = Some(key.child);
        }
        if let Some((_, statement)) = &mut found.also_deleted {
            statement.clone_from(&condition);
        }
        found.disabled_key = key.disabled_action();
        if depth == MAX_DEPTH {
            found.is_last = true;
            return Ok(());
        }
        if key.changes() {
            return Ok(());
        }
        let keys = |next: &ForeignKey| {
            let _owner = described
                .is_none()
                .then(|| AsRole::owner_of_rows(key.owner.into()));
            KeptRows::over(&next.keys_of(&key.child_rows, &among), named)
        };
        let dependents = DependentRows {
            table: key.child,
            from: &key.child_rows,
            condition: &condition,
            keys: &keys,
        };
        self.follow(&dependents, depth + 1)
    }
}
