//! The key maps of a run.

use super::keys::{Key, NewKey, in_form_of_key};
use super::state::{Run, over_budget};
use crate::pg::query::row::Row;
use pg_clone_core::error::{Code, Error, Result};
use pg_clone_core::ids::{IntegerMap, Mapped, MappedInteger, MappedText, TextIdMap, uuid_text};
use pg_clone_core::plan::{KeyForm, KeyKind, KeyRef, Oid, RowFilter};
use pg_clone_core::scan::text_keys::TextKeys;

impl Run {
    /// The new key of a row of one of these tables.
    pub fn new_key(&self, key: &Key, tables: &[Oid]) -> NewKey {
        if let Key::Uuid(_) = key {
            return self.new_key_of(key, &[]);
        }
        let keys: Vec<KeyRef> = tables
            .iter()
            .filter_map(|table| self.store.id_key(*table))
            .collect();
        self.new_key_of(key, &keys)
    }

    /// The new value of one of these keys.
    pub fn new_key_of(&self, key: &Key, keys: &[KeyRef]) -> NewKey {
        match key {
            Key::Uuid(id) => match self.ids.get(id) {
                Mapped::Cloned(new) => NewKey::To(Key::Uuid(new)),
                Mapped::NotCloned => NewKey::NotCloned,
                Mapped::Unknown => NewKey::Unknown,
            },
            Key::Text(text) => {
                let mut maps = keys.iter().filter_map(|key| self.text_keys.get(key)).peekable();
                let found = if maps.peek().is_some() || self.store.follows_constraints() {
                    maps.map(|map| map.get(text))
                        .find(|found| *found != MappedText::Unknown)
                        .unwrap_or(MappedText::Unknown)
                } else {
                    self.texts.get(text)
                };
                match found {
                    MappedText::Cloned(new) => NewKey::To(Key::Text(new.to_owned())),
                    MappedText::NotCloned => NewKey::NotCloned,
                    // A text column can hold integer keys of another table.
                    MappedText::Unknown => match text.parse::<i64>() {
                        Ok(number) if number.to_string() == *text => self.new_integer(number, keys),
                        _ => NewKey::Unknown,
                    },
                }
            }
            Key::Int(number) => match self.new_integer(*number, keys) {
                // An integer column can hold numeric or text keys of another table.
                NewKey::Unknown if keys.iter().any(|key| self.text_keys.contains_key(key)) => {
                    self.new_key_of(&Key::Text(number.to_string()), keys)
                }
                found => found,
            },
        }
    }

    /// The type of a key.
    pub fn key_type(&self, domain: KeyRef) -> &str {
        let found = self.store.column_of(domain);
        found.map_or("", |(_, column)| column.type_name.as_str())
    }

    /// The key that a text names, in the form of the maps, and its new value; None if the run knows no such key.
    pub fn new_key_of_text(&self, given: &str, domain: KeyRef) -> Option<(Key, NewKey)> {
        let key_type = self.key_type(domain);
        let canonical = in_form_of_key(given, key_type);
        let text = match KeyForm::of(key_type) {
            // In its own spelling, for the new one.
            KeyForm::Uuid => given,
            _ => canonical.as_ref(),
        };
        let integer = KeyKind::of(key_type) == KeyKind::Int;
        let key = match text.parse::<i64>() {
            // 007 and +7 are other texts than 7.
            Ok(number) if integer && number.to_string() == text => Key::Int(number),
            _ if integer => return None,
            _ => Key::parse(text),
        };
        match self.new_key_of(&key, &[domain]) {
            NewKey::Unknown => {
                let key = uuid_text::parse_input(text.as_bytes()).map(Key::Uuid)?;
                let new = self.new_key_of(&key, &[domain]);
                Some((key, new))
            }
            new => Some((key, new)),
        }
    }

    /// The text of a new key, spelled as the text that names the old one.
    pub fn spelled_like(&self, given: &str, key: &Key, new: &Key, domain: KeyRef) -> String {
        match (key, new) {
            (Key::Uuid(_), Key::Uuid(new)) => uuid_text::with_digits_of(given, new),
            _ => KeyForm::of(self.key_type(domain)).spelled_like(new.to_text(), given),
        }
    }

    fn new_integer(&self, number: i64, keys: &[KeyRef]) -> NewKey {
        keys.iter()
            .filter_map(|key| self.integers.get(key))
            .map(|map| map.get(number))
            .find(|found| *found != MappedInteger::Unknown)
            .map_or(NewKey::Unknown, |found| match found {
                MappedInteger::Cloned(new) => NewKey::To(Key::Int(new)),
                _ => NewKey::NotCloned,
            })
    }

    /// The key by which a row of `table` belongs to the clone; None if its parent is not cloned. In a store whose keys follow
    /// the database's constraints, a row of the project with unknown keys is an error (55000), because it would be lost silently.
    pub fn key_of_cloned_row(
        &self,
        table: Oid,
        row: &Row<'_>,
        row_filter: &RowFilter,
    ) -> Result<Option<Key>> {
        let found = self.passes(row, row_filter)?;
        if found.is_some() || !self.store.follows_constraints() || self.is_not_cloned(row, row_filter)? {
            return Ok(found);
        }
        let name = self
            .store
            .table(table)
            .map_or("", |table| table.sql_name.as_str());
        let by = match Key::read(row, row_filter.source, row_filter.kind, &row_filter.type_name)? {
            Some(key) => format!("it names \"{}\"", key.to_text()),
            None => "it names nothing".to_owned(),
        };
        Err(Error::new(
            Code::StoreChanged,
            format!("a row of {name} belongs to the project, but not to a row that is cloned: {by}"),
        )
        .hint("Check how its rows belong to the project: clone.store_relation, clone.store_membership and clone.store_reference. \
               If the value only looks different from the one that it names, write both in the same way."))
    }

    /// Whether a row of the project is known not to be cloned.
    pub fn leaves_out(&self, row: &Row<'_>, row_filter: &RowFilter) -> Result<bool> {
        Ok(self.passes(row, row_filter)?.is_none() && self.is_not_cloned(row, row_filter)?)
    }

    /// Whether a row is not cloned because its parent is not cloned.
    fn is_not_cloned(&self, row: &Row<'_>, row_filter: &RowFilter) -> Result<bool> {
        if row_filter.condition.is_none_or(|place| row.boolean(place))
            && let Some(key) = Key::read(row, row_filter.source, row_filter.kind, &row_filter.type_name)?
            && match self.new_key_of(&key, &row_filter.keys) {
                NewKey::NotCloned => true,
                NewKey::To(_) => self.is_skipped(&key, &row_filter.tables),
                NewKey::Unknown => false,
            }
        {
            return Ok(true);
        }
        for other in &row_filter.others {
            if self.is_not_cloned(row, other)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The key by which a row belongs to the clone.
    pub fn passes(&self, row: &Row<'_>, row_filter: &RowFilter) -> Result<Option<Key>> {
        if row_filter.condition.is_none_or(|place| row.boolean(place))
            && let Some(key) = Key::read(row, row_filter.source, row_filter.kind, &row_filter.type_name)?
            && matches!(self.new_key_of(&key, &row_filter.keys), NewKey::To(_))
            && !self.is_skipped(&key, &row_filter.tables)
        {
            return Ok(Some(key));
        }
        for other in &row_filter.others {
            if let Some(key) = self.passes(row, other)? {
                return Ok(Some(key));
            }
        }
        Ok(None)
    }

    fn is_skipped(&self, key: &Key, tables: &[Oid]) -> bool {
        !self.skipped_rows.is_empty()
            && !tables.is_empty()
            && tables
                .iter()
                .all(|table| self.skipped_rows.contains(&(*table, key.clone())))
    }

    /// The map of an integer key.
    pub fn integers_of(&mut self, key: KeyRef) -> &mut IntegerMap {
        let budget = self.ids.budget();
        self.integers
            .entry(key)
            .or_insert_with(|| IntegerMap::new(budget))
    }

    /// The map of a key of another type.
    pub fn texts_of(&mut self, key: KeyRef) -> &mut TextIdMap {
        let budget = self.ids.budget();
        self.text_keys
            .entry(key)
            .or_insert_with(|| TextIdMap::new(budget))
    }

    /// Whether texts that are keys have a map for each key.
    pub fn texts_by_key(&self) -> bool {
        self.store.follows_constraints()
    }

    /// Maps a key to a given value, if its row is cloned.
    pub fn pin(&mut self, key: &Key, table: Oid, new: &Key) -> Result<()> {
        let Some(own) = self.store.id_key(table) else {
            return Ok(());
        };
        if !matches!(self.new_key_of(key, &[own]), NewKey::To(_)) {
            return Ok(());
        }
        self.map_key(own, key, new)
    }

    /// Maps one value of a key that is not a UUID.
    pub fn map_key(&mut self, of: KeyRef, key: &Key, new: &Key) -> Result<()> {
        match (key, new) {
            (Key::Int(old), Key::Int(new)) => self.integers_of(of).insert(*old, *new),
            (Key::Uuid(old), Key::Uuid(new)) => self.ids_mut()?.insert_as(*old, *new),
            (Key::Text(old), new) if self.texts_by_key() => {
                let new = new.to_text();
                self.name_by_type(of, old, &new)?;
                self.texts_of(of).insert(old, &new)
            }
            (Key::Text(old), new) => self.texts_mut()?.insert(old, &new.to_text()),
            _ => Ok(()),
        }
        .map_err(over_budget)
    }

    /// Maps a reference with its type in documents: `Type/<id>`.
    fn name_by_type(&mut self, of: KeyRef, old: &str, new: &str) -> Result<()> {
        let Some(resource_type) = self.store.table(of.table).and_then(|t| t.resource_type.clone()) else {
            return Ok(());
        };
        let untyped = self.store.options.get("id_paths").is_some();
        let texts = self.texts_mut()?;
        texts
            .insert_typed(&resource_type, old, new)
            .map_err(over_budget)?;
        if untyped {
            texts.insert(old, new).map_err(over_budget)?;
        }
        Ok(())
    }

    /// With the store's option `text_keys`: "everywhere", generated keys are rewritten everywhere. Called after all keys are mapped.
    pub fn find_text_keys_everywhere(&mut self) -> Result<()> {
        if !self.texts_by_key() || !self.store.rewrites_text_keys_everywhere() {
            return Ok(());
        }
        let maps = std::mem::take(&mut self.text_keys);
        let added = maps.values().try_for_each(|map| self.add_everywhere(map));
        self.text_keys = maps;
        added
    }

    fn add_everywhere(&mut self, map: &TextIdMap) -> Result<()> {
        let texts = self.texts_mut()?;
        for (old, new) in map.untyped().filter(|(old, _)| TextKeys::is_distinctive(old)) {
            let new = match (texts.get(old), new) {
                // A text that two tables map to different values is kept.
                (MappedText::Cloned(known), Some(new)) if known != new => Some(old),
                (MappedText::Cloned(_), _) => continue,
                (_, new) => new,
            };
            texts.insert_anywhere(old, new).map_err(over_budget)?;
        }
        Ok(())
    }

    /// Marks a key as not cloned.
    pub fn mark_not_cloned(&mut self, key: &Key, table: Oid) -> Result<()> {
        let own = self.store.id_key(table);
        self.mark_key_not_cloned(key, own)
    }

    /// Marks a value of a key as not cloned.
    pub fn mark_key_not_cloned(&mut self, key: &Key, of: Option<KeyRef>) -> Result<()> {
        match (key, of) {
            (Key::Uuid(id), _) => self.ids_mut()?.insert_not_cloned(*id),
            (Key::Text(text), Some(of)) if self.texts_by_key() => {
                let map = self.texts_of(of);
                if map.get(text) == MappedText::Unknown {
                    map.insert_not_cloned(text)
                } else {
                    Ok(())
                }
            }
            (Key::Text(text), _) => self.texts_mut()?.insert_not_cloned(text),
            (Key::Int(number), Some(of)) => self.integers_of(of).insert_not_cloned(*number),
            (Key::Int(_), None) => Ok(()),
        }
        .map_err(over_budget)
    }
}
