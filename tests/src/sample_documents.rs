//! A small project in a store `documents`, for tests that look at the calls rather than at the data.

use crate::scratch_database::Scratch;

/// The project.
pub const PROJECT: &str = "11111111-1111-4111-8111-111111111111";
/// A patient of the project; the observations are about her.
pub const PATIENT: &str = "abcdef22-2222-4222-8222-000000000001";

/// A database with the extension, a store `documents`, and a project of 1 Patient, `observations` Observations of it, 1
/// Binary and 1 DocumentReference to that.
///
/// # Panics
/// When it cannot be made.
pub async fn with_observations(observations: u32) -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        r#"SELECT clone.store_create('documents', 'documents');
           INSERT INTO documents.project (id, name, content) VALUES ('{PROJECT}', 'Source', '{{"id": "{PROJECT}"}}');
           INSERT INTO documents.resource (id, project_id, resource_type, content)
           SELECT r.id, '{PROJECT}', r.type, r.rest || jsonb_build_object('id', r.id, 'meta', jsonb_build_object('project', '{PROJECT}', 'versionId', md5('v' || r.id)::uuid))
           FROM (
               SELECT '{PATIENT}'::uuid, 'Patient', '{{"name": "Ada"}}'::jsonb
               UNION ALL SELECT '22222222-2222-4222-8222-000000000002', 'Binary', '{{"contentType": "text/plain"}}'
               UNION ALL SELECT '22222222-2222-4222-8222-000000000003', 'DocumentReference', '{{"content": {{"url": "Binary/22222222-2222-4222-8222-000000000002"}}}}'
               UNION ALL SELECT md5('o' || i)::uuid, 'Observation', jsonb_build_object('value', i, 'subject', '{{"reference": "Patient/{PATIENT}"}}'::jsonb)
               FROM generate_series(1, {observations}) i
           ) AS r (id, type, rest)"#
    ))
    .await;
    db
}
