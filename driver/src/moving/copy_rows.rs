//! Counts the rows of a stream in COPY's binary format.

/// Bytes before the first row: signature, flags, length of the header extension.
const HEADER_BYTES: u64 = 19;

/// A counter of rows.
#[derive(Debug, Default)]
pub struct RowCounter {
    rows: u64,
    /// Bytes of the header that have passed.
    header: u64,
    /// Remaining bytes of a value, which are skipped.
    skip: u64,
    /// Remaining columns of the current row.
    columns: u16,
    /// Bytes of a number that is being read.
    number: [u8; 4],
    have: usize,
    ended: bool,
}

impl RowCounter {
    /// Number of rows that have begun.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Parses the next bytes.
    pub fn add(&mut self, mut bytes: &[u8]) {
        if self.header < HEADER_BYTES {
            bytes = self.pass_header(bytes);
        }
        while !bytes.is_empty() && !self.ended {
            if self.skip > 0 {
                let passed = usize::try_from(self.skip).map_or(bytes.len(), |skip| skip.min(bytes.len()));
                self.skip -= passed as u64;
                bytes = &bytes[passed..];
                continue;
            }
            // A row begins with the number of its columns, a column with its length.
            let size = if self.columns == 0 { 2 } else { 4 };
            let taken = (size - self.have).min(bytes.len());
            self.number[self.have..self.have + taken].copy_from_slice(&bytes[..taken]);
            self.have += taken;
            bytes = &bytes[taken..];
            if self.have == size {
                self.have = 0;
                self.take(size);
            }
        }
    }

    fn pass_header<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let left = HEADER_BYTES - self.header;
        let passed = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
        self.header += passed as u64;
        &bytes[passed..]
    }

    fn take(&mut self, size: usize) {
        if size == 2 {
            let columns = i16::from_be_bytes([self.number[0], self.number[1]]);
            match u16::try_from(columns) {
                // The trailer.
                Err(_) => self.ended = true,
                Ok(columns) => {
                    self.rows += 1;
                    self.columns = columns;
                }
            }
            return;
        }
        self.columns -= 1;
        // NULL has the length -1 and no bytes.
        self.skip = u64::try_from(i32::from_be_bytes(self.number)).unwrap_or(0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_counted_whatever_the_parts() {
        let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        for row in 0..5u8 {
            bytes.extend_from_slice(&3i16.to_be_bytes());
            bytes.extend_from_slice(&i32::from(row).to_be_bytes());
            bytes.extend(std::iter::repeat_n(0xff, usize::from(row)));
            bytes.extend_from_slice(&(-1i32).to_be_bytes());
            bytes.extend_from_slice(&0i32.to_be_bytes());
        }
        // A row without columns.
        bytes.extend_from_slice(&0i16.to_be_bytes());
        bytes.extend_from_slice(&(-1i16).to_be_bytes());
        for size in 1..=bytes.len() {
            let mut counter = RowCounter::default();
            for part in bytes.chunks(size) {
                counter.add(part);
            }
            assert_eq!(counter.rows(), 6, "parts of {size}");
        }
    }
}
