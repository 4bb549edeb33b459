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

#[tokio::test]
async fn a_clone_of_a_store_that_a_role_may_not_read_looks_like_any_other_id() {
    let db = Scratch::with_extension().await;
    let clone = "b1000000-0000-4000-8000-0000000000ff";
    for (name, first) in [("open", "a"), ("closed", "b")] {
        db.run(&format!(
            "CREATE SCHEMA {name}; CREATE TABLE {name}.org (id uuid PRIMARY KEY, name text);
             CREATE TABLE {name}.item (id bigserial PRIMARY KEY, org_id uuid NOT NULL REFERENCES {name}.org);
             INSERT INTO {name}.org VALUES ('{first}1000000-0000-4000-8000-000000000001', 'Org');
             SELECT clone.store_create('{name}', 'custom');
             SELECT clone.store_table('{name}', '{name}.org', 'project');
             SELECT clone.store_table('{name}', '{name}.item', 'resource', project_column => 'org_id')"
        ))
        .await;
    }
    db.run(&format!(
        "SELECT project_clone('b1000000-0000-4000-8000-000000000001', options => '{{\"target\": \"{clone}\"}}');
         DROP ROLE IF EXISTS sees_open; CREATE ROLE sees_open LOGIN; SELECT clone.allow('sees_open');
         GRANT USAGE ON SCHEMA open, closed TO sees_open; GRANT ALL ON ALL TABLES IN SCHEMA open TO sees_open"
    ))
    .await;
    let policies = "GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA closed TO sees_open; ALTER TABLE closed.org ENABLE ROW LEVEL SECURITY";
    for hidden in ["SELECT 1", policies] {
        db.run(hidden).await;
        let role = db.session_as("sees_open").await;
        for call in [
            "SELECT project_delete('{}')",
            "SELECT project_delete('{}', options => '{\"dry_run\": true}')",
            "SELECT clone.set_expiry('{}', '1 day')",
            "SELECT * FROM project_clone_verify('{}')",
            "SELECT project_clone('{}')",
        ] {
            let other = "b1000000-0000-4000-8000-0000000000fe";
            let told = role.fails(&call.replace("{}", clone)).await;
            let unknown = role.fails(&call.replace("{}", other)).await;
            assert_eq!(told.code, unknown.code, "{call}: {told:?}");
            assert_eq!(told.message.replace(clone, other), unknown.message, "{call}");
            assert_eq!(
                (&told.detail, &told.hint),
                (&unknown.detail, &unknown.hint),
                "{call}"
            );
        }
    }
}
