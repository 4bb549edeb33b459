//! The map of one integer key: source → new, in 22 to 28 bytes a key.

use super::OutOfMemory;
use super::id_map::table_bytes_after_growth;
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::mem::size_of;

/// What an integer key of the source is in the clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MappedInteger {
    /// Cloned under this one.
    Cloned(i64),
    /// Its row is not cloned.
    NotCloned,
    /// No row of the source has it.
    Unknown,
}

/// Pairs per chunk: 64 kB, so that no growth copies all of them.
const CHUNK: usize = 4096;
/// The bit of a slot whose key is not cloned.
const LEFT: u32 = 1 << 31;

/// Source key → new key, within a byte budget.
pub struct IntegerMap {
    chunks: Vec<Vec<(i64, i64)>>,
    slots: u32,
    table: HashTable<u32>,
    hasher: RandomState,
    budget: usize,
}

impl IntegerMap {
    /// An empty map that never holds more than `budget_bytes`.
    pub fn new(budget_bytes: usize) -> Self {
        IntegerMap {
            chunks: Vec::new(),
            slots: 0,
            table: HashTable::new(),
            hasher: RandomState::default(),
            budget: budget_bytes,
        }
    }

    /// Maps a key, whatever it was before.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the map would exceed its budget or memory.
    pub fn insert(&mut self, source: i64, target: i64) -> Result<(), OutOfMemory> {
        self.put(source, Some(target))
    }

    /// Marks a key as not cloned. A mapped key is not changed.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the map would exceed its budget or memory.
    pub fn insert_not_cloned(&mut self, source: i64) -> Result<(), OutOfMemory> {
        self.put(source, None)
    }

    /// What a key of the source is in the clone.
    #[inline]
    pub fn get(&self, source: i64) -> MappedInteger {
        let found = self.table.find(self.hasher.hash_one(source), |entry| {
            pair(&self.chunks, *entry).0 == source
        });
        match found {
            None => MappedInteger::Unknown,
            Some(entry) if entry & LEFT != 0 => MappedInteger::NotCloned,
            Some(entry) => MappedInteger::Cloned(pair(&self.chunks, *entry).1),
        }
    }

    /// Number of keys.
    pub fn len(&self) -> u64 {
        u64::from(self.slots)
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.slots == 0
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<(i64, i64)>()
            + self.chunks.capacity() * size_of::<Vec<(i64, i64)>>()
            + self.table.allocation_size()
    }

    fn put(&mut self, source: i64, target: Option<i64>) -> Result<(), OutOfMemory> {
        let hash = self.hasher.hash_one(source);
        let chunks = &mut self.chunks;
        let known = self
            .table
            .find_mut(hash, |entry| pair(chunks, *entry).0 == source);
        if let Some(entry) = known {
            if let Some(target) = target {
                *entry &= !LEFT;
                let slot = *entry as usize;
                chunks[slot / CHUNK][slot % CHUNK].1 = target;
            }
            return Ok(());
        }
        self.make_room()?;
        let entry = self.slots | if target.is_none() { LEFT } else { 0 };
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push((source, target.unwrap_or_default()));
        }
        let (chunks, hasher) = (&self.chunks, &self.hasher);
        self.table
            .insert_unique(hash, entry, |entry| hasher.hash_one(pair(chunks, *entry).0));
        self.slots += 1;
        Ok(())
    }

    fn make_room(&mut self) -> Result<(), OutOfMemory> {
        let mut growth = 0;
        let full = self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK);
        if full {
            growth += CHUNK * size_of::<(i64, i64)>();
        }
        if self.table.len() == self.table.capacity() {
            growth += table_bytes_after_growth::<u32>(self.table.capacity());
        }
        let needed = self.bytes().saturating_add(growth);
        let over = OutOfMemory {
            needed,
            budget: self.budget,
            entries: u64::from(self.slots),
        };
        if self.slots >= LEFT || growth > 0 && needed > self.budget {
            return Err(over);
        }
        if full {
            let mut chunk = Vec::new();
            chunk.try_reserve_exact(CHUNK).map_err(|_| over)?;
            self.chunks.try_reserve(1).map_err(|_| over)?;
            self.chunks.push(chunk);
        }
        let (chunks, hasher) = (&self.chunks, &self.hasher);
        self.table
            .try_reserve(1, |entry| hasher.hash_one(pair(chunks, *entry).0))
            .map_err(|_| over)
    }
}

fn pair(chunks: &[Vec<(i64, i64)>], entry: u32) -> (i64, i64) {
    let slot = (entry & !LEFT) as usize;
    chunks[slot / CHUNK][slot % CHUNK]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_mapped_left_and_mapped_after_all() {
        let mut map = IntegerMap::new(usize::MAX);
        map.insert(1, 11).unwrap();
        map.insert_not_cloned(2).unwrap();
        map.insert_not_cloned(1).unwrap();
        assert_eq!(map.get(1), MappedInteger::Cloned(11));
        assert_eq!(map.get(2), MappedInteger::NotCloned);
        assert_eq!(map.get(3), MappedInteger::Unknown);
        map.insert(2, i64::MIN).unwrap();
        assert_eq!(map.get(2), MappedInteger::Cloned(i64::MIN));
        assert_eq!(map.len(), 2);
    }

    #[test]
    fn a_key_takes_at_most_32_bytes_and_a_budget_holds() {
        for count in [60_000, 250_000, 500_000] {
            let mut map = IntegerMap::new(usize::MAX);
            for n in 0..count {
                map.insert(n * 7, n).unwrap();
            }
            assert!(
                map.bytes() <= 32 * count as usize,
                "{} bytes for {count}",
                map.bytes()
            );
            assert_eq!(map.get(7 * (count - 1)), MappedInteger::Cloned(count - 1));
        }
        let mut map = IntegerMap::new(1 << 20);
        let mut n = 0;
        while map.insert(n, n).is_ok() {
            n += 1;
        }
        assert!(n > 10_000 && map.bytes() <= 1 << 20, "{n} keys");
    }
}
