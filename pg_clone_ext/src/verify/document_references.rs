//! Follows references inside documents.

use super::contents::Contents;
use super::key_sets::hash;
use super::references::{Named, Pair};
use crate::pg::query::for_each_row;
use crate::run::any_reference::AnyReference;
use crate::run::document_keys::{parts, texts_at};
use pg_clone_core::error::Result;
use pg_clone_core::plan::{Table, quote};
use pg_clone_core::rules::DocumentPath;
use std::collections::HashMap;

/// The project to which a key belongs.
#[derive(Clone, Copy, PartialEq)]
enum Whose {
    /// The project's own, of a row with this hash of its content.
    Own(i64),
    /// The other one's.
    Other(i64),
}

/// The rows that keys at a path of a project's documents name. A path that cannot be parsed is an error (22023).
#[expect(clippy::too_many_arguments, reason = "both queries and where to look")]
pub fn named(
    pair: &Pair<'_>,
    contents: &Contents,
    table: &Table,
    reference: &AnyReference,
    path: &str,
    (belongs, of_clone): (&str, bool),
    own: Option<String>,
    other: Option<String>,
) -> Result<Named> {
    // Most values there are not keys, and may change for other reasons.
    let any_value = path.ends_with("..*");
    // Members of an object are sorted by their names, which may be keys. Members of a list have their place.
    let ordered = !(path.contains("..") || path.contains(".*") || path.contains('~'));
    let path = DocumentPath::of_column(&reference.columns.join(", "), path)?;
    let mut keys: HashMap<String, Whose> = HashMap::new();
    for (sql, is_own) in [(other, false), (own, true)] {
        let Some(sql) = sql else { continue };
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            let content = row.bigint(1).unwrap_or(0);
            let whose = match is_own {
                true => Whose::Own(content),
                false => Whose::Other(content),
            };
            if let Some(text) = row.text(0)? {
                keys.insert(text.into_owned(), whose);
            }
            Ok(())
        })?;
    }
    let column = reference.columns.first().map_or("", String::as_str);
    let limit = pair.sample.map_or(String::new(), |rows| format!(" LIMIT {rows}"));
    let condition = reference
        .condition
        .as_ref()
        .map_or(String::new(), |condition| format!(" AND ({condition})"));
    let sql = format!(
        "SELECT {3}, {2} FROM {1} AS t WHERE {belongs} AND t.{0} IS NOT NULL{condition}{limit}",
        quote::identifier(column),
        table.from_sql(),
        contents.parts(table.oid),
        table.text_of("t", column)
    );
    let mut found = Named::default();
    let mut digest = 0u64;
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let content = contents.of_row(table.oid, of_clone, row, 1);
        let Some(bytes) = row.bytes(0) else {
            return Ok(());
        };
        for (number, text) in texts_at(&path, bytes)?.into_iter().enumerate() {
            let content = if ordered {
                hash((content, number)).cast_signed()
            } else {
                content
            };
            for part in parts(&text, reference) {
                match keys.get(part.as_ref()) {
                    Some(Whose::Own(of_row)) => {
                        found.own += 1;
                        found.pairs = found.pairs.wrapping_add(hash((content, of_row)));
                    }
                    Some(Whose::Other(of_row)) => {
                        found.other += 1;
                        let names = hash((content, of_row));
                        found.pairs_of_other = found.pairs_of_other.wrapping_add(names);
                    }
                    None if any_value => {}
                    None => {
                        found.others += 1;
                        digest = digest.wrapping_add(hash((content, part)));
                    }
                }
            }
        }
        Ok(())
    })?;
    found.digest = digest.to_string();
    Ok(found)
}
