//! Declared strings of documents, from the store's options: `"id_paths": {"whole": [...], "embedded": [...], "kept": [...]}`,
//! each a list of path patterns as [`IdPaths`] reads them. `"plain"` lists exceptions from the others. Text values of
//! columns that begin with one of `"kept_prefixes"` are kept. `"dangling_display"` is the text of a removed reference.

use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::{Store, quote};
use pg_clone_core::rewrite::{IdField, IdPaths};

/// The declared strings of a store. A malformed pattern is an error (55000).
pub fn of_store(store: &Store) -> Result<IdPaths> {
    let mut paths = IdPaths::new();
    if let Some(text) = store
        .options
        .get("dangling_display")
        .and_then(|text| text.as_str())
    {
        paths.set_dangling_display(text);
    }
    let Some(declared) = store.options.get("id_paths") else {
        return Ok(paths);
    };
    let prefixes = declared.get("kept_prefixes").and_then(|list| list.as_array());
    for prefix in prefixes
        .into_iter()
        .flatten()
        .filter_map(|prefix| prefix.as_str())
    {
        paths.keep_prefix(prefix);
    }
    for (name, field) in [
        ("plain", IdField::Plain),
        ("kept", IdField::Kept),
        ("whole", IdField::Whole),
        ("embedded", IdField::Embedded),
    ] {
        let patterns = declared
            .get(name)
            .and_then(|list| list.as_array())
            .into_iter()
            .flatten();
        for pattern in patterns.filter_map(|pattern| pattern.as_str()) {
            paths.add(pattern, field).map_err(|error| {
                Error::new(
                    Code::StoreChanged,
                    format!("options.id_paths of store \"{}\": {error}", store.name),
                )
                .hint(format!(
                    "Correct it: SELECT clone.store_alter({}, '{{\"id_paths\": …}}').",
                    quote::literal(&store.name)
                ))
            })?;
        }
    }
    Ok(paths)
}
