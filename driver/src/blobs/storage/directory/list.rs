//! The files below a prefix of a directory. These functions block, as all functions on directories.

use std::io;
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Dir, FileType};
use rustix::io::Errno;

use super::Directory;
use super::temporary_file::is_temporary;
use crate::blobs::file::failure::Failure;
use crate::blobs::file::meter::Meter;

impl Directory {
    /// The keys of all files below `prefix`, which ends in `/`; without symbolic links and temporary files.
    ///
    /// # Errors
    /// A directory cannot be read, the prefix leads out of the root or is the whole root, a name is not UTF-8, or the
    /// run is aborted.
    pub fn list(&self, prefix: &str, meter: &Meter) -> Result<Vec<String>, Failure> {
        // Keys with and without the bucket's prefix would be in the same directory.
        if self.prefix_in_bucket.starts_with(prefix) {
            return Err(Failure::file(format!(
                "{prefix} stands for all files of {}",
                self.root.display()
            )));
        }
        let top = self.relative(prefix.trim_end_matches('/'))?;
        let root = self.open_root()?;
        let mut keys = Vec::new();
        let mut open = vec![(top.to_owned(), prefix.to_owned())];
        while let Some((directory, key)) = open.pop() {
            let listed = match root.open_list(&directory) {
                Ok(listed) => self.entries(&directory, listed)?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(error) => return Err(self.read_failure(&directory, &error)),
            };
            for (name, kind) in listed {
                meter.go_on()?;
                match kind {
                    FileType::Directory => {
                        open.push((format!("{directory}/{name}"), format!("{key}{name}/")))
                    }
                    FileType::RegularFile if !is_temporary(&name) => keys.push(format!("{key}{name}")),
                    _ => {}
                }
            }
        }
        Ok(keys)
    }

    fn entries(&self, path: &str, directory: OwnedFd) -> Result<Vec<(String, FileType)>, Failure> {
        let failed = |error: Errno| self.read_failure(path, &error.into());
        let mut found = Vec::new();
        for entry in Dir::read_from(&directory).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let name = entry.file_name();
            if [c".", c".."].contains(&name) {
                continue;
            }
            let kind = match entry.file_type() {
                // Some file systems do not report the type.
                FileType::Unknown => match rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW) {
                    Ok(stat) => FileType::from_raw_mode(stat.st_mode),
                    Err(Errno::NOENT) => continue,
                    Err(error) => return Err(failed(error)),
                },
                kind => kind,
            };
            if !matches!(kind, FileType::Directory | FileType::RegularFile) {
                continue;
            }
            let name = name.to_str().map_err(|_| {
                let shown = self.root.join(path).join(name.to_string_lossy().as_ref());
                Failure::file(format!("the name of {} is no text and no key", shown.display()))
            })?;
            found.push((name.to_owned(), kind));
        }
        Ok(found)
    }
}
