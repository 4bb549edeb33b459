//! Reads the bytes of a source and computes their checksum.

use std::pin::Pin;

use bytes::{Bytes, BytesMut};
use futures_util::{Stream, StreamExt as _};

use crate::blobs::file::checksum::{Summer, Sums};
use crate::blobs::file::failure::Failure;
use crate::blobs::file::meter::Meter;

/// Chunks of a file in order.
pub type Chunks = Pin<Box<dyn Stream<Item = Result<Bytes, Failure>> + Send>>;

/// A source that is being read.
pub struct HashingReader {
    chunks: Chunks,
    rest: Bytes,
    ended: bool,
    summer: Summer,
    meter: Meter,
}

impl HashingReader {
    /// Starts to read `chunks`.
    pub fn new(chunks: Chunks, with_md5: bool, meter: &Meter) -> Self {
        Self {
            chunks,
            rest: Bytes::new(),
            ended: false,
            summer: Summer::new(with_md5),
            meter: meter.clone(),
        }
    }

    /// The next chunk of bytes; `None` at the end.
    ///
    /// # Errors
    /// The source fails, or the run is aborted.
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        if !self.rest.is_empty() {
            return Ok(Some(std::mem::take(&mut self.rest)));
        }
        // A stream must not be polled after its end.
        if self.ended {
            return Ok(None);
        }
        let chunk = tokio::select! {
            chunk = self.chunks.next() => chunk.transpose()?,
            () = self.meter.abandon().cancelled() => return self.meter.go_on().map(|()| None),
        };
        self.ended = chunk.is_none();
        if let Some(chunk) = &chunk {
            self.summer.update(chunk);
            self.meter.advance(chunk.len() as u64)?;
        }
        Ok(chunk)
    }

    /// The next `length` bytes in one piece; fewer only at the end.
    ///
    /// # Errors
    /// As [`HashingReader::next`].
    pub async fn part(&mut self, length: usize) -> Result<Bytes, Failure> {
        let mut part = BytesMut::with_capacity(length);
        while part.len() < length {
            let Some(mut chunk) = self.next().await? else {
                break;
            };
            let fits = chunk.len().min(length - part.len());
            part.extend_from_slice(&chunk.split_to(fits));
            self.rest = chunk;
        }
        Ok(part.freeze())
    }

    /// The checksums of all bytes that were read.
    pub fn finish(self) -> Sums {
        self.summer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_are_cut_across_chunks_and_summed_once() {
        // This stream panics when it is polled after its end, as a library's stream may.
        let chunks = futures_util::stream::unfold(["abc", "defgh", "i"].iter(), |mut chunks| async {
            chunks
                .next()
                .map(|chunk| (Ok(Bytes::from_static(chunk.as_bytes())), chunks))
        });
        let mut reader = HashingReader::new(Box::pin(chunks), false, &Meter::default());
        assert_eq!(reader.part(4).await.unwrap(), "abcd");
        assert_eq!(reader.part(4).await.unwrap(), "efgh");
        assert_eq!(reader.part(4).await.unwrap(), "i");
        assert_eq!(reader.part(4).await.unwrap(), "");
        assert_eq!(reader.finish().length, 9);
    }
}
