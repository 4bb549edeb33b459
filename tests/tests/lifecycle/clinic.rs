//! A small clinic in a store of preset `documents`, with clients, members and files.

use pg_clone_tests::scratch_database::Scratch;

/// The clinic's project.
pub const CLINIC: &str = "11111111-0000-4000-8000-000000000001";
/// Its client application.
pub const CLIENT: &str = "11111111-0000-4000-8000-0000000000c1";
/// Users who are in a project of their own, as server-wide users are.
pub const ADA: &str = "22222222-0000-4000-8000-0000000000a1";
/// Another.
pub const BOB: &str = "22222222-0000-4000-8000-0000000000b1";

/// A database with the clinic. Ids of clients and memberships are preserved, members added by hand stay while their user exists.
pub async fn database() -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(&format!(
        "SELECT clone.store_create('documents', 'documents');
         SELECT clone.rule('documents', 'Client', '$.secret', 'regenerate', '{{\"hex\": 16}}', todo => 'Client/{{target_id}}: has a new secret');
         SELECT clone.preserve_ids('documents', 'Client', keep_added => true);
         SELECT clone.preserve_ids('documents', 'Member', keep_added => true, needs => '{{user,reference}}');
         ALTER TABLE documents.resource DROP CONSTRAINT resource_project_id_fkey;
         INSERT INTO documents.project (id, name) VALUES ('{CLINIC}', 'Clinic'), (gen_random_uuid(), 'Server');
         INSERT INTO documents.resource (id, project_id, resource_type, content)
         SELECT id, (SELECT id FROM documents.project WHERE name = 'Server'), 'User', jsonb_build_object('id', id)
         FROM unnest('{{{ADA},{BOB}}}'::uuid[]) id;
         INSERT INTO documents.resource (project_id, resource_type, content)
         SELECT '{CLINIC}', 'Patient', jsonb_build_object('n', n) FROM generate_series(1, 200) n;
         INSERT INTO documents.resource (project_id, resource_type, content)
         SELECT '{CLINIC}', 'Observation', jsonb_build_object('subject', jsonb_build_object('reference', 'Patient/' || id))
         FROM documents.resource WHERE resource_type = 'Patient';
         INSERT INTO documents.resource (project_id, resource_type, content)
         SELECT '{CLINIC}', 'Binary', '{{\"contentType\": \"text/plain\"}}' FROM generate_series(1, 3);
         INSERT INTO documents.resource (id, project_id, resource_type, content) VALUES
         ('{CLIENT}', '{CLINIC}', 'Client', '{{\"secret\": \"of the source\", \"name\": \"app\"}}');
         INSERT INTO documents.resource (project_id, resource_type, content) VALUES
         ('{CLINIC}', 'Member', '{{\"user\": {{\"reference\": \"User/{ADA}\"}}}}')"
    ))
    .await;
    db
}

/// Clones the clinic; `options` as SQL.
pub async fn clone(db: &Scratch, options: &str) -> String {
    db.clone_project(&format!("'{CLINIC}', 'Staging', options => {options}"))
        .await
}

/// A clone, and one that takes its place.
pub async fn refresh(db: &Scratch, staging: &str) -> String {
    clone(db, &format!("'{{\"replace\": \"{staging}\"}}'")).await
}
