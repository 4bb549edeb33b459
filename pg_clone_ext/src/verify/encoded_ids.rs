//! Ids of the source in values that clones copy as they are: base64, and columns of type `bytea`. They may be content, as that of a file, or
//! signed. The checks only say where they are.

use super::Check;
use pg_clone_core::ids::{Id, IdMap, Mapped, TextIdMap};
use pg_clone_core::plan::{Column, Table};
use pg_clone_core::rewrite::{Dangling, RewriteError, Rewriter};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// Rows with such ids: their number and the key of one of them, by table.
#[derive(Default)]
pub struct EncodedIdRows(BTreeMap<String, (u64, String)>);

impl EncodedIdRows {
    /// Adds a row.
    pub fn add(&mut self, table: &Table, key: &str) {
        let (rows, _) = self
            .0
            .entry(table.sql_name.clone())
            .or_insert_with(|| (0, key.to_owned()));
        *rows += 1;
    }

    /// The checks with this name, one for each table.
    pub fn checks(&self, name: &'static str) -> Vec<Check> {
        let check = |subject: &str, found: String| Check {
            name: Cow::Borrowed(name),
            subject: subject.to_owned(),
            expected: "stay as they are".to_owned(),
            found,
            ok: true,
        };
        if self.0.is_empty() {
            return vec![check("all tables", "0".to_owned())];
        }
        self.0
            .iter()
            .map(|(table, (rows, key))| check(table, format!("in {rows} rows, one is {key}")))
            .collect()
    }
}

/// The search in columns of type `bytea`.
pub struct InBytes<'m> {
    ids: &'m IdMap,
    rewriter: Rewriter<'m>,
}

impl<'m> InBytes<'m> {
    /// For these ids.
    pub fn new(ids: &'m IdMap, texts: &'m TextIdMap) -> Self {
        InBytes {
            ids,
            rewriter: Rewriter::new(ids, texts, Dangling::Keep),
        }
    }

    /// The columns of a table that are searched: keys are mapped and verified as such.
    pub fn columns(table: &Table) -> Vec<&Column> {
        table
            .columns
            .iter()
            .filter(|column| column.type_name == "bytea" && column.keys.holds.is_none())
            .collect()
    }

    /// Whether the value is the 16 bytes of an id, or has the text of one.
    ///
    /// # Errors
    /// [`RewriteError`]
    pub fn finds(&mut self, value: &[u8]) -> Result<bool, RewriteError> {
        if let Ok(id) = Id::try_from(value) {
            return Ok(!matches!(self.ids.get(&id), Mapped::Unknown));
        }
        if !self.rewriter.touches(value) {
            return Ok(false);
        }
        let before = self.rewriter.dangling_targets().total();
        let text = String::from_utf8_lossy(value).into_owned();
        self.rewriter.plain_text(&mut text.into_bytes())?;
        Ok(self.rewriter.dangling_targets().total() > before)
    }
}
