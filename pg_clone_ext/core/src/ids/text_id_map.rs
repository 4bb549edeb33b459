//! The map of a store whose ids are not UUIDs (`bot-1`, `10378.1/1696289`): source text → new text.

use super::OutOfMemory;
use super::id_map::table_bytes_after_growth;
use hashbrown::HashTable;
use siphasher::sip::SipHasher13;
use std::hash::{BuildHasher, Hasher, RandomState};

/// What a text id of the source is in the clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappedText<'a> {
    /// Cloned under this id.
    Cloned(&'a str),
    /// A resource of the source that is not cloned.
    NotCloned,
    /// No resource of the source.
    Unknown,
}

/// Source text id → new text id, optionally per resource type, within a byte budget.
///
/// An id inserted with a type matches only with that type (`Bot/bot-1`); an id inserted without a type matches any.
pub struct TextIdMap {
    /// All texts, one after the other.
    arena: String,
    entries: Vec<Entry>,
    table: HashTable<u32>,
    hasher: SipHasher13,
    budget: usize,
    longest: usize,
    left: u64,
    /// The types that ids were inserted with.
    types: Vec<String>,
    /// Lengths in bytes, ascending, of the ids that are found anywhere in a text.
    lengths: Vec<usize>,
}

/// Where an entry's texts start in the arena (type, source, target follow each other) and how long they are.
#[derive(Clone, Copy)]
struct Entry {
    start: usize,
    type_len: u32,
    source_len: u32,
    target_len: u32,
    left: bool,
}

impl TextIdMap {
    /// An empty map that never holds more than `budget_bytes`.
    pub fn new(budget_bytes: usize) -> Self {
        let (one, two) = (RandomState::new(), RandomState::new());
        let keys = (one.build_hasher().finish(), two.build_hasher().finish());
        TextIdMap {
            arena: String::new(),
            entries: Vec::new(),
            table: HashTable::new(),
            hasher: SipHasher13::new_with_keys(keys.0, keys.1),
            budget: budget_bytes,
            longest: 0,
            left: 0,
            types: Vec::new(),
            lengths: Vec::new(),
        }
    }

    /// Maps an id of any type. The last insertion of an id wins.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the map would exceed its budget or memory.
    pub fn insert(&mut self, source: &str, target: &str) -> Result<(), OutOfMemory> {
        self.put("", source, Some(target))
    }

    /// Maps an id of one resource type.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the map would exceed its budget or memory.
    pub fn insert_typed(
        &mut self,
        resource_type: &str,
        source: &str,
        target: &str,
    ) -> Result<(), OutOfMemory> {
        self.put(resource_type, source, Some(target))
    }

    /// Maps an id that is found anywhere in a text, if no ASCII letter or digit is next to it; None: it is not
    /// cloned. For generated ids, which do not occur by chance.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the map would exceed its budget or memory.
    pub fn insert_anywhere(&mut self, source: &str, target: Option<&str>) -> Result<(), OutOfMemory> {
        if let Err(place) = self.lengths.binary_search(&source.len()) {
            self.lengths.insert(place, source.len());
        }
        self.put("", source, target)
    }

    /// Lengths in bytes, ascending, of the ids that are found anywhere in a text.
    pub fn lengths_anywhere(&self) -> &[usize] {
        &self.lengths
    }

    /// All ids without a type and what they are in the clone; None: not cloned.
    pub fn untyped(&self) -> impl Iterator<Item = (&str, Option<&str>)> {
        self.entries
            .iter()
            .filter(|entry| entry.type_len == 0)
            .map(|entry| {
                let source = &self.arena[entry.start..entry.start + entry.source_len as usize];
                (source, (!entry.left).then(|| self.target(entry)))
            })
    }

    /// Marks an id of any type as not cloned.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the map would exceed its budget or memory.
    pub fn insert_not_cloned(&mut self, source: &str) -> Result<(), OutOfMemory> {
        self.put("", source, None)
    }

    /// Marks an id of one resource type as not cloned.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the map would exceed its budget or memory.
    pub fn insert_left_typed(&mut self, resource_type: &str, source: &str) -> Result<(), OutOfMemory> {
        self.put(resource_type, source, None)
    }

    /// Looks up an id without a type (a declared id field or column).
    pub fn get(&self, source: &str) -> MappedText<'_> {
        self.lookup(b"", source.as_bytes())
    }

    /// Looks up an id of `resource_type`: as inserted for that type, otherwise as inserted for any.
    pub fn get_typed(&self, resource_type: &str, source: &str) -> MappedText<'_> {
        self.lookup_typed(resource_type.as_bytes(), source.as_bytes())
    }

    /// Whether there are no ids: nothing can be found.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Number of ids that are mapped.
    pub fn cloned(&self) -> u64 {
        self.entries.len() as u64 - self.left
    }

    /// Number of ids marked as not cloned.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Length in bytes of the longest source id.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Whether ids were inserted with this type.
    pub fn knows_type(&self, name: &[u8]) -> bool {
        self.types.iter().any(|known| known.as_bytes() == name)
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.arena.capacity() + self.entries.capacity() * size_of::<Entry>() + self.table.allocation_size()
    }

    /// Bytes the map may hold.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// [`Self::get_typed`] on bytes.
    pub(crate) fn lookup_typed(&self, resource_type: &[u8], source: &[u8]) -> MappedText<'_> {
        match self.lookup(resource_type, source) {
            MappedText::Unknown => self.lookup(b"", source),
            found => found,
        }
    }

    /// [`Self::get`] on bytes, for one type or (empty) for ids without a type.
    pub(crate) fn lookup(&self, resource_type: &[u8], source: &[u8]) -> MappedText<'_> {
        if source.len() > self.longest {
            return MappedText::Unknown;
        }
        match self.find(resource_type, source) {
            None => MappedText::Unknown,
            Some(index) => {
                let entry = &self.entries[index as usize];
                if entry.left {
                    MappedText::NotCloned
                } else {
                    MappedText::Cloned(self.target(entry))
                }
            }
        }
    }

    fn find(&self, resource_type: &[u8], source: &[u8]) -> Option<u32> {
        let hash = hash_of(&self.hasher, resource_type, source);
        let same = |index: &u32| self.key(*index) == (resource_type, source);
        self.table.find(hash, same).copied()
    }

    fn key(&self, index: u32) -> (&[u8], &[u8]) {
        key_of(&self.arena, &self.entries[index as usize])
    }

    fn target(&self, entry: &Entry) -> &str {
        let start = entry.start + (entry.type_len + entry.source_len) as usize;
        &self.arena[start..start + entry.target_len as usize]
    }

    fn put(&mut self, resource_type: &str, source: &str, target: Option<&str>) -> Result<(), OutOfMemory> {
        let known = self.find(resource_type.as_bytes(), source.as_bytes());
        let text = [resource_type, source, target.unwrap_or_default()];
        self.make_room(text.iter().map(|text| text.len()).sum())?;
        let entry = Entry {
            start: self.arena.len(),
            type_len: resource_type.len() as u32,
            source_len: source.len() as u32,
            target_len: target.map_or(0, str::len) as u32,
            left: target.is_none(),
        };
        text.iter().for_each(|text| self.arena.push_str(text));
        if !resource_type.is_empty() && !self.knows_type(resource_type.as_bytes()) {
            self.types.push(resource_type.to_owned());
        }
        self.longest = self.longest.max(source.len());
        self.left += u64::from(entry.left);
        if let Some(index) = known {
            self.left -= u64::from(self.entries[index as usize].left);
            self.entries[index as usize] = entry;
            return Ok(());
        }
        let hash = hash_of(&self.hasher, resource_type.as_bytes(), source.as_bytes());
        self.entries.push(entry);
        let (arena, entries, hasher) = (&self.arena, &self.entries, &self.hasher);
        self.table.insert_unique(hash, entries.len() as u32 - 1, |index| {
            rehash(arena, entries, hasher, *index)
        });
        Ok(())
    }

    /// Makes room for one more entry of `text` bytes.
    fn make_room(&mut self, text: usize) -> Result<(), OutOfMemory> {
        let doubled = |len: usize, capacity: usize, more: usize| {
            if len + more > capacity {
                (capacity * 2).max(len + more).max(64)
            } else {
                0
            }
        };
        let mut growth = doubled(self.arena.len(), self.arena.capacity(), text)
            + doubled(self.entries.len(), self.entries.capacity(), 1) * size_of::<Entry>();
        if self.table.len() == self.table.capacity() {
            growth = growth.saturating_add(table_bytes_after_growth::<u32>(self.table.capacity()));
        }
        let (needed, entries) = (self.bytes().saturating_add(growth), self.entries.len() as u64);
        let over = OutOfMemory {
            needed,
            budget: self.budget,
            entries,
        };
        let too_many = text > u32::MAX as usize || self.entries.len() >= u32::MAX as usize;
        if growth > 0 && needed > self.budget || too_many {
            return Err(over);
        }
        self.arena.try_reserve(text).map_err(|_| over)?;
        self.entries.try_reserve(1).map_err(|_| over)?;
        let (arena, entries, hasher) = (&self.arena, &self.entries, &self.hasher);
        self.table
            .try_reserve(1, |index| rehash(arena, entries, hasher, *index))
            .map_err(|_| over)
    }
}

fn key_of<'a>(arena: &'a str, entry: &Entry) -> (&'a [u8], &'a [u8]) {
    let (resource_type, rest) = arena.as_bytes()[entry.start..].split_at(entry.type_len as usize);
    (resource_type, &rest[..entry.source_len as usize])
}

fn rehash(arena: &str, entries: &[Entry], hasher: &SipHasher13, index: u32) -> u64 {
    let (resource_type, source) = key_of(arena, &entries[index as usize]);
    hash_of(hasher, resource_type, source)
}

fn hash_of(hasher: &SipHasher13, resource_type: &[u8], source: &[u8]) -> u64 {
    let mut hasher = *hasher;
    hasher.write(resource_type);
    hasher.write_u8(0);
    hasher.write(source);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_of_a_type_is_not_that_of_another() {
        let mut map = TextIdMap::new(usize::MAX);
        map.insert_typed("Bot", "1", "b1").unwrap();
        map.insert_typed("Patient", "1", "p1").unwrap();
        map.insert("10378.1/1", "10378.1/2").unwrap();
        map.insert_left_typed("Patient", "2").unwrap();
        assert_eq!(map.get_typed("Bot", "1"), MappedText::Cloned("b1"));
        assert_eq!(map.get_typed("Patient", "1"), MappedText::Cloned("p1"));
        assert_eq!(map.get_typed("Task", "1"), MappedText::Unknown);
        assert_eq!(map.get("1"), MappedText::Unknown);
        assert_eq!(
            map.get_typed("Dataset", "10378.1/1"),
            MappedText::Cloned("10378.1/2")
        );
        assert_eq!(map.get_typed("Patient", "2"), MappedText::NotCloned);
        assert_eq!((map.cloned(), map.left()), (3, 1));
        assert!(map.knows_type(b"Bot") && !map.knows_type(b"bot") && !map.knows_type(b""));
    }

    #[test]
    fn the_last_insertion_wins() {
        let mut map = TextIdMap::new(usize::MAX);
        map.insert_not_cloned("a").unwrap();
        map.insert("a", "x").unwrap();
        map.insert("a", "longer").unwrap();
        assert_eq!(map.get("a"), MappedText::Cloned("longer"));
        assert_eq!((map.cloned(), map.left()), (1, 0));
    }

    #[test]
    fn many_ids_are_found_and_a_budget_holds() {
        let mut map = TextIdMap::new(1_000_000);
        let mut n = 0;
        let error = loop {
            match map.insert(&format!("10378.1/{n}"), &format!("new-{n}")) {
                Ok(()) => n += 1,
                Err(error) => break error,
            }
        };
        assert!(n > 5_000, "stopped at {n}");
        assert!(map.bytes() <= 1_000_000);
        assert_eq!(error.entries, n);
        for k in (0..n).step_by(97) {
            assert_eq!(
                map.get(&format!("10378.1/{k}")),
                MappedText::Cloned(&format!("new-{k}"))
            );
        }
        assert_eq!(map.get(&format!("10378.1/{n}")), MappedText::Unknown);
    }
}
