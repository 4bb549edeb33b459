//! The letters of keys that are compared without regard to case.

use std::collections::HashMap;

use crate::pg::query::for_each_row;
use crate::run::keys::Key;
use pg_clone_core::error::Result;
use pg_clone_core::plan::{self, Column, KeyForm, Table, quote};

/// The texts of those of these keys that have other letters in the table than in their map, by the form in the map. A new key that people
/// read, such as a code, has the letters of the old one.
pub(super) fn of_keys(table: &Table, column: &Column, keys: &[Key]) -> Result<HashMap<String, String>> {
    let mut texts = HashMap::new();
    let canonical = plan::canonical_key(table, &column.name, "t");
    let (KeyForm::Folded, Some(canonical)) = (KeyForm::of(&column.type_name), canonical) else {
        return Ok(texts);
    };
    let text = table.text_of("t", &column.name);
    let sql = format!(
        "SELECT {canonical}, {text} FROM {} t WHERE {canonical} OPERATOR(pg_catalog.=) ANY ({}::pg_catalog.text[]) AND {canonical} OPERATOR(pg_catalog.<>) {text}",
        table.from_sql(),
        quote::literal(&quote::text_array(keys.iter().map(Key::to_text)))
    );
    for_each_row(&sql, &mut |row| {
        if let Some(row) = row
            && let (Some(key), Some(text)) = (row.text(0)?, row.text(1)?)
        {
            texts.insert(key.into_owned(), text.into_owned());
        }
        Ok(())
    })?;
    Ok(texts)
}
