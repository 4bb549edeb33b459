//! Unpacks the files of an archive and checks their sizes.

use anyhow::{Result, bail};
use clone_archive::FileEntry;

use crate::blobs::UnpackedFiles;
use crate::progress::Count;

/// Files that are being unpacked.
pub struct Unpacking {
    files: UnpackedFiles,
    current: Option<(FileEntry, u64)>,
    done: u64,
    bytes: u64,
}

impl Unpacking {
    /// Into this directory.
    pub fn into_directory(files: UnpackedFiles) -> Self {
        Self {
            files,
            current: None,
            done: 0,
            bytes: 0,
        }
    }

    /// The directory.
    pub fn files(&mut self) -> &mut UnpackedFiles {
        &mut self.files
    }

    /// Begins a file.
    ///
    /// # Errors
    /// The previous file is smaller than its entry says, the key leads out of the directory, or the file cannot be written.
    pub fn begin(&mut self, entry: FileEntry) -> Result<()> {
        self.end()?;
        self.files.begin(&entry.key)?;
        self.current = Some((entry, 0));
        Ok(())
    }

    /// Appends to the file.
    ///
    /// # Errors
    /// The file is larger than its entry says, or cannot be written.
    pub fn add(&mut self, bytes: &[u8]) -> Result<()> {
        let Some((entry, length)) = &mut self.current else {
            bail!("the archive has file content without a file");
        };
        *length += bytes.len() as u64;
        if *length > entry.size {
            bail!(
                "the file {:?} of the archive is larger than the {} bytes of its entry",
                entry.key,
                entry.size
            );
        }
        self.bytes += bytes.len() as u64;
        self.files.add(bytes)
    }

    /// Ends the last file.
    ///
    /// # Errors
    /// The file is smaller than its entry says.
    pub fn end(&mut self) -> Result<()> {
        let Some((entry, length)) = self.current.take() else {
            return Ok(());
        };
        if length != entry.size {
            bail!(
                "the file {:?} of the archive has {length} bytes, not {}",
                entry.key,
                entry.size
            );
        }
        self.done += 1;
        self.files.end()
    }

    /// The progress.
    pub fn count(&self) -> Count {
        Count {
            subject: self
                .current
                .as_ref()
                .map_or_else(String::new, |(entry, _)| entry.key.clone()),
            done: self.done,
            total: None,
            estimated: false,
            bytes: self.bytes,
        }
    }
}
