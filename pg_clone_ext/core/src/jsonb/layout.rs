//! The constants of PostgreSQL's on-disk format of `jsonb`: a container is a header word, one entry word per child, and
//! the children's data one after the other; numbers and containers begin at a multiple of 4 bytes.
//!
//! All words are in the byte order of the machine, as in the server.

/// Size of a header or entry word, and the alignment of numbers and containers.
pub(super) const WORD: usize = 4;

/// Bits of an entry that hold its length or the offset of its end.
pub(super) const LENGTH_MASK: u32 = 0x0fff_ffff;
/// The entry holds the offset of its end, counted from the first child's data, and not a length.
pub(super) const HAS_OFFSET: u32 = 0x8000_0000;
/// Bits of an entry that hold the type of the child.
pub(super) const TYPE_MASK: u32 = 0x7000_0000;
pub(super) const STRING: u32 = 0x0000_0000;
pub(super) const NUMERIC: u32 = 0x1000_0000;
pub(super) const FALSE: u32 = 0x2000_0000;
pub(super) const TRUE: u32 = 0x3000_0000;
pub(super) const NULL: u32 = 0x4000_0000;
pub(super) const CONTAINER: u32 = 0x5000_0000;

/// Bits of a container's header that hold its number of elements or pairs.
pub(super) const COUNT_MASK: u32 = 0x0fff_ffff;
/// The array represents a scalar, its only element (at the root only).
pub(super) const IS_SCALAR: u32 = 0x1000_0000;
pub(super) const IS_OBJECT: u32 = 0x2000_0000;
pub(super) const IS_ARRAY: u32 = 0x4000_0000;

/// Every 32nd child's entry holds an offset, the others a length: this is fast to search and compresses well.
pub(super) const OFFSET_STRIDE: usize = 32;

/// The word at an offset.
#[inline]
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes
        .get(at..)?
        .first_chunk()
        .map(|word| u32::from_ne_bytes(*word))
}

/// The next multiple of 4.
#[inline]
pub(super) fn aligned(offset: usize) -> usize {
    offset.next_multiple_of(WORD)
}
