//! How fast one member of a document is found: a FHIR-like document of short strings, and one with a long text.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pg_clone_core::edit::member;
use std::hint::black_box;

/// An Observation as a FHIR server stores it, about 1.1 kB, its `meta` last.
fn observation() -> String {
    let id = "5b0f6c1e-8d5c-4c0e-9d51-2f6f3a6f5b11";
    let version = "0c9d3f0e-2f43-4e4b-9a11-6d0f2b7a8c22";
    format!(
        concat!(
            r#"{{"resourceType":"Observation","status":"final","category":[{{"coding":[{{"system":"#,
            r#""http://terminology.hl7.org/CodeSystem/observation-category","code":"vital-signs"}}]}}],"#,
            r#""code":{{"coding":[{{"system":"http://loinc.org","code":"8867-4","display":"Heart rate"}}],"#,
            r#""text":"Heart rate"}},"subject":{{"reference":"Patient/{id}","display":"Given Family"}},"#,
            r#""encounter":{{"reference":"Encounter/{id}"}},"effectiveDateTime":"2024-05-01T08:30:00Z","#,
            r#""performer":[{{"reference":"Practitioner/{id}"}}],"valueQuantity":{{"value":72.5,"unit":"/min","#,
            r#""system":"http://unitsofmeasure.org","code":"/min"}},"id":"{id}","meta":{{"versionId":"{version}","#,
            r#""lastUpdated":"2024-05-01T08:30:01.000Z","author":{{"reference":"ClientApplication/{id}"}},"#,
            r#""project":"{id}","compartment":[{{"reference":"Project/{id}"}},{{"reference":"Patient/{id}"}}]}}}}"#,
        ),
        id = id,
        version = version
    )
}

fn find(criterion: &mut Criterion) {
    let short = observation();
    let note = "A longer narrative, <div>with \\\"quoted\\\" markup</div>. ".repeat(40);
    let long = short.replacen("\"status\"", &format!("\"text\":\"{note}\",\"status\""), 1);
    for (name, document) in [("observation", &short), ("observation_with_narrative", &long)] {
        let mut group = criterion.benchmark_group("member");
        group.throughput(Throughput::Bytes(document.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter(|| member::string(black_box(document.as_bytes()), &["meta", "versionId"]).is_some());
        });
        group.finish();
    }
}

criterion_group!(benches, find);
criterion_main!(benches);
