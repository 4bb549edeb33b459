//! The keys at a path of a document.

use super::any_reference::AnyReference;
use pg_clone_core::depth::{self, DepthError};
use pg_clone_core::document_tree;
use pg_clone_core::error::Result;
use pg_clone_core::ids::uuid_text;
use pg_clone_core::rules::DocumentPath;
use std::borrow::Cow;

/// The parts between the separators; the whole text without separators. UUIDs next to keys are rewritten independently.
///
/// Keys of type `uuid` in the form of that type, whatever form they have in the text.
pub fn parts<'t>(text: &'t str, reference: &AnyReference) -> Vec<Cow<'t, str>> {
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

/// The texts of the keys at a path of a document. None if the value of a text column is not JSON.
pub fn texts_at(path: &DocumentPath, document: &[u8]) -> Result<Vec<String>> {
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
