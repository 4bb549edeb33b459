//! Checksums of files, of the kinds that storage services keep.
//!
//! Where this program computes a checksum it records CRC-32C: it is fast, and Google keeps it for each object. MD5 is
//! computed only where a service's MD5 is compared.

use std::fmt;

use crc_fast::{CrcAlgorithm, Digest as Crc};
use md5::{Digest as _, Md5};

/// A checksum with its kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Checksum {
    /// CRC-32C (Castagnoli).
    Crc32c(u32),
    /// MD5 of all bytes.
    Md5([u8; 16]),
    /// A service's ETag that may not be an MD5: equal ETags mean equal bytes, different ETags prove nothing.
    ETag(String),
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Crc32c(sum) => write!(f, "crc32c:{sum:08x}"),
            Self::Md5(sum) => {
                f.write_str("md5:")?;
                sum.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
            Self::ETag(text) => write!(f, "etag:{text}"),
        }
    }
}

impl Checksum {
    /// Reads the MD5 that services write as base64.
    pub fn md5_from_base64(text: &str) -> Option<Self> {
        data_encoding::BASE64
            .decode(text.as_bytes())
            .ok()?
            .try_into()
            .ok()
            .map(Self::Md5)
    }

    /// Whether two checksums of the same kind are equal; `None` when they cannot be compared.
    pub fn agrees(&self, other: &Self) -> Option<bool> {
        match (self, other) {
            (Self::Crc32c(a), Self::Crc32c(b)) => Some(a == b),
            (Self::Md5(a), Self::Md5(b)) => Some(a == b),
            (Self::ETag(a), Self::ETag(b)) if a == b => Some(true),
            _ => None,
        }
    }
}

/// Computes CRC-32C, and optionally MD5, of a stream of bytes.
pub struct Summer {
    crc: Crc,
    md5: Option<Md5>,
    length: u64,
}

impl Summer {
    /// A new sum; `with_md5` adds the MD5.
    pub fn new(with_md5: bool) -> Self {
        Self {
            crc: Crc::new(CrcAlgorithm::Crc32Iscsi),
            md5: with_md5.then(Md5::new),
            length: 0,
        }
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.crc.update(bytes);
        if let Some(md5) = &mut self.md5 {
            md5.update(bytes);
        }
        self.length += bytes.len() as u64;
    }

    /// The checksums of all bytes: CRC-32C first.
    pub fn finish(self) -> Sums {
        let crc32c =
            u32::try_from(self.crc.finalize()).unwrap_or_else(|_| unreachable!("a CRC-32 has 32 bits"));
        Sums {
            crc32c,
            md5: self.md5.map(|md5| md5.finalize().into()),
            length: self.length,
        }
    }
}

/// The result of [`Summer`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// CRC-32C of the bytes.
    pub crc32c: u32,
    /// MD5 of the bytes, if requested.
    pub md5: Option<[u8; 16]>,
    /// Number of bytes.
    pub length: u64,
}

impl Sums {
    /// Whether a stored checksum equals that of these bytes; `None` if this kind was not computed.
    pub fn agree(&self, stored: &Checksum) -> Option<bool> {
        Checksum::Crc32c(self.crc32c)
            .agrees(stored)
            .or_else(|| self.md5.and_then(|md5| Checksum::Md5(md5).agrees(stored)))
    }
}

/// A checksum as part of a message.
pub fn with(checksum: Option<&Checksum>) -> String {
    checksum
        .map(|checksum| format!(" with {checksum}"))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sums_are_the_published_ones_of_the_check_string() {
        let mut summer = Summer::new(true);
        summer.update(b"1234");
        summer.update(b"56789");
        let sums = summer.finish();
        assert_eq!(sums.length, 9);
        assert_eq!(Checksum::Crc32c(sums.crc32c).to_string(), "crc32c:e3069283");
        let md5 = Checksum::Md5(sums.md5.unwrap());
        assert_eq!(md5.to_string(), "md5:25f9e794323b453885f5181f1b624d0b");
        assert_eq!(sums.agree(&md5), Some(true));
        assert_eq!(sums.agree(&Checksum::Md5([0; 16])), Some(false));
        assert_eq!(sums.agree(&Checksum::ETag("x-2".into())), None);
    }

    #[test]
    fn etags_that_differ_say_nothing() {
        let etag = |text: &str| Checksum::ETag(text.into());
        assert_eq!(etag("a-2").agrees(&etag("a-2")), Some(true));
        assert_eq!(etag("a-2").agrees(&etag("b-3")), None);
    }
}
