//! Shows progress on standard error: a bar on a terminal, lines at intervals in a log, or JSON lines.

use std::io::{IsTerminal, Write};
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use crate::output::printable::{IS_UTF8, escape, escape_json, escape_lines, symbols};
use crate::output::{bytes, seconds, thousands};

/// Time between two lines in a log, and between two JSON events.
const LINE_EVERY: Duration = Duration::from_secs(5);
const EVENT_EVERY: Duration = Duration::from_millis(500);

/// How progress is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// A bar that redraws itself.
    Bar,
    /// A line every few seconds.
    Lines,
    /// A JSON object per line.
    Json,
    /// No progress.
    Silent,
}

impl Style {
    /// The style for these flags and the kind of standard error.
    pub fn choose(json: bool, quiet: bool) -> Self {
        match (quiet, json, std::io::stderr().is_terminal()) {
            (true, ..) => Self::Silent,
            (_, true, _) => Self::Json,
            (.., true) => Self::Bar,
            _ => Self::Lines,
        }
    }
}

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Rows of the database.
    Rows,
    /// Files outside it.
    Files,
}

impl Unit {
    const fn name(self) -> &'static str {
        match self {
            Self::Rows => "rows",
            Self::Files => "files",
        }
    }
}

/// A sample of the progress.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// The object that is being processed, e.g. a table.
    pub subject: String,
    /// Rows or files done.
    pub done: u64,
    /// Total number, if known.
    pub total: Option<u64>,
    /// Whether the total is the planner's estimate.
    pub estimated: bool,
    /// Bytes done.
    pub bytes: u64,
}

/// Shows the progress of one command.
#[derive(Debug)]
pub struct Progress {
    style: Style,
    bar: Option<ProgressBar>,
    started: Instant,
    last_line: Option<Instant>,
}

impl Progress {
    /// Nothing is shown before the first phase.
    pub fn new(style: Style) -> Self {
        Self {
            style,
            bar: None,
            started: Instant::now(),
            last_line: None,
        }
    }

    /// Whether progress is shown.
    pub fn is_shown(&self) -> bool {
        self.style != Style::Silent
    }

    /// Begins a phase, e.g. "cloning"; the previous display is cleared from a terminal.
    pub fn phase(&mut self, name: &str) {
        self.finish();
        self.started = Instant::now();
        self.last_line = Some(self.started);
        match self.style {
            Style::Bar => {
                let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
                bar.set_style(spinner());
                bar.set_prefix(name.to_owned());
                bar.enable_steady_tick(Duration::from_millis(100));
                self.bar = Some(bar);
            }
            Style::Lines => say(&format!("pg_clone: {name} ...")),
            Style::Json => event("phase", json!({"phase": name})),
            Style::Silent => {}
        }
    }

    /// Shows a count; may be called as often as needed.
    pub fn count(&mut self, unit: Unit, count: &Count) {
        let elapsed = self.started.elapsed();
        match self.style {
            Style::Bar => {
                if let Some(bar) = &self.bar {
                    show_on_bar(bar, unit, count, elapsed);
                }
            }
            Style::Lines => {
                if !self.is_due(LINE_EVERY) {
                    return;
                }
                let of_total = count
                    .total
                    .map(|total| format!(" of {}", total_of(total, count.estimated)));
                let left = time_left(count, elapsed).map(|left| format!("{left}, "));
                say(&format!(
                    "pg_clone: {}: {}{} {}, {}, {}{}",
                    seconds(elapsed.as_secs_f64()),
                    thousands(clip(count.done)),
                    of_total.unwrap_or_default(),
                    unit.name(),
                    bytes(clip(count.bytes)),
                    left.unwrap_or_default(),
                    count.subject
                ));
            }
            Style::Json => {
                if !self.is_due(EVENT_EVERY) {
                    return;
                }
                let fields = json!({
                    "subject": count.subject, "unit": unit.name(), "done": count.done, "total": count.total, "total_is_estimate": count.total.is_some() && count.estimated,
                    "bytes": count.bytes, "seconds": elapsed.as_secs_f64(),
                });
                event("progress", fields);
            }
            Style::Silent => {}
        }
    }

    /// Prints a line that stays.
    pub fn remark(&mut self, text: &str) {
        match (self.style, &self.bar) {
            (Style::Silent, _) => {}
            (Style::Json, _) => event("remark", json!({"text": text})),
            (_, Some(bar)) => bar.suspend(|| say(&format!("pg_clone: {text}"))),
            (_, None) => say(&format!("pg_clone: {text}")),
        }
    }

    /// Clears the display from the terminal.
    pub fn finish(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }

    fn is_due(&mut self, every: Duration) -> bool {
        let now = Instant::now();
        let due = self
            .last_line
            .is_none_or(|last| now.duration_since(last) >= every);
        if due {
            self.last_line = Some(now);
        }
        due
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.finish();
    }
}

fn show_on_bar(bar: &ProgressBar, unit: Unit, count: &Count, elapsed: Duration) {
    if let Some(total) = count.total.filter(|total| *total > 0)
        && bar.length() != Some(total)
    {
        bar.set_length(total);
        bar.set_style(with_total());
    }
    // Rows may be added to the source after they were counted.
    bar.set_position(count.total.map_or(count.done, |total| count.done.min(total)));
    let rate = count.done as f64 / elapsed.as_secs_f64().max(0.001);
    let bytes = (count.bytes > 0).then(|| bytes(clip(count.bytes)));
    let parts = [
        Some(format!("{} {}", thousands(clip(count.done)), unit.name())),
        bytes,
        Some(format!("{}/s", thousands(rate as i64))),
        time_left(count, elapsed),
        Some(count.subject.clone()),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    bar.set_message(symbols(&escape(&parts.join(" · "))).into_owned());
}

fn total_of(total: u64, estimated: bool) -> String {
    let about = if estimated { "about " } else { "" };
    format!("{about}{}", thousands(clip(total)))
}

/// Expected time to the end at the present rate; `None` in the first second.
fn time_left(count: &Count, elapsed: Duration) -> Option<String> {
    let left = count.total?.checked_sub(count.done).filter(|left| *left > 0)?;
    if count.done == 0 || elapsed < Duration::from_secs(1) {
        return None;
    }
    let expected = elapsed.as_secs_f64() * left as f64 / count.done as f64;
    Some(format!(
        "{} left",
        seconds(expected.ceil().max(1.0)).replace(".00 s", " s")
    ))
}

fn spinner() -> ProgressStyle {
    ticks(
        ProgressStyle::with_template("{spinner} {prefix} {elapsed} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    )
}

fn with_total() -> ProgressStyle {
    ticks(
        ProgressStyle::with_template("{spinner} {prefix} [{bar:20}] {percent:>3}% {elapsed} {wide_msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar())
            .progress_chars("=> "),
    )
}

fn ticks(style: ProgressStyle) -> ProgressStyle {
    if *IS_UTF8 {
        style
    } else {
        style.tick_chars("|/-\\ ")
    }
}

/// One JSON object on one line of standard error.
fn event(kind: &str, mut fields: Value) {
    if let Some(object) = fields.as_object_mut() {
        object.insert("event".to_owned(), kind.into());
    }
    let _ = writeln!(std::io::stderr(), "{}", escape_json(&fields.to_string()));
}

/// Writes a line to standard error; a closed pipe is ignored.
fn say(line: &str) {
    let _ = writeln!(std::io::stderr(), "{}", symbols(&escape_lines(line)));
}

fn clip(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_that_nobody_has_counted_says_so() {
        assert_eq!(total_of(12_000, false), "12,000");
        assert_eq!(total_of(12_000, true), "about 12,000");
    }

    #[test]
    fn the_time_left_follows_the_pace_so_far() {
        let count = |done, total| Count {
            done,
            total,
            ..Count::default()
        };
        let left = |done, total, seconds| time_left(&count(done, total), Duration::from_secs(seconds));
        assert_eq!(left(10, Some(40), 10).as_deref(), Some("30 s left"));
        assert_eq!(left(1, Some(2), 600).as_deref(), Some("10 min 0 s left"));
        for nothing in [
            left(10, None, 10),
            left(0, Some(40), 10),
            left(40, Some(40), 10),
            left(10, Some(40), 0),
        ] {
            assert_eq!(nothing, None);
        }
    }
}
