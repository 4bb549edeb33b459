//! The manifest of the archives that tests write.

use clone_archive::{Manifest, Table};

pub fn manifest_of(tables: Vec<Table>) -> Manifest {
    Manifest {
        created_at: "2026-01-01 00:00:00+00".to_owned(),
        created_by: "anna".to_owned(),
        server_version: "15.1".to_owned(),
        extension_version: None,
        store: "app".to_owned(),
        preset: "custom".to_owned(),
        project: "p".to_owned(),
        fingerprint: Manifest::fingerprint_of(&tables),
        tables,
        with_files: true,
        blobs: None,
        shared: Vec::new(),
    }
}
