//! Converts a stretch of COPY's binary format into columns, and back.

use zstd::bulk::Compressor;

use super::{Bytes, lengths, put_number, values};

/// Bytes of COPY's binary format with complete rows among them.
pub(crate) struct Stretch<'b> {
    /// Bytes before the first complete row.
    pub(crate) before: &'b [u8],
    /// Complete rows.
    pub(crate) rows: &'b [u8],
    /// Bytes after the last complete row.
    pub(crate) after: &'b [u8],
}

/// A column while it is read from rows.
#[derive(Default)]
struct Column {
    lengths: Vec<u32>,
    plain: Vec<u8>,
}

/// Appends the columns of a stretch to `out`. `None` if its rows cannot be separated or have different numbers of
/// columns: then `out` must not be used.
pub(crate) fn columns_of(stretch: &Stretch<'_>, trial: &mut Compressor<'_>, out: &mut Vec<u8>) -> Option<()> {
    let (count, columns) = read(stretch.rows)?;
    put_number(
        out,
        stretch.before.len() + stretch.rows.len() + stretch.after.len(),
    )?;
    put_number(out, count)?;
    put_number(out, columns.len())?;
    put_number(out, stretch.before.len())?;
    out.extend_from_slice(stretch.before);
    put_number(out, stretch.after.len())?;
    out.extend_from_slice(stretch.after);
    for column in &columns {
        lengths::put(out, &column.lengths)?;
        values::put(out, &column.plain, &column.lengths, trial);
    }
    Some(())
}

/// The number of rows and their columns; `None` if there are no rows.
fn read(rows: &[u8]) -> Option<(usize, Vec<Column>)> {
    let mut columns: Vec<Column> = Vec::new();
    let count = each_value(rows, |column, length, _| {
        if column == columns.len() {
            columns.push(Column::default());
        }
        columns[column].lengths.push(length);
    })?;
    // The sizes are known now: a buffer that grew to 4 MB would take 8.
    for column in &mut columns {
        let size = column.lengths.iter().map(|length| lengths::bytes(*length)).sum();
        column.plain.reserve_exact(size);
    }
    each_value(rows, |column, _, value| {
        columns[column].plain.extend_from_slice(value);
    })?;
    (count > 0 && !columns.is_empty()).then_some((count, columns))
}

/// Calls `visit` with the column, the length and the bytes of each value, and returns the number of rows. `None` if the rows are
/// damaged or have different numbers of columns.
fn each_value<'r>(rows: &'r [u8], mut visit: impl FnMut(usize, u32, &'r [u8])) -> Option<usize> {
    let mut input = Bytes(rows);
    let mut count = 0;
    let mut columns = None;
    while !input.0.is_empty() {
        let width = usize::try_from(i16::from_be_bytes(input.take(2)?.try_into().ok()?)).ok()?;
        if *columns.get_or_insert(width) != width {
            return None;
        }
        for column in 0..width {
            let length = i32::from_be_bytes(input.take(4)?.try_into().ok()?);
            if length < -1 {
                return None;
            }
            let length = length.wrapping_add(1) as u32;
            visit(column, length, input.take(lengths::bytes(length))?);
        }
        count += 1;
    }
    Some(count)
}

/// Writes the stretch with these columns into `out`, in COPY's binary format, with at most `limit` bytes. `None` if the columns are
/// damaged; nothing larger than the limit is ever allocated.
pub(crate) fn rows_of(columns: &[u8], limit: usize, out: &mut Vec<u8>) -> Option<()> {
    let mut input = Bytes(columns);
    let size = input.number().filter(|size| *size <= limit)?;
    let (rows, width) = (input.number()?, input.number()?);
    let before_length = input.number()?;
    let before = input.take(before_length)?;
    let after_length = input.number()?;
    let after = input.take(after_length)?;
    // A row takes two bytes and four for each of its columns, so that neither number can be larger than the size.
    let heads = width.checked_mul(4)?.checked_add(2)?.checked_mul(rows)?;
    if rows == 0 || width == 0 || width > i16::MAX as usize || heads > size {
        return None;
    }
    let mut left = size
        .checked_sub(heads)?
        .checked_sub(before.len())?
        .checked_sub(after.len())?;
    let mut read = Vec::with_capacity(width);
    for _ in 0..width {
        let lengths = lengths::take(&mut input, rows)?;
        for length in &lengths {
            left = left.checked_sub(lengths::bytes(*length))?;
        }
        let values = values::take(&mut input, &lengths)?;
        read.push((lengths, values, 0usize));
    }
    if left != 0 || !input.0.is_empty() {
        return None;
    }
    out.clear();
    out.reserve_exact(size);
    out.extend_from_slice(before);
    let head = u16::try_from(width).ok()?.to_be_bytes();
    for row in 0..rows {
        out.extend_from_slice(&head);
        for (lengths, values, at) in &mut read {
            let length = lengths[row];
            out.extend_from_slice(&length.wrapping_sub(1).to_be_bytes());
            let end = *at + lengths::bytes(length);
            out.extend_from_slice(values.get(*at..end)?);
            *at = end;
        }
    }
    out.extend_from_slice(after);
    Some(())
}
