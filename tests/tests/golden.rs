//! Golden SQL tests: psql runs every script of `tests/golden/sql` in a database with the extension; its output must equal the
//! `.out` file. `UPDATE_GOLDEN=1` writes these files; read the difference before a commit.

use std::fs;
use std::path::{Path, PathBuf};

use pg_clone_tests::psql::{comparable, psql, with_fixed_values, with_included_files};
use pg_clone_tests::scratch_database::{Scratch, cluster};

/// Folders of scripts, below this package.
const FOLDERS: [&str; 4] = [
    "golden/sql",
    "golden/sql/errors",
    "golden/sql/errors/rows",
    "golden/sql/errors/stores",
];

fn scripts() -> Vec<PathBuf> {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found: Vec<PathBuf> = FOLDERS
        .iter()
        .map(|folder| package.join(folder))
        .flat_map(|folder| {
            fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        })
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|extension| extension == "sql"))
        .collect();
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn every_script_prints_what_its_golden_file_says() {
    let scripts = scripts();
    assert!(!scripts.is_empty(), "no golden scripts");
    let mut wrong = Vec::new();
    for path in scripts {
        let script = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let scratch = Scratch::with_extension().await;
        let printed = psql(cluster().await, &scratch.name, &script, true);
        let given = with_included_files(&script);
        let golden = path.with_extension("out");
        if std::env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&golden, with_fixed_values(&printed, &given))
                .unwrap_or_else(|error| panic!("{}: {error}", golden.display()));
            continue;
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        let (found, expected) = (comparable(&printed, &given), comparable(&expected, &given));
        if found != expected {
            let diff = similar::TextDiff::from_lines(expected.join("\n"), found.join("\n"))
                .unified_diff()
                .header(&golden.display().to_string(), "printed")
                .to_string();
            wrong.push(diff);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Names and comments of what the extension has, except in schema `clone_internal` where `of_users` asks for that.
const FUNCTIONS: &str = "SELECT DISTINCT p.proname::text FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid \
     JOIN pg_proc p ON p.oid = d.objid JOIN pg_namespace n ON n.oid = p.pronamespace \
     WHERE e.extname = 'pg_clone_ext' AND d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass \
     AND d.deptype = 'e' AND n.nspname <> 'clone_internal' ORDER BY 1";

#[tokio::test(flavor = "multi_thread")]
async fn every_function_for_users_is_called_by_a_script() {
    let scratch = Scratch::with_extension().await;
    let all: String = scripts()
        .iter()
        .map(|path| fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display())))
        .map(|script| with_included_files(&script))
        .collect();
    let functions = scratch.list(FUNCTIONS).await;
    assert!(functions.len() > 30, "{functions:?}");
    let missing: Vec<&String> = functions
        .iter()
        .filter(|name| {
            let call = regex::Regex::new(&format!(r"\b{name}\(")).unwrap_or_else(|error| panic!("{error}"));
            !call.is_match(&all)
        })
        .collect();
    assert!(
        missing.is_empty(),
        "called by no script in tests/golden/sql: {missing:?}"
    );
}

/// What has no comment: functions, schemas, tables, views, sequences, columns.
const WITHOUT_COMMENT: &str = "WITH members AS (SELECT d.classid, d.objid FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid \
       WHERE e.extname = 'pg_clone_ext' AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'), \
     things AS (SELECT classid, objid, 0 AS part FROM members WHERE classid IN ('pg_proc'::regclass, 'pg_class'::regclass) \
       UNION ALL SELECT m.classid, m.objid, a.attnum FROM members m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass \
       AND c.relkind IN ('r', 'v') JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) \
     SELECT pg_describe_object(t.classid, t.objid, t.part) FROM things t WHERE NOT EXISTS (SELECT FROM pg_description c \
       WHERE c.classoid = t.classid AND c.objoid = t.objid AND c.objsubid = t.part AND c.description <> '') ORDER BY 1";

#[tokio::test(flavor = "multi_thread")]
async fn everything_of_the_extension_has_a_comment() {
    let without = Scratch::with_extension().await.list(WITHOUT_COMMENT).await;
    assert!(without.is_empty(), "without a comment:\n{}", without.join("\n"));
}
