//! Standard output: text, CSV, or one JSON document.

pub mod messages;
pub mod printable;
pub mod redact;

use std::io::{self, Write};
use std::str::FromStr;

use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use printable::{escape, escape_json, symbols};

/// Minimum width of a column.
const NARROWEST: usize = 8;
/// Separator of columns.
const GAP: &str = "  ";

/// How results are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// Text; on a terminal tables are cut to its width.
    #[default]
    Table,
    /// Text; tables are not cut.
    Wide,
    /// The tables alone, as comma-separated values.
    Csv,
    /// One JSON document.
    Json,
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "table" => Ok(Self::Table),
            "wide" => Ok(Self::Wide),
            "csv" => Ok(Self::Csv),
            "json" => Ok(Self::Json),
            _ => Err("it is one of table, wide, csv, json".to_owned()),
        }
    }
}

/// Standard output. A closed pipe (`pg_clone … | head`) is not an error; nothing more is written. Control characters are
/// escaped: names and keys come from the database, and a terminal would interpret them.
#[derive(Debug)]
pub struct Output {
    format: Format,
    width: Option<usize>,
    closed: bool,
    failed: Option<io::Error>,
}

impl Output {
    /// Standard output in this format.
    pub fn new(format: Format) -> Self {
        let columns = rustix::termios::tcgetwinsize(io::stdout())
            .ok()
            .map(|size| usize::from(size.ws_col));
        Self {
            format,
            width: columns.filter(|columns| *columns > 0),
            closed: false,
            failed: None,
        }
    }

    /// Whether the format is text.
    pub fn is_text(&self) -> bool {
        matches!(self.format, Format::Table | Format::Wide)
    }

    /// Writes a line in text formats only.
    pub fn line(&mut self, text: impl AsRef<str>) {
        if self.is_text() {
            self.write(&symbols(&escape(text.as_ref())));
        }
    }

    /// Writes text with this program's colours and line ends; the caller has escaped values of the database.
    pub fn styled(&mut self, text: &str) {
        if self.is_text() {
            self.write(&symbols(text));
        }
    }

    /// Writes a JSON document that is what people and machines asked for.
    pub fn file(&mut self, value: &impl Serialize) {
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.write(&escape_json(&text)),
            Err(error) => self.failed = Some(error.into()),
        }
    }

    /// Writes the command's JSON document in JSON format only.
    pub fn document(&mut self, value: &impl Serialize) {
        if self.format != Format::Json {
            return;
        }
        match serde_json::to_string_pretty(value) {
            Ok(text) => self.write(&escape_json(&text)),
            Err(error) => self.failed = Some(error.into()),
        }
    }

    /// Writes a table. `columns` are the titles; columns whose title starts with `>` are right-aligned.
    pub fn table(&mut self, columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) {
        let titles = columns
            .iter()
            .map(|title| title.trim_start_matches('>').to_owned());
        let titles: Vec<String> = titles.collect();
        match self.format {
            Format::Json => {}
            Format::Csv => {
                for cells in std::iter::once(titles).chain(rows) {
                    let cells: Vec<String> = cells.iter().map(|cell| quoted(&escape(cell))).collect();
                    self.write(&cells.join(","));
                }
            }
            Format::Table | Format::Wide => {
                let rows: Vec<Vec<String>> = rows
                    .into_iter()
                    .map(|cells| {
                        cells
                            .iter()
                            .map(|cell| symbols(&escape(cell)).into_owned())
                            .collect()
                    })
                    .collect();
                let right: Vec<bool> = columns.iter().map(|title| title.starts_with('>')).collect();
                let width = self.width.filter(|_| self.format == Format::Table);
                for line in laid_out(&titles, &rows, &right, width) {
                    self.write(&line);
                }
            }
        }
    }

    /// The first write error.
    pub fn take_failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    fn write(&mut self, text: &str) {
        if self.closed {
            return;
        }
        // anstream removes colours if they cannot be shown.
        let mut stdout = anstream::stdout();
        if let Err(error) = writeln!(stdout, "{text}").and_then(|()| stdout.flush()) {
            self.closed = true;
            if error.kind() != io::ErrorKind::BrokenPipe {
                self.failed = Some(error);
            }
        }
    }
}

/// A cell of CSV.
fn quoted(cell: &str) -> String {
    if cell.contains([',', '"']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// The lines of a table, with a rule below the titles. If `width` is too narrow, the widest columns are cut.
fn laid_out(titles: &[String], rows: &[Vec<String>], right: &[bool], width: Option<usize>) -> Vec<String> {
    let mut widths: Vec<usize> = titles.iter().map(|title| title.width()).collect();
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    if let Some(width) = width {
        shrink(&mut widths, width);
    }
    let line = |cells: &[String]| {
        let cells = cells.iter().zip(&widths).zip(right);
        let cells: Vec<String> = cells
            .map(|((cell, width), right)| fitted(cell, *width, *right))
            .collect();
        cells.join(GAP).trim_end().to_owned()
    };
    let all = widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1);
    let rule = symbols(&"─".repeat(all)).into_owned();
    let mut lines = vec![line(titles), rule];
    lines.extend(rows.iter().map(|row| line(row)));
    lines
}

/// Makes the widest columns narrower until all fit.
fn shrink(widths: &mut [usize], width: usize) {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        match widths.iter_mut().max_by_key(|width| **width) {
            Some(widest) if *widest > NARROWEST => *widest -= 1,
            _ => return,
        }
    }
}

/// A cell of exactly `width` columns.
fn fitted(cell: &str, width: usize, right: bool) -> String {
    let mut text = cell.to_owned();
    if text.width() > width {
        let mark = symbols("…");
        while text.width() + mark.width() > width && text.pop().is_some() {}
        text.push_str(&mark);
    }
    let space = " ".repeat(width.saturating_sub(text.width()));
    if right { space + &text } else { text + &space }
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

/// A number of bytes with a unit (powers of 1,000).
pub fn bytes(number: i64) -> String {
    const UNITS: [&str; 6] = ["kB", "MB", "GB", "TB", "PB", "EB"];
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

/// A time span with a unit.
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
            [0, 999, 1000, 999_949, 999_950, i64::MAX].map(bytes),
            ["0 B", "999 B", "1.0 kB", "999.9 kB", "1.0 MB", "9.2 EB"]
        );
        assert_eq!(
            [0.0123, 1.5, 61.0, 3700.0].map(seconds),
            ["12 ms", "1.50 s", "1 min 1 s", "1 h 1 min"]
        );
    }

    #[test]
    fn a_table_on_a_narrow_terminal_is_cut_and_does_not_wrap() {
        let titles = ["run", "name"].map(str::to_owned);
        let rows = [vec![
            "1".to_owned(),
            "a name of forty letters, or a few less".to_owned(),
        ]];
        let wide = laid_out(&titles, &rows, &[true, false], None);
        let narrow = laid_out(&titles, &rows, &[true, false], Some(20));
        assert!(wide[2].ends_with("a few less"), "{wide:?}");
        assert!(narrow.iter().all(|line| line.width() <= 20), "{narrow:?}");
        assert!(narrow[2].starts_with("  1  a name of"), "{narrow:?}");
    }

    #[test]
    fn csv_quotes_what_it_must() {
        assert_eq!(quoted("a"), "a");
        assert_eq!(quoted("a,\"b\""), "\"a,\"\"b\"\"\"");
    }
}
