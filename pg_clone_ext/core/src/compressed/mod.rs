//! Compressed values, in the two formats that PostgreSQL stores in tables.
//!
//! A rewritten document has the length of the old one and differs from it only in its ids. So its compressed form is
//! derived from the old one: the same matches are used again, except where an id inside a match has changed. This needs no
//! search for matches, which is the expensive part of compression.

mod lz4;
mod pglz;

use thiserror::Error;

/// How a value is compressed: the `pglz` and `lz4` of `ALTER TABLE … SET COMPRESSION`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// PostgreSQL's own.
    Pglz,
    /// One block of LZ4.
    Lz4,
}

/// Why a value could not be decompressed or compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum CompressedError {
    /// The stream does not decompress to the length that it should have. SQLSTATE XX001 (`data_corrupted`).
    #[error("a compressed value is damaged")]
    Damaged,
    /// Out of memory. SQLSTATE 53200 (`out_of_memory`).
    #[error("no memory for a value of {bytes} bytes")]
    OutOfMemory {
        /// Bytes asked for.
        bytes: usize,
    },
}

/// Bytes by which a stream may always grow: a short one needs room for the few ids in it.
const SLACK: usize = 64;

impl Method {
    /// Replaces the contents of `raw` by the decompressed `stream` of `length` bytes.
    ///
    /// # Errors
    /// [`CompressedError`], also if the stream has another length.
    pub fn decompress(self, stream: &[u8], length: usize, raw: &mut Vec<u8>) -> Result<(), CompressedError> {
        resize(raw, length)?;
        match self {
            Method::Pglz => pglz::decompress(stream, raw),
            Method::Lz4 => lz4::decompress(stream, raw),
        }
    }

    /// Compresses `new` into `out`, replacing its contents. Matches are taken from `stream`, which decompresses to other bytes of
    /// the same length, instead of being searched. False if too many bytes differ for the result to be small; then the
    /// contents of `out` are undefined.
    ///
    /// # Errors
    /// [`CompressedError`], also if `stream` is not a stream of that length.
    pub fn compress_alike(
        self,
        stream: &[u8],
        new: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<bool, CompressedError> {
        let limit = (stream.len() + stream.len() / 8 + SLACK).min(new.len());
        Ok(match self {
            Method::Pglz => {
                // In the worst case there are only literals, with an eighth more for control bytes.
                resize(out, new.len() + new.len() / 8 + SLACK)?;
                let length = pglz::compress_alike(stream, new, limit, out)?;
                out.truncate(length.unwrap_or(0));
                length.is_some()
            }
            Method::Lz4 => {
                resize(out, 0)?;
                reserve(out, new.len() + new.len() / 255 + SLACK)?;
                lz4::compress_alike(stream, new, limit, out)?
            }
        })
    }
}

/// Resizes the memory; an error instead of an abort if the allocation fails. The contents are undefined.
fn resize(memory: &mut Vec<u8>, bytes: usize) -> Result<(), CompressedError> {
    memory.truncate(bytes);
    reserve(memory, bytes - memory.len())?;
    memory.resize(bytes, 0);
    Ok(())
}

fn reserve(memory: &mut Vec<u8>, bytes: usize) -> Result<(), CompressedError> {
    memory
        .try_reserve_exact(bytes)
        .map_err(|_| CompressedError::OutOfMemory { bytes })
}

/// The parts of `length` bytes at `at` that repeat the bytes `distance` before them, at least `least` long, in order,
/// as ranges of `bytes`.
fn repeated(
    bytes: &[u8],
    at: usize,
    distance: usize,
    length: usize,
    least: usize,
    mut each: impl FnMut(usize, usize),
) {
    let mut start = at;
    for place in at..=at + length {
        if place == at + length || bytes[place] != bytes[place - distance] {
            if place - start >= least {
                each(start, place);
            }
            start = place + 1;
        }
    }
}

/// Whether `length` bytes at `at` repeat the bytes `distance` before them.
#[inline]
fn repeats(bytes: &[u8], at: usize, distance: usize, length: usize) -> bool {
    // Most matches are shorter than this: eight bytes are compared at once, and the excess is ignored.
    const PART: usize = 8;
    let part = |from: usize| {
        bytes
            .get(from..)
            .and_then(|rest| rest.first_chunk::<PART>())
            .map(|part| u64::from_le_bytes(*part))
    };
    let mut done = 0;
    while done < length {
        let (Some(new), Some(earlier)) = (part(at + done), part(at + done - distance)) else {
            return bytes[at + done..at + length] == bytes[at + done - distance..at + length - distance];
        };
        let different = new ^ earlier;
        let matter = (length - done).min(PART) * 8;
        if different.trailing_zeros() < matter as u32 {
            return false;
        }
        done += PART;
    }
    true
}

#[cfg(test)]
mod tests;
