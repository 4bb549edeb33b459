//! The store of the demo, and the document that it shows.

use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio_postgres::error::SqlState;

use crate::connect::session::Session;
use crate::failure::Hinted;

/// Installs the extension into the session's database and registers the store `documents` with its files in `files`.
pub(crate) async fn create_store(session: &Session, files: &Path, major: u32) -> Result<()> {
    if let Err(error) = session.execute("CREATE EXTENSION pg_clone_ext").await {
        let missing = error
            .downcast_ref::<tokio_postgres::Error>()
            .and_then(tokio_postgres::Error::code)
            .is_some_and(|code| {
                *code == SqlState::UNDEFINED_FILE || *code == SqlState::FEATURE_NOT_SUPPORTED
            });
        if missing {
            return Err(error.context(Hinted::new(
                format!("the extension is not installed for PostgreSQL {major}"),
                "Run `make demo`, or `make install PG_CONFIG=<path of pg_config>` first.",
            )));
        }
        return Err(error.context("cannot create the extension"));
    }
    let options = json!({"blobs": format!("file:{}", files.display())});
    session
        .query(
            "SELECT clone.store_create('documents', 'documents', $1::jsonb)",
            &[&options],
        )
        .await
        .context("cannot create the store")?;
    Ok(())
}

/// The document of the project with the most forms of references; the same one in source and clone.
pub(crate) async fn telling_document(session: &Session, project: &str) -> Result<Value> {
    let sql = "SELECT content FROM documents.resource WHERE project_id = $1::text::uuid AND resource_type = 'Task' \
               AND content @> '{\"identifier\": [{\"value\": \"task-1\"}]}'";
    session
        .json(sql, &[&project])
        .await?
        .pop()
        .with_context(|| format!("project {project} has no task-1"))
}
