//! A refresh in a store over custom tables: the project keeps its id, with any type of key.

use super::{answer_all, discovered, open};
use crate::{assert_verified, contents, described};

/// Types of the tenant's key, with how it gets a value and two values of it.
const KEYS: [(&str, &str, &str, &str); 12] = [
    ("bigint", "GENERATED ALWAYS AS IDENTITY", "1", "2"),
    ("int", "DEFAULT nextval('numbers')", "1", "2"),
    ("numeric(20,0)", "DEFAULT nextval('numbers')", "1", "2"),
    (
        "uuid",
        "DEFAULT gen_random_uuid()",
        "a0000000-0000-4000-8000-000000000001",
        "a0000000-0000-4000-8000-000000000002",
    ),
    ("text", "", "acme", "beta"),
    ("varchar(40)", "", "1001", "1002"),
    (
        "text",
        "",
        "a0000000-0000-4000-8000-000000000001",
        "a0000000-0000-4000-8000-000000000002",
    ),
    ("citext", "", "Acme", "beta"),
    ("code", "", "acme", "beta"),
    // The database spells these with blanks and with zeros at the end.
    ("char(40)", "", "acme", "beta"),
    (
        "char(60)",
        "",
        "A0000000-0000-4000-8000-000000000001",
        "a0000000-0000-4000-8000-000000000002",
    ),
    ("numeric(6,2)", "DEFAULT nextval('numbers')", "1.50", "2"),
];

#[tokio::test]
async fn a_refreshed_project_keeps_its_id_and_its_rows_belong_to_it() {
    for (key, default, ours, theirs) in KEYS {
        let (insert, again) = if default.contains("ALWAYS") {
            (
                "INSERT INTO org (name) VALUES ('Ours'), ('Theirs')".to_owned(),
                "2",
            )
        } else {
            (
                format!("INSERT INTO org VALUES ('{ours}', 'Ours'), ('{theirs}', 'Theirs')"),
                "1",
            )
        };
        let db = described(
            &format!(
                "CREATE EXTENSION citext; CREATE SEQUENCE numbers START 100; CREATE DOMAIN code AS text CHECK (length(VALUE) < 60);
                 CREATE TABLE org (id {key} PRIMARY KEY {default}, name text);
                 CREATE TABLE page (id bigserial PRIMARY KEY, org_id {key} NOT NULL REFERENCES org, parent bigint REFERENCES page, title text);
                 {insert}; INSERT INTO page (org_id, parent, title) VALUES ('{ours}', NULL, 'one'), ('{ours}', 1, 'two'), ('{theirs}', NULL, 'theirs')"
            ),
            "SELECT clone.store_table('s', 'org', 'project'); SELECT clone.store_table('s', 'page', 'resource', project_column => 'org_id')",
        )
        .await;
        let clone = db.clone_project(&format!("'{ours}', 'Copy'")).await;
        db.run(&format!(
            "INSERT INTO page (org_id, parent, title) VALUES ('{ours}', {again}, 'three')"
        ))
        .await;
        let others = contents(
            &db,
            &[
                "(SELECT * FROM org WHERE name <> 'Copy')",
                &format!("(SELECT * FROM page WHERE org_id <> '{clone}')"),
            ],
        )
        .await;
        let refreshed = db
            .clone_project(&format!(
                "'{ours}', 'Copy', options => '{{\"replace\": \"{clone}\"}}'"
            ))
            .await;
        assert_eq!(refreshed, clone, "{key} {ours}");
        assert_eq!(
            db.list(&format!("SELECT concat_ws(' < ', p.title, q.title) FROM page p LEFT JOIN page q ON q.id = p.parent AND q.org_id = p.org_id WHERE p.org_id = '{clone}' ORDER BY p.title")).await,
            ["one", &format!("three < {}", if again == "1" { "one" } else { "two" }), "two < one"],
            "{key} {ours}"
        );
        assert_eq!(
            contents(
                &db,
                &[
                    "(SELECT * FROM org WHERE name <> 'Copy')",
                    &format!("(SELECT * FROM page WHERE org_id <> '{clone}')")
                ]
            )
            .await,
            others
        );
        assert_verified(&db, &clone).await;
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.number("SELECT count(*) FROM org").await, 2);
        assert_eq!(db.number("SELECT count(*) FROM page").await, 4);
    }
}

#[tokio::test]
async fn a_renamed_column_is_an_error_that_says_what_to_do() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE log (id serial PRIMARY KEY, org_id int NOT NULL, about int); INSERT INTO log (org_id) SELECT 1 + n % 2 FROM generate_series(1, 10) n",
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    db.run("SELECT clone.store_reference('s', 'log', 'about', 'log')")
        .await;
    let clone = db.clone_project("'2'").await;
    for (rename, call, hint) in [
        (
            "org_id TO tenant",
            "SELECT clone.store_table('s', 'log', 'resource', project_column => 'tenant')",
            "clone.store_table('s', 'public.log', …)",
        ),
        (
            "about TO of_log",
            "SELECT clone.store_no_reference('s', 'log', 'about')",
            "SELECT clone.store_no_reference('s', 'public.log', 'about');",
        ),
    ] {
        // A description of an earlier version does not know which column it was.
        db.run(&format!(
            "UPDATE clone.store_column SET attnum = NULL; ALTER TABLE log RENAME {rename}"
        ))
        .await;
        let column = rename.split(' ').next().unwrap_or_default();
        let failure = db.fails("SELECT clone.store_refresh('s')").await;
        let message =
            format!("store \"s\" names column \"{column}\" of public.log, which does not exist any more");
        assert!(
            failure.code == "55000" && failure.message == message && failure.hint.contains(hint),
            "{failure:?}"
        );
        let questions = db
            .list("SELECT concat_ws(' ', severity, subject, question) FROM clone.store_check('s')")
            .await;
        assert!(
            questions.iter().all(|question| question
                .starts_with("error public.log the table is not as the store describes it"))
                && questions
                    .iter()
                    .any(|question| question.contains(&format!("public.log has no column {column}, which"))),
            "{questions:?}"
        );
        db.run(call).await;
        db.run("SELECT clone.store_refresh('s')").await;
    }
    db.run(&format!("SELECT project_delete('{clone}')")).await;
    assert_eq!(db.number("SELECT count(*) FROM log").await, 10);
}

#[tokio::test]
async fn a_check_says_what_a_migration_changed() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE log (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, t text, n int); INSERT INTO log (org_id) SELECT 1 + n % 2 FROM generate_series(1, 10) n",
        "org",
    )
    .await;
    assert_eq!(open(&db).await, [""; 0]);
    db.run(
        "ALTER TABLE log ADD extra int, DROP t, ALTER n TYPE bigint; ALTER TABLE log RENAME org_id TO tenant",
    )
    .await;
    let found = db
        .list("SELECT concat_ws(' ', severity, question, answer) FROM clone.store_check('s')")
        .await;
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(
        found[0].contains("column extra is new")
            && found[0].contains("column t is gone")
            && found[0].ends_with("SELECT clone.store_refresh('s');"),
        "{found:?}"
    );
    db.fails("SELECT project_clone('1')").await;
    db.run("SELECT clone.store_refresh('s')").await;
    assert_eq!(open(&db).await, [""; 0]);
    db.clone_project("'1', options => '{\"verify\": true}'").await;
    db.run("DROP TABLE log").await;
    assert_eq!(
        db.list("SELECT concat_ws(' ', severity, question, answer) FROM clone.store_check('s')")
            .await,
        [
            "error the table is not as the store describes it: table public.log is gone SELECT clone.store_remove_table('s', 'public.log');"
        ]
    );
    answer_all(&db, "answer").await;
    db.clone_project("'1'").await;
}
