//! Runs scripts with `psql` and makes their output comparable: values that differ between runs (new ids, times, durations)
//! are replaced.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;

use regex::{Captures, Regex};
use throwaway_cluster::Cluster;

static UUID: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"));
static TIME: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\d{4}-\d\d-\d\d([ T])\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d(:\d\d)?|Z)?"));
static DURATION: LazyLock<Regex> = LazyLock::new(|| pattern(r"\b\d+(\.\d+)? m?s\b"));
static LOCATION: LazyLock<Regex> = LazyLock::new(|| pattern(r"(?m)^LOCATION:  .*\n"));
static BLANKS: LazyLock<Regex> = LazyLock::new(|| pattern(r"[ \t]+"));
static RULES: LazyLock<Regex> = LazyLock::new(|| pattern(r"-{2,}"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Runs a client program of the server (pg_dump, pg_restore) as its superuser.
///
/// # Panics
/// When the program cannot be run or fails.
pub fn client_program(cluster: &Cluster, program: &str, arguments: &[&str]) {
    let output = Command::new(cluster.installation().program(program))
        .args(["--username=postgres", "--host"])
        .arg(cluster.directory())
        .arg(format!("--port={}", cluster.port()))
        .args(arguments)
        .output()
        .unwrap_or_else(|error| panic!("{program} cannot be run: {error}"));
    assert!(
        output.status.success(),
        "{program}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Runs a script in a database and returns what psql prints, errors and notices in their places.
/// With `echo` the statements are printed too.
///
/// # Panics
/// When psql cannot be run.
pub fn psql(cluster: &Cluster, database: &str, script: &str, echo: bool) -> String {
    let file = cluster.directory().join(format!("{database}.psql"));
    fs::write(&file, script).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    // Without buffers what psql writes to both outputs stays in order.
    let mut command = Command::new("stdbuf");
    command
        .arg("-o0")
        .arg(cluster.installation().program("psql"))
        .args(["--no-psqlrc", "--quiet", "--file"])
        .arg(&file)
        .arg(format!("--dbname={}", cluster.dsn(database)))
        .env("PGTZ", "UTC")
        .env("LC_ALL", "C.UTF-8")
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    if echo {
        command.arg("--echo-all");
    }
    let (mut reader, writer) = std::io::pipe().unwrap_or_else(|error| panic!("no pipe: {error}"));
    let both = writer
        .try_clone()
        .unwrap_or_else(|error| panic!("no pipe: {error}"));
    let mut child = command
        .stdin(std::process::Stdio::null())
        .stdout(writer)
        .stderr(both)
        .spawn()
        .unwrap_or_else(|error| panic!("psql cannot be run: {error}"));
    drop(command);
    let mut output = Vec::new();
    std::io::Read::read_to_end(&mut reader, &mut output).unwrap_or_else(|error| panic!("psql: {error}"));
    child.wait().unwrap_or_else(|error| panic!("psql: {error}"));
    // psql names the file and the line of each message.
    let text = String::from_utf8_lossy(&output).into_owned();
    let text =
        pattern(&format!(r"psql:{}:\d+: ", regex::escape(&file.to_string_lossy()))).replace_all(&text, "");
    // With `\set VERBOSITY verbose` also the place in the source of who raised the error.
    LOCATION.replace_all(&text, "").into_owned()
}

/// A script with the text of the files that it includes by `\\i`.
pub fn with_included_files(script: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let included = script
        .lines()
        .filter_map(|line| line.strip_prefix("\\i "))
        .map(|name| fs::read_to_string(root.join(name)).unwrap_or_else(|error| panic!("{name}: {error}")));
    std::iter::once(script.to_owned()).chain(included).collect()
}

/// Replaces the UUIDs that do not occur in `given`, times and durations by fixed ones of the same width.
pub fn with_fixed_values(text: &str, given: &str) -> String {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let text = UUID.replace_all(text, |found: &Captures<'_>| {
        let id = found[0].to_owned();
        if given.contains(&id) {
            return id;
        }
        let next = seen.len() + 1;
        let number = *seen.entry(id).or_insert(next);
        format!("00000000-0000-7000-8000-{number:012}")
    });
    let text = TIME.replace_all(&text, "2026-01-01${1}00:00:00+00");
    DURATION.replace_all(&text, "0.00 s").into_owned()
}

/// The text in the form in which two outputs are compared: fixed values, and no widths of columns.
pub fn comparable(text: &str, given: &str) -> Vec<String> {
    with_fixed_values(text, given)
        .lines()
        .map(|line| {
            RULES
                .replace_all(BLANKS.replace_all(line, " ").trim(), "--")
                .replace("-- ", "--")
                .replace(" --", "--")
        })
        .filter(|line| !line.is_empty())
        .collect()
}
