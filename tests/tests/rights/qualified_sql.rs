//! The extension's SQL uses PostgreSQL's own functions, operators and types with any `search_path`: a function in SQL sets a path with
//! `pg_catalog` only, or qualifies every name; the SQL in the extension's Rust code qualifies every name.

use std::fs;
use std::path::{Path, PathBuf};

/// A string of a Rust source, and the calls that it is an argument of, the innermost last.
struct Literal {
    line: usize,
    text: String,
    calls: Vec<String>,
}

/// What is shown to people and not run.
const SHOWN: [&str; 12] = [
    "hint",
    "detail",
    "bad_argument",
    "Error::new",
    "assert",
    "assert_eq",
    "panic",
    "notice",
    "doc",
    "expect",
    "reason",
    "internal_error",
];
/// Words before a bracket that are no functions.
const NO_FUNCTIONS: [&str; 1] = ["v"];

fn sources(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, ending, found);
        } else if path.extension().is_some_and(|e| e == ending) {
            found.push(path);
        }
    }
    found.sort();
}

/// The strings of a Rust source, without comments.
fn literals(source: &str) -> Vec<Literal> {
    let chars: Vec<char> = source.chars().collect();
    let (mut found, mut calls, mut word) = (Vec::new(), Vec::<String>::new(), String::new());
    let (mut at, mut line) = (0, 1);
    while at < chars.len() {
        let rest = &chars[at..];
        match rest {
            ['/', '/', ..] => {
                while at < chars.len() && chars[at] != '\n' {
                    at += 1;
                }
                continue;
            }
            ['r', '#' | '"', ..] if !word.ends_with(|c: char| c.is_alphanumeric()) => {
                let marks = rest[1..].iter().take_while(|c| **c == '#').count();
                if rest.get(1 + marks) == Some(&'"') {
                    let start = at + 2 + marks;
                    let end: String = format!("\"{}", "#".repeat(marks));
                    let text: String = chars[start..].iter().collect();
                    let length = text.find(&end).unwrap();
                    let text = text[..length].to_owned();
                    let lines = text.matches('\n').count();
                    at = start + text.chars().count() + end.len();
                    found.push(Literal {
                        line,
                        text,
                        calls: calls.clone(),
                    });
                    line += lines;
                    word.clear();
                    continue;
                }
            }
            ['\'', '\\', _, '\'', ..] => {
                at += 4;
                continue;
            }
            ['\'', _, '\'', ..] => {
                at += 3;
                continue;
            }
            ['"', ..] => {
                let (mut text, first) = (String::new(), line);
                at += 1;
                while chars[at] != '"' {
                    if chars[at] == '\\' {
                        at += 1;
                        if chars[at] == '\n' {
                            line += 1;
                            while chars[at + 1].is_whitespace() {
                                at += 1;
                            }
                        } else {
                            text.push(chars[at]);
                        }
                    } else {
                        line += usize::from(chars[at] == '\n');
                        text.push(chars[at]);
                    }
                    at += 1;
                }
                at += 1;
                found.push(Literal {
                    line: first,
                    text,
                    calls: calls.clone(),
                });
                word.clear();
                continue;
            }
            ['(' | '[' | '{', ..] => calls.push(std::mem::take(&mut word)),
            [')' | ']' | '}', ..] => {
                calls.pop();
                word.clear();
            }
            _ => {}
        }
        let c = chars[at];
        line += usize::from(c == '\n');
        if c.is_alphanumeric() || c == '_' || c == ':' {
            word.push(c);
        } else if c != '!' && c != '(' && c != '[' && c != '{' {
            word.clear();
        }
        at += 1;
    }
    found
}

fn is_sql(text: &str) -> bool {
    const WORDS: [&str; 9] = [
        "SELECT ",
        "INSERT INTO ",
        "UPDATE ",
        "DELETE FROM ",
        " WHERE ",
        " FROM ",
        "EXISTS (",
        " AND ",
        " IS NULL",
    ];
    WORDS.iter().filter(|word| text.contains(**word)).count() >= 1
        && (text.contains("pg_catalog.") || text.contains("SELECT ") || text.contains("clone."))
}

/// SQL without its strings, quoted names, placeholders and comments, and without what is qualified.
fn bare(sql: &str) -> String {
    let mut out = String::new();
    let mut rest = sql;
    while let Some(c) = rest.chars().next() {
        let skipped = match c {
            '\'' => rest[1..].find('\'').map(|end| end + 2),
            '"' => rest[1..].find('"').map(|end| end + 2),
            '{' => rest.find('}').map(|end| end + 1),
            '-' if rest.starts_with("--") => Some(rest.find('\n').unwrap_or(rest.len())),
            _ if rest.starts_with("OPERATOR(pg_catalog.") => rest.find(')').map(|end| end + 1),
            _ => None,
        };
        match skipped {
            Some(end) => {
                // Something stood there: a value, or a qualified operator.
                out.push_str(if c == 'O' || c == '-' { " " } else { "v" });
                rest = &rest[end..];
            }
            None => {
                out.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    out
}

/// What in a piece of SQL is looked up on the `search_path`.
fn unqualified(sql: &str) -> Vec<String> {
    let text = bare(sql);
    let mut found = Vec::new();
    let set = regex::Regex::new(r"(\bSET |, ?|\bDO UPDATE SET )([\w.]+|\(v\)) = ").unwrap();
    let text = set.replace_all(&text, "$1 ").into_owned();
    let raised = regex::Regex::new(r"\b(ERRCODE|HINT|DETAIL|MESSAGE) = ").unwrap();
    let text = raised.replace_all(&text, " ").replace("(*)", "()");
    // Named arguments, casts to qualified types, all columns.
    let text =
        regex::Regex::new(r"=>|::(pg_catalog|clone)\.\w+|::v|::\[\]|[\w.]*\*(\)|,| FROM|$)|:=|->>? ?v\)?\?")
            .unwrap()
            .replace_all(&text, " ")
            .into_owned();
    for operator in regex::Regex::new(r"[=<>|~@#&^%]+|->>?|\bLIKE\b|\bILIKE\b|\bSIMILAR TO\b|\bBETWEEN\b|\b(NOT )?IN \(|\bNULLIF\b|\bDISTINCT FROM\b|\bUSING \(|\bNATURAL\b|\bOVERLAPS\b")
        .map(|r| r.find_iter(&text).map(|m| m.as_str().to_owned()).collect::<Vec<_>>())
        .unwrap_or_default()
    {
        found.push(operator);
    }
    for cast in regex::Regex::new(r"::\w+").unwrap().find_iter(&text) {
        found.push(cast.as_str().to_owned());
    }
    for call in regex::Regex::new(r"(AS )?([a-z_][a-z0-9_.]*)\(")
        .unwrap()
        .captures_iter(&text)
    {
        let name = &call[2];
        if call.get(1).is_none() && !name.contains('.') && !NO_FUNCTIONS.contains(&name) {
            found.push(format!("{name}("));
        }
    }
    found
}

#[test]
fn names_in_the_sql_of_the_extensions_rust_code_are_qualified() {
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    sources(&root.join("pg_clone_ext/src"), "rs", &mut files);
    sources(&root.join("pg_clone_ext/core/src/plan"), "rs", &mut files);
    let (mut seen, mut bad) = (0, Vec::new());
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap_or_default();
        for literal in literals(source) {
            let shown = literal
                .calls
                .iter()
                .any(|call| SHOWN.iter().any(|shown| call.ends_with(shown)));
            if shown || !is_sql(&literal.text) {
                continue;
            }
            seen += 1;
            let names = unqualified(&literal.text);
            if !names.is_empty() {
                bad.push(format!(
                    "{}:{}: {names:?} in {}",
                    file.strip_prefix(&root).unwrap_or(&file).display(),
                    literal.line,
                    literal.text
                ));
            }
        }
    }
    assert!(seen > 100, "only {seen} statements were found");
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

/// Functions without a path of their own: what they look up means what it means to the caller. Their own names are qualified.
const CALLERS_PATH: [&str; 1] = ["clone_internal.qualify_function"];

#[test]
fn functions_in_sql_set_their_path_or_qualify_every_name() {
    let mut files = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../sql");
    sources(&root.join("install"), "sql", &mut files);
    sources(&root.join("presets"), "sql", &mut files);
    let head = regex::Regex::new(
        r"(?s)CREATE (?:OR REPLACE )?(?:FUNCTION|PROCEDURE) ([\w.@]+)(.*?)AS (\$\w*\$|'MODULE_PATHNAME')",
    )
    .unwrap();
    let (mut functions, mut bad) = (0, Vec::new());
    for file in files {
        let source = fs::read_to_string(&file).unwrap();
        for function in head.captures_iter(&source) {
            functions += 1;
            let (name, options) = (&function[1], &function[2]);
            let path = options.contains("SET search_path = pg_catalog, pg_temp");
            if options.contains("SECURITY DEFINER") && !path {
                bad.push(format!("{name}: SECURITY DEFINER without a path"));
            }
            if path || &function[3] == "'MODULE_PATHNAME'" {
                continue;
            }
            let start = function.get(0).unwrap().end();
            let body = source[start..].split(&function[3]).next().unwrap_or_default();
            let names = unqualified(body);
            if !names.is_empty() || !CALLERS_PATH.contains(&name) {
                bad.push(format!("{} {name}: no path, {names:?}", file.display()));
            }
        }
    }
    assert!(functions > 60, "only {functions} functions were found");
    assert!(bad.is_empty(), "{}", bad.join("\n"));
}

#[test]
fn the_check_finds_what_it_is_for() {
    for (sql, expected) in [
        ("SELECT a FROM clone.run WHERE id = 1", vec!["="]),
        (
            "SELECT a FROM clone.run WHERE id OPERATOR(pg_catalog.=) $1",
            vec![],
        ),
        (
            "UPDATE clone.run SET a = 1, b = pg_catalog.now() WHERE true",
            vec![],
        ),
        ("SELECT now()", vec!["now("]),
        ("SELECT x::text, y::pg_catalog.text, z::{}", vec!["::text"]),
        ("SELECT count(*) FROM clone.run", vec!["count("]),
        ("SELECT a FROM t WHERE b IN (1, 2)", vec!["IN ("]),
        ("SELECT a || b", vec!["||"]),
        ("SELECT 'a = b' AS \"c(d)\" -- e = f", vec![]),
        ("SELECT f.x FROM clone.f(a => 1) AS f (x, y)", vec![]),
    ] {
        assert_eq!(unqualified(sql), expected, "{sql}");
    }
}
