//! Rows of COPY's binary format, stored by column: first the lengths of a column's values, then the values. Similar bytes are then
//! adjacent, and zstd compresses them better than rows. `docs/moving.md` describes the format.

mod lengths;
mod row_ends;
mod transposed;
mod values;

pub(crate) use row_ends::{Places, RowEnds};
pub(crate) use transposed::{Stretch, columns_of, rows_of};

/// Reads numbers and bytes from a payload that may be damaged.
struct Bytes<'b>(&'b [u8]);

impl<'b> Bytes<'b> {
    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        Some(self.take(1)?[0])
    }

    fn number(&mut self) -> Option<usize> {
        let bytes = self.take(4)?.try_into().ok()?;
        usize::try_from(u32::from_be_bytes(bytes)).ok()
    }
}

fn put_number(out: &mut Vec<u8>, number: usize) -> Option<()> {
    out.extend_from_slice(&u32::try_from(number).ok()?.to_be_bytes());
    Some(())
}
