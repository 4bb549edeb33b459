//! The new ids of one run, computed from a rank: nothing is stored per id.

use super::Id;
use siphasher::sip128::SipHasher24;

/// Kind of UUIDs that a run assigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum IdVersion {
    /// Random ids (RFC 9562 version 4).
    V4,
    /// Time-ordered ids (RFC 9562 version 7): the ids of a run are contiguous and go to one edge of a B-tree.
    #[default]
    V7,
    /// The source's ids.
    Same,
}

/// The new ids of one run: rank → id, distinct for distinct ranks.
///
/// Version 7 lays an id out as 48 bits of milliseconds, the version, 12 random bits of the run, the variant, 22 random
/// bits of the run, and the rank in the lowest 40 bits. Version 4 is a keyed hash (SipHash-2-4, 128 bits) of the rank.
#[derive(Clone)]
pub struct NewIds {
    version: IdVersion,
    /// Version 7: the id of rank 0.
    base: u128,
    /// Version 4: the hash under the run's key.
    keyed: SipHasher24,
}

/// Ranks that fit an id of version 7; larger ones wrap.
const RANK_BITS: u32 = 40;
const VERSION_MASK: u128 = 0xf << 76;
const VARIANT_MASK: u128 = 0b11 << 62;

impl NewIds {
    /// Ids of a run that started `unix_ms` milliseconds after 1970, with 16 bytes from a secure random source.
    pub fn new(version: IdVersion, unix_ms: u64, random: [u8; 16]) -> Self {
        let noise = u128::from_be_bytes(random) & !((1 << RANK_BITS) - 1) & ((1 << 80) - 1);
        let time = u128::from(unix_ms & ((1 << 48) - 1)) << 80;
        NewIds {
            version,
            base: stamp(time | noise, 7),
            keyed: SipHasher24::new_with_key(&random),
        }
    }

    /// The id of a rank below 2^40.
    #[inline]
    pub fn at(&self, rank: u64) -> Id {
        let rank = rank & ((1 << RANK_BITS) - 1);
        match self.version {
            // Of IdVersion::Same only when there is no source id.
            IdVersion::V7 | IdVersion::Same => (self.base | u128::from(rank)).to_be_bytes(),
            IdVersion::V4 => stamp(self.keyed.hash(&rank.to_le_bytes()).as_u128(), 4).to_be_bytes(),
        }
    }

    /// The id of a rank in place of this id of the source. Of random ids, that of a source id of version 7 has the time of the source's: what is
    /// ordered by it stays in order. 62 random bits are left.
    #[inline]
    pub fn in_place_of(&self, source: &Id, rank: u64) -> Id {
        let mut id = self.at(rank);
        if self.version == IdVersion::V4 && is_time_ordered(source) {
            id[..8].copy_from_slice(&source[..8]);
        }
        id
    }

    /// The version of the ids.
    pub fn version(&self) -> IdVersion {
        self.version
    }
}

/// Whether an id is of version 7 of RFC 9562, in the order of its time.
pub fn is_time_ordered(id: &Id) -> bool {
    id[6] >> 4 == 7 && id[8] >> 6 == 0b10
}

/// Sets the version and the variant of RFC 9562.
fn stamp(bits: u128, version: u128) -> u128 {
    (bits & !VERSION_MASK & !VARIANT_MASK) | version << 76 | 0b10 << 62
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::uuid_text;

    const RANDOM: [u8; 16] = [0xff; 16];
    const MS: u64 = 0x0197_a3c4_0f5e;

    #[test]
    fn version_7_is_contiguous_and_time_ordered() {
        let ids = NewIds::new(IdVersion::V7, MS, RANDOM);
        assert_eq!(
            uuid_text::to_string(&ids.at(0)),
            "0197a3c4-0f5e-7fff-bfff-ff0000000000"
        );
        assert_eq!(
            uuid_text::to_string(&ids.at(1)),
            "0197a3c4-0f5e-7fff-bfff-ff0000000001"
        );
        assert!(ids.at(255) < ids.at(256) && ids.at(65_535) < ids.at(65_536));
        let later = NewIds::new(IdVersion::V7, MS + 1, [0; 16]);
        assert!(ids.at((1 << 40) - 1) < later.at(0));
        assert_eq!(
            uuid_text::to_string(&later.at(7)),
            "0197a3c4-0f5f-7000-8000-000000000007"
        );
    }

    #[test]
    fn random_ids_in_place_of_time_ordered_ones_keep_their_order() {
        let source = NewIds::new(IdVersion::V7, MS, RANDOM);
        let ids = NewIds::new(IdVersion::V4, MS + 9, RANDOM);
        let of = |rank| ids.in_place_of(&source.at(rank), rank);
        assert_eq!(of(3)[..8], source.at(3)[..8]);
        assert_ne!(of(3)[8..], source.at(3)[8..]);
        assert_ne!(of(3), of(4));
        assert_eq!((of(3)[6] >> 4, of(3)[8] >> 6), (7, 0b10));
        let random = NewIds::new(IdVersion::V4, MS, [1; 16]).at(5);
        assert_eq!(ids.in_place_of(&random, 3), ids.at(3));
        // Contiguous ids are in the order of their ranks.
        assert_eq!(source.in_place_of(&ids.at(1), 3), source.at(3));
    }

    #[test]
    fn version_4_is_distinct_marked_and_depends_on_the_key() {
        let ids = NewIds::new(IdVersion::V4, MS, RANDOM);
        let other = NewIds::new(IdVersion::V4, MS, [1; 16]);
        let mut seen = std::collections::HashSet::new();
        for rank in 0..10_000 {
            let id = ids.at(rank);
            assert_eq!(id[6] >> 4, 4);
            assert_eq!(id[8] >> 6, 0b10);
            assert_eq!(id, ids.at(rank));
            assert!(seen.insert(id));
            assert!(seen.insert(other.at(rank)));
        }
    }
}
