//! Which store a call means when it names none: the only one, or the one that holds the project.

use crate::error::internal;
use crate::pg::privileges::{AsExtensionOwner, check_select};
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::plan::quote;

fn names() -> Result<Vec<String>> {
    let _owner = AsExtensionOwner::new();
    pgrx::Spi::get_one::<Vec<String>>("SELECT pg_catalog.array_agg(name ORDER BY name) FROM clone.store")
        .map(Option::unwrap_or_default)
        .map_err(internal)
}

/// The stores there are, as a hint.
pub fn list_stores() -> String {
    match names() {
        Ok(names) if !names.is_empty() => format!("Stores: {}.", names.join(", ")),
        _ => "There is no store yet; create one: SELECT clone.store_create('documents', 'documents');"
            .to_owned(),
    }
}

/// The name of the store that is meant. Unknown stores and ambiguous calls are errors (22023), a project that is in
/// no store is P0002.
pub fn resolve(store: Option<&str>, project: &str) -> Result<String> {
    let known = names()?;
    if let Some(name) = store {
        return if known.iter().any(|k| k == name) {
            Ok(name.to_owned())
        } else {
            Err(Error::bad_argument(format!("there is no store \"{name}\"")).hint(list_stores()))
        };
    }
    match known.as_slice() {
        [] => Err(Error::bad_argument("there is no store").hint(list_stores())),
        [only] => Ok(only.clone()),
        several => {
            let holding: Vec<&String> = several
                .iter()
                .filter_map(|name| match holds(name, project) {
                    Ok(true) => Some(Ok(name)),
                    Ok(false) => None,
                    Err(error) => Some(Err(error)),
                })
                .collect::<Result<_>>()?;
            match holding.as_slice() {
                [one] => Ok((*one).clone()),
                [] => Err(
                    Error::new(Code::NotFound, format!("project \"{project}\" is in no store"))
                        .hint(list_stores()),
                ),
                many => Err(Error::bad_argument(format!(
                    "project \"{project}\" is in several stores: {}",
                    many.iter().map(|n| n.as_str()).collect::<Vec<_>>().join(", ")
                ))
                .hint("Say which one with store => '…'.")),
            }
        }
    }
}

/// Whether the store's project table has that id. The comparison is by text, so that an id that is no UUID is simply
/// not found in a store of UUIDs; the table of projects is small. A store that the caller may not read is none of the
/// caller's.
fn holds(store: &str, project: &str) -> Result<bool> {
    let found = {
        let _owner = AsExtensionOwner::new();
        pgrx::Spi::get_two_with_args::<String, pgrx::pg_sys::Oid>(
            "SELECT pg_catalog.format('%I.%I WHERE pg_catalog.lower(%I', n.nspname, c.relname, r.id_column), c.oid \
             FROM clone.store_relation r JOIN pg_catalog.pg_class c ON c.oid = r.relation \
             JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE r.store = $1 AND r.role = 'project'",
            &[store.into()],
        )
    };
    let (condition, table) = match found {
        Ok((Some(condition), Some(table))) => (condition, table),
        Ok(_) | Err(pgrx::spi::SpiError::InvalidPosition) => return Ok(false),
        Err(error) => return Err(internal(error)),
    };
    if check_select(u32::from(table), &condition).is_err() {
        return Ok(false);
    }
    pgrx::Spi::get_one::<bool>(&format!(
        "SELECT EXISTS (SELECT FROM {condition}::pg_catalog.text) OPERATOR(pg_catalog.=) pg_catalog.lower({}))",
        quote::literal(project)
    ))
    .map(|found| found.unwrap_or(false))
    .map_err(internal)
}
