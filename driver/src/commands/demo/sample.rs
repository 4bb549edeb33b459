//! The demo's project: rows from `clinic.sql`, and a file for each of its Binary resources.

use std::path::Path;

use anyhow::{Context, Result};

use crate::connect::session::Session;

const CLINIC: &str = include_str!("clinic.sql");

/// The generated project.
#[derive(Clone, Debug)]
pub(crate) struct Sample {
    pub(crate) project: String,
    pub(crate) name: String,
    pub(crate) resources: i64,
    pub(crate) types: i64,
    pub(crate) files: usize,
}

impl Sample {
    /// Fills the store `documents` with a project of `resources` resources, and `directory` with its files.
    pub(crate) async fn generate(session: &Session, resources: u32, directory: &Path) -> Result<Self> {
        session.begin().await?;
        let work = async {
            session
                .execute(&format!("SET LOCAL pg_clone_demo.resources = {resources}"))
                .await?;
            session
                .execute(CLINIC)
                .await
                .context("cannot generate the sample project")
        };
        let result = work.await;
        session.end(result).await?;
        session
            .execute("ANALYZE documents.project, documents.resource")
            .await?;

        let row = session
            .query_one(
                "SELECT p.id::text, p.name, count(*), count(DISTINCT r.resource_type) FROM documents.project p \
                 JOIN documents.resource r ON r.project_id = p.id GROUP BY p.id, p.name",
                &[],
            )
            .await?;
        let project: String = row.try_get(0)?;
        let files = write_files(session, &directory.join(&project)).await?;
        Ok(Self {
            name: row.try_get(1)?,
            resources: row.try_get(2)?,
            types: row.try_get(3)?,
            project,
            files,
        })
    }
}

/// Writes `<directory>/<binary id>`: text files of a few kilobytes.
async fn write_files(session: &Session, directory: &Path) -> Result<usize> {
    std::fs::create_dir_all(directory).with_context(|| format!("cannot make {}", directory.display()))?;
    let binaries = session
        .query(
            "SELECT id::text FROM documents.resource WHERE resource_type = 'Binary'",
            &[],
        )
        .await?;
    for row in &binaries {
        let id: String = row.try_get(0)?;
        let letter = format!("Letter {id}\n\nThe patient was seen today and is well.\n").repeat(40);
        let path = directory.join(&id);
        std::fs::write(&path, letter).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(binaries.len())
}
