//! Documents that are rewritten together.

use super::document::{Compressed, DocumentError, DocumentFormat, rewrite};
use super::give_back;
use crate::ids::{IdMap, TextIdMap};
use crate::rewrite::{Counts, Dangling, DanglingTargets, IdPaths, Outcome, RewriteError, Rewriter};
use std::ops::Range;

/// A document of a batch.
struct Document {
    form: DocumentFormat,
    compressed: Option<Compressed>,
    dangling: Dangling,
    /// Under which its counts are added up.
    group: usize,
    bytes: Range<usize>,
    made: Result<RewrittenRange, DocumentError>,
}

/// What a document has become; ranges are those of the batch's results.
enum RewrittenRange {
    /// What now stands in the place of its bytes, compressed as those were.
    SamePlace {
        plain: Option<Range<usize>>,
    },
    Null,
    Plain(Range<usize>),
    Compressed {
        stream: Range<usize>,
        how: Compressed,
        plain: Option<Range<usize>>,
    },
}

/// What a document has become.
#[derive(Debug, PartialEq, Eq)]
pub enum RewrittenDocument<'b> {
    /// It is a dangling reference that shall not stay.
    Null,
    /// These bytes.
    Plain(&'b [u8]),
    /// A compressed document.
    Compressed {
        /// The compressed bytes.
        stream: &'b [u8],
        /// How they are compressed.
        how: Compressed,
        /// The document itself, where the batch was asked to keep it.
        plain: Option<&'b [u8]>,
    },
}

/// Documents with all that is needed to rewrite them, and what they have become.
#[derive(Default)]
pub struct DocumentBatch {
    bytes: Vec<u8>,
    results: Vec<u8>,
    documents: Vec<Document>,
    /// Bytes of the documents when they are not compressed.
    length: usize,
    keeps_plain: bool,
    counts: Vec<(usize, Counts)>,
    targets: DanglingTargets,
}

/// Working memory that outlives a batch.
#[derive(Default)]
struct Scratch {
    raw: Vec<u8>,
    compressed: Vec<u8>,
}

/// Rewrites batches in the thread that owns it.
pub struct BatchRewriter<'m> {
    rewriter: Rewriter<'m>,
    scratch: Scratch,
}

impl<'m> BatchRewriter<'m> {
    /// One that reads these maps.
    pub fn new(ids: &'m IdMap, texts: &'m TextIdMap, id_paths: &'m IdPaths) -> Self {
        BatchRewriter {
            rewriter: Rewriter::new(ids, texts, Dangling::default()).with_id_paths(id_paths),
            scratch: Scratch::default(),
        }
    }

    /// Rewrites the documents of a batch; at the first that fails it stops.
    pub fn rewrite(&mut self, batch: &mut DocumentBatch) {
        batch.rewrite(&mut self.rewriter, &mut self.scratch);
    }
}

impl DocumentBatch {
    /// Adds a document; returns its place. `group` is what its counts are added up under.
    ///
    /// # Errors
    /// [`RewriteError::OutOfMemory`].
    pub fn push(
        &mut self,
        form: DocumentFormat,
        compressed: Option<Compressed>,
        dangling: Dangling,
        group: usize,
        document: &[u8],
    ) -> Result<usize, DocumentError> {
        let bytes = append(&mut self.bytes, document)?;
        self.length += compressed.map_or(document.len(), |compressed| compressed.length);
        self.documents.push(Document {
            form,
            compressed,
            dangling,
            group,
            bytes,
            made: Ok(RewrittenRange::SamePlace { plain: None }),
        });
        Ok(self.documents.len() - 1)
    }

    /// An empty batch; with `keep_plain` it keeps compressed documents also as they are without compression, because
    /// somebody will look into them.
    pub fn new(keep_plain: bool) -> Self {
        DocumentBatch {
            keeps_plain: keep_plain,
            ..DocumentBatch::default()
        }
    }

    /// Number of documents.
    pub fn len(&self) -> usize {
        self.documents.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }

    /// Bytes of all documents when they are not compressed.
    pub fn bytes(&self) -> usize {
        self.length
    }

    /// Forgets the documents, keeps the memory unless it is much.
    pub fn clear(&mut self) {
        self.documents.clear();
        for memory in [&mut self.bytes, &mut self.results] {
            memory.clear();
            give_back(memory);
        }
        self.length = 0;
        self.counts.clear();
        self.targets = DanglingTargets::default();
    }

    /// What the document at a place has become.
    ///
    /// # Errors
    /// As [`DocumentError`] tells.
    pub fn made(&self, place: usize) -> Result<RewrittenDocument<'_>, DocumentError> {
        let document = &self.documents[place];
        Ok(match &document.made {
            Ok(RewrittenRange::SamePlace { plain }) => {
                let stream = &self.bytes[document.bytes.clone()];
                match document.compressed {
                    Some(how) => RewrittenDocument::Compressed {
                        stream,
                        how,
                        plain: self.plain(plain),
                    },
                    None => RewrittenDocument::Plain(stream),
                }
            }
            Ok(RewrittenRange::Null) => RewrittenDocument::Null,
            Ok(RewrittenRange::Plain(range)) => RewrittenDocument::Plain(&self.results[range.clone()]),
            Ok(RewrittenRange::Compressed { stream, how, plain }) => RewrittenDocument::Compressed {
                stream: &self.results[stream.clone()],
                how: *how,
                plain: self.plain(plain),
            },
            Err(error) => return Err(error.clone()),
        })
    }

    fn plain(&self, range: &Option<Range<usize>>) -> Option<&[u8]> {
        range.clone().map(|range| &self.results[range])
    }

    /// What was counted, by group, in no order; a group may come more than once.
    pub fn counts(&self) -> &[(usize, Counts)] {
        &self.counts
    }

    /// Targets of the dangling references in the documents.
    pub fn dangling_targets(&self) -> &DanglingTargets {
        &self.targets
    }

    fn rewrite(&mut self, rewriter: &mut Rewriter<'_>, scratch: &mut Scratch) {
        for document in &mut self.documents {
            rewriter.set_dangling(document.dangling);
            let results = &mut self.results;
            let made = one(
                document,
                &mut self.bytes,
                results,
                self.keeps_plain,
                rewriter,
                scratch,
            );
            let failed = made.is_err();
            document.made = made;
            let counts = rewriter.take_counts();
            match self.counts.last_mut() {
                Some((group, sum)) if *group == document.group => sum.add(&counts),
                _ => self.counts.push((document.group, counts)),
            }
            if failed {
                break;
            }
        }
        self.targets = rewriter.take_dangling_targets();
    }
}

fn one(
    document: &Document,
    bytes: &mut [u8],
    results: &mut Vec<u8>,
    keep_plain: bool,
    rewriter: &mut Rewriter<'_>,
    scratch: &mut Scratch,
) -> Result<RewrittenRange, DocumentError> {
    let kept = &mut bytes[document.bytes.clone()];
    let Some(Compressed { method, length }) = document.compressed else {
        return Ok(match rewrite(rewriter, document.form, kept)? {
            Outcome::Unchanged | Outcome::InPlace => RewrittenRange::SamePlace { plain: None },
            Outcome::Null => RewrittenRange::Null,
            Outcome::Rebuilt(new) => RewrittenRange::Plain(append(results, &new)?),
        });
    };
    let Scratch { raw, compressed } = scratch;
    method.decompress(kept, length, raw)?;
    let plain = |new: &[u8], results: &mut Vec<u8>| keep_plain.then(|| append(results, new)).transpose();
    let rebuilt;
    let new = match rewrite(rewriter, document.form, raw)? {
        Outcome::Null => return Ok(RewrittenRange::Null),
        Outcome::Unchanged => {
            return Ok(RewrittenRange::SamePlace {
                plain: plain(raw, results)?,
            });
        }
        Outcome::InPlace => raw.as_slice(),
        Outcome::Rebuilt(new) => {
            rebuilt = new;
            rebuilt.as_slice()
        }
    };
    // One of another length is left to the server to compress.
    let made = if new.len() == length && method.compress_alike(kept, new, compressed)? {
        RewrittenRange::Compressed {
            stream: append(results, compressed)?,
            how: Compressed { method, length },
            plain: plain(new, results)?,
        }
    } else {
        RewrittenRange::Plain(append(results, new)?)
    };
    give_back(raw);
    give_back(compressed);
    Ok(made)
}

fn append(memory: &mut Vec<u8>, new: &[u8]) -> Result<Range<usize>, RewriteError> {
    let start = memory.len();
    let bytes = new.len();
    memory
        .try_reserve(bytes)
        .map_err(|_| RewriteError::OutOfMemory { bytes })?;
    memory.extend_from_slice(new);
    Ok(start..memory.len())
}
