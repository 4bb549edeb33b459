//! Documents that are rewritten together.

use super::document::{Compressed, DocumentError, DocumentFormat};
use super::give_back;
use crate::edit::{EditError, prune};
use crate::ids::{IdMap, TextIdMap};
use crate::rewrite::{Counts, Dangling, DanglingTargets, IdPaths, Outcome, RewriteError, Rewriter};
use std::ops::Range;

/// A document of a batch.
struct Document {
    form: DocumentFormat,
    compressed: Option<Compressed>,
    dangling: Dangling,
    /// The group under which its counts are added up.
    group: usize,
    bytes: Range<usize>,
    made: Result<RewrittenRange, DocumentError>,
}

/// The rewritten form of a document; ranges refer to the batch's results.
enum RewrittenRange {
    /// The new bytes at the place of the old ones, compressed by the same method.
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

/// The rewritten form of a document.
#[derive(Debug, PartialEq, Eq)]
pub enum RewrittenDocument<'b> {
    /// NULL: the document is a dangling reference, and the call sets these to null.
    Null,
    /// These bytes.
    Plain(&'b [u8]),
    /// A compressed document.
    Compressed {
        /// The compressed bytes.
        stream: &'b [u8],
        /// How they are compressed.
        how: Compressed,
        /// The uncompressed document, if the batch keeps it.
        plain: Option<&'b [u8]>,
    },
}

/// Documents with all that is needed to rewrite them, and their rewritten forms.
#[derive(Default)]
pub struct DocumentBatch {
    bytes: Vec<u8>,
    results: Vec<u8>,
    documents: Vec<Document>,
    /// Bytes of the uncompressed documents.
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

    /// Rewrites the documents of a batch; stops at the first error.
    pub fn rewrite(&mut self, batch: &mut DocumentBatch) {
        batch.rewrite(&mut self.rewriter, &mut self.scratch);
    }
}

impl DocumentBatch {
    /// Adds a document; returns its place. Its counts are added up under `group`.
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

    /// An empty batch; with `keep_plain` it also keeps the uncompressed form of compressed documents, for callers that
    /// read them.
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

    /// Bytes of all documents, uncompressed.
    pub fn bytes(&self) -> usize {
        self.length
    }

    /// Removes the documents; keeps the memory unless it is large.
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

    /// The rewritten form of the document at a place.
    ///
    /// # Errors
    /// [`DocumentError`].
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

    /// The counts by group, in no order; a group may occur more than once.
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
    // The server compresses a document of another length.
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

/// Rewrites an uncompressed document. If references were removed from JSON text, objects that held nothing else are
/// removed too.
fn rewrite(
    rewriter: &mut Rewriter<'_>,
    form: DocumentFormat,
    document: &mut [u8],
) -> Result<Outcome, DocumentError> {
    match form {
        DocumentFormat::Jsonb => Ok(rewriter.jsonb(document)?),
        DocumentFormat::Text if document.is_empty() => Ok(Outcome::Unchanged),
        DocumentFormat::Text => {
            let removed = rewriter.counts().removed;
            let outcome = rewriter.json_text(document)?;
            if rewriter.counts().removed > removed {
                pruned(outcome)
            } else {
                Ok(outcome)
            }
        }
    }
}

fn pruned(outcome: Outcome) -> Result<Outcome, DocumentError> {
    let Outcome::Rebuilt(document) = outcome else {
        return Ok(outcome);
    };
    let text = std::str::from_utf8(&document).map_err(|error| EditError::Malformed(error.to_string()))?;
    Ok(Outcome::Rebuilt(match prune::empties(text)? {
        Some(pruned) => pruned.into_bytes(),
        None => document,
    }))
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
