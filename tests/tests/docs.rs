//! Tests of the documentation: links are valid, and the SQL samples of a page print the output that the page shows.
//!
//! A page with a line `<!-- tested: a.sql b.sql -->` is run: the files of tests/fixtures first, then each of its `sql` blocks, in one
//! psql session. A block without a language after it is the expected output; a line `...` there stands for any lines.
//! `UPDATE_DOCS=1` writes the output of this run into the pages.

use std::fs;
use std::path::{Path, PathBuf};

use pg_clone_tests::psql::{comparable, psql};
use pg_clone_tests::scratch_database::{Scratch, cluster};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn pages() -> Vec<PathBuf> {
    let mut found: Vec<PathBuf> = [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "SECURITY.md",
        "BENCHMARKS.md",
    ]
    .iter()
    .map(|name| root().join(name))
    .filter(|path| path.exists())
    .collect();
    let docs = root().join("docs");
    found.extend(
        fs::read_dir(&docs)
            .unwrap_or_else(|error| panic!("{}: {error}", docs.display()))
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter(|path| path.extension().is_some_and(|extension| extension == "md")),
    );
    found.sort();
    found
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The anchor that a heading gets, as mdbook and GitHub make it.
fn anchor(heading: &str) -> String {
    heading
        .trim_start_matches('#')
        .trim()
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

fn without_code(page: &str) -> String {
    let mut in_code = false;
    page.lines()
        .filter(|line| {
            if line.starts_with("```") {
                in_code = !in_code;
                return false;
            }
            !in_code
        })
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let link = regex::Regex::new(r"\]\(([^)\s]+)\)").unwrap_or_else(|error| panic!("{error}"));
    let mut broken = Vec::new();
    for page in pages() {
        let text = without_code(&read(&page));
        for found in link.captures_iter(&text) {
            let target = &found[1];
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (file, heading) = target.split_once('#').unwrap_or((target, ""));
            let path = if file.is_empty() {
                page.clone()
            } else {
                page.parent().unwrap_or(Path::new(".")).join(file)
            };
            let leads = path.exists()
                && (heading.is_empty()
                    || without_code(&read(&path))
                        .lines()
                        .any(|line| line.starts_with('#') && anchor(line) == heading));
            if !leads {
                broken.push(format!("{}: {target}", page.display()));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

/// An SQL block of a page, and the lines of the block with its output, if there is one.
struct Sample {
    sql: String,
    output: Option<std::ops::Range<usize>>,
}

fn samples(lines: &[&str]) -> Vec<Sample> {
    let mut found: Vec<Sample> = Vec::new();
    let mut at = 0;
    let mut text_between = true;
    while at < lines.len() {
        let Some(language) = lines[at].strip_prefix("```") else {
            text_between |= !lines[at].trim().is_empty();
            at += 1;
            continue;
        };
        let end = (at + 1..lines.len())
            .find(|line| lines[*line].starts_with("```"))
            .unwrap_or(lines.len());
        match language {
            "sql" => {
                found.push(Sample {
                    sql: lines[at + 1..end].join("\n"),
                    output: None,
                });
                text_between = false;
            }
            "" if !text_between => {
                if let Some(sample) = found.last_mut().filter(|sample| sample.output.is_none()) {
                    sample.output = Some(at + 1..end);
                }
                text_between = true;
            }
            _ => text_between = true,
        }
        at = end + 1;
    }
    found
}

/// Whether the lines are as expected; `...` stands for any lines.
fn matches(expected: &[String], found: &[String]) -> bool {
    match expected.split_first() {
        None => found.is_empty(),
        Some((first, rest)) if first == "..." => {
            (0..=found.len()).any(|skipped| matches(rest, &found[skipped..]))
        }
        Some((first, rest)) => found.first() == Some(first) && matches(rest, &found[1..]),
    }
}

const MARK: &str = "=== next sample ===";

#[tokio::test(flavor = "multi_thread")]
async fn the_samples_of_tested_pages_print_what_the_pages_show() {
    let update = std::env::var_os("UPDATE_DOCS").is_some();
    let mut wrong = Vec::new();
    let mut tested = 0;
    for page in pages() {
        let text = read(&page);
        let lines: Vec<&str> = text.lines().collect();
        let Some(fixtures) = lines
            .iter()
            .find_map(|line| line.strip_prefix("<!-- tested:")?.strip_suffix("-->"))
        else {
            continue;
        };
        tested += 1;
        let setup: String = fixtures
            .split_whitespace()
            .map(|name| read(&root().join("tests/fixtures").join(name)))
            .collect();
        let samples = samples(&lines);
        let marked: String = samples
            .iter()
            .map(|sample| format!("\\echo {MARK}\n{}\n", sample.sql))
            .collect();
        let scratch = Scratch::with_extension().await;
        let printed = psql(
            cluster().await,
            &scratch.name,
            &format!("{setup}\n\\encoding UTF8\n{marked}"),
            false,
        );
        let outputs: Vec<&str> = printed.split(&format!("{MARK}\n")).skip(1).collect();
        assert_eq!(outputs.len(), samples.len(), "{}: {printed}", page.display());
        let given = format!("{setup}{marked}");
        let mut new: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        for (sample, output) in samples.iter().zip(&outputs).rev() {
            match &sample.output {
                Some(range) => {
                    let shown = lines[range.clone()].join("\n");
                    if matches(&comparable(&shown, &given), &comparable(output, &given)) {
                        continue;
                    }
                    if update {
                        new.splice(range.clone(), output.trim_end().lines().map(str::to_owned));
                    } else {
                        wrong.push(format!("{}\n{}\nprinted\n{output}", page.display(), sample.sql));
                    }
                }
                None if output.contains("ERROR:") => {
                    wrong.push(format!("{}\n{}\nfailed\n{output}", page.display(), sample.sql));
                }
                None => {}
            }
        }
        if update {
            fs::write(&page, new.join("\n") + "\n").unwrap_or_else(|error| panic!("{error}"));
        }
    }
    assert!(tested > 0, "no page is tested");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}
