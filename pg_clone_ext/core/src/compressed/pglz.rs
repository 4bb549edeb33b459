//! PostgreSQL's own format: a control byte tells of the next eight items, lowest bit first, which is a literal byte (0)
//! and which a copy (1). A copy has four bits of length less 3 and twelve of distance; length 18 is followed by a byte
//! to add. (The server's `src/common/pg_lzcompress.c` is where the rule comes from.)

use super::CompressedError::{self, Damaged};
use super::{repeated, repeats};

/// The shortest copy, the longest without the byte to add, and with it.
const SHORTEST: usize = 3;
const SHORT: usize = 18;
/// The most items of a control byte.
const ITEMS: u32 = 8;

/// One item of a stream.
enum Item {
    Literal(u8),
    Copy { distance: usize, length: usize },
}

/// Reads a stream item by item.
struct Items<'a> {
    rest: &'a [u8],
    control: u8,
    left: u32,
}

impl<'a> Items<'a> {
    fn new(rest: &'a [u8]) -> Self {
        Items {
            rest,
            control: 0,
            left: 0,
        }
    }

    /// Eight literals at once, where the next items are those.
    #[inline]
    fn eight_literals(&mut self) -> Option<[u8; 8]> {
        if self.left > 0 {
            return None;
        }
        let (0, literals) = self.rest.split_first()? else {
            return None;
        };
        let (eight, rest) = literals.split_first_chunk::<8>()?;
        self.rest = rest;
        Some(*eight)
    }

    #[inline]
    fn next(&mut self) -> Result<Item, CompressedError> {
        if self.left == 0 {
            self.control = self.byte()?;
            self.left = ITEMS;
        }
        let copies = self.control & 1 == 1;
        self.control >>= 1;
        self.left -= 1;
        if !copies {
            return Ok(Item::Literal(self.byte()?));
        }
        let (&[first, second], rest) = self.rest.split_first_chunk::<2>().ok_or(Damaged)?;
        self.rest = rest;
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
        let (byte, rest) = self.rest.split_first().ok_or(Damaged)?;
        self.rest = rest;
        Ok(*byte)
    }
}

/// Appends what `stream` holds to the empty `raw`.
pub(super) fn decompress(stream: &[u8], length: usize, raw: &mut Vec<u8>) -> Result<(), CompressedError> {
    let mut items = Items::new(stream);
    while raw.len() < length {
        if length - raw.len() >= 8
            && let Some(eight) = items.eight_literals()
        {
            raw.extend_from_slice(&eight);
            continue;
        }
        match items.next()? {
            Item::Literal(byte) => raw.push(byte),
            Item::Copy {
                distance,
                length: long,
            } => {
                let mut long = long.min(length - raw.len());
                let from = raw
                    .len()
                    .checked_sub(distance)
                    .filter(|_| distance > 0)
                    .ok_or(Damaged)?;
                // What overlaps itself repeats: each round doubles what can be copied.
                while long > 0 {
                    let part = long.min(raw.len() - from);
                    raw.extend_from_within(from..from + part);
                    long -= part;
                }
            }
        }
    }
    Ok(())
}

/// Writes a stream.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    /// Where the control byte of the items at hand is.
    control: usize,
    items: u32,
}

impl Writer<'_> {
    #[inline]
    fn item(&mut self, copies: bool) {
        if self.items == ITEMS {
            self.control = self.out.len();
            self.out.push(0);
            self.items = 0;
        }
        self.out[self.control] |= u8::from(copies) << self.items;
        self.items += 1;
    }

    #[inline]
    fn literals(&mut self, mut bytes: &[u8]) {
        while let Some((first, rest)) = bytes.split_first() {
            if self.items == ITEMS
                && let Some((eight, rest)) = bytes.split_first_chunk::<8>()
            {
                self.out.push(0);
                self.out.extend_from_slice(eight);
                bytes = rest;
                continue;
            }
            self.item(false);
            self.out.push(*first);
            bytes = rest;
        }
    }

    #[inline]
    fn copy(&mut self, distance: usize, length: usize) {
        self.item(true);
        // Lengths and distances come from a stream of this format, so they fit.
        let high = (distance >> 4) as u8 & 0xF0;
        let low = distance as u8;
        if length >= SHORT {
            self.out
                .extend_from_slice(&[high | 0x0F, low, (length - SHORT) as u8]);
        } else {
            self.out
                .extend_from_slice(&[high | (length - SHORTEST) as u8, low]);
        }
    }
}

/// See [`super::Method::compress_alike`].
pub(super) fn compress_alike(
    stream: &[u8],
    new: &[u8],
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<bool, CompressedError> {
    let mut items = Items::new(stream);
    let mut writer = Writer {
        out,
        control: 0,
        items: ITEMS,
    };
    let mut at = 0;
    while at < new.len() {
        if new.len() - at >= 8 && items.eight_literals().is_some() {
            writer.literals(&new[at..at + 8]);
            at += 8;
        } else {
            match items.next()? {
                Item::Literal(_) => {
                    writer.literals(&new[at..=at]);
                    at += 1;
                }
                Item::Copy { distance, length } => {
                    if distance == 0 || distance > at {
                        return Err(Damaged);
                    }
                    let length = length.min(new.len() - at);
                    if length >= SHORTEST && repeats(new, at, distance, length) {
                        writer.copy(distance, length);
                    } else {
                        let mut done = at;
                        repeated(new, at, distance, length, SHORTEST, |start, end| {
                            writer.literals(&new[done..start]);
                            writer.copy(distance, end - start);
                            done = end;
                        });
                        writer.literals(&new[done..at + length]);
                    }
                    at += length;
                }
            }
        }
        if writer.out.len() > limit {
            return Ok(false);
        }
    }
    Ok(true)
}
