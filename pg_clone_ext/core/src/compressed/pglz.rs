//! The format pglz: the bits of a control byte, lowest first, say which of the next eight items is a literal byte (0)
//! and which a copy (1). A copy has four bits for the length minus 3 and twelve for the distance; after length 18 follows a
//! byte to add. (Source: the server's `src/common/pg_lzcompress.c`.)

use super::CompressedError::{self, Damaged};
use super::{repeated, repeats};
use crate::interrupt;

/// The shortest copy, and the shortest with the byte to add.
const SHORTEST: usize = 3;
const SHORT: usize = 18;
/// Items of a control byte.
const ITEMS: usize = 8;

/// The next item of a stream.
enum Item {
    /// This many literals, from this place of the stream on: one to eight.
    Literals { from: usize, count: usize },
    /// A copy.
    Copy { distance: usize, length: usize },
}

/// Reads a stream item by item.
struct Items<'a> {
    stream: &'a [u8],
    at: usize,
    /// The control bits that are not used yet.
    control: u8,
    left: usize,
}

impl<'a> Items<'a> {
    fn new(stream: &'a [u8]) -> Self {
        Items {
            stream,
            at: 0,
            control: 0,
            left: 0,
        }
    }

    /// The next item; at most `wanted` literals, because nothing follows the last byte of a value.
    #[inline]
    fn next(&mut self, wanted: usize) -> Result<Item, CompressedError> {
        if self.left == 0 {
            self.control = self.byte()?;
            self.left = ITEMS;
        }
        // Zero bits are shifted in from above, so a run of literals is never counted too short.
        let count = (self.control.trailing_zeros() as usize).min(self.left);
        if count > 0 {
            self.control = self.control.checked_shr(count as u32).unwrap_or(0);
            self.left -= count;
            let (from, count) = (self.at, count.min(wanted));
            self.at += count;
            return if self.at <= self.stream.len() {
                Ok(Item::Literals { from, count })
            } else {
                Err(Damaged)
            };
        }
        self.control >>= 1;
        self.left -= 1;
        let (first, second) = (self.byte()?, self.byte()?);
        let mut length = usize::from(first & 0x0F) + SHORTEST;
        if length == SHORT {
            length += usize::from(self.byte()?);
        }
        Ok(Item::Copy {
            distance: usize::from(first & 0xF0) << 4 | usize::from(second),
            length,
        })
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, CompressedError> {
        let byte = self.stream.get(self.at).ok_or(Damaged)?;
        self.at += 1;
        Ok(*byte)
    }
}

/// Copies up to eight bytes between two slices. If both have eight, all eight are copied, which is much cheaper
/// than the exact number: the excess is overwritten by the next copy.
#[inline]
fn copy_literals(from: &[u8], to: &mut [u8], count: usize) {
    if let (Some(from), Some(to)) = (from.first_chunk::<ITEMS>(), to.first_chunk_mut::<ITEMS>()) {
        *to = *from;
    } else {
        to[..count].copy_from_slice(&from[..count]);
    }
}

/// Decompresses `stream` into `raw`.
pub(super) fn decompress(stream: &[u8], raw: &mut [u8]) -> Result<(), CompressedError> {
    let mut items = Items::new(stream);
    let mut at = 0;
    let mut steps = interrupt::Steps::default();
    while at < raw.len() {
        steps.step();
        match items.next(raw.len() - at)? {
            Item::Literals { from, count } => {
                copy_literals(&stream[from..], &mut raw[at..], count);
                at += count;
            }
            Item::Copy { distance, length } => {
                let length = length.min(raw.len() - at);
                if distance == 0 || distance > at {
                    return Err(Damaged);
                }
                copy_earlier(raw, at, distance, length);
                at += length;
            }
        }
    }
    Ok(())
}

/// Copies `length` bytes from `distance` before `at` to there, in parts that do not overlap what they come from; like
/// literals, a part may be written too long.
#[inline]
fn copy_earlier(raw: &mut [u8], at: usize, distance: usize, length: usize) {
    const PART: usize = 16;
    let (mut from, mut at, end) = (at - distance, at, at + length);
    if distance >= PART {
        while at < end && at + PART <= raw.len() {
            raw.copy_within(from..from + PART, at);
            from += PART;
            at += PART;
        }
    }
    while at < end {
        raw[at] = raw[from];
        from += 1;
        at += 1;
    }
}

/// Writes a stream into memory that is larger than any stream of the same bytes.
struct Writer<'a> {
    out: &'a mut [u8],
    at: usize,
    raw: &'a [u8],
    /// Bytes before this are written; the bytes from here on will be literals.
    written: usize,
    /// Position of the current control byte, and the number of its items.
    control: usize,
    items: usize,
}

impl Writer<'_> {
    /// The literals before `end`.
    #[inline]
    fn literals(&mut self, end: usize) {
        while self.written < end {
            self.open_if_full();
            let count = (ITEMS - self.items).min(end - self.written);
            copy_literals(&self.raw[self.written..], &mut self.out[self.at..], count);
            self.at += count;
            self.items += count;
            self.written += count;
        }
    }

    /// A copy to `start..end` of the raw bytes.
    #[inline]
    fn copy(&mut self, distance: usize, start: usize, end: usize) {
        self.literals(start);
        self.open_if_full();
        self.out[self.control] |= 1 << self.items;
        self.items += 1;
        // Lengths and distances come from a stream of this format, so they fit.
        let high = (distance >> 4) as u8 & 0xF0;
        let low = distance as u8;
        let length = end - start;
        if length >= SHORT {
            self.out[self.at..self.at + 3].copy_from_slice(&[high | 0x0F, low, (length - SHORT) as u8]);
            self.at += 3;
        } else {
            self.out[self.at..self.at + 2].copy_from_slice(&[high | (length - SHORTEST) as u8, low]);
            self.at += 2;
        }
        self.written = end;
    }

    #[inline]
    fn open_if_full(&mut self) {
        if self.items == ITEMS {
            self.control = self.at;
            self.out[self.at] = 0;
            self.at += 1;
            self.items = 0;
        }
    }
}

/// See [`super::Method::compress_alike`]; returns the length of the stream, None if it is over the limit. `out` has room
/// for the worst stream.
pub(super) fn compress_alike(
    stream: &[u8],
    new: &[u8],
    limit: usize,
    out: &mut [u8],
) -> Result<Option<usize>, CompressedError> {
    let mut items = Items::new(stream);
    let mut writer = Writer {
        out,
        at: 0,
        raw: new,
        written: 0,
        control: 0,
        items: ITEMS,
    };
    let mut at = 0;
    let mut steps = interrupt::Steps::default();
    while at < new.len() {
        steps.step();
        match items.next(new.len() - at)? {
            Item::Literals { count, .. } => at += count,
            Item::Copy { distance, length } => {
                if distance == 0 || distance > at {
                    return Err(Damaged);
                }
                let length = length.min(new.len() - at);
                if length >= SHORTEST && repeats(new, at, distance, length) {
                    writer.copy(distance, at, at + length);
                } else {
                    repeated(new, at, distance, length, SHORTEST, |start, end| {
                        writer.copy(distance, start, end);
                    });
                }
                at += length;
                if writer.at > limit {
                    return Ok(None);
                }
            }
        }
    }
    writer.literals(new.len());
    Ok((writer.at <= limit).then_some(writer.at))
}
