//! Lists the files of a row whose keys end in `/`: it stands for all files below a prefix.

use std::sync::Arc;

use crate::blobs::file::blocking::blocking;
use crate::blobs::file::failure::Failure;
use crate::blobs::file::meter::Meter;
use crate::blobs::queue::Row;
use crate::blobs::storage::Storage;
use crate::blobs::storage::location::check_key;

/// The keys of all files below the row's source key, without that key, in order; empty when there are none.
///
/// Names that are not valid keys are listed too: their copies fail in the queue, where the operator sees them.
///
/// # Errors
/// Source or target key lead out of the root, the target key does not end in `/`, the storage cannot be reached, or the
/// run is aborted.
pub async fn list(source: &Arc<Storage>, row: &Row, meter: &Meter) -> Result<Vec<String>, Failure> {
    let prefix = &row.source_key;
    for key in [prefix, &row.target_key] {
        let Some(directory) = key.strip_suffix('/') else {
            return Err(Failure::file(format!(
                "{prefix} stands for many files, but its target {key} does not end in a slash"
            )));
        };
        check_key(directory).map_err(Failure::file)?;
    }
    let asked = async {
        match &**source {
            Storage::Directory(directory) => {
                let (directory, prefix, meter) = (directory.clone(), prefix.clone(), meter.clone());
                blocking(move || directory.list(&prefix, &meter)).await
            }
            Storage::S3(s3) => s3.list(prefix).await,
            Storage::Cloud(cloud) => cloud.list(prefix).await,
        }
    };
    let keys = tokio::select! {
        keys = asked => keys?,
        () = meter.abandon().cancelled() => return meter.go_on().map(|()| Vec::new()),
    };
    Ok(suffixes(prefix, keys))
}

/// The keys without the prefix; without keys that end in a slash, which mark directories and would be listed again.
fn suffixes(prefix: &str, keys: Vec<String>) -> Vec<String> {
    let mut suffixes: Vec<String> = keys
        .iter()
        .filter_map(|key| key.strip_prefix(prefix))
        .filter(|rest| !rest.is_empty() && !rest.ends_with('/'))
        .map(str::to_owned)
        .collect();
    suffixes.sort_unstable();
    suffixes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_of_directories_and_keys_of_others_are_no_files() {
        let keys = ["a/", "a/z", "a/sub/", "a/sub/x", "ab/y", "b"].map(str::to_owned);
        assert_eq!(suffixes("a/", keys.to_vec()), ["sub/x", "z"]);
    }
}
