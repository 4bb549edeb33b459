//! Follows references inside documents.

use super::contents::Contents;
use super::key_sets::hash;
use super::references::{Named, Pair};
use crate::pg::query::for_each_row;
use crate::run::any_reference::AnyReference;
use pg_clone_core::depth::{self, DepthError};
use pg_clone_core::document_tree;
use pg_clone_core::error::Result;
use pg_clone_core::ids::uuid_text;
use pg_clone_core::plan::{Table, quote};
use pg_clone_core::rules::DocumentPath;
use std::borrow::Cow;
use std::collections::HashMap;

/// The project to which a key belongs.
#[derive(Clone, Copy, PartialEq)]
enum Whose {
    /// The project's own, of a row with this hash of its content.
    Own(i64),
    Other,
}

/// The parts between the separators; the whole text without separators. UUIDs next to keys are rewritten independently.
///
/// Keys of type `uuid` in the form of that type, whatever form they have in the text.
fn parts<'t>(text: &'t str, reference: &AnyReference) -> Vec<Cow<'t, str>> {
    let uuid = |part: &str| uuid_text::parse_input(part.as_bytes());
    let as_key = |part: &'t str| match uuid(part).filter(|_| reference.of_uuids) {
        Some(id) => Cow::Owned(uuid_text::to_string(&id)),
        None => Cow::Borrowed(part),
    };
    match &reference.separators {
        None => vec![as_key(text)],
        Some(separators) => text
            .split(|c| separators.contains(c))
            .filter(|part| !part.is_empty() && (reference.of_uuids || uuid(part).is_none()))
            .map(as_key)
            .collect(),
    }
}

/// The rows that keys at a path of a project's documents name. A path that cannot be parsed is an error (22023).
#[expect(clippy::too_many_arguments, reason = "both queries and where to look")]
pub fn named(
    pair: &Pair<'_>,
    contents: &Contents,
    table: &Table,
    reference: &AnyReference,
    path: &str,
    belongs: &str,
    own: Option<String>,
    other: Option<String>,
) -> Result<Named> {
    // Most values there are not keys, and may change for other reasons.
    let any_value = path.ends_with("..*");
    let path = DocumentPath::of_column(&reference.columns.join(", "), path)?;
    let mut keys: HashMap<String, Whose> = HashMap::new();
    for (sql, is_own) in [(other, false), (own, true)] {
        let Some(sql) = sql else { continue };
        for_each_row(&sql, &mut |row| {
            let Some(row) = row else { return Ok(()) };
            let whose = match is_own {
                true => Whose::Own(row.bigint(1).unwrap_or(0)),
                false => Whose::Other,
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
        contents.digest(table.oid),
        table.text_of("t", column)
    );
    let mut found = Named::default();
    let mut digest = 0u64;
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let content = row.bigint(1).unwrap_or(0);
        let Some(bytes) = row.bytes(0) else {
            return Ok(());
        };
        for text in texts_at(&path, bytes)? {
            for part in parts(&text, reference) {
                match keys.get(part.as_ref()) {
                    Some(Whose::Own(of_row)) => {
                        found.own += 1;
                        found.pairs = found.pairs.wrapping_add(hash((content, of_row)));
                    }
                    Some(Whose::Other) => found.other += 1,
                    None if any_value => {}
                    None => {
                        found.others += 1;
                        digest = digest.wrapping_add(hash(part));
                    }
                }
            }
        }
        Ok(())
    })?;
    found.digest = digest.to_string();
    Ok(found)
}

/// The texts of the keys at a path of a document. None if the value of a text column is not JSON.
fn texts_at(path: &DocumentPath, document: &[u8]) -> Result<Vec<String>> {
    let Some(document) = document_tree::of_text(document).map_err(DepthError::error)? else {
        return Ok(Vec::new());
    };
    let texts = depth::with_room(document.levels(), move || {
        let mut texts = Vec::new();
        path.each_key(&document, &mut |text| texts.push(text.to_owned()))?;
        Ok(texts)
    });
    texts.map_err(DepthError::error)?.map_err(DepthError::error)
}
