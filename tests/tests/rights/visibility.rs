//! A role sees its own runs, jobs, dangling references and files; an operator sees all.

use pg_clone_tests::sample_documents::{PROJECT, with_observations};
use pg_clone_tests::scratch_database::{Scratch, Session};

const COUNTS: [(&str, &str); 6] = [
    ("run", "1"),
    ("run_table", "4"),
    ("run_dangling", "1"),
    ("blob_copy", "1"),
    ("blob_status", "1"),
    ("job", "1"),
];

async fn role(db: &Scratch, name: &str, allow: &str) -> Session {
    db.run(&format!(
        "DROP ROLE IF EXISTS {name}; CREATE ROLE {name} LOGIN; SELECT clone.allow('{name}'{allow});
         GRANT USAGE ON SCHEMA documents TO {name}; GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA documents TO {name}"
    ))
    .await;
    db.session_as(name).await
}

async fn clones(session: &Session, secret: &str) {
    session
        .run(&format!(
            "SELECT project_clone('{PROJECT}', '{secret}', exclude_ids => '{{22222222-2222-4222-8222-000000000003}}'),
                    project_clone_start('{PROJECT}', '{secret}')"
        ))
        .await;
}

async fn sees(session: &Session, times: i64) {
    for (view, count) in COUNTS {
        let expected = times * count.parse::<i64>().unwrap();
        assert_eq!(
            session
                .number(&format!("SELECT count(*) FROM clone.{view}"))
                .await,
            expected,
            "rows of clone.{view}"
        );
    }
}

#[tokio::test]
async fn a_role_sees_its_own_runs_and_an_operator_those_of_all() {
    let db = with_observations(3).await;
    db.run(
        "UPDATE documents.resource SET content = content || '{\"other\": \"Patient/22222222-2222-4222-8222-000000000003\"}' WHERE resource_type = 'Patient';
         UPDATE clone.store SET options = options || '{\"blobs\": \"file:/tmp\"}'",
    )
    .await;
    let first = role(&db, "sees_first", "").await;
    let second = role(&db, "sees_second", "").await;
    let third = role(&db, "sees_third", "").await;
    let operator = role(&db, "sees_all_of_it", ", operator => true").await;
    clones(&first, "SECRET-OF-FIRST").await;
    clones(&second, "SECRET-OF-SECOND").await;
    sees(&first, 1).await;
    sees(&second, 1).await;
    sees(&third, 0).await;
    sees(&operator, 2).await;
    sees(&db, 2).await;

    // A function in the condition is called for no row of another.
    third
        .run(
            "CREATE FUNCTION pg_temp.tell(name text, arguments jsonb) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS
             $$ BEGIN RAISE EXCEPTION 'seen: % %', name, arguments; END $$;
             SELECT * FROM clone.run WHERE pg_temp.tell(name, arguments);
             SELECT * FROM clone.job WHERE pg_temp.tell(source_project, arguments)",
        )
        .await;

    // A member sees what the group has made.
    db.run("GRANT sees_first TO sees_third").await;
    sees(&third, 1).await;

    // Of the same name, but not the same role.
    drop(first);
    db.run("DROP OWNED BY sees_first; DROP ROLE sees_first").await;
    let namesake = role(&db, "sees_first", "").await;
    sees(&namesake, 0).await;
    sees(&operator, 2).await;
    db.run(
        "DROP OWNED BY sees_first, sees_second, sees_third, sees_all_of_it;
         DROP ROLE sees_first, sees_second, sees_third, sees_all_of_it",
    )
    .await;
}
