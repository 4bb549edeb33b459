//! What is written to standard output: text for people, or one JSON document for machines.

use std::io::{self, Write};

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};
use serde::Serialize;

/// A line below the titles, none between rows.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('─').junction('─'));

/// Standard output. When its reader is gone (`pg_clone … | head`), writing is no error and no longer tried.
#[derive(Debug)]
pub struct Output {
    json: bool,
    closed: bool,
}

impl Output {
    /// For machines when `json`, else for people.
    pub const fn new(json: bool) -> Self {
        Self { json, closed: false }
    }

    /// Writes a line for people; machines do not see it.
    pub fn line(&mut self, text: impl AsRef<str>) {
        if !self.json {
            self.write(text.as_ref());
        }
    }

    /// Writes the command's one JSON document; people do not see it.
    pub fn document(&mut self, value: &impl Serialize) {
        if self.json {
            match serde_json::to_string_pretty(value) {
                Ok(text) => self.write(&text),
                Err(error) => eprintln!("pg_clone: error: cannot write the result as JSON: {error}"),
            }
        }
    }

    /// Writes a table for people: `columns` are the titles, those that start with `>` are aligned to the right.
    pub fn table(&mut self, columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        if self.json {
            return;
        }
        let mut table = Table::new();
        table
            .load_style(STYLE)
            .set_content_arrangement(ContentArrangement::Disabled);
        table.set_header(columns.iter().map(|title| title.trim_start_matches('>')));
        for row in rows {
            table.add_row(row);
        }
        for (number, _) in columns
            .iter()
            .enumerate()
            .filter(|(_, title)| title.starts_with('>'))
        {
            if let Some(column) = table.column_mut(number) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        self.write(&table.trim_fmt());
    }

    fn write(&mut self, text: &str) {
        if self.closed {
            return;
        }
        // anstream drops colours where they cannot be shown.
        if let Err(error) = writeln!(anstream::stdout(), "{text}") {
            self.closed = true;
            if error.kind() != io::ErrorKind::BrokenPipe {
                eprintln!("pg_clone: error: cannot write to standard output: {error}");
            }
        }
    }
}

/// A number with separators between the thousands.
pub fn thousands(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3 + 1);
    if number < 0 {
        text.push('-');
    }
    for (at, digit) in digits.char_indices() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes as people say it, in powers of 1,000.
pub fn bytes(number: i64) -> String {
    const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];
    if number < 1000 {
        return format!("{number} B");
    }
    let mut value = number as f64 / 1000.0;
    let mut unit = 0;
    while value >= 999.95 && unit + 1 < UNITS.len() {
        value /= 1000.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A time span as people say it.
pub fn seconds(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds * 1000.0)
    } else if seconds < 60.0 {
        format!("{seconds:.2} s")
    } else {
        let whole = seconds.round() as u64;
        let (minutes, rest) = (whole / 60, whole % 60);
        if minutes < 60 {
            format!("{minutes} min {rest} s")
        } else {
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 999, 1000, 1_234_567, -1000].map(thousands),
            ["0", "999", "1,000", "1,234,567", "-1,000"]
        );
    }

    #[test]
    fn bytes_and_seconds_are_rounded_to_what_people_say() {
        assert_eq!(
            [0, 999, 1000, 999_949, 999_950].map(bytes),
            ["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB"]
        );
        assert_eq!(
            [0.0123, 1.5, 61.0, 3700.0].map(seconds),
            ["12 ms", "1.50 s", "1 min 1 s", "1 h 1 min"]
        );
    }
}
