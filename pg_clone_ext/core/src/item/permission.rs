//! Permissions: a pure function of the actor, the actor's roles and groups, and the item's access settings.
//!
//! There are two levels. The *registry* roles apply to all items: writing needs read **and** write. The *item* roles
//! apply to one item: the item's owner and a registry admin have all of them; other users have the
//! general ones and those of their groups, if the item's subtype has these roles. No item role implies
//! another: a user who may read the data but not the metadata of a data set cannot clone it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::subtype::Subtype;
use crate::error::{Code, Error, Result};

/// The registry role that reading needs.
pub const READ: &str = "registry-read";
/// The registry role that writing needs, with [`READ`].
pub const WRITE: &str = "registry-write";
/// The registry role that has every item role on every item.
pub const ADMIN: &str = "registry-admin";
/// The item roles of which one is needed to fetch, and so to clone, an item.
const FETCH: [&str; 3] = ["metadata-read", "metadata-write", "admin"];

/// The user on whose behalf a clone is made.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Actor {
    /// The user's name in the registry.
    pub name: String,
    /// Registry roles.
    pub roles: BTreeSet<String>,
    /// Ids of the groups the user is in.
    pub groups: BTreeSet<String>,
    /// The person of the registry that the user is linked to.
    pub person_id: Option<String>,
    /// The user's e-mail address, in stores that require one.
    pub email: Option<String>,
}

/// Access settings of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// The user who owns the item.
    pub owner: String,
    /// Item roles of everybody.
    #[serde(default)]
    pub general: Vec<String>,
    /// Item roles by group id.
    #[serde(default)]
    pub groups: BTreeMap<String, Vec<String>>,
}

/// The item roles that an actor has on an item, among those that its subtype knows.
pub fn item_roles<'a>(actor: &Actor, access: &Access, available: &'a [String]) -> BTreeSet<&'a str> {
    let everything = actor.roles.contains(ADMIN) || access.owner == actor.name;
    let granted = |role: &String| {
        access.general.contains(role)
            || actor
                .groups
                .iter()
                .any(|g| access.groups.get(g).is_some_and(|roles| roles.contains(role)))
    };
    available
        .iter()
        .filter(|role| everything || granted(role))
        .map(String::as_str)
        .collect()
}

/// Requires the registry role for reading (a draft).
///
/// # Errors
/// 42501 without them. Checked before any item is read, so it reveals nothing about existing items.
pub fn require_read_level(actor: &Actor) -> Result<()> {
    require_level(actor, &[READ], "read")
}

/// Requires the registry roles for writing (a clone).
///
/// # Errors
/// 42501 without them. Checked before any item is read, so it reveals nothing about existing items.
pub fn require_write_level(actor: &Actor) -> Result<()> {
    require_level(actor, &[READ, WRITE], "write to")
}

fn require_level(actor: &Actor, roles: &[&str], verb: &str) -> Result<()> {
    let missing: Vec<&str> = roles
        .iter()
        .copied()
        .filter(|r| !actor.roles.contains(*r))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    Err(Error::new(
        Code::NotAllowed,
        format!("\"{}\" may not {verb} the registry", actor.name),
    )
    .detail(format!("Missing registry roles: {}.", missing.join(", ")))
    .hint("Roles of users are rows of the store's table user_role."))
}

/// Requires permission to read the metadata of an item.
///
/// # Errors
/// P0002, as for an unknown item, for an actor without any role on it, so that its existence is not revealed.
/// 42501 for an actor with a role that does not allow to read metadata.
pub fn require_fetch(actor: &Actor, item: &str, access: &Access, available: &[String]) -> Result<()> {
    let roles = item_roles(actor, access, available);
    if FETCH.iter().any(|r| roles.contains(r)) {
        return Ok(());
    }
    if roles.is_empty() {
        return Err(unknown_item(item));
    }
    let has: Vec<&str> = roles.into_iter().collect();
    Err(Error::new(
        Code::NotAllowed,
        format!("\"{}\" may not read the metadata of item {item}", actor.name),
    )
    .detail(format!("Roles on the item: {}.", has.join(", ")))
    .hint("Cloning needs metadata-read, metadata-write or admin on the source."))
}

/// Requires the link to a person that authors of some subtypes need, in stores with that option.
///
/// # Errors
/// 42501 without one.
pub fn require_person_link(actor: &Actor, subtype: &Subtype) -> Result<()> {
    if !subtype.person_link || actor.person_id.is_some() {
        return Ok(());
    }
    Err(Error::new(
        Code::NotAllowed,
        format!("\"{}\" is not linked to a person of the registry", actor.name),
    )
    .hint(format!(
        "Authors of a {} need a row in the store's table username_person_link.",
        subtype.name
    )))
}

/// Requires the e-mail address that authors need, in stores with that option.
///
/// # Errors
/// 42501 without one.
pub fn require_email(actor: &Actor) -> Result<()> {
    match actor.email.as_deref() {
        Some(email) if !email.is_empty() => Ok(()),
        _ => Err(
            Error::new(Code::NotAllowed, format!("\"{}\" has no e-mail address", actor.name)).hint(
                "Put it into the column email of the store's table group_user, or link the user to a person who has one.",
            ),
        ),
    }
}

/// Whether an actor may read the metadata of an item.
pub fn may_fetch(actor: &Actor, access: &Access, available: &[String]) -> bool {
    let roles = item_roles(actor, access, available);
    FETCH.iter().any(|role| roles.contains(role))
}

/// Requires the item role for reading the files of an item.
///
/// # Errors
/// 42501 without it.
pub fn require_files(
    actor: &Actor,
    item: &str,
    access: &Access,
    available: &[String],
    role: &str,
) -> Result<()> {
    if item_roles(actor, access, available).contains(role) {
        return Ok(());
    }
    Err(Error::new(
        Code::NotAllowed,
        format!("\"{}\" may not read the files of item {item}", actor.name),
    )
    .detail(format!("Copying files needs the item role {role}."))
    .hint("Leave out the option \"files\", or ask for the role."))
}

/// The error for an item that does not exist, or that the actor may not see.
pub fn unknown_item(item: &str) -> Error {
    Error::new(Code::NotFound, format!("no item {item}"))
        .hint("The id is the bare handle, such as 10378.1/1696289, without an address in front.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const DATASET: [&str; 5] = [
        "metadata-read",
        "metadata-write",
        "admin",
        "dataset-data-read",
        "dataset-data-write",
    ];

    fn roles(list: &[&str]) -> Vec<String> {
        list.iter().map(|r| (*r).to_string()).collect()
    }

    fn actor(name: &str, registry: &[&str], groups: &[&str]) -> Actor {
        Actor {
            name: name.into(),
            roles: registry.iter().map(|r| (*r).to_string()).collect(),
            groups: groups.iter().map(|r| (*r).to_string()).collect(),
            person_id: None,
            email: None,
        }
    }

    fn access(general: &[&str], groups: &[(&str, &[&str])]) -> Access {
        Access {
            owner: "peter".into(),
            general: roles(general),
            groups: groups.iter().map(|(g, r)| ((*g).to_string(), roles(r))).collect(),
        }
    }

    fn fetch(actor: &Actor, access: &Access) -> std::result::Result<(), Code> {
        require_fetch(actor, "h", access, &roles(&DATASET)).map_err(|e| e.code)
    }

    #[test]
    fn writing_needs_read_and_write() {
        assert!(require_write_level(&actor("a", &[READ, WRITE], &[])).is_ok());
        for some in [&[WRITE][..], &[READ], &[ADMIN], &[]] {
            assert_eq!(
                require_write_level(&actor("a", some, &[])).unwrap_err().code,
                Code::NotAllowed
            );
        }
        assert!(require_read_level(&actor("a", &[READ], &[])).is_ok());
        let missing = require_write_level(&actor("a", &[READ], &[])).unwrap_err();
        assert_eq!(missing.detail, "Missing registry roles: registry-write.");
    }

    #[test]
    fn the_owner_may_whatever_the_settings_say() {
        assert_eq!(fetch(&actor("peter", &[], &[]), &access(&[], &[])), Ok(()));
    }

    #[test]
    fn a_registry_admin_has_every_item_role() {
        let admin = actor("root", &[ADMIN], &[]);
        assert_eq!(fetch(&admin, &access(&[], &[])), Ok(()));
        assert_eq!(item_roles(&admin, &access(&[], &[]), &roles(&DATASET)).len(), 5);
        assert_eq!(
            item_roles(&admin, &access(&[], &[]), &roles(&DATASET[..3])).len(),
            3
        );
    }

    #[test]
    fn general_roles_are_everybodys() {
        for role in FETCH {
            assert_eq!(fetch(&actor("eve", &[], &[]), &access(&[role], &[])), Ok(()));
        }
    }

    #[test]
    fn group_roles_are_their_members() {
        let a = access(&[], &[("reef", &["metadata-read"])]);
        assert_eq!(fetch(&actor("eve", &[], &["reef"]), &a), Ok(()));
        assert_eq!(fetch(&actor("eve", &[], &["other"]), &a), Err(Code::NotFound));
    }

    #[test]
    fn reading_the_data_is_not_reading_the_metadata() {
        let eve = actor("eve", &[], &[]);
        assert_eq!(
            fetch(&eve, &access(&["dataset-data-read"], &[])),
            Err(Code::NotAllowed)
        );
        assert_eq!(
            fetch(&eve, &access(&["dataset-data-write"], &[])),
            Err(Code::NotAllowed)
        );
    }

    #[test]
    fn without_any_role_the_item_seems_not_to_exist() {
        let eve = actor("eve", &[], &[]);
        let hidden = require_fetch(&eve, "h", &access(&[], &[]), &roles(&DATASET)).unwrap_err();
        assert_eq!(hidden, unknown_item("h"));
    }

    #[test]
    fn files_need_their_own_role() {
        let may = |actor: &Actor, roles: &[&str]| {
            require_files(
                actor,
                "h",
                &access(roles, &[]),
                &roles_of_data_sets(),
                "dataset-data-read",
            )
            .is_ok()
        };
        let eve = actor("eve", &[], &[]);
        assert!(!may(&eve, &["metadata-read"]) && !may(&eve, &["admin", "dataset-data-write"]));
        assert!(may(&eve, &["dataset-data-read"]));
        assert!(may(&actor("peter", &[], &[]), &[]) && may(&actor("root", &[ADMIN], &[]), &[]));
    }

    fn roles_of_data_sets() -> Vec<String> {
        roles(&DATASET)
    }

    #[test]
    fn some_authors_must_be_linked_to_a_person() {
        let subtype = |person_link: bool| {
            Subtype::from_row(serde_json::json!({"name": "MODEL", "category": "ENTITY", "cloneable": "alone",
                "versionable": true, "json_schema": {}, "default_access": [], "item_roles": [], "person_link": person_link}))
            .unwrap()
        };
        let eve = actor("eve", &[], &[]);
        assert_eq!(
            require_person_link(&eve, &subtype(true)).unwrap_err().code,
            Code::NotAllowed
        );
        assert!(require_person_link(&eve, &subtype(false)).is_ok());
        let linked = Actor {
            person_id: Some("10378.1/5".into()),
            ..eve
        };
        assert!(require_person_link(&linked, &subtype(true)).is_ok());
    }

    #[test]
    fn a_role_that_the_subtype_does_not_know_counts_for_nothing() {
        let eve = actor("eve", &[], &[]);
        let data = access(&["dataset-data-read"], &[]);
        let refused = require_fetch(&eve, "h", &data, &roles(&DATASET[..3])).unwrap_err();
        assert_eq!(refused.code, Code::NotFound);
    }
}
