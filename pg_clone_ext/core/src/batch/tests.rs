use super::*;
use crate::compressed::{CompressedError, Method};
use crate::ids::{Id, IdVersion, NewIds, uuid_text};
use crate::ids::{IdMap, TextIdMap};
use crate::rewrite::{Dangling, IdPaths, Rewriter};
use crate::worker_thread::WorkerThread;
use std::collections::VecDeque;
use std::sync::Arc;

fn id(n: u128) -> Id {
    n.wrapping_mul(0x1234_5678_9abc_def1_2345_6789_abcd_ef13)
        .to_be_bytes()
}

#[derive(Clone)]
struct Maps {
    ids: Arc<IdMap>,
    texts: Arc<TextIdMap>,
    id_paths: Arc<IdPaths>,
}

fn start(maps: &Maps) -> WorkerThread<DocumentBatch> {
    let maps = maps.clone();
    WorkerThread::start(move |queue| {
        let mut rewriter = rewriter(&maps);
        queue.serve(|batch| rewriter.rewrite(batch));
    })
    .unwrap()
}

/// A map of the ids 1 to 9, of which 8 and 9 are not cloned.
fn maps() -> Maps {
    let mut ids = IdMap::new(NewIds::new(IdVersion::V7, 1_700_000_000_000, [7; 16]), usize::MAX);
    for n in 1..8 {
        ids.insert_cloned(id(n)).unwrap();
    }
    ids.insert_not_cloned(id(8)).unwrap();
    ids.insert_not_cloned(id(9)).unwrap();
    Maps {
        ids: Arc::new(ids),
        texts: Arc::new(TextIdMap::new(usize::MAX)),
        id_paths: Arc::new(IdPaths::new()),
    }
}

fn document(n: u128) -> String {
    let reference = |n| {
        format!(
            r#"{{"reference":"Patient/{}","note":"a note on it"}}"#,
            uuid_text::to_string(&id(n))
        )
    };
    let references: Vec<String> = (n..n + 20).map(|n| reference(1 + n % 12)).collect();
    format!("[{}]", references.join(","))
}

/// What the rewriter makes of it without any of this.
fn expected(maps: &Maps, document: &str, dangling: Dangling) -> Vec<u8> {
    let mut bytes = document.as_bytes().to_vec();
    let mut rewriter = Rewriter::new(&maps.ids, &maps.texts, dangling);
    match rewriter.json_text(&mut bytes).unwrap() {
        crate::rewrite::Outcome::Unchanged | crate::rewrite::Outcome::InPlace => bytes,
        crate::rewrite::Outcome::Rebuilt(new) => new,
        crate::rewrite::Outcome::Null => panic!("no document is a reference"),
    }
}

fn rewriter(maps: &Maps) -> BatchRewriter<'_> {
    BatchRewriter::new(&maps.ids, &maps.texts, &maps.id_paths)
}

fn push(batch: &mut DocumentBatch, document: &str, dangling: Dangling, method: Option<Method>) -> usize {
    let compressed = method.map(|method| Compressed {
        method,
        length: document.len(),
    });
    let bytes = match method {
        Some(_) => lz4_flex::block::compress(document.as_bytes()),
        None => document.as_bytes().to_vec(),
    };
    batch
        .push(DocumentFormat::Text, compressed, dangling, 0, &bytes)
        .unwrap()
}

/// What the document at a place has become, decompressed.
fn made(batch: &DocumentBatch, place: usize) -> Vec<u8> {
    match batch.made(place).unwrap() {
        RewrittenDocument::Plain(bytes) => bytes.to_vec(),
        RewrittenDocument::Compressed { stream, how, .. } => {
            let mut raw = Vec::new();
            how.method.decompress(stream, how.length, &mut raw).unwrap();
            raw
        }
        RewrittenDocument::Null => panic!("no document is a reference"),
    }
}

#[test]
fn a_batch_makes_what_the_rewriter_makes() {
    let maps = maps();
    for dangling in [Dangling::Keep, Dangling::Null] {
        for method in [None, Some(Method::Lz4)] {
            let mut batch = DocumentBatch::default();
            for n in 0..30 {
                push(&mut batch, &document(n), dangling, method);
            }
            let other = r#"["nothing","of","the source","nothing","of","the source"]"#;
            let other_place = push(&mut batch, other, dangling, method);
            rewriter(&maps).rewrite(&mut batch);
            for n in 0..30 {
                let place = usize::try_from(n).unwrap();
                assert_eq!(
                    made(&batch, place),
                    expected(&maps, &document(n), dangling),
                    "{n} {dangling:?}"
                );
            }
            assert_eq!(made(&batch, other_place), other.as_bytes());
        }
    }
}

#[test]
fn a_document_that_keeps_its_length_stays_compressed() {
    let maps = maps();
    let mut batch = DocumentBatch::default();
    let place = push(&mut batch, &document(1), Dangling::Keep, Some(Method::Lz4));
    rewriter(&maps).rewrite(&mut batch);
    assert!(matches!(
        batch.made(place),
        Ok(RewrittenDocument::Compressed { plain: None, .. })
    ));
}

#[test]
fn counts_go_to_their_groups_and_targets_are_remembered() {
    let maps = maps();
    let one = |n| format!(r#"["{}"]"#, uuid_text::to_string(&id(n)));
    let mut batch = DocumentBatch::default();
    for (n, group) in [(1, 0), (2, 0), (8, 0), (3, 1), (9, 0)] {
        batch
            .push(
                DocumentFormat::Text,
                None,
                Dangling::Keep,
                group,
                one(n).as_bytes(),
            )
            .unwrap();
    }
    rewriter(&maps).rewrite(&mut batch);
    let counts: Vec<_> = batch
        .counts()
        .iter()
        .map(|(group, counts)| (*group, counts.rewritten, counts.dangling))
        .collect();
    assert_eq!(counts, [(0, 2, 1), (1, 1, 0), (0, 0, 1)]);
    assert_eq!(batch.dangling_targets().total(), 2);
}

#[test]
fn the_first_failure_is_told_at_its_place_and_nothing_goes_on() {
    let maps = maps();
    let mut batch = DocumentBatch::default();
    for n in [1, 8, 2] {
        let text = format!(r#"["{}"]"#, uuid_text::to_string(&id(n)));
        push(&mut batch, &text, Dangling::Error, None);
    }
    push(&mut batch, "damaged", Dangling::Keep, Some(Method::Pglz));
    rewriter(&maps).rewrite(&mut batch);
    assert!(matches!(batch.made(0), Ok(RewrittenDocument::Plain(_))));
    assert!(matches!(batch.made(1), Err(DocumentError::Rewrite(_))));
    assert_eq!(
        made(&batch, 2),
        format!(r#"["{}"]"#, uuid_text::to_string(&id(2))).into_bytes()
    );

    let mut batch = DocumentBatch::default();
    push(&mut batch, "damaged", Dangling::Keep, Some(Method::Pglz));
    rewriter(&maps).rewrite(&mut batch);
    assert_eq!(
        batch.made(0),
        Err(DocumentError::Compressed(CompressedError::Damaged))
    );
}

#[test]
fn batches_come_back_by_number_whoever_rewrote_them() {
    let maps = maps();
    let mut worker = start(&maps);
    let mut own = rewriter(&maps);
    let mut in_flight = VecDeque::new();
    for n in 0..200u128 {
        let mut batch = DocumentBatch::default();
        push(&mut batch, &document(n), Dangling::Keep, None);
        in_flight.push_back((n, worker.hand_over(batch)));
        if in_flight.len() > 4 {
            let (n, number) = in_flight.pop_front().unwrap();
            let batch = worker
                .fetch(number, &mut |batch| own.rewrite(batch), &mut || ())
                .unwrap();
            assert_eq!(made(&batch, 0), expected(&maps, &document(n), Dangling::Keep));
        }
    }
    while let Some((n, number)) = in_flight.pop_front() {
        let batch = worker
            .fetch(number, &mut |batch| own.rewrite(batch), &mut || ())
            .unwrap();
        assert_eq!(made(&batch, 0), expected(&maps, &document(n), Dangling::Keep));
    }
}

#[test]
fn the_thread_ends_with_its_owner_even_with_batches_in_flight() {
    let maps = maps();
    let mut worker = start(&maps);
    for n in 0..50 {
        let mut batch = DocumentBatch::default();
        push(&mut batch, &document(n), Dangling::Keep, None);
        worker.hand_over(batch);
    }
    drop(worker);
    assert_eq!(Arc::strong_count(&maps.ids), 1);
}

#[test]
fn a_batch_keeps_documents_without_compression_for_who_looks_into_them() {
    let maps = maps();
    let other = r#"["nothing","of","the source","nothing","of","the source"]"#;
    let mut batch = DocumentBatch::new(true);
    push(&mut batch, &document(1), Dangling::Keep, Some(Method::Lz4));
    push(&mut batch, other, Dangling::Keep, Some(Method::Lz4));
    rewriter(&maps).rewrite(&mut batch);
    let rewritten = expected(&maps, &document(1), Dangling::Keep);
    for (place, plain) in [(0, rewritten.as_slice()), (1, other.as_bytes())] {
        let made = batch.made(place).unwrap();
        assert!(
            matches!(made, RewrittenDocument::Compressed { plain: Some(kept), .. } if kept == plain),
            "{place}"
        );
    }
}

#[test]
fn a_thread_that_panics_gives_no_batch_and_no_deadlock() {
    let mut worker: WorkerThread<u8> = WorkerThread::start(|queue| {
        queue.serve(|_| panic!("a bug"));
    })
    .unwrap();
    let number = worker.hand_over(1);
    // The owner must not take it before the thread does.
    std::thread::sleep(std::time::Duration::from_millis(200));
    assert_eq!(worker.fetch(number, &mut |_| (), &mut || ()), None);
}

#[test]
fn versions_are_found_in_compressed_documents_of_both_forms() {
    let path = ["meta".to_owned(), "versionId".to_owned()];
    let text = |n| {
        format!(
            r#"{{"id":"x","meta":{{"versionId":"{}"}},"note":"seen and noted, seen and noted"}}"#,
            uuid_text::to_string(&id(n))
        )
    };
    let mut batch = VersionBatch::default();
    let mut push = |form, document: &[u8]| {
        let how = Compressed {
            method: Method::Lz4,
            length: document.len(),
        };
        batch
            .push(form, how, &lz4_flex::block::compress(document))
            .unwrap();
    };
    push(DocumentFormat::Text, text(3).as_bytes());
    push(DocumentFormat::Text, b"{\"meta\":{\"versionId\":\"7\"}}");
    let value: serde_json::Value = serde_json::from_str(&text(4)).unwrap();
    push(DocumentFormat::Jsonb, &crate::jsonb::from_value(&value).unwrap());
    VersionFinder::new(&path).find(&mut batch);
    assert_eq!(batch.into_found(), Ok(vec![id(3), id(4)]));

    let mut batch = VersionBatch::default();
    let how = Compressed {
        method: Method::Pglz,
        length: 100,
    };
    batch.push(DocumentFormat::Text, how, b"damaged").unwrap();
    VersionFinder::new(&path).find(&mut batch);
    assert!(batch.into_found().is_err());
}
