//! Tables that no name and no key leads to, though a column of numbers names rows of the store.

use super::super::{answer_all, discovered, open};

const USERS: &str = "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
    CREATE TABLE app_user (id int GENERATED ALWAYS AS IDENTITY (START 4000) PRIMARY KEY, org_id int NOT NULL REFERENCES org, nm text); INSERT INTO app_user (org_id, nm) SELECT 1 + n % 2, 'u' || n FROM generate_series(1, 12) n;
    CREATE TABLE device (code text PRIMARY KEY, number bigint GENERATED ALWAYS AS IDENTITY (START 77) UNIQUE, org_id int NOT NULL REFERENCES org); INSERT INTO device (code, org_id) SELECT 'D' || n, 1 + n % 2 FROM generate_series(1, 12) n;";

#[tokio::test]
async fn rows_that_name_rows_of_tenants_by_a_number_are_not_lost() {
    for (table, column, value, rows) in [
        (
            "login_log",
            "who int",
            "SELECT id FROM app_user",
            "app_user t ON t.id = l.who",
        ),
        (
            "sess",
            "u int",
            "SELECT id FROM app_user",
            "app_user t ON t.id = l.u",
        ),
        (
            "sess",
            "app numeric(12)",
            "SELECT id FROM app_user",
            "app_user t ON t.id = l.app",
        ),
        (
            "reading",
            "dev int",
            "SELECT number FROM device",
            "device t ON t.number = l.dev",
        ),
    ] {
        let name = column.split(' ').next().unwrap();
        let db = discovered(
            &format!("{USERS} CREATE TABLE {table} (nr text PRIMARY KEY DEFAULT gen_random_uuid(), {column}, level int); INSERT INTO {table} ({name}) {value}"),
            "org",
        )
        .await;
        assert_eq!(open(&db).await, [format!("error public.{table}.{name}")]);
        answer_all(&db, "answer").await;
        let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
        assert_eq!(
            db.number(&format!(
                "SELECT count(*) FROM {table} l JOIN {rows} WHERE t.org_id = {clone}"
            ))
            .await,
            6,
            "{table} {column}"
        );
        db.run(&format!("SELECT project_delete('{clone}')")).await;
        assert_eq!(db.number(&format!("SELECT count(*) FROM {table}")).await, 12);
    }
}

#[tokio::test]
async fn small_numbers_of_shared_tables_are_not_asked_about() {
    let db = discovered(
        "CREATE TABLE org (id serial PRIMARY KEY, name text); INSERT INTO org (name) VALUES ('A'), ('B');
         CREATE TABLE app_user (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org); INSERT INTO app_user (org_id) SELECT 1 + n % 2 FROM generate_series(1, 500) n;
         CREATE TABLE plan (code text PRIMARY KEY, seats int, trial int, price int); INSERT INTO plan SELECT 'p' || n, n * 5, 7 + n / 3, n * 20 FROM generate_series(1, 12) n;
         CREATE TABLE zone (iso int PRIMARY KEY, utc int); INSERT INTO zone SELECT n, n % 24 FROM generate_series(1, 200) n",
        "org",
    )
    .await;
    assert_eq!(open(&db).await, ["note "]);
}

#[tokio::test]
async fn names_of_members_that_are_keys_are_found_beside_others() {
    let db = discovered(
        &format!(
            "{USERS} CREATE TABLE docu (id serial PRIMARY KEY, org_id int NOT NULL REFERENCES org, votes jsonb); INSERT INTO docu (org_id, votes) SELECT org_id, jsonb_build_object(id::text, 1, 'total', 3) FROM app_user"
        ),
        "org",
    )
    .await;
    answer_all(&db, "answer").await;
    let clone = db.clone_project("'2', options => '{\"verify\": true}'").await;
    assert_eq!(
        db.number(&format!("SELECT count(*) FROM docu d JOIN app_user u ON d.votes ? u.id::text AND u.org_id = d.org_id WHERE d.org_id = {clone} AND d.votes ? 'total'")).await,
        6
    );
}
