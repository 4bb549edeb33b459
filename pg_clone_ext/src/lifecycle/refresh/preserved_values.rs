//! Values of the replaced clone's rows that the new rows with the same keys have again: texts that a clone makes because they must be unique,
//! random ones, and what was entered where a clone has NULL.

use crate::lifecycle::ids::table_of_keys;
use crate::lifecycle::refresh::preserved_ids::{Identity, key_in};
use crate::pg::query::for_each_row;
use crate::run::keys::{Key, NewKey, in_form_of_key};
use crate::run::map::new_keys::length_of;
use crate::run::state::Run;
use pg_clone_core::error::Result;
use pg_clone_core::ids::no_value::stands_for_null;
use pg_clone_core::ids::text_form::TextForm;
use pg_clone_core::plan::{
    Column, ColumnRole, KeyKind, KeyRef, Oid, SUFFIX, SourceQuery, Table, TableRole, could_make, key_column,
};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Values of a column, other than the row's key, that rows have again.
pub struct PreservedColumn {
    /// Its table.
    pub table: Oid,
    /// Its name.
    pub name: String,
    /// The values.
    pub values: Vec<String>,
}

/// Maps the values of unique columns to the old clone's, and sets the other values in `run.preserved`. `identities` have been mapped.
pub fn pin<'i>(
    run: &mut Run,
    identities: impl Iterator<Item = &'i Identity> + Clone,
) -> Result<Vec<PreservedColumn>> {
    let mut found = Vec::new();
    for table in run.store.tables.clone() {
        let columns: Vec<&Column> = match table.role {
            TableRole::Project | TableRole::Resource if !table.empty => preservable(&table),
            _ => continue,
        };
        let own = table_of_keys(&run.store, &table);
        // In the order of the keys, so that each refresh gives the same.
        let pairs: BTreeMap<Key, Key> = identities
            .clone()
            .filter(|identity| identity.table == own)
            .map(|identity| {
                let key = |text: &str| key_in(&run.store, identity, text);
                (key(&identity.source), key(&identity.target))
            })
            .filter(|(source, target)| {
                matches!(run.new_key(source, &[table.oid]), NewKey::To(new) if new == *target)
            })
            .collect();
        if columns.is_empty() || pairs.is_empty() {
            continue;
        }
        let id_type = table.id_type();
        let in_form = |key: &Key| Key::of_type(&in_form_of_key(&key.to_text(), id_type), id_type);
        let new = texts(&table, &table.sql_name, &columns, pairs.values())?;
        let old = texts(&table, table.source_name(), &columns, pairs.keys())?;
        for (place, column) in columns.iter().enumerate() {
            let further = further_key(&table, column);
            let is_name = is_name(column, old.values().filter_map(|row| row.get(place)?.as_deref()));
            let there = keys_given_again(run, identities.clone(), column);
            let mut kept = Vec::new();
            // Identifiers that several rows share: rows that have come together or apart since then do so in the clone, too.
            let (mut mapped, mut given) = (HashSet::new(), HashSet::new());
            for (source, target) in &pairs {
                let (Some(Some(was)), Some(Some(made))) = (
                    old.get(source).map(|row| row.get(place)),
                    new.get(&in_form(target)).map(|row| row.get(place)),
                ) else {
                    continue;
                };
                let goes = |made: &str| there.as_ref().is_some_and(|there| !there.contains(made));
                if !stays(run, column, is_name, was.as_deref(), made.as_deref(), target)
                    || made.as_deref().is_some_and(goes)
                {
                    continue;
                }
                match (further, was, made) {
                    (Some(key), Some(was), Some(made)) if !stands_for_null(was) => {
                        let of_type = |text: &str| Key::of_type(text, &column.type_name);
                        let (old_key, new_key) = (of_type(was), of_type(made));
                        if matches!(run.new_key_of(&old_key, &[key]), NewKey::To(_))
                            && !mapped.contains(was)
                            && given.insert(made)
                        {
                            mapped.insert(was);
                            run.map_key(key, &old_key, &new_key)?;
                            kept.push(made.clone());
                        }
                    }
                    (Some(_), ..) => {}
                    (None, ..) => {
                        let row = run.preserved.entry((table.oid, source.clone())).or_default();
                        row.insert(column.name.clone(), made.clone());
                        kept.extend(made.clone());
                    }
                }
            }
            if !kept.is_empty() {
                found.push(PreservedColumn {
                    table: table.oid,
                    name: column.name.clone(),
                    values: kept,
                });
            }
        }
    }
    Ok(found)
}

/// The columns whose values a clone makes, and those that it empties.
fn preservable(table: &Table) -> Vec<&Column> {
    let made = |column: &&Column| {
        let by_role = matches!(
            column.role,
            ColumnRole::Random | ColumnRole::Template(_) | ColumnRole::Null | ColumnRole::NewUuid
        );
        let mapped = further_key(table, column).is_some()
            && !matches!(
                column.role,
                ColumnRole::Keep | ColumnRole::Value(_) | ColumnRole::Expression(_) | ColumnRole::Project
            );
        !column.generated && table.id_column.as_ref() != Some(&column.name) && (by_role || mapped)
    };
    table.columns.iter().filter(made).collect()
}

/// The key that the values of a column are, if something refers to it.
fn further_key(table: &Table, column: &Column) -> Option<KeyRef> {
    let own = table.key_ref(&column.name);
    column.keys.holds.filter(|holds| Some(*holds) == own)
}

/// The keys of the old clone's rows that are given again, of the table to which a column refers in which a clone has NULL. None: the column is
/// no such reference. What was entered there and names another row goes with it.
fn keys_given_again<'i>(
    run: &Run,
    identities: impl Iterator<Item = &'i Identity>,
    column: &Column,
) -> Option<HashSet<&'i str>> {
    let named = column.keys.holds.and_then(|key| run.store.column_of(key));
    let (table, key) = named.filter(|(table, _)| column.role == ColumnRole::Null && table.cloned)?;
    if table.id_column.as_deref() != Some(key.name.as_str()) {
        return Some(HashSet::new());
    }
    let own = table_of_keys(&run.store, table);
    let given_again = |identity: &&Identity| {
        let source = key_in(&run.store, identity, &identity.source);
        matches!(run.new_key(&source, &[table.oid]), NewKey::To(new) if new.to_text() == identity.target)
    };
    let targets = identities
        .filter(|identity| identity.table == own)
        .filter(given_again)
        .map(|identity| identity.target.as_str());
    Some(targets.collect())
}

/// Whether the values of a column are texts that people chose, something of which is in the new ones. Only texts that are no UUIDs have a form.
fn is_name<'v>(column: &Column, values: impl Iterator<Item = &'v str>) -> bool {
    let texts: Vec<&str> = values
        .filter(|text| {
            matches!(Key::of_type(text, &column.type_name), Key::Text(_)) && !stands_for_null(text)
        })
        .collect();
    !texts.is_empty()
        && TextForm::of(texts.iter().copied()) == TextForm::Name
        && TextForm::keeps_name(length_of(&column.type_name))
}

/// Whether a value of the old clone is still right. One that was made of the source's value is not, if the source has another one now.
fn stays(
    run: &Run,
    column: &Column,
    is_name: bool,
    source: Option<&str>,
    made: Option<&str>,
    target: &Key,
) -> bool {
    let is_made_of_source = |template: &str| {
        let (Some(source), Some(made)) = (source, made) else {
            return false;
        };
        let project = run.request.options.replace.as_deref().unwrap_or_default();
        let new_id = target.to_text();
        let filled = [
            ("{value}", source),
            ("{project}", project),
            ("{new_id}", new_id.as_str()),
        ];
        could_make(template, made, &filled, length_of(&column.type_name))
    };
    match &column.role {
        ColumnRole::Null => true,
        ColumnRole::Random | ColumnRole::NewUuid => made.is_some(),
        // The call may give another name.
        ColumnRole::Template(template) => !template.contains("{name}") && is_made_of_source(template),
        // A key that people chose has random characters behind the source's; others are random as a whole.
        _ if is_name => is_made_of_source(SUFFIX),
        _ => source.is_some() && made.is_some(),
    }
}

/// The texts of these columns in the rows of a table with these keys, by key.
fn texts<'k>(
    table: &Table,
    relation: &str,
    columns: &[&Column],
    keys: impl Iterator<Item = &'k Key>,
) -> Result<HashMap<Key, Vec<Option<String>>>> {
    let mut found = HashMap::new();
    let Some(id) = &table.id_column else {
        return Ok(found);
    };
    let id_type = table.type_of(id);
    let selected: Vec<String> = columns
        .iter()
        .map(|column| match further_key(table, column) {
            // In the form of the maps.
            Some(_) => format!("({})::pg_catalog.text", key_column(table, &column.name)),
            None => table.text_of("t", &column.name),
        })
        .collect();
    let sql = SourceQuery::over(relation)
        .any_of(table, id, keys.map(Key::to_text))
        .select(&format!("{}, {}", key_column(table, id), selected.join(", ")));
    for_each_row(&sql, &mut |row| {
        let Some(row) = row else { return Ok(()) };
        let Some(key) = Key::read(row, 0, KeyKind::of(id_type), id_type)? else {
            return Ok(());
        };
        let values: Result<Vec<Option<String>>> = (1..=columns.len())
            .map(|place| Ok(row.text(place)?.map(|text| text.into_owned())))
            .collect();
        found.insert(key, values?);
        Ok(())
    })?;
    Ok(found)
}
