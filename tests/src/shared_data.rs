//! Real data beside the repository, which not every checkout has.

use std::path::PathBuf;

use crate::storage_servers::repository;

/// The file or directory `path` of the shared data. Where it is absent a line says that the test is skipped, and the
/// answer is `None`.
///
/// # Panics
/// When it is absent and the environment says `CI=true`: there nothing may be skipped.
pub fn shared_data(path: &str) -> Option<PathBuf> {
    let found = repository().parent()?.join("shared").join(path);
    if found.exists() {
        return Some(found);
    }
    assert!(
        std::env::var("CI").as_deref() != Ok("true"),
        "{} is missing",
        found.display()
    );
    println!("skipped: {} is missing", found.display());
    None
}
