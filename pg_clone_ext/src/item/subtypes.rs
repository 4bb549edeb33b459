//! The rows of a registry's table of subtypes, for the trigger that applies them to the catalog.

use crate::error::internal;
use crate::pg::query;
use crate::pg::session::as_role::AsRole;
use pg_clone_core::error::{Code, Error, Result};
use pgrx::pg_sys::Oid;

/// The rows of a relation as a JSON array, read with the rights of the relation's owner in a security-restricted operation.
///
/// The trigger runs as the extension's owner, and whoever owns the relation decides what reading it executes: the functions of a view, the
/// casts of a column's type. P0002 if it does not exist.
pub fn rows(relation: Oid) -> Result<String> {
    let of_relation = |value: &str| {
        query::text(&format!(
            "SELECT {value} FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace \
             WHERE c.oid OPERATOR(pg_catalog.=) {}::pg_catalog.oid",
            u32::from(relation)
        ))
    };
    let name = of_relation("pg_catalog.format('%I.%I', n.nspname, c.relname)")?;
    let owner = of_relation("c.relowner::pg_catalog.text")?;
    let (Some(name), Some(owner)) = (name, owner) else {
        return Err(Error::new(
            Code::NotFound,
            format!("there is no relation {}", u32::from(relation)),
        )
        .hint("Create the table subtype of the registry again."));
    };
    // Whoever gives the name to another relation after this still has only the rights of this one's owner.
    let _owner = AsRole::new(Oid::from(owner.parse::<u32>().map_err(internal)?), &[]);
    let rows = query::text(&format!(
        "SELECT pg_catalog.jsonb_agg(pg_catalog.to_jsonb(s) ORDER BY s.name::pg_catalog.text)::pg_catalog.text FROM {name} AS s"
    ))?;
    Ok(rows.unwrap_or_else(|| "[]".to_owned()))
}
