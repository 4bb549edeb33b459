//! Tells the tests which data is there, so that those that need more are reported as ignored rather than as passed.

use std::path::Path;

/// Real data that is not in the repository, and the `cfg` that says it is there.
const DATA: [(&str, &str); 2] = [
    ("medplum_data", "../../shared/data/medplum/medplum.dump"),
    ("provena_data", "../../shared/data/provena"),
];

fn main() {
    for (name, path) in DATA {
        println!("cargo::rustc-check-cfg=cfg({name})");
        println!("cargo::rerun-if-changed={path}");
        if Path::new(env!("CARGO_MANIFEST_DIR")).join(path).exists() {
            println!("cargo::rustc-cfg={name}");
        }
    }
}
