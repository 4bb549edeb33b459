//! Compressed documents: rewritten without a new compression, and equal to the server's own form.

use pg_clone_tests::sample_documents::{PATIENT, PROJECT, with_observations};
use pg_clone_tests::scratch_database::Scratch;

/// Adds 60 documents of 20 kB that are compressed, kept in the row or out of line, with many references each.
async fn with_reports(method: &str) -> Scratch {
    let db = with_observations(1).await;
    db.run(&format!(
        r#"ALTER TABLE documents.resource ALTER content SET COMPRESSION {method};
           INSERT INTO documents.resource (id, project_id, resource_type, content)
           SELECT md5('r' || n)::uuid, '{PROJECT}', 'Report', jsonb_build_object('id', md5('r' || n)::uuid, 'mark', n,
               'meta', jsonb_build_object('versionId', md5('rv' || n)::uuid, 'project', '{PROJECT}'),
               'entries', (SELECT jsonb_agg(jsonb_build_object('subject', 'Patient/{PATIENT}', 'part', 'Report/' || md5('r' || 1 + (n + i) % 60)::uuid,
                   'before', 'Report/' || md5('r' || 1 + i % 60)::uuid || '/_history/' || md5('rv' || 1 + i % 60)::uuid, 'text', 'measured ' || md5(i::text)))
                   FROM generate_series(1, n * 2) i))
           FROM generate_series(1, 60) n"#
    ))
    .await;
    db
}

/// Reports of the source and of a clone, joined, in which each is compressed as the column says.
const PAIRS: &str = "FROM documents.resource s JOIN documents.resource c ON s.content->>'mark' = c.content->>'mark'
    WHERE s.resource_type = 'Report' AND s.project_id = '11111111-1111-4111-8111-111111111111' AND c.project_id =";

#[tokio::test]
async fn a_clone_of_documents_compressed_by_pglz_is_as_compressed_and_holds_the_same() {
    assert_clones_are_as_compressed("pglz").await;
}

#[tokio::test]
#[cfg_attr(not(lz4), ignore = "needs a server with LZ4")]
async fn a_clone_of_documents_compressed_by_lz4_is_as_compressed_and_holds_the_same() {
    assert_clones_are_as_compressed("lz4").await;
}

async fn assert_clones_are_as_compressed(method: &str) {
    let db = with_reports(method).await;
    for parallel in ["on", "off"] {
        db.run(&format!("SET pg_clone.parallel = {parallel}")).await;
        let clone = db.clone_project(&format!("'{PROJECT}'")).await;
        let number = |expression: &str| format!("SELECT {expression} {PAIRS} '{clone}'");
        assert_eq!(db.number(&number("count(*)")).await, 60);
        assert_eq!(
            db.number(&number("count(*) FILTER (WHERE pg_column_compression(c.content) IS DISTINCT FROM pg_column_compression(s.content))")).await,
            0,
            "{method}"
        );
        assert!(
            db.number(&number("count(pg_column_compression(c.content))"))
                .await
                > 40,
            "{method}: what is tested are compressed documents"
        );
        assert!(
            db.number(&number(
                "(100 * sum(pg_column_size(c.content)) / sum(pg_column_size(s.content)))::bigint"
            ))
            .await
                <= 110,
            "{method}: the clone takes as much room"
        );
        // With every id of the clone replaced by the source's, the documents are the same.
        let same = format!(
            "WITH pair AS (SELECT s.id AS old, c.id AS new, s.content #>> '{{meta,versionId}}' AS old_version, c.content #>> '{{meta,versionId}}' AS new_version {PAIRS} '{clone}'),
             ids AS (SELECT new::text AS new, old::text AS old FROM pair UNION ALL SELECT new_version, old_version FROM pair
                 UNION ALL SELECT '{clone}', '{PROJECT}' UNION ALL SELECT id::text, '{PATIENT}' FROM documents.resource WHERE project_id = '{clone}' AND resource_type = 'Patient')
             SELECT count(*) FROM (
                 SELECT c.id, string_agg(COALESCE(ids.old, part.text), '' ORDER BY part.number) AS back
                 FROM documents.resource c, LATERAL regexp_split_to_table(regexp_replace(c.content::text, '([0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}})', '|\\1|', 'g'), '\\|') WITH ORDINALITY AS part (text, number)
                 LEFT JOIN ids ON ids.new = part.text
                 WHERE c.project_id = '{clone}' AND c.resource_type = 'Report' GROUP BY c.id) AS clones
             JOIN documents.resource s ON s.content = clones.back::jsonb WHERE s.project_id = '{PROJECT}'"
        );
        assert_eq!(db.number(&same).await, 60, "{method}, parallel {parallel}");
    }
}

#[tokio::test]
async fn a_constraint_sees_the_new_document_though_it_is_compressed() {
    let db = with_reports("pglz").await;
    db.run("ALTER TABLE documents.resource ADD CONSTRAINT marked CHECK (resource_type <> 'Report' OR content->>'mark' IS NOT NULL)")
        .await;
    db.clone_project(&format!("'{PROJECT}'")).await;
    // True of the source's documents, not of a clone's.
    db.run(&format!(
        "DELETE FROM documents.resource WHERE project_id <> '{PROJECT}';
         ALTER TABLE documents.resource ADD CONSTRAINT own CHECK (resource_type <> 'Report' OR content #>> '{{meta,project}}' = '{PROJECT}')"
    ))
    .await;
    let failure = db.fails(&format!("SELECT project_clone('{PROJECT}')")).await;
    assert_eq!(failure.code, "23514", "{failure:?}");
    assert_eq!(
        db.number("SELECT count(DISTINCT project_id) FROM documents.resource")
            .await,
        1
    );
}
