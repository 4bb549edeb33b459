//! A database with a project that the driver can clone, and the driver on it.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

use crate::blob_queue::{pg_clone_binary, said};
use crate::scratch_database::{Scratch, cluster};

/// The project.
pub const PROJECT: &str = "00000000-0000-4000-8000-000000000001";

/// A database with the store `documents`, a project of `resources` documents and a file for the first of them.
pub struct Source {
    /// The database.
    pub database: Scratch,
    /// Where its files are.
    pub files: PathBuf,
    /// How others reach it.
    pub dsn: String,
}

impl Source {
    /// A source with this number of resources.
    pub async fn with_resources(resources: u32) -> Self {
        let database = Scratch::with_extension().await;
        let files =
            std::env::temp_dir().join(format!("pg_clone-test-{}-{}", std::process::id(), database.name));
        let _ = std::fs::create_dir_all(files.join(PROJECT));
        let options = serde_json::json!({"blobs": format!("file:{}", files.display())});
        database
            .run(&format!(
                "SELECT clone.store_create('documents', 'documents', '{options}')"
            ))
            .await;
        database
            .run(&format!(
                "INSERT INTO documents.project (id, name) VALUES ('{PROJECT}', 'Source');
                 INSERT INTO documents.resource (id, project_id, resource_type, content)
                 SELECT md5(n::text)::uuid, '{PROJECT}', CASE n WHEN 1 THEN 'Binary' ELSE 'Note' END,
                        jsonb_build_object('id', md5(n::text)::uuid, 'about', 'Note/' || md5((n - 1)::text)::uuid)
                 FROM generate_series(1, {resources}) AS n"
            ))
            .await;
        let first = database.text("SELECT md5('1')::uuid").await;
        let _ = std::fs::write(files.join(PROJECT).join(first), "a file");
        let dsn = cluster().await.dsn(&database.name);
        Self { database, files, dsn }
    }

    /// Runs `pg_clone`.
    pub fn pg_clone(&self, arguments: &[&str]) -> Output {
        match self.command(arguments).output() {
            Ok(output) => output,
            Err(error) => panic!("pg_clone does not start: {error}"),
        }
    }

    /// `pg_clone …` on this database.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(pg_clone_binary());
        command
            .arg("--dsn")
            .arg(&self.dsn)
            .args(arguments)
            .stdin(Stdio::null());
        command
    }

    /// How many runs there are.
    pub async fn runs(&self) -> i64 {
        self.database.number("SELECT count(*) FROM clone.run").await
    }

    /// The states of the queued files, between commas.
    pub async fn file_states(&self) -> String {
        self.database
            .text("SELECT string_agg(state, ',') FROM clone.blob_copy")
            .await
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.files);
    }
}

/// The document on standard output.
pub fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", said(output)))
}
