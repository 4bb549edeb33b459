//! Files in a directory of this machine. All functions block: they run on the blocking threads of the runtime.
//!
//! Written by hand over `std::fs`, because the libraries do not keep what a copy has to: object_store 0.14 makes a hard
//! link, opendal 0.59 neither syncs the file nor its directory, and neither reads back what it wrote.

use std::fs::{self, File};
use std::io::{self, Read, Seek as _};
use std::path::PathBuf;

use super::checksum::{Checksum, Summer, Sums};
use super::draft::Draft;
use super::failure::Failure;
use super::location::check_key;
use super::meter::Meter;
use super::outcome::{Copied, Method};

/// 256 KiB: large enough that system calls do not count, small enough to stay in the cache between read, sum and write.
const BUFFER: usize = 256 * 1024;

/// A directory that holds files by key.
#[derive(Clone, Debug)]
pub struct Directory {
    pub(super) root: PathBuf,
    pub(super) prefix_in_bucket: String,
}

impl Directory {
    /// The directory `root`; keys lose `prefix_in_bucket` in it.
    pub fn new(root: PathBuf, prefix_in_bucket: &str) -> Self {
        Self {
            root,
            prefix_in_bucket: prefix_in_bucket.to_owned(),
        }
    }

    /// Whether both are the same directory, whatever symbolic links lead there.
    pub fn is_same(&self, other: &Self) -> bool {
        self.root == other.root
            || matches!((fs::canonicalize(&self.root), fs::canonicalize(&other.root)), (Ok(a), Ok(b)) if a == b)
    }

    /// The file of a key.
    ///
    /// # Errors
    /// When the key would leave the directory.
    pub fn path(&self, key: &str) -> Result<PathBuf, Failure> {
        check_key(key).map_err(Failure::file)?;
        let inner = key.strip_prefix(&self.prefix_in_bucket).unwrap_or(key);
        check_key(inner).map_err(Failure::file)?;
        Ok(self.root.join(inner))
    }

    /// Opens a file to be read.
    ///
    /// # Errors
    /// When it is missing or cannot be read.
    pub fn open(&self, key: &str) -> Result<(File, fs::Metadata), Failure> {
        let path = self.path(key)?;
        let failed = |error: &io::Error| self.read_failure(&path, error);
        let file = File::open(&path).map_err(|error| failed(&error))?;
        let metadata = file.metadata().map_err(|error| failed(&error))?;
        if !metadata.is_file() {
            return Err(failed(&io::ErrorKind::IsADirectory.into()));
        }
        Ok((file, metadata))
    }

    /// Size of a file in bytes, `None` when there is none.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub fn size(&self, key: &str) -> Result<Option<u64>, Failure> {
        let path = self.path(key)?;
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => Ok(Some(metadata.len())),
            Ok(_) => Err(Failure::file(format!("{} is not a file", path.display()))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.read_failure(&path, &error)),
        }
    }

    /// Checksums of a whole file.
    ///
    /// # Errors
    /// When it is missing or cannot be read, or the run stops.
    pub fn sums(&self, key: &str, with_md5: bool, meter: &Meter) -> Result<Sums, Failure> {
        let (mut file, _) = self.open(key)?;
        let mut summer = Summer::new(with_md5);
        each_chunk(&mut file, &format!("{}/{key}", self.root.display()), |bytes| {
            meter.go_on()?;
            summer.update(bytes);
            Ok(())
        })?;
        Ok(summer.finish())
    }

    /// Starts a file, with the mode and owner of `like` or else of the directory's usual.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn draft(&self, key: &str, like: Option<&fs::Metadata>) -> Result<Draft, Failure> {
        let draft = Draft::create(&self.root, self.path(key)?)?;
        if let Some(like) = like {
            draft.resemble(like)?;
        }
        Ok(draft)
    }

    /// Copies a file of another directory, byte by byte: never a link, two projects must not share a file.
    ///
    /// # Errors
    /// As [`Failure`] tells.
    pub fn copy(
        &self,
        target_key: &str,
        source: &Self,
        source_key: &str,
        size_expected: Option<u64>,
        meter: &Meter,
    ) -> Result<Copied, Failure> {
        let source_path = source.path(source_key)?;
        let name = source_path.display().to_string();
        let (mut from, metadata) = source.open(source_key)?;
        check_size(&name, size_expected, metadata.len())?;
        let target_size = self.size(target_key);
        if let Ok(Some(size)) = target_size
            && size == metadata.len()
        {
            let there = self.sums(target_key, false, meter)?;
            if there == source.sums(source_key, false, meter)? {
                return Ok(copied(Method::Present, there));
            }
        }
        let mut draft = self.draft(target_key, Some(&metadata))?;
        let mut summer = Summer::new(false);
        each_chunk(&mut from, &name, |bytes| {
            meter.advance(bytes.len() as u64)?;
            summer.update(bytes);
            draft.write(bytes)
        })?;
        let sums = summer.finish();
        check_size(&name, Some(metadata.len()), sums.length)?;
        seal(draft, &sums, meter)?;
        Ok(copied(Method::Local, sums))
    }

    /// Deletes a file and the directories that it leaves empty; no such file is fine.
    ///
    /// # Errors
    /// When the directory cannot be written.
    pub fn delete(&self, key: &str) -> Result<(), Failure> {
        let path = self.path(key)?;
        match fs::remove_file(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Failure::writing(&path.display().to_string(), &error)),
        }
        for directory in path
            .ancestors()
            .skip(1)
            .take_while(|directory| *directory != self.root)
        {
            if fs::remove_dir(directory).is_err() {
                break;
            }
        }
        Ok(())
    }

    pub(super) fn read_failure(&self, path: &std::path::Path, error: &io::Error) -> Failure {
        if error.kind() == io::ErrorKind::NotFound && !self.root.is_dir() {
            return Failure::storage(format!("the directory {} does not exist", self.root.display()));
        }
        Failure::reading(&path.display().to_string(), error)
    }
}

/// Reads the draft back, compares it with what should be in it, and publishes it.
///
/// # Errors
/// When the file system gives back something else, or cannot finish the file.
pub fn seal(draft: Draft, sums: &Sums, meter: &Meter) -> Result<(), Failure> {
    let mut written = draft.file();
    let mut summer = Summer::new(false);
    let failed = |error: io::Error| Failure::passing(format!("cannot read back what was written: {error}"));
    written.rewind().map_err(failed)?;
    each_chunk(&mut written, "what was written", |bytes| {
        meter.go_on()?;
        summer.update(bytes);
        Ok(())
    })?;
    let back = summer.finish();
    if back.length != sums.length || back.crc32c != sums.crc32c {
        return Err(Failure::passing(format!(
            "the target gives back {} bytes with {}, written were {} with {}",
            back.length,
            Checksum::Crc32c(back.crc32c),
            sums.length,
            Checksum::Crc32c(sums.crc32c)
        )));
    }
    draft.publish()
}

/// Complains about a size that is not the expected one.
///
/// # Errors
/// When it is not.
pub fn check_size(name: &str, expected: Option<u64>, found: u64) -> Result<(), Failure> {
    match expected {
        Some(expected) if expected != found => Err(Failure::file(format!(
            "{name} has {found} bytes where {expected} were expected"
        ))),
        _ => Ok(()),
    }
}

fn copied(method: Method, sums: Sums) -> Copied {
    Copied {
        method,
        bytes: sums.length,
        checksum: Some(Checksum::Crc32c(sums.crc32c)),
    }
}

fn each_chunk(
    file: &mut impl Read,
    name: &str,
    mut take: impl FnMut(&[u8]) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let mut buffer = vec![0; BUFFER];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => take(&buffer[..length])?,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::reading(name, &error)),
        }
    }
}
