//! Integer keys that are far from each other: source → new, in 22 to 28 bytes a key.

use super::OutOfMemory;
use super::id_map::table_bytes_after_growth;
use super::integer_map::MappedInteger;
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::mem::size_of;

/// Pairs per chunk: 64 kB, so that no growth copies all of them.
const CHUNK: usize = 4096;
/// The bit of a slot whose key is not cloned.
const LEFT: u32 = 1 << 31;

/// Source key → new key, within a byte budget. A lookup reads three cache lines.
pub(super) struct ScatteredIntegers {
    chunks: Vec<Vec<(i64, i64)>>,
    slots: u32,
    table: HashTable<u32>,
    hasher: RandomState,
}

impl ScatteredIntegers {
    /// An empty map.
    pub fn new() -> Self {
        ScatteredIntegers {
            chunks: Vec::new(),
            slots: 0,
            table: HashTable::new(),
            hasher: RandomState::default(),
        }
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

    /// Maps a key, or with `None` marks one as not cloned unless it is known.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the map would exceed its budget or memory.
    pub fn put(&mut self, source: i64, target: Option<i64>, budget: usize) -> Result<(), OutOfMemory> {
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
        self.make_room(budget)?;
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

    fn make_room(&mut self, budget: usize) -> Result<(), OutOfMemory> {
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
            budget,
            entries: u64::from(self.slots),
        };
        if self.slots >= LEFT || growth > 0 && needed > budget {
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
