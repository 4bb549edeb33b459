//! Golden SQL tests: every `tests/golden/sql/*.sql` is run by psql in a database with the extension; what it prints must be the
//! `.out` beside it. `UPDATE_GOLDEN=1` writes the files anew, to be read before they are committed.

use std::fs;
use std::path::{Path, PathBuf};

use pg_clone_tests::psql::{comparable, psql, with_fixed_values, with_included_files};
use pg_clone_tests::scratch_database::{Scratch, cluster};

fn scripts() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/sql");
    let mut found: Vec<PathBuf> = fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
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
