//! Reads items: the sources of a call with included items, and the items that documents reference.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};

use pg_clone_core::depth::parse_shallow;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::item::options::{Include, Options};
use pg_clone_core::item::permission::{Access, Actor, may_fetch, require_fetch, unknown_item};
use pg_clone_core::item::references::provenance::Others;
use pg_clone_core::item::references::{self, Naming};
use pg_clone_core::item::set;
use pg_clone_core::item::source::Source;
use pg_clone_core::item::subtype::Cloneable;
use pg_clone_core::item::validation::validate::{Target, Targets};
use serde_json::{Map, Value};

use super::query::{self, Row};
use super::store::ItemStore;
use crate::error::internal;
use crate::pg::value::json_text::JsonText;

/// Called for every source, in order.
pub type Take<'t> = &'t mut dyn FnMut(Source) -> Result<()>;

/// How the sources are read.
pub struct Reading<'r> {
    /// The store.
    pub store: &'r ItemStore,
    /// The actor.
    pub actor: &'r Actor,
    /// The options of the call.
    pub options: &'r Options,
    /// Whether the items are a set.
    pub together: bool,
    /// Whether the ids of their history entries are wanted.
    pub revisions: bool,
}

impl Reading<'_> {
    /// Returns the source items, in the order of their ids, then the included ones; the actor may clone all of them.
    ///
    /// # Errors
    /// P0002 and 42501 as [`require_fetch`], 22023 for a subtype that cannot be cloned.
    pub fn sources(&self, ids: &[String], take: Take) -> Result<()> {
        let include = &self.options.include;
        for name in include.subtypes() {
            self.store.subtype(name)?;
        }
        let mut known: HashSet<String> = ids.iter().cloned().collect();
        let mut named = BTreeSet::new();
        let mut seeds = Vec::new();
        let mut expected = ids.iter();
        self.read(ids, &mut |source| {
            match expected.next() {
                Some(id) if *id == source.id => {}
                Some(id) => return Err(unknown_item(id)),
                None => return Ok(()),
            }
            let subtype = self.store.subtype(&source.item_subtype)?;
            require_fetch(self.actor, &source.id, &source.access, &subtype.item_roles)?;
            set::require_cloneable(&subtype, &source.id, self.together)?;
            if !include.is_empty() {
                self.note(&source, &mut named)?;
                seeds.push((source.id.clone(), source.item_subtype.clone()));
            }
            take(source)
        })?;
        if let Some(id) = expected.next() {
            return Err(unknown_item(id));
        }
        let mut next = self.members(&seeds, include)?;
        let mut wanted: BTreeSet<&String> = include.subtypes().collect();
        loop {
            next.append(&mut named);
            next.retain(|id| known.insert(id.clone()));
            if next.is_empty() {
                return Ok(());
            }
            let wave: Vec<String> = std::mem::take(&mut next).into_iter().collect();
            self.read(&wave, &mut |source| {
                let subtype = self.store.subtype(&source.item_subtype)?;
                // Items that the actor may not read are not included, so that their existence is not revealed.
                let readable = may_fetch(self.actor, &source.access, &subtype.item_roles);
                if !readable
                    || subtype.cloneable == Cloneable::Never
                    || !wanted.contains(&source.item_subtype)
                {
                    return Ok(());
                }
                self.note(&source, &mut named)?;
                take(source)
            })?;
            // Members are searched only for the items of the call; afterwards only references are followed.
            wanted = include.named.iter().collect();
        }
    }

    /// The items that a source references and that may be included.
    fn note(&self, source: &Source, named: &mut BTreeSet<String>) -> Result<()> {
        if self.options.include.named.is_empty() {
            return Ok(());
        }
        let subtype = self.store.subtype(&source.item_subtype)?;
        let document = Value::Object(source.content(self.options.from_history)?);
        for found in references::find(&subtype, &document)? {
            let any = found.subtypes.is_empty();
            if any
                || found
                    .subtypes
                    .iter()
                    .any(|name| self.options.include.named.contains(name))
            {
                named.insert(found.target);
            }
        }
        Ok(())
    }

    /// Items that are members of the items of the call, or reference them.
    fn members(&self, seeds: &[(String, String)], include: &Include) -> Result<BTreeSet<String>> {
        let seeds: Vec<(&str, &str)> = seeds.iter().map(|(id, of)| (id.as_str(), of.as_str())).collect();
        let sql = format!(
            "SELECT DISTINCT i.id FROM pg_catalog.jsonb_array_elements($1) n \
             JOIN {} i ON i.domain_info OPERATOR(pg_catalog.@>) n WHERE i.item_subtype::pg_catalog.text OPERATOR(pg_catalog.=) $2",
            self.store.table("item")
        );
        let mut found = BTreeSet::new();
        let ways = [
            (&include.members, Naming::Members),
            (&include.naming, Naming::Any),
        ];
        for (name, naming) in ways
            .iter()
            .flat_map(|(names, naming)| names.iter().map(move |n| (n, *naming)))
        {
            for seeds in seeds.chunks(1_000) {
                let needles = Value::Array(references::needles(&*self.store.subtype(name)?, seeds, naming));
                let arguments = [JsonText(needles.to_string()).into(), name.as_str().into()];
                query::rows(&sql, &arguments, &mut |row| {
                    found.extend(row.text(1)?);
                    Ok(())
                })?;
            }
        }
        Ok(found)
    }

    /// Items with their access settings, in the order of the ids; unknown ids are skipped.
    fn read(&self, ids: &[String], take: Take) -> Result<()> {
        let table = |name: &str| self.store.source(name);
        let revision = self.options.from_history;
        let history = match revision.is_some() {
            true => format!(
                "(SELECT h.item FROM {} h WHERE h.item_id OPERATOR(pg_catalog.=) i.id AND h.id OPERATOR(pg_catalog.=) $2)",
                table("item_history")
            ),
            false => "NULL::pg_catalog.jsonb".to_owned(),
        };
        let revisions = match revision.is_some() || self.revisions {
            true => format!(
                "(SELECT pg_catalog.jsonb_agg(h.id ORDER BY h.id DESC) FROM {} h WHERE h.item_id OPERATOR(pg_catalog.=) i.id)",
                table("item_history")
            ),
            false => "NULL::pg_catalog.jsonb".to_owned(),
        };
        let sql = format!(
            "SELECT i.id, i.item_subtype::pg_catalog.text, i.collection_id, i.display_name, i.user_metadata, i.domain_info, \
             i.record_type::pg_catalog.text OPERATOR(pg_catalog.=) 'SEED_ITEM', a.owner, pg_catalog.to_jsonb(a.general), a.groups, {history}, {revisions} \
             FROM pg_catalog.unnest($1) WITH ORDINALITY u (id, n) JOIN {} i ON i.id OPERATOR(pg_catalog.=) u.id \
             LEFT JOIN {} a ON a.id OPERATOR(pg_catalog.=) i.id ORDER BY u.n",
            table("item"),
            table("item_auth")
        );
        let arguments = [ids.to_vec().into(), revision.into()];
        let mut each = |row: &Row| {
            pgrx::check_for_interrupts!();
            take(source(row)?)
        };
        match ids.len() {
            0..=1 => query::rows(&sql, &arguments, &mut each),
            _ => query::stream(&sql, &arguments, &mut each),
        }
    }
}

fn source(row: &Row) -> Result<Source> {
    let id = row.string(1)?;
    let unreadable = |error: serde_json::Error| {
        Error::new(Code::TooDeep, format!("item {id} cannot be read: {error}"))
            .hint("A document may be nested at most 100 levels deep.")
    };
    let object = |text: Option<String>| -> Result<Option<Map<String, Value>>> {
        let value = text.map(|text| parse_shallow(&text)).transpose();
        let object = value.and_then(|value| value.map(serde_json::from_value).transpose());
        object.map_err(unreadable)
    };
    let value = |text: Option<String>| -> Result<Option<Value>> {
        text.map(|text| parse_shallow(&text))
            .transpose()
            .map_err(unreadable)
    };
    let list = |text: Option<String>| value(text).map(Option::unwrap_or_default);
    Ok(Source {
        item_subtype: row.string(2)?,
        collection_id: row.text(3)?,
        display_name: row.text(4)?,
        user_metadata: value(row.json(5)?)?,
        domain_info: object(row.json(6)?)?,
        seed: row.truth(7)?,
        access: access(row, 8)?,
        revision: object(row.json(11)?)?,
        revisions: serde_json::from_value::<Option<Vec<i32>>>(list(row.json(12)?)?)
            .map_err(internal)?
            .unwrap_or_default(),
        id,
    })
}

/// Access settings in three columns: owner, general, groups. Without a row only an admin has a role. The first column is the item's id.
///
/// # Errors
/// 55000 for settings that are not lists of texts.
pub fn access(row: &Row, column: usize) -> Result<Access> {
    let id = row.string(1)?;
    let unreadable = |error: serde_json::Error| {
        Error::new(
            Code::StoreChanged,
            format!("the access settings of item {id} cannot be read: {error}"),
        )
        .hint("Correct its row in item_auth: general is a list of roles, groups an object of such lists.")
    };
    Ok(Access {
        owner: row.string(column)?,
        general: match row.json(column + 1)? {
            Some(text) => serde_json::from_str(&text).map_err(unreadable)?,
            None => Vec::new(),
        },
        groups: match row.json(column + 2)? {
            Some(text) => serde_json::from_str(&text).map_err(unreadable)?,
            None => Default::default(),
        },
    })
}

/// New handles of a collection whose items are not written yet, with the handles of their sources.
pub type NewHandles = HashMap<String, String>;

/// What the store knows about items, and whether the actor may see them; unknown ids are absent. For items that will be written it uses
/// their sources.
pub fn targets(
    store: &ItemStore,
    actor: &Actor,
    ids: &BTreeSet<Cow<'_, str>>,
    new_handles: &NewHandles,
) -> Result<Targets> {
    let mut found = Targets::new();
    let columns = "i.id, i.item_subtype::pg_catalog.text, i.record_type::pg_catalog.text OPERATOR(pg_catalog.=) 'COMPLETE_ITEM', \
         a.owner, pg_catalog.to_jsonb(a.general), a.groups";
    each_known(
        store,
        columns,
        ids.iter().map(|id| &**id),
        new_handles,
        &mut |id, row| {
            let subtype = row.string(2)?;
            let roles = store.subtype(&subtype)?;
            let own = new_handles.contains_key(id);
            let target = Target {
                visible: own || may_fetch(actor, &access(row, 4)?, &roles.item_roles),
                complete: row.truth(3)?,
                subtype,
            };
            found.insert(id.to_owned(), target);
            Ok(())
        },
    )?;
    Ok(found)
}

/// The content of items, for provenance that follows a reference.
pub fn contents(store: &ItemStore, ids: &BTreeSet<String>, new_handles: &NewHandles) -> Result<Others> {
    let mut found = Others::new();
    let ids = ids.iter().map(String::as_str);
    each_known(store, "i.id, i.domain_info", ids, new_handles, &mut |id, row| {
        if let Some(text) = row.json(2)? {
            found.insert(id.to_owned(), parse_shallow(&text).map_err(internal)?);
        }
        Ok(())
    })?;
    Ok(found)
}

/// Reads items where they are: in the store's tables, and in those that the source is read from.
fn each_known<'i>(
    store: &ItemStore,
    columns: &str,
    ids: impl Iterator<Item = &'i str>,
    new_handles: &NewHandles,
    each: &mut dyn FnMut(&str, &Row) -> Result<()>,
) -> Result<()> {
    let mut asked: HashMap<&str, Vec<&str>> = HashMap::new();
    for id in ids {
        let known_by = new_handles.get(id).map_or(id, String::as_str);
        asked.entry(known_by).or_default().push(id);
    }
    if asked.is_empty() {
        return Ok(());
    }
    let list: Vec<String> = asked.keys().map(|id| (*id).to_owned()).collect();
    let mut places = vec![(store.table("item"), store.table("item_auth"))];
    if store.source("item") != store.table("item") {
        places.push((store.source("item"), store.source("item_auth")));
    }
    for (item, auth) in places {
        let sql = format!(
            "SELECT {columns} FROM {item} i LEFT JOIN {auth} a ON a.id OPERATOR(pg_catalog.=) i.id \
             WHERE i.id OPERATOR(pg_catalog.=) ANY ($1)"
        );
        query::rows(&sql, &[list.clone().into()], &mut |row| {
            let known_by = row.string(1)?;
            for id in asked.get(known_by.as_str()).into_iter().flatten() {
                each(id, row)?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
