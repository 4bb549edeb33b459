//! Foreign tables: discovery reads their columns' names, not their rows, and asks what a clone needs there.

use super::super::{answer_all, open};
use crate::assert_verified;
use pg_clone_tests::scratch_database::Scratch;

const TABLES: &str = "CREATE TABLE team (id serial PRIMARY KEY, name text); INSERT INTO team (name) VALUES ('A'), ('B');
    CREATE TABLE app_user (id serial PRIMARY KEY, team_id int NOT NULL REFERENCES team, nm text); INSERT INTO app_user (team_id, nm) SELECT 1 + n % 2, 'user ' || n FROM generate_series(1, 12) n;
    CREATE EXTENSION postgres_fdw;
    DO $$ BEGIN EXECUTE format('CREATE SERVER loop FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname %L, host %L, port %L)',
        current_database(), (string_to_array(current_setting('unix_socket_directories'), ','))[1], current_setting('port')); END $$;
    CREATE USER MAPPING FOR CURRENT_USER SERVER loop;
    CREATE SCHEMA far; CREATE SEQUENCE far.number START 100; CREATE TABLE far.event (id int PRIMARY KEY, team_id int, app_user_id int);
    CREATE FOREIGN TABLE event (id int NOT NULL DEFAULT nextval('far.number'), team_id int NOT NULL, app_user_id int) SERVER loop OPTIONS (schema_name 'far');
    CREATE FOREIGN TABLE visit (id int NOT NULL DEFAULT nextval('far.number'), app_user_id int NOT NULL) SERVER loop OPTIONS (schema_name 'far', table_name 'event', updatable 'false');
    CREATE FOREIGN TABLE weather (id int, degrees int) SERVER loop OPTIONS (schema_name 'far');
    INSERT INTO far.event SELECT nextval('far.number'), team_id, id FROM app_user";

/// The store, discovered in the schema of the application only: the other one stands for another server.
async fn with_foreign_tables() -> Scratch {
    let db = Scratch::with_extension().await;
    db.run(TABLES).await;
    db.run("SELECT clone.store_create('s', 'discover', '{\"tenant\": \"team\", \"schemas\": [\"public\"]}')")
        .await;
    db
}

#[tokio::test]
async fn foreign_tables_with_rows_of_tenants_are_asked_about() {
    let db = with_foreign_tables().await;
    assert_eq!(open(&db).await, ["error public.event", "error public.visit"]);
    let failure = db.fails("SELECT project_clone('2')").await;
    assert_eq!(failure.code, "55000", "{failure:?}");
    assert!(
        failure.message.contains("event is a foreign table on server"),
        "{failure:?}"
    );
    // Rows cannot be entered into the other one: it has no other answer.
    assert_eq!(
        db.list("SELECT COALESCE(otherwise, 'none') FROM clone.store_check('s') ORDER BY subject")
            .await,
        [
            "SELECT clone.store_table('s', 'public.event', 'resource', id_column => 'id', project_column => 'team_id');",
            "none"
        ]
    );
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_verified(&db, &clone).await;
    assert_eq!(db.number("SELECT count(*) FROM far.event").await, 12);
}

#[tokio::test]
async fn rows_of_a_foreign_table_are_cloned_where_that_is_the_answer() {
    let db = with_foreign_tables().await;
    let otherwise = db
        .text("SELECT otherwise FROM clone.store_check('s') WHERE subject = 'public.event'")
        .await;
    db.run(&otherwise).await;
    db.run("SELECT clone.store_shared('s', 'visit')").await;
    // Described, its column of users is asked about as that of any table.
    assert_eq!(open(&db).await, ["error public.event.app_user_id"]);
    answer_all(&db, "answer").await;
    db.run("BEGIN ISOLATION LEVEL REPEATABLE READ").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    db.run("COMMIT").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM far.event e JOIN app_user u ON u.id = e.app_user_id AND u.team_id = e.team_id WHERE e.team_id = {clone}"))
            .await,
        6
    );
}
