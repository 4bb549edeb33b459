//! The map of a run: source id → new id, in 22 to 27 bytes an id (24.4 at 10 million).
//!
//! Ids get a slot in the order of insertion. The slot is the rank of the new id, so only the source id (16 bytes, in
//! chunks that never move) and a hash table of 4-byte slots are stored.

use super::{Id, IdVersion, NewIds, OutOfMemory};
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use std::hash::BuildHasher;
use std::mem::size_of;

/// What an id of the source is in the clone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mapped {
    /// Cloned under this id.
    Cloned(Id),
    /// A resource of the source that is not cloned: a reference to it dangles.
    NotCloned,
    /// No resource of the source.
    Unknown,
}

/// Source id → new id, within a byte budget.
pub struct IdMap {
    new_ids: NewIds,
    /// Source ids by slot.
    chunks: Vec<Vec<Id>>,
    slots: u32,
    /// Per source id: its kind in the two highest bits, its slot in the others.
    table: HashTable<u32>,
    /// Targets of the slots of kind `FIXED`.
    fixed: HashTable<(u32, Id)>,
    /// With a random key, because the source's users may choose their ids. The key is not disclosed, and a map lives only during
    /// its run.
    hasher: RandomState,
    budget: usize,
    cloned: u64,
    left: u64,
}

/// Source ids per chunk: 64 kB, so that a small clone stays small and 10 million ids need 2,442 allocations.
const CHUNK: usize = 4096;
const KIND: u32 = 0b11 << 30;
const CLONED: u32 = 0;
const LEFT: u32 = 1 << 30;
const FIXED: u32 = 2 << 30;

impl IdMap {
    /// An empty map that assigns `new_ids` and never uses more than `budget_bytes`.
    pub fn new(new_ids: NewIds, budget_bytes: usize) -> Self {
        IdMap {
            new_ids,
            chunks: Vec::new(),
            slots: 0,
            table: HashTable::new(),
            fixed: HashTable::new(),
            hasher: RandomState::default(),
            budget: budget_bytes,
            cloned: 0,
            left: 0,
        }
    }

    /// Marks an id as cloned and returns its new id: the same one every time. An id marked as not cloned becomes cloned.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the map would exceed its budget or memory; it is not changed.
    pub fn insert_cloned(&mut self, source: Id) -> Result<Id, OutOfMemory> {
        let entry = self.insert(source, CLONED)?;
        Ok(self.target(entry))
    }

    /// Maps an id to one the caller chose (rare: kept in a side table), whatever it was before.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the map would exceed its budget or memory.
    pub fn insert_as(&mut self, source: Id, target: Id) -> Result<(), OutOfMemory> {
        if self.fixed.len() == self.fixed.capacity() {
            self.check_growth(table_bytes_after_growth::<(u32, Id)>(self.fixed.capacity()))?;
        }
        let needed = self.bytes();
        let failed = OutOfMemory {
            needed,
            budget: self.budget,
            entries: u64::from(self.slots),
        };
        self.fixed
            .try_reserve(1, |(slot, _)| fixed_hash(*slot))
            .map_err(|_| failed)?;
        let slot = self.insert(source, FIXED)? & !KIND;
        match self.fixed.find_mut(fixed_hash(slot), |(other, _)| *other == slot) {
            Some(known) => known.1 = target,
            None => {
                self.fixed
                    .insert_unique(fixed_hash(slot), (slot, target), |(slot, _)| fixed_hash(*slot));
            }
        }
        Ok(())
    }

    /// Marks a resource of the source as not cloned. A mapped id is not changed.
    ///
    /// # Errors
    /// [`OutOfMemory`] if the map would exceed its budget or memory.
    pub fn insert_not_cloned(&mut self, source: Id) -> Result<(), OutOfMemory> {
        self.insert(source, LEFT).map(|_| ())
    }

    /// What an id of the source is in the clone.
    #[inline]
    pub fn get(&self, source: &Id) -> Mapped {
        match self.find(source) {
            None => Mapped::Unknown,
            Some(entry) if entry & KIND == LEFT => Mapped::NotCloned,
            Some(entry) => Mapped::Cloned(self.target(entry)),
        }
    }

    /// Number of ids that are mapped, fixed ones included.
    pub fn cloned(&self) -> u64 {
        self.cloned
    }

    /// Number of ids marked as not cloned.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<Id>()
            + self.chunks.capacity() * size_of::<Vec<Id>>()
            + self.table.allocation_size()
            + self.fixed.allocation_size()
    }

    /// Bytes the map may hold.
    pub fn budget(&self) -> usize {
        self.budget
    }

    /// Whether the map has no ids at all: nothing can be found in it.
    pub fn is_empty(&self) -> bool {
        self.slots == 0
    }

    /// Every id that is mapped, with its new id, in the order of insertion.
    pub fn iter_cloned(&self) -> impl Iterator<Item = (Id, Id)> + '_ {
        self.chunks
            .iter()
            .flatten()
            .filter_map(|source| match self.get(source) {
                Mapped::Cloned(target) => Some((*source, target)),
                Mapped::NotCloned | Mapped::Unknown => None,
            })
    }

    fn find(&self, source: &Id) -> Option<u32> {
        self.table
            .find(hash(&self.hasher, source), |entry| self.source(*entry) == source)
            .copied()
    }

    fn source(&self, entry: u32) -> &Id {
        let slot = (entry & !KIND) as usize;
        &self.chunks[slot / CHUNK][slot % CHUNK]
    }

    fn target(&self, entry: u32) -> Id {
        let slot = entry & !KIND;
        if entry & KIND == FIXED
            && let Some((_, target)) = self.fixed.find(fixed_hash(slot), |(other, _)| *other == slot)
        {
            return *target;
        }
        match self.new_ids.version() {
            IdVersion::Same => *self.source(entry),
            IdVersion::V4 | IdVersion::V7 => self.new_ids.in_place_of(self.source(entry), u64::from(slot)),
        }
    }

    /// Adds an id or raises its kind (not cloned < cloned < fixed); returns the entry in the table.
    fn insert(&mut self, source: Id, kind: u32) -> Result<u32, OutOfMemory> {
        let hash = hash(&self.hasher, &source);
        let chunks = &self.chunks;
        let known = self.table.find_mut(hash, |entry| {
            let slot = (*entry & !KIND) as usize;
            chunks[slot / CHUNK][slot % CHUNK] == source
        });
        if let Some(entry) = known {
            let before = *entry & KIND;
            if before == LEFT && kind != LEFT {
                self.left -= 1;
                self.cloned += 1;
            }
            if kind == FIXED || (before == LEFT && kind == CLONED) {
                *entry = kind | (*entry & !KIND);
            }
            return Ok(*entry);
        }
        self.make_room()?;
        let entry = kind | self.slots;
        // `make_room` has left a chunk with room at the end.
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.push(source);
        }
        let (chunks, hasher) = (&self.chunks, &self.hasher);
        self.table
            .insert_unique(hash, entry, |entry| hash_of(chunks, hasher, *entry));
        self.slots += 1;
        match kind {
            LEFT => self.left += 1,
            _ => self.cloned += 1,
        }
        Ok(entry)
    }

    /// Makes room for one more id in the last chunk and in the table.
    fn make_room(&mut self) -> Result<(), OutOfMemory> {
        if self.slots >= !KIND {
            return Err(self.over(usize::MAX));
        }
        if self.chunks.last().is_none_or(|chunk| chunk.len() == CHUNK) {
            self.check_growth(CHUNK * size_of::<Id>())?;
            let mut chunk = Vec::new();
            let reserved = chunk
                .try_reserve_exact(CHUNK)
                .and_then(|()| self.chunks.try_reserve(1));
            reserved.map_err(|_| self.over(self.bytes() + CHUNK * size_of::<Id>()))?;
            self.chunks.push(chunk);
        }
        if self.table.len() == self.table.capacity() {
            let growth = table_bytes_after_growth::<u32>(self.table.capacity());
            self.check_growth(growth)?;
            let (chunks, hasher) = (&self.chunks, &self.hasher);
            let reserved = self.table.try_reserve(1, |entry| hash_of(chunks, hasher, *entry));
            reserved.map_err(|_| self.over(self.bytes() + growth))?;
        }
        Ok(())
    }

    fn check_growth(&self, growth: usize) -> Result<(), OutOfMemory> {
        let needed = self.bytes().saturating_add(growth);
        if needed > self.budget {
            Err(self.over(needed))
        } else {
            Ok(())
        }
    }

    fn over(&self, needed: usize) -> OutOfMemory {
        OutOfMemory {
            needed,
            budget: self.budget,
            entries: u64::from(self.slots),
        }
    }
}

fn hash_of(chunks: &[Vec<Id>], hasher: &RandomState, entry: u32) -> u64 {
    let slot = (entry & !KIND) as usize;
    hash(hasher, &chunks[slot / CHUNK][slot % CHUNK])
}

/// Hashed as one number, which is much faster than as bytes of any length.
#[inline]
fn hash(hasher: &RandomState, id: &Id) -> u64 {
    hasher.hash_one(u128::from_ne_bytes(*id))
}

/// Slots are not chosen by users: it is enough to spread them over the bits that the table uses.
fn fixed_hash(slot: u32) -> u64 {
    u64::from(slot).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// Bytes of a full table of `capacity` entries after it has doubled: it holds 7/8 of a power of two of
/// entries, each with a control byte.
pub(super) fn table_bytes_after_growth<T>(capacity: usize) -> usize {
    let buckets = (capacity + 1).saturating_mul(8).div_ceil(7).next_power_of_two();
    buckets.saturating_mul(size_of::<T>() + 1).saturating_add(32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::IdVersion;

    fn map(budget: usize) -> IdMap {
        IdMap::new(NewIds::new(IdVersion::V7, 1_700_000_000_000, [7; 16]), budget)
    }

    fn id(n: u64) -> Id {
        (u128::from(n).wrapping_mul(0x1234_5678_9abc_def1_2345_6789_abcd_ef13)).to_be_bytes()
    }

    #[test]
    fn cloning_is_idempotent_and_ids_follow_the_order_of_insertion() {
        let mut map = map(usize::MAX);
        let first = map.insert_cloned(id(1)).unwrap();
        let second = map.insert_cloned(id(2)).unwrap();
        assert!(first < second);
        assert_eq!(map.insert_cloned(id(1)).unwrap(), first);
        assert_eq!(map.get(&id(1)), Mapped::Cloned(first));
        assert_eq!(map.get(&id(3)), Mapped::Unknown);
        assert_eq!((map.cloned(), map.left()), (2, 0));
    }

    #[test]
    fn a_left_id_dangles_until_it_is_cloned_and_never_the_other_way() {
        let mut map = map(usize::MAX);
        map.insert_not_cloned(id(1)).unwrap();
        map.insert_not_cloned(id(1)).unwrap();
        assert_eq!(map.get(&id(1)), Mapped::NotCloned);
        assert_eq!((map.cloned(), map.left()), (0, 1));
        let new = map.insert_cloned(id(1)).unwrap();
        map.insert_not_cloned(id(1)).unwrap();
        assert_eq!(map.get(&id(1)), Mapped::Cloned(new));
        assert_eq!((map.cloned(), map.left()), (1, 0));
    }

    #[test]
    fn a_fixed_target_wins_over_everything() {
        let mut map = map(usize::MAX);
        map.insert_as(id(1), id(100)).unwrap();
        assert_eq!(map.insert_cloned(id(1)).unwrap(), id(100));
        map.insert_cloned(id(2)).unwrap();
        map.insert_as(id(2), id(200)).unwrap();
        map.insert_not_cloned(id(3)).unwrap();
        map.insert_as(id(3), id(300)).unwrap();
        map.insert_as(id(3), id(301)).unwrap();
        assert_eq!(map.get(&id(2)), Mapped::Cloned(id(200)));
        assert_eq!(map.get(&id(3)), Mapped::Cloned(id(301)));
        assert_eq!((map.cloned(), map.left()), (3, 0));
        assert_eq!(map.iter_cloned().count(), 3);
    }

    #[test]
    fn many_ids_are_found_again_within_the_promised_bytes_each() {
        let mut map = map(usize::MAX);
        let count = 600_000;
        for n in 0..count {
            map.insert_cloned(id(n)).unwrap();
        }
        let ids = NewIds::new(IdVersion::V7, 1_700_000_000_000, [7; 16]);
        for n in (0..count).step_by(997) {
            assert_eq!(map.get(&id(n)), Mapped::Cloned(ids.at(n)));
        }
        let each = map.bytes() as f64 / count as f64;
        assert!(each <= 25.0, "{each} bytes an id");
    }

    #[test]
    fn over_the_budget_is_an_error_that_leaves_the_map_usable() {
        let budget = 200_000;
        let mut map = map(budget);
        let mut n = 0;
        let error = loop {
            match map.insert_cloned(id(n)) {
                Ok(_) => n += 1,
                Err(error) => break error,
            }
        };
        assert!(map.bytes() <= budget, "{} bytes", map.bytes());
        assert!(n >= 4096, "stopped at {n}");
        assert_eq!((error.budget, error.entries), (budget, n));
        assert!(error.needed > budget);
        assert!(matches!(map.get(&id(0)), Mapped::Cloned(_)));
        assert_eq!(map.get(&id(n)), Mapped::Unknown);
        assert!(map.insert_as(id(n), id(0)).is_err());
        assert_eq!(map.cloned(), n);
    }

    #[test]
    fn an_impossible_budget_refuses_the_first_id() {
        assert!(map(0).insert_cloned(id(1)).is_err());
        assert!(map(0).insert_not_cloned(id(1)).is_err());
        assert!(map(0).insert_as(id(1), id(2)).is_err());
    }
}
