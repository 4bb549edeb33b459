//! The files below a prefix of a directory. Blocks, like all that is done with directories.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::blobs::file::failure::Failure;
use crate::blobs::file::meter::Meter;
use crate::blobs::storage::directory::Directory;
use crate::blobs::storage::directory::temporary_file::is_temporary;

impl Directory {
    /// The keys of all files below `prefix`, which ends in `/`: not of links, nor of what is still being written.
    ///
    /// # Errors
    /// When a directory cannot be read, when the prefix leads out of the root or stands for all of it, when a name is no
    /// text, or the run is abandoned.
    pub fn list(&self, prefix: &str, meter: &Meter) -> Result<Vec<String>, Failure> {
        // Keys that lose the prefix in the bucket and keys that do not would lie beside each other here.
        if self.prefix_in_bucket.starts_with(prefix) {
            return Err(Failure::file(format!(
                "{prefix} stands for all files of {}",
                self.root.display()
            )));
        }
        let top = self.path(prefix.trim_end_matches('/'))?;
        match (fs::canonicalize(&top), fs::canonicalize(&self.root)) {
            (Ok(inner), Ok(root)) if inner.starts_with(&root) => {}
            (Ok(inner), Ok(_)) => {
                return Err(Failure::file(format!(
                    "{} leads out of its root to {}",
                    top.display(),
                    inner.display()
                )));
            }
            (Err(error), Ok(_)) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            (Err(error), _) | (_, Err(error)) => return Err(self.read_failure(&top, &error)),
        }
        let mut keys = Vec::new();
        let mut open = vec![(top, prefix.to_owned())];
        while let Some((directory, key)) = open.pop() {
            for (path, name, kind) in self.entries(&directory)? {
                meter.go_on()?;
                if kind.is_dir() {
                    open.push((path, format!("{key}{name}/")));
                } else if kind.is_file() && !is_temporary(&name) {
                    keys.push(format!("{key}{name}"));
                }
            }
        }
        Ok(keys)
    }

    fn entries(&self, directory: &Path) -> Result<Vec<(PathBuf, String, fs::FileType)>, Failure> {
        let failed = |error: io::Error| self.read_failure(directory, &error);
        let entries = match fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(failed(error)),
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry.map_err(failed)?;
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(failed(error)),
            };
            if !kind.is_dir() && !kind.is_file() {
                continue;
            }
            let path = entry.path();
            let name = entry.file_name().into_string().map_err(|_| {
                Failure::file(format!("the name of {} is no text and no key", path.display()))
            })?;
            found.push((path, name, kind));
        }
        Ok(found)
    }
}
