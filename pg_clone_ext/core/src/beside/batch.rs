//! Documents that are rewritten together.

use super::document::{Compressed, DocumentError, Form, rewrite};
use crate::rewrite::{Counts, Dangling, DanglingTargets, Outcome, RewriteError, Rewriter};
use std::ops::Range;

/// A document of a batch.
struct Document {
    form: Form,
    compressed: Option<Compressed>,
    dangling: Dangling,
    /// Under which its counts are added up.
    group: usize,
    bytes: Range<usize>,
    made: Result<Becomes, DocumentError>,
}

/// What a document has become; ranges are those of the batch's results.
enum Becomes {
    /// What now stands in the place of its bytes, compressed as those were.
    SamePlace,
    Null,
    Plain(Range<usize>),
    Compressed(Range<usize>, Compressed),
}

/// What a document has become.
#[derive(Debug, PartialEq, Eq)]
pub enum Made<'b> {
    /// It is a dangling reference that shall not stay.
    Null,
    /// These bytes.
    Plain(&'b [u8]),
    /// These bytes, compressed.
    Compressed(&'b [u8], Compressed),
}

/// Documents with all that is needed to rewrite them, and what they have become.
#[derive(Default)]
pub struct Batch {
    bytes: Vec<u8>,
    results: Vec<u8>,
    documents: Vec<Document>,
    /// Bytes of the documents when they are not compressed.
    length: usize,
    counts: Vec<(usize, Counts)>,
    targets: DanglingTargets,
}

/// Working memory that outlives a batch.
#[derive(Default)]
pub(super) struct Workbench {
    raw: Vec<u8>,
    compressed: Vec<u8>,
}

/// Working memory that is kept from one document to the next; what a larger one needed is given back.
const KEPT: usize = 1 << 20;

impl Batch {
    /// Adds a document; returns its place. `group` is what its counts are added up under.
    ///
    /// # Errors
    /// [`RewriteError::OutOfMemory`].
    pub fn push(
        &mut self,
        form: Form,
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
            made: Ok(Becomes::SamePlace),
        });
        Ok(self.documents.len() - 1)
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
            memory.shrink_to(KEPT);
        }
        self.length = 0;
        self.counts.clear();
        self.targets = DanglingTargets::default();
    }

    /// What the document at a place has become.
    ///
    /// # Errors
    /// As [`DocumentError`] tells.
    pub fn made(&self, place: usize) -> Result<Made<'_>, DocumentError> {
        let document = &self.documents[place];
        Ok(match &document.made {
            Ok(Becomes::SamePlace) => {
                let bytes = &self.bytes[document.bytes.clone()];
                match document.compressed {
                    Some(how) => Made::Compressed(bytes, how),
                    None => Made::Plain(bytes),
                }
            }
            Ok(Becomes::Null) => Made::Null,
            Ok(Becomes::Plain(range)) => Made::Plain(&self.results[range.clone()]),
            Ok(Becomes::Compressed(range, how)) => Made::Compressed(&self.results[range.clone()], *how),
            Err(error) => return Err(error.clone()),
        })
    }

    /// What was counted, by group, in no order; a group may come more than once.
    pub fn counts(&self) -> &[(usize, Counts)] {
        &self.counts
    }

    /// Targets of the dangling references in the documents.
    pub fn dangling_targets(&self) -> &DanglingTargets {
        &self.targets
    }

    /// Rewrites the documents; at the first that fails it stops.
    pub(super) fn rewrite(&mut self, rewriter: &mut Rewriter<'_>, workbench: &mut Workbench) {
        for document in &mut self.documents {
            rewriter.set_dangling(document.dangling);
            let made = one(document, &mut self.bytes, &mut self.results, rewriter, workbench);
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
    rewriter: &mut Rewriter<'_>,
    workbench: &mut Workbench,
) -> Result<Becomes, DocumentError> {
    let kept = &mut bytes[document.bytes.clone()];
    let Some(Compressed { method, length }) = document.compressed else {
        return Ok(match rewrite(rewriter, document.form, kept)? {
            Outcome::Unchanged | Outcome::InPlace => Becomes::SamePlace,
            Outcome::Null => Becomes::Null,
            Outcome::Rebuilt(new) => Becomes::Plain(append(results, &new)?),
        });
    };
    let Workbench { raw, compressed } = workbench;
    method.decompress(kept, length, raw)?;
    let rebuilt;
    let new = match rewrite(rewriter, document.form, raw)? {
        Outcome::Unchanged => return Ok(Becomes::SamePlace),
        Outcome::Null => return Ok(Becomes::Null),
        Outcome::InPlace => raw.as_slice(),
        Outcome::Rebuilt(new) => {
            rebuilt = new;
            rebuilt.as_slice()
        }
    };
    // One of another length is left to the server to compress.
    let made = if new.len() == length && method.compress_alike(kept, new, compressed)? {
        Becomes::Compressed(append(results, compressed)?, Compressed { method, length })
    } else {
        Becomes::Plain(append(results, new)?)
    };
    for memory in [raw, compressed] {
        memory.clear();
        memory.shrink_to(KEPT);
    }
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
