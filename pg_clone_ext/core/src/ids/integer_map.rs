//! The map of one integer key: source → new. Keys that stand close together, as those of a sequence do, are kept by their place
//! in a page: 8 to 23 bytes a key, and one cache line a lookup. All others are in a hash table: 22 to 28 bytes, three cache lines.

use super::OutOfMemory;
use super::id_map::table_bytes_after_growth;
use super::scattered_integers::ScatteredIntegers;
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

/// Possible keys of a page.
const PAGE: usize = 512;
/// Words of a page's bitmaps.
const WORDS: usize = PAGE / 64;
/// Keys that a page needs to be kept. With fewer, it would take more bytes than the hash table.
const KEPT: u16 = 192;
/// Pages that are being filled. More than one, because a table that was updated or vacuumed is not read in the order of its keys.
const OPEN: usize = 8;
/// The value of a place without a new key. Only the bitmaps tell it from a new key of this value.
const NONE: i64 = i64::MIN;

/// The keys of which all but the last nine bits are the same.
struct Page {
    number: i64,
    keys: u16,
    known: [u64; WORDS],
    not_cloned: [u64; WORDS],
    targets: [i64; PAGE],
}

/// Source key → new key, within a byte budget.
pub struct IntegerMap {
    pages: Vec<Box<Page>>,
    /// Number of a page → its place.
    places: HashTable<(i64, u32)>,
    /// Places of the pages that are being filled, the last used one last.
    open: Vec<u32>,
    /// Keys in pages.
    paged: u64,
    scattered: ScatteredIntegers,
    hasher: RandomState,
    budget: usize,
}

impl IntegerMap {
    /// An empty map that never holds more than `budget_bytes`.
    pub fn new(budget_bytes: usize) -> Self {
        IntegerMap {
            pages: Vec::new(),
            places: HashTable::new(),
            open: Vec::new(),
            paged: 0,
            scattered: ScatteredIntegers::new(),
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
        let (number, place) = split(source);
        if let Some(page) = self.place_of(number) {
            let page = &self.pages[page as usize];
            let target = page.targets[place];
            if target != NONE {
                return MappedInteger::Cloned(target);
            }
            if page.knows(place) {
                return page
                    .at(place)
                    .map_or(MappedInteger::NotCloned, MappedInteger::Cloned);
            }
        }
        if self.scattered.is_empty() {
            return MappedInteger::Unknown;
        }
        self.scattered.get(source)
    }

    /// Number of keys.
    pub fn len(&self) -> u64 {
        self.paged + self.scattered.len()
    }

    /// Whether there is no key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes of memory held.
    pub fn bytes(&self) -> usize {
        self.page_bytes() + self.scattered.bytes()
    }

    fn page_bytes(&self) -> usize {
        self.pages.len() * size_of::<Page>()
            + self.pages.capacity() * size_of::<Box<Page>>()
            + self.places.allocation_size()
    }

    fn place_of(&self, number: i64) -> Option<u32> {
        self.places
            .find(self.hasher.hash_one(number), |(of, _)| *of == number)
            .map(|(_, place)| *place)
    }

    fn put(&mut self, source: i64, target: Option<i64>) -> Result<(), OutOfMemory> {
        if !self.scattered.is_empty() && self.scattered.get(source) != MappedInteger::Unknown {
            return self.put_scattered(source, target);
        }
        let (number, place) = split(source);
        let page = match self.place_of(number) {
            Some(page) => {
                self.used(page);
                page
            }
            None => self.open_page(number)?,
        };
        if self.pages[page as usize].put(place, target) {
            self.paged += 1;
        }
        Ok(())
    }

    fn put_scattered(&mut self, source: i64, target: Option<i64>) -> Result<(), OutOfMemory> {
        let budget = self.budget.saturating_sub(self.page_bytes());
        self.scattered
            .put(source, target, budget)
            .map_err(|_| self.over(0))
    }

    fn over(&self, growth: usize) -> OutOfMemory {
        OutOfMemory {
            needed: self
                .bytes()
                .saturating_add(growth)
                .max(self.budget.saturating_add(1)),
            budget: self.budget,
            entries: self.len(),
        }
    }

    /// Makes an open page the one that was used last.
    fn used(&mut self, page: u32) {
        if self.open.last() != Some(&page)
            && let Some(at) = self.open.iter().position(|open| *open == page)
        {
            self.open[at..].rotate_left(1);
        }
    }

    fn open_page(&mut self, number: i64) -> Result<u32, OutOfMemory> {
        let free = if self.open.len() == OPEN {
            self.close_page()?
        } else {
            None
        };
        let page = match free {
            Some(page) => {
                self.pages[page as usize].clear(number);
                page
            }
            None => {
                self.make_room()?;
                self.pages.push(Page::new(number));
                (self.pages.len() - 1) as u32
            }
        };
        let hasher = &self.hasher;
        self.places
            .insert_unique(hasher.hash_one(number), (number, page), |(of, _)| {
                hasher.hash_one(of)
            });
        self.open.push(page);
        Ok(page)
    }

    /// Ends the filling of the page that was not used for longest. Its place if its keys are too few to keep it.
    fn close_page(&mut self) -> Result<Option<u32>, OutOfMemory> {
        let page = self.open.remove(0);
        if self.pages[page as usize].keys >= KEPT {
            return Ok(None);
        }
        let number = self.pages[page as usize].number;
        for place in 0..PAGE {
            let page = &self.pages[page as usize];
            if page.knows(place) {
                let target = page.at(place);
                self.put_scattered(number * PAGE as i64 + place as i64, target)?;
                self.paged -= 1;
            }
        }
        let found = self
            .places
            .find_entry(self.hasher.hash_one(number), |(of, _)| *of == number);
        if let Ok(entry) = found {
            entry.remove();
        }
        Ok(Some(page))
    }

    fn make_room(&mut self) -> Result<(), OutOfMemory> {
        let mut growth = size_of::<Page>();
        if self.places.len() == self.places.capacity() {
            growth += table_bytes_after_growth::<(i64, u32)>(self.places.capacity());
        }
        if self.pages.len() == self.pages.capacity() {
            growth += self.pages.len().max(4) * size_of::<Box<Page>>();
        }
        if self.bytes().saturating_add(growth) > self.budget || self.pages.len() >= u32::MAX as usize {
            return Err(self.over(growth));
        }
        let hasher = &self.hasher;
        let reserved = self.places.try_reserve(1, |(of, _)| hasher.hash_one(of)).is_ok()
            && self.pages.try_reserve(1).is_ok();
        if reserved { Ok(()) } else { Err(self.over(growth)) }
    }
}

impl Page {
    fn new(number: i64) -> Box<Self> {
        Box::new(Page {
            number,
            keys: 0,
            known: [0; WORDS],
            not_cloned: [0; WORDS],
            targets: [NONE; PAGE],
        })
    }

    fn clear(&mut self, number: i64) {
        self.number = number;
        self.keys = 0;
        self.known = [0; WORDS];
        self.not_cloned = [0; WORDS];
        self.targets = [NONE; PAGE];
    }

    fn knows(&self, place: usize) -> bool {
        self.known[place / 64] & bit(place) != 0
    }

    /// The new key of a known one; None if it is not cloned.
    fn at(&self, place: usize) -> Option<i64> {
        (self.not_cloned[place / 64] & bit(place) == 0).then_some(self.targets[place])
    }

    /// Whether the key was not known before.
    fn put(&mut self, place: usize, target: Option<i64>) -> bool {
        let is_new = !self.knows(place);
        match target {
            Some(target) => {
                self.targets[place] = target;
                self.not_cloned[place / 64] &= !bit(place);
            }
            None if is_new => self.not_cloned[place / 64] |= bit(place),
            None => {}
        }
        self.known[place / 64] |= bit(place);
        self.keys += u16::from(is_new);
        is_new
    }
}

/// The number of a key's page, and its place there.
fn split(source: i64) -> (i64, usize) {
    (
        source.div_euclid(PAGE as i64),
        source.rem_euclid(PAGE as i64) as usize,
    )
}

fn bit(place: usize) -> u64 {
    1 << (place % 64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

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
        // Every key, every third, every 7th (scattered), and keys of 64 bits.
        for step in [1, 2, 3, 7, 1 << 22] {
            for count in [60_000, 250_000, 500_000] {
                let mut map = IntegerMap::new(usize::MAX);
                for n in 0..count {
                    map.insert(n * step, n).unwrap();
                }
                assert!(
                    map.bytes() <= 32 * count as usize,
                    "{} bytes for {count} with step {step}",
                    map.bytes()
                );
                assert_eq!(map.get(step * (count - 1)), MappedInteger::Cloned(count - 1));
                assert_eq!(map.len(), count as u64);
            }
            let mut map = IntegerMap::new(1 << 20);
            let mut n = 0;
            while map.insert(n * step, n).is_ok() {
                n += 1;
            }
            assert!(n > 10_000 && map.bytes() <= 1 << 20, "{n} keys with step {step}");
        }
    }

    #[test]
    fn keys_of_a_sequence_take_9_bytes_although_some_are_read_out_of_order() {
        let mut map = IntegerMap::new(usize::MAX);
        for n in 0..200_000_i64 {
            // Every hundredth row was updated and stands at the end of the table.
            if n % 100 != 0 {
                map.insert(n, n).unwrap();
            }
            if n % 1000 == 1 {
                map.insert(1_000_000 + n, n).unwrap();
            }
        }
        for n in (0..200_000_i64).step_by(100) {
            map.insert(n, n).unwrap();
        }
        assert_eq!(map.len(), 200_200);
        assert!(map.bytes() < 9 * 200_000, "{} bytes", map.bytes());
    }

    fn key() -> impl Strategy<Value = i64> {
        prop_oneof![
            4 => 0..3000_i64,
            2 => -1500..1500_i64,
            1 => any::<i64>(),
            1 => Just(i64::MIN),
            1 => Just(i64::MAX),
        ]
    }

    proptest! {
        #[test]
        fn the_map_says_what_a_plain_one_says(steps in prop::collection::vec((key(), prop::option::of(any::<i64>()), 0..600_i64), 0..60)) {
            let mut map = IntegerMap::new(usize::MAX);
            let mut plain: HashMap<i64, Option<i64>> = HashMap::new();
            for (first, target, count) in steps {
                for n in 0..count {
                    let source = first.wrapping_add(n);
                    let target = target.map(|target| target.wrapping_add(n));
                    match target {
                        Some(target) => { map.insert(source, target).unwrap(); plain.insert(source, Some(target)); }
                        None => { map.insert_not_cloned(source).unwrap(); plain.entry(source).or_insert(None); }
                    }
                }
            }
            prop_assert_eq!(map.len(), plain.len() as u64);
            for (source, target) in &plain {
                let expected = target.map_or(MappedInteger::NotCloned, MappedInteger::Cloned);
                prop_assert_eq!(map.get(*source), expected);
                for near in [source.wrapping_sub(1), source.wrapping_add(1)] {
                    prop_assert_eq!(map.get(near) == MappedInteger::Unknown, !plain.contains_key(&near));
                }
            }
        }
    }
}
