//! Bytes per second of the rewriter on one core: documents of about 1.5 kB without an id of the source, with a
//! UUID that is none, and with a hit every 200 bytes, against a map of 1,000,000 ids.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use pg_clone_core::ids::{Id, IdMap, IdVersion, NewIds, TextIdMap, uuid_text};
use pg_clone_core::jsonb;
use pg_clone_core::rewrite::{Dangling, Rewriter};
use serde_json::{Value, json};
use std::hint::black_box;

const IDS: u64 = 1_000_000;
const DOCUMENTS: u64 = 1_000;

fn source(n: u64) -> Id {
    NewIds::new(IdVersion::V4, 0, [3; 16]).at(n)
}

fn map() -> IdMap {
    let mut ids = IdMap::new(NewIds::new(IdVersion::V7, 1_700_000_000_000, [5; 16]), usize::MAX);
    for n in 0..IDS {
        ids.insert_cloned(source(n))
            .unwrap_or_else(|error| panic!("{error}"));
    }
    ids
}

/// A document of `parts` parts of about 200 bytes; `reference` says what each refers to.
fn document(n: u64, parts: u64, reference: impl Fn(u64) -> String) -> Value {
    let part = |k: u64| {
        json!({
            "code": {"coding": [{"system": "http://loinc.org", "code": format!("{}-4", n * k % 99_999)}]},
            "effectiveDateTime": "2024-02-29T12:30:00.000Z",
            "value": k as f64 / 8.0,
            "subject": {"reference": reference(k)},
        })
    };
    json!({"resourceType": "Bundle", "entry": (0..parts).map(part).collect::<Vec<_>>()})
}

fn scattered(n: u64, k: u64) -> u64 {
    (n * 31 + k).wrapping_mul(0x9e37_79b9_7f4a_7c15) % IDS
}

fn benches(criterion: &mut Criterion) {
    let ids = map();
    let texts = TextIdMap::new(0);
    type Shape<'a> = (&'a str, u64, &'a dyn Fn(u64, u64) -> String);
    let shapes: [Shape<'_>; 5] = [
        ("no uuid", 7, &|n, k| {
            format!("Patient/number-{n}-and-{k}-of-the-old-system")
        }),
        ("unknown uuid", 7, &|n, k| {
            format!("Patient/{}", uuid_text::to_string(&source(IDS + n * 7 + k)))
        }),
        ("hit every 200 bytes", 7, &|n, k| {
            format!("Patient/{}", uuid_text::to_string(&source(scattered(n, k))))
        }),
        ("50 kB, no uuid", 240, &|n, k| {
            format!("Patient/number-{n}-and-{k}-of-the-old-system")
        }),
        ("50 kB, hit every 200 bytes", 240, &|n, k| {
            format!("Patient/{}", uuid_text::to_string(&source(scattered(n, k))))
        }),
    ];
    for (name, parts, reference) in shapes {
        let count = if parts > 100 { 40 } else { DOCUMENTS };
        let values: Vec<Value> = (0..count)
            .map(|n| document(n, parts, |k| reference(n, k)))
            .collect();
        let texts_in: Vec<Vec<u8>> = values
            .iter()
            .map(|value| value.to_string().into_bytes())
            .collect();
        let payloads: Vec<Vec<u8>> = values
            .iter()
            .map(|value| jsonb::from_value(value).unwrap_or_else(|error| panic!("{error}")))
            .collect();
        let mut group = criterion.benchmark_group(name);
        group.sample_size(20);
        let mut run = |kind: &str, documents: &[Vec<u8>], is_jsonb: bool| {
            group.throughput(Throughput::Bytes(
                documents.iter().map(|document| document.len() as u64).sum(),
            ));
            let mut rewriter = Rewriter::new(&ids, &texts, Dangling::Keep);
            group.bench_function(kind, |bencher| {
                bencher.iter_batched_ref(
                    || documents.to_vec(),
                    |documents| {
                        for document in documents {
                            let outcome = if is_jsonb {
                                rewriter.jsonb(document)
                            } else {
                                rewriter.json_text(document)
                            };
                            let _ = black_box(outcome);
                        }
                    },
                    BatchSize::LargeInput,
                );
            });
        };
        run("text", &texts_in, false);
        run("jsonb", &payloads, true);
        group.finish();
    }
}

criterion_group!(rewrite, benches);
criterion_main!(rewrite);
