//! Assertions about complete clones and about failed ones.

use pg_clone_tests::sample_documents::PROJECT;
use pg_clone_tests::scratch_database::Session;

/// Resources of the sample project with `observations` observations.
pub const fn resources(observations: u32) -> i64 {
    observations as i64 + 3
}

/// No project but the source's, no resource but its own, no run, no file.
pub async fn assert_no_trace(session: &Session, resources: i64) {
    assert_eq!(session.number("SELECT count(*) FROM documents.project").await, 1);
    assert_eq!(
        session.number("SELECT count(*) FROM documents.resource").await,
        resources
    );
    for table in ["run", "run_table", "run_dangling", "blob_copy"] {
        assert_eq!(
            session
                .number(&format!("SELECT count(*) FROM clone.{table}"))
                .await,
            0,
            "{table}"
        );
    }
}

/// A clone with this id is complete and consistent.
pub async fn assert_whole(session: &Session, clone: &str, resources: i64) {
    assert_eq!(
        session
            .number(&format!(
                "SELECT count(*) FROM documents.project WHERE id = '{clone}'"
            ))
            .await,
        1
    );
    assert_eq!(
        session
            .number(&format!(
                "SELECT count(*) FROM documents.resource WHERE project_id = '{clone}'"
            ))
            .await,
        resources
    );
    assert_eq!(
        session
            .number(&format!(
                "SELECT count(*) FROM documents.resource r WHERE r.project_id = '{clone}'
                 AND (content->>'id' <> id::text OR content #>> '{{meta,project}}' <> '{clone}'
                      OR content #>> '{{subject,reference}}' <> (SELECT 'Patient/' || p.id FROM documents.resource p WHERE p.project_id = '{clone}' AND resource_type = 'Patient'))"
            ))
            .await,
        0
    );
    assert_eq!(
        session
            .number(&format!(
                "SELECT count(*) FROM clone.run WHERE target_project = '{clone}'"
            ))
            .await,
        1
    );
}

pub fn call() -> String {
    format!("SELECT project_clone('{PROJECT}', 'Copy')->>'id'")
}

/// A trigger that refuses the row in the middle, so that a clone fails after much has been written.
pub const REFUSE_ONE: &str = r"
    CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF (NEW.content->>'value')::int = 1500 THEN RAISE EXCEPTION 'refused' USING ERRCODE = 'P0001'; END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON documents.resource FOR EACH ROW EXECUTE FUNCTION public.refuse()";
