//! The actor of a call: the argument, otherwise the setting `pg_clone.actor`, otherwise the database user.
//!
//! A role may act for any user if it may set the parameter `pg_clone.actor` (superusers, and roles with
//! `GRANT SET ON PARAMETER pg_clone.actor`), or if it owns the store's tables. PostgreSQL lets no other role
//! set the parameter, so its value is trusted regardless of the current role.
//! PostgREST works this way: a trusted function sets it per request. Every other role acts only for itself.

use std::collections::BTreeSet;

use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::item::permission::{ADMIN, Actor, READ, WRITE, require_email, require_write_level};
use pg_clone_core::plan::quote;
use serde::Deserialize;

use super::query;
use super::store::ItemStore;
use crate::error::internal;
use crate::pg::privileges::current_user;

#[derive(Deserialize)]
struct Row {
    roles: BTreeSet<String>,
    groups: BTreeSet<String>,
    person: Option<String>,
    email: Option<String>,
}

/// Resolves the actor and loads what the store says about them.
///
/// # Errors
/// 42501 for a role that names another actor and is not trusted, 22023 for an empty name.
pub fn load(store: &ItemStore, argument: Option<&str>) -> Result<Actor> {
    let (name, own) = resolve(store, argument)?;
    // Only if the store requires it.
    let email = match store.requires_email() {
        true => format!(
            "COALESCE((SELECT pg_catalog.min(g.email) FROM {} g WHERE g.username OPERATOR(pg_catalog.=) $1 AND g.email OPERATOR(pg_catalog.<>) ''), \
             (SELECT i.domain_info OPERATOR(pg_catalog.->>) 'email' FROM {} l JOIN {} i ON i.id OPERATOR(pg_catalog.=) l.person_id \
              WHERE l.username OPERATOR(pg_catalog.=) $1))",
            store.table("group_user"),
            store.table("username_person_link"),
            store.table("item")
        ),
        false => "NULL".to_owned(),
    };
    let sql = format!(
        "SELECT pg_catalog.jsonb_build_object(\
         'roles', COALESCE((SELECT pg_catalog.jsonb_agg(r.role) FROM {} r WHERE r.username OPERATOR(pg_catalog.=) $1), '[]'),\
         'groups', COALESCE((SELECT pg_catalog.jsonb_agg(g.group_id) FROM {} g WHERE g.username OPERATOR(pg_catalog.=) $1), '[]'),\
         'person', (SELECT l.person_id FROM {} l WHERE l.username OPERATOR(pg_catalog.=) $1), 'email', {email})",
        store.table("user_role"),
        store.table("group_user"),
        store.table("username_person_link")
    );
    let row: Row = serde_json::from_value(query::json(&sql, &[name.as_str().into()])?).map_err(internal)?;
    let mut roles = row.roles;
    // The owner of the tables could grant itself every role, and so has all roles when it acts for itself.
    if own && owns(store)? {
        roles.extend([READ, WRITE, ADMIN].map(String::from));
    }
    Ok(Actor {
        name,
        roles,
        groups: row.groups,
        person_id: row.person,
        email: row.email,
    })
}

/// Requires what every author needs: the registry roles, and an e-mail address if the store requires one.
///
/// # Errors
/// 42501 without them.
pub fn require_author(store: &ItemStore, actor: &Actor) -> Result<()> {
    require_write_level(actor)?;
    match store.requires_email() {
        true => require_email(actor),
        false => Ok(()),
    }
}

/// The actor's name, and whether it is the database user.
fn resolve(store: &ItemStore, argument: Option<&str>) -> Result<(String, bool)> {
    let user = current_user();
    let setting = crate::settings::actor();
    match (argument, setting) {
        (Some(""), _) => Err(Error::bad_argument("the actor's name is empty")
            .hint("Leave it out, or name a user of the registry.")),
        (None, None) => Ok((user, true)),
        (None, Some(setting)) => Ok((setting, false)),
        (Some(name), Some(setting)) if name == setting => Ok((setting, false)),
        (Some(name), None) if name == user => Ok((user, true)),
        (Some(name), _) if trusted(store)? => Ok((name.to_string(), name == user)),
        (Some(name), _) => Err(Error::new(
            Code::NotAllowed,
            format!("role \"{user}\" may not act for \"{name}\""),
        )
        .detail("Only a role that may set pg_clone.actor, or owns the store's tables, may name an actor.")
        .hint(format!(
            "Leave the actor out, or, for an application that says truly who its users are: \
                 GRANT SET ON PARAMETER pg_clone.actor TO {};",
            quote::identifier(&user)
        ))),
    }
}

fn trusted(store: &ItemStore) -> Result<bool> {
    let sql = format!("SELECT pg_catalog.has_parameter_privilege('pg_clone.actor', 'SET') OR ({OWNS})");
    query::truth(&sql, &[store.table("item").into()])
}

const OWNS: &str = "SELECT pg_catalog.pg_has_role(c.relowner, 'USAGE') FROM pg_catalog.pg_class c \
     WHERE c.oid OPERATOR(pg_catalog.=) $1::pg_catalog.regclass::pg_catalog.oid";

fn owns(store: &ItemStore) -> Result<bool> {
    query::truth(OWNS, &[store.table("item").into()])
}
