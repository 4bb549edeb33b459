//! The keys at a path of a document.

use super::any_reference::AnyReference;
use crate::pg::value::datum;
use pg_clone_core::depth::{self, DepthError};
use pg_clone_core::document_tree;
use pg_clone_core::error::Result;
use pg_clone_core::ids::uuid_text;
use pg_clone_core::plan::KeyForm;
use pg_clone_core::rules::DocumentPath;
use std::borrow::Cow;

/// The parts between the separators; the whole text without separators. UUIDs next to keys are rewritten independently.
///
/// In the form of the key's type, whatever form they have in the text.
pub fn parts<'t>(text: &'t str, reference: &AnyReference) -> Vec<Cow<'t, str>> {
    let of_uuids = reference.key_form == KeyForm::Uuid;
    let is_uuid = |part: &str| uuid_text::parse_input(part.as_bytes()).is_some();
    let as_key = |part: &'t str| reference.key_form.canonical(part, datum::lower);
    match &reference.separators {
        None => vec![as_key(text)],
        Some(separators) => text
            .split(|c| separators.contains(c))
            .filter(|part| !part.is_empty() && (of_uuids || !is_uuid(part)))
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
