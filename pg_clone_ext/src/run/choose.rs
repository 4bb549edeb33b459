//! Which resources a call chooses: its filters, checked against what the store knows.

use super::keys::Key;
use pg_clone_core::error::{Error, Result};
use pg_clone_core::plan::{KeyKind, Request, Store, Table, TableRole};
use std::collections::{BTreeSet, HashSet};

/// What becomes of one resource of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Cloned.
    Cloned,
    /// Not chosen, but comes along if something chosen needs it.
    Skipped,
    /// Never cloned: named in exclude_ids, or not live.
    Excluded,
}

/// The filters of a call, ready to decide about rows.
pub struct Chooser {
    types: HashSet<String>,
    include: HashSet<Key>,
    exclude: HashSet<Key>,
    all_versions: bool,
}

impl Chooser {
    /// Reads the filters. A malformed id, or a type that no table of the store has, is an error (22023) that lists the
    /// valid types. Types that are data (a type column) are checked when the rows have been seen: `check_types`.
    pub fn new(store: &Store, request: &Request) -> Result<Self> {
        let typed_by_row = store
            .tables
            .iter()
            .any(|t| t.role == TableRole::Resource && t.type_column.is_some());
        if !typed_by_row {
            check_known(&request.resource_types, &fixed_types(store))?;
        }
        let kinds: Vec<KeyKind> = store
            .tables
            .iter()
            .filter(|t| matches!(t.role, TableRole::Resource | TableRole::Project))
            .filter_map(|t| t.id_column.as_deref().map(|c| KeyKind::of(t.type_of(c))))
            .collect();
        let parse = |ids: &[String], argument: &str| {
            ids.iter()
                .map(|id| parse_id(id, &kinds, argument))
                .collect::<Result<HashSet<Key>>>()
        };
        Ok(Chooser {
            types: request.resource_types.iter().cloned().collect(),
            include: parse(&request.include_ids, "include_ids")?,
            exclude: parse(&request.exclude_ids, "exclude_ids")?,
            all_versions: request.options.history.is_complete(),
        })
    }

    /// Decides about one resource.
    pub fn choose(&self, table: &Table, resource_type: &str, key: &Key, live: bool) -> Choice {
        if table.role == TableRole::Project {
            return Choice::Cloned;
        }
        if self.exclude.contains(key) || !(live || self.all_versions) {
            return Choice::Excluded;
        }
        let named = !self.include.is_empty() && self.include.contains(key);
        let wanted_type = if self.types.is_empty() {
            table.cloned || named
        } else {
            self.types.contains(resource_type)
        };
        if wanted_type && (named || self.include.is_empty()) {
            Choice::Cloned
        } else {
            Choice::Skipped
        }
    }

    /// Ids in include_ids that no resource of the project has.
    pub fn unmatched<'a>(&'a self, found: impl Fn(&Key) -> bool + 'a) -> impl Iterator<Item = &'a Key> {
        self.include.iter().filter(move |key| !found(key))
    }
}

/// All types that the store's tables fix.
pub fn fixed_types(store: &Store) -> BTreeSet<String> {
    store
        .tables
        .iter()
        .filter(|t| t.role == TableRole::Resource)
        .filter_map(|t| t.resource_type.clone())
        .collect()
}

/// A type that is not known is an error (22023); the hint lists the known ones, at most 200.
pub fn check_known(types: &[String], known: &BTreeSet<String>) -> Result<()> {
    match types.iter().find(|name| !known.contains(*name)) {
        None => Ok(()),
        Some(unknown) => {
            let mut names: Vec<&str> = known.iter().map(String::as_str).collect();
            // The closest name first: a wrong case or a plural is the usual mistake.
            names.sort_by_key(|name| (!name.eq_ignore_ascii_case(unknown), *name));
            let listed = names.iter().take(200).copied().collect::<Vec<_>>().join(", ");
            Err(
                Error::bad_argument(format!("unknown resource type \"{unknown}\""))
                    .hint(format!("Types: {listed}.")),
            )
        }
    }
}

fn parse_id(id: &str, kinds: &[KeyKind], argument: &str) -> Result<Key> {
    let key = Key::parse(id);
    if matches!(key, Key::Uuid(_)) && kinds.iter().any(|k| *k != KeyKind::Int) {
        return Ok(key);
    }
    if kinds.contains(&KeyKind::Int)
        && let Ok(number) = id.parse::<i64>()
    {
        return Ok(Key::Int(number));
    }
    if kinds.contains(&KeyKind::Text) && !id.is_empty() {
        return Ok(key);
    }
    let form = if kinds.contains(&KeyKind::Int) {
        "integers"
    } else {
        "UUIDs"
    };
    Err(
        Error::bad_argument(format!("malformed id \"{id}\" in {argument}"))
            .hint(format!("Ids of this store are {form}, without a type in front.")),
    )
}
