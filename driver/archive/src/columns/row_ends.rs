//! Finds the ends of rows in a stream of COPY's binary format, whose parts may have any size.

/// Bytes before the first row: signature, flags, length of the header extension.
const HEADER_BYTES: usize = 19;

/// Follows the rows of a table.
#[derive(Debug)]
pub(crate) struct RowEnds {
    /// Remaining bytes of the header.
    header: usize,
    /// Remaining bytes of a value.
    value: usize,
    /// Remaining columns of the current row.
    columns: u16,
    /// Bytes of a number that is being read.
    number: [u8; 4],
    have: usize,
    /// The trailer was read, or bytes that are not a row.
    over: bool,
}

/// Offsets between rows in some bytes: the first and the last.
pub(crate) type Places = Option<(usize, usize)>;

impl RowEnds {
    /// At the beginning of a table.
    pub(crate) fn new() -> Self {
        RowEnds {
            header: HEADER_BYTES,
            value: 0,
            columns: 0,
            number: [0; 4],
            have: 0,
            over: false,
        }
    }

    /// Parses the next bytes; returns the offsets at which a row may begin.
    pub(crate) fn pass(&mut self, bytes: &[u8]) -> Places {
        let mut places: Places = None;
        let mut at = 0;
        while at < bytes.len() && !self.over {
            let rest = bytes.len() - at;
            if self.header > 0 || self.value > 0 {
                let left = if self.header > 0 {
                    &mut self.header
                } else {
                    &mut self.value
                };
                let passed = (*left).min(rest);
                *left -= passed;
                at += passed;
            } else {
                // A row begins with the number of its columns, a column with its length.
                let size = if self.columns == 0 { 2 } else { 4 };
                let passed = (size - self.have).min(rest);
                self.number[self.have..self.have + passed].copy_from_slice(&bytes[at..at + passed]);
                self.have += passed;
                at += passed;
                if self.have < size {
                    continue;
                }
                self.have = 0;
                self.take(size);
            }
            if self.header == 0 && self.value == 0 && self.columns == 0 && !self.over {
                places = Some((places.map_or(at, |(first, _)| first), at));
            }
        }
        places
    }

    fn take(&mut self, size: usize) {
        if size == 2 {
            match u16::try_from(i16::from_be_bytes([self.number[0], self.number[1]])) {
                Ok(columns) => self.columns = columns,
                Err(_) => self.over = true,
            }
            return;
        }
        self.columns -= 1;
        match i32::from_be_bytes(self.number) {
            -1 => {}
            length => match usize::try_from(length) {
                Ok(length) => self.value = length,
                Err(_) => self.over = true,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_where_they_do_whatever_the_parts() {
        let mut bytes = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0".to_vec();
        let mut ends = vec![bytes.len()];
        for row in 0..5u8 {
            bytes.extend_from_slice(&2i16.to_be_bytes());
            bytes.extend_from_slice(&i32::from(row).to_be_bytes());
            bytes.extend(std::iter::repeat_n(0xff, usize::from(row)));
            bytes.extend_from_slice(&(-1i32).to_be_bytes());
            ends.push(bytes.len());
        }
        bytes.extend_from_slice(&(-1i16).to_be_bytes());
        bytes.extend_from_slice(b"and more");
        for size in 1..=bytes.len() {
            let (mut passing, mut found) = (RowEnds::new(), Vec::new());
            for (number, part) in bytes.chunks(size).enumerate() {
                if let Some((first, last)) = passing.pass(part) {
                    found.extend([number * size + first, number * size + last]);
                }
            }
            assert!(found.iter().all(|place| ends.contains(place)), "parts of {size}");
            assert_eq!(
                (found.first(), found.last()),
                (ends.first(), ends.last()),
                "parts of {size}"
            );
        }
    }
}
