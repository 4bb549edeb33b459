//! Documents of the sample project and of its clone.

use std::collections::HashMap;

use pg_clone_tests::id_oracle::Ids;
use pg_clone_tests::sample_documents::PROJECT;
use pg_clone_tests::scratch_database::Session;
use serde_json::Value;

/// Adds a document to the project.
pub async fn add(session: &Session, id: &str, resource_type: &str, document: &str) {
    session
        .execute(
            "INSERT INTO documents.resource (id, project_id, resource_type, content) VALUES ($1::text::uuid, $2::text::uuid, $3, $4)",
            &[&id, &PROJECT, &resource_type, &serde_json::from_str::<Value>(document).unwrap()],
        )
        .await
        .unwrap_or_else(|error| panic!("{document}: {error:?}"));
}

/// Ids of the source's resources and their clones', found by a mark in the documents.
pub async fn ids(session: &Session, clone: &str) -> Ids {
    let mut new = HashMap::from([(PROJECT.to_owned(), clone.to_owned())]);
    for row in session
        .rows(&format!(
            "SELECT s.id, c.id, s.content #>> '{{meta,versionId}}', c.content #>> '{{meta,versionId}}' FROM documents.resource s JOIN documents.resource c
               ON (s.content->>'mark' = c.content->>'mark' OR s.content->>'value' = c.content->>'value'
                   OR (s.resource_type = c.resource_type AND s.resource_type IN ('Patient', 'Binary', 'DocumentReference')))
             WHERE s.project_id = '{PROJECT}' AND c.project_id = '{clone}'"
        ))
        .await
    {
        let [old, clone, old_version, new_version] = row.try_into().unwrap();
        new.insert(old.unwrap(), clone.unwrap());
        if let (Some(old), Some(clone)) = (old_version, new_version) {
            new.insert(old, clone);
        }
    }
    Ids { new }
}
