//! The filters of a call, which select resources.

use crate::run::keys::{Key, in_form_of_key};
use pg_clone_core::error::{Error, Result, shown};
use pg_clone_core::interrupt;
use pg_clone_core::plan::{KeyKind, Request, Store, Table, TableRole};
use std::collections::{BTreeSet, HashSet};

/// The decision about one resource of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Choice {
    /// Cloned.
    Cloned,
    /// Not selected, but included if a selected resource depends on it.
    Skipped,
    /// Never cloned: in exclude_ids, or not live.
    Excluded,
}

/// The filters of a call, ready to decide about rows.
pub struct Chooser {
    types: HashSet<String>,
    include: Ids,
    exclude: Ids,
    all_versions: bool,
}

impl Chooser {
    /// Reads the filters. A malformed id, or a type that no table of the store has, is an error (22023) that lists the
    /// valid types. Types in a type column are checked after the rows were read: `check_types`.
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
                .map(|id| {
                    interrupt::check();
                    parse_typed_id(store, id, &kinds, argument)
                })
                .collect::<Result<Ids>>()
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
        if contains(&self.exclude, table, resource_type, key) || !(live || self.all_versions) {
            return Choice::Excluded;
        }
        let named = contains(&self.include, table, resource_type, key);
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
        self.include.iter().map(|(_, key)| key).filter(move |key| {
            interrupt::check();
            !found(key)
        })
    }
}

/// All fixed types of the store's tables.
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
            // The most similar name first: wrong case and plural are frequent mistakes.
            names.sort_by_key(|name| (!name.eq_ignore_ascii_case(unknown), *name));
            let listed = names.iter().take(200).copied().collect::<Vec<_>>().join(", ");
            Err(
                Error::bad_argument(format!("unknown resource type \"{unknown}\""))
                    .hint(format!("Types: {listed}.")),
            )
        }
    }
}

/// Ids of a call, with the type if it is given.
type Ids = HashSet<(Option<String>, Key)>;

fn contains(ids: &Ids, table: &Table, resource_type: &str, key: &Key) -> bool {
    if ids.is_empty() {
        return false;
    }
    ids.contains(&(None, key.clone()))
        || ids.contains(&(Some(resource_type.to_owned()), key.clone()))
        || ids.contains(&(Some(table.sql_name.clone()), key.clone()))
}

/// `<id>`, or `<type>/<id>` (`<table>/<id>` too). A number that could be the key of several tables is an error (22023)
/// without its type.
fn parse_typed_id(
    store: &Store,
    id: &str,
    kinds: &[KeyKind],
    argument: &str,
) -> Result<(Option<String>, Key)> {
    let resources = || store.tables.iter().filter(|t| t.role == TableRole::Resource);
    if store.follows_constraints()
        && let Some((name, rest)) = id.split_once('/')
    {
        let table = resources().find(|table| {
            table.resource_type.as_deref() == Some(name)
                || table.sql_name == name
                || table.sql_name.rsplit('.').next() == Some(name)
        });
        if let Some(table) = table {
            let id_type = table.id_type();
            let known = table
                .resource_type
                .clone()
                .unwrap_or_else(|| table.sql_name.clone());
            let key = parse_id(&in_form_of_key(rest, id_type), &[KeyKind::of(id_type)], argument)?;
            return Ok((Some(known), key));
        }
    }
    let key = parse_id(id, kinds, argument)?;
    if store.follows_constraints() && !matches!(key, Key::Uuid(_)) {
        let kind = |table: &&Table| {
            KeyKind::of(table.id_type())
                == if matches!(key, Key::Int(_)) {
                    KeyKind::Int
                } else {
                    KeyKind::Text
                }
        };
        let tables: Vec<&Table> = resources().filter(kind).collect();
        // Equal is what the type says: a citext in other letters.
        if let ([table], Key::Text(text)) = (tables.as_slice(), &key) {
            return Ok((
                None,
                Key::Text(in_form_of_key(text, table.id_type()).into_owned()),
            ));
        }
        if tables.len() > 1 {
            let name = |table: &&Table| {
                table
                    .resource_type
                    .clone()
                    .unwrap_or_else(|| table.sql_name.clone())
            };
            let examples: Vec<String> = tables
                .iter()
                .take(20)
                .map(|table| format!("{}/{id}", name(table)))
                .collect();
            return Err(Error::bad_argument(format!(
                "\"{}\" in {argument} can be a key of several tables",
                shown(id)
            ))
            .hint(format!("Specify the table: {}.", examples.join(", "))));
        }
    }
    Ok((None, key))
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
        Error::bad_argument(format!("malformed id \"{}\" in {argument}", shown(id)))
            .hint(format!("Ids of this store are {form}, without a type in front.")),
    )
}
