//! A block of LZ4: sequences of a token, literals, a distance and a length to copy; the last has literals only. The
//! last five bytes are literals and the last copy begins at least twelve bytes before the end: decompressors rely on
//! both. (Source: the description of the LZ4 block format.)

use super::CompressedError::{self, Damaged};
use super::{repeated, repeats};
use crate::interrupt;

/// The shortest copy that can be written, and the shortest that is worth a sequence of its own.
const SHORTEST: usize = 4;
const WORTHWHILE: usize = 6;
/// The last bytes, which are literals, and those within which no copy may begin.
const LAST_LITERALS: usize = 5;
const LAST_COPY: usize = 12;
/// A length that does not fit into its half of the token.
const LONG: usize = 15;

/// Decompresses `stream` into `raw`.
pub(super) fn decompress(stream: &[u8], raw: &mut [u8]) -> Result<(), CompressedError> {
    match lz4_flex::block::decompress_into(stream, raw) {
        Ok(held) if held == raw.len() => Ok(()),
        _ => Err(Damaged),
    }
}

/// The copy of a sequence, after its literals.
struct Copy {
    distance: usize,
    length: usize,
}

/// Reads a stream sequence by sequence.
struct Sequences<'a> {
    rest: &'a [u8],
}

impl Sequences<'_> {
    /// The number of literals and the copy after them; the last sequence has no copy.
    #[inline]
    fn next(&mut self) -> Result<(usize, Option<Copy>), CompressedError> {
        let token = self.byte()?;
        let literals = self.length(usize::from(token >> 4))?;
        self.rest = self.rest.get(literals..).ok_or(Damaged)?;
        if self.rest.is_empty() {
            return Ok((literals, None));
        }
        let (distance, rest) = self.rest.split_first_chunk::<2>().ok_or(Damaged)?;
        self.rest = rest;
        let length = self.length(usize::from(token & 0x0F))? + SHORTEST;
        let distance = usize::from(u16::from_le_bytes(*distance));
        Ok((literals, Some(Copy { distance, length })))
    }

    #[inline]
    fn length(&mut self, in_token: usize) -> Result<usize, CompressedError> {
        let mut length = in_token;
        if in_token == LONG {
            loop {
                let more = self.byte()?;
                length += usize::from(more);
                if more < u8::MAX {
                    break;
                }
            }
        }
        Ok(length)
    }

    #[inline]
    fn byte(&mut self) -> Result<u8, CompressedError> {
        let (byte, rest) = self.rest.split_first().ok_or(Damaged)?;
        self.rest = rest;
        Ok(*byte)
    }
}

/// Writes a stream.
struct Writer<'a> {
    out: &'a mut Vec<u8>,
    raw: &'a [u8],
    /// Bytes before this are written; the bytes from here on will be literals.
    written: usize,
}

impl Writer<'_> {
    /// A copy to `start..end` of the raw bytes.
    #[inline]
    fn copy(&mut self, distance: usize, start: usize, end: usize) {
        let length = end - start - SHORTEST;
        self.literals(start, length.min(LONG));
        // Distances come from a stream of this format, so they fit.
        self.out.extend_from_slice(&(distance as u16).to_le_bytes());
        self.length(length);
        self.written = end;
    }

    /// The token and the literals before `end`.
    #[inline]
    fn literals(&mut self, end: usize, copy_in_token: usize) {
        let literals = &self.raw[self.written..end];
        self.out
            .push((literals.len().min(LONG) << 4 | copy_in_token) as u8);
        self.length(literals.len());
        self.out.extend_from_slice(literals);
    }

    #[inline]
    fn length(&mut self, length: usize) {
        let Some(mut rest) = length.checked_sub(LONG) else {
            return;
        };
        while rest >= usize::from(u8::MAX) {
            self.out.push(u8::MAX);
            rest -= usize::from(u8::MAX);
        }
        self.out.push(rest as u8);
    }
}

/// See [`super::Method::compress_alike`].
pub(super) fn compress_alike(
    stream: &[u8],
    new: &[u8],
    limit: usize,
    out: &mut Vec<u8>,
) -> Result<bool, CompressedError> {
    let mut sequences = Sequences { rest: stream };
    let mut writer = Writer {
        out,
        raw: new,
        written: 0,
    };
    let mut at = 0usize;
    let mut steps = interrupt::Steps::default();
    loop {
        steps.step();
        let (literals, copy) = sequences.next()?;
        at += literals;
        let Some(Copy { distance, length }) = copy else {
            break;
        };
        if at > new.len() || length > new.len() - at || distance == 0 || distance > at {
            return Err(Damaged);
        }
        let fits = at + LAST_COPY <= new.len() && at + length + LAST_LITERALS <= new.len();
        if fits && repeats(new, at, distance, length) {
            writer.copy(distance, at, at + length);
        } else {
            let end = (at + length).min(new.len().saturating_sub(LAST_LITERALS));
            repeated(
                new,
                at,
                distance,
                end.saturating_sub(at),
                WORTHWHILE,
                |start, end| {
                    if start + LAST_COPY <= new.len() {
                        writer.copy(distance, start, end);
                    }
                },
            );
        }
        at += length;
        if writer.out.len() > limit {
            return Ok(false);
        }
    }
    if at != new.len() {
        return Err(Damaged);
    }
    writer.literals(new.len(), 0);
    Ok(writer.out.len() <= limit)
}
