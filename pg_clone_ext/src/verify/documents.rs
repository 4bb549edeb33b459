//! Follows references inside documents.

use super::followed::Followed;
use super::references::{Named, Pair};
use crate::pg::query::for_each_row;
use pg_clone_core::depth::{self, DepthError};
use pg_clone_core::error::{Error, Result};
use pg_clone_core::ids::uuid_text;
use pg_clone_core::plan::{Table, quote};
use pg_clone_core::rules::DocumentPath;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The project to which a key belongs.
#[derive(Clone, Copy, PartialEq)]
enum Whose {
    Own,
    Other,
}

/// The parts between the separators; the whole text without separators. UUIDs next to keys are rewritten independently.
fn parts<'t>(text: &'t str, reference: &Followed) -> Vec<&'t str> {
    let is_uuid = |part: &str| uuid_text::parse_slice(part.as_bytes()).is_some();
    match &reference.separators {
        None => vec![text],
        Some(separators) => text
            .split(|c| separators.contains(c))
            .filter(|part| !part.is_empty() && (reference.of_uuids || !is_uuid(part)))
            .collect(),
    }
}

/// The rows that keys at a path of a project's documents name.
pub fn named(
    pair: &Pair<'_>,
    table: &Table,
    reference: &Followed,
    path: &str,
    belongs: &str,
    own: Option<String>,
    other: Option<String>,
) -> Result<Named> {
    // Most values there are not keys, and may change for other reasons.
    let any_value = path.ends_with("..*");
    let path = DocumentPath::parse(path).map_err(|error| {
        Error::bad_argument(format!("the path \"{path}\" cannot be read: {error}"))
            .hint("Paths of clone.store_reference are JSONPath as RFC 9535 defines it.")
    })?;
    let mut keys: HashMap<String, Whose> = HashMap::new();
    for (sql, whose) in [(other, Whose::Other), (own, Whose::Own)] {
        let Some(sql) = sql else { continue };
        for_each_row(&sql, &mut |row| {
            if let Some(text) = row.map(|row| row.text(0)).transpose()?.flatten() {
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
        "SELECT t.{0}::pg_catalog.text FROM {1} AS t WHERE {belongs} AND t.{0} IS NOT NULL{condition}{limit}",
        quote::identifier(column),
        table.from_sql()
    );
    let mut found = Named::default();
    let mut digest = 0u64;
    for_each_row(&sql, &mut |row| {
        let Some(bytes) = row.and_then(|row| row.bytes(0)) else {
            return Ok(());
        };
        for text in texts_at(&path, bytes)? {
            for part in parts(&text, reference) {
                match keys.get(part) {
                    Some(Whose::Own) => found.own += 1,
                    Some(Whose::Other) => found.other += 1,
                    None if any_value => {}
                    None => {
                        found.others += 1;
                        let mut hasher = DefaultHasher::new();
                        part.hash(&mut hasher);
                        digest = digest.wrapping_add(hasher.finish());
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
    let texts = depth::with_room(depth::of_text(document), || {
        let mut texts = Vec::new();
        if let Ok(document) = depth::parse(document) {
            path.each_key(&document, &mut |text| texts.push(text.to_owned()))?;
        }
        Ok(texts)
    });
    texts.map_err(DepthError::error)?.map_err(DepthError::error)
}
